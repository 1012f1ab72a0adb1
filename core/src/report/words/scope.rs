//! What a number rests on: its interval, seeds and images.

use crate::plan::{Swept, swept_words};
use crate::report::findings::finding::{ALPHA, excludes_zero, interval};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{counted, p_value};
use crate::store::EffectRow;

/// ` with epochs = 2`; empty where nothing is swept.
pub fn with_setting(swept: &Swept) -> String {
    match swept.is_empty() {
        true => String::new(),
        false => format!(" with {}", swept_words(swept)),
    }
}

/// `95 % CI 8.9 to 13.9; 3 seeds, 1,400 images`
pub fn scope(row: &EffectRow, measure: Measure) -> String {
    let range = match interval(row) {
        Some(range) => bounds(range, measure, true) + &corrected(range, row.p_adjusted),
        None => "no interval".to_owned(),
    };
    format!("{range}; {}", sample(row.seeds, row.images))
}

/// `; p = 0.120, Holm-corrected` where the correction for the size of the family takes away what the interval
/// shows; else empty.
pub fn corrected(range: (f64, f64), p_adjusted: Option<f64>) -> String {
    p_adjusted
        .filter(|p| excludes_zero(range) && *p >= ALPHA)
        .map_or(String::new(), |p| format!("; p\u{a0}= {}, Holm-corrected", p_value(p)))
}

/// `3 seeds, 1,400 images`
pub fn sample(seeds: u32, images: u64) -> String {
    let seeds = counted(u64::from(seeds), "seed");
    format!("{seeds}, {}", counted(images, "image")).replace(' ', "\u{a0}").replace(",\u{a0}", ", ")
}

/// `95 % CI 8.9 to 13.9`, or without its name where it was named before.
pub fn bounds(range: (f64, f64), measure: Measure, named: bool) -> String {
    let name = if named { "95\u{a0}% CI\u{a0}" } else { "" };
    format!("{name}{}", range_words(range, measure))
}

pub fn range_words((low, high): (f64, f64), measure: Measure) -> String {
    format!("{} to {}", measure.number(low), measure.number(high))
}

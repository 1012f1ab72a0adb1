//! What a number rests on: its interval, seeds and images.

use crate::report::findings::finding::{excludes_zero, interval, told_from_zero};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{counted, p_value};
use crate::store::EffectRow;

/// `95 %: 8.9 to 13.9; 3 seeds, 1,400 images`
pub fn scope(row: &EffectRow, measure: Measure) -> String {
    let mut parts = vec![match interval(row) {
        Some(range) => bounds(range, measure, true),
        None => "no interval is known".to_owned(),
    }];
    if let Some(p) = row
        .p_adjusted
        .filter(|_| interval(row).is_some_and(excludes_zero) && told_from_zero(row) == Some(false))
    {
        parts.push(format!("corrected for the number of regions, p\u{a0}= {}", p_value(p)));
    }
    parts.push(sample(row.seeds, row.images));
    parts.join("; ")
}

/// `3 seeds, 1,400 images`
pub fn sample(seeds: u32, images: u64) -> String {
    let seeds = counted(u64::from(seeds), "seed");
    format!("{seeds}, {}", counted(images, "image")).replace(' ', "\u{a0}").replace(",\u{a0}", ", ")
}

pub fn bounds(range: (f64, f64), measure: Measure, named: bool) -> String {
    let name = if named { "95\u{a0}%: " } else { "" };
    format!("{name}{}", range_words(range, measure))
}

pub fn range_words((low, high): (f64, f64), measure: Measure) -> String {
    format!("{} to {}", measure.number(low), measure.number(high))
}

//! The finding in one line.

use crate::region::Mode;
use crate::report::findings::finding::{
    Leader, Place, Slice, effect_significant, interval, leader,
};
use crate::report::words::measure::Measure;
use crate::report::words::phrase::{list, subject};
use crate::store::EffectRow;

use super::hiding::{conditions, costly};
use super::scope::bounds;
use super::seeing::seeing_headline;
use super::{MOST_NAMED, phase_words, uncapital};

/// A chart's title: the finding of the first slice in one line, or that there is none.
pub fn headline(slices: &[Slice<'_>], measure: Measure) -> String {
    let Some(first) = slices.first() else { return "No effects".to_owned() };
    if first.mode == Mode::Keep {
        return seeing_headline(first, measure);
    }
    match first.of_single_regions() {
        Some(single) => {
            format!("Of single regions, {}", uncapital(&hiding_headline(&single, measure)))
        }
        None => hiding_headline(first, measure),
    }
}

/// What masking costs, of rows that can be compared with each other.
fn hiding_headline(slice: &Slice<'_>, measure: Measure) -> String {
    let phase = phase_words(slice.phase, slice.several);
    let size = |row: &EffectRow| measure.rounded(row.effect.abs());
    let name = |row: &EffectRow| subject(&row.regions).words;
    if let [row] = slice.rows[..] {
        let name = name(row);
        let verb = if row.effect < 0.0 { "gains" } else { "costs" };
        return match effect_significant(row) {
            Some(true) => format!("Masking {name}{phase} {verb} {} {}", size(row), measure.unit),
            Some(false) => format!(
                "Masking {name}{phase} has no significant effect ({} {}{})",
                measure.number(row.effect),
                measure.unit,
                interval(row).map_or(String::new(), |range| format!(
                    ", {}",
                    bounds(range, measure, true).replace('\u{a0}', " ")
                ))
            ),
            None => format!("Cost of masking {name}{phase}; no interval"),
        };
    }
    let Some(Leader { row, place }) = leader(slice) else {
        return format!("Cost of masking{phase}; no result");
    };
    let noun = conditions(slice).0;
    // Where nothing is significant, the largest may well be a gain.
    let (regions, signed) = (row.regions.join(" + "), measure.rounded(row.effect));
    let largest = format!("largest estimate: {regions}, {signed} {}", measure.unit);
    let cost = format!("{} {}", size(row), measure.unit);
    if slice.rows.iter().all(|row| interval(row).is_none()) {
        return format!("Cost of masking each {noun}{phase}; no interval");
    }
    if costly(slice) == 0 {
        return format!("No significant cost of masking any {noun}{phase}; {largest}");
    }
    match place {
        Place::First => format!("Masking {}{phase} costs most: {cost}", name(row)),
        Place::Among(rivals) if rivals.len() < MOST_NAMED => {
            let rows = || std::iter::once(row).chain(rivals.iter().copied());
            let costs = measure.rounded_alike(rows().map(|row| row.effect.abs()).collect());
            let (names, costs) = (list(rows().map(name).collect(), "or"), list(costs, "and"));
            format!("Masking {names}{phase} costs most: {costs} {}", measure.unit)
        }
        Place::Among(rivals) => format!(
            "Largest cost{phase}: {}, {cost}; {} others do not differ significantly",
            row.regions.join(" + "),
            rivals.len()
        ),
        Place::Undecided => {
            format!("No {noun} differs reliably from the others{phase}; {largest}")
        }
        Place::Untested => format!("Cost of masking each {noun}{phase}; {largest}"),
    }
}

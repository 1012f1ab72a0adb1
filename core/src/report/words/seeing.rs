//! What regions tell by themselves.

use crate::plan::PhaseWords;
use crate::region::Phase;
use crate::report::findings::finding::{
    Leader, Place, Slice, count, excess_interval, excess_significant, interval, leader,
};
use crate::report::words::measure::Measure;
use crate::report::words::phrase::{list, subject};
use crate::store::EffectRow;

use super::MOST_NAMED;
use super::hiding::{PAIRED, conditions};
use super::scope::{range_words, sample};

/// What is reached where only some regions are visible, of sets and single regions by the latter; `alone` where no
/// sentence about masking went before.
pub fn seeing(slice: &Slice<'_>, measure: Measure, alone: bool) -> String {
    if let Some(single) = slice.of_single_regions() {
        return seeing(&single, measure, alone);
    }
    let Some(Leader { row, place }) = leader(slice) else {
        return format!(
            "What is reached with only one {} visible is not known: no run of it finished.",
            conditions(slice).0
        );
    };
    let within = within(row, measure, alone);
    if let [_] = slice.rows[..] {
        let visible = visible(slice, &subject(&row.regions).words);
        return format!(
            "With {visible}, {} is {}{} ({within}).",
            measure.short_name(),
            measure.amount(row.covered),
            beside_chance(row),
        );
    }
    let lead = format!("With {}", visible(slice, &format!("one {}", conditions(slice).0)));
    let named = row.regions.join(" + ");
    let highest = |row: &EffectRow| {
        format!("{} ({})", subject(&row.regions).words, measure.amount(row.covered))
    };
    let (short, reached) = (measure.short_name(), measure.amount(row.covered));
    let said = match place {
        Place::First => format!(
            "{lead}, {short} is highest for {}: {reached} ({within}).",
            subject(&row.regions).words
        ),
        Place::Among(rivals) if rivals.len() < MOST_NAMED => {
            let names = std::iter::once(row).chain(rivals).map(highest).collect();
            format!(
                "{lead}, {short} is highest for {}, which do not differ significantly ({PAIRED}; {within}).",
                list(names, "and")
            )
        }
        Place::Among(rivals) => format!(
            "{lead}, the highest estimate of {short} is {reached}, for {named} ({within}); {} others do not \
             differ significantly from it ({PAIRED}).",
            rivals.len()
        ),
        Place::Undecided => format!(
            "{lead}, no {} differs reliably from the others ({PAIRED}); largest estimate: {named}, {reached} \
             ({within}).",
            conditions(slice).0
        ),
        Place::Untested => {
            format!("{lead}, the highest estimate of {short} is {reached}, for {named} ({within}).")
        }
    };
    said + &above_chance(slice)
}

/// The same in a line, for a chart.
pub fn seeing_headline(slice: &Slice<'_>, measure: Measure) -> String {
    if let Some(single) = slice.of_single_regions() {
        return seeing_headline(&single, measure);
    }
    let Some(Leader { row, place }) = leader(slice) else {
        return "Only some regions visible; no result".to_owned();
    };
    let (noun, short) = (conditions(slice).0, measure.short_name());
    let reached = measure.amount(row.covered).replace('\u{a0}', " ");
    let named = row.regions.join(" + ");
    if let [_] = slice.rows[..] {
        let visible = visible(slice, &subject(&row.regions).words);
        return format!("With {visible}, {short} is {reached}{}", beside_chance(row));
    }
    let lead = format!("With {}", visible(slice, &format!("one {noun}")));
    match place {
        Place::First => {
            format!("{lead}, {short} is highest for {}: {reached}", subject(&row.regions).words)
        }
        Place::Among(rivals) if rivals.len() < MOST_NAMED => {
            let rows = std::iter::once(row).chain(rivals);
            let names = rows.map(|row| subject(&row.regions).words).collect();
            format!("{lead}, {short} is highest for {}", list(names, "or"))
        }
        Place::Among(_) | Place::Untested => {
            format!("{lead}, the highest estimate is {named}, {reached}")
        }
        Place::Undecided => format!(
            "{lead}, no {noun} differs reliably from the others; largest estimate: {named}, {reached}"
        ),
    }
}

/// `, significantly above chance`; empty where that is not tested.
fn beside_chance(row: &EffectRow) -> &'static str {
    match excess_significant(row) {
        Some(false) => ", not significantly different from chance",
        Some(true) if row.excess.is_some_and(|excess| excess < 0.0) => {
            ", significantly below chance"
        }
        Some(true) => ", significantly above chance",
        None => "",
    }
}

/// `only the eyes visible at test time`
fn visible(slice: &Slice<'_>, what: &str) -> String {
    let phase = match slice.phase {
        Phase::Retrain if !slice.several.phases => "",
        phase => PhaseWords::of(phase).visible,
    };
    format!("only {what} visible{phase}")
}

/// `whole face 83.0 %, chance 14.3 %`; `alone` with its interval and what it rests on.
fn within(row: &EffectRow, measure: Measure, alone: bool) -> String {
    let mut parts = vec![format!("whole face {}", measure.amount(row.baseline))];
    if let Some(chance) = row.chance.filter(|_| measure.has_chance) {
        parts.push(format!("chance {}", measure.amount(chance)));
    }
    let known = parts.join(", ");
    if !alone {
        return known;
    }
    let range = match (excess_interval(row), interval(row)) {
        (Some(range), _) => {
            format!("95\u{a0}% CI above chance {}", range_words(range, measure))
        }
        (None, Some(range)) => {
            format!("95\u{a0}% CI of the loss {}", range_words(range, measure))
        }
        (None, None) => "no interval".to_owned(),
    };
    format!("{known}; {range}; {}", sample(row.seeds, row.images))
}

/// How many conditions are significantly above chance, as a sentence; empty where that is not tested.
fn above_chance(slice: &Slice<'_>) -> String {
    let tested = count(&slice.rows, |row| excess_significant(row).is_some());
    let above = |row: &EffectRow| {
        row.excess.is_some_and(|excess| excess > 0.0) && excess_significant(row) == Some(true)
    };
    match (count(&slice.rows, above), tested) {
        (_, 0) => String::new(),
        (0, _) => " None is significantly above chance.".to_owned(),
        (1, 1) => " It is significantly above chance.".to_owned(),
        (2, 2) => " Both are significantly above chance.".to_owned(),
        (above, tested) if above == tested => {
            format!(" All {} are significantly above chance.", conditions(slice).1)
        }
        (above, _) => {
            format!(" Significantly above chance: {above} of {}.", conditions(slice).1)
        }
    }
}

//! Which statistics batch normalisation had, and what of a cost is due to them.

use std::collections::BTreeMap;

use crate::experiment::Statistics;
use crate::plan::Several;
use crate::region::{Mode, Phase};
use crate::report::findings::facts::Facts;
use crate::report::findings::finding::{Slice, effect_significant, interval, leader};
use crate::report::words::measure::Measure;
use crate::report::words::phrase::subject;

use super::phase_words;
use super::scope::bounds;

/// The key that chooses them, where it is swept.
const KEY: &str = "evaluate.statistics";

/// Which statistics batch normalisation had in a phase whose networks meet images unlike those that they
/// learned from; `None` for the others, and where it is not known.
pub fn statistics(phase: Phase, swept: &BTreeMap<String, String>, facts: &Facts) -> Option<String> {
    // What another's network does is part of its file.
    let own = own(phase).filter(|_| !facts.foreign)?;
    Some(match facts.statistics.get(swept)? {
        Statistics::Trained => format!("Batch normalisation used {own} statistics."),
        Statistics::Adapted => {
            "Batch-normalisation statistics were re-estimated under each mask.".to_owned()
        }
    })
}

/// Where the experiment has both: how much of the largest cost the trained statistics explain.
pub fn explained(
    slices: &[Slice<'_>],
    first: &Slice<'_>,
    facts: &Facts,
    measure: Measure,
) -> Option<String> {
    let phases = [first.phase, Phase::Evaluate, Phase::Amortised].into_iter();
    phases.filter_map(|phase| explained_in(phase, slices, first, facts, measure)).next()
}

fn explained_in(
    phase: Phase,
    slices: &[Slice<'_>],
    first: &Slice<'_>,
    facts: &Facts,
    measure: Measure,
) -> Option<String> {
    let own = own(phase)?;
    let with = |statistics: Statistics| {
        slices.iter().find(|slice| {
            slice.mode == Mode::Hide
                && slice.phase == phase
                && slice.fill == first.fill
                && but_for_statistics(slice.swept) == but_for_statistics(first.swept)
                && facts.statistics.get(slice.swept) == Some(&statistics)
        })
    };
    let (trained, adapted) = (with(Statistics::Trained)?, with(Statistics::Adapted)?);
    let single = trained.of_single_regions();
    let row = leader(single.as_ref().unwrap_or(trained))?.row;
    if row.effect <= 0.0 || effect_significant(row) != Some(true) {
        return None;
    }
    let other = adapted.rows.iter().find(|other| other.regions == row.regions)?;
    if !other.effect.is_finite() {
        return None;
    }
    // The numbers add up as they are written.
    let part = measure.as_written(row.effect) - measure.as_written(other.effect);
    let part = match part > 0.0 {
        true => format!("{} are", measure.number(part)),
        false => "none is".to_owned(),
    };
    // What the answer began with need not be said again.
    let several = Several { phases: phase != first.phase, ..first.several };
    let lead = match several.phases {
        true => phase_words(phase, several),
        false => "",
    };
    let range = interval(other)
        .map_or(String::new(), |range| format!(" ({})", bounds(range, measure, true)));
    Some(format!(
        "Of the {} {} that masking {}{lead} costs, {part} due, by these estimates, to batch \
         normalisation's {own} statistics: with adapted statistics it costs {}{range}.",
        measure.number(row.effect),
        measure.unit,
        subject(&row.regions).words,
        measure.number(other.effect),
    ))
}

/// Which ones the trained statistics are.
fn own(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Evaluate => Some("whole-face"),
        Phase::Amortised => Some("training"),
        _ => None,
    }
}

fn but_for_statistics(swept: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    let others = swept.iter().filter(|(key, _)| key.as_str() != KEY);
    others.map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

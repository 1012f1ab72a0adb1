//! What is to be said beside differences from a reference.

use std::collections::BTreeSet;

use crate::analysis::{Comparison, Pairing, Unpaired};

use crate::report::findings::comparison::{Comparisons, Entry, Layout, OfCondition};
use crate::report::words::numbers::counted;

/// What the table of the differences does not say.
pub fn comparison_notes(found: &Comparisons) -> BTreeSet<String> {
    let mut notes: BTreeSet<String> = found.all().filter_map(caution).map(str::to_owned).collect();
    let rows: Vec<&[Entry]> = match &found.layout {
        Layout::ByCondition(conditions) => conditions.iter().map(|of| &*of.entries).collect(),
        Layout::EachItself(entries) => vec![entries],
    };
    if rows.into_iter().any(some_seeds_are_left_out) {
        notes.insert(
            "Differences are over the seeds that both sides have; the means beside them are over all.".to_owned(),
        );
    }
    // Row by row, the reason stands in the table.
    if let Layout::ByCondition(conditions) = &found.layout {
        for OfCondition { entries, .. } in conditions {
            let (missing, there): (Vec<&Entry>, Vec<&Entry>) =
                entries.iter().partition(|entry| entry.condition.is_none());
            if !missing.is_empty() {
                notes.insert(
                    "No difference: one side has no condition of that name, which tells its settings."
                        .to_owned(),
                );
            }
            // Nothing can be compared with a reference that is not there.
            let there = there.into_iter().filter(|_| entries[0].condition.is_some());
            let reasons = there.filter_map(|entry| entry.compared.as_ref()?.as_ref().err());
            notes.extend(reasons.map(|reason| format!("No difference: {reason}.")));
        }
    }
    notes
}

/// Whether a difference from the first leaves out a seed that one of the two has.
fn some_seeds_are_left_out(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| match &entry.compared {
        Some(Ok(Comparison { pairing: Pairing::Seeds(shared), .. })) => {
            *shared < entries[0].levels.len().max(entry.levels.len())
        }
        _ => false,
    })
}

/// `1,400 test images · 95 % CI (…)`, from the differences that have one: what all have in common.
pub fn comparison_conditions(found: &Comparisons) -> String {
    let paired = found.all().filter_map(|compared| compared.as_ref().ok());
    let images: BTreeSet<usize> = paired.clone().map(|compared| compared.images).collect();
    let methods: BTreeSet<&str> = paired
        .filter(|compared| compared.estimate.interval.is_some())
        .map(|compared| compared.estimate.method)
        .collect();
    let images = images.into_iter().map(|images| counted(images as u64, "test image"));
    let mut parts: Vec<String> = images.collect();
    if !methods.is_empty() {
        let methods: Vec<&str> = methods.into_iter().collect();
        parts.push(format!("95 % CI ({})", methods.join("; ")));
    }
    parts.join(" · ")
}

/// What a difference's interval does not cover.
fn caution(compared: &Result<Comparison, Unpaired>) -> Option<&'static str> {
    let Comparison { estimate, pairing, .. } = compared.as_ref().ok()?;
    if estimate.interval.is_none() && estimate.mean == 0.0 {
        return Some(
            "No interval at 0: no prediction differs, as where both sides are the same trainings.",
        );
    }
    if estimate.interval.is_none() {
        return Some("No interval: the variance cannot be estimated.");
    }
    match pairing {
        Pairing::ImagesOnly => Some(
            "No seed is shared: paired by image only; the interval does not cover the variation between seeds.",
        ),
        Pairing::Seeds(1) => Some(
            "One seed: the interval covers the sampling of images only, not the variation between seeds.",
        ),
        Pairing::Seeds(_) => None,
    }
}

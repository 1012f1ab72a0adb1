//! Which runs belong together: the one place that decides it, for rows as for whatever else is known of runs.

use std::collections::BTreeMap;

use crate::plan::Swept;
use crate::region::Masking;
use crate::store::RunRow;

/// What is known of the runs of one setting, in their order.
#[derive(Debug, Clone)]
pub struct OfSetting<'a, T> {
    pub swept: &'a Swept,
    pub runs: Vec<T>,
}

/// What is known of the runs that differ in their seed alone, and of their controls.
#[derive(Debug, Clone)]
pub struct OfCondition<'a, T> {
    /// Sorted; empty for whole faces, and where nothing is visible.
    pub regions: &'a [String],
    /// `None` for whole faces.
    pub masking: Option<Masking>,
    pub runs: Vec<T>,
    /// The same area elsewhere, of every seed and placement.
    pub controls: Vec<T>,
}

/// By setting, in order of first occurrence; `row` gives the run of each.
pub fn by_setting<'a, T: Copy>(
    all: impl Iterator<Item = T>,
    row: impl Fn(T) -> &'a RunRow,
) -> Vec<OfSetting<'a, T>> {
    let mut places: BTreeMap<&Swept, usize> = BTreeMap::new();
    let mut settings: Vec<OfSetting<'a, T>> = Vec::new();
    for one in all {
        let swept = &row(one).swept;
        let place = *places.entry(swept).or_insert(settings.len());
        if place == settings.len() {
            settings.push(OfSetting { swept, runs: Vec::new() });
        }
        settings[place].runs.push(one);
    }
    settings
}

/// The runs of a setting by condition, in order of first occurrence.
pub fn by_condition<'a, T: Copy>(
    runs: &[T],
    row: impl Fn(T) -> &'a RunRow,
) -> Vec<OfCondition<'a, T>> {
    let mut places: BTreeMap<(&[String], Option<Masking>), usize> = BTreeMap::new();
    let mut conditions: Vec<OfCondition<'a, T>> = Vec::new();
    for &one in runs {
        let run = row(one);
        let (regions, masking) = (run.regions.as_slice(), run.masking());
        let place = *places.entry((regions, masking)).or_insert(conditions.len());
        if place == conditions.len() {
            let (runs, controls) = (Vec::new(), Vec::new());
            conditions.push(OfCondition { regions, masking, runs, controls });
        }
        let of = &mut conditions[place];
        if run.control { of.controls.push(one) } else { of.runs.push(one) }
    }
    conditions
}

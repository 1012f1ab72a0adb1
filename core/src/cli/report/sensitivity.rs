//! The charts of where the networks look.

use std::collections::{BTreeMap, BTreeSet};

use super::drawn;
use crate::analysis::{MeanMap, mean_curves, mean_maps};
use crate::experiment::SensitivitySpec;
use crate::region::Regions;
use crate::report::{self, Chart, Facts, Topic};
use crate::store::table::read_groups;
use crate::store::{
    MapMethod, Results, RunRow, SensitivityCurveRow, SensitivityRow, StoreError, Table,
};

/// The maps and curves of the networks trained on whole faces under the first setting.
#[derive(Debug, Default)]
pub(super) struct Found {
    maps: Vec<SensitivityRow>,
    curves: Vec<SensitivityCurveRow>,
    setting: BTreeMap<String, String>,
}

impl Found {
    /// Reads them; nothing where the experiment has none. `specs` say which it asks for, where that is known:
    /// those that are missing are told in `notes`.
    pub fn read(
        results: &Results,
        name: &str,
        runs: &[RunRow],
        specs: &[SensitivitySpec],
        notes: &mut Vec<String>,
    ) -> Result<Found, StoreError> {
        let whole = || runs.iter().filter(|run| run.regions.is_empty());
        let Some(first) = whole().next() else { return Ok(Found::default()) };
        let trainings: BTreeSet<&str> = whole()
            .filter(|run| run.swept == first.swept && run.status.is_done())
            .map(|run| run.training_id.as_str())
            .collect();
        let asked = !specs.is_empty();
        let maps: Vec<SensitivityRow> =
            read(results, name, asked, notes, |row: &SensitivityRow| {
                trainings.contains(&*row.training_id)
            })?;
        let curves: Vec<SensitivityCurveRow> =
            read(results, name, asked, notes, |row: &SensitivityCurveRow| {
                trainings.contains(&*row.training_id)
            })?;
        for method in specs.iter().map(|spec| MapMethod::from(spec.method)) {
            let of_method = maps.iter().filter(|row| row.method == method);
            let mapped: BTreeSet<&str> = of_method.map(|row| row.training_id.as_str()).collect();
            if !mapped.is_empty() && mapped.len() < trainings.len() {
                notes.push(format!(
                    "of {} networks trained on whole faces {} have a `{}` map: run the experiment \
                     again to have the others",
                    trainings.len(),
                    mapped.len(),
                    method.name()
                ));
            }
        }
        Ok(Found { maps, curves, setting: first.swept.clone() })
    }
}

/// A chart for each method and one of the curves. `specs` say how the maps were made, where that is known.
pub(super) fn charts(
    found: &Found,
    specs: &[SensitivitySpec],
    regions: &Regions,
    facts: &Facts,
) -> anyhow::Result<Vec<Chart>> {
    let Found { maps, curves, setting } = found;
    let mut charts = Vec::new();
    let maps = mean_maps(maps);
    for method in MapMethod::ALL {
        let maps: Vec<MeanMap> = maps.iter().filter(|map| map.method == method).cloned().collect();
        let spec = specs.iter().find(|spec| MapMethod::from(spec.method) == method);
        let figure = report::sensitivity(&maps, spec, regions, facts, setting);
        if let Some(figure) = drawn(figure)? {
            charts.push(Chart::new(
                Topic::Sensitivity,
                &format!("sensitivity_{}", method.name()),
                figure,
            ));
        }
    }
    if let Some(figure) = drawn(report::sensitivity_curves(&mean_curves(curves), facts, setting))? {
        charts.push(Chart::new(Topic::Sensitivity, "sensitivity_curves", figure));
    }
    Ok(charts)
}

/// Those rows of an experiment's table that are wanted; none where there is no such table, which is a note
/// where it was asked for, or where it is damaged, which always is.
fn read<T: Table>(
    results: &Results,
    name: &str,
    asked: bool,
    notes: &mut Vec<String>,
    wanted: impl Fn(&T) -> bool,
) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    let read = read_groups(&results.table_path::<T>(name)?, |group: Vec<T>| {
        rows.extend(group.into_iter().filter(&wanted));
        Ok::<(), StoreError>(())
    });
    match read {
        Ok(()) => {}
        Err(StoreError::NotFound { .. }) if !asked => {}
        Err(error) => {
            // A part of a table would be a map of another study.
            rows.clear();
            notes.push(format!("{error}. Where the networks look is not shown whole."));
        }
    }
    Ok(rows)
}

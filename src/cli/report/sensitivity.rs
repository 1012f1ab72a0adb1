//! The charts of where the networks look.

use std::collections::BTreeSet;

use super::drawn;
use crate::analysis::{MeanMap, mean_curves, mean_maps};
use crate::experiment::SensitivitySpec;
use crate::region::Regions;
use crate::report::{self, Chart, Facts, Topic};
use crate::store::table::read_groups;
use crate::store::{Results, RunRow, SensitivityCurveRow, SensitivityRow, StoreError, Table};

/// A chart for each method and one of the curves, of the networks trained on whole faces under the first
/// setting; none where the experiment has no maps. `specs` say how they were made, where that is known.
pub(super) fn charts(
    results: &Results,
    name: &str,
    runs: &[RunRow],
    specs: &[SensitivitySpec],
    regions: &Regions,
    facts: &Facts,
) -> anyhow::Result<Vec<Chart>> {
    let whole = || runs.iter().filter(|run| run.regions.is_empty());
    let Some(first) = whole().next() else { return Ok(Vec::new()) };
    let trainings: BTreeSet<&str> = whole()
        .filter(|run| run.swept == first.swept)
        .map(|run| run.training_id.as_str())
        .collect();
    let rows: Vec<SensitivityRow> =
        read(results, name, |row: &SensitivityRow| trainings.contains(&*row.training_id))?;
    let steps: Vec<SensitivityCurveRow> =
        read(results, name, |row: &SensitivityCurveRow| trainings.contains(&*row.training_id))?;
    let mut charts = Vec::new();
    let maps = mean_maps(&rows);
    for method in ["window", "rise"] {
        let maps: Vec<MeanMap> = maps.iter().filter(|map| map.method == method).cloned().collect();
        let spec = specs.iter().find(|spec| spec.method.name() == method);
        if let Some(figure) = drawn(report::sensitivity(&maps, spec, regions, facts))? {
            charts.push(Chart::new(Topic::Sensitivity, &format!("sensitivity_{method}"), figure));
        }
    }
    if let Some(figure) = drawn(report::sensitivity_curves(&mean_curves(&steps), facts))? {
        charts.push(Chart::new(Topic::Sensitivity, "sensitivity_curves", figure));
    }
    Ok(charts)
}

/// Those rows of an experiment's table that are wanted; none where there is no such table.
fn read<T: Table>(
    results: &Results,
    name: &str,
    wanted: impl Fn(&T) -> bool,
) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    let read = read_groups(&results.table_path::<T>(name)?, |group: Vec<T>| {
        rows.extend(group.into_iter().filter(&wanted));
        Ok(())
    });
    match read {
        Ok(()) | Err(StoreError::NotFound { .. }) => Ok(rows),
        Err(error) => Err(error),
    }
}

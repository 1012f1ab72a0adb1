//! Sensitivity maps, as they lie in the results folder.

use std::collections::BTreeSet;

use crate::experiment::SensitivitySpec;
use crate::store::table::read_groups;
use crate::store::{MapMethod, Results, SensitivityCurveRow, SensitivityRow, StoreError, Table};
use crate::study::Study;

/// The maps and curves of the networks trained on whole faces.
#[derive(Debug, Default)]
pub struct Maps {
    pub maps: Vec<SensitivityRow>,
    pub curves: Vec<SensitivityCurveRow>,
}

/// Reads them, of every setting that is `drawn`; nothing where the experiment has none. `specs` say which it asks
/// for, where that is known: those that are missing are told in `notes`.
pub fn read(
    results: &Results,
    name: &str,
    study: &Study,
    drawn: usize,
    specs: &[SensitivitySpec],
    notes: &mut Vec<String>,
) -> Result<Maps, StoreError> {
    let whole = study.settings.iter().take(drawn).filter_map(|setting| setting.whole());
    let trainings: BTreeSet<&str> =
        whole.flat_map(|whole| whole.done()).map(|run| run.training_id.as_str()).collect();
    if trainings.is_empty() {
        return Ok(Maps::default());
    }
    let asked = !specs.is_empty();
    let maps: Vec<SensitivityRow> = rows(results, name, asked, notes, |row: &SensitivityRow| {
        trainings.contains(&*row.training_id)
    })?;
    let curves: Vec<SensitivityCurveRow> =
        rows(results, name, asked, notes, |row: &SensitivityCurveRow| {
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
    Ok(Maps { maps, curves })
}

/// Those rows of an experiment's table that are wanted; none where there is no such table, which is a note
/// where it was asked for, or where it is damaged, which always is.
fn rows<T: Table>(
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
            notes.push(format!("{error}. Sensitivity maps are incomplete."));
        }
    }
    Ok(rows)
}

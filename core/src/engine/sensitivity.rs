//! Sensitivity maps: which ones an experiment asks for, which are stored, and how they are collected into tables.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::EngineError;
use super::event::Observer;
use super::stored::sound;
use super::work::Work;
use crate::experiment::{Experiment, SensitivitySpec};
use crate::plan::{Identified, Plan, SensitivityId, TrainingId, sensitivity_id};
use crate::store::table::GroupedTable;
use crate::store::{Results, SensitivityCurveRow, SensitivityRow, StoreError, read_table};

/// A sensitivity map of a training's network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensitivityMap {
    pub id: SensitivityId,
    pub spec: SensitivitySpec,
}

/// The maps that an experiment asks for of one of its trainings; only trainings on whole faces have maps.
pub(super) fn asked(
    experiment: &Experiment,
    plan: &Plan,
    identified: &Identified,
    training: usize,
) -> Vec<SensitivityMap> {
    let is_whole = || {
        let mut runs = plan.runs_of(training).iter().map(|run| &plan.runs[*run]);
        runs.any(|run| plan.conditions[run.condition].phase.is_none())
    };
    if experiment.sensitivity.is_empty() || !is_whole() {
        return Vec::new();
    }
    let id = &identified.trainings[training].id;
    let maps = experiment.sensitivity.iter();
    maps.map(|&spec| SensitivityMap { id: sensitivity_id(id, &spec), spec }).collect()
}

/// Whether a map and its curves are stored, complete.
pub fn has_map(
    results: &Results,
    training: &TrainingId,
    map: &SensitivityId,
    observer: &mut dyn Observer,
) -> Result<bool, StoreError> {
    Ok(sound(read(results, training, map), observer)?.is_some())
}

/// Whether the files of a map exist, without reading them.
pub(super) fn map_exists(
    results: &Results,
    training: &TrainingId,
    map: &SensitivityId,
) -> Result<bool, StoreError> {
    Ok(results.sensitivity_path(training.as_str(), map.as_str())?.exists())
}

type Rows = (Vec<SensitivityRow>, Vec<SensitivityCurveRow>);

fn read(results: &Results, training: &TrainingId, map: &SensitivityId) -> Result<Rows, StoreError> {
    let path = results.sensitivity_path(training.as_str(), map.as_str())?;
    let rows: Rows = (read_table(&path)?, read_table(&map_curves_path(&path))?);
    let (maps, curves) = (rows.0.iter(), rows.1.iter());
    let mut trainings = maps.map(|row| &row.training_id).chain(curves.map(|row| &row.training_id));
    match trainings.find(|found| *found != training.as_str()) {
        None => Ok(rows),
        Some(other) => {
            let reason = format!("it, or its curves, is a map of training {other}");
            Err(StoreError::Foreign { path, reason })
        }
    }
}

/// The file of a map's curves, beside it.
pub fn map_curves_path(map: &Path) -> PathBuf {
    map.with_extension("curves.parquet")
}

/// Collects the experiment's maps into its two tables, which exist only if it asks for maps. Returns how many
/// are missing.
pub(super) fn collect(work: &Work, identified: &Identified) -> Result<usize, EngineError> {
    let Work { experiment, plan, results, .. } = work;
    let maps_path = results.table_path::<SensitivityRow>(&experiment.name)?;
    let curves_path = results.table_path::<SensitivityCurveRow>(&experiment.name)?;
    let (mut maps, mut curves) =
        (GroupedTable::plain(&maps_path), GroupedTable::plain(&curves_path));
    let mut missing = 0;
    for (training, identity) in identified.trainings.iter().enumerate() {
        for map in asked(experiment, plan, identified, training) {
            match read(results, &identity.id, &map.id) {
                Ok((cells, steps)) => {
                    maps.add(cells, ())?;
                    curves.add(steps, ())?;
                }
                Err(StoreError::NotFound { .. }) => missing += 1,
                Err(error) if error.unusable().is_some() => missing += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
    maps.finish()?;
    curves.finish()?;
    Ok(missing)
}

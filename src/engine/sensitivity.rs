//! Maps of where the networks look: which ones an experiment asks for, how one is made and stored, and how
//! they become its tables.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::data::frames;
use super::state::sound;
use super::training::Job;
use super::{EngineError, Event, Observer, Work};
use crate::dataset::Split;
use crate::evaluate::sensitivity::{ClassSensitivity, GRID, Subjects, examine};
use crate::experiment::{Experiment, SensitivitySpec};
use crate::model::Network;
use crate::plan::{Identified, Plan, SensitivityId, TrainingId, sensitivity_id};
use crate::store::table::TableWriter;
use crate::store::{
    MapMethod, Results, SensitivityCurveRow, SensitivityRow, StoreError, Table, read_table,
    write_table,
};

/// Between two words on how far a map is.
const TELL: Duration = Duration::from_millis(250);

/// A map of where a training's network looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensitivityMap {
    pub id: SensitivityId,
    pub spec: SensitivitySpec,
}

/// The maps that an experiment asks for of one of its trainings: none but of those on whole faces.
pub(super) fn asked(
    experiment: &Experiment,
    plan: &Plan,
    identified: &Identified,
    training: usize,
) -> Vec<SensitivityMap> {
    let is_whole = || {
        let mut runs = plan.runs.iter().filter(|run| run.training == training);
        runs.any(|run| plan.conditions[run.condition].phase.is_none())
    };
    if experiment.sensitivity.is_empty() || !is_whole() {
        return Vec::new();
    }
    let id = &identified.trainings[training].id;
    let maps = experiment.sensitivity.iter();
    maps.map(|&spec| SensitivityMap { id: sensitivity_id(id, &spec), spec }).collect()
}

/// Whether a map and its curves are there, whole.
pub(super) fn has_map(
    results: &Results,
    training: &TrainingId,
    map: &SensitivityId,
    observer: &mut dyn Observer,
) -> Result<bool, StoreError> {
    Ok(sound(read(results, training, map), observer)?.is_some())
}

/// Whether the files of a map are there, without a look at their content.
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
    let rows: Rows = (read_table(&path)?, read_table(&curves_path(&path))?);
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

fn curves_path(map: &Path) -> PathBuf {
    map.with_extension("curves.parquet")
}

/// Makes and stores a map, batch by batch; says whether it was not interrupted.
pub(super) fn make(
    job: &Job<'_>,
    network: &Network,
    asked: &SensitivityMap,
    observer: &mut dyn Observer,
) -> Result<bool, EngineError> {
    let dataset = &job.ready.dataset;
    let (classes, actual) = (dataset.classes.len(), dataset.test.actual());
    let frames = frames(dataset, Split::Test);
    let SensitivitySpec { images, fill, .. } = asked.spec;
    let test = &job.ready.test;
    let subjects = Subjects::new(test, (&actual, classes), &frames, images, fill, job.spec.seed);
    let network = network.folded();
    let mut told = Instant::now();
    let mut go_on = |share: f64| {
        if told.elapsed() >= TELL {
            told = Instant::now();
            observer.event(&Event::Mapping { training: job.id.clone(), share });
        }
        !observer.interrupted()
    };
    let Some(found) = examine(&asked.spec, &subjects, &network, &mut go_on) else {
        return Ok(false);
    };
    let (mut cells, mut curves) = (Vec::new(), Vec::new());
    for class in &found {
        rows(job, &asked.spec, class, &mut cells, &mut curves);
    }
    let path = job.results.sensitivity_path(job.id.as_str(), asked.id.as_str())?;
    // The map comes last: where it is, its curves are whole.
    write_table(&curves_path(&path), &curves)?;
    write_table(&path, &cells)?;
    Ok(true)
}

/// The rows of one class.
fn rows(
    job: &Job<'_>,
    spec: &SensitivitySpec,
    found: &ClassSensitivity,
    cells: &mut Vec<SensitivityRow>,
    curves: &mut Vec<SensitivityCurveRow>,
) {
    let emotion = &job.ready.dataset.classes[found.class];
    let method = MapMethod::from(spec.method);
    let (seed, images) = (job.spec.seed, found.images as u64);
    for (cell, (value, face)) in found.map.iter().zip(&found.face).enumerate() {
        cells.push(SensitivityRow {
            training_id: job.id.to_string(),
            seed,
            method,
            emotion: emotion.clone(),
            images,
            row: (cell / GRID) as u32,
            column: (cell % GRID) as u32,
            value: *value,
            face: *face,
        });
    }
    for curve in &found.curves {
        for (step, (share, probability)) in curve.points.iter().enumerate() {
            curves.push(SensitivityCurveRow {
                training_id: job.id.to_string(),
                seed,
                method,
                emotion: emotion.clone(),
                images,
                curve: curve.kind,
                order: curve.order,
                step: step as u32,
                share: *share,
                probability: *probability,
            });
        }
    }
}

/// Gathers the experiment's maps into its two tables; an experiment that asks for none has none. Returns how
/// many are missing.
pub(super) fn collect(work: &Work, identified: &Identified) -> Result<usize, EngineError> {
    let Work { experiment, plan, results, .. } = work;
    let maps_path = results.table_path::<SensitivityRow>(&experiment.name)?;
    let curves_path = results.table_path::<SensitivityCurveRow>(&experiment.name)?;
    let (mut maps, mut curves) = (TableWriter::new(&maps_path), TableWriter::new(&curves_path));
    let mut missing = 0;
    for (training, identity) in identified.trainings.iter().enumerate() {
        for map in asked(experiment, plan, identified, training) {
            match read(results, &identity.id, &map.id) {
                Ok((cells, steps)) => {
                    maps.write(SensitivityRow::to_columns(&cells))?;
                    curves.write(SensitivityCurveRow::to_columns(&steps))?;
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

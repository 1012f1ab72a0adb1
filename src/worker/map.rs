//! Computes and stores a sensitivity map.

use std::time::{Duration, Instant};

use super::training::Job;
use crate::dataset::Split;
use crate::engine::{EngineError, Event, Observer, SensitivityMap, frames, map_curves_path};
use crate::evaluate::sensitivity::{
    ClassSensitivity, EvaluationImages, GRID, Probabilities, sensitivity_maps,
};
use crate::experiment::SensitivitySpec;
use crate::model::Inference;
use crate::store::{MapMethod, SensitivityCurveRow, SensitivityRow, write_table};

/// The interval between progress events of a map.
const TELL: Duration = Duration::from_millis(250);

/// Computes and stores a map, batch by batch; returns `false` if interrupted.
pub(super) fn make(
    job: &Job<'_>,
    network: &dyn Inference,
    asked: &SensitivityMap,
    observer: &mut dyn Observer,
) -> Result<bool, EngineError> {
    let dataset = &job.ready.dataset;
    let (classes, actual) = (dataset.classes.len(), dataset.actual(Split::Test));
    let frames = frames(dataset, Split::Test);
    let SensitivitySpec { images, fill, .. } = asked.spec;
    let test = &job.ready.test;
    let images =
        EvaluationImages::new(test, (&actual, classes), &frames, images, fill, job.spec.seed);
    let mut told = Instant::now();
    let mut go_on = |share: f64| {
        if told.elapsed() >= TELL {
            told = Instant::now();
            observer.event(&Event::Mapping { training: job.id.clone(), share });
        }
        !observer.interrupted()
    };
    let Some(found) = sensitivity_maps(&asked.spec, &images, &Probabilities(network), &mut go_on)
    else {
        return Ok(false);
    };
    let (mut cells, mut curves) = (Vec::new(), Vec::new());
    for class in &found {
        rows(job, &asked.spec, class, &mut cells, &mut curves);
    }
    let path = job.results.sensitivity_path(job.id.as_str(), asked.id.as_str())?;
    // The map is written last: if it exists, its curves are complete.
    write_table(&map_curves_path(&path), &curves)?;
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

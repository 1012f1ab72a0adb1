//! A data set, read for an experiment.

use std::cell::RefCell;

use super::event::{Event, Observer};
use crate::dataset::{self, Dataset, DatasetError, Split, Watch};
use crate::experiment::DatasetSpec;
use crate::region::{Affine, FaceMap};
use crate::store::Results;

/// Reads a data set; decoded images are cached in the results folder.
pub fn load(
    spec: &DatasetSpec,
    results: &Results,
    watch: Watch<'_>,
) -> Result<Dataset, DatasetError> {
    dataset::load(spec, &results.cache_dir(), watch)
}

/// As [`load`], reporting progress to an observer, which may interrupt it.
pub fn load_with_progress(
    spec: &DatasetSpec,
    results: &Results,
    observer: &mut dyn Observer,
) -> Result<Dataset, DatasetError> {
    let interrupted = observer.interruption();
    let observer = RefCell::new(observer);
    let progress = |progress: dataset::Progress| {
        let event = match (progress.warning(), progress) {
            (Some(text), _) => Event::Warning { text },
            (None, dataset::Progress::Step { stage, done, total }) => {
                Event::Reading { stage, done, total }
            }
            (None, _) => return,
        };
        observer.borrow_mut().event(&event);
    };
    load(spec, results, Watch { progress: &progress, interrupted: &interrupted })
}

/// What carries regions into each image of a split; the identity for images without landmarks.
pub fn face_maps(dataset: &Dataset, split: Split) -> Vec<FaceMap> {
    let images = dataset.split(split);
    (0..images.len()).map(|image| images.face_map(image)).collect()
}

/// The similarities from the canonical face frame into each image of a split; the identity for images without
/// landmarks.
pub fn frames(dataset: &Dataset, split: Split) -> Vec<Affine> {
    let landmarks = dataset.split(split).landmarks.iter();
    landmarks
        .map(|points| points.and_then(|points| points.frame()).unwrap_or(Affine::IDENTITY))
        .collect()
}

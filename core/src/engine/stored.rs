//! Whether what a plan needs is stored, whole.

use super::event::{Event, Observer};
use crate::plan::{EvaluationId, NUMERIC_VERSION, TrainingId};
use crate::store::{EvaluationRecord, Results, StoreError, TrainingStatus};

/// Whether a training's network and epochs are there, whole.
pub fn is_trained(
    results: &Results,
    id: &TrainingId,
    observer: &mut dyn Observer,
) -> Result<bool, StoreError> {
    let manifest = results.manifest(id.as_str());
    let folder = results.training_dir(id.as_str())?;
    let status = manifest.and_then(|manifest| {
        if manifest.numeric_version != NUMERIC_VERSION {
            let reason = format!("it is of numeric version {}", manifest.numeric_version);
            return Err(StoreError::Foreign { path: folder.join("manifest.json"), reason });
        }
        manifest.check_files(&folder)?;
        Ok(manifest.status)
    });
    Ok(sound(status, observer)? == Some(TrainingStatus::Done))
}

/// Whether an evaluation's predictions are there, whole.
pub fn has_evaluation(
    results: &Results,
    training: &TrainingId,
    evaluation: &EvaluationId,
    observer: &mut dyn Observer,
) -> Result<bool, StoreError> {
    let path = results.evaluation_path(training.as_str(), evaluation.as_str())?;
    let record = EvaluationRecord::of(&path);
    Ok(sound(record.and_then(|record| record.check(&path)), observer)?.is_some())
}

/// `None` for what is not there, or is there and cannot be used, which is said.
pub(super) fn sound<T>(
    found: Result<T, StoreError>,
    observer: &mut dyn Observer,
) -> Result<Option<T>, StoreError> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => match error.unusable() {
            Some(what) => {
                observer.event(&Event::Warning { text: format!("{what}; it is done again") });
                Ok(None)
            }
            None => Err(error),
        },
    }
}

//! Whether the results that a plan needs are stored, complete.

use super::event::{Event, Observer};
use crate::plan::{EvaluationId, TrainingId};
use crate::store::{EvaluationRecord, Results, StoreError};

/// Whether a training's network and epochs are stored, complete.
pub fn is_trained(
    results: &Results,
    id: &TrainingId,
    observer: &mut dyn Observer,
) -> Result<bool, StoreError> {
    Ok(sound(results.is_trained(id.as_str()), observer)?.unwrap_or(false))
}

/// Whether an evaluation's predictions are stored, complete.
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

/// `None` for what is missing, or damaged, which gives a warning.
pub(super) fn sound<T>(
    found: Result<T, StoreError>,
    observer: &mut dyn Observer,
) -> Result<Option<T>, StoreError> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => match error.unusable() {
            Some(what) => {
                observer.event(&Event::Warning { text: format!("{what}; computing it again") });
                Ok(None)
            }
            None => Err(error),
        },
    }
}

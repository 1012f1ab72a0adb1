//! Comparison of a repeated training with the stored one.

use crate::store::{EpochRow, PredictionRow, StoreError};

/// Comparison of a repeated training with the stored one.
#[derive(Debug, Clone, PartialEq)]
pub struct Reproduction {
    pub training_id: String,
    pub name: String,
    pub seed: u64,
    pub seconds: f64,
    /// Differences of the environment, then and now: program, libtorch, device, threads.
    pub circumstances: Vec<Circumstance>,
    /// Damaged or missing stored files, each with the reason.
    pub damaged: Vec<String>,
    /// Whether the network is bit-identical to the one in the manifest.
    pub same_network: bool,
    /// The largest difference of any loss or accuracy of any epoch; infinite where the number of epochs
    /// differs, `None` where the stored ones cannot be read.
    pub epochs_differ: Option<f64>,
    /// Evaluations that an experiment needs and that are not stored, so they could not be compared.
    pub evaluations_missing: u64,
    /// Predictions of all evaluations, and how many of them differ in their class.
    pub predictions: u64,
    pub predictions_differ: u64,
    /// The largest difference of a probability.
    pub probabilities_differ: f64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstance {
    pub what: &'static str,
    pub then: String,
    pub now: String,
}

impl Reproduction {
    /// Whether every number that can be compared is bit-identical.
    pub fn same_numbers(&self) -> bool {
        self.epochs_differ.unwrap_or(0.0) == 0.0
            && self.predictions_differ == 0
            && self.probabilities_differ == 0.0
    }

    /// Whether everything is stored and bit-identical.
    pub fn agrees(&self) -> bool {
        self.damaged.is_empty() && self.same_network && self.same_numbers()
    }
}

/// How a reproduction ended.
#[derive(Debug)]
pub enum Reproduced {
    Done(Box<Reproduction>),
    Failed(String),
    Interrupted,
}

impl Reproduction {
    /// `None` for a missing or damaged file, which is recorded.
    pub fn note_damage<T>(
        &mut self,
        found: Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (path, reason) = match found {
            Ok(value) => return Ok(Some(value)),
            Err(StoreError::NotFound { path }) => (path, "it is missing".to_owned()),
            Err(StoreError::Damaged { path, reason } | StoreError::Foreign { path, reason }) => {
                (path, reason)
            }
            Err(StoreError::Column { path, column, problem }) => {
                (path, format!("column `{column}`: {problem}"))
            }
            Err(error) => return Err(error),
        };
        // A file that is read twice is recorded once.
        let start = format!("`{}`: ", path.display());
        if !self.damaged.iter().any(|said| said.starts_with(&start)) {
            self.damaged.push(start + &reason);
        }
        Ok(None)
    }

    /// Counts the predictions of one evaluation, and their differences between `before` and `after`.
    pub fn compare_predictions(&mut self, before: &[PredictionRow], after: &[PredictionRow]) {
        self.predictions += after.len() as u64;
        self.predictions_differ += before.len().abs_diff(after.len()) as u64;
        for (a, b) in before.iter().zip(after) {
            self.predictions_differ += u64::from(a.predicted != b.predicted || a.image != b.image);
            for (a, b) in a.probabilities.iter().zip(&b.probabilities) {
                self.probabilities_differ =
                    self.probabilities_differ.max((f64::from(*a) - f64::from(*b)).abs());
            }
        }
    }
}

/// The largest difference of a loss or accuracy; infinite where there are not as many epochs.
pub fn epochs_differ(before: &[EpochRow], after: &[EpochRow]) -> f64 {
    if before.len() != after.len() {
        return f64::INFINITY;
    }
    let numbers = |epoch: &EpochRow| {
        [epoch.train_loss, epoch.train_accuracy, epoch.val_loss, epoch.val_accuracy]
    };
    let pairs = before.iter().flat_map(numbers).zip(after.iter().flat_map(numbers));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

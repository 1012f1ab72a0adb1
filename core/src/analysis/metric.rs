//! Metrics of a run that are means over its images.

use super::scores::RunScores;

pub use crate::store::Metric;

impl Metric {
    /// One image's part in the metric, up to a constant that all runs on the same data share.
    pub(super) fn part(self, scores: &RunScores, image: usize) -> f64 {
        match self {
            Metric::Accuracy => scores.credit(image),
            Metric::BalancedAccuracy => {
                scores.credit(image) * scores.test.weights[usize::from(scores.predicted[image])]
            }
            Metric::Bits => scores.bits[image],
        }
    }

    /// The metric of a run. Bits need the training labels' entropy, which only the run's own row has:
    /// `None` if it is missing.
    pub fn level(self, scores: &RunScores) -> Option<f64> {
        match self {
            Metric::Bits => scores.run.test_bits,
            _ => Some(self.mean(scores)),
        }
    }

    /// The contribution of each image to the metric of a run; their mean is the metric. `None` where
    /// [`Metric::level`] is.
    pub(super) fn worths(self, scores: &RunScores) -> Option<Vec<f64>> {
        // The constant that images do not determine (for bits the entropy of the training labels) is the same for each.
        let rest = match self {
            Metric::Bits => self.level(scores)? - self.mean(scores),
            _ => 0.0,
        };
        Some((0..scores.images()).map(|image| self.part(scores, image) + rest).collect())
    }

    /// Between which the difference of two values of it lies; `None` where it has no bounds.
    pub(super) fn difference_bounds(self) -> Option<(f64, f64)> {
        match self {
            Metric::Accuracy | Metric::BalancedAccuracy => Some((-1.0, 1.0)),
            Metric::Bits => None,
        }
    }

    pub(super) fn mean(self, scores: &RunScores) -> f64 {
        mean((0..scores.images()).map(|image| self.part(scores, image)))
    }
}

pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

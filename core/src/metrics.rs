//! The metrics of one run's predictions.
//!
//! In: a network's predictions and the annotators' votes, image by image. Out: one number per metric. Sums run in f64 and
//! in image order, so that the same predictions give bit-identical metrics.

use thiserror::Error;

use crate::dataset::first_maximum;

/// Why predictions cannot be scored.
#[derive(Debug, Error, PartialEq)]
pub enum MetricsError {
    #[error("there are no images to score, or no classes")]
    Empty,
    #[error(
        "{probabilities} probabilities and {labels} label shares do not make rows of {classes} classes each"
    )]
    Shape { probabilities: usize, labels: usize, classes: usize },
    #[error(
        "image {image} (counted from 0) has a probability or a label share that is not a number from 0 to 1"
    )]
    NotAShare { image: usize },
    #[error("the mean training label distribution has {found} shares for {classes} classes")]
    Prior { found: usize, classes: usize },
}

/// The metrics of one run on one split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metrics {
    /// The share of images whose most probable class is the class with most votes; ties, of either, go
    /// to the first in class order.
    pub accuracy: f64,
    /// The mean recall of the classes that occur.
    pub balanced_accuracy: f64,
    /// The mean F1 of the classes that occur or are predicted.
    pub macro_f1: f64,
    /// The mean cross-entropy against the label distribution, nats.
    pub loss: f64,
    /// Usable information, bits: the entropy of the mean *training* label distribution, less the mean
    /// cross-entropy (Xu et al. 2020, "A theory of usable information under computational constraints").
    /// Below 0 where the network does worse than always predicting that distribution.
    pub bits: f64,
}

impl Metrics {
    /// Scores the predictions of one run.
    ///
    /// `probabilities` and `labels` are `[N, K]`, row-major, each row a distribution over the
    /// `classes` (K); `prior` is the mean training label distribution, `[K]`.
    pub fn measure(
        probabilities: &[f32],
        labels: &[f32],
        classes: usize,
        prior: &[f64],
    ) -> Result<Metrics, MetricsError> {
        check(probabilities, labels, classes)?;
        if prior.len() != classes {
            return Err(MetricsError::Prior { found: prior.len(), classes });
        }
        let actual: Vec<usize> = labels.chunks_exact(classes).map(first_maximum).collect();
        let predicted: Vec<usize> =
            probabilities.chunks_exact(classes).map(first_maximum).collect();
        let counts = confusion_counts(&actual, &predicted, classes);
        let loss = probabilities
            .chunks_exact(classes)
            .zip(labels.chunks_exact(classes))
            .map(|(probability, label)| cross_entropy(probability, label))
            .sum::<f64>()
            / actual.len() as f64;
        Ok(Metrics {
            accuracy: accuracy(&counts, classes),
            balanced_accuracy: balanced_accuracy(&counts, classes),
            macro_f1: macro_f1(&counts, classes),
            loss,
            bits: (entropy(prior) - loss) / std::f64::consts::LN_2,
        })
    }
}

/// How often each actual class (rows) was predicted as each class (columns): `[K, K]`, row-major.
/// Classes are indices below `classes`.
pub fn confusion_counts(actual: &[usize], predicted: &[usize], classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes * classes];
    for (actual, predicted) in actual.iter().zip(predicted) {
        counts[actual * classes + predicted] += 1;
    }
    counts
}

/// The share of the counts on the diagonal of `[K, K]`.
pub fn accuracy(counts: &[u64], classes: usize) -> f64 {
    let right: u64 = (0..classes).map(|class| counts[class * classes + class]).sum();
    right as f64 / counts.iter().sum::<u64>() as f64
}

/// The mean recall over the classes that occur; a class without images has no recall and is left out.
pub fn balanced_accuracy(counts: &[u64], classes: usize) -> f64 {
    let recalls = recalls(counts, classes);
    mean(recalls.into_iter().flatten())
}

/// Each class's recall: the share of its images that are predicted correctly; `None` if it has no images.
pub fn recalls(counts: &[u64], classes: usize) -> Vec<Option<f64>> {
    (0..classes)
        .map(|class| {
            let row = &counts[class * classes..(class + 1) * classes];
            let images: u64 = row.iter().sum();
            (images > 0).then(|| row[class] as f64 / images as f64)
        })
        .collect()
}

/// The mean over classes of F1 = 2 TP / (2 TP + FP + FN).
///
/// A class that neither occurs nor is ever predicted has no F1 and is left out; one that occurs and is
/// never predicted (or the reverse) counts as 0.
pub fn macro_f1(counts: &[u64], classes: usize) -> f64 {
    let scores = (0..classes).filter_map(|class| {
        let actual: u64 = counts[class * classes..(class + 1) * classes].iter().sum();
        let predicted: u64 = (0..classes).map(|row| counts[row * classes + class]).sum();
        let right = counts[class * classes + class];
        // TP + FN = actual and TP + FP = predicted.
        (actual + predicted > 0).then(|| 2.0 * right as f64 / (actual + predicted) as f64)
    });
    mean(scores)
}

/// −Σ label · ln probability of one image, nats.
///
/// A probability that float32 rounded to 0 counts as the smallest normal float32 (about 87 nats), so that one confident
/// wrong prediction has a large but finite loss.
pub fn cross_entropy(probability: &[f32], label: &[f32]) -> f64 {
    let log_likelihood: f64 = probability
        .iter()
        .zip(label)
        .filter(|(_, label)| **label > 0.0)
        .map(|(probability, label)| {
            f64::from(*label) * f64::from(probability.max(f32::MIN_POSITIVE)).ln()
        })
        .sum();
    // Adding 0 turns −0 into 0.
    -log_likelihood + 0.0
}

/// −Σ p ln p, nats, with 0 ln 0 = 0.
pub fn entropy(distribution: &[f64]) -> f64 {
    -distribution.iter().filter(|share| **share > 0.0).map(|share| share * share.ln()).sum::<f64>()
        + 0.0
}

fn check(probabilities: &[f32], labels: &[f32], classes: usize) -> Result<(), MetricsError> {
    if classes == 0 || probabilities.is_empty() {
        return Err(MetricsError::Empty);
    }
    if probabilities.len() != labels.len() || !probabilities.len().is_multiple_of(classes) {
        return Err(MetricsError::Shape {
            probabilities: probabilities.len(),
            labels: labels.len(),
            classes,
        });
    }
    // A softmax in reduced precision may pass 1 by a rounding error.
    let share = |value: &f32| (0.0..=1.0 + 1e-3).contains(value);
    let wrong = |values: &[f32]| values.iter().position(|value| !share(value));
    match wrong(probabilities).or_else(|| wrong(labels)) {
        Some(index) => Err(MetricsError::NotAShare { image: index / classes }),
        None => Ok(()),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Five images of classes 0, 0, 0, 1, 1 predicted as 0, 0, 1, 1, 2; class 3 neither occurs nor is
    /// predicted.
    const COUNTS: [u64; 16] = [2, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn counts_by_hand() {
        let counts = confusion_counts(&[0, 0, 0, 1, 1], &[0, 0, 1, 1, 2], 4);
        assert_eq!(counts, COUNTS);
    }

    #[test]
    fn metrics_of_counts_by_hand() {
        assert_eq!(accuracy(&COUNTS, 4), 3.0 / 5.0);
        // Recalls 2/3 and 1/2; classes 2 and 3 do not occur.
        assert!((balanced_accuracy(&COUNTS, 4) - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-15);
        assert_eq!(recalls(&COUNTS, 4), [Some(2.0 / 3.0), Some(0.5), None, None]);
        // F1: 4/5, 2/4, and 0 for class 2, which is predicted once and never right; class 3 is left out.
        assert!((macro_f1(&COUNTS, 4) - (0.8 + 0.5 + 0.0) / 3.0).abs() < 1e-15);
    }

    #[test]
    fn measure_by_hand() {
        let probabilities = [0.5, 0.25, 0.25, 0.125, 0.75, 0.125];
        let labels = [1.0, 0.0, 0.0, 0.5, 0.5, 0.0];
        let metrics = Metrics::measure(&probabilities, &labels, 3, &[0.5, 0.25, 0.25]).unwrap();
        // The second image's votes tie: the first class is the actual one, and the prediction is wrong.
        assert_eq!(metrics.accuracy, 0.5);
        assert_eq!(metrics.balanced_accuracy, 0.5);
        let first = 1.0;
        let second = 0.5 * 3.0 + 0.5 * (4.0f64 / 3.0).log2();
        let mean = (first + second) / 2.0;
        assert!((metrics.loss - mean * std::f64::consts::LN_2).abs() < 1e-12);
        assert!((metrics.bits - (1.5 - mean)).abs() < 1e-12);
    }

    #[test]
    fn predicting_the_prior_gives_no_bits() {
        let rows = [[0.5, 0.25, 0.25], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5]];
        let labels: Vec<f32> = rows.concat();
        let prior = [0.5, 0.25, 0.25];
        let predictions = [0.5f32, 0.25, 0.25].repeat(3);
        let metrics = Metrics::measure(&predictions, &labels, 3, &prior).unwrap();
        assert!(metrics.bits.abs() < 1e-12);
    }

    #[test]
    fn a_probability_of_zero_stays_finite() {
        let loss = cross_entropy(&[0.0, 1.0], &[1.0, 0.0]);
        assert!(loss > 80.0 && loss < 90.0);
        assert_eq!(cross_entropy(&[0.0, 1.0], &[0.0, 1.0]), 0.0);
    }

    #[test]
    fn invalid_predictions_give_an_error() {
        let measure =
            |p: &[f32], l: &[f32], k| Metrics::measure(p, l, k, &vec![0.5; k]).unwrap_err();
        assert_eq!(measure(&[], &[], 2), MetricsError::Empty);
        assert_eq!(
            measure(&[0.5, 0.5, 1.0], &[0.5, 0.5, 1.0], 2),
            MetricsError::Shape { probabilities: 3, labels: 3, classes: 2 }
        );
        assert_eq!(
            measure(&[0.5, 0.5, f32::NAN, 0.5], &[1.0, 0.0, 1.0, 0.0], 2),
            MetricsError::NotAShare { image: 1 }
        );
        let error = Metrics::measure(&[1.0, 0.0], &[1.0, 0.0], 2, &[1.0]).unwrap_err();
        assert_eq!(error, MetricsError::Prior { found: 1, classes: 2 });
    }

    proptest! {
        #[test]
        fn balanced_accuracy_is_accuracy_where_classes_are_even(
            predicted in prop::collection::vec(0usize..3, 12),
        ) {
            let actual: Vec<usize> = (0..12).map(|image| image % 3).collect();
            let counts = confusion_counts(&actual, &predicted, 3);
            prop_assert!((balanced_accuracy(&counts, 3) - accuracy(&counts, 3)).abs() < 1e-12);
            prop_assert_eq!(counts.iter().sum::<u64>(), 12);
        }
    }
}

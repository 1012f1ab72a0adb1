//! The metrics of one run's predictions.
//!
//! In: a network's predictions and the annotators' votes, image by image. Out: one number per metric. Sums run in f64 and
//! in image order, so that the same predictions give bit-identical metrics.

use thiserror::Error;

use crate::dataset::leaders;

/// Why predictions cannot be scored.
#[derive(Debug, Error, PartialEq)]
pub enum MetricsError {
    #[error("there are no images to score, or no classes")]
    Empty,
    #[error(
        "image {image} (counted from 0) has {probabilities} log-probabilities and {shares} label shares, and is \
         predicted as class {predicted} (counted from 0), of {classes} classes"
    )]
    Shape { image: usize, probabilities: usize, shares: usize, predicted: usize, classes: usize },
    #[error(
        "image {image} (counted from 0) has a log-probability that is no number up to 0, or a label share that is no \
         number from 0 to 1"
    )]
    NotAShare { image: usize },
    #[error("the mean training label distribution has {found} shares for {classes} classes")]
    Prior { found: usize, classes: usize },
}

/// What a network predicts for one image, and what its annotators chose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction<'a> {
    /// The predicted class, by index.
    pub predicted: usize,
    /// The natural logarithms of its probabilities, `[K]`.
    pub log_probabilities: &'a [f32],
    /// The label distribution, `[K]`.
    pub label: &'a [f32],
}

/// The metrics of one run on one split. No order of the classes changes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metrics {
    /// The share of images whose most probable class is the class with most votes. Where k classes tie, naming one of
    /// them is right by 1/k: what a draw among them would give on average. A prediction that is the same for every image
    /// so gets no more than the class's share of the votes' leads.
    pub accuracy: f64,
    /// The mean recall of the classes that occur; an image whose votes tie between k classes is 1/k of an image of each.
    pub balanced_accuracy: f64,
    /// The mean F1 of the classes that occur or are predicted, tied images shared in the same way.
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
    /// Each row of the predictions is a distribution over the `classes` (K); `prior` is the mean training label
    /// distribution, `[K]`.
    pub fn measure(
        predictions: &[Prediction],
        classes: usize,
        prior: &[f64],
    ) -> Result<Metrics, MetricsError> {
        check(predictions, classes)?;
        if prior.len() != classes {
            return Err(MetricsError::Prior { found: prior.len(), classes });
        }
        let counts = confusion_counts(
            predictions.iter().map(|prediction| (leaders(prediction.label), prediction.predicted)),
            classes,
        );
        let losses = predictions
            .iter()
            .map(|prediction| cross_entropy(prediction.log_probabilities, prediction.label));
        let loss = losses.sum::<f64>() / predictions.len() as f64;
        Ok(Metrics {
            accuracy: accuracy(&counts, classes),
            balanced_accuracy: balanced_accuracy(&counts, classes),
            macro_f1: macro_f1(&counts, classes),
            loss,
            bits: (entropy(prior) - loss) / std::f64::consts::LN_2,
        })
    }
}

/// How often each actual class (rows) was predicted as each class (columns): `[K, K]`, row-major. Of each image come
/// the classes that have most votes, all of which share it, and the predicted one; classes are indices below `classes`.
pub fn confusion_counts(
    images: impl Iterator<Item = (Vec<usize>, usize)>,
    classes: usize,
) -> Vec<f64> {
    let mut counts = vec![0.0; classes * classes];
    for (actual, predicted) in images {
        let share = 1.0 / actual.len() as f64;
        for class in actual {
            counts[class * classes + predicted] += share;
        }
    }
    counts
}

/// The share of the counts on the diagonal of `[K, K]`.
pub fn accuracy(counts: &[f64], classes: usize) -> f64 {
    let right: f64 = (0..classes).map(|class| counts[class * classes + class]).sum();
    right / counts.iter().sum::<f64>()
}

/// The mean recall over the classes that occur; a class without images has no recall and is left out.
pub fn balanced_accuracy(counts: &[f64], classes: usize) -> f64 {
    let recalls = recalls(counts, classes);
    mean(recalls.into_iter().flatten())
}

/// Each class's recall: the share of its images that are predicted correctly; `None` if it has no images.
pub fn recalls(counts: &[f64], classes: usize) -> Vec<Option<f64>> {
    (0..classes)
        .map(|class| {
            let row = &counts[class * classes..(class + 1) * classes];
            let images: f64 = row.iter().sum();
            (images > 0.0).then(|| row[class] / images)
        })
        .collect()
}

/// The mean over classes of F1 = 2 TP / (2 TP + FP + FN).
///
/// A class that neither occurs nor is ever predicted has no F1 and is left out; one that occurs and is
/// never predicted (or the reverse) counts as 0.
pub fn macro_f1(counts: &[f64], classes: usize) -> f64 {
    let scores = (0..classes).filter_map(|class| {
        let actual: f64 = counts[class * classes..(class + 1) * classes].iter().sum();
        let predicted: f64 = (0..classes).map(|row| counts[row * classes + class]).sum();
        let right = counts[class * classes + class];
        // TP + FN = actual and TP + FP = predicted.
        (actual + predicted > 0.0).then(|| 2.0 * right / (actual + predicted))
    });
    mean(scores)
}

/// −Σ label · ln probability of one image, nats, from the logarithms: a sure and wrong prediction counts for all that it
/// is, where a probability would have underflowed.
pub fn cross_entropy(log_probability: &[f32], label: &[f32]) -> f64 {
    let log_likelihood: f64 = log_probability
        .iter()
        .zip(label)
        .filter(|(_, label)| **label > 0.0)
        .map(|(logarithm, label)| f64::from(*label) * f64::from(*logarithm))
        .sum();
    // Adding 0 turns −0 into 0.
    -log_likelihood + 0.0
}

/// The same from probabilities, all that tables of before numeric version 3 hold. One that float32 rounded to 0 counts
/// as the smallest normal float32 (about 87 nats), as it did when their other numbers were computed.
pub fn cross_entropy_of_probabilities(probability: &[f32], label: &[f32]) -> f64 {
    let log_likelihood: f64 = probability
        .iter()
        .zip(label)
        .filter(|(_, label)| **label > 0.0)
        .map(|(probability, label)| {
            f64::from(*label) * f64::from(probability.max(f32::MIN_POSITIVE)).ln()
        })
        .sum();
    -log_likelihood + 0.0
}

/// −Σ p ln p, nats, with 0 ln 0 = 0.
pub fn entropy(distribution: &[f64]) -> f64 {
    -distribution.iter().filter(|share| **share > 0.0).map(|share| share * share.ln()).sum::<f64>()
        + 0.0
}

fn check(predictions: &[Prediction], classes: usize) -> Result<(), MetricsError> {
    if classes == 0 || predictions.is_empty() {
        return Err(MetricsError::Empty);
    }
    // A softmax in reduced precision may pass 1 by a rounding error.
    let share = |value: &f32| (0.0..=1.0 + 1e-3).contains(value);
    let logarithm = |value: &f32| value.is_finite() && *value <= 1e-3;
    for (image, Prediction { predicted, log_probabilities, label }) in
        predictions.iter().enumerate()
    {
        let (probabilities, shares) = (log_probabilities.len(), label.len());
        if probabilities != classes || shares != classes || *predicted >= classes {
            let predicted = *predicted;
            return Err(MetricsError::Shape { image, probabilities, shares, predicted, classes });
        }
        if !log_probabilities.iter().all(logarithm) || !label.iter().all(share) {
            return Err(MetricsError::NotAShare { image });
        }
    }
    Ok(())
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
    const COUNTS: [f64; 16] =
        [2.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];

    fn logarithms(probabilities: &[f32]) -> Vec<f32> {
        probabilities.iter().map(|probability| probability.ln()).collect()
    }

    /// Rows of `classes`, each predicted as its first largest.
    fn measure(
        log_probabilities: &[f32],
        labels: &[f32],
        classes: usize,
        prior: &[f64],
    ) -> Result<Metrics, MetricsError> {
        let rows = log_probabilities.chunks(classes).zip(labels.chunks(classes));
        let prediction = |(log_probabilities, label)| Prediction {
            predicted: leaders(log_probabilities).first().copied().unwrap_or(0),
            log_probabilities,
            label,
        };
        Metrics::measure(&rows.map(prediction).collect::<Vec<_>>(), classes, prior)
    }

    #[test]
    fn counts_by_hand() {
        let images = [(0, 0), (0, 0), (0, 1), (1, 1), (1, 2)];
        let images = images.into_iter().map(|(actual, predicted)| (vec![actual], predicted));
        assert_eq!(confusion_counts(images, 4), COUNTS);
        let tied = [(vec![0, 1], 1), (vec![0, 1, 2, 3], 1)];
        let counts = confusion_counts(tied.into_iter(), 4);
        assert_eq!([counts[1], counts[5], counts[9], counts[13]], [0.75, 0.75, 0.25, 0.25]);
        assert_eq!(counts.iter().sum::<f64>(), 2.0);
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
        let probabilities = logarithms(&[0.5, 0.25, 0.25, 0.125, 0.75, 0.125]);
        let labels = [1.0, 0.0, 0.0, 0.5, 0.5, 0.0];
        let metrics = measure(&probabilities, &labels, 3, &[0.5, 0.25, 0.25]).unwrap();
        // The second image's votes tie: half of its credit is to be had, and half an image is of the first class.
        assert_eq!(metrics.accuracy, 0.75);
        assert!((metrics.balanced_accuracy - (1.0 / 1.5 + 1.0) / 2.0).abs() < 1e-15);
        let first = 1.0;
        let second = 0.5 * 3.0 + 0.5 * (4.0f64 / 3.0).log2();
        let mean = (first + second) / 2.0;
        assert!((metrics.loss - mean * std::f64::consts::LN_2).abs() < 1e-6);
        assert!((metrics.bits - (1.5 - mean)).abs() < 1e-6);
    }

    #[test]
    fn a_constant_prediction_does_not_profit_from_ties() {
        // A third of the images of each of two classes, a third at odds.
        let labels = [1.0, 0.0, 0.0, 1.0, 0.5, 0.5];
        let always = |prediction: [f32; 2]| {
            measure(&logarithms(&prediction.repeat(3)), &labels, 2, &[0.5, 0.5]).unwrap()
        };
        let (one, other) = (always([0.6, 0.4]), always([0.4, 0.6]));
        assert_eq!((one.accuracy, other.accuracy), (0.5, 0.5));
        assert_eq!((one.balanced_accuracy, other.balanced_accuracy), (0.5, 0.5));
    }

    #[test]
    fn predicting_the_prior_gives_no_bits() {
        let rows = [[0.5, 0.25, 0.25], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5]];
        let labels: Vec<f32> = rows.concat();
        let prior = [0.5, 0.25, 0.25];
        let predictions = logarithms(&[0.5f32, 0.25, 0.25].repeat(3));
        let metrics = measure(&predictions, &labels, 3, &prior).unwrap();
        assert!(metrics.bits.abs() < 1e-7);
    }

    #[test]
    fn a_sure_and_wrong_prediction_counts_for_all_that_it_is() {
        // 120 apart in logits: the probability is below the smallest float32.
        assert_eq!(cross_entropy(&[-120.0, 0.0], &[1.0, 0.0]), 120.0);
        assert_eq!(cross_entropy(&[-120.0, 0.0], &[0.0, 1.0]), 0.0);
        let loss = cross_entropy_of_probabilities(&[0.0, 1.0], &[1.0, 0.0]);
        assert!(loss > 80.0 && loss < 90.0);
        assert_eq!(cross_entropy_of_probabilities(&[0.0, 1.0], &[0.0, 1.0]), 0.0);
    }

    #[test]
    fn invalid_predictions_give_an_error() {
        let measure = |p: &[f32], l: &[f32], k| measure(p, l, k, &vec![0.5; k]).unwrap_err();
        assert_eq!(measure(&[], &[], 2), MetricsError::Empty);
        assert_eq!(
            measure(&[-0.7, -0.7, -0.1], &[0.5, 0.5, 1.0], 2),
            MetricsError::Shape { image: 1, probabilities: 1, shares: 1, predicted: 0, classes: 2 }
        );
        for wrong in [f32::NAN, f32::NEG_INFINITY, 0.5] {
            assert_eq!(
                measure(&[-0.7, -0.7, wrong, -0.7], &[1.0, 0.0, 1.0, 0.0], 2),
                MetricsError::NotAShare { image: 1 }
            );
        }
        let error = super::Metrics::measure(
            &[Prediction { predicted: 0, log_probabilities: &[-0.1, -3.0], label: &[1.0, 0.0] }],
            2,
            &[1.0],
        );
        assert_eq!(error.unwrap_err(), MetricsError::Prior { found: 1, classes: 2 });
    }

    proptest! {
        #[test]
        fn balanced_accuracy_is_accuracy_where_classes_are_even(
            predicted in prop::collection::vec(0usize..3, 12),
        ) {
            let images = predicted.iter().enumerate().map(|(image, &prediction)| (vec![image % 3], prediction));
            let counts = confusion_counts(images, 3);
            prop_assert!((balanced_accuracy(&counts, 3) - accuracy(&counts, 3)).abs() < 1e-12);
            prop_assert_eq!(counts.iter().sum::<f64>(), 12.0);
        }

        /// Ten annotators, so that many votes tie, and predictions of which many do.
        #[test]
        fn no_order_of_the_classes_changes_a_metric(
            votes in prop::collection::vec(prop::array::uniform3(0u8..4), 1..40),
            predictions in prop::collection::vec(prop::array::uniform3(1u8..4), 40),
            turn in 1usize..3,
        ) {
            let names: Vec<String> = ["sad", "glad", "wild"].map(str::to_owned).to_vec();
            let scored = |turn: usize| {
                let turned = |row: &[u8; 3]| -> Vec<f32> {
                    let sum = row.iter().map(|part| f32::from(*part)).sum::<f32>().max(1.0);
                    (0..3).map(|class| f32::from(row[(class + turn) % 3]) / sum).collect()
                };
                let names: Vec<String> = (0..3).map(|class| names[(class + turn) % 3].clone()).collect();
                let labels: Vec<Vec<f32>> = votes.iter().map(&turned).collect();
                let logs: Vec<Vec<f32>> =
                    predictions.iter().take(votes.len()).map(|row| logarithms(&turned(row))).collect();
                let prediction = |(image, (log_probabilities, label)): (usize, (&Vec<f32>, &Vec<f32>))| {
                    let name = image.to_string();
                    (crate::dataset::one_of_leaders(log_probabilities, &name, &names), log_probabilities.clone(), label.clone())
                };
                let rows: Vec<_> = logs.iter().zip(&labels).enumerate().map(prediction).collect();
                let predictions: Vec<Prediction> = rows
                    .iter()
                    .map(|(predicted, log_probabilities, label)| Prediction { predicted: *predicted, log_probabilities, label })
                    .collect();
                Metrics::measure(&predictions, 3, &[1.0 / 3.0; 3]).unwrap()
            };
            let (one, other) = (scored(0), scored(turn));
            let numbers = |m: Metrics| [m.accuracy, m.balanced_accuracy, m.macro_f1, m.loss, m.bits];
            for (a, b) in numbers(one).into_iter().zip(numbers(other)) {
                prop_assert!((a - b).abs() < 1e-9, "{one:?} {other:?}");
            }
        }
    }
}

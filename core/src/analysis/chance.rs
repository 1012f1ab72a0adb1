//! The chance level: the best constant prediction, one definition for every table and chart.
//!
//! An accuracy has to be compared with the share of the most frequent class among the test images, the first in class
//! order of several: no prediction that is the same for every image reaches more. It needs nothing but the test images, so
//! that it is the same for all runs of a setting. For the mean recall it is one over the number of classes; for
//! bits, where the prediction is a distribution, 0 by definition.

use super::metric::{Metric, mean};
use super::scores::{RunScores, TestImages};

/// The metric of the best constant prediction for a run's test images.
pub fn chance(metric: Metric, scores: &RunScores) -> f64 {
    mean((0..scores.images()).map(|image| without_looking(metric, &scores.test, image)))
}

/// The contribution of one image under that prediction, as in [`Metric::worths`].
pub(super) fn without_looking(metric: Metric, test: &TestImages, image: usize) -> f64 {
    let right = f64::from(u8::from(Some(test.actual[image]) == test.commonest));
    match metric {
        Metric::Accuracy => right,
        Metric::BalancedAccuracy => right * test.weights[image],
        Metric::Bits => 0.0,
    }
}

/// The class with the most images, the first of several; `None` without images.
pub(super) fn commonest(actual: &[u16]) -> Option<u16> {
    let mut counts = vec![0usize; actual.iter().max().map_or(0, |most| usize::from(*most) + 1)];
    for class in actual {
        counts[usize::from(*class)] += 1;
    }
    let most = counts.iter().max()?;
    (0..).zip(&counts).find_map(|(class, count)| (count == most).then_some(class))
}

#[cfg(test)]
mod tests {
    use super::super::effects::fixture::{answers, run};
    use super::*;

    #[test]
    fn the_best_constant_answer_by_hand() {
        let scores = answers(run("a", &[], "none", 1), &[0, 1, 1, 0, 1], &[0; 5]);
        assert_eq!(chance(Metric::Accuracy, &scores), 0.6);
        assert!((chance(Metric::BalancedAccuracy, &scores) - 0.5).abs() < 1e-12);
        assert_eq!(chance(Metric::Bits, &scores), 0.0);
    }

    #[test]
    fn of_two_commonest_classes_the_first_is_named() {
        assert_eq!(commonest(&[2, 1, 1, 2, 0]), Some(1));
        assert_eq!(commonest(&[3]), Some(3));
        assert_eq!(commonest(&[]), None);
    }
}

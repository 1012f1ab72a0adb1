//! The chance level: the best constant prediction, one definition for every table and chart.
//!
//! An accuracy has to be compared with the share of the most frequent class among the test images (of several, the
//! one whose name comes first in the alphabet, whatever the class order; an image whose votes tie is shared): no
//! prediction that is the same for every image reaches more. It needs nothing but the test images, so that it is the same for all runs of a setting. Of the mean recall it reaches one class in as many as occur; of
//! bits, where the prediction is a distribution, 0 by definition.

use super::metric::{Metric, mean};
use super::scores::{RunScores, TestImages};

/// The metric of the best constant prediction for a run's test images.
pub fn chance(metric: Metric, scores: &RunScores) -> f64 {
    mean((0..scores.images()).map(|image| without_looking(metric, &scores.test, image)))
}

/// The contribution of one image under that prediction, as in [`Metric::worths`].
pub(super) fn without_looking(metric: Metric, test: &TestImages, image: usize) -> f64 {
    let Some(class) = test.commonest else { return 0.0 };
    match metric {
        Metric::Accuracy => test.credit(image, class),
        Metric::BalancedAccuracy => test.credit(image, class) * test.weights[usize::from(class)],
        Metric::Bits => 0.0,
    }
}

/// The share of its images that are predicted as a class without looking.
pub(super) fn recall_without_looking(test: &TestImages, class: u16) -> f64 {
    f64::from(u8::from(test.commonest == Some(class)))
}

/// The class with the most images, given how many each has; of several the first by name. `None` without images.
///
/// One of them, and not their mean: beside a mean an image has hardly any spread, and an interval would shrink
/// where the classes are even to the last image.
pub(super) fn commonest(counts: &[f64], classes: &[String]) -> Option<u16> {
    let most = counts.iter().copied().fold(0.0, f64::max);
    let commonest =
        (0..).zip(counts).zip(classes).filter(|((_, count), _)| most > 0.0 && **count == most);
    commonest.min_by_key(|(_, name)| *name).map(|((class, _), _)| class)
}

#[cfg(test)]
mod tests {
    use super::super::effects::fixture::{run, scored};
    use super::*;

    #[test]
    fn the_best_constant_prediction_by_hand() {
        let scores = scored(run("a", &[], "none", 1), &[0, 1, 1, 0, 1], &[0; 5]);
        assert_eq!(chance(Metric::Accuracy, &scores), 0.6);
        assert!((chance(Metric::BalancedAccuracy, &scores) - 0.5).abs() < 1e-12);
        assert_eq!(chance(Metric::Bits, &scores), 0.0);
    }

    #[test]
    fn of_two_commonest_classes_the_name_decides_and_not_the_order() {
        let names = |names: [&str; 3]| names.map(str::to_owned);
        let (one, other) = (names(["wild", "sad", "glad"]), names(["glad", "sad", "wild"]));
        assert_eq!(commonest(&[2.5, 1.0, 2.5], &one), Some(2));
        assert_eq!(commonest(&[2.5, 1.0, 2.5], &other), Some(0));
        assert_eq!(commonest(&[0.0, 3.0, 0.5], &one), Some(1));
        assert_eq!(commonest(&[0.0; 3], &one), None);
        // `fear` of `neutral` and `fear`.
        let scores = scored(run("a", &[], "none", 1), &[0, 1, 1, 0], &[0; 4]);
        assert_eq!([0, 1].map(|class| recall_without_looking(&scores.test, class)), [0.0, 1.0]);
        assert_eq!(chance(Metric::Accuracy, &scores), 0.5);
    }
}

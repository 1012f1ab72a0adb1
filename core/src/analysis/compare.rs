//! Comparison of two conditions or runs, of one experiment or of two.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::crossed::{Differences, Estimate};
use super::metric::{Metric, mean};
use super::scores::RunScores;

/// A difference, and its pairing.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub estimate: Estimate,
    pub pairing: Pairing,
    /// The number of test images that both sides share.
    pub images: usize,
}

/// The pairing of two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// This many seeds, over the same images.
    Seeds(usize),
    /// No seed, but the same images: the seeds of each side are averaged, and the interval does not include the
    /// variance between seeds.
    ImagesOnly,
}

/// Why two sides cannot be compared image by image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unpaired {
    #[error("one side has no finished run")]
    Unfinished,
    #[error("the test images, or their classes, are not the same")]
    Images,
    #[error("a run has no `test_bits`")]
    NoBits,
}

/// The metric of `b` less that of `a` on the test split, paired by seed and image over the seeds that both
/// have, or by image alone where they share no seed.
///
/// # Errors
/// Where there is nothing to pair.
pub fn compare(a: &[RunScores], b: &[RunScores], metric: Metric) -> Result<Comparison, Unpaired> {
    let (a, b) = (by_seed(a), by_seed(b));
    let (Some(first), false) = (a.values().next(), b.is_empty()) else {
        return Err(Unpaired::Unfinished);
    };
    let same =
        |scores: &&RunScores| Arc::ptr_eq(&scores.test, &first.test) || scores.test == first.test;
    if !a.values().chain(b.values()).all(same) {
        return Err(Unpaired::Images);
    }
    let images = first.images();
    let shared: Vec<u64> = a.keys().filter(|seed| b.contains_key(seed)).copied().collect();
    let sides = |runs: &BTreeMap<u64, &RunScores>| -> Option<Vec<Vec<f64>>> {
        if shared.is_empty() {
            let all: Vec<&RunScores> = runs.values().copied().collect();
            return Some(vec![values(&all, metric)?]);
        }
        shared.iter().map(|seed| values(&[runs[seed]], metric)).collect()
    };
    let (Some(a), Some(b)) = (sides(&a), sides(&b)) else { return Err(Unpaired::NoBits) };
    let pairing =
        if shared.is_empty() { Pairing::ImagesOnly } else { Pairing::Seeds(shared.len()) };
    let differences =
        Differences::from_fn(a.len(), images, |row, image| b[row][image] - a[row][image]);
    let estimate = differences.ok_or(Unpaired::Images)?.estimate();
    let estimate = estimate.within(metric.difference_bounds());
    Ok(Comparison { estimate, pairing, images })
}

/// The finished runs.
fn by_seed(scores: &[RunScores]) -> BTreeMap<u64, &RunScores> {
    let done = scores.iter().filter(|scores| scores.done());
    done.map(|scores| (scores.run.seed, scores)).collect()
}

/// The contribution of each image, the mean over runs; their mean is the metric. `None` if a run lacks
/// its metric.
fn values(runs: &[&RunScores], metric: Metric) -> Option<Vec<f64>> {
    // The constant that images do not determine (for bits the entropy of the training labels) is the same for each.
    let rest = |run: &RunScores| Some(metric.level(run)? - metric.mean(run));
    let rests = runs.iter().map(|run| rest(run)).collect::<Option<Vec<f64>>>()?;
    let images = runs.first()?.images();
    let at = |image: usize| {
        mean(runs.iter().zip(&rests).map(|(run, rest)| metric.part(run, image) + rest))
    };
    Some((0..images).map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::super::effects::fixture::{classes, prediction, run};
    use super::super::scores::Scorer;
    use super::*;
    use crate::store::{RunRow, RunStatus};

    /// A run on images a, b, c … of class 0, of which these are predicted correctly (with probability 1/2,
    /// else 1/4).
    fn scores(id: &str, seed: u64, right: &[bool]) -> RunScores {
        let names = ["a", "b", "c", "d", "e", "f"];
        let rows: Vec<_> = names
            .iter()
            .zip(right)
            .map(|(name, right)| {
                let probabilities = if *right { [0.5, 0.25] } else { [0.25, 0.5] };
                prediction(id, name, 0, probabilities)
            })
            .collect();
        let share = right.iter().filter(|right| **right).count() as f64 / right.len() as f64;
        let row = RunRow { test_bits: Some(1.5 + share - 2.0), ..run(id, &[], "none", seed) };
        Scorer::new(&classes()).score(row, &rows).unwrap()
    }

    const T: bool = true;
    const F: bool = false;

    #[test]
    fn shared_seeds_are_paired_and_the_others_left_out() {
        let a = [scores("a1", 1, &[T, F, F, T]), scores("a2", 2, &[T, T, F, F])];
        let b = [scores("b2", 2, &[T, T, T, F]), scores("b3", 3, &[F, F, F, F])];
        let compared = compare(&a, &b, Metric::Accuracy).unwrap();
        assert_eq!((compared.pairing, compared.images), (Pairing::Seeds(1), 4));
        assert_eq!(compared.estimate.mean, 0.25);
        assert!(compared.estimate.method.starts_with("images only: one seed"));
        let back = compare(&b, &a, Metric::Accuracy).unwrap();
        assert_eq!(back.estimate.mean, -0.25);
    }

    #[test]
    fn two_seeds_are_crossed_with_images() {
        let a = [scores("a1", 1, &[F, F, F, T]), scores("a2", 2, &[F, F, F, T])];
        let b = [scores("b1", 1, &[T, F, F, T]), scores("b2", 2, &[T, T, F, T])];
        let compared = compare(&a, &b, Metric::Accuracy).unwrap();
        assert_eq!((compared.pairing, compared.estimate.mean), (Pairing::Seeds(2), 0.375));
        let differences = [[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]];
        let expected = Differences::from_fn(2, 4, |seed, image| differences[seed][image]);
        let expected = expected.unwrap().estimate().within(Some((-1.0, 1.0)));
        assert_eq!(compared.estimate, expected);
    }

    /// Pictures of one name may show other emotions in other experiments.
    #[test]
    fn images_of_other_classes_are_other_images() {
        let a = [scores("a1", 1, &[T, F])];
        let mut other = Scorer::new(&["neutral".to_owned(), "anger".to_owned()]);
        let rows = ["a", "b"].map(|name| prediction("b1", name, 0, [0.5, 0.25]));
        let b = [other.score(run("b1", &[], "none", 1), &rows).unwrap()];
        assert_eq!(compare(&a, &b, Metric::Accuracy), Err(Unpaired::Images));
    }

    #[test]
    fn without_a_shared_seed_the_images_are_paired() {
        let a = [scores("a1", 1, &[T, F, F, F])];
        let b = [scores("b2", 2, &[T, T, F, F]), scores("b3", 3, &[T, T, T, F])];
        let compared = compare(&a, &b, Metric::Accuracy).unwrap();
        assert_eq!(compared.pairing, Pairing::ImagesOnly);
        // Image by image 0, 1, ½, 0.
        assert_eq!(compared.estimate.mean, 0.375);
        let expected = Differences::from_fn(1, 4, |_, image| [0.0, 1.0, 0.5, 0.0][image]);
        let expected = expected.unwrap().estimate().within(Some((-1.0, 1.0)));
        assert_eq!(compared.estimate, expected);
    }

    #[test]
    fn bits_differ_by_what_the_rows_say() {
        // Half the images more with a doubled probability is half a bit.
        let a = [scores("a1", 1, &[T, F, F, F])];
        let b = [scores("b1", 1, &[T, T, T, F])];
        let bits = compare(&a, &b, Metric::Bits).unwrap().estimate.mean;
        assert!((bits - 0.5).abs() < 1e-12, "{bits}");
        // Another entropy of the training labels is part of the difference.
        let mut richer = b;
        richer[0].run.test_bits = richer[0].run.test_bits.map(|bits| bits + 0.25);
        let bits = compare(&a, &richer, Metric::Bits).unwrap().estimate.mean;
        assert!((bits - 0.75).abs() < 1e-12, "{bits}");
        richer[0].run.test_bits = None;
        assert_eq!(compare(&a, &richer, Metric::Bits), Err(Unpaired::NoBits));
    }

    #[test]
    fn what_cannot_be_paired_is_said() {
        let a = [scores("a1", 1, &[T, F, F, F])];
        let fewer = [scores("b1", 1, &[T, F, F])];
        assert_eq!(compare(&a, &fewer, Metric::Accuracy), Err(Unpaired::Images));
        let mut failed = a.clone();
        failed[0].run.status = RunStatus::Failed("the loss is not finite".to_owned());
        assert_eq!(compare(&a, &failed, Metric::Accuracy), Err(Unpaired::Unfinished));
        assert_eq!(compare(&failed, &a, Metric::Accuracy), Err(Unpaired::Unfinished));
        assert_eq!(compare(&[], &a, Metric::Accuracy), Err(Unpaired::Unfinished));
        let itself = compare(&a, &a, Metric::Accuracy).unwrap().estimate;
        assert_eq!((itself.mean, itself.interval, itself.p), (0.0, None, Some(1.0)));
    }
}

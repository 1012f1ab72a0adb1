//! Two conditions of different experiments, held against each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::crossed::{Differences, Estimate};
use super::scores::RunScores;

/// Test accuracy of `b` less that of `a`, paired by seed and image over the seeds that both have.
/// `None` where they share no seed or met different images.
pub fn difference(a: &[RunScores], b: &[RunScores]) -> Option<Estimate> {
    let by_seed = |scores: &'_ [RunScores]| -> BTreeMap<u64, RunScores> {
        let done = scores.iter().filter(|scores| scores.done());
        done.map(|scores| (scores.run().seed, scores.clone())).collect()
    };
    let (a, b) = (by_seed(a), by_seed(b));
    let pairs: Vec<(&RunScores, &RunScores)> =
        a.iter().filter_map(|(seed, a)| Some((a, b.get(seed)?))).collect();
    let (first, _) = pairs.first()?;
    let same = |scores: &RunScores| {
        Arc::ptr_eq(&scores.test, &first.test) || scores.test.names == first.test.names
    };
    if !pairs.iter().all(|(a, b)| same(a) && same(b)) {
        return None;
    }
    let right = |scores: &RunScores, image: usize| f64::from(u8::from(scores.correct[image]));
    let differences = Differences::from_fn(pairs.len(), first.images(), |seed, image| {
        let (a, b) = pairs[seed];
        right(b, image) - right(a, image)
    })?;
    Some(differences.estimate())
}

//! Correction for multiple tests: Holm's method controls the family-wise error rate (Holm
//! 1979).

use std::collections::BTreeMap;

/// A corrected p below this is a difference: the complement of the 95 % interval.
pub(super) const ALPHA: f64 = 0.05;

/// Holm's step-down p-values (Holm 1979), in the order given.
///
/// The i-th smallest of m is multiplied by m − i + 1 and is never below an adjusted value before it,
/// nor above 1. A `None` was not tested: it stays `None` and does not count among the m.
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut tested: Vec<(usize, f64)> =
        p.iter().enumerate().filter_map(|(index, p)| p.map(|p| (index, p))).collect();
    tested.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut adjusted = vec![None; p.len()];
    let mut largest = 0.0f64;
    for (rank, (index, p)) in tested.iter().enumerate() {
        largest = largest.max(p * (tested.len() - rank) as f64).min(1.0);
        adjusted[*index] = Some(largest);
    }
    adjusted
}

/// Holm's p-values within families of tests, in the order given.
pub(super) fn holm_within<F: Ord>(
    tests: impl Iterator<Item = (F, Option<f64>)>,
) -> Vec<Option<f64>> {
    let mut families: BTreeMap<F, Vec<usize>> = BTreeMap::new();
    let mut p = Vec::new();
    for (index, (family, one)) in tests.enumerate() {
        families.entry(family).or_default().push(index);
        p.push(one);
    }
    let mut adjusted = vec![None; p.len()];
    for members in families.values() {
        let family: Vec<Option<f64>> = members.iter().map(|index| p[*index]).collect();
        for (index, value) in members.iter().zip(holm(&family)) {
            adjusted[*index] = value;
        }
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_answers() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02.
        let adjusted = holm(&[Some(0.01), Some(0.04), Some(0.03), Some(0.005)]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found.unwrap() - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn never_above_one_and_one_alone_unchanged() {
        assert_eq!(holm(&[Some(0.7), Some(0.9)]), [Some(1.0), Some(1.0)]);
        assert_eq!(holm(&[Some(0.02)]), [Some(0.02)]);
        assert_eq!(holm(&[]), []);
    }

    #[test]
    fn what_was_not_tested_does_not_count() {
        assert_eq!(holm(&[None, Some(0.25), None, Some(0.5)]), [None, Some(0.5), None, Some(0.5)]);
    }

    #[test]
    fn families_are_corrected_apart() {
        let tests = [("a", Some(0.01)), ("b", Some(0.02)), ("a", Some(0.5)), ("a", None)];
        assert_eq!(holm_within(tests.into_iter()), [Some(0.02), Some(0.02), Some(0.5), None]);
    }

    proptest! {
        #[test]
        fn keeps_the_order_and_never_helps(p in prop::collection::vec(0.0f64..=1.0, 1..12)) {
            let adjusted = holm(&p.iter().copied().map(Some).collect::<Vec<_>>());
            for (a, adjusted_a) in p.iter().zip(&adjusted) {
                prop_assert!(adjusted_a.unwrap() >= *a);
                prop_assert!(adjusted_a.unwrap() <= (a * p.len() as f64).max(1.0));
                for (b, adjusted_b) in p.iter().zip(&adjusted) {
                    prop_assert!(a > b || adjusted_a <= adjusted_b);
                }
            }
        }
    }
}

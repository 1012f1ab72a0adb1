//! Whether networks come beyond chance at all.

use crate::analysis::BeyondChance;
use crate::report::findings::evidence::Evidence;
use crate::store::Metric;

/// What an interval of an excess over chance allows to be said. That it holds 0 is no evidence that there is nothing:
/// what it reaches up to may be so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AboveChance {
    /// All of the interval is above chance.
    Told,
    /// It holds chance, or lies below.
    NotTold,
    /// There is no interval, as of predictions that are all alike.
    Unknown,
}

impl AboveChance {
    pub fn of(interval: Option<(f64, f64)>) -> AboveChance {
        match interval {
            Some((low, _)) if low > 0.0 => AboveChance::Told,
            Some(_) => AboveChance::NotTold,
            None => AboveChance::Unknown,
        }
    }
}

/// The settings whose whole faces are not reliably read better than by the best constant prediction: where a network
/// learnt nothing, that hiding a region costs nothing says nothing of the region. Of accuracy, in which chance is shown
/// wherever it stands.
pub fn whole_not_above(evidence: &Evidence) -> Vec<&BeyondChance> {
    let accuracy = evidence.whole.iter().filter(|found| found.metric == Metric::Accuracy);
    let open = |found: &&BeyondChance| match AboveChance::of(found.excess.interval) {
        AboveChance::Told => false,
        AboveChance::NotTold => true,
        AboveChance::Unknown => found.excess.mean <= 0.0,
    };
    accuracy.filter(open).collect()
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::analysis::Estimate;

    /// Whole faces that are read so many points above a chance of 20 %.
    pub fn whole(excess: f64, interval: Option<(f64, f64)>) -> BeyondChance {
        BeyondChance {
            metric: Metric::Accuracy,
            chance: 0.2,
            excess: Estimate {
                mean: excess / 100.0,
                interval: interval.map(|(low, high)| (low / 100.0, high / 100.0)),
                p: None,
                method: "two-way variance components",
            },
            seeds: 3,
            images: 1400,
            swept: BTreeMap::new(),
        }
    }

    #[test]
    fn an_interval_that_holds_chance_rules_nothing_out() {
        assert_eq!(AboveChance::of(Some((0.001, 0.2))), AboveChance::Told);
        assert_eq!(AboveChance::of(Some((-0.091, 0.174))), AboveChance::NotTold);
        assert_eq!(AboveChance::of(None), AboveChance::Unknown);
    }

    #[test]
    fn whole_faces_at_chance_are_found() {
        let not_above = |found: BeyondChance| {
            !whole_not_above(&Evidence { whole: vec![found], ..Evidence::default() }).is_empty()
        };
        assert!(!not_above(whole(60.0, Some((50.0, 70.0)))));
        assert!(not_above(whole(2.0, Some((-1.0, 5.0)))));
        assert!(not_above(whole(-5.0, Some((-7.0, -3.0)))));
        // The constant prediction itself has no spread.
        assert!(not_above(whole(0.0, None)));
        assert!(!not_above(whole(60.0, None)));
        let bits = BeyondChance { metric: Metric::Bits, ..whole(-5.0, None) };
        assert!(!not_above(bits));
    }
}

//! Which regions are redundant, and which are worth more together: what the interactions of one game allow to be said.

use crate::plan::{Several, Swept};
use crate::region::{FillKind, Mode, Phase};
use crate::store::{EffectRow, InterplayRow, Worth};

use crate::report::findings::evidence::Evidence;
use crate::report::findings::finding::{excess_significant, known, significant};

/// The interactions of the pairs of regions of one game, by one metric.
#[derive(Debug, Clone)]
pub struct Interplay<'a> {
    pub phase: Phase,
    pub fill: FillKind,
    pub swept: &'a Swept,
    /// What there are several of, it and the others.
    pub several: Several,
    pub seeds: u32,
    /// Test images.
    pub images: u64,
    /// How the intervals are computed.
    pub method: &'a str,
    /// The largest first, whatever its sign; never empty.
    pub pairs: Vec<Pair<'a>>,
    /// What single regions reach alone in the same game.
    alone: Vec<&'a EffectRow>,
}

/// The Shapley interaction of two regions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair<'a> {
    /// Two.
    pub regions: &'a [String],
    /// In the unit of the worth: a share, or bits.
    pub value: f64,
    /// 95 %, where it is known.
    pub interval: Option<(f64, f64)>,
    /// Holm's, over all pairs of the game.
    pub p_adjusted: Option<f64>,
    pub kind: Interaction,
}

/// What a pair's interaction is, by its own test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// Significantly below 0: each is worth less where the other is visible.
    Redundant,
    /// Significantly above 0: each is worth more where the other is visible.
    Synergistic,
    /// It may be 0.
    NotSignificant,
    /// There is no interval.
    Unknown,
}

/// The interactions of one worth by setting, phase and fill, in the order of the rows.
pub fn interplays(evidence: &Evidence, worth: Worth) -> Vec<Interplay<'_>> {
    let rows = || evidence.interplay.iter().filter(|row| row.metric == worth);
    let several = Several::of(rows().map(|row| (row.phase, row.fill, &row.swept)));
    let mut found: Vec<Interplay<'_>> = Vec::new();
    for row in rows() {
        let &InterplayRow { phase, fill, ref swept, .. } = row;
        let same =
            |game: &&mut Interplay<'_>| (game.phase, game.fill, game.swept) == (phase, fill, swept);
        match found.iter_mut().find(same) {
            Some(game) => game.pairs.push(Pair::of(row)),
            None => {
                let alone = evidence.effects.iter().filter(|effect| {
                    (effect.mode, effect.phase, effect.fill) == (Mode::Keep, phase, fill)
                        && effect.swept == *swept
                        && effect.metric.worth() == Some(worth)
                        && effect.regions.len() == 1
                });
                let alone = alone.collect();
                let &InterplayRow { seeds, images, ref method, .. } = row;
                let pairs = vec![Pair::of(row)];
                found.push(Interplay {
                    phase,
                    fill,
                    swept,
                    several,
                    seeds,
                    images,
                    method,
                    pairs,
                    alone,
                });
            }
        }
    }
    for game in &mut found {
        let size = |pair: &Pair<'_>| pair.value.abs();
        game.pairs.sort_by(|a, b| size(b).total_cmp(&size(a)).then(a.regions.cmp(b.regions)));
    }
    found
}

impl Pair<'_> {
    /// What a pair's interaction is: its interval leaves zero out, and so does the test that is corrected for all pairs.
    pub fn of(row: &InterplayRow) -> Pair<'_> {
        let interval = known(row.low, row.high);
        let kind = match significant(interval, row.p_adjusted) {
            None => Interaction::Unknown,
            Some(false) => Interaction::NotSignificant,
            Some(true) if row.value < 0.0 => Interaction::Redundant,
            Some(true) => Interaction::Synergistic,
        };
        let &InterplayRow { pair: ref regions, value, p_adjusted, .. } = row;
        Pair { regions, value, interval, p_adjusted, kind }
    }

    pub fn is_significant(&self) -> bool {
        matches!(self.kind, Interaction::Redundant | Interaction::Synergistic)
    }
}

impl<'a> Interplay<'a> {
    /// Those of one kind, the largest first.
    pub fn of(&self, kind: Interaction) -> Vec<Pair<'a>> {
        self.pairs.iter().copied().filter(|pair| pair.kind == kind).collect()
    }

    /// Whether neither of a pair is significantly above chance where it alone is visible, as far as both are tested:
    /// what the two tell then shows only together.
    pub fn neither_alone(&self, pair: &[String]) -> bool {
        let not_above = |region: &String| {
            let row = self.alone.iter().find(|row| row.regions[0] == *region);
            row.is_some_and(|row| match excess_significant(row) {
                Some(true) => row.excess.is_some_and(|excess| excess < 0.0),
                Some(false) => true,
                None => false,
            })
        };
        pair.iter().all(not_above)
    }

    /// Every region of the game, in the order of their names.
    pub fn regions(&self) -> Vec<&'a str> {
        let mut regions: Vec<&str> =
            self.pairs.iter().flat_map(|pair| pair.regions.iter().map(String::as_str)).collect();
        regions.sort_unstable();
        regions.dedup();
        regions
    }
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::findings::finding::tests::{row, with_chance};

    /// A pair's interaction in points, 3 seeds, 1,400 images.
    pub fn pair(regions: [&str; 2], value: f64, interval: (f64, f64), p: f64) -> InterplayRow {
        InterplayRow {
            pair: regions.map(str::to_owned).to_vec(),
            metric: Worth::Accuracy,
            phase: Phase::Retrain,
            fill: FillKind::Mean,
            value: value / 100.0,
            low: Some(interval.0 / 100.0),
            high: Some(interval.1 / 100.0),
            p: Some(p),
            p_adjusted: Some(p),
            seeds: 3,
            images: 1400,
            method: "exact over 8 sets; two-way variance components".to_owned(),
            swept: BTreeMap::new(),
        }
    }

    /// What one region reaches alone, points above a chance of 50 %.
    pub fn alone(region: &str, above: f64) -> EffectRow {
        let lost = 83.0 - 50.0 - above;
        with_chance(row(region, "keep", lost, Some((lost - 2.0, lost + 2.0))), 50.0)
    }

    #[test]
    fn a_pair_is_judged_by_its_corrected_test() {
        let of = |value, interval, p| Pair::of(&pair(["brows", "mouth"], value, interval, p)).kind;
        assert_eq!(of(-30.0, (-34.0, -26.0), 0.001), Interaction::Redundant);
        assert_eq!(of(30.0, (26.0, 34.0), 0.001), Interaction::Synergistic);
        assert_eq!(of(3.0, (-1.0, 7.0), 0.2), Interaction::NotSignificant);
        assert_eq!(of(3.0, (0.1, 5.9), 0.12), Interaction::NotSignificant, "Holm takes it away");
        let unknown = InterplayRow { low: None, ..pair(["brows", "mouth"], 3.0, (0.0, 1.0), 0.1) };
        assert_eq!(Pair::of(&unknown).kind, Interaction::Unknown);
    }

    #[test]
    fn games_are_kept_apart_and_know_what_regions_reach_alone() {
        let tuned =
            InterplayRow { phase: Phase::Tuned, ..pair(["eyes", "nose"], 1.0, (-1.0, 3.0), 0.5) };
        let bits =
            InterplayRow { metric: Worth::Bits, ..pair(["eyes", "nose"], 1.0, (0.5, 1.5), 0.01) };
        let evidence = Evidence {
            interplay: vec![
                pair(["brows", "nose"], 1.0, (-1.0, 3.0), 0.5),
                tuned,
                pair(["brows", "mouth"], -30.0, (-34.0, -26.0), 0.001),
                bits,
            ],
            effects: vec![alone("brows", 1.0), alone("mouth", 1.5), alone("nose", 20.0)],
            ..Evidence::default()
        };
        let found = interplays(&evidence, Worth::Accuracy);
        let phases: Vec<Phase> = found.iter().map(|game| game.phase).collect();
        assert_eq!(phases, [Phase::Retrain, Phase::Tuned]);
        assert_eq!(found[0].regions(), ["brows", "mouth", "nose"]);
        let pairs: Vec<&[String]> = found[0].pairs.iter().map(|pair| pair.regions).collect();
        assert_eq!(pairs, [["brows", "mouth"], ["brows", "nose"]], "the largest first");
        assert_eq!(found[0].of(Interaction::Redundant).len(), 1);
        let neither = |regions: [&str; 2]| found[0].neither_alone(&regions.map(str::to_owned));
        assert!(neither(["brows", "mouth"]));
        assert!(!neither(["brows", "nose"]), "the nose is above chance");
        assert!(!neither(["brows", "jaw"]), "nothing is known of the jaw");
    }
}

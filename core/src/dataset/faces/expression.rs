//! From an emotion to the signs in a face, and back.
//!
//! [`Observer`] uses every probability of [`actions`](super::actions) and so is ideal: no reader of
//! the pictures can do better on average than reading all signs without error and applying Bayes'
//! rule, summing over the emotion's hidden intensity and every unit's hidden level.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::actions::{
    Emotion, INTENSITIES, LEVELS, Level, Part, PartSet, SIGN_COUNT, SIGNS, Unit, reading,
    unit_levels,
};

/// The reading of every sign of one face, in the order of [`SIGNS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs(pub [Level; SIGN_COUNT]);

/// Draws the signs of a face that shows `emotion`.
pub fn draw_signs(emotion: Emotion, rng: &mut ChaCha8Rng) -> Signs {
    let intensity = pick(&INTENSITIES, rng);
    let levels = Unit::ALL.map(|unit| pick(&unit_levels(emotion, intensity, unit), rng) as Level);
    Signs(SIGNS.map(|sign| pick(&reading(sign, levels[sign.unit as usize]), rng) as Level))
}

/// Which parts carry the emotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Each by itself.
    pub alone: PartSet,
    /// In pairs: one part's emotion is drawn uniformly, and the other's is shifted from it (cyclically) by the index of
    /// this face's emotion. So either alone is independent of the face's emotion, and both together determine it.
    pub together: Vec<[Part; 2]>,
}

/// Draws the signs of a face whose emotion (given by its place in `emotions`) shows in the `signal` parts
/// alone.
///
/// Every other part shows an independent emotion drawn from `emotions`: as varied as in other faces, and independent of
/// this face's emotion and of its other parts.
pub fn draw_confined_signs(
    emotion: usize,
    emotions: &[Emotion],
    signal: &Signal,
    rng: &mut ChaCha8Rng,
) -> Signs {
    let mut signs = draw_signs(emotions[emotion], rng);
    let mut show = |part: Part, shown: usize, rng: &mut ChaCha8Rng| {
        let stranger = draw_signs(emotions[shown], rng);
        for (index, sign) in SIGNS.iter().enumerate() {
            if sign.part == part {
                signs.0[index] = stranger.0[index];
            }
        }
    };
    for part in Part::ALL {
        if !signal.alone.contains(part) {
            let any = rng.random_range(0..emotions.len());
            show(part, any, rng);
        }
    }
    for &[one, other] in &signal.together {
        let any = rng.random_range(0..emotions.len());
        show(one, any, rng);
        show(other, (any + emotion) % emotions.len(), rng);
    }
    signs
}

/// An index, drawn with the chances given.
pub fn pick(chances: &[f64], rng: &mut ChaCha8Rng) -> usize {
    let mut left: f64 = rng.random();
    for (index, chance) in chances.iter().enumerate() {
        left -= chance;
        if left < 0.0 {
            return index;
        }
    }
    // A rounding remainder: it belongs to the last index with positive probability.
    chances.iter().rposition(|&chance| chance > 0.0).unwrap_or(0)
}

/// A sign in a part that is not visible.
const UNSEEN: usize = LEVELS;
/// Codes of one sign: its readings, and `UNSEEN`.
const CODES: usize = LEVELS + 1;

/// An ideal observer, who reads signs without error and applies Bayes' rule.
pub struct Observer {
    classes: usize,
    units: Vec<UnitEvidence>,
}

/// The evidence in the signs of one unit.
struct UnitEvidence {
    /// Indices into [`SIGNS`].
    signs: Vec<usize>,
    /// P(signs | class, intensity) for every combination of codes: `[CODES^signs, classes, intensities]`.
    likelihood: Vec<f64>,
}

impl Observer {
    /// An observer with a uniform prior over `classes`.
    pub fn new(classes: &[Emotion]) -> Observer {
        let units = Unit::ALL.map(|unit| UnitEvidence::new(unit, classes)).into();
        Observer { classes: classes.len(), units }
    }

    /// P(class | signs in the visible parts).
    pub fn posterior(&self, signs: &Signs, seen: PartSet) -> Vec<f64> {
        let states = self.classes * INTENSITIES.len();
        let mut joint = vec![1.0; states];
        for unit in &self.units {
            let mut code = 0;
            let mut any = false;
            for &index in &unit.signs {
                let visible = seen.contains(SIGNS[index].part);
                any |= visible;
                code = code * CODES + if visible { usize::from(signs.0[index]) } else { UNSEEN };
            }
            if any {
                let likelihood = &unit.likelihood[code * states..][..states];
                joint
                    .iter_mut()
                    .zip(likelihood)
                    .for_each(|(joint, likelihood)| *joint *= likelihood);
            }
        }
        let mut posterior: Vec<f64> = joint
            .chunks_exact(INTENSITIES.len())
            .map(|class| class.iter().zip(INTENSITIES).map(|(joint, prior)| joint * prior).sum())
            .collect();
        let total: f64 = posterior.iter().sum();
        posterior.iter_mut().for_each(|share| *share /= total);
        posterior
    }

    /// P(class | signs in the visible parts), of a face whose emotion shows in `signal` alone.
    pub fn confined_posterior(&self, signs: &Signs, signal: &Signal, seen: PartSet) -> Vec<f64> {
        let mut posterior = self.posterior(signs, seen.intersection(signal.alone));
        for pair in &signal.together {
            if !pair.iter().all(|part| seen.contains(*part)) {
                continue;
            }
            // Given the class the pair is independent of all else, and its parts of each other once it is
            // known what the first shows.
            let [one, other] = pair.map(|part| self.posterior(signs, PartSet::from_iter([part])));
            for (class, share) in posterior.iter_mut().enumerate() {
                let shown = one.iter().enumerate();
                *share *= shown
                    .map(|(first, chance)| chance * other[(first + class) % self.classes])
                    .sum::<f64>();
            }
            let total: f64 = posterior.iter().sum();
            posterior.iter_mut().for_each(|share| *share /= total);
        }
        posterior
    }
}

impl UnitEvidence {
    fn new(unit: Unit, classes: &[Emotion]) -> UnitEvidence {
        let signs: Vec<usize> =
            (0..SIGN_COUNT).filter(|&index| SIGNS[index].unit == unit).collect();
        let mut likelihood = Vec::new();
        for combination in 0..CODES.pow(signs.len() as u32) {
            // P(signs | level): the signs err independently once the level is known.
            let mut given_level = [1.0; LEVELS];
            for (place, &index) in signs.iter().rev().enumerate() {
                let code = combination / CODES.pow(place as u32) % CODES;
                if code != UNSEEN {
                    for (level, chance) in given_level.iter_mut().enumerate() {
                        *chance *= reading(SIGNS[index], level as Level)[code];
                    }
                }
            }
            for &emotion in classes {
                for intensity in 0..INTENSITIES.len() {
                    let levels = unit_levels(emotion, intensity, unit);
                    likelihood.push(levels.iter().zip(given_level).map(|(a, b)| a * b).sum());
                }
            }
        }
        UnitEvidence { signs, likelihood }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    #[test]
    fn seeing_nothing_leaves_every_class_equally_likely() {
        let observer = Observer::new(&Emotion::ALL);
        let signs = draw_signs(Emotion::Fear, &mut rng(1));
        let posterior = observer.posterior(&signs, PartSet::from_iter([]));
        assert!(posterior.iter().all(|&share| (share - 1.0 / 7.0).abs() < 1e-12));
    }

    /// Bayes' rule by hand, for a smooth forehead.
    #[test]
    fn posterior_is_as_by_hand() {
        let classes = [Emotion::Neutral, Emotion::Surprise];
        let observer = Observer::new(&classes);
        let seen = PartSet::from_iter([Part::Forehead]);
        // Only units 1 and 2 show on the forehead; both absent here.
        let signs = Signs([0; SIGN_COUNT]);
        let absent = |emotion| -> f64 {
            (0..INTENSITIES.len())
                .map(|intensity| {
                    let one = |unit: Unit, sign: usize| -> f64 {
                        let levels = unit_levels(emotion, intensity, unit);
                        (0..LEVELS).map(|l| levels[l] * reading(SIGNS[sign], l as Level)[0]).sum()
                    };
                    INTENSITIES[intensity]
                        * one(Unit::InnerBrowRaiser, 1)
                        * one(Unit::OuterBrowRaiser, 3)
                })
                .sum()
        };
        let expected =
            absent(Emotion::Surprise) / (absent(Emotion::Neutral) + absent(Emotion::Surprise));
        let posterior = observer.posterior(&signs, seen);
        assert!((posterior[1] - expected).abs() < 1e-12);
        assert!(posterior[1] < 0.35);
    }

    /// A calibrated observer: of faces to which it gives a class the chance p, a share p has that class.
    #[test]
    fn posteriors_are_calibrated() {
        let observer = Observer::new(&Emotion::ALL);
        let mut rng = rng(2);
        let mut bins = [(0.0, 0.0, 0.0); 5];
        for draw in 0..4000 {
            let truth = draw % 7;
            let signs = draw_signs(Emotion::ALL[truth], &mut rng);
            let posterior =
                observer.posterior(&signs, PartSet::from_iter([Part::Eyes, Part::Mouth]));
            for (class, &share) in posterior.iter().enumerate() {
                let bin = &mut bins[((share * 5.0) as usize).min(4)];
                bin.0 += 1.0;
                bin.1 += share;
                bin.2 += f64::from(u8::from(class == truth));
            }
        }
        for (count, promised, held) in bins {
            assert!(count > 300.0);
            assert!((promised - held).abs() / count < 0.04, "{promised} against {held} of {count}");
        }
    }

    #[test]
    fn parts_without_signal_are_independent_of_the_emotion() {
        let signal = Signal { alone: PartSet::from_iter([Part::Mouth]), together: Vec::new() };
        let mean_level = |emotion: Emotion, index: usize| -> f64 {
            let mut rng = rng(3);
            let total: u32 = (0..4000)
                .map(|_| {
                    u32::from(
                        draw_confined_signs(emotion as usize, &Emotion::ALL, &signal, &mut rng).0
                            [index],
                    )
                })
                .sum();
            f64::from(total) / 4000.0
        };
        let brows =
            SIGNS.iter().position(|sign| sign.part == Part::Brows).expect("brows have signs");
        let happy_brows = mean_level(Emotion::Happiness, brows);
        assert!((happy_brows - mean_level(Emotion::Fear, brows)).abs() < 0.1);
        assert!(happy_brows > 0.5, "the marginal over emotions, not a blank");
        let smile = SIGNS
            .iter()
            .position(|sign| sign.part == Part::Mouth && sign.unit == Unit::LipCornerPuller)
            .expect("the mouth smiles");
        assert!(mean_level(Emotion::Happiness, smile) > 2.0 + mean_level(Emotion::Fear, smile));
    }

    /// Of a pair either part is independent of the emotion, and both together are calibrated evidence.
    #[test]
    fn a_pair_is_informative_only_together() {
        let emotions = [Emotion::Surprise, Emotion::Anger];
        let observer = Observer::new(&emotions);
        let signal =
            Signal { alone: PartSet::from_iter([]), together: vec![[Part::Brows, Part::Mouth]] };
        let mut rng = rng(6);
        let (mut levels, mut right, mut certainty) = ([[0.0; 2]; 2], 0, 0.0);
        for draw in 0..4000 {
            let class = draw % 2;
            let signs = draw_confined_signs(class, &emotions, &signal, &mut rng);
            for (place, part) in [Part::Brows, Part::Mouth].into_iter().enumerate() {
                let alone =
                    observer.confined_posterior(&signs, &signal, PartSet::from_iter([part]));
                assert_eq!(alone, [0.5, 0.5]);
                let surprise = observer.posterior(&signs, PartSet::from_iter([part]))[0];
                levels[place][class] += surprise / 2000.0;
            }
            let both = observer.confined_posterior(&signs, &signal, PartSet::EVERYTHING);
            right += u32::from(both[class] > 0.5);
            certainty += both[0].max(both[1]) / 4000.0;
        }
        assert!(levels.iter().all(|[one, other]| (one - other).abs() < 0.03), "{levels:?}");
        let accuracy = f64::from(right) / 4000.0;
        assert!(accuracy > 0.8 && (accuracy - certainty).abs() < 0.02, "{accuracy} {certainty}");
    }

    #[test]
    fn pick_follows_its_chances() {
        let mut rng = rng(4);
        let mut counts = [0; 3];
        (0..10_000).for_each(|_| counts[pick(&[0.2, 0.0, 0.8], &mut rng)] += 1);
        assert_eq!(counts[1], 0);
        assert!((counts[0] as f64 / 10_000.0 - 0.2).abs() < 0.02);
    }
}

//! Facial actions: action units, their visible signs, and how emotions activate them.
//!
//! A unit of the Facial Action Coding System (Ekman and Friesen 1978) is one muscle's action; its intensity is absent
//! or A to E. An action that shows in several parts of the face (a raised brow also folds the forehead) has several
//! [`Sign`]s, each in one region of the atlas, each a reading of the unit with its own error. Emotions activate units,
//! units cause signs, and pictures and annotators depend on signs only: so the information in a region is exactly that
//! of its signs.

use std::fmt;

/// A region of the atlas `aligned`, top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    Forehead,
    Brows,
    Eyes,
    Nose,
    Cheeks,
    Mouth,
    Jaw,
}

impl Part {
    pub const ALL: [Part; 7] =
        [Part::Forehead, Part::Brows, Part::Eyes, Part::Nose, Part::Cheeks, Part::Mouth, Part::Jaw];

    /// The region's name in the atlas.
    pub fn name(self) -> &'static str {
        match self {
            Part::Forehead => "forehead",
            Part::Brows => "brows",
            Part::Eyes => "eyes",
            Part::Nose => "nose",
            Part::Cheeks => "cheeks",
            Part::Mouth => "mouth",
            Part::Jaw => "jaw",
        }
    }

    pub fn named(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// Any set of parts of the face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartSet(u8);

impl PartSet {
    pub const EVERYTHING: PartSet = PartSet(0x7f);

    /// All 128 sets, the empty one first and the whole face last.
    pub fn every() -> impl Iterator<Item = PartSet> {
        (0..=PartSet::EVERYTHING.0).map(PartSet)
    }

    pub fn contains(self, part: Part) -> bool {
        self.0 & (1 << part as u8) != 0
    }

    pub fn intersection(self, other: PartSet) -> PartSet {
        PartSet(self.0 & other.0)
    }

    pub fn iter(self) -> impl Iterator<Item = Part> {
        Part::ALL.into_iter().filter(move |&part| self.contains(part))
    }
}

impl FromIterator<Part> for PartSet {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> PartSet {
        PartSet(parts.into_iter().fold(0, |set, part| set | 1 << part as u8))
    }
}

/// The seven emotions, in the data set's usual class order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Emotion {
    Neutral,
    Happiness,
    Surprise,
    Sadness,
    Anger,
    Disgust,
    Fear,
}

impl Emotion {
    pub const ALL: [Emotion; 7] = [
        Emotion::Neutral,
        Emotion::Happiness,
        Emotion::Surprise,
        Emotion::Sadness,
        Emotion::Anger,
        Emotion::Disgust,
        Emotion::Fear,
    ];

    /// The name used for classes.
    pub fn name(self) -> &'static str {
        match self {
            Emotion::Neutral => "neutral",
            Emotion::Happiness => "happiness",
            Emotion::Surprise => "surprise",
            Emotion::Sadness => "sadness",
            Emotion::Anger => "anger",
            Emotion::Disgust => "disgust",
            Emotion::Fear => "fear",
        }
    }

    pub fn named(name: &str) -> Option<Emotion> {
        Emotion::ALL.into_iter().find(|emotion| emotion.name() == name)
    }
}

impl fmt::Display for Emotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An action unit; the number is that of FACS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// 1
    InnerBrowRaiser,
    /// 2
    OuterBrowRaiser,
    /// 4
    BrowLowerer,
    /// 5
    UpperLidRaiser,
    /// 6
    CheekRaiser,
    /// 7
    LidTightener,
    /// 9
    NoseWrinkler,
    /// 10
    UpperLipRaiser,
    /// 12
    LipCornerPuller,
    /// 15
    LipCornerDepressor,
    /// 17
    ChinRaiser,
    /// 20
    LipStretcher,
    /// 23 and 24, lip tightener and pressor, which are indistinguishable at thumbnail size.
    LipPressor,
    /// 25
    LipsPart,
    /// 26
    JawDrop,
}

impl Unit {
    pub const COUNT: usize = 15;

    pub const ALL: [Unit; Unit::COUNT] = [
        Unit::InnerBrowRaiser,
        Unit::OuterBrowRaiser,
        Unit::BrowLowerer,
        Unit::UpperLidRaiser,
        Unit::CheekRaiser,
        Unit::LidTightener,
        Unit::NoseWrinkler,
        Unit::UpperLipRaiser,
        Unit::LipCornerPuller,
        Unit::LipCornerDepressor,
        Unit::ChinRaiser,
        Unit::LipStretcher,
        Unit::LipPressor,
        Unit::LipsPart,
        Unit::JawDrop,
    ];
}

/// An intensity of a unit, or the reading of one from a sign: 0 is absent, 1 to 5 are A to E.
pub type Level = u8;

/// How many levels there are, `absent` included.
pub const LEVELS: usize = 6;

/// The sign of one unit in one part of the face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sign {
    pub unit: Unit,
    pub part: Part,
    /// The probability that an active unit shows here at all: not every forehead folds.
    pub shows: f64,
}

/// How many signs there are.
pub const SIGN_COUNT: usize = 24;

/// All signs, by unit. Each unit's main sign always shows; the others are side effects.
pub const SIGNS: [Sign; SIGN_COUNT] = [
    sign(Unit::InnerBrowRaiser, Part::Brows, 1.0),
    sign(Unit::InnerBrowRaiser, Part::Forehead, 0.6),
    sign(Unit::OuterBrowRaiser, Part::Brows, 1.0),
    sign(Unit::OuterBrowRaiser, Part::Forehead, 0.6),
    sign(Unit::BrowLowerer, Part::Brows, 1.0),
    sign(Unit::UpperLidRaiser, Part::Eyes, 1.0),
    sign(Unit::CheekRaiser, Part::Cheeks, 0.9),
    sign(Unit::CheekRaiser, Part::Eyes, 0.9),
    sign(Unit::LidTightener, Part::Eyes, 1.0),
    sign(Unit::NoseWrinkler, Part::Nose, 1.0),
    sign(Unit::NoseWrinkler, Part::Cheeks, 0.5),
    sign(Unit::UpperLipRaiser, Part::Mouth, 1.0),
    sign(Unit::UpperLipRaiser, Part::Cheeks, 0.7),
    sign(Unit::UpperLipRaiser, Part::Nose, 0.6),
    sign(Unit::LipCornerPuller, Part::Mouth, 1.0),
    sign(Unit::LipCornerPuller, Part::Cheeks, 0.8),
    sign(Unit::LipCornerDepressor, Part::Mouth, 1.0),
    sign(Unit::ChinRaiser, Part::Jaw, 0.9),
    sign(Unit::ChinRaiser, Part::Mouth, 0.7),
    sign(Unit::LipStretcher, Part::Mouth, 1.0),
    sign(Unit::LipPressor, Part::Mouth, 1.0),
    sign(Unit::LipsPart, Part::Mouth, 1.0),
    sign(Unit::JawDrop, Part::Mouth, 1.0),
    sign(Unit::JawDrop, Part::Jaw, 0.9),
];

const fn sign(unit: Unit, part: Part, shows: f64) -> Sign {
    Sign { unit, part, shows }
}

/// How strong an emotion is, from faint to full, and how often it is so.
pub const INTENSITIES: [f64; 5] = [0.18, 0.24, 0.26, 0.20, 0.12];

/// The share of strong expressions of `emotion` in which `unit` is active, beyond its base rate in any
/// face.
///
/// From Du, Tao and Martinez 2014 (PNAS 111:E1454, table 1): units that they observed in more than 70 % of
/// 230 people have 0.75 or above, those observed in some their percentage. Units that only the
/// prototypes of Ekman and Friesen 1978 (table 11-1) and EMFACS name, as the tightened lids of fear and
/// anger, are added with a quarter to a half.
pub fn frequency(emotion: Emotion, unit: Unit) -> f64 {
    use Unit::*;
    match emotion {
        Emotion::Neutral => 0.0,
        Emotion::Happiness => match unit {
            LipCornerPuller => 0.97,
            LipsPart => 0.75,
            CheekRaiser => 0.60,
            JawDrop => 0.15,
            _ => 0.0,
        },
        Emotion::Surprise => match unit {
            InnerBrowRaiser | OuterBrowRaiser => 0.88,
            UpperLidRaiser => 0.66,
            LipsPart => 0.85,
            JawDrop => 0.80,
            _ => 0.0,
        },
        Emotion::Sadness => match unit {
            LipCornerDepressor => 0.82,
            BrowLowerer => 0.75,
            ChinRaiser => 0.67,
            InnerBrowRaiser => 0.65,
            CheekRaiser => 0.30,
            LidTightener => 0.15,
            _ => 0.0,
        },
        Emotion::Anger => match unit {
            BrowLowerer => 0.92,
            LidTightener => 0.78,
            LipPressor => 0.75,
            ChinRaiser => 0.52,
            UpperLidRaiser => 0.25,
            UpperLipRaiser => 0.26,
            _ => 0.0,
        },
        Emotion::Disgust => match unit {
            UpperLipRaiser => 0.85,
            NoseWrinkler => 0.78,
            ChinRaiser => 0.60,
            BrowLowerer => 0.40,
            LidTightener => 0.30,
            LipPressor => 0.20,
            LipsPart => 0.25,
            CheekRaiser => 0.15,
            _ => 0.0,
        },
        Emotion::Fear => match unit {
            InnerBrowRaiser => 0.82,
            LipStretcher => 0.76,
            LipsPart => 0.76,
            BrowLowerer => 0.75,
            UpperLidRaiser => 0.66,
            OuterBrowRaiser => 0.57,
            JawDrop => 0.33,
            LidTightener => 0.20,
            _ => 0.0,
        },
    }
}

/// P(level of `unit` | emotion, intensity), absent to E; sums to 1. `intensity` indexes [`INTENSITIES`].
///
/// A unit that the emotion activates has the emotion's intensity, plus or minus a level; faint expressions omit some
/// units. Any other unit is active at a low base rate, faintly.
pub fn unit_levels(emotion: Emotion, intensity: usize, unit: Unit) -> [f64; LEVELS] {
    const RECRUITED: [f64; 5] = [0.65, 0.80, 0.90, 0.97, 1.0];
    const STRAY: [f64; LEVELS] = [0.88, 0.06, 0.04, 0.02, 0.0, 0.0];
    let called = frequency(emotion, unit) * RECRUITED[intensity];
    let mut levels = STRAY.map(|share| share * (1.0 - called));
    for (step, share) in [(-1, 0.25), (0, 0.5), (1, 0.25)] {
        let level = (intensity as i64 + 1 + step).clamp(1, LEVELS as i64 - 1);
        levels[level as usize] += called * share;
    }
    levels
}

/// P(reading of a sign | level of its unit), absent to E; sums to 1.
pub fn reading(sign: Sign, level: Level) -> [f64; LEVELS] {
    let mut readings = [0.0; LEVELS];
    if level == 0 {
        readings[0] = 0.97;
        readings[1] = 0.03;
        return readings;
    }
    readings[0] = 1.0 - sign.shows;
    let last = LEVELS - 1;
    let level = usize::from(level);
    readings[level] += sign.shows * 0.7;
    readings[level - 1] += sign.shows * 0.15;
    readings[(level + 1).min(last)] += sign.shows * 0.15;
    readings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::atlas::ALIGNED;

    #[test]
    fn parts_are_the_regions_of_the_atlas() {
        let names = Part::ALL.map(Part::name);
        assert_eq!(names, ALIGNED.map(|(name, _)| name));
    }

    #[test]
    fn every_unit_has_a_sign_that_is_certain_or_nearly() {
        for unit in Unit::ALL {
            let best = SIGNS.iter().filter(|sign| sign.unit == unit).map(|sign| sign.shows);
            assert!(best.fold(0.0, f64::max) >= 0.9, "{unit:?}");
        }
    }

    #[test]
    fn enums_index_their_tables() {
        assert!(Unit::ALL.iter().enumerate().all(|(index, &unit)| unit as usize == index));
        assert!(Part::ALL.iter().enumerate().all(|(index, &part)| part as usize == index));
    }

    #[test]
    fn chances_sum_to_one() {
        for unit in Unit::ALL {
            for emotion in Emotion::ALL {
                for intensity in 0..INTENSITIES.len() {
                    let levels = unit_levels(emotion, intensity, unit);
                    assert!((levels.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                    assert!(levels.iter().all(|&share| (0.0..=1.0).contains(&share)));
                }
            }
        }
        for sign in SIGNS {
            for level in 0..LEVELS as Level {
                assert!((reading(sign, level).iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
        assert!((INTENSITIES.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn full_surprise_drops_the_jaw_and_neutral_hardly_does() {
        let at_rest = |emotion, intensity| unit_levels(emotion, intensity, Unit::JawDrop)[0];
        assert!((at_rest(Emotion::Surprise, 4) - 0.2 * 0.88).abs() < 1e-12);
        assert!((at_rest(Emotion::Neutral, 4) - 0.88).abs() < 1e-12);
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let set: PartSet = [Part::Mouth, Part::Eyes].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Part::Eyes, Part::Mouth]);
        assert_eq!(PartSet::every().count(), 128);
        assert_eq!(PartSet::every().last(), Some(PartSet::EVERYTHING));
        assert_eq!(set.intersection([Part::Mouth].into_iter().collect()).iter().count(), 1);
    }
}

//! What sensitivity maps mark, and whether deletion and insertion curves bear it out.

use crate::analysis::{MeanCurve, MeanMap, by_region};
use crate::experiment::SensitivitySpec;
use crate::region::Regions;
use crate::store::{CurveKind, CurveOrder, MapMethod};

use super::facts::Facts;

/// The smallest mean that is not written as 0.0 points.
const SHOWN: f64 = 0.0005;

/// The maps of one method.
#[derive(Debug, Clone)]
pub struct Maps<'a> {
    /// Of the setting.
    pub facts: &'a Facts,
    pub method: MapMethod,
    /// How they were made, where that is known.
    pub spec: Option<&'a SensitivitySpec>,
    pub regions: &'a Regions,
    /// Never empty.
    pub emotions: Vec<EmotionMap<'a>>,
}

/// The map of one emotion, and what it says.
#[derive(Debug, Clone)]
pub struct EmotionMap<'a> {
    pub map: &'a MeanMap,
    /// What is shown of each cell, a change of probability: a window's map is as it is; of RISE's, the emotion's median
    /// cell is taken off, since its level says how well the emotion is recognised at all.
    pub values: Vec<f64>,
    /// Each region of the atlas and the mean of the values over it.
    pub worths: Vec<(&'a str, f64)>,
    /// The region of the largest, a place among the worths.
    pub most: usize,
    /// Whether it is that of every seed.
    pub agreed: bool,
}

/// A region that is the most important one of emotions, in every seed: a description, since seeds that agree by chance
/// are not ruled out. Three seeds of seven regions agree by chance in 1 of 49 emotions.
#[derive(Debug, Clone)]
pub struct Marked<'a> {
    pub region: &'a str,
    pub emotions: Vec<&'a str>,
}

impl<'a> Maps<'a> {
    /// `None` where there is no map of that method.
    pub fn of(
        maps: &'a [MeanMap],
        method: MapMethod,
        spec: Option<&'a SensitivitySpec>,
        regions: &'a Regions,
        facts: &'a Facts,
    ) -> Option<Maps<'a>> {
        let emotions: Vec<EmotionMap<'_>> = maps
            .iter()
            .filter(|map| map.method == method)
            .map(|map| emotion(map, regions))
            .collect();
        (!emotions.is_empty()).then_some(Maps { facts, method, spec, regions, emotions })
    }

    pub fn seeds(&self) -> usize {
        self.emotions.first().map_or(0, |first| first.map.by_seed.len())
    }

    /// The emotion of the largest mean over a region, whether seeds agree or not.
    pub fn largest(&self) -> Option<&EmotionMap<'a>> {
        let worth = |of: &EmotionMap<'_>| of.worths[of.most].1;
        let shown = self.emotions.iter().filter(|of| worth(of) >= SHOWN);
        shown.max_by(|a, b| worth(a).total_cmp(&worth(b)))
    }

    /// The regions that emotions have their maximum in: the commonest first, then the largest.
    pub fn marked(&self) -> Vec<Marked<'a>> {
        let mut marked: Vec<(f64, Marked<'a>)> = Vec::new();
        for of in self.emotions.iter().filter(|of| of.agreed) {
            let (region, worth) = of.worths[of.most];
            match marked.iter_mut().find(|(_, known)| known.region == region) {
                Some((largest, known)) => {
                    *largest = largest.max(worth);
                    known.emotions.push(&of.map.emotion);
                }
                None => marked.push((worth, Marked { region, emotions: vec![&of.map.emotion] })),
            }
        }
        marked.sort_by(|(a, one), (b, other)| {
            other.emotions.len().cmp(&one.emotions.len()).then(b.total_cmp(a))
        });
        marked.into_iter().map(|(_, marked)| marked).collect()
    }
}

fn emotion<'a>(map: &'a MeanMap, regions: &'a Regions) -> EmotionMap<'a> {
    let mut sorted = map.values.clone();
    sorted.sort_by(f64::total_cmp);
    let level = match map.method {
        MapMethod::Window => 0.0,
        MapMethod::Rise => sorted[sorted.len() / 2],
    };
    let values: Vec<f64> = map.values.iter().map(|value| value - level).collect();
    let largest = |worths: &[f64]| {
        let worths = worths.iter().enumerate().filter(|(_, worth)| worth.is_finite());
        worths.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(place, _)| place)
    };
    let means = by_region(&values, map.side, regions);
    let most = largest(&means);
    // Less than the decimals show is no importance.
    let agreed = means[most] >= SHOWN
        && map.by_seed.iter().all(|seed| largest(&by_region(seed, map.side, regions)) == most);
    let names = regions.built_in().iter().map(|region| region.name.as_str());
    EmotionMap { map, values, worths: names.zip(means).collect(), most, agreed }
}

/// Deletion and insertion in the order of each method's map and in random order.
#[derive(Debug, Clone)]
pub struct Curves<'a> {
    /// Of the setting.
    pub facts: &'a Facts,
    pub deletion: Vec<&'a MeanCurve>,
    pub insertion: Vec<&'a MeanCurve>,
}

impl<'a> Curves<'a> {
    /// The map of each method, then the random order, which is the same for all. `None` without a point.
    pub fn of(curves: &'a [MeanCurve], facts: &'a Facts) -> Option<Curves<'a>> {
        let of = |kind: CurveKind| -> Vec<&MeanCurve> {
            let of = |order: CurveOrder| {
                curves.iter().filter(move |curve| curve.curve == kind && curve.order == order)
            };
            of(CurveOrder::Map).chain(of(CurveOrder::Random).take(1)).collect()
        };
        let found = Curves {
            facts,
            deletion: of(CurveKind::Deletion),
            insertion: of(CurveKind::Insertion),
        };
        let has_points = found.all().any(|curve| !curve.points.is_empty());
        has_points.then_some(found)
    }

    /// The lines of a kind.
    pub fn of_kind(&self, kind: CurveKind) -> &[&'a MeanCurve] {
        match kind {
            CurveKind::Deletion => &self.deletion,
            CurveKind::Insertion => &self.insertion,
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &'a MeanCurve> {
        self.deletion.iter().chain(&self.insertion).copied()
    }

    /// Every map beside a random order, and whether it beats that in every seed: by a smaller area in deletion, by a
    /// larger one in insertion.
    pub fn beaten(&self) -> Vec<(&'a MeanCurve, bool)> {
        let mut beaten = Vec::new();
        for kind in [CurveKind::Deletion, CurveKind::Insertion] {
            let curves = self.of_kind(kind);
            let is_random = |curve: &&&MeanCurve| curve.order == CurveOrder::Random;
            let Some(random) = curves.iter().find(is_random) else { continue };
            for curve in curves.iter().filter(|curve| curve.order == CurveOrder::Map) {
                let mut pairs = curve.areas.iter().zip(&random.areas);
                let beats = match kind {
                    CurveKind::Deletion => pairs.all(|(map, random)| map < random),
                    CurveKind::Insertion => pairs.all(|(map, random)| map > random),
                };
                beaten.push((*curve, beats));
            }
        }
        beaten
    }
}

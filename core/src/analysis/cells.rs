//! Runs grouped for comparison: by setting, masking and seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use super::chance::without_looking;
use super::crossed::{Differences, Estimate};
use super::metric::{Metric, mean};
use super::moderated::{Prior, Spread};
use super::places::Places;
use super::scores::RunScores;
use crate::region::{Masking, Mode, Phase};
use crate::study::{OfCondition, by_condition, by_setting};

/// Why runs cannot be compared.
#[derive(Debug, Error, PartialEq)]
pub enum EffectsError {
    #[error(
        "runs {first} and {second} were evaluated on different test images and cannot be paired"
    )]
    Images { first: String, second: String },
    #[error("runs {first} and {second} are the same condition with the same seed")]
    Twice { first: String, second: String },
    #[error("run {run_id} is marked done and has no `test_bits`: run the experiment again")]
    NoBits { run_id: String },
}

/// The runs of one setting.
pub(super) struct Cell<'a> {
    pub swept: &'a BTreeMap<String, String>,
    /// Whole faces, by seed.
    pub whole: BTreeMap<u64, &'a RunScores>,
    pub masked: Vec<Masked<'a>>,
    /// Nothing is visible, which masks no regions: the empty sets of Shapley values.
    pub nothing: Vec<Masked<'a>>,
    /// The mask-only baseline, which masks no face.
    pub masks: Vec<&'a RunScores>,
}

/// The runs of one masking and of its controls.
pub(super) struct Masked<'a> {
    /// The runs' condition, without the controls.
    pub condition: &'a str,
    pub regions: &'a [String],
    pub masking: Masking,
    pub by_seed: BTreeMap<u64, &'a RunScores>,
    /// By seed, then by draw.
    pub controls: BTreeMap<u64, BTreeMap<Option<u32>, &'a RunScores>>,
}

/// One seed's runs of a comparison.
pub(super) struct Pair<'a> {
    pub whole: &'a RunScores,
    pub masked: &'a RunScores,
    pub controls: Vec<&'a RunScores>,
}

/// Groups the finished runs into cells and maskings, both in order of first occurrence.
pub(super) fn cells(runs: &[RunScores]) -> Result<Vec<Cell<'_>>, EffectsError> {
    let done = runs.iter().filter(|scores| scores.done());
    by_setting(done, RunScores::run).into_iter().map(|of| cell(of.swept, &of.runs)).collect()
}

fn cell<'a>(
    swept: &'a BTreeMap<String, String>,
    runs: &[&'a RunScores],
) -> Result<Cell<'a>, EffectsError> {
    let (whole, masks) = (BTreeMap::new(), Vec::new());
    let mut cell = Cell { swept, whole, masked: Vec::new(), nothing: Vec::new(), masks };
    for of in by_condition(runs, RunScores::run) {
        match of.masking {
            None => cell.whole = by_seed(&of.runs)?,
            Some(masking) if masking.phase == Phase::Masks => cell.masks.extend(of.runs),
            Some(masking) => {
                let all = if of.regions.is_empty() { &mut cell.nothing } else { &mut cell.masked };
                all.push(masked(masking, of)?);
            }
        }
    }
    Ok(cell)
}

fn masked<'a>(
    masking: Masking,
    of: OfCondition<'a, &'a RunScores>,
) -> Result<Masked<'a>, EffectsError> {
    let mut controls: BTreeMap<u64, BTreeMap<Option<u32>, &RunScores>> = BTreeMap::new();
    for scores in &of.controls {
        let of_seed = controls.entry(scores.run.seed).or_default();
        once(of_seed.insert(scores.run.draw, scores), scores)?;
    }
    let first = of.runs.first().or(of.controls.first());
    Ok(Masked {
        condition: first.map_or("", |scores| scores.run.condition.as_str()),
        regions: of.regions,
        masking,
        by_seed: by_seed(&of.runs)?,
        controls,
    })
}

fn by_seed<'a>(runs: &[&'a RunScores]) -> Result<BTreeMap<u64, &'a RunScores>, EffectsError> {
    let mut by_seed = BTreeMap::new();
    for scores in runs {
        once(by_seed.insert(scores.run.seed, *scores), scores)?;
    }
    Ok(by_seed)
}

/// An error where a run takes the place of another.
fn once(before: Option<&RunScores>, scores: &RunScores) -> Result<(), EffectsError> {
    before.map_or(Ok(()), |before| {
        let (first, second) = (before.run.run_id.clone(), scores.run.run_id.clone());
        Err(EffectsError::Twice { first, second })
    })
}

/// The seeds that whole and masked faces share, each with its controls; all on the same images.
pub(super) fn pair<'a>(
    cell: &Cell<'a>,
    masked: &Masked<'a>,
) -> Result<Vec<Pair<'a>>, EffectsError> {
    let pairs: Vec<Pair> = masked
        .by_seed
        .iter()
        .filter_map(|(seed, scores)| {
            let whole = cell.whole.get(seed)?;
            let controls = masked.controls.get(seed).into_iter().flat_map(BTreeMap::values);
            Some(Pair { whole, masked: scores, controls: controls.copied().collect() })
        })
        .collect();
    same_images(
        pairs.iter().flat_map(|p| [p.whole, p.masked].into_iter().chain(p.controls.clone())),
    )?;
    Ok(pairs)
}

/// One seed's answer to what a condition asks, image by image: masked, what it costs; alone visible, what it reaches
/// beyond chance.
pub(super) fn asked(pair: &Pair, mode: Mode, metric: Metric) -> Result<Vec<f64>, EffectsError> {
    let Pair { whole, masked, .. } = pair;
    let images = 0..whole.images();
    Ok(match mode {
        Mode::Hide => {
            images.map(|image| metric.part(whole, image) - metric.part(masked, image)).collect()
        }
        Mode::Keep => {
            let missing = || EffectsError::NoBits { run_id: masked.run.run_id.clone() };
            let reached = metric.worths(masked).ok_or_else(missing)?;
            images
                .map(|image| reached[image] - without_looking(metric, &masked.test, image))
                .collect()
        }
    })
}

/// An error if two runs were evaluated on different images.
pub(super) fn same_images<'a>(
    runs: impl IntoIterator<Item = &'a RunScores>,
) -> Result<(), EffectsError> {
    let mut runs = runs.into_iter();
    let Some(first) = runs.next() else { return Ok(()) };
    for other in runs {
        if !Arc::ptr_eq(&first.test, &other.test) && first.test != other.test {
            let (first, second) = (first.run.run_id.clone(), other.run.run_id.clone());
            return Err(EffectsError::Images { first, second });
        }
    }
    Ok(())
}

/// The effect of a masking, and the regions' signal beyond their controls.
pub(super) struct Contrast {
    pub effect: Estimate,
    /// `None` without controls.
    pub signal: Option<Estimate>,
    pub levels: Levels,
}

impl Contrast {
    /// With intervals that hold nothing beyond these bounds.
    pub fn within(self, bounds: Option<(f64, f64)>) -> Contrast {
        let signal = self.signal.map(|signal| signal.within(bounds));
        Contrast { effect: self.effect.within(bounds), signal, ..self }
    }
}

/// Means over seeds.
pub(super) struct Levels {
    pub baseline: f64,
    pub masked: f64,
    pub control: Option<f64>,
}

/// The maskings of a cell with the seeds that each shares with whole faces, all on the same images.
pub(super) fn paired<'a, 'b>(
    cell: &'b Cell<'a>,
) -> Result<Vec<(&'b Masked<'a>, Vec<Pair<'a>>)>, EffectsError> {
    let pair = |masked| Ok((masked, pair(cell, masked)?));
    let paired: Vec<(&Masked, Vec<Pair>)> =
        cell.masked.iter().map(pair).collect::<Result<_, _>>()?;
    same_images(paired.iter().flat_map(|(_, pairs)| pairs).map(|pair| pair.whole))?;
    Ok(paired)
}

/// Whole less masked, and the regions' signal beyond their controls, over this many images, for each
/// masking of a cell.
/// `value` is what an image counts for in a run; `level` is the run's own figure, of which the means over seeds
/// are given. `None` for a masking without seeds, or without images.
///
/// Maskings of one mode and phase are a family: the variance between seeds is estimated from all of them, controls
/// included (Smyth 2004). For a signal the places of the controls are a sample too.
pub(super) fn contrasts(
    paired: &[(&Masked, Vec<Pair>)],
    images: usize,
    value: impl Fn(&RunScores, usize) -> f64,
    level: impl Fn(&RunScores) -> Result<f64, EffectsError>,
) -> Result<Vec<Option<Contrast>>, EffectsError> {
    let effect = |pairs: &[Pair]| {
        Differences::from_fn(pairs.len(), images, |seed, image| {
            value(pairs[seed].whole, image) - value(pairs[seed].masked, image)
        })
    };
    let signal = |masked: &Masked, pairs: &[Pair]| {
        let sign = signal_sign(masked.masking.mode);
        let controlled = controlled(pairs);
        Differences::from_fn(controlled.len(), images, |seed, image| {
            let Pair { masked, controls, .. } = controlled[seed];
            let control = mean(controls.iter().map(|control| value(control, image)));
            sign * (control - value(masked, image))
        })
    };
    let of_controls = |pairs: &[Pair]| -> Vec<Differences> {
        let draws: BTreeSet<Option<u32>> =
            pairs.iter().flat_map(|pair| &pair.controls).map(|control| control.run.draw).collect();
        let of_draw = |draw: Option<u32>| {
            let pairs: Vec<(&RunScores, &RunScores)> = pairs
                .iter()
                .flat_map(|pair| pair.controls.iter().map(|control| (pair.whole, *control)))
                .filter(|(_, control)| control.run.draw == draw)
                .collect();
            Differences::from_fn(pairs.len(), images, |seed, image| {
                value(pairs[seed].0, image) - value(pairs[seed].1, image)
            })
        };
        draws.into_iter().filter_map(of_draw).collect()
    };
    let effects =
        Families::of(paired, |_, pairs| effect(pairs).into_iter().chain(of_controls(pairs)));
    let signals = Families::of(paired, |masked, pairs| signal(masked, pairs).into_iter());
    let mean_of = |run: &RunScores| mean((0..images).map(|image| value(run, image)));
    let places = Places::of(paired, &mean_of);
    paired
        .iter()
        .map(|(masked, pairs)| {
            let Some(effect) = effect(pairs) else { return Ok(None) };
            let effect = effect.estimate_among(effects.prior(masked));
            let signal = signal(masked, pairs).map(|table| {
                let places = places.part(masked, pairs, &mean_of);
                table.estimate_with_places(signals.prior(masked), places)
            });
            let levels = levels(pairs, &level)?;
            Ok(Some(Contrast { effect, signal, levels }))
        })
        .collect()
}

/// The sign of a control's value less the masked one's, so that in every mode a signal above 0 means that the regions
/// carry more than the same area elsewhere: hidden, they leave less information than their control; kept,
/// more.
fn signal_sign(mode: Mode) -> f64 {
    match mode {
        Mode::Hide => 1.0,
        Mode::Keep => -1.0,
    }
}

/// How much seeds vary in each mode and phase of a cell.
pub(super) struct Families(BTreeMap<Family, Prior>);

impl Families {
    /// From the differences that `tables` gives for each masking.
    pub fn of<T: Iterator<Item = Differences>>(
        paired: &[(&Masked, Vec<Pair>)],
        tables: impl Fn(&Masked, &[Pair]) -> T,
    ) -> Families {
        Families::new(paired.iter().flat_map(|(masked, pairs)| {
            tables(masked, pairs).map(|table| (family(masked), Spread::of(&table)))
        }))
    }

    /// Of what each condition shows.
    pub fn new(shown: impl Iterator<Item = (Family, Option<Spread>)>) -> Families {
        let mut spreads: BTreeMap<Family, Vec<Spread>> = BTreeMap::new();
        for (family, spread) in shown {
            spreads.entry(family).or_default().extend(spread);
        }
        let fitted = |(family, spreads): (_, Vec<Spread>)| Some((family, Prior::of(&spreads)?));
        Families(spreads.into_iter().filter_map(fitted).collect())
    }

    /// The estimate from the family of this masking; `None` if it is alone.
    pub fn prior(&self, masked: &Masked) -> Option<&Prior> {
        self.0.get(&family(masked))
    }
}

/// Maskings that share the estimate of the variance between seeds and places.
pub(super) type Family = (Mode, Phase);

pub(super) fn family(masked: &Masked) -> Family {
    (masked.masking.mode, masked.masking.phase)
}

/// The pairs that have controls.
pub(super) fn controlled<'a, 'b>(pairs: &'b [Pair<'a>]) -> Vec<&'b Pair<'a>> {
    pairs.iter().filter(|pair| !pair.controls.is_empty()).collect()
}

fn levels(
    pairs: &[Pair],
    level: impl Fn(&RunScores) -> Result<f64, EffectsError>,
) -> Result<Levels, EffectsError> {
    let over = |runs: &mut dyn Iterator<Item = &RunScores>| -> Result<f64, EffectsError> {
        let levels: Vec<f64> = runs.map(&level).collect::<Result<_, _>>()?;
        Ok(mean(levels.into_iter()))
    };
    let mut controls = Vec::new();
    for pair in controlled(pairs) {
        controls.push(over(&mut pair.controls.iter().copied())?);
    }
    Ok(Levels {
        baseline: over(&mut pairs.iter().map(|pair| pair.whole))?,
        masked: over(&mut pairs.iter().map(|pair| pair.masked))?,
        control: (!controls.is_empty()).then(|| mean(controls.into_iter())),
    })
}

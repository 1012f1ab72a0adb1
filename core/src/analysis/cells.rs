//! Runs sorted into what can be compared with what: by swept choice, covering and seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::crossed::{Differences, Estimate};
use super::metric::mean;
use super::scores::RunScores;
use crate::region::{Masking, Phase};

/// What keeps runs from being compared.
#[derive(Debug, Error, PartialEq)]
pub enum EffectsError {
    #[error(
        "runs {first} and {second} were examined on different test images and cannot be paired"
    )]
    Images { first: String, second: String },
    #[error("runs {first} and {second} are the same condition with the same seed")]
    Twice { first: String, second: String },
    #[error("run {run_id} is marked done and has no `test_bits`: run the experiment again")]
    NoBits { run_id: String },
}

/// The runs of one swept choice.
pub(super) struct Cell<'a> {
    pub swept: &'a BTreeMap<String, String>,
    /// Whole faces, by seed.
    pub whole: BTreeMap<u64, &'a RunScores>,
    pub covered: Vec<Covered<'a>>,
    /// Those that saw the masks alone, which are no covering of the face.
    pub masks: Vec<&'a RunScores>,
}

/// The runs of one covering and of its controls.
pub(super) struct Covered<'a> {
    /// What the runs call it, the controls apart.
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
    pub covered: &'a RunScores,
    pub controls: Vec<&'a RunScores>,
}

/// Sorts the runs that are done into cells and coverings, both in order of first occurrence.
pub(super) fn cells(runs: &[RunScores]) -> Result<Vec<Cell<'_>>, EffectsError> {
    let mut cells: Vec<Cell> = Vec::new();
    for scores in runs.iter().filter(|scores| scores.done()) {
        let run = &scores.run;
        let cell = match cells.iter().position(|cell| *cell.swept == run.swept) {
            Some(known) => &mut cells[known],
            None => {
                let whole = BTreeMap::new();
                let (covered, masks) = (Vec::new(), Vec::new());
                cells.push(Cell { swept: &run.swept, whole, covered, masks });
                cells.last_mut().expect("one was just added")
            }
        };
        if run.phase == Some(Phase::Masks) {
            cell.masks.push(scores);
            continue;
        }
        let before = if let Some(masking) = run.masking() {
            let alike = |known: &Covered| known.regions == run.regions && known.masking == masking;
            let covered = match cell.covered.iter().position(alike) {
                Some(known) => &mut cell.covered[known],
                None => {
                    let (by_seed, controls) = (BTreeMap::new(), BTreeMap::new());
                    let (condition, regions) = (run.condition.as_str(), run.regions.as_slice());
                    cell.covered.push(Covered { condition, regions, masking, by_seed, controls });
                    cell.covered.last_mut().expect("one was just added")
                }
            };
            if run.control {
                covered.controls.entry(run.seed).or_default().insert(run.draw, scores)
            } else {
                covered.condition = &run.condition;
                covered.by_seed.insert(run.seed, scores)
            }
        } else {
            cell.whole.insert(run.seed, scores)
        };
        if let Some(before) = before {
            let (first, second) = (before.run.run_id.clone(), run.run_id.clone());
            return Err(EffectsError::Twice { first, second });
        }
    }
    Ok(cells)
}

/// The seeds that whole and covered faces share, each with its controls; all on the same images.
pub(super) fn pair<'a>(
    cell: &Cell<'a>,
    covered: &Covered<'a>,
) -> Result<Vec<Pair<'a>>, EffectsError> {
    let pairs: Vec<Pair> = covered
        .by_seed
        .iter()
        .filter_map(|(seed, scores)| {
            let whole = cell.whole.get(seed)?;
            let controls = covered.controls.get(seed).into_iter().flat_map(BTreeMap::values);
            Some(Pair { whole, covered: scores, controls: controls.copied().collect() })
        })
        .collect();
    same_images(
        pairs.iter().flat_map(|p| [p.whole, p.covered].into_iter().chain(p.controls.clone())),
    )?;
    Ok(pairs)
}

/// An error where two runs were examined on different images.
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

/// What a covering changes, and how much of that is the regions' own.
pub(super) struct Contrast {
    pub effect: Estimate,
    /// `None` without controls.
    pub signal: Option<Estimate>,
    pub levels: Levels,
}

/// Means over seeds.
pub(super) struct Levels {
    pub baseline: f64,
    pub covered: f64,
    pub control: Option<f64>,
}

/// Whole less covered, and control less covered, over so many images. `value` is what an image counts for
/// in a run; `level` is the run's own figure, of which the means over seeds are given. `None` without
/// seeds or images.
pub(super) fn contrast(
    pairs: &[Pair],
    images: usize,
    value: impl Fn(&RunScores, usize) -> f64,
    level: impl Fn(&RunScores) -> Result<f64, EffectsError>,
) -> Result<Option<Contrast>, EffectsError> {
    let effect = Differences::from_fn(pairs.len(), images, |seed, image| {
        value(pairs[seed].whole, image) - value(pairs[seed].covered, image)
    });
    let Some(effect) = effect.map(|differences| differences.estimate()) else { return Ok(None) };
    let controlled: Vec<&Pair> = pairs.iter().filter(|pair| !pair.controls.is_empty()).collect();
    let signal = Differences::from_fn(controlled.len(), images, |seed, image| {
        let Pair { covered, controls, .. } = controlled[seed];
        mean(controls.iter().map(|control| value(control, image))) - value(covered, image)
    });
    let signal = signal.map(|differences| differences.estimate());
    let levels = |runs: &mut dyn Iterator<Item = &RunScores>| -> Result<f64, EffectsError> {
        let levels: Vec<f64> = runs.map(&level).collect::<Result<_, _>>()?;
        Ok(mean(levels.into_iter()))
    };
    let mut controls = Vec::with_capacity(controlled.len());
    for pair in &controlled {
        controls.push(levels(&mut pair.controls.iter().copied())?);
    }
    let levels = Levels {
        baseline: levels(&mut pairs.iter().map(|pair| pair.whole))?,
        covered: levels(&mut pairs.iter().map(|pair| pair.covered))?,
        control: signal.as_ref().map(|_| mean(controls.into_iter())),
    };
    Ok(Some(Contrast { effect, signal, levels }))
}

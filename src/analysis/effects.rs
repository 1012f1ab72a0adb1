//! What covering a region costs, and how much of that is the region's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::crossed::{Differences, Estimate};
use super::holm::holm;
use super::metric::{Metric, mean};
use super::scores::RunScores;
use crate::store::{EffectRow, RunRow};

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
struct Cell<'a> {
    swept: &'a BTreeMap<String, String>,
    /// Whole faces, by seed.
    whole: BTreeMap<u64, &'a RunScores>,
    covered: Vec<Covered<'a>>,
}

/// The runs of one covering and of its controls.
struct Covered<'a> {
    /// Any of its runs: they agree in regions, mode, phase and fill.
    like: &'a RunRow,
    by_seed: BTreeMap<u64, &'a RunScores>,
    /// By seed, then by draw.
    controls: BTreeMap<u64, BTreeMap<Option<u32>, &'a RunScores>>,
}

/// One seed's runs of a comparison.
struct Pair<'a> {
    whole: &'a RunScores,
    covered: &'a RunScores,
    controls: Vec<&'a RunScores>,
}

/// The effects of every covering, on each metric.
///
/// Whole and covered faces are paired by seed and image, within one swept choice: over the seeds that
/// are done for both. The signal, a control's value minus the covered one, is paired in the same way
/// over the seeds that have a control, against the mean of that seed's controls. Its interval speaks of
/// these placements of the controls and does not count their being drawn as chance.
///
/// Balanced accuracy is a mean over images with the weights N / (K · images of the class); the numbers of
/// images in the classes are taken as given.
///
/// Rows come in the order in which coverings first occur among the runs, metric by metric. A covering
/// without a seed in common with whole faces has no row. `p_adjusted` is Holm's over the region sets of
/// one swept choice, mode, phase, fill and metric.
pub fn effects(runs: &[RunScores]) -> Result<Vec<EffectRow>, EffectsError> {
    let mut rows = Vec::new();
    for cell in &cells(runs)? {
        let first = rows.len();
        for covered in &cell.covered {
            let pairs = pair(cell, covered)?;
            for metric in Metric::ALL {
                rows.extend(effect(cell, covered.like, &pairs, metric)?);
            }
        }
        adjust(&mut rows[first..]);
    }
    Ok(rows)
}

/// Sorts the runs that are done into cells and coverings, both in order of first occurrence.
fn cells(runs: &[RunScores]) -> Result<Vec<Cell<'_>>, EffectsError> {
    let mut cells: Vec<Cell> = Vec::new();
    for scores in runs.iter().filter(|scores| scores.done()) {
        let run = &scores.run;
        let cell = match cells.iter().position(|cell| *cell.swept == run.swept) {
            Some(known) => &mut cells[known],
            None => {
                let whole = BTreeMap::new();
                cells.push(Cell { swept: &run.swept, whole, covered: Vec::new() });
                cells.last_mut().expect("one was just added")
            }
        };
        let before = if run.mode == "none" {
            cell.whole.insert(run.seed, scores)
        } else {
            let covered = match cell.covered.iter().position(|known| alike(known.like, run)) {
                Some(known) => &mut cell.covered[known],
                None => {
                    let (by_seed, controls) = (BTreeMap::new(), BTreeMap::new());
                    cell.covered.push(Covered { like: run, by_seed, controls });
                    cell.covered.last_mut().expect("one was just added")
                }
            };
            if run.control {
                covered.controls.entry(run.seed).or_default().insert(run.draw, scores)
            } else {
                covered.by_seed.insert(run.seed, scores)
            }
        };
        if let Some(before) = before {
            let (first, second) = (before.run.run_id.clone(), run.run_id.clone());
            return Err(EffectsError::Twice { first, second });
        }
    }
    Ok(cells)
}

fn alike(a: &RunRow, b: &RunRow) -> bool {
    a.regions == b.regions && a.mode == b.mode && a.phase == b.phase && a.fill == b.fill
}

/// The seeds that whole and covered faces share, each with its controls; all on the same images.
fn pair<'a>(cell: &Cell<'a>, covered: &Covered<'a>) -> Result<Vec<Pair<'a>>, EffectsError> {
    let pairs: Vec<Pair> = covered
        .by_seed
        .iter()
        .filter_map(|(seed, scores)| {
            let whole = cell.whole.get(seed)?;
            let controls = covered.controls.get(seed).into_iter().flat_map(BTreeMap::values);
            Some(Pair { whole, covered: scores, controls: controls.copied().collect() })
        })
        .collect();
    if let Some(first) = pairs.first().map(|pair| pair.whole) {
        let all = pairs.iter().flat_map(|p| p.controls.iter().copied().chain([p.whole, p.covered]));
        for other in all {
            if !Arc::ptr_eq(&first.test, &other.test) && first.test != other.test {
                let (first, second) = (first.run.run_id.clone(), other.run.run_id.clone());
                return Err(EffectsError::Images { first, second });
            }
        }
    }
    Ok(pairs)
}

/// The row of one covering and metric; `None` without a pair.
fn effect(
    cell: &Cell,
    like: &RunRow,
    pairs: &[Pair],
    metric: Metric,
) -> Result<Option<EffectRow>, EffectsError> {
    let Some(first) = pairs.first() else { return Ok(None) };
    let images = first.whole.images();
    let effect = Differences::from_fn(pairs.len(), images, |seed, image| {
        metric.of(pairs[seed].whole, image) - metric.of(pairs[seed].covered, image)
    });
    let Some(effect) = effect.map(|differences| differences.estimate()) else { return Ok(None) };

    let controlled: Vec<&Pair> = pairs.iter().filter(|pair| !pair.controls.is_empty()).collect();
    let signal = Differences::from_fn(controlled.len(), images, |seed, image| {
        let Pair { covered, controls, .. } = controlled[seed];
        mean(controls.iter().map(|control| metric.of(control, image))) - metric.of(covered, image)
    });
    let signal = signal.map(|differences| differences.estimate());
    let bounds =
        |estimate: Option<&Estimate>| estimate.and_then(|estimate| estimate.interval).unzip();
    let (effect_low, effect_high) = bounds(Some(&effect));
    let (signal_low, signal_high) = bounds(signal.as_ref());

    let levels = |runs: &mut dyn Iterator<Item = &RunScores>| -> Result<f64, EffectsError> {
        let level = |run: &RunScores| {
            let missing = || EffectsError::NoBits { run_id: run.run.run_id.clone() };
            metric.level(run).ok_or_else(missing)
        };
        let levels: Vec<f64> = runs.map(level).collect::<Result<_, _>>()?;
        Ok(mean(levels.into_iter()))
    };
    let mut controls = Vec::with_capacity(controlled.len());
    for pair in &controlled {
        controls.push(levels(&mut pair.controls.iter().copied())?);
    }
    Ok(Some(EffectRow {
        regions: like.regions.clone(),
        mode: like.mode.clone(),
        phase: like.phase.clone(),
        fill: like.fill.clone(),
        metric: metric.name().to_owned(),
        seeds: u32::try_from(pairs.len()).unwrap_or(u32::MAX),
        images: images as u64,
        baseline: levels(&mut pairs.iter().map(|pair| pair.whole))?,
        covered: levels(&mut pairs.iter().map(|pair| pair.covered))?,
        control: signal.as_ref().map(|_| mean(controls.into_iter())),
        effect: effect.mean,
        effect_low,
        effect_high,
        signal: signal.map(|estimate| estimate.mean),
        signal_low,
        signal_high,
        p: effect.p,
        p_adjusted: None,
        method: effect.method.to_owned(),
        swept: cell.swept.clone(),
    }))
}

/// Holm's correction within each mode, phase, fill and metric of one cell.
fn adjust(rows: &mut [EffectRow]) {
    let mut families: BTreeMap<[String; 4], Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let family = [&row.mode, &row.phase, &row.fill, &row.metric].map(String::clone);
        families.entry(family).or_default().push(index);
    }
    for members in families.values() {
        let p: Vec<Option<f64>> = members.iter().map(|index| rows[*index].p).collect();
        for (index, adjusted) in members.iter().zip(holm(&p)) {
            rows[*index].p_adjusted = adjusted;
        }
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    //! Small runs of two classes.

    use std::collections::BTreeMap;

    use crate::store::{PredictionRow, RunRow};

    pub fn classes() -> Vec<String> {
        vec!["neutral".into(), "fear".into()]
    }

    pub fn run(id: &str, regions: &[&str], mode: &str, seed: u64) -> RunRow {
        let whole = mode == "none";
        RunRow {
            run_id: id.into(),
            training_id: "t".into(),
            experiment: "e".into(),
            condition: "c".into(),
            dataset: "faces".into(),
            regions: regions.iter().map(|name| (*name).to_owned()).collect(),
            mode: mode.into(),
            fill: if whole { "none" } else { "mean" }.into(),
            phase: if whole { "none" } else { "retrain" }.into(),
            control: false,
            draw: None,
            area: 0.0,
            seed,
            epochs: 1,
            best_epoch: 1,
            parameters: 1,
            val_accuracy: Some(0.5),
            test_accuracy: Some(0.5),
            test_balanced_accuracy: Some(0.5),
            test_macro_f1: Some(0.5),
            test_loss: Some(0.5),
            test_bits: Some(0.5),
            device: "cpu".into(),
            precision: "f32".into(),
            fer_lab: "0.1.0".into(),
            libtorch: "2.13.0".into(),
            processor: "a processor".into(),
            threads: 1,
            wall_seconds: 1.0,
            train_images_per_second: 1.0,
            status: "done".into(),
            swept: BTreeMap::new(),
        }
    }

    pub fn prediction(
        id: &str,
        image: &str,
        actual: usize,
        probabilities: [f32; 2],
    ) -> PredictionRow {
        let mut label = vec![0.0; 2];
        label[actual] = 1.0;
        PredictionRow {
            run_id: id.into(),
            split: "test".into(),
            image: image.into(),
            actual: classes()[actual].clone(),
            predicted: classes()[usize::from(probabilities[1] > probabilities[0])].clone(),
            probabilities: probabilities.to_vec(),
            label,
        }
    }
}

#[cfg(test)]
mod tests;

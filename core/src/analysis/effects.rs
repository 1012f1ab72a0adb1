//! What covering a region costs, and how much of that is the region's own.

use super::cells::{Cell, Contrast, Covered, EffectsError, Pair, cells, contrasts, paired};
use super::holm::holm_within;
use super::metric::Metric;
use super::scores::RunScores;
use crate::store::EffectRow;

/// The effects of every covering, on each metric.
///
/// Whole and covered faces are paired by seed and image, within one swept choice: over the seeds that
/// are done for both. The signal, what the regions carry beyond the same area elsewhere, is above 0 where they
/// carry more: hidden, a control's value minus the covered one, seen alone the reverse. It is paired in the same
/// way over the seeds that have a control, against the mean of that seed's controls, whose places are a sample
/// too: its interval is wide where there are few, and not known where there is one.
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
        let paired = paired(cell)?;
        let Some(images) = paired.iter().find_map(|(_, pairs)| Some(pairs.first()?.whole.images()))
        else {
            continue;
        };
        let mut of_metrics = Vec::new();
        for metric in Metric::ALL {
            let level = |run: &RunScores| {
                let missing = || EffectsError::NoBits { run_id: run.run.run_id.clone() };
                metric.level(run).ok_or_else(missing)
            };
            let part = |run: &RunScores, image| metric.part(run, image);
            of_metrics.push((metric, contrasts(&paired, images, part, level)?.into_iter()));
        }
        for (covered, pairs) in &paired {
            for (metric, contrasts) in &mut of_metrics {
                let Some(contrast) = contrasts.next().flatten() else { continue };
                rows.push(row(cell, covered, pairs, *metric, contrast));
            }
        }
        adjust(&mut rows[first..]);
    }
    Ok(rows)
}

/// The row of one covering and metric.
fn row(
    cell: &Cell,
    like: &Covered,
    pairs: &[Pair],
    metric: Metric,
    contrast: Contrast,
) -> EffectRow {
    let Contrast { effect, signal, levels } = contrast;
    let (effect_low, effect_high) = effect.interval.unzip();
    let (signal_low, signal_high) = signal.as_ref().and_then(|signal| signal.interval).unzip();
    EffectRow {
        condition: like.condition.to_owned(),
        regions: like.regions.to_vec(),
        mode: like.masking.mode,
        phase: like.masking.phase,
        fill: like.masking.fill,
        metric,
        seeds: u32::try_from(pairs.len()).unwrap_or(u32::MAX),
        images: pairs.first().map_or(0, |pair| pair.whole.images() as u64),
        baseline: levels.baseline,
        covered: levels.covered,
        control: levels.control,
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
    }
}

/// Holm's correction within each mode, phase, fill and metric of one cell.
fn adjust(rows: &mut [EffectRow]) {
    let family = |row: &EffectRow| (row.mode, row.phase, row.fill, row.metric);
    let adjusted = holm_within(rows.iter().map(|row| (family(row), row.p)));
    for (row, adjusted) in rows.iter_mut().zip(adjusted) {
        row.p_adjusted = adjusted;
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    //! Small runs of two classes.

    use std::collections::BTreeMap;

    use super::super::scores::{RunScores, Scorer};
    use crate::dataset::Split;
    use crate::region::{FillKind, Mode, Phase};
    use crate::store::{PredictionRow, RunRow, RunStatus, Term};

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
            mode: Mode::of(mode),
            fill: (!whole).then_some(FillKind::Mean),
            phase: (!whole).then_some(Phase::Retrain),
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
            statistics: crate::experiment::Statistics::Trained,
            wall_seconds: 1.0,
            train_images_per_second: 1.0,
            status: RunStatus::Done,
            swept: BTreeMap::new(),
        }
    }

    /// The scores of a run that answers images 0, 1, 2 … of these classes so, with probability 3/4.
    pub fn answers(mut run: RunRow, actual: &[usize], predicted: &[usize]) -> RunScores {
        let right = actual.iter().zip(predicted).filter(|(a, p)| a == p).count() as f64;
        let wrong = actual.len() as f64 - right;
        let bits = right * 0.75f64.log2() + wrong * 0.25f64.log2();
        run.test_bits = Some(1.0 + bits / actual.len() as f64);
        let rows: Vec<PredictionRow> = actual
            .iter()
            .zip(predicted)
            .enumerate()
            .map(|(image, (&actual, &predicted))| {
                let mut probabilities = [0.25; 2];
                probabilities[predicted] = 0.75;
                prediction(&run.run_id, &image.to_string(), actual, probabilities)
            })
            .collect();
        Scorer::new(&classes()).score(run, &rows).unwrap()
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
            split: Split::Test,
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

//! The effect of masking a region, and its signal beyond controls.

use super::cells::{
    Cell, Contrast, EffectsError, Families, Masked, Pair, cells, contrasts, family, paired,
};
use super::chance::{chance, without_looking};
use super::crossed::{Differences, Estimate};
use super::holm::holm_within;
use super::metric::Metric;
use super::moderated::Spread;
use super::scores::RunScores;
use crate::region::Mode;
use crate::store::EffectRow;

/// The effects of every masking on each metric.
///
/// Whole and masked faces are paired by seed and image, within one setting: over the seeds that are done for both. The
/// signal, the information in the regions beyond the same area elsewhere, is above 0 where they carry more: in `hide`,
/// a control's value minus the masked one; in `keep`, the reverse. It is paired in the same way over the seeds that
/// have a control, against the mean of that seed's controls, whose places are a sample too: its interval is wide with
/// few places, and missing with one.
///
/// Balanced accuracy is a mean over images with the weights N / (K · images of the class); the numbers of
/// images in the classes are taken as given.
///
/// Rows come in the order in which maskings first occur among the runs, metric by metric. A masking without a seed in
/// common with whole faces has no row. Each of the three questions (does masking change the metric; more than masking
/// the same area elsewhere; are the regions alone better than chance) has its own p, Holm-corrected (Holm 1979) over the
/// sets of equally many regions of one setting, mode, phase, fill and metric.
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
            let contrasts = contrasts(&paired, images, part, level)?;
            of_metrics.push((metric, contrasts.into_iter().zip(excesses(&paired, metric)?)));
        }
        for (masked, pairs) in &paired {
            for (metric, contrasts) in &mut of_metrics {
                let Some((Some(contrast), excess)) = contrasts.next() else { continue };
                rows.push(row(cell, masked, pairs, *metric, contrast, excess));
            }
        }
        adjust(&mut rows[first..]);
    }
    Ok(rows)
}

/// The row of one masking and metric.
fn row(
    cell: &Cell,
    like: &Masked,
    pairs: &[Pair],
    metric: Metric,
    contrast: Contrast,
    excess: Option<Excess>,
) -> EffectRow {
    let Contrast { effect, signal, levels } = contrast.within(metric.difference_bounds());
    let excess = excess.map(|excess| excess.within(metric));
    let (effect_low, effect_high) = effect.interval.unzip();
    let (signal_low, signal_high) = signal.as_ref().and_then(|signal| signal.interval).unzip();
    let (excess_low, excess_high) =
        excess.as_ref().and_then(|excess| excess.estimate.interval).unzip();
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
        covered: levels.masked,
        control: levels.control,
        effect: effect.mean,
        effect_low,
        effect_high,
        signal: signal.as_ref().map(|estimate| estimate.mean),
        signal_low,
        signal_high,
        p: effect.p,
        p_adjusted: None,
        method: effect.method.to_owned(),
        signal_p: signal.as_ref().and_then(|signal| signal.p),
        signal_p_adjusted: None,
        signal_method: signal.map(|signal| signal.method.to_owned()),
        chance: excess.as_ref().map(|excess| excess.chance),
        excess: excess.as_ref().map(|excess| excess.estimate.mean),
        excess_low,
        excess_high,
        excess_p: excess.and_then(|excess| excess.estimate.p),
        excess_p_adjusted: None,
        swept: cell.swept.clone(),
    }
}

/// The information in regions that alone are visible.
struct Excess {
    chance: f64,
    /// Beyond that.
    estimate: Estimate,
}

impl Excess {
    /// With an interval that holds nothing impossible.
    fn within(self, metric: Metric) -> Excess {
        let bounds = metric.difference_bounds().map(|_| (-self.chance, 1.0 - self.chance));
        Excess { estimate: self.estimate.within(bounds), ..self }
    }
}

/// The excess of every masking over [`chance`](super::chance()); `None` where anything but the regions is visible.
fn excesses(
    paired: &[(&Masked, Vec<Pair>)],
    metric: Metric,
) -> Result<Vec<Option<Excess>>, EffectsError> {
    let mut tables = Vec::new();
    for (masked, pairs) in paired {
        if masked.masking.mode != Mode::Keep {
            tables.push(None);
            continue;
        }
        let reached = |pair: &Pair| {
            let missing = || EffectsError::NoBits { run_id: pair.masked.run.run_id.clone() };
            metric.worths(pair.masked).ok_or_else(missing)
        };
        let reached: Vec<Vec<f64>> = pairs.iter().map(reached).collect::<Result<_, _>>()?;
        let images = reached.first().map_or(0, Vec::len);
        tables.push(Differences::from_fn(reached.len(), images, |seed, image| {
            reached[seed][image] - without_looking(metric, &pairs[seed].masked.test, image)
        }));
    }
    let families = Families::new(
        paired
            .iter()
            .zip(&tables)
            .map(|((masked, _), table)| (family(masked), table.as_ref().and_then(Spread::of))),
    );
    let excess = |((masked, pairs), table): (&(&Masked, Vec<Pair>), Option<Differences>)| {
        let estimate = table?.estimate_among(families.prior(masked));
        Some(Excess { chance: chance(metric, pairs.first()?.masked), estimate })
    };
    Ok(paired.iter().zip(tables).map(excess).collect())
}

/// Holm's correction of each of the three questions, within each mode, phase, fill, metric and number of regions of
/// one cell: tests of single regions are not corrected for those of sets of three.
fn adjust(rows: &mut [EffectRow]) {
    type Column = fn(&mut EffectRow) -> (Option<f64>, &mut Option<f64>);
    let questions: [Column; 3] = [
        |row| (row.p, &mut row.p_adjusted),
        |row| (row.signal_p, &mut row.signal_p_adjusted),
        |row| (row.excess_p, &mut row.excess_p_adjusted),
    ];
    for question in questions {
        let tests: Vec<_> = rows
            .iter_mut()
            .map(|row| {
                let family = (row.mode, row.phase, row.fill, row.metric, row.regions.len());
                (family, question(row).0)
            })
            .collect();
        for (row, adjusted) in rows.iter_mut().zip(holm_within(tests.into_iter())) {
            *question(row).1 = adjusted;
        }
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
        let whole = Mode::of(mode).is_none();
        RunRow {
            run_id: id.into(),
            training_id: "t".into(),
            experiment: "e".into(),
            condition: "c".into(),
            dataset: "faces".into(),
            test_part: None,
            regions: regions.iter().map(|name| (*name).to_owned()).collect(),
            mode: Mode::of(mode),
            fill: (!whole).then_some(FillKind::Mean),
            phase: (!whole).then_some(Phase::Retrain),
            control: false,
            draw: None,
            area: 0.0,
            missed: None,
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

    /// The scores of a run with these predictions for images 0, 1, 2 … of these classes, with probability 3/4.
    pub fn scored(mut run: RunRow, actual: &[usize], predicted: &[usize]) -> RunScores {
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
            credit: None,
            probabilities: probabilities.to_vec(),
            log_probabilities: Some(probabilities.map(f32::ln).to_vec()),
            label,
        }
    }
}

#[cfg(test)]
mod tests;

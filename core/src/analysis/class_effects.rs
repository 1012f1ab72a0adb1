//! The effects of masking on each class's recall.

use super::cells::{Cell, Contrast, EffectsError, Masked, Pair, cells, contrasts, paired};
use super::holm::holm_within;
use super::metric::mean;
use super::scores::{OfClass, RunScores};
use crate::store::ClassEffectRow;

/// The effect and signal of every masking on the recall of every class, paired as in
/// [`effects`](super::effects()) over the images of that class alone.
///
/// Rows come in the order in which maskings first occur among the runs, in class order; a class without
/// test images has none. `p_adjusted` is Holm-corrected over all classes and sets of equally many regions of one
/// setting, mode, phase and fill: reading the whole table for the largest effects tests all of them.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn class_effects(runs: &[RunScores]) -> Result<Vec<ClassEffectRow>, EffectsError> {
    let mut rows = Vec::new();
    for cell in &cells(runs)? {
        let first = rows.len();
        let paired = paired(cell)?;
        let Some(whole) = paired.iter().find_map(|(_, pairs)| Some(pairs.first()?.whole)) else {
            continue;
        };
        let mut of_classes = Vec::new();
        for (class, of_class) in whole.test.by_class() {
            let OfClass { images, weights } = &of_class;
            let correct = |run: &RunScores, image: usize| match run.predicted[images[image]] {
                predicted if predicted == class => weights[image],
                _ => 0.0,
            };
            let recall =
                |run: &RunScores| Ok(mean((0..images.len()).map(|image| correct(run, image))));
            let contrasts = contrasts(&paired, images.len(), correct, recall)?;
            of_classes.push((class, images.len(), contrasts.into_iter()));
        }
        for (masked, pairs) in &paired {
            for (class, images, contrasts) in &mut of_classes {
                let Some(contrast) = contrasts.next().flatten() else { continue };
                let emotion = &whole.test.classes[usize::from(*class)];
                rows.push(row(cell, masked, pairs, (emotion, *images), contrast));
            }
        }
        adjust(&mut rows[first..]);
    }
    Ok(rows)
}

fn row(
    cell: &Cell,
    like: &Masked,
    pairs: &[Pair],
    (emotion, images): (&str, usize),
    contrast: Contrast,
) -> ClassEffectRow {
    // Recalls are shares.
    let Contrast { effect, signal, levels } = contrast.within(Some((-1.0, 1.0)));
    let (effect_low, effect_high) = effect.interval.unzip();
    let (signal_low, signal_high) = signal.as_ref().and_then(|signal| signal.interval).unzip();
    ClassEffectRow {
        condition: like.condition.to_owned(),
        regions: like.regions.to_vec(),
        mode: like.masking.mode,
        phase: like.masking.phase,
        fill: like.masking.fill,
        emotion: emotion.to_owned(),
        seeds: u32::try_from(pairs.len()).unwrap_or(u32::MAX),
        images: images as u64,
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
        signal_p: signal.and_then(|signal| signal.p),
        signal_p_adjusted: None,
        swept: cell.swept.clone(),
    }
}

/// Holm's correction of each of the two questions, within each mode, phase, fill and number of regions of one cell.
fn adjust(rows: &mut [ClassEffectRow]) {
    let family = |row: &ClassEffectRow| (row.mode, row.phase, row.fill, row.regions.len());
    let costs = holm_within(rows.iter().map(|row| (family(row), row.p)));
    let signals = holm_within(rows.iter().map(|row| (family(row), row.signal_p)));
    for (row, (cost, signal)) in rows.iter_mut().zip(costs.into_iter().zip(signals)) {
        (row.p_adjusted, row.signal_p_adjusted) = (cost, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::super::crossed::Differences;
    use super::super::effects::fixture::{run, scored};
    use super::*;
    use crate::store::RunRow;

    /// Images of classes 0, 0, 0, 1.
    const ACTUAL: [usize; 4] = [0, 0, 0, 1];

    fn study() -> Vec<RunScores> {
        let runs = [
            (run("w1", &[], "none", 1), [0, 0, 0, 1]),
            (run("w2", &[], "none", 2), [0, 0, 1, 1]),
            (run("m1", &["mouth"], "hide", 1), [0, 1, 1, 0]),
            (run("m2", &["mouth"], "hide", 2), [0, 0, 1, 1]),
            (RunRow { control: true, ..run("k1", &["mouth"], "hide", 1) }, [0, 0, 1, 1]),
        ];
        runs.map(|(run, predicted)| scored(run, &ACTUAL, &predicted)).to_vec()
    }

    #[test]
    fn recalls_by_hand() {
        let rows = class_effects(&study()).unwrap();
        let [neutral, fear] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((neutral.emotion.as_str(), neutral.images, neutral.seeds), ("neutral", 3, 2));
        assert_eq!((fear.emotion.as_str(), fear.images), ("fear", 1));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(neutral.baseline, 5.0 / 6.0);
        close(neutral.covered, 3.0 / 6.0);
        close(neutral.effect, 2.0 / 6.0);
        // The control was drawn for seed 1 only: 2/3 against 1/3.
        close(neutral.control.unwrap(), 2.0 / 3.0);
        close(neutral.signal.unwrap(), 1.0 / 3.0);
        let differences = [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]];
        let expected =
            Differences::from_fn(2, 3, |seed, image| differences[seed][image]).unwrap().estimate();
        assert_eq!(neutral.p, expected.p);
        let expected = expected.within(Some((-1.0, 1.0)));
        assert_eq!(neutral.effect_low.zip(neutral.effect_high), expected.interval);
        close(fear.effect, 0.5);
        assert!(fear.method.starts_with("seeds only"), "{}", fear.method);
    }

    #[test]
    fn regions_and_emotions_are_one_family() {
        let rows = class_effects(&study()).unwrap();
        let p: Vec<Option<f64>> = rows.iter().map(|row| row.p).collect();
        let adjusted: Vec<Option<f64>> = rows.iter().map(|row| row.p_adjusted).collect();
        assert_eq!(adjusted, super::super::holm(&p));
        assert!(adjusted.iter().all(Option::is_some) && adjusted != p);
    }
}

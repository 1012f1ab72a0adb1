//! Changes of the confusions when regions are masked.

use super::cells::{Cell, EffectsError, Families, Masked, Pair, cells, paired};
use super::crossed::{Differences, Estimate};
use super::metric::mean;
use super::scores::{OfClass, RunScores};
use crate::store::ConfusionShiftRow;

/// For every masking and class, the change of the share of its images that are predicted as each class: masked
/// less whole, so that a confusion that appears is above 0. Paired as in [`effects`](super::effects())
/// over the images of the actual class; correct predictions are among the rows, and the changes of one
/// actual class sum to 0.
///
/// Rows come in the order in which maskings first occur among the runs, actual before predicted, in
/// class order; a class without test images has none.
///
/// # Errors
/// As of [`effects`](super::effects()).
pub fn confusion_shifts(runs: &[RunScores]) -> Result<Vec<ConfusionShiftRow>, EffectsError> {
    let mut rows = Vec::new();
    for cell in &cells(runs)? {
        let paired = paired(cell)?;
        let Some(whole) = paired.iter().find_map(|(_, pairs)| Some(pairs.first()?.whole)) else {
            continue;
        };
        let by_class = whole.test.by_class();
        let classes = &whole.test.classes;
        let mut shifts = Vec::new();
        for (actual, images) in &by_class {
            for predicted in (0..=u16::MAX).take(classes.len()) {
                let families =
                    Families::of(&paired, |_, pairs| change(pairs, images, predicted).into_iter());
                shifts.push((*actual, images, predicted, families));
            }
        }
        for (masked, pairs) in &paired {
            for (actual, images, predicted, families) in &shifts {
                let Some(change) = change(pairs, images, *predicted) else { continue };
                let change = change.estimate_among(families.prior(masked));
                let share = |run: &RunScores| {
                    mean((0..images.images.len()).map(|i| taken(run, images, i, *predicted)))
                };
                let [actual, predicted] =
                    [*actual, *predicted].map(|class| classes[usize::from(class)].clone());
                rows.push(row(
                    cell,
                    masked,
                    pairs,
                    [actual, predicted],
                    images.images.len(),
                    share,
                    change,
                ));
            }
        }
    }
    Ok(rows)
}

/// Whether a run takes one of a class's images for another class: what the image counts for, or 0.
fn taken(run: &RunScores, of: &OfClass, image: usize, class: u16) -> f64 {
    if run.predicted[of.images[image]] == class { of.weights[image] } else { 0.0 }
}

/// Masked less whole.
fn change(pairs: &[Pair], images: &OfClass, predicted: u16) -> Option<Differences> {
    Differences::from_fn(pairs.len(), images.images.len(), |seed, image| {
        let of = |run| taken(run, images, image, predicted);
        of(pairs[seed].masked) - of(pairs[seed].whole)
    })
}

fn row(
    cell: &Cell,
    like: &Masked,
    pairs: &[Pair],
    [actual, predicted]: [String; 2],
    images: usize,
    share: impl Fn(&RunScores) -> f64,
    change: Estimate,
) -> ConfusionShiftRow {
    let (low, high) = change.interval.unzip();
    ConfusionShiftRow {
        condition: like.condition.to_owned(),
        regions: like.regions.to_vec(),
        mode: like.masking.mode,
        phase: like.masking.phase,
        fill: like.masking.fill,
        actual,
        predicted,
        baseline: mean(pairs.iter().map(|pair| share(pair.whole))),
        covered: mean(pairs.iter().map(|pair| share(pair.masked))),
        change: change.mean,
        low,
        high,
        seeds: u32::try_from(pairs.len()).unwrap_or(u32::MAX),
        images: images as u64,
        method: change.method.to_owned(),
        swept: cell.swept.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::effects::fixture::{run, scored};
    use super::*;

    #[test]
    fn shares_by_hand() {
        const ACTUAL: [usize; 6] = [0, 0, 0, 0, 1, 1];
        let runs = [
            (run("w1", &[], "none", 1), [0, 0, 0, 0, 1, 1]),
            (run("w2", &[], "none", 2), [0, 0, 0, 1, 1, 0]),
            (run("m1", &["mouth"], "hide", 1), [0, 1, 1, 0, 1, 1]),
            (run("m2", &["mouth"], "hide", 2), [0, 0, 1, 1, 1, 1]),
        ];
        let runs = runs.map(|(run, predicted)| scored(run, &ACTUAL, &predicted));
        let rows = confusion_shifts(&runs).unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|row| {
                let numbers = (row.baseline, row.covered, row.change);
                (row.actual.as_str(), row.predicted.as_str(), numbers, row.images)
            })
            .collect();
        assert_eq!(
            found,
            [
                ("neutral", "neutral", (0.875, 0.5, -0.375), 4),
                ("neutral", "fear", (0.125, 0.5, 0.375), 4),
                ("fear", "neutral", (0.25, 0.0, -0.25), 2),
                ("fear", "fear", (0.75, 1.0, 0.25), 2),
            ]
        );
        let appears = [[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
        let expected =
            Differences::from_fn(2, 4, |seed, image| appears[seed][image]).unwrap().estimate();
        assert_eq!(rows[1].low.zip(rows[1].high), expected.interval);
    }
}

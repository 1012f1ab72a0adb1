//! The mask-only baseline: label information in the masks.
//!
//! A mask that is placed by an image's landmarks may leak the label by its place or size, whatever it hides
//! (Rong et al. 2022). A network trained on the masks alone shows how much.

use std::collections::BTreeMap;

use super::cells::{Cell, EffectsError, cells, same_images};
use super::chance::{chance, without_looking};
use super::crossed::{Differences, Estimate};
use super::metric::Metric;
use super::scores::RunScores;
use crate::store::MaskLeakRow;

/// The excess of the mask-only baseline over [`chance`](super::chance()). Rows for each setting that has such runs, one
/// for each of the two metrics; none for bits if a run lacks its own.
///
/// # Errors
/// Where two of the runs were evaluated on different test images.
pub fn mask_leaks(runs: &[RunScores]) -> Result<Vec<MaskLeakRow>, EffectsError> {
    let mut rows = Vec::new();
    for Cell { swept, masks, .. } in cells(runs)?.iter().filter(|cell| !cell.masks.is_empty()) {
        same_images(masks.iter().copied())?;
        let rows_of = |metric| mask_leak(metric, masks, swept);
        rows.extend([Metric::Accuracy, Metric::Bits].into_iter().filter_map(rows_of));
    }
    Ok(rows)
}

/// One metric of runs on the same images.
fn mask_leak(
    metric: Metric,
    runs: &[&RunScores],
    swept: &BTreeMap<String, String>,
) -> Option<MaskLeakRow> {
    let BeyondChance { chance, excess, seeds, images, .. } = BeyondChance::of(metric, runs, swept)?;
    let (low, high) = excess.interval.unzip();
    Some(MaskLeakRow {
        condition: runs[0].run.condition.clone(),
        metric,
        reached: chance + excess.mean,
        chance,
        excess: excess.mean,
        low,
        high,
        p: excess.p,
        seeds,
        images,
        method: excess.method.to_owned(),
        swept: swept.clone(),
    })
}

/// How far networks come beyond [`chance`](super::chance()) in one metric, under one swept choice.
#[derive(Debug, Clone, PartialEq)]
pub struct BeyondChance {
    pub metric: Metric,
    /// What the best constant prediction reaches.
    pub chance: f64,
    /// What the networks reach beyond it.
    pub excess: Estimate,
    pub seeds: u32,
    pub images: u64,
    pub swept: BTreeMap<String, String>,
}

/// How far the networks of whole faces come beyond chance, accuracy and then bits of each setting; none of bits
/// where a run does not know its own.
///
/// # Errors
/// Where two of the runs were examined on different test images.
pub fn whole_faces(runs: &[RunScores]) -> Result<Vec<BeyondChance>, EffectsError> {
    let mut found = Vec::new();
    for Cell { swept, whole, .. } in cells(runs)?.iter().filter(|cell| !cell.whole.is_empty()) {
        let whole: Vec<&RunScores> = whole.values().copied().collect();
        same_images(whole.iter().copied())?;
        let of = |metric| BeyondChance::of(metric, &whole, swept);
        found.extend([Metric::Accuracy, Metric::Bits].into_iter().filter_map(of));
    }
    Ok(found)
}

impl BeyondChance {
    /// Of runs on the same images.
    fn of(
        metric: Metric,
        runs: &[&RunScores],
        swept: &BTreeMap<String, String>,
    ) -> Option<BeyondChance> {
        let images = runs[0].images();
        let test = &runs[0].test;
        let reached: Vec<Vec<f64>> =
            runs.iter().map(|scores| metric.worths(scores)).collect::<Option<_>>()?;
        let excess = Differences::from_fn(runs.len(), images, |seed, image| {
            reached[seed][image] - without_looking(metric, test, image)
        })?
        .estimate();
        Some(BeyondChance {
            metric,
            chance: chance(metric, runs[0]),
            excess,
            seeds: u32::try_from(runs.len()).unwrap_or(u32::MAX),
            images: images as u64,
            swept: swept.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::effects;
    use super::super::effects::fixture::{run, scored};
    use super::*;
    use crate::region::{FillKind, Phase};
    use crate::store::RunRow;

    fn masks(id: &str, seed: u64) -> RunRow {
        RunRow {
            phase: Some(Phase::Masks),
            fill: Some(FillKind::Silhouette),
            ..run(id, &["eyes"], "hide", seed)
        }
    }

    /// Of 40 images the first 24 are of one class: guessing it is right for 60 %.
    fn actual() -> Vec<usize> {
        (0..40).map(|image| usize::from(image >= 24)).collect()
    }

    #[test]
    fn what_masks_tell_is_what_lies_beyond_a_guess() {
        let actual = actual();
        // Wrong for images 0 to 3: 90 %.
        let telling: Vec<usize> = actual
            .iter()
            .enumerate()
            .map(|(image, &class)| if image < 4 { 1 } else { class })
            .collect();
        let rows = mask_leaks(&[
            scored(masks("a", 1), &actual, &telling),
            scored(masks("b", 2), &actual, &telling),
            scored(run("c", &[], "none", 1), &actual, &actual),
        ])
        .unwrap();
        let [row, bits] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.metric, bits.metric), (Metric::Accuracy, Metric::Bits));
        assert!((row.reached - 0.9).abs() < 1e-12 && (row.chance - 0.6).abs() < 1e-12);
        assert!((row.excess - 0.3).abs() < 1e-12);
        assert_eq!((row.seeds, row.images), (2, 40));
        assert!(row.low.unwrap() > 0.0 && row.p.unwrap() < 0.05, "{row:?}");
    }

    #[test]
    fn a_network_that_guesses_tells_nothing() {
        let actual = actual();
        let rows = mask_leaks(&[scored(masks("a", 1), &actual, &[0; 40])]).unwrap();
        assert_eq!((rows[0].excess, rows[0].reached), (0.0, 0.6));
        assert!(
            mask_leaks(&[scored(run("c", &[], "none", 1), &actual, &actual)]).unwrap().is_empty()
        );
    }

    #[test]
    fn whole_faces_are_held_against_chance() {
        let actual = actual();
        let of = |predicted: &[usize]| {
            let runs = [1, 2].map(|seed| {
                scored(run(&format!("w{seed}"), &[], "none", seed), &actual, predicted)
            });
            whole_faces(&runs).unwrap()
        };
        let [accuracy, bits] = &of(&actual)[..] else { panic!("two metrics") };
        assert_eq!((accuracy.metric, bits.metric), (Metric::Accuracy, Metric::Bits));
        assert!(
            (accuracy.excess.mean - 0.4).abs() < 1e-12 && (accuracy.chance - 0.6).abs() < 1e-12
        );
        assert!(accuracy.excess.interval.unwrap().0 > 0.0);
        // The commonest class for every image: nothing was learnt.
        assert_eq!(of(&[0; 40])[0].excess.mean, 0.0);
    }

    #[test]
    fn masks_alone_are_no_effect() {
        let actual = actual();
        let runs = [
            scored(run("c", &[], "none", 1), &actual, &actual),
            scored(masks("a", 1), &actual, &[0; 40]),
        ];
        assert!(effects(&runs).unwrap().is_empty());
    }
}

//! What masks alone tell.
//!
//! A mask that is placed by an image's landmarks may give the answer away by its place or size, whatever
//! it hides (Rong et al. 2022). A network that learned from the masks alone shows how much.

use std::collections::BTreeMap;

use super::cells::{EffectsError, same_images};
use super::crossed::Differences;
use super::metric::{Metric, mean};
use super::scores::RunScores;
use crate::store::MaskLeakRow;

/// How far the networks that saw masks alone come beyond the best answer without looking: the commonest
/// class of the test images, always. A row for each swept choice that has such runs.
///
/// # Errors
/// Where two of the runs were examined on different test images.
pub fn mask_leaks(runs: &[RunScores]) -> Result<Vec<MaskLeakRow>, EffectsError> {
    let mut choices: Vec<(&BTreeMap<String, String>, Vec<&RunScores>)> = Vec::new();
    for scores in runs.iter().filter(|scores| scores.done() && scores.run.phase == "masks") {
        let swept = &scores.run.swept;
        match choices.iter_mut().find(|(known, _)| *known == swept) {
            Some((_, runs)) => runs.push(scores),
            None => choices.push((swept, vec![scores])),
        }
    }
    let mut rows = Vec::new();
    for (swept, runs) in choices {
        same_images(runs.iter().copied())?;
        let test = &runs[0].test;
        let images = runs[0].images();
        let mut guess: (u16, usize) = (0, 0);
        for (class, images) in test.by_class() {
            if images.len() > guess.1 {
                guess = (class, images.len());
            }
        }
        let guessed = |image: usize| f64::from(u8::from(test.actual[image] == guess.0));
        let differences = Differences::from_fn(runs.len(), images, |seed, image| {
            Metric::Accuracy.of(runs[seed], image) - guessed(image)
        });
        let Some(excess) = differences.map(|differences| differences.estimate()) else { continue };
        let chance = mean((0..images).map(guessed));
        let (low, high) = excess.interval.unzip();
        rows.push(MaskLeakRow {
            accuracy: chance + excess.mean,
            chance,
            excess: excess.mean,
            low,
            high,
            p: excess.p,
            seeds: u32::try_from(runs.len()).unwrap_or(u32::MAX),
            images: images as u64,
            method: excess.method.to_owned(),
            swept: swept.clone(),
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::super::effects;
    use super::super::effects::fixture::{answers, run};
    use super::*;
    use crate::store::RunRow;

    fn masks(id: &str, seed: u64) -> RunRow {
        RunRow {
            phase: "masks".into(),
            fill: "silhouette".into(),
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
            answers(masks("a", 1), &actual, &telling),
            answers(masks("b", 2), &actual, &telling),
            answers(run("c", &[], "none", 1), &actual, &actual),
        ])
        .unwrap();
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert!((row.accuracy - 0.9).abs() < 1e-12 && (row.chance - 0.6).abs() < 1e-12);
        assert!((row.excess - 0.3).abs() < 1e-12);
        assert_eq!((row.seeds, row.images), (2, 40));
        assert!(row.low.unwrap() > 0.0 && row.p.unwrap() < 0.05, "{row:?}");
    }

    #[test]
    fn a_network_that_guesses_tells_nothing() {
        let actual = actual();
        let rows = mask_leaks(&[answers(masks("a", 1), &actual, &[0; 40])]).unwrap();
        assert_eq!((rows[0].excess, rows[0].accuracy), (0.0, 0.6));
        assert!(
            mask_leaks(&[answers(run("c", &[], "none", 1), &actual, &actual)]).unwrap().is_empty()
        );
    }

    #[test]
    fn masks_alone_are_no_effect() {
        let actual = actual();
        let runs = [
            answers(run("c", &[], "none", 1), &actual, &actual),
            answers(masks("a", 1), &actual, &[0; 40]),
        ];
        assert!(effects(&runs).unwrap().is_empty());
    }
}

//! Scores: the compact form of a run's predictions that effects need.
//!
//! Predictions of a study may be millions of rows; a run's scores are ten bytes per image, and all runs
//! on the same images share one list of names.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use thiserror::Error;

use super::chance::commonest;
use crate::dataset::Split;
use crate::metrics::cross_entropy;
use crate::store::{PredictionRow, RunRow};

/// One run's scores on the test images, in the order of its predictions.
#[derive(Debug, Clone)]
pub struct RunScores {
    pub(super) run: RunRow,
    pub(super) test: Arc<TestImages>,
    /// Class indices.
    pub(super) predicted: Vec<u16>,
    /// Minus the cross-entropy, base 2.
    pub(super) bits: Vec<f64>,
}

/// The test images that runs have in common.
#[derive(Debug, PartialEq)]
pub(super) struct TestImages {
    /// The classes behind a run's class indices: the same images with other classes are not the same.
    pub classes: Arc<[String]>,
    pub names: Vec<String>,
    /// Class indices.
    pub actual: Vec<u16>,
    /// The weight of an image in the mean recall of the classes that occur: N / (K · images of its
    /// class), so that the weighted mean of correct predictions is the balanced accuracy.
    pub weights: Vec<f64>,
    /// The class index with the most images, the first of several.
    pub commonest: Option<u16>,
}

impl TestImages {
    /// The images of each class that occurs, by class index.
    pub fn by_class(&self) -> BTreeMap<u16, Vec<usize>> {
        let mut images: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (image, class) in self.actual.iter().enumerate() {
            images.entry(*class).or_default().push(image);
        }
        images
    }
}

/// An error in a run's predictions.
#[derive(Debug, Error, PartialEq)]
pub enum ScoreError {
    #[error(
        "run {run_id} is marked done and has no predictions on the test split: run the experiment again"
    )]
    NoPredictions { run_id: String },
    #[error(
        "run {run_id}, image `{image}`: class `{class}` is not one of the experiment's classes ({classes})"
    )]
    Class { run_id: String, image: String, class: String, classes: String },
    #[error(
        "run {run_id}, image `{image}`: {probabilities} probabilities and {shares} label shares for {classes} classes"
    )]
    Shape { run_id: String, image: String, probabilities: usize, shares: usize, classes: usize },
}

/// Turns predictions into scores, run by run, and shares what the runs have in common.
#[derive(Debug)]
pub struct Scorer {
    classes: Arc<[String]>,
    index: HashMap<String, u16>,
    known: Vec<Arc<TestImages>>,
}

impl RunScores {
    pub fn run(&self) -> &RunRow {
        &self.run
    }

    /// What the class indices stand for.
    pub fn classes(&self) -> &[String] {
        &self.test.classes
    }

    /// How many test images there are.
    pub fn images(&self) -> usize {
        self.predicted.len()
    }

    /// Whether the image was predicted correctly.
    pub(super) fn correct(&self, image: usize) -> bool {
        self.predicted[image] == self.test.actual[image]
    }

    /// Whether the run ended as it should.
    pub(super) fn done(&self) -> bool {
        self.run.status.is_done()
    }
}

impl Scorer {
    /// `classes`, at most 65,536 of them; in whatever order, they are the class indices of the scores.
    pub fn new(classes: &[String]) -> Scorer {
        let index =
            (0..=u16::MAX).zip(classes).map(|(index, class)| (class.clone(), index)).collect();
        Scorer { classes: classes.into(), index, known: Vec::new() }
    }

    /// The scores of `run`, from the rows of its test split; other rows are ignored. A run that
    /// failed needs none.
    pub fn score(
        &mut self,
        run: RunRow,
        predictions: &[PredictionRow],
    ) -> Result<RunScores, ScoreError> {
        let rows: Vec<&PredictionRow> = predictions
            .iter()
            .filter(|row| row.split == Split::Test && row.run_id == run.run_id)
            .collect();
        if rows.is_empty() && run.status.is_done() {
            return Err(ScoreError::NoPredictions { run_id: run.run_id });
        }
        let mut actual = Vec::with_capacity(rows.len());
        let mut predicted = Vec::with_capacity(rows.len());
        let mut bits = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.probabilities.len() != self.classes.len()
                || row.label.len() != self.classes.len()
            {
                return Err(ScoreError::Shape {
                    run_id: row.run_id.clone(),
                    image: row.image.clone(),
                    probabilities: row.probabilities.len(),
                    shares: row.label.len(),
                    classes: self.classes.len(),
                });
            }
            actual.push(self.class(row, &row.actual)?);
            predicted.push(self.class(row, &row.predicted)?);
            bits.push(-cross_entropy(&row.probabilities, &row.label) / std::f64::consts::LN_2);
        }
        let test = self.share(&rows, actual);
        Ok(RunScores { run, test, predicted, bits })
    }

    fn class(&self, row: &PredictionRow, class: &str) -> Result<u16, ScoreError> {
        self.index.get(class).copied().ok_or_else(|| ScoreError::Class {
            run_id: row.run_id.clone(),
            image: row.image.clone(),
            class: class.to_owned(),
            classes: self.classes.join(", "),
        })
    }

    fn share(&mut self, rows: &[&PredictionRow], actual: Vec<u16>) -> Arc<TestImages> {
        let same = |known: &&Arc<TestImages>| {
            known.actual == actual
                && known.names.iter().zip(rows).all(|(name, row)| *name == row.image)
        };
        if let Some(known) = self.known.iter().find(same) {
            return Arc::clone(known);
        }
        let names = rows.iter().map(|row| row.image.clone()).collect();
        let weights = weights(&actual, self.classes.len());
        let classes = Arc::clone(&self.classes);
        let commonest = commonest(&actual);
        let images = Arc::new(TestImages { classes, names, actual, weights, commonest });
        self.known.push(Arc::clone(&images));
        images
    }
}

fn weights(actual: &[u16], classes: usize) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    for class in actual {
        counts[usize::from(*class)] += 1;
    }
    let occur = counts.iter().filter(|count| **count > 0).count();
    actual
        .iter()
        .map(|class| actual.len() as f64 / (occur * counts[usize::from(*class)]) as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::effects::fixture::{classes, prediction, run};
    use super::*;
    use crate::store::RunStatus;

    #[test]
    fn runs_that_met_the_same_images_share_them() {
        let mut scorer = Scorer::new(&classes());
        let mut score = |id: &str, names: [&str; 2]| {
            let rows = names.map(|name| prediction(id, name, 0, [0.75, 0.25]));
            scorer.score(run(id, &[], "none", 1), &rows).unwrap()
        };
        let (a, b, c) = (score("a", ["x", "y"]), score("b", ["x", "y"]), score("c", ["x", "z"]));
        assert!(Arc::ptr_eq(&a.test, &b.test));
        assert!(!Arc::ptr_eq(&a.test, &c.test));
        assert_eq!(a.bits, [0.75f64.log2(); 2]);
        assert_eq!((a.correct(0), a.correct(1), &a.predicted[..]), (true, true, &[0, 0][..]));
    }

    #[test]
    fn weights_make_the_mean_of_right_answers_the_mean_recall() {
        // Three images of class 0, one of class 2; class 1 does not occur.
        assert_eq!(weights(&[0, 0, 2, 0], 3), [4.0 / 6.0, 4.0 / 6.0, 2.0, 4.0 / 6.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut scorer = Scorer::new(&classes());
        let error = scorer.score(run("a", &[], "none", 1), &[]).unwrap_err();
        assert_eq!(error, ScoreError::NoPredictions { run_id: "a".into() });

        let mut row = prediction("a", "x", 0, [0.5, 0.5]);
        row.actual = "joy".into();
        let error = scorer.score(run("a", &[], "none", 1), &[row]).unwrap_err();
        assert!(error.to_string().contains("image `x`: class `joy`"), "{error}");

        let mut row = prediction("a", "x", 0, [0.5, 0.5]);
        row.predicted = "joy".into();
        let error = scorer.score(run("a", &[], "none", 1), &[row]).unwrap_err();
        assert!(error.to_string().contains("image `x`: class `joy`"), "{error}");

        let mut row = prediction("a", "x", 0, [0.5, 0.5]);
        row.label.pop();
        let error = scorer.score(run("a", &[], "none", 1), &[row]).unwrap_err();
        assert!(error.to_string().contains("2 probabilities and 1 label shares"), "{error}");

        let mut failed = run("a", &[], "none", 1);
        failed.status = RunStatus::Failed("loss is not finite".to_owned());
        assert_eq!(scorer.score(failed, &[]).unwrap().images(), 0);
    }
}

//! Scores: the compact form of a run's predictions that effects need.
//!
//! Predictions of a study may be millions of rows; a run's scores are ten bytes per image, and all runs
//! on the same images share one list of names.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use thiserror::Error;

use super::chance::commonest;
use crate::dataset::Split;
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
    /// The class with most votes of each image, or the classes that tie, which share it; class indices.
    pub leaders: Vec<Box<[u16]>>,
    /// What a right prediction of each class counts for in the mean recall of the classes that occur: N / (K · images of
    /// the class), so that the weighted mean of right predictions is the balanced accuracy. By class index.
    pub weights: Vec<f64>,
    /// The class index with the most images; of several the first by name.
    pub commonest: Option<u16>,
}

/// The images of one class.
#[derive(Debug, PartialEq)]
pub(super) struct OfClass {
    /// Those of which it is the class with most votes, or one of those that tie.
    pub images: Vec<usize>,
    /// What each counts for, 1 on average: the mean over the images, so weighted, of naming the class is its recall.
    pub weights: Vec<f64>,
}

impl TestImages {
    /// What naming a class counts for: 1 where it is the image's, 1/k where it is one of k that tie, else 0.
    pub fn credit(&self, image: usize, class: u16) -> f64 {
        let leaders = &self.leaders[image];
        if leaders.contains(&class) { 1.0 / leaders.len() as f64 } else { 0.0 }
    }

    /// The images of each class that occurs, by class index.
    pub fn by_class(&self) -> BTreeMap<u16, OfClass> {
        let mut classes: BTreeMap<u16, OfClass> = BTreeMap::new();
        for (image, leaders) in self.leaders.iter().enumerate() {
            for class in leaders {
                let empty = || OfClass { images: Vec::new(), weights: Vec::new() };
                let of_class = classes.entry(*class).or_insert_with(empty);
                of_class.images.push(image);
                of_class.weights.push(1.0 / leaders.len() as f64);
            }
        }
        for OfClass { images, weights } in classes.values_mut() {
            let scale = images.len() as f64 / weights.iter().sum::<f64>();
            weights.iter_mut().for_each(|weight| *weight *= scale);
        }
        classes
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
    /// The class index of each place in the lists of a prediction, which are in class order.
    of_place: Vec<u16>,
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

    /// What the prediction for the image counts for, from 0 to 1.
    pub(super) fn credit(&self, image: usize) -> f64 {
        self.test.credit(image, self.predicted[image])
    }

    /// Whether the run ended as it should.
    pub(super) fn done(&self) -> bool {
        self.run.status.is_done()
    }
}

impl Scorer {
    /// `classes`, at most 65,536 of them, in the class order of the predictions: the class indices of the scores.
    pub fn new(classes: &[String]) -> Scorer {
        Scorer::indexed(classes, classes)
    }

    /// As [`Scorer::new`], but that class indices are places among the sorted names: the same for runs whose class
    /// orders differ.
    pub fn sorted(classes: &[String]) -> Scorer {
        let mut sorted = classes.to_vec();
        sorted.sort();
        Scorer::indexed(classes, &sorted)
    }

    fn indexed(in_order: &[String], by_index: &[String]) -> Scorer {
        let index: HashMap<String, u16> = by_index.iter().cloned().zip(0..=u16::MAX).collect();
        let of_place = in_order.iter().filter_map(|class| index.get(class).copied()).collect();
        Scorer { classes: by_index.into(), index, of_place, known: Vec::new() }
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
        let mut actual: Vec<Box<[u16]>> = Vec::with_capacity(rows.len());
        let mut predicted = Vec::with_capacity(rows.len());
        let mut bits = Vec::with_capacity(rows.len());
        for row in &rows {
            let logarithms = row.log_probabilities.as_ref().map_or(self.classes.len(), Vec::len);
            if row.probabilities.len() != self.classes.len()
                || row.label.len() != self.classes.len()
                || logarithms != self.classes.len()
            {
                return Err(ScoreError::Shape {
                    run_id: row.run_id.clone(),
                    image: row.image.clone(),
                    probabilities: row.probabilities.len(),
                    shares: row.label.len(),
                    classes: self.classes.len(),
                });
            }
            let named = self.class(row, &row.actual)?;
            let place = self.of_place.iter().position(|index| *index == named);
            let leaders = row.leaders(place.unwrap_or_default()).into_iter();
            let mut leaders: Vec<u16> = leaders.map(|place| self.of_place[place]).collect();
            leaders.sort_unstable();
            actual.push(leaders.into());
            predicted.push(self.class(row, &row.predicted)?);
            bits.push(-row.cross_entropy() / std::f64::consts::LN_2);
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

    fn share(&mut self, rows: &[&PredictionRow], leaders: Vec<Box<[u16]>>) -> Arc<TestImages> {
        let same = |known: &&Arc<TestImages>| {
            known.leaders == leaders
                && known.names.iter().zip(rows).all(|(name, row)| *name == row.image)
        };
        if let Some(known) = self.known.iter().find(same) {
            return Arc::clone(known);
        }
        let names = rows.iter().map(|row| row.image.clone()).collect();
        let counts = counts(&leaders, self.classes.len());
        let (weights, commonest) = (weights(&counts), commonest(&counts, &self.classes));
        let classes = Arc::clone(&self.classes);
        let images = Arc::new(TestImages { classes, names, leaders, weights, commonest });
        self.known.push(Arc::clone(&images));
        images
    }
}

/// How many images each class has, an image that several share in equal parts.
fn counts(leaders: &[Box<[u16]>], classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0; classes];
    for leaders in leaders {
        for class in leaders {
            counts[usize::from(*class)] += 1.0 / leaders.len() as f64;
        }
    }
    counts
}

/// As [`TestImages::weights`]; 0 for a class that does not occur.
fn weights(counts: &[f64]) -> Vec<f64> {
    let occur = counts.iter().filter(|count| **count > 0.0).count() as f64;
    let images: f64 = counts.iter().sum();
    let weight = |count: &f64| if *count > 0.0 { images / (occur * count) } else { 0.0 };
    counts.iter().map(weight).collect()
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
        assert!(a.bits.iter().all(|bits| (bits - 0.75f64.log2()).abs() < 1e-7), "{:?}", a.bits);
        assert_eq!((a.credit(0), a.credit(1), &a.predicted[..]), (1.0, 1.0, &[0, 0][..]));
    }

    /// Lists are in class order, whatever the order of the indices.
    #[test]
    fn sorted_indices_do_not_change_a_score() {
        let order = ["neutral", "anger", "fear"].map(str::to_owned);
        let row = |image: &str, actual: &str, predicted: &str, label: [f32; 3]| PredictionRow {
            actual: actual.to_owned(),
            predicted: predicted.to_owned(),
            probabilities: vec![0.5, 0.25, 0.25],
            log_probabilities: Some(vec![-0.7, -1.4, -1.4]),
            label: label.to_vec(),
            credit: Some(0.0),
            ..prediction("a", image, 0, [0.5, 0.5])
        };
        let rows = [
            row("x", "neutral", "neutral", [1.0, 0.0, 0.0]),
            row("y", "anger", "fear", [0.0, 0.5, 0.5]),
            row("z", "fear", "neutral", [0.0, 0.0, 1.0]),
        ];
        let scored = |mut scorer: Scorer| scorer.score(run("a", &[], "none", 1), &rows).unwrap();
        for scores in [scored(Scorer::new(&order)), scored(Scorer::sorted(&order))] {
            assert_eq!([0, 1, 2].map(|image| scores.credit(image)), [1.0, 0.5, 0.0]);
        }
        let sorted = scored(Scorer::sorted(&order));
        assert_eq!(sorted.classes(), ["anger", "fear", "neutral"]);
        assert_eq!(sorted.predicted, [2, 1, 2]);
    }

    #[test]
    fn classes_that_tie_share_an_image() {
        let mut rows = ["x", "y", "z"].map(|name| prediction("a", name, 0, [0.75, 0.25]));
        rows[1].label = vec![0.5, 0.5];
        rows[2].label = vec![0.0, 1.0];
        rows[2].actual = classes()[1].clone();
        let score = |rows: &[PredictionRow]| {
            Scorer::new(&classes()).score(run("a", &[], "none", 1), rows).unwrap()
        };
        let scores = score(&rows);
        assert_eq!([0, 1, 2].map(|image| scores.credit(image)), [1.0, 0.5, 0.0]);
        // As many of each: `fear` comes before `neutral`.
        assert_eq!(scores.test.commonest, Some(1));
        assert_eq!(scores.test.weights, [1.0, 1.0]);
        let by_class = scores.test.by_class();
        let neutral = OfClass { images: vec![0, 1], weights: vec![4.0 / 3.0, 2.0 / 3.0] };
        assert_eq!(by_class[&0], neutral);

        // A table of an earlier version keeps to what its other numbers are made of.
        for row in &mut rows {
            (row.credit, row.log_probabilities) = (None, None);
        }
        let scores = score(&rows);
        assert_eq!([0, 1, 2].map(|image| scores.credit(image)), [1.0, 1.0, 0.0]);
        assert_eq!(scores.bits[0], 0.75f64.log2());
    }

    #[test]
    fn weights_make_the_mean_of_right_predictions_the_mean_recall() {
        // Three images of class 0, one of class 2; class 1 does not occur.
        assert_eq!(weights(&[3.0, 0.0, 1.0]), [4.0 / 6.0, 0.0, 2.0]);
        let leaders: [Box<[u16]>; 3] = [[0, 2].into(), [2].into(), [0, 1, 2].into()];
        assert_eq!(counts(&leaders, 3), [0.5 + 1.0 / 3.0, 1.0 / 3.0, 1.5 + 1.0 / 3.0]);
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

//! Confusion matrices.

use std::collections::HashMap;

use thiserror::Error;

use crate::dataset::Split;
use crate::store::{ConfusionRow, PredictionRow};

/// A prediction names a class that the experiment does not have.
#[derive(Debug, Error, PartialEq)]
#[error(
    "run {run_id}, image `{image}`: class `{class}` is not one of the experiment's classes ({classes})"
)]
pub struct ConfusionError {
    pub run_id: String,
    pub image: String,
    pub class: String,
    pub classes: String,
}

/// Counts the predictions of every run and split; an image whose votes tie between k classes is 1/k of an image of each.
///
/// Runs and splits come in the order in which they first occur; within each, every pair of `classes`
/// has a row, actual before predicted, in class order.
pub fn confusion(
    predictions: &[PredictionRow],
    classes: &[String],
) -> Result<Vec<ConfusionRow>, ConfusionError> {
    let index: HashMap<&str, usize> =
        classes.iter().enumerate().map(|(index, class)| (class.as_str(), index)).collect();
    let find = |row: &PredictionRow, class: &str| {
        index.get(class).copied().ok_or_else(|| ConfusionError {
            run_id: row.run_id.clone(),
            image: row.image.clone(),
            class: class.to_owned(),
            classes: classes.join(", "),
        })
    };
    let mut groups: HashMap<(&str, Split), usize> = HashMap::new();
    let mut tables: Vec<((&str, Split), Vec<f64>)> = Vec::new();
    for row in predictions {
        let (actual, predicted) = (find(row, &row.actual)?, find(row, &row.predicted)?);
        let key = (row.run_id.as_str(), row.split);
        let table = *groups.entry(key).or_insert_with(|| {
            tables.push((key, vec![0.0; classes.len() * classes.len()]));
            tables.len() - 1
        });
        let leaders = row.leaders(actual);
        for class in &leaders {
            tables[table].1[class * classes.len() + predicted] += 1.0 / leaders.len() as f64;
        }
    }
    Ok(tables
        .iter()
        .flat_map(|((run_id, split), counts)| {
            counts.iter().enumerate().map(|(cell, count)| ConfusionRow {
                run_id: (*run_id).to_owned(),
                split: *split,
                actual: classes[cell / classes.len()].clone(),
                predicted: classes[cell % classes.len()].clone(),
                count: *count,
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Term;

    fn row(run_id: &str, split: &str, actual: &str, predicted: &str) -> PredictionRow {
        PredictionRow {
            run_id: run_id.into(),
            split: Split::of(split).unwrap(),
            image: "a.png".into(),
            actual: actual.into(),
            predicted: predicted.into(),
            credit: Some(f64::from(u8::from(actual == predicted))),
            probabilities: vec![0.5, 0.5],
            log_probabilities: Some(vec![0.5f32.ln(); 2]),
            label: if actual == "fear" { vec![0.0, 1.0] } else { vec![1.0, 0.0] },
        }
    }

    #[test]
    fn an_image_whose_votes_tie_is_shared_out() {
        let classes = ["neutral".to_owned(), "fear".to_owned()];
        let mut tied = row("a", "test", "neutral", "fear");
        tied.label = vec![0.5, 0.5];
        let of = |row: PredictionRow| -> Vec<f64> {
            confusion(&[row], &classes).unwrap().iter().map(|row| row.count).collect()
        };
        assert_eq!(of(tied.clone()), [0.0, 0.5, 0.0, 0.5]);
        // As earlier versions counted, in tables of theirs.
        assert_eq!(of(PredictionRow { log_probabilities: None, ..tied }), [0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn every_pair_has_a_row_and_counts_sum_to_the_images() {
        let classes = ["neutral".to_owned(), "fear".to_owned()];
        let predictions = [
            row("b", "val", "neutral", "fear"),
            row("a", "test", "fear", "fear"),
            row("b", "val", "neutral", "fear"),
            row("b", "val", "fear", "neutral"),
        ];
        let rows = confusion(&predictions, &classes).unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|r| {
                (
                    r.run_id.as_str(),
                    r.split.name(),
                    r.actual.as_str(),
                    r.predicted.as_str(),
                    r.count,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("b", "val", "neutral", "neutral", 0.0),
                ("b", "val", "neutral", "fear", 2.0),
                ("b", "val", "fear", "neutral", 1.0),
                ("b", "val", "fear", "fear", 0.0),
                ("a", "test", "neutral", "neutral", 0.0),
                ("a", "test", "neutral", "fear", 0.0),
                ("a", "test", "fear", "neutral", 0.0),
                ("a", "test", "fear", "fear", 1.0),
            ]
        );
    }

    #[test]
    fn a_foreign_class_is_named() {
        let error = confusion(&[row("a", "test", "joy", "fear")], &["fear".into()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "run a, image `a.png`: class `joy` is not one of the experiment's classes (fear)"
        );
    }
}

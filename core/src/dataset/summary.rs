//! Counts of a loaded data set.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Dataset, Seen, Split};

/// Images and classes in each split, and the excluded images by reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// In class order.
    pub classes: Vec<String>,
    pub splits: BTreeMap<Split, SplitSummary>,
    /// By reason; every split has an entry.
    pub left_out: BTreeMap<Split, BTreeMap<String, usize>>,
    /// Splits that are drawn from the training images.
    pub carved: Vec<Split>,
    /// How many of the images that were kept have no trusted landmarks.
    pub without_landmarks: BTreeMap<Split, usize>,
    #[serde(flatten)]
    pub seen: Seen,
    /// The hash of all pixels, labels, landmarks and names.
    pub content: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SplitSummary {
    pub images: usize,
    /// Each image counts for its class with most votes, or for one of those that tie. Every class has an entry.
    pub by_class: BTreeMap<String, usize>,
}

pub fn summary(dataset: &Dataset) -> Summary {
    let split_summary = |split| {
        let images = dataset.split(split);
        let mut by_class: BTreeMap<String, usize> =
            dataset.classes.iter().map(|class| (class.clone(), 0)).collect();
        for class in dataset.actual(split) {
            *by_class.entry(dataset.classes[class].clone()).or_default() += 1;
        }
        (split, SplitSummary { images: images.len(), by_class })
    };
    Summary {
        classes: dataset.classes.clone(),
        splits: Split::ALL.into_iter().map(split_summary).collect(),
        left_out: dataset.left_out.clone(),
        carved: dataset.carved.clone(),
        without_landmarks: dataset.without_landmarks.clone(),
        seen: dataset.seen.clone(),
        content: dataset.content.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Images, Pixels};

    #[test]
    fn images_count_for_their_first_class_with_most_votes() {
        let images = |labels: &[[f32; 2]]| Images {
            names: labels.iter().enumerate().map(|(image, _)| image.to_string()).collect(),
            pixels: Pixels::Owned(vec![0; labels.len()]),
            labels: labels.concat(),
            landmarks: vec![None; labels.len()],
        };
        let dataset = Dataset {
            left_out: BTreeMap::from([(
                Split::Val,
                BTreeMap::from([("no majority".to_owned(), 2)]),
            )]),
            carved: vec![Split::Test],
            without_landmarks: BTreeMap::from([(Split::Train, 3)]),
            content: "c".to_owned(),
            ..Dataset::new(
                vec!["rage".to_owned(), "joy".to_owned()],
                [1, 1, 1],
                [images(&[[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]), images(&[[1.0, 0.0]]), images(&[])],
            )
        };
        let json = serde_json::to_value(summary(&dataset)).unwrap();
        let twins = serde_json::json!({
            "pairs": 0, "pairs_of_other_class": 0, "val_in_train": 0, "test_in_train": 0, "test_in_val": 0, "first": [],
        });
        let wanted = serde_json::json!({
            "classes": ["rage", "joy"],
            "splits": {
                "train": {"images": 3, "by_class": {"rage": 2, "joy": 1}},
                "val": {"images": 1, "by_class": {"rage": 1, "joy": 0}},
                "test": {"images": 0, "by_class": {"rage": 0, "joy": 0}},
            },
            "left_out": {"val": {"no majority": 2}},
            "carved": ["test"],
            "without_landmarks": {"train": 3},
            "landmarks": null,
            "untrusted": {},
            "reshaped": 0,
            "peculiar": {},
            "frame_check": null,
            "twins": { "equal": twins, "near": twins },
            "remarks": {
                "columns_not_read": [], "groups": 0, "ungrouped": 0, "divided": [], "hardly_faces": 0,
            },
            "content": "c",
        });
        assert_eq!(json, wanted);
    }
}

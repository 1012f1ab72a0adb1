//! What there is to say of a data set's files beside its images.

use serde::{Deserialize, Serialize};

use super::Split;

/// What was seen while the labels were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remarks {
    /// The columns of the tables of labels that are not read, each once.
    pub columns_not_read: Vec<String>,
    /// How many groups the images are of; 0 where nothing says which belong together.
    pub groups: usize,
    /// The images that are in no group, where others are.
    pub ungrouped: usize,
    pub divided: Vec<Divided>,
    /// Images that stay although half of their annotators or more took them for no face.
    pub hardly_faces: usize,
}

/// Groups with images in two splits that the data set brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divided {
    pub splits: [Split; 2],
    pub groups: usize,
    /// Their images in the second split.
    pub images: usize,
    /// One of the groups.
    pub example: String,
}

//! Pictures, label distributions and landmarks.
//!
//! In: an experiment's `[dataset]` settings. Out: one [`Dataset`] type for every source, decoded once and cached. This
//! room does not depend on occlusions or networks.

mod annotations;
mod cache;
mod carve;
mod ckplus;
pub mod content;
mod decode;
mod doubts;
mod error;
pub mod faces;
mod ferplus;
mod folder;
mod found;
mod frame_check;
mod groups;
mod inputs;
pub(crate) mod labels;
mod landmark_tables;
#[cfg(test)]
mod layouts;
mod listing;
mod load;
mod majority;
mod mean_face;
mod named;
mod npy;
pub mod paths;
pub mod pattern;
mod peculiar;
mod pictures;
mod placement;
mod progress;
mod rafdb;
mod remarks;
mod sheet;
mod splits;
mod summary;
mod table;
mod twins;
mod unread;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::doubts::{Doubt, doubts, doubts_before_reading};
pub use self::error::{BadPicture, DatasetError};
pub use self::frame_check::FrameCheck;
pub use self::landmark_tables::{LandmarkTable, Row, TableFacts, Unit, Untrusted};
pub use self::load::{FoundImage, KnownData, find_landmarks, known, load, missing, not_read};
pub use self::majority::{leaders, one_of_leaders};
pub use self::mean_face::{MeanFace, mean_faces};
pub use self::peculiar::Peculiarity;
pub use self::progress::{Progress, Stage, Watch};
pub use self::remarks::{Divided, Remarks};
pub use self::summary::{SplitSummary, Summary, summary};
pub use self::twins::{TwinCounts, Twins};
use crate::region::{FaceMap, Landmarks};

/// A data set: its three splits, ready for training.
#[derive(Debug)]
pub struct Dataset {
    /// In class order.
    pub classes: Vec<String>,
    /// Pixels.
    pub height: usize,
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    pub train: Images,
    pub val: Images,
    pub test: Images,
    /// The number of images excluded from each split, by reason.
    pub left_out: BTreeMap<Split, BTreeMap<String, usize>>,
    /// The splits that the data set does not have itself: they are drawn at random from its training images.
    pub carved: Vec<Split>,
    /// The number of images kept without trusted landmarks in each split.
    pub without_landmarks: BTreeMap<Split, usize>,
    /// What was seen when the pictures were read.
    pub seen: Seen,
    /// Hash of all pixels, labels, landmarks and names: part of a training's identity.
    pub content: String,
}

/// What was seen of pictures and landmarks when a data set was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What the points of the table of landmarks are; `None` without a table, and where landmarks are found.
    pub landmarks: Option<TableFacts>,
    /// The names of the images whose landmarks are not trusted, kept or not, by split and reason. Empty without
    /// landmarks.
    pub untrusted: BTreeMap<Split, BTreeMap<String, Vec<String>>>,
    /// How many pictures have sides of another ratio than the network's input, so that they are stretched, cropped or
    /// padded.
    pub reshaped: usize,
    /// The names of the pictures, of those that stay, that may not be meant as they are read.
    #[serde(default)]
    pub peculiar: BTreeMap<Peculiarity, Vec<String>>,
    pub twins: Twins,
    /// Whether the regions lie on the faces; `None` where that was not looked at.
    #[serde(default)]
    pub frame_check: Option<FrameCheck>,
    /// What was seen while the labels were read.
    #[serde(default)]
    pub remarks: Remarks,
}

/// The images of one split.
#[derive(Debug)]
pub struct Images {
    /// The data set's own name for each image.
    pub names: Vec<String>,
    /// `[N, H, W, C]`, row-major.
    pub pixels: Pixels,
    /// Label distributions `[N, K]`, row-major; each row sums to 1.
    pub labels: Vec<f32>,
    /// One per image; `None` if it has no trusted points.
    pub landmarks: Vec<Option<Landmarks>>,
}

/// Grey or RGB values, in memory or mapped from the cache; a clone of the latter shares them.
#[derive(Debug, Clone)]
pub enum Pixels {
    Owned(Vec<u8>),
    Mapped { map: Arc<memmap2::Mmap>, offset: usize, len: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];

    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Dataset {
    /// `[train, val, test]` of pictures of a height, width and number of channels, of which nothing more is known: with
    /// landmarks as the images have them, nothing excluded, and no content hash.
    pub fn new(
        classes: Vec<String>,
        [height, width, channels]: [usize; 3],
        [train, val, test]: [Images; 3],
    ) -> Dataset {
        Dataset {
            classes,
            height,
            width,
            channels,
            train,
            val,
            test,
            left_out: BTreeMap::new(),
            carved: Vec::new(),
            without_landmarks: BTreeMap::new(),
            seen: Seen::default(),
            content: String::new(),
        }
    }

    pub fn split(&self, split: Split) -> &Images {
        match split {
            Split::Train => &self.train,
            Split::Val => &self.val,
            Split::Test => &self.test,
        }
    }

    /// The class with most votes of each image of a split, by index; of tied ones one, as [`one_of_leaders`] picks.
    pub fn actual(&self, split: Split) -> Vec<usize> {
        let images = self.split(split);
        let labels = images.labels.chunks_exact(self.classes.len().max(1));
        let named = labels.zip(&images.names);
        named.map(|(label, name)| one_of_leaders(label, name, &self.classes)).collect()
    }
}

impl Images {
    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// What carries regions into an image; the identity without landmarks.
    pub fn face_map(&self, image: usize) -> FaceMap {
        let landmarks = self.landmarks[image];
        landmarks.and_then(|points| points.face_map()).unwrap_or(FaceMap::IDENTITY)
    }
}

impl std::ops::Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Pixels::Owned(values) => values,
            Pixels::Mapped { map, offset, len } => &map[*offset..*offset + *len],
        }
    }
}

/// The index of the largest value; of equal ones, the first.
pub fn first_maximum(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

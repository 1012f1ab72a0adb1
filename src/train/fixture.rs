//! Data sets for tests.

use std::collections::BTreeMap;

use crate::dataset::{Dataset, Images};

/// Grey pictures of a height and width, of two classes: training, validation and test.
pub fn in_memory(
    classes: [&str; 2],
    (height, width): (usize, usize),
    [train, val, test]: [Images; 3],
) -> Dataset {
    Dataset {
        classes: classes.map(str::to_owned).into(),
        height,
        width,
        channels: 1,
        train,
        val,
        test,
        left_out: BTreeMap::new(),
        without_landmarks: BTreeMap::new(),
        content: String::new(),
    }
}

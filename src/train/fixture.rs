//! Data sets for tests.

use crate::dataset::{Dataset, Images};

/// Grey pictures of a height and width, of two classes: training, validation and test.
pub fn in_memory(
    classes: [&str; 2],
    (height, width): (usize, usize),
    splits: [Images; 3],
) -> Dataset {
    Dataset::new(classes.map(str::to_owned).into(), [height, width, 1], splits)
}

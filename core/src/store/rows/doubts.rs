//! What is doubtful about the data of a study.

use super::table;
use crate::dataset::Split;

table! {
    /// Reasons to look at the data before the results, such as splits that were drawn at random or pictures without
    /// landmarks: a row for each (and setting). No table, no doubts.
    DoubtRow in "doubts" {
        /// Its kind, as `no_landmarks`.
        doubt: String,
        /// The split that it concerns; `none` where it is all of them.
        split: Option<Split>,
        /// How many images it concerns; empty where it is all of them.
        images: Option<u64>,
        /// The doubt in a sentence.
        text: String,
        ..swept
    }
}

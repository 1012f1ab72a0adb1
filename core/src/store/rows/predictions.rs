//! The predictions of a run's network.

use super::table;
use crate::dataset::Split;

table! {
    /// A row for every run and image of `test`; of `val` too where the network is evaluated as it was validated: on
    /// whole faces or with the masks that it was trained on.
    PredictionRow in "predictions" {
        /// As in `runs`; in the file of an evaluation, the evaluation's own id.
        run_id: String,
        /// `val` or `test`.
        split: Split,
        /// The data set's own name for the image.
        image: String,
        /// The class with most votes.
        actual: String,
        /// The most probable class.
        predicted: String,
        /// Of each class, in the order of `classes`.
        probabilities: Vec<f32> ["probability"],
        /// The label distribution that the prediction is scored against, in the order of `classes`.
        label: Vec<f32> ["share"],
    }
    beside {
        /// The names of the classes, in class order.
        classes: Vec<String>,
    }
}

table! {
    /// A row for every run, split and pair of classes, in class order; for every run and split the counts sum to
    /// the number of images.
    ConfusionRow in "confusion" {
        /// As in `runs`.
        run_id: String,
        /// `val` or `test`.
        split: Split,
        /// The class with most votes.
        actual: String,
        /// The most probable class.
        predicted: String,
        /// The number of images.
        count: u64 ["images"],
    }
}

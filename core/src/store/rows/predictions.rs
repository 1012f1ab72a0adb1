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
        /// The class with most votes; of several that tie one, picked by a hash of the image's and the class's name, so
        /// that no place in the class order is favoured. `credit` says what the tie means for accuracy.
        actual: String,
        /// The most probable class; of equal ones one, as in `actual`.
        predicted: String,
        /// What the prediction counts for in accuracy: 1 where `predicted` is the class with most votes, 1/k where it is
        /// one of k that tie, 0 elsewhere. The mean over a run's images is its accuracy. Empty in tables of before
        /// numeric version 3, where the first class in order had each tie.
        credit: Option<f64> ["share"],
        /// Of each class, in the order of `classes`.
        probabilities: Vec<f32> ["probability"],
        /// Their natural logarithms, of which bits and losses are computed: a probability below 1e-45 is stored as 0.
        /// Missing in tables of before numeric version 3.
        log_probabilities: Option<Vec<f32>> ["nats"],
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
    /// the number of images. An image whose votes tie between k classes is 1/k of an image of each, so that counts
    /// need not be whole.
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
        count: f64 ["images"],
    }
}

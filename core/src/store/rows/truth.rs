//! The ideal observer's accuracy on drawn faces.

use super::table;

table! {
    /// The accuracy of an ideal observer who reads every visible sign of the drawn faces without error: a row for
    /// each set of visible regions (and setting), and for each further condition that shows the same set.
    TruthRow in "truth" {
        /// As in `runs`: the condition in which these regions are visible; `keep …`, without phase and fill, where
        /// the experiment has none.
        condition: String,
        /// The visible regions, in the order of the atlas; empty if none is.
        regions: Vec<String>,
        /// Share of the faces where the most probable class is the one with most votes.
        accuracy: f64 ["share"],
        /// Standard error of `accuracy`, from the simulation.
        accuracy_error: f64 ["share"],
        /// Usable information: the entropy of the mean label less the mean cross-entropy of the observer's predictions.
        bits: f64 ["bits"],
        /// Of each class, in the order of `classes`: the share of its faces that are predicted correctly.
        recall: Vec<f64> ["share"],
        /// The names of the classes, in class order.
        classes: Vec<String>,
        ..swept
    }
}

//! Sensitivity maps of networks trained on whole faces.

use super::table;
use crate::store::{CurveKind, CurveOrder, MapMethod};

table! {
    /// Sensitivity maps of networks trained on whole faces: a row for each training × method × emotion × cell of the
    /// canonical face frame.
    SensitivityRow in "sensitivity" {
        /// As in `runs`.
        training_id: String,
        /// The training's.
        seed: u64,
        /// The method of the map: `window`, `rise`.
        method: MapMethod,
        /// The class of the images, whose probability is measured.
        emotion: String,
        /// How many test images of it.
        images: u64,
        /// Of the cell, from 0 at the top; as many rows as columns.
        row: u32,
        /// Of the cell, from 0 at the left.
        column: u32,
        /// `window`: the loss of the class's probability when a window masks the cell (Zeiler & Fergus 2014). `rise`: its
        /// mean while the cell is visible (Petsiuk et al. 2018).
        value: f64 ["probability"],
        /// The mean grey of the images there, 0 to 1.
        face: f64 ["share"],
    }
}

table! {
    /// Deletion and insertion curves of the maps (Petsiuk et al. 2018): a row for each training × method × emotion ×
    /// curve × order × step.
    SensitivityCurveRow in "sensitivity_curves" {
        /// As in `runs`.
        training_id: String,
        /// The training's.
        seed: u64,
        /// The method of the map: `window`, `rise`.
        method: MapMethod,
        /// The class of the images.
        emotion: String,
        /// How many test images of it.
        images: u64,
        /// Whether pixels are deleted or inserted: `deletion`, `insertion`.
        curve: CurveKind,
        /// The order of the places: `map`, most important first; `random`, the mean over a few random orders.
        order: CurveOrder,
        /// From 0.
        step: u32,
        /// The share of the canonical frame that is deleted or inserted.
        share: f64 ["share"],
        /// Mean probability of the class.
        probability: f64 ["probability"],
    }
}

//! Where networks trained on whole faces look.

use super::table;
use crate::store::{CurveKind, CurveOrder, MapMethod};

table! {
    /// Where on the face networks trained on whole faces look: a row for each training × method × emotion × cell of
    /// the canonical face frame.
    SensitivityRow in "sensitivity" {
        /// As in `runs`.
        training_id: String,
        /// The training's.
        seed: u64,
        /// How the map was made: `window`, `rise`.
        method: MapMethod,
        /// The class whose images were looked at and whose probability counts.
        emotion: String,
        /// How many test images of it.
        images: u64,
        /// Of the cell, from 0 at the top; as many rows as columns.
        row: u32,
        /// Of the cell, from 0 at the left.
        column: u32,
        /// `window`: what the class's probability loses when a window covers the cell. `rise`: its mean while the
        /// cell is seen.
        value: f64 ["probability"],
        /// The mean grey of the images there, 0 to 1.
        face: f64 ["share"],
    }
}

table! {
    /// What becomes of the answers when the face is taken away, or put back, in the order of a map: a row for each
    /// training × method × emotion × curve × order × step.
    SensitivityCurveRow in "sensitivity_curves" {
        /// As in `runs`.
        training_id: String,
        /// The training's.
        seed: u64,
        /// How the map was made: `window`, `rise`.
        method: MapMethod,
        /// The class whose images were looked at.
        emotion: String,
        /// How many test images of it.
        images: u64,
        /// Whether the face is taken away or put back: `deletion`, `insertion`.
        curve: CurveKind,
        /// By what its places are ordered: `map`, what matters most first; `random`, the mean over a few orders.
        order: CurveOrder,
        /// From 0.
        step: u32,
        /// How much of the canonical frame is taken away or put back.
        share: f64 ["share"],
        /// Mean probability of the class.
        probability: f64 ["probability"],
    }
}

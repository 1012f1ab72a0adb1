//! The numbers of a training's progress, as reported by its loop, kept in checkpoints and carried by the engine's events.

use serde::{Deserialize, Serialize};

/// Progress of a training within an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// From 1.
    pub epoch: u32,
    /// Steps done in this epoch, of `steps`.
    pub step: u64,
    pub steps: u64,
    /// Means over the epoch so far.
    pub loss: f64,
    pub accuracy: f64,
    pub images_per_second: f64,
}

/// The record of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: u32,
    /// At the last step.
    pub learning_rate: f64,
    /// Means over the epoch's training images, as augmented and masked.
    pub train_loss: f64,
    pub train_accuracy: f64,
    pub val_loss: f64,
    pub val_accuracy: f64,
    /// Training and validation.
    pub seconds: f64,
    /// Training alone.
    pub train_seconds: f64,
}

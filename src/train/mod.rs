//! One network fitted with one seed.
//!
//! In: settings, a seed, the data on the device and their masks. Out: the kept network and a row per epoch. [`inputs`] is
//! the one place that makes a network's inputs, here and everywhere else. This room does not depend on conditions, other
//! trainings or the results folder; it reports to a [`Watch`].

mod blur;
pub mod checkpoint;
mod circumstances;
pub mod device;
mod epoch;
pub mod ffi;
mod inpaint;
pub mod inputs;
pub mod loss;
mod masks;
mod objects;
pub mod optimizer;
pub mod schedule;
mod split_logits;
mod standardisation;
mod steps;
mod trainer;
pub mod warp;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use circumstances::{Circumstances, Resumption};
pub use inputs::{FilledMask, OnDevice, filled};
pub use masks::{Masks, RandomMasks, TrainMasks};
pub use objects::Objects;
pub use split_logits::{split_logits, split_logits_under};
pub use standardisation::Standardisation;
pub use trainer::{Outcome, SplitMasks, TrainError, Trained, Training, Watch};

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

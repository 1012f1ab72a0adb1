//! One network fitted with one seed.
//!
//! In: settings, a seed, the data on the device and the masks that cover them. Out: the kept network and
//! a row an epoch. This room knows nothing of conditions, other trainings or the results folder; it tells
//! what happens to a [`Watch`].

pub mod augment;
mod blur;
pub mod checkpoint;
pub mod data;
pub mod device;
mod inpaint;
pub mod loss;
pub mod optimizer;
pub mod schedule;
mod trainer;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use data::{Cover, OnDevice, RandomCover, Standardisation, TrainCover};
pub(crate) use trainer::answers;
pub use trainer::{Covers, EpochRecord, Outcome, Step, TrainError, Trained, Training, Watch};

#[cfg(test)]
mod tests;

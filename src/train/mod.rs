//! One network fitted with one seed.
//!
//! In: settings, a seed, the data on the device and their masks. Out: the kept network and a row per epoch. [`inputs`] is
//! the one place that makes a network's inputs, here and everywhere else. This room does not depend on conditions, other
//! trainings or the results folder; it reports to a [`Watch`].

mod averaging;
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
mod mixing;
mod objects;
pub mod optimizer;
pub mod scaled;
mod schedule;
mod split_logits;
mod standardisation;
mod steps;
mod trainer;
pub mod warp;

use crate::experiment::{DatasetSpec, Settings, Standardise};
use crate::model::{Network, Rescale};
use crate::network::IMAGENET;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use circumstances::{Circumstances, Resumption};
pub use inputs::{FilledMask, OnDevice, filled};
pub use masks::{Masks, RandomMasks, TrainMasks};
pub use objects::Objects;
pub use split_logits::{split_logits, split_logits_under};
pub use standardisation::Standardisation;
pub use trainer::{Outcome, SplitMasks, TrainError, Trained, Training, Watch};

/// The network of some settings before its first step, for data as they are on the device.
pub fn network(settings: &Settings, data: &OnDevice, seed: u64) -> Network {
    let DatasetSpec { channels, classes, standardise, .. } = &settings.dataset;
    let (precision, device) = (settings.train.precision, data.device());
    let network = Network::new(&settings.model, *channels, classes.len(), precision, device, seed);
    network.rescaled(match standardise {
        Standardise::Train => None,
        Standardise::Imagenet => {
            let Standardisation { mean, deviation } = data.standardisation();
            let to: (&[f64], &[f64]) = (&IMAGENET.0, &IMAGENET.1);
            Some(Rescale::new((mean, deviation), to, device))
        }
    })
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

//! The steps of one epoch.

use tch::{Device, Kind, Tensor};

use super::checkpoint::Progress;
use super::epoch::{Batch, Epoch};
use super::loss::Loss;
use super::mixing::Mixing;
use super::optimizer::Optimizer;
use super::{SplitMasks, Training};
use crate::model::Network;
use crate::random;

/// A running epoch. Its results stay on the device until they are read: on a GPU, reading waits for all steps
/// before it.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    training: &'a Training<'a>,
    network: &'a Network,
    loss: &'a Loss,
    epoch: Epoch,
    /// Of each step, `[S]`, f32.
    losses: Tensor,
    /// Of each image in the epoch's order, `[N, K]`, f32.
    logits: Tensor,
    /// Steps whose numbers were read.
    seen: usize,
    /// Steps done.
    done: usize,
    /// Before this epoch's first step.
    position: u64,
}

/// A loss that is not finite, at this step of the epoch, from 0.
#[derive(Debug)]
pub(super) struct NotFinite(pub usize);

impl<'a> Steps<'a> {
    /// The steps of an epoch, from 1, of which so many are done.
    pub fn new(
        training: &'a Training<'a>,
        network: &'a Network,
        loss: &'a Loss,
        epoch: u32,
        done: usize,
    ) -> Self {
        let position = u64::from(epoch - 1) * training.batches().count() as u64;
        let epoch = Epoch::draw(training, epoch);
        let device = training.train.device();
        let images = training.train.len() as i64;
        let classes = training.settings.dataset.classes.len() as i64;
        let steps = epoch.batches().count() as i64;
        Steps {
            training,
            network,
            loss,
            epoch,
            losses: Tensor::zeros([steps], (Kind::Float, device)),
            logits: Tensor::zeros([images, classes], (Kind::Float, device)),
            seen: done,
            done,
            position,
        }
    }

    /// Whether all are done.
    pub fn are_done(&self) -> bool {
        self.done == self.epoch.batches().count()
    }

    /// How many are done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// How many images the steps that are done have had.
    pub fn images(&self) -> usize {
        self.epoch.batches().range(self.done - 1).end
    }

    /// The next step, at a learning rate.
    pub fn next(&mut self, optimizer: &mut Optimizer, rate: f64) {
        let batch = self.epoch.batch(self.done);
        let position = self.position + self.done as u64;
        let dropout = random::torch_seed(self.training.seed, "dropout", &[position]);
        let logits = self.network.learn(&self.inputs(&batch), dropout);
        let mixture = batch.mixing.as_ref().map(Mixing::of_targets);
        let chances = batch.chances.as_ref();
        let loss = self.loss.training(&logits, &batch.goal(), chances, mixture);
        optimizer.step(&self.network.gradient(&loss), rate);
        let places = self.epoch.batches().range(self.done);
        let (start, length) = (places.start as i64, places.len() as i64);
        tch::no_grad(|| {
            self.losses.narrow(0, self.done as i64, 1).copy_(&loss.detach().unsqueeze(0));
            self.logits.narrow(0, start, length).copy_(&logits.detach());
        });
        self.done += 1;
    }

    /// The network's inputs at a step.
    fn inputs(&self, batch: &Batch) -> Tensor {
        let Training { train, seed, masks, .. } = *self.training;
        let Batch { index, warp, flips, sets, erasing, mixing, .. } = batch;
        let pictures = train.pictures(index);
        let pictures = match erasing {
            Some(erasing) => erasing.pictures(&pictures),
            None => pictures,
        };
        let mask = masks.map(|SplitMasks { train, .. }| train);
        let masked_at = |index| mask.map(|mask| mask.of(index, flips.as_ref(), sets.as_ref()));
        let masked = masked_at(index);
        let pictures = match mixing {
            Some(mixing) => {
                let partners = masked_at(&index.index_select(0, mixing.partner()));
                let filled = partners.as_ref().map(|partners| partners.filled(0));
                mixing.pictures(&pictures, filled.map(|filled| filled.hidden))
            }
            None => pictures,
        };
        let position = self.position + self.done as u64;
        let noise = random::torch_seed(seed, "noise", &[position]);
        let filled_mask = masked.as_ref().map(|masked| masked.filled(noise));
        train.met(pictures, warp.as_ref(), filled_mask)
    }

    /// Reads the results of the steps since the last read.
    pub fn look(&mut self, progress: &mut Progress) -> Result<(), NotFinite> {
        let steps = self.done - self.seen;
        if steps == 0 {
            return Ok(());
        }
        let losses = self.losses.narrow(0, self.seen as i64, steps as i64).to_device(Device::Cpu);
        let mut values = vec![0f32; steps];
        losses.copy_data(&mut values, steps);
        if let Some(bad) = values.iter().position(|loss| !loss.is_finite()) {
            return Err(NotFinite(self.seen + bad));
        }
        progress.losses.extend(values);
        let batches = self.epoch.batches();
        let places = batches.range(self.seen).start..batches.range(self.done - 1).end;
        progress.correct += self.epoch.right(&self.logits, places);
        self.seen = self.done;
        Ok(())
    }
}

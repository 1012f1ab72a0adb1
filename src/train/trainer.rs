//! The training loop.

use std::time::{Duration, Instant};

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::augment::Warp;
use super::checkpoint::{Checkpoint, CheckpointError, Progress};
use super::data::{Cover, OnDevice, TrainCover};
use super::loss::{self, Goal};
use super::optimizer::Optimizer;
use super::schedule::Rate;
use crate::experiment::{Select, Settings};
use crate::model::Network;
use crate::random;
use crate::region::Fill;

/// Images of one evaluation batch: large enough to be fast, small enough for little memory.
pub const EVALUATION_BATCH: usize = 128;
/// Between two looks at the losses, which on a GPU means waiting for it.
const LOOK: Duration = Duration::from_millis(250);

/// All that a training depends on.
#[derive(Debug)]
pub struct Training<'a> {
    /// Its checkpoints carry it.
    pub id: &'a str,
    pub settings: &'a Settings,
    pub seed: u64,
    pub train: &'a OnDevice,
    pub val: &'a OnDevice,
    /// What covers the pictures of both splits, for a training under an occlusion.
    pub covers: Option<&'a Covers>,
}

#[derive(Debug)]
pub struct Covers {
    pub train: TrainCover,
    pub val: Cover,
}

/// Who is told how a training goes, and may end it.
pub trait Watch {
    /// A few times a second.
    fn step(&mut self, step: &Step);
    /// After each epoch. `checkpoint` makes one; ask for it only to store it.
    fn epoch(&mut self, record: &EpochRecord, checkpoint: &dyn Fn() -> Checkpoint);
    /// Asked before each step. On `true` the training makes a last checkpoint and ends.
    fn interrupted(&self) -> bool;
}

/// Where a training stands within an epoch.
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

/// How one epoch went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: u32,
    /// At the last step.
    pub learning_rate: f64,
    /// Means over the epoch's training images, as augmented and covered.
    pub train_loss: f64,
    pub train_accuracy: f64,
    pub val_loss: f64,
    pub val_accuracy: f64,
    /// Training and validation.
    pub seconds: f64,
}

#[derive(Debug)]
pub enum Outcome {
    Finished(Trained),
    Interrupted(Checkpoint),
}

/// A finished training.
#[derive(Debug)]
pub struct Trained {
    /// The kept epoch's.
    pub network: Network,
    pub best_epoch: u32,
    pub epochs: Vec<EpochRecord>,
    pub stopped_early: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(
        "the loss is not finite at epoch {epoch}, step {step} (learning rate {learning_rate}): \
         try a smaller learning rate, a warm-up, or `precision = \"f32\"`"
    )]
    NotFinite { epoch: u32, step: u64, learning_rate: f64 },
    #[error(
        "the validation loss is not finite after epoch {epoch} (learning rate {learning_rate}): \
         try a smaller learning rate, a warm-up, or `precision = \"f32\"`"
    )]
    ValidationNotFinite { epoch: u32, learning_rate: f64 },
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// The weights of the epoch that is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub epoch: u32,
    pub weights: Vec<(String, Tensor)>,
}

impl Training<'_> {
    /// Trains from the start, or on from a checkpoint: the numbers are the same either way.
    pub fn run(
        &self,
        start: Option<&Checkpoint>,
        watch: &mut dyn Watch,
    ) -> Result<Outcome, TrainError> {
        let Settings { train: settings, schedule, .. } = self.settings;
        let network = self.network();
        let mut optimizer = Optimizer::new(settings.optimizer, &network);
        let steps = self.train.len().div_ceil(settings.batch_size) as u64;
        let full = settings.optimizer.learning_rate();
        let mut rate = Rate::new(*schedule, full, settings.epochs, steps);
        let mut progress = Progress::default();
        let mut kept: Option<Kept> = None;
        if let Some(checkpoint) = start {
            (progress, kept) = checkpoint.put_back(&network, &mut optimizer, &mut rate)?;
        }

        let mut stopped_early = self.should_stop(&progress.epochs);
        while (progress.epochs.len() as u32) < settings.epochs && !stopped_early {
            let epoch = progress.epochs.len() as u32 + 1;
            let mut clock = Clock::start(progress.seconds);
            let order = self.order(epoch);
            let mut pending: Vec<Tensor> = Vec::new();
            let mut correct: Vec<Tensor> = Vec::new();
            let batches = order.chunks(settings.batch_size).enumerate();
            for (step, batch) in batches.skip(progress.losses.len()) {
                if watch.interrupted() {
                    self.look(&mut progress, &mut pending, &mut correct, &rate, epoch)?;
                    progress.seconds = clock.seconds();
                    let last = Checkpoint::take(
                        self.id,
                        &progress,
                        &network,
                        &optimizer,
                        &rate,
                        kept.as_ref(),
                    );
                    return Ok(Outcome::Interrupted(last));
                }
                let position = u64::from(epoch - 1) * steps + step as u64;
                optimizer.zero_gradients();
                let (loss, right) = self.forward(&network, batch, position);
                loss.backward();
                optimizer.step(rate.at(position));
                pending.push(loss.detach());
                correct.push(right);
                if clock.time_to_look() {
                    self.look(&mut progress, &mut pending, &mut correct, &rate, epoch)?;
                    let images = ((step + 1) * settings.batch_size).min(order.len()) as f64;
                    watch.step(&Step {
                        epoch,
                        step: step as u64 + 1,
                        steps,
                        loss: mean(&progress.losses),
                        accuracy: progress.correct / images,
                        images_per_second: images / clock.seconds(),
                    });
                }
            }
            self.look(&mut progress, &mut pending, &mut correct, &rate, epoch)?;

            let (val_loss, val_accuracy) = self.validate(&network);
            let record = EpochRecord {
                epoch,
                learning_rate: rate.at(u64::from(epoch) * steps - 1),
                train_loss: self.mean_by_images(&progress.losses),
                train_accuracy: progress.correct / order.len() as f64,
                val_loss,
                val_accuracy,
                seconds: clock.seconds(),
            };
            if !val_loss.is_finite() {
                let learning_rate = record.learning_rate;
                return Err(TrainError::ValidationNotFinite { epoch, learning_rate });
            }
            rate.end_epoch(val_loss);
            if self.is_kept(&progress.epochs, &record) {
                kept = Some(Kept { epoch, weights: network.snapshot() });
            }
            progress.epochs.push(record);
            progress = Progress { epochs: progress.epochs, ..Progress::default() };
            stopped_early = self.should_stop(&progress.epochs);
            watch.epoch(&record, &|| {
                Checkpoint::take(self.id, &progress, &network, &optimizer, &rate, kept.as_ref())
            });
        }

        let mut best_epoch = progress.epochs.len() as u32;
        if let Some(kept) = kept {
            best_epoch = kept.epoch;
            network.restore(&kept.weights).map_err(CheckpointError::OtherNetwork)?;
        }
        Ok(Outcome::Finished(Trained {
            network,
            best_epoch,
            epochs: progress.epochs,
            stopped_early,
        }))
    }

    fn network(&self) -> Network {
        let dataset = &self.settings.dataset;
        let precision = self.settings.train.precision;
        let device = self.train.device();
        let classes = dataset.classes.len();
        Network::new(&self.settings.model, dataset.channels, classes, precision, device, self.seed)
    }

    /// Every training image once, in an order of the epoch's own.
    fn order(&self, epoch: u32) -> Vec<i64> {
        let mut order: Vec<i64> = (0..self.train.len() as i64).collect();
        order.shuffle(&mut random::generator(self.seed, "order", &[u64::from(epoch)]));
        order
    }

    /// Loss of one training batch, and how many of its answers are right, both as tensors on the device.
    fn forward(&self, network: &Network, batch: &[i64], position: u64) -> (Tensor, Tensor) {
        let settings = &self.settings.train;
        let index = Tensor::from_slice(batch).to_device(self.train.device());
        let mut pictures = self.train.pictures(&index);
        let mut generator = random::generator(self.seed, "augment", &[position]);
        let warp = Warp::draw(&settings.augment, &pictures, &mut generator);
        if let Some(warp) = &warp {
            pictures = warp.pictures(&pictures);
        }
        if let Some(Covers { train: cover, .. }) = self.covers {
            let masks = cover.masks(&index, self.seed, position);
            let masks = warp.map_or_else(|| masks.shallow_clone(), |warp| warp.masks(&masks));
            if cover.fill() == Fill::Noise {
                tch::manual_seed(random::torch_seed(self.seed, "noise", &[position]));
            }
            pictures = self.train.covered(pictures, &masks, cover.fill());
        }
        let logits = network.forward(&pictures, true);
        let labels = self.train.labels.index_select(0, &index);
        let actual = self.train.actual.index_select(0, &index);
        let goal = Goal { labels: &labels, actual: &actual };
        let mut generator = random::generator(self.seed, "target", &[position]);
        let loss = loss::training(settings.target, &logits, &goal, &mut generator);
        (loss, right(&logits, &actual))
    }

    /// Mean loss and accuracy over the validation split.
    fn validate(&self, network: &Network) -> (f64, f64) {
        let target = self.settings.train.target;
        let cover = self.covers.map(|covers| &covers.val);
        let (mut loss, mut correct) = (0.0, 0.0);
        answers(network, self.val, cover, self.seed, |index, logits| {
            let labels = self.val.labels.index_select(0, index);
            let actual = self.val.actual.index_select(0, index);
            let goal = Goal { labels: &labels, actual: &actual };
            let batch = index.size()[0] as f64;
            loss += loss::evaluation(target, logits, &goal).double_value(&[]) * batch;
            correct += right(logits, &actual).double_value(&[]);
        });
        let images = self.val.len() as f64;
        (loss / images, correct / images)
    }

    /// Takes over the losses of the steps since the last look, and ends the training at one that is not
    /// finite.
    fn look(
        &self,
        progress: &mut Progress,
        pending: &mut Vec<Tensor>,
        correct: &mut Vec<Tensor>,
        rate: &Rate,
        epoch: u32,
    ) -> Result<(), TrainError> {
        if pending.is_empty() {
            return Ok(());
        }
        let losses = Tensor::stack(pending, 0).to_device(Device::Cpu).to_kind(Kind::Float);
        let mut values = vec![0f32; pending.len()];
        losses.copy_data(&mut values, pending.len());
        if let Some(bad) = values.iter().position(|loss| !loss.is_finite()) {
            let step = (progress.losses.len() + bad) as u64;
            let steps = self.train.len().div_ceil(self.settings.train.batch_size) as u64;
            let learning_rate = rate.at(u64::from(epoch - 1) * steps + step);
            return Err(TrainError::NotFinite { epoch, step: step + 1, learning_rate });
        }
        progress.losses.extend(values);
        progress.correct += Tensor::stack(correct, 0).sum(Kind::Double).double_value(&[]);
        pending.clear();
        correct.clear();
        Ok(())
    }

    /// The mean over images of losses that are means over batches: the last batch may be smaller.
    fn mean_by_images(&self, losses: &[f32]) -> f64 {
        let (images, batch) = (self.train.len(), self.settings.train.batch_size);
        let weighted = losses.iter().enumerate().map(|(step, loss)| {
            let size = batch.min(images - step * batch);
            f64::from(*loss) * size as f64
        });
        weighted.sum::<f64>() / images as f64
    }

    fn is_kept(&self, earlier: &[EpochRecord], record: &EpochRecord) -> bool {
        match self.settings.train.select {
            Select::Last => false,
            Select::Best => earlier.iter().all(|epoch| record.val_loss < epoch.val_loss),
        }
    }

    fn should_stop(&self, epochs: &[EpochRecord]) -> bool {
        let Some(patience) = self.settings.train.early_stopping else { return false };
        let best = (0..epochs.len()).reduce(|best, next| {
            if epochs[next].val_loss < epochs[best].val_loss { next } else { best }
        });
        best.is_some_and(|best| epochs.len() - 1 - best >= patience as usize)
    }
}

/// Runs a network over a split in evaluation mode, batch by batch, covered where there is a cover.
/// `each` gets the batch's image numbers `[B]` and logits `[B, K]`.
pub(crate) fn answers(
    network: &Network,
    data: &OnDevice,
    cover: Option<&Cover>,
    seed: u64,
    mut each: impl FnMut(&Tensor, &Tensor),
) {
    let _guard = tch::no_grad_guard();
    let images: Vec<i64> = (0..data.len() as i64).collect();
    for (number, batch) in images.chunks(EVALUATION_BATCH).enumerate() {
        let index = Tensor::from_slice(batch).to_device(data.device());
        if cover.is_some_and(|cover| cover.fill() == Fill::Noise) {
            tch::manual_seed(random::torch_seed(seed, "evaluation noise", &[number as u64]));
        }
        let logits = network.forward(&data.evaluation_batch(&index, cover), false);
        each(&index, &logits);
    }
}

/// How many answers name the class with most votes.
fn right(logits: &Tensor, actual: &Tensor) -> Tensor {
    logits.argmax(-1, false).eq_tensor(actual).sum(Kind::Float)
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len().max(1) as f64
}

/// An epoch's time, over interruptions.
struct Clock {
    start: Instant,
    before: f64,
    looked: Instant,
}

impl Clock {
    fn start(before: f64) -> Clock {
        let now = Instant::now();
        Clock { start: now, before, looked: now }
    }

    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }

    fn time_to_look(&mut self) -> bool {
        let due = self.looked.elapsed() >= LOOK;
        if due {
            self.looked = Instant::now();
        }
        due
    }
}

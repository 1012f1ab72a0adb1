//! The training loop.

use std::time::{Duration, Instant};

use tch::Tensor;

use super::averaging::Average;
use super::checkpoint::{Checkpoint, CheckpointError, Progress};
use super::circumstances::Circumstances;
use super::epoch::{Batches, right};
use super::inputs::OnDevice;
use super::loss::{EmptyClass, Goal, Loss};
use super::masks::{Masks, TrainMasks};
use super::optimizer::Optimizer;
use super::schedule::Rate;
use super::split_logits::split_logits;
use super::steps::{NotFinite, Steps};
use crate::epoch::{EpochRecord, Step};
use crate::experiment::{Select, Settings};
use crate::model::Network;

/// The interval between reads of the losses, which on a GPU wait for its steps.
const LOOK: Duration = Duration::from_millis(250);

/// Everything that a training depends on.
#[derive(Debug)]
pub struct Training<'a> {
    /// Its checkpoints contain it, and its environment.
    pub id: &'a str,
    pub circumstances: &'a Circumstances,
    pub settings: &'a Settings,
    pub seed: u64,
    /// The network that it starts from; random weights where there is none.
    pub start: Option<&'a Network>,
    pub train: &'a OnDevice,
    pub val: &'a OnDevice,
    /// The masks of both splits, for a training under an occlusion.
    pub masks: Option<&'a SplitMasks>,
}

#[derive(Debug)]
pub struct SplitMasks {
    pub train: TrainMasks,
    pub val: Masks,
}

/// Receives the progress of a training, and may interrupt it.
pub trait Watch {
    /// A few times a second.
    fn step(&mut self, step: &Step);
    /// After each epoch. `checkpoint` makes one; ask for it only to store it.
    fn epoch(&mut self, record: &EpochRecord, checkpoint: &dyn Fn() -> Checkpoint);
    /// Polled before each step, and before each batch of the validation. On `true` the training makes a last checkpoint and
    /// ends.
    fn interrupted(&self) -> bool;
}

#[derive(Debug)]
pub enum Outcome {
    Finished(Box<Trained>),
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
    #[error(
        "batch normalisation needs more than one number of each feature, and a batch of {images} has {images} \
         where only 1 × 1 pixels are left: more pictures a batch, larger pictures or fewer blocks"
    )]
    NoVariance { images: usize },
    #[error(
        "`train.class_weights = \"balanced\"` needs training images of every class, and none has a share of \
         `{class}`: leave it out of `dataset.classes`, or give a list of weights"
    )]
    EmptyClass { class: String },
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
    /// Trains from the start, or resumes from a checkpoint: the numbers are bit-identical either way.
    pub fn run(
        &self,
        start: Option<&Checkpoint>,
        watch: &mut dyn Watch,
    ) -> Result<Outcome, TrainError> {
        let Settings { train: settings, schedule, .. } = self.settings;
        self.check_variance()?;
        let network = self.network();
        if let Some(other) = self.start {
            network.restore(&other.snapshot()).map_err(CheckpointError::OtherNetwork)?;
        }
        let loss = self.loss()?;
        let mut average = self.average(&network)?;
        let mut optimizer = Optimizer::new(settings.optimizer, network.moving());
        let steps = self.batches().count() as u64;
        let full = settings.optimizer.learning_rate();
        let mut rate = Rate::new(*schedule, full, settings.epochs, steps);
        let mut progress = Progress::default();
        let mut kept: Option<Kept> = None;
        if let Some(checkpoint) = start {
            let averaged = average.as_ref().map(|average| &average.network);
            (progress, kept) =
                checkpoint.put_back((&network, averaged), &mut optimizer, &mut rate)?;
        }

        let mut stopped_early = self.should_stop(&progress.epochs);
        while (progress.epochs.len() as u32) < settings.epochs && !stopped_early {
            let epoch = progress.epochs.len() as u32 + 1;
            let mut clock = Clock::start(progress.seconds);
            let before = u64::from(epoch - 1) * steps;
            let not_finite = |NotFinite(step): NotFinite, rate: &Rate| {
                let learning_rate = rate.at(before + step as u64);
                TrainError::NotFinite { epoch, step: step as u64 + 1, learning_rate }
            };
            let mut under_way = Steps::new(self, &network, &loss, epoch, progress.losses.len());
            while !under_way.are_done() {
                if watch.interrupted() {
                    let looked = under_way.look(&mut progress);
                    looked.map_err(|error| not_finite(error, &rate))?;
                    progress.seconds = clock.seconds();
                    let networks = (&network, average.as_ref().map(|average| &average.network));
                    let last = self.checkpoint(&progress, networks, &optimizer, &rate, &kept);
                    return Ok(Outcome::Interrupted(last));
                }
                let position = before + under_way.done() as u64;
                under_way.next(&mut optimizer, rate.at(position));
                if let Some(average) = &mut average {
                    average.step(position + 1);
                }
                if clock.time_to_look() {
                    let looked = under_way.look(&mut progress);
                    looked.map_err(|error| not_finite(error, &rate))?;
                    let images = under_way.images() as f64;
                    watch.step(&Step {
                        epoch,
                        step: under_way.done() as u64,
                        steps,
                        loss: mean(&progress.losses),
                        accuracy: progress.correct / images,
                        images_per_second: images / clock.seconds(),
                    });
                }
            }
            under_way.look(&mut progress).map_err(|error| not_finite(error, &rate))?;
            let train_seconds = clock.seconds();

            let averaged = average.as_ref().map(|average| &average.network);
            let result = averaged.unwrap_or(&network);
            let validated = self.validate(result, &loss, &|| !watch.interrupted());
            let Some((val_loss, val_accuracy)) = validated else {
                // All steps of the epoch are done, and it is validated when it is resumed.
                progress.seconds = clock.seconds();
                let networks = (&network, averaged);
                let last = self.checkpoint(&progress, networks, &optimizer, &rate, &kept);
                return Ok(Outcome::Interrupted(last));
            };
            let record = EpochRecord {
                epoch,
                learning_rate: rate.at(before + steps - 1),
                train_loss: self.mean_by_images(&progress.losses),
                train_accuracy: progress.correct / self.train.len() as f64,
                val_loss,
                val_accuracy,
                seconds: clock.seconds(),
                train_seconds,
            };
            if !val_loss.is_finite() {
                let learning_rate = record.learning_rate;
                return Err(TrainError::ValidationNotFinite { epoch, learning_rate });
            }
            rate.end_epoch(val_loss);
            if self.is_kept(&progress.epochs, &record) {
                kept = Some(Kept { epoch, weights: result.snapshot() });
            }
            progress.epochs.push(record);
            progress = Progress { epochs: progress.epochs, ..Progress::default() };
            stopped_early = self.should_stop(&progress.epochs);
            watch.epoch(&record, &|| {
                self.checkpoint(&progress, (&network, averaged), &optimizer, &rate, &kept)
            });
        }

        let network = average.map_or(network, |average| average.network);
        let mut best_epoch = progress.epochs.len() as u32;
        if let Some(kept) = kept {
            best_epoch = kept.epoch;
            network.restore(&kept.weights).map_err(CheckpointError::OtherNetwork)?;
        }
        Ok(Outcome::Finished(Box::new(Trained {
            network,
            best_epoch,
            epochs: progress.epochs,
            stopped_early,
        })))
    }

    fn checkpoint(
        &self,
        progress: &Progress,
        networks: (&Network, Option<&Network>),
        optimizer: &Optimizer,
        rate: &Rate,
        kept: &Option<Kept>,
    ) -> Checkpoint {
        let this = (self.id, self.circumstances);
        Checkpoint::take(this, progress, networks, optimizer, rate, kept.as_ref())
    }

    fn network(&self) -> Network {
        super::network(self.settings, self.train, self.seed)
    }

    fn loss(&self) -> Result<Loss, TrainError> {
        let goal = Goal { labels: &self.train.labels, majority: &self.train.majority };
        Loss::new(&self.settings.train, &goal).map_err(|EmptyClass(class)| TrainError::EmptyClass {
            class: self.settings.dataset.classes[class].clone(),
        })
    }

    /// The moving average of the weights, where there is to be one.
    fn average(&self, network: &Network) -> Result<Option<Average>, TrainError> {
        let decay = self.settings.train.averaging;
        let average = (decay > 0.0).then(|| Average::new(decay, network, self.network()));
        Ok(average.transpose().map_err(CheckpointError::OtherNetwork)?)
    }

    pub(super) fn batches(&self) -> Batches {
        Batches::new(self.train.len(), self.settings.train.batch_size)
    }

    /// A batch of one image has no variance if a feature is a single number: normalised, only its shift would
    /// remain, and its running variance would be NaN.
    fn check_variance(&self) -> Result<(), TrainError> {
        let smallest = self.batches().range(0).len();
        let Settings { dataset, model, .. } = self.settings;
        let features = model.last_features(dataset.height, dataset.width);
        match smallest == 1 && features == Some((1, 1)) {
            true => Err(TrainError::NoVariance { images: smallest }),
            false => Ok(()),
        }
    }

    /// Mean loss and accuracy over the validation split; `None` once `go_on` says no.
    fn validate(
        &self,
        network: &Network,
        loss: &Loss,
        go_on: &dyn Fn() -> bool,
    ) -> Option<(f64, f64)> {
        let _guard = tch::no_grad_guard();
        let mask = self.masks.map(|masks| &masks.val);
        let logits = split_logits(&network.folded(), self.val, mask, self.seed, go_on)?;
        let goal = Goal { labels: &self.val.labels, majority: &self.val.majority };
        let loss = loss.evaluation(&logits, &goal);
        Some((loss.double_value(&[]), right(&logits, goal.majority) / self.val.len() as f64))
    }

    /// The mean over images of losses that are means over batches, which differ in size.
    fn mean_by_images(&self, losses: &[f32]) -> f64 {
        let batches = self.batches();
        let weighted = losses.iter().enumerate();
        let weighted =
            weighted.map(|(step, loss)| f64::from(*loss) * batches.range(step).len() as f64);
        weighted.sum::<f64>() / self.train.len() as f64
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

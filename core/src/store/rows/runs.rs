//! A run, and the epochs of its training.

use super::table;
use crate::experiment::Statistics;
use crate::region::{FillKind, Masking, Mode, Phase};
use crate::store::RunStatus;

table! {
    /// A row per run: a condition and a seed.
    RunRow in "runs" {
        /// A hash of everything that determines the run's numbers.
        run_id: String,
        /// A hash of everything that determines the weights of its network, which other runs may share.
        training_id: String,
        /// The name of the experiment.
        experiment: String,
        /// The name of the run's condition: the same text in every table of the experiment, unique to the condition. Join
        /// tables by it.
        condition: String,
        /// The data set's kind, as in the experiment file.
        dataset: String,
        /// The part of the data set that is its test split, where the parts have names of their own (`PublicTest`), and the rule
        /// of its labels where that is not the training's.
        test_part: Option<String>,
        /// Names, sorted; empty for whole faces (`mode` none) and where nothing is visible (`mode` keep). A control has those that it is compared with.
        regions: Vec<String>,
        /// Whether the regions or everything else is masked: `hide`, `keep`; `none` for whole faces.
        mode: Option<Mode>,
        /// What replaces masked pixels: `mean`, `constant`, `noise`, `blur`, `inpaint`, `object`, `silhouette`; `none` for whole faces.
        fill: Option<FillKind>,
        /// When faces are masked: `retrain`, `evaluate`, `train`, `amortised`; `masks` for the mask-only baseline;
        /// `none` for whole faces.
        phase: Option<Phase>,
        /// Whether the run is a control: the same area masked at another place.
        control: bool,
        /// Which placement of a control this is, from 0; empty where it is no control.
        draw: Option<u32>,
        /// Mean share of masked pixels over the test images.
        area: f64 ["share"],
        /// Share of the test images in which the regions contain no pixel. Empty for whole faces, and for evaluations by an
        /// earlier version.
        missed: Option<f64> ["share"],
        /// The seed of the training's random draws.
        seed: u64,
        /// The number of epochs trained.
        epochs: u32,
        /// From 1: the epoch whose network was kept.
        best_epoch: u32,
        /// The number of parameters of the network.
        parameters: u64,
        /// Share of the validation images whose class with most votes is predicted. Empty where the run has no
        /// results, as are the metrics that follow; this one also where the evaluation differs from the training's
        /// validation.
        val_accuracy: Option<f64> ["share"],
        /// The same of the test images.
        test_accuracy: Option<f64> ["share"],
        /// Mean of the classes' recalls.
        test_balanced_accuracy: Option<f64> ["share"],
        /// Mean of the classes' F1 scores.
        test_macro_f1: Option<f64> ["share"],
        /// Mean cross-entropy against the label distribution.
        test_loss: Option<f64> ["nats"],
        /// Usable information: the entropy of the mean training label less the mean cross-entropy.
        test_bits: Option<f64> ["bits"],
        /// The device of the training: `cpu`, `cuda:0` …
        device: String,
        /// As in the experiment file: `f32`, `tf32`, `bf16`.
        precision: String,
        /// The version of this program that trained it, with its commit if known.
        fer_lab: String,
        /// The version of libtorch that trained it.
        libtorch: String,
        /// The model of the CPU or GPU.
        processor: String,
        /// libtorch's threads, on the CPU.
        threads: u32,
        /// The statistics of batch normalisation in the evaluation: `trained`, `adapted`. In a table without this column,
        /// `trained`.
        statistics: Statistics,
        /// How long the training took.
        wall_seconds: f64 ["seconds"],
        /// Mean over the training's epochs.
        train_images_per_second: f64 ["images per second"],
        /// `done`, `failed: …` or `open: …`, with the reason.
        status: RunStatus,
        ..swept
    }
}

impl RunRow {
    /// `None` for whole faces.
    pub fn masking(&self) -> Option<Masking> {
        Some(Masking { mode: self.mode?, phase: self.phase?, fill: self.fill? })
    }
}

table! {
    /// A row per epoch of a training.
    EpochRow in "epochs" {
        /// As in `runs`.
        training_id: String,
        /// From 1.
        epoch: u32,
        /// At the epoch's last step.
        learning_rate: f64 ["1"],
        /// Mean loss over the epoch's training images, augmented, and masked if the condition masks
        /// them.
        train_loss: f64 ["nats"],
        /// Mean accuracy over the same images.
        train_accuracy: f64 ["share"],
        /// Mean loss over the validation images after the epoch.
        val_loss: f64 ["nats"],
        /// Accuracy on the validation images after the epoch.
        val_accuracy: f64 ["share"],
        /// How long the epoch took.
        seconds: f64 ["seconds"],
    }
}

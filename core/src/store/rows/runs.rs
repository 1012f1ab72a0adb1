//! A run, and the epochs of its training.

use super::table;
use crate::experiment::Statistics;
use crate::region::{FillKind, Masking, Mode, Phase};
use crate::store::RunStatus;

table! {
    /// A row a run: a condition and a seed.
    RunRow in "runs" {
        /// A hash of all that determines the run's numbers.
        run_id: String,
        /// A hash of all that determines the weights of its network, which other runs may share.
        training_id: String,
        /// The name of the experiment.
        experiment: String,
        /// What the run is about, but for its seed: the same text in every table of the experiment, and that of no
        /// other condition. It joins them.
        condition: String,
        /// The data set's kind, as in the experiment file.
        dataset: String,
        /// Names, sorted; empty for whole faces (`mode` none) and where nothing is seen (`mode` keep). A control has those that it is compared with.
        regions: Vec<String>,
        /// Whether the regions are hidden or they alone are seen: `hide`, `keep`; `none` for whole faces.
        mode: Option<Mode>,
        /// What covers: `mean`, `constant`, `noise`, `blur`, `inpaint`, `silhouette`; `none` for whole faces.
        fill: Option<FillKind>,
        /// When it is covered: `retrain`, `evaluate`, `train`, `amortised`; `masks` for networks that see the masks
        /// alone; `none` for whole faces.
        phase: Option<Phase>,
        /// Whether the same area is covered elsewhere in place of the regions.
        control: bool,
        /// Which placement of a control this is, from 0; empty where it is no control.
        draw: Option<u32>,
        /// Mean share of pixels covered over the test images.
        area: f64 ["share"],
        /// Share of the test images in which not even one pixel is covered, or seen where the regions alone are.
        /// Empty for whole faces, and where an earlier version evaluated.
        missed: Option<f64> ["share"],
        /// What the training's random draws begin from.
        seed: u64,
        /// How many epochs it was trained.
        epochs: u32,
        /// From 1: the epoch whose network was kept.
        best_epoch: u32,
        /// How many the network has.
        parameters: u64,
        /// Share of the validation images whose class with most votes is predicted. Empty where the run has no
        /// numbers, as are the metrics that follow; this one also where the network is evaluated otherwise than it
        /// was validated.
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
        /// What it was trained on: `cpu`, `cuda:0` …
        device: String,
        /// As in the experiment file: `f32`, `tf32`, `bf16`.
        precision: String,
        /// The version of this program that trained it, with its commit where it is known.
        fer_lab: String,
        /// The version of libtorch that trained it.
        libtorch: String,
        /// The model of the CPU or GPU.
        processor: String,
        /// libtorch's, on the CPU.
        threads: u32,
        /// Those of batch normalisation in the evaluation: `trained`, `adapted`. A table without this column means
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
    /// A row an epoch of a training.
    EpochRow in "epochs" {
        /// As in `runs`.
        training_id: String,
        /// From 1.
        epoch: u32,
        /// At the epoch's last step.
        learning_rate: f64 ["1"],
        /// Mean loss over the epoch's images, as they were trained on: augmented, and covered where the condition
        /// says so.
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

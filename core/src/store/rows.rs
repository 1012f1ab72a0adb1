//! The rows of every table of an experiment.

use std::collections::BTreeMap;

use crate::dataset::Split;
use crate::experiment::Statistics;
use crate::region::{FillKind, Mode, Phase};

use super::terms::{CurveKind, CurveOrder, MapMethod, Masking, Metric, RunStatus, Worth};

/// `truth.parquet`, for data whose generator is known.
pub use crate::dataset::faces::TruthRow;

/// `runs.parquet`: a row a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    pub run_id: String,
    pub training_id: String,
    pub experiment: String,
    pub condition: String,
    /// The data set's kind, as in the experiment file.
    pub dataset: String,
    /// Names, sorted; empty for whole faces.
    pub regions: Vec<String>,
    /// `none` in the table for whole faces. So are `fill` and `phase`.
    pub mode: Option<Mode>,
    pub fill: Option<FillKind>,
    pub phase: Option<Phase>,
    pub control: bool,
    /// Which placement of a control this is, from 0; `None` where it is no control.
    pub draw: Option<u32>,
    /// Mean share of pixels covered over the test images.
    pub area: f64,
    pub seed: u64,
    pub epochs: u32,
    /// From 1: the epoch whose network was kept.
    pub best_epoch: u32,
    pub parameters: u64,
    /// All metrics from here to `test_bits` are `None` where the run failed; this one is too where the network
    /// was examined otherwise than it was validated.
    pub val_accuracy: Option<f64>,
    pub test_accuracy: Option<f64>,
    pub test_balanced_accuracy: Option<f64>,
    pub test_macro_f1: Option<f64>,
    /// Mean cross-entropy against the label distribution, nats.
    pub test_loss: Option<f64>,
    pub test_bits: Option<f64>,
    /// `cpu`, `cuda:0` …
    pub device: String,
    /// `f32`, `bf16`
    pub precision: String,
    /// The version of this program that trained it, with its commit where it is known.
    pub fer_lab: String,
    pub libtorch: String,
    /// The model of the CPU or GPU.
    pub processor: String,
    /// libtorch's, on the CPU.
    pub threads: u32,
    /// `trained`, `adapted`; tables from before there was a choice have no such column and mean `trained`.
    pub statistics: Statistics,
    pub wall_seconds: f64,
    pub train_images_per_second: f64,
    pub status: RunStatus,
    /// One column for each swept key: dotted key → value as TOML text.
    pub swept: BTreeMap<String, String>,
}

/// `epochs.parquet`: a row an epoch of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochRow {
    pub training_id: String,
    /// From 1.
    pub epoch: u32,
    /// At the epoch's last step.
    pub learning_rate: f64,
    /// Means over the epoch's (augmented, maybe covered) training images.
    pub train_loss: f64,
    pub train_accuracy: f64,
    pub val_loss: f64,
    pub val_accuracy: f64,
    pub seconds: f64,
}

/// `predictions.parquet`: a row for every run and image of `test`; of `val` too where the network was examined
/// as it was validated: on whole faces or under the covering that it learned under. In the file the column
/// `classes` names the classes in class order.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRow {
    pub run_id: String,
    /// `val` or `test`.
    pub split: Split,
    /// The data set's own name for the image.
    pub image: String,
    /// Class names.
    pub actual: String,
    pub predicted: String,
    /// In class order.
    pub probabilities: Vec<f32>,
    /// The label distribution that the prediction is scored against, in class order.
    pub label: Vec<f32>,
}

/// `confusion.parquet`: for every run and split the counts sum to the number of images. Every pair of
/// classes has a row.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfusionRow {
    pub run_id: String,
    pub split: Split,
    pub actual: String,
    pub predicted: String,
    pub count: u64,
}

/// `effects.parquet`: a row for each region set × mode × phase × fill × metric (and swept choice).
#[derive(Debug, Clone, PartialEq)]
pub struct EffectRow {
    pub regions: Vec<String>,
    pub mode: Mode,
    pub phase: Phase,
    pub fill: FillKind,
    /// A share or bits.
    pub metric: Metric,
    /// How many seeds both conditions share.
    pub seeds: u32,
    /// How many test images.
    pub images: u64,
    /// Whole faces, mean over seeds.
    pub baseline: f64,
    pub covered: f64,
    /// Mean over the controls; `None` where there are none. So are the three `signal`s.
    pub control: Option<f64>,
    /// `baseline − covered`.
    pub effect: f64,
    /// 95 % interval; `None` where it cannot be known.
    pub effect_low: Option<f64>,
    pub effect_high: Option<f64>,
    /// What the regions carry beyond the same area elsewhere, above 0 where they carry more: `hide`, the effect
    /// minus the mean effect of the controls; `keep`, that mean minus the effect.
    pub signal: Option<f64>,
    pub signal_low: Option<f64>,
    pub signal_high: Option<f64>,
    /// Two-sided, of `effect` against 0.
    pub p: Option<f64>,
    /// Holm over the region sets of one mode, phase, fill, metric and swept choice.
    pub p_adjusted: Option<f64>,
    /// How the interval was made.
    pub method: String,
    pub swept: BTreeMap<String, String>,
}

/// `class_effects.parquet`: the same of each emotion's recall, over the images that show it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassEffectRow {
    pub regions: Vec<String>,
    pub mode: Mode,
    pub phase: Phase,
    pub fill: FillKind,
    /// The class whose recall it is, a share of its images.
    pub emotion: String,
    pub seeds: u32,
    /// How many test images show it.
    pub images: u64,
    /// Whole faces, mean over seeds.
    pub baseline: f64,
    pub covered: f64,
    /// As in [`EffectRow`], so are the fields to `p`.
    pub control: Option<f64>,
    pub effect: f64,
    pub effect_low: Option<f64>,
    pub effect_high: Option<f64>,
    pub signal: Option<f64>,
    pub signal_low: Option<f64>,
    pub signal_high: Option<f64>,
    pub p: Option<f64>,
    /// Holm over the region sets and emotions of one mode, phase, fill and swept choice.
    pub p_adjusted: Option<f64>,
    pub method: String,
    pub swept: BTreeMap<String, String>,
}

/// `shapley.parquet`: how the worth of all regions, less that of none, divides among them. A row for each
/// region × metric (and emotion) × phase × fill (and swept choice).
#[derive(Debug, Clone, PartialEq)]
pub struct ShapleyRow {
    pub region: String,
    pub metric: Worth,
    /// Whose recall; `None` for the other metrics.
    pub emotion: Option<String>,
    pub phase: Phase,
    pub fill: FillKind,
    pub value: f64,
    /// 95 % interval; `None` where it cannot be known.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// How probable it is that this region's value is the largest; the regions' sum to 1.
    pub first: f64,
    /// What no region and what every region is worth, mean over seeds: the values sum to their difference.
    pub none_seen: f64,
    pub all_seen: f64,
    /// How many seeds have every set of regions.
    pub seeds: u32,
    pub images: u64,
    /// How the value and its interval were made.
    pub method: String,
    pub swept: BTreeMap<String, String>,
}

/// `sensitivity.parquet`: where on the face networks trained on whole faces look. A row for each training ×
/// method × emotion × cell of the canonical face frame.
#[derive(Debug, Clone, PartialEq)]
pub struct SensitivityRow {
    pub training_id: String,
    pub seed: u64,
    pub method: MapMethod,
    /// The class whose images were looked at and whose probability counts.
    pub emotion: String,
    /// How many test images of it.
    pub images: u64,
    /// Of the cell, from 0 at the top left; as many rows as columns.
    pub row: u32,
    pub column: u32,
    /// `window`: what the class's probability loses when a window covers the cell. `rise`: its mean while the
    /// cell is seen.
    pub value: f64,
    /// The mean grey of the images there, 0 to 1.
    pub face: f64,
}

/// `sensitivity_curves.parquet`: what becomes of the answers when the face is taken away, or put back, in
/// the order of a map. A row for each training × method × emotion × curve × order × step.
#[derive(Debug, Clone, PartialEq)]
pub struct SensitivityCurveRow {
    /// As in [`SensitivityRow`], so are the fields to `images`.
    pub training_id: String,
    pub seed: u64,
    pub method: MapMethod,
    pub emotion: String,
    pub images: u64,
    pub curve: CurveKind,
    pub order: CurveOrder,
    /// From 0.
    pub step: u32,
    /// The share of the canonical frame that is taken away or put back.
    pub share: f64,
    /// Mean probability of the class.
    pub probability: f64,
}

/// `ranking.parquet`: a row for each region × rank, of each mode × phase × fill × metric (and swept
/// choice).
#[derive(Debug, Clone, PartialEq)]
pub struct RankingRow {
    pub mode: Mode,
    pub phase: Phase,
    pub fill: FillKind,
    /// As in [`EffectRow`].
    pub metric: Metric,
    pub region: String,
    /// From 1: the region that costs most when it is hidden, or keeps most when it alone is seen.
    pub rank: u32,
    /// The rows of one region sum to 1.
    pub probability: f64,
    /// How many seeds whole faces and all regions share.
    pub seeds: u32,
    pub images: u64,
    /// How the probability was made.
    pub method: String,
    pub swept: BTreeMap<String, String>,
}

/// `mask_leaks.parquet`: what networks reach that learned from the masks alone, a row for each metric and
/// swept choice.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskLeakRow {
    /// `accuracy` or `bits`: where one class is the commonest by far, masks may tell something and still
    /// change no answer.
    pub metric: Metric,
    /// Mean over seeds.
    pub reached: f64,
    /// Without looking: the share of the commonest class among the test images; 0 bits.
    pub chance: f64,
    /// `reached − chance`.
    pub excess: f64,
    /// 95 % interval of `excess`; `None` where it cannot be known.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Two-sided, of `excess` against 0.
    pub p: Option<f64>,
    pub seeds: u32,
    pub images: u64,
    /// How the interval was made.
    pub method: String,
    pub swept: BTreeMap<String, String>,
}

/// `confusions.parquet`: a row for each region set × mode × phase × fill × actual × predicted class (and
/// swept choice).
#[derive(Debug, Clone, PartialEq)]
pub struct ConfusionShiftRow {
    pub regions: Vec<String>,
    pub mode: Mode,
    pub phase: Phase,
    pub fill: FillKind,
    pub actual: String,
    pub predicted: String,
    /// The share of the actual class's images that are taken for `predicted`, whole, mean over seeds.
    pub baseline: f64,
    /// The same, covered.
    pub covered: f64,
    /// `covered − baseline`.
    pub change: f64,
    /// 95 % interval; `None` where it cannot be known.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub seeds: u32,
    /// Of the actual class.
    pub images: u64,
    /// How the interval was made.
    pub method: String,
    pub swept: BTreeMap<String, String>,
}

impl RunRow {
    /// `None` for whole faces.
    pub fn masking(&self) -> Option<Masking> {
        Some(Masking { mode: self.mode?, phase: self.phase?, fill: self.fill? })
    }
}

/// Of rows that are about a masking.
macro_rules! masked {
    ($($row:ty),*) => {$(
        impl $row {
            pub fn masking(&self) -> Masking {
                Masking { mode: self.mode, phase: self.phase, fill: self.fill }
            }
        }
    )*};
}

masked!(EffectRow, ClassEffectRow, RankingRow, ConfusionShiftRow);

impl ShapleyRow {
    /// Of the sets of regions whose worths are divided: what is not in a set is masked.
    pub fn masking(&self) -> Masking {
        Masking { mode: Mode::Keep, phase: self.phase, fill: self.fill }
    }
}

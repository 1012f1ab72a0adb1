//! What follows from the runs: effects and their intervals.

use super::table;
use crate::region::{FillKind, Masking, Mode, Phase};
use crate::store::{Metric, NoneSeen, Worth};

table! {
    /// What covering costs: a row for each region set × mode × phase × fill × metric (and swept choice).
    EffectRow in "effects" {
        /// What is covered and how: as in `runs`, of the runs that are compared with whole faces.
        condition: String,
        /// As in `runs`.
        regions: Vec<String>,
        /// `hide` or `keep`.
        mode: Mode,
        /// As in `runs`.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// `accuracy`, `balanced_accuracy`, `bits`.
        metric: Metric,
        /// How many seeds both conditions share.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// The metric of whole faces, mean over seeds.
        baseline: f64 ["share, or bits where the metric is"],
        /// The same, covered.
        covered: f64 ["share, or bits where the metric is"],
        /// Mean over the controls; empty where there are none, as are the three columns of the signal.
        control: Option<f64> ["share, or bits where the metric is"],
        /// `baseline − covered`.
        effect: f64 ["share, or bits where the metric is"],
        /// Lower end of the 95 % interval of `effect`; empty where it cannot be known.
        effect_low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        effect_high: Option<f64> ["share, or bits where the metric is"],
        /// What the regions carry beyond the same area elsewhere, above 0 where they carry more: `hide`, the control's
        /// mean minus `covered`; `keep`, `covered` minus that.
        signal: Option<f64> ["share, or bits where the metric is"],
        /// Lower end of the 95 % interval of `signal`.
        signal_low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        signal_high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `effect` against 0.
        p: Option<f64> ["probability"],
        /// Holm over the sets of as many regions of one mode, phase, fill, metric and swept choice.
        p_adjusted: Option<f64> ["probability"],
        /// How the interval was made.
        method: String,
        /// Two-sided, of `signal` against 0.
        signal_p: Option<f64> ["probability"],
        /// Holm, as `p_adjusted`, of the signals.
        signal_p_adjusted: Option<f64> ["probability"],
        /// How the interval of `signal` was made; empty without controls.
        signal_method: Option<String>,
        /// What the best constant answer to the test images reaches: their commonest class, always; 0 bits. Empty but
        /// in `keep`, as are the columns of the excess.
        chance: Option<f64> ["share, or bits where the metric is"],
        /// `covered − chance`: what the regions tell by themselves.
        excess: Option<f64> ["share, or bits where the metric is"],
        /// Lower end of the 95 % interval of `excess`; empty where it cannot be known.
        excess_low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        excess_high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `excess` against 0.
        excess_p: Option<f64> ["probability"],
        /// Holm, as `p_adjusted`, of the excesses.
        excess_p_adjusted: Option<f64> ["probability"],
        ..swept
    }
}

table! {
    /// What covering costs each emotion: as `effects`, of the class's recall over the images that show it.
    ClassEffectRow in "class_effects" {
        /// What is covered and how: as in `runs`, of the runs that are compared with whole faces.
        condition: String,
        /// As in `runs`.
        regions: Vec<String>,
        /// `hide` or `keep`.
        mode: Mode,
        /// As in `runs`.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// The class whose recall it is.
        emotion: String,
        /// How many seeds both conditions share.
        seeds: u32,
        /// How many test images show it.
        images: u64,
        /// The recall of whole faces, mean over seeds.
        baseline: f64 ["share"],
        /// The same, covered.
        covered: f64 ["share"],
        /// Mean over the controls; empty where there are none, as are the three columns of the signal.
        control: Option<f64> ["share"],
        /// `baseline − covered`.
        effect: f64 ["share"],
        /// Lower end of the 95 % interval of `effect`; empty where it cannot be known.
        effect_low: Option<f64> ["share"],
        /// Upper end.
        effect_high: Option<f64> ["share"],
        /// What the regions carry beyond the same area elsewhere, above 0 where they carry more: `hide`, the control's
        /// mean minus `covered`; `keep`, `covered` minus that.
        signal: Option<f64> ["share"],
        /// Lower end of the 95 % interval of `signal`.
        signal_low: Option<f64> ["share"],
        /// Upper end.
        signal_high: Option<f64> ["share"],
        /// Two-sided, of `effect` against 0.
        p: Option<f64> ["probability"],
        /// Holm over the emotions and the sets of as many regions of one mode, phase, fill and swept choice.
        p_adjusted: Option<f64> ["probability"],
        /// How the interval was made.
        method: String,
        /// Two-sided, of `signal` against 0.
        signal_p: Option<f64> ["probability"],
        /// Holm, as `p_adjusted`, of the signals.
        signal_p_adjusted: Option<f64> ["probability"],
        ..swept
    }
}

table! {
    /// Whether conditions differ from each other: a row for each pair of a mode × phase × fill × size of set × metric
    /// (and swept choice), paired on the seeds and images of both.
    ContrastRow in "contrasts" {
        /// The first of the two: as in `runs`.
        condition: String,
        /// The other.
        against_condition: String,
        /// The first one's, as in `runs`.
        regions: Vec<String>,
        /// The other's.
        against: Vec<String>,
        /// `hide` or `keep`.
        mode: Mode,
        /// As in `runs`.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// `accuracy`, `balanced_accuracy`, `bits`.
        metric: Metric,
        /// By how much `regions` carry more than `against`: `hide`, by how much more they cost; `keep`, by how much more
        /// they reach.
        difference: f64 ["share, or bits where the metric is"],
        /// Lower end of its 95 % interval; empty where it cannot be known.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `difference` against 0.
        p: Option<f64> ["probability"],
        /// Holm over all pairs of the same mode, phase, fill, size of set, metric and swept choice.
        p_adjusted: Option<f64> ["probability"],
        /// How many seeds both conditions share.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// How the interval was made.
        method: String,
        ..swept
    }
}

table! {
    /// What two regions tell together beyond the sum (Shapley interaction index): a row for each pair × metric × phase ×
    /// fill (and swept choice) where every set of regions was seen alone.
    InterplayRow in "interplay" {
        /// The two, in the order of their names.
        pair: Vec<String>,
        /// `accuracy` or `bits`.
        metric: Worth,
        /// As in `runs`, of the sets of regions whose worth is divided.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// Above 0 they only speak together, below 0 each stands in for the other.
        value: f64 ["share, or bits where the metric is"],
        /// Lower end of its 95 % interval; empty where it cannot be known.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `value` against 0.
        p: Option<f64> ["probability"],
        /// Holm over all pairs of the same metric, phase, fill and swept choice.
        p_adjusted: Option<f64> ["probability"],
        /// How many seeds have every set of regions.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// How the value and its interval were made.
        method: String,
        ..swept
    }
}

table! {
    /// Which confusions appear when regions are covered: a row for each region set × mode × phase × fill × actual ×
    /// predicted class (and swept choice).
    ConfusionShiftRow in "confusions" {
        /// What is covered and how: as in `runs`, of the runs that are compared with whole faces.
        condition: String,
        /// As in `runs`.
        regions: Vec<String>,
        /// `hide` or `keep`.
        mode: Mode,
        /// As in `runs`.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// The class with most votes.
        actual: String,
        /// The class that is predicted.
        predicted: String,
        /// The share of the actual class's images for which `predicted` is the answer, whole, mean over seeds.
        baseline: f64 ["share"],
        /// The same, covered.
        covered: f64 ["share"],
        /// `covered − baseline`.
        change: f64 ["share"],
        /// Lower end of the 95 % interval of `change`; empty where it cannot be known.
        low: Option<f64> ["share"],
        /// Upper end.
        high: Option<f64> ["share"],
        /// How many seeds both conditions share.
        seeds: u32,
        /// How many test images are of the actual class.
        images: u64,
        /// How the interval was made.
        method: String,
        ..swept
    }
}

table! {
    /// How probable it is that a region costs most when it is hidden, or keeps most when it alone is seen: a row for
    /// each region × rank, of each mode × phase × fill × metric (and swept choice).
    RankingRow in "ranking" {
        /// The region alone, covered so: as in `runs`.
        condition: String,
        /// `hide` or `keep`.
        mode: Mode,
        /// As in `runs`.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// `accuracy`, `balanced_accuracy`, `bits`.
        metric: Metric,
        /// Its name.
        region: String,
        /// From 1: the region that costs or keeps most.
        rank: u32,
        /// That the region has this rank; a region's sum to 1.
        probability: f64 ["probability"],
        /// How many seeds whole faces and all regions share.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// How the probability was made.
        method: String,
        ..swept
    }
}

table! {
    /// How the worth of all regions, less that of none, divides among them: a row for each region × metric (and
    /// emotion) × phase × fill (and swept choice).
    ShapleyRow in "shapley" {
        /// Its name.
        region: String,
        /// `accuracy`, `bits`, `recall`.
        metric: Worth,
        /// Whose recall; empty for the other metrics.
        emotion: Option<String>,
        /// As in `runs`, of the sets of regions whose worth is divided: what is not in a set is covered.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// The region's Shapley value.
        value: f64 ["share, or bits where the metric is"],
        /// Lower end of its 95 % interval; empty where it cannot be known.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// That this region's value is the largest; the regions' sum to 1.
        first: f64 ["probability"],
        /// What no region is worth, mean over seeds.
        none_seen: f64 ["share, or bits where the metric is"],
        /// Who answers there: `network`, the one that sees every set, to faces that are masked entirely (`evaluate`,
        /// `amortised`); `constant`, the best answer that is the same for every image (`retrain`, and studies of before
        /// nothing seen was evaluated).
        none_by: NoneSeen,
        /// What every region is worth: the values sum to `all_seen − none_seen`.
        all_seen: f64 ["share, or bits where the metric is"],
        /// How many seeds have every set of regions.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// How the value and its interval were made.
        method: String,
        ..swept
    }
}

table! {
    /// What networks reach that learned from the masks alone: a row for each metric and swept choice.
    MaskLeakRow in "mask_leaks" {
        /// As in `runs`.
        condition: String,
        /// `accuracy` or `bits`: where one class is the commonest by far, masks may tell something and still change
        /// no answer.
        metric: Metric,
        /// Mean over seeds.
        reached: f64 ["share, or bits where the metric is"],
        /// Without looking: the share of the commonest class among the test images; 0 bits.
        chance: f64 ["share, or bits where the metric is"],
        /// `reached − chance`.
        excess: f64 ["share, or bits where the metric is"],
        /// Lower end of the 95 % interval of `excess`; empty where it cannot be known.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `excess` against 0.
        p: Option<f64> ["probability"],
        /// How many.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// How the interval was made.
        method: String,
        ..swept
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

masked!(EffectRow, ClassEffectRow, ContrastRow, RankingRow, ConfusionShiftRow);

/// Of rows that are about sets of regions whose worths are divided: what is not in a set is masked.
macro_rules! divided {
    ($($row:ty),*) => {$(
        impl $row {
            pub fn masking(&self) -> Masking {
                Masking { mode: Mode::Keep, phase: self.phase, fill: self.fill }
            }
        }
    )*};
}

divided!(ShapleyRow, InterplayRow);

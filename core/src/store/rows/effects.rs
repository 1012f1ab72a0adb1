//! Tables computed from the runs: effects and their intervals.

use super::table;
use crate::region::{FillKind, Masking, Mode, Phase};
use crate::store::{Metric, NoneSeen, Worth};

table! {
    /// The effect of masking: a row for each region set × mode × phase × fill × metric (and setting).
    EffectRow in "effects" {
        /// The condition that is compared with whole faces: as in `runs`.
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
        /// The same of masked faces.
        covered: f64 ["share, or bits where the metric is"],
        /// Mean over the controls; empty where there are none, as are the three columns of the signal.
        control: Option<f64> ["share, or bits where the metric is"],
        /// `baseline − covered`.
        effect: f64 ["share, or bits where the metric is"],
        /// Lower end of the 95 % interval of `effect`; empty where it cannot be estimated.
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
        /// `p`, Holm-corrected over the sets of equally many regions with one mode, phase, fill, metric and setting.
        p_adjusted: Option<f64> ["probability"],
        /// The method of the interval.
        method: String,
        /// Two-sided, of `signal` against 0.
        signal_p: Option<f64> ["probability"],
        /// `signal_p`, Holm-corrected as `p_adjusted`.
        signal_p_adjusted: Option<f64> ["probability"],
        /// The method of the interval of `signal`; empty without controls.
        signal_method: Option<String>,
        /// The metric of the best constant prediction: always the most frequent test class; 0 bits. Only in `keep`, like
        /// the columns of the excess; empty otherwise.
        chance: Option<f64> ["share, or bits where the metric is"],
        /// `covered − chance`: the information in the regions by themselves.
        excess: Option<f64> ["share, or bits where the metric is"],
        /// Lower end of the 95 % interval of `excess`; empty where it cannot be estimated.
        excess_low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        excess_high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `excess` against 0.
        excess_p: Option<f64> ["probability"],
        /// `excess_p`, Holm-corrected as `p_adjusted`.
        excess_p_adjusted: Option<f64> ["probability"],
        ..swept
    }
}

table! {
    /// The effect of masking on each emotion: as `effects`, on the class's recall over the images that show it.
    ClassEffectRow in "class_effects" {
        /// The condition that is compared with whole faces: as in `runs`.
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
        /// The same of masked faces.
        covered: f64 ["share"],
        /// Mean over the controls; empty where there are none, as are the three columns of the signal.
        control: Option<f64> ["share"],
        /// `baseline − covered`.
        effect: f64 ["share"],
        /// Lower end of the 95 % interval of `effect`; empty where it cannot be estimated.
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
        /// `p`, Holm-corrected over the emotions and the sets of equally many regions with one mode, phase, fill and setting.
        p_adjusted: Option<f64> ["probability"],
        /// The method of the interval.
        method: String,
        /// Two-sided, of `signal` against 0.
        signal_p: Option<f64> ["probability"],
        /// `signal_p`, Holm-corrected as `p_adjusted`.
        signal_p_adjusted: Option<f64> ["probability"],
        ..swept
    }
}

table! {
    /// Differences between conditions: a row for each pair with the same mode × phase × fill × size of set × metric
    /// (and setting), paired on the seeds and images of both.
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
        /// How much more `regions` carry than `against`: in `hide`, how much larger their effect is; in `keep`, how much
        /// higher their metric is.
        difference: f64 ["share, or bits where the metric is"],
        /// Lower end of its 95 % interval; empty where it cannot be estimated.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `difference` against 0.
        p: Option<f64> ["probability"],
        /// `p`, Holm-corrected over all pairs of the same mode, phase, fill, size of set, metric and setting.
        p_adjusted: Option<f64> ["probability"],
        /// How many seeds both conditions share.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// The method of the interval.
        method: String,
        ..swept
    }
}

table! {
    /// Differences between settings of a sweep: a row for each pair of settings of each condition that both have, metric by
    /// metric.
    SettingContrastRow in "setting_contrasts" {
        /// Under the first setting: as in `runs`.
        condition: String,
        /// The same under the other.
        against_condition: String,
        /// The first setting: each swept key with its value as TOML text, `train.epochs = 5`.
        setting: Vec<String>,
        /// The other.
        against_setting: Vec<String>,
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
        /// Under the first setting: of `hide` as `effect` in `effects`, of `keep` as `excess`, over the seeds that are compared.
        value: f64 ["share, or bits where the metric is"],
        /// The same under the other.
        against: f64 ["share, or bits where the metric is"],
        /// `value − against`.
        difference: f64 ["share, or bits where the metric is"],
        /// Lower end of its 95 % interval; empty where it cannot be estimated.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `difference` against 0.
        p: Option<f64> ["probability"],
        /// `p`, Holm-corrected over all pairs of settings of the sets of equally many regions with one mode, phase, fill and
        /// metric.
        p_adjusted: Option<f64> ["probability"],
        /// Whether seeds and images were paired; if not, since the settings were tested on other images or share no seed, they
        /// are independent samples.
        paired: bool,
        /// How many seeds both settings share; of independent samples the fewer.
        seeds: u32,
        /// How many test images; of independent samples the fewer.
        images: u64,
        /// The method of the interval.
        method: String,
    }
}

table! {
    /// The interaction of two regions (Shapley interaction index, Grabisch & Roubens 1999): a row for each pair × metric ×
    /// phase × fill (and setting) where a condition keeps every set of regions.
    InterplayRow in "interplay" {
        /// The two, in the order of their names.
        pair: Vec<String>,
        /// `accuracy` or `bits`.
        metric: Worth,
        /// As in `runs`, of the sets of regions in the game.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// Above 0 the regions are synergistic, below 0 redundant.
        value: f64 ["share, or bits where the metric is"],
        /// Lower end of its 95 % interval; empty where it cannot be estimated.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `value` against 0.
        p: Option<f64> ["probability"],
        /// `p`, Holm-corrected over all pairs of the same metric, phase, fill and setting.
        p_adjusted: Option<f64> ["probability"],
        /// How many seeds have every set of regions.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// The method of the value and its interval.
        method: String,
        ..swept
    }
}

table! {
    /// Changes of the confusions when regions are masked: a row for each region set × mode × phase × fill × actual ×
    /// predicted class (and setting).
    ConfusionShiftRow in "confusions" {
        /// The condition that is compared with whole faces: as in `runs`.
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
        /// The share of the actual class's images that are predicted as `predicted` on whole faces, mean over seeds.
        baseline: f64 ["share"],
        /// The same of masked faces.
        covered: f64 ["share"],
        /// `covered − baseline`.
        change: f64 ["share"],
        /// Lower end of the 95 % interval of `change`; empty where it cannot be estimated.
        low: Option<f64> ["share"],
        /// Upper end.
        high: Option<f64> ["share"],
        /// How many seeds both conditions share.
        seeds: u32,
        /// How many test images are of the actual class.
        images: u64,
        /// The method of the interval.
        method: String,
        ..swept
    }
}

table! {
    /// The probability that a region has the largest effect when hidden, or the highest metric when it alone is visible: a
    /// row for each region × rank, of each mode × phase × fill × metric (and setting).
    RankingRow in "ranking" {
        /// The condition of the single region: as in `runs`.
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
        /// From 1: the region with the largest effect or highest metric.
        rank: u32,
        /// Probability of this rank; a region's values sum to 1.
        probability: f64 ["probability"],
        /// How many seeds whole faces and all regions share.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// The method of the probability.
        method: String,
        ..swept
    }
}

table! {
    /// Shapley attribution: the metric of all regions less that of none, divided among the regions; a row for each region ×
    /// metric (and emotion) × phase × fill (and setting).
    ShapleyRow in "shapley" {
        /// Its name.
        region: String,
        /// `accuracy`, `bits`, `recall`.
        metric: Worth,
        /// Whose recall; empty for the other metrics.
        emotion: Option<String>,
        /// As in `runs`, of the sets of regions in the game: regions outside of a set are masked.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// The region's Shapley value.
        value: f64 ["share, or bits where the metric is"],
        /// Lower end of its 95 % interval; empty where it cannot be estimated.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `value` against 0.
        p: Option<f64> ["probability"],
        /// `p`, Holm-corrected over the regions of the same metric (of recall over all emotions' regions), phase, fill and
        /// setting.
        p_adjusted: Option<f64> ["probability"],
        /// The other regions whose values do not differ significantly from this one's, as `shapley_contrasts` has it.
        undecided: Vec<String>,
        /// Probability that this region's value is the largest, as in `ranking`; the regions' values sum to 1. It is no test:
        /// whether values differ stands in `shapley_contrasts`.
        first: f64 ["probability"],
        /// The metric with no region visible, mean over seeds.
        none_seen: f64 ["share, or bits where the metric is"],
        /// Whose prediction counts there: `network`, the one that sees every set, for faces that are masked entirely (`evaluate`,
        /// `amortised`); `constant`, the best prediction that is the same for every image (`retrain`, and studies of before
        /// nothing visible was evaluated).
        none_by: NoneSeen,
        /// The metric with all regions visible: the values sum to `all_seen − none_seen`.
        all_seen: f64 ["share, or bits where the metric is"],
        /// How many seeds have every set of regions.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// The method of the value and its interval.
        method: String,
        ..swept
    }
}

table! {
    /// Differences between the Shapley values of a game: a row for each pair of regions × metric (and emotion) × phase × fill
    /// (and setting).
    ShapleyContrastRow in "shapley_contrasts" {
        /// A region.
        region: String,
        /// The region whose value is subtracted.
        against: String,
        /// `accuracy`, `bits`, `recall`.
        metric: Worth,
        /// Whose recall; empty for the other metrics.
        emotion: Option<String>,
        /// As in `shapley`.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// The value of `region` less that of `against`, paired by seed and image.
        difference: f64 ["share, or bits where the metric is"],
        /// Lower end of its 95 % interval; empty where it cannot be estimated.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `difference` against 0.
        p: Option<f64> ["probability"],
        /// `p`, Holm-corrected over all pairs of the same metric (of recall over all emotions' pairs), phase, fill and setting.
        p_adjusted: Option<f64> ["probability"],
        /// How many seeds have every set of regions.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// The method of the interval.
        method: String,
        ..swept
    }
}

table! {
    /// The mask-only baseline: the metric of networks trained on the masks alone; a row for each metric and setting.
    MaskLeakRow in "mask_leaks" {
        /// As in `runs`.
        condition: String,
        /// `accuracy` or `bits`: with one dominant class, masks may leak information without changing a
        /// prediction.
        metric: Metric,
        /// Mean over seeds.
        reached: f64 ["share, or bits where the metric is"],
        /// Chance level: the share of the most frequent class among the test images; 0 bits.
        chance: f64 ["share, or bits where the metric is"],
        /// `reached − chance`.
        excess: f64 ["share, or bits where the metric is"],
        /// Lower end of the 95 % interval of `excess`; empty where it cannot be estimated.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `excess` against 0.
        p: Option<f64> ["probability"],
        /// How many seeds.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// The method of the interval.
        method: String,
        ..swept
    }
}

table! {
    /// Whether networks order the regions alike: a row for each mode × phase × fill × metric (and setting of what is
    /// swept besides) of the settings that differ in nothing but `[model]`, over the regions that all of them masked
    /// alone.
    NetworkAgreementRow in "network_agreement" {
        /// What the networks are called, in the order of the experiment file.
        networks: Vec<String>,
        /// The regions, the largest mean over the networks first: of `effect` in `hide`, of the metric with only the region
        /// visible in `keep`.
        ranked: Vec<String>,
        /// `hide` or `keep`.
        mode: Mode,
        /// As in `runs`.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// `accuracy`, `balanced_accuracy`, `bits`.
        metric: Metric,
        /// Kendall's coefficient of concordance, from 0 to 1: all networks order the regions alike. Corrected for ties;
        /// empty where every network has all regions equal.
        w: Option<f64> ["coefficient"],
        /// Lower end of its 95 % interval over test images, and over the seeds of each network where it has several; of
        /// these networks, not of others. Empty where it cannot be estimated.
        low: Option<f64> ["coefficient"],
        /// Upper end.
        high: Option<f64> ["coefficient"],
        /// Of as large a `w` if each network ordered the regions at random.
        p: Option<f64> ["probability"],
        /// The smallest `p` that so many networks of so many regions can have: above 0.05 they are too few to tell.
        smallest_p: f64 ["probability"],
        /// In how many of the networks the first of `ranked` is first.
        first_in: u32,
        /// Probability that it is first in every one of them, with other images and seeds.
        first_in_all: Option<f64> ["probability"],
        /// How many seeds of a network, the fewest of any.
        seeds: u32,
        /// How many test images.
        images: u64,
        /// The method of the interval.
        method: String,
        ..swept
    }
}

table! {
    /// The effect of masking a region over several networks: a row for each region of `network_agreement`. That of each
    /// network is in `effects`.
    NetworkMeanRow in "network_means" {
        /// Its name.
        region: String,
        /// `hide` or `keep`.
        mode: Mode,
        /// As in `runs`.
        phase: Phase,
        /// As in `runs`.
        fill: FillKind,
        /// `accuracy`, `balanced_accuracy`, `bits`.
        metric: Metric,
        /// Of `hide` as `effect` in `effects`, of `keep` as `excess`: the mean over the networks, each the mean over its seeds.
        effect: f64 ["share, or bits where the metric is"],
        /// Lower end of its 95 % interval, as if the networks were drawn from many: of two it is very wide. Empty where it
        /// cannot be estimated.
        low: Option<f64> ["share, or bits where the metric is"],
        /// Upper end.
        high: Option<f64> ["share, or bits where the metric is"],
        /// Two-sided, of `effect` against 0.
        p: Option<f64> ["probability"],
        /// `p`, Holm-corrected over the regions.
        p_adjusted: Option<f64> ["probability"],
        /// The smallest effect that any of the networks has.
        smallest: f64 ["share, or bits where the metric is"],
        /// The largest.
        largest: f64 ["share, or bits where the metric is"],
        /// How many networks.
        networks: u32,
        /// How many test images.
        images: u64,
        /// The method of the interval.
        method: String,
        ..swept
    }
}

/// Of rows that concern a masking.
macro_rules! masked {
    ($($row:ty),*) => {$(
        impl $row {
            pub fn masking(&self) -> Masking {
                Masking { mode: self.mode, phase: self.phase, fill: self.fill }
            }
        }
    )*};
}

masked!(
    EffectRow,
    ClassEffectRow,
    ContrastRow,
    SettingContrastRow,
    RankingRow,
    ConfusionShiftRow,
    NetworkAgreementRow,
    NetworkMeanRow
);

/// Of rows that concern the sets of a Shapley game: regions outside of a set are masked.
macro_rules! divided {
    ($($row:ty),*) => {$(
        impl $row {
            pub fn masking(&self) -> Masking {
                Masking { mode: Mode::Keep, phase: self.phase, fill: self.fill }
            }
        }
    )*};
}

divided!(ShapleyRow, ShapleyContrastRow, InterplayRow);

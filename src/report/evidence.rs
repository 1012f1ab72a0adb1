//! The rows of an experiment's derived tables.

use crate::store::{
    ClassEffectRow, ConfusionShiftRow, EffectRow, MaskLeakRow, RankingRow, ShapleyRow,
};

/// What an answer rests on. Every list may be empty.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub effects: Vec<EffectRow>,
    pub class_effects: Vec<ClassEffectRow>,
    pub shapley: Vec<ShapleyRow>,
    pub ranking: Vec<RankingRow>,
    pub confusions: Vec<ConfusionShiftRow>,
    pub mask_leaks: Vec<MaskLeakRow>,
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A loss of recall in points on 90 %, 3 seeds, 200 images; told from zero by Holm where `p` is small.
    pub fn loss(
        region: &str,
        emotion: &str,
        effect: f64,
        interval: (f64, f64),
        p: f64,
    ) -> ClassEffectRow {
        ClassEffectRow {
            regions: vec![region.to_owned()],
            mode: "hide".to_owned(),
            phase: "retrain".to_owned(),
            fill: "mean".to_owned(),
            emotion: emotion.to_owned(),
            seeds: 3,
            images: 200,
            baseline: 0.9,
            covered: 0.9 - effect / 100.0,
            control: None,
            effect: effect / 100.0,
            effect_low: Some(interval.0 / 100.0),
            effect_high: Some(interval.1 / 100.0),
            signal: None,
            signal_low: None,
            signal_high: None,
            p: Some(p),
            p_adjusted: Some(p),
            method: "two-way variance components".to_owned(),
            swept: BTreeMap::new(),
        }
    }

    /// A confusion whose share goes from one number of per cent to another, 3 seeds, 200 images.
    pub fn shift(
        region: &str,
        [actual, predicted]: [&str; 2],
        (from, to): (f64, f64),
        interval: (f64, f64),
    ) -> ConfusionShiftRow {
        ConfusionShiftRow {
            regions: vec![region.to_owned()],
            mode: "hide".to_owned(),
            phase: "retrain".to_owned(),
            fill: "mean".to_owned(),
            actual: actual.to_owned(),
            predicted: predicted.to_owned(),
            baseline: from / 100.0,
            covered: to / 100.0,
            change: (to - from) / 100.0,
            low: Some(interval.0 / 100.0),
            high: Some(interval.1 / 100.0),
            seeds: 3,
            images: 200,
            method: "two-way variance components".to_owned(),
            swept: BTreeMap::new(),
        }
    }
}

//! How accuracy went over the epochs, for each condition that has trainings of its own.

use std::collections::BTreeMap;

use crate::plan::Several;
use crate::region::{Masking, Phase};
use crate::store::{EpochRow, RunRow};
use crate::study::Setting;

use crate::report::words::numbers::{extent, mean};

use super::facts::Facts;

/// The trainings of a setting.
#[derive(Debug, Clone)]
pub struct Trainings<'a> {
    /// Of the setting.
    pub facts: &'a Facts,
    /// In order of appearance; never empty.
    pub conditions: Vec<Trained<'a>>,
}

/// The trainings of one condition.
#[derive(Debug, Clone)]
pub struct Trained<'a> {
    /// What the networks were trained on.
    pub name: String,
    pub trainings: Vec<Training<'a>>,
}

/// One network.
#[derive(Debug, Clone)]
pub struct Training<'a> {
    pub epochs: Vec<&'a EpochRow>,
    /// The epoch whose weights were selected.
    pub selected: u32,
}

/// An accuracy over the trainings that reached an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtEpoch {
    pub epoch: u32,
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// A step of the learning rate, at the start of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drop {
    pub epoch: u32,
    /// The rate divided by the one before.
    pub factor: f64,
}

impl<'a> Trainings<'a> {
    /// Controls are left out, and a condition that shares its trainings with an earlier one: its networks are only
    /// evaluated otherwise. `None` where no training has an epoch.
    pub fn of(
        setting: &Setting,
        epochs: &'a [EpochRow],
        facts: &'a Facts,
    ) -> Option<Trainings<'a>> {
        let mut by_training: BTreeMap<&str, Vec<&EpochRow>> = BTreeMap::new();
        for epoch in epochs {
            by_training.entry(&epoch.training_id).or_default().push(epoch);
        }
        let mut conditions: Vec<Trained<'a>> = Vec::new();
        for run in setting.conditions.iter().flat_map(|condition| &condition.runs) {
            let Some(mut epochs) = by_training.remove(run.training_id.as_str()) else { continue };
            epochs.sort_by_key(|epoch| epoch.epoch);
            let training = Training { epochs, selected: run.best_epoch };
            let name = trained(run, facts.several);
            match conditions.iter_mut().find(|condition| condition.name == name) {
                Some(condition) => condition.trainings.push(training),
                None => conditions.push(Trained { name, trainings: vec![training] }),
            }
        }
        (!conditions.is_empty()).then_some(Trainings { facts, conditions })
    }
}

/// What a network was trained on: the condition, or for an amortised network, which is trained under random sets of
/// regions, no single condition.
fn trained(run: &RunRow, several: Several) -> String {
    let Some(Masking { phase: Phase::Amortised, fill, .. }) = run.masking() else {
        return several.label(run.into());
    };
    let choice = several.choice(fill, &run.swept);
    [vec!["amortised network".to_owned()], choice].concat().join(", ")
}

impl Trained<'_> {
    /// A mean over the selected epochs, one a training; NaN of none.
    pub fn at_selected(&self, accuracy: fn(&EpochRow) -> f64) -> f64 {
        let selected: Vec<f64> =
            self.trainings.iter().filter_map(Training::at_selected).map(accuracy).collect();
        mean(&selected)
    }

    /// Epoch by epoch over the trainings that reached it.
    pub fn over_seeds(&self, accuracy: fn(&EpochRow) -> f64) -> Vec<AtEpoch> {
        let mut by_epoch: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for row in self.trainings.iter().flat_map(|training| &training.epochs) {
            let value = accuracy(row);
            if value.is_finite() {
                by_epoch.entry(row.epoch).or_default().push(value);
            }
        }
        let at = |(epoch, values): (u32, Vec<f64>)| {
            let (low, high) = extent(&values);
            AtEpoch { epoch, mean: mean(&values), low, high }
        };
        by_epoch.into_iter().map(at).collect()
    }

    /// Where the learning rate fell at once, over all trainings. Empty where it moves smoothly.
    pub fn drops(&self) -> Vec<Drop> {
        let mut drops: Vec<Drop> = Vec::new();
        for Training { epochs, .. } in &self.trainings {
            let steps = || {
                epochs.windows(2).map(|pair| Drop {
                    epoch: pair[1].epoch,
                    factor: pair[1].learning_rate / pair[0].learning_rate,
                })
            };
            let moves = steps().filter(|step| (step.factor - 1.0).abs() > 1e-6).count();
            if 2 * moves <= epochs.len() {
                drops.extend(steps().filter(|step| step.factor < 0.8));
            }
        }
        drops.sort_by_key(|drop| drop.epoch);
        drops.dedup_by_key(|drop| drop.epoch);
        drops
    }
}

impl<'a> Training<'a> {
    /// Its selected epoch, where that is among them.
    pub fn at_selected(&self) -> Option<&'a EpochRow> {
        self.epochs.iter().copied().find(|epoch| epoch.epoch == self.selected)
    }
}

//! Experiments, conditions, trainings or runs, each compared with the first of them.

use std::collections::BTreeSet;

use crate::analysis::{Comparison, RunScores, Unpaired, compare, holm};
use crate::region::Mode;
use crate::store::{EffectRow, Metric};

use super::finding::{
    effect_significant, excess_interval, excess_significant, interval, significant,
};

/// All that is compared.
#[derive(Debug, Clone)]
pub struct Comparisons {
    pub metric: Metric,
    /// Of the sides; the first is the reference.
    pub names: Vec<String>,
    pub layout: Layout,
}

/// How the sides stand beside each other.
#[derive(Debug, Clone)]
pub enum Layout {
    /// Experiments: by condition, in order of first appearance.
    ByCondition(Vec<OfCondition>),
    /// Conditions, trainings or runs: one each, as they are named.
    EachItself(Vec<Entry>),
}

/// A condition in every experiment.
#[derive(Debug, Clone)]
pub struct OfCondition {
    pub condition: String,
    /// As many as there are names.
    pub entries: Vec<Entry>,
}

/// The runs of a side, and how they differ from the reference.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Of its first run.
    pub experiment: Option<String>,
    pub condition: Option<String>,
    pub seeds: BTreeSet<u64>,
    /// The metric, one a finished run.
    pub levels: Vec<f64>,
    /// `None` for the reference itself.
    pub compared: Option<Result<Comparison, Unpaired>>,
    /// Holm's, over everything that is compared with a reference; `None` where nothing was tested.
    pub p_adjusted: Option<f64>,
}

/// A number that may be none, by its interval and the corrected test of its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// In the metric's own unit.
    pub value: f64,
    /// 95 %; `None` where it cannot be known.
    pub interval: Option<(f64, f64)>,
    /// `None` where there is no interval.
    pub significant: Option<bool>,
}

impl Difference {
    /// `p_adjusted` is that of its family; `None` for a number that is alone.
    pub fn of(value: f64, interval: Option<(f64, f64)>, p_adjusted: Option<f64>) -> Difference {
        Difference { value, interval, significant: significant(interval, p_adjusted) }
    }

    /// What a condition answers to its question: masked, what is lost against whole faces; alone visible, what is reached
    /// beyond chance. `None` where that is not known.
    pub fn asked(row: &EffectRow) -> Option<Difference> {
        Some(match row.mode {
            Mode::Hide => Difference {
                value: row.effect,
                interval: interval(row),
                significant: effect_significant(row),
            },
            Mode::Keep => Difference {
                value: row.excess?,
                interval: excess_interval(row),
                significant: excess_significant(row),
            },
        })
    }
}

impl Comparisons {
    /// Experiments, condition by condition.
    pub fn of_experiments(
        names: &[String],
        scores: &[Vec<RunScores>],
        metric: Metric,
    ) -> Comparisons {
        let conditions = conditions_of(scores).into_iter().map(|condition| {
            let of = |scores: &Vec<RunScores>| -> Vec<RunScores> {
                let alike = |scores: &&RunScores| scores.run().condition == condition;
                scores.iter().filter(alike).cloned().collect()
            };
            let sides: Vec<Vec<RunScores>> = scores.iter().map(of).collect();
            OfCondition { condition, entries: entries(&sides, metric) }
        });
        let mut conditions: Vec<OfCondition> = conditions.collect();
        adjust(conditions.iter_mut().flat_map(|of| &mut of.entries).collect());
        let layout = Layout::ByCondition(conditions);
        Comparisons { metric, names: names.to_vec(), layout }
    }

    /// Conditions, trainings or runs.
    pub fn of_each(names: &[String], scores: &[Vec<RunScores>], metric: Metric) -> Comparisons {
        let mut entries = entries(scores, metric);
        adjust(entries.iter_mut().collect());
        let layout = Layout::EachItself(entries);
        Comparisons { metric, names: names.to_vec(), layout }
    }

    /// What everything is compared with.
    pub fn reference(&self) -> &str {
        &self.names[0]
    }

    /// Of every side but the reference.
    pub fn all(&self) -> impl Iterator<Item = &Result<Comparison, Unpaired>> + Clone {
        let (conditions, each): (&[OfCondition], &[Entry]) = match &self.layout {
            Layout::ByCondition(conditions) => (conditions, &[]),
            Layout::EachItself(entries) => (&[], entries),
        };
        let of_conditions = conditions.iter().flat_map(|condition| &condition.entries);
        of_conditions.chain(each).filter_map(|entry| entry.compared.as_ref())
    }
}

impl Entry {
    /// `None` for the reference, and where nothing is paired.
    pub fn difference(&self) -> Option<Difference> {
        let estimate = &self.compared.as_ref()?.as_ref().ok()?.estimate;
        Some(Difference::of(estimate.mean, estimate.interval, self.p_adjusted))
    }

    /// Uncorrected.
    pub fn p(&self) -> Option<f64> {
        self.compared.as_ref()?.as_ref().ok()?.estimate.p
    }
}

/// Holm's correction over all that stands beside each other.
fn adjust(mut entries: Vec<&mut Entry>) {
    let p: Vec<Option<f64>> = entries.iter().map(|entry| entry.p()).collect();
    for (entry, adjusted) in entries.iter_mut().zip(holm(&p)) {
        entry.p_adjusted = adjusted;
    }
}

fn entries(sides: &[Vec<RunScores>], metric: Metric) -> Vec<Entry> {
    let entry = |(place, scores): (usize, &Vec<RunScores>)| {
        let first = scores.first().map(RunScores::run);
        let done = scores.iter().filter(|scores| scores.run().status.is_done());
        Entry {
            experiment: first.map(|run| run.experiment.clone()),
            condition: first.map(|run| run.condition.clone()),
            seeds: scores.iter().map(|scores| scores.run().seed).collect(),
            levels: done.filter_map(|scores| metric.level(scores)).collect(),
            compared: (place > 0).then(|| compare(&sides[0], scores, metric)),
            p_adjusted: None,
        }
    };
    sides.iter().enumerate().map(entry).collect()
}

/// Condition names in order of first appearance.
fn conditions_of(scores: &[Vec<RunScores>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = scores.iter().flatten().map(|scores| &scores.run().condition);
    names.filter(|name| seen.insert((*name).clone())).cloned().collect()
}

//! One choice of every swept key, and all that was done under it.

use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::Split;
use crate::experiment::Statistics;
use crate::plan::{ConditionName, Swept};
use crate::region::{Masking, Phase};
use crate::store::{ConfusionRow, RunRow};

use super::grouping::by_condition;
use super::{failures, seeds};

/// A setting, whose numbers are compared with its own chance and its own whole faces.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Empty where nothing is swept.
    pub swept: Swept,
    /// The data sets' kinds, as in the experiment file, each once, and their parts for testing where they have names.
    pub datasets: Vec<(String, Option<String>)>,
    /// In class order; none where no run has predictions.
    pub classes: Vec<String>,
    /// Those that no network of whole faces predicted for any test image, as far as there are predictions.
    pub unpredicted: Vec<String>,
    /// Test images.
    pub images: u64,
    /// The accuracy of the best constant prediction: the share of test images in the commonest class. An image whose
    /// votes tie is shared out.
    pub chance: Option<f64>,
    /// Batch normalisation's statistics in the evaluations.
    pub statistics: Statistics,
    pub seeds: usize,
    /// Of all runs, controls among them.
    pub runs: usize,
    /// Runs that failed and are missing from every number.
    pub failed: usize,
    /// Whether its networks were trained elsewhere: finished runs have no epochs.
    pub foreign: bool,
    /// In the order of the runs, whole faces first as a rule; never empty.
    pub conditions: Vec<Condition>,
}

/// A condition of a setting: the runs that differ in their seed alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Sorted; empty for whole faces.
    pub regions: Vec<String>,
    /// `None` for whole faces.
    pub masking: Option<Masking>,
    /// In the order of the table, finished or not.
    pub runs: Vec<RunRow>,
    /// The same area elsewhere, of every seed and placement.
    pub controls: Vec<RunRow>,
}

impl Setting {
    pub(super) fn of(swept: &Swept, runs: &[&RunRow], confusion: &[&ConfusionRow]) -> Setting {
        let mut datasets: Vec<(String, Option<String>)> = Vec::new();
        for run in runs {
            let dataset = (run.dataset.clone(), run.test_part.clone());
            if !datasets.contains(&dataset) {
                datasets.push(dataset);
            }
        }
        let (classes, counts) = classes(confusion);
        let sum: f64 = counts.iter().sum();
        let commonest = counts.iter().copied().fold(0.0, f64::max);
        Setting {
            swept: swept.clone(),
            datasets,
            unpredicted: unpredicted(&classes, runs, confusion),
            classes,
            // A tied image's parts sum to it but for rounding.
            images: sum.round() as u64,
            chance: (sum > 0.0).then(|| commonest / sum),
            statistics: runs.last().map_or(Statistics::Trained, |run| run.statistics),
            seeds: seeds(runs),
            runs: runs.len(),
            failed: failures(runs),
            foreign: is_foreign(runs),
            conditions: conditions(runs),
        }
    }

    /// Of every condition; the order within a condition is that of the table.
    pub fn all_runs(&self) -> impl Iterator<Item = &RunRow> {
        self.conditions
            .iter()
            .flat_map(|condition| condition.runs.iter().chain(&condition.controls))
    }

    pub fn whole(&self) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.masking.is_none())
    }

    /// Networks that saw nothing but where the regions lie.
    pub fn mask_only_baseline(&self) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.is_mask_only())
    }

    /// Where regions of faces are masked.
    pub fn masked(&self) -> impl Iterator<Item = &Condition> {
        let faces =
            |condition: &&Condition| condition.masking.is_some() && !condition.is_mask_only();
        self.conditions.iter().filter(faces)
    }
}

impl Condition {
    fn is_mask_only(&self) -> bool {
        self.masking.is_some_and(|masking| masking.phase == Phase::Masks)
    }

    pub fn name(&self) -> ConditionName<'_> {
        let run = self.runs.first().or(self.controls.first()).expect("a condition has a run");
        ConditionName { control: false, draw: None, ..ConditionName::from(run) }
    }

    /// The finished runs.
    pub fn done(&self) -> impl Iterator<Item = &RunRow> {
        self.runs.iter().filter(|run| run.status.is_done())
    }

    /// Test accuracies, one a finished run.
    pub fn accuracies(&self) -> Vec<f64> {
        self.runs.iter().filter_map(|run| run.test_accuracy).collect()
    }
}

fn is_foreign(runs: &[&RunRow]) -> bool {
    let mut done = runs.iter().filter(|run| run.status.is_done()).peekable();
    done.peek().is_some() && done.all(|run| run.epochs == 0)
}

/// The classes that no finished run of whole faces predicted for any test image; none where there is no such run.
fn unpredicted(classes: &[String], runs: &[&RunRow], confusion: &[&ConfusionRow]) -> Vec<String> {
    let whole = runs.iter().filter(|run| run.masking().is_none() && run.status.is_done());
    let whole: BTreeSet<&str> = whole.map(|run| run.run_id.as_str()).collect();
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    let of_test = confusion.iter().filter(|row| row.split == Split::Test);
    for row in of_test.filter(|row| whole.contains(row.run_id.as_str())) {
        *counts.entry(&row.predicted).or_default() += row.count;
    }
    let never = |class: &&String| counts.get(class.as_str()) == Some(&0.0);
    classes.iter().filter(never).cloned().collect()
}

/// The classes in their order and how many test images show each. Every run of a setting meets the same
/// images, so that one run's counts stand for all.
fn classes(confusion: &[&ConfusionRow]) -> (Vec<String>, Vec<f64>) {
    let (mut classes, mut counts): (Vec<String>, Vec<f64>) = (Vec::new(), Vec::new());
    let of_test = || confusion.iter().filter(|row| row.split == Split::Test);
    let Some(first) = of_test().next() else { return (classes, counts) };
    for row in of_test().filter(|row| row.run_id == first.run_id) {
        let place = classes.iter().position(|class| *class == row.actual);
        let place = place.unwrap_or_else(|| {
            classes.push(row.actual.clone());
            counts.push(0.0);
            classes.len() - 1
        });
        counts[place] += row.count;
    }
    (classes, counts)
}

fn conditions(runs: &[&RunRow]) -> Vec<Condition> {
    let owned = |runs: Vec<&RunRow>| runs.into_iter().cloned().collect();
    let conditions = by_condition(runs, |run| run).into_iter();
    conditions
        .map(|of| Condition {
            regions: of.regions.to_vec(),
            masking: of.masking,
            runs: owned(of.runs),
            controls: owned(of.controls),
        })
        .collect()
}

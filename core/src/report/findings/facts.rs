//! The conditions of a study, for subtitles.

use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::Split;
use crate::experiment::Statistics;
use crate::store::{ConfusionRow, RunRow, RunStatus};

use crate::report::words::label::Several;
use crate::report::words::numbers::counted;

/// What every figure of an experiment has in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The data set as readers know it: `FER+`.
    pub dataset: String,
    /// In class order.
    pub classes: Vec<String>,
    /// Test images.
    pub images: u64,
    pub seeds: usize,
    pub runs: usize,
    /// Runs that failed and are missing from every number.
    pub failed: usize,
    /// The share of test images in the commonest class: the accuracy of an answer without looking.
    pub chance: Option<f64>,
    /// Test accuracies of the finished runs, where no run covers anything.
    pub whole_only: Vec<f64>,
    /// What trained it, each way once: `fer-lab 0.1.0, libtorch 2.13.0, cpu (…), f32, 1 thread`.
    pub origins: Vec<String>,
    pub several: Several,
    /// Batch normalisation's statistics in the examinations under each choice of the swept keys.
    pub statistics: BTreeMap<BTreeMap<String, String>, Statistics>,
}

impl Facts {
    /// Gathered from an experiment's tables.
    pub fn gather(runs: &[RunRow], confusion: &[ConfusionRow]) -> Facts {
        let mut datasets: Vec<String> = Vec::new();
        for name in runs.iter().map(|run| dataset_name(&run.dataset)) {
            if !datasets.contains(&name) {
                datasets.push(name);
            }
        }
        let seeds: BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
        let mut facts = Facts {
            dataset: datasets.join(", "),
            seeds: seeds.len(),
            runs: runs.len(),
            failed: runs.iter().filter(|run| matches!(run.status, RunStatus::Failed(_))).count(),
            whole_only: whole_only(runs),
            origins: origins(runs),
            several: Several::of_runs(runs),
            statistics: runs.iter().map(|run| (run.swept.clone(), run.statistics)).collect(),
            ..Facts::default()
        };
        // Every run meets the same images, so that one run's counts stand for all.
        let Some(first) = confusion.iter().find(|row| row.split == Split::Test) else {
            return facts;
        };
        let mut by_class: BTreeMap<&str, u64> = BTreeMap::new();
        for row in
            confusion.iter().filter(|row| row.run_id == first.run_id && row.split == Split::Test)
        {
            if !by_class.contains_key(row.actual.as_str()) {
                facts.classes.push(row.actual.clone());
            }
            *by_class.entry(&row.actual).or_default() += row.count;
        }
        facts.images = by_class.values().sum();
        let commonest = by_class.values().max().copied().unwrap_or(0);
        facts.chance = (facts.images > 0).then(|| commonest as f64 / facts.images as f64);
        facts
    }

    /// `FER+ · 3,137 test images · 3 seeds`
    pub fn subtitle(&self) -> String {
        let mut parts = Vec::new();
        if !self.dataset.is_empty() {
            parts.push(self.dataset.clone());
        }
        if self.images > 0 {
            parts.push(counted(self.images, "test image"));
        }
        if self.seeds > 0 {
            parts.push(counted(self.seeds as u64, "seed"));
        }
        if self.failed > 0 {
            parts.push(format!("{} of {} failed", self.failed, counted(self.runs as u64, "run")));
        }
        parts.join(" · ")
    }
}

/// Test accuracies of an experiment that covers nothing; empty for any other.
fn whole_only(runs: &[RunRow]) -> Vec<f64> {
    if runs.iter().any(|run| !run.regions.is_empty()) {
        return Vec::new();
    }
    runs.iter().filter_map(|run| run.test_accuracy).collect()
}

/// Where numbers come from, in the order of the runs.
fn origins(runs: &[RunRow]) -> Vec<String> {
    let mut origins = Vec::new();
    for run in runs.iter().filter(|run| run.status.is_done()) {
        let RunRow { fer_lab, libtorch, device, processor, precision, threads, .. } = run;
        let mut origin = format!("fer-lab {fer_lab}, libtorch {libtorch}, {device}");
        if !processor.is_empty() {
            origin += &format!(" ({processor})");
        }
        origin += &format!(", {precision}");
        if device == "cpu" {
            origin += &format!(", {}", counted(u64::from(*threads), "thread"));
        }
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

/// A data set's kind as its readers write it.
pub fn dataset_name(kind: &str) -> String {
    match kind {
        "ferplus" => "FER+".to_owned(),
        "rafdb" => "RAF-DB".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::report::words::label::tests::run;

    /// Counts of one run, `counts[actual][predicted]`.
    pub fn counts(run_id: &str, classes: &[&str], counts: &[&[u64]]) -> Vec<ConfusionRow> {
        let mut rows = Vec::new();
        for (actual, row) in classes.iter().zip(counts) {
            for (predicted, count) in classes.iter().zip(*row) {
                rows.push(ConfusionRow {
                    run_id: run_id.to_owned(),
                    split: Split::Test,
                    actual: (*actual).to_owned(),
                    predicted: (*predicted).to_owned(),
                    count: *count,
                });
            }
        }
        rows
    }

    #[test]
    fn facts_come_from_the_tables() {
        let mut failed = run(&["eyes"], "hide", 2);
        failed.status = RunStatus::Failed("the loss is not finite at epoch 3".to_owned());
        failed.dataset = "ferplus".to_owned();
        let mut whole = run(&[], "none", 1);
        whole.dataset = "ferplus".to_owned();
        let mut confusion = counts("a", &["sad", "glad"], &[&[60, 10], &[5, 25]]);
        confusion.extend(counts("b", &["sad", "glad"], &[&[70, 0], &[30, 0]]));
        let facts = Facts::gather(&[whole, failed], &confusion);
        assert_eq!(facts.classes, ["sad", "glad"]);
        assert_eq!(facts.images, 100);
        assert_eq!(facts.chance, Some(0.7));
        assert!(facts.whole_only.is_empty(), "eyes are hidden in one run");
        assert_eq!(Facts::gather(&[run(&[], "none", 1)], &confusion).whole_only, [0.83]);
        assert_eq!(
            facts.origins,
            ["fer-lab 0.1.0 (1a2b3c4d5e6f), libtorch 2.13.0, cpu (a processor), f32, 1 thread"]
        );
        assert_eq!(facts.subtitle(), "FER+ · 100 test images · 2 seeds · 1 of 2 runs failed");
    }

    #[test]
    fn without_rows_there_is_nothing_to_say() {
        assert_eq!(Facts::gather(&[], &[]).subtitle(), "");
    }
}

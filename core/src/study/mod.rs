//! A study as the program believes it.
//!
//! In: the rows of runs and of confusion counts, as an experiment's tables hold them. Out: a [`Study`]: its
//! settings in the order of the experiment file, each with its own classes, test images and chance, its
//! whole faces, masked conditions with their controls, and the mask-only baseline. Which rows belong together is
//! decided here and nowhere else. This room opens no file, estimates nothing and knows no word of English but
//! the names of conditions.

mod grouping;
mod setting;

use std::collections::{BTreeMap, BTreeSet};

use crate::experiment::Statistics;
use crate::plan::{ConditionName, Several, Swept};
use crate::region::Phase;
use crate::store::{ConfusionRow, RunRow, RunStatus};

pub use grouping::{OfCondition, OfSetting, by_condition, by_setting};
pub use setting::{Condition, Setting};

/// All that the tables say of what was done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Study {
    /// In the order of the experiment file; one, of nothing, where nothing is swept.
    pub settings: Vec<Setting>,
    /// As the table of runs has them: setting by setting.
    pub runs: Vec<RunRow>,
    /// What there are several of, over all settings.
    pub several: Several,
    /// What trained it, each way once, as parts: program, library, device …
    pub origins: Vec<Origin>,
}

/// What a number comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub fer_lab: String,
    pub libtorch: String,
    pub device: String,
    /// May be empty.
    pub processor: String,
    pub precision: String,
    /// `None` where it was no CPU.
    pub threads: Option<u32>,
}

impl Study {
    /// What rows of runs and of confusion counts say.
    pub fn of(runs: Vec<RunRow>, confusion: &[ConfusionRow]) -> Study {
        let by_setting = by_setting(runs.iter(), |run| run);
        let of_run: BTreeMap<&str, usize> = by_setting
            .iter()
            .enumerate()
            .flat_map(|(place, of)| of.runs.iter().map(move |run| (&*run.run_id, place)))
            .collect();
        let mut counts: Vec<Vec<&ConfusionRow>> = vec![Vec::new(); by_setting.len()];
        for row in confusion {
            if let Some(place) = of_run.get(row.run_id.as_str()) {
                counts[*place].push(row);
            }
        }
        let settings = by_setting
            .iter()
            .zip(&counts)
            .map(|(of, counts)| Setting::of(of.swept, &of.runs, counts))
            .collect();
        let (several, origins) = (several(&runs), origins(&runs));
        Study { settings, several, origins, runs }
    }

    /// Whether it has more than one setting.
    pub fn sweeps(&self) -> bool {
        self.settings.len() > 1
    }

    /// Batch normalisation's statistics in the evaluations of each setting.
    pub fn statistics(&self) -> BTreeMap<Swept, Statistics> {
        self.settings.iter().map(|setting| (setting.swept.clone(), setting.statistics)).collect()
    }

    /// Whether any network was trained for it.
    pub fn trains(&self) -> bool {
        self.settings.iter().any(|setting| !setting.foreign)
    }

    /// How many runs failed.
    pub fn failed(&self) -> usize {
        self.settings.iter().map(|setting| setting.failed).sum()
    }
}

impl<'a> From<&'a RunRow> for ConditionName<'a> {
    fn from(run: &'a RunRow) -> ConditionName<'a> {
        ConditionName {
            regions: &run.regions,
            masking: run.masking(),
            control: run.control,
            draw: run.draw,
            swept: &run.swept,
        }
    }
}

/// What the maskings of runs have several of.
pub fn several(runs: &[RunRow]) -> Several {
    let choices = runs.iter().filter_map(|run| {
        let masking = run.masking().filter(|masking| masking.phase != Phase::Masks)?;
        Some((masking.phase, masking.fill, &run.swept))
    });
    let mut several = Several::of(choices);
    several.settings |= runs.iter().any(|run| run.swept != runs[0].swept);
    several
}

/// In the order of the runs.
fn origins(runs: &[RunRow]) -> Vec<Origin> {
    let mut origins = Vec::new();
    for run in runs.iter().filter(|run| run.status.is_done()) {
        let origin = Origin {
            fer_lab: run.fer_lab.clone(),
            libtorch: run.libtorch.clone(),
            device: run.device.clone(),
            processor: run.processor.clone(),
            precision: run.precision.clone(),
            threads: (run.device == "cpu").then_some(run.threads),
        };
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

/// How many seeds and how many failures.
fn seeds(runs: &[&RunRow]) -> usize {
    runs.iter().map(|run| run.seed).collect::<BTreeSet<u64>>().len()
}

fn failures(runs: &[&RunRow]) -> usize {
    runs.iter().filter(|run| matches!(run.status, RunStatus::Failed(_))).count()
}

#[cfg(test)]
pub(crate) mod tests;

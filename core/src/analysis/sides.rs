//! The sides of a comparison, looked up by name, and their scores. Beside
//! [`tables`](super::tables) this file reads the results folder.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use thiserror::Error;

use super::scores::RunScores;
use super::tables::{TablesError, read_scores};
use crate::experiment::suggest;
use crate::region::Phase;
use crate::store::{AllRuns, LookupError, Named, Results, RunRow, StoreError};
use crate::study;

/// The meaning of one name.
#[derive(Debug, Clone, PartialEq)]
pub enum Side {
    Experiment(String),
    /// A condition of an experiment, by its name in `runs.parquet`.
    Condition(String, String),
    /// A run, and an experiment that has it.
    Run(String, String),
}

/// Why a name is no side.
#[derive(Debug, Error)]
pub enum SideError {
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("`{experiment}` has no condition `{condition}`: {help}")]
    NoCondition { experiment: String, condition: String, help: String },
    #[error("no experiment has a run of the training {training}")]
    NoRun { training: String },
    #[error("the training {training} is evaluated in {count} runs, name one: {runs}")]
    SeveralRuns { training: String, count: usize, runs: String },
}

impl Side {
    /// Looks up a side by name. Damaged tables, which could not be searched, are added to
    /// `damaged`.
    ///
    /// # Errors
    /// Where the name matches none, or several.
    pub fn find(
        results: &Results,
        word: &str,
        damaged: &mut Vec<StoreError>,
    ) -> Result<Side, SideError> {
        if let Some((experiment, condition)) = word.split_once(':') {
            let runs = results.runs(experiment)?;
            // As it is typed, or as charts and tables label it.
            let several = study::several(&runs);
            let named = |run: &&RunRow| {
                run.condition == condition || several.label((*run).into()) == condition
            };
            let Some(run) = runs.iter().find(named) else {
                let names: BTreeSet<&str> = runs.iter().map(|run| run.condition.as_str()).collect();
                let names: Vec<&str> = names.into_iter().collect();
                return Err(SideError::NoCondition {
                    experiment: experiment.to_owned(),
                    condition: condition.to_owned(),
                    help: suggest::help(condition, "its conditions are", &names),
                });
            };
            return Ok(Side::Condition(experiment.to_owned(), run.condition.clone()));
        }
        match results.find(word)? {
            Named::Experiment(name) => Ok(Side::Experiment(name)),
            Named::Run(run) => Ok(Side::Run(run.experiment, run.run_id)),
            Named::Training(id) => {
                let mut all = results.all_runs()?;
                damaged.append(&mut all.damaged);
                let run = run_of(&all, &id)?;
                Ok(Side::Run(run.experiment.clone(), run.run_id.clone()))
            }
        }
    }

    pub fn is_experiment(&self) -> bool {
        matches!(self, Side::Experiment(_))
    }

    fn experiment(&self) -> &str {
        match self {
            Side::Experiment(name) | Side::Condition(name, _) | Side::Run(name, _) => name,
        }
    }

    fn has(&self, run: &RunRow) -> bool {
        match self {
            Side::Experiment(_) => true,
            Side::Condition(_, condition) => run.condition == *condition,
            Side::Run(_, id) => run.run_id == *id,
        }
    }
}

/// The run in which a training is evaluated as it was trained: on whole faces, or masked as in training.
fn run_of<'a>(all: &'a AllRuns, training: &str) -> Result<&'a RunRow, SideError> {
    let mut runs: BTreeMap<&str, &RunRow> = BTreeMap::new();
    for run in all.runs().filter(|run| run.training_id == training) {
        runs.entry(&run.run_id).or_insert(run);
    }
    let as_trained = |run: &&&RunRow| matches!(run.phase, None | Some(Phase::Retrain));
    let own: Vec<&RunRow> = runs.values().filter(as_trained).copied().collect();
    let training = training.to_owned();
    match (own.as_slice(), runs.len()) {
        ([run], _) => Ok(run),
        (_, 0) => Err(SideError::NoRun { training }),
        (_, count) => {
            let names = runs.values().map(|run| format!("{} ({})", run.run_id, run.condition));
            let runs = names.collect::<Vec<String>>().join(", ");
            Err(SideError::SeveralRuns { training, count, runs })
        }
    }
}

/// The scores of each side. Every experiment is read once.
///
/// # Errors
/// As of [`read_scores`].
pub fn scores_of(results: &Results, sides: &[Side]) -> Result<Vec<Vec<RunScores>>, TablesError> {
    let experiments: BTreeSet<&str> = sides.iter().map(Side::experiment).collect();
    let read: BTreeMap<&str, Vec<RunScores>> = experiments
        .into_par_iter()
        .map(|name| {
            let wanted =
                |run: &RunRow| sides.iter().any(|side| side.experiment() == name && side.has(run));
            Ok((name, read_scores(results, name, &wanted)?))
        })
        .collect::<Result<_, TablesError>>()?;
    let of = |side: &Side| {
        let scores = read[side.experiment()].iter();
        scores.filter(|scores| side.has(scores.run())).cloned().collect()
    };
    Ok(sides.iter().map(of).collect())
}

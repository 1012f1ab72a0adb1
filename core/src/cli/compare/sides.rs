//! What the arguments of `compare` name, and how it is read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{anyhow, bail};
use rayon::prelude::*;

use crate::analysis::{RunScores, TablesError, read_scores};
use crate::cli::output;
use crate::experiment::suggest;
use crate::region::Phase;
use crate::report::Several;
use crate::store::{Named, Results, RunRow};

/// What one argument stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Side {
    Experiment(String),
    /// A condition of an experiment, by its name in `runs.parquet`.
    Condition(String, String),
    /// A run, and an experiment that has it.
    Run(String, String),
}

impl Side {
    /// The side that a word names.
    pub fn find(results: &Results, word: &str) -> anyhow::Result<Side> {
        if let Some((experiment, condition)) = word.split_once(':') {
            let runs = results.runs(experiment)?;
            // As the table has it, or as charts and reports write it.
            let several = Several::of_runs(&runs);
            let named = |run: &&RunRow| {
                [run.condition.clone(), several.run(run)].contains(&condition.to_owned())
            };
            let Some(run) = runs.iter().find(named) else {
                let names: BTreeSet<&str> = runs.iter().map(|run| run.condition.as_str()).collect();
                let names: Vec<&str> = names.into_iter().collect();
                let help = suggest::help(condition, "its conditions are", &names);
                bail!("`{experiment}` has no condition `{condition}`: {help}");
            };
            return Ok(Side::Condition(experiment.to_owned(), run.condition.clone()));
        }
        match results.find(word)? {
            Named::Experiment(name) => Ok(Side::Experiment(name)),
            Named::Run(run) => Ok(Side::Run(run.experiment, run.run_id)),
            Named::Training(id) => {
                let run = run_of(results, &id)?;
                Ok(Side::Run(run.experiment, run.run_id))
            }
        }
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

/// The run in which a training is examined as it was trained: on whole faces, or covered as in training.
fn run_of(results: &Results, training: &str) -> anyhow::Result<RunRow> {
    let all = results.all_runs()?;
    for error in &all.damaged {
        output::warning(error);
    }
    let mut runs: BTreeMap<&str, &RunRow> = BTreeMap::new();
    for run in all.runs().filter(|run| run.training_id == training) {
        runs.entry(&run.run_id).or_insert(run);
    }
    let own: Vec<&&RunRow> =
        runs.values().filter(|run| matches!(run.phase, None | Some(Phase::Retrain))).collect();
    match (own.as_slice(), runs.len()) {
        ([run], _) => Ok((**run).clone()),
        (_, 0) => Err(anyhow!("no experiment has a run of the training {training}")),
        _ => {
            let names = runs.values().map(|run| format!("{} ({})", run.run_id, run.condition));
            let names: Vec<String> = names.collect();
            Err(anyhow!(
                "the training {training} is examined in {} runs, name one: {}",
                runs.len(),
                names.join(", ")
            ))
        }
    }
}

/// The scores of each side. Every experiment is read once.
pub fn read(results: &Results, sides: &[Side]) -> anyhow::Result<Vec<Vec<RunScores>>> {
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

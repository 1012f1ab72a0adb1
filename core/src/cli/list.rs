//! `fer-lab list`

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use rayon::prelude::*;

use super::selection::Selection;
use super::{Exit, Options, output};
use crate::report::listing::{
    EXPERIMENTS, RUNS_OF_ALL, TRAININGS, TrainingEntry, experiments_table, runs_table,
    trainings_table,
};
use crate::report::{Format, counted};
use crate::store::{AllRuns, ConfusionRow, Results, RunRow, StoreError, read_table};
use crate::study::Study;

/// List experiments, runs or trainings in the results folder
///
/// With `--where`, as in `fer-lab list --where 'mode = "hide" and test_accuracy > 0.8'`, runs are listed, because they
/// have the columns that most expressions use.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to list; default `experiments`, with `--where` `runs`
    #[arg(value_enum)]
    what: Option<What>,
    #[command(flatten)]
    selection: Selection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// One row per experiment
    Experiments,
    /// One row per run: a condition and a seed of an experiment
    Runs,
    /// One row per training, with its settings and the experiments that use it
    Trainings,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let all = results.all_runs()?;
    for error in &all.damaged {
        output::warning(error);
    }
    for name in &all.without_runs {
        output::warning(&format!(
            "`{name}` is not listed: it has no runs.parquet, because it is still running, was interrupted, or the \
             table was lost; `fer-lab run` with its experiment file writes it"
        ));
    }
    let selection = &arguments.selection;
    let otherwise = if selection.condition.is_some() { What::Runs } else { What::Experiments };
    let what = arguments.what.unwrap_or(otherwise);
    let (table, few) = match what {
        What::Experiments => (experiments_table(&studies(&results, &all)?), &EXPERIMENTS[..]),
        What::Runs => {
            let runs: Vec<_> = all.runs().collect();
            (runs_table(runs.iter().copied()), &RUNS_OF_ALL[..])
        }
        What::Trainings => (trainings_table(trainings(&results, &all)?), &TRAININGS[..]),
    };
    let table = selection.apply(table, few, options.format)?;
    output::table(&table, options.format)?;
    if what == What::Experiments && options.format == Format::Table {
        let trainings = results.trainings()?.len() as u64;
        let folder = results.root().display();
        output::text(&format!("\n{} in {folder}\n", counted(trainings, "training")))?;
    }
    Ok(Exit::Done)
}

/// The study of every experiment; without chance where its table of confusions cannot be read.
fn studies(results: &Results, all: &AllRuns) -> anyhow::Result<Vec<(String, Study)>> {
    let of = |(name, runs): &(String, Vec<RunRow>)| -> anyhow::Result<(String, Study)> {
        let confusion: Vec<ConfusionRow> =
            match read_table(&results.table_path::<ConfusionRow>(name)?) {
                Ok(rows) => rows,
                // Nothing is done yet.
                Err(StoreError::NotFound { .. }) => Vec::new(),
                Err(error) => {
                    output::warning(&error);
                    Vec::new()
                }
            };
        Ok((name.clone(), Study::of(runs.clone(), &confusion)))
    };
    all.by_experiment.par_iter().map(of).collect()
}

/// Every training, with the experiments whose runs use it.
fn trainings(results: &Results, all: &AllRuns) -> anyhow::Result<Vec<TrainingEntry>> {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, runs) in &all.by_experiment {
        for run in runs {
            let users = users.entry(&run.training_id).or_default();
            if users.last() != Some(&name.as_str()) {
                users.push(name);
            }
        }
    }
    let none = Vec::new();
    let read: Vec<(TrainingEntry, Option<StoreError>)> = results
        .trainings()?
        .into_par_iter()
        .map(|id| {
            let (manifest, damage) = match results.manifest_if_any(&id) {
                Ok(manifest) => (manifest, None),
                Err(error) => (None, Some(error)),
            };
            let users = users.get(id.as_str()).unwrap_or(&none);
            (TrainingEntry::new(&id, manifest, users), damage)
        })
        .collect();
    let (entries, damaged): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    for error in damaged.into_iter().flatten() {
        output::warning(&error);
    }
    Ok(entries)
}

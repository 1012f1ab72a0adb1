//! `fer-lab diff`

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;
use clap::Args;
use serde_json::Value;

use super::{Exit, Options, output};
use crate::experiment::{self, Experiment};
use crate::report::{Format, counted, flat, settings_table};
use crate::store::{Named, Results};

/// Show the settings in which two experiments, trainings, runs or files differ
///
/// Defaults are filled in first, so a default that only one of the files spells out is no difference. A training has
/// no seeds and no study: compared with an experiment, these appear on one side only.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An experiment's name, the id (or its beginning) of a training or run, or an experiment file
    #[arg(value_name = "A")]
    pub(super) a: String,
    /// What to compare it with
    #[arg(value_name = "B")]
    pub(super) b: String,
    /// List equal settings too
    #[arg(long)]
    all: bool,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let (a, b) = (settings(&arguments.a, options)?, settings(&arguments.b, options)?);
    let sides = ((arguments.a.as_str(), &a), (arguments.b.as_str(), &b));
    let differences = settings_table(sides.0, sides.1, false);
    let people = matches!(options.format, Format::Table | Format::Markdown | Format::Latex);
    if differences.is_empty() && people {
        output::text(&format!("no differences; {} equal\n", counted(a.len() as u64, "key")))?;
    }
    if arguments.all {
        output::table(&settings_table(sides.0, sides.1, true), options.format)?;
    } else if !(differences.is_empty() && people) {
        output::table(&differences, options.format)?;
    }
    Ok(Exit::Done)
}

/// The settings that a word names, by dotted key.
fn settings(word: &str, options: &Options) -> anyhow::Result<BTreeMap<String, Value>> {
    let path = Path::new(word);
    let looks_like_file = path.extension().is_some_and(|extension| extension == "toml");
    if looks_like_file && path.is_file() {
        return Ok(flat(options.experiment(path)?.describe()));
    }
    let results = Results::open(&options.results)?;
    match results.find(word) {
        Ok(Named::Experiment(name)) => Ok(flat(stored(&results, &name)?.describe())),
        Ok(Named::Training(id)) => of_training(&results, &id),
        Ok(Named::Run(run)) => of_training(&results, &run.training_id),
        Err(_) if looks_like_file => bail!("there is no file `{word}`"),
        Err(error) => Err(error.into()),
    }
}

/// The experiment as it was run.
fn stored(results: &Results, name: &str) -> anyhow::Result<Experiment> {
    let path = results.experiment_dir(name)?.join("experiment.toml");
    let text = results.experiment_text(name)?;
    Ok(experiment::parse_whole(&text, &path.display().to_string())?)
}

fn of_training(results: &Results, id: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let manifest = results.manifest(id)?;
    let mut settings = flat(manifest.settings);
    settings.insert("seed".to_owned(), manifest.seed.into());
    Ok(settings)
}

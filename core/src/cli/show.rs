//! `fer-lab show`

use anyhow::bail;
use clap::Args;

use super::selection::Selection;
use super::{Exit, Options, output};
use crate::report::listing::{RUNS_OF_ONE, epochs_table, runs_table, training_table};
use crate::report::{Format, Table};
use crate::store::{Manifest, Named, Results, RunRow, StoreError, TrainingStatus};

/// Show an experiment's runs, or one training or run in full
///
/// For a training or run: its outcome, its settings, then its epochs, to which the flags for rows and columns
/// apply. `--format csv` gives the epochs alone, `--format json` the manifest, with
/// the epochs under `history` (and the run under `run`).
#[derive(Debug, Args)]
pub struct Arguments {
    /// The name of an experiment, or the id (or its beginning) of a training or run
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    selection: Selection,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let selection = &arguments.selection;
    match results.find(&arguments.id)? {
        Named::Experiment(name) => {
            let runs = results.runs(&name)?;
            let table = selection.apply(runs_table(runs.iter()), &RUNS_OF_ONE, options.format)?;
            output::table(&table, options.format)?;
        }
        Named::Training(id) => describe(&results, &id, None, selection, options.format)?,
        Named::Run(run) => {
            describe(&results, &run.training_id, Some(&run), selection, options.format)?;
        }
    }
    Ok(Exit::Done)
}

fn describe(
    results: &Results,
    training: &str,
    run: Option<&RunRow>,
    selection: &Selection,
    format: Format,
) -> anyhow::Result<()> {
    let manifest = match results.manifest(training) {
        Err(StoreError::NotFound { .. }) => bail!(
            "training {training} has not ended yet: `fer-lab logs {training}` shows its progress"
        ),
        read => read?,
    };
    let epochs = match results.epochs(training) {
        Ok(epochs) => epochs,
        Err(StoreError::NotFound { path }) => {
            // A training that is done has epochs.
            if manifest.status == TrainingStatus::Done {
                output::warning(&format!("`{}` is missing: its epochs are lost", path.display()));
            }
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    // An error in the selection comes before any output.
    let table: Table = selection.apply(epochs_table(&epochs), &[], format)?;
    if matches!(format, Format::Table | Format::Markdown | Format::Latex) {
        output::table(&training_table(&manifest, run), format)?;
        output::text("\n")?;
        if epochs.is_empty() {
            return output::text("no epochs are stored\n");
        }
    }
    match format {
        Format::Json => output::data(&json(&manifest, run, &table)?),
        other => output::table(&table, other),
    }
}

/// The manifest, with the epochs under `history`, and the run under `run` where that is asked for.
fn json(manifest: &Manifest, run: Option<&RunRow>, epochs: &Table) -> anyhow::Result<String> {
    let rows = |table: &Table| -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_str(&table.render(Format::Json, usize::MAX)?)?)
    };
    let mut value = serde_json::to_value(manifest)?;
    value["history"] = rows(epochs)?;
    if let Some(run) = run {
        value["run"] = rows(&runs_table(std::iter::once(run)))?[0].clone();
    }
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

//! `fer-lab show`

use anyhow::bail;
use clap::Args;

use super::{Exit, Options, output};
use crate::report::{Cell, Column, Format, Table};
use crate::store::{EpochRow, Manifest, Results, RunRow, StoreError, read_table};

/// One experiment's runs, one training or one run in full
#[derive(Debug, Args)]
pub struct Arguments {
    /// The name of an experiment, or the id (or its beginning) of a training or run
    #[arg(value_name = "ID")]
    id: String,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let id = arguments.id.as_str();
    let experiments = results.experiments()?;
    if experiments.iter().any(|name| name == id) {
        let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>(id)?)?;
        output::answer(&runs_table(&runs).render(options.format, output::width())?)?;
        return Ok(Exit::Done);
    }
    let mut found: Vec<String> =
        results.trainings()?.into_iter().filter(|training| training.starts_with(id)).collect();
    let mut run = None;
    if found.is_empty() {
        run = find_run(&results, &experiments, id)?;
        found.extend(run.iter().map(|run| run.training_id.clone()));
    }
    match found.as_slice() {
        [] => bail!(
            "nothing in `{}` is called `{id}`: neither an experiment ({}) nor a training or run",
            results.root().display(),
            experiments.join(", ")
        ),
        [training] => {
            output::answer(&describe(&results, training, run.as_ref(), options.format)?)?;
            Ok(Exit::Done)
        }
        several => {
            bail!("`{id}` is the beginning of {} trainings: {}", several.len(), several.join(", "))
        }
    }
}

fn find_run(results: &Results, experiments: &[String], id: &str) -> anyhow::Result<Option<RunRow>> {
    for name in experiments {
        let runs: Vec<RunRow> = match read_table(&results.table_path::<RunRow>(name)?) {
            Ok(runs) => runs,
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        if let Some(run) = runs.into_iter().find(|run| run.run_id.starts_with(id)) {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

fn runs_table(runs: &[RunRow]) -> Table {
    let mut table = Table::new(vec![
        Column::text("run_id", "run"),
        Column::text("condition", "condition"),
        Column::number("seed", "seed"),
        Column::number("best_epoch", "epoch"),
        Column::number("val_accuracy", "val, %"),
        Column::number("test_accuracy", "test, %"),
        Column::text("status", "status"),
    ]);
    for run in runs {
        let share = |value: Option<f64>| value.map_or(Cell::Empty, Cell::share);
        table.push(vec![
            Cell::text(run.run_id.as_str()),
            Cell::text(run.condition.as_str()),
            Cell::Count(run.seed),
            Cell::Count(u64::from(run.best_epoch)),
            share(run.val_accuracy),
            share(run.test_accuracy),
            Cell::text(run.status.as_str()),
        ]);
    }
    table
}

/// A training's manifest and epochs.
fn describe(
    results: &Results,
    training: &str,
    run: Option<&RunRow>,
    format: Format,
) -> anyhow::Result<String> {
    let manifest = Manifest::read(&results.manifest_path(training)?)?;
    if format == Format::Json {
        return Ok(serde_json::to_string_pretty(&manifest)? + "\n");
    }
    let mut text = String::new();
    if let Some(run) = run {
        text += &format!(
            "run {} of {}: {}, seed {}\n\n",
            run.run_id, run.experiment, run.condition, run.seed
        );
    }
    text += &serde_json::to_string_pretty(&manifest)?;
    text += "\n\n";
    match read_table::<EpochRow>(&results.epochs_path(training)?) {
        Ok(epochs) => text += &epochs_table(&epochs).render(format, output::width())?,
        Err(StoreError::NotFound { .. }) => text += "it has no epochs\n",
        Err(error) => return Err(error.into()),
    }
    Ok(text)
}

fn epochs_table(epochs: &[EpochRow]) -> Table {
    let mut table = Table::new(vec![
        Column::number("epoch", "epoch"),
        Column::number("learning_rate", "rate"),
        Column::number("train_loss", "loss"),
        Column::number("train_accuracy", "accuracy, %"),
        Column::number("val_loss", "val loss"),
        Column::number("val_accuracy", "val accuracy, %"),
        Column::number("seconds", "seconds"),
    ]);
    for epoch in epochs {
        table.push(vec![
            Cell::Count(u64::from(epoch.epoch)),
            Cell::text(format!("{:.1e}", epoch.learning_rate)),
            Cell::number(epoch.train_loss, 4),
            Cell::share(epoch.train_accuracy),
            Cell::number(epoch.val_loss, 4),
            Cell::share(epoch.val_accuracy),
            Cell::number(epoch.seconds, 1),
        ]);
    }
    table
}

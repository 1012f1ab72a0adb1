//! `fer-lab list`

use clap::Args;

use super::{Exit, Options, output};
use crate::report::{self, Cell, Column, Format, Table, thousands};
use crate::store::{Results, RunRow, read_table};

/// The experiments in the results folder
#[derive(Debug, Args)]
pub struct Arguments {}

pub fn run(_: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let mut table = Table::new(vec![
        Column::text("experiment", "experiment"),
        Column::text("dataset", "data set"),
        Column::number("runs", "runs"),
        Column::number("done", "done"),
        Column::number("whole_accuracy", "whole faces, %"),
        Column::number("hours", "hours"),
    ]);
    for name in results.experiments()? {
        let runs: Vec<RunRow> = match read_table(&results.table_path::<RunRow>(&name)?) {
            Ok(runs) => runs,
            // A folder without tables, as a preview leaves one, is no experiment yet.
            Err(crate::store::StoreError::NotFound { .. }) => continue,
            Err(error) => {
                output::error_text(&format!("warning: {error}\n"));
                continue;
            }
        };
        let whole: Vec<f64> = runs
            .iter()
            .filter(|run| run.regions.is_empty())
            .filter_map(|run| run.test_accuracy)
            .collect();
        let mean = whole.iter().sum::<f64>() / whole.len() as f64;
        let mut trainings: Vec<(&str, f64)> =
            runs.iter().map(|run| (run.training_id.as_str(), run.wall_seconds)).collect();
        trainings.sort_by(|a, b| a.0.cmp(b.0));
        trainings.dedup_by(|a, b| a.0 == b.0);
        let seconds: f64 = trainings.iter().map(|(_, seconds)| seconds).sum();
        let dataset =
            runs.first().map(|run| report::dataset_name(&run.dataset)).unwrap_or_default();
        table.push(vec![
            Cell::text(name),
            Cell::text(dataset),
            Cell::Count(runs.len() as u64),
            Cell::Count(runs.iter().filter(|run| run.status == "done").count() as u64),
            if whole.is_empty() { Cell::Empty } else { Cell::share(mean) },
            Cell::number(seconds / 3600.0, 2),
        ]);
    }
    let mut text = table.render(options.format, output::width())?;
    if options.format == Format::Table {
        let trainings = results.trainings()?.len() as u64;
        text += &format!("\n{} trainings in {}\n", thousands(trainings), results.root().display());
    }
    output::answer(&text)?;
    Ok(Exit::Done)
}

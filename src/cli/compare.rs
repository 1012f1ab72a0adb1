//! `fer-lab compare`

use anyhow::{Context, bail};
use clap::Args;

use super::report::Tables;
use super::{Exit, Options, output};
use crate::analysis::{RunScores, difference};
use crate::report::{Cell, Column, Format, Table};
use crate::store::Results;

/// Experiments side by side, condition by condition, with the difference from the first
///
/// Differences are paired by seed and test image where both experiments have the same, with a 95 %
/// interval; where they have not, only the accuracies are shown.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Names of experiments in the results folder
    #[arg(required = true, num_args = 2.., value_name = "NAME")]
    names: Vec<String>,
    /// Sort by this column; with a `-` before it, from the largest down
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Only rows whose column holds this text; may be given again
    #[arg(long = "filter", value_name = "COLUMN=TEXT")]
    filters: Vec<String>,
    /// Only these columns, in this order
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    columns: Vec<String>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let experiments = arguments
        .names
        .iter()
        .map(|name| Ok((name.clone(), Tables::read(&results, name)?.scores)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut table = table(&experiments)?;
    for filter in &arguments.filters {
        let (column, text) = filter
            .split_once('=')
            .with_context(|| format!("`--filter {filter}` is not COLUMN=TEXT"))?;
        table.keep(column, text)?;
    }
    if let Some(sort) = &arguments.sort {
        let (column, descending) =
            sort.strip_prefix('-').map_or((sort.as_str(), false), |c| (c, true));
        table.sort(column, descending)?;
    }
    if !arguments.columns.is_empty() {
        table.select(&arguments.columns)?;
    }
    if table.is_empty() {
        bail!("no condition is left; there are: {}", conditions(&experiments).join(", "));
    }
    let width = if options.format == Format::Table { output::width() } else { usize::MAX };
    output::answer(&table.render(options.format, width)?)?;
    Ok(Exit::Done)
}

/// Conditions in order of first appearance.
fn conditions(experiments: &[(String, Vec<RunScores>)]) -> Vec<String> {
    let mut conditions: Vec<String> = Vec::new();
    for scores in experiments.iter().flat_map(|(_, scores)| scores) {
        if !conditions.contains(&scores.run().condition) {
            conditions.push(scores.run().condition.clone());
        }
    }
    conditions
}

/// Test accuracies of every experiment, and differences from the first.
fn table(experiments: &[(String, Vec<RunScores>)]) -> anyhow::Result<Table> {
    let mut columns = vec![Column::text("condition", "condition")];
    for (index, (name, _)) in experiments.iter().enumerate() {
        columns.push(Column::number(name, &format!("{name}, %")));
        if index > 0 {
            columns.push(Column::number(&format!("{name}_difference"), "difference [95 %]"));
        }
    }
    let mut table = Table::new(columns);
    for condition in conditions(experiments) {
        let of = |scores: &'_ [RunScores]| -> Vec<RunScores> {
            scores.iter().filter(|scores| scores.run().condition == condition).cloned().collect()
        };
        let mut cells = vec![Cell::text(condition.as_str())];
        let first = of(&experiments[0].1);
        for (index, (_, scores)) in experiments.iter().enumerate() {
            let scores = of(scores);
            cells.push(accuracy(&scores));
            if index > 0 {
                let difference = difference(&first, &scores);
                cells.push(difference.map_or(Cell::Empty, |estimate| {
                    Cell::share(estimate.mean).with_interval(estimate.interval)
                }));
            }
        }
        table.push(cells);
    }
    Ok(table)
}

fn accuracy(scores: &[RunScores]) -> Cell {
    let values: Vec<f64> = scores.iter().filter_map(|scores| scores.run().test_accuracy).collect();
    if values.is_empty() {
        return Cell::Empty;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Cell::share(mean).with_spread((values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()))
}

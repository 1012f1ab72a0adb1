//! `fer-lab report`

use clap::Args;

use super::{Exit, Options, output};
use crate::report::{self, Depth, Format};
use crate::store::Results;

/// Tables, charts and answer again, from the Parquet files alone
#[derive(Debug, Args)]
pub struct Arguments {
    /// Names of experiments in the results folder
    #[arg(required = true, value_name = "NAME")]
    pub(super) names: Vec<String>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let mut exit = Exit::Done;
    for name in &arguments.names {
        let (text, whole) = regenerate(&results, name, options, Depth::Details)?;
        output::answer(&text)?;
        if !whole {
            exit = Exit::SomeFailed;
        }
    }
    Ok(exit)
}

/// The words of an experiment's report, made anew, and whether every run has its result.
pub(super) fn regenerate(
    results: &Results,
    name: &str,
    options: &Options,
    depth: Depth,
) -> anyhow::Result<(String, bool)> {
    let report = report::report(results, name)?;
    for note in &report.notes {
        output::warning(note);
    }
    let text = match options.format {
        Format::Table => report.text(depth, output::width().min(100))?,
        format => report.table().render(format, output::width())?,
    };
    Ok((text, report.is_whole()))
}

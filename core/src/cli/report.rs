//! `fer-lab report`

use clap::Args;

use super::{Exit, Options, output};
use crate::report::{self, Depth, Drawn, FigureFormat, Format};
use crate::store::Results;

/// Regenerate tables, charts and report from the Parquet files alone
#[derive(Debug, Args)]
pub struct Arguments {
    /// Names of experiments in the results folder
    #[arg(required = true, value_name = "NAME")]
    pub(super) names: Vec<String>,
    #[command(flatten)]
    drawn: DrawnArguments,
}

/// What to draw beside the tables, and how.
#[derive(Debug, Clone, Args)]
pub(super) struct DrawnArguments {
    /// The file formats of each chart
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', default_value = "png,svg")]
    figures: Vec<FigureFormat>,
    /// Draw charts without title and conditions, and write these beside them as a caption, NAME.txt
    #[arg(long)]
    untitled: bool,
    /// No example pictures of the data set in the page
    #[arg(long)]
    pub(super) no_examples: bool,
}

impl DrawnArguments {
    fn drawn(&self) -> Drawn {
        let DrawnArguments { figures, untitled, no_examples } = self;
        Drawn { figures: figures.clone(), untitled: *untitled, examples: !no_examples }
    }
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let mut exit = Exit::Done;
    for name in &arguments.names {
        let (text, whole) = regenerate(&results, name, options, &arguments.drawn, Depth::Details)?;
        output::text(&text)?;
        if !whole {
            exit = Exit::SomeFailed;
        }
    }
    Ok(exit)
}

/// Regenerates an experiment's report; returns its text and whether every run has a result.
pub(super) fn regenerate(
    results: &Results,
    name: &str,
    options: &Options,
    drawn: &DrawnArguments,
    depth: Depth,
) -> anyhow::Result<(String, bool)> {
    let report = report::report(results, name, &drawn.drawn())?;
    for note in &report.notes {
        output::warning(note);
    }
    let text = match options.format {
        Format::Table => report.text(depth, output::width().min(100))?,
        format => report.table().render(format, output::width())?,
    };
    Ok((text, report.is_whole()))
}

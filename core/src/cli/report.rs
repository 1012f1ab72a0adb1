//! `fer-lab report`

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Options, output};
use crate::report::{self, Depth, Drawn, FigureFormat, Format, Report};
use crate::store::Results;

/// Regenerate tables, charts and report from the Parquet files alone
///
/// `--splice PAGE.md` also writes tables, sentences and numbers into a page of Markdown, between markers, two comments that
/// no reader sees: `<!-- fer-lab answer of NAME -->` and `<!-- /fer-lab -->`. Paragraphs and tables: `answer`, `details`,
/// `conditions`, `regions`, `ranking`, `interplay`, `origin`. Within a line: `accuracy CONDITION`, `effect CONDITION`,
/// `shapley REGION`, `chance`, `images`, `seeds`. The second comment then holds the numeric version of the figures.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab report mask_eyes\n  \
    fer-lab report mask_eyes --splice README.md\n  \
    fer-lab report mask_eyes --tensorboard runs && tensorboard --logdir runs")]
pub struct Arguments {
    /// Names of experiments in the results folder
    #[arg(required = true, value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Write what its markers ask for into this page of Markdown; may be repeated
    #[arg(long, value_name = "PAGE.md")]
    splice: Vec<PathBuf>,
    /// Write the training curves as event files of TensorBoard, a run for each training, into this folder
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
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
        let report = report::report(&results, name, &arguments.drawn.drawn())?;
        for page in &arguments.splice {
            let words = [name.as_ref(), "--splice".as_ref(), page.as_os_str()];
            let words: Vec<String> = words.into_iter().map(output::shell_word).collect();
            report.splice(&results, page, &format!("fer-lab report {}", words.join(" ")))?;
        }
        if let Some(folder) = &arguments.tensorboard {
            report.write_tensorboard(folder)?;
        }
        output::text(&in_words(&report, options, Depth::Details)?)?;
        if !report.is_whole() {
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
    Ok((in_words(&report, options, depth)?, report.is_whole()))
}

/// A report as `--format` wants it; what it lacks is warned of.
fn in_words(report: &Report, options: &Options, depth: Depth) -> anyhow::Result<String> {
    for note in &report.notes {
        output::warning(note);
    }
    Ok(match options.format {
        Format::Table => report.text(depth, output::width().min(100))?,
        format => report.table().render(format, output::width())?,
    })
}

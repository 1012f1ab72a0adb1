//! `fer-lab compare`

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::picture::{PictureFormat, Place};
use super::selection::Selection;
use super::{Exit, Options, output};
use crate::analysis::{Side, scores_of};
use crate::report::{Compared, Format, wrap};
use crate::store::{Metric, Results, Term};

/// Compare experiments, conditions or runs with the first one
///
/// Experiments are compared condition by condition; conditions, trainings and runs are a row each.
/// Differences are paired by seed and test image where both sides have the same, with a 95 % interval;
/// with the same images and other seeds they are paired by image alone, and a note says so.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Experiments (by name), conditions (`mask_eyes:hide eyes`), trainings or runs (by id or its
    /// beginning)
    #[arg(required = true, num_args = 2.., value_name = "NAME")]
    names: Vec<String>,
    /// The metric to compare
    #[arg(long, default_value = Metric::Accuracy.name(), value_name = "METRIC", value_parser = metrics())]
    metric: Metric,
    /// Also draw the differences, to a new PNG or SVG file or one that fer-lab drew
    #[arg(long, value_name = "FILE.png|svg")]
    chart: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
}

/// The words of `--metric`, which clap lists in help and completions.
fn metrics() -> impl TypedValueParser<Value = Metric> {
    PossibleValuesParser::new(Metric::ALL.map(Metric::name))
        .try_map(|word| Metric::of(&word).ok_or("no metric"))
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let formats = [PictureFormat::Png, PictureFormat::Svg, PictureFormat::Pdf];
    let chart = arguments.chart.as_deref();
    let chart = chart.map(|path| Place::named("--chart", path, &formats)).transpose()?;
    let results = Results::open(&options.results)?;
    let Arguments { names, metric, .. } = arguments;
    let (mut sides, mut damaged) = (Vec::new(), Vec::new());
    for name in names {
        sides.push(Side::find(&results, name, &mut damaged)?);
    }
    for error in &damaged {
        output::warning(error);
    }
    let experiments = sides.iter().filter(|side| side.is_experiment()).count();
    let scores = scores_of(&results, &sides)?;
    let mut compared = if experiments == sides.len() {
        Compared::experiments(names, &scores, *metric)
    } else if experiments == 0 {
        Compared::rows(names, &scores, *metric)
    } else {
        bail!(
            "experiments can be compared with experiments; beside a run or condition, name a condition \
             of the experiment as EXPERIMENT:CONDITION"
        );
    };
    arguments.selection.choose_rows(&mut compared.table)?;
    if compared.table.is_empty() {
        bail!("no rows match the selection");
    }
    let shown = compared.shown()?;
    arguments.selection.choose_columns(&mut compared.table, &compared.few, options.format)?;
    output::table(&compared.table, options.format)?;
    if options.format == Format::Table {
        for note in &compared.notes {
            output::text(&format!("{}\n", wrap(note, output::width())))?;
        }
    }
    if let Some(place) = chart {
        place.save(&compared.chart(&shown)?)?;
        if options.format == Format::Table {
            output::text(&format!("{}\n", place.path().display()))?;
        }
    }
    Ok(Exit::Done)
}

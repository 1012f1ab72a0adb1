//! `fer-lab compare`

mod sides;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::picture::{PictureFormat, Place};
use super::selection::Selection;
use super::{Exit, Options, output};
use crate::analysis::{Comparison, Pairing, RunScores, Unpaired, compare};
use crate::report::{
    Cell, Column, ComparisonPanel, ComparisonRow, Format, Measure, Table, comparison, counted, wrap,
};
use crate::store::{Metric, Results};
use sides::Side;

/// Experiments, conditions or runs side by side, with the difference from the first
///
/// Experiments are compared condition by condition; conditions, trainings and runs are a row each.
/// Differences are paired by seed and test image where both sides have the same, with a 95 % interval;
/// with the same images and other seeds they are paired by image alone, which is said.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Experiments (by name), conditions (`mask_eyes:hide eyes`), trainings or runs (by id or its
    /// beginning)
    #[arg(required = true, num_args = 2.., value_name = "NAME")]
    names: Vec<String>,
    /// What is compared
    #[arg(long, value_enum, default_value_t = Choice::Accuracy, value_name = "METRIC")]
    metric: Choice,
    /// Draw the differences too, as a PNG or SVG file: a new one, or one that fer-lab drew
    #[arg(long, value_name = "FILE.png|svg")]
    chart: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Choice {
    Accuracy,
    BalancedAccuracy,
    Bits,
}

impl Choice {
    fn metric(self) -> Metric {
        match self {
            Choice::Accuracy => Metric::Accuracy,
            Choice::BalancedAccuracy => Metric::BalancedAccuracy,
            Choice::Bits => Metric::Bits,
        }
    }
}

/// A table of differences, and what is drawn and said of them.
struct Answer {
    table: Table,
    /// The column that names a row.
    name: &'static str,
    /// The columns that people are shown; all where there are none.
    few: Vec<&'static str>,
    panels: Vec<ComparisonPanel>,
    reference: String,
    /// What every difference has in common, for the subtitle of a chart.
    conditions: String,
    /// What the table does not say.
    notes: BTreeSet<String>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let formats = [PictureFormat::Png, PictureFormat::Svg];
    let chart = arguments.chart.as_deref();
    let chart = chart.map(|path| Place::named("--chart", path, &formats)).transpose()?;
    let results = Results::open(&options.results)?;
    let metric = arguments.metric.metric();
    let sides = arguments
        .names
        .iter()
        .map(|name| Side::find(&results, name))
        .collect::<anyhow::Result<Vec<Side>>>()?;
    let experiments = sides.iter().filter(|side| matches!(side, Side::Experiment(_))).count();
    let scores = sides::read(&results, &sides)?;
    let answer = if experiments == sides.len() {
        by_condition(&arguments.names, &scores, metric)
    } else if experiments == 0 {
        row_by_row(&arguments.names, &scores, metric)
    } else {
        bail!(
            "experiments can be compared with experiments; beside a run or condition, name a condition \
             of the experiment as EXPERIMENT:CONDITION"
        );
    };
    let Answer { mut table, name, few, mut panels, reference, conditions, notes } = answer;
    arguments.selection.choose_rows(&mut table)?;
    if table.is_empty() {
        bail!("no row is left");
    }
    // What is drawn are the rows that are shown, in their order.
    let shown = table.texts(name)?;
    for panel in &mut panels {
        let place = |row: &ComparisonRow| shown.iter().position(|name| *name == row.name);
        panel.rows.retain(|row| place(row).is_some());
        panel.rows.sort_by_key(place);
    }
    arguments.selection.choose_columns(&mut table, &few, options.format)?;
    output::table(&table, options.format)?;
    if options.format == Format::Table {
        for note in &notes {
            output::answer(&format!("{}\n", wrap(note, output::width())))?;
        }
    }
    if let Some(place) = chart {
        place.save(&comparison(&panels, &reference, Measure::of(metric), &conditions)?)?;
        if options.format == Format::Table {
            output::answer(&format!("{}\n", place.path().display()))?;
        }
    }
    Ok(Exit::Done)
}

/// The metric's mean and spread over seeds.
fn level(scores: &[RunScores], metric: Metric) -> Option<Cell> {
    let done = scores.iter().filter(|scores| scores.run().status.is_done());
    let values: Vec<f64> = done.filter_map(|scores| metric.level(scores)).collect();
    Cell::over_seeds(&values, Measure::of(metric))
}

/// A difference as a cell; empty where there is nothing to pair.
fn difference_cell(compared: &Result<Comparison, Unpaired>, metric: Metric) -> Cell {
    compared.as_ref().map_or(Cell::Empty, |compared| {
        let estimate = &compared.estimate;
        Cell::of(estimate.mean, Measure::of(metric)).with_interval(estimate.interval)
    })
}

fn drawn(name: &str, compared: &Result<Comparison, Unpaired>) -> ComparisonRow {
    let estimate = compared.as_ref().ok().map(|compared| &compared.estimate);
    ComparisonRow {
        name: name.to_owned(),
        difference: estimate.map(|estimate| estimate.mean),
        interval: estimate.and_then(|estimate| estimate.interval),
    }
}

/// What a difference's interval does not know.
fn caution(compared: &Result<Comparison, Unpaired>) -> Option<&'static str> {
    let Comparison { estimate, pairing, .. } = compared.as_ref().ok()?;
    if estimate.interval.is_none() {
        return Some("No interval: the answers do not show how much they vary.");
    }
    match pairing {
        Pairing::ImagesOnly => Some(
            "No seed is shared: paired by image alone, and how much other seeds would change it is \
             not in the interval.",
        ),
        Pairing::Seeds(1) => Some(
            "With one seed only the images are a sample: how much another seed would change it is \
             not in the interval.",
        ),
        Pairing::Seeds(_) => None,
    }
}

/// What a metric is written in.
fn unit(metric: Metric) -> &'static str {
    let shown = Measure::of(metric);
    if shown.factor == 100.0 { "%" } else { shown.unit }
}

/// `1,400 test images · 95 % interval: …`, from the differences that have one.
fn conditions<'a>(
    compared: impl Iterator<Item = &'a Result<Comparison, Unpaired>> + Clone,
) -> String {
    let paired = compared.filter_map(|compared| compared.as_ref().ok());
    let images: BTreeSet<usize> = paired.clone().map(|compared| compared.images).collect();
    let methods: BTreeSet<&str> = paired
        .filter(|compared| compared.estimate.interval.is_some())
        .map(|compared| compared.estimate.method)
        .collect();
    let images = images.into_iter().map(|images| counted(images as u64, "test image"));
    let mut parts: Vec<String> = images.collect();
    if !methods.is_empty() {
        let methods: Vec<&str> = methods.into_iter().collect();
        parts.push(format!("95 % interval: {}", methods.join("; ")));
    }
    parts.join(" · ")
}

/// Experiments: a row a condition.
fn by_condition(names: &[String], scores: &[Vec<RunScores>], metric: Metric) -> Answer {
    let unit = unit(metric);
    let mut columns = vec![Column::text("condition", "condition")];
    for (index, name) in names.iter().enumerate() {
        columns.push(Column::number(name, &format!("{name}, {unit}")));
        if index > 0 {
            columns.push(Column::number(&format!("{name}_difference"), "difference [95 %]"));
        }
    }
    let mut table = Table::new(columns);
    let mut all = Vec::new();
    let mut panels: Vec<ComparisonPanel> = names[1..]
        .iter()
        .map(|name| ComparisonPanel { heading: name.clone(), rows: Vec::new() })
        .collect();
    for condition in conditions_of(scores) {
        let of = |scores: &'_ [RunScores]| -> Vec<RunScores> {
            scores.iter().filter(|scores| scores.run().condition == condition).cloned().collect()
        };
        let mut cells = vec![Cell::text(condition.as_str())];
        let first = of(&scores[0]);
        cells.push(level(&first, metric).unwrap_or(Cell::Empty));
        for (panel, scores) in panels.iter_mut().zip(&scores[1..]) {
            let scores = of(scores);
            let compared = compare(&first, &scores, metric);
            cells.push(level(&scores, metric).unwrap_or(Cell::Empty));
            cells.push(difference_cell(&compared, metric));
            // What only one side has would be a row without a dot.
            if compared.is_ok() {
                panel.rows.push(drawn(&condition, &compared));
            }
            all.push(compared);
        }
        table.push(cells);
    }
    let mut notes: BTreeSet<String> = all.iter().filter_map(caution).map(str::to_owned).collect();
    let reasons = all.iter().filter_map(|compared| compared.as_ref().err());
    notes.extend(reasons.map(|reason| format!("Without a difference: {reason}.")));
    let reference = names[0].clone();
    Answer {
        table,
        name: "condition",
        few: Vec::new(),
        panels,
        reference,
        conditions: conditions(all.iter()),
        notes,
    }
}

/// Condition names in order of first appearance.
fn conditions_of(scores: &[Vec<RunScores>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = scores.iter().flatten().map(|scores| &scores.run().condition);
    names.filter(|name| seen.insert((*name).clone())).cloned().collect()
}

/// Conditions, trainings and runs: a row each.
fn row_by_row(names: &[String], scores: &[Vec<RunScores>], metric: Metric) -> Answer {
    let header = match metric {
        Metric::Bits => unit(metric).to_owned(),
        _ => format!("{}, {}", metric.name().replace('_', " "), unit(metric)),
    };
    let mut table = Table::new(vec![
        Column::text("name", "name"),
        Column::text("experiment", "experiment"),
        Column::text("condition", "condition"),
        Column::text("seeds", "seeds"),
        Column::number(metric.name(), &header),
        Column::number("difference", "difference [95 %]"),
        Column::number("p", "p"),
        Column::text("paired", "paired over"),
    ]);
    let mut panel = ComparisonPanel { heading: String::new(), rows: Vec::new() };
    let mut all = Vec::new();
    for (index, (name, scores_of)) in names.iter().zip(scores).enumerate() {
        let run = scores_of.first().map(RunScores::run);
        let seeds: BTreeSet<u64> = scores_of.iter().map(|scores| scores.run().seed).collect();
        let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
        let mut cells = vec![
            Cell::text(name.as_str()),
            run.map_or(Cell::Empty, |run| Cell::text(run.experiment.as_str())),
            run.map_or(Cell::Empty, |run| Cell::text(run.condition.as_str())),
            Cell::text(seeds.join(", ")),
            level(scores_of, metric).unwrap_or(Cell::Missing("failed".to_owned())),
        ];
        if index > 0 {
            let compared = compare(&scores[0], scores_of, metric);
            let p = compared.as_ref().ok().and_then(|compared| compared.estimate.p);
            cells.push(difference_cell(&compared, metric));
            cells.push(p.map_or(Cell::Empty, Cell::P));
            cells.push(Cell::text(paired(&compared)));
            panel.rows.push(drawn(name, &compared));
            all.push(compared);
        }
        table.push(cells);
    }
    let notes = all.iter().filter_map(caution).map(str::to_owned).collect();
    let conditions = conditions(all.iter());
    Answer {
        table,
        name: "name",
        few: vec!["name", metric.name(), "difference", "paired"],
        panels: vec![panel],
        reference: names[0].clone(),
        conditions,
        notes,
    }
}

/// `3 seeds × 1,400 images`, or why there is nothing to pair.
fn paired(compared: &Result<Comparison, Unpaired>) -> String {
    match compared {
        Err(reason) => format!("nothing: {reason}"),
        Ok(Comparison { pairing: Pairing::ImagesOnly, images, .. }) => {
            format!("{}, no seed", counted(*images as u64, "image"))
        }
        Ok(Comparison { pairing: Pairing::Seeds(seeds), images, .. }) => {
            format!("{} × {}", counted(*seeds as u64, "seed"), counted(*images as u64, "image"))
        }
    }
}

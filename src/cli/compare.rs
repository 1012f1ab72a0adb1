//! `fer-lab compare`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use rayon::prelude::*;

use super::selection::Selection;
use super::{Exit, Options, output};
use crate::analysis::{self, Comparison, Pairing, RunScores, Unpaired, compare, read_scores};
use crate::experiment::suggest;
use crate::report::{
    Cell, Column, ComparisonPanel, ComparisonRow, Figure, Format, Metric, Table, comparison,
    counted, run_label, wrap,
};
use crate::store::{Named, Results, RunRow};

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
    /// Draw the differences too, as a PNG or SVG file
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
    fn metric(self) -> analysis::Metric {
        match self {
            Choice::Accuracy => analysis::Metric::Accuracy,
            Choice::BalancedAccuracy => analysis::Metric::BalancedAccuracy,
            Choice::Bits => analysis::Metric::Bits,
        }
    }
}

/// A table of differences, and what is drawn and said of them.
struct Answer {
    table: Table,
    few: Vec<String>,
    panels: Vec<ComparisonPanel>,
    reference: String,
    /// What every difference has in common, for the subtitle of a chart.
    conditions: String,
    /// What the table does not say.
    notes: BTreeSet<String>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let save = match arguments.chart.as_deref() {
        Some(path) => Some((path, saver(path)?)),
        None => None,
    };
    let results = Results::open(&options.results)?;
    let metric = arguments.metric.metric();
    let sides = arguments
        .names
        .iter()
        .map(|name| Side::find(&results, name))
        .collect::<anyhow::Result<Vec<Side>>>()?;
    let experiments = sides.iter().filter(|side| matches!(side, Side::Experiment(_))).count();
    let scores = read(&results, &sides)?;
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
    let Answer { table, few, panels, reference, conditions, notes } = answer;
    let few: Vec<&str> = few.iter().map(String::as_str).collect();
    let table = arguments.selection.apply(table, &few, options.format)?;
    if table.is_empty() {
        bail!("no row is left");
    }
    output::table(&table, options.format)?;
    if options.format == Format::Table {
        for note in &notes {
            output::answer(&format!("{}\n", wrap(note, output::width())))?;
        }
    }
    if let Some((path, save)) = save {
        let figure = comparison(&panels, &reference, Metric::of(metric.name()), &conditions)?;
        save(&figure, path)?;
        if options.format == Format::Table {
            output::answer(&format!("{}\n", path.display()))?;
        }
    }
    Ok(Exit::Done)
}

type Saver = fn(&Figure, &Path) -> Result<(), crate::report::ReportError>;

/// How a chart is written, by its file's ending; asked for before anything is read.
fn saver(path: &Path) -> anyhow::Result<Saver> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => Ok(Figure::save_png),
        Some("svg") => Ok(Figure::save_svg),
        _ => bail!("`--chart {}`: name a file that ends in .png or .svg", path.display()),
    }
}

/// What one argument stands for.
#[derive(Debug, Clone, PartialEq)]
enum Side {
    Experiment(String),
    /// A condition of an experiment, by its name in `runs.parquet`.
    Condition(String, String),
    /// A run, and an experiment that has it.
    Run(String, String),
}

impl Side {
    fn find(results: &Results, word: &str) -> anyhow::Result<Side> {
        if let Some((experiment, condition)) = word.split_once(':') {
            let runs = results.runs(experiment)?;
            // As the table has it, or as charts and reports write it.
            let named = |run: &&RunRow| run.condition == condition || run_label(run) == condition;
            let Some(run) = runs.iter().find(named) else {
                let names: BTreeSet<&str> = runs.iter().map(|run| run.condition.as_str()).collect();
                let names: Vec<&str> = names.into_iter().collect();
                let help = suggest::help(condition, "its conditions are", &names);
                bail!("`{experiment}` has no condition `{condition}`: {help}");
            };
            return Ok(Side::Condition(experiment.to_owned(), run.condition.clone()));
        }
        match results.find(word)? {
            Named::Experiment(name) => Ok(Side::Experiment(name)),
            Named::Run(run) => Ok(Side::Run(run.experiment, run.run_id)),
            Named::Training(id) => {
                let run = run_of(results, &id)?;
                Ok(Side::Run(run.experiment, run.run_id))
            }
        }
    }

    fn experiment(&self) -> &str {
        match self {
            Side::Experiment(name) | Side::Condition(name, _) | Side::Run(name, _) => name,
        }
    }

    fn has(&self, run: &RunRow) -> bool {
        match self {
            Side::Experiment(_) => true,
            Side::Condition(_, condition) => run.condition == *condition,
            Side::Run(_, id) => run.run_id == *id,
        }
    }
}

/// The run in which a training is examined as it was trained: on whole faces, or covered as in training.
fn run_of(results: &Results, training: &str) -> anyhow::Result<RunRow> {
    let all = results.all_runs()?;
    let mut runs: BTreeMap<&str, &RunRow> = BTreeMap::new();
    for run in all.runs().filter(|run| run.training_id == training) {
        runs.entry(&run.run_id).or_insert(run);
    }
    let own: Vec<&&RunRow> =
        runs.values().filter(|run| ["none", "retrain"].contains(&run.phase.as_str())).collect();
    match (own.as_slice(), runs.len()) {
        ([run], _) => Ok((**run).clone()),
        (_, 0) => Err(anyhow!("no experiment has a run of the training {training}")),
        _ => {
            let names = runs.values().map(|run| format!("{} ({})", run.run_id, run.condition));
            let names: Vec<String> = names.collect();
            Err(anyhow!(
                "the training {training} is examined in {} runs, name one: {}",
                runs.len(),
                names.join(", ")
            ))
        }
    }
}

/// The scores of each side. Every experiment is read once.
fn read(results: &Results, sides: &[Side]) -> anyhow::Result<Vec<Vec<RunScores>>> {
    let experiments: BTreeSet<&str> = sides.iter().map(Side::experiment).collect();
    let read: BTreeMap<&str, Vec<RunScores>> = experiments
        .into_par_iter()
        .map(|name| {
            let wanted =
                |run: &RunRow| sides.iter().any(|side| side.experiment() == name && side.has(run));
            Ok((name, read_scores(results, name, &wanted)?))
        })
        .collect::<Result<_, analysis::TablesError>>()?;
    let of = |side: &Side| {
        let scores = read[side.experiment()].iter();
        scores.filter(|scores| side.has(scores.run())).cloned().collect()
    };
    Ok(sides.iter().map(of).collect())
}

/// The metric's mean and spread over seeds.
fn level(scores: &[RunScores], metric: analysis::Metric) -> Option<Cell> {
    let done = scores.iter().filter(|scores| scores.run().status == "done");
    let values: Vec<f64> = done.filter_map(|scores| metric.level(scores)).collect();
    Cell::over_seeds(&values, Metric::of(metric.name()))
}

/// A difference as a cell; empty where there is nothing to pair.
fn difference_cell(compared: &Result<Comparison, Unpaired>, metric: analysis::Metric) -> Cell {
    compared.as_ref().map_or(Cell::Empty, |compared| {
        let estimate = &compared.estimate;
        Cell::of(estimate.mean, Metric::of(metric.name())).with_interval(estimate.interval)
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

/// The header of a metric's column.
fn header(metric: analysis::Metric) -> String {
    let metric_shown = Metric::of(metric.name());
    let unit = if metric_shown.factor == 100.0 { "%" } else { metric_shown.unit };
    match metric {
        analysis::Metric::Bits => unit.to_owned(),
        _ => format!("{}, {unit}", metric.name().replace('_', " ")),
    }
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
fn by_condition(names: &[String], scores: &[Vec<RunScores>], metric: analysis::Metric) -> Answer {
    let unit = if Metric::of(metric.name()).factor == 100.0 { "%" } else { "bits" };
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
            panel.rows.push(drawn(&condition, &compared));
            all.push(compared);
        }
        table.push(cells);
    }
    let mut notes: BTreeSet<String> = all.iter().filter_map(caution).map(str::to_owned).collect();
    let reasons = all.iter().filter_map(|compared| compared.as_ref().err());
    notes.extend(reasons.map(|reason| format!("Without a difference: {reason} on one side.")));
    let reference = names[0].clone();
    Answer { table, few: Vec::new(), panels, reference, conditions: conditions(all.iter()), notes }
}

/// Condition names in order of first appearance.
fn conditions_of(scores: &[Vec<RunScores>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = scores.iter().flatten().map(|scores| &scores.run().condition);
    names.filter(|name| seen.insert((*name).clone())).cloned().collect()
}

/// Conditions, trainings and runs: a row each.
fn row_by_row(names: &[String], scores: &[Vec<RunScores>], metric: analysis::Metric) -> Answer {
    let mut table = Table::new(vec![
        Column::text("name", "name"),
        Column::text("experiment", "experiment"),
        Column::text("condition", "condition"),
        Column::text("seeds", "seeds"),
        Column::number(metric.name(), &header(metric)),
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
    let few = ["name", metric.name(), "difference", "paired"].map(str::to_owned).to_vec();
    let notes = all.iter().filter_map(caution).map(str::to_owned).collect();
    let conditions = conditions(all.iter());
    Answer { table, few, panels: vec![panel], reference: names[0].clone(), conditions, notes }
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

//! Experiments, conditions or runs compared with each other: the table of their differences, and what is drawn and
//! said of it.
//!
//! In: the scores of each side. Out: a [`Compared`].

use std::collections::BTreeSet;

use crate::analysis::{Comparison, Pairing, RunScores, Unpaired, compare};
use crate::store::Metric;

use super::canvas::error::ReportError;
use super::canvas::figure::Figure;
use super::charts::comparison::{ComparisonPanel, ComparisonRow, comparison};
use super::tables::cell::Cell;
use super::tables::table::{Column, Table};
use super::words::measure::Measure;
use super::words::numbers::counted;

/// A table of differences, and what is drawn and said of them.
#[derive(Debug)]
pub struct Compared {
    pub table: Table,
    /// The columns that people are shown; all where there are none.
    pub few: Vec<&'static str>,
    /// What the table does not say.
    pub notes: BTreeSet<String>,
    /// The column that names a row.
    name: &'static str,
    panels: Vec<ComparisonPanel>,
    reference: String,
    /// What every difference has in common, for the subtitle of a chart.
    conditions: String,
    metric: Metric,
}

impl Compared {
    /// Experiments, compared with the first condition by condition.
    pub fn experiments(names: &[String], scores: &[Vec<RunScores>], metric: Metric) -> Compared {
        by_condition(names, scores, metric)
    }

    /// Conditions, trainings or runs, compared with the first: a row each.
    pub fn rows(names: &[String], scores: &[Vec<RunScores>], metric: Metric) -> Compared {
        row_by_row(names, scores, metric)
    }

    /// The names of the rows of the table, as they stand now.
    ///
    /// # Errors
    /// Where the table lost its names.
    pub fn shown(&self) -> Result<Vec<String>, ReportError> {
        Ok(self.table.texts(self.name)?.into_iter().map(str::to_owned).collect())
    }

    /// The differences of the `shown` rows, in their order.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where none of them is paired.
    pub fn chart(&self, shown: &[String]) -> Result<Figure, ReportError> {
        let mut panels = self.panels.clone();
        for panel in &mut panels {
            let place = |row: &ComparisonRow| shown.iter().position(|name| *name == row.name);
            panel.rows.retain(|row| place(row).is_some());
            panel.rows.sort_by_key(place);
        }
        comparison(&panels, &self.reference, Measure::of(self.metric), &self.conditions)
    }
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

/// What a difference's interval does not cover.
fn caution(compared: &Result<Comparison, Unpaired>) -> Option<&'static str> {
    let Comparison { estimate, pairing, .. } = compared.as_ref().ok()?;
    if estimate.interval.is_none() {
        return Some("No interval: the variance cannot be estimated.");
    }
    match pairing {
        Pairing::ImagesOnly => Some(
            "No seed is shared: paired by image only; the interval does not cover the variation between seeds.",
        ),
        Pairing::Seeds(1) => Some(
            "One seed: the interval covers the sampling of images only, not the variation between seeds.",
        ),
        Pairing::Seeds(_) => None,
    }
}

/// What a metric is written in.
fn unit(metric: Metric) -> &'static str {
    let shown = Measure::of(metric);
    if shown.factor == 100.0 { "%" } else { shown.unit }
}

/// `1,400 test images · 95 % CI (…)`, from the differences that have one.
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
        parts.push(format!("95 % CI ({})", methods.join("; ")));
    }
    parts.join(" · ")
}

/// Experiments: a row a condition.
fn by_condition(names: &[String], scores: &[Vec<RunScores>], metric: Metric) -> Compared {
    let unit = unit(metric);
    let mut columns = vec![Column::text("condition", "condition")];
    for (index, name) in names.iter().enumerate() {
        columns.push(Column::number(name, &format!("{name}, {unit}")));
        if index > 0 {
            columns.push(Column::number(&format!("{name}_difference"), "difference [95 % CI]"));
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
    notes.extend(reasons.map(|reason| format!("No difference: {reason}.")));
    let reference = names[0].clone();
    Compared {
        table,
        name: "condition",
        few: Vec::new(),
        panels,
        reference,
        conditions: conditions(all.iter()),
        notes,
        metric,
    }
}

/// Condition names in order of first appearance.
fn conditions_of(scores: &[Vec<RunScores>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = scores.iter().flatten().map(|scores| &scores.run().condition);
    names.filter(|name| seen.insert((*name).clone())).cloned().collect()
}

/// Conditions, trainings and runs: a row each.
fn row_by_row(names: &[String], scores: &[Vec<RunScores>], metric: Metric) -> Compared {
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
        Column::number("difference", "difference [95 % CI]"),
        Column::number("p", "p, uncorrected"),
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
    Compared {
        table,
        name: "name",
        few: vec!["name", metric.name(), "difference", "paired"],
        panels: vec![panel],
        reference: names[0].clone(),
        conditions,
        notes,
        metric,
    }
}

/// `3 seeds × 1,400 images`, or why there is nothing to pair.
fn paired(compared: &Result<Comparison, Unpaired>) -> String {
    match compared {
        Err(reason) => format!("not paired: {reason}"),
        Ok(Comparison { pairing: Pairing::ImagesOnly, images, .. }) => {
            format!("{}, no seed", counted(*images as u64, "image"))
        }
        Ok(Comparison { pairing: Pairing::Seeds(seeds), images, .. }) => {
            format!("{} × {}", counted(*seeds as u64, "seed"), counted(*images as u64, "image"))
        }
    }
}

//! Differences from a reference as a table.

use crate::analysis::{Comparison, Pairing, Unpaired};
use crate::store::Metric;

use crate::report::findings::comparison::{Comparisons, Entry, Layout, OfCondition};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;

/// A row a condition of several experiments, or a row a condition, training or run.
pub fn comparison_table(found: &Comparisons) -> Table {
    match &found.layout {
        Layout::ByCondition(conditions) => by_condition(found, conditions),
        Layout::EachItself(entries) => row_by_row(found, entries),
    }
}

/// The column that names a row.
pub fn naming_column(found: &Comparisons) -> &'static str {
    match found.layout {
        Layout::ByCondition(_) => "condition",
        Layout::EachItself(_) => "name",
    }
}

/// The columns that people are shown; all where there are none.
pub fn few_columns(found: &Comparisons) -> Vec<&'static str> {
    match found.layout {
        Layout::ByCondition(_) => Vec::new(),
        Layout::EachItself(_) => vec!["name", found.metric.name(), "difference", "paired"],
    }
}

fn by_condition(found: &Comparisons, conditions: &[OfCondition]) -> Table {
    let (metric, unit) = (found.metric, Measure::of(found.metric).amount_unit());
    let mut columns = vec![Column::text("condition", "condition")];
    for (index, name) in found.names.iter().enumerate() {
        columns.push(Column::number(name, &format!("{name}, {unit}")));
        if index > 0 {
            columns.push(Column::number(&format!("{name}_difference"), "difference [95 % CI]"));
        }
    }
    let mut table = Table::new(columns);
    for OfCondition { condition, entries } in conditions {
        let mut cells = vec![Cell::text(condition.as_str())];
        for entry in entries {
            cells.push(level(entry, metric).unwrap_or(Cell::Empty));
            if entry.compared.is_some() {
                cells.push(difference(entry, metric));
            }
        }
        table.push(cells);
    }
    table
}

fn row_by_row(found: &Comparisons, entries: &[Entry]) -> Table {
    let metric = found.metric;
    let unit = Measure::of(metric).amount_unit();
    let header = match metric {
        Metric::Bits => unit.to_owned(),
        _ => format!("{}, {unit}", metric.name().replace('_', " ")),
    };
    let mut table = Table::new(vec![
        Column::text("name", "name"),
        Column::text("experiment", "experiment"),
        Column::text("condition", "condition"),
        Column::text("seeds", "seeds"),
        Column::number(metric.name(), &header),
        Column::number("difference", "difference [95 % CI]"),
        Column::number("p", "p, uncorrected"),
        Column::number("p_adjusted", "p, Holm"),
        Column::text("paired", "paired over"),
    ]);
    let text = |text: &Option<String>| text.as_deref().map_or(Cell::Empty, Cell::text);
    for (name, entry) in found.names.iter().zip(entries) {
        let seeds: Vec<String> = entry.seeds.iter().map(u64::to_string).collect();
        let mut cells = vec![
            Cell::text(name.as_str()),
            text(&entry.experiment),
            text(&entry.condition),
            Cell::text(seeds.join(", ")),
            level(entry, metric).unwrap_or(Cell::Missing("failed".to_owned())),
        ];
        if let Some(compared) = &entry.compared {
            cells.push(difference(entry, metric));
            cells.extend([entry.p(), entry.p_adjusted].map(|p| p.map_or(Cell::Empty, Cell::P)));
            cells.push(Cell::text(paired(compared)));
        }
        table.push(cells);
    }
    table
}

/// The metric's mean and spread over seeds.
fn level(entry: &Entry, metric: Metric) -> Option<Cell> {
    Cell::over_seeds(&entry.levels, Measure::of(metric))
}

/// A difference as a cell; empty where there is nothing to pair.
fn difference(entry: &Entry, metric: Metric) -> Cell {
    entry.difference().map_or(Cell::Empty, |difference| {
        Cell::of(difference.value, Measure::of(metric)).with_interval(difference.interval)
    })
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

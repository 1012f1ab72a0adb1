//! What a plan holds.

use crate::engine::{Outline, Status};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};

/// A row a condition.
pub fn conditions_table(outline: &Outline) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::number("runs", "runs"),
        Column::number("done", "done"),
    ]);
    for condition in &outline.conditions {
        let runs = outline.runs.iter().filter(|run| run.condition == condition.name);
        let done = runs.clone().filter(|run| run.status == Status::Done).count() as u64;
        let name = Cell::text(condition.name.as_str());
        table.push(vec![name, Cell::Count(runs.count() as u64), Cell::Count(done)]);
    }
    table
}

//! What a plan holds.

use std::collections::BTreeSet;

use crate::engine::{Outline, OutlineCondition, Status};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};

/// A row a condition; the controls of each are one, under its name.
pub fn conditions_table(outline: &Outline) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::number("runs", "runs"),
        Column::number("done", "done"),
    ]);
    let is_control = |condition: &OutlineCondition| condition.control;
    for alike in outline.conditions.chunk_by(|a, b| is_control(a) && is_control(b)) {
        let names: BTreeSet<&str> = alike.iter().map(|condition| &*condition.name).collect();
        let runs = outline.runs.iter().filter(|run| names.contains(&*run.condition));
        let done = runs.clone().filter(|run| run.status == Status::Done).count() as u64;
        let name = match alike.len() {
            1 => alike[0].name.clone(),
            count => {
                let together = format!(", controls 1 to {count}");
                alike[0].name.replacen(", control 1", &together, 1)
            }
        };
        table.push(vec![Cell::text(name), Cell::Count(runs.count() as u64), Cell::Count(done)]);
    }
    table
}

//! `fer-lab tables`

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{Exit, Options, output};
use crate::report::{Cell, Column, Format, Table, wrap};
use crate::store::{TableInfo, reference};

/// List the tables of an experiment and the meaning of their columns
///
/// Each is a Parquet file in the experiment's folder. Join them by `condition`, by `run_id` or by `training_id`. A table
/// without rows is not written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab tables runs effects\n  \
    fer-lab tables --format markdown > columns.md")]
pub struct Arguments {
    /// Only these tables
    #[arg(value_name = "TABLE", value_parser = names())]
    names: Vec<String>,
}

fn names() -> PossibleValuesParser {
    reference().iter().map(|table| table.name).collect::<Vec<_>>().into()
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let wanted = |table: &TableInfo| {
        arguments.names.is_empty() || arguments.names.iter().any(|name| name == table.name)
    };
    let tables: Vec<TableInfo> = reference().into_iter().filter(wanted).collect();
    if options.format != Format::Table {
        output::table(&columns(&tables), options.format)?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for table in &tables {
        let mut columns = columns(std::slice::from_ref(table));
        columns.select(&["column", "type", "unit", "meaning"].map(str::to_owned))?;
        text += &wrap(&format!("{}.parquet: {}", table.name, table.about), 80);
        text += &format!("\n\n{}\n", columns.render(Format::Table, output::width())?);
    }
    output::text(text.trim_end_matches('\n'))?;
    output::text("\n")?;
    Ok(Exit::Done)
}

/// A row a column.
fn columns(tables: &[TableInfo]) -> Table {
    let names = ["table", "column", "type", "unit", "meaning"];
    let mut rows = Table::new(names.map(|name| Column::text(name, name)).to_vec());
    for table in tables {
        for column in &table.columns {
            rows.push(vec![
                Cell::text(table.name),
                Cell::text(column.name),
                Cell::text(column.type_name()),
                column.unit.map_or(Cell::Empty, Cell::text),
                Cell::text(column.about()),
            ]);
        }
        if table.swept {
            rows.push(vec![
                Cell::text(table.name),
                Cell::text("each swept key"),
                Cell::text("of its values"),
                Cell::Empty,
                Cell::text(
                    "The row's value. Lists, tables and values of several types are TOML text.",
                ),
            ]);
        }
    }
    rows
}

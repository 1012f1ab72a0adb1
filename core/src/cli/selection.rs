//! Which rows and columns of a table are shown. The same flags mean the same in `list`, `show` and
//! `compare`.

use anyhow::Context;
use clap::Args;

use crate::report::{Format, Order, Query, Table};

/// Rows and columns.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rows and columns")]
pub struct Selection {
    /// Only rows for which this expression is true, as in 'mode = "hide" and test_accuracy > 0.8'
    ///
    /// On any column that `--format csv` gives, shown or not, spelled as in SQL: `=`, `<>`, `<`, `>=` …,
    /// `and`, `or`, `not`, `in (…)`, `between … and …`, `like`, `is null` and arithmetic. Text goes in
    /// quotes.
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// Only rows whose column contains this text; may be repeated
    #[arg(long = "filter", value_name = "COLUMN=TEXT")]
    filters: Vec<String>,
    /// Sort by these columns; a leading `-` sorts in descending order
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', allow_hyphen_values = true)]
    sort: Vec<Order>,
    /// Only these columns, in this order
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    columns: Vec<String>,
    /// At most this many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Selection {
    /// The chosen rows and columns.
    pub fn apply(&self, mut table: Table, few: &[&str], format: Format) -> anyhow::Result<Table> {
        self.choose_rows(&mut table)?;
        self.choose_columns(&mut table, few, format)?;
        Ok(table)
    }

    /// Keeps the chosen rows, in the chosen order.
    pub fn choose_rows(&self, table: &mut Table) -> anyhow::Result<()> {
        for filter in &self.filters {
            let (column, text) = filter
                .split_once('=')
                .with_context(|| format!("`--filter {filter}` is not COLUMN=TEXT"))?;
            table.keep(column, text)?;
        }
        if self.condition.is_some() || !self.sort.is_empty() || self.limit.is_some() {
            table.query(&Query {
                condition: self.condition.clone(),
                order: self.sort.clone(),
                limit: self.limit,
            })?;
        }
        Ok(())
    }

    /// Keeps the chosen columns: where none are named, people are shown a few and programs get all.
    pub fn choose_columns(
        &self,
        table: &mut Table,
        few: &[&str],
        format: Format,
    ) -> anyhow::Result<()> {
        if !self.columns.is_empty() {
            table.select(&self.columns)?;
        } else if matches!(format, Format::Table | Format::Markdown | Format::Latex)
            && !few.is_empty()
        {
            let few: Vec<String> = few.iter().map(|key| (*key).to_owned()).collect();
            table.select(&few)?;
        }
        Ok(())
    }
}

//! What can go wrong between rows and a picture.

use crate::experiment::suggest;

/// Why a figure or table could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("nothing to draw: {0}")]
    Empty(String),
    #[error(
        "a picture of {height} × {width} pixels and {channels} channels needs {} values, this one has {values}",
        height * width * channels
    )]
    TileSize { height: usize, width: usize, channels: usize, values: usize },
    #[error("a picture has 1 channel (grey) or 3 (RGB), this one has {0}")]
    TileChannels(usize),
    #[error("the figure `{title}` could not be drawn: {reason}")]
    Drawing { title: String, reason: String },
    #[error(transparent)]
    Write(#[from] crate::store::StoreError),
    #[error("unknown format `{0}`: choose table, csv, json or markdown")]
    UnknownFormat(String),
    #[error("no column `{column}`: {help}")]
    UnknownColumn { column: String, help: String },
    #[error(
        "`'{column}'` is a text, since it stands in single quotes; the column is `{named}`",
        named = named_in_condition(column)
    )]
    Quoted { column: String },
    #[error("invalid --where expression `{condition}`: {reason}")]
    Condition { condition: String, reason: String },
    #[error("the table could not be written as {format}: {reason}")]
    Encoding { format: &'static str, reason: String },
}

impl ReportError {
    /// Names the columns that there are, the likeliest first.
    pub(in crate::report) fn unknown_column(column: &str, known: &[&str]) -> ReportError {
        let help = suggest::help(column, "the columns are", known);
        ReportError::UnknownColumn { column: column.to_owned(), help }
    }

    /// As [`ReportError::unknown_column`], with the columns as a condition names them.
    pub(in crate::report) fn unknown_in_condition(column: &str, known: &[&str]) -> ReportError {
        let named: Vec<String> = known.iter().map(|name| named_in_condition(name)).collect();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        let help = suggest::help(column, "the columns are", &named);
        let help = format!("{help}. A text stands in quotes");
        ReportError::UnknownColumn { column: column.to_owned(), help }
    }
}

/// A column's name in a condition: in double quotes where it is no plain word.
fn named_in_condition(column: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    match column.starts_with(|c: char| c.is_alphabetic() || c == '_') && column.chars().all(plain) {
        true => column.to_owned(),
        false => format!("\"{}\"", column.replace('"', "\"\"")),
    }
}

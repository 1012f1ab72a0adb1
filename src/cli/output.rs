//! What is written where: answers on stdout, all else on stderr.

use std::io::{ErrorKind, Write};

use serde_json::Value;

use super::style;
use crate::report::{Cell, Column, Format, Table, visible_lines};

/// The width of a table: the terminal's, or 80 columns where there is none.
pub fn width() -> usize {
    let terminal = console::Term::stdout();
    let size = if terminal.is_term() { terminal.size_checked() } else { None };
    size.map_or(80, |(_, columns)| usize::from(columns).max(40))
}

/// Writes a text for people to stdout; what a terminal would obey is made visible. A reader that has gone
/// away (as in `fer-lab list | head -1`) is no error.
pub fn answer(text: &str) -> anyhow::Result<()> {
    data(&visible_lines(text))
}

/// Writes a table to stdout. What programs read has the escaping of its format, and no other.
pub fn table(table: &Table, format: Format) -> anyhow::Result<()> {
    data(&table.render(format, width())?)
}

/// Writes plain values as programs read them: a row for each object, a column for each of `keys`.
pub fn records(keys: &[&str], rows: &[Value], format: Format) -> anyhow::Result<()> {
    let mut records = Table::new(keys.iter().map(|key| Column::text(key, key)).collect());
    for row in rows {
        let cell = |key: &&str| match &row[*key] {
            Value::Null => Cell::Empty,
            Value::Bool(flag) => Cell::Flag(*flag),
            Value::String(text) => Cell::text(text.as_str()),
            Value::Number(number) => match (number.as_u64(), number.as_f64()) {
                (Some(count), _) => Cell::Count(count),
                (None, number) => number.map_or(Cell::Empty, Cell::exact),
            },
            list => Cell::text(list.to_string()),
        };
        records.push(keys.iter().map(cell).collect());
    }
    table(&records, format)
}

/// Writes what programs read to stdout, as it is.
pub fn data(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// An error with what led to it.
pub fn error(error: &anyhow::Error) {
    error_text(&format!("{} {}\n", style::error(), visible_lines(&format!("{error:#}"))));
}

/// A warning.
pub fn warning(text: &dyn std::fmt::Display) {
    error_text(&visible_lines(&format!("warning: {text}\n")));
}

/// Text for stderr. There is nobody left to tell where that fails.
pub fn error_text(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// A word as a shell takes it.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// clap's own messages, coloured where the terminal can.
pub fn clap(error: &clap::Error) {
    let _ = error.print();
}

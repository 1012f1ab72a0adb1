//! Output streams: results on stdout, everything else on stderr.
//!
//! A results folder, a data set or a file's name may come from someone else, so none of it is printed unchanged:
//! terminal control sequences are replaced in text for people and escaped in text for programs, wherever stdout
//! leads.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Write};

use serde::Serialize;
use serde_json::Value;

use super::closed::refuse_closed;
use super::style;
use crate::report::{
    Cell, Column, Format, Table, escaped, visible, visible_coloured, visible_lines, wrap,
};

/// A result that could not be printed: the work is done, but its output is lost.
#[derive(Debug, thiserror::Error)]
#[error("could not write to standard output: {0}")]
pub struct Unwritten(std::io::Error);

/// The width of a table: the terminal's, or 80 columns where there is none.
pub fn width() -> usize {
    width_of(&console::Term::stdout()).unwrap_or(80)
}

/// The width of a terminal, if it is one.
fn width_of(terminal: &console::Term) -> Option<usize> {
    let size = if terminal.is_term() { terminal.size_checked() } else { None };
    size.map(|(_, columns)| usize::from(columns).max(40))
}

/// Lines of prose, broken between words where a terminal is narrower; as they are where there is none.
pub fn prose(lines: &str) -> String {
    broken(lines, &console::Term::stdout())
}

fn broken(lines: &str, terminal: &console::Term) -> String {
    match width_of(terminal) {
        Some(width) => lines.lines().map(|line| wrap(line, width) + "\n").collect(),
        None => lines.to_owned(),
    }
}

/// Writes a text for people to stdout, control sequences made visible.
pub fn text(text: &str) -> anyhow::Result<()> {
    write(&visible_lines(text))
}

/// Writes a table to stdout.
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

/// Writes output for programs to stdout: unchanged except for [`escaped`] control characters.
pub fn data(text: &str) -> anyhow::Result<()> {
    write(&escaped(text))
}

fn write(text: &str) -> anyhow::Result<()> {
    let write = || {
        refuse_closed()?;
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    };
    written(write())
}

/// A closed pipe (as in `fer-lab list | head -1`) is no error.
fn written(result: std::io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other.map_err(Unwritten)?),
    }
}

/// Events as lines of JSON on stdout, or at the end of a file, each there as soon as it happened.
#[derive(Debug, Default)]
pub struct EventLines {
    /// Where they go instead of to stdout.
    file: Option<File>,
    /// The first failure, after which nothing more is written.
    failed: Option<std::io::Error>,
}

impl EventLines {
    /// Lines at the end of a file.
    pub fn into_file(file: File) -> EventLines {
        EventLines { file: Some(file), failed: None }
    }

    /// Writes a line. A failure does not stop the run that it reports on.
    pub fn write(&mut self, event: &impl Serialize) {
        if self.failed.is_some() {
            return;
        }
        let written = serde_json::to_string(event).map_err(std::io::Error::from).and_then(|line| {
            let line = line + "\n";
            let line = escaped(&line);
            if let Some(file) = &mut self.file {
                return file.write_all(line.as_bytes());
            }
            refuse_closed()?;
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(line.as_bytes())?;
            stdout.flush()
        });
        self.failed = written.err();
    }

    /// The failure, if there was one; a closed pipe is none.
    pub fn finish(self) -> anyhow::Result<()> {
        written(self.failed.map_or(Ok(()), Err))
    }
}

/// Prints an error with its causes.
pub fn error(error: &anyhow::Error) {
    error_text(&format!("{} {}\n", style::error(), visible_lines(&format!("{error:#}"))));
}

/// A warning, its lines broken between words where stderr is a narrower terminal.
pub fn warning(text: &dyn std::fmt::Display) {
    let text = format!("warning: {text}\n");
    error_text(&broken(&visible_lines(&text), &console::Term::stderr()));
}

/// Text for stderr, possibly coloured. A failure to write it is ignored: there is no other stream.
pub fn error_text(text: &str) {
    let text = match style::wanted_on_stderr() {
        true => visible_coloured(text),
        false => visible_lines(text),
    };
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// A word as a shell takes it, on one line. Control characters and bytes that are no UTF-8 are written
/// as `$'…'`, which bash, zsh, ksh, BusyBox and POSIX.1-2024 understand.
pub fn shell_word(word: &OsStr) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    match word.to_str() {
        // zsh takes `=word` for a command's path.
        Some(text) if !text.is_empty() && !text.starts_with('=') && text.chars().all(plain) => {
            text.to_owned()
        }
        Some(text) if visible(text) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => spelled_out(word.as_encoded_bytes()),
    }
}

fn spelled_out(word: &[u8]) -> String {
    let mut quoted = "$'".to_owned();
    for chunk in word.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let text: &str = c.encode_utf8(&mut buffer);
            match c {
                '\'' | '\\' => quoted.extend(['\\', c]),
                _ if visible(text) == text => quoted.push(c),
                _ => quoted.extend(text.bytes().map(|byte| format!("\\{byte:03o}"))),
            }
        }
        quoted.extend(chunk.invalid().iter().map(|byte| format!("\\{byte:03o}")));
    }
    quoted + "'"
}

/// clap's own messages, coloured where the terminal can.
pub fn clap(error: &clap::Error) -> anyhow::Result<()> {
    if !error.use_stderr() {
        written(refuse_closed())?;
    }
    written(error.print())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_gives_back_the_word() {
        let words: [&[u8]; 14] = [
            b"smoke.toml",
            b"",
            b"a b",
            b"it's",
            b"=x",
            b"~",
            b"$HOME `id` \"q\" \\ !",
            b"regions=[\"eyes\", \"mouth\"]",
            "für.toml".as_bytes(),
            b"line\nbreak\ttab",
            b"\x1b[2J'\\1",
            b"\xff\xfe9",
            "\u{202e}x".as_bytes(),
            b"--set",
        ];
        for word in words {
            let quoted = shell_word(OsStr::from_bytes(word));
            assert_eq!(visible(&quoted), quoted, "{word:?}");
            let Ok(shell) =
                Command::new("bash").args(["-c", &format!("printf %s {quoted}")]).output()
            else {
                return;
            };
            assert_eq!(shell.stdout, word, "{quoted}");
        }
        assert_eq!(shell_word(OsStr::new("train.epochs=2")), "train.epochs=2");
    }
}

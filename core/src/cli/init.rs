//! `fer-lab init`

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::{Exit, Options, output};
use crate::experiment::{dataset_kinds, is_name, starter};
use crate::report::Format;
use crate::store::{StoreError, write_new};

/// Write a first experiment file, with every key explained
///
/// The file lists every key with its default, unit and range. Unchanged, it asks how much of the signal the eyes
/// carry; on the built-in drawn faces this takes minutes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab init                                a study of drawn faces\n  \
    fer-lab init brows.toml --dataset ferplus   one of FER+, called brows")]
pub struct Arguments {
    /// The file to write, which must not exist; the experiment takes its name. `-` writes to standard output
    #[arg(value_name = "FILE", default_value = "experiments/my_study.toml")]
    file: PathBuf,
    /// The data set
    #[arg(long, value_name = "KIND", default_value = "faces", value_parser = kinds())]
    dataset: String,
}

/// What an experiment is called that has no file yet.
const UNNAMED: &str = "my_study";

fn kinds() -> PossibleValuesParser {
    dataset_kinds().collect::<Vec<_>>().into()
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    if !options.sets.is_empty() {
        bail!(
            "`init` does not write `--set` values: change the key in the file, or pass `--set` to `run`"
        );
    }
    if arguments.file.as_os_str() == "-" {
        if options.format != Format::Table {
            bail!("`init -` writes the file itself, so `--format` has no effect: leave it out");
        }
        output::data(&starter(UNNAMED, &arguments.dataset))?;
        return Ok(Exit::Done);
    }
    let mut file = arguments.file.clone();
    if file.extension().is_none() {
        file.set_extension("toml");
    }
    let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if file.extension().is_none_or(|extension| extension != "toml") || !is_name(name) {
        bail!(
            "`{}` cannot be an experiment's file: give it 1 to 100 letters, digits, `_` and `-`, then \
             `.toml`; not `trainings.toml`",
            file.display()
        );
    }
    write(&file, &starter(name, &arguments.dataset))?;
    let word = output::shell_word(file.as_os_str());
    let written = json!({ "file": file.to_string_lossy(), "experiment": name });
    match options.format {
        Format::Json => output::data(&(serde_json::to_string_pretty(&written)? + "\n"))?,
        Format::Table => {
            output::text(&format!("{}\n\n{}", file.display(), next(&word, &arguments.dataset)))?
        }
        other => output::records(&["file", "experiment"], &[written], other)?,
    }
    Ok(Exit::Done)
}

/// What to do with the file, a line a command; pictures of one's own are looked at first.
fn next(file: &str, dataset: &str) -> String {
    let looking = [
        ("data", "what is read, what not, what is doubtful"),
        ("preview", "the pictures, whole and under each mask"),
    ];
    let asking =
        [("plan", "what it trains, and how long it takes"), ("run", "train, evaluate, report")];
    let (heading, commands) = match dataset {
        "faces" => ("Next:", asking.to_vec()),
        _ => ("Next, with dataset.root set:", [looking, asking].concat()),
    };
    let width = commands.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let lines = commands.iter().map(|(command, what)| {
        let space = " ".repeat(width - command.len());
        format!("  fer-lab {command} {file}{space}    {what}\n")
    });
    format!("{heading}\n{}", lines.collect::<String>())
}

/// Writes a file that is not there yet, and the folders on the way to it.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    match write_new(path, |file| file.write_all(text.as_bytes())) {
        Err(StoreError::Write { reason, .. })
            if reason.kind() == ErrorKind::AlreadyExists && path.symlink_metadata().is_ok() =>
        {
            bail!(
                "`{}` exists and is not overwritten: give another name, as in `fer-lab init {}`",
                path.display(),
                output::shell_word(path.with_file_name("another.toml").as_os_str()),
            )
        }
        Err(StoreError::Write { reason, .. }) => {
            Err(reason).with_context(|| format!("cannot write `{}`", path.display()))
        }
        written => Ok(written?),
    }
}

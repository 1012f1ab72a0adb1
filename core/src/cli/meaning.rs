//! Whether `--format` and `--set` have an effect for a command. Options without effect are refused.

use std::path::Path;

use anyhow::bail;

use super::{Command, Options};
use crate::report::Format;

/// Refuses options that a command would ignore.
pub fn check(command: &Command, options: &Options) -> anyhow::Result<()> {
    if options.format != Format::Table
        && let Some((name, what)) = of_one_format(command)
    {
        bail!("`{name}` always writes {what}, so `--format` has no effect: leave it out");
    }
    if let Some(set) = options.sets.first()
        && let Some(name) = without_file(command)
    {
        bail!("`{name}` reads no experiment file, so `--set {set}` has no effect: leave it out");
    }
    match command {
        Command::Run(arguments) => one_table("run", arguments.files.len(), options.format),
        Command::Report(arguments) => one_table("report", arguments.names.len(), options.format),
        _ => Ok(()),
    }
}

/// The commands with a fixed output format, and what it is.
fn of_one_format(command: &Command) -> Option<(&'static str, &'static str)> {
    match command {
        Command::Doctor(arguments) if arguments.libtorch => {
            Some(("doctor --libtorch", "a line of JSON"))
        }
        Command::Schema(_) => Some(("schema", "the lines of a JSON Schema")),
        Command::Completions(_) => Some(("completions", "the lines of a shell's script")),
        Command::Man(_) => Some(("man", "manual pages")),
        Command::Examine(_) => Some(("examine", "the answer as text")),
        Command::Cancel(_) => Some(("cancel", "a line of text")),
        Command::Worker(_) => Some(("worker", "events as lines of JSON")),
        Command::Run(arguments) if arguments.json => {
            Some(("run --json", "events as lines of JSON"))
        }
        Command::Logs(arguments) if arguments.follow => {
            Some(("logs --follow", "lines as they are written"))
        }
        _ => None,
    }
}

/// The commands that read no experiment file. `init`, which writes one, checks this itself.
fn without_file(command: &Command) -> Option<&'static str> {
    let is_file =
        |word: &String| Path::new(word).extension().is_some_and(|ending| ending == "toml");
    match command {
        Command::Report(_) => Some("report"),
        Command::Compare(_) => Some("compare"),
        Command::List(_) => Some("list"),
        Command::Show(_) => Some("show"),
        Command::Status(_) => Some("status"),
        Command::Logs(_) => Some("logs"),
        Command::Reproduce(_) => Some("reproduce"),
        Command::Export(_) => Some("export"),
        Command::Cancel(_) => Some("cancel"),
        Command::Clean(_) => Some("clean"),
        Command::Worker(_) => Some("worker"),
        Command::Keys(_) => Some("keys"),
        Command::Tables(_) => Some("tables"),
        Command::Doctor(_) => Some("doctor"),
        Command::Schema(_) => Some("schema"),
        Command::Completions(_) => Some("completions"),
        Command::Man(_) => Some("man"),
        Command::Diff(arguments) if !is_file(&arguments.a) && !is_file(&arguments.b) => {
            Some("diff")
        }
        Command::Regions(arguments) if arguments.file.is_none() => Some("regions"),
        Command::Diff(_) | Command::Regions(_) | Command::Init(_) | Command::Run(_) => None,
        Command::Plan(_) | Command::Preview(_) => None,
        Command::Data(_) | Command::Landmarks(_) | Command::Examine(_) => None,
    }
}

/// One table after the other would be no CSV and no JSON.
fn one_table(name: &str, count: usize, format: Format) -> anyhow::Result<()> {
    if format != Format::Table && count > 1 {
        bail!(
            "`{name}` prints one table per experiment: for another `--format` name \
             one experiment at a time"
        );
    }
    Ok(())
}

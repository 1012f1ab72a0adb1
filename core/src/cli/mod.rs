//! The command line: one file per command, each thin.
//!
//! In: arguments. Out: results on stdout, progress and errors on stderr, an exit code. The work of a command is done
//! in the rooms above; here are only its arguments and its output.

mod cancel;
mod clean;
mod closed;
mod compare;
mod completions;
mod data;
mod diff;
mod doctor;
mod examine;
mod export;
mod init;
mod interrupt;
mod keys;
mod landmarks;
mod list;
mod logs;
mod man;
mod meaning;
mod output;
mod partner;
mod picture;
mod plan;
mod preview;
mod progress;
mod regions;
mod report;
mod reproduce;
mod run;
mod schema;
mod selection;
mod show;
mod slurm;
mod status;
mod style;
mod tables;
mod worker;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::dataset::DatasetError;
use crate::engine::{EngineError, Libtorch};
use crate::experiment::{self, Experiment, ExperimentErrors};
use crate::report::{Format, ReportError, ReportingError, SpliceError};
use crate::store::StoreError;

/// Which parts of a face carry the signal that a network uses to read an emotion?
///
/// A TOML file defines the experiment: a data set, face regions to hide or to keep, a network and its training.
/// `fer-lab run` trains networks on whole and on masked faces with several seeds, and reports effects with confidence
/// intervals, and charts.
#[derive(Debug, Parser)]
#[command(
    name = "fer-lab",
    version,
    styles = style::HELP,
    after_help = "Begin with:\n  \
                      fer-lab run experiments/mask_eyes.toml    a first study\n  \
                      fer-lab init                              an experiment of your own\n\n\
                  Exit codes:\n  \
                      0    done\n  \
                      1    some runs failed; the others are kept\n  \
                      2    the command or the experiment file is wrong\n  \
                      130  interrupted"
)]
struct Cli {
    #[command(flatten, next_help_heading = "Options of every command")]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Understood by every command.
#[derive(Debug, Args)]
struct Options {
    /// The folder that holds trainings, tables and charts
    #[arg(long, global = true, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Set a key of the experiment file, as in `--set train.epochs=2` or `--set
    /// occlusion.regions=eyes,mouth`; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Output format of the result
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table", value_parser = formats())]
    format: Format,
    /// Print only the result, no progress
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print more progress; give it twice for a line per epoch
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Arguments),
    Run(Box<run::Arguments>),
    Examine(examine::Arguments),
    Plan(plan::Arguments),
    Preview(preview::Arguments),
    Data(data::Arguments),
    Landmarks(landmarks::Arguments),
    Regions(regions::Arguments),
    Report(report::Arguments),
    Compare(compare::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Diff(diff::Arguments),
    Status(status::Arguments),
    Logs(logs::Arguments),
    Reproduce(reproduce::Arguments),
    Export(export::Arguments),
    Cancel(cancel::Arguments),
    Clean(clean::Arguments),
    Worker(worker::Arguments),
    Keys(keys::Arguments),
    Tables(tables::Arguments),
    Doctor(doctor::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// The words of `--format`, which clap lists in help and completions.
fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["table", "csv", "json", "markdown", "latex"])
        .try_map(|word| word.parse::<Format>())
}

/// How a command ended if it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done = 0,
    SomeFailed = 1,
    Interrupted = 130,
}

/// Nothing was done: the command, the file or something they name is wrong.
const WRONG: u8 = 2;

/// A program that has this command line.
pub struct Program {
    /// What it was built from: programs of one build have the same.
    pub build: &'static str,
    pub libtorch: Access,
}

/// Where a program finds libtorch.
pub enum Access {
    /// In itself.
    Linked(&'static dyn Libtorch),
    /// In a second program that lies beside it.
    Beside,
    /// It was built without.
    Nowhere,
}

impl Program {
    /// libtorch, for the commands that compute with networks. Where a second program has it, the process becomes
    /// that program (exec), and this returns only if it cannot.
    fn libtorch(&self) -> anyhow::Result<&'static dyn Libtorch> {
        match self.libtorch {
            Access::Linked(libtorch) => Ok(libtorch),
            Access::Beside => Err(partner::start(self.build)),
            Access::Nowhere => Err(partner::built_without()),
        }
    }
}

/// Runs the command that the process was called with.
pub fn main(program: &Program) -> ExitCode {
    if matches!(program.libtorch, Access::Linked(_))
        && let Err(error) = partner::check_caller(program.build)
    {
        output::error(&error);
        return ExitCode::from(WRONG);
    }
    let Cli { options, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap's own texts: help and versions go to stdout with code 0.
            let code = if error.use_stderr() { WRONG } else { Exit::Done as u8 };
            return ExitCode::from(match output::clap(&error) {
                Err(lost) if code == Exit::Done as u8 => {
                    output::error(&lost);
                    Exit::SomeFailed as u8
                }
                _ => code,
            });
        }
    };
    let ended = meaning::check(&command, &options).and_then(|()| run(&command, &options, program));
    match ended {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) if was_interrupted(&error) => {
            output::error_text("interrupted\n");
            ExitCode::from(Exit::Interrupted as u8)
        }
        Err(error) => {
            match error.downcast_ref::<ExperimentErrors>() {
                Some(errors) => {
                    let text = errors.render(style::wanted_on_stderr());
                    output::error_text(&format!("{}\n", text.trim_end()));
                }
                None => output::error(&error),
            }
            ExitCode::from(if was_cut_short(&error) { Exit::SomeFailed as u8 } else { WRONG })
        }
    }
}

/// Whether the program would take these words, its own name not among them, for a command; files are not looked for.
///
/// # Errors
/// What it would say: of an unknown command or option, a value that an option does not take, an option without effect.
pub fn understands<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<(), String> {
    match Cli::try_parse_from(std::iter::once("fer-lab").chain(words)) {
        Ok(Cli { options, command }) => {
            meaning::check(&command, &options).map_err(|error| error.to_string())
        }
        // Help and versions.
        Err(error) if !error.use_stderr() => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn run(command: &Command, options: &Options, program: &Program) -> anyhow::Result<Exit> {
    match command {
        Command::Init(arguments) => init::run(arguments, options),
        Command::Run(arguments) => run::run(arguments, options, program.libtorch()?),
        Command::Examine(arguments) => examine::run(arguments, options, program.libtorch()?),
        Command::Plan(arguments) => plan::run(arguments, options),
        Command::Preview(arguments) => preview::run(arguments, options, program.libtorch()?),
        Command::Data(arguments) => data::run(arguments, options),
        Command::Landmarks(arguments) => landmarks::run(arguments, options),
        Command::Regions(arguments) => regions::run(arguments, options),
        Command::Report(arguments) => report::run(arguments, options),
        Command::Compare(arguments) => compare::run(arguments, options),
        Command::List(arguments) => list::run(arguments, options),
        Command::Show(arguments) => show::run(arguments, options),
        Command::Status(arguments) => status::run(arguments, options),
        Command::Reproduce(arguments) => reproduce::run(arguments, options, program.libtorch()?),
        Command::Export(arguments) => export::run(arguments, options),
        Command::Cancel(arguments) => cancel::run(arguments, options),
        Command::Clean(arguments) => clean::run(arguments, options),
        Command::Worker(arguments) => worker::run(arguments, options, program.libtorch()?),
        Command::Diff(arguments) => diff::run(arguments, options),
        Command::Logs(arguments) => logs::run(arguments, options),
        Command::Keys(arguments) => keys::run(arguments, options),
        Command::Tables(arguments) => tables::run(arguments, options),
        Command::Doctor(arguments) => doctor::run(arguments, options, program),
        Command::Schema(arguments) => schema::run(arguments),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man(arguments) => man::run(arguments),
    }
}

/// Whether the user interrupted the command.
fn was_interrupted(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<EngineError>() {
        Some(error) => error.is_interruption(),
        None => matches!(error.downcast_ref::<DatasetError>(), Some(DatasetError::Interrupted)),
    }
}

/// Whether the command was valid but its result could not be stored or printed: a full disk, say.
fn was_cut_short(error: &anyhow::Error) -> bool {
    if error.is::<output::Unwritten>() {
        return true;
    }
    if let Some(error) = error.downcast_ref::<EngineError>() {
        return error.is_about_storing();
    }
    if let Some(error) = error.downcast_ref::<DatasetError>() {
        return error.is_about_storing();
    }
    if let Some(error) = error.downcast_ref::<ReportingError>() {
        return error.is_about_storing();
    }
    if let Some(error) = error.downcast_ref::<SpliceError>() {
        return error.is_about_storing();
    }
    let stored = match error.downcast_ref::<ReportError>() {
        Some(ReportError::Write(error)) => Some(error),
        _ => error.downcast_ref::<StoreError>(),
    };
    matches!(stored, Some(StoreError::Write { .. }))
}

impl Options {
    fn experiment(&self, file: &Path) -> Result<Experiment, ExperimentErrors> {
        let experiment = experiment::load(file, &self.sets)?;
        experiment.notes.iter().filter(|_| !self.quiet).for_each(|note| output::warning(note));
        Ok(experiment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_libtorch_says_so() {
        let program = Program { build: "", libtorch: Access::Nowhere };
        let refused = program.libtorch().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("built without it (`--no-default-features`)"), "{refused}");
    }
}

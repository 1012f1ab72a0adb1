//! `fer-lab run`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::progress::Progress;
use super::{Exit, Options, output, report};
use crate::engine::{self, Work};
use crate::plan::Plan;
use crate::store::Results;
use crate::train::device;

/// Train what is missing, collect the tables, draw the charts, answer
///
/// Trainings and evaluations that lie in the results folder already are not done again, whichever
/// experiment they were made for. Ctrl-C once writes a checkpoint and leaves; the same command goes on
/// from there. Ctrl-C twice leaves at once.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Experiment files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Threads a training uses; as many as there are processors where it is not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
    let threads = arguments.threads.unwrap_or(processors);
    device::prepare(threads as i32);
    let interrupted = catch_interrupts()?;
    // Every file is looked at before the first hour is spent.
    let mut experiments = Vec::new();
    for file in &arguments.files {
        let experiment = options.experiment(file)?;
        let plan = Plan::new(&experiment)?;
        experiments.push((file, experiment, plan));
    }
    let results = Results::create(&options.results)?;
    let mut exit = Exit::Done;
    for (file, experiment, plan) in &experiments {
        for warning in &plan.warnings {
            output::error_text(&format!("warning: {warning}\n"));
        }
        let mut progress = Progress::new(options, &experiment.name, Arc::clone(&interrupted));
        let work = Work { experiment, plan, results: &results, threads };
        let done = engine::execute(&work, &mut progress);
        progress.finish();
        let done = done?;
        if done.interrupted {
            output::error_text(&format!(
                "interrupted; `{}` goes on from here\n",
                command(file, arguments, options)
            ));
            return Ok(Exit::Interrupted);
        }
        output::answer(&report::regenerate(&results, &experiment.name, options)?)?;
        if done.failed_runs > 0 {
            exit = Exit::SomeFailed;
        }
    }
    Ok(exit)
}

/// Raised at the first Ctrl-C; the second one leaves.
fn catch_interrupts() -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&interrupted);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::SeqCst) {
            std::process::exit(Exit::Interrupted as i32);
        }
        output::error_text("\ninterrupted: writing a checkpoint; once more leaves at once\n");
    })?;
    Ok(interrupted)
}

/// The command that goes on, to be pasted into a shell.
fn command(file: &Path, arguments: &Arguments, options: &Options) -> String {
    let mut words = vec!["fer-lab".to_owned(), "run".to_owned(), file.display().to_string()];
    for set in &options.sets {
        words.extend(["--set".to_owned(), set.clone()]);
    }
    if let Some(threads) = arguments.threads {
        words.extend(["--threads".to_owned(), threads.to_string()]);
    }
    if options.results != Path::new("results") {
        words.extend(["--results".to_owned(), options.results.display().to_string()]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("train.epochs=2"), "train.epochs=2");
        assert_eq!(quoted("dataset.size=[48,48]"), "'dataset.size=[48,48]'");
        assert_eq!(quoted("name='x'"), r"'name='\''x'\'''");
    }
}

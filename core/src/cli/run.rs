//! `fer-lab run`

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use clap::builder::TypedValueParser;

use super::interrupt::Interruption;
use super::progress::Progress;
use super::{Exit, Options, output, report};
use crate::engine::{self, Libtorch, Work};
use crate::experiment::{DeviceChoice, Experiment};
use crate::machine::{Asked, Crew, Machine};
use crate::plan::Plan;
use crate::report::Depth;
use crate::store::Results;

/// Train what is missing, collect, chart, answer
///
/// Trainings and evaluations that lie in the results folder already are not done again, whichever
/// experiment they were made for, and several runs on one folder share the work. Trainings are done by
/// processes of their own: one that dies fails the training that it is at. Ctrl-C once writes checkpoints
/// and leaves; the same command goes on from there. Ctrl-C twice leaves at once.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Experiment files
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    crew: CrewArguments,
    /// Try a training that failed so many times again
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=1000))]
    retries: u32,
    /// End at the first failure; trainings under way write checkpoints
    #[arg(long)]
    fail_fast: bool,
    /// Where the results folder holds another study of the same name, replace its tables; it is kept under
    /// another name else
    #[arg(long)]
    replace: bool,
    /// Claim nothing: for a file system without locks, where no other run works on the results folder
    #[arg(long)]
    no_locks: bool,
    /// Store a checkpoint at the end of an epoch where the last one is so old
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_SECONDS,
          value_parser = clap::value_parser!(u32).range(..=i64::from(engine::MOST_CHECKPOINT_SECONDS)))]
    checkpoint_every: u32,
    /// Events as JSON, an object a line, on stdout in place of the answer
    #[arg(long)]
    pub(super) json: bool,
}

/// Little is lost, and short epochs don't wait for the disk.
pub(super) const CHECKPOINT_SECONDS: u32 = 20;

/// How a machine is divided.
#[derive(Debug, Args)]
pub(super) struct CrewArguments {
    /// Trainings at once; as many as processors and memory, on a GPU its free memory, allow where it is
    /// not given
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    /// Threads of each training; the processors are divided evenly where it is not given
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<u32>,
    /// Where trainings run, in turn: cpu, cuda:0, cuda:1 …; as the experiment says where not given
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', value_parser = device)]
    devices: Vec<DeviceChoice>,
}

impl CrewArguments {
    pub fn crew(&self, plan: &Plan, experiment: &Experiment) -> Crew {
        let CrewArguments { jobs, threads, ref devices } = *self;
        let asked = Asked { jobs, threads, devices: devices.clone() };
        let device = experiment.settings.train.device;
        Crew::divide(&asked, &Machine::here(), device, &plan.trainings)
    }
}

/// How many threads a training may have.
pub(super) fn threads() -> impl TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(1..=i64::from(engine::MOST_THREADS))
}

fn device(text: &str) -> anyhow::Result<DeviceChoice> {
    Ok(match (text, text.strip_prefix("cuda:").map(str::parse)) {
        ("auto", _) => DeviceChoice::Auto,
        ("cpu", _) => DeviceChoice::Cpu,
        (_, Some(Ok(index))) if index <= engine::MOST_GPU => DeviceChoice::Cuda(index),
        _ => bail!("choose auto, cpu, cuda:0, cuda:1 …"),
    })
}

pub fn run(
    arguments: &Arguments,
    options: &Options,
    libtorch: &dyn Libtorch,
) -> anyhow::Result<Exit> {
    let again = format!("interrupted; `{}` goes on from here\n", command(std::env::args_os()));
    let interruption = Interruption::catch(again.clone())?;
    // Every file is looked at before the first hour is spent.
    let mut experiments = Vec::new();
    for file in &arguments.files {
        let experiment = options.experiment(file)?;
        let plan = Plan::new(&experiment)?;
        experiments.push((experiment, plan));
    }
    refuse_one_name(&arguments.files, &experiments)?;
    let results = Results::create(&options.results)?;
    let program = engine::this_program()?;
    let mut exit = Exit::Done;
    // That an answer cannot be written is no reason to leave the next experiment undone.
    let mut told = Ok(());
    for (experiment, plan) in &experiments {
        let crew = arguments.crew.crew(plan, experiment);
        let mut progress = Progress::new(options, arguments.json, &interruption);
        for warning in &plan.warnings {
            progress.warn(&format!("warning: {warning}"));
        }
        let work = Work {
            experiment,
            plan,
            results: &results,
            crew,
            program: program.clone(),
            commit: libtorch.commit(),
            retries: arguments.retries,
            fail_fast: arguments.fail_fast,
            replace: arguments.replace,
            locks: !arguments.no_locks,
            checkpoint_seconds: arguments.checkpoint_every,
        };
        let done = engine::execute(&work, &mut progress);
        progress.finish();
        let done = done?;
        told = told.and(progress.finished(&experiment.name, &done));
        if done.interrupted {
            output::error_text(&again);
            return Ok(Exit::Interrupted);
        }
        let (answer, _) = interruption.leaving_at_once(|| {
            report::regenerate(&results, &experiment.name, options, Depth::Answer)
        })?;
        if !arguments.json {
            told = told.and(output::answer(&answer));
        }
        if done.failed_runs > 0 {
            exit = Exit::SomeFailed;
            if arguments.fail_fast {
                break;
            }
        }
    }
    told.map(|()| exit)
}

/// An error where two files are of one name: the later would replace the tables of the former.
fn refuse_one_name(files: &[PathBuf], experiments: &[(Experiment, Plan)]) -> anyhow::Result<()> {
    for (index, (experiment, _)) in experiments.iter().enumerate() {
        let name = &experiment.name;
        let namesake = experiments[..index].iter().position(|(other, _)| other.name == *name);
        if let Some(other) = namesake {
            let (other, file) = (files[other].display(), files[index].display());
            bail!(
                "`{other}` and `{file}` are both called `{name}`: give one of them another `name`, or run \
                 them into two folders (--results DIR)"
            );
        }
    }
    Ok(())
}

/// The command that was given, to be pasted into a shell.
fn command(words: impl Iterator<Item = OsString>) -> String {
    words.map(|word| output::shell_word(&word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_by_name() {
        assert_eq!(device("cuda:1").unwrap(), DeviceChoice::Cuda(1));
        assert_eq!(device("cpu").unwrap(), DeviceChoice::Cpu);
        assert!(device("cuda:x").is_err() && device("gpu").is_err() && device("cuda:100").is_err());
    }
}

//! `fer-lab run`

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::TypedValueParser;

use super::interrupt::Interruption;
use super::progress::Progress;
use super::slurm::{self, SlurmArguments};
use super::{Exit, Options, output, report};
use crate::engine::{self, Libtorch, Work};
use crate::experiment::{DeviceChoice, Experiment};
use crate::machine::{Asked, Machine, Resources};
use crate::plan::Plan;
use crate::report::{Depth, lacking_signs};
use crate::store::Results;

/// Train and evaluate what is missing, then report
///
/// Trainings and evaluations that are already in the results folder are not repeated, whichever experiment they were
/// made for, and several runs on one folder share the work. Each training runs in a worker process: if it crashes, only
/// that training fails. Ctrl-C once writes checkpoints and exits; the same command resumes from them. Ctrl-C twice
/// exits at once.
///
/// With `--engine slurm`, job arrays do the trainings: Ctrl-C leaves the jobs, the same command finds and watches them again,
/// and `fer-lab cancel` stops them.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Experiment files
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    resources: ResourceArguments,
    #[command(flatten)]
    drawn: report::DrawnArguments,
    /// Retry a failed training up to this many times
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=1000))]
    retries: u32,
    /// Stop at the first failure; running trainings write checkpoints
    #[arg(long)]
    fail_fast: bool,
    /// Replace the tables of another study with the same name; by default that study is renamed and kept
    #[arg(long)]
    replace: bool,
    /// Take no file locks: for a file system without them, if no other run uses the results folder
    #[arg(long)]
    no_locks: bool,
    /// Write a checkpoint at the end of an epoch if the last one is at least this old
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_SECONDS,
          value_parser = clap::value_parser!(u32).range(..=i64::from(engine::MOST_CHECKPOINT_SECONDS)))]
    checkpoint_every: u32,
    /// Say that a training makes no progress after so many minutes; 0: never
    #[arg(long, value_name = "MINUTES", default_value_t = STALL_MINUTES, value_parser = minutes)]
    stall_minutes: f64,
    /// End a training that makes no progress for that long, which then has failed, and may be retried
    #[arg(long)]
    end_stalled: bool,
    /// Print events as JSON, one object per line, instead of the report
    #[arg(long)]
    pub(super) json: bool,
    // Last: the options that follow would stand under its heading.
    #[command(flatten)]
    slurm: SlurmArguments,
}

impl Arguments {
    /// To run one file on this machine, all else as it is by default.
    pub(super) fn of_file(
        file: PathBuf,
        resources: ResourceArguments,
        drawn: report::DrawnArguments,
    ) -> Arguments {
        Arguments {
            files: vec![file],
            resources,
            drawn,
            retries: 0,
            fail_fast: false,
            replace: false,
            no_locks: false,
            checkpoint_every: CHECKPOINT_SECONDS,
            stall_minutes: STALL_MINUTES,
            end_stalled: false,
            json: false,
            slurm: SlurmArguments::of_this_machine(),
        }
    }
}

/// Little is lost, and short epochs do not wait for the disk.
pub(super) const CHECKPOINT_SECONDS: u32 = 20;

/// No step, evaluation or batch of pictures takes that long.
const STALL_MINUTES: f64 = 30.0;

/// How to divide the machine among trainings.
#[derive(Debug, Clone, Args)]
pub(super) struct ResourceArguments {
    /// Trainings in parallel; default: as many as processors and memory (on a GPU, its free memory) allow
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    /// Threads per training; default: the processors divided evenly
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<u32>,
    /// Devices for the trainings, in turn: cpu, cuda:0, cuda:1 …; default: the experiment's `train.device`
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', value_parser = device)]
    devices: Vec<DeviceChoice>,
}

impl ResourceArguments {
    pub fn resources(&self, plan: &Plan, experiment: &Experiment) -> Resources {
        let ResourceArguments { jobs, threads, ref devices } = *self;
        let asked = Asked { jobs, threads, devices: devices.clone() };
        let device = experiment.settings.train.device;
        Resources::divide(&asked, &Machine::here(), device, &plan.trainings)
    }

    /// An error where options speak of this machine, and Slurm carries out the run.
    fn refuse_devices(&self) -> anyhow::Result<()> {
        if self.jobs.is_some() {
            bail!(
                "`--jobs` divides this machine, and Slurm carries out this run: use `--tasks-at-once`"
            );
        }
        match self.devices.is_empty() {
            true => Ok(()),
            false => bail!(
                "`--devices` names devices of this machine, and Slurm carries out this run: use `--gres`"
            ),
        }
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.0..=1e5).contains(&minutes) => Ok(minutes),
        _ => Err("give a number of minutes from 0 to 100000".to_owned()),
    }
}

fn stall(minutes: f64) -> Option<Duration> {
    (minutes > 0.0).then(|| Duration::from_secs_f64(minutes * 60.0))
}

/// What is said where the run is interrupted.
/// `slurm`: the experiment whose jobs Slurm has, and whether they were cancelled.
fn farewell(slurm: Option<(&String, bool)>) -> String {
    let again = command(std::env::args_os());
    match slurm {
        None => format!("interrupted; `{again}` resumes from the checkpoints\n"),
        Some((_, true)) => {
            format!("the jobs were cancelled; `{again}` resumes from the checkpoints\n")
        }
        Some((name, false)) => format!(
            "left; the jobs in Slurm go on. `{again}` watches them again and collects; `fer-lab cancel {name}` stops them\n"
        ),
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
    let by_slurm = arguments.slurm.settings()?;
    let again = farewell(None);
    let interruption = Interruption::catch(again.clone())?;
    // Every file is checked before the first training starts.
    let mut experiments = Vec::new();
    for file in &arguments.files {
        let experiment = options.experiment(file)?;
        let plan = Plan::new(&experiment)?;
        experiments.push((experiment, plan));
    }
    refuse_one_name(&arguments.files, &experiments)?;
    refuse_signs(&experiments)?;
    let results = Results::create(&options.results)?;
    let program = match by_slurm {
        // Slurm's machines start it by its path.
        Some(_) => {
            std::env::current_exe().context("cannot find the path of the running fer-lab")?
        }
        None => engine::this_program()?,
    };
    let mut exit = Exit::Done;
    // A report that cannot be printed does not stop the next experiment.
    let mut told = Ok(());
    for (experiment, plan) in &experiments {
        let resources = match &by_slurm {
            Some(settings) => {
                arguments.resources.refuse_devices()?;
                slurm::resources(settings, arguments.resources.threads, experiment)?
            }
            None => arguments.resources.resources(plan, experiment),
        };
        let progress = Progress::new(options, arguments.json, &interruption);
        let mut progress = progress.of_scheduler(by_slurm.is_some());
        for warning in &plan.warnings {
            progress.warn(&format!("warning: {warning}"));
        }
        let work = Work {
            experiment,
            plan,
            results: &results,
            resources,
            program: program.clone(),
            commit: libtorch.commit(),
            retries: arguments.retries,
            fail_fast: arguments.fail_fast,
            replace: arguments.replace,
            locks: !arguments.no_locks,
            stall: stall(arguments.stall_minutes),
            end_stalled: arguments.end_stalled,
            slurm: by_slurm.clone(),
            checkpoint_seconds: arguments.checkpoint_every,
        };
        let done = engine::execute(&work, &mut progress);
        progress.finish();
        let done = done?;
        told = told.and(progress.finished(&experiment.name, &done));
        if done.interrupted {
            let words = farewell(by_slurm.is_some().then_some((&experiment.name, done.cancelled)));
            output::error_text(&words);
            return Ok(Exit::Interrupted);
        }
        let mut progress = Progress::new(options, arguments.json, &interruption);
        let examples = match arguments.drawn.no_examples {
            true => engine::remove_examples(&work),
            false => engine::write_examples(&work, libtorch, &mut progress),
        };
        // The report does not need them.
        if let Err(error) = examples {
            progress.warn(&format!("warning: no example pictures in the report: {error}"));
        }
        progress.finish();
        let (report, _) = interruption.leaving_at_once(|| {
            let depth = Depth::Answer;
            report::regenerate(&results, &experiment.name, options, &arguments.drawn, depth)
        })?;
        if !arguments.json {
            told = told.and(output::text(&report));
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

/// An error where a chart could not show the name of a class.
fn refuse_signs(experiments: &[(Experiment, Plan)]) -> anyhow::Result<()> {
    for (experiment, plan) in experiments {
        let classes = plan.trainings.iter().flat_map(|training| &training.settings.dataset.classes);
        let signs = lacking_signs(classes.map(String::as_str));
        if !signs.is_empty() {
            bail!(
                "`{}`: no installed font has {}, so charts could not show the class names: install a font for that \
                 script (such as Noto), or rename the classes",
                experiment.name,
                signs.join(", ")
            );
        }
    }
    Ok(())
}

/// The command line, quoted for a shell.
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

//! The options of a run that Slurm carries out, and what they and the site's file come to.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::cluster::{EngineKind, Memory, Site, SlurmSettings, TimeLimit};
use crate::engine;
use crate::experiment::{DeviceChoice, Experiment};
use crate::machine::{AskedBy, Resources};

/// Who starts the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// This command, on this machine
    Local,
    /// Slurm, as job arrays
    Slurm,
}

/// What jobs ask Slurm for.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Options of a run that Slurm carries out")]
pub(super) struct SlurmArguments {
    /// Who starts the trainings; default: the site's file, or else local
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Engine>,
    /// The site's file; default: ~/.config/fer-lab/site.toml, if it is there
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    /// The partition
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// The account to charge
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The quality of service
    #[arg(long, value_name = "NAME")]
    qos: Option<String>,
    /// Features that a node must have
    #[arg(long, value_name = "FEATURES")]
    constraint: Option<String>,
    /// Generic resources of each task, as `gpu:1`: with a GPU, trainings run on it, else on the CPU
    #[arg(long, value_name = "LIST")]
    gres: Option<String>,
    /// Processors, and threads, of each task; default: 1, with a GPU 2
    #[arg(long, value_name = "N", value_parser = super::run::threads())]
    cpus: Option<u32>,
    /// Time limit of each task: minutes, hours:minutes:seconds or days-hours:minutes; default: from the plan's estimate
    #[arg(long, value_name = "TIME")]
    time: Option<TimeLimit>,
    /// Memory of each task, as `8G`; default: from the plan's estimate
    #[arg(long, value_name = "SIZE")]
    memory: Option<Memory>,
    /// An environment module that each task loads; may be repeated
    #[arg(long = "module", value_name = "NAME")]
    modules: Vec<String>,
    /// A command of bash that each task runs first; may be repeated
    #[arg(long, value_name = "COMMAND")]
    prologue: Vec<String>,
    /// Words in front of the worker, as `--wrapper 'apptainer exec --nv lab.sif'`
    #[arg(long, value_name = "WORDS", value_parser = words)]
    wrapper: Option<Words>,
    /// A further option of sbatch, as `--sbatch=--exclude=node7`; may be repeated
    #[arg(long = "sbatch", value_name = "OPTION", allow_hyphen_values = true)]
    options: Vec<String>,
    /// The most tasks in the queue; each does several trainings, if there are more; default: 500
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tasks: Option<u32>,
    /// The most tasks that Slurm runs at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tasks_at_once: Option<u32>,
}

/// Words that spaces separate.
#[derive(Debug, Clone)]
struct Words(Vec<String>);

fn words(text: &str) -> Result<Words, String> {
    match text.split_whitespace().map(str::to_owned).collect::<Vec<_>>() {
        words if words.is_empty() => Err("give at least one word".to_owned()),
        words => Ok(Words(words)),
    }
}

/// The processors of a task that are not given.
const CPUS: u32 = 1;
const CPUS_BESIDE_GPU: u32 = 2;

impl SlurmArguments {
    /// Whatever the site's file says, the run itself starts the trainings.
    pub fn of_this_machine() -> SlurmArguments {
        SlurmArguments { engine: Some(Engine::Local), ..SlurmArguments::default() }
    }

    /// What jobs ask for, where Slurm carries out the run; `None` where the run itself does.
    pub fn settings(&self) -> anyhow::Result<Option<SlurmSettings>> {
        let site = Site::read(self.site.as_deref())?;
        let kind = match self.engine {
            Some(Engine::Local) => EngineKind::Local,
            Some(Engine::Slurm) => EngineKind::Slurm,
            None => site.engine.unwrap_or_default(),
        };
        let own = self.own();
        if kind == EngineKind::Local {
            if own != SlurmSettings::default() {
                bail!(
                    "options of Slurm's jobs have no effect on a run of this machine: give `--engine slurm`, or leave them out"
                );
            }
            return Ok(None);
        }
        own.check()?;
        Ok(Some(own.or(site.slurm)))
    }

    /// Those of the command line.
    fn own(&self) -> SlurmSettings {
        SlurmSettings {
            partition: self.partition.clone(),
            account: self.account.clone(),
            qos: self.qos.clone(),
            constraint: self.constraint.clone(),
            gres: self.gres.clone(),
            cpus: self.cpus,
            time: self.time,
            memory: self.memory,
            modules: self.modules.clone(),
            prologue: self.prologue.clone(),
            wrapper: self.wrapper.clone().map(|words| words.0).unwrap_or_default(),
            options: self.options.clone(),
            tasks: self.tasks,
            tasks_at_once: self.tasks_at_once,
        }
    }
}

/// The device and threads of each task.
pub(super) fn resources(
    settings: &SlurmSettings,
    threads: Option<u32>,
    experiment: &Experiment,
) -> anyhow::Result<Resources> {
    let gpu = settings.has_gpu();
    let device = match (experiment.settings.train.device, gpu) {
        (DeviceChoice::Cpu, _) | (DeviceChoice::Auto, false) => DeviceChoice::Cpu,
        // Slurm shows a task its own GPUs alone, and the first of them is 0.
        (DeviceChoice::Auto | DeviceChoice::Cuda(_), true) => DeviceChoice::Cuda(0),
        (DeviceChoice::Cuda(index), false) => bail!(
            "the experiment asks for `cuda:{index}`, and Slurm is asked for no GPU: give `--gres gpu:1` (or `gres` in the \
             site's file), or set `train.device` to \"cpu\" or \"auto\""
        ),
    };
    let cpus = if gpu { CPUS_BESIDE_GPU } else { CPUS };
    let threads = threads.or(settings.cpus).unwrap_or(cpus).min(engine::MOST_THREADS);
    Ok(Resources { devices: vec![device], threads, asked_by: AskedBy::Experiment })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::parse;

    #[test]
    fn a_task_has_a_gpu_where_slurm_is_asked_for_one() {
        let of = |device: &str, gres: Option<&str>| {
            let text = format!(
                "name = \"x\"\n[dataset]\nkind = \"faces\"\n[train]\ndevice = \"{device}\"\n"
            );
            let experiment = parse(&text, "x.toml", &[]).unwrap();
            let settings =
                SlurmSettings { gres: gres.map(str::to_owned), ..SlurmSettings::default() };
            resources(&settings, None, &experiment).map(|found| (found.devices[0], found.threads))
        };
        assert_eq!(of("auto", None).unwrap(), (DeviceChoice::Cpu, 1));
        assert_eq!(of("auto", Some("gpu:1")).unwrap(), (DeviceChoice::Cuda(0), 2));
        assert_eq!(of("cuda:3", Some("gpu:a100:1")).unwrap(), (DeviceChoice::Cuda(0), 2));
        assert_eq!(of("cpu", Some("gpu:1")).unwrap(), (DeviceChoice::Cpu, 2));
        let refused = of("cuda:0", None).unwrap_err().to_string();
        assert!(refused.contains("give `--gres gpu:1`"), "{refused}");
    }
}

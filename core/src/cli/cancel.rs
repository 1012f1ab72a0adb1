//! `fer-lab cancel`

use std::time::{Duration, Instant};

use clap::Args;

use super::{Exit, Options, output};
use crate::cluster::{QueuedTask, Slurm, Submission, TaskPhase, submissions};
use crate::report::counted;
use crate::store::Results;

/// Cancel the jobs of an experiment in Slurm
///
/// From any machine that submits to the cluster. Running trainings write checkpoints and leave; the same `run` resumes from
/// them. A `run` that watches these jobs ends, too.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The name of the experiment
    #[arg(value_name = "NAME")]
    name: String,
}

/// The poll interval, and how long workers may take to leave: Slurm kills what is left after KillWait, 30 s by default.
const PAUSE: Duration = Duration::from_millis(500);
const WAIT: Duration = Duration::from_secs(60);

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let name = &arguments.name;
    let found = submissions(&results, name)?;
    if found.is_empty() {
        // A name that is wrong is said to be.
        results.check_experiment(name)?;
        output::text(&format!("no jobs of `{name}` in Slurm\n"))?;
        return Ok(Exit::Done);
    }
    // First: a run that watches must not submit again what ends here.
    for submission in &found {
        submission.mark_cancelled()?;
    }
    let slurm = Slurm::default();
    let before = queue(&slurm, &found)?;
    let mut jobs: Vec<u64> = before.iter().map(|task| task.job).collect();
    jobs.sort_unstable();
    jobs.dedup();
    slurm.cancel(&jobs)?;
    let count = |phase| before.iter().filter(|task| task.phase == phase).count() as u64;
    let (running, waiting) = (count(TaskPhase::Running), count(TaskPhase::Waiting));
    output::text(&format!(
        "cancelled {}: {} running, {waiting} waiting\n",
        counted(jobs.len() as u64, "job"),
        counted(running, "task"),
    ))?;
    let start = Instant::now();
    loop {
        let left = queue(&slurm, &found)?;
        if left.is_empty() {
            for submission in &found {
                submission.mark_over()?;
            }
            output::text("all have left the queue\n")?;
            return Ok(Exit::Done);
        }
        if start.elapsed() > WAIT {
            output::text(&format!("{} are still leaving\n", counted(left.len() as u64, "task")))?;
            return Ok(Exit::Done);
        }
        std::thread::sleep(PAUSE);
    }
}

fn queue(slurm: &Slurm, found: &[Submission]) -> anyhow::Result<Vec<QueuedTask>> {
    let names: Vec<String> =
        found.iter().map(|submission| submission.record.name.clone()).collect();
    Ok(slurm.queue(&names, &mut || true)?)
}

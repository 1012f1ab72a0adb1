//! `fer-lab status`

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::progress::{describe, duration};
use super::{Exit, Options, output};
use crate::cluster::{Slurm, Submission, TaskPhase, all_submissions};
use crate::report::{Format, counted};
use crate::store::{Live, Queue, Results, sessions};

/// Show the progress of running experiments, from another terminal
///
/// Every active run on the results folder, with its running trainings and the estimated time left. A run that was
/// killed is not shown, but jobs in Slurm that no run watches are.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only the runs of this experiment
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Repeat with this poll interval until no run is active
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
}

/// The columns of a run, as CSV and Markdown have it.
const KEYS: [&str; 13] = [
    "experiment",
    "host",
    "pid",
    "started",
    "updated",
    "jobs",
    "threads",
    "trainings",
    "trained",
    "evaluations",
    "evaluated",
    "failed",
    "seconds_left",
];

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let again_and_again = arguments.watch.is_some();
    if again_and_again && matches!(options.format, Format::Csv | Format::Markdown | Format::Latex) {
        bail!(
            "`--watch` prints repeatedly: choose `--format json`, which prints one object per line"
        );
    }
    loop {
        let mut alive = sessions(&results)?;
        if let Some(name) = &arguments.name {
            alive.retain(|live| live.experiment == *name);
            if alive.is_empty() {
                results.check_experiment(name)?;
            }
        }
        let screen = console::Term::stdout();
        if arguments.watch.is_some() && screen.is_term() {
            screen.clear_screen()?;
        }
        let alone = unwatched(&results, &alive, arguments.name.as_deref())?;
        match options.format {
            // With `--watch`, each status is one line.
            Format::Json if arguments.watch.is_some() => {
                output::data(&(serde_json::to_string(&both(&alive, &alone))? + "\n"))?;
            }
            Format::Json => {
                output::data(&(serde_json::to_string_pretty(&both(&alive, &alone))? + "\n"))?;
            }
            Format::Table => {
                output::text(&in_words(&alive, &alone, arguments.name.as_deref(), options))?;
            }
            other => {
                let rows = alive.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
                output::records(&KEYS, &rows, other)?;
            }
        }
        match arguments.watch {
            Some(seconds) if !alive.is_empty() || !alone.is_empty() => {
                std::thread::sleep(Duration::from_secs(seconds))
            }
            _ => return Ok(Exit::Done),
        }
    }
}

/// Jobs of an experiment in Slurm that no run watches.
#[derive(Debug, Serialize)]
struct Unwatched {
    experiment: String,
    jobs: Vec<u64>,
    /// `None` where Slurm cannot be asked here, or does not answer.
    queue: Option<Queue>,
}

/// The experiments with submissions that are not over and no live run. What Slurm does not know any more is left out.
fn unwatched(
    results: &Results,
    alive: &[Live],
    name: Option<&str>,
) -> anyhow::Result<Vec<Unwatched>> {
    let mut found: BTreeMap<String, Vec<Submission>> = BTreeMap::new();
    for submission in all_submissions(results)? {
        let experiment = &submission.record.experiment;
        let live = alive.iter().any(|live| live.experiment == *experiment);
        if !live && name.is_none_or(|name| name == experiment) {
            found.entry(experiment.clone()).or_default().push(submission);
        }
    }
    let slurm = Slurm::default();
    let mut unwatched = Vec::new();
    for (experiment, submissions) in found {
        let names: Vec<String> =
            submissions.iter().map(|submission| submission.record.name.clone()).collect();
        let jobs = submissions.iter().filter_map(|submission| submission.job().transpose());
        let jobs = jobs.collect::<Result<Vec<u64>, _>>()?;
        let queue = slurm.queue(&names, &mut || true).ok().map(|tasks| {
            let count = |phase| tasks.iter().filter(|task| task.phase == phase).count() as u32;
            Queue { running: count(TaskPhase::Running), waiting: count(TaskPhase::Waiting) }
        });
        if queue != Some(Queue { running: 0, waiting: 0 }) {
            unwatched.push(Unwatched { experiment, jobs, queue });
        }
    }
    Ok(unwatched)
}

/// For programs: runs, then jobs without a run.
fn both(alive: &[Live], alone: &[Unwatched]) -> Vec<Value> {
    let alive = alive.iter().map(|live| json!(live));
    alive.chain(alone.iter().map(|unwatched| json!(unwatched))).collect()
}

fn in_words(
    alive: &[Live],
    alone: &[Unwatched],
    experiment: Option<&str>,
    options: &Options,
) -> String {
    if alive.is_empty() && alone.is_empty() {
        let of = experiment.map(|name| format!(" of `{name}`")).unwrap_or_default();
        return format!("no active run{of} in {}\n", options.results.display());
    }
    let alive = alive.iter().map(paragraph);
    alive.chain(alone.iter().map(without_run)).collect::<Vec<_>>().join("\n")
}

/// Jobs in a few lines.
fn without_run(unwatched: &Unwatched) -> String {
    let Unwatched { experiment, jobs, queue } = unwatched;
    let jobs: Vec<String> = jobs.iter().map(u64::to_string).collect();
    let state = match queue {
        Some(Queue { running, waiting }) => format!("{running} running and {waiting} waiting"),
        None => format!("{}, about which Slurm gives no answer here", jobs.join(", ")),
    };
    format!(
        "{experiment}: jobs in Slurm, {state}; no run watches them\n  `fer-lab run` with its file watches them and \
         collects; `fer-lab cancel {experiment}` stops them\n"
    )
}

/// A run in a few lines.
fn paragraph(live: &Live) -> String {
    let left = live.seconds_left.map(|left| format!(", about {} left", duration(left)));
    let mut text = format!(
        "{}: {} of {}, {} of {}{}\n  for {} on {} (process {}), {}, {} each\n",
        live.experiment,
        live.trained,
        counted(live.trainings as u64, "training"),
        live.evaluated,
        counted(live.evaluations as u64, "evaluation"),
        left.unwrap_or_default(),
        duration(live.updated.saturating_sub(live.started) as f64),
        live.host,
        live.pid,
        match live.queue {
            Some(Queue { running, waiting }) => {
                format!("in Slurm {running} running and {waiting} waiting")
            }
            None => format!("{} in parallel", live.jobs),
        },
        counted(u64::from(live.threads), "thread"),
    );
    if live.failed > 0 {
        text += &format!("  {} failed\n", live.failed);
    }
    for worker in &live.workers {
        text += &format!("  {}\n", describe(worker));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_a_paragraph() {
        let live = Live {
            experiment: "mask_eyes".into(),
            host: "lab".into(),
            pid: 7,
            started: 1_000,
            updated: 1_090,
            jobs: 2,
            threads: 1,
            trainings: 21,
            trained: 3,
            evaluations: 21,
            evaluated: 3,
            failed: 1,
            seconds_left: Some(600.0),
            queue: None,
            workers: vec![],
        };
        assert_eq!(
            paragraph(&live),
            "mask_eyes: 3 of 21 trainings, 3 of 21 evaluations, about 10 min left\n  \
             for 1 min 30 s on lab (process 7), 2 in parallel, 1 thread each\n  1 failed\n"
        );
    }
}

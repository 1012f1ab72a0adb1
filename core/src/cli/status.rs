//! `fer-lab status`

use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::progress::{describe, duration};
use super::{Exit, Options, output};
use crate::report::{Format, counted};
use crate::store::{Live, Results, sessions};

/// Show the progress of running experiments, from another terminal
///
/// Every active run on the results folder, with its running trainings and the estimated time left. A run that was
/// killed is not shown.
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
        match options.format {
            // With `--watch`, each status is one line.
            Format::Json if arguments.watch.is_some() => {
                output::data(&(serde_json::to_string(&alive)? + "\n"))?;
            }
            Format::Json => output::data(&(serde_json::to_string_pretty(&alive)? + "\n"))?,
            Format::Table => {
                output::text(&in_words(&alive, arguments.name.as_deref(), options))?;
            }
            other => {
                let rows = alive.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
                output::records(&KEYS, &rows, other)?;
            }
        }
        match arguments.watch {
            Some(seconds) if !alive.is_empty() => std::thread::sleep(Duration::from_secs(seconds)),
            _ => return Ok(Exit::Done),
        }
    }
}

fn in_words(alive: &[Live], experiment: Option<&str>, options: &Options) -> String {
    if alive.is_empty() {
        let of = experiment.map(|name| format!(" of `{name}`")).unwrap_or_default();
        return format!("no active run{of} in {}\n", options.results.display());
    }
    alive.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

/// A run in a few lines.
fn paragraph(live: &Live) -> String {
    let left = live.seconds_left.map(|left| format!(", about {} left", duration(left)));
    let mut text = format!(
        "{}: {} of {}, {} of {}{}\n  for {} on {} (process {}), {} in parallel, {} each\n",
        live.experiment,
        live.trained,
        counted(live.trainings as u64, "training"),
        live.evaluated,
        counted(live.evaluations as u64, "evaluation"),
        left.unwrap_or_default(),
        duration(live.updated.saturating_sub(live.started) as f64),
        live.host,
        live.pid,
        live.jobs,
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
            workers: vec![],
        };
        assert_eq!(
            paragraph(&live),
            "mask_eyes: 3 of 21 trainings, 3 of 21 evaluations, about 10 min left\n  \
             for 1 min 30 s on lab (process 7), 2 in parallel, 1 thread each\n  1 failed\n"
        );
    }
}

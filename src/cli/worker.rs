//! `fer-lab worker`

use std::fs::File;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;

use super::interrupt::Interruption;
use super::output::EventLines;
use super::{Exit, Options};
use crate::engine::{self, EngineError, Event, Observer, Outcome, Specification};
use crate::store::Results;
use crate::train::device;

/// One training with its evaluations, from a specification
///
/// `run` starts its own workers. For a cluster, `fer-lab plan FILE --specifications DIR` writes a
/// specification for each training that is open; hand each to the scheduler as a job of its own,
/// `fer-lab worker SPECIFICATION`, with the results folder on a shared disk, and then run the experiment
/// to collect the tables. SIGTERM writes a checkpoint; the same command goes on from there.
///
/// Events come on stdout, a JSON object a line. Exit codes: 0 done, 1 failed, 2 the specification, the
/// data or the device are wrong, 75 another process is at this training, 130 interrupted.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A specification; `-` reads it from the first line of stdin, and ends when stdin does
    #[arg(value_name = "SPECIFICATION")]
    specification: PathBuf,
    /// Claim nothing: for a file system without locks, where no other process does this training
    #[arg(long)]
    no_locks: bool,
}

/// As `EX_TEMPFAIL` of sysexits.h.
const BUSY: i32 = 75;

/// A worker that nobody waits for may finish its step and write its checkpoint, but no longer than this.
const GRACE: Duration = Duration::from_secs(10);

/// Between two events of a training's steps.
const STEPS: Duration = Duration::from_millis(200);

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    engine::be_called_by_name();
    let interruption = Interruption::catch(String::new())?;
    let path = arguments.specification.as_path();
    let specification = if path == Path::new("-") {
        let mut line = Vec::new();
        std::io::stdin().lock().read_until(b'\n', &mut line).context("stdin")?;
        hold_on_to_stdin(interruption.flag());
        Specification::read(line.as_slice())?
    } else {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        Specification::read(file).with_context(|| path.display().to_string())?
    };
    device::prepare(specification.threads as i32);
    rayon::ThreadPoolBuilder::new().num_threads(specification.threads as usize).build_global()?;
    let results = Results::create(&options.results)?;
    let mut lines = Lines { interruption, lines: EventLines::default(), stepped: None };
    let worked = engine::work(&specification, &results, !arguments.no_locks, &mut lines);
    let (outcome, error) = match worked {
        Ok(outcome) => (outcome, None),
        Err(error) => (stopped(&error), Some(error)),
    };
    lines.event(&Event::Ended { training: specification.training, outcome: outcome.clone() });
    let told = lines.lines.finish();
    match (outcome, error) {
        (_, Some(error)) => Err(error.into()),
        (Outcome::Done, None) if told.is_err() => told.map(|()| Exit::Done),
        (Outcome::Failed { .. }, None) => Ok(Exit::SomeFailed),
        (Outcome::Interrupted, None) => Ok(Exit::Interrupted),
        (Outcome::Busy, None) => std::process::exit(BUSY),
        (Outcome::Done | Outcome::Stopped { .. }, None) => Ok(Exit::Done),
    }
}

fn stopped(error: &EngineError) -> Outcome {
    Outcome::Stopped { reason: error.to_string(), storing: error.is_about_storing() }
}

/// Obeys the run at the other end of stdin: `stop` interrupts, and its end does so with a time limit.
fn hold_on_to_stdin(interrupted: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            match line.as_deref() {
                Ok("stop") => interrupted.store(true, Ordering::SeqCst),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        interrupted.store(true, Ordering::SeqCst);
        std::thread::sleep(GRACE);
        std::process::exit(Exit::Interrupted as i32);
    });
}

/// Events as lines of JSON.
struct Lines {
    interruption: Interruption,
    lines: EventLines,
    stepped: Option<Instant>,
}

impl Observer for Lines {
    fn event(&mut self, event: &Event) {
        if matches!(event, Event::Step { .. }) {
            if self.stepped.is_some_and(|last| last.elapsed() < STEPS) {
                return;
            }
            self.stepped = Some(Instant::now());
        }
        self.lines.write(event);
    }

    fn interruption(&self) -> Arc<AtomicBool> {
        self.interruption.flag()
    }
}

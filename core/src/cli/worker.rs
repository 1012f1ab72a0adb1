//! `fer-lab worker`

use std::fs::File;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;

use super::interrupt::Interruption;
use super::output::EventLines;
use super::{Exit, Options};
use crate::engine::{
    self, EngineError, Event, Libtorch, Observer, Outcome, Specification, Trainer,
};
use crate::store::Results;

/// Run one training with its evaluations, from a specification
///
/// `run` starts its own workers. For a cluster, `fer-lab plan FILE --specifications DIR` writes a specification for each
/// open training; submit each as a job, `fer-lab worker SPECIFICATION`, with the results folder on a shared disk, and
/// then run the experiment to collect the tables. SIGTERM writes a checkpoint; the same command resumes from it.
///
/// Events are printed to stdout, one JSON object per line. Exit codes: 0 done, 1 failed, 2 wrong specification, data or
/// device, 75 another process is running this training, 130 interrupted.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A specification; `-` reads one after another from stdin, one per line, until stdin closes
    #[arg(value_name = "SPECIFICATION")]
    specification: PathBuf,
    /// Take no file lock: for a file system without them, if no other process runs this training
    #[arg(long)]
    no_locks: bool,
}

/// As `EX_TEMPFAIL` of sysexits.h.
const BUSY: i32 = 75;

/// A worker whose run has ended may finish its step and write its checkpoint, but takes no longer than this.
const GRACE: Duration = Duration::from_secs(10);

/// The interval between step events of a training.
const STEPS: Duration = Duration::from_millis(200);

pub fn run(
    arguments: &Arguments,
    options: &Options,
    libtorch: &dyn Libtorch,
) -> anyhow::Result<Exit> {
    engine::set_process_name();
    let interruption = Interruption::catch(String::new())?;
    let path = arguments.specification.as_path();
    if path == Path::new("-") {
        return serve(arguments, options, interruption, libtorch);
    }
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let specification = Specification::read(file).with_context(|| path.display().to_string())?;
    let mut worker = Worker::new(&specification, arguments, options, interruption, libtorch)?;
    let outcome = worker.work(&specification, false)?;
    let told = worker.lines.lines.finish();
    match outcome {
        Outcome::Done if told.is_err() => told.map(|()| Exit::Done),
        Outcome::Failed { .. } => Ok(Exit::SomeFailed),
        Outcome::Interrupted => Ok(Exit::Interrupted),
        Outcome::Busy => std::process::exit(BUSY),
        Outcome::Done | Outcome::Stopped { .. } => Ok(Exit::Done),
    }
}

/// Runs the trainings that arrive on stdin, until it closes or a training fails; after a failure a new process is
/// safer.
fn serve(
    arguments: &Arguments,
    options: &Options,
    interruption: Interruption,
    libtorch: &dyn Libtorch,
) -> anyhow::Result<Exit> {
    let handed = watch_stdin(interruption.flag());
    let next = || -> anyhow::Result<Option<Specification>> {
        Ok(handed.recv().ok().map(|line| Specification::read(line.as_slice())).transpose()?)
    };
    let Some(mut specification) = next()? else { return Ok(Exit::Done) };
    let mut worker = Worker::new(&specification, arguments, options, interruption, libtorch)?;
    loop {
        match worker.work(&specification, true)? {
            Outcome::Done | Outcome::Busy => {}
            Outcome::Failed { .. } => return Ok(Exit::SomeFailed),
            Outcome::Interrupted => return Ok(Exit::Interrupted),
            Outcome::Stopped { .. } => return Ok(Exit::Done),
        }
        specification = match next()? {
            Some(next) => next,
            None => return Ok(Exit::Done),
        };
    }
}

/// Runs one training, or several in sequence.
struct Worker {
    results: Results,
    locks: bool,
    trainer: Box<dyn Trainer>,
    lines: Lines,
}

impl Worker {
    /// Prepares the process for trainings with as many threads as `specification` has.
    fn new(
        specification: &Specification,
        arguments: &Arguments,
        options: &Options,
        interruption: Interruption,
        libtorch: &dyn Libtorch,
    ) -> anyhow::Result<Worker> {
        libtorch.prepare(specification.threads);
        let threads = specification.threads as usize;
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
        Ok(Worker {
            results: Results::create(&options.results)?,
            locks: !arguments.no_locks,
            trainer: libtorch.trainer(),
            lines: Lines { interruption, lines: EventLines::default(), stepped: None },
        })
    }

    /// Does what a specification asks for, and sends its final event. `logged`: standard error is redirected into the
    /// training's log meanwhile.
    fn work(&mut self, specification: &Specification, logged: bool) -> anyhow::Result<Outcome> {
        let Worker { results, locks, trainer, lines } = self;
        let log = match logged {
            true => engine::log_to(results, &specification.training),
            false => Ok(()),
        };
        let worked = log.and_then(|()| trainer.work(specification, results, *locks, lines));
        let (outcome, error) = match worked {
            Ok(outcome) => (outcome, None),
            Err(error) => (stopped(&error), Some(error)),
        };
        let training = specification.training.clone();
        lines.event(&Event::Ended { training, outcome: outcome.clone() });
        error.map_or(Ok(outcome), |error| Err(error.into()))
    }
}

fn stopped(error: &EngineError) -> Outcome {
    Outcome::Stopped { reason: error.to_string(), storing: error.is_about_storing() }
}

/// Watches stdin: the line `stop` interrupts, and a closed pipe interrupts with a time limit; both end the stream. Every
/// other line is passed on.
fn watch_stdin(interrupted: Arc<AtomicBool>) -> Receiver<Vec<u8>> {
    let (sender, handed) = mpsc::channel();
    std::thread::spawn(move || {
        let mut sender = Some(sender);
        for line in std::io::stdin().lock().split(b'\n') {
            match line {
                Ok(line) if line == b"stop" => {
                    interrupted.store(true, Ordering::SeqCst);
                    sender = None;
                }
                Ok(line) => {
                    if let Some(sender) = &sender {
                        // If the receiver is gone, the process is about to end.
                        let _ = sender.send(line);
                    }
                }
                Err(_) => break,
            }
        }
        interrupted.store(true, Ordering::SeqCst);
        drop(sender);
        std::thread::sleep(GRACE);
        std::process::exit(Exit::Interrupted as i32);
    });
    handed
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

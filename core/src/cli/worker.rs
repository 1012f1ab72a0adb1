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
use super::run::threads;
use super::{Exit, Options};
use crate::engine::{
    self, EngineError, Event, Libtorch, Observer, Outcome, Specification, Trainer,
};
use crate::store::{Results, host, open_log};

/// Run one training with its evaluations, from a specification
///
/// `run` starts its own workers, and with `--engine slurm` has Slurm start them. For another scheduler, `fer-lab plan FILE
/// --specifications DIR` writes a specification for each open training; submit each as a job, `fer-lab worker
/// SPECIFICATION`, with the results folder on a shared disk, and then run the experiment to collect the tables. SIGTERM
/// writes a checkpoint; the same command resumes from it.
///
/// Events are printed to stdout, one JSON object per line. Exit codes: 0 done, 1 failed, 2 wrong specification, data or
/// device, 75 another process is running this training, 130 interrupted.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A specification; a file that ends in `.jsonl` has one per line, which are worked off one after another; `-` reads
    /// one per line from stdin, until stdin closes
    #[arg(value_name = "SPECIFICATION")]
    specification: PathBuf,
    /// Append the events to this file instead of printing them
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Threads, instead of those of the specification
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<u32>,
    /// The line of a list at which to begin, from 1: for a process that takes the place of one whose training failed
    #[arg(long, value_name = "LINE", default_value_t = 1, hide = true)]
    from: usize,
    /// Take no file lock: for a file system without them, if no other process runs this training
    #[arg(long)]
    no_locks: bool,
}

/// As `EX_TEMPFAIL` of sysexits.h.
const BUSY: i32 = 75;

/// A worker whose run has ended may finish its step and write its checkpoint, but takes no longer than this.
const GRACE: Duration = Duration::from_secs(10);

/// The interval between step events of a training, and where they go into a file on a disk that machines share.
const STEPS: Duration = Duration::from_millis(200);
const STEPS_IN_A_FILE: Duration = Duration::from_secs(2);

/// The poll interval for a training that another process has claimed, and how long one waits for it: the lock of a node that
/// was lost may be held for minutes.
const BUSY_PAUSE: Duration = Duration::from_secs(1);
const BUSY_WAIT: Duration = Duration::from_secs(300);

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
    if path.extension().is_some_and(|ending| ending == "jsonl") {
        return work_off(arguments, options, interruption, libtorch);
    }
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut specification =
        Specification::read(file).with_context(|| path.display().to_string())?;
    arguments.change(&mut specification);
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
        let line = handed.recv().ok();
        let mut handed = line.map(|line| Specification::read(line.as_slice())).transpose()?;
        handed.iter_mut().for_each(|specification| arguments.change(specification));
        Ok(handed)
    };
    let Some(mut specification) = next()? else { return Ok(Exit::Done) };
    let mut worker = Worker::new(&specification, arguments, options, interruption, libtorch)?;
    loop {
        match worker.work(&specification, true)? {
            // Its run starts another in its place.
            Outcome::Done if !worker.trainer.is_fit() => return Ok(Exit::Done),
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

/// Runs the trainings of a list, one after another. A claimed one is left for later. After a failure, a new process takes
/// the place of this one for the rest.
fn work_off(
    arguments: &Arguments,
    options: &Options,
    interruption: Interruption,
    libtorch: &dyn Libtorch,
) -> anyhow::Result<Exit> {
    let path = arguments.specification.as_path();
    let text = read_list(path)?;
    let mut list = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(number, _)| *number >= arguments.from) {
        let specification = Specification::read(line.as_bytes());
        let mut specification =
            specification.with_context(|| format!("{}, line {number}", path.display()))?;
        arguments.change(&mut specification);
        list.push((number, specification));
    }
    let Some((_, first)) = list.first() else { return Ok(Exit::Done) };
    let mut worker = Worker::new(first, arguments, options, interruption, libtorch)?;
    if arguments.from == 1 {
        worker.lines.event(&task());
    }
    let mut exit = Exit::Done;
    let mut later = Vec::new();
    for (number, specification) in &list {
        let more = list.last().is_some_and(|(last, _)| number < last);
        match worker.work(specification, true)? {
            Outcome::Done if more && !worker.trainer.is_fit() => {
                return Err(start_anew(number + 1));
            }
            Outcome::Done => {}
            Outcome::Busy => later.push(specification),
            Outcome::Failed { .. } if more => return Err(start_anew(number + 1)),
            Outcome::Failed { .. } => exit = Exit::SomeFailed,
            Outcome::Interrupted => return Ok(Exit::Interrupted),
            Outcome::Stopped { .. } => return Ok(Exit::Done),
        }
    }
    let start = Instant::now();
    while exit == Exit::Done && !later.is_empty() && start.elapsed() < BUSY_WAIT {
        if worker.lines.interrupted() {
            return Ok(Exit::Interrupted);
        }
        let specification = later.remove(0);
        if worker.results.is_claimed(specification.training.as_str())? {
            later.push(specification);
            std::thread::sleep(BUSY_PAUSE);
            continue;
        }
        match worker.work(specification, true)? {
            Outcome::Done => {}
            Outcome::Busy => later.push(specification),
            Outcome::Failed { .. } => exit = Exit::SomeFailed,
            Outcome::Interrupted => return Ok(Exit::Interrupted),
            Outcome::Stopped { .. } => return Ok(Exit::Done),
        }
    }
    worker.lines.lines.finish()?;
    if !later.is_empty() {
        std::process::exit(BUSY);
    }
    Ok(exit)
}

fn read_list(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// The scheduler's task that this process is.
fn task() -> Event {
    let variable = |name| std::env::var(name).ok();
    let job = match (variable("SLURM_ARRAY_JOB_ID"), variable("SLURM_ARRAY_TASK_ID")) {
        (Some(job), Some(index)) => Some(format!("{job}_{index}")),
        _ => variable("SLURM_JOB_ID"),
    };
    let restarts = variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok());
    Event::Task { host: host(), job, restarts: restarts.unwrap_or(0) }
}

/// Becomes a new process that goes on at a line of the list: after a failure libtorch may be in any state. What is returned is
/// why that cannot be.
#[cfg(unix)]
fn start_anew(line: usize) -> anyhow::Error {
    use std::os::unix::process::CommandExt;
    let program = match engine::this_program() {
        Ok(program) => program,
        Err(error) => return error.into(),
    };
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let mut command = std::process::Command::new(&program);
    command.arg0(name);
    // The last one counts.
    let mut skip = false;
    for word in words {
        if skip || word == "--from" {
            skip = !skip;
        } else {
            command.arg(word);
        }
    }
    let error = command.arg("--from").arg(line.to_string()).exec();
    anyhow::Error::new(error).context(format!("`{}` cannot be started", program.display()))
}

/// Elsewhere the rest is left to another process.
#[cfg(not(unix))]
fn start_anew(_: usize) -> anyhow::Error {
    anyhow::anyhow!("a training failed, and the rest of the list needs a new process")
}

impl Arguments {
    /// The specification as this process runs it.
    fn change(&self, specification: &mut Specification) {
        if let Some(threads) = self.threads {
            specification.threads = threads;
        }
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
        let (lines, every) = match &arguments.events {
            Some(path) => (EventLines::into_file(open_log(path)?), STEPS_IN_A_FILE),
            None => (EventLines::default(), STEPS),
        };
        Ok(Worker {
            results: Results::create(&options.results)?,
            locks: !arguments.no_locks,
            trainer: libtorch.trainer(),
            lines: Lines { interruption, lines, every, stepped: None },
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
    /// The interval between step events.
    every: Duration,
    stepped: Option<Instant>,
}

impl Observer for Lines {
    fn event(&mut self, event: &Event) {
        if matches!(event, Event::Step { .. }) {
            if self.stepped.is_some_and(|last| last.elapsed() < self.every) {
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

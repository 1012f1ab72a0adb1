//! A worker process, seen from the run that started it.
//!
//! The worker reads specifications from its standard input, a line each, the next once it has said that it
//! is done with the one before: to start a process takes longer than many a small training. The word `stop`
//! asks for a checkpoint, and the end of that pipe, whatever brings it about, tells the worker that nobody
//! waits for it any more. Events come back on standard output, a JSON object a line. Standard error goes
//! into the log of the training that it is at.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::Sender;

use super::{EngineError, Event, Specification};
use crate::machine::device::ROUNDING_VARIABLES;
use crate::plan::TrainingId;
use crate::store::{Results, StoreError, open_log};

/// An event is a line of a few hundred bytes; more than this is none.
const LONGEST_LINE: u64 = 1024 * 1024;

/// The workers of this process that may be alive.
static WORKERS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// What a worker said.
#[derive(Debug)]
pub(super) enum Said {
    Event(Box<Event>),
    /// It closed its output: it is ending, or has ended.
    Nothing,
}

#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    /// Held open while there may be more to do: its end has the worker leave.
    lifeline: Option<ChildStdin>,
}

impl Worker {
    /// Starts a worker at a first training; what it says is sent to `said` with its `slot`.
    pub fn start(
        program: &Path,
        results: &Results,
        locks: bool,
        specification: &Specification,
        slot: usize,
        said: Sender<(usize, Said)>,
    ) -> Result<Worker, EngineError> {
        let failed = |error| EngineError::Start { program: program.to_owned(), error };
        let log = open_log(&results.log_path(specification.training.as_str())?)?;
        let mut command = Command::new(program);
        command.arg0("fer-lab").args(["worker", "-", "--results"]).arg(results.root());
        if !locks {
            command.arg("--no-locks");
        }
        for variable in ROUNDING_VARIABLES {
            command.env_remove(variable);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(failed)?;
        WORKERS.lock().expect("no holder panics").insert(child.id());
        let lifeline = child.stdin.take();
        let output = child.stdout.take().expect("it is piped");
        std::thread::spawn(move || listen(output, slot, &said));
        let mut worker = Worker { child, lifeline };
        // A worker that died at once has closed the pipe; how it died is seen when it is waited for.
        worker.give(specification);
        Ok(worker)
    }

    /// Hands over a training, once the one before is done. `false` where nobody is there to take it.
    pub fn give(&mut self, specification: &Specification) -> bool {
        let mut line = serde_json::to_vec(specification).expect("a specification is plain data");
        line.push(b'\n');
        self.lifeline.as_mut().is_some_and(|lifeline| lifeline.write_all(&line).is_ok())
    }

    /// There is nothing more to do: it leaves.
    pub fn dismiss(&mut self) {
        self.lifeline = None;
    }

    /// Whether it was asked to leave.
    pub fn is_dismissed(&self) -> bool {
        self.lifeline.is_none()
    }

    /// Asks for a checkpoint and an end.
    pub fn stop(&mut self) {
        if let Some(lifeline) = &mut self.lifeline {
            let _ = lifeline.write_all(b"stop\n");
        }
    }

    /// Waits for the end of a worker that has closed its output.
    pub fn wait(&mut self) -> std::io::Result<ExitStatus> {
        WORKERS.lock().expect("no holder panics").remove(&self.child.id());
        self.child.wait()
    }
}

impl Drop for Worker {
    /// A run that ends by an error leaves nobody behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.wait();
        }
    }
}

/// The program that is running, to be started as its own worker. On Linux that is the very file it was
/// started from, also where another one has taken its place meanwhile, as a build does.
///
/// # Errors
/// Where the system does not tell.
pub fn this_program() -> Result<PathBuf, EngineError> {
    // In a child that is about to become the worker, it still names the parent's file.
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return Ok(running.to_owned());
    }
    std::env::current_exe().map_err(|error| EngineError::Start { program: "fer-lab".into(), error })
}

/// Gives a worker its name in lists of processes: started through [`this_program`], it would be `exe`.
pub fn be_called_by_name() {
    #[cfg(target_os = "linux")]
    // SAFETY: the name is a C string, and the call copies it.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"fer-lab".as_ptr());
    }
}

/// From now on what this worker writes to standard error goes into the log of a training.
///
/// # Errors
/// Where the log cannot be written.
pub fn log_to(results: &Results, training: &TrainingId) -> Result<(), EngineError> {
    let path = results.log_path(training.as_str())?;
    let log = open_log(&path)?;
    // SAFETY: both descriptors are open; the second becomes another name of the first in one step.
    if unsafe { libc::dup2(log.as_raw_fd(), libc::STDERR_FILENO) } == -1 {
        return Err(StoreError::write(&path, std::io::Error::last_os_error()).into());
    }
    Ok(())
}

/// Kills every worker of this process, for who leaves at once.
pub fn kill_workers() {
    let Ok(workers) = WORKERS.lock() else { return };
    for pid in workers.iter() {
        // SAFETY: the process is a child that has not been waited for, so that its number is its own.
        unsafe { libc::kill(*pid as libc::pid_t, libc::SIGKILL) };
    }
}

/// Why a worker that said no last word ended.
pub(super) fn cause_of_death(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(libc::SIGKILL), _) => {
            "its process was killed (SIGKILL): most likely the memory ran out; \
             fewer --jobs or a smaller `train.batch_size` need less"
                .to_owned()
        }
        (Some(signal), _) => format!("its process died of signal {signal}; its log may say more"),
        (_, Some(code)) => format!("its process ended with code {code}; its log may say more"),
        _ => "its process ended, and it is not known how".to_owned(),
    }
}

fn listen(output: impl Read, slot: usize, said: &Sender<(usize, Said)>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        // Whatever else writes to standard output, a library say, is no event.
        if let Ok(event) = serde_json::from_slice::<Event>(&line)
            && said.send((slot, Said::Event(Box::new(event)))).is_err()
        {
            return;
        }
    }
    let _ = said.send((slot, Said::Nothing));
}

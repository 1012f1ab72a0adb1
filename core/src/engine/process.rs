//! The parent's side of a worker process.
//!
//! The worker reads specifications from its standard input, one per line, the next after it has reported the end of the
//! one before: starting a process takes longer than many a small training. The line `stop` asks for a checkpoint, and
//! the end of that pipe, for any reason, tells the worker that its parent is gone. Events come back on standard output,
//! one JSON object per line. Standard error goes into the log of the current training.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::Sender;

use super::error::EngineError;
use super::event::Event;
use super::specification::Specification;
use crate::machine::device::ROUNDING_VARIABLES;
use crate::plan::TrainingId;
use crate::store::{Results, open_log};

/// An event is a line of a few hundred bytes; longer lines are ignored.
const LONGEST_LINE: u64 = 1024 * 1024;

/// The workers of this process that may be alive.
static WORKERS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A message from a worker.
#[derive(Debug)]
pub(super) enum Message {
    Event(Box<Event>),
    /// It closed its output: it is exiting, or has exited.
    Closed,
}

#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    /// Held open while there may be more work: the worker exits when it closes.
    stdin: Option<ChildStdin>,
}

impl Worker {
    /// Starts a worker with a first training; its messages are sent to `said` with its `slot`.
    pub fn start(
        program: &Path,
        results: &Results,
        locks: bool,
        specification: &Specification,
        slot: usize,
        said: Sender<(usize, Message)>,
    ) -> Result<Worker, EngineError> {
        let failed = |error| EngineError::Start { program: program.to_owned(), error };
        let log = open_log(&results.log_path(specification.training.as_str())?)?;
        let mut command = Command::new(program);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, "fer-lab");
        command.args(["worker", "-", "--results"]).arg(results.root());
        if !locks {
            command.arg("--no-locks");
        }
        for variable in ROUNDING_VARIABLES {
            command.env_remove(variable);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(failed)?;
        WORKERS.lock().expect("no holder panics").insert(child.id());
        let stdin = child.stdin.take();
        let output = child.stdout.take().expect("it is piped");
        std::thread::spawn(move || listen(output, slot, &said));
        let mut worker = Worker { child, stdin };
        // A worker that crashed at once has closed the pipe; `wait` gives the exit reason.
        worker.send(specification);
        Ok(worker)
    }

    /// Sends a training after the one before is done. `false` if the worker has exited.
    pub fn send(&mut self, specification: &Specification) -> bool {
        let mut line = serde_json::to_vec(specification).expect("a specification is plain data");
        line.push(b'\n');
        self.stdin.as_mut().is_some_and(|stdin| stdin.write_all(&line).is_ok())
    }

    /// No more work: the worker exits.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// Whether its input was closed.
    pub fn is_closed(&self) -> bool {
        self.stdin.is_none()
    }

    /// Asks it to write a checkpoint and exit.
    pub fn stop(&mut self) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(b"stop\n");
        }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// Waits for a worker that has closed its output.
    pub fn wait(&mut self) -> std::io::Result<ExitStatus> {
        WORKERS.lock().expect("no holder panics").remove(&self.child.id());
        self.child.wait()
    }
}

impl Drop for Worker {
    /// A run that ends by an error leaves no worker behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.wait();
        }
    }
}

/// The running program, to be started as its own worker. On Linux this is the original file even if a build has
/// replaced it meanwhile.
///
/// # Errors
/// Where the system does not provide it.
pub fn this_program() -> Result<PathBuf, EngineError> {
    // In a child before exec, it still names the parent's file.
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return Ok(running.to_owned());
    }
    std::env::current_exe().map_err(|error| EngineError::Start { program: "fer-lab".into(), error })
}

/// Sets the worker's name in process lists: started through [`this_program`], it would be `exe`.
pub fn set_process_name() {
    #[cfg(target_os = "linux")]
    // SAFETY: the name is a C string, and the call copies it.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"fer-lab".as_ptr());
    }
}

/// Redirects this worker's standard error into the log of a training.
///
/// # Errors
/// Where the log cannot be written.
#[cfg(unix)]
pub fn log_to(results: &Results, training: &TrainingId) -> Result<(), EngineError> {
    use std::os::fd::AsRawFd;
    let path = results.log_path(training.as_str())?;
    let log = open_log(&path)?;
    // SAFETY: both descriptors are open; the second becomes another name of the first in one step.
    if unsafe { libc::dup2(log.as_raw_fd(), libc::STDERR_FILENO) } == -1 {
        return Err(crate::store::StoreError::write(&path, std::io::Error::last_os_error()).into());
    }
    Ok(())
}

/// Elsewhere it stays in the log of the first one.
#[cfg(not(unix))]
pub fn log_to(_: &Results, _: &TrainingId) -> Result<(), EngineError> {
    Ok(())
}

/// Kills every worker of this process, for an immediate exit.
#[cfg(unix)]
pub fn kill_workers() {
    let Ok(workers) = WORKERS.lock() else { return };
    for pid in workers.iter() {
        // SAFETY: the process is a child that has not been waited for, so that its number is its own.
        unsafe { libc::kill(*pid as libc::pid_t, libc::SIGKILL) };
    }
}

/// Elsewhere they exit by themselves, soon after their standard input closes.
#[cfg(not(unix))]
pub fn kill_workers() {}

/// The exit reason of a worker that sent no final event.
#[cfg(unix)]
pub(super) fn exit_reason(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(libc::SIGKILL), _) => {
            "its process was killed (SIGKILL), probably because memory ran out; \
             fewer --jobs or a smaller `train.batch_size` need less"
                .to_owned()
        }
        (Some(signal), _) => {
            format!("its process was ended by signal {signal}; see its log")
        }
        (_, Some(code)) => format!("its process ended with code {code}; see its log"),
        _ => "its process ended for an unknown reason".to_owned(),
    }
}

/// The exit reason of a worker that sent no final event.
#[cfg(not(unix))]
pub(super) fn exit_reason(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("its process ended with code {code}; see its log"),
        None => "its process ended for an unknown reason".to_owned(),
    }
}

fn listen(output: impl Read, slot: usize, said: &Sender<(usize, Message)>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        // Other output, of a library for instance, is ignored.
        if let Ok(event) = serde_json::from_slice::<Event>(&line)
            && said.send((slot, Message::Event(Box::new(event)))).is_err()
        {
            return;
        }
    }
    let _ = said.send((slot, Message::Closed));
}

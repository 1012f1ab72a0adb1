//! Interruption by Ctrl-C or by the system's signals.
//!
//! In: SIGINT, SIGTERM and SIGHUP, each only where it was not ignored when the program started: `nohup`
//! ignores SIGHUP so that a run outlives its terminal, and a shell without job control ignores SIGINT for
//! what it starts with `&`. Out: a flag that every long operation polls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Exit, output};

/// Whether and how a command must end.
#[derive(Debug, Clone, Default)]
pub struct Interruption(Arc<State>);

#[derive(Debug, Default)]
struct State {
    raised: Arc<AtomicBool>,
    /// Whether the first signal ends the process, because nothing has to be finished.
    at_once: AtomicBool,
    /// The message of a process that ends at once.
    farewell: String,
}

impl Interruption {
    /// Installs the handlers. The first signal raises the flag; a second SIGINT or SIGTERM exits at once and
    /// kills the workers. A second SIGHUP does not: a terminal that closes sends several, and so does a
    /// service manager that has just sent SIGTERM.
    pub fn catch(farewell: String) -> anyhow::Result<Interruption> {
        let interruption = Interruption(Arc::new(State { farewell, ..State::default() }));
        listen(interruption.clone())?;
        Ok(interruption)
    }

    #[cfg(unix)]
    fn on_signal(&self, signal: i32) {
        let again = self.0.raised.swap(true, Ordering::SeqCst);
        if self.0.at_once.load(Ordering::SeqCst) {
            self.leave();
        }
        if again && signal != signal_hook::consts::SIGHUP {
            crate::engine::kill_workers();
            std::process::exit(Exit::Interrupted as i32);
        }
    }

    /// The flag, to be polled from other threads.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.raised)
    }

    pub fn raised(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
    }

    /// Runs work that may be killed at any moment because its writes are atomic: the first signal ends the
    /// process.
    pub fn leaving_at_once<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.at_once.store(true, Ordering::SeqCst);
        // Either this sees the flag raised before, or the handler sees that it must exit.
        if self.raised() {
            self.leave();
        }
        let done = work();
        self.0.at_once.store(false, Ordering::SeqCst);
        done
    }

    fn leave(&self) -> ! {
        output::error_text(&self.0.farewell);
        std::process::exit(Exit::Interrupted as i32);
    }
}

#[cfg(unix)]
fn listen(listener: Interruption) -> anyhow::Result<()> {
    use anyhow::Context;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let heard = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal));
    let signals = signal_hook::iterator::Signals::new(heard);
    let mut signals = signals.context("cannot install signal handlers")?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            listener.on_signal(signal);
        }
    });
    Ok(())
}

/// Elsewhere Ctrl-C ends the process at once: its writes are atomic.
#[cfg(not(unix))]
fn listen(_: Interruption) -> anyhow::Result<()> {
    Ok(())
}

/// Whether the process inherited an ignored signal from its parent.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    // SAFETY: zeroes are a valid sigaction, and without a new action the call only fills it in.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

//! Ctrl-C, and what the system sends instead of it.
//!
//! In: SIGINT, SIGTERM and SIGHUP, each only where it was not ignored when the program started: `nohup`
//! ignores SIGHUP so that a run outlives its terminal, and a shell without job control ignores SIGINT for
//! what it starts with `&`. Out: a flag, which everything long looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Exit, output};
use crate::engine;

/// Whether, and how, a command is to end.
#[derive(Debug, Clone, Default)]
pub struct Interruption(Arc<State>);

#[derive(Debug, Default)]
struct State {
    raised: Arc<AtomicBool>,
    /// Whether the first signal ends the process, since it is at nothing that has to be finished.
    at_once: AtomicBool,
    /// The last word of a process that ends at once.
    farewell: String,
}

impl Interruption {
    /// Listens from now on. The first signal raises the flag; a second SIGINT or SIGTERM leaves at once and
    /// takes the workers along. A second SIGHUP does not: a terminal that closes sends several, and so
    /// does a service manager that has just sent SIGTERM.
    pub fn catch(farewell: String) -> anyhow::Result<Interruption> {
        let interruption = Interruption(Arc::new(State { farewell, ..State::default() }));
        let heard = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal));
        let mut signals = Signals::new(heard).context("signals cannot be listened to")?;
        let listener = interruption.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                listener.hear(signal);
            }
        });
        Ok(interruption)
    }

    fn hear(&self, signal: i32) {
        let again = self.0.raised.swap(true, Ordering::SeqCst);
        if self.0.at_once.load(Ordering::SeqCst) {
            self.leave();
        }
        if again && signal != SIGHUP {
            engine::kill_workers();
            std::process::exit(Exit::Interrupted as i32);
        }
    }

    /// The flag, for those who look at it from threads of their own.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.raised)
    }

    pub fn raised(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
    }

    /// Does what may end at any moment, since all that it writes is there whole or not at all: the first
    /// signal ends the process.
    pub fn leaving_at_once<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.at_once.store(true, Ordering::SeqCst);
        // Either this sees what was raised before, or who raises it sees that it is to leave.
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

/// Whether a signal is ignored, as the process was told by the one that started it.
fn is_ignored(signal: i32) -> bool {
    // SAFETY: zeroes are a valid sigaction, and without a new action the call only fills it in.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

//! Ctrl-C, and what the system sends instead of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Exit;
use crate::engine;

/// Raised at the first Ctrl-C, or SIGTERM or SIGHUP; the second one leaves at once, and takes the workers
/// along.
pub fn catch() -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&interrupted);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::SeqCst) {
            engine::kill_workers();
            std::process::exit(Exit::Interrupted as i32);
        }
    })?;
    Ok(interrupted)
}

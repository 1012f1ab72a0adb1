//! Whether the program was started with its standard output closed, as by `>&-`.
//!
//! Before `main`, Rust replaces a closed standard stream by `/dev/null`, so output would be lost without an error.
//! The state of the stream is therefore checked earlier, by a function that the system's loader calls; on systems
//! without such a hook, output to a closed stream is lost silently.

use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(any(target_os = "linux", target_os = "macos"))]
#[used]
// SAFETY: these sections hold pointers to functions of this type, which the loader calls once.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static ASK: extern "C" fn() = {
    extern "C" fn ask() {
        // SAFETY: fcntl(2) on a descriptor of any kind only reads its flags; nothing of Rust's runtime, which
        // is not set up yet, is used.
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        CLOSED.store(flags == -1, Ordering::Relaxed);
    }
    ask
};

/// An error where standard output is closed.
pub fn refuse_closed() -> std::io::Result<()> {
    match CLOSED.load(Ordering::Relaxed) {
        true => Err(std::io::Error::other("it is closed")),
        false => Ok(()),
    }
}

/// Closes it again if it was closed, for the program that this process becomes by exec.
#[cfg(unix)]
pub fn close_again() {
    if CLOSED.load(Ordering::Relaxed) {
        // SAFETY: nothing is written to it before the process is another program; if that fails, output is
        // refused as before.
        unsafe { libc::close(libc::STDOUT_FILENO) };
    }
}

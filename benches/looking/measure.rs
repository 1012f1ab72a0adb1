//! One command: its time and its peak of memory.

use std::io::Read;
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

pub struct Measured {
    pub seconds: f64,
    /// Of that, seconds of a processor.
    #[allow(dead_code, reason = "one of two benches prints it")]
    pub processor: f64,
    pub megabytes: f64,
    /// The first line of its error, if it failed.
    pub refused: Option<String>,
}

/// Runs a program on the results folder `root`.
#[expect(clippy::zombie_processes, reason = "`wait4` waits for it")]
pub fn measure(program: &Path, root: &Path, words: &[String]) -> Measured {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(words)
        .arg("--results")
        .arg(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let id = child.id().cast_signed();
    // SAFETY: both pointers are to memory of this function that `wait4` fills, and zeroes are a valid
    // `rusage`. The standard library waits too, but does not return the memory that was used.
    let usage = unsafe {
        assert_eq!(libc::wait4(id, &raw mut status, 0, usage.as_mut_ptr()), id);
        usage.assume_init()
    };
    let seconds = start.elapsed().as_secs_f64();
    let succeeded = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
    let first = said.lines().next().unwrap_or("it failed").to_owned();
    // Linux counts in KiB.
    let megabytes = usage.ru_maxrss as f64 * 1024.0 / 1e6;
    let of = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let processor = of(usage.ru_utime) + of(usage.ru_stime);
    Measured { seconds, processor, megabytes, refused: (!succeeded).then_some(first) }
}

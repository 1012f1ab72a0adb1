//! Slurm's commands: each hands its words to the site, and prints its answer.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use super::SOCKET;

pub const NAMES: [&str; 6] = ["sbatch", "squeue", "sacct", "scontrol", "sinfo", "scancel"];

/// Puts the commands into a folder, and returns a path that begins with it.
pub fn install(program: &Path, folder: &Path) -> OsString {
    std::fs::create_dir_all(folder).expect("a folder");
    for name in NAMES {
        std::os::unix::fs::symlink(program, folder.join(name)).expect("a link");
    }
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&inherited));
    std::env::join_paths(folders).expect("a path")
}

/// Asks the site, and prints what it says.
pub fn ask(name: &str, words: &[String]) -> ExitCode {
    let socket = std::env::var_os(SOCKET).expect("the bench names its site");
    let mut stream = UnixStream::connect(socket).expect("the site");
    let question = std::iter::once(name).chain(words.iter().map(String::as_str));
    let question: Vec<&str> = question.collect();
    stream.write_all(question.join("\0").as_bytes()).expect("the site");
    stream.shutdown(Shutdown::Write).expect("the site");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    std::io::stdout().write_all(&answer).expect("an output");
    ExitCode::SUCCESS
}

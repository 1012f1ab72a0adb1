//! Slurm's commands as processes: with a time limit, in plain English, and without what this process inherited of a job.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Why a command gave no answer.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum CallError {
    #[error("`{program}` cannot be started ({reason}): is this a machine that submits to Slurm?")]
    Start { program: String, reason: String },
    #[error("`{program}` gave no answer in {seconds} s")]
    Slow { program: String, seconds: u64 },
    #[error("`{program}`: {said}")]
    Failed { program: String, said: String },
    #[error("interrupted")]
    Interrupted,
}

/// Begins of variables by which a job's environment, or the user's, would change what a command does or prints.
const CLEARED: [&str; 9] = [
    "SLURM_",
    "SBATCH_",
    "SQUEUE_",
    "SACCT_",
    "SCANCEL_",
    "SINFO_",
    "SCONTROL_",
    "SLURMD_",
    "SRUN_",
];

/// Where Slurm's own settings lie: stays.
const KEPT: &str = "SLURM_CONF";

/// The pause between two looks at a process.
const LOOK: Duration = Duration::from_millis(10);

/// A command of Slurm without inherited options, with nothing to read.
pub(super) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text != KEPT && CLEARED.iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What a command writes to its standard output, in at most `limit`; `go_on` is asked meanwhile.
pub(super) fn output(
    mut command: Command,
    limit: Duration,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<String, CallError> {
    let program = name(command.get_program());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| CallError::Start {
        program: program.clone(),
        reason: error.to_string(),
    })?;
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let mut pause = Duration::from_millis(1);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Err(error) => {
                break Err(CallError::Failed { program: program.clone(), said: error.to_string() });
            }
            Ok(None) => {}
        }
        if start.elapsed() > limit {
            break Err(CallError::Slow { program: program.clone(), seconds: limit.as_secs() });
        }
        if !go_on() {
            break Err(CallError::Interrupted);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LOOK);
    };
    if status.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let status = status?;
    let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
    match status.success() {
        true => Ok(stdout),
        false => {
            let said =
                if stderr.trim().is_empty() { status.to_string() } else { said(&stderr, &program) };
            Err(CallError::Failed { program, said })
        }
    }
}

/// An error's lines as one, without the program's name in front of each.
fn said(stderr: &str, program: &str) -> String {
    let lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let start = format!("{program}: ");
    let lines = lines.map(|line| {
        let line = line.strip_prefix(&start).unwrap_or(line);
        line.strip_prefix("error: ").unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("; ")
}

fn name(program: &OsStr) -> String {
    program.to_string_lossy().into_owned()
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = command("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn an_error_is_what_the_command_said() {
        let call = |script| output(shell(script), Duration::from_secs(20), &mut || true);
        assert_eq!(call("echo 7").unwrap(), "7\n");
        let error =
            call("echo 'sh: error: no such partition' >&2; echo more >&2; exit 1").unwrap_err();
        assert_eq!(error.to_string(), "`sh`: no such partition; more");
        let error = call("exit 3").unwrap_err().to_string();
        assert_eq!(error, "`sh`: exit status: 3");
        let missing = output(command("no-such-sbatch"), Duration::from_secs(1), &mut || true);
        let missing = missing.unwrap_err().to_string();
        assert!(missing.starts_with("`no-such-sbatch` cannot be started"), "{missing}");
    }

    #[test]
    fn a_command_that_sleeps_is_ended() {
        let slow = output(shell("exec sleep 60"), Duration::from_millis(50), &mut || true);
        assert_eq!(slow, Err(CallError::Slow { program: "sh".into(), seconds: 0 }));
        let stopped = output(shell("exec sleep 60"), Duration::from_secs(60), &mut || false);
        assert_eq!(stopped, Err(CallError::Interrupted));
    }
}

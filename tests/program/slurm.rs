//! What is asked of Slurm, by commands that only note it. `tests/slurm` runs the real ones.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::driver::{Program, SMOKE};

/// Puts a command into the program's folder `bin`.
fn command(program: &Program, name: &str, script: &str) {
    let path = format!("bin/{name}");
    program.write(&path, &format!("#!/bin/sh\n{script}\n"));
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(program.path(&path), mode).unwrap();
}

/// A run within a job of Slurm, with settings of the user's for other jobs: neither reaches its own jobs.
#[test]
fn nothing_of_another_job_is_inherited() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    command(&program, "sinfo", "echo 'main*|infinite'");
    command(&program, "scontrol", "echo 'MaxArraySize = 1001'");
    command(&program, "squeue", "");
    command(&program, "sacct", "exit 1");
    command(
        &program,
        "sbatch",
        "env > environment.tmp; printf '%s\\n' \"$@\" > options; mv environment.tmp environment; echo 7",
    );
    let path = format!("{}:{}", program.path("bin").display(), std::env::var("PATH").unwrap());
    let mut run =
        program.command(&["run", "smoke.toml", "--engine", "slurm", "--tasks", "3", "-q"]);
    run.env("PATH", path).env("SLURM_CONF", "/etc/slurm/slurm.conf");
    let inherited = [
        "SLURM_JOB_ID",
        "SLURM_ARRAY_TASK_ID",
        "SLURM_MEM_PER_NODE",
        "SBATCH_PARTITION",
        "SQUEUE_FORMAT",
        "SACCT_FORMAT",
        "SCANCEL_STATE",
    ];
    for name in inherited {
        run.env(name, "5");
    }
    let mut child = run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while !program.path("environment").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing was submitted");
        std::thread::sleep(Duration::from_millis(20));
    }
    Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));

    let environment = String::from_utf8(program.bytes("environment")).unwrap();
    for name in inherited {
        assert!(!environment.contains(&format!("{name}=")), "{name}: {environment}");
    }
    assert!(environment.contains("\nSLURM_CONF=/etc/slurm/slurm.conf\n"), "{environment}");
    let options = String::from_utf8(program.bytes("options")).unwrap();
    let root = program.folder().canonicalize().unwrap();
    for option in [
        "--array=1-3",
        "--cpus-per-task=1",
        "--open-mode=append",
        "--dependency=singleton",
        &format!("--chdir={}", root.display()),
        &format!("--output={}/results/.slurm/small/00001-", root.display()),
        "--mem=",
        "--time=",
        "--signal=B:TERM@",
    ] {
        let given = options.lines().any(|line| line.starts_with(option));
        assert!(given, "{option}: {options}");
    }
}

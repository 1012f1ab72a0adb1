//! The two programs: commands that read results run without libtorch, others become the program that has it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::driver::{Ended, PROGRAM, Program, SMOKE, WITH_LIBTORCH};

/// A copy of the first program, in a folder that is made.
fn copy(program: &Program, folder: &str) -> PathBuf {
    let folder = program.path(folder);
    fs::create_dir_all(&folder).unwrap();
    let own = folder.join("fer-lab");
    fs::copy(PROGRAM, &own).unwrap();
    own
}

/// Runs a copy to its end. While another test starts a process, that process holds the file of a copy that was just
/// written open for a moment, and the system runs no file that is open for writing.
fn ended(command: &mut Command) -> Ended {
    let mut output = command.output();
    for _ in 0..100 {
        match &output {
            Err(why) if why.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(20));
                output = command.output();
            }
            _ => break,
        }
    }
    let output = output.unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The libraries that the system's loader would load for a program.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn libraries(program: &str) -> String {
    let output = Command::new(program).env("LD_TRACE_LOADED_OBJECTS", "1").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn commands_that_read_results_load_no_libtorch() {
    let (looks, trains) = (libraries(PROGRAM), libraries(WITH_LIBTORCH));
    assert!(looks.contains("libc.so") && trains.contains("libtorch_cpu.so"), "{looks}{trains}");
    for library in ["torch", "c10", "stdc++", "gomp"] {
        assert!(!looks.contains(&format!("lib{library}")), "{looks}");
    }
}

#[test]
fn alone_it_reads_and_plans_and_says_what_is_missing() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let own = copy(&program, "own");
    let run = |arguments: &[&str]| ended(&mut program.command_of(&own, arguments));
    run(&["plan", "smoke.toml"]).succeeds();
    run(&["data", "smoke.toml"]).succeeds();
    run(&["list"]).succeeds();
    let specification = ["worker", "x.json"];
    for arguments in
        [&["run", "smoke.toml"], &["preview", "smoke.toml"], &["reproduce", "0"], &specification]
    {
        let refused = run(arguments);
        assert_eq!(refused.code, Some(2), "{arguments:?}: {}", refused.stdout);
        let folder = program.path("own");
        let missing = format!(
            "error: this command needs `fer-lab-torch`, and there is none in `{}`: build both",
            folder.canonicalize().unwrap().display()
        );
        assert!(refused.stderr.starts_with(&missing), "{arguments:?}: {}", refused.stderr);
    }
}

#[test]
fn a_partner_from_another_build_is_refused() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let own = copy(&program, "own");
    // As one that was built before: it is told of another build than its own.
    let older = program.path("own/fer-lab-torch");
    let script =
        format!("#!/bin/sh\nFER_LAB_CALLER=0$FER_LAB_CALLER exec '{WITH_LIBTORCH}' \"$@\"\n");
    fs::write(&older, script).unwrap();
    make_executable(&older);
    let refused = ended(&mut program.command_of(&own, &["run", "smoke.toml"]));
    assert_eq!(refused.code, Some(2), "{}", refused.stdout);
    let sentence =
        "was built from other sources than the `fer-lab` that started it: build both again";
    assert!(refused.stderr.contains(sentence), "{}", refused.stderr);
    assert!(!program.path("results").exists());
}

/// A cargo that writes down what it is asked for, and puts the second program where it belongs.
fn cargo(program: &Program, folder: &str, code: u8) -> PathBuf {
    let cargo = program.path("cargo");
    let script = format!(
        "#!/bin/sh\necho \"$PWD $*\" > '{}'\ncp '{WITH_LIBTORCH}' '{}'\nexit {code}\n",
        program.path("asked").display(),
        program.path(folder).display(),
    );
    fs::write(&cargo, script).unwrap();
    make_executable(&cargo);
    cargo
}

fn make_executable(path: &Path) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// `cargo run` builds the first program alone.
#[test]
fn a_program_that_cargo_runs_has_it_build_the_partner() {
    for (folder, target) in [("release", ""), ("a-triple/debug", " --target a-triple")] {
        let program = Program::new();
        program.write("smoke.toml", SMOKE);
        program.write("package/target/CACHEDIR.TAG", "");
        let folder = format!("package/target/{folder}");
        let own = copy(&program, &folder);
        let run = |code, package: &str| {
            let mut command = program.command_of(&own, &["reproduce", "none"]);
            command.env("CARGO", cargo(&program, &folder, code)).env("CARGO_PKG_NAME", package);
            ended(command.env("CARGO_MANIFEST_DIR", program.path("package")))
        };
        // Another package's test, say.
        let missing = run(0, "other");
        assert!(missing.stderr.contains("there is none in"), "{}", missing.stderr);
        assert!(!program.path("asked").exists());
        let failed = run(101, "fer-lab");
        assert_eq!(failed.code, Some(2));
        assert!(failed.stderr.contains("which cargo could not build"), "{}", failed.stderr);
        let done = run(0, "fer-lab");
        // It is the second program that finds nothing.
        assert!(done.stderr.contains("no results folder"), "{}", done.stderr);
        let asked = String::from_utf8(program.bytes("asked")).unwrap();
        let package = program.path("package").canonicalize().unwrap();
        let profile = if folder.ends_with("debug") { "dev" } else { "release" };
        let expected = format!(
            "{0} build --quiet --bin fer-lab-torch --target-dir {0}/target{target} --profile {profile}\n",
            package.display(),
        );
        assert_eq!(asked, expected);
    }
}

//! `doctor`: what the machine has, asked of both programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use fer_lab::machine::device::LIBTORCH_VERSION;
use fer_lab::plan::NUMERIC_VERSION;

use super::driver::{PROGRAM, Program};

fn check<'a>(answer: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let checks = answer["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {answer}"))
}

#[test]
fn the_machine_that_tests_run_on_can_run() {
    let program = Program::new();
    let answer = program.json(&["doctor", "--format", "json"]);
    assert_eq!(answer["run_can_work"], true);
    let own = check(&answer, "fer-lab");
    assert_eq!(own["facts"]["numeric_version"], NUMERIC_VERSION);
    assert_eq!(own["facts"]["wheel"], false);
    let libtorch = check(&answer, "libtorch");
    let version = libtorch["facts"]["version"].as_str().unwrap();
    assert_eq!(version.split('+').next(), Some(LIBTORCH_VERSION));
    assert!(libtorch["facts"]["library"].as_str().unwrap().ends_with("libtorch_cpu.so"));
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(check(&answer, "processor")["facts"]["cores"], cores);
    assert!(check(&answer, "memory")["facts"]["usable_bytes"].as_u64().unwrap() > 0);
    assert_eq!(check(&answer, "locks")["facts"]["kept"], true);
    // Nothing was made.
    assert_eq!(check(&answer, "results")["facts"]["exists"], false);
    assert!(!program.path("results").exists());
}

#[test]
fn words_and_tables_say_the_same() {
    let program = Program::new();
    let words = program.run(&["doctor"]);
    words.succeeds();
    assert!(words.stdout.starts_with("  fer-lab     "), "{}", words.stdout);
    assert!(words.stdout.ends_with("`fer-lab run` can work here.\n"), "{}", words.stdout);
    let table = program.run(&["doctor", "--format", "csv"]).stdout;
    assert!(table.starts_with("check,state,found,cure\nfer-lab,ok,"), "{table}");
    let set = program.run(&["doctor", "--set", "train.epochs=2"]);
    assert_eq!(set.code, Some(2));
    assert!(set.stderr.contains("`doctor` reads no experiment file"), "{}", set.stderr);
}

#[test]
fn a_problem_is_named_with_its_cure_and_its_exit_code() {
    let program = Program::new();
    program.write("file", "");
    let refused = program.run(&["doctor", "--results", "file"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stdout.contains("! results "), "{}", refused.stdout);
    assert!(refused.stdout.contains("→ name another folder with --results DIR"));
    assert!(refused.stdout.ends_with("`fer-lab run` cannot work here: see `!` above.\n"));
}

/// As an installation of which a file was lost.
#[test]
fn without_its_partner_libtorch_is_the_problem() {
    let program = Program::new();
    let own = program.path("fer-lab");
    fs::copy(PROGRAM, &own).unwrap();
    let run = |program: &Path| Command::new(program).arg("doctor").env_remove("CARGO").output();
    // While another test starts a process, the copy may still be open for writing.
    let output = std::iter::repeat_with(|| run(&own)).take(200).find_map(|output| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        output.ok()
    });
    let output = output.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("! libtorch    this command needs `fer-lab-torch`"), "{text}");
}

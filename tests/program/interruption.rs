//! Interrupted, killed or run twice, an experiment ends with the same bytes in its tables.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::driver::{Program, SMOKE};
use fer_lab::store::{EpochRow, Results, RunRow, read_table};

/// The same experiment with trainings that take long enough to be interrupted.
fn longer() -> String {
    SMOKE.replace("epochs = 2", "epochs = 6").replace("train = 96", "train = 900")
}

/// Everything in the tables but what a clock says.
fn tables(program: &Program) -> (Vec<RunRow>, Vec<EpochRow>, Vec<Vec<u8>>) {
    let results = Results::open(program.path("results")).unwrap();
    let mut runs: Vec<RunRow> =
        read_table(&results.table_path::<RunRow>("small").unwrap()).unwrap();
    for run in &mut runs {
        run.wall_seconds = 0.0;
        run.train_images_per_second = 0.0;
    }
    let mut epochs: Vec<EpochRow> =
        read_table(&results.table_path::<EpochRow>("small").unwrap()).unwrap();
    for epoch in &mut epochs {
        epoch.seconds = 0.0;
    }
    let whole = ["predictions", "confusion", "effects", "truth"]
        .map(|table| program.bytes(&format!("results/small/{table}.parquet")));
    (runs, epochs, whole.to_vec())
}

fn finished(text: &str) -> Program {
    let program = Program::new();
    program.write("smoke.toml", text);
    program.run(&["run", "smoke.toml", "--threads", "1", "-q"]).succeeds();
    program
}

fn start(program: &Program) -> Child {
    let mut command = program.command(&["run", "smoke.toml", "--threads", "1"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let status = std::process::Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn the_same_experiment_gives_the_same_bytes() {
    assert_eq!(tables(&finished(SMOKE)), tables(&finished(SMOKE)));
}

#[test]
fn ctrl_c_leaves_a_checkpoint_and_the_next_run_goes_on_from_it() {
    let text = longer();
    let whole = tables(&finished(&text));
    let program = Program::new();
    program.write("smoke.toml", &text);
    let mut interruptions = 0;
    for pause in [700, 900, 500, 1300, 400] {
        let mut child = start(&program);
        std::thread::sleep(Duration::from_millis(pause));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        signal(&child, "INT");
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        if status.code() == Some(0) {
            break;
        }
        // A signal before the program listens for it ends it, as it does any program.
        if status.signal().is_none() {
            assert_eq!(status.code(), Some(130), "{stderr}");
            assert!(
                stderr.contains("`fer-lab run smoke.toml --threads 1` goes on from here"),
                "{stderr}"
            );
            interruptions += 1;
        }
    }
    assert!(interruptions > 0, "the experiment ended before it could be interrupted");
    program.run(&["run", "smoke.toml", "--threads", "1", "-q"]).succeeds();
    assert_eq!(tables(&program), whole);
}

#[test]
fn kill_loses_at_most_what_was_under_way() {
    let text = longer();
    let whole = tables(&finished(&text));
    let program = Program::new();
    program.write("smoke.toml", &text);
    for pause in [300, 900, 1500, 600] {
        let mut child = start(&program);
        std::thread::sleep(Duration::from_millis(pause));
        signal(&child, "KILL");
        child.wait().unwrap();
    }
    program.run(&["run", "smoke.toml", "--threads", "1", "-q"]).succeeds();
    assert_eq!(tables(&program), whole);
}

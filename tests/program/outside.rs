//! What other programs make of results: the package `fer_lab`, its notebook, TensorBoard.
//!
//! Needs Python with what each reads tables by (`PYTHON` names another interpreter than `python3`); what is not there the
//! tests name, and pass.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::driver::{Program, study};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a script prints; `None`, with a notice, where Python or a package is missing.
fn python(script: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Option<String> {
    let interpreter = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(&interpreter);
    command.arg(Path::new(ROOT).join("tests").join(script)).args(arguments);
    command.env("PYTHONPATH", Path::new(ROOT).join("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(settings.iter().copied());
    let missing = |why: &str| {
        // Straight to stderr: what a test prints is hidden when it passes.
        let notice = format!("notice: {why}: {script} {} is not run\n", arguments.join(" "));
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        None
    };
    let Ok(Output { status, stdout, stderr }) = command.output() else {
        return missing(&format!("`{interpreter}` does not start"));
    };
    let stderr = String::from_utf8_lossy(&stderr);
    if status.code() == Some(3) {
        return missing(&format!("`{interpreter}` lacks a package {}", stderr.trim()));
    }
    assert!(status.success(), "{stderr}");
    Some(String::from_utf8(stdout).unwrap())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn accuracies(program: &Program) -> Vec<f64> {
    let runs = program.json(&["list", "runs", "--format", "json"]);
    let runs = runs.as_array().unwrap().iter();
    let mut accuracies: Vec<f64> = runs.map(|run| run["test_accuracy"].as_f64().unwrap()).collect();
    accuracies.sort_by(f64::total_cmp);
    accuracies
}

#[test]
fn the_package_reads_tables_figures_and_captions() {
    let program = study();
    let folder = program.path("results/small");
    for frames in ["polars", "pandas"] {
        let Some(found) = python("look.py", &[folder.to_str().unwrap(), frames], &[]) else {
            continue;
        };
        let found = json(&found);
        assert_eq!(found["name"], "small");
        let mut there: Vec<f64> = found["accuracies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_f64().unwrap())
            .collect();
        there.sort_by(f64::total_cmp);
        assert_eq!(there, accuracies(program), "{frames}");
        assert_eq!(found["tables"]["epochs"][1], 8, "{frames}");
        assert_eq!(found["missing"].as_array().unwrap().len(), 0);
        let caption = found["captions"]["effects"].as_str().unwrap();
        assert!(caption.contains("40 test images"), "{caption}");
        assert!(found["report"].as_str().unwrap().ends_with("small/report.html"));
        let error = |name: &str| found["errors"][name].as_str().unwrap().to_owned();
        assert!(
            error("folder").contains("has no runs.parquet") && error("folder").contains("small")
        );
        assert!(error("absent").starts_with("there is no folder"), "{}", error("absent"));
        assert!(error("table").contains("it has class_effects, confusion"), "{}", error("table"));
    }
}

#[test]
fn the_notebook_redraws_a_figure() {
    let program = study();
    let (results, figure) = (program.path("results/small"), program.path("effects.pdf"));
    let notebook = Path::new(ROOT).join("docs/redraw.ipynb");
    let settings = [
        ("FER_LAB_STUDY", results.to_str().unwrap()),
        ("FER_LAB_FIGURE", figure.to_str().unwrap()),
    ];
    if python("run_notebook.py", &[notebook.to_str().unwrap()], &settings).is_some() {
        assert!(std::fs::read(figure).unwrap().starts_with(b"%PDF"));
    }
}

#[test]
fn curves_open_in_tensorboard() {
    let program = study();
    let report = ["report", "small", "--figures", "svg", "--tensorboard", "curves"];
    program.run(&report).succeeds();
    let file = |run: &str| format!("curves/small/{run}/events.out.tfevents.0.fer-lab");
    let runs = std::fs::read_dir(program.path("curves/small")).unwrap();
    let runs: Vec<String> =
        runs.map(|run| run.unwrap().file_name().to_string_lossy().into_owned()).collect();
    // Whole faces, the masked mouth and its control, two seeds each.
    assert_eq!(runs.len(), 6, "{runs:?}");
    let before = program.bytes(&file(&runs[0]));
    program.run(&report).succeeds();
    assert_eq!(program.bytes(&file(&runs[0])), before, "the same epochs, other bytes");

    let folder = program.path("curves/small");
    let Some(found) = python("read_events.py", &[folder.to_str().unwrap()], &[]) else { return };
    let found: BTreeMap<String, Value> = serde_json::from_str(&found).unwrap();
    assert_eq!(found.len(), 6);
    let mut compared = 0;
    for (run, tags) in &found {
        let id = run.rsplit(", ").next().unwrap();
        let epochs = program.json(&["show", id, "--format", "json"]);
        let Some(epochs) = epochs["history"].as_array() else { panic!("{epochs}") };
        for (tag, column) in [("accuracy/val", "val_accuracy"), ("loss/train", "train_loss")] {
            for (place, epoch) in epochs.iter().enumerate() {
                let scalar = &tags[tag][place];
                assert_eq!(scalar[0], epoch["epoch"], "{run} {tag}");
                let (there, stored) =
                    (scalar[1].as_f64().unwrap(), epoch[column].as_f64().unwrap());
                assert!((there - stored).abs() < 1e-6, "{run} {tag}: {there} {stored}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 6 * 2 * 2);
}

/// Installation fetches gigabytes and takes minutes, so that it is tried where somebody asks for it.
#[test]
fn a_wheel_answers_in_a_fresh_environment() {
    const ASKED: &str = "FER_LAB_TRY_WHEEL";
    let Some(wheel) = std::env::var_os(ASKED) else {
        let notice =
            format!("notice: {ASKED} names no wheel of scripts/wheel: none is installed\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        return;
    };
    let mut script = Command::new(Path::new(ROOT).join("scripts/try-wheel"));
    let Output { status, stdout, stderr } = script.arg(wheel).output().unwrap();
    let stdout = String::from_utf8_lossy(&stdout);
    assert!(status.success(), "{stdout}\n{}", String::from_utf8_lossy(&stderr));
    assert!(stdout.contains("of a Python wheel"), "{stdout}");
    assert!(stdout.contains("<fer_lab.Study smoke: "), "{stdout}");
}

//! The tables open in other people's tools: pyarrow reads what we wrote, and we read what it rewrote.
//!
//! Needs Python with pyarrow (`PYTHON` names another interpreter than `python3`); without, the tests say
//! so and pass.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use fer_lab::dataset::Split;
use fer_lab::experiment::Statistics;
use fer_lab::region::{FillKind, Mode, Phase};
use fer_lab::store::{
    EffectRow, Metric, PredictionRow, RunRow, RunStatus, Term, TruthRow, read_table,
    write_predictions, write_table,
};
use serde_json::{Value, json};

/// Runs Python; `None`, with a notice, where it or pyarrow is missing.
fn python(arguments: &[&str]) -> Option<Vec<u8>> {
    let interpreter = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let missing = |what: &str| {
        // Straight to stderr: what a test prints is hidden when it passes.
        let notice = format!("notice: {what}; Parquet tables are not checked against pyarrow\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        None
    };
    let Ok(output) = Command::new(&interpreter).args(arguments).output() else {
        return missing(&format!("`{interpreter}` does not start"));
    };
    if output.status.code() == Some(3) {
        return missing(&format!("`{interpreter}` has no pyarrow"));
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// What pyarrow finds in a table: its columns with their types, and its rows.
fn read_with_pyarrow(path: &Path) -> Option<(Value, Value)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_parquet.py");
    let path = path.to_str().unwrap();
    let found = python(&[script.to_str().unwrap(), path])?;
    let mut found: Value = serde_json::from_slice(&found).unwrap();
    let table = &mut found[path];
    Some((table["columns"].take(), table["rows"].take()))
}

fn run(regions: &[&str], val_accuracy: Option<f64>, rate: &str) -> RunRow {
    let word = |word: &str| word.to_owned();
    RunRow {
        run_id: word("r"),
        training_id: word("t"),
        experiment: word("mask_eyes"),
        condition: word("hide eyes — mean"),
        dataset: word("faces"),
        regions: regions.iter().map(|name| word(name)).collect(),
        mode: Some(Mode::Hide),
        fill: Some(FillKind::Mean),
        phase: Some(Phase::Retrain),
        control: false,
        draw: None,
        area: 0.125,
        seed: u64::MAX,
        epochs: 30,
        best_epoch: 7,
        parameters: 670_183,
        val_accuracy,
        test_accuracy: Some(0.75),
        test_balanced_accuracy: None,
        test_macro_f1: None,
        test_loss: None,
        test_bits: Some(-0.5),
        device: word("cpu"),
        precision: word("f32"),
        fer_lab: word("0.1.0"),
        libtorch: word("2.13.0"),
        processor: word("a processor"),
        threads: 2,
        statistics: Statistics::Adapted,
        wall_seconds: 1.5,
        train_images_per_second: 320.0,
        status: RunStatus::Done,
        swept: BTreeMap::from([
            (word("train.optimizer.learning_rate"), word(rate)),
            (word("schedule.kind"), word("\"cosine\"")),
        ]),
    }
}

#[test]
fn pyarrow_reads_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.parquet");
    write_table(&path, &[run(&["eyes", "mouth"], Some(0.5), "0.01"), run(&[], None, "1e-3")])
        .unwrap();
    let Some((columns, rows)) = read_with_pyarrow(&path) else { return };
    let columns: Vec<(String, String)> = serde_json::from_value(columns).unwrap();
    let expected = [
        ("run_id", "string"),
        ("training_id", "string"),
        ("experiment", "string"),
        ("condition", "string"),
        ("dataset", "string"),
        ("regions", "list<string>"),
        ("mode", "string"),
        ("fill", "string"),
        ("phase", "string"),
        ("control", "bool"),
        ("draw", "uint32"),
        ("area", "double"),
        ("seed", "uint64"),
        ("epochs", "uint32"),
        ("best_epoch", "uint32"),
        ("parameters", "uint64"),
        ("val_accuracy", "double"),
        ("test_accuracy", "double"),
        ("test_balanced_accuracy", "double"),
        ("test_macro_f1", "double"),
        ("test_loss", "double"),
        ("test_bits", "double"),
        ("device", "string"),
        ("precision", "string"),
        ("fer_lab", "string"),
        ("libtorch", "string"),
        ("processor", "string"),
        ("threads", "uint32"),
        ("statistics", "string"),
        ("wall_seconds", "double"),
        ("train_images_per_second", "double"),
        ("status", "string"),
        ("schedule.kind", "string"),
        ("train.optimizer.learning_rate", "double"),
    ];
    assert_eq!(columns, expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
    assert_eq!(rows[0]["regions"], json!(["eyes", "mouth"]));
    assert_eq!(rows[1]["regions"], json!([]));
    assert_eq!(rows[0]["condition"], "hide eyes — mean");
    assert_eq!(rows[0]["seed"], u64::MAX);
    assert_eq!(rows[0]["control"], false);
    assert_eq!(rows[0]["draw"], Value::Null);
    assert_eq!(rows[0]["val_accuracy"], 0.5);
    assert_eq!(rows[1]["val_accuracy"], Value::Null);
    assert_eq!(rows[1]["test_bits"], -0.5);
    assert_eq!(rows[1]["train.optimizer.learning_rate"], 0.001);
    assert_eq!(rows[1]["schedule.kind"], "\"cosine\"");
}

fn predictions() -> Vec<PredictionRow> {
    (0..1000)
        .map(|image| PredictionRow {
            run_id: "r".into(),
            split: if image < 400 { Split::Val } else { Split::Test },
            image: format!("fer{image:07}.png"),
            actual: "fear".into(),
            predicted: if image % 3 == 0 { "fear" } else { "surprise" }.into(),
            probabilities: vec![image as f32 / 1000.0, 1.0 - image as f32 / 1000.0],
            label: vec![0.75, 0.25],
        })
        .collect()
}

#[test]
fn pyarrow_reads_predictions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.parquet");
    let written = predictions();
    write_predictions(&path, &written, &["fear".to_owned(), "surprise".to_owned()]).unwrap();
    let Some((columns, rows)) = read_with_pyarrow(&path) else { return };
    assert_eq!(columns[5], json!(["probabilities", "list<float>"]));
    assert_eq!(columns[6], json!(["label", "list<float>"]));
    assert_eq!(columns[7], json!(["classes", "list<string>"]));
    assert_eq!(rows[999]["classes"], json!(["fear", "surprise"]));
    let found: Vec<PredictionRow> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let word = |name: &str| row[name].as_str().unwrap().to_owned();
            let shares = |name: &str| serde_json::from_value(row[name].clone()).unwrap();
            PredictionRow {
                run_id: word("run_id"),
                split: Split::of(&word("split")).unwrap(),
                image: word("image"),
                actual: word("actual"),
                predicted: word("predicted"),
                probabilities: shares("probabilities"),
                label: shares("label"),
            }
        })
        .collect();
    assert_eq!(found, written);
}

#[test]
fn an_empty_table_keeps_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.parquet");
    write_table::<TruthRow>(&path, &[]).unwrap();
    let Some((columns, rows)) = read_with_pyarrow(&path) else { return };
    assert_eq!(columns[0], json!(["regions", "list<string>"]));
    assert_eq!(columns[4], json!(["recall", "list<double>"]));
    assert_eq!(columns[5], json!(["classes", "list<string>"]));
    assert_eq!(rows, json!([]));
}

/// A table that a researcher has filtered and saved is still a table, although it is not the file that
/// was sealed.
#[test]
fn what_pyarrow_rewrote_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("effects.parquet"), folder.path().join("copy.parquet"));
    let row = EffectRow {
        regions: vec!["eyes".into()],
        mode: Mode::Hide,
        phase: Phase::Retrain,
        fill: FillKind::Mean,
        metric: Metric::Accuracy,
        seeds: 3,
        images: 1400,
        baseline: 0.83,
        covered: 0.72,
        control: None,
        effect: 0.11,
        effect_low: Some(0.09),
        effect_high: Some(0.13),
        signal: None,
        signal_low: None,
        signal_high: None,
        p: Some(0.001),
        p_adjusted: Some(0.007),
        method: "two-way".into(),
        swept: BTreeMap::from([("train.epochs".to_owned(), "30".to_owned())]),
    };
    let rows = [row.clone(), EffectRow { regions: vec![], ..row }];
    write_table(&path, &rows).unwrap();
    let script = "
import sys
try:
    import pyarrow.parquet as parquet
except ImportError:
    sys.exit(3)
parquet.write_table(parquet.read_table(sys.argv[1]), sys.argv[2])
";
    let paths = [path.to_str().unwrap(), copy.to_str().unwrap()];
    if python(&["-c", script, paths[0], paths[1]]).is_some() {
        assert_eq!(read_table::<EffectRow>(&copy).unwrap(), rows);
    }
}

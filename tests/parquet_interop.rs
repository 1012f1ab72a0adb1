//! The tables open in other people's tools: pyarrow reads what we wrote, and we read what it rewrote; pandas, polars,
//! DuckDB and R join the tables of an experiment by their condition.
//!
//! Needs Python with pyarrow, pandas, polars and DuckDB (`PYTHON` names another interpreter than `python3`), and R with
//! nanoparquet; what is not there the tests name, and pass.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use fer_lab::dataset::Split;
use fer_lab::experiment::Statistics;
use fer_lab::region::{FillKind, Mode, Phase};
use fer_lab::store::{
    ClassEffectRow, EffectRow, Metric, PredictionRow, RunRow, RunStatus, Term, read_table,
    write_predictions, write_table,
};
use serde_json::{Value, json};

/// Runs Python; `None`, with a notice, where it or the package is missing.
fn python(package: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let interpreter = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    output(&interpreter, package, arguments)
}

/// What a program prints; `None`, with a notice, where it does not start or, as exit code 3 says, lacks a package.
fn output(program: &str, package: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let missing = |what: &str| {
        // Straight to stderr: what a test prints is hidden when it passes.
        let notice = format!("notice: {what}; Parquet tables are not checked against {package}\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        None
    };
    let Ok(output) = Command::new(program).args(arguments).output() else {
        return missing(&format!("`{program}` does not start"));
    };
    if output.status.code() == Some(3) {
        return missing(&format!("`{program}` has no {package}"));
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// What pyarrow finds in a table: its columns with their types, and its rows.
fn read_with_pyarrow(path: &Path) -> Option<(Value, Value)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_parquet.py");
    let path = path.to_str().unwrap();
    let found = python("pyarrow", &[script.to_str().unwrap(), path])?;
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
        test_part: Some(word("public")),
        regions: regions.iter().map(|name| word(name)).collect(),
        mode: Some(Mode::Hide),
        fill: Some(FillKind::Mean),
        phase: Some(Phase::Retrain),
        control: false,
        draw: None,
        area: 0.125,
        missed: None,
        seed: i64::MAX as u64,
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
        ("test_part", "string"),
        ("regions", "list<string>"),
        ("mode", "string"),
        ("fill", "string"),
        ("phase", "string"),
        ("control", "bool"),
        ("draw", "int64"),
        ("area", "double"),
        ("missed", "double"),
        ("seed", "int64"),
        ("epochs", "int64"),
        ("best_epoch", "int64"),
        ("parameters", "int64"),
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
        ("threads", "int64"),
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
    assert_eq!(rows[0]["test_part"], "public");
    assert_eq!(rows[0]["seed"], i64::MAX);
    assert_eq!(rows[0]["control"], false);
    assert_eq!(rows[0]["draw"], Value::Null);
    assert_eq!(rows[0]["val_accuracy"], 0.5);
    assert_eq!(rows[1]["val_accuracy"], Value::Null);
    assert_eq!(rows[1]["test_bits"], -0.5);
    assert_eq!(rows[1]["train.optimizer.learning_rate"], 0.001);
    assert_eq!(rows[1]["schedule.kind"], "cosine");
}

fn effect(condition: &str, regions: &[&str], effect: f64, swept: &[(&str, &str)]) -> EffectRow {
    let word = |word: &str| word.to_owned();
    EffectRow {
        condition: word(condition),
        regions: regions.iter().map(|name| word(name)).collect(),
        mode: Mode::Hide,
        phase: Phase::Retrain,
        fill: FillKind::Mean,
        metric: Metric::Accuracy,
        seeds: 3,
        images: 1400,
        baseline: 0.83,
        covered: 0.83 - effect,
        control: Some(0.8),
        effect,
        effect_low: Some(effect - 0.02),
        effect_high: Some(effect + 0.02),
        signal: None,
        signal_low: None,
        signal_high: None,
        p: Some(0.001),
        p_adjusted: Some(0.007),
        method: word("two-way"),
        signal_p: None,
        signal_p_adjusted: None,
        signal_method: None,
        chance: None,
        excess: None,
        excess_low: None,
        excess_high: None,
        excess_p: None,
        excess_p_adjusted: None,
        swept: swept.iter().map(|(key, value)| (word(key), word(value))).collect(),
    }
}

fn predictions() -> Vec<PredictionRow> {
    (0..1000)
        .map(|image| PredictionRow {
            run_id: "r".into(),
            split: if image < 400 { Split::Val } else { Split::Test },
            image: format!("fer{image:07}.png"),
            actual: "fear".into(),
            predicted: if image % 3 == 0 { "fear" } else { "surprise" }.into(),
            credit: Some(f64::from(u8::from(image % 3 == 0))),
            probabilities: vec![image as f32 / 1000.0, 1.0 - image as f32 / 1000.0],
            log_probabilities: Some(vec![-0.5 * image as f32, -0.25]),
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
    assert_eq!(columns[5], json!(["credit", "double"]));
    assert_eq!(columns[6], json!(["probabilities", "list<float>"]));
    assert_eq!(columns[7], json!(["log_probabilities", "list<float>"]));
    assert_eq!(columns[8], json!(["label", "list<float>"]));
    assert_eq!(columns[9], json!(["classes", "list<string>"]));
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
                credit: row["credit"].as_f64(),
                probabilities: shares("probabilities"),
                log_probabilities: Some(shares("log_probabilities")),
                label: shares("label"),
            }
        })
        .collect();
    assert_eq!(found, written);
}

/// A table that a researcher has filtered and saved is still a table, although it is not the file that
/// was sealed.
#[test]
fn what_pyarrow_rewrote_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("effects.parquet"), folder.path().join("copy.parquet"));
    let row = effect(
        "hide eyes",
        &["eyes"],
        0.11,
        &[("train.epochs", "30"), ("train.select", "\"last\"")],
    );
    let rows = [row.clone(), EffectRow { regions: vec![], control: None, ..row }];
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
    if python("pyarrow", &["-c", script, paths[0], paths[1]]).is_some() {
        assert_eq!(read_table::<EffectRow>(&copy).unwrap(), rows);
    }
}

/// Writes the runs, effects and class effects of a study of two regions, of which batch size, optimiser and flipping
/// are swept.
fn write_study(folder: &Path) {
    let word = |word: &str| word.to_owned();
    let (mut runs, mut effects, mut class_effects) = (Vec::new(), Vec::new(), Vec::new());
    for (size, kind, flip) in [("16", "adam", "true"), ("32", "sgd", "false")] {
        let kind = format!("\"{kind}\"");
        let swept = [
            ("train.augment.flip", flip),
            ("train.batch_size", size),
            ("train.optimizer.kind", &kind),
        ];
        let of_cell = |regions: &[&str], condition: String| RunRow {
            swept: swept.iter().map(|(key, value)| (word(key), word(value))).collect(),
            condition,
            ..run(regions, Some(0.5), "0.01")
        };
        for seed in [7, i64::MAX as u64] {
            runs.push(RunRow { seed, ..of_cell(&[], format!("whole, batch_size = {size}")) });
            for region in ["eyes", "mouth"] {
                let condition = format!("hide {region}, batch_size = {size}");
                runs.push(RunRow { seed, ..of_cell(&[region], condition) });
            }
        }
        for (region, cost) in [("eyes", 0.25), ("mouth", 0.5)] {
            let row =
                effect(&format!("hide {region}, batch_size = {size}"), &[region], cost, &swept);
            for emotion in ["fear", "anger"] {
                class_effects.push(ClassEffectRow {
                    condition: row.condition.clone(),
                    regions: row.regions.clone(),
                    mode: row.mode,
                    phase: row.phase,
                    fill: row.fill,
                    emotion: word(emotion),
                    seeds: row.seeds,
                    images: 200,
                    baseline: row.baseline,
                    covered: row.covered,
                    control: None,
                    effect: cost / 2.0,
                    effect_low: None,
                    effect_high: None,
                    signal: None,
                    signal_low: None,
                    signal_high: None,
                    p: None,
                    p_adjusted: None,
                    method: word("two-way"),
                    signal_p: None,
                    signal_p_adjusted: None,
                    swept: row.swept.clone(),
                });
            }
            effects.push(row);
        }
    }
    write_table(&folder.join("runs.parquet"), &runs).unwrap();
    write_table(&folder.join("effects.parquet"), &effects).unwrap();
    write_table(&folder.join("class_effects.parquet"), &class_effects).unwrap();
}

/// Holds what a tool found by joining the tables of [`write_study`] against what stands in them. `types` are
/// the tool's names of whole numbers, texts and booleans.
fn check_join(tool: &str, found: &Value, types: [&str; 3]) {
    let rows = found["rows"].as_array().unwrap();
    // 2 settings, 2 regions, 2 seeds, 2 emotions.
    assert_eq!(rows.len(), 16, "{tool}: {found}");
    for row in rows {
        let [condition, seed, effect, emotion, of_class, size, kind, flip] =
            &row.as_array().unwrap()[..]
        else {
            panic!("{tool}: {row}");
        };
        let condition = condition.as_str().unwrap();
        let cost = if condition.starts_with("hide eyes") { 0.25 } else { 0.5 };
        assert_eq!((effect, of_class), (&json!(cost), &json!(cost / 2.0)), "{tool}: {row}");
        assert!(["fear", "anger"].contains(&emotion.as_str().unwrap()), "{tool}: {row}");
        // Exactly, and not as a floating-point number that is near.
        assert!([json!("7"), json!(i64::MAX.to_string())].contains(seed), "{tool}: {row}");
        let (expected, other) = if condition.ends_with("16") { ("16", "32") } else { ("32", "16") };
        assert_eq!(size, expected, "{tool}: {row}, not {other}");
        let expected =
            if size == "16" { (json!("adam"), json!(true)) } else { (json!("sgd"), json!(false)) };
        assert_eq!((kind, flip), (&expected.0, &expected.1), "{tool}: {row}");
    }
    let [whole, text, flag] = types;
    for (column, kind) in [
        ("condition", text),
        ("seed", whole),
        ("seeds", whole),
        ("images", whole),
        ("parameters", whole),
        ("train.batch_size", whole),
        ("train.optimizer.kind", text),
        ("train.augment.flip", flag),
    ] {
        assert_eq!(found["types"][column], kind, "{tool}: {column} of {found}");
    }
}

#[test]
fn pandas_polars_and_duckdb_join_tables_by_condition() {
    let folder = tempfile::tempdir().unwrap();
    write_study(folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/join_tables.py");
    let tools = [
        ("pandas", ["int64", "str", "bool"]),
        ("polars", ["Int64", "String", "Boolean"]),
        ("duckdb", ["BIGINT", "VARCHAR", "BOOLEAN"]),
    ];
    for (tool, types) in tools {
        let arguments = [script.to_str().unwrap(), tool, folder.path().to_str().unwrap()];
        let Some(found) = python(tool, &arguments) else { continue };
        check_join(tool, &serde_json::from_slice(&found).unwrap(), types);
    }
}

#[test]
fn r_joins_tables_by_condition() {
    let folder = tempfile::tempdir().unwrap();
    write_study(folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/join_tables.R");
    let arguments = [script.to_str().unwrap(), folder.path().to_str().unwrap()];
    let Some(found) = output("Rscript", "nanoparquet", &arguments) else { return };
    // R has no whole numbers of 64 bits: nanoparquet reads them as numbers, exact up to 2^53.
    let mut found: Value = serde_json::from_slice(&found).unwrap();
    for row in found["rows"].as_array_mut().unwrap() {
        if row[1] == "9223372036854775808" {
            row[1] = json!(i64::MAX.to_string());
        }
    }
    check_join("R", &found, ["numeric", "character", "logical"]);
}

//! `list`, `show`, `compare`, `diff` and `logs`, on one small experiment.

use std::fs;

use serde_json::Value;

use super::driver::{Ended, Program, SMOKE};

#[test]
fn results_are_listed_shown_compared_and_logged() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    let runs = rows(&program, &["show", "small"]);
    assert_eq!(runs.len(), 10);

    lists(&program, &runs);
    shows(&program, &runs);
    compares(&program, &runs);
    draws(&program, &runs);
    tells_settings_apart(&program, &runs);
    prints_logs(&program, &runs);
    nothing_reaches_the_terminal_raw(&program, &runs);
}

fn rows(program: &Program, arguments: &[&str]) -> Vec<Value> {
    let answer = program.json(&[arguments, &["--format", "json"]].concat());
    answer.as_array().unwrap().clone()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {row}"))
}

/// The run of a condition with the seed at that place.
fn run_of<'a>(runs: &'a [Value], condition: &str, place: usize) -> &'a Value {
    let of: Vec<&Value> = runs.iter().filter(|run| run["condition"] == condition).collect();
    of[place]
}

fn fits(ended: &Ended) {
    ended.succeeds();
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
}

fn refused(program: &Program, arguments: &[&str], message: &str) {
    let run = program.run(arguments);
    assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.stdout);
    assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
    assert!(run.stdout.is_empty(), "{arguments:?}: {}", run.stdout);
}

fn lists(program: &Program, runs: &[Value]) {
    for what in [&["list"][..], &["list", "runs"], &["list", "trainings"], &["show", "small"]] {
        fits(&program.run(what));
    }
    let hidden = runs.iter().filter(|run| run["mode"] == "hide" && run["control"] == false).count();
    let condition = "mode = \"hide\" and not control";
    let listed = rows(program, &["list", "--where", condition, "--sort", "-test_accuracy,seed"]);
    assert_eq!(listed.len(), hidden);
    let accuracies: Vec<f64> =
        listed.iter().map(|run| run["test_accuracy"].as_f64().unwrap()).collect();
    assert!(accuracies.is_sorted_by(|a, b| a >= b), "{accuracies:?}");
    assert_eq!(rows(program, &["show", "small", "--where", condition]).len(), hidden);
    let csv = program.run(&[
        "list",
        "runs",
        "--where",
        "regions = 'mouth' and phase = 'evaluate'",
        "--columns",
        "condition,seed",
        "--limit",
        "1",
        "--format",
        "csv",
    ]);
    csv.succeeds();
    assert_eq!(csv.stdout.lines().count(), 2, "{}", csv.stdout);
    assert!(csv.stdout.starts_with("condition,seed\nhide mouth (evaluate)"), "{}", csv.stdout);

    let trainings = rows(program, &["list", "trainings"]);
    assert_eq!(trainings.len(), 6);
    for training in &trainings {
        assert_eq!(text(training, "experiments"), "small");
        assert_eq!(training["train.optimizer.learning_rate"], 0.01);
    }
    fs::create_dir_all(program.path("results/trainings/00orphan")).unwrap();
    let orphans = rows(program, &["list", "trainings", "--where", "orphan"]);
    assert_eq!(orphans.len(), 1);
    assert_eq!(orphans[0]["status"], "unfinished");

    let unknown = "no column `test_acuracy`: did you mean `test_accuracy`?";
    refused(program, &["list", "--where", "test_acuracy > 0.5"], unknown);
    let dotted = "train.optimizer.learning_rate = 0.01";
    assert_eq!(rows(program, &["list", "trainings", "--where", dotted]).len(), 6);
    let quoted = "\"train.optimizer.learning_rate\" = 0.01 and \"train.epochs\" = 2";
    assert_eq!(rows(program, &["list", "trainings", "--where", quoted]).len(), 6);
    refused(
        program,
        &["list", "--where", "'test_accuracy' > 0.5"],
        "is a text, since it stands in",
    );
    refused(program, &["list", "--where", "1); drop table rows"], "invalid --where expression");
    refused(program, &["show", "smal"], "did you mean `small`?");
}

fn shows(program: &Program, runs: &[Value]) {
    let run = text(run_of(runs, "hide mouth (evaluate)", 0), "run_id");
    let shown = program.run(&["show", &run[..10]]);
    fits(&shown);
    for words in ["hide mouth (evaluate)", "train.optimizer.learning_rate", "val accuracy, %"] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
    let json = program.json(&["show", run, "--format", "json"]);
    assert_eq!(json["run"]["run_id"], *run);
    assert_eq!(json["training_id"], json["run"]["training_id"]);
    let training = text(&json, "training_id");
    let epochs = program.run(&["show", training, "--format", "csv", "--where", "epoch > 1"]);
    epochs.succeeds();
    assert_eq!(epochs.stdout.lines().count(), 2, "{}", epochs.stdout);
    refused(program, &["show", training, "--where", "epok > 1"], "no column `epok`: did you mean");
    let ambiguous = format!("{}f", &training[..19]);
    fs::create_dir_all(program.path(&format!("results/trainings/{ambiguous}"))).unwrap();
    if ambiguous != training {
        refused(program, &["show", &training[..19]], "is the beginning of 2 ids");
        fs::remove_dir(program.path(&format!("results/trainings/{ambiguous}"))).unwrap();
    }
}

fn compares(program: &Program, runs: &[Value]) {
    let sides = ["small:whole", "small:mouth masked", "small:hide mouth (evaluate)"];
    let compared = rows(program, &["compare", sides[0], sides[1], sides[2]]);
    for (row, condition) in
        compared.iter().zip(["whole", "hide mouth (retrain)", "hide mouth (evaluate)"])
    {
        assert_eq!(text(row, "condition"), condition);
        let accuracies =
            [0, 1].map(|place| run_of(runs, condition, place)["test_accuracy"].as_f64().unwrap());
        let mean = (accuracies[0] + accuracies[1]) / 2.0;
        assert!((row["accuracy"].as_f64().unwrap() - mean).abs() < 1e-12, "{row}");
        if condition != "whole" {
            let difference = mean - compared[0]["accuracy"].as_f64().unwrap();
            assert!((row["difference"].as_f64().unwrap() - difference).abs() < 1e-12, "{row}");
            assert_eq!(row["paired"], "2 seeds × 40 images");
            // Where no prediction differs there is no interval.
            match row["difference_low"].as_f64() {
                Some(low) => assert!(low <= difference, "{row}"),
                None => assert_eq!((difference, row["p"].as_f64()), (0.0, Some(1.0)), "{row}"),
            }
        }
    }
    fits(&program.run(&["compare", sides[0], sides[1]]));

    let ids = [0, 1].map(|place| text(run_of(runs, "whole", place), "run_id"));
    let by_image = program.run(&["compare", ids[0], ids[1]]);
    fits(&by_image);
    assert!(by_image.stdout.contains("40 images, no seed"), "{}", by_image.stdout);
    assert!(by_image.stdout.contains("No seed is shared"), "{}", by_image.stdout);
    let training = text(run_of(runs, "whole", 0), "training_id");
    let same = rows(program, &["compare", ids[0], training, "--metric", "bits"]);
    assert_eq!(same[1]["difference"], 0.0);

    refused(program, &["compare", "small", ids[0]], "EXPERIMENT:CONDITION");
    refused(program, &["compare", "small:whole", "small:hide mout (evaluate)"], "did you mean");
    refused(
        program,
        &["compare", "small", "small", "--chart", "a.tif"],
        "ends in .png or .svg or .pdf",
    );
}

fn draws(program: &Program, runs: &[Value]) {
    let whole = text(run_of(runs, "whole", 0), "run_id");
    for (sides, file) in [
        (&["small:whole", "small:hide mouth (retrain)", whole][..], "rows.png"),
        (&["small", "small"], "experiments.svg"),
    ] {
        let compared = program.run(&[&["compare"], sides, &["--chart", file]].concat());
        compared.succeeds();
        assert!(compared.stdout.ends_with(&format!("{file}\n")), "{}", compared.stdout);
    }
    assert_eq!(&program.bytes("rows.png")[1..4], b"PNG");
    let svg = String::from_utf8(program.bytes("experiments.svg")).unwrap();
    assert!(svg.contains("difference in test accuracy, points"), "{svg}");
}

fn tells_settings_apart(program: &Program, runs: &[Value]) {
    let same = program.run(&["diff", "small", "smoke.toml"]);
    same.succeeds();
    assert!(same.stdout.starts_with("no differences; "), "{}", same.stdout);
    program.write("longer.toml", &SMOKE.replace("epochs = 2", "epochs = 3"));
    let differs = rows(program, &["diff", "small", "longer.toml"]);
    assert_eq!(differs.len(), 1);
    assert_eq!((text(&differs[0], "key"), &differs[0]["b"]), ("train.epochs", &Value::from(3)));
    let all = rows(program, &["diff", "small", "longer.toml", "--all"]);
    assert!(all.len() > 20 && all.iter().any(|row| row["key"] == "train.optimizer.learning_rate"));
    let [first, second] = [0, 1].map(|place| text(run_of(runs, "whole", place), "training_id"));
    let seeds = rows(program, &["diff", first, second]);
    assert_eq!(seeds.len(), 1);
    assert_eq!(text(&seeds[0], "key"), "seed");
    fits(&program.run(&["diff", "small", first]));
    refused(program, &["diff", "small", "gone.toml"], "there is no file `gone.toml`");
}

fn prints_logs(program: &Program, runs: &[Value]) {
    let run = run_of(runs, "whole", 0);
    let log = program.run(&["logs", text(run, "run_id"), "--follow"]);
    log.succeeds();
    assert!(log.stdout.starts_with("epoch 1 rate 0.01 loss "), "{}", log.stdout);
    assert_eq!(log.stdout.lines().count(), 2, "{}", log.stdout);
    assert_eq!(program.run(&["logs", text(run, "training_id")]).stdout, log.stdout);
    let all = program.run(&["logs", "small"]);
    all.succeeds();
    assert_eq!(all.stdout.lines().filter(|line| line.starts_with("training ")).count(), 6);
    assert_eq!(all.stdout.lines().filter(|line| line.starts_with("epoch ")).count(), 12);
}

fn nothing_reaches_the_terminal_raw(program: &Program, runs: &[Value]) {
    let training = text(run_of(runs, "whole", 0), "training_id");
    let log = program.path(&format!("results/trainings/{training}/log"));
    fs::write(log, b"epoch \x1b[2J\xff 1\r\n").unwrap();
    let path = format!("results/trainings/{training}/manifest.json");
    let mut manifest = program.unsealed(&path);
    manifest["host"] = format!("\u{1b}]0;x\u{7}{}", manifest["host"]).into();
    program.write(&path, &manifest.to_string());
    for arguments in [
        &["logs", training][..],
        &["logs", "small"],
        &["show", training],
        &["show", training, "--format", "markdown"],
        &["list", "trainings", "--columns", "host,training_id"],
    ] {
        let shown = program.run(arguments);
        shown.succeeds();
        let raw = |c: char| c.is_control() && c != '\n' && c != '\t';
        assert!(!shown.stdout.contains(raw), "{arguments:?}: {:?}", shown.stdout);
        assert!(shown.stdout.contains('\u{fffd}'), "{arguments:?}: {:?}", shown.stdout);
    }
}

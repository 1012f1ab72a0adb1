//! `--format` and `--set` with every command: an answer in that format, or a refusal.

use std::collections::BTreeSet;

use fer_lab::region::Regions;
use serde_json::Value;

use super::comfort::commands;
use super::driver::{Program, SMOKE};

/// Commands whose answer has a format of its own, as they are called here.
const OF_ONE_FORMAT: [&[&str]; 6] = [
    &["schema"],
    &["completions", "bash"],
    &["man"],
    &["worker", "todo/x.json"],
    &["cancel", "small"],
    &["examine", "my.onnx", "--data", "pictures"],
];

#[test]
fn every_command_answers_in_every_format_or_refuses_it() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let longer = SMOKE.replace("epochs = 2", "epochs = 3").replace("\"small\"", "\"longer\"");
    program.write("longer.toml", &longer);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    let runs = program.json(&["show", "small", "--format", "json"]);
    let run = runs[0]["run_id"].as_str().unwrap();

    let answered: [&[&str]; 25] = [
        &["init", "NEW.toml"],
        &["run", "smoke.toml", "-q"],
        &["plan", "smoke.toml"],
        &["plan", "longer.toml", "--specifications", "todo", "-q"],
        &["preview", "smoke.toml"],
        &["data", "smoke.toml"],
        &["regions"],
        &["regions", "smoke.toml"],
        &["report", "small"],
        &["compare", "small:whole", "small:mouth masked"],
        &["compare", "small", "small"],
        &["list"],
        &["list", "runs"],
        &["list", "trainings"],
        &["show", "small"],
        &["show", run],
        &["diff", "small", "longer.toml"],
        &["status"],
        &["logs", run],
        &["logs", "small"],
        &["reproduce", run, "-q"],
        &["export", run, "-q"],
        &["clean", "--dry-run"],
        &["keys", "train.optimizer"],
        &["tables"],
    ];
    for format in ["csv", "json", "markdown", "latex"] {
        for arguments in answered {
            let new = format!("{format}.toml");
            let arguments: Vec<&str> = arguments
                .iter()
                .map(|word| if *word == "NEW.toml" { &new } else { *word })
                .collect();
            let answer = program.run(&[&arguments[..], &["--format", format]].concat());
            answer.succeeds();
            let sound = match format {
                "json" => serde_json::from_str::<Value>(&answer.stdout).map(drop).is_ok(),
                "csv" => {
                    let mut reader = csv::Reader::from_reader(answer.stdout.as_bytes());
                    reader.records().all(|record| record.is_ok())
                        && reader.headers().is_ok_and(|header| header.len() > 1)
                }
                "latex" => {
                    answer.stdout.contains("\\begin{tabular}")
                        && answer.stdout.trim_end().ends_with("\\end{tabular}")
                }
                _ => {
                    let lines: Vec<&str> =
                        answer.stdout.lines().filter(|line| !line.is_empty()).collect();
                    lines.iter().all(|line| line.starts_with("| ")) && lines[1].contains("---")
                }
            };
            assert!(sound, "{arguments:?} as {format}: {}", answer.stdout);
        }
        for arguments in OF_ONE_FORMAT {
            refuses(
                &program,
                arguments,
                &["--format", format],
                "so `--format` has no effect: leave it out",
            );
        }
    }
    let all: BTreeSet<String> =
        answered.iter().chain(&OF_ONE_FORMAT).map(|words| words[0].to_owned()).collect();
    // `landmarks` needs a model that may not be there, and what `doctor` says is the machine's: they have tests of their own.
    let own = ["help", "landmarks", "doctor"];
    let listed = commands(&program);
    let listed = listed.into_iter().filter(|name| !own.contains(&name.as_str()));
    assert_eq!(all, listed.collect(), "a command is missing here");

    for (arguments, message) in [
        (
            &["run", "smoke.toml", "--json", "--format", "csv"][..],
            "`run --json` always writes events",
        ),
        (&["logs", "small", "--follow", "--format", "json"], "leave it out"),
        (&["run", "smoke.toml", "longer.toml", "--format", "json"], "one experiment at a time"),
        (&["report", "small", "small", "--format", "csv"], "one experiment at a time"),
        (&["status", "--watch", "--format", "csv"], "choose `--format json`"),
    ] {
        refuses(&program, arguments, &[], message);
    }
    for arguments in [
        &["list"][..],
        &["show", "small"],
        &["report", "small"],
        &["compare", "small", "small"],
        &["diff", "small", run],
        &["status"],
        &["logs", "small"],
        &["reproduce", run],
        &["export", run],
        &["clean", "--dry-run"],
        &["regions"],
        &["tables"],
        &["schema"],
        &["keys"],
        &["init", "other.toml"],
    ] {
        refuses(&program, arguments, &["--set", "train.epochs=9"], "--set");
    }

    says_where_each_image_stands(&program);
    logs_are_rows(&program, run);
    let shown = program.json(&["show", run, "--format", "json", "--where", "epoch > 1"]);
    assert_eq!(shown["history"].as_array().map(Vec::len), Some(1), "{shown}");
}

fn refuses(program: &Program, arguments: &[&str], more: &[&str], message: &str) {
    let run = program.run(&[arguments, more].concat());
    assert_eq!(run.code, Some(2), "{arguments:?} {more:?}: {}", run.stdout);
    assert!(run.stderr.contains(message), "{arguments:?} {more:?}: {}", run.stderr);
    assert!(run.stdout.is_empty(), "{arguments:?} {more:?}: {}", run.stdout);
}

fn says_where_each_image_stands(program: &Program) {
    let sheet = program.json(&["preview", "smoke.toml", "--samples", "50", "--format", "json"]);
    assert_eq!(sheet["picture"], "results/small/preview.png");
    assert_eq!(sheet["columns"], serde_json::json!(["neutral", "happiness", "surprise"]));
    let rows = sheet["rows"].as_array().unwrap();
    let conditions: BTreeSet<&str> =
        rows.iter().map(|row| row["condition"].as_str().unwrap()).collect();
    for row in ["whole", "regions", "hide mouth (retrain)"] {
        assert!(conditions.contains(row), "{row}: {sheet}");
    }
    // Each image stands under its class; classes with fewer images leave their places empty.
    let images = |class: usize| rows.iter().map(move |row| &row["images"][class]);
    let mut seen = BTreeSet::new();
    for class in 0..3 {
        let of_class: BTreeSet<&str> = images(class).filter_map(Value::as_str).collect();
        assert!(!of_class.is_empty() && images(class).any(Value::is_null), "{sheet}");
        seen.extend(of_class);
    }
    assert_eq!(seen.len(), 40, "every test image once: {sheet}");
}

fn logs_are_rows(program: &Program, run: &str) {
    let lines = program.json(&["logs", run, "--format", "json"]);
    let lines = lines.as_array().unwrap();
    let text: Vec<&str> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(text.join("\n") + "\n", program.run(&["logs", run]).stdout);
    assert_eq!((&lines[1]["line"], lines.len()), (&Value::from(2), 2));
    let all = program.json(&["logs", "small", "--format", "json"]);
    let trainings: BTreeSet<&str> =
        all.as_array().unwrap().iter().map(|line| line["training_id"].as_str().unwrap()).collect();
    assert_eq!(trainings.len(), 6);
}

#[test]
fn regions_are_all_that_can_be_named() {
    let program = Program::new();
    let own = "[regions]\nglasses = [[[0.2, 0.3], [0.8, 0.3], [0.8, 0.5], [0.2, 0.5]]]\n";
    program.write("own.toml", &format!("{SMOKE}{own}"));
    let answer = program.json(&["regions", "own.toml", "--format", "json"]);
    let regions = answer["regions"].as_array().unwrap();
    let names: BTreeSet<&str> =
        regions.iter().map(|region| region["name"].as_str().unwrap()).collect();
    let atlas = Regions::aligned();
    assert_eq!(names, atlas.names().chain(["glasses"]).collect());
    for region in regions {
        let polygons = region["polygons"].as_array().unwrap();
        assert!(polygons.iter().all(|corners| corners.as_array().unwrap().len() > 2), "{region}");
    }
    let area = |kind: &str| -> f64 {
        let of_kind = regions.iter().filter(|region| region["kind"] == kind);
        of_kind.map(|region| region["area"].as_f64().unwrap()).sum()
    };
    // The seven and what lies around them are the frame.
    assert!((area("atlas") + area("around the face") - 1.0).abs() < 1e-9, "{answer}");
    assert!((area("this file's") - 0.12).abs() < 1e-9, "{answer}");
    for word in answer["words"].as_array().unwrap() {
        let set = format!("occlusion.regions={}", word.as_str().unwrap());
        program.run(&["plan", "own.toml", "--set", &set]).succeeds();
    }
}

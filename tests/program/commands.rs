//! The real program, as a user drives it.

use std::collections::BTreeSet;
use std::fs;

use super::driver::{Program, SMOKE};
use fer_lab::dataset::Split;
use fer_lab::region::{FillKind, Phase};
use fer_lab::store::{
    ClassEffectRow, ConfusionRow, ConfusionShiftRow, EffectRow, EpochRow, MaskLeakRow,
    PredictionRow, Results, RunRow, ShapleyRow, Table, TruthRow, Worth, read_table,
};
use serde_json::Value;

/// One run of a small experiment, which the checks below inspect in turn.
#[test]
fn a_small_experiment_from_file_to_answer() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let run = program.run(&["run", "smoke.toml"]);
    run.succeeds();
    assert!(run.stdout.contains("Does the small chain work?"), "{}", run.stdout);
    assert!(run.stdout.contains("results/small/charts/effects.png"), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    assert!(run.stderr.contains("6 trainings, 0 done"), "{}", run.stderr);

    tables_keep_their_promises(&program);

    // Tables that this study has no rows for, as a former one of its name may have left.
    let stale = ["mask_leaks", "shapley", "sensitivity", "sensitivity_curves"];
    let stale = stale.map(|name| format!("results/small/{name}.parquet"));
    stale.iter().for_each(|path| program.write(path, "rows of before"));
    let again = program.run(&["run", "smoke.toml"]);
    again.succeeds();
    for path in stale {
        assert!(!program.path(&path).exists(), "{path}");
    }
    assert!(
        again.stderr.contains("6 trainings, 6 done; 10 evaluations, 10 done"),
        "{}",
        again.stderr
    );
    assert!(!again.stderr.contains("training 1"), "{}", again.stderr);
    assert_eq!(again.stdout, run.stdout);

    let before = program.bytes("results/small/charts/effects.png");
    fs::remove_dir_all(program.path("results/small/charts")).unwrap();
    let report = program.run(&["report", "small"]);
    report.succeeds();
    // It says the same, and then what each emotion loses and is taken for.
    assert!(run.stdout.lines().all(|line| report.stdout.contains(line)), "{}", report.stdout);
    let detailed = |text: &str| {
        let text = text.replace('\n', " ");
        text.contains("o confusion grows significantly")
            || text.contains("above zero (uncorrected)")
    };
    assert!(detailed(&report.stdout) && !detailed(&run.stdout), "{}", report.stdout);
    assert!(report.stdout.lines().all(|line| line.chars().count() <= 80), "{}", report.stdout);
    assert!(!run.stdout.contains("shapley"), "{}", run.stdout);
    assert_eq!(program.bytes("results/small/charts/effects.png"), before);

    // A title changes nothing that was trained; neither does one more `evaluate` condition.
    program.write("smoke.toml", &SMOKE.replace("small chain", "tiny chain"));
    let retitled = program.run(&["run", "smoke.toml", "--set", "occlusion.controls=0"]);
    assert!(retitled.stderr.contains("4 trainings, 4 done"), "{}", retitled.stderr);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();

    looks_from_every_side(&program);
}

fn tables_keep_their_promises(program: &Program) {
    let results = Results::open(program.path("results")).unwrap();
    let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>("small").unwrap()).unwrap();
    assert_eq!(runs.len(), 10);
    assert!(runs.iter().all(|run| run.status.is_done()), "{runs:?}");
    assert_eq!(runs.iter().filter(|run| run.control).count(), 4);
    let ids: BTreeSet<&str> = runs.iter().map(|run| run.run_id.as_str()).collect();
    assert_eq!(ids.len(), 10);
    let trainings: BTreeSet<&str> = runs.iter().map(|run| run.training_id.as_str()).collect();
    assert_eq!(trainings.len(), 6);
    for run in &runs {
        assert_eq!(run.area > 0.0, !run.regions.is_empty(), "{run:?}");
        assert!(run.area < 0.3 && run.epochs == 2 && (1..=2).contains(&run.best_epoch), "{run:?}");
    }

    let confusion: Vec<ConfusionRow> =
        read_table(&results.table_path::<ConfusionRow>("small").unwrap()).unwrap();
    let predictions: Vec<PredictionRow> =
        read_table(&results.table_path::<PredictionRow>("small").unwrap()).unwrap();
    for run in &runs {
        // Predictions of a whole-face network on masked validation images are not used for selection.
        let validated = matches!(run.phase, None | Some(Phase::Retrain));
        assert_eq!(run.val_accuracy.is_some(), validated, "{run:?}");
        for (split, images) in [(Split::Val, if validated { 30 } else { 0 }), (Split::Test, 40)] {
            let counts =
                confusion.iter().filter(|row| row.run_id == run.run_id && row.split == split);
            let sum = counts.map(|row| row.count).sum::<f64>();
            assert!((sum - f64::from(images)).abs() < 1e-9, "{sum} of {images}");
        }
        let test: Vec<&PredictionRow> = predictions
            .iter()
            .filter(|row| row.run_id == run.run_id && row.split == Split::Test)
            .collect();
        assert_eq!(test.len(), 40);
        let right: f64 = test.iter().filter_map(|row| row.credit).sum();
        assert!((run.test_accuracy.unwrap() - right / 40.0).abs() < 1e-12, "{run:?}");
        for row in &test {
            let sum: f32 = row.probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-5 && row.probabilities.len() == 3, "{row:?}");
            for (share, logarithm) in
                row.probabilities.iter().zip(row.log_probabilities.as_ref().unwrap())
            {
                assert!((share - logarithm.exp()).abs() < 1e-6, "{row:?}");
            }
        }
    }

    let epochs: Vec<EpochRow> =
        read_table(&results.table_path::<EpochRow>("small").unwrap()).unwrap();
    assert_eq!(epochs.len(), 12);

    let effects: Vec<EffectRow> =
        read_table(&results.table_path::<EffectRow>("small").unwrap()).unwrap();
    assert_eq!(effects.len(), 2 * 3);
    for row in &effects {
        assert_eq!((row.regions.as_slice(), row.seeds), (&["mouth".to_owned()][..], 2));
        assert!((row.effect - (row.baseline - row.covered)).abs() < 1e-12);
        let (signal, control) = (row.signal.unwrap(), row.control.unwrap());
        assert!((signal - (control - row.covered)).abs() < 1e-12);
    }

    let truth: Vec<TruthRow> =
        read_table(&results.table_path::<TruthRow>("small").unwrap()).unwrap();
    let sets: BTreeSet<&[String]> = truth.iter().map(|row| row.regions.as_slice()).collect();
    assert_eq!(sets.len(), 128);
    tables_join_by_condition(&results);
}

/// Whatever table names a condition, it is one of a run's, and the same one.
fn tables_join_by_condition(results: &Results) {
    fn read<T: Table>(results: &Results) -> Vec<T> {
        read_table(&results.table_path::<T>("small").unwrap()).unwrap()
    }
    let runs: Vec<RunRow> = read(results);
    let masked = |condition: &str| {
        let mut about = runs.iter().filter(|run| run.condition == condition);
        let first = about.next().unwrap_or_else(|| panic!("no run of `{condition}`"));
        let same =
            |run: &RunRow| (&run.regions, run.masking()) == (&first.regions, first.masking());
        assert!(about.all(same) && !first.control, "`{condition}`");
        (first.regions.clone(), first.masking())
    };
    for row in read::<EffectRow>(results) {
        assert_eq!(masked(&row.condition), (row.regions.clone(), Some(row.masking())));
    }
    for row in read::<ClassEffectRow>(results) {
        assert_eq!(masked(&row.condition), (row.regions.clone(), Some(row.masking())));
    }
    for row in read::<ConfusionShiftRow>(results) {
        assert_eq!(masked(&row.condition), (row.regions.clone(), Some(row.masking())));
    }
    let truth: Vec<TruthRow> = read(results);
    let conditions: BTreeSet<&str> = truth.iter().map(|row| row.condition.as_str()).collect();
    assert_eq!(conditions.len(), truth.len());
    for run in runs.iter().filter(|run| !run.control) {
        assert!(conditions.contains(run.condition.as_str()), "`{}` has no truth", run.condition);
    }
}

fn looks_from_every_side(program: &Program) {
    let plan = program.json(&["plan", "smoke.toml", "--format", "json"]);
    assert_eq!(plan["experiment"], "small");
    assert_eq!(plan["parameters"]["total"].as_u64().unwrap(), 40 + 16 + 296 + 32 + 27);
    assert!(
        plan["trainings"].as_array().unwrap().iter().all(|training| training["status"] == "done")
    );
    assert_eq!(plan["runs"].as_array().unwrap().len(), 10);
    assert_eq!(plan["runs"][0]["condition"], "whole");

    let data = program.json(&["data", "smoke.toml", "--format", "json"]);
    assert_eq!(data["splits"]["train"]["images"], 96);
    let by_class = data["splits"]["train"]["by_class"].as_object().unwrap();
    assert_eq!(by_class.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 96);

    let regions = program.json(&["regions", "--format", "json"]);
    let names: Vec<&str> = regions["regions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["name"].as_str().unwrap())
        .collect();
    assert!(
        ["brows", "eyes", "nose", "mouth", "cheeks", "forehead", "jaw", "eyes_left"]
            .iter()
            .all(|name| names.contains(name))
    );

    let preview = program.run(&["preview", "smoke.toml"]);
    preview.succeeds();
    assert_eq!(&program.bytes("results/small/preview.png")[1..4], b"PNG");

    let list = program.run(&["list"]);
    assert!(list.stdout.contains("small") && list.stdout.contains("faces"), "{}", list.stdout);
    let shown = program.json(&["show", "small", "--format", "json"]);
    let run = shown[0]["run_id"].as_str().unwrap();
    let one = program.run(&["show", &run[..8]]);
    one.succeeds();
    assert!(one.stdout.contains("train.optimizer.learning_rate"), "{}", one.stdout);

    program.write("other.toml", &SMOKE.replace("name = \"small\"", "name = \"other\""));
    program.run(&["run", "other.toml", "-q"]).succeeds();
    let compare = program.json(&["compare", "small", "other", "--format", "json"]);
    for row in compare.as_array().unwrap() {
        assert_eq!(row["other_difference"].as_f64(), Some(0.0), "{row}");
    }
    let narrowed = program.run(&[
        "compare",
        "small",
        "other",
        "--filter",
        "condition=mouth",
        "--sort",
        "-small",
        "--columns",
        "condition,other",
        "--format",
        "csv",
    ]);
    narrowed.succeeds();
    assert!(narrowed.stdout.starts_with("condition,other"), "{}", narrowed.stdout);
    assert!(!narrowed.stdout.contains("whole"), "{}", narrowed.stdout);
}

#[test]
fn what_is_seen_is_divided_among_the_regions() {
    let program = Program::new();
    let text = SMOKE
        .replace("[\"mouth\"]", "[\"eyes\", \"mouth\", [\"eyes\", \"mouth\"]]")
        .replace("\"hide\"", "\"keep\"")
        .replace("\"retrain\", ", "")
        .replace("controls = 1", "controls = 0");
    program.write("smoke.toml", &text);
    let run = program.run(&["run", "smoke.toml", "-q"]);
    run.succeeds();
    let results = Results::open(program.path("results")).unwrap();
    let values: Vec<ShapleyRow> =
        read_table(&results.table_path::<ShapleyRow>("small").unwrap()).unwrap();
    let values: Vec<&ShapleyRow> =
        values.iter().filter(|row| row.metric == Worth::Accuracy).collect();
    assert_eq!(values.len(), 2);
    let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>("small").unwrap()).unwrap();
    let both = runs.iter().filter(|run| run.regions.len() == 2);
    let all_seen = both.map(|run| run.test_accuracy.unwrap()).sum::<f64>() / 2.0;
    let given = values[0].all_seen - values[0].none_seen;
    assert!((values[0].all_seen - all_seen).abs() < 1e-9, "{values:?}");
    assert!((values.iter().map(|row| row.value).sum::<f64>() - given).abs() < 1e-9, "{values:?}");
    assert!((values.iter().map(|row| row.first).sum::<f64>() - 1.0).abs() < 1e-9, "{values:?}");

    assert!(run.stdout.contains("charts/shapley.png"), "{}", run.stdout);
    assert!(run.stdout.contains("charts/interplay.png"), "{}", run.stdout);
    let words = run.stdout.replace('\n', " ");
    assert!(
        words.contains("between none and all 2 regions visible")
            || words.contains("no region has a significant Shapley value"),
        "{words}"
    );
    let page = fs::read_to_string(program.path("results/small/report.html")).unwrap();
    assert!(page.contains("<section id=\"shares\">") && page.contains("rank 2, %"));
}

#[test]
fn help_teaches() {
    let program = Program::new();
    let help = program.run(&["--help"]);
    help.succeeds();
    for command in [
        "run",
        "plan",
        "preview",
        "data",
        "landmarks",
        "regions",
        "report",
        "compare",
        "list",
        "show",
        "diff",
        "logs",
    ] {
        assert!(help.stdout.contains(&format!("  {command} ")), "{command}: {}", help.stdout);
        program.run(&[command, "--help"]).succeeds();
    }
    assert!(help.stdout.contains("fer-lab run experiments/mask_eyes.toml"), "{}", help.stdout);
}

#[test]
fn errors_say_what_to_do() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let bad = [
        (vec!["run", "gone.toml"], "gone.toml"),
        (vec!["run", "smoke.toml", "--set", "train.optimizer.learning_rate=-1"], "learning_rate"),
        (vec!["run", "smoke.toml", "--set", "occlusion.regions=[\"eye\"]"], "did you mean `eyes`?"),
        (vec!["run", "smoke.toml", "--set", "train.epoch=1"], "did you mean `epochs`?"),
        (vec!["run", "smoke.toml", "--set", "epochs=1"], "did you mean `train.epochs`?"),
        (
            vec!["run", "smoke.toml", "--set", "lr=1"],
            "did you mean `train.optimizer.learning_rate`?",
        ),
        (
            vec!["run", "smoke.toml", "--set", "occlusion.regions=left_eye"],
            "did you mean `eyes_left`?",
        ),
        (vec!["run", "smoke.toml", "--set", "train.epochs", "3"], "as in `--set train.epochs=30`"),
        (
            vec!["run", "smoke.toml", "--set", "+train.epochs=3"],
            "write it as `--set train.epochs=3`",
        ),
        (
            vec!["run", "smoke.toml", "--set", "train.augment.flip=yes"],
            "`--set train.augment.flip=true`",
        ),
        (
            vec![
                "run",
                "smoke.toml",
                "--set",
                "regions={x=[[[0.1,0.1],[0.9,0.9],[0.9,0.1],[0.1,0.9]]]}",
            ],
            "cross",
        ),
        (
            vec!["run", "smoke.toml", "--results", "smoke.toml"],
            "cannot write into the results folder",
        ),
        (vec!["run", "smoke.toml", "--set", "train.device=cuda:0"], "no NVIDIA driver"),
        (vec!["report", "gone", "--results", "nowhere"], "there is no results folder `nowhere`"),
        (vec!["run", "smoke.toml", "--format", "xml"], "values: table, csv, json, markdown, latex"),
        (vec!["train"], "unrecognized subcommand"),
    ];
    for (arguments, message) in bad {
        let run = program.run(&arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
        assert!(run.stdout.is_empty() && !run.stderr.contains("panicked"), "{arguments:?}");
    }
}

/// In the spelling of Python and Hydra: the plan is that of the same in TOML.
#[test]
fn arguments_are_taken_where_it_is_plain_what_is_meant() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let plan = |sets: &[&str]| {
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        let arguments = ["plan", "smoke.toml", "--format", "json"].into_iter().chain(sets);
        program.json(&arguments.collect::<Vec<_>>())
    };
    let typed = plan(&[
        "name=2024",
        "train.augment.flip=False",
        "train.optimizer.learning_rate=.001",
        "dataset.classes=[happiness,sadness]",
        "occlusion.regions=eyes,mouth",
        "occlusion.modes=hide,keep",
        "matrix.train.epochs=[5,10]",
        "dataset.size=24,32",
    ]);
    let toml = plan(&[
        "name=\"2024\"",
        "train.augment.flip=false",
        "train.optimizer.learning_rate=0.001",
        "dataset.classes=[\"happiness\",\"sadness\"]",
        "occlusion.regions=[\"eyes\", \"mouth\"]",
        "occlusion.modes=[\"hide\", \"keep\"]",
        "matrix={\"train.epochs\"=[5, 10]}",
        "dataset.size=[24, 32]",
    ]);
    assert_eq!(typed, toml);
    assert_eq!(typed["experiment"], "2024");
}

#[test]
fn a_results_folder_of_a_newer_version_is_left_alone() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.write("results/format.json", r#"{"format": 99, "fer_lab": "7.0.0"}"#);
    let run = program.run(&["run", "smoke.toml"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("written by fer-lab 7.0.0 in format 99"), "{}", run.stderr);
    assert_eq!(fs::read_dir(program.path("results")).unwrap().count(), 1);
}

#[test]
fn a_failed_training_does_not_stop_the_others() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let run = program.run_with(
        &["run", "smoke.toml"],
        &[
            "matrix={\"train.optimizer.learning_rate\"=[0.01, 10.0]}",
            "train.optimizer={kind=\"sgd\", momentum=0.0, weight_decay=1.0}",
            "train.epochs=12",
            "schedule.kind=constant",
            "occlusion.regions=[]",
        ],
    );
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("the loss is not finite at epoch"), "{}", run.stderr);
    let runs = program.json(&["show", "small", "--format", "json"]);
    let status: Vec<&str> =
        runs.as_array().unwrap().iter().map(|run| run["status"].as_str().unwrap()).collect();
    assert_eq!(status.iter().filter(|status| **status == "done").count(), 2, "{status:?}");
    assert_eq!(status.iter().filter(|status| status.starts_with("failed: the loss")).count(), 2);
    // Failed trainings are retried, because the cause may be gone; finished ones are not.
    let again = program.run(&["report", "small"]);
    assert_eq!(again.code, Some(1));
}

#[test]
fn damaged_files_are_noticed_named_and_made_again() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let answer = program.run(&["run", "smoke.toml"]).stdout;
    let plan = program.json(&["plan", "smoke.toml", "--format", "json"]);
    let id = plan["trainings"][0]["training_id"].as_str().unwrap();
    let folder = format!("results/trainings/{id}");
    let evaluation = fs::read_dir(program.path(&format!("{folder}/evaluations")))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .unwrap();
    let evaluation = evaluation.strip_prefix(program.folder()).unwrap().display().to_string();
    for name in
        [format!("{folder}/model.safetensors"), format!("{folder}/epochs.parquet"), evaluation]
    {
        let bytes = program.bytes(&name);
        fs::write(program.path(&name), &bytes[..bytes.len() / 2]).unwrap();
        let run = program.run(&["run", "smoke.toml"]);
        run.succeeds();
        assert!(run.stderr.contains(&format!("{name}` is damaged")), "{name}: {}", run.stderr);
        assert_eq!(run.stdout, answer, "{name}");
    }
}

#[test]
fn json_keeps_the_contract_of_types() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let plan = program.json(&["plan", "smoke.toml", "--format", "json"]);
    assert!(plan["parameters"]["trainable"].is_u64());
    for key in ["conditions", "trainings", "runs"] {
        assert!(plan[key].as_array().is_some_and(|list| !list.is_empty()), "{key}");
    }
    for run in plan["runs"].as_array().unwrap() {
        assert!(
            ["run_id", "training_id", "condition", "status"]
                .iter()
                .all(|key| run[*key].is_string())
        );
        assert!(run["seed"].is_u64() && run["status"] == "missing");
    }
    assert_eq!(plan["trainings"].as_array().map(Vec::len), Some(6));
    assert_ne!(plan["warnings"], Value::Null);
}

/// Blank images whose landmarks are on the left in one class and on the right in the other.
#[test]
fn masks_that_leak_the_label_give_a_warning() {
    let program = Program::new();
    let mut points =
        String::from("image,eye_left_x,eye_left_y,eye_right_x,eye_right_y,nose_tip_x,nose_tip_y\n");
    for (class, shift) in [("left", -0.1), ("right", 0.1)] {
        std::fs::create_dir_all(program.path(&format!("data/{class}"))).unwrap();
        for image in 0..100u32 {
            let grey = |x: u32, y: u32| {
                image::Luma([(x * 37 + y * 91 + image * 53 + x * y * (image % 7)) as u8])
            };
            let name = format!("{class}/{image}.png");
            image::GrayImage::from_fn(24, 24, grey)
                .save(program.path(&format!("data/{name}")))
                .unwrap();
            points += &format!(
                "{name},{},0.385,{},0.385,{},0.61\n",
                0.32 + shift,
                0.68 + shift,
                0.5 + shift
            );
        }
    }
    program.write("points.csv", &points);
    program.write(
        "masks.toml",
        r#"
        name = "masks"
        [dataset]
        kind = "folder"
        root = "data"
        landmarks = "points.csv"
        size = [24, 24]
        channels = 1
        classes = ["left", "right"]
        [model]
        blocks = [[8], [8]]
        batch_norm_momentum = 0.5
        [train]
        epochs = 4
        batch_size = 16
        optimizer = { kind = "adam", learning_rate = 0.01 }
        augment = { rotate = 0.0, scale = 0.0, flip = false }
        [occlusion]
        regions = ["mouth"]
        [seeds]
        count = 2
        "#,
    );
    let run = program.run(&["run", "masks.toml"]);
    run.succeeds();
    assert!(
        run.stdout.contains("Warning: the mask-only baseline is significantly above chance"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("\nmask-only baseline"), "{}", run.stdout);
    let results = Results::open(program.path("results")).unwrap();
    let rows: Vec<MaskLeakRow> =
        read_table(&results.table_path::<MaskLeakRow>("masks").unwrap()).unwrap();
    let metrics: Vec<&str> = rows.iter().map(|row| row.metric.name()).collect();
    assert_eq!(metrics, ["accuracy", "bits"]);
    assert!(rows[0].reached > 0.9 && rows[0].low.unwrap() > 0.0, "{rows:?}");
    assert!(rows[1].reached > 0.0 && rows[1].chance == 0.0, "{rows:?}");
}

/// Occluders as objects in each phase, with controls: other numbers than those of flat shapes of the same place.
#[test]
fn objects_run_in_every_phase() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let run = program.run_with(
        &["run", "smoke.toml", "-q"],
        &[
            "occlusion.regions=[\"sunglasses\", [\"phone\", \"scarf\"]]",
            "occlusion.phases=[\"retrain\", \"evaluate\", \"train\", \"tuned\"]",
            "occlusion.fills=[\"mean\", \"object\"]",
            "occlusion.controls=1",
            "occlusion.evaluated_controls=1",
            "occlusion.tuned_epochs=1",
            "seeds.count=1",
            "train.epochs=1",
        ],
    );
    run.succeeds();
    let results = Results::open(program.path("results")).unwrap();
    let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>("small").unwrap()).unwrap();
    assert!(runs.iter().all(|run| run.status.is_done()), "{runs:?}");
    for phase in [Phase::Retrain, Phase::Evaluate, Phase::Train, Phase::Amortised, Phase::Tuned] {
        let of = |fill: FillKind, control: bool| {
            runs.iter().find(|run| {
                let glasses = run.regions == ["sunglasses"] && run.control == control;
                run.phase == Some(phase) && run.fill == Some(fill) && glasses
            })
        };
        let (mean, object) =
            (of(FillKind::Mean, false).unwrap(), of(FillKind::Object, false).unwrap());
        assert_eq!(mean.area, object.area, "{phase:?}");
        assert_ne!(mean.test_bits, object.test_bits, "{phase:?}");
        assert!(of(FillKind::Object, true).is_some(), "{phase:?}");
    }
    // Refused before anything is trained.
    let refused = program
        .run_with(&["run", "smoke.toml"], &["name=\"other\"", "occlusion.fills=[\"object\"]"]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("the fill `object` is for occluders alone, and `mouth` is none")
    );
    assert!(!program.path("results/other").exists());
}

/// Each phase with each fill, on one half of the face.
#[test]
fn every_phase_and_fill_runs() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let run = program.run_with(
        &["run", "smoke.toml", "-q"],
        &[
            "occlusion.regions=[\"face_upper\", \"background\"]",
            "occlusion.phases=[\"retrain\", \"evaluate\", \"train\", \"amortised\"]",
            "occlusion.fills=[\"mean\", \"constant\", \"noise\", \"blur\", \"inpaint\"]",
            "occlusion.controls=0",
            "occlusion.evaluated_controls=0",
            "seeds.count=1",
        ],
    );
    run.succeeds();
    let results = Results::open(program.path("results")).unwrap();
    let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>("small").unwrap()).unwrap();
    assert_eq!(runs.len(), 1 + 2 * 4 * 5);
    assert!(runs.iter().all(|run| run.status.is_done()), "{runs:?}");
    // `train` has the trainings of `retrain`; `evaluate` needs nothing; `amortised` one for both regions.
    let trainings: BTreeSet<&str> = runs.iter().map(|run| run.training_id.as_str()).collect();
    assert_eq!(trainings.len(), 1 + 2 * 5 + 5);
    // Each fill makes other pictures, so that the same network gives other predictions.
    let of = |phase: Phase| -> BTreeSet<String> {
        let runs =
            runs.iter().filter(|run| run.phase == Some(phase) && run.regions == ["face_upper"]);
        runs.map(|run| format!("{:?}", run.test_bits)).collect()
    };
    assert_eq!((of(Phase::Evaluate).len(), of(Phase::Amortised).len()), (5, 5));
    for run in runs.iter().filter(|run| !run.regions.is_empty()) {
        assert!(run.area > 0.2 && run.area < 0.6, "{run:?}");
    }
}

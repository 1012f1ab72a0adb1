//! `fer-lab export`: a trained network as an ONNX file, and the same network's answers from there.

use std::fs;

use fer_lab::model::onnx;
use fer_lab::store::{PredictionRow, Results, RunRow, read_table};

use super::driver::{Ended, Program, SMOKE};

/// The runs of an experiment in which whole faces or masked ones meet a network of whole faces and the seed 1, in an order
/// that depends on nothing but what is masked, each with its predictions for the test images in the order of their names.
fn evaluated(program: &Program, experiment: &str) -> Vec<(RunRow, Vec<PredictionRow>)> {
    let results = Results::open(program.path("results")).unwrap();
    let runs: Vec<RunRow> = read_table(&results.table_path::<RunRow>(experiment).unwrap()).unwrap();
    let whole = runs.iter().find(|run| run.mode.is_none() && run.seed == 1).unwrap();
    let of_network = runs.iter().filter(|run| run.training_id == whole.training_id);
    let mut of_network: Vec<RunRow> = of_network.cloned().collect();
    of_network.sort_by_key(|run| (run.regions.clone(), format!("{:?}", run.mode), run.draw));
    let path = results.table_path::<PredictionRow>(experiment).unwrap();
    let predictions: Vec<PredictionRow> = read_table(&path).unwrap();
    of_network
        .into_iter()
        .map(|run| {
            let of_run = predictions.iter().filter(|row| row.run_id == run.run_id);
            let mut rows: Vec<PredictionRow> = of_run.cloned().collect();
            rows.sort_by_key(|row| (row.split.name(), row.image.clone()));
            (run, rows)
        })
        .collect()
}

/// The id of the network of whole faces with the seed 1.
fn whole(program: &Program, experiment: &str) -> String {
    evaluated(program, experiment)[0].0.training_id.clone()
}

fn refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    for word in words {
        assert!(ended.stderr.contains(word), "no {word:?} in {}", ended.stderr);
    }
}

const RESNET: &str = r#"
base = "smoke.toml"
name = "small"

[dataset]
size = [32, 32]
channels = 3
standardise = "imagenet"

[model]
kind = "resnet"
stem = "imagenet"
batch_norm_momentum = 0.5

[train]
optimizer = { kind = "adam", learning_rate = 0.001 }
"#;

#[test]
fn an_exported_network_gives_the_table_of_its_own_evaluation() {
    let is_there = onnx::place().exists();
    if !is_there {
        eprintln!(
            "skipped: ONNX Runtime is not there (scripts/setup --onnx), so exported networks are not evaluated"
        );
    }
    for (file, model) in [("smoke.toml", SMOKE), ("resnet.toml", RESNET)] {
        let program = Program::new();
        program.write("smoke.toml", SMOKE);
        program.write(file, model);
        let sets = ["seeds.count=1", "occlusion.phases=evaluate", "occlusion.modes=hide,keep"];
        program.run_with(&["run", file, "-q"], &sets).succeeds();
        let own = evaluated(&program, "small");
        let id = &own[0].0.training_id;
        let export = program.run(&["export", &id[..6]]);
        export.succeeds();
        assert!(export.stdout.starts_with(&format!("{id}.onnx\n\n")), "{}", export.stdout);
        if !is_there {
            continue;
        }
        // What is printed is what an experiment needs.
        let block: String = export
            .stdout
            .lines()
            .skip_while(|line| line.trim() != "[model]")
            .take_while(|line| !line.is_empty())
            .map(|line| format!("{}\n", line.trim()))
            .collect();
        let text = format!(
            "base = {file:?}\nname = \"exported\"\n[dataset]\nstandardise = \"train\"\n{block}"
        );
        program.write("exported.toml", &text);
        program.run_with(&["run", "exported.toml", "-q"], &sets).succeeds();

        let again = evaluated(&program, "exported");
        assert_eq!((own.len(), again.len()), (5, 5), "{file}");
        let mut most: f32 = 0.0;
        for ((run, rows), (other, others)) in own.iter().zip(&again) {
            assert_eq!(
                (&run.regions, run.mode, run.draw),
                (&other.regions, other.mode, other.draw)
            );
            assert_eq!((rows.len(), others.len()), (rows.len().max(40), rows.len()), "{run:?}");
            for (row, other) in rows.iter().zip(others) {
                assert_eq!(
                    (row.split, &row.image, &row.actual),
                    (other.split, &other.image, &other.actual)
                );
                for (one, two) in row.probabilities.iter().zip(&other.probabilities) {
                    most = most.max((one - two).abs());
                }
            }
            assert_eq!(run.test_accuracy, other.test_accuracy, "{run:?}");
            let [bits, again] = [run, other].map(|run| run.test_bits.unwrap());
            assert!((bits - again).abs() < 1e-5 * bits.abs().max(1.0), "{bits} {again}");
        }
        eprintln!("{file}: probabilities differ by {most:.1e} at most");
        assert!(most < 1e-5, "{file}: {most}");
        // Masks change what it answers, so that more than one answer was compared.
        assert_ne!(own[0].1[0].probabilities, own[1].1[0].probabilities);
    }
}

#[test]
fn a_file_is_not_overwritten_and_the_same_one_is_written_again() {
    let program = super::driver::study();
    let id = &whole(program, "small");
    let out = |name: &str| program.run(&["export", id, "--out", name, "--format", "json"]);
    out("made/my.onnx").succeeds();
    let first = program.bytes("made/my.onnx");
    let again = out("made/my.onnx");
    again.succeeds();
    let said: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(
        (&said["file"], &said["training_id"]),
        (&"made/my.onnx".into(), &id.as_str().into())
    );
    assert_eq!(said["classes"], serde_json::json!(["neutral", "happiness", "surprise"]));
    assert_eq!((&said["channels"], &said["size"]), (&1.into(), &serde_json::json!([24, 24])));
    assert_eq!(said["network"], "vgg, blocks [[4], [8]]");
    program.write("made/mine.onnx", "mine");
    refused(&out("made/mine.onnx"), &["`made/mine.onnx` is there already", "--out"]);
    assert_eq!(program.bytes("made/mine.onnx"), b"mine");
    fs::create_dir_all(program.path("made/folder.onnx")).unwrap();
    refused(&out("made/folder.onnx"), &["is there already"]);
    refused(&out("made/my.pt"), &["name a file that ends in .onnx"]);
    // A run's id is that of its training.
    let run = &evaluated(program, "small")[1].0.run_id;
    program.run(&["export", run, "--out", "made/of_run.onnx", "-q"]).succeeds();
    assert_eq!(program.bytes("made/of_run.onnx"), first);
    refused(&program.run(&["export", "small"]), &["`small` is an experiment: name one of its"]);
    refused(&program.run(&["export", "nothing"]), &["nothing in `results` is called `nothing`"]);
}

#[test]
fn where_there_is_no_network_the_reason_and_the_cure_are_said() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let sets = ["seeds.count=1", "occlusion.masks_alone=true", "occlusion.phases=retrain"];
    program.run_with(&["run", "smoke.toml", "-q"], &sets).succeeds();
    let results = Results::open(program.path("results")).unwrap();
    let path = results.table_path::<RunRow>("small").unwrap();
    let runs: Vec<RunRow> = read_table(&path).unwrap();
    let is_outline = |run: &&RunRow| run.phase.is_some_and(|phase| phase.name() == "masks");
    let outline = &runs.iter().find(is_outline).unwrap().training_id;
    refused(&program.run(&["export", outline]), &["is the mask-only baseline"]);

    let id = whole(&program, "small");
    let export = || program.run(&["export", &id]);
    let weights = program.path(&format!("results/trainings/{id}/model.safetensors"));
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() - 1]).unwrap();
    refused(&export(), &["model.safetensors` is damaged: its content does not match the manifest"]);
    fs::remove_file(&weights).unwrap();
    refused(&export(), &["model.safetensors` is missing", "run its experiment again"]);
    fs::remove_file(program.path(&format!("results/trainings/{id}/manifest.json"))).unwrap();
    refused(&export(), &[&format!("training {id} has not ended"), "fer-lab logs"]);
    assert!(!program.path(&format!("{id}.onnx")).exists());

    let diverging =
        "train.optimizer={kind=\"sgd\", learning_rate=10.0, momentum=0.0, weight_decay=1.0}";
    program.write("failing.toml", "base = \"smoke.toml\"\nname = \"failing\"\n");
    let failing = ["seeds.count=1", "train.epochs=12", "schedule.kind=constant", diverging];
    assert_eq!(program.run_with(&["run", "failing.toml", "-q"], &failing).code, Some(1));
    let path = results.table_path::<RunRow>("failing").unwrap();
    let runs: Vec<RunRow> = read_table(&path).unwrap();
    refused(
        &program.run(&["export", &runs[0].training_id]),
        &["failed, so there is no network: the loss"],
    );
}

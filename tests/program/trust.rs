//! Nothing is lost and nothing is taken on trust: folders that were renamed, results that lie in the wrong
//! place, studies of one name, links to elsewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::driver::{Ended, Program, SMOKE};
use fer_lab::store::{Results, RunRow, read_table};

fn run_smoke() -> Program {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    program
}

fn trainings(program: &Program) -> Vec<String> {
    Results::open(program.path("results")).unwrap().trainings().unwrap()
}

fn runs(program: &Program, experiment: &str) -> Vec<RunRow> {
    let results = Results::open(program.path("results")).unwrap();
    read_table(&results.table_path::<RunRow>(experiment).unwrap()).unwrap()
}

/// The folder of the training of a condition.
fn training_of(program: &Program, condition: &str, seed: u64) -> PathBuf {
    let runs = runs(program, "small");
    let run = runs.iter().find(|run| run.condition == condition && run.seed == seed).unwrap();
    program.path(&format!("results/trainings/{}", run.training_id))
}

fn predictions(program: &Program) -> Vec<u8> {
    program.bytes("results/small/predictions.parquet")
}

fn is_refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(2), "{}\n{}", ended.stdout, ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "no {word:?} in {}", ended.stderr);
    }
}

#[test]
fn clean_removes_nothing_while_an_experiment_cannot_be_read() {
    let program = run_smoke();
    let (small, renamed) = (program.path("results/small"), program.path("results/small.bak"));
    fs::rename(&small, &renamed).unwrap();
    is_refused(
        &program.run(&["clean", "--yes"]),
        &["results/small.bak`", "no experiment can have"],
    );
    let elsewhere = program.path("elsewhere");
    fs::rename(&renamed, &elsewhere).unwrap();
    symlink(&elsewhere, &small).unwrap();
    is_refused(&program.run(&["clean", "--yes"]), &["results/small`", "is a link"]);
    fs::remove_file(&small).unwrap();
    fs::rename(&elsewhere, &small).unwrap();
    // Without its plan a study is identified by its table, without both by its experiment file.
    let (plan, table) = (small.join("plan.json"), small.join("runs.parquet"));
    let planned = fs::read(&plan).unwrap();
    fs::remove_file(&plan).unwrap();
    let clean = program.run(&["clean", "--yes"]);
    clean.succeeds();
    assert!(clean.stdout.starts_with("nothing to remove"), "{}", clean.stdout);
    fs::write(&table, "no table").unwrap();
    let neither =
        ["results/small`", "neither a plan.json nor a runs.parquet", "Run just this experiment"];
    is_refused(&program.run(&["clean", "--yes"]), &neither);
    assert_eq!(trainings(&program).len(), 6);
    program.run(&["run", "results/small/experiment.toml", "-q"]).succeeds();
    assert!(fs::read(&plan).unwrap() == planned && !program.path("results/small-1").exists());

    // The plan of another study.
    program.run(&["run", "smoke.toml", "-q", "--set", "name=other", "--set", "train.epochs=1"]);
    fs::copy(program.path("results/other/plan.json"), &plan).unwrap();
    let of_other = "it is the plan of `other`, and the experiment.toml beside it that of `small`";
    is_refused(&program.run(&["clean", "--yes"]), &["results/small/plan.json`", of_other]);
    fs::remove_file(small.join("experiment.toml")).unwrap();
    let missing = "10 of the 10 runs in the runs.parquet beside it are not in it";
    is_refused(&program.run(&["clean", "--yes"]), &["results/small/plan.json`", missing]);
    fs::remove_dir_all(program.path("results/other")).unwrap();
    fs::write(&plan, &planned).unwrap();
    program.run(&["clean", "--yes"]).succeeds();
    assert_eq!(trainings(&program).len(), 6);

    // A missing folder cannot be detected: what would be removed is listed, with a prompt.
    fs::rename(&small, &elsewhere).unwrap();
    let asked = program.run(&["clean"]);
    is_refused(&asked, &["6 of these", "of training", "--yes"]);
    is_refused(&program.run(&["clean", "--format", "json"]), &["--yes"]);
    assert_eq!(trainings(&program).len(), 6);
    program.write("results/trainings/mine/notes.txt", "mine");
    program.run(&["clean", "--yes"]).succeeds();
    assert_eq!(trainings(&program), ["mine"]);
    assert_eq!(program.bytes("results/trainings/mine/notes.txt"), b"mine");
}

#[test]
fn another_study_of_the_same_name_does_not_replace_the_first() {
    let program = run_smoke();
    let first = predictions(&program);
    program.write("other.toml", &SMOKE.replace("epochs = 2", "epochs = 1"));
    let both = program.run(&["run", "smoke.toml", "other.toml"]);
    is_refused(&both, &["`smoke.toml` and `other.toml` are both called `small`"]);

    let other = program.run(&["run", "other.toml", "-q"]);
    other.succeeds();
    for words in ["held another study of this name", "renamed to `small-1`", "--replace"] {
        assert!(other.stderr.contains(words), "{}", other.stderr);
    }
    assert!(program.bytes("results/small-1/predictions.parquet") == first);
    assert!(runs(&program, "small").iter().all(|run| run.epochs == 1));
    assert_eq!(program.json(&["clean", "--dry-run", "--format", "json"]), serde_json::json!([]));
    let listed = program.json(&["list", "--format", "json"]);
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|row| row["experiment"].as_str().unwrap()).collect();
    assert!(names.contains(&"small") && names.contains(&"small-1"), "{names:?}");
    let diff = program.run(&["diff", "small-1", "small"]);
    assert!(diff.stdout.contains("epochs"), "{}", diff.stdout);

    // The same study, and one that has more of it, take the folder as before.
    program.run(&["run", "other.toml", "-q"]).succeeds();
    program.run(&["run", "other.toml", "-q", "--set", "seeds.count=3"]).succeeds();
    assert!(!program.path("results/small-2").exists());
    let fewer = ["run", "other.toml", "-q", "--replace"];
    let replaced = program.run(&fewer);
    replaced.succeeds();
    assert!(replaced.stderr.contains("its tables are replaced"), "{}", replaced.stderr);
    assert!(!program.path("results/small-2").exists());
}

#[test]
fn a_name_that_another_run_is_at_is_taken() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.write("long.toml", &SMOKE.replace("epochs = 2", "epochs = 4000"));
    let mut command = program.command(&["run", "long.toml", "--jobs", "1"]);
    let mut long = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    // Long before its first checkpoint.
    while !program.path("results/small/plan.json").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the run does not begin");
        std::thread::sleep(Duration::from_millis(50));
    }
    let other = program.run(&["run", "smoke.toml"]);
    is_refused(&other, &["another study called `small`", "is running it", "--set name=small_2"]);
    let pid = long.id().to_string();
    std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap();
    assert_eq!(long.wait().unwrap().code(), Some(130));
    assert_eq!(runs(&program, "small").len(), 10);
}

#[test]
fn results_in_the_wrong_folder_are_not_taken_for_others() {
    let program = run_smoke();
    let before = predictions(&program);
    let whole = training_of(&program, "whole", 1);
    let hidden = training_of(&program, "hide mouth (retrain)", 1);
    let copy = |name: &str| {
        fs::copy(hidden.join(name), whole.join(name)).unwrap();
    };

    // All of it, as when folders are mixed up by hand.
    for name in ["manifest.json", "model.safetensors", "epochs.parquet"] {
        copy(name);
    }
    let id = hidden.file_name().unwrap().to_str().unwrap();
    let foreign = format!("it is the manifest of training {id}");
    let show = program.run(&["show", whole.file_name().unwrap().to_str().unwrap()]);
    is_refused(&show, &[&foreign]);
    let again = program.run(&["run", "smoke.toml"]);
    again.succeeds();
    assert!(again.stderr.contains(&foreign), "{}", again.stderr);
    assert!(again.stderr.contains("computing it again"), "{}", again.stderr);
    assert!(predictions(&program) == before);

    // A manifest that says that it is the other's, over the other's settings; then a seed, then a status.
    let path = whole.join("manifest.json");
    let manifest = |folder: &Path| folder.join("manifest.json").to_str().unwrap().to_owned();
    let unsealed = |folder: &Path| program.unsealed(&manifest(folder));
    let text = |value: serde_json::Value| serde_json::to_string_pretty(&value).unwrap();
    let sealed = fs::read_to_string(&path).unwrap();
    let own = text(unsealed(&whole));
    let whole_id = whole.file_name().unwrap().to_str().unwrap();
    let relabelled = text(unsealed(&hidden)).replace(id, whole_id);
    let other_seed = own.replacen("\"seed\": 1", "\"seed\": 2", 1);
    let without_files = {
        let mut value = unsealed(&whole);
        value["files"] = serde_json::json!({});
        text(value)
    };
    let other_version = own.replacen("\"numeric_version\": ", "\"numeric_version\": 9", 1);
    for (text, words) in [
        (relabelled, "its settings and seed are those of training"),
        (other_seed, "its settings and seed are those of training"),
        (without_files, "it says that the training is done"),
        (other_version, "it has numeric version 9"),
        (
            sealed.replacen("\"prior\": [", "\"prior\": [0.5,", 1),
            "its content has changed since it was written",
        ),
    ] {
        assert_ne!(text, own);
        fs::write(&path, text).unwrap();
        let again = program.run(&["run", "smoke.toml"]);
        again.succeeds();
        assert!(again.stderr.contains(words), "{}", again.stderr);
        assert!(predictions(&program) == before, "{words}");
    }

    // The predictions of one evaluation under the name of another.
    let evaluations = |folder: &PathBuf| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder.join("evaluations")).unwrap().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
        paths.sort();
        paths
    };
    let own = evaluations(&whole);
    for ending in ["parquet", "json"] {
        fs::copy(own[0].with_extension(ending), own[1].with_extension(ending)).unwrap();
    }
    let again = program.run(&["run", "smoke.toml"]);
    again.succeeds();
    assert!(again.stderr.contains("it is the record of evaluation"), "{}", again.stderr);
    assert!(predictions(&program) == before);
}

/// A checkpoint damaged by a power cut, and one of another training.
#[test]
fn a_checkpoint_that_was_changed_is_not_resumed_from() {
    let text = SMOKE.replace("epochs = 2", "epochs = 8").replace("train = 96", "train = 900");
    let arguments =
        ["run", "smoke.toml", "--jobs", "1", "--threads", "1", "--checkpoint-every", "0"];
    let expected = Program::new();
    expected.write("smoke.toml", &text);
    expected.run(&arguments).succeeds();

    let program = Program::new();
    program.write("smoke.toml", &text);
    let mut child = program.command(&arguments).stderr(Stdio::null()).spawn().unwrap();
    let checkpoints = || -> Vec<PathBuf> {
        let folder = fs::read_dir(program.path("results/trainings")).into_iter().flatten();
        let paths = folder.flatten().map(|entry| entry.path().join("checkpoint.safetensors"));
        paths.filter(|path| path.exists()).collect()
    };
    let start = Instant::now();
    while checkpoints().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60), "no checkpoint comes");
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-s", "INT", &pid]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let checkpoint = checkpoints().remove(0);
    let mut bytes = fs::read(&checkpoint).unwrap();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[header..].fill(0);
    fs::write(&checkpoint, &bytes).unwrap();
    let resumed = program.run(&arguments);
    resumed.succeeds();
    let words =
        "cannot be used (its content has changed since it was written); the training restarts";
    assert!(resumed.stderr.contains(words), "{}", resumed.stderr);
    assert!(predictions(&program) == predictions(&expected));
}

#[test]
fn what_stands_in_place_of_a_checkpoint_fails_that_training_alone() {
    let program = run_smoke();
    let whole = training_of(&program, "whole", 1);
    let checkpoint = whole.join("checkpoint.safetensors");
    program.write("secret", "mine");
    let link: &dyn Fn() = &|| symlink(program.path("secret"), &checkpoint).unwrap();
    let pipe: &dyn Fn() = &|| {
        assert!(std::process::Command::new("mkfifo").arg(&checkpoint).status().unwrap().success());
    };
    let folder: &dyn Fn() = &|| fs::create_dir(&checkpoint).unwrap();
    for (place, words) in
        [(link, "` is a link"), (pipe, "` is not a plain file"), (folder, "could not read `")]
    {
        fs::remove_dir_all(&whole).unwrap();
        fs::create_dir(&whole).unwrap();
        place();
        let run = program.run(&["run", "smoke.toml", "-q"]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
        let failed = runs(&program, "small").iter().filter(|run| !run.status.is_done()).count();
        assert_eq!(failed, 3, "whole, and evaluated with the mouth and a control covered");
        // It stays.
        assert!(checkpoint.symlink_metadata().is_ok() && program.bytes("secret") == b"mine");
    }
    fs::remove_dir(&checkpoint).unwrap();
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
}

/// A folder from someone else whose files are links to this reader's own.
#[test]
fn links_to_files_are_not_followed() {
    let program = run_smoke();
    program.write("secret", "the secret of this reader");
    let training = training_of(&program, "whole", 1);
    let id = training.file_name().unwrap().to_str().unwrap().to_owned();
    let training = format!("results/trainings/{id}");
    for (file, command) in [
        ("results/small/experiment.toml".to_owned(), vec!["report", "small"]),
        ("results/small/experiment.toml".to_owned(), vec!["diff", "small", &id]),
        ("results/small/runs.parquet".to_owned(), vec!["report", "small"]),
        ("results/small/plan.json".to_owned(), vec!["logs", "small"]),
        ("results/small/plan.json".to_owned(), vec!["clean", "--yes"]),
        (format!("{training}/log"), vec!["logs", &id]),
        (format!("{training}/manifest.json"), vec!["show", &id]),
        (format!("{training}/epochs.parquet"), vec!["show", &id]),
        (format!("{training}/model.safetensors"), vec!["run", "smoke.toml"]),
        ("results/format.json".to_owned(), vec!["list"]),
    ] {
        let path = program.path(&file);
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        symlink(program.path("secret"), &path).unwrap();
        let refused = program.run(&command);
        is_refused(&refused, &[&format!("{file}` is a link")]);
        assert!(!refused.stdout.contains("the secret"), "{}", refused.stdout);
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
    }
    let page = String::from_utf8(program.bytes("results/small/report.html")).unwrap();
    assert!(!page.contains("the secret"));
    program.run(&["report", "small"]).succeeds();
    assert_eq!(program.bytes("secret"), b"the secret of this reader");
}

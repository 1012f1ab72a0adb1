//! Workers started by a scheduler, and queries about runs and trainings.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::driver::{Program, SMOKE, children};
use fer_lab::disk::file_system;
use fer_lab::store::{EvaluationRecord, Results};
use serde_json::Value;

fn events(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

/// A scheduler's way: specifications, a worker each, and a run that only collects.
#[test]
fn specifications_can_be_worked_off_by_others() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let plan = program.run(&["plan", "smoke.toml", "--specifications", "todo", "--threads", "1"]);
    plan.succeeds();
    assert!(plan.stdout.contains("6 specifications in todo"), "{}", plan.stdout);
    let mut files: Vec<String> = std::fs::read_dir(program.path("todo"))
        .unwrap()
        .map(|entry| format!("todo/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    files.sort();
    for file in &files {
        let worker = program.run(&["worker", file]);
        worker.succeeds();
        let events = events(&worker.stdout);
        let names = names(&events);
        assert!(names.contains(&"started") && names.contains(&"trained"), "{names:?}");
        let last = events.last().unwrap();
        assert_eq!((&last["event"], &last["outcome"]), (&"ended".into(), &"done".into()));
    }
    let again = program.run(&["worker", &files[0]]);
    again.succeeds();
    assert!(!again.stdout.contains("trained"), "nothing is done twice: {}", again.stdout);

    let run = program.run(&["run", "smoke.toml", "--json"]);
    run.succeeds();
    let collected = events(&run.stdout);
    assert_eq!(names(&collected), ["planned", "finished"]);
    assert_eq!(collected[0]["trained"], 6);

    let text = program.bytes(&files[0]);
    let text = String::from_utf8(text).unwrap();
    program.write(
        "bad.json",
        &text.replacen("\"seed\": 1", "\"seed\": 2", 1).replacen("\"seed\": 2", "\"seed\": 3", 1),
    );
    let bad = program.run(&["worker", "bad.json"]);
    assert_eq!(bad.code, Some(2), "{}", bad.stderr);
    assert!(bad.stderr.contains("differ from those of training"), "{}", bad.stderr);
    program.write("bad.json", "{\"version\": 1}");
    let bad = program.run(&["worker", "bad.json"]);
    assert_eq!(bad.code, Some(2));
    assert!(bad.stderr.contains("bad.json"), "{}", bad.stderr);
    assert!(bad.stderr.contains("not a valid training specification"), "{}", bad.stderr);
}

/// A training that another process is at is left for later: the rest of the list comes first.
#[test]
fn a_claimed_training_of_a_list_is_done_last() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let plan = ["plan", "smoke.toml", "--specifications", "todo", "--threads", "1"];
    program.run(&plan).succeeds();
    let files = std::fs::read_dir(program.path("todo")).unwrap().flatten().take(3);
    let list: Vec<Value> = files
        .map(|file| serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap())
        .collect();
    let lines: Vec<String> = list.iter().map(Value::to_string).collect();
    program.write("list.jsonl", &lines.join("\n"));
    let ids: Vec<&str> = list.iter().map(|one| one["training"].as_str().unwrap()).collect();

    let results = Results::open(program.path("results")).unwrap();
    let claim = results.claim(ids[0]).unwrap();
    assert!(claim.is_some());
    let mut command = program.command(&["worker", "list.jsonl"]);
    let mut worker = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    let events = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let mut ended = events.filter(|event| event["event"] == "ended").map(|event| {
        let word = |key: &str| event[key].as_str().unwrap().to_owned();
        (word("training"), word("outcome"))
    });
    let mut next = || ended.next().unwrap();
    let of = |training: usize, outcome: &str| (ids[training].to_owned(), outcome.to_owned());
    assert_eq!(next(), of(0, "busy"));
    assert_eq!((next(), next()), (of(1, "done"), of(2, "done")));
    drop(claim);
    assert_eq!(next(), of(0, "done"));
    assert_eq!(worker.wait().unwrap().code(), Some(0));
}

/// A worker's earlier trainings do not affect its numbers: noise is drawn by libtorch's generator, and data
/// sets take turns.
#[test]
fn the_last_training_of_a_worker_has_the_bytes_of_a_first() {
    let program = Program::new();
    let noise = SMOKE.replace("modes = [\"hide\"]", "modes = [\"hide\"]\nfills = [\"noise\"]");
    let text = noise + "\n[matrix]\n\"dataset.size\" = [[24, 24], [27, 30]]\n";
    program.write("smoke.toml", &text);
    let one = ["run", "smoke.toml", "-q", "--jobs", "1", "--threads", "1", "--results", "one"];
    program.run(&one).succeeds();

    let plan = ["plan", "smoke.toml", "--specifications", "todo", "--threads", "1"];
    program.run(&plan).succeeds();
    let files = std::fs::read_dir(program.path("todo")).unwrap().flatten();
    for file in files {
        program.run(&["worker", &file.path().display().to_string()]).succeeds();
    }
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    for table in ["predictions", "confusion", "effects"] {
        let [one, each] = ["one", "results"]
            .map(|folder| program.bytes(&format!("{folder}/small/{table}.parquet")));
        assert!(one == each, "{table}");
    }
    let trainings: Vec<_> =
        std::fs::read_dir(program.path("one/trainings")).unwrap().flatten().collect();
    assert_eq!(trainings.len(), 12);
    for training in trainings {
        let model = format!("trainings/{}/model.safetensors", training.file_name().display());
        let [one, each] =
            ["one", "results"].map(|folder| program.bytes(&format!("{folder}/{model}")));
        assert!(one == each, "{model}");
    }
}

#[test]
fn a_worker_is_kept_and_writes_into_the_log_of_the_training_that_it_is_at() {
    let program = Program::new();
    program.write("smoke.toml", &SMOKE.replace("train = 96", "train = 900"));
    let watch = |arguments: &[&str]| {
        let mut command = program.command(arguments);
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (mut workers, mut logs) = (BTreeSet::new(), BTreeSet::new());
        while run.try_wait().unwrap().is_none() {
            for worker in children(run.id()) {
                workers.insert(worker);
                let stderr = std::fs::read_link(format!("/proc/{worker}/fd/2"));
                logs.extend(stderr.ok().filter(|path| path.ends_with("log")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        (run.wait().unwrap().code(), workers.len(), logs.len())
    };
    let one = ["run", "smoke.toml", "--jobs", "1", "--threads", "1"];
    let (code, workers, logs) = watch(&one);
    assert_eq!((code, workers), (Some(0), 1));
    assert!(logs > 1, "the logs of six trainings, of which {logs} were seen");

    // Two that fail: each ends its worker.
    let optimizer =
        "train.optimizer={kind=\"sgd\", learning_rate=10.0, momentum=0.0, weight_decay=1.0}";
    let failing = [optimizer, "train.epochs=12", "schedule.kind=constant", "occlusion.regions=[]"];
    let failing: Vec<&str> = failing.iter().flat_map(|set| ["--set", *set]).collect();
    let (code, workers, _) = watch(&[&one[..], &failing].concat());
    assert_eq!((code, workers), (Some(1), 2));
}

#[test]
fn a_run_can_be_watched_reproduced_and_cleaned_up_after() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.write("long.toml", &SMOKE.replace("epochs = 2", "epochs = 400"));
    let mut command = program.command(&["run", "long.toml", "--json", "--results", "long"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        let status = program.run(&["status", "--format", "json", "--results", "long"]);
        let known: Value = serde_json::from_str(&status.stdout).unwrap_or(Value::Null);
        if known[0]["workers"][0]["epoch"].as_u64() > Some(0) {
            break known;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{} {}", status.stdout, status.stderr);
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!((&status[0]["experiment"], &status[0]["trainings"]), (&"small".into(), &6.into()));
    assert_eq!(status[0]["workers"][0]["epochs"], 400);
    let other = program.run(&["status", "other", "--results", "long"]);
    assert_eq!(other.code, Some(2));
    let message = "no experiment `other` in `long`; the experiments are: small";
    assert!(other.stderr.contains(message), "{}", other.stderr);
    let words = program.run(&["status", "--results", "long"]);
    assert!(words.stdout.starts_with("small: 0 of 6 trainings"), "{}", words.stdout);
    let clean = program.run(&["clean", "--results", "long"]);
    assert!(clean.stdout.starts_with("nothing to remove"), "{}", clean.stdout);
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let events = events(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(events.last().unwrap()["event"], "finished");
    assert_eq!(events.last().unwrap()["interrupted"], true);
    let quiet = program.run(&["status", "--results", "long"]);
    assert_eq!(quiet.stdout, "no active run in long\n");

    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    let runs = program.json(&["show", "small", "--format", "json"]);
    let run = runs[0]["run_id"].as_str().unwrap();
    let reproduced = program.json(&["reproduce", run, "--format", "json"]);
    assert_eq!(
        (&reproduced["agrees"], &reproduced["predictions_differ"]),
        (&true.into(), &0.into())
    );
    assert!(reproduced["predictions"].as_u64() > Some(0), "{reproduced}");
    let unknown = program.run(&["reproduce", "no-such-id"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("is called `no-such-id`"), "{}", unknown.stderr);

    // With other settings and `--replace` the old trainings become orphans.
    let other = ["run", "smoke.toml", "-q", "--set", "train.epochs=1", "--replace"];
    program.run(&other).succeeds();
    let would = program.json(&["clean", "--dry-run", "--format", "json"]);
    let kinds: Vec<&str> =
        would.as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["training"; 6]);
    let clean = program.run(&["clean", "--yes"]);
    assert!(clean.stdout.contains("6 of these"), "{}", clean.stdout);
    assert!(program.run(&["clean"]).stdout.starts_with("nothing to remove"));
    let again = program.run(&["run", "smoke.toml", "--set", "train.epochs=1"]);
    assert!(again.stderr.contains("6 trainings, 6 done"), "{}", again.stderr);
}

/// Another kind of processor gives other last bits: a study that comes from two says so, and who repeats a training is
/// told before.
#[test]
fn a_study_of_two_kinds_of_machine_says_so() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    let one = program.run(&["run", "smoke.toml", "--set", "seeds.count=1"]);
    one.succeeds();
    assert!(!one.stderr.contains("kinds of machine"), "{}", one.stderr);
    let trainings = std::fs::read_dir(program.path("results/trainings")).unwrap().flatten();
    let training = trainings.map(|entry| entry.path()).next().unwrap();
    let files = std::fs::read_dir(training.join("evaluations")).unwrap().flatten();
    let mut files = files.map(|entry| entry.path());
    let path = files.find(|path| path.extension().is_some_and(|end| end == "parquet")).unwrap();
    let mut record = EvaluationRecord::of(&path).unwrap();
    let made_on = record.made_on.as_mut().unwrap();
    assert!(!made_on.libtorch.is_empty() && made_on.threads > 0, "{made_on:?}");
    made_on.processor = "Another Processor".to_owned();
    record.write(&EvaluationRecord::path(&path)).unwrap();

    let two = program.run(&["run", "smoke.toml", "--set", "seeds.count=1"]);
    two.succeeds();
    assert!(two.stderr.contains("on 2 kinds of machine ("), "{}", two.stderr);
    assert!(two.stderr.contains("Another Processor, libtorch "), "{}", two.stderr);
    let id = training.file_name().unwrap().to_str().unwrap();
    let again = program.run(&["reproduce", id, "--format", "json"]);
    again.succeeds();
    let said =
        "here and now is not as where it was evaluated: machine of evaluations Another Processor";
    assert!(again.stderr.contains(said), "{}", again.stderr);
    let value: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(value["circumstances"][0]["what"], "machine of evaluations");
}

/// A folder from someone else leads nowhere and runs nothing.
#[test]
fn a_results_folder_with_links_is_refused() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    program.run(&["run", "smoke.toml", "-q"]).succeeds();
    std::fs::create_dir(program.path("outside")).unwrap();
    std::fs::remove_dir_all(program.path("results/small")).unwrap();
    std::os::unix::fs::symlink(program.path("outside"), program.path("results/small")).unwrap();
    let run = program.run(&["run", "smoke.toml"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("results/small` is a link"), "{}", run.stderr);
    assert_eq!(std::fs::read_dir(program.path("outside")).unwrap().count(), 0);
}

/// A file system without locks, as far as the program can tell: its `flock` fails as it does there.
#[test]
fn missing_file_locks_give_an_error_at_once() {
    let program = Program::new();
    program.write("smoke.toml", SMOKE);
    for error in ["ENOLCK", "ENOSYS"] {
        let library = program.locks_that(&format!("errno = {error}; return -1;"));
        let run = |arguments: &[&str]| {
            let output = program.command(arguments).env("LD_PRELOAD", &library).output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let (code, stderr) = run(&["run", "smoke.toml"]);
        assert_eq!(code, Some(2), "{stderr}");
        let system = file_system(program.folder()).unwrap();
        let named = format!("the file system ({system}) has no file locks");
        assert!(stderr.contains(&named), "{stderr}");
        assert!(stderr.contains("--no-locks") && !stderr.contains("training 1"), "{stderr}");
        let (code, stderr) = run(&["run", "smoke.toml", "--no-locks"]);
        assert_eq!(code, Some(0), "{stderr}");
    }
}

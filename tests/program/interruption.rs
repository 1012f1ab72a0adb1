//! Interrupted, killed, starved of disk or run twice, an experiment ends with the same bytes in its
//! tables.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::driver::{PROGRAM, Program, SMOKE, WITH_LIBTORCH, children, heed};
use fer_lab::store::{EpochRow, Results, RunRow, StoreError, read_table};
use rand::{RngExt, SeedableRng};

/// Of every command here: two trainings at once, checkpoints as often as may be.
const RUN: [&str; 8] =
    ["run", "smoke.toml", "--jobs", "2", "--threads", "1", "--checkpoint-every", "0"];

/// The same experiment with trainings that take long enough to be interrupted.
fn longer() -> String {
    SMOKE.replace("epochs = 2", "epochs = 6").replace("train = 96", "train = 900")
}

/// Everything in the tables but what a clock says.
#[derive(Debug, PartialEq)]
struct Tables {
    runs: Vec<RunRow>,
    epochs: Vec<EpochRow>,
    whole: Vec<Vec<u8>>,
}

fn tables_in(program: &Program, folder: &str) -> Tables {
    let results = Results::open(program.path(folder)).unwrap();
    let mut runs: Vec<RunRow> =
        read_table(&results.table_path::<RunRow>("small").unwrap()).unwrap();
    for run in &mut runs {
        run.wall_seconds = 0.0;
        run.train_images_per_second = 0.0;
    }
    // A table without rows is not written.
    let mut epochs: Vec<EpochRow> =
        match read_table(&results.table_path::<EpochRow>("small").unwrap()) {
            Err(StoreError::NotFound { .. }) => Vec::new(),
            read => read.unwrap(),
        };
    for epoch in &mut epochs {
        epoch.seconds = 0.0;
    }
    let bytes = |table: &str| {
        let path = format!("{folder}/small/{table}.parquet");
        if program.path(&path).exists() { program.bytes(&path) } else { Vec::new() }
    };
    let whole = ["predictions", "confusion", "effects", "truth"].map(bytes);
    Tables { runs, epochs, whole: whole.to_vec() }
}

fn tables(program: &Program) -> Tables {
    tables_in(program, "results")
}

fn prepared(text: &str) -> Program {
    let program = Program::new();
    program.write("smoke.toml", text);
    program
}

/// One training after another, never interrupted.
fn finished(text: &str) -> Program {
    let program = prepared(text);
    program.run(&["run", "smoke.toml", "--jobs", "1", "--threads", "1", "-q"]).succeeds();
    program
}

/// What is left of [`longer`] where nothing interrupts it: trained once for all tests.
fn whole_of_longer() -> &'static Tables {
    static WHOLE: OnceLock<Tables> = OnceLock::new();
    WHOLE.get_or_init(|| tables(&finished(&longer())))
}

/// Starts a run, as the first of a process group of its own.
fn start(program: &Program) -> Child {
    let mut command = program.command(&RUN);
    command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(target: &str, name: &str) {
    let status = Command::new("kill").args(["-s", name, "--", target]).status().unwrap();
    assert!(status.success(), "kill -s {name} {target}");
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The checkpoints in a results folder.
fn checkpoints(program: &Program) -> impl Iterator<Item = PathBuf> {
    let files = walkdir::WalkDir::new(program.path("results")).into_iter().flatten();
    files.map(walkdir::DirEntry::into_path).filter(|path| path.ends_with("checkpoint.safetensors"))
}

fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit_once(')').and_then(|(_, rest)| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}

#[test]
fn one_training_at_a_time_or_several_the_bytes_are_the_same() {
    let program = finished(SMOKE);
    let two = ["run", "smoke.toml", "-q", "--jobs", "2", "--threads", "1", "--results", "two"];
    program.run(&two).succeeds();
    assert_eq!(tables(&program), tables_in(&program, "two"));
}

#[test]
fn ctrl_c_leaves_checkpoints_and_the_next_run_goes_on_from_them() {
    let (text, whole) = (longer(), whole_of_longer());
    let program = prepared(&text);
    let mut interruptions = 0;
    for pause in [700, 900, 500, 1300, 400] {
        let mut child = start(&program);
        std::thread::sleep(Duration::from_millis(pause));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        let workers = children(child.id());
        signal(&child.id().to_string(), "INT");
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        assert!(!workers.into_iter().any(is_alive), "workers leave before their run does");
        if status.code() == Some(0) {
            break;
        }
        // A signal before the program listens for it ends it, as it does any program.
        if status.signal().is_none() {
            assert_eq!(status.code(), Some(130), "{stderr}");
            let again = format!("`{PROGRAM} {}` resumes from the checkpoints", RUN.join(" "));
            assert!(stderr.contains(&again), "{stderr}");
            let shown = program.run(&["show", "small", "--format", "json"]);
            // It was interrupted before it wrote down what there is to do.
            let nothing =
                ["without tables", "no results folder", "is not a results folder", "nothing in"];
            if nothing.iter().any(|words| shown.stderr.contains(words)) {
                continue;
            }
            let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
            assert_eq!(shown.as_array().map(Vec::len), Some(10), "what is done can be looked at");
            assert!(
                shown.as_array().unwrap().iter().all(|run| {
                    let status = run["status"].as_str().unwrap();
                    status == "done" || status == "open: the run was interrupted"
                }),
                "{shown}"
            );
            interruptions += 1;
        }
    }
    assert!(interruptions > 0, "the experiment ended before it could be interrupted");
    program.run(&RUN).succeeds();
    assert_eq!(&tables(&program), whole);
}

/// How many threads a training has shows in its last bits. A training that resumes from a checkpoint keeps the
/// threads that it was started with; a new one has those that are requested.
#[test]
fn a_training_goes_on_with_the_threads_that_it_was_begun_with() {
    let text = longer().replace("regions = [\"mouth\"]", "regions = []");
    let text = text.replace("blocks = [[4], [8]]", "blocks = [[16], [24]]");
    let text = text.replace("train = 900", "train = 300").replace("epochs = 6", "epochs = 8");
    let run = |program: &Program, threads: &str| {
        let arguments = ["run", "smoke.toml", "--jobs", "1", "--threads", threads];
        program.command(&[&arguments[..], &["--checkpoint-every", "0"]].concat())
    };
    let program = prepared(&text);
    let mut first = run(&program, "2");
    let mut child = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("a checkpoint is stored", || checkpoints(&program).next().is_some());
    signal(&child.id().to_string(), "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let output = run(&program, "1").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let said = "whole, seed 1: it resumes with the threads that it was started with, 2 and not 1";
    assert!(stderr.contains(said), "{stderr}");

    let plan = program.json(&["plan", "smoke.toml", "--format", "json"]);
    for (training, threads) in [(0, "2"), (1, "1")] {
        let id = plan["trainings"][training]["training_id"].as_str().unwrap();
        let whole = prepared(&text);
        assert!(run(&whole, threads).output().unwrap().status.success());
        let files = [&program, &whole].map(|program| {
            let results = Results::open(program.path("results")).unwrap();
            let mut epochs = results.epochs(id).unwrap();
            epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
            let folder = format!("results/trainings/{id}");
            let evaluations = std::fs::read_dir(program.path(&folder).join("evaluations")).unwrap();
            let mut answers: Vec<_> =
                evaluations.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
            answers.sort();
            let threads = results.manifest(id).unwrap().threads.to_string();
            (threads, epochs, program.bytes(&format!("{folder}/model.safetensors")), answers)
        });
        assert_eq!(files[0].0, threads);
        assert!(files[0] == files[1], "training {training}, by {threads} threads");
    }
}

/// What of a run is to be said again after an interruption: every word, as a shell takes it.
#[test]
fn the_hint_is_the_command_that_was_given() {
    let program = prepared(&longer());
    let arguments = [
        "run",
        "--no-locks",
        "smoke.toml",
        "--retries=2",
        "--fail-fast",
        "--checkpoint-every",
        "3",
        "--devices",
        "cpu,cpu",
        "--set",
        "question=Who's there?",
        "-q",
    ];
    let mut command = program.command(&arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("workers start", || !children(child.id()).is_empty());
    signal(&child.id().to_string(), "TERM");
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    let again = format!(
        "interrupted; `{PROGRAM} run --no-locks smoke.toml --retries=2 --fail-fast \
         --checkpoint-every 3 --devices cpu,cpu --set 'question=Who'\\''s there?' -q` resumes from the checkpoints\n"
    );
    assert!(stderr.ends_with(&again), "{stderr}");
}

/// `nohup` starts a program with SIGHUP ignored; the workers inherit that.
#[test]
fn a_run_with_hangups_ignored_outlives_its_terminal() {
    let program = prepared(&longer());
    let mut command = program.command(&RUN);
    heed(&mut command, [libc::SIGHUP], libc::SIG_IGN);
    let mut child =
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("workers start", || children(child.id()).len() == 2);
    for _ in 0..2 {
        signal(&format!("-{}", child.id()), "HUP");
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(tables(&program).runs.iter().filter(|run| run.status.is_done()).count(), 10);
}

/// A terminal that closes hangs up on every process of it, more than once, and nothing can be written to
/// it any more. The run ends as after one Ctrl-C: with checkpoints, and tables of what is done.
#[test]
fn a_closed_terminal_is_one_interruption() {
    let program = prepared(&longer().replace("epochs = 6", "epochs = 400"));
    let mut child = start(&program);
    wait_until("both trainings have a checkpoint", || checkpoints(&program).count() == 2);
    drop(child.stderr.take());
    for _ in 0..3 {
        signal(&format!("-{}", child.id()), "HUP");
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(checkpoints(&program).count(), 2);
    let runs = program.json(&["show", "small", "--format", "json"]);
    let mut runs = runs.as_array().unwrap().iter();
    assert!(runs.all(|run| run["status"] == "open: the run was interrupted"));
}

/// The pictures take many seconds; the interruption comes with the first.
#[test]
fn decoding_stops_at_ctrl_c_and_leaves_nothing_half_done() {
    let program = Program::new();
    image::GrayImage::from_fn(3000, 3000, |x, y| image::Luma([((x / 12) ^ (y / 12)) as u8]))
        .save(program.path("large.png"))
        .unwrap();
    for class in ["left", "right"] {
        std::fs::create_dir_all(program.path(&format!("data/{class}"))).unwrap();
        for index in 0..400 {
            let link = program.path(&format!("data/{class}/{index}.png"));
            std::fs::hard_link(program.path("large.png"), link).unwrap();
        }
    }
    program.write(
        "large.toml",
        "name = \"large\"\n[dataset]\nkind = \"folder\"\nroot = \"data\"\nsize = [48, 48]\n\
         channels = 1\nclasses = [\"left\", \"right\"]\n",
    );
    let decoding = || {
        let files = std::fs::read_dir(program.path("results/.cache")).into_iter().flatten();
        files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("building-"))
    };
    for command in ["run", "data", "preview", "plan"] {
        let mut arguments = vec![command, "large.toml"];
        arguments.extend(["--specifications", "todo"].into_iter().filter(|_| command == "plan"));
        let mut child = program.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("decoding begins", decoding);
        signal(&child.id().to_string(), "INT");
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{command}: {stderr}");
        assert!(stderr.contains("interrupted"), "{command}: {stderr}");
        let left = std::fs::read_dir(program.path("results/.cache")).unwrap().count();
        assert_eq!(left, 0, "{command} left files behind, or went on to the end");
    }
    assert!(!program.path("todo").exists());
}

/// As a build does while a run is under way.
#[test]
fn a_program_that_is_replaced_goes_on_as_itself() {
    let program = prepared(&longer());
    let (own, trains) = (program.path("own/fer-lab"), program.path("own/fer-lab-torch"));
    std::fs::create_dir(program.path("own")).unwrap();
    std::fs::copy(PROGRAM, &own).unwrap();
    std::fs::copy(WITH_LIBTORCH, &trains).unwrap();
    let arguments = ["run", "smoke.toml", "--jobs", "1", "--threads", "1", "--retries", "1", "-q"];
    let mut command = program.command_of(&own, &arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut workers = Vec::new();
    wait_until("a worker starts", || {
        workers = children(child.id());
        !workers.is_empty()
    });
    program.write("own/new", "#!/bin/sh\necho other >> \"$(dirname \"$0\")/ran\"\nexit 9\n");
    std::fs::set_permissions(
        program.path("own/new"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    std::fs::rename(program.path("own/new"), &trains).unwrap();
    // Another is started in its place.
    signal(&workers[0].to_string(), "KILL");
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    assert!(!program.path("own/ran").exists());
    assert_eq!(tables(&program).runs.iter().filter(|run| run.status.is_done()).count(), 10);
}

#[test]
fn ctrl_c_twice_leaves_at_once() {
    let (text, whole) = (longer(), whole_of_longer());
    let program = prepared(&text);
    let mut child = start(&program);
    let mut workers = Vec::new();
    wait_until("workers start", || {
        workers = children(child.id());
        workers.len() == 2
    });
    signal(&child.id().to_string(), "INT");
    signal(&child.id().to_string(), "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    wait_until("no worker stays behind", || !workers.iter().any(|pid| is_alive(*pid)));
    program.run(&RUN).succeeds();
    assert_eq!(&tables(&program), whole);
}

/// Every other time with its workers, as a power cut would; else alone, as the system does when memory
/// runs out. Then they must notice by themselves.
#[test]
fn killed_at_thirty_moments_nothing_is_lost_but_time() {
    let (text, whole) = (longer(), whole_of_longer());
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(30);
    let mut program = prepared(&text);
    let mut killed = 0;
    while killed < 30 {
        let mut child = start(&program);
        let pause = Duration::from_millis(random.random_range(100..900));
        std::thread::sleep(pause);
        if child.try_wait().unwrap().is_some() {
            assert_eq!(&tables(&program), whole, "after {killed} kills");
            program = prepared(&text);
            continue;
        }
        let workers = children(child.id());
        let group = format!("-{}", child.id());
        signal(&if killed % 2 == 0 { group } else { child.id().to_string() }, "KILL");
        child.wait().unwrap();
        wait_until("no worker stays behind", || !workers.iter().any(|pid| is_alive(*pid)));
        killed += 1;
    }
    program.run(&RUN).succeeds();
    assert_eq!(&tables(&program), whole);
}

#[test]
fn a_worker_that_is_killed_fails_one_training_and_is_tried_again_if_wanted() {
    let text = longer().replace("epochs = 6", "epochs = 12");
    let kill_a_worker = |arguments: &[&str]| {
        let program = prepared(&text);
        let mut command = program.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut workers = Vec::new();
        wait_until("a worker starts", || {
            workers = children(child.id());
            !workers.is_empty()
        });
        std::thread::sleep(Duration::from_millis(300));
        signal(&workers[0].to_string(), "KILL");
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (program, child.wait().unwrap().code(), stderr)
    };
    let (program, code, stderr) = kill_a_worker(&RUN);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("failed: whole, seed "), "{stderr}");
    assert!(stderr.contains("its process was killed (SIGKILL)"), "{stderr}");
    let runs = tables(&program).runs;
    let failed: Vec<&RunRow> = runs.iter().filter(|run| !run.status.is_done()).collect();
    assert!(failed.iter().all(|run| run.status.to_string().contains("SIGKILL")), "{failed:?}");
    // The runs of one training: whole faces, and the two evaluations that share its network.
    assert_eq!(failed.len(), 3, "{failed:?}");
    program.run(&RUN).succeeds();
    let whole = &tables(&program);

    let (program, code, stderr) = kill_a_worker(&[&RUN[..], &["--retries", "1"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("retrying"), "{stderr}");
    assert_eq!(&tables(&program), whole);

    let (program, code, stderr) = kill_a_worker(&[&RUN[..], &["--fail-fast"]].concat());
    assert_eq!(code, Some(1), "{stderr}");
    let done = tables(&program).runs.iter().filter(|run| run.status.is_done()).count();
    assert!(done < 7, "the others were not waited for: {done} runs are done");
}

#[test]
fn two_runs_at_once_share_the_work() {
    let (text, whole) = (longer(), whole_of_longer());
    let program = prepared(&text);
    let both = [start(&program), start(&program)];
    let started = both.map(|mut child| {
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
        stderr.lines().filter(|line| line.starts_with("training ")).count()
    });
    assert_eq!(started.iter().sum::<usize>(), 6, "each training is done once: {started:?}");
    assert_eq!(&tables(&program), whole);
}

/// A file system of a few megabytes.
struct SmallDisk<'a>(&'a Program);

impl SmallDisk<'_> {
    fn mount(program: &Program) -> Option<SmallDisk<'_>> {
        std::fs::create_dir(program.path("results")).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(program.path("results"));
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then_some(SmallDisk(program))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path("results")).status();
    }
}

#[test]
fn a_full_disk_is_reported_and_the_next_run_resumes() {
    let (text, whole) = (longer(), whole_of_longer());
    let program = prepared(&text);
    let Some(_disk) = SmallDisk::mount(&program) else {
        eprintln!("skipped: a full disk cannot be made here (mounting a tmpfs takes root)");
        return;
    };
    // Room for the pictures and a training or two, at several sizes of what is left.
    for filler in [1_300_000, 1_000_000, 700_000] {
        let room = program.path("results/filler");
        let filled = std::fs::write(&room, vec![0; filler]);
        let run = program.run(&RUN);
        if filled.is_err() || run.code != Some(0) {
            assert_eq!(run.code, Some(1), "{}", run.stderr);
            assert!(run.stderr.contains("o space left on device"), "{}", run.stderr);
        }
        std::fs::remove_file(&room).unwrap();
    }
    let larger = ["-o", "remount,size=64m"];
    assert!(
        Command::new("mount").args(larger).arg(program.path("results")).status().unwrap().success()
    );
    program.run(&RUN).succeeds();
    assert_eq!(&tables(&program), whole);
}

#[test]
fn every_file_that_is_cut_is_noticed_and_made_again() {
    let program = prepared(SMOKE);
    program.run(&RUN).succeeds();
    let whole = tables(&program);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let files: Vec<_> = walkdir::WalkDir::new(program.path("results"))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .collect();
    assert!(files.len() > 40, "{files:?}");
    let mut seen = std::collections::BTreeSet::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let kind = match folder.as_str() {
            "evaluations" => path.extension().unwrap().to_str().unwrap().to_owned(),
            _ => name.clone(),
        };
        let length = std::fs::metadata(&path).unwrap().len();
        // One of each kind; a log is there to be read, and a lock is empty.
        if name == "log" || length == 0 || !seen.insert(kind) {
            continue;
        }
        let cut = random.random_range(0..length);
        std::fs::File::options().write(true).open(&path).unwrap().set_len(cut).unwrap();
        let relative = path.strip_prefix(program.folder()).unwrap().display().to_string();
        let run = program.run(&RUN);
        if name == "format.json" {
            assert_eq!(run.code, Some(2), "{}", run.stderr);
            assert!(run.stderr.contains("format.json` is damaged"), "{}", run.stderr);
            std::fs::remove_file(&path).unwrap();
            program.run(&RUN).succeeds();
            continue;
        }
        run.succeeds();
        let needed = relative.starts_with("results/trainings");
        assert!(!needed || run.stderr.contains(&relative), "{relative}: {}", run.stderr);
        assert_eq!(tables(&program), whole, "{relative}, cut to {cut} of {length} bytes");
    }
    assert!(seen.len() > 12, "{seen:?}");
}

#[test]
fn a_checkpoint_that_is_cut_is_no_reason_to_give_up() {
    let (text, whole) = (longer(), whole_of_longer());
    let program = prepared(&text);
    let mut child = start(&program);
    wait_until("a checkpoint is stored", || checkpoints(&program).next().is_some());
    signal(&format!("-{}", child.id()), "KILL");
    child.wait().unwrap();
    let path = checkpoints(&program).next().expect("it stays where the training was killed");
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(length / 3).unwrap();
    let run = program.run(&RUN);
    run.succeeds();
    assert!(run.stderr.contains("checkpoint.safetensors` cannot be used"), "{}", run.stderr);
    assert_eq!(&tables(&program), whole);
}

/// A worker that hangs is as silent as one that is stopped.
#[test]
fn a_worker_that_hangs_is_said_and_ended_where_wanted() {
    let program = prepared(&longer().replace("epochs = 6", "epochs = 12"));
    let hang = |arguments: &[&str]| {
        let mut command =
            program.command(&[&RUN[..], &["--stall-minutes", "0.05"], arguments].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("both trainings have a checkpoint", || checkpoints(&program).count() == 2);
        let worker = children(child.id())[0];
        signal(&worker.to_string(), "STOP");
        (worker, std::io::BufReader::new(child.stderr.take().unwrap()), child)
    };
    let (worker, mut stderr, mut child) = hang(&[]);
    let mut said = String::new();
    while !said.contains("no progress") {
        assert!(std::io::BufRead::read_line(&mut stderr, &mut said).unwrap() > 0, "{said}");
    }
    assert!(
        said.contains(&format!("its worker has made no progress for 3 s (process {worker}, log `")),
        "{said}"
    );
    signal(&worker.to_string(), "CONT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    std::fs::remove_dir_all(program.path("results")).unwrap();

    let (_, mut stderr, mut child) = hang(&["--end-stalled", "--retries", "1"]);
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(
        said.contains("it was ended, its worker has made no progress for 3 s; retrying"),
        "{said}"
    );
}

/// Locks that are not taken, and those of a file system that grants every lock to everyone: the work is done twice, and no
/// file is damaged.
#[test]
fn two_runs_without_locks_damage_nothing() {
    let whole = whole_of_longer();
    for granted in [false, true] {
        let program = prepared(&longer());
        let library = program.locks_that("return 0;");
        let start = || {
            let mut command = program.command(&RUN);
            match granted {
                true => command.env("LD_PRELOAD", &library),
                false => command.arg("--no-locks"),
            };
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        for mut child in [start(), start()] {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
        }
        let again = program.run(&RUN);
        again.succeeds();
        assert!(!again.stderr.contains("computing it again"), "{}", again.stderr);
        assert_eq!(&tables(&program), whole);
    }
}

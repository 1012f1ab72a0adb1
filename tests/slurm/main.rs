//! Runs by a real Slurm, which the tests start on loopback. Where it is not installed they are skipped, with a notice.

mod cluster;
#[path = "../program/driver.rs"]
#[allow(dead_code, reason = "some of it is for the tests of the program alone")]
mod driver;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use cluster::Cluster;
use driver::{Program, SMOKE, heed};
use fer_lab::store::{EpochRow, Results, RunRow, read_table};
use serde_json::Value;

/// One at a time: each has the machine's processors divided.
static ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The small experiment with these seeds and epochs: three trainings a seed.
fn text(seeds: u32, epochs: u32) -> String {
    let text = SMOKE.replace("epochs = 2", &format!("epochs = {epochs}"));
    text.replace("train = 96", "train = 900").replace("count = 2", &format!("count = {seeds}"))
}

/// A run by Slurm, with its events.
struct Watcher {
    child: Child,
    events: Receiver<Value>,
    seen: Vec<Value>,
}

impl Watcher {
    fn start(program: &Program, cluster: &Cluster, arguments: &[&str]) -> Watcher {
        let all =
            [&["run", "small.toml", "--engine", "slurm", "--json", "--no-examples"], arguments]
                .concat();
        let mut command = program.command(&all);
        command.env("SLURM_CONF", cluster.configuration()).env("XDG_CONFIG_HOME", program.folder());
        heed(&mut command, [libc::SIGTERM], libc::SIG_DFL);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (sender, events) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Watcher { child, events, seen: Vec::new() }
    }

    fn take_events(&mut self) {
        self.seen.extend(self.events.try_iter());
    }

    /// Until an event of such a kind was seen.
    fn until(&mut self, what: &str, mut found: impl FnMut(&Value) -> bool) {
        let start = Instant::now();
        loop {
            self.take_events();
            if self.seen.iter().any(&mut found) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "{what}: {:?}", self.last());
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "{what}: it ended before: {:?}",
                self.last()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn last(&self) -> &[Value] {
        &self.seen[self.seen.len().saturating_sub(12)..]
    }

    /// Until it ends; `meanwhile` is called every now and then.
    fn end(&mut self, meanwhile: impl Fn()) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                std::thread::sleep(Duration::from_millis(100));
                self.take_events();
                return status.code();
            }
            self.take_events();
            assert!(
                start.elapsed() < Duration::from_secs(240),
                "it does not end: {:?}",
                self.last()
            );
            meanwhile();
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn warnings(&self) -> Vec<&str> {
        self.seen
            .iter()
            .filter(|event| event["event"] == "warning")
            .filter_map(|event| event["text"].as_str())
            .collect()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn signal(pid: u32, name: &str) {
    Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
}

/// Everything in the tables but what a clock says.
fn tables(program: &Program, folder: &str) -> (Vec<RunRow>, Vec<EpochRow>, Vec<Vec<u8>>) {
    let results = Results::open(program.path(folder)).unwrap();
    let mut runs: Vec<RunRow> =
        read_table(&results.table_path::<RunRow>("small").unwrap()).unwrap();
    for run in &mut runs {
        (run.wall_seconds, run.train_images_per_second) = (0.0, 0.0);
    }
    let mut epochs: Vec<EpochRow> =
        read_table(&results.table_path::<EpochRow>("small").unwrap()).unwrap();
    epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    let whole = ["predictions", "confusion", "effects", "truth"];
    let whole = whole.map(|table| program.bytes(&format!("{folder}/small/{table}.parquet")));
    (runs, epochs, whole.to_vec())
}

/// How often each training was done to the end, by what the workers wrote.
fn trained(program: &Program) -> BTreeMap<String, usize> {
    let mut trained = BTreeMap::new();
    for entry in walkdir::WalkDir::new(program.path("results/.slurm")).into_iter().flatten() {
        if entry.path().parent().is_some_and(|folder| folder.ends_with("events")) {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            for event in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
                if event["event"] == "trained" {
                    *trained.entry(event["training"].as_str().unwrap().to_owned()).or_default() +=
                        1;
                }
            }
        }
    }
    trained
}

fn each_was_done_once(program: &Program, trainings: usize) {
    let trained = trained(program);
    assert_eq!(trained.len(), trainings);
    assert!(trained.values().all(|times| *times == 1), "no training is done twice: {trained:?}");
}

fn tables_are_those_of_a_local_run(program: &Program) {
    let local = ["--jobs", "2", "--threads", "1", "--results", "local", "--no-examples"];
    program.run(&[&["run", "small.toml", "-q"], &local[..]].concat()).succeeds();
    assert!(tables(program, "results") == tables(program, "local"));
}

/// Much of what a site does to jobs, in a study of twelve trainings.
#[test]
#[ignore = "where twelve trainings end before a watcher comes back there is nothing to watch: cargo test --release --test slurm -- --ignored"]
fn what_a_site_does_to_jobs_changes_no_byte() {
    study(4, false);
}

/// All of it, in a study of thirty, for four minutes: the time limit of a job is a minute at least.
#[test]
#[ignore = "takes four minutes: cargo test --release --test slurm -- --ignored"]
fn all_that_a_site_does_to_jobs_changes_no_byte() {
    study(10, true);
}

fn study(seeds: u32, with_time_limit: bool) {
    let _alone = alone();
    let Some(mut cluster) = Cluster::start(&[("n1", 2)]) else { return };
    let program = Program::new();
    program.write("small.toml", &text(seeds, 12));
    let watch = ["--retries", "3", "--checkpoint-every", "0"];

    let mut watcher = if with_time_limit {
        // Two tasks, whose time is too short; `B:TERM` comes before it is over.
        let short = ["--tasks", "2", "--time", "1"];
        let mut watcher = Watcher::start(&program, &cluster, &[&watch[..], &short].concat());
        watcher.until("a task comes to the end of its time", |event| {
            event["event"] == "ended" && event["outcome"] == "interrupted"
        });
        watcher.until("what it left is submitted again", |event| {
            event["event"] == "task" && !event["job"].as_str().unwrap().starts_with("1_")
        });
        watcher
    } else {
        let mut watcher =
            Watcher::start(&program, &cluster, &[&watch[..], &["--tasks", "8"]].concat());
        watcher.until("a training runs", |event| event["event"] == "step");
        watcher
    };

    // The watcher dies, and another one comes, with other settings for what it submits itself.
    watcher.child.kill().unwrap();
    watcher.child.wait().unwrap();
    let mut watcher = Watcher::start(&program, &cluster, &[&watch[..], &["--tasks", "8"]].concat());
    watcher.until("it finds the jobs", |event| {
        event["event"] == "queue" && event["running"].as_u64() > Some(0)
    });

    // A worker dies.
    wait_until("a worker runs", || !cluster.workers().is_empty());
    signal(cluster.workers()[0], "KILL");
    watcher
        .until("it is tried again", |event| event["event"] == "failed" && event["again"] == true);

    // A task is requeued by hand.
    wait_until("a task runs", || {
        !cluster.tasks("RUNNING").is_empty() && !cluster.workers().is_empty()
    });
    let task = cluster.tasks("RUNNING")[0].clone();
    cluster.say(&["scontrol", "requeue", &task]);
    watcher.until("a requeue is explained", |event| {
        event["event"] == "warning"
            && event["text"].as_str().unwrap().contains("Slurm has requeued")
    });
    cluster.hurry();

    // Preemption by a job that takes the whole node.
    wait_until("a task runs", || !cluster.workers().is_empty());
    let wrap = [
        "sbatch",
        "--parsable",
        "-p",
        "high",
        "-c",
        "2",
        "-D",
        "/",
        "-o",
        "/dev/null",
        "--wrap",
        "sleep 2",
    ];
    let high = cluster.say(&wrap).trim().to_owned();
    wait_until("the other job runs", || cluster.tasks("RUNNING") == [high.clone()]);
    wait_until("the other job is over", || !cluster.tasks("RUNNING").contains(&high));
    cluster.hurry();

    // The controller is away for a while.
    wait_until("a task runs", || !cluster.workers().is_empty());
    cluster.kill_controller();
    watcher.until("that is said", |event| {
        event["event"] == "warning"
            && event["text"].as_str().unwrap().contains("Slurm does not answer")
    });
    cluster.start_controller().unwrap();
    wait_until("the controller answers", || cluster.say(&["sinfo", "-h"]).contains("n1"));

    // The node's daemon dies; the node is taken out, and comes back.
    cluster.hurry();
    wait_until("a task runs", || !cluster.workers().is_empty());
    cluster.kill_node(0);
    cluster.say(&["scontrol", "update", "NodeName=n1", "State=DOWN", "Reason=test"]);
    cluster.start_node(0).unwrap();
    cluster.say(&["scontrol", "update", "NodeName=n1", "State=RESUME"]);

    let code = watcher.end(|| cluster.hurry());
    assert_eq!(code, Some(0), "{:?} {:?}", watcher.warnings(), watcher.last());
    each_was_done_once(&program, 3 * seeds as usize);
    wait_until("no process stays", || cluster.processes().is_empty());
    assert_eq!(cluster.say(&["squeue", "-h"]), "");

    tables_are_those_of_a_local_run(&program);
}

/// A node that is lost goes on with its task for a while, beside the task's second run on another node.
#[test]
fn twins_of_a_lost_node_s_task_harm_nothing() {
    let _alone = alone();
    let Some(mut cluster) = Cluster::start(&[("n1", 1), ("n2", 1)]) else { return };
    let program = Program::new();
    program.write("small.toml", &text(1, 24));
    cluster.say(&["scontrol", "update", "NodeName=n2", "State=DRAIN", "Reason=test"]);
    let mut watcher =
        Watcher::start(&program, &cluster, &["--tasks", "1", "--checkpoint-every", "0"]);
    watcher.until("a training runs", |event| event["event"] == "epoch");
    let workers = cluster.workers();
    let [lost] = workers[..] else { panic!("{workers:?}") };
    // It stands still until the twin runs, or it would be done before.
    signal(lost, "STOP");
    cluster.kill_node(0);
    cluster.say(&["scontrol", "update", "NodeName=n1", "State=DOWN", "Reason=test"]);
    cluster.say(&["scontrol", "update", "NodeName=n2", "State=RESUME"]);
    wait_until("it waits again", || !cluster.tasks("PENDING").is_empty());
    cluster.hurry();
    wait_until("both run", || cluster.workers().len() == 2);
    signal(lost, "CONT");
    let code = watcher.end(|| cluster.hurry());
    assert_eq!(code, Some(0), "{:?} {:?}", watcher.warnings(), watcher.last());
    each_was_done_once(&program, 3);
    tables_are_those_of_a_local_run(&program);
}

/// A network that starts from another is submitted once that one is trained, though two watch; and what is stored is evaluated without being
/// trained again.
#[test]
fn tuned_networks_wait_for_the_one_that_they_start_from_and_stored_ones_are_evaluated() {
    let _alone = alone();
    let Some(cluster) = Cluster::start(&[("n1", 2)]) else { return };
    let program = Program::new();
    let phases = |phases: &str| {
        let text = text(1, 3).replace("[\"retrain\", \"evaluate\"]", phases);
        text.replace("controls = 1\nevaluated_controls = 1", "controls = 0\nevaluated_controls = 0")
    };
    program.write("small.toml", &phases("[\"tuned\"]\ntuned_epochs = 2"));
    let mut watcher = Watcher::start(&program, &cluster, &[]);
    let mut other = Watcher::start(&program, &cluster, &[]);
    assert_eq!(watcher.end(|| ()), Some(0), "{:?} {:?}", watcher.warnings(), watcher.last());
    assert_eq!(other.end(|| ()), Some(0), "{:?} {:?}", other.warnings(), other.last());
    // Whole faces, the amortised network, the tuned one.
    each_was_done_once(&program, 3);
    let began = |name: &str| {
        let of = |event: &&Value| event["event"] == "started" && event["name"] == name;
        let event = watcher.seen.iter().find(of);
        event.unwrap_or_else(|| panic!("{name}: {:?}", watcher.seen))["training"].clone()
    };
    let place = |event: &str, training: &Value| {
        let of = |seen: &Value| seen["event"] == event && seen["training"] == *training;
        watcher.seen.iter().position(of).unwrap()
    };
    let (amortised, tuned) = (began("hide mouth (amortised)"), began("hide mouth (tuned)"));
    assert!(place("trained", &amortised) < place("started", &tuned), "{:?}", watcher.seen);
    tables_are_those_of_a_local_run(&program);

    program.write("small.toml", &phases("[\"tuned\", \"evaluate\"]\ntuned_epochs = 2"));
    let mut more = Watcher::start(&program, &cluster, &["--replace"]);
    assert_eq!(more.end(|| ()), Some(0), "{:?} {:?}", more.warnings(), more.last());
    let count = |kind: &str| more.seen.iter().filter(|event| event["event"] == kind).count();
    assert_eq!((count("trained"), count("evaluated")), (0, 1), "{:?}", more.seen);
    each_was_done_once(&program, 3);
    std::fs::remove_dir_all(program.path("local")).unwrap();
    tables_are_those_of_a_local_run(&program);
}

/// A worker that hangs takes no other training of its task along.
#[test]
fn a_worker_that_hangs_is_cancelled_and_its_task_submitted_again() {
    let _alone = alone();
    let Some(cluster) = Cluster::start(&[("n1", 1)]) else { return };
    let program = Program::new();
    program.write("small.toml", &text(1, 12));
    let stall = ["--stall-minutes", "0.1", "--end-stalled", "--retries", "1"];
    let settings = ["--tasks", "1", "--checkpoint-every", "0"];
    let mut watcher = Watcher::start(&program, &cluster, &[&stall[..], &settings].concat());
    watcher.until("a training runs", |event| event["event"] == "epoch");
    let workers = cluster.workers();
    let [hanging] = workers[..] else { panic!("{workers:?}") };
    signal(hanging, "STOP");
    watcher.until("it is ended and tried again", |event| {
        event["event"] == "failed"
            && event["again"] == true
            && event["reason"].as_str().unwrap().starts_with("it was ended, its worker has made no")
    });
    assert_eq!(watcher.end(|| ()), Some(0), "{:?} {:?}", watcher.warnings(), watcher.last());
    each_was_done_once(&program, 3);
    // What is left of task 1 is task 1 of another job.
    let tasks = watcher.seen.iter().filter(|event| event["event"] == "task");
    let tasks: Vec<&str> = tasks.map(|event| event["job"].as_str().unwrap()).collect();
    assert!(tasks.len() == 2 && tasks.iter().all(|task| task.ends_with("_1")), "{tasks:?}");
    assert_ne!(tasks[0], tasks[1]);
}

/// Leaving, looking, cancelling and coming back.
#[test]
fn jobs_go_on_alone_and_can_be_looked_at_and_cancelled() {
    let _alone = alone();
    let Some(cluster) = Cluster::start(&[("n1", 2)]) else { return };
    let program = Program::new();
    // Longer than a slow machine takes for all of this.
    program.write("small.toml", &text(1, 10_000));
    program.write("fer-lab/site.toml", "engine = \"slurm\"\n[slurm]\ntasks = 3\n");
    let run = |arguments: &[&str]| {
        let mut command = program.command(arguments);
        command.env("SLURM_CONF", cluster.configuration()).env("XDG_CONFIG_HOME", program.folder());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let mut watcher = Watcher::start(&program, &cluster, &["--checkpoint-every", "0"]);
    watcher.until("a training runs", |event| event["event"] == "epoch");
    signal(watcher.child.id(), "INT");
    assert_eq!(watcher.end(|| ()), Some(130));
    assert_eq!(cluster.workers().len(), 2, "the jobs go on");

    let (code, status, _) = run(&["status"]);
    assert_eq!(code, Some(0));
    assert!(
        status.starts_with("small: jobs in Slurm, 2 running and 1 waiting; no run watches them"),
        "{status}"
    );
    let (code, logs, _) = run(&["logs", "small"]);
    assert_eq!(code, Some(0));
    assert!(logs.contains("epoch 1 rate"), "{logs}");

    let mut again = Watcher::start(&program, &cluster, &[]);
    again.until("it finds the jobs", |event| event["event"] == "queue" && event["running"] == 2);
    let (code, said, errors) = run(&["cancel", "small"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(said.starts_with("cancelled 1 job: 2 tasks running, 1 waiting\n"), "{said}");
    assert!(said.contains("all have left the queue"), "{said}");
    assert_eq!(again.end(|| ()), Some(130));
    assert!(cluster.workers().is_empty());
    let checkpoints =
        walkdir::WalkDir::new(program.path("results/trainings")).into_iter().flatten();
    let checkpoints =
        checkpoints.filter(|entry| entry.file_name() == "checkpoint.safetensors").count();
    assert_eq!(checkpoints, 2);
    let (_, nothing, _) = run(&["cancel", "small"]);
    assert_eq!(nothing, "no jobs of `small` in Slurm\n");
    let (code, _, errors) = run(&["cancel", "smal"]);
    assert_eq!(code, Some(2), "{errors}");
    let (_, status, _) = run(&["status"]);
    assert_eq!(status, "no active run in results\n");

    // What the site does not have is said as Slurm says it.
    let (code, _, errors) =
        run(&["run", "small.toml", "--engine", "slurm", "--partition", "nowhere", "-q"]);
    assert_eq!(code, Some(2));
    assert!(
        errors.contains("`sbatch`: ") && errors.contains("invalid partition specified: nowhere"),
        "{errors}"
    );
}

//! A run of 10,000 trainings by Slurm, to the end, with a Slurm that is not there: what the run itself costs.
//!
//! ```text
//! cargo bench --bench cluster                            # 20 minutes: 500 tasks at once, a minute for each training
//! cargo bench --bench cluster -- --seconds 5             # trainings of 5 s
//! cargo bench --bench cluster -- --trainings 500 --at-once 50
//! cargo bench --bench cluster -- --tasks 10000           # a task for each training
//! ```
//!
//! `sbatch`, `squeue`, `sacct`, `scontrol`, `sinfo` and `scancel` are this program, under other names, in a folder that is
//! first in the path. They ask a process that keeps the queue and plays all tasks, and take as long as those of Slurm 22.05
//! took on one machine: `sbatch` 11 ms and 5 µs a task, `squeue` 5 ms and 20 µs a task, `sacct` 40 ms. A task works its list off
//! as a worker does: events into its file, a step every two seconds, and for each training a network, its epochs, its
//! predictions and its manifest into the results folder, by the library's own types; nothing is trained. One task of twenty
//! comes to the end of its time halfway, one of fifty dies without a word; what they leave is submitted again.
//!
//! The run is the library's own, in this process, so that every gap between two of its looks at the flag that interrupts it
//! can be measured: the longest pass. Halfway it is interrupted, and a second one finds the jobs and goes on. At last the
//! program itself is called once more, as a user would, on all that is done by then: it reads and checks everything, writes
//! the tables, and analyses them. `TMPDIR=/dev/shm` spares the wait for the disk.

#[path = "cluster/commands.rs"]
mod commands;
#[path = "looking/made.rs"]
mod made;
#[path = "looking/measure.rs"]
mod measure;
#[path = "cluster/site.rs"]
mod site;
#[path = "cluster/watched.rs"]
mod watched;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use fer_lab::cluster::SlurmSettings;
use fer_lab::engine::Work;
use fer_lab::experiment::{DeviceChoice, parse};
use fer_lab::machine::{AskedBy, Resources};
use fer_lab::plan::Plan;
use fer_lab::store::Results;
use measure::measure;
use watched::watch;

/// Conditions of the experiment: whole faces, a region, and eight controls.
const CONDITIONS: usize = 10;

/// What the commands of the path must find.
pub const SOCKET: &str = "FER_LAB_BENCH_SITE";

/// What is asked for on the command line.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    trainings: usize,
    /// Tasks in the queue, and of them those that run.
    tasks: usize,
    at_once: usize,
    /// Of a training.
    seconds: f64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let called =
        Path::new(&words[0]).file_name().unwrap_or_default().to_string_lossy().into_owned();
    if commands::NAMES.contains(&called.as_str()) {
        return commands::ask(&called, &words[1..]);
    }
    let value = |name: &str| {
        words.iter().position(|word| word == name).map(|place| {
            words.get(place + 1).unwrap_or_else(|| panic!("`{name}` needs a value")).clone()
        })
    };
    let number = |name: &str, default: usize| {
        value(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let at_once = number("--at-once", 500);
    let settings = Settings {
        trainings: number("--trainings", 10_000),
        tasks: number("--tasks", at_once),
        at_once,
        seconds: value("--seconds").map_or(60.0, |text| text.parse().expect("seconds")),
    };
    if let Some(socket) = value("--site") {
        site::keep(Path::new(&socket), settings);
        return ExitCode::SUCCESS;
    }
    measured(settings);
    ExitCode::SUCCESS
}

/// The experiment's text: a small data set, as many seeds as make so many trainings, and epochs by which each is estimated
/// to take minutes, so that there are as many tasks as may be.
fn text(trainings: usize) -> String {
    format!(
        "name = \"cluster\"\n[dataset]\nkind = \"faces\"\nsize = [24, 24]\ntrain = 96\nval = {}\ntest = {}\n\
         [model]\nblocks = [[4], [8]]\n[train]\nepochs = 20000\n[occlusion]\nregions = [\"mouth\"]\nphases = [\"retrain\"]\ncontrols = 8\n\
         masks_alone = false\n[seeds]\ncount = {}\n",
        site::VAL,
        site::TEST,
        trainings.div_ceil(CONDITIONS)
    )
}

fn measured(settings: Settings) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("site");
    let program = std::env::current_exe().expect("this program");
    let path = commands::install(&program, &folder.path().join("bin"));
    // SAFETY: no other thread of this process runs yet.
    unsafe {
        std::env::set_var("PATH", path);
        std::env::set_var(SOCKET, &socket);
    }
    let mut site = Command::new(&program);
    site.arg("--site").arg(&socket).args(["--at-once", &settings.at_once.to_string()]);
    site.args(["--seconds", &settings.seconds.to_string()]);
    let mut site = site.spawn().expect("this program");
    while !socket.exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    study(folder.path(), settings);
    let _ = site.kill();
    let _ = site.wait();
}

fn study(folder: &Path, settings: Settings) {
    let text = text(settings.trainings);
    let file: PathBuf = folder.join("cluster.toml");
    std::fs::write(&file, &text).expect("a file");
    let experiment = parse(&text, "cluster.toml", &[]).expect("the experiment above");
    let start = Instant::now();
    let plan = Plan::new(&experiment).expect("a plan");
    println!(
        "{} trainings, {} tasks at once, {} s each; planned in {:.2} s",
        plan.trainings.len(),
        settings.at_once,
        settings.seconds,
        start.elapsed().as_secs_f64()
    );
    let root = folder.join("results");
    let results = Results::create(&root).expect("a results folder");
    let tasks = u32::try_from(settings.tasks).expect("a number of tasks");
    let work = Work {
        experiment: &experiment,
        plan: &plan,
        results: &results,
        resources: Resources {
            devices: vec![DeviceChoice::Cpu],
            threads: 1,
            asked_by: AskedBy::Option,
        },
        program: "fer-lab-torch".into(),
        commit: None,
        retries: 3,
        replace: false,
        fail_fast: false,
        locks: true,
        stall: None,
        end_stalled: false,
        slurm: Some(SlurmSettings { tasks: Some(tasks), ..SlurmSettings::default() }),
        checkpoint_seconds: 20,
    };
    watch("the first half", &work, Some(plan.trainings.len() / 2));
    watch("another watcher", &work, None);
    drop(results);

    let words = ["run", "cluster.toml", "--engine", "slurm", "--no-examples", "-q"];
    let words =
        words.map(|word| if word == "cluster.toml" { file.to_str().expect("UTF-8") } else { word });
    let measured =
        measure(Path::new(env!("CARGO_BIN_EXE_fer-lab")), &root, &words.map(str::to_owned));
    match measured.refused {
        Some(why) => println!("fer-lab run: {why}"),
        None => println!(
            "fer-lab run, on what is done: {:.1} s with tables, analysis and charts, of which {:.1} s of a processor; {:.0} MB",
            measured.seconds, measured.processor, measured.megabytes
        ),
    }
}

//! A cluster that is not there: its queue, and its tasks, which store what workers would.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use fer_lab::engine::{Event, Outcome, Specification};
use fer_lab::epoch::{EpochRecord, Step};
use fer_lab::store::Results;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Settings, made};

pub const VAL: usize = 30;
pub const TEST: usize = 40;

/// The interval between two steps in the events of a worker.
const STEP: Duration = Duration::from_secs(2);

/// One task of so many comes to the end of its time halfway, and one dies.
const OUT_OF_TIME: usize = 20;
const DYING: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Pending,
    Running,
    /// Slurm's word for how it ended.
    Ended(&'static str),
}

#[derive(Debug)]
struct Job {
    name: String,
    folder: PathBuf,
    /// Each with its index in the array.
    tasks: Vec<(usize, Phase)>,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: Vec<Job>,
    /// Tasks that wait, by job and place.
    waiting: VecDeque<(usize, usize)>,
}

struct Site {
    queue: Mutex<Queue>,
    more: Condvar,
    settings: Settings,
}

/// Keeps the site at a socket, until it is killed.
pub fn keep(socket: &Path, settings: Settings) {
    let site = Arc::new(Site { queue: Mutex::default(), more: Condvar::new(), settings });
    for _ in 0..settings.at_once {
        let site = Arc::clone(&site);
        let small = std::thread::Builder::new().stack_size(512 * 1024);
        small.spawn(move || site.run_tasks()).expect("a thread");
    }
    let listener = UnixListener::bind(socket).expect("a socket");
    for stream in listener.incoming() {
        let site = Arc::clone(&site);
        std::thread::spawn(move || site.serve(stream.expect("a connection")));
    }
}

impl Site {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no holder panics")
    }

    fn serve(&self, mut stream: UnixStream) {
        let mut question = String::new();
        stream.read_to_string(&mut question).expect("a question");
        let words: Vec<&str> = question.split('\0').collect();
        let start = Instant::now();
        let (answer, takes) = self.answer(&words);
        std::thread::sleep(takes.saturating_sub(start.elapsed()));
        // Whoever asked may be gone.
        let _ = stream.write_all(answer.as_bytes());
    }

    /// The answer to a command, and how long Slurm takes for it.
    fn answer(&self, words: &[&str]) -> (String, Duration) {
        let micros = |all: usize| Duration::from_micros(all as u64);
        match words {
            ["sbatch", options @ .., script] => {
                let (job, tasks) = self.submit(options, Path::new(script));
                (format!("{job}\n"), micros(11_000 + 5 * tasks))
            }
            ["squeue", options @ ..] => {
                let listed = self.listed(options);
                let lines = listed.lines().count();
                (listed, micros(5_000 + 20 * lines))
            }
            ["sacct", .., job] => (
                self.ended(job, |job, task, state| format!("{job}_{task}|{state}|0:0\n")),
                micros(40_000),
            ),
            ["scontrol", "show", "config"] => {
                ("MaxArraySize = 100001\nMaxJobCount = 200000\n".to_owned(), micros(5_000))
            }
            ["scontrol", "show", "job", _, job] => {
                let line = |job: usize, task: usize, state: &str| {
                    format!(
                        "JobId={job} ArrayJobId={job} ArrayTaskId={task} JobName=x JobState={state} ExitCode=0:0\n"
                    )
                };
                (self.ended(job, line), micros(5_000))
            }
            ["sinfo", ..] => ("main*|infinite\n".to_owned(), micros(5_000)),
            _ => (String::new(), micros(5_000)),
        }
    }

    fn submit(&self, options: &[&str], script: &Path) -> (usize, usize) {
        let of = |start: &str| options.iter().find_map(|option| option.strip_prefix(start));
        let array = of("--array=").expect("an array").split('%').next().unwrap_or_default();
        let indices: Vec<usize> = array.split(',').flat_map(range).collect();
        let tasks = indices.len();
        let folder = script.parent().expect("the submission's folder").to_owned();
        let name = of("--job-name=").expect("a name").to_owned();
        let mut queue = self.queue();
        let job = queue.jobs.len();
        let pending = indices.into_iter().map(|index| (index, Phase::Pending));
        queue.jobs.push(Job { name, folder, tasks: pending.collect() });
        queue.waiting.extend((0..tasks).map(|task| (job, task)));
        self.more.notify_all();
        (job + 1, tasks)
    }

    fn listed(&self, options: &[&str]) -> String {
        let names = options.iter().find_map(|option| option.strip_prefix("--name="));
        let names: Vec<&str> = names.unwrap_or_default().split(',').collect();
        let mut text = String::new();
        let queue = self.queue();
        for (job, Job { name, tasks, .. }) in (1..).zip(&queue.jobs) {
            if !names.contains(&name.as_str()) {
                continue;
            }
            for (task, phase) in tasks {
                let (state, node, reason) = match phase {
                    Phase::Pending => ("PENDING", "", "Priority"),
                    Phase::Running => ("RUNNING", "n1", "None"),
                    Phase::Ended(_) => continue,
                };
                let _ = writeln!(
                    text,
                    "{job}|{task}|{state}|2026-11-30T02:00:00|{name}|{node}|{reason}"
                );
            }
        }
        text
    }

    fn ended(&self, job: &str, line: impl Fn(usize, usize, &str) -> String) -> String {
        let job: usize = job.parse().expect("a job");
        let queue = self.queue();
        let tasks = queue.jobs[job - 1].tasks.iter();
        tasks
            .map(|(task, phase)| match phase {
                Phase::Pending => line(job, *task, "PENDING"),
                Phase::Running => line(job, *task, "RUNNING"),
                Phase::Ended(state) => line(job, *task, state),
            })
            .collect()
    }

    /// A processor of the site: one task after another, for ever.
    fn run_tasks(&self) {
        loop {
            let (job, task, number, folder) = {
                let mut queue = self.queue();
                loop {
                    if let Some((job, task)) = queue.waiting.pop_front() {
                        let Job { folder, tasks, .. } = &mut queue.jobs[job];
                        tasks[task].1 = Phase::Running;
                        break (job, task, tasks[task].0, folder.clone());
                    }
                    queue = self.more.wait(queue).expect("no holder panics");
                }
            };
            let end = self.run_task(&folder, job, number);
            self.queue().jobs[job].tasks[task].1 = Phase::Ended(end);
            // Slurm's hand-over.
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Works a task's list off, and says how Slurm calls its end.
    fn run_task(&self, folder: &Path, job: usize, number: usize) -> &'static str {
        let list =
            fs::read_to_string(folder.join(format!("tasks/{number}.jsonl"))).expect("a list");
        let results = folder.ancestors().nth(3).expect("the results folder");
        let results = Results::open(results).expect("a results folder");
        let mut events = Events::of(&folder.join(format!("events/{number}.jsonl")));
        events.say(&Event::Task {
            host: "n1".to_owned(),
            job: Some(format!("{}_{number}", job + 1)),
            restarts: 0,
        });
        let lines: Vec<&str> = list.lines().collect();
        let halfway = lines.len() / 2;
        for (place, line) in lines.iter().enumerate() {
            let specification = Specification::read(line.as_bytes()).expect("a specification");
            // What was submitted again is not hit again.
            let first = job == 0 && place == halfway;
            let out_of_time = first && number % OUT_OF_TIME == 7;
            if first && number % DYING == 11 {
                events.begin(&specification);
                return "FAILED";
            }
            self.train(&specification, &results, &mut events, out_of_time);
            if out_of_time {
                return "TIMEOUT";
            }
        }
        "COMPLETED"
    }

    fn train(
        &self,
        specification: &Specification,
        results: &Results,
        events: &mut Events,
        out_of_time: bool,
    ) {
        let id = specification.training.as_str();
        let mut random = ChaCha8Rng::from_seed(*blake3::hash(id.as_bytes()).as_bytes());
        let seconds = self.settings.seconds * random.random_range(0.5..1.5);
        events.begin(specification);
        let start = Instant::now();
        let mut epoch = 0;
        loop {
            let left = seconds - start.elapsed().as_secs_f64();
            if left <= 0.0 {
                break;
            }
            std::thread::sleep(STEP.min(Duration::from_secs_f64(left)));
            let done = (start.elapsed().as_secs_f64() / seconds).min(1.0) * f64::from(made::EPOCHS);
            while epoch < done as u32 {
                epoch += 1;
                events.epoch(specification, epoch);
            }
            events.step(specification, epoch + 1);
        }
        let training = specification.training.clone();
        if out_of_time {
            events.say(&Event::Ended { training, outcome: Outcome::Interrupted });
            return;
        }
        let spec = specification.training().expect("the training of a specification");
        made::training(results, id, &spec, 0.6).expect("a folder that can be written");
        events.say(&Event::Trained { training: training.clone() });
        for evaluation in &specification.evaluations {
            let path = results.evaluation_path(id, evaluation.id.as_str()).expect("a path");
            let rows = made::predictions(evaluation.id.as_str(), (VAL, TEST), 0.6, &mut random);
            made::evaluation(&path, evaluation.id.as_str(), 0.1, &rows).expect("a file");
            let evaluation = evaluation.id.clone();
            events.say(&Event::Evaluated { training: training.clone(), evaluation });
        }
        events.say(&Event::Ended { training, outcome: Outcome::Done });
    }
}

/// The indices that a part of an array's list names, as `3` or `7-9`.
fn range(part: &str) -> std::ops::RangeInclusive<usize> {
    let index = |text: &str| text.parse().expect("an index");
    match part.split_once('-') {
        Some((first, last)) => index(first)..=index(last),
        None => index(part)..=index(part),
    }
}

/// The file of a worker's events.
struct Events(File);

impl Events {
    fn of(path: &Path) -> Events {
        Events(File::options().append(true).create(true).open(path).expect("a file"))
    }

    fn say(&mut self, event: &Event) {
        let mut line = serde_json::to_vec(event).expect("an event is plain data");
        line.push(b'\n');
        self.0.write_all(&line).expect("a file that can be written");
    }

    fn begin(&mut self, specification: &Specification) {
        self.say(&Event::Started {
            training: specification.training.clone(),
            name: specification.name.clone(),
            seed: specification.seed,
            epochs: made::EPOCHS,
            resumed: None,
        });
    }

    fn step(&mut self, specification: &Specification, epoch: u32) {
        let step =
            Step { epoch, step: 3, steps: 9, loss: 1.2, accuracy: 0.6, images_per_second: 900.0 };
        self.say(&Event::Step { training: specification.training.clone(), step });
    }

    fn epoch(&mut self, specification: &Specification, epoch: u32) {
        let record = EpochRecord {
            train_seconds: 1.0,
            epoch,
            learning_rate: 0.01,
            train_loss: 1.2,
            train_accuracy: 0.6,
            val_loss: 1.3,
            val_accuracy: 0.55,
            seconds: 1.4,
        };
        self.say(&Event::Epoch { training: specification.training.clone(), record });
    }
}

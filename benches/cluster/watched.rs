//! A run that is watched: its passes, its time of a processor, its memory.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use fer_lab::engine::{self, Event, Observer, Work};

/// Shares and megabytes that a run may take, and seconds of a pass.
const SHARE: f64 = 0.01;
const MEGABYTES: f64 = 300.0;
const PASS: f64 = 2.0;

/// What a run is at, by its events.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Reading,
    Watching,
    Collecting,
}

const STAGES: [(Stage, &str); 3] = [
    (Stage::Reading, "reading what is there"),
    (Stage::Watching, "watching"),
    (Stage::Collecting, "writing the tables"),
];

/// What a stage took, seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Took {
    wall: f64,
    processor: f64,
    /// The longest pass.
    longest: f64,
}

/// The stage, since when and with how much of a processor, when the run looked last, and what the stages took.
#[derive(Debug)]
struct Looks {
    stage: Stage,
    since: (Instant, f64),
    last: Instant,
    took: [Took; 3],
}

struct Counting {
    interruption: Arc<AtomicBool>,
    looks: Mutex<Looks>,
    trained: usize,
    trainings: usize,
    /// Interrupt once so many are trained.
    until: Option<usize>,
    failed: usize,
    again: usize,
}

impl Observer for Counting {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Planned { trainings, trained, .. } => {
                (self.trainings, self.trained) = (*trainings, *trained);
                self.enter(Stage::Watching);
            }
            Event::Trained { .. } => self.trained += 1,
            Event::Failed { again: true, .. } => self.again += 1,
            Event::Failed { .. } => self.failed += 1,
            _ => {}
        }
        let enough = self.until.is_some_and(|until| self.trained >= until);
        if enough {
            self.interruption.store(true, Ordering::SeqCst);
        }
        if enough || (self.trainings > 0 && self.trained == self.trainings) {
            self.enter(Stage::Collecting);
        }
    }

    fn interruption(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interruption)
    }

    fn interrupted(&self) -> bool {
        self.look();
        self.interruption.load(Ordering::SeqCst)
    }
}

impl Counting {
    fn look(&self) {
        let mut looks = self.looks.lock().expect("no holder panics");
        let pass = looks.last.elapsed().as_secs_f64();
        let stage = looks.stage as usize;
        looks.took[stage].longest = looks.took[stage].longest.max(pass);
        looks.last = Instant::now();
    }

    fn enter(&self, stage: Stage) {
        let mut looks = self.looks.lock().expect("no holder panics");
        if looks.stage == stage {
            return;
        }
        let (since, before) = looks.since;
        let now = processor();
        let former = looks.stage as usize;
        looks.took[former].wall += since.elapsed().as_secs_f64();
        looks.took[former].processor += now - before;
        (looks.stage, looks.since) = (stage, (Instant::now(), now));
    }
}

/// Carries out a run, until so many trainings are done or to its end, and prints what it took.
pub fn watch(what: &str, work: &Work, until: Option<usize>) {
    let (start, before) = (Instant::now(), processor());
    let looks = Looks {
        stage: Stage::Reading,
        since: (start, before),
        last: start,
        took: [Took::default(); 3],
    };
    let mut observer = Counting {
        interruption: Arc::default(),
        looks: Mutex::new(looks),
        trained: 0,
        trainings: 0,
        until,
        failed: 0,
        again: 0,
    };
    let done = engine::execute(work, &mut observer).expect("a run");
    observer.look();
    // Ends the last stage.
    observer.enter(Stage::Reading);
    let (wall, own, megabytes) = (start.elapsed().as_secs_f64(), processor() - before, peak());
    let over = |is: bool| if is { " (over the aim)" } else { "" };
    println!(
        "{what}: {} trainings in {wall:.0} s, {} tried again, {} failed, {} runs open",
        done.trained, observer.again, observer.failed, done.failed_runs
    );
    println!(
        "  in all {own:.2} s of a processor, {:.2} % of one; memory {megabytes:.0} MB{}",
        own / wall * 100.0,
        over(megabytes > MEGABYTES)
    );
    let looks = observer.looks.lock().expect("no holder panics");
    for (stage, name) in STAGES {
        let Took { wall, processor, longest } = looks.took[stage as usize];
        let share = processor / wall;
        println!(
            "  {name}: {wall:.1} s, {processor:.2} s of a processor ({:.2} % of one{}); longest pass {longest:.2} s{}",
            share * 100.0,
            over(stage == Stage::Watching && share > SHARE),
            over(longest > PASS)
        );
    }
}

/// Seconds of a processor that this process has taken, its children not counted.
fn processor() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to memory of this function, which the call fills; zeroes are a valid `rusage`.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The largest resident set of this process so far, MB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) * 1024.0 / 1e6
}

//! Time of planning and of each pass over a plan of 10,000 trainings, and of one of 50,000 runs of 1,000 networks.
//!
//! ```text
//! cargo bench --bench scale
//! ```
//!
//! Nothing is trained: the trainings are those of experiment files, and the results folder is empty. Each pass looks at
//! every training with its runs once, so its time must grow as their number does; `specifications` is the pass that `run`
//! makes before its first training, with a specification for each.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use fer_lab::engine::{self, Event, Observer, Work};
use fer_lab::experiment::{DeviceChoice, parse};
use fer_lab::machine::{AskedBy, Resources};
use fer_lab::plan::{ImageCounts, Plan};
use fer_lab::store::Results;

/// The aim for each pass, seconds.
const AIM: f64 = 2.0;

struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &Event) {}

    fn interruption(&self) -> Arc<AtomicBool> {
        Arc::default()
    }
}

/// An experiment of small drawn faces: one region in one phase with controls, and as many seeds.
fn text(phase: &str, controls: u32, seeds: u32) -> String {
    format!(
        "name = \"scale\"\n[dataset]\nkind = \"faces\"\nsize = [24, 24]\ntrain = 96\nval = 30\ntest = 40\n\
         [occlusion]\nregions = [\"mouth\"]\nphases = [\"{phase}\"]\ncontrols = {controls}\n\
         evaluated_controls = {controls}\nmasks_alone = false\n[seeds]\ncount = {seeds}\n"
    )
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    let seconds = start.elapsed().as_secs_f64();
    let word = if seconds > AIM { "  over the aim" } else { "" };
    println!("  {what:<16} {seconds:7.3} s{word}");
    done
}

fn measure(text: &str) {
    let experiment = parse(text, "scale.toml", &[]).expect("the experiment above");
    let plan = timed("plan", || Plan::new(&experiment).expect("a plan"));
    println!("  {} trainings, {} runs", plan.trainings.len(), plan.runs.len());
    let identified = timed("identify", || plan.identify(&|_| None));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let results = Results::create(folder.path()).expect("a results folder");
    timed("outline", || {
        engine::outline(&experiment, &plan, &identified, Some(&results)).expect("an outline")
    });
    let open: Vec<usize> = (0..plan.trainings.len()).collect();
    timed("estimate", || {
        let images = |_: &_| Some(ImageCounts { train: 96, val: 30, test: 40 });
        let speed = |settings: &_| fer_lab::analysis::speed(&results, settings);
        plan.estimate(&open, (2, 1), images, speed).expect("an estimate")
    });
    let work = Work {
        experiment: &experiment,
        plan: &plan,
        results: &results,
        resources: Resources {
            devices: vec![DeviceChoice::Cpu],
            threads: 1,
            asked_by: AskedBy::Option,
        },
        program: "fer-lab".into(),
        commit: None,
        retries: 0,
        replace: false,
        fail_fast: false,
        locks: true,
        stall: None,
        end_stalled: false,
        slurm: None,
        checkpoint_seconds: 20,
    };
    timed("specifications", || {
        engine::specifications(&work, &mut Silent).expect("specifications").len()
    });
}

fn main() {
    println!("10 conditions × 1,000 seeds, a network each:");
    measure(&text("retrain", 8, 1000));
    println!("50 conditions × 1,000 seeds, evaluated on the networks of whole faces:");
    measure(&text("evaluate", 48, 1000));
}

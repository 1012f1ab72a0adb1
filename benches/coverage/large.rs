//! The analysis of a large study: how long, and how much memory.

use std::collections::BTreeMap;
use std::time::Instant;

use fer_lab::analysis::{self, RunScores, Scorer};
use fer_lab::dataset::Split;
use fer_lab::experiment::Statistics;
use fer_lab::random::generator;
use fer_lab::region::{FillKind, Mode, Phase};
use fer_lab::store::{PredictionRow, RunRow, RunStatus, Term};
use rand::RngExt;
use rayon::prelude::*;

const SEEDS: u64 = 10;
const IMAGES: usize = 3579;
const CLASSES: [&str; 7] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"];
const REGIONS: [&str; 7] = ["brows", "cheeks", "eyes", "forehead", "jaw", "mouth", "nose"];

/// Analyses the study and prints a line for each table.
pub fn measure() {
    let classes = CLASSES.map(str::to_owned);
    let start = Instant::now();
    let scores = study(&classes);
    println!(
        "\n{} runs of {IMAGES} images, on {} threads",
        scores.len(),
        rayon::current_num_threads()
    );
    let mut last = start;
    let mut said = |what: &str, rows: usize| {
        println!("{what}: {rows} rows, {:.2} s", last.elapsed().as_secs_f64());
        last = Instant::now();
    };
    said("scores", scores.len());
    said("effects", analysis::effects(&scores).expect("effects").len());
    said("class effects", analysis::class_effects(&scores).expect("effects").len());
    said("Shapley", analysis::shapley(&scores).expect("values").values.len());
    said("interplay", analysis::interplay(&scores).expect("values").len());
    said("contrasts", analysis::contrasts(&scores).expect("differences").len());
    said("ranking", analysis::ranking(&scores).expect("ranks").len());
    said("confusions", analysis::confusion_shifts(&scores).expect("shifts").len());
    println!("all: {:.1} s, peak memory {:.0} MB", start.elapsed().as_secs_f64(), peak());
}

/// Megabytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kibibytes.map_or(f64::NAN, |kibibytes| kibibytes * 1024.0 / 1e6)
}

/// Whole faces, every set of five regions seen alone, each of seven hidden in two phases, four controls.
fn conditions() -> Vec<RunRow> {
    let mut conditions = vec![row(&[], "none", "none", None)];
    for set in 1..32usize {
        let member = |region: &usize| set >> region & 1 == 1;
        let regions: Vec<&str> = (0..5).filter(member).map(|region| REGIONS[region]).collect();
        conditions.push(row(&regions, "keep", "retrain", None));
    }
    for phase in ["retrain", "evaluate"] {
        for region in REGIONS {
            conditions.push(row(&[region], "hide", phase, None));
        }
    }
    conditions.extend([0, 1, 2, 3].map(|draw| row(&["mouth"], "hide", "retrain", Some(draw))));
    conditions
}

fn study(classes: &[String]) -> Vec<RunScores> {
    let mut scorer = Scorer::new(classes);
    let mut scores = Vec::new();
    for (condition, like) in conditions().into_iter().enumerate() {
        for seed in 1..=SEEDS {
            let mut run = like.clone();
            run.seed = seed;
            run.run_id = format!("{condition}-{seed}");
            // As wide a run as any: predictions come one run at a time, and are dropped.
            let rows: Vec<PredictionRow> = (0..IMAGES)
                .into_par_iter()
                .map(|image| prediction(&run, condition as u64, image, classes))
                .collect();
            scores.push(scorer.score(run, &rows).expect("scores"));
        }
    }
    scores
}

fn prediction(run: &RunRow, condition: u64, image: usize, classes: &[String]) -> PredictionRow {
    let mut random = generator(run.seed, "prediction", &[condition, image as u64]);
    let actual = image % classes.len();
    let mut probabilities = [0.04f32; 7];
    let difficulty = (image * 7919 % 1000) as f64 / 1000.0;
    let predicted = if random.random_bool(0.95 - 0.7 * difficulty) {
        actual
    } else {
        random.random_range(0..7)
    };
    probabilities[predicted] = 0.76;
    let mut label = vec![0.0; 7];
    label[actual] = 1.0;
    PredictionRow {
        run_id: run.run_id.clone(),
        split: Split::Test,
        image: format!("image_{image:05}.png"),
        actual: classes[actual].clone(),
        predicted: classes[predicted].clone(),
        credit: None,
        probabilities: probabilities.to_vec(),
        log_probabilities: Some(probabilities.map(f32::ln).to_vec()),
        label,
    }
}

pub fn row(regions: &[&str], mode: &str, phase: &str, draw: Option<u32>) -> RunRow {
    let word = |word: &str| word.to_owned();
    RunRow {
        run_id: String::new(),
        training_id: String::new(),
        experiment: word("large"),
        condition: format!("{mode} {}", regions.join(" + ")),
        dataset: word("faces"),
        test_part: None,
        regions: regions.iter().map(|region| word(region)).collect(),
        mode: Mode::of(mode),
        fill: Mode::of(mode).map(|_| FillKind::Mean),
        phase: Phase::of(phase),
        control: draw.is_some(),
        draw,
        area: 0.1,
        missed: None,
        seed: 0,
        epochs: 1,
        best_epoch: 1,
        parameters: 1,
        val_accuracy: Some(0.5),
        test_accuracy: Some(0.5),
        test_balanced_accuracy: Some(0.5),
        test_macro_f1: Some(0.5),
        test_loss: Some(1.0),
        test_bits: Some(1.0),
        device: word("cpu"),
        precision: word("f32"),
        fer_lab: String::new(),
        libtorch: String::new(),
        processor: String::new(),
        threads: 1,
        statistics: Statistics::Trained,
        wall_seconds: 1.0,
        train_images_per_second: 1.0,
        status: RunStatus::Done,
        swept: BTreeMap::new(),
    }
}

//! A results folder of many trainings that were never trained.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fer_lab::dataset::Split;
use fer_lab::engine::outline;
use fer_lab::experiment::{self, Experiment, Source, Statistics};
use fer_lab::plan::{Identified, Plan};
use fer_lab::region::Mode;
use fer_lab::store::{
    ConfusionRow, EpochRow, PredictionRow, PredictionSource, Results, RunRow, RunStatus,
    StoreError, collect_predictions, write_sealed_json, write_table,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::made::{self, CLASSES, EPOCHS};

/// Whole faces, and twelve sets of regions hidden and kept.
const CONDITIONS: usize = 25;
const SEEDS: usize = 4;
const VAL: usize = 300;
const TEST: usize = 600;
/// Of the study of all sets of regions: as many as FER+ has.
const TEST_OF_SETS: usize = 3579;

/// The arguments of the commands.
pub struct Names {
    pub experiments: [String; 2],
    /// Of the same condition with different seeds.
    pub runs: [String; 2],
    pub training: String,
    /// The first experiment's file.
    pub file: PathBuf,
    /// The study of all sets of regions.
    pub sets: &'static str,
}

const SETS: &str = "sets";

pub fn names(root: &Path) -> Names {
    let results = Results::open(root).expect("the folder");
    let experiments = [name(0), name(1)];
    let mut whole = results.runs(&experiments[0]).expect("its runs");
    whole.retain(|run| run.condition == "whole");
    Names {
        runs: [whole[0].run_id.clone(), whole[1].run_id.clone()],
        training: whole[0].training_id.clone(),
        file: results.experiment_dir(&experiments[0]).expect("a name").join("experiment.toml"),
        experiments,
        sets: SETS,
    }
}

fn name(index: usize) -> String {
    format!("experiment_{index:03}")
}

/// Experiments differ in their learning rate, so that none shares a training.
fn experiment(index: usize) -> Experiment {
    let text = format!(
        r#"
name = "{}"
question = "How much of the signal sits in each region?"

[dataset]
kind = "faces"
size = [48, 48]
train = 2400
val = {VAL}
test = {TEST}

[model]
blocks = [[8], [24, 24], [48, 48]]

[train]
epochs = {EPOCHS}
optimizer = {{ kind = "adam", learning_rate = {} }}

[occlusion]
regions = [
    "brows", "cheeks", "eyes", "forehead", "jaw", "mouth", "nose", ["brows", "eyes"],
    ["eyes", "mouth"], ["eyes", "nose"], ["jaw", "mouth"], ["cheeks", "nose"],
]
modes = ["hide", "keep"]
masks_alone = false

[seeds]
count = {SEEDS}
"#,
        name(index),
        0.001 + 0.0001 * index as f64,
    );
    experiment::parse(&text, "looking", &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Every set of the seven regions kept, for networks trained for all of them: 128 conditions × 3 seeds.
fn all_sets() -> Experiment {
    let text = format!(
        r#"
name = "{SETS}"
question = "How does the signal divide among the regions?"

[dataset]
kind = "faces"
size = [48, 48]
train = 2400
val = {VAL}
test = {TEST_OF_SETS}

[model]
blocks = [[8], [24, 24], [48, 48]]

[train]
epochs = {EPOCHS}

[occlusion]
regions = "subsets"
modes = ["keep"]
phases = ["amortised"]
evaluated_controls = 0
masks_alone = false

[seeds]
count = 3
"#
    );
    experiment::parse(&text, "looking", &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Writes a results folder with at least this many trainings, and at least two experiments.
pub fn generate(root: &Path, trainings: usize) {
    let results = Results::create(root).expect("a folder that can be written");
    let experiments = trainings.div_ceil(CONDITIONS * SEEDS).max(2);
    (0..experiments).into_par_iter().for_each(|index| {
        let experiment = experiment(index);
        let plan = Plan::new(&experiment).expect("a plan");
        assert_eq!(plan.trainings.len(), CONDITIONS * SEEDS);
        let identified = plan.identify(&|_| None);
        write_experiment(&results, &experiment, &plan, &identified).expect("results");
    });
    let experiment = all_sets();
    let plan = Plan::new(&experiment).expect("a plan");
    let identified = plan.identify(&|_| None);
    write_experiment(&results, &experiment, &plan, &identified).expect("results");
}

fn write_experiment(
    results: &Results,
    experiment: &Experiment,
    plan: &Plan,
    identified: &Identified,
) -> Result<(), StoreError> {
    let name = experiment.name.as_str();
    let (mut runs, mut sources, mut epochs) = (Vec::new(), Vec::new(), Vec::new());
    let mut written = BTreeSet::new();
    let images = match &experiment.settings.dataset.source {
        Source::Faces(faces) => faces.test,
        _ => TEST,
    };
    for (run, identity) in plan.runs.iter().zip(&identified.runs) {
        let [id, evaluation] = [identity.training.as_str(), identity.evaluation.as_str()];
        let condition = &plan.conditions[run.condition];
        // A generator for every run, so that another experiment changes none of them.
        let seed = identity.run.as_str();
        let mut random = ChaCha8Rng::from_seed(*blake3::hash(seed.as_bytes()).as_bytes());
        let occlusion = condition.occlusion.as_ref();
        let covered = condition.regions.len() as f64 * 0.08;
        let ability = match occlusion.map(|occlusion| occlusion.mode) {
            Some(Mode::Keep) => 0.25 + covered,
            _ => 0.85 - covered,
        };
        let ability = ability + random.random_range(-0.01..0.01);
        if written.insert(id) {
            epochs.extend(made::training(results, id, &plan.trainings[run.training], ability)?);
        }

        let path = results.evaluation_path(id, evaluation)?;
        let rows = made::predictions(evaluation, (VAL, images), ability, &mut random);
        made::evaluation(&path, evaluation, covered, &rows)?;
        let classes = plan.trainings[run.training].settings.dataset.classes.clone();
        sources.push(PredictionSource { run_id: identity.run.to_string(), path, classes });
        runs.push(RunRow {
            run_id: identity.run.to_string(),
            training_id: id.to_owned(),
            experiment: name.to_owned(),
            condition: condition.name.clone(),
            dataset: "faces".to_owned(),
            test_part: None,
            regions: condition.regions.clone(),
            mode: occlusion.map(|occlusion| occlusion.mode),
            fill: occlusion.map(|occlusion| occlusion.fill.kind()),
            phase: condition.phase,
            control: false,
            draw: None,
            area: covered,
            missed: None,
            seed: run.seed,
            epochs: EPOCHS,
            best_epoch: EPOCHS - 2,
            parameters: 60_000,
            val_accuracy: Some(accuracy(&rows, Split::Val)),
            test_accuracy: Some(accuracy(&rows, Split::Test)),
            test_balanced_accuracy: Some(accuracy(&rows, Split::Test)),
            test_macro_f1: Some(accuracy(&rows, Split::Test)),
            test_loss: Some(0.6),
            test_bits: Some(2.0 * ability),
            device: "cpu".to_owned(),
            precision: "f32".to_owned(),
            fer_lab: "0.1.0".to_owned(),
            libtorch: "2.13.0".to_owned(),
            processor: "a processor".to_owned(),
            threads: 1,
            statistics: Statistics::Trained,
            wall_seconds: 42.0,
            train_images_per_second: 1700.0,
            status: RunStatus::Done,
            swept: BTreeMap::new(),
        });
    }
    write_table(&results.table_path::<RunRow>(name)?, &runs)?;
    write_table(&results.table_path::<EpochRow>(name)?, &epochs)?;
    let mut confusion = Vec::new();
    collect_predictions::<StoreError>(
        &results.table_path::<PredictionRow>(name)?,
        sources,
        |rows| {
            confusion.extend(counts(rows));
            Ok(())
        },
    )?;
    write_table(&results.table_path::<ConfusionRow>(name)?, &confusion)?;
    let folder = results.experiment_dir(name)?;
    fs::write(folder.join("experiment.toml"), &experiment.merged).expect("a file");
    write_sealed_json(
        &folder.join("plan.json"),
        &outline(experiment, plan, identified, Some(results))?,
    )
}

fn accuracy(rows: &[PredictionRow], split: Split) -> f64 {
    let of_split = || rows.iter().filter(|row| row.split == split);
    of_split().filter(|row| row.actual == row.predicted).count() as f64 / of_split().count() as f64
}

fn counts(rows: &[PredictionRow]) -> Vec<ConfusionRow> {
    let mut counts: BTreeMap<(Split, [&str; 2]), f64> = BTreeMap::new();
    for row in rows {
        *counts.entry((row.split, [&row.actual, &row.predicted])).or_default() += 1.0;
    }
    let mut confusion = Vec::new();
    for split in [Split::Val, Split::Test] {
        for actual in CLASSES {
            confusion.extend(CLASSES.map(|predicted| ConfusionRow {
                run_id: rows[0].run_id.clone(),
                split,
                actual: actual.to_owned(),
                predicted: predicted.to_owned(),
                count: counts.get(&(split, [actual, predicted])).copied().unwrap_or(0.0),
            }));
        }
    }
    confusion
}

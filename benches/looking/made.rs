//! Trainings that were never trained, and evaluations, as workers store them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use fer_lab::dataset::Split;
use fer_lab::plan::{NUMERIC_VERSION, TrainingSpec};
use fer_lab::store::{
    EpochRow, EvaluationRecord, Manifest, PredictionRow, Results, StoreError, TrainingStatus,
    hash_file, write_table,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub const EPOCHS: u32 = 30;
pub const CLASSES: [&str; 7] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"];

/// Stores a training as a worker would, and returns its epochs. `ability`: about the accuracy that it reaches.
pub fn training(
    results: &Results,
    id: &str,
    spec: &TrainingSpec,
    ability: f64,
) -> Result<Vec<EpochRow>, StoreError> {
    let epochs = epoch_rows(id, ability);
    let (table, model) = (results.epochs_path(id)?, results.model_path(id)?);
    write_table(&table, &epochs)?;
    fs::write(&model, id).expect("a file");
    let mut log = String::new();
    for row in &epochs {
        let EpochRow { epoch, train_loss, train_accuracy, val_loss, val_accuracy, .. } = row;
        let _ = writeln!(
            log,
            "epoch {epoch} rate 1e-2 loss {train_loss:.4} accuracy {train_accuracy:.4} \
             val_loss {val_loss:.4} val_accuracy {val_accuracy:.4} seconds 1.4"
        );
    }
    fs::write(results.log_path(id)?, log).expect("a file");
    let files = [("epochs.parquet", &table), ("model.safetensors", &model)];
    let files = files.map(|(name, path)| (name.to_owned(), hash_file(path).expect("a file")));
    let manifest = Manifest {
        training_id: id.to_owned(),
        seed: spec.seed,
        settings: Manifest::settings(spec),
        content: None,
        fer_lab: "0.1.0".to_owned(),
        git: None,
        numeric_version: NUMERIC_VERSION,
        libtorch: "2.13.0".to_owned(),
        onnxruntime: None,
        device: "cpu".to_owned(),
        processor: "a processor".to_owned(),
        driver: None,
        precision: "f32".to_owned(),
        threads: 2,
        host: "bench".to_owned(),
        started: 1_790_000_000 + spec.seed,
        wall_seconds: 42.0,
        train_images_per_second: 1700.0,
        epochs: EPOCHS,
        best_epoch: EPOCHS - 2,
        parameters: 60_000,
        stopped_early: false,
        prior: vec![1.0 / CLASSES.len() as f64; CLASSES.len()],
        masked_area: Some(0.1),
        status: TrainingStatus::Done,
        files: files.into(),
    };
    manifest.write(&results.manifest_path(id)?)?;
    Ok(epochs)
}

/// Stores an evaluation's predictions with their record.
pub fn evaluation(
    path: &Path,
    evaluation: &str,
    area: f64,
    rows: &[PredictionRow],
) -> Result<(), StoreError> {
    write_table(path, rows)?;
    let record = EvaluationRecord {
        evaluation_id: evaluation.to_owned(),
        area,
        missed: None,
        predictions: hash_file(path)?,
        made_on: None,
    };
    record.write(&EvaluationRecord::path(path))
}

fn epoch_rows(id: &str, ability: f64) -> Vec<EpochRow> {
    let row = |epoch: u32| {
        let reached = ability * (1.0 - (-f64::from(epoch) / 5.0).exp());
        EpochRow {
            training_id: id.to_owned(),
            epoch,
            learning_rate: 0.01,
            train_loss: 2.0 - reached,
            train_accuracy: reached,
            val_loss: 2.1 - reached,
            val_accuracy: reached,
            seconds: 1.4,
        }
    };
    (1..=EPOCHS).map(row).collect()
}

/// Predictions for so many validation and test images, of which about the share `ability` is correct.
pub fn predictions(
    evaluation: &str,
    (val, test): (usize, usize),
    ability: f64,
    random: &mut ChaCha8Rng,
) -> Vec<PredictionRow> {
    let splits = [(Split::Val, val), (Split::Test, test)];
    let images =
        splits.into_iter().flat_map(|(split, images)| (0..images).map(move |i| (split, i)));
    let mut row = |split: Split, image: usize| {
        let actual = image % CLASSES.len();
        let wrong = (actual + random.random_range(1..CLASSES.len())) % CLASSES.len();
        let predicted = if random.random_bool(ability) { actual } else { wrong };
        let certain = random.random_range(0.4..0.9_f32);
        let rest = (1.0 - certain) / (CLASSES.len() - 1) as f32;
        let shares = |class: usize, share: f32, rest: f32| -> Vec<f32> {
            (0..CLASSES.len()).map(|other| if other == class { share } else { rest }).collect()
        };
        PredictionRow {
            run_id: evaluation.to_owned(),
            split,
            image: format!("faces-{split}-{image:05}"),
            actual: CLASSES[actual].to_owned(),
            predicted: CLASSES[predicted].to_owned(),
            credit: Some(f64::from(u8::from(actual == predicted))),
            probabilities: shares(predicted, certain, rest),
            log_probabilities: Some(shares(predicted, certain.ln(), rest.ln())),
            label: shares(actual, 1.0, 0.0),
        }
    };
    images.map(|(split, image)| row(split, image)).collect()
}

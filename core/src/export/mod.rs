//! A network that was trained here as an ONNX file.
//!
//! In: a training's manifest and its file of weights. Out: the bytes of an ONNX file with the same network for inference, and
//! what is to be said of it. The file takes pictures of values from 0 to 1: their standardisation is in it, dropout is not.
//! It says itself what it takes and answers ([`said`](crate::onnx::said)). Nothing is computed, and neither libtorch nor
//! the data are needed.

mod layers;

use std::path::PathBuf;

use serde_json::json;

use crate::experiment::{Color, DatasetSpec, Layout, ModelSpec, Precision, Settings, Standardise};
use crate::network::{IMAGENET, ModelNote, TrainedNetwork, TrainedNetworkError};
use crate::onnx::said::PREFIX;
use crate::onnx::{About, FloatPort};
use crate::plan::TrainingSpec;
use crate::region::{Fill, TrainingMask};
use crate::store::{Results, StoreError, TrainingStatus};

pub use layers::{INPUT, OUTPUT};

/// A network as an ONNX file.
#[derive(Debug)]
pub struct Exported {
    pub bytes: Vec<u8>,
    /// What was trained, and on what.
    pub training: TrainingSpec,
    /// What a user of the file must know.
    pub notes: Vec<String>,
}

/// Why there is no such file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(
        "training {id} has not ended, so there is no network yet: `fer-lab logs {id}` shows its progress"
    )]
    NotEnded { id: String },
    #[error("training {id} failed, so there is no network: {reason}")]
    Failed { id: String, reason: String },
    #[error("training {id} is the network in the ONNX file `{}` itself", path.display())]
    Foreign { id: String, path: PathBuf },
    #[error(
        "training {id} is the mask-only baseline: its network takes outlines of masks, and a file of it would not take pictures"
    )]
    Outlines { id: String },
    #[error(
        "`{}` is missing, in which the network of training {id} lies: run its experiment again, which trains it anew, or fetch \
         the file from where it was trained", path.display()
    )]
    NoWeights { id: String, path: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The network of a training.
///
/// # Errors
/// Where the training has no network of pictures, or its files are missing or damaged.
pub fn export(results: &Results, id: &str) -> Result<Exported, ExportError> {
    let manifest = match results.manifest(id) {
        Err(StoreError::NotFound { .. }) => {
            return Err(ExportError::NotEnded { id: id.to_owned() });
        }
        read => read?,
    };
    if let TrainingStatus::Failed { reason } = &manifest.status {
        return Err(ExportError::Failed { id: id.to_owned(), reason: reason.clone() });
    }
    let path = results.manifest_path(id)?;
    let training = manifest.training().map_err(|reason| StoreError::Foreign { path, reason })?;
    if let ModelSpec::Onnx(network) = &training.settings.model {
        return Err(ExportError::Foreign { id: id.to_owned(), path: network.path.clone() });
    }
    if training.mask.as_ref().is_some_and(|mask| mask.fill() == Fill::Silhouette) {
        return Err(ExportError::Outlines { id: id.to_owned() });
    }
    let path = results.model_path(id)?;
    let bytes = match results.model(&manifest) {
        Err(StoreError::NotFound { .. }) => {
            return Err(ExportError::NoWeights { id: id.to_owned(), path });
        }
        read => read?,
    };
    let written = TrainedNetwork::read(&bytes).and_then(|network| file(&training, id, &network));
    let bytes = written.map_err(|error| StoreError::damaged(&path, error))?;
    let notes = notes(&training.settings);
    Ok(Exported { bytes, training, notes })
}

/// The bytes of the ONNX file of a training's network.
///
/// # Errors
/// Where the network is that of another training, or has other tensors.
///
/// # Panics
/// Where the training is of a network from a file.
pub fn file(
    training: &TrainingSpec,
    id: &str,
    network: &TrainedNetwork<'_>,
) -> Result<Vec<u8>, TrainedNetworkError> {
    let Settings { dataset, model, .. } = &training.settings;
    let DatasetSpec { height, width, channels, classes, standardise, .. } = dataset;
    network.note.check(id, *channels, classes)?;
    let by: (&[f64], &[f64]) = match standardise {
        Standardise::Train => (&network.note.mean, &network.note.deviation),
        Standardise::Imagenet => (&IMAGENET.0, &IMAGENET.1),
    };
    let mut graph = layers::operators(model, by, classes.len());
    for tensor in model.tensors(*channels, classes.len()) {
        graph.tensor(&tensor.name, &tensor.shape, network.tensor(&tensor)?);
    }
    let input = FloatPort { name: INPUT, sides: &[*channels, *height, *width] };
    let output = FloatPort { name: OUTPUT, sides: &[classes.len()] };
    let metadata = metadata(dataset, &network.note);
    let about = About { name: id, version: env!("CARGO_PKG_VERSION"), metadata: &metadata };
    Ok(graph.finish(input, output, about))
}

/// What the file says of itself: the keys of an experiment file that evaluates it, and where it comes from.
fn metadata(dataset: &DatasetSpec, note: &ModelNote) -> Vec<(String, String)> {
    let DatasetSpec { height, width, channels, classes, .. } = dataset;
    let color = if *channels == 1 { Color::Grey } else { Color::Rgb };
    let entries = [
        ("model.classes", json!(classes)),
        ("model.output", json!("logits")),
        ("model.input.color", json!(color)),
        ("model.input.layout", json!(Layout::Nchw)),
        ("model.input.size", json!([height, width])),
        ("model.input.range", json!(1.0)),
        ("model.input.mean", json!(vec![0.0; *channels])),
        ("model.input.std", json!(vec![1.0; *channels])),
        // What the fill `mean` puts on masked pixels.
        ("train_mean", json!(note.mean)),
        ("train_std", json!(note.deviation)),
        ("training", json!(note.training_id)),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
    ];
    entries.map(|(key, value)| (format!("{PREFIX}{key}"), value.to_string())).to_vec()
}

fn notes(settings: &Settings) -> Vec<String> {
    let precision = settings.train.precision;
    match precision {
        Precision::F32 => Vec::new(),
        Precision::Tf32 | Precision::Bf16 => vec![format!(
            "fer-lab evaluated this network in {}, and the file computes in float32: its answers differ by that rounding",
            precision.name()
        )],
    }
}

/// What a network was trained on, to say it in a sentence.
pub fn trained_on(mask: Option<&TrainingMask>) -> &'static str {
    match mask {
        None => "whole faces",
        Some(TrainingMask::Fixed(_)) => "masked faces",
        Some(TrainingMask::Random(_)) => "faces of which random sets of regions were masked",
        Some(TrainingMask::Tuned(_)) => {
            "faces of which random sets of regions were masked, and then on masked faces"
        }
    }
}

#[cfg(test)]
mod tests;

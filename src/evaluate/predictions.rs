//! One row an image.

use tch::Kind;

use crate::dataset::{Dataset, Split, first_maximum};
use crate::model::Folded;
use crate::store::PredictionRow;
use crate::train::{Cover, OnDevice, answers};

/// What `network` answers to every image of a split, in the split's order. `seed` is the training's: it
/// draws the noise of a `noise` fill. Rows carry `run_id` as given.
pub fn predictions(
    network: &Folded,
    dataset: &Dataset,
    split: Split,
    data: &OnDevice,
    cover: Option<&Cover>,
    seed: u64,
    run_id: &str,
) -> Vec<PredictionRow> {
    let images = dataset.split(split);
    let classes = dataset.classes.len();
    let logits = answers(network, data, cover, seed);
    let softmax = logits.softmax(-1, Kind::Float).to_device(tch::Device::Cpu).contiguous().view(-1);
    let mut probabilities = vec![0f32; softmax.numel()];
    softmax.copy_data(&mut probabilities, softmax.numel());
    let actual = images.actual();
    let rows = probabilities.chunks_exact(classes).zip(images.labels.chunks_exact(classes));
    rows.enumerate()
        .map(|(index, (probabilities, label))| PredictionRow {
            run_id: run_id.to_owned(),
            split: split.name().to_owned(),
            image: images.names[index].clone(),
            actual: dataset.classes[actual[index]].clone(),
            predicted: dataset.classes[first_maximum(probabilities)].clone(),
            probabilities: probabilities.to_vec(),
            label: label.to_vec(),
        })
        .collect()
}

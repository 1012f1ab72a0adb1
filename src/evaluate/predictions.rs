//! One row per image.

use tch::{Device, Kind, Tensor};

use crate::dataset::{Dataset, Split, first_maximum};
use crate::store::PredictionRow;

/// The predictions from logits `[N, K]` of a split's images, in the split's order. Rows carry `run_id` as given.
pub fn predictions(
    logits: &Tensor,
    dataset: &Dataset,
    split: Split,
    run_id: &str,
) -> Vec<PredictionRow> {
    let images = dataset.split(split);
    let classes = dataset.classes.len();
    let softmax = logits.softmax(-1, Kind::Float).to_device(Device::Cpu).contiguous().view(-1);
    let mut probabilities = vec![0f32; softmax.numel()];
    softmax.copy_data(&mut probabilities, softmax.numel());
    let actual = images.actual();
    let rows = probabilities.chunks_exact(classes).zip(images.labels.chunks_exact(classes));
    rows.enumerate()
        .map(|(index, (probabilities, label))| PredictionRow {
            run_id: run_id.to_owned(),
            split,
            image: images.names[index].clone(),
            actual: dataset.classes[actual[index]].clone(),
            predicted: dataset.classes[first_maximum(probabilities)].clone(),
            probabilities: probabilities.to_vec(),
            label: label.to_vec(),
        })
        .collect()
}

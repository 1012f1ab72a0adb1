//! One row per image.

use tch::{Kind, Tensor};

use crate::dataset::{Dataset, Split, leaders, one_of_leaders};
use crate::model::values;
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
    let probabilities: Vec<f32> = values(&logits.softmax(-1, Kind::Float));
    let logarithms: Vec<f32> = values(&logits.log_softmax(-1, Kind::Float));
    let actual = dataset.actual(split);
    let rows = probabilities
        .chunks_exact(classes)
        .zip(logarithms.chunks_exact(classes))
        .zip(images.labels.chunks_exact(classes));
    rows.enumerate()
        .map(|(index, ((probabilities, logarithms), label))| {
            let image = &images.names[index];
            let predicted = one_of_leaders(logarithms, image, &dataset.classes);
            let tied = leaders(label);
            let credit = if tied.contains(&predicted) { 1.0 / tied.len() as f64 } else { 0.0 };
            PredictionRow {
                run_id: run_id.to_owned(),
                split,
                image: image.clone(),
                actual: dataset.classes[actual[index]].clone(),
                predicted: dataset.classes[predicted].clone(),
                credit: Some(credit),
                probabilities: probabilities.to_vec(),
                log_probabilities: Some(logarithms.to_vec()),
                label: label.to_vec(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Images, Pixels};

    #[test]
    fn ties_are_shared_and_nothing_underflows() {
        let images = || Images {
            names: ["a", "b", "c"].map(str::to_owned).to_vec(),
            pixels: Pixels::Owned(vec![0; 3]),
            labels: vec![0.5, 0.5, 1.0, 0.0, 0.0, 1.0],
            landmarks: vec![None; 3],
        };
        let dataset =
            crate::train::fixture::in_memory(["x", "y"], (1, 1), [images(), images(), images()]);
        let logits = Tensor::from_slice(&[120.0f32, 0.0, 1.0, 0.0, 120.0, 0.0]).view([3, 2]);
        let rows = predictions(&logits, &dataset, Split::Test, "r");
        let credits: Vec<_> = rows.iter().filter_map(|row| row.credit).collect();
        assert_eq!(credits, [0.5, 1.0, 0.0]);
        assert_eq!(rows[2].probabilities, [1.0, 0.0]);
        assert_eq!(rows[2].log_probabilities.as_deref(), Some(&[0.0, -120.0][..]));
        assert_eq!(rows[2].cross_entropy(), 120.0);
        assert_eq!((&*rows[1].actual, &*rows[1].predicted), ("x", "x"));
    }
}

//! What a network in a file answers, as it answers.

use tch::{Device, Tensor};

use super::guard::guarded;
use crate::dataset::{Dataset, Split};
use crate::engine::EngineError;
use crate::experiment::OnnxSpec;
use crate::model::OnnxNetwork;
use crate::train::{OnDevice, Standardisation};

/// As [`Libtorch::answers`](crate::engine::Libtorch::answers), on the CPU.
pub(super) fn answers(
    network: &OnnxSpec,
    dataset: &Dataset,
    split: Split,
    images: &[usize],
) -> Result<Vec<f32>, EngineError> {
    let standardisation = Standardisation::of(&dataset.train, dataset.channels);
    let threads = tch::get_num_threads().max(1) as u32;
    let failed = |error: crate::model::OnnxError| EngineError::Network(error.to_string());
    let classes = &dataset.classes;
    let network = OnnxNetwork::open(network, &standardisation, classes, Device::Cpu, threads)
        .map_err(failed)?;
    let answers = guarded(|| {
        let data = OnDevice::new(dataset, split, &standardisation, Device::Cpu);
        let index: Vec<i64> = images.iter().map(|image| *image as i64).collect();
        network.columns(&data.pictures(&Tensor::from_slice(&index)))
    });
    let answers = answers.map_err(EngineError::Network)?.map_err(failed)?;
    let flat = answers.contiguous().view(-1);
    let mut numbers = vec![0f32; flat.numel()];
    flat.copy_data(&mut numbers, flat.numel());
    Ok(numbers)
}

//! What a network in a file answers, as it answers.

use tch::{Device, Tensor};

use super::guard::guarded;
use crate::dataset::{Dataset, Split};
use crate::engine::EngineError;
use crate::experiment::{OnnxInput, OnnxSpec};
use crate::model::{OnnxError, OnnxNetwork, values};
use crate::train::{OnDevice, Standardisation};

/// As [`Libtorch::answers`](crate::engine::Libtorch::answers), on the CPU.
pub(super) fn answers(
    network: &OnnxSpec,
    inputs: &[OnnxInput],
    dataset: &Dataset,
    split: Split,
    images: &[usize],
) -> Result<Vec<Vec<f32>>, EngineError> {
    let standardisation = Standardisation::of(&dataset.train, dataset.channels);
    let threads = tch::get_num_threads().max(1) as u32;
    let failed = |error: OnnxError| EngineError::Network(error.to_string());
    let classes = &dataset.classes;
    let mut network = OnnxNetwork::open(network, &standardisation, classes, Device::Cpu, threads)
        .map_err(failed)?;
    let answers = guarded(|| {
        let data = OnDevice::new(dataset, split, &standardisation, Device::Cpu);
        let index: Vec<i64> = images.iter().map(|image| *image as i64).collect();
        let pictures = data.pictures(&Tensor::from_slice(&index));
        let under = |input: &OnnxInput| {
            network.assume(input, &standardisation);
            Ok(values(&network.columns(&pictures)?))
        };
        inputs.iter().map(under).collect::<Result<Vec<Vec<f32>>, OnnxError>>()
    });
    answers.map_err(EngineError::Network)?.map_err(failed)
}

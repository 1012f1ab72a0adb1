//! What a network answers to a whole split.

use tch::{Device, Tensor};

use super::cover::Cover;
use super::inputs::OnDevice;
use crate::model::Folded;
use crate::random;

/// Images of one batch. Noise is drawn batch by batch.
const ON_CPU: usize = 128;
/// Enough to keep it busy.
const ON_GPU: usize = 512;

/// Logits `[N, K]`, f32, on the device, of a split's images in their order, covered where there is a cover.
/// `seed` is the training's: it draws the noise of a `noise` fill.
pub fn answers(network: &Folded, data: &OnDevice, cover: Option<&Cover>, seed: u64) -> Tensor {
    let _guard = tch::no_grad_guard();
    let size = batch_size(data.device());
    let all = Tensor::arange(data.len() as i64, (tch::Kind::Int64, data.device()));
    let logits: Vec<Tensor> = (0..data.len())
        .step_by(size)
        .enumerate()
        .map(|(number, start)| {
            let length = size.min(data.len() - start);
            let index = all.narrow(0, start as i64, length as i64);
            let noise = random::torch_seed(seed, "evaluation noise", &[number as u64]);
            network.logits(&data.evaluation_batch(&index, cover, noise))
        })
        .collect();
    Tensor::cat(&logits, 0)
}

fn batch_size(device: Device) -> usize {
    if device.is_cuda() { ON_GPU } else { ON_CPU }
}

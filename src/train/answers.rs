//! What a network answers to a whole split.

use tch::{Device, Tensor};

use super::cover::Cover;
use super::inputs::OnDevice;
use crate::model::Folded;
use crate::random;
use crate::region::Fill;

/// Images of one batch on a CPU: few enough for the caches. Noise is drawn batch by batch.
const ON_CPU: usize = 128;
/// On a GPU: enough to keep it busy.
const ON_GPU: usize = 2048;

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
            if cover.is_some_and(|cover| cover.fill() == Fill::Noise) {
                tch::manual_seed(random::torch_seed(seed, "evaluation noise", &[number as u64]));
            }
            network.logits(&data.evaluation_batch(&index, cover))
        })
        .collect();
    Tensor::cat(&logits, 0)
}

/// How many images are answered at once.
pub(crate) fn batch_size(device: Device) -> usize {
    if device.is_cuda() { ON_GPU } else { ON_CPU }
}

//! A network for inference, with batch normalisation folded in.

use tch::Tensor;

use super::inference::{IN_CACHE, at_once_on_cpu, in_turns};
use super::network::{self, Affine};
use super::parameters::Placed;
use super::vgg::{self, Convolution, EPSILON, Vgg};
use crate::experiment::Precision;

/// A network in which batch normalisation, whose statistics are fixed, is folded into the filters before it:
/// each layer is a convolution and a ReLU (Jacob et al. 2018, section 3.2).
#[derive(Debug)]
pub struct Folded {
    pub(super) blocks: Vec<Vec<Layer>>,
    /// `[K, C]` and `[K]`, f32.
    weight: Tensor,
    bias: Tensor,
    pub(super) precision: Precision,
}

/// A convolution and, where no pool follows, a ReLU.
#[derive(Debug)]
pub(super) struct Layer {
    /// `[O, I, 3, 3]` and `[O]`, of the precision's kind.
    weight: Tensor,
    bias: Tensor,
    /// Whether a pool follows. The ReLU is applied after it, as in training.
    pub(super) pooled: bool,
}

impl Folded {
    pub(super) fn new(network: &Vgg, head: &Affine, precision: Precision) -> Folded {
        let _guard = tch::no_grad_guard();
        let last = network.blocks.len() - 1;
        let block = |(index, block): (usize, &Vec<Convolution>)| {
            let layer = |(place, convolution): (usize, &Convolution)| {
                let pooled = index < last && place + 1 == block.len();
                Layer::new(convolution, precision, pooled)
            };
            block.iter().enumerate().map(layer).collect()
        };
        let Affine { weight: Placed { stored: weight, .. }, bias: Placed { stored: bias, .. } } =
            head;
        Folded {
            blocks: network.blocks.iter().enumerate().map(block).collect(),
            weight: weight.copy(),
            bias: bias.copy(),
            precision,
        }
    }

    /// Logits `[N, K]` of pictures `[N, C, H, W]`, f32. An image's do not depend on the others of its
    /// batch, except for rounding.
    pub fn logits(&self, pictures: &Tensor) -> Tensor {
        let _guard = tch::no_grad_guard();
        in_turns(pictures, self.at_once(pictures), &|part| self.logits_at_once(part))
    }

    /// Whether recomputing the features of this share of an image, from 0 to 1, is faster than of all. In bfloat16
    /// convolutions take less of the time, and what lies between them more.
    pub fn pays_in_parts(&self, share: f64) -> bool {
        share <= if self.precision == Precision::Bf16 { 0.1 } else { 0.4 }
    }

    /// The batch size on a CPU: as many images as keep a layer's output in its caches. In
    /// bfloat16, where filters wait for memory and not for the processor, that is worth a factor of 1.2 to 1.8.
    pub fn at_once(&self, pictures: &Tensor) -> i64 {
        let [images, _, height, width] = pictures.size()[..] else { unreachable!("[N, C, H, W]") };
        if pictures.device().is_cuda() {
            return images.max(1);
        }
        at_once_on_cpu(self.largest(height, width))
    }

    /// How many changed parts of a height and width a CPU takes at once: fewer numbers than of whole images, because
    /// the known results are in the caches too.
    pub(super) fn parts_at_once(&self, (height, width): (i64, i64)) -> usize {
        // The first convolutions reach some more pixels.
        let around = 2 * self.blocks.first().map_or(0, Vec::len) as i64;
        (IN_CACHE / 10 / self.largest(height + around, width + around)).max(1) as usize
    }

    /// The largest output of a layer for one image of a height and width.
    fn largest(&self, height: i64, width: i64) -> i64 {
        let of_block = |(index, block): (usize, &Vec<Layer>)| {
            let smaller = 3i64.pow(index as u32);
            let widest = block.iter().map(|layer| layer.bias.numel() as i64).max();
            widest.unwrap_or(0) * (height / smaller) * (width / smaller)
        };
        self.blocks.iter().enumerate().map(of_block).max().unwrap_or(1).max(1)
    }

    fn logits_at_once(&self, pictures: &Tensor) -> Tensor {
        let mut x = network::input(pictures, self.precision);
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                x = vgg::pool(&x).relu_();
            }
            for layer in block {
                x = layer.forward(&x, 1);
            }
        }
        self.answer(&network::features(&x))
    }

    /// Logits `[N, K]` of the dense layer's input, `[N, C]`, f32.
    pub(super) fn answer(&self, features: &Tensor) -> Tensor {
        features.linear(&self.weight, Some(&self.bias))
    }
}

impl Layer {
    fn new(convolution: &Convolution, precision: Precision, pooled: bool) -> Layer {
        let Convolution { filter, norm, running_mean, running_variance, .. } = convolution;
        let gain = &norm.weight.stored / (running_variance + EPSILON).sqrt();
        let weight = &filter.weight.stored * gain.view([-1, 1, 1, 1]);
        let bias = (&filter.bias.stored - running_mean) * &gain + &norm.bias.stored;
        Layer {
            weight: network::rounded(&weight, precision),
            bias: network::rounded(&bias, precision),
            pooled,
        }
    }

    pub(super) fn forward(&self, x: &Tensor, padding: i64) -> Tensor {
        let mut convolved = self.convolve(x, padding);
        if self.pooled { convolved } else { convolved.relu_() }
    }

    /// Without the ReLU.
    pub(super) fn convolve(&self, x: &Tensor, padding: i64) -> Tensor {
        vgg::convolve(x, &self.weight, Some(&self.bias), padding)
    }

    /// The difference of what [`Layer::convolve`] gives of two inputs, from their difference.
    pub(super) fn difference(&self, x: &Tensor, padding: i64) -> Tensor {
        vgg::convolve(x, &self.weight, None, padding)
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::experiment::ModelSpec;
    use crate::model::Network;
    use crate::random;

    /// A network whose running statistics are those of some batches.
    fn network(precision: Precision) -> Network {
        let model = ModelSpec::of_blocks(&[&[4, 6], &[8]], 0.5);
        let network = Network::new(&model, 3, 7, precision, Device::Cpu, 3);
        for seed in 0..4 {
            let _ = network.forward(&pictures(seed));
        }
        network
    }

    fn pictures(seed: i64) -> Tensor {
        let made = random::normal(&[8, 12, 12, 3], Device::Cpu, seed) * 2.0 + 0.5;
        made.permute([0, 3, 1, 2])
    }

    /// The unfolded network layer by layer, with the running statistics.
    fn unfolded(network: &Network, pictures: &Tensor) -> Tensor {
        let mut x = pictures.shallow_clone();
        let (layers, head) = network.vgg();
        for (index, block) in layers.blocks.iter().enumerate() {
            if index > 0 {
                x = vgg::pool(&x);
            }
            for Convolution { filter, norm, running_mean, running_variance, .. } in block {
                let convolved =
                    vgg::convolve(&x, &filter.weight.stored, Some(&filter.bias.stored), 1);
                let (gain, shift) = (&norm.weight.stored, &norm.bias.stored);
                let statistics = (Some(running_mean), Some(running_variance));
                let normalised = convolved.batch_norm(
                    Some(gain),
                    Some(shift),
                    statistics.0,
                    statistics.1,
                    false,
                    0.0,
                    EPSILON,
                    true,
                );
                x = normalised.relu();
            }
        }
        let Affine { weight, bias } = head;
        network::features(&x).linear(&weight.stored, Some(&bias.stored))
    }

    #[test]
    fn its_predictions_are_those_of_the_unfolded_network() {
        let network = network(Precision::F32);
        for mut parameter in network.parameters() {
            // No tensor is left at 0 or 1, the shifts of the convolutions neither.
            let _ = parameter.tensor.g_add_scalar_(0.05);
        }
        let pictures = pictures(9);
        let (folded, plain) = (network.folded().logits(&pictures), unfolded(&network, &pictures));
        let apart = (&folded - &plain).abs().max().double_value(&[]);
        assert!(apart < 1e-5 * plain.abs().max().double_value(&[]), "{apart}");
        assert!(apart.is_finite() && folded != plain);
    }

    #[test]
    fn it_stays_what_it_was_when_the_network_learns_on() {
        let network = network(Precision::F32);
        let pictures = pictures(9);
        let folded = network.folded();
        let before = folded.logits(&pictures);
        let _ = network.forward(&pictures);
        let _ = network.moving().g_mul_scalar_(1.5);
        assert_eq!(folded.logits(&pictures), before);
        assert_ne!(network.folded().logits(&pictures), before);
    }
}

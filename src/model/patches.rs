//! Batch normalisation of the first convolution, without a pass over its output.

use tch::{Device, Kind, Tensor};

use super::network;
use super::vgg::{self, Convolution, EPSILON};
use crate::experiment::VggSpec;

/// The output of a convolution is linear in its 3 × 3 input patches, so that its mean and variance over
/// a batch follow from theirs: with a filter `w` they are `w · μ` and `wᵀ Σ w`. Pictures have few channels, and
/// their patches are fewer numbers than what the first convolution makes of them: to take `μ` and `Σ` and to
/// put the normalisation into the filter takes less time, on a CPU, than to go through the result for its
/// mean, its variance, the normalisation and the gradients of all three.
#[derive(Debug)]
pub(super) struct Patches {
    /// `[9 C, C, 3, 3]`: gives the patches as channels.
    cut: Tensor,
}

/// Over all patches of a batch.
struct Moments {
    /// `[9 C]`, f32.
    mean: Tensor,
    /// `[9 C, 9 C]`, f32, divided by their count.
    covariance: Tensor,
    count: f64,
}

impl Patches {
    /// Where it pays: on a CPU, and where the patches have not more than twice the channels of the result.
    /// (On a GPU a launch costs more than a pass.)
    pub fn new(model: &VggSpec, channels: usize, device: Device) -> Option<Patches> {
        let numbers = 9 * channels as i64;
        let width = *model.blocks.first()?.first()?;
        (!device.is_cuda() && numbers <= 2 * width).then(|| Patches {
            cut: Tensor::eye(numbers, (Kind::Float, device)).view([numbers, channels as i64, 3, 3]),
        })
    }

    /// The same tensor, not a copy of it.
    pub fn shared(&self) -> Patches {
        Patches { cut: self.cut.shallow_clone() }
    }

    /// Convolution and batch normalisation over the batch, of pictures `[N, C, H, W]`. Moves the running
    /// statistics.
    pub fn normalised(&self, convolution: &Convolution, x: &Tensor, norm_step: f64) -> Tensor {
        let Convolution { filter, norm, running_mean, running_variance, .. } = convolution;
        let Moments { mean, covariance, count } = tch::no_grad(|| self.moments(x));
        let size = filter.weight.leaf.size();
        // In the order of the patches' channels.
        let rows = filter.weight.leaf.to_kind(Kind::Float).reshape([size[0], -1]);
        let variance = (rows.matmul(&covariance) * &rows).sum_dim_intlist(1, false, Kind::Float);
        // Rounding may leave less than nothing.
        let variance = variance.clamp_min(0.0);
        let gain = &norm.weight.leaf * (&variance + EPSILON).rsqrt();
        let filter = (&rows * gain.unsqueeze(1)).view(size.as_slice());
        let filter = network::channels_last(&filter).to_kind(x.kind());
        // Rounded as it is, so that the mean is taken away to the last bit that counts.
        let given = filter.to_kind(Kind::Float).reshape([size[0], -1]).mv(&mean);
        let shift = (&norm.bias.leaf - given).to_kind(x.kind());
        tch::no_grad(|| {
            let unbiased = variance.detach() * (count / (count - 1.0).max(1.0));
            let given = rows.detach().mv(&mean);
            let _ = running_mean.shallow_clone().lerp_(&given, norm_step);
            let _ = running_variance.shallow_clone().lerp_(&unbiased, norm_step);
        });
        vgg::convolve(x, &filter, Some(&shift), 1)
    }

    /// Sums over a picture are float32, those over pictures float64: what a filter leaves of the covariance may
    /// be a thousandth of it.
    fn moments(&self, x: &Tensor) -> Moments {
        let x = x.to_kind(Kind::Float);
        let [images, _, height, width] = x.size()[..] else { unreachable!("[N, C, H, W]") };
        let patches = vgg::convolve(&x, &self.cut, None, 1);
        let patches = patches.permute([0, 2, 3, 1]).reshape([images, height * width, -1]);
        let count = (images * height * width) as f64;
        let sums = patches.sum_dim_intlist(1, false, Kind::Float);
        let mean = sums.sum_dim_intlist(0, false, Kind::Double) / count;
        let products = patches.transpose(1, 2).bmm(&patches);
        let products = products.sum_dim_intlist(0, false, Kind::Double) / count;
        let covariance = products - mean.outer(&mean);
        Moments {
            mean: mean.to_kind(Kind::Float),
            covariance: covariance.to_kind(Kind::Float),
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{ModelSpec, Precision};
    use crate::model::Network;
    use crate::model::network::Batch;
    use crate::random;

    fn network(width: i64, channels: usize) -> Network {
        let model = ModelSpec::of_blocks(&[&[width]], 0.9);
        let network = Network::new(&model, channels, 2, Precision::F32, Device::Cpu, 5);
        for mut parameter in network.parameters() {
            let _ = parameter.tensor.g_add_scalar_(0.05);
        }
        network
    }

    /// Typical images: smooth, the left half masked with a value far from the mean.
    fn covered(channels: i64, size: i64) -> Tensor {
        let noise =
            random::normal(&[6, size, size, channels], Device::Cpu, 7).permute([0, 3, 1, 2]);
        let pictures = noise.avg_pool2d([5, 5], [1, 1], [2, 2], false, true, None) * 3.0;
        let _ = pictures.narrow(3, 0, size / 2).fill_(2.5);
        pictures
    }

    /// A layer's output, the gradients of filter, gain and shift, and the running statistics.
    fn found(network: &Network, forward: &dyn Fn(&Convolution) -> Tensor) -> Vec<Tensor> {
        let convolution = &network.vgg().0.blocks[0][0];
        let given = forward(convolution);
        let weight = random::normal(&given.size(), Device::Cpu, 3);
        let loss = (given.square() * weight).sum(Kind::Float);
        let Convolution { filter, norm, running_mean, running_variance, .. } = convolution;
        let leaves = [&filter.weight.leaf, &norm.weight.leaf, &norm.bias.leaf];
        let gradients = Tensor::run_backward(&[loss], &leaves, false, false);
        let mut found = vec![given.detach()];
        found.extend(gradients);
        found.extend([running_mean.copy(), running_variance.copy()]);
        found
    }

    #[test]
    fn it_is_what_batch_normalisation_of_the_result_is() {
        for (width, channels, size) in [(8, 1, 24), (5, 1, 3), (16, 3, 16)] {
            let pictures = covered(channels as i64, size);
            let own = network(width, channels);
            let patches = own.vgg().0.patches.as_ref().expect("patches have few numbers here");
            let plain = network(width, channels);
            let own = found(&own, &|layer| patches.normalised(layer, &pictures, 0.1));
            let learns = Batch::Learns { norm_step: 0.1 };
            let plain = found(&plain, &|layer| vgg::normalised(layer, &pictures, learns));
            for (place, (own, plain)) in own.iter().zip(&plain).enumerate() {
                let apart = (own - plain).abs().max().double_value(&[]);
                let largest = plain.abs().max().double_value(&[]);
                assert!(apart < 2e-4 * largest, "{width} {channels} {place}: {apart} {largest}");
            }
        }
    }

    #[test]
    fn pictures_of_one_grey_give_no_number_that_is_none() {
        let network = network(8, 1);
        let pictures = Tensor::zeros([4, 1, 12, 12], (Kind::Float, Device::Cpu));
        let patches = network.vgg().0.patches.as_ref().unwrap();
        let found = found(&network, &|layer| patches.normalised(layer, &pictures, 0.1));
        assert!(found.iter().all(|tensor| bool::try_from(tensor.isfinite().all()).unwrap()));
    }

    #[test]
    fn many_channels_are_left_to_the_usual_way() {
        assert!(network(8, 3).vgg().0.patches.is_none());
    }
}

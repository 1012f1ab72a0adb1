//! A VGG-like network, its parameters by name.

use rand_distr::{Distribution, StandardNormal};
use tch::{Device, Kind, Tensor};

use super::weights::{self, FormatError, Weights};
use crate::experiment::{ModelSpec, Precision};
use crate::random;

/// TensorFlow's default for batch normalisation.
const EPSILON: f64 = 1e-3;

/// Blocks of 3 × 3 convolutions (stride 1, same padding), each with batch normalisation and ReLU; a
/// 3 × 3 max pool with stride 3 after every block but the last; global average pooling; one dense layer.
///
/// Activations lie channels-last in memory: an input made as `[N, H, W, C]` and permuted to
/// `[N, C, H, W]` keeps that format through the network, which is worth a third of the time on a CPU.
#[derive(Debug)]
pub struct Network {
    blocks: Vec<Vec<Convolution>>,
    /// `[K, C]` and `[K]`.
    head: Affine,
    precision: Precision,
    /// How far a step moves the running statistics towards a batch's: libtorch's sense of momentum, which
    /// is 1 − TensorFlow's.
    norm_step: f64,
}

#[derive(Debug)]
struct Convolution {
    /// `[O, I, 3, 3]` and `[O]`.
    filter: Affine,
    /// Batch normalisation's gain and shift, `[O]` each.
    norm: Affine,
    running_mean: Tensor,
    running_variance: Tensor,
}

#[derive(Debug)]
struct Affine {
    weight: Tensor,
    bias: Tensor,
}

/// A named tensor of a network.
#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    pub tensor: Tensor,
    /// Whether the optimiser moves it; batch normalisation's running statistics move by themselves.
    pub trainable: bool,
}

/// Why stored weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("it is {0}")]
    Format(#[from] FormatError),
    #[error("it holds no `{0}` of the shape that this network needs")]
    Mismatch(String),
}

impl Network {
    /// A network before its first step: He initialisation (He et al. 2015: normal, variance 2 / fan-in)
    /// for the weights, zeros for shifts, ones for gains. Drawn on the CPU from `seed`, so that every
    /// device starts from the same weights.
    pub fn new(
        model: &ModelSpec,
        channels: usize,
        classes: usize,
        precision: Precision,
        device: Device,
        seed: u64,
    ) -> Network {
        let mut input = channels as i64;
        let mut blocks = Vec::new();
        for (b, widths) in model.blocks.iter().enumerate() {
            let mut block = Vec::new();
            for (c, &width) in widths.iter().enumerate() {
                let index = [b as u64, c as u64];
                // Made as [O, 3, 3, I]: the permuted view has channels-last strides.
                let weight = he_normal(&[width, 3, 3, input], 9 * input, device, seed, &index)
                    .permute([0, 3, 1, 2]);
                block.push(Convolution {
                    filter: Affine::new(weight, zeros(width, device)),
                    norm: Affine::new(ones(width, device), zeros(width, device)),
                    running_mean: zeros(width, device),
                    running_variance: ones(width, device),
                });
                input = width;
            }
            blocks.push(block);
        }
        let classes = classes as i64;
        let weight = he_normal(&[classes, input], input, device, seed, &[u64::MAX]);
        Network {
            blocks,
            head: Affine::new(weight, zeros(classes, device)),
            precision,
            norm_step: 1.0 - model.batch_norm_momentum,
        }
    }

    /// Logits `[N, K]` of pictures `[N, C, H, W]`, f32. With `training`, batch normalisation uses the
    /// batch's own statistics and moves the running ones.
    pub fn forward(&self, pictures: &Tensor, training: bool) -> Tensor {
        let mut x = pictures.shallow_clone();
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                x = x.max_pool2d([3, 3], [3, 3], [0, 0], [1, 1], false);
            }
            for convolution in block {
                x = self.layer(convolution, &x, training);
            }
        }
        let features = x.to_kind(Kind::Float).mean_dim([2, 3].as_slice(), false, Kind::Float);
        features.linear(&self.head.weight, Some(&self.head.bias))
    }

    /// Convolution, batch normalisation, ReLU.
    fn layer(&self, convolution: &Convolution, x: &Tensor, training: bool) -> Tensor {
        let Affine { weight, bias } = &convolution.filter;
        let convolved = match self.precision {
            Precision::F32 => convolve(x, weight, bias),
            Precision::Bf16 => {
                let bf16 = |tensor: &Tensor| tensor.to_kind(Kind::BFloat16);
                convolve(&bf16(x), &bf16(weight), &bf16(bias))
            }
        };
        let mut normalised = convolved.batch_norm(
            Some(&convolution.norm.weight),
            Some(&convolution.norm.bias),
            Some(&convolution.running_mean),
            Some(&convolution.running_variance),
            training,
            self.norm_step,
            EPSILON,
            true,
        );
        normalised.relu_()
    }

    /// Every tensor of the network, in a fixed order, sharing its storage.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let mut push = |name: String, tensor: &Tensor, trainable| {
            parameters.push(Parameter { name, tensor: tensor.shallow_clone(), trainable });
        };
        for (b, block) in self.blocks.iter().enumerate() {
            for (c, convolution) in block.iter().enumerate() {
                let name = |part: &str| format!("blocks.{b}.{c}.{part}");
                push(name("conv.weight"), &convolution.filter.weight, true);
                push(name("conv.bias"), &convolution.filter.bias, true);
                push(name("norm.weight"), &convolution.norm.weight, true);
                push(name("norm.bias"), &convolution.norm.bias, true);
                push(name("norm.running_mean"), &convolution.running_mean, false);
                push(name("norm.running_var"), &convolution.running_variance, false);
            }
        }
        push("head.weight".to_owned(), &self.head.weight, true);
        push("head.bias".to_owned(), &self.head.bias, true);
        parameters
    }

    /// Copies of every tensor, by name, on the CPU.
    pub fn snapshot(&self) -> Vec<(String, Tensor)> {
        self.parameters()
            .into_iter()
            .map(|parameter| {
                let copy = parameter.tensor.detach().to_device(Device::Cpu).contiguous().copy();
                (parameter.name, copy)
            })
            .collect()
    }

    /// Takes over the values of a [`snapshot`](Network::snapshot). The error names the first tensor that
    /// is missing or has another shape.
    pub fn restore(&self, snapshot: &[(String, Tensor)]) -> Result<(), String> {
        for mut parameter in self.parameters() {
            let shape = parameter.tensor.size();
            let fits = |(name, tensor): &&(String, Tensor)| {
                *name == parameter.name && tensor.size() == shape
            };
            let Some((_, stored)) = snapshot.iter().find(fits) else { return Err(parameter.name) };
            tch::no_grad(|| parameter.tensor.copy_(stored));
        }
        Ok(())
    }

    /// The bytes of a safetensors file of all tensors, with a note in its metadata.
    pub fn encode(&self, note: &str) -> Vec<u8> {
        weights::encode(&self.snapshot(), note)
    }

    /// Takes over the weights of a safetensors file from its bytes, and gives back its note.
    pub fn decode(&self, bytes: &[u8]) -> Result<String, WeightsError> {
        let Weights { tensors, note } = weights::decode(bytes)?;
        let tensors: Vec<_> = tensors.into_iter().collect();
        self.restore(&tensors).map_err(WeightsError::Mismatch)?;
        Ok(note)
    }
}

impl Affine {
    fn new(weight: Tensor, bias: Tensor) -> Affine {
        Affine { weight: weight.set_requires_grad(true), bias: bias.set_requires_grad(true) }
    }
}

fn convolve(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
    x.conv2d(weight, Some(bias), [1, 1], [1, 1], [1, 1], 1)
}

fn he_normal(shape: &[i64], fan_in: i64, device: Device, seed: u64, index: &[u64]) -> Tensor {
    let deviation = (2.0 / fan_in as f64).sqrt();
    let mut generator = random::generator(seed, "weights", index);
    let values: Vec<f32> = (0..shape.iter().product::<i64>())
        .map(|_| {
            let value: f64 = StandardNormal.sample(&mut generator);
            (deviation * value) as f32
        })
        .collect();
    Tensor::from_slice(&values).view(shape).to_device(device)
}

fn zeros(length: i64, device: Device) -> Tensor {
    Tensor::zeros([length], (Kind::Float, device))
}

fn ones(length: i64, device: Device) -> Tensor {
    Tensor::ones([length], (Kind::Float, device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ParameterCount;

    fn spec() -> ModelSpec {
        ModelSpec { blocks: vec![vec![4, 6], vec![8]], batch_norm_momentum: 0.99 }
    }

    fn network(seed: u64) -> Network {
        Network::new(&spec(), 3, 7, Precision::F32, Device::Cpu, seed)
    }

    #[test]
    fn the_built_network_has_as_many_parameters_as_counted() {
        let parameters = network(0).parameters();
        let size = |p: &Parameter| p.tensor.numel() as u64;
        let count = ParameterCount {
            total: parameters.iter().map(size).sum(),
            trainable: parameters.iter().filter(|p| p.trainable).map(size).sum(),
        };
        assert_eq!(count, ParameterCount::of(&spec(), 3, 7));
    }

    #[test]
    fn the_weights_follow_from_the_seed() {
        let weight = |seed| network(seed).parameters()[0].tensor.shallow_clone();
        assert_eq!(weight(3), weight(3));
        assert_ne!(weight(3), weight(4));
    }

    #[test]
    fn he_weights_have_variance_two_over_fan_in() {
        let weight = he_normal(&[64, 3, 3, 64], 9 * 64, Device::Cpu, 1, &[]);
        let deviation = weight.std(true).double_value(&[]);
        assert!((deviation - (2.0f64 / 576.0).sqrt()).abs() < 1e-3, "{deviation}");
    }

    #[test]
    fn activations_stay_channels_last() {
        let pictures =
            Tensor::rand([2, 12, 12, 3], (Kind::Float, Device::Cpu)).permute([0, 3, 1, 2]);
        let network = network(0);
        let out = network.layer(&network.blocks[0][0], &pictures, true);
        assert_eq!(out.stride(), [12 * 12 * 4, 1, 12 * 4, 4]);
    }

    #[test]
    fn stored_weights_come_back() {
        let (a, b) = (network(1), network(2));
        assert_eq!(b.decode(&a.encode("a note")).unwrap(), "a note");
        let pictures = Tensor::rand([2, 3, 12, 12], (Kind::Float, Device::Cpu));
        assert_eq!(a.forward(&pictures, false), b.forward(&pictures, false));
    }

    #[test]
    fn weights_of_another_layout_are_refused_by_name() {
        let other = ModelSpec { blocks: vec![vec![4, 5], vec![8]], ..spec() };
        let other = Network::new(&other, 3, 7, Precision::F32, Device::Cpu, 1);
        let message = network(1).decode(&other.encode("")).unwrap_err().to_string();
        assert!(message.contains("holds no `blocks.0.1.conv.weight` of the shape"), "{message}");
    }
}

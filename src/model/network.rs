//! A VGG-like network, its parameters by name.

use rand_distr::{Distribution, StandardNormal};
use tch::{Device, Kind, Tensor};

use super::folded::Folded;
use super::parameters::{Initial, Parameters, Part, Placed};
use super::patches::Patches;
use super::weights::{self, FormatError, Weights};
use crate::experiment::{Precision, VggSpec};
use crate::random;

/// TensorFlow's default for batch normalisation.
pub(super) const EPSILON: f64 = 1e-3;

/// Blocks of 3 × 3 convolutions (stride 1, same padding), each with batch normalisation and ReLU; a
/// 3 × 3 max pool with stride 3 after every block but the last; global average pooling; one dense layer.
///
/// This is the network in training; [`Folded`] is the same network for inference.
///
/// Activations lie channels-last in memory: an input made as `[N, H, W, C]` and permuted to
/// `[N, C, H, W]` keeps that format through the network, which is worth a third of the time on a CPU.
#[derive(Debug)]
pub struct Network {
    pub(super) blocks: Vec<Vec<Convolution>>,
    /// `[K, C]` and `[K]`.
    pub(super) head: Affine,
    parameters: Parameters,
    /// Where the first convolution's statistics are computed from its input patches.
    pub(super) patches: Option<Patches>,
    pub(super) precision: Precision,
    /// How far a step moves the running statistics towards a batch's: libtorch's sense of momentum, which
    /// is 1 − TensorFlow's.
    norm_step: f64,
}

#[derive(Debug)]
pub(super) struct Convolution {
    /// `[O, I, 3, 3]` and `[O]`.
    pub filter: Affine,
    /// Batch normalisation's gain and shift, `[O]` each.
    pub norm: Affine,
    pub running_mean: Tensor,
    pub running_variance: Tensor,
}

#[derive(Debug)]
pub(super) struct Affine {
    pub weight: Placed,
    pub bias: Placed,
}

/// A named tensor of a network.
#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    /// f32, without gradient.
    pub tensor: Tensor,
    /// Whether it is trainable; batch normalisation's running statistics are not.
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
        model: &VggSpec,
        channels: usize,
        classes: usize,
        precision: Precision,
        device: Device,
        seed: u64,
    ) -> Network {
        let mut input = channels as i64;
        let mut initial = Vec::new();
        let mut place = |part, values| initial.push(Initial { values, part });
        for (b, widths) in model.blocks.iter().enumerate() {
            for (c, &width) in widths.iter().enumerate() {
                let index = [b as u64, c as u64];
                place(Part::Filter, he_normal(&[width, 3, 3, input], 9 * input, seed, &index));
                place(Part::Shift, zeros(width, Device::Cpu));
                place(Part::Other, ones(width, Device::Cpu));
                place(Part::Other, zeros(width, Device::Cpu));
                input = width;
            }
        }
        let classes = classes as i64;
        place(Part::Other, he_normal(&[classes, input], input, seed, &[u64::MAX]));
        place(Part::Other, zeros(classes, Device::Cpu));
        let (parameters, placed) = Parameters::new(&initial, precision, device);
        let mut placed = placed.into_iter();
        let mut affine = || {
            let mut next = || placed.next().expect("all were placed");
            Affine { weight: next(), bias: next() }
        };
        let mut convolution = |width: i64| Convolution {
            filter: affine(),
            norm: affine(),
            running_mean: zeros(width, device),
            running_variance: ones(width, device),
        };
        let blocks = model.blocks.iter();
        let blocks =
            blocks.map(|widths| widths.iter().map(|width| convolution(*width)).collect()).collect();
        Network {
            blocks,
            head: affine(),
            parameters,
            patches: Patches::new(model, channels, device),
            precision,
            norm_step: 1.0 - model.batch_norm_momentum,
        }
    }

    /// Logits `[N, K]` of pictures `[N, C, H, W]`, f32, in training: batch normalisation uses the batch's
    /// own statistics and moves the running ones.
    ///
    /// The bias of a convolution is omitted, because the batch's mean cancels it; its
    /// gradient is 0. (An optimiser that divides by the size of a gradient would make steps of full length
    /// out of its rounding.)
    pub fn forward(&self, pictures: &Tensor) -> Tensor {
        self.learned(pictures, self.norm_step)
    }

    fn learned(&self, pictures: &Tensor, norm_step: f64) -> Tensor {
        self.parameters.refresh();
        let mut x = input(pictures, self.precision);
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                x = pool(&x).relu_();
            }
            let pooled = index + 1 < self.blocks.len();
            for (place, convolution) in block.iter().enumerate() {
                x = match &self.patches {
                    Some(patches) if (index, place) == (0, 0) => {
                        patches.normalised(convolution, &x, norm_step)
                    }
                    _ => normalised(convolution, &x, norm_step),
                };
                // Before a pool the ReLU is applied after it: the result is the same, with a ninth of the
                // numbers.
                if !(pooled && place + 1 == block.len()) {
                    x = x.relu_();
                }
            }
        }
        let Affine { weight, bias } = &self.head;
        features(&x).linear(&weight.leaf, Some(&bias.leaf))
    }

    /// The same network with batch normalisation's statistics of other pictures, `[N, C, H, W]` a batch: the
    /// means over batches of a batch's mean and of its unbiased variance, each layer's with the layers before
    /// it normalised by the batch's own ("precise" statistics: Wu and Johnson 2021, arXiv 2105.07576). Every
    /// batch counts the same. Without a batch they stay as they are. The weights are shared, the statistics
    /// are not.
    pub fn adapted(&self, batches: &mut dyn Iterator<Item = Tensor>) -> Network {
        let convolution = |convolution: &Convolution| Convolution {
            filter: convolution.filter.shared(),
            norm: convolution.norm.shared(),
            running_mean: convolution.running_mean.copy(),
            running_variance: convolution.running_variance.copy(),
        };
        let block = |block: &Vec<Convolution>| block.iter().map(convolution).collect();
        let adapted = Network {
            blocks: self.blocks.iter().map(block).collect(),
            head: self.head.shared(),
            parameters: self.parameters.shared(),
            patches: self.patches.as_ref().map(Patches::shared),
            ..*self
        };
        let _guard = tch::no_grad_guard();
        for (number, batch) in batches.enumerate() {
            // Makes the running statistics those of the first batch, then cumulative means.
            let _ = adapted.learned(&batch, 1.0 / (number + 1) as f64);
        }
        adapted
    }

    /// The gradient of a loss of [`forward`](Network::forward) with respect to
    /// [`moving`](Network::moving), `[M]`, f32.
    pub fn gradient(&self, loss: &Tensor) -> Tensor {
        self.parameters.gradient(loss)
    }

    /// All trainable parameters, `[M]`, f32, sharing the network's storage.
    pub fn moving(&self) -> Tensor {
        self.parameters.moving()
    }

    /// The network for inference, from its present weights.
    pub fn folded(&self) -> Folded {
        Folded::new(self)
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
                push(name("conv.weight"), &convolution.filter.weight.stored, true);
                push(name("conv.bias"), &convolution.filter.bias.stored, true);
                push(name("norm.weight"), &convolution.norm.weight.stored, true);
                push(name("norm.bias"), &convolution.norm.bias.stored, true);
                push(name("norm.running_mean"), &convolution.running_mean, false);
                push(name("norm.running_var"), &convolution.running_variance, false);
            }
        }
        push("head.weight".to_owned(), &self.head.weight.stored, true);
        push("head.bias".to_owned(), &self.head.bias.stored, true);
        parameters
    }

    /// Copies of every tensor, by name, on the CPU.
    pub fn snapshot(&self) -> Vec<(String, Tensor)> {
        self.parameters()
            .into_iter()
            .map(|parameter| {
                let copy = parameter.tensor.to_device(Device::Cpu).contiguous().copy();
                (parameter.name, copy)
            })
            .collect()
    }

    /// Loads the values of a [`snapshot`](Network::snapshot). The error names the first tensor that
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
        self.carry_shifts_over();
        Ok(())
    }

    /// Moves the bias of a convolution into the running mean, which cancels it: training omits the bias, so that the
    /// running mean must be of outputs without it. No effect on a network that was trained here.
    fn carry_shifts_over(&self) {
        let _guard = tch::no_grad_guard();
        for Convolution { filter, running_mean, .. } in self.blocks.iter().flatten() {
            let shift = &filter.bias.stored;
            let _ = running_mean.shallow_clone().g_sub_(shift);
            let _ = shift.shallow_clone().zero_();
        }
    }

    /// The bytes of a safetensors file of all tensors, with a note in its metadata.
    pub fn encode(&self, note: &str) -> Vec<u8> {
        weights::encode(&self.snapshot(), note)
    }

    /// Loads the weights of a safetensors file from its bytes, and returns its note.
    pub fn decode(&self, bytes: &[u8]) -> Result<String, WeightsError> {
        let Weights { tensors, note } = weights::decode(bytes)?;
        let tensors: Vec<_> = tensors.into_iter().collect();
        self.restore(&tensors).map_err(WeightsError::Mismatch)?;
        Ok(note)
    }
}

impl Affine {
    /// The same tensors, not copies of them.
    fn shared(&self) -> Affine {
        Affine { weight: self.weight.shared(), bias: self.bias.shared() }
    }
}

/// Convolution and batch normalisation over the batch.
pub(super) fn normalised(convolution: &Convolution, x: &Tensor, norm_step: f64) -> Tensor {
    let Convolution { filter, norm, running_mean, running_variance } = convolution;
    let convolved = convolve(x, &filter.weight.leaf, None, 1);
    convolved.batch_norm(
        Some(&norm.weight.leaf),
        Some(&norm.bias.leaf),
        Some(running_mean),
        Some(running_variance),
        true,
        norm_step,
        EPSILON,
        true,
    )
}

/// Pictures as the first convolution takes them.
pub(super) fn input(pictures: &Tensor, precision: Precision) -> Tensor {
    rounded(&channels_last(pictures), precision)
}

/// Of the kind that convolutions compute in.
pub(super) fn rounded(x: &Tensor, precision: Precision) -> Tensor {
    match precision {
        Precision::F32 | Precision::Tf32 => x.shallow_clone(),
        Precision::Bf16 => x.to_kind(Kind::BFloat16),
    }
}

/// The same numbers `[N, C, H, W]`, laid in memory channels-last; no copy where they lie so.
///
/// Of one channel both formats are the same memory, and libtorch tells them apart by the stride of the channels,
/// which many operators change: what it takes for channels-first stays so through the network, where pools are six
/// times slower. This sets the stride.
pub fn channels_last(x: &Tensor) -> Tensor {
    match x.size()[..] {
        [images, 1, height, width] => {
            x.contiguous().view([images, height, width, 1]).permute([0, 3, 1, 2])
        }
        _ => x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]),
    }
}

/// 3 × 3, stride 1, with so many pixels of zeros around.
pub(super) fn convolve(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, padding: i64) -> Tensor {
    x.conv2d(weight, bias, [1, 1], [padding, padding], [1, 1], 1)
}

/// The layers between two blocks.
pub(super) fn pool(x: &Tensor) -> Tensor {
    x.max_pool2d([3, 3], [3, 3], [0, 0], [1, 1], false)
}

/// The input of the dense layer, `[N, C]`, f32: the mean over each channel.
pub(super) fn features(x: &Tensor) -> Tensor {
    x.mean_dim([2, 3].as_slice(), false, Kind::Float)
}

fn he_normal(shape: &[i64], fan_in: i64, seed: u64, index: &[u64]) -> Tensor {
    let deviation = (2.0 / fan_in as f64).sqrt();
    let mut generator = random::generator(seed, "weights", index);
    let values: Vec<f32> = (0..shape.iter().product::<i64>())
        .map(|_| {
            let value: f64 = StandardNormal.sample(&mut generator);
            (deviation * value) as f32
        })
        .collect();
    Tensor::from_slice(&values).view(shape)
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
    use crate::experiment::ModelSpec;
    use crate::plan::ParameterCount;

    fn spec() -> VggSpec {
        VggSpec { blocks: vec![vec![4, 6], vec![8]], batch_norm_momentum: 0.99 }
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
        assert_eq!(count, ParameterCount::of(&ModelSpec::Vgg(spec()), 3, 7));
    }

    #[test]
    fn the_weights_follow_from_the_seed() {
        let weight = |seed| network(seed).parameters()[0].tensor.shallow_clone();
        assert_eq!(weight(3), weight(3));
        assert_ne!(weight(3), weight(4));
    }

    #[test]
    fn he_weights_have_variance_two_over_fan_in() {
        let weight = he_normal(&[64, 3, 3, 64], 9 * 64, 1, &[]);
        let deviation = weight.std(true).double_value(&[]);
        assert!((deviation - (2.0f64 / 576.0).sqrt()).abs() < 1e-3, "{deviation}");
    }

    /// Of a network's only convolution: its filter, running mean and running variance.
    fn first(network: &Network) -> (&Affine, &Tensor, &Tensor) {
        let convolution = &network.blocks[0][0];
        (&convolution.filter, &convolution.running_mean, &convolution.running_variance)
    }

    /// A network of one convolution with statistics unlike those of any pictures, and two batches of
    /// pictures unlike each other.
    fn one_convolution() -> (Network, [Tensor; 2]) {
        let model = VggSpec { blocks: vec![vec![4]], ..spec() };
        let network = Network::new(&model, 3, 7, Precision::F32, Device::Cpu, 1);
        let (_, mean, variance) = first(&network);
        let _ = mean.shallow_clone().fill_(7.0);
        let _ = variance.shallow_clone().fill_(9.0);
        let batches = [6, 3].map(|pictures| {
            random::normal(&[pictures, 3, 12, 12], Device::Cpu, pictures) * pictures as f64
        });
        (network, batches)
    }

    /// Mean and unbiased variance of the convolution's output for a batch, channel by channel.
    fn moments(network: &Network, batch: &Tensor) -> [Tensor; 2] {
        let weight = &first(network).0.weight.stored;
        let outputs = convolve(batch, weight, None, 1).to_kind(Kind::Double);
        let values = outputs.transpose(0, 1).reshape([outputs.size()[1], -1]);
        let mean = values.mean_dim(1, true, Kind::Double);
        let squares = (&values - &mean).square().sum_dim_intlist(1, false, Kind::Double);
        [mean.squeeze(), squares / (values.size()[1] - 1) as f64]
    }

    fn close(found: &Tensor, expected: &Tensor) -> bool {
        found.to_kind(Kind::Double).allclose(expected, 1e-4, 1e-5, false)
    }

    #[test]
    fn adapted_statistics_are_those_of_the_convolutions_outputs() {
        let (network, [one, other]) = one_convolution();
        let adapted = network.adapted(&mut [one.shallow_clone()].into_iter());
        let [mean, variance] = moments(&network, &one);
        let found = first(&adapted);
        assert!(close(found.1, &mean) && close(found.2, &variance), "{found:?}");

        let both = [one.shallow_clone(), other.shallow_clone()];
        let adapted = network.adapted(&mut both.into_iter());
        let [other_mean, other_variance] = moments(&network, &other);
        let found = first(&adapted);
        assert!(close(found.1, &((mean + other_mean) / 2.0)), "{found:?}");
        assert!(close(found.2, &((variance + other_variance) / 2.0)), "{found:?}");
    }

    #[test]
    fn to_adapt_leaves_the_network_as_it_was_and_gives_the_same_bytes_twice() {
        let (network, batches) = one_convolution();
        let before = network.encode("");
        let adapt = || network.adapted(&mut batches.iter().map(Tensor::shallow_clone));
        let once = adapt();
        assert_ne!(once.encode(""), before);
        assert_eq!(once.encode(""), adapt().encode(""));
        assert_eq!(network.encode(""), before);
        // What the copy's statistics are moved by later does not reach the network either.
        let _ = once.forward(&batches[0]);
        assert_eq!(network.encode(""), before);
        assert_eq!(network.adapted(&mut std::iter::empty()).encode(""), before);
    }

    #[test]
    fn activations_stay_channels_last() {
        for channels in [1, 3] {
            let pictures = random::normal(&[4, 12, 12, channels], Device::Cpu, 1);
            // What these leave of one channel is channels-first for libtorch.
            let some =
                pictures.permute([0, 3, 1, 2]).index_select(0, &Tensor::from_slice(&[2i64, 0]));
            for pictures in [&some * random::normal(&[2, 1, 12, 12], Device::Cpu, 2), some] {
                let x = input(&pictures, Precision::F32);
                assert_eq!(x, pictures);
                let network =
                    Network::new(&spec(), channels as usize, 7, Precision::F32, Device::Cpu, 0);
                let first = &network.blocks[0][0];
                let folded = network.folded();
                let patches =
                    network.patches.as_ref().map(|patches| patches.normalised(first, &x, 0.1));
                for out in [normalised(first, &x, 0.1), folded.blocks[0][0].forward(&x, 1)]
                    .iter()
                    .chain(&patches)
                {
                    assert_eq!(out.stride(), [12 * 12 * 4, 1, 12 * 4, 4], "{channels} channels");
                }
            }
        }
    }

    #[test]
    fn stored_weights_come_back() {
        let (a, b) = (network(1), network(2));
        assert_eq!(b.decode(&a.encode("a note")).unwrap(), "a note");
        let pictures = random::normal(&[2, 3, 12, 12], Device::Cpu, 1);
        assert_eq!(a.folded().logits(&pictures), b.folded().logits(&pictures));
    }

    /// Of a network that was trained elsewhere, where convolutions have shifts of their own.
    #[test]
    fn moving_the_bias_of_convolutions_changes_no_prediction() {
        let foreign = network(1);
        for mut parameter in foreign.parameters() {
            let _ = parameter.tensor.g_add_scalar_(0.1);
        }
        let own = network(2);
        own.restore(&foreign.snapshot()).unwrap();
        let pictures = random::normal(&[2, 3, 12, 12], Device::Cpu, 1);
        let answers = [&foreign, &own].map(|network| network.folded().logits(&pictures));
        let apart = (&answers[0] - &answers[1]).abs().max().double_value(&[]);
        assert!(apart < 1e-4, "{apart}");
        // And a training step gives both the same running mean.
        let _ = own.forward(&pictures);
        let shift = own.parameters().into_iter().find(|p| p.name == "blocks.0.0.conv.bias");
        assert_eq!(shift.unwrap().tensor.abs().max().double_value(&[]), 0.0);
    }

    #[test]
    fn weights_of_another_layout_are_refused_by_name() {
        let other = VggSpec { blocks: vec![vec![4, 5], vec![8]], ..spec() };
        let other = Network::new(&other, 3, 7, Precision::F32, Device::Cpu, 1);
        let message = network(1).decode(&other.encode("")).unwrap_err().to_string();
        assert!(message.contains("holds no `blocks.0.1.conv.weight` of the shape"), "{message}");
    }
}

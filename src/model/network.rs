//! A network that is trained here, its parameters by name.

use std::collections::{BTreeMap, HashMap};

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use tch::{Device, Kind, Tensor};

use super::inference::{Inference, Rescaled};
use super::parameters::{Initial, Parameters, Part, Placed};
use super::patches::Patches;
use super::standard::Standard;
use super::vgg::Vgg;
use super::weights::{self, FormatError, Weights};
use crate::experiment::{CommonSpec, ModelSpec, Precision};
use crate::network::{Role, TensorShape};
use crate::random;

/// A network in training.
///
/// Activations lie channels-last in memory: an input made as `[N, H, W, C]` and permuted to
/// `[N, C, H, W]` keeps that format through the network, which is worth a third of the time on a CPU.
#[derive(Debug)]
pub struct Network {
    layers: Layers,
    /// `[K, C]` and `[K]`.
    head: Affine,
    parameters: Parameters,
    named: Vec<Parameter>,
    precision: Precision,
    /// How far a step moves the running statistics towards a batch's: libtorch's sense of momentum, which
    /// is 1 − TensorFlow's.
    norm_step: f64,
    dropout: f64,
    /// What is done to pictures first.
    rescale: Option<Rescale>,
}

#[derive(Debug)]
enum Layers {
    Vgg(Vgg),
    Standard(Box<Standard>),
}

impl Layers {
    /// What the dense layer averages, `[N, C, H, W]`.
    fn features(&self, x: Tensor, batch: Batch) -> Tensor {
        match self {
            Layers::Vgg(layers) => layers.features(x, batch),
            Layers::Standard(layers) => layers.features(x, batch),
        }
    }

    /// The same weights, with running statistics of their own.
    fn with_own_statistics(&self) -> Layers {
        match self {
            Layers::Vgg(layers) => Layers::Vgg(layers.with_own_statistics()),
            Layers::Standard(layers) => Layers::Standard(Box::new(layers.with_own_statistics())),
        }
    }

    /// Mean and variance of each convolution in turn.
    fn running(&self) -> Vec<Tensor> {
        match self {
            Layers::Vgg(layers) => layers.running(),
            Layers::Standard(layers) => layers.running(),
        }
    }
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
    /// Whether it is trainable; batch normalisation's running statistics and what is frozen are not.
    pub trainable: bool,
}

/// Pictures in other numbers: × a factor + a summand, by channel.
#[derive(Debug)]
pub struct Rescale {
    /// `[1, C, 1, 1]`, f32.
    factor: Tensor,
    summand: Tensor,
}

impl Rescale {
    /// From pictures that are standardised by mean and standard deviation of values from 0 to 1, by channel, to pictures
    /// that are by others.
    pub fn new(from: (&[f64], &[f64]), to: (&[f64], &[f64]), device: Device) -> Rescale {
        let by_channel = |number: &dyn Fn(usize) -> f64| {
            let numbers: Vec<f32> =
                (0..from.0.len()).map(|channel| number(channel) as f32).collect();
            Tensor::from_slice(&numbers).view([1, -1, 1, 1]).to_device(device)
        };
        Rescale {
            factor: by_channel(&|channel| from.1[channel] / to.1[channel]),
            summand: by_channel(&|channel| (from.0[channel] - to.0[channel]) / to.1[channel]),
        }
    }

    /// Of pictures `[N, C, H, W]`.
    pub(super) fn of(&self, pictures: &Tensor) -> Tensor {
        channels_last(pictures) * &self.factor + &self.summand
    }

    fn shared(&self) -> Rescale {
        Rescale { factor: self.factor.shallow_clone(), summand: self.summand.shallow_clone() }
    }
}

/// What a pass through a network does with batch normalisation. In every pass it normalises by the batch's own
/// statistics.
#[derive(Debug, Clone, Copy)]
pub(super) enum Batch {
    /// Moves the running statistics a step; what is frozen normalises by its running ones, which stay.
    Learns { norm_step: f64 },
    /// Moves the running statistics a step, of everything.
    Adapts { norm_step: f64 },
}

impl Batch {
    pub fn norm_step(self) -> f64 {
        match self {
            Batch::Learns { norm_step } | Batch::Adapts { norm_step } => norm_step,
        }
    }

    pub fn respects_freeze(self) -> bool {
        matches!(self, Batch::Learns { .. })
    }
}

/// The tensors of a network that is being built, by name.
pub(super) struct Tensors<'a> {
    placed: HashMap<String, Placed>,
    running: HashMap<String, Tensor>,
    common: &'a CommonSpec,
}

impl Tensors<'_> {
    /// `name.weight`.
    pub fn weight(&mut self, name: &str) -> Placed {
        self.placed.remove(&format!("{name}.weight")).expect("each layer's tensors were placed")
    }

    /// `name.weight` and `name.bias`.
    pub fn affine(&mut self, name: &str) -> Affine {
        let bias = self.placed.remove(&format!("{name}.bias"));
        Affine { weight: self.weight(name), bias: bias.expect("each layer's tensors were placed") }
    }

    /// Running statistics.
    pub fn running(&mut self, name: &str) -> Tensor {
        self.running.remove(name).expect("each layer's statistics were made")
    }

    /// Whether a batch normalisation keeps its running statistics.
    pub fn is_frozen(&self, norm: &str) -> bool {
        self.common.freezes(&format!("{norm}.running_mean"))
    }
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
    /// A network before its first step, drawn on the CPU from `seed`, so that every device starts from the same
    /// weights: zeros for shifts, ones for gains, and weights as the family's authors or torchvision draw them (see
    /// [`ModelSpec`]).
    ///
    /// # Panics
    /// Of a network from a file, which is not trained.
    pub fn new(
        model: &ModelSpec,
        channels: usize,
        classes: usize,
        precision: Precision,
        device: Device,
        seed: u64,
    ) -> Network {
        let common = model.common().expect("a network from a file is not trained");
        let shapes = model.tensors(channels, classes);
        let drawn = drawn(model, &shapes, seed);
        let (parameters, placed) = Parameters::new(
            &shapes
                .iter()
                .zip(drawn)
                .filter(|(shape, _)| shape.role.is_trainable())
                .map(|(shape, values)| Initial { values, part: part(common, shape) })
                .collect::<Vec<_>>(),
            precision,
            device,
        );
        let mut placed_tensors = placed.into_iter();
        let mut named = Vec::new();
        let (mut placed, mut running) = (HashMap::new(), HashMap::new());
        for TensorShape { name, shape, role } in shapes {
            let stored = match role {
                Role::RunningMean | Role::RunningVariance => {
                    let start = if role == Role::RunningMean { 0.0 } else { 1.0 };
                    let tensor = Tensor::full([shape[0] as i64], start, (Kind::Float, device));
                    running.insert(name.clone(), tensor.shallow_clone());
                    tensor
                }
                _ => {
                    let tensor = placed_tensors.next().expect("as many as there were");
                    let stored = tensor.stored.shallow_clone();
                    placed.insert(name.clone(), tensor);
                    stored
                }
            };
            let trainable = role.is_trainable() && !common.freezes(&name);
            named.push(Parameter { name, tensor: stored, trainable });
        }
        let mut tensors = Tensors { placed, running, common };
        let (layers, head) = match (model, model.architecture(channels, classes)) {
            (_, Some(architecture)) => {
                let standard = Standard::new(&architecture, &mut tensors);
                (Layers::Standard(Box::new(standard)), tensors.affine(&architecture.head.name))
            }
            (ModelSpec::Vgg(model), None) => {
                let patches = Patches::new(model, channels, device);
                let vgg = Vgg::new(model, patches, &mut tensors);
                (Layers::Vgg(vgg), tensors.affine("head"))
            }
            (_, None) => unreachable!("a network from a file is not trained"),
        };
        Network {
            layers,
            head,
            parameters,
            named,
            precision,
            norm_step: 1.0 - common.batch_norm_momentum,
            dropout: common.dropout,
            rescale: None,
        }
    }

    /// The same network, which does this to its pictures first.
    pub fn rescaled(self, rescale: Option<Rescale>) -> Network {
        Network { rescale, ..self }
    }

    /// Logits `[N, K]` of pictures `[N, C, H, W]`, f32, in training without dropout: batch normalisation uses the batch's
    /// own statistics and moves the running ones.
    pub fn forward(&self, pictures: &Tensor) -> Tensor {
        self.passed(pictures, Batch::Learns { norm_step: self.norm_step }, None)
    }

    /// As [`forward`](Network::forward), with dropout, which `seed` draws.
    pub fn learn(&self, pictures: &Tensor, seed: i64) -> Tensor {
        let dropped = (self.dropout > 0.0).then_some(seed);
        self.passed(pictures, Batch::Learns { norm_step: self.norm_step }, dropped)
    }

    fn passed(&self, pictures: &Tensor, batch: Batch, dropped: Option<i64>) -> Tensor {
        self.parameters.refresh();
        let pictures = match &self.rescale {
            Some(rescale) => rescale.of(pictures),
            None => pictures.shallow_clone(),
        };
        let x = input(&pictures, self.precision);
        let mut averaged = features(&self.layers.features(x, batch));
        if let Some(seed) = dropped {
            // Those that stay are scaled up, so that nothing is to be done in inference.
            let kept = random::uniform(&averaged.size(), averaged.device(), seed).ge(self.dropout);
            averaged *= kept.to_kind(Kind::Float) / (1.0 - self.dropout);
        }
        averaged.linear(&self.head.weight.leaf, Some(&self.head.bias.leaf))
    }

    /// The same network with batch normalisation's statistics of other pictures, `[N, C, H, W]` a batch: the
    /// means over batches of a batch's mean and of its unbiased variance, each layer's with the layers before
    /// it normalised by the batch's own ("precise" statistics: Wu and Johnson 2021, arXiv 2105.07576). Every
    /// batch counts the same. Without a batch they stay as they are. The weights are shared, the statistics
    /// are not.
    pub fn adapted(&self, batches: &mut dyn Iterator<Item = Tensor>) -> Network {
        let layers = self.layers.with_own_statistics();
        let mut running = layers.running().into_iter();
        let mut named = self.parameters();
        for Parameter { name, tensor, .. } in &mut named {
            if (name.ends_with(".running_mean") || name.ends_with(".running_var"))
                && let Some(own) = running.next()
            {
                *tensor = own;
            }
        }
        let adapted = Network {
            named,
            layers,
            head: self.head.shared(),
            parameters: self.parameters.shared(),
            rescale: self.rescale.as_ref().map(Rescale::shared),
            ..*self
        };
        let _guard = tch::no_grad_guard();
        for (number, batch) in batches.enumerate() {
            // Makes the running statistics those of the first batch, then cumulative means.
            let norm_step = 1.0 / (number + 1) as f64;
            let _ = adapted.passed(&batch, Batch::Adapts { norm_step }, None);
        }
        adapted
    }

    /// The gradient of a loss of [`forward`](Network::forward) with respect to
    /// [`moving`](Network::moving), `[M]`, f32.
    pub fn gradient(&self, loss: &Tensor) -> Tensor {
        self.parameters.gradient(loss)
    }

    /// All parameters that are trained, `[M]`, f32, sharing the network's storage.
    pub fn moving(&self) -> Tensor {
        self.parameters.moving()
    }

    /// The network for inference, from its present weights: batch normalisation is folded into the filters.
    pub fn folded(&self) -> Box<dyn Inference> {
        let folded: Box<dyn Inference> = match &self.layers {
            Layers::Vgg(layers) => Box::new(super::Folded::new(layers, &self.head, self.precision)),
            Layers::Standard(layers) => Box::new(layers.folded(&self.head, self.precision)),
        };
        match &self.rescale {
            Some(rescale) => Box::new(Rescaled { rescale: rescale.shared(), network: folded }),
            None => folded,
        }
    }

    /// Every tensor of the network, in a fixed order, sharing its storage.
    pub fn parameters(&self) -> Vec<Parameter> {
        let one = |Parameter { name, tensor, trainable }: &Parameter| Parameter {
            name: name.clone(),
            tensor: tensor.shallow_clone(),
            trainable: *trainable,
        };
        self.named.iter().map(one).collect()
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

    /// Loads weights from elsewhere, by name. A dense layer that is missing or of other classes keeps the values that it
    /// has.
    ///
    /// # Errors
    /// The first tensor of another layer that is missing or has another shape.
    pub fn start_from(&self, weights: &BTreeMap<String, Tensor>) -> Result<(), String> {
        let head = [&self.head.weight, &self.head.bias].map(|placed| placed.stored.data_ptr());
        let fits = |parameter: &Parameter| {
            let found = weights.get(&parameter.name);
            found.filter(|found| found.size() == parameter.tensor.size())
        };
        let (of_head, others): (Vec<Parameter>, Vec<Parameter>) =
            self.parameters().into_iter().partition(|one| head.contains(&one.tensor.data_ptr()));
        for mut parameter in others {
            let Some(stored) = fits(&parameter) else { return Err(parameter.name) };
            tch::no_grad(|| parameter.tensor.copy_(stored));
        }
        if of_head.iter().all(|parameter| fits(parameter).is_some()) {
            for mut parameter in of_head {
                if let Some(stored) = weights.get(&parameter.name) {
                    tch::no_grad(|| parameter.tensor.copy_(stored));
                }
            }
        }
        self.carry_shifts_over();
        Ok(())
    }

    fn carry_shifts_over(&self) {
        if let Layers::Vgg(layers) = &self.layers {
            layers.carry_shifts_over();
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

    #[cfg(test)]
    pub(super) fn vgg(&self) -> (&Vgg, &Affine) {
        match &self.layers {
            Layers::Vgg(layers) => (layers, &self.head),
            Layers::Standard(_) => panic!("it has blocks with shortcuts"),
        }
    }
}

impl Affine {
    /// The same tensors, not copies of them.
    pub fn shared(&self) -> Affine {
        Affine { weight: self.weight.shared(), bias: self.bias.shared() }
    }
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

/// The input of the dense layer, `[N, C]`, f32: the mean over each channel.
pub(super) fn features(x: &Tensor) -> Tensor {
    x.mean_dim([2, 3].as_slice(), false, Kind::Float)
}

/// In which part of the buffer a tensor lies.
fn part(common: &CommonSpec, TensorShape { name, role, .. }: &TensorShape) -> Part {
    match role {
        Role::FilterBias => Part::Shift,
        _ if common.freezes(name) => Part::Frozen,
        Role::Filter => Part::Filter,
        _ => Part::Other,
    }
}

/// The values of all tensors before the first step; filters as `[O, k, k, I]`.
///
/// VGG: normal with variance 2 / fan-in (He et al. 2015). The others as torchvision: filters normal with variance
/// 2 / fan-out, where the fan-out is k² × output channels; the dense layer of a residual network uniform within
/// ± 1 / √C, that of MobileNet V2 normal with a standard deviation of 0.01 and without shift.
fn drawn(model: &ModelSpec, shapes: &[TensorShape], seed: u64) -> Vec<Tensor> {
    let mut of_vgg = match model {
        ModelSpec::Vgg(model) => {
            let places = |(b, widths): (usize, &Vec<i64>)| {
                (0..widths.len()).map(|c| [b as u64, c as u64]).collect::<Vec<_>>()
            };
            model.blocks.iter().enumerate().flat_map(places).collect()
        }
        _ => Vec::new(),
    }
    .into_iter();
    let one = |(index, TensorShape { shape, role, .. }): (usize, &TensorShape)| {
        let sides: Vec<i64> = shape.iter().map(|side| *side as i64).collect();
        let index = [index as u64];
        let bound = || match model {
            ModelSpec::Resnet(_) => {
                let inputs = shapes.iter().rfind(|other| other.role == Role::HeadWeight);
                (inputs.map_or(1, |head| head.shape[1]) as f64).powf(-0.5)
            }
            _ => 0.0,
        };
        match role {
            Role::Filter => {
                let [output, input, rows, columns] = sides[..] else {
                    unreachable!("[O, I, k, k]")
                };
                let laid = [output, rows, columns, input];
                match of_vgg.next() {
                    Some(place) => normal(&laid, he(rows * columns * input), seed, &place),
                    None => normal(&laid, he(rows * columns * output), seed, &index),
                }
            }
            Role::HeadWeight => match model {
                ModelSpec::Resnet(_) => uniform(&sides, bound(), seed, &index),
                ModelSpec::MobilenetV2(_) => normal(&sides, 0.01, seed, &index),
                _ => normal(&sides, he(sides[1]), seed, &[u64::MAX]),
            },
            Role::HeadBias if bound() > 0.0 => uniform(&sides, bound(), seed, &index),
            Role::Gain | Role::RunningVariance => Tensor::ones(&sides, (Kind::Float, Device::Cpu)),
            Role::FilterBias | Role::Shift | Role::RunningMean | Role::HeadBias => {
                Tensor::zeros(&sides, (Kind::Float, Device::Cpu))
            }
        }
    };
    shapes.iter().enumerate().map(one).collect()
}

/// The standard deviation of He et al. 2015 (arXiv 1502.01852) for rectifiers.
fn he(fan: i64) -> f64 {
    (2.0 / fan as f64).sqrt()
}

fn normal(shape: &[i64], deviation: f64, seed: u64, index: &[u64]) -> Tensor {
    let mut generator = random::generator(seed, "weights", index);
    let values: Vec<f32> = (0..shape.iter().product::<i64>())
        .map(|_| {
            let value: f64 = StandardNormal.sample(&mut generator);
            (deviation * value) as f32
        })
        .collect();
    Tensor::from_slice(&values).view(shape)
}

/// From −bound to bound.
fn uniform(shape: &[i64], bound: f64, seed: u64, index: &[u64]) -> Tensor {
    let mut generator = random::generator(seed, "weights", index);
    let values: Vec<f32> = (0..shape.iter().product::<i64>())
        .map(|_| (bound * (2.0 * generator.random::<f64>() - 1.0)) as f32)
        .collect();
    Tensor::from_slice(&values).view(shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Folded, vgg};
    use crate::plan::ParameterCount;

    fn spec() -> ModelSpec {
        ModelSpec::of_blocks(&[&[4, 6], &[8]], 0.99)
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
        let weight = normal(&[64, 3, 3, 64], he(9 * 64), 1, &[]);
        let deviation = weight.std(true).double_value(&[]);
        assert!((deviation - (2.0f64 / 576.0).sqrt()).abs() < 1e-3, "{deviation}");
    }

    /// Of a network's only convolution: its filter, running mean and running variance.
    fn first(network: &Network) -> (&Affine, &Tensor, &Tensor) {
        let convolution = &network.vgg().0.blocks[0][0];
        (&convolution.filter, &convolution.running_mean, &convolution.running_variance)
    }

    /// A network of one convolution with statistics unlike those of any pictures, and two batches of
    /// pictures unlike each other.
    fn one_convolution() -> (Network, [Tensor; 2]) {
        let model = ModelSpec::of_blocks(&[&[4]], 0.99);
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
        let outputs = vgg::convolve(batch, weight, None, 1).to_kind(Kind::Double);
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
                let first = &network.vgg().0.blocks[0][0];
                let (layers, head) = network.vgg();
                let folded = Folded::new(layers, head, Precision::F32);
                let learns = Batch::Learns { norm_step: 0.1 };
                let patches =
                    layers.patches.as_ref().map(|patches| patches.normalised(first, &x, 0.1));
                for out in [vgg::normalised(first, &x, learns), folded.blocks[0][0].forward(&x, 1)]
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
        let other = ModelSpec::of_blocks(&[&[4, 5], &[8]], 0.99);
        let other = Network::new(&other, 3, 7, Precision::F32, Device::Cpu, 1);
        let message = network(1).decode(&other.encode("")).unwrap_err().to_string();
        assert!(message.contains("holds no `blocks.0.1.conv.weight` of the shape"), "{message}");
    }
}

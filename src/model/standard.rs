//! The field's standard networks.

use tch::Tensor;

use super::inference::{Inference, at_once_on_cpu, in_turns};
use super::network::{self, Affine, Batch, Tensors};
use super::parameters::Placed;
use crate::experiment::Precision;
use crate::network::{Activation, Architecture, Block, Convolution, EPSILON, Shortcut};

/// The most pictures that a GPU takes at once.
const ON_GPU: i64 = 256;

/// The layers of an [`Architecture`] before its dense layer, with `U` for each of its convolutions.
#[derive(Debug)]
struct Layout<U> {
    stem: U,
    pool: bool,
    rows: Vec<Row<U>>,
}

#[derive(Debug)]
struct Row<U> {
    body: Vec<U>,
    /// Whether something is added to the body's result, and what: its input, or that after a convolution.
    shortcut: Option<Option<U>>,
    activation: Activation,
}

impl<U> Layout<U> {
    fn new(architecture: &Architecture, make: &mut dyn FnMut(&Convolution) -> U) -> Layout<U> {
        let mut row = |Block { body, shortcut, activation }: &Block| Row {
            body: body.iter().map(&mut *make).collect(),
            shortcut: match shortcut {
                Shortcut::Nothing => None,
                Shortcut::Identity => Some(None),
                Shortcut::Projection(convolution) => Some(Some(make(convolution))),
            },
            activation: *activation,
        };
        let rows = architecture.blocks.iter().map(&mut row).collect();
        Layout { stem: make(&architecture.stem), pool: architecture.pool, rows }
    }

    fn map<V>(&self, make: &dyn Fn(&U) -> V) -> Layout<V> {
        let row = |Row { body, shortcut, activation }: &Row<U>| Row {
            body: body.iter().map(make).collect(),
            shortcut: shortcut.as_ref().map(|projection| projection.as_ref().map(make)),
            activation: *activation,
        };
        Layout {
            stem: make(&self.stem),
            pool: self.pool,
            rows: self.rows.iter().map(row).collect(),
        }
    }

    /// In the order of the tensors.
    fn all(&self) -> Vec<&U> {
        let mut all = vec![&self.stem];
        for Row { body, shortcut, .. } in &self.rows {
            all.extend(body);
            all.extend(shortcut.iter().flatten());
        }
        all
    }

    /// `[N, C, H, W]`.
    fn features(&self, x: &Tensor, apply: &dyn Fn(&U, &Tensor) -> Tensor) -> Tensor {
        let mut x = apply(&self.stem, x);
        if self.pool {
            x = x.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        }
        for Row { body, shortcut, activation } in &self.rows {
            let mut out = x.shallow_clone();
            for unit in body {
                out = apply(unit, &out);
            }
            x = match shortcut {
                None => out,
                Some(None) => out + &x,
                Some(Some(projection)) => out + apply(projection, &x),
            };
            x = activated(x, *activation);
        }
        x
    }
}

fn activated(mut x: Tensor, activation: Activation) -> Tensor {
    match activation {
        Activation::None => x,
        Activation::Relu => x.relu_(),
        Activation::Relu6 => x.clamp_(0.0, 6.0),
    }
}

/// A convolution of a network in training.
#[derive(Debug)]
struct Unit {
    shape: Shape,
    /// `[O, I / groups, k, k]`.
    filter: Placed,
    /// Batch normalisation's gain and shift, `[O]` each.
    norm: Affine,
    running_mean: Tensor,
    running_variance: Tensor,
    /// Whether the running statistics stay as they are.
    frozen: bool,
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    stride: i64,
    padding: i64,
    groups: i64,
    activation: Activation,
}

impl Shape {
    fn of(convolution: &Convolution) -> Shape {
        Shape {
            stride: convolution.stride as i64,
            padding: convolution.padding() as i64,
            groups: convolution.groups as i64,
            activation: convolution.activation,
        }
    }

    fn convolve(self, x: &Tensor, filter: &Tensor, bias: Option<&Tensor>) -> Tensor {
        let Shape { stride, padding, groups, .. } = self;
        x.conv2d(filter, bias, [stride, stride], [padding, padding], [1, 1], groups)
    }
}

impl Unit {
    fn forward(&self, x: &Tensor, batch: Batch) -> Tensor {
        let convolved = self.shape.convolve(x, &self.filter.leaf.to_kind(x.kind()), None);
        let stays = self.frozen && batch.respects_freeze();
        let normalised = convolved.batch_norm(
            Some(&self.norm.weight.leaf),
            Some(&self.norm.bias.leaf),
            Some(&self.running_mean),
            Some(&self.running_variance),
            !stays,
            batch.norm_step(),
            EPSILON,
            true,
        );
        activated(normalised, self.shape.activation)
    }
}

/// The layers in training.
#[derive(Debug)]
pub(super) struct Standard {
    layout: Layout<Unit>,
    architecture: Architecture,
}

impl Standard {
    pub fn new(architecture: &Architecture, tensors: &mut Tensors) -> Standard {
        let mut unit = |convolution: &Convolution| {
            let norm = &convolution.norm;
            Unit {
                shape: Shape::of(convolution),
                filter: tensors.weight(&convolution.name),
                frozen: tensors.is_frozen(norm),
                running_mean: tensors.running(&format!("{norm}.running_mean")),
                running_variance: tensors.running(&format!("{norm}.running_var")),
                norm: tensors.affine(norm),
            }
        };
        Standard {
            layout: Layout::new(architecture, &mut unit),
            architecture: architecture.clone(),
        }
    }

    /// What the dense layer averages, `[N, C, H, W]`.
    pub fn features(&self, x: Tensor, batch: Batch) -> Tensor {
        self.layout.features(&x, &|unit, x| unit.forward(x, batch))
    }

    /// The same weights, with running statistics of their own.
    pub fn with_own_statistics(&self) -> Standard {
        let unit = |unit: &Unit| Unit {
            shape: unit.shape,
            filter: unit.filter.shared(),
            norm: unit.norm.shared(),
            running_mean: unit.running_mean.copy(),
            running_variance: unit.running_variance.copy(),
            frozen: unit.frozen,
        };
        Standard { layout: self.layout.map(&unit), architecture: self.architecture.clone() }
    }

    /// Mean and variance of each convolution in turn.
    pub fn running(&self) -> Vec<Tensor> {
        let of_one =
            |unit: &Unit| [&unit.running_mean, &unit.running_variance].map(Tensor::shallow_clone);
        self.layout.all().into_iter().flat_map(of_one).collect()
    }

    /// For inference, with batch normalisation folded into the filters (Jacob et al. 2018, section 3.2).
    pub fn folded(&self, head: &Affine, precision: Precision) -> FoldedStandard {
        let _guard = tch::no_grad_guard();
        let unit = |unit: &Unit| {
            let gain = &unit.norm.weight.stored / (&unit.running_variance + EPSILON).sqrt();
            let filter = &unit.filter.stored * gain.view([-1, 1, 1, 1]);
            let bias = &unit.norm.bias.stored - &unit.running_mean * &gain;
            FoldedUnit {
                shape: unit.shape,
                filter: network::rounded(&filter, precision),
                bias: network::rounded(&bias, precision),
            }
        };
        FoldedStandard {
            layout: self.layout.map(&unit),
            weight: head.weight.stored.copy(),
            bias: head.bias.stored.copy(),
            precision,
            architecture: self.architecture.clone(),
        }
    }
}

/// A standard network for inference.
#[derive(Debug)]
pub(super) struct FoldedStandard {
    layout: Layout<FoldedUnit>,
    /// Of the dense layer, `[K, C]` and `[K]`.
    weight: Tensor,
    bias: Tensor,
    precision: Precision,
    architecture: Architecture,
}

#[derive(Debug)]
struct FoldedUnit {
    shape: Shape,
    filter: Tensor,
    bias: Tensor,
}

impl FoldedStandard {
    /// How many pictures are computed at once: on a CPU as many as keep a layer's output in its caches.
    fn at_once(&self, pictures: &Tensor) -> i64 {
        let [_, _, height, width] = pictures.size()[..] else { unreachable!("[N, C, H, W]") };
        if pictures.device().is_cuda() {
            return ON_GPU;
        }
        let outputs = self.architecture.outputs(height as usize, width as usize);
        let largest = outputs.max().unwrap_or(1).max(1) as i64;
        at_once_on_cpu(largest)
    }

    fn logits_at_once(&self, pictures: &Tensor) -> Tensor {
        let x = network::input(pictures, self.precision);
        let x = self.layout.features(&x, &|unit: &FoldedUnit, x| {
            let convolved = unit.shape.convolve(x, &unit.filter, Some(&unit.bias));
            activated(convolved, unit.shape.activation)
        });
        network::features(&x).linear(&self.weight, Some(&self.bias))
    }
}

impl Inference for FoldedStandard {
    fn logits(&self, pictures: &Tensor) -> Tensor {
        let _guard = tch::no_grad_guard();
        in_turns(pictures, self.at_once(pictures), &|part| self.logits_at_once(part))
    }
}

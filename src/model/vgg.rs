//! The VGG-like network of the seed study.

use tch::Tensor;

use super::network::{Affine, Batch, Tensors};
use super::patches::Patches;
use crate::experiment::VggSpec;

pub(super) use crate::network::VGG_EPSILON as EPSILON;

/// Blocks of 3 × 3 convolutions (stride 1, same padding), each with batch normalisation and ReLU; a
/// 3 × 3 max pool with stride 3 after every block but the last; global average pooling; one dense layer.
///
/// [`Folded`](super::Folded) is the same network for inference.
///
/// The bias of a convolution is omitted in training, because the batch's mean cancels it; its
/// gradient is 0. (An optimiser that divides by the size of a gradient would make steps of full length
/// out of its rounding.)
#[derive(Debug)]
pub(super) struct Vgg {
    pub blocks: Vec<Vec<Convolution>>,
    /// Where the first convolution's statistics are computed from its input patches.
    pub patches: Option<Patches>,
}

#[derive(Debug)]
pub(super) struct Convolution {
    /// `[O, I, 3, 3]` and `[O]`.
    pub filter: Affine,
    /// Batch normalisation's gain and shift, `[O]` each.
    pub norm: Affine,
    pub running_mean: Tensor,
    pub running_variance: Tensor,
    /// Whether the running statistics stay as they are.
    pub frozen: bool,
}

impl Vgg {
    pub fn new(model: &VggSpec, patches: Option<Patches>, tensors: &mut Tensors) -> Vgg {
        let mut convolution = |b: usize, c: usize| {
            let name = format!("blocks.{b}.{c}");
            let norm = format!("{name}.norm");
            Convolution {
                filter: tensors.affine(&format!("{name}.conv")),
                frozen: tensors.is_frozen(&norm),
                running_mean: tensors.running(&format!("{norm}.running_mean")),
                running_variance: tensors.running(&format!("{norm}.running_var")),
                norm: tensors.affine(&norm),
            }
        };
        let block = |(b, widths): (usize, &Vec<i64>)| {
            (0..widths.len()).map(|c| convolution(b, c)).collect()
        };
        Vgg { blocks: model.blocks.iter().enumerate().map(block).collect(), patches }
    }

    /// What the dense layer averages, `[N, C, H, W]`.
    pub fn features(&self, x: Tensor, batch: Batch) -> Tensor {
        let mut x = x;
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                x = pool(&x).relu_();
            }
            let pooled = index + 1 < self.blocks.len();
            for (place, convolution) in block.iter().enumerate() {
                x = match &self.patches {
                    Some(patches) if (index, place) == (0, 0) && !convolution.stays(batch) => {
                        patches.normalised(convolution, &x, batch.norm_step())
                    }
                    _ => normalised(convolution, &x, batch),
                };
                // Before a pool the ReLU is applied after it: the result is the same, with a ninth of the
                // numbers.
                if !(pooled && place + 1 == block.len()) {
                    x = x.relu_();
                }
            }
        }
        x
    }

    /// The same weights, with running statistics of their own.
    pub fn with_own_statistics(&self) -> Vgg {
        let convolution = |convolution: &Convolution| Convolution {
            filter: convolution.filter.shared(),
            norm: convolution.norm.shared(),
            running_mean: convolution.running_mean.copy(),
            running_variance: convolution.running_variance.copy(),
            frozen: convolution.frozen,
        };
        let block = |block: &Vec<Convolution>| block.iter().map(convolution).collect();
        Vgg {
            blocks: self.blocks.iter().map(block).collect(),
            patches: self.patches.as_ref().map(Patches::shared),
        }
    }

    /// Mean and variance of each convolution in turn.
    pub fn running(&self) -> Vec<Tensor> {
        let of_one = |convolution: &Convolution| {
            [&convolution.running_mean, &convolution.running_variance].map(Tensor::shallow_clone)
        };
        self.blocks.iter().flatten().flat_map(of_one).collect()
    }

    /// Moves the bias of a convolution into the running mean, which cancels it: training omits the bias, so that the
    /// running mean must be of outputs without it. No effect on a network that was trained here.
    pub fn carry_shifts_over(&self) {
        let _guard = tch::no_grad_guard();
        for Convolution { filter, running_mean, .. } in self.blocks.iter().flatten() {
            let shift = &filter.bias.stored;
            let _ = running_mean.shallow_clone().g_sub_(shift);
            let _ = shift.shallow_clone().zero_();
        }
    }
}

impl Convolution {
    /// Whether its running statistics stay and are used.
    fn stays(&self, batch: Batch) -> bool {
        self.frozen && batch.respects_freeze()
    }
}

/// Convolution and batch normalisation, over the batch where it is not frozen.
pub(super) fn normalised(convolution: &Convolution, x: &Tensor, batch: Batch) -> Tensor {
    let Convolution { filter, norm, running_mean, running_variance, .. } = convolution;
    let convolved = convolve(x, &filter.weight.leaf.to_kind(x.kind()), None, 1);
    convolved.batch_norm(
        Some(&norm.weight.leaf),
        Some(&norm.bias.leaf),
        Some(running_mean),
        Some(running_variance),
        !convolution.stays(batch),
        batch.norm_step(),
        EPSILON,
        true,
    )
}

/// 3 × 3, stride 1, with so many pixels of zeros around.
pub(super) fn convolve(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, padding: i64) -> Tensor {
    x.conv2d(weight, bias, [1, 1], [padding, padding], [1, 1], 1)
}

/// The layers between two blocks.
pub(super) fn pool(x: &Tensor) -> Tensor {
    x.max_pool2d([3, 3], [3, 3], [0, 0], [1, 1], false)
}

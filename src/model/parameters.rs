//! All trainable numbers of a network in one buffer, so that a step of the optimiser is a handful of
//! operations, however many layers there are.

use tch::{Device, Kind, Tensor};

use crate::experiment::Precision;

/// A flat buffer and the tensors that lie in it.
#[derive(Debug)]
pub(super) struct Parameters {
    /// `[P]`, f32.
    flat: Tensor,
    /// How many numbers, from the first on, are the filters': those that are rounded in `bf16`.
    filters: i64,
    /// How many numbers, from the first on, are trainable. After them are the biases of the convolutions, which have no
    /// effect in training: batch normalisation cancels them; and what is frozen.
    moving: i64,
    /// `[filters]`, bfloat16: the filters as convolutions take them, where that is not float32.
    rounded: Option<Tensor>,
    /// The tensors with gradients, in the order of the buffer.
    leaves: Vec<Tensor>,
}

/// The initial values of a tensor of the network.
pub(super) struct Initial {
    /// Row-major in the tensor's memory layout.
    pub values: Tensor,
    pub part: Part,
}

/// The position of a tensor in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Of a convolution, made as `[O, 3, 3, I]` and seen as `[O, I, 3, 3]`: channels-last in memory.
    Filter,
    /// Of batch normalisation and of the dense layer.
    Other,
    /// The bias of a convolution.
    Shift,
    /// One that keeps its values, `[O, k, k, I]` where it has four dimensions, and seen as a filter.
    Frozen,
}

/// A tensor of the network: its numbers in the buffer, and what the forward pass takes.
#[derive(Debug)]
pub(super) struct Placed {
    /// Shares the buffer; f32.
    pub stored: Tensor,
    /// The same numbers, rounded where the precision says so, with gradients; of a shift and of what is frozen there are
    /// none.
    pub leaf: Tensor,
}

impl Placed {
    /// The same tensor, not a copy of it.
    pub fn shared(&self) -> Placed {
        Placed { stored: self.stored.shallow_clone(), leaf: self.leaf.shallow_clone() }
    }
}

impl Parameters {
    /// Lays out the tensors: filters first, then all else that moves, then the shifts. What comes back
    /// stands in the order in which they were given.
    pub fn new(
        initial: &[Initial],
        precision: Precision,
        device: Device,
    ) -> (Parameters, Vec<Placed>) {
        let mut order: Vec<usize> = (0..initial.len()).collect();
        order.sort_by_key(|&index| initial[index].part);
        let values: Vec<Tensor> =
            order.iter().map(|&index| initial[index].values.reshape([-1])).collect();
        let flat = Tensor::cat(&values, 0).to_device(device);
        let size = |part: Part| -> i64 {
            let of_part = initial.iter().filter(|initial| initial.part == part);
            of_part.map(|initial| initial.values.numel() as i64).sum()
        };
        let (filters, others) = (size(Part::Filter), size(Part::Other));
        let rounded = match precision {
            Precision::F32 | Precision::Tf32 => None,
            Precision::Bf16 => Some(flat.narrow(0, 0, filters).to_kind(Kind::BFloat16)),
        };
        let mut parameters =
            Parameters { flat, filters, moving: filters + others, rounded, leaves: Vec::new() };
        let mut placed: Vec<(usize, Placed)> = Vec::new();
        let mut start = 0;
        for index in order {
            let Initial { values, part } = &initial[index];
            let length = values.numel() as i64;
            let lie = |buffer: &Tensor| {
                let tensor = buffer.narrow(0, start, length).view_as(values);
                match part {
                    Part::Filter => tensor.permute([0, 3, 1, 2]),
                    Part::Frozen if tensor.dim() == 4 => tensor.permute([0, 3, 1, 2]),
                    Part::Other | Part::Shift | Part::Frozen => tensor,
                }
            };
            let stored = lie(&parameters.flat);
            let rounded = parameters.rounded.as_ref().filter(|_| *part == Part::Filter);
            let mut leaf = rounded.map_or_else(|| stored.detach(), |rounded| lie(rounded).detach());
            if matches!(part, Part::Filter | Part::Other) {
                leaf = leaf.set_requires_grad(true);
                parameters.leaves.push(leaf.shallow_clone());
            }
            placed.push((index, Placed { stored, leaf }));
            start += length;
        }
        placed.sort_by_key(|(index, _)| *index);
        (parameters, placed.into_iter().map(|(_, placed)| placed).collect())
    }

    /// The same numbers, not copies of them.
    pub fn shared(&self) -> Parameters {
        Parameters {
            flat: self.flat.shallow_clone(),
            rounded: self.rounded.as_ref().map(Tensor::shallow_clone),
            leaves: self.leaves.iter().map(Tensor::shallow_clone).collect(),
            ..*self
        }
    }

    /// Rounds the filters again, after a step or a restore.
    pub fn refresh(&self) {
        if let Some(rounded) = &self.rounded {
            rounded.shallow_clone().copy_(&self.flat.narrow(0, 0, self.filters));
        }
    }

    /// The trainable parameters, `[M]`, f32: shares the buffer.
    pub fn moving(&self) -> Tensor {
        self.flat.narrow(0, 0, self.moving)
    }

    /// The gradient of a loss with respect to [`moving`](Parameters::moving), `[M]`, f32.
    pub fn gradient(&self, loss: &Tensor) -> Tensor {
        let gradients = Tensor::run_backward(&[loss], &self.leaves, false, false);
        // Filters have four dimensions, and so do their gradients: back to the order of the buffer.
        let in_order = |gradient: &Tensor| match gradient.dim() {
            4 => gradient.permute([0, 2, 3, 1]).reshape([-1]),
            _ => gradient.reshape([-1]),
        };
        let gradients: Vec<Tensor> = gradients.iter().map(in_order).collect();
        if self.rounded.is_none() {
            return Tensor::cat(&gradients, 0);
        }
        let filters = gradients.iter().take_while(|one| one.kind() == Kind::BFloat16).count();
        let (filters, others) = gradients.split_at(filters);
        Tensor::cat(&[Tensor::cat(filters, 0).to_kind(Kind::Float), Tensor::cat(others, 0)], 0)
    }
}

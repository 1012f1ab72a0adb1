//! Parameters and arithmetic of a network layout, without building it.

use crate::experiment::ModelSpec;
use crate::network::TensorShape;

/// Numbers of scalars in a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterCount {
    /// With the running means and variances of batch normalisation, as Keras counts.
    pub total: u64,
    /// Those that training moves: neither statistics nor what is frozen.
    pub trainable: u64,
}

impl ParameterCount {
    pub fn of(model: &ModelSpec, channels: usize, classes: usize) -> ParameterCount {
        match model {
            ModelSpec::Onnx(model) => ParameterCount { total: model.parameters, trainable: 0 },
            trained => {
                let tensors = trained.tensors(channels, classes);
                let is_frozen = |tensor: &TensorShape| {
                    trained.common().is_some_and(|common| common.freezes(&tensor.name))
                };
                let moves =
                    |tensor: &&TensorShape| tensor.role.is_trainable() && !is_frozen(tensor);
                let trainable = tensors.iter().filter(moves);
                let count = |tensor: &TensorShape| tensor.len() as u64;
                ParameterCount {
                    trainable: trainable.map(count).sum(),
                    total: tensors.iter().map(count).sum(),
                }
            }
        }
    }
}

/// Multiply-adds of the convolutions for one image, forward; `None` where the layout is not known.
pub fn multiply_adds(
    model: &ModelSpec,
    height: usize,
    width: usize,
    channels: usize,
) -> Option<u64> {
    let model = match model {
        ModelSpec::Vgg(model) => model,
        other => {
            let architecture = other.architecture(channels, 1)?;
            return Some(architecture.multiply_adds(height, width));
        }
    };
    let (mut height, mut width, mut input) = (height as u64, width as u64, channels as u64);
    let mut sum = 0;
    for (index, block) in model.blocks.iter().enumerate() {
        if index > 0 {
            (height, width) = (height / 3, width / 3);
        }
        for output in block.iter().map(|output| *output as u64) {
            sum += height * width * 9 * input * output;
            input = output;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(blocks: &[&[i64]]) -> ModelSpec {
        ModelSpec::of_blocks(blocks, 0.99)
    }

    #[test]
    fn the_seed_study_s_layout_has_its_numbers() {
        let model = layout(&[&[64, 64], &[96, 96, 96], &[128, 128, 128]]);
        let count = ParameterCount::of(&model, 3, 7);
        assert_eq!(count, ParameterCount { total: 670_183, trainable: 668_583 });
    }

    #[test]
    fn multiply_adds_by_hand() {
        let model = layout(&[&[4], &[2]]);
        assert_eq!(multiply_adds(&model, 6, 6, 1), Some(36 * 9 * 4 + 4 * 9 * 4 * 2));
    }
}

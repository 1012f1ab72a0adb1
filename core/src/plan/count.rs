//! Parameters and arithmetic of a network layout, without building it.

use crate::experiment::{ModelSpec, VggSpec};

/// Numbers of scalars in a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterCount {
    /// With the running means and variances of batch normalisation, as Keras counts.
    pub total: u64,
    /// Trainable parameters.
    pub trainable: u64,
}

impl ParameterCount {
    pub fn of(model: &ModelSpec, channels: usize, classes: usize) -> ParameterCount {
        match model {
            ModelSpec::Vgg(model) => ParameterCount::of_vgg(model, channels, classes),
            ModelSpec::Onnx(model) => ParameterCount { total: model.parameters, trainable: 0 },
        }
    }

    fn of_vgg(model: &VggSpec, channels: usize, classes: usize) -> ParameterCount {
        let mut input = channels as u64;
        let mut trainable = 0;
        let mut running = 0;
        for width in model.blocks.iter().flatten().map(|width| *width as u64) {
            let convolution = 9 * input * width + width;
            let gain_and_shift = 2 * width;
            trainable += convolution + gain_and_shift;
            running += 2 * width;
            input = width;
        }
        trainable += input * classes as u64 + classes as u64;
        ParameterCount { total: trainable + running, trainable }
    }
}

/// Multiply-adds of the convolutions for one image, forward; `None` where the layout is not known.
pub fn multiply_adds(
    model: &ModelSpec,
    height: usize,
    width: usize,
    channels: usize,
) -> Option<u64> {
    let ModelSpec::Vgg(model) = model else { return None };
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
        let blocks = blocks.iter().map(|block| block.to_vec()).collect();
        ModelSpec::Vgg(VggSpec { blocks, batch_norm_momentum: 0.99 })
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

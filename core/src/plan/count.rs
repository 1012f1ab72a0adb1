//! Parameters and arithmetic of a network layout, without building it.

use crate::experiment::ModelSpec;

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

/// Multiply-adds of the convolutions for one image, forward.
pub fn multiply_adds(model: &ModelSpec, height: usize, width: usize, channels: usize) -> u64 {
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
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(blocks: &[&[i64]]) -> ModelSpec {
        let blocks = blocks.iter().map(|block| block.to_vec()).collect();
        ModelSpec { blocks, batch_norm_momentum: 0.99 }
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
        assert_eq!(multiply_adds(&model, 6, 6, 1), 36 * 9 * 4 + 4 * 9 * 4 * 2);
    }
}

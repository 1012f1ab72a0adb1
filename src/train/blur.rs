//! Gaussian blur as batched tensor operations.

use tch::{Kind, Tensor};

/// Pictures `[B, C, H, W]` under a Gaussian of this standard deviation in pixels; beyond the border its
/// nearest pixel is repeated.
pub(super) fn blurred(pictures: &Tensor, deviation: f64) -> Tensor {
    let radius = (3.0 * deviation).ceil() as i64;
    let at = Tensor::arange_start(-radius, radius + 1, (Kind::Float, pictures.device()));
    let kernel = ((at / deviation).square() * -0.5).exp();
    let kernel = &kernel / kernel.sum(Kind::Float);
    let along = |pictures: &Tensor, pad: [i64; 4], shape: [i64; 2]| {
        let kernel = for_channels(&kernel.view(shape), pictures.size()[1]);
        convolved(&pictures.replication_pad2d(pad), &kernel)
    };
    let size = 2 * radius + 1;
    let rows = along(pictures, [radius, radius, 0, 0], [1, size]);
    along(&rows, [0, 0, radius, radius], [size, 1])
}

/// A kernel `[H, W]` for this many independent channels: `[C, 1, H, W]`.
fn for_channels(kernel: &Tensor, channels: i64) -> Tensor {
    let shape = kernel.size();
    kernel.view([1, 1, shape[0], shape[1]]).repeat([channels, 1, 1, 1])
}

/// Pictures under a kernel of [`for_channels`].
fn convolved(pictures: &Tensor, kernel: &Tensor) -> Tensor {
    pictures.conv2d(kernel, None::<&Tensor>, [1, 1], [0, 0], [1, 1], kernel.size()[0])
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    fn largest(difference: Tensor) -> f64 {
        difference.abs().max().double_value(&[])
    }

    #[test]
    fn a_blur_keeps_what_is_even_and_is_a_gaussian() {
        let even = Tensor::full([1, 2, 9, 12], 0.7, (Kind::Float, Device::Cpu));
        assert!(largest(blurred(&even, 2.0) - &even) < 1e-6);
        let point = Tensor::zeros([1, 1, 21, 21], (Kind::Float, Device::Cpu));
        let _ = point.narrow(2, 10, 1).narrow(3, 10, 1).fill_(1.0);
        let blurred = blurred(&point, 2.0);
        let at = |row, column| blurred.double_value(&[0, 0, row, column]);
        assert!((at(10, 12) / at(10, 10) - (-0.5f64).exp()).abs() < 1e-5);
        assert!((at(12, 12) / at(10, 10) - (-1.0f64).exp()).abs() < 1e-5);
        assert!((blurred.sum(Kind::Float).double_value(&[]) - 1.0).abs() < 1e-5);
    }
}

//! Fills that are made from the picture itself, as batched tensor operations.

use tch::{Kind, Tensor};

/// Relaxations on each level of [`inpainted`]: with a start from the level above, what is left of the error
/// after so many is under a hundredth of the picture's range.
const RELAXATIONS: usize = 24;

/// Pictures `[B, C, H, W]` under a Gaussian of this standard deviation in pixels; beyond the border its
/// nearest pixel goes on.
pub(super) fn blurred(pictures: &Tensor, deviation: f64) -> Tensor {
    let radius = (3.0 * deviation).ceil() as i64;
    let weights: Vec<f32> = (-radius..=radius)
        .map(|at| (-0.5 * (at as f64 / deviation).powi(2)).exp() as f32)
        .collect();
    let kernel = Tensor::from_slice(&weights).to_device(pictures.device());
    let kernel = &kernel / kernel.sum(Kind::Float);
    let along = |pictures: &Tensor, pad: [i64; 4], shape: [i64; 2]| {
        let kernel = for_channels(&kernel.view(shape), pictures.size()[1]);
        convolved(&pictures.replication_pad2d(pad), &kernel)
    };
    let size = 2 * radius + 1;
    let rows = along(pictures, [radius, radius, 0, 0], [1, size]);
    along(&rows, [0, 0, radius, radius], [size, 1])
}

/// Pictures `[B, C, H, W]` whose masked pixels are filled from around: `masks` `[B, 1, H, W]`, f32,
/// 1 = masked.
///
/// The fill is the steady state of diffusion with the seen pixels held fixed (Laplace's equation, each
/// filled pixel the mean of its four neighbours), so that it meets its surroundings without a step. It is
/// solved from coarse to fine: a level starts from the one above and is relaxed a fixed number of times
/// (cascadic multigrid; Bornemann and Deuflhard 1996). Where nothing is seen the fill is 0.
pub(super) fn inpainted(pictures: &Tensor, masks: &Tensor) -> Tensor {
    let seen = 1.0 - masks;
    diffused(&(pictures * &seen), &seen)
}

/// `values` are 0 where `seen` is.
fn diffused(values: &Tensor, seen: &Tensor) -> Tensor {
    let size = values.size();
    let (height, width) = (size[2], size[3]);
    if height == 1 && width == 1 {
        return values.shallow_clone();
    }
    let halved =
        |values: &Tensor| values.avg_pool2d([2, 2], [2, 2], [0, 0], true, false, None::<i64>);
    let share = halved(seen);
    let coarse_seen = share.greater(0).to_kind(Kind::Float);
    let coarse = diffused(&(halved(values) / share.clamp_min(1e-6)), &coarse_seen);

    let free = 1.0 - seen;
    // By exactly two, where an odd size would ask for a little less and shift everything.
    let start = coarse.upsample_bilinear2d([height, width], false, 2.0, 2.0);
    let mut filled = values + start * &free;
    let cross = Tensor::from_slice(&[0f32, 0.25, 0., 0.25, 0., 0.25, 0., 0.25, 0.]).view([3, 3]);
    let cross = for_channels(&cross.to_device(values.device()), size[1]);
    for _ in 0..RELAXATIONS {
        filled = values + convolved(&filled.replication_pad2d([1, 1, 1, 1]), &cross) * &free;
    }
    filled
}

/// A kernel `[H, W]` for so many channels, each by itself: `[C, 1, H, W]`.
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
    use crate::dataset::{Dataset, Split, faces};
    use crate::experiment::{self, Source};
    use crate::region::{Fill, Mode, Occlusion, Regions};
    use crate::train::{Cover, OnDevice, Standardisation};

    /// A picture whose values rise by 1 from column to column.
    fn ramp(height: i64, width: i64) -> Tensor {
        Tensor::arange(width, (Kind::Float, Device::Cpu))
            .view([1, 1, 1, width])
            .repeat([2, 3, height, 1])
    }

    /// A mask of a rectangle.
    fn hole(size: [i64; 2], from: [i64; 2], extent: [i64; 2]) -> Tensor {
        let mask = Tensor::zeros([2, 1, size[0], size[1]], (Kind::Float, Device::Cpu));
        let _ = mask.narrow(2, from[0], extent[0]).narrow(3, from[1], extent[1]).fill_(1.0);
        mask
    }

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

    /// A ramp solves Laplace's equation, so what is cut out of it comes back.
    #[test]
    fn diffusion_restores_a_ramp() {
        for (size, from, extent) in [
            ([48, 48], [14, 12], [20, 24]),
            ([40, 33], [0, 10], [40, 12]),
            ([37, 50], [5, 5], [27, 40]),
        ] {
            let picture = ramp(size[0], size[1]);
            let mask = hole(size, from, extent);
            let filled = inpainted(&picture, &mask);
            let off = largest(&filled - &picture);
            assert!(off < 0.02 * size[1] as f64, "{size:?} {extent:?}: {off}");
            assert!(largest((filled - &picture) * (1.0 - mask)) < 1e-5);
        }
    }

    #[test]
    fn a_fill_stays_within_what_is_seen() {
        tch::manual_seed(3);
        let picture = Tensor::rand([2, 3, 48, 48], (Kind::Float, Device::Cpu));
        let mask = 1.0 - hole([48, 48], [10, 20], [9, 13]);
        let filled = inpainted(&picture, &mask);
        let seen = picture.narrow(2, 10, 9).narrow(3, 20, 13);
        assert!(filled.max().double_value(&[]) <= seen.max().double_value(&[]) + 1e-5);
        assert!(filled.min().double_value(&[]) >= seen.min().double_value(&[]) - 1e-5);
        let nothing =
            inpainted(&picture, &Tensor::ones([2, 1, 48, 48], (Kind::Float, Device::Cpu)));
        assert_eq!(largest(nothing), 0.0);
    }

    fn faces() -> Dataset {
        let text = "name = \"a\"\n[dataset]\nkind = \"faces\"\nsize = [48, 48]\nchannels = 1\ntrain = 64\n";
        let spec = experiment::parse(text, "a.toml", &[]).unwrap().settings.dataset;
        let Source::Faces(faces) = &spec.source else { unreachable!() };
        faces::generate(&spec, faces)
    }

    /// The mean step from a covered pixel to its seen neighbour on the right, and the other way round.
    fn step(pictures: &Tensor, masks: &Tensor) -> f64 {
        let width = pictures.size()[3];
        let next =
            |values: &Tensor| values.narrow(3, 1, width - 1) - values.narrow(3, 0, width - 1);
        let border = next(masks).abs();
        let steps = (next(pictures).abs() * &border).sum(Kind::Double) / border.sum(Kind::Double);
        steps.double_value(&[])
    }

    /// The outline of a fill must not show: the step across it is no larger than that which the face has
    /// there, where a fill of the mean cuts a step of several times that size.
    #[test]
    fn what_is_inpainted_has_no_seam() {
        let dataset = faces();
        let standardisation = Standardisation::of(&dataset.train, 1);
        let data = OnDevice::new(&dataset, Split::Train, &standardisation, Device::Cpu);
        let index = Tensor::arange(64, (Kind::Int64, Device::Cpu));
        let frames: Vec<_> =
            dataset.train.landmarks.iter().map(|points| points.unwrap().frame().unwrap()).collect();
        for region in ["forehead", "cheeks", "jaw", "mouth"] {
            for mode in [Mode::Hide, Mode::Keep] {
                let polygons = Regions::aligned().get(region).unwrap().polygons.clone();
                let masks = Occlusion { polygons, mode, fill: Fill::Mean }.masks(&frames, 48, 48);
                let covered = |fill| {
                    let cover = Cover::new(&masks, 48, 48, fill, Device::Cpu);
                    data.evaluation_batch(&index, Some(&cover))
                };
                let masks = Tensor::from_slice(&masks).view([64, 1, 48, 48]).to_kind(Kind::Float);
                let whole = step(&data.pictures(&index), &masks);
                let (inpainted, mean) =
                    (step(&covered(Fill::Inpaint), &masks), step(&covered(Fill::Mean), &masks));
                assert!(inpainted < 1.05 * whole, "{region} {mode:?}: {inpainted} of {whole}");
                assert!(mean > 2.0 * inpainted, "{region} {mode:?}: {mean} and {inpainted}");
            }
        }
    }
}

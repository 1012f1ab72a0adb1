//! Masked pixels filled from the visible ones around them, as batched tensor operations.
//!
//! In: pictures and masks. Out: the pictures with the steady state of diffusion under the masks. This file
//! does not depend on the source of the masks.

use std::f64::consts::PI;

use tch::{Kind, Tensor};

/// No pixel of an inpainted picture is further from the steady state, as a share of the range of the
/// visible pixels.
const TOLERANCE: f64 = 1e-3;

/// The share of a value to which single precision can be solved: decisive where all visible pixels are
/// equal.
const ROUNDING: f64 = 1e-6;

/// Many times the steps that any image and mask took: 10 to 25 up to 224 × 224, 65 where it is 8 × 1024.
const MOST_STEPS: usize = 500;

/// Nothing is divided by less.
const LEAST: f64 = f32::MIN_POSITIVE as f64;

/// Images `[B, C, H, W]` whose masked pixels are filled from around: `masks` `[B, 1, H, W]`, f32,
/// 1 = masked, 0 = visible.
///
/// The fill is the steady state of diffusion with the visible pixels held fixed (Laplace's equation): each
/// masked pixel is the mean of its neighbours above, below, left and right. Beyond the picture's border
/// there are none, so nothing flows across it (the natural boundary condition). Only a fully masked
/// image has no such state; it is filled with 0, the training mean.
///
/// Each picture is solved until no pixel is further than [`TOLERANCE`] from the solution, and then left
/// alone: what it becomes does not depend on the others of its batch.
pub(super) fn inpainted(pictures: &Tensor, masks: &Tensor) -> Tensor {
    let pictures = pictures.contiguous();
    let masks = masks.contiguous();
    let seen = 1.0 - &masks;
    let mean = total(&(&pictures * &seen)) / total(&seen).clamp_min(1.0);
    let limit = energy_limit(&pictures, &masks);
    let cells = cells(&seen);

    // Conjugate gradients (Hestenes and Stiefel 1952) on all pictures and channels at once.
    let mut filled = &pictures * &seen + mean * &masks;
    let mut residual = laplacian(&filled) * &masks;
    let preconditioned = |residual: &Tensor| from_all_sizes(residual, &cells) * &masks;
    let mut direction = preconditioned(&residual);
    let mut energy = total(&(&residual * &direction));
    for _ in 0..MOST_STEPS {
        let open = energy.greater_tensor(&limit);
        if open.any().int64_value(&[]) == 0 {
            let channels_last = filled.permute([0, 2, 3, 1]).contiguous();
            return channels_last.permute([0, 3, 1, 2]);
        }
        let bent = laplacian(&direction) * &masks;
        let curvature = -total(&(&direction * &bent));
        // 0 where the picture is done.
        let step = &energy * open.to_kind(Kind::Float) / curvature.clamp_min(LEAST);
        let _ = filled.addcmul_(&direction, &step);
        let _ = residual.addcmul_(&bent, &step);
        let next = preconditioned(&residual);
        let left = total(&(&residual * &next));
        direction = next + direction * (&left / energy.clamp_min(LEAST));
        energy = left;
    }
    panic!("diffusion into masked pixels is not within {TOLERANCE} after {MOST_STEPS} steps");
}

/// How small the energy of the error has to be, as conjugate gradients estimate it, for no pixel to be
/// further off than [`TOLERANCE`] of the visible pixels' range (and [`ROUNDING`]): `[B, C, 1, 1]`.
///
/// Think of the pixels as joined by resistors of 1 Ω. The error is a voltage that is 0 at visible pixels, so
/// its square is nowhere more than its power times the resistance from there to a visible pixel.
/// The estimate is at least a fifth of that power (measured over regions, their complements, lines,
/// lattices and random masks up to 224 × 224; it was never below 0.26).
fn energy_limit(pictures: &Tensor, masks: &Tensor) -> Tensor {
    const ESTIMATE: f64 = 0.2;
    let (height, width) = (pictures.size()[2] as f64, pictures.size()[3] as f64);
    let (shorter, longer) = (height.min(width), height.max(width));
    // From corner to corner, the longest way that there is.
    let resistance = longer / shorter + 4.0 / PI * shorter.ln();
    let masked = masks.greater(0.0);
    let highest = pictures.masked_fill(&masked, f64::NEG_INFINITY).amax([2, 3], true);
    let lowest = pictures.masked_fill(&masked, f64::INFINITY).amin([2, 3], true);
    let largest = highest.abs().maximum(&lowest.abs());
    let allowed = (highest - lowest).clamp_min(0.0) * TOLERANCE + largest * ROUNDING;
    allowed.square() * (ESTIMATE / resistance)
}

/// How far a residual of 1 moves a cell by itself, `[B, 1, h, w]`: pixels, then squares of 2 × 2, of 4 × 4
/// and so on, until there are three or fewer along each side. A cell is held by its four neighbours and by
/// the visible pixels within it.
fn cells(seen: &Tensor) -> Vec<Tensor> {
    let mut seen = seen.shallow_clone();
    let mut cells = vec![1.0 / (&seen + 4.0)];
    while seen.size()[2].max(seen.size()[3]) > 3 {
        seen = seen.avg_pool2d([2, 2], [2, 2], [0, 0], true, false, 1);
        cells.push(1.0 / (&seen + 4.0));
    }
    cells
}

/// The preconditioner: about the change that removes a residual, put together from cells of all sizes
/// (Bramble, Pasciak and Xu 1990). It is symmetric: [`gathered`] is the transpose of the interpolation.
fn from_all_sizes(residual: &Tensor, cells: &[Tensor]) -> Tensor {
    let change = residual * &cells[0];
    if cells.len() == 1 {
        return change;
    }
    let coarse = from_all_sizes(&gathered(residual), &cells[1..]);
    let size = residual.size();
    // By exactly two, where an odd size would ask for a little less and shift everything.
    change + coarse.upsample_bilinear2d([size[2], size[3]], false, 2.0, 2.0)
}

/// What each square of 2 × 2 has of the values in it and next to it, in the shares in which bilinear
/// interpolation by two gives to them.
fn gathered(values: &Tensor) -> Tensor {
    gathered_along(&gathered_along(values, 2), 3)
}

fn gathered_along(values: &Tensor, axis: i64) -> Tensor {
    let length = values.size()[axis as usize];
    let [first, last] = [0, length - 1].map(|at| values.narrow(axis, at, 1));
    let bordered = match length % 2 {
        0 => Tensor::cat(&[&first, values, &last], axis),
        // The last square is cut in half; nothing lies beyond it.
        _ => Tensor::cat(&[&first, values, &last.zeros_like(), &last.zeros_like()], axis),
    };
    let every_second = |from| bordered.slice(axis, from, from + length, 2);
    let (within, beside) = (every_second(1) + every_second(2), every_second(0) + every_second(3));
    within.lerp(&beside, 0.25)
}

/// The sum of the four neighbours less four times the pixel; beyond the border lies the pixel itself.
fn laplacian(values: &Tensor) -> Tensor {
    let size = values.size();
    let bordered = values.replication_pad2d([1, 1, 1, 1]);
    let at = |row, column| bordered.narrow(2, row, size[2]).narrow(3, column, size[3]);
    let mut sum = at(0, 1) + at(2, 1);
    sum += at(1, 0);
    sum += at(1, 2);
    sum - values * 4.0
}

/// The sum over each picture and channel, `[B, C, 1, 1]`: row by row, so that libtorch adds in the same
/// order whatever the batch.
fn total(values: &Tensor) -> Tensor {
    let rows = values.sum_dim_intlist(-1, true, Kind::Float);
    rows.sum_dim_intlist(-2, true, Kind::Float)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use tch::Device;

    use super::*;
    use crate::dataset::{Dataset, Split, faces};
    use crate::experiment::{self, Source};
    use crate::model::values;
    use crate::random;
    use crate::region::{Affine, Fill, Mode, Occlusion, Regions};
    use crate::train::{Masks, OnDevice, Standardisation};

    const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

    /// The steady state by elimination on the band matrix of all pixels, in f64.
    fn direct(picture: &[f32], masked: &[u8], width: usize) -> Vec<f64> {
        let count = picture.len();
        let neighbours = |pixel: usize| {
            let (row, column) = (pixel / width, pixel % width);
            let above = (row > 0).then(|| pixel - width);
            let below = (pixel + width < count).then_some(pixel + width);
            let left = (column > 0).then(|| pixel - 1);
            let right = (column + 1 < width).then_some(pixel + 1);
            [above, below, left, right].into_iter().flatten()
        };
        // Of each row, what stands on the diagonal and to the right of it.
        let mut band = vec![vec![0.0; width + 1]; count];
        let mut known: Vec<f64> = picture.iter().map(|&value| f64::from(value)).collect();
        for pixel in 0..count {
            band[pixel][0] = 1.0;
            if masked[pixel] == 1 {
                band[pixel][0] = neighbours(pixel).count() as f64;
                let seen = neighbours(pixel).filter(|&next| masked[next] == 0);
                known[pixel] = seen.map(|next| f64::from(picture[next])).sum();
                for next in neighbours(pixel).filter(|&next| next > pixel && masked[next] == 1) {
                    band[pixel][next - pixel] = -1.0;
                }
            }
        }
        for pixel in 0..count {
            let (done, below) = band.split_at_mut(pixel + 1);
            let pivot = &done[pixel];
            for (offset, row) in (1..=width).zip(below) {
                let factor = pivot[offset] / pivot[0];
                if factor != 0.0 {
                    for (value, over) in row.iter_mut().zip(&pivot[offset..]) {
                        *value -= factor * over;
                    }
                    known[pixel + offset] -= factor * known[pixel];
                }
            }
        }
        for pixel in (0..count).rev() {
            let right = band[pixel].iter().zip(&known[pixel..]).skip(1);
            let sum: f64 = right.map(|(factor, value)| factor * value).sum();
            known[pixel] = (known[pixel] - sum) / band[pixel][0];
        }
        known
    }

    /// Every region of the atlas hidden and kept, in a face that is turned and shifted so far that some of them
    /// leave the image.
    fn regions(height: usize, width: usize) -> Vec<(String, Vec<u8>)> {
        let turned = Affine { a: 0.93, b: -0.35, c: 0.27, d: 0.35, e: 0.93, f: -0.18 };
        let mut masks = Vec::new();
        for region in Regions::aligned().built_in() {
            for mode in [Mode::Hide, Mode::Keep] {
                let polygons = region.polygons.clone();
                let occlusion = Occlusion { polygons, mode, fill: Fill::Inpaint };
                let name = format!("{} {}", mode.name(), region.name);
                for (which, frame) in [("", Affine::IDENTITY), (" turned", turned)] {
                    let mask = occlusion.masks(&[frame], height, width);
                    masks.push((format!("{name}{which}"), mask));
                }
            }
        }
        masks
    }

    /// Masks unlike any region: lines, lattices, scattered pixels, a single visible pixel.
    fn odd_masks(height: usize, width: usize) -> Vec<(String, Vec<u8>)> {
        let drawn = |name: &str, masked: &dyn Fn(usize, usize) -> bool| {
            let pixels = (0..height * width).map(|pixel| masked(pixel / width, pixel % width));
            (name.to_owned(), pixels.map(u8::from).collect())
        };
        let mut masks = vec![
            drawn("nothing", &|_, _| false),
            drawn("chessboard", &|row, column| (row + column) % 2 == 0),
            drawn("every second row", &|row, _| row % 2 == 0),
            drawn("lattice", &|row, column| row % 4 != 0 && column % 5 != 0),
            drawn("all but a diagonal", &|row, column| row != column),
            drawn("all but a column", &|_, column| column > 0),
            drawn("all but a row", &|row, _| row + 1 < height),
            drawn("comb", &|row, column| row < 3 || column % 2 == 1),
            drawn("winding", &|row, column| {
                row % 4 == 0 || column == if row / 4 % 2 == 0 { width - 1 } else { 0 }
            }),
            drawn("all but a corner", &|row, column| row + column > 0),
            drawn("all but one pixel", &|row, column| (row, column) != (height / 2, width / 3)),
            drawn("all but two corners", &|row, column| {
                row + column > 0 && row + column + 2 < height + width
            }),
        ];
        let mut generator = random::generator(1, "odd masks", &[]);
        for share in [0.05, 0.3, 0.5, 0.7, 0.9, 0.97, 0.995] {
            let mut mask: Vec<u8> =
                (0..height * width).map(|_| u8::from(generator.random::<f64>() < share)).collect();
            mask[0] = 0;
            masks.push((format!("{share} of the pixels"), mask));
        }
        masks
    }

    /// `[count, 3, H, W]`: drawn faces; pixels that have nothing to do with each other; and faces of hardly
    /// any contrast, far from 0.
    fn pictures(count: usize, height: usize, width: usize) -> Tensor {
        let dataset = faces([height, width], count);
        let standardisation = Standardisation::of(&dataset.train, 1);
        let data = OnDevice::new(&dataset, Split::Train, &standardisation, Device::Cpu);
        let faces = data.pictures(&Tensor::arange(count as i64, (Kind::Int64, Device::Cpu)));
        Tensor::cat(
            &[&faces, &random::normal(&faces.size(), Device::Cpu, 3), &(&faces * 0.01 + 5.0)],
            1,
        )
    }

    fn tensor(masks: &[(String, Vec<u8>)], height: usize, width: usize) -> Tensor {
        let all: Vec<u8> = masks.iter().flat_map(|(_, mask)| mask.clone()).collect();
        Tensor::from_slice(&all)
            .view([masks.len() as i64, 1, height as i64, width as i64])
            .to_kind(Kind::Float)
    }

    #[test]
    fn a_fill_is_the_solution_of_laplaces_equation() {
        for (height, width) in [(24, 24), (48, 48), (37, 29), (12, 50)] {
            let masks = [regions(height, width), odd_masks(height, width)].concat();
            let pictures = pictures(masks.len(), height, width);
            let filled = inpainted(&pictures, &tensor(&masks, height, width));
            for (index, (name, mask)) in masks.iter().enumerate() {
                for channel in 0..3 {
                    let one = |all: &Tensor| values::<f32>(&all.get(index as i64).get(channel));
                    let (picture, filled) = (one(&pictures), one(&filled));
                    let seen = picture.iter().zip(mask).filter(|(_, masked)| **masked == 0);
                    let (low, high) = seen
                        .fold((f32::MAX, f32::MIN), |(low, high), (&value, _)| {
                            (low.min(value), high.max(value))
                        });
                    let solution = direct(&picture, mask, width);
                    let off = solution.iter().zip(&filled);
                    let off = off.map(|(solution, filled)| (solution - f64::from(*filled)).abs());
                    let off = off.fold(0.0, f64::max);
                    let largest = f64::from(high.abs().max(low.abs()));
                    let most = TOLERANCE * f64::from(high - low) + ROUNDING * largest;
                    let place = format!("{height} × {width}, {name}, channel {channel}");
                    assert!(off <= most, "{place}: {off} of {}", high - low);
                    for ((before, after), _) in
                        picture.iter().zip(&filled).zip(mask).filter(|(_, masked)| **masked == 0)
                    {
                        assert_eq!(before, after, "{place}: a visible pixel changed");
                    }
                }
            }
        }
    }

    /// Known without any solver: a ramp solves Laplace's equation, so what is cut out of it comes back.
    #[test]
    fn diffusion_restores_a_ramp() {
        for (size, from, extent) in [
            ([48, 48], [14, 12], [20, 24]),
            ([40, 33], [0, 10], [40, 12]),
            ([37, 50], [5, 5], [27, 40]),
        ] {
            let ramp = Tensor::arange(size[1], CPU).view([1, 1, 1, -1]).repeat([2, 3, size[0], 1]);
            let mask = Tensor::zeros([2, 1, size[0], size[1]], CPU);
            let _ = mask.narrow(2, from[0], extent[0]).narrow(3, from[1], extent[1]).fill_(1.0);
            let off = (inpainted(&ramp, &mask) - &ramp).abs().max().double_value(&[]);
            assert!(off < TOLERANCE * size[1] as f64, "{size:?} {extent:?}: {off}");
        }
    }

    #[test]
    fn where_nothing_is_seen_the_fill_is_the_mean() {
        let pictures = pictures(2, 20, 30);
        let masks = Tensor::ones([2, 1, 20, 30], CPU);
        let _ = masks.narrow(0, 1, 1).narrow(2, 7, 1).narrow(3, 9, 1).fill_(0.0);
        let filled = inpainted(&pictures, &masks);
        assert_eq!(filled.get(0).abs().max().double_value(&[]), 0.0);
        // The other image has one visible pixel, and takes its value.
        for channel in 0..3 {
            let pixel = pictures.double_value(&[1, channel, 7, 9]);
            let off = (filled.get(1).get(channel) - pixel).abs().max().double_value(&[]);
            assert!(off <= 1e-6 * pixel.abs(), "{off}");
        }
        for (height, width) in [(1, 1), (1, 2), (2, 3), (1, 40), (48, 48)] {
            let pictures = Tensor::ones([1, 1, height, width], CPU);
            let nothing = inpainted(&pictures, &Tensor::ones([1, 1, height, width], CPU));
            assert_eq!(nothing.abs().max().double_value(&[]), 0.0);
        }
    }

    /// There is no range to be exact to, and means of many numbers are not exact.
    #[test]
    fn an_even_picture_stays_even() {
        let masks = odd_masks(48, 48);
        for grey in [0.0, 0.1, -1.7, 1234.5] {
            let even = Tensor::full([masks.len() as i64, 1, 48, 48], grey, CPU);
            let off = inpainted(&even, &tensor(&masks, 48, 48)) - &even;
            assert!(off.abs().max().double_value(&[]) <= 2.0 * ROUNDING * grey.abs(), "{grey}");
        }
    }

    /// What an image becomes must not depend on which others share its batch, to the last bit.
    #[test]
    fn a_fill_does_not_depend_on_the_batch() {
        for (height, width) in [(48, 48), (37, 29), (224, 200)] {
            let masks = [regions(height, width), odd_masks(height, width)].concat();
            let masks: Vec<_> = masks.into_iter().step_by(7).collect();
            let (pictures, masks) =
                (pictures(masks.len(), height, width), tensor(&masks, height, width));
            let together = inpainted(&pictures, &masks);
            let count = masks.size()[0];
            for from in [0, count / 2, count - 1] {
                for batch in [1, 2, 5].into_iter().filter(|batch| from + batch <= count) {
                    let part = |all: &Tensor| all.narrow(0, from, batch);
                    let alone = inpainted(&part(&pictures), &part(&masks));
                    let place = format!("{height} × {width}, {batch} from {from}");
                    assert!(alone.equal(&part(&together)), "{place}");
                    // And a channel not on which others it has.
                    let grey = inpainted(&part(&pictures).narrow(1, 0, 1), &part(&masks));
                    assert!(grey.equal(&part(&together).narrow(1, 0, 1)), "{place}, one channel");
                }
            }
        }
    }

    fn faces(size: [usize; 2], count: usize) -> Dataset {
        let text = format!(
            "name = \"a\"\n[dataset]\nkind = \"faces\"\nsize = {size:?}\nchannels = 1\ntrain = {count}\nval = 1\ntest = 1\n[train]\nbatch_size = 1\n"
        );
        let spec = experiment::parse(&text, "a.toml", &[]).unwrap().settings.dataset;
        let Source::Faces(faces) = &spec.source else { unreachable!() };
        faces::generate(&spec, faces)
    }

    /// The mean step from a masked pixel to its visible neighbour on the right, and the other way round.
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
        let dataset = faces([48, 48], 64);
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
                    let mask = Masks::new(&masks, 48, 48, fill, Device::Cpu);
                    data.evaluation_batch(&index, Some(&mask), 0)
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

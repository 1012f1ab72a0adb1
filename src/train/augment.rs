//! Random changes to a batch of training pictures, as a few batched tensor operations.

use rand::{Rng, RngExt};
use tch::Tensor;

use crate::experiment::Augment;

/// One affine map an image, from places in the changed picture to places in the original.
#[derive(Debug)]
pub struct Warp {
    /// `[B, H, W, 2]`: where each pixel comes from, −1 to 1.
    grid: Tensor,
}

impl Warp {
    /// Draws a rotation, a scaling and a flip for each of `pictures` `[B, C, H, W]`; `None` where the
    /// settings change nothing.
    pub fn draw(augment: &Augment, pictures: &Tensor, generator: &mut impl Rng) -> Option<Warp> {
        if augment.rotate == 0.0 && augment.scale == 0.0 && !augment.flip {
            return None;
        }
        let size = pictures.size();
        let aspect = size[3] as f64 / size[2] as f64;
        let mut theta = Vec::with_capacity(size[0] as usize * 6);
        for _ in 0..size[0] {
            let mut within = |range: f64| (2.0 * generator.random::<f64>() - 1.0) * range;
            let angle = within(augment.rotate).to_radians();
            let (wider, taller) = (1.0 + within(augment.scale), 1.0 + within(augment.scale));
            let flip = if augment.flip && within(1.0) < 0.0 { -1.0 } else { 1.0 };
            theta.extend(inverse_map(angle, wider, taller, flip, aspect));
        }
        let theta = Tensor::from_slice(&theta).view([-1, 2, 3]).to_device(pictures.device());
        Some(Warp { grid: Tensor::affine_grid_generator(&theta, size.as_slice(), false) })
    }

    /// Pictures `[B, C, H, W]` between pixels by bilinear interpolation, beyond the border by its nearest
    /// pixel; channels-last in memory.
    pub fn pictures(&self, pictures: &Tensor) -> Tensor {
        let warped = pictures.grid_sampler(&self.grid, BILINEAR, BORDER, false);
        warped.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
    }

    /// Masks `[B, 1, H, W]`: each pixel takes the nearest one's value, so that a mask stays a mask.
    pub fn masks(&self, masks: &Tensor) -> Tensor {
        const NEAREST: i64 = 1;
        masks.grid_sampler(&self.grid, NEAREST, BORDER, false)
    }
}

/// libtorch's numbers for sampling between points, and for what lies beyond the border.
pub(crate) const BILINEAR: i64 = 0;
pub(crate) const BORDER: i64 = 1;

/// The six numbers of a map from the changed picture to the original, both from −1 to 1 (so `aspect`,
/// width over height, keeps circles round). Scaling and flip come first, then the rotation.
fn inverse_map(angle: f64, wider: f64, taller: f64, flip: f64, aspect: f64) -> [f32; 6] {
    let (sin, cos) = angle.sin_cos();
    [
        flip * cos / wider,
        flip * sin / wider / aspect,
        0.0,
        -sin / taller * aspect,
        cos / taller,
        0.0,
    ]
    .map(|value| value as f32)
}

/// Whether every value of a mask is 0 or 1.
#[cfg(test)]
fn is_mask(masks: &Tensor) -> bool {
    masks.eq_tensor(&masks.round()).all().int64_value(&[]) == 1
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use tch::{Device, Kind};

    use super::*;

    const OFF: Augment = Augment { rotate: 0.0, scale: 0.0, flip: false };

    fn warp(augment: Augment, pictures: &Tensor) -> Option<Warp> {
        Warp::draw(&augment, pictures, &mut rand_chacha::ChaCha8Rng::seed_from_u64(1))
    }

    /// A picture of its own column numbers.
    fn columns() -> Tensor {
        Tensor::arange(4, (Kind::Float, Device::Cpu)).view([1, 1, 1, 4]).repeat([64, 1, 4, 1])
    }

    fn fixed(theta: [f32; 6], pictures: &Tensor) -> Warp {
        let theta = Tensor::from_slice(&theta).view([1, 2, 3]).repeat([pictures.size()[0], 1, 1]);
        let size = pictures.size();
        Warp { grid: Tensor::affine_grid_generator(&theta, size.as_slice(), false) }
    }

    #[test]
    fn switched_off_it_changes_nothing() {
        assert!(warp(OFF, &columns()).is_none());
    }

    #[test]
    fn a_flip_turns_columns_round_in_half_of_the_pictures() {
        let pictures = columns();
        let flipped = warp(Augment { flip: true, ..OFF }, &pictures).unwrap().pictures(&pictures);
        let firsts: Vec<f32> = Vec::try_from(flipped.select(2, 0).select(2, 0).squeeze()).unwrap();
        let turned = firsts.iter().filter(|value| **value == 3.0).count();
        assert_eq!(firsts.iter().filter(|value| **value == 0.0).count() + turned, 64);
        assert!((16..=48).contains(&turned), "{turned} of 64");
    }

    #[test]
    fn a_quarter_turn_carries_the_right_edge_to_the_bottom() {
        // Positive angles turn clockwise as seen, in wide pictures too.
        let mut picture = Tensor::zeros([1, 1, 8, 8], (Kind::Float, Device::Cpu));
        let _ = picture.narrow(3, 7, 1).fill_(1.0);
        let turned = fixed(inverse_map(90f64.to_radians(), 1.0, 1.0, 1.0, 1.0), &picture);
        let turned = turned.pictures(&picture);
        assert!(turned.select(2, 7).min().double_value(&[]) > 0.99);
        picture = Tensor::zeros([1, 1, 4, 8], (Kind::Float, Device::Cpu));
        let _ = picture.narrow(3, 4, 2).fill_(1.0);
        let turned = fixed(inverse_map(90f64.to_radians(), 1.0, 1.0, 1.0, 2.0), &picture);
        let turned = turned.pictures(&picture);
        // Two columns right of the middle become two rows below the middle.
        assert!(turned.narrow(2, 2, 2).narrow(3, 2, 4).min().double_value(&[]) > 0.99);
        assert!(turned.narrow(2, 0, 2).narrow(3, 2, 4).max().double_value(&[]) < 0.01);
    }

    #[test]
    fn a_larger_scale_shows_less_of_the_picture() {
        let pictures = columns();
        let zoomed = fixed(inverse_map(0.0, 2.0, 2.0, 1.0, 1.0), &pictures).pictures(&pictures);
        let row: Vec<f32> = Vec::try_from(zoomed.get(0).get(0).get(0)).unwrap();
        assert_eq!(row, [0.75, 1.25, 1.75, 2.25]);
    }

    #[test]
    fn masks_follow_and_stay_masks() {
        let augment = Augment { rotate: 10.0, scale: 0.1, flip: true };
        let masks = Tensor::rand([16, 1, 48, 48], (Kind::Float, Device::Cpu)).round();
        let warp = warp(augment, &masks).unwrap();
        assert!(is_mask(&warp.masks(&masks)));
        // A picture that is its own mask stays so, but for the pixels at a border.
        let block = Tensor::zeros([16, 1, 48, 48], (Kind::Float, Device::Cpu));
        let _ = block.narrow(2, 10, 20).narrow(3, 5, 30).fill_(1.0);
        let apart = (warp.masks(&block) - warp.pictures(&block).round()).abs().sum(Kind::Float);
        assert!(apart.double_value(&[]) < 16.0 * 20.0, "{apart:?}");
    }
}

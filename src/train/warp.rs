//! Random augmentation of a batch of training images, as a few batched tensor operations.

use rand::{Rng, RngExt};
use tch::{Device, Kind, Tensor};

use crate::experiment::Augment;
use crate::model::channels_last;

/// The random augmentation of each of some images.
#[derive(Debug)]
pub enum Warp {
    /// Which of them are flipped, `[B]`, bool.
    Flips(Tensor),
    /// Where each pixel comes from: one map a picture, `[B, 2, 3]`, f32, from places in the warped picture to
    /// places in the original, both from −1 to 1.
    Affine(Tensor),
}

impl Warp {
    /// Draws a rotation, a scaling and a flip for each of this many images of a height and width; `None` if the
    /// settings change nothing.
    pub fn draw(
        augment: &Augment,
        pictures: usize,
        (height, width): (usize, usize),
        device: Device,
        generator: &mut impl Rng,
    ) -> Option<Warp> {
        let draws = Draws::new(augment, pictures, (height, width), generator)?;
        Some(draws.warp(device))
    }

    /// The warp of some of the pictures, one after the other.
    pub(super) fn narrow(&self, start: i64, length: i64) -> Warp {
        match self {
            Warp::Flips(flips) => Warp::Flips(flips.narrow(0, start, length)),
            Warp::Affine(maps) => Warp::Affine(maps.narrow(0, start, length)),
        }
    }

    /// Pictures `[B, C, H, W]`, between pixels by bilinear interpolation, beyond the border by its nearest
    /// pixel; channels-last in memory.
    pub fn pictures(&self, pictures: &Tensor) -> Tensor {
        match self {
            Warp::Flips(flips) => flipped(pictures, flips),
            Warp::Affine(maps) => channels_last(&sampled(pictures, maps)),
        }
    }

    /// Images and the masked share of each pixel, `[B, C, H, W]` and `[B, 1, H, W]`, 0 or 1. The warped images are
    /// interpolated from visible pixels alone. A pixel is masked if at least half of its interpolation weight
    /// is.
    pub fn seen(&self, pictures: &Tensor, hidden: &Tensor) -> (Tensor, Tensor) {
        match self {
            Warp::Flips(flips) => (flipped(pictures, flips), flipped(hidden, flips)),
            Warp::Affine(maps) => {
                let seen = 1.0 - hidden;
                let channels = pictures.size()[1];
                let sampled = sampled(&Tensor::cat(&[pictures * &seen, seen], 1), maps);
                let weight = sampled.narrow(1, channels, 1);
                let seen = sampled.narrow(1, 0, channels) / weight.clamp_min(0.5);
                (channels_last(&seen), weight.le(0.5).to_kind(Kind::Float))
            }
        }
    }
}

/// What is drawn for some pictures, before it is on a device.
#[derive(Debug)]
pub(super) struct Draws {
    /// Six numbers a picture; empty where pictures are flipped at most.
    maps: Vec<f32>,
    pub flips: Vec<bool>,
}

impl Draws {
    /// `None` where the settings change nothing.
    pub fn new(
        augment: &Augment,
        pictures: usize,
        (height, width): (usize, usize),
        generator: &mut impl Rng,
    ) -> Option<Draws> {
        let flips_at_most = augment.rotate == 0.0 && augment.scale == 0.0;
        if flips_at_most && !augment.flip {
            return None;
        }
        let aspect = width as f64 / height as f64;
        let mut draws = Draws { maps: Vec::new(), flips: Vec::with_capacity(pictures) };
        for _ in 0..pictures {
            let mut within = |range: f64| (2.0 * generator.random::<f64>() - 1.0) * range;
            let angle = within(augment.rotate).to_radians();
            let (wider, taller) = (1.0 + within(augment.scale), 1.0 + within(augment.scale));
            let flip = augment.flip && within(1.0) < 0.0;
            if !flips_at_most {
                let sign = if flip { -1.0 } else { 1.0 };
                draws.maps.extend(inverse_map(angle, wider, taller, sign, aspect));
            }
            draws.flips.push(flip);
        }
        Some(draws)
    }

    pub fn warp(&self, device: Device) -> Warp {
        match self.maps.is_empty() {
            true => Warp::Flips(self.flips(device)),
            false => {
                Warp::Affine(Tensor::from_slice(&self.maps).view([-1, 2, 3]).to_device(device))
            }
        }
    }

    /// Which pictures are flipped, `[B]`, bool.
    pub fn flips(&self, device: Device) -> Tensor {
        Tensor::from_slice(&self.flips).to_device(device)
    }
}

fn flipped(pictures: &Tensor, flips: &Tensor) -> Tensor {
    pictures.flip([3]).where_self(&flips.view([-1, 1, 1, 1]), pictures)
}

fn sampled(pictures: &Tensor, maps: &Tensor) -> Tensor {
    let grid = Tensor::affine_grid_generator(maps, pictures.size(), false);
    pictures.grid_sampler(&grid, BILINEAR, BORDER, false)
}

/// libtorch's constants for interpolation and padding in sampling.
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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const OFF: Augment = Augment { rotate: 0.0, scale: 0.0, flip: false, erasing: 0.0 };

    fn warp(augment: Augment, pictures: &Tensor) -> Option<Warp> {
        let [count, _, height, width] = pictures.size()[..] else { panic!("four dimensions") };
        let mut generator = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let size = (height as usize, width as usize);
        Warp::draw(&augment, count as usize, size, Device::Cpu, &mut generator)
    }

    /// A picture of its own column numbers.
    fn columns() -> Tensor {
        Tensor::arange(4, (Kind::Float, Device::Cpu)).view([1, 1, 1, 4]).repeat([64, 1, 4, 1])
    }

    fn fixed(map: [f32; 6], pictures: &Tensor) -> Warp {
        Warp::Affine(Tensor::from_slice(&map).view([1, 2, 3]).repeat([pictures.size()[0], 1, 1]))
    }

    #[test]
    fn switched_off_it_changes_nothing() {
        assert!(warp(OFF, &columns()).is_none());
    }

    #[test]
    fn a_flip_turns_columns_round_in_half_of_the_pictures() {
        let pictures = columns();
        let flips = warp(Augment { flip: true, ..OFF }, &pictures).unwrap().pictures(&pictures);
        let firsts: Vec<f32> = Vec::try_from(flips.select(2, 0).select(2, 0).squeeze()).unwrap();
        let turned = firsts.iter().filter(|value| **value == 3.0).count();
        assert_eq!(firsts.iter().filter(|value| **value == 0.0).count() + turned, 64);
        assert!((16..=48).contains(&turned), "{turned} of 64");
    }

    /// The same chances: whether pictures are rotated too or not, the same ones are flipped.
    #[test]
    fn flips_alone_are_those_of_the_maps() {
        let mut generator = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let augment = Augment { rotate: 1e-9, scale: 0.0, flip: true, erasing: 0.0 };
        let pictures = columns();
        let alone = warp(Augment { flip: true, ..OFF }, &pictures).unwrap();
        let maps = warp(augment, &pictures).unwrap();
        let draws = Draws::new(&augment, 64, (4, 4), &mut generator).unwrap();
        assert!(matches!(&alone, Warp::Flips(flips) if *flips == draws.flips(Device::Cpu)));
        let apart = alone.pictures(&pictures) - maps.pictures(&pictures);
        assert!(apart.abs().max().double_value(&[]) < 1e-5);
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

    /// Half a pixel to the right of a border between 8 (masked) and 2 (visible).
    #[test]
    fn a_seen_pixel_is_interpolated_from_seen_ones_alone() {
        let picture = Tensor::from_slice(&[8.0f32, 8.0, 2.0, 6.0]).view([1, 1, 1, 4]);
        let hidden = Tensor::from_slice(&[1.0f32, 1.0, 0.0, 0.0]).view([1, 1, 1, 4]);
        let row = |tensor: Tensor| Vec::<f32>::try_from(tensor.contiguous().view(-1)).unwrap();
        // From −1 to 1 a quarter of a pixel is 0.125.
        let quarter = fixed([1.0, 0.0, -0.125, 0.0, 1.0, 0.0], &picture);
        let (seen, still_hidden) = quarter.seen(&picture, &hidden);
        assert_eq!(row(still_hidden), [1.0, 1.0, 0.0, 0.0]);
        let seen = row(seen);
        // Plain interpolation would make 3.5 of the third.
        assert!((seen[2] - 2.0).abs() < 1e-6 && (seen[3] - 5.0).abs() < 1e-6, "{seen:?}");
        // Where half of it is masked, all of it is.
        let half = fixed([1.0, 0.0, -0.25, 0.0, 1.0, 0.0], &picture);
        assert_eq!(row(half.seen(&picture, &hidden).1), [1.0, 1.0, 1.0, 0.0]);
    }
}

//! Mixed and erased training images: what is drawn for an epoch, and what it makes of a batch.
//!
//! Both are done before masks are laid on, so that what is masked stays masked.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_distr::{Beta, Distribution};
use tch::{Device, Kind, Tensor};

use super::epoch::Batches;
use super::loss::Mixture;

/// Of the images of an epoch, or of a batch: another image of the same batch to mix with.
#[derive(Debug)]
pub(super) struct Mixing {
    /// Its place in the batch, `[B]`, i64.
    partner: Tensor,
    /// Its share, 0 to 1/2, `[B]`, f32.
    share: Tensor,
}

impl Mixing {
    /// A partner for each image, from a random order of its batch, and its share, 1 − max(λ, 1 − λ) with λ ~ Beta(α, α)
    /// (Zhang et al. 2018, arXiv 1710.09412, equation 1). An image so has the larger share of its own mixture, as in
    /// MixMatch (Berthelot et al. 2019, arXiv 1905.02249, equation 9), which changes no pair's chance of being mixed.
    /// `None` where α is 0.
    pub fn draw(
        alpha: f64,
        batches: Batches,
        device: Device,
        generator: &mut impl Rng,
    ) -> Option<Mixing> {
        if alpha == 0.0 {
            return None;
        }
        let beta = Beta::new(alpha, alpha).expect("above 0 and finite");
        let (mut partners, mut shares) = (Vec::new(), Vec::new());
        for step in 0..batches.count() {
            let mut order: Vec<i64> = (0..batches.range(step).len() as i64).collect();
            order.shuffle(generator);
            for partner in order {
                let lambda: f64 = beta.sample(generator);
                partners.push(partner);
                shares.push(lambda.min(1.0 - lambda) as f32);
            }
        }
        let on_device = |tensor: Tensor| tensor.to_device(device);
        Some(Mixing {
            partner: on_device(Tensor::from_slice(&partners)),
            share: on_device(Tensor::from_slice(&shares)),
        })
    }

    /// Those of a batch.
    pub fn narrow(&self, start: i64, length: i64) -> Mixing {
        let part = |tensor: &Tensor| tensor.narrow(0, start, length);
        Mixing { partner: part(&self.partner), share: part(&self.share) }
    }

    /// The place of each image's partner in the batch, `[B]`, i64.
    pub fn partner(&self) -> &Tensor {
        &self.partner
    }

    pub fn of_targets(&self) -> Mixture<'_> {
        Mixture { partner: &self.partner, share: &self.share }
    }

    /// Images `[B, C, H, W]`, mixed. Where the partner is `hidden`, `[B, 1, H, W]`, under the image's own mask, only the
    /// image itself is seen: where regions lie differently from image to image, the partner's masked region would show
    /// beside the image's mask.
    pub fn pictures(&self, pictures: &Tensor, hidden: Option<&Tensor>) -> Tensor {
        let share = self.share.view([-1, 1, 1, 1]);
        let share = hidden.map_or_else(|| share.shallow_clone(), |hidden| &share * (1.0 - hidden));
        pictures + share * (pictures.index_select(0, &self.partner) - pictures)
    }
}

/// How large a rectangle is, as a share of the image.
const AREA: (f64, f64) = (0.02, 0.33);
/// Its height over its width: from this to its inverse, by the logarithm.
const ASPECT: f64 = 0.3;
/// How often a rectangle that does not fit into the image is drawn again.
const TRIES: usize = 10;

/// Of the images of an epoch, or of a batch: the rectangle that is erased.
#[derive(Debug)]
pub(super) struct Erasing {
    /// Top, left, bottom and right, the last two exclusive, `[B, 4]`, i64; all 0 where none is erased.
    rectangles: Tensor,
}

impl Erasing {
    /// A rectangle of each image with this probability (Zhong et al. 2020, arXiv 1708.04896, algorithm 1, with the aspect
    /// even in its logarithm, as torchvision draws it). `None` where the probability is 0.
    pub fn draw(
        probability: f64,
        images: usize,
        size: (usize, usize),
        device: Device,
        generator: &mut impl Rng,
    ) -> Option<Erasing> {
        if probability == 0.0 {
            return None;
        }
        let mut rectangles = Vec::with_capacity(4 * images);
        for _ in 0..images {
            let is_erased = generator.random::<f64>() < probability;
            let rectangle = is_erased.then(|| rectangle(size, generator)).flatten();
            rectangles.extend(rectangle.unwrap_or_default());
        }
        let rectangles = Tensor::from_slice(&rectangles).view([-1, 4]).to_device(device);
        Some(Erasing { rectangles })
    }

    /// Those of a batch.
    pub fn narrow(&self, start: i64, length: i64) -> Erasing {
        Erasing { rectangles: self.rectangles.narrow(0, start, length) }
    }

    /// Standardised images `[B, C, H, W]` with their rectangles replaced by 0, the mean of the training images.
    pub fn pictures(&self, pictures: &Tensor) -> Tensor {
        let [_, _, height, width] = pictures.size()[..] else { unreachable!("[B, C, H, W]") };
        let places = |length| Tensor::arange(length, (Kind::Int64, pictures.device()));
        let edge = |edge| self.rectangles.select(1, edge).view([-1, 1, 1, 1]);
        let within = |places: Tensor, first: i64| {
            places.ge_tensor(&edge(first)).logical_and(&places.lt_tensor(&edge(first + 2)))
        };
        let rows = within(places(height).view([1, 1, height, 1]), 0);
        let columns = within(places(width).view([1, 1, 1, width]), 1);
        pictures.masked_fill(&rows.logical_and(&columns), 0.0)
    }
}

/// A rectangle within an image of this height and width; `None` where none of some fits.
fn rectangle((height, width): (usize, usize), generator: &mut impl Rng) -> Option<[i64; 4]> {
    let whole = (height * width) as f64;
    for _ in 0..TRIES {
        let area = whole * (AREA.0 + (AREA.1 - AREA.0) * generator.random::<f64>());
        let aspect = (ASPECT.ln() * (1.0 - 2.0 * generator.random::<f64>())).exp();
        let tall = ((area * aspect).sqrt().round() as usize).max(1);
        let wide = ((area / aspect).sqrt().round() as usize).max(1);
        if tall <= height && wide <= width {
            let top = generator.random_range(0..=height - tall);
            let left = generator.random_range(0..=width - wide);
            return Some([top, left, top + tall, left + wide].map(|edge| edge as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    fn values(tensor: &Tensor) -> Vec<f64> {
        Vec::try_from(&tensor.to_kind(Kind::Double).contiguous().view(-1)).unwrap()
    }

    fn assert_close(left: f64, right: f64, apart: f64) {
        assert!((left - right).abs() < apart, "{left} {right}");
    }

    fn mixing(alpha: f64, images: usize, size: usize) -> Mixing {
        let mut generator = random::generator(1, "test", &[]);
        Mixing::draw(alpha, Batches::new(images, size), Device::Cpu, &mut generator).unwrap()
    }

    /// Of λ ~ Beta(1, 1), the smaller of λ and 1 − λ is even from 0 to 1/2: mean 1/4, variance 1/48. Of Beta(2, 2),
    /// whose density is 6 λ (1 − λ), its mean is 5/16.
    #[test]
    fn shares_follow_the_beta_distribution() {
        let shares = values(&mixing(1.0, 20_000, 64).share);
        let mean = |power: i32| shares.iter().map(|s| s.powi(power)).sum::<f64>() / 20_000.0;
        assert_close(mean(1), 0.25, 0.005);
        assert_close(mean(2) - mean(1).powi(2), 1.0 / 48.0, 0.001);
        assert!(shares.iter().all(|share| (0.0..=0.5).contains(share)));
        let shares = values(&mixing(2.0, 20_000, 64).share);
        assert_close(shares.iter().sum::<f64>() / 20_000.0, 5.0 / 16.0, 0.005);
    }

    #[test]
    fn shares_are_numbers_however_small_or_large_alpha_is() {
        for alpha in [f64::MIN_POSITIVE, 1e-300, 1e-9, 1e-3, 100.0] {
            let shares = values(&mixing(alpha, 1_000, 64).share);
            assert!(shares.iter().all(|share| (0.0..=0.5).contains(share)), "{alpha}");
        }
    }

    #[test]
    fn partners_are_an_order_of_their_batch() {
        let batches = Batches::new(129, 64);
        let mixing = mixing(0.2, 129, 64);
        for step in 0..batches.count() {
            let range = batches.range(step);
            let batch = mixing.narrow(range.start as i64, range.len() as i64);
            let mut partners = values(batch.partner());
            assert!(partners.windows(2).any(|pair| pair[0] > pair[1]), "{partners:?}");
            partners.sort_by(f64::total_cmp);
            assert_eq!(partners, (0..range.len()).map(|place| place as f64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn images_are_mixed_but_for_what_is_masked_in_the_partner() {
        let mixing = Mixing {
            partner: Tensor::from_slice(&[1i64, 0]),
            share: Tensor::from_slice(&[0.25f32, 0.5]),
        };
        let pictures = Tensor::from_slice(&[0.0f32, 4.0, 8.0, 16.0]).view([2, 1, 1, 2]);
        assert_eq!(values(&mixing.pictures(&pictures, None)), [2.0, 7.0, 4.0, 10.0]);
        let hidden = Tensor::from_slice(&[1.0f32, 0.0, 0.0, 1.0]).view([2, 1, 1, 2]);
        assert_eq!(values(&mixing.pictures(&pictures, Some(&hidden))), [0.0, 7.0, 4.0, 16.0]);
    }

    #[test]
    fn rectangles_have_the_areas_and_aspects_of_the_paper() {
        let mut generator = random::generator(2, "test", &[]);
        let size = (200, 200);
        let erasing = Erasing::draw(0.5, 8_000, size, Device::Cpu, &mut generator).unwrap();
        let edges = values(&erasing.rectangles);
        let rectangles: Vec<&[f64]> = edges.chunks(4).filter(|edges| edges[2] > 0.0).collect();
        let count = rectangles.len() as f64;
        assert_close(count / 8_000.0, 0.5, 0.02);
        let (mut areas, mut logs, mut middles) = (0.0, 0.0, 0.0);
        for edges in &rectangles {
            let [top, left, bottom, right] = edges[..] else { panic!("four edges") };
            assert!(0.0 <= top && top < bottom && bottom <= 200.0, "{edges:?}");
            assert!(0.0 <= left && left < right && right <= 200.0, "{edges:?}");
            let (tall, wide) = (bottom - top, right - left);
            let area = tall * wide / 40_000.0;
            assert!((0.019..0.335).contains(&area), "{area}");
            assert!((0.28..3.6).contains(&(tall / wide)), "{edges:?}");
            areas += area / count;
            logs += (tall / wide).ln() / count;
            middles += (top + bottom) / 400.0 / count;
        }
        // Large ones that are too tall or too wide are drawn again, which takes little from the mean.
        assert_close(areas, 0.175, 0.01);
        assert_close(logs, 0.0, 0.05);
        assert_close(middles, 0.5, 0.01);
    }

    #[test]
    fn what_is_erased_is_the_mean_and_nothing_else_changes() {
        let rectangles = Tensor::from_slice(&[0i64, 1, 2, 3, 0, 0, 0, 0]).view([2, 4]);
        let pictures = Tensor::ones([2, 2, 3, 3], (Kind::Float, Device::Cpu));
        let erased = values(&Erasing { rectangles }.pictures(&pictures));
        let expected = [[1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0]; 2].concat();
        assert_eq!(erased[..18], expected);
        assert_eq!(erased[18..], [1.0; 18]);
        let mut generator = random::generator(2, "test", &[]);
        let all = Erasing::draw(1.0, 50, (48, 48), Device::Cpu, &mut generator).unwrap();
        let untouched = values(&all.rectangles).chunks(4).filter(|edges| edges[2] == 0.0).count();
        assert_eq!(untouched, 0);
        assert!(Erasing::draw(0.0, 5, (48, 48), Device::Cpu, &mut generator).is_none());
    }
}

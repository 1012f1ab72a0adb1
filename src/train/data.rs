//! A split on the device, and the batches made of it.

use rand::Rng;
use tch::{Device, Kind, Tensor};

use super::blur::blurred;
use super::inpaint::inpainted;
use crate::dataset::{Dataset, Images, Split};
use crate::random;
use crate::region::{Fill, Mode, RandomSets};

/// Per-channel mean and standard deviation of the training split, of values from 0 to 1, before
/// augmentation and before occlusion.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardisation {
    pub mean: Vec<f64>,
    /// Never 0: a channel without variation is only centred.
    pub deviation: Vec<f64>,
}

impl Standardisation {
    /// Exact sums of whole numbers, so that the result depends on nothing but the pixels.
    pub fn of(images: &Images, channels: usize) -> Standardisation {
        let mut counts = vec![[0u64; 256]; channels];
        for pixel in images.pixels.chunks_exact(channels) {
            for (channel, value) in pixel.iter().enumerate() {
                counts[channel][*value as usize] += 1;
            }
        }
        let mut standardisation = Standardisation { mean: Vec::new(), deviation: Vec::new() };
        for histogram in counts {
            let moment = |power: i32| -> f64 {
                let weighted = histogram.iter().enumerate();
                weighted
                    .map(|(value, count)| (value as f64 / 255.0).powi(power) * *count as f64)
                    .sum()
            };
            let pixels = moment(0).max(1.0);
            let mean = moment(1) / pixels;
            let deviation = (moment(2) / pixels - mean * mean).max(0.0).sqrt();
            standardisation.mean.push(mean);
            standardisation.deviation.push(if deviation > 1e-6 { deviation } else { 1.0 });
        }
        standardisation
    }
}

/// One split as tensors on the device.
#[derive(Debug)]
pub struct OnDevice {
    /// `[N, H, W, C]`, u8.
    pixels: Tensor,
    /// Label distributions `[N, K]`, f32.
    pub labels: Tensor,
    /// The class with most votes, `[N]`, i64.
    pub actual: Tensor,
    /// `[C]` on the device.
    mean: Tensor,
    deviation: Tensor,
    standardisation: Standardisation,
}

/// What covers a split's images: one mask an image, in the data's own resolution.
#[derive(Debug)]
pub struct Cover {
    /// `[N, H, W]`, u8, 1 = covered.
    masks: Tensor,
    fill: Fill,
}

impl Cover {
    /// `masks`: `[N, H, W]` row-major, 1 = covered.
    pub fn new(masks: &[u8], height: usize, width: usize, fill: Fill, device: Device) -> Cover {
        let images = masks.len() / (height * width);
        let size = [images as i64, height as i64, width as i64];
        Cover { masks: Tensor::from_data_size(masks, &size, Kind::Uint8).to_device(device), fill }
    }

    /// The masks of some images, `[B, 1, H, W]`, f32: 1 = covered.
    pub(super) fn select(&self, index: &Tensor) -> Tensor {
        self.masks.index_select(0, index).unsqueeze(1).to_kind(Kind::Float)
    }
}

/// Covers a split's images with another set of regions at every visit.
#[derive(Debug)]
pub struct RandomCover {
    sets: RandomSets,
    /// `[N, H, W]`: bit i says whether region i holds the pixel. u8 where its bits are enough.
    members: Tensor,
}

impl RandomCover {
    /// `members`: [`RandomSets::members`] of the split's images.
    pub fn new(
        sets: &RandomSets,
        members: &[i32],
        height: usize,
        width: usize,
        device: Device,
    ) -> RandomCover {
        let images = members.len() / (height * width);
        let kind = if sets.regions.len() <= 8 { Kind::Uint8 } else { Kind::Int };
        let members = Tensor::from_slice(members)
            .view([images as i64, height as i64, width as i64])
            .to_kind(kind)
            .to_device(device);
        RandomCover { sets: sets.clone(), members }
    }

    /// The masks of some images, `[B, H, W]`, bool, each under a set drawn for it.
    fn drawn(&self, index: &Tensor, generator: &mut impl Rng) -> Tensor {
        let images = index.size()[0];
        let sets: Vec<i32> = (0..images).map(|_| self.sets.draw(generator)).collect();
        self.masks(index, &sets)
    }

    /// The masks of some images, `[B, H, W]`, bool, each under the set that is given for it.
    fn masks(&self, index: &Tensor, sets: &[i32]) -> Tensor {
        let members = self.members.index_select(0, index);
        let sets = Tensor::from_slice(sets)
            .view([-1, 1, 1])
            .to_kind(members.kind())
            .to_device(members.device());
        let within = members.bitwise_and_tensor(&sets).not_equal(0);
        match self.sets.mode {
            Mode::Hide => within,
            Mode::Keep => within.logical_not(),
        }
    }

    /// A cover with one set for each image, drawn once.
    pub fn settled(&self, seed: u64) -> Cover {
        let mut generator = random::generator(seed, "validation sets", &[]);
        let all = Tensor::arange(self.members.size()[0], (Kind::Int64, self.members.device()));
        let masks = self.drawn(&all, &mut generator).to_kind(Kind::Uint8);
        Cover { masks, fill: self.sets.fill }
    }
}

/// What covers training images.
#[derive(Debug)]
pub enum TrainCover {
    Fixed(Cover),
    Random(RandomCover),
}

impl From<Cover> for TrainCover {
    fn from(cover: Cover) -> TrainCover {
        TrainCover::Fixed(cover)
    }
}

impl From<RandomCover> for TrainCover {
    fn from(cover: RandomCover) -> TrainCover {
        TrainCover::Random(cover)
    }
}

impl TrainCover {
    /// The masks of a batch, `[B, 1, H, W]`, f32: 1 = covered. `position` is the step's in the training.
    pub(super) fn masks(&self, index: &Tensor, seed: u64, position: u64) -> Tensor {
        match self {
            TrainCover::Fixed(cover) => cover.select(index),
            TrainCover::Random(cover) => {
                let mut generator = random::generator(seed, "sets", &[position]);
                cover.drawn(index, &mut generator).unsqueeze(1).to_kind(Kind::Float)
            }
        }
    }

    pub fn fill(&self) -> Fill {
        match self {
            TrainCover::Fixed(cover) => cover.fill,
            TrainCover::Random(cover) => cover.sets.fill,
        }
    }
}

impl OnDevice {
    pub fn new(
        dataset: &Dataset,
        split: Split,
        standardisation: &Standardisation,
        device: Device,
    ) -> OnDevice {
        let images = dataset.split(split);
        let count = images.len() as i64;
        let size = [count, dataset.height as i64, dataset.width as i64, dataset.channels as i64];
        let actual: Vec<i64> = images.actual().into_iter().map(|class| class as i64).collect();
        let channels = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
            Tensor::from_slice(&values).to_device(device)
        };
        OnDevice {
            pixels: Tensor::from_data_size(&images.pixels, &size, Kind::Uint8).to_device(device),
            labels: Tensor::from_slice(&images.labels)
                .view([count, dataset.classes.len() as i64])
                .to_device(device),
            actual: Tensor::from_slice(&actual).to_device(device),
            mean: channels(&standardisation.mean),
            deviation: channels(&standardisation.deviation),
            standardisation: standardisation.clone(),
        }
    }

    pub fn len(&self) -> usize {
        self.pixels.size()[0] as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn standardisation(&self) -> &Standardisation {
        &self.standardisation
    }

    /// Pictures `[B, C, H, W]` brought back to whole values from 0 to 255, `[B, H, W, C]`.
    pub fn as_seen(&self, pictures: &Tensor) -> Tensor {
        let values = pictures.permute([0, 2, 3, 1]) * &self.deviation + &self.mean;
        (values * 255.0).round().clamp(0.0, 255.0)
    }

    pub fn device(&self) -> Device {
        self.pixels.device()
    }

    /// Standardised pictures `[B, C, H, W]`, f32, channels-last in memory.
    pub fn pictures(&self, index: &Tensor) -> Tensor {
        let values = self.pixels.index_select(0, index).to_kind(Kind::Float) / 255.0;
        ((values - &self.mean) / &self.deviation).permute([0, 3, 1, 2])
    }

    /// Pictures with the masked pixels replaced. `masks`: `[B, 1, H, W]`, f32, 1 = covered.
    ///
    /// Noise comes from libtorch's own generator: seed it before, for what must be repeatable.
    pub fn covered(&self, pictures: Tensor, masks: &Tensor, fill: Fill) -> Tensor {
        let seen = || &pictures * (1.0 - masks);
        match fill {
            Fill::Mean => seen(),
            Fill::Noise => {
                let seen = seen();
                let noise = seen.randn_like();
                seen + noise * masks
            }
            Fill::Constant(value) => seen() + self.standardised(value) * masks,
            Fill::Blur(share) => {
                let deviation = share * pictures.size()[2] as f64;
                seen() + blurred(&pictures, deviation) * masks
            }
            Fill::Inpaint => inpainted(&pictures, masks),
            Fill::Silhouette => (masks * 2.0 - 1.0).expand_as(&pictures).contiguous(),
        }
    }

    /// Pictures `[B, C, H, W]` as a network meets them in evaluation: covered where there is a cover.
    pub fn evaluation_batch(&self, index: &Tensor, cover: Option<&Cover>) -> Tensor {
        let pictures = self.pictures(index);
        match cover {
            Some(cover) => self.covered(pictures, &cover.select(index), cover.fill),
            None => pictures,
        }
    }

    /// One grey value (0 to 1) as each channel sees it after standardisation, `[1, C, 1, 1]`.
    fn standardised(&self, value: f64) -> Tensor {
        let Standardisation { mean, deviation } = &self.standardisation;
        let values: Vec<f32> =
            mean.iter().zip(deviation).map(|(mean, sd)| ((value - mean) / sd) as f32).collect();
        Tensor::from_slice(&values).view([1, -1, 1, 1]).to_device(self.device())
    }
}

impl Cover {
    pub fn fill(&self) -> Fill {
        self.fill
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::dataset::Pixels;

    /// Two images of 2 × 2 pixels, two classes.
    pub(crate) fn tiny() -> Dataset {
        let images = || Images {
            names: vec!["a".to_owned(), "b".to_owned()],
            pixels: Pixels::Owned(vec![0, 255, 0, 255, 0, 255, 255, 0]),
            labels: vec![0.75, 0.25, 0.5, 0.5],
            landmarks: vec![None, None],
        };
        Dataset {
            classes: vec!["x".to_owned(), "y".to_owned()],
            height: 2,
            width: 2,
            channels: 1,
            train: images(),
            val: images(),
            test: images(),
            left_out: BTreeMap::new(),
            without_landmarks: BTreeMap::new(),
            content: String::new(),
        }
    }

    fn on_device() -> OnDevice {
        let dataset = tiny();
        let standardisation = Standardisation::of(&dataset.train, 1);
        OnDevice::new(&dataset, Split::Test, &standardisation, Device::Cpu)
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        Vec::try_from(&tensor.contiguous().view(-1)).unwrap()
    }

    /// Two images of four pixels: region 0 holds the first two, region 1 the last two.
    fn random_cover(mode: Mode) -> RandomCover {
        let sets = RandomSets { regions: vec![Vec::new(); 2], mode, fill: Fill::Mean };
        RandomCover::new(&sets, &[1, 1, 2, 2, 1, 1, 2, 2], 2, 2, Device::Cpu)
    }

    #[test]
    fn each_image_has_the_set_that_is_drawn_for_it() {
        let index = Tensor::from_slice(&[0i64, 1]);
        let hidden = random_cover(Mode::Hide).masks(&index, &[0b01, 0b11]).to_kind(Kind::Float);
        assert_eq!(values(&hidden), [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        let kept = random_cover(Mode::Keep).masks(&index, &[0b01, 0b11]).to_kind(Kind::Float);
        assert_eq!(values(&kept), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn sets_change_from_step_to_step_and_not_from_run_to_run() {
        let index = Tensor::from_slice(&[0i64; 64]);
        let cover = TrainCover::from(random_cover(Mode::Hide));
        let masks = |seed, position| values(&cover.masks(&index, seed, position));
        assert_eq!(masks(1, 7), masks(1, 7));
        assert!(masks(1, 7) != masks(1, 8) && masks(1, 7) != masks(2, 7));
        let TrainCover::Random(cover) = &cover else { unreachable!() };
        let settled = |seed| values(&cover.settled(seed).select(&Tensor::from_slice(&[0i64, 1])));
        assert_eq!(settled(3), settled(3));
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_training_split() {
        let standardisation = Standardisation::of(&tiny().train, 1);
        assert_eq!(standardisation, Standardisation { mean: vec![0.5], deviation: vec![0.5] });
    }

    #[test]
    fn a_black_channel_is_only_centred() {
        let mut images = tiny().train;
        images.pixels = Pixels::Owned(vec![0; 8]);
        assert_eq!(Standardisation::of(&images, 1).deviation, [1.0]);
    }

    #[test]
    fn ties_go_to_the_first_class() {
        assert_eq!(values(&on_device().actual.to_kind(Kind::Float)), [0.0, 0.0]);
    }

    #[test]
    fn each_fill_covers_what_is_masked_and_nothing_else() {
        let data = on_device();
        let index = Tensor::from_slice(&[1i64]);
        let batch = |fill| {
            let cover = Cover::new(&[0, 0, 0, 0, 1, 1, 0, 0], 2, 2, fill, Device::Cpu);
            values(&data.evaluation_batch(&index, Some(&cover)))
        };
        assert_eq!(values(&data.evaluation_batch(&index, None)), [-1.0, 1.0, 1.0, -1.0]);
        assert_eq!(batch(Fill::Mean), [0.0, 0.0, 1.0, -1.0]);
        assert_eq!(batch(Fill::Constant(0.0)), [-1.0, -1.0, 1.0, -1.0]);
        assert_eq!(batch(Fill::Silhouette), [1.0, 1.0, -1.0, -1.0]);
        let noise = batch(Fill::Noise);
        assert_eq!(noise[2..], [1.0, -1.0]);
        assert!(noise[0] != noise[1]);
    }
}

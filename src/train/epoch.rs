//! All random draws of one epoch, made before its first step and copied to the device at once.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use super::Training;
use super::loss::{Goal, majority};
use super::masks::DrawnSets;
use super::mixing::{Erasing, Mixing};
use super::warp::{Draws, Warp};
use crate::experiment::Target;
use crate::plan::steps_per_epoch;
use crate::random;

/// How an epoch's images are divided among its steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Batches {
    images: usize,
    size: usize,
}

impl Batches {
    /// Batches of `size` images, as many as [`steps_per_epoch`] says, the last one with what is left.
    pub fn new(images: usize, size: usize) -> Batches {
        Batches { images, size }
    }

    /// How many there are.
    pub fn count(self) -> usize {
        steps_per_epoch(self.images, self.size)
    }

    /// The places of a batch's images in the epoch's order.
    pub fn range(self, step: usize) -> Range<usize> {
        let end = if step + 1 == self.count() { self.images } else { (step + 1) * self.size };
        step * self.size..end
    }
}

/// One epoch's images in their order, with the augmentation of each.
#[derive(Debug)]
pub(super) struct Epoch {
    batches: Batches,
    /// All of them.
    images: Batch,
}

/// Some images in an order, with the augmentation of each.
#[derive(Debug)]
pub(super) struct Batch {
    /// Numbers in the split, `[B]`, i64.
    pub index: Tensor,
    /// As those of the split, in this order.
    pub labels: Tensor,
    pub majority: Tensor,
    pub warp: Option<Warp>,
    /// Which images are flipped, `[B]`, bool, if there are masks that may depend on it.
    pub flips: Option<Tensor>,
    /// A set of regions for each image, where sets are drawn.
    pub sets: Option<DrawnSets>,
    /// A number from 0 to 1 for each image, `[B]`, f32, where a class is drawn from its labels.
    pub chances: Option<Tensor>,
    /// The rectangles that are erased, where some are.
    pub erasing: Option<Erasing>,
    /// What each image is mixed with, where they are mixed.
    pub mixing: Option<Mixing>,
}

impl Epoch {
    /// Draws an epoch, counted from 1. It follows from the training's seed and the epoch's number alone, so
    /// that an interrupted one can be drawn again.
    pub fn draw(training: &Training<'_>, epoch: u32) -> Epoch {
        use rand::RngExt;
        use rand::seq::SliceRandom;

        let Training { settings, seed, train, masks, .. } = *training;
        let device = train.device();
        let images = train.len();
        let generator = |purpose| random::generator(seed, purpose, &[u64::from(epoch)]);
        let mut order: Vec<i64> = (0..images as i64).collect();
        order.shuffle(&mut generator("order"));
        let order = Tensor::from_slice(&order).to_device(device);
        let size = (settings.dataset.height, settings.dataset.width);
        let augment = &settings.train.augment;
        let draws = Draws::new(augment, images, size, &mut generator("augment"));
        let mask = masks.map(|masks| &masks.train);
        let chances = (settings.train.target == Target::Probability).then(|| {
            let mut generator = generator("target");
            let chances: Vec<f32> = (0..images).map(|_| generator.random()).collect();
            Tensor::from_slice(&chances).to_device(device)
        });
        let all = Batch {
            labels: train.labels.index_select(0, &order),
            majority: train.majority.index_select(0, &order),
            index: order,
            warp: draws.as_ref().map(|draws| draws.warp(device)),
            flips: mask.and(draws.as_ref()).map(|draws| draws.flips(device)),
            sets: mask.and_then(|mask| mask.draw(images, generator)),
            chances,
            erasing: Erasing::draw(
                augment.erasing,
                images,
                size,
                device,
                &mut generator("erasing"),
            ),
            mixing: Mixing::draw(
                settings.train.mixup,
                training.batches(),
                device,
                &mut generator("mixup"),
            ),
        };
        Epoch { batches: training.batches(), images: all }
    }

    pub fn batches(&self) -> Batches {
        self.batches
    }

    pub fn batch(&self, step: usize) -> Batch {
        let Range { start, end } = self.batches.range(step);
        let (start, length) = (start as i64, (end - start) as i64);
        let part = |tensor: &Tensor| tensor.narrow(0, start, length);
        let Batch { index, labels, majority, warp, flips, sets, chances, erasing, mixing } =
            &self.images;
        Batch {
            index: part(index),
            labels: part(labels),
            majority: part(majority),
            warp: warp.as_ref().map(|warp| warp.narrow(start, length)),
            flips: flips.as_ref().map(part),
            sets: sets.as_ref().map(|sets| sets.narrow(start, length)),
            chances: chances.as_ref().map(part),
            erasing: erasing.as_ref().map(|erasing| erasing.narrow(start, length)),
            mixing: mixing.as_ref().map(|mixing| mixing.narrow(start, length)),
        }
    }

    /// How many of the logits `[N, K]` of an epoch's images, in their order, name the class with most votes,
    /// from one place to another; as [`right`] counts.
    pub fn right(&self, logits: &Tensor, places: Range<usize>) -> f64 {
        let (start, length) = (places.start as i64, places.len() as i64);
        let part = |tensor: &Tensor| tensor.narrow(0, start, length);
        right(&part(logits), &part(&self.images.majority))
    }
}

impl Batch {
    pub fn goal(&self) -> Goal<'_> {
        Goal { labels: &self.labels, majority: &self.majority }
    }
}

/// How many of some logits `[B, K]` name the class with most votes; `[B, K]` says which it is. Of classes that tie,
/// there or in the logits, each counts for its share.
pub(super) fn right(logits: &Tensor, actual: &Tensor) -> f64 {
    (majority(logits) * actual).sum(Kind::Double).to_device(Device::Cpu).double_value(&[])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_single_image_that_is_left_joins_the_batch_before() {
        let sizes = |images, size| {
            let batches = Batches::new(images, size);
            (0..batches.count()).map(|step| batches.range(step).len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(65, 64), [65]);
        assert_eq!(sizes(129, 64), [64, 65]);
        assert_eq!(sizes(130, 64), [64, 64, 2]);
        assert_eq!(sizes(128, 64), [64, 64]);
        assert_eq!(sizes(1, 64), [1]);
        assert_eq!(sizes(3, 1), [1, 1, 1]);
        assert_eq!(sizes(3, 2), [3]);
    }

    proptest! {
        #[test]
        fn every_image_has_its_step(images in 1usize..500, size in 1usize..70) {
            let batches = Batches::new(images, size);
            let places: Vec<usize> = (0..batches.count()).flat_map(|step| batches.range(step)).collect();
            prop_assert_eq!(places, (0..images).collect::<Vec<_>>());
        }
    }
}

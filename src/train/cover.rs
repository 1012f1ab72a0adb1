//! The masks of a split's images, on the device.

use std::ops::Range;

use rand::Rng;
use tch::{Device, Kind, Tensor};

use crate::model::{Parts, Span};
use crate::random;
use crate::region::{Fill, Mode, RandomSets};

/// The masks of a split's images: one per image, at the data's resolution.
#[derive(Debug)]
pub struct Cover {
    /// 1 = masked.
    masks: Sides,
    fill: Fill,
    /// The rows and columns that contain all masked pixels of an image; empty until requested.
    boxes: Vec<Bounds>,
}

/// Rows and columns, each from the first to the last (exclusive); 0 and 0 if nothing is masked.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    rows: (i64, i64),
    columns: (i64, i64),
}

impl Bounds {
    fn of(mask: &[u8], width: usize) -> Bounds {
        let mut bounds = Bounds { rows: (0, 0), columns: (0, 0) };
        for (row, pixels) in mask.chunks_exact(width).enumerate() {
            let Some(first) = pixels.iter().position(|hidden| *hidden != 0) else { continue };
            let last = pixels.iter().rposition(|hidden| *hidden != 0).unwrap_or(first);
            let (row, first, end) = (row as i64, first as i64, last as i64 + 1);
            if bounds.rows.1 == 0 {
                bounds = Bounds { rows: (row, row + 1), columns: (first, end) };
            }
            bounds.rows.1 = row + 1;
            bounds.columns = (bounds.columns.0.min(first), bounds.columns.1.max(end));
        }
        bounds
    }
}

/// Masks a split's images with a random set of regions in every epoch.
#[derive(Debug)]
pub struct RandomCover {
    sets: RandomSets,
    /// Bit i is set if region i contains the pixel.
    members: Sides,
}

/// The masks of training images.
#[derive(Debug)]
pub enum TrainCover {
    Fixed(Cover),
    Random(RandomCover),
}

/// A whole number for every pixel of every image, `[N, H, W]`.
#[derive(Debug)]
struct Sides {
    as_is: Tensor,
    /// For images that are flipped: the masks before the flip, so that the condition's left is on the left
    /// after it. `None` where that is the same.
    flipped: Option<Tensor>,
}

impl Sides {
    /// Of some images, `[B, H, W]`; `flipped` `[B]` says which of them will be flipped.
    fn select(&self, index: &Tensor, flipped: Option<&Tensor>) -> Tensor {
        let as_is = self.as_is.index_select(0, index);
        match (&self.flipped, flipped) {
            (Some(mirrored), Some(flipped)) => {
                mirrored.index_select(0, index).where_self(&flipped.view([-1, 1, 1]), &as_is)
            }
            _ => as_is,
        }
    }
}

impl Cover {
    /// `masks`: `[N, H, W]` row-major, 1 = hidden.
    pub fn new(masks: &[u8], height: usize, width: usize, fill: Fill, device: Device) -> Cover {
        let images = masks.len() / (height * width);
        let size = [images as i64, height as i64, width as i64];
        let as_is = Tensor::from_data_size(masks, &size, Kind::Uint8).to_device(device);
        let boxes = masks.chunks_exact(height * width).map(|mask| Bounds::of(mask, width));
        Cover { masks: Sides { as_is, flipped: None }, fill, boxes: boxes.collect() }
    }

    /// The part of some images, one after the other, that contains all masked pixels; `None` if it is more than half
    /// of an image.
    pub(super) fn part(&self, images: Range<usize>) -> Option<Parts> {
        let [_, height, width] = self.masks.as_is.size()[..] else { unreachable!("[N, H, W]") };
        let boxes = self.boxes.get(images)?.iter();
        let rows = Span::between(boxes.clone().map(|bounds| bounds.rows), height as usize);
        let columns = Span::between(boxes.map(|bounds| bounds.columns), width as usize);
        let pays = 2 * rows.length() * columns.length() <= height * width;
        pays.then_some(Parts::of_each(rows, columns))
    }

    /// With masks for images that training flips, as [`Cover::new`]'s and as they lie before the flip.
    pub fn with_flipped(self, masks: &[u8]) -> Cover {
        let Cover { masks: Sides { as_is, .. }, fill, boxes } = self;
        let flipped = Tensor::from_data_size(masks, &as_is.size(), Kind::Uint8);
        let flipped = Some(flipped.to_device(as_is.device()));
        Cover { masks: Sides { as_is, flipped }, fill, boxes }
    }

    /// The masked share of each pixel of some images, `[B, 1, H, W]`, f32: 0 or 1. `flipped` as for
    /// [`TrainCover::hidden`].
    pub(crate) fn hidden(&self, index: &Tensor, flipped: Option<&Tensor>) -> Tensor {
        self.masks.select(index, flipped).unsqueeze(1).to_kind(Kind::Float)
    }

    pub fn fill(&self) -> Fill {
        self.fill
    }
}

impl RandomCover {
    /// `members`: [`RandomSets::members`] of the split's images; `flipped` the same for images that
    /// training flips, as they lie before the flip.
    pub fn new(
        sets: &RandomSets,
        members: &[i32],
        flipped: Option<&[i32]>,
        height: usize,
        width: usize,
        device: Device,
    ) -> RandomCover {
        let images = members.len() / (height * width);
        let kind = if sets.regions.len() <= 8 { Kind::Uint8 } else { Kind::Int };
        let on_device = |members: &[i32]| {
            Tensor::from_slice(members)
                .view([images as i64, height as i64, width as i64])
                .to_kind(kind)
                .to_device(device)
        };
        let members = Sides { as_is: on_device(members), flipped: flipped.map(on_device) };
        RandomCover { sets: sets.clone(), members }
    }

    /// A set for each of this many images, `[B]`, on the device.
    pub(super) fn draw(&self, images: usize, generator: &mut impl Rng) -> Tensor {
        let sets: Vec<i32> = (0..images).map(|_| self.sets.draw(generator)).collect();
        let members = &self.members.as_is;
        Tensor::from_slice(&sets).to_kind(members.kind()).to_device(members.device())
    }

    /// The masks of some images, `[B, H, W]`, bool, each under the set `[B]` that is given for it.
    fn masks(&self, index: &Tensor, flipped: Option<&Tensor>, sets: &Tensor) -> Tensor {
        let members = self.members.select(index, flipped);
        let within = members.bitwise_and_tensor(&sets.view([-1, 1, 1])).not_equal(0);
        match self.sets.mode {
            Mode::Hide => within,
            Mode::Keep => within.logical_not(),
        }
    }

    /// Masks with one set for each image, drawn once.
    pub fn settled(&self, seed: u64) -> Cover {
        let mut generator = random::generator(seed, "validation sets", &[]);
        let images = self.members.as_is.size()[0];
        let all = Tensor::arange(images, (Kind::Int64, self.members.as_is.device()));
        let sets = self.draw(images as usize, &mut generator);
        let as_is = self.masks(&all, None, &sets).to_kind(Kind::Uint8);
        let masks = Sides { as_is, flipped: None };
        Cover { masks, fill: self.sets.fill, boxes: Vec::new() }
    }
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
    /// A set for each of this many images, `[B]`, where sets are drawn.
    pub(super) fn draw(&self, images: usize, generator: &mut impl Rng) -> Option<Tensor> {
        match self {
            TrainCover::Fixed(_) => None,
            TrainCover::Random(cover) => Some(cover.draw(images, generator)),
        }
    }

    /// How much of each pixel of some images is hidden, `[B, 1, H, W]`, f32: 0 or 1, as the images lie
    /// before they are flipped. `flipped` `[B]`, bool, says which of them will be; `sets` is what
    /// [`draw`](TrainCover::draw) gave for them.
    pub(super) fn hidden(
        &self,
        index: &Tensor,
        flipped: Option<&Tensor>,
        sets: Option<&Tensor>,
    ) -> Tensor {
        match (self, sets) {
            (TrainCover::Fixed(cover), _) => cover.hidden(index, flipped),
            (TrainCover::Random(cover), Some(sets)) => {
                cover.masks(index, flipped, sets).unsqueeze(1).to_kind(Kind::Float)
            }
            (TrainCover::Random(_), None) => unreachable!("sets are drawn for a random cover"),
        }
    }

    pub fn fill(&self) -> Fill {
        match self {
            TrainCover::Fixed(cover) => cover.fill,
            TrainCover::Random(cover) => cover.sets.fill,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(tensor: &Tensor) -> Vec<f32> {
        Vec::try_from(&tensor.to_kind(Kind::Float).contiguous().view(-1)).unwrap()
    }

    /// Two images of four pixels: region 0 holds the first two, region 1 the last two; mirrored, the other
    /// way round.
    fn random_cover(mode: Mode) -> RandomCover {
        let sets = RandomSets { regions: vec![Vec::new(); 2], mode, fill: Fill::Mean };
        let (members, flipped) = ([1, 1, 2, 2, 1, 1, 2, 2], [2, 2, 1, 1, 2, 2, 1, 1]);
        RandomCover::new(&sets, &members, Some(&flipped), 2, 2, Device::Cpu)
    }

    #[test]
    fn each_image_has_the_set_that_is_drawn_for_it() {
        let index = Tensor::from_slice(&[0i64, 1]);
        let sets = Tensor::from_slice(&[0b01u8, 0b11]);
        let hidden = random_cover(Mode::Hide).masks(&index, None, &sets);
        assert_eq!(values(&hidden), [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        let kept = random_cover(Mode::Keep).masks(&index, None, &sets);
        assert_eq!(values(&kept), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn an_image_that_will_be_flipped_has_the_other_mask() {
        let index = Tensor::from_slice(&[0i64, 1]);
        let flipped = Tensor::from_slice(&[false, true]);
        let sets = Tensor::from_slice(&[0b01u8, 0b01]);
        let hidden = random_cover(Mode::Hide).masks(&index, Some(&flipped), &sets);
        assert_eq!(values(&hidden), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
        let fixed = Cover::new(&[1, 0, 0, 0, 1, 0, 0, 0], 2, 2, Fill::Mean, Device::Cpu);
        let fixed = fixed.with_flipped(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let hidden = fixed.hidden(&index, Some(&flipped));
        assert_eq!(values(&hidden), [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(values(&fixed.hidden(&index, None)), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn settled_sets_follow_from_the_seed() {
        let settled = |seed| {
            let cover = random_cover(Mode::Hide).settled(seed);
            values(&cover.hidden(&Tensor::from_slice(&[0i64, 1]), None))
        };
        assert_eq!(settled(3), settled(3));
        assert!((4..20).any(|seed| settled(seed) != settled(3)));
    }
}

//! The masks of a split's images, on the device.

use std::ops::Range;

use rand::{Rng, RngExt};
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::inputs::FilledMask;
use super::objects::Objects;
use crate::model::{Parts, Span};
use crate::random;
use crate::region::{Fill, Mode, RandomSets, runs};

/// The masks of a split's images: one per image, at the data's resolution.
#[derive(Debug)]
pub struct Masks {
    /// 1 = masked.
    masks: Sides,
    fill: Fill,
    /// The rows and columns that contain all masked pixels of an image; empty until requested.
    boxes: Vec<Bounds>,
    objects: Option<Shown>,
}

/// What is drawn on masked pixels, where the fill is objects.
#[derive(Debug)]
struct Shown {
    objects: Objects,
    /// Where each image has a set of regions of its own: which regions contain each pixel, as [`RandomMasks::members`],
    /// and the sets, `[N]`.
    chosen: Option<(Tensor, Tensor)>,
}

/// The masks of some images and their fill.
#[derive(Debug)]
pub(super) struct Masked {
    /// The masked share of each pixel, `[B, 1, H, W]`, f32: 0 or 1.
    hidden: Tensor,
    fill: Fill,
    /// As [`FilledMask::objects`].
    objects: Option<Tensor>,
}

impl Masked {
    /// `seed`: of the noise.
    pub fn filled(&self, seed: i64) -> FilledMask<'_> {
        let Masked { hidden, fill, objects } = self;
        FilledMask { hidden, fill: *fill, seed, objects: objects.as_ref() }
    }
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
        for run in runs(mask, true) {
            let (row, last) = (run.start / width, (run.end - 1) / width);
            let (first, end) = match row == last {
                true => (run.start % width, (run.end - 1) % width + 1),
                // It goes on into the next row.
                false => (0, width),
            };
            let (row, first, end) = (row as i64, first as i64, end as i64);
            if bounds.rows.1 == 0 {
                bounds = Bounds { rows: (row, row), columns: (first, end) };
            }
            bounds.rows.1 = last as i64 + 1;
            bounds.columns = (bounds.columns.0.min(first), bounds.columns.1.max(end));
        }
        bounds
    }
}

/// Masks a split's images with a random set of regions in every epoch.
#[derive(Debug)]
pub struct RandomMasks {
    sets: RandomSets,
    /// Bit i is set if region i contains the pixel.
    members: Sides,
    objects: Option<Objects>,
}

/// The masks of training images.
#[derive(Debug)]
pub enum TrainMasks {
    Fixed(Masks),
    Random(RandomMasks),
}

/// A set of regions for each of some images.
#[derive(Debug)]
pub(super) struct DrawnSets {
    /// `[B]`, on the device.
    sets: Tensor,
    /// Where each region lies that is moved, `[B, R, 2]`, f32: down and across, from 0, at the picture's top or left, to
    /// 1, at its bottom or right. `None` where regions stay in their places.
    places: Option<Tensor>,
}

impl DrawnSets {
    /// How many of the images, the first, have their regions moved, and the places of those, `[B, R, 2]`; `None` where
    /// no regions are moved, or of too few images.
    fn moved(&self) -> Option<(i64, Tensor)> {
        let part = self.sets.size()[0] / RandomSets::ELSEWHERE as i64;
        let places = self.places.as_ref().filter(|_| part > 0)?;
        Some((part, places.narrow(0, 0, part)))
    }

    /// Those of some of the images, from one on.
    pub fn narrow(&self, start: i64, length: i64) -> DrawnSets {
        DrawnSets {
            sets: self.sets.narrow(0, start, length),
            places: self.places.as_ref().map(|places| places.narrow(0, start, length)),
        }
    }
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

impl Masks {
    /// `masks`: `[N, H, W]` row-major, 1 = hidden.
    pub fn new(masks: &[u8], height: usize, width: usize, fill: Fill, device: Device) -> Masks {
        let images = masks.len() / (height * width);
        let size = [images as i64, height as i64, width as i64];
        let as_is = Tensor::from_data_size(masks, &size, Kind::Uint8).to_device(device);
        let boxes = masks.par_chunks_exact(height * width).with_min_len(64);
        let boxes = boxes.map(|mask| Bounds::of(mask, width));
        let masks = Sides { as_is, flipped: None };
        Masks { masks, fill, boxes: boxes.collect(), objects: None }
    }

    /// The part of some images, one after the other, that contains all masked pixels.
    pub(super) fn part(&self, images: Range<usize>) -> Option<Parts> {
        let [_, height, width] = self.masks.as_is.size()[..] else { unreachable!("[N, H, W]") };
        let boxes = self.boxes.get(images)?.iter();
        let rows = Span::between(boxes.clone().map(|bounds| bounds.rows), height as usize);
        let columns = Span::between(boxes.map(|bounds| bounds.columns), width as usize);
        Some(Parts::of_each(rows, columns))
    }

    /// With masks for images that training flips, as [`Masks::new`]'s and as they lie before the flip.
    pub fn with_flipped(self, masks: &[u8]) -> Masks {
        let Masks { masks: Sides { as_is, .. }, .. } = self;
        let flipped = Tensor::from_data_size(masks, &as_is.size(), Kind::Uint8);
        let flipped = Some(flipped.to_device(as_is.device()));
        Masks { masks: Sides { as_is, flipped }, ..self }
    }

    /// With what is drawn on masked pixels: the objects of the one region that is masked.
    pub fn with_objects(self, objects: Objects) -> Masks {
        Masks { objects: Some(Shown { objects, chosen: None }), ..self }
    }

    /// The masks of some images, with all that the fill needs; `flipped` as for [`TrainMasks::of`].
    pub(super) fn of(&self, index: &Tensor, flipped: Option<&Tensor>) -> Masked {
        let objects = self.objects.as_ref().map(|Shown { objects, chosen }| match chosen {
            None => objects.everywhere(index, flipped),
            Some((members, sets)) => {
                let members = members.index_select(0, index);
                let sets = sets.index_select(0, index);
                let each = each_region(&members, &sets, objects.regions());
                objects.topmost(index, flipped, &each, None)
            }
        });
        Masked { hidden: self.hidden(index, flipped), fill: self.fill, objects }
    }

    /// The masked share of each pixel of some images, `[B, 1, H, W]`, f32: 0 or 1. `flipped` as for
    /// [`TrainMasks::of`].
    pub(crate) fn hidden(&self, index: &Tensor, flipped: Option<&Tensor>) -> Tensor {
        self.masks.select(index, flipped).unsqueeze(1).to_kind(Kind::Float)
    }

    /// The masks of some images, one after the other, `[B, H, W]`, u8: 1 is masked.
    pub(super) fn places(&self, first: i64, length: i64) -> Tensor {
        self.masks.as_is.narrow(0, first, length)
    }

    pub fn fill(&self) -> Fill {
        self.fill
    }
}

impl RandomMasks {
    /// `members`: [`RandomSets::members`] of the split's images; `flipped` the same for images that
    /// training flips, as they lie before the flip.
    pub fn new(
        sets: &RandomSets,
        members: &[i32],
        flipped: Option<&[i32]>,
        height: usize,
        width: usize,
        device: Device,
    ) -> RandomMasks {
        let images = members.len() / (height * width);
        let kind = if sets.regions.len() <= 8 { Kind::Uint8 } else { Kind::Int };
        let on_device = |members: &[i32]| {
            Tensor::from_slice(members)
                .view([images as i64, height as i64, width as i64])
                .to_kind(kind)
                .to_device(device)
        };
        let members = Sides { as_is: on_device(members), flipped: flipped.map(on_device) };
        RandomMasks { sets: sets.clone(), members, objects: None }
    }

    /// With what is drawn on masked pixels: the objects of every region.
    pub fn with_objects(self, objects: Objects) -> RandomMasks {
        RandomMasks { objects: Some(objects), ..self }
    }

    /// A set for each of this many images.
    fn draw(&self, images: usize, generator: &mut impl Rng) -> DrawnSets {
        let sets: Vec<i32> = (0..images).map(|_| self.sets.draw(generator)).collect();
        let members = &self.members.as_is;
        let sets = Tensor::from_slice(&sets).to_kind(members.kind()).to_device(members.device());
        DrawnSets { sets, places: None }
    }

    /// Places for the regions of this many images, `[B, R, 2]`; `None` where they stay.
    fn draw_places(&self, images: usize, generator: &mut impl Rng) -> Option<Tensor> {
        if !self.sets.elsewhere {
            return None;
        }
        let regions = self.sets.regions.len();
        let places: Vec<f32> = (0..images * regions * 2).map(|_| generator.random()).collect();
        let places = Tensor::from_slice(&places).view([images as i64, regions as i64, 2]);
        Some(places.to_device(self.members.as_is.device()))
    }

    /// The masks of some images, `[B, H, W]`, bool, each under the set that is given for it. Where regions are moved,
    /// they are in the first of [`RandomSets::ELSEWHERE`] equal parts of the images, which come in random order; of fewer
    /// images in none.
    fn masks(&self, index: &Tensor, flipped: Option<&Tensor>, drawn: &DrawnSets) -> Tensor {
        let members = self.members.select(index, flipped);
        let within = members.bitwise_and_tensor(&drawn.sets.view([-1, 1, 1])).not_equal(0);
        let images = index.size()[0];
        let within = match drawn.moved() {
            Some((part, places)) => {
                let first = |tensor: &Tensor| tensor.narrow(0, 0, part);
                let moved = elsewhere(&first(&members), &first(&drawn.sets), &places);
                Tensor::cat(&[moved, within.narrow(0, part, images - part)], 0)
            }
            None => within,
        };
        match self.sets.mode {
            Mode::Hide => within,
            Mode::Keep => within.logical_not(),
        }
    }

    /// The topmost objects of some images under their sets, `[B, C, H, W]`; moved where their regions are.
    fn drawn_objects(
        &self,
        index: &Tensor,
        flipped: Option<&Tensor>,
        drawn: &DrawnSets,
    ) -> Option<Tensor> {
        let objects = self.objects.as_ref()?;
        let members = self.members.select(index, flipped);
        let each = each_region(&members, &drawn.sets, objects.regions());
        let Some((part, places)) = drawn.moved() else {
            return Some(objects.topmost(index, flipped, &each, None));
        };
        let rest = index.size()[0] - part;
        let of = |start: i64, length: i64, moves: Option<&Moves>| {
            let some = |tensor: &Tensor| tensor.narrow(0, start, length);
            let each = some(&each);
            let each = moves.map_or_else(|| each.shallow_clone(), |moves| moves.of(&each));
            objects.topmost(&some(index), flipped.map(some).as_ref(), &each, moves)
        };
        let moves = Moves::to(&each.narrow(0, 0, part), &places);
        Some(Tensor::cat(&[of(0, part, Some(&moves)), of(part, rest, None)], 0))
    }

    /// Masks with one set for each image, drawn once.
    pub fn settled(self, seed: u64) -> Masks {
        let mut generator = random::generator(seed, "validation sets", &[]);
        let images = self.members.as_is.size()[0];
        let all = Tensor::arange(images, (Kind::Int64, self.members.as_is.device()));
        let sets = self.draw(images as usize, &mut generator);
        let as_is = self.masks(&all, None, &sets).to_kind(Kind::Uint8);
        let masks = Sides { as_is, flipped: None };
        let chosen = Some((self.members.as_is, sets.sets));
        let objects = self.objects.map(|objects| Shown { objects, chosen });
        Masks { masks, fill: self.sets.fill, boxes: Vec::new(), objects }
    }
}

/// The pixels of each image's set `[B]` where every region of it is moved, as a whole and within the picture, to its
/// place `[B, R, 2]`: `[B, H, W]`, bool. `members` `[B, H, W]` says which regions contain each pixel.
fn elsewhere(members: &Tensor, sets: &Tensor, places: &Tensor) -> Tensor {
    let each = each_region(members, sets, places.size()[1]);
    Moves::to(&each, places).of(&each).any_dim(1, false)
}

/// Which pixels of an image each of so many regions contains that is in the image's set `[B]`: `[B, R, H, W]`, bool.
/// `members` `[B, H, W]` says which regions contain each pixel.
fn each_region(members: &Tensor, sets: &Tensor, regions: i64) -> Tensor {
    let bits: Vec<i64> = (0..regions).map(|region| 1 << region).collect();
    let bits = Tensor::from_slice(&bits).to_kind(members.kind()).to_device(members.device());
    let each = members.bitwise_and_tensor(&sets.view([-1, 1, 1])).unsqueeze(1);
    each.bitwise_and_tensor(&bits.view([1, -1, 1, 1])).not_equal(0)
}

/// How far the regions of some images are moved as wholes, in pixels: `[B, R]`, i64.
#[derive(Debug)]
pub(super) struct Moves {
    down: Tensor,
    across: Tensor,
}

impl Moves {
    /// The moves that carry masks `[B, R, H, W]`, bool, to their places `[B, R, 2]`: down and across, from 0, at the
    /// first pixel, to 1, at the last.
    fn to(each: &Tensor, places: &Tensor) -> Moves {
        let along =
            |dimension: i64, place: i64| distance(each, dimension, &places.select(2, place));
        Moves { down: along(2, 0), across: along(3, 1) }
    }

    /// Masks `[B, R, H, W]`, moved.
    fn of(&self, each: &Tensor) -> Tensor {
        moved(&moved(each, 2, &self.down), 3, &self.across)
    }

    /// Images `[B, C, H, W]`, moved as one of the regions is; 0 where nothing was.
    pub fn of_region(&self, images: &Tensor, region: i64) -> Tensor {
        let of = |distances: &Tensor| distances.narrow(1, region, 1);
        moved(&moved(images, 2, &of(&self.down)), 3, &of(&self.across))
    }
}

/// How far masks `[B, R, H, W]` move along one of the last two dimensions to their places `[B, R]`, in pixels.
fn distance(masks: &Tensor, dimension: i64, places: &Tensor) -> Tensor {
    let length = masks.size()[dimension as usize];
    let there = masks.any_dim(5 - dimension, false).to_kind(Kind::Int64);
    let first = there.argmax(2, false);
    let last = length - 1 - there.flip([2]).argmax(2, false);
    // How many places it has, and which of them it goes to.
    let room = length - (&last - &first);
    let start = (places * &room).floor().to_kind(Kind::Int64).minimum(&(&room - 1));
    start - first
}

/// Values `[B, R, H, W]` moved along one of the last two dimensions by so many pixels, `[B, R]` or `[B, 1]`; what comes in
/// is 0.
fn moved(values: &Tensor, dimension: i64, distances: &Tensor) -> Tensor {
    let length = values.size()[dimension as usize];
    let pixels = Tensor::arange(length, (Kind::Int64, values.device())).view([1, 1, -1]);
    let from = pixels - distances.unsqueeze(2);
    let outside = from.less(0).logical_or(&from.greater_equal(length)).unsqueeze(5 - dimension);
    let from = from.clamp(0, length - 1).unsqueeze(5 - dimension).expand_as(values);
    values.gather(dimension, &from, false).masked_fill(&outside, 0)
}

impl From<Masks> for TrainMasks {
    fn from(mask: Masks) -> TrainMasks {
        TrainMasks::Fixed(mask)
    }
}

impl From<RandomMasks> for TrainMasks {
    fn from(mask: RandomMasks) -> TrainMasks {
        TrainMasks::Random(mask)
    }
}

impl TrainMasks {
    /// A set for each of this many images, where sets are drawn; `generator` gives the draws for each purpose.
    pub(super) fn draw<R: Rng>(
        &self,
        images: usize,
        generator: impl Fn(&'static str) -> R,
    ) -> Option<DrawnSets> {
        match self {
            TrainMasks::Fixed(_) => None,
            TrainMasks::Random(mask) => Some(DrawnSets {
                places: mask.draw_places(images, &mut generator("places")),
                ..mask.draw(images, &mut generator("sets"))
            }),
        }
    }

    /// The masks of some images, as the images lie before they are flipped, with all that the fill needs. `flipped`
    /// `[B]`, bool, says which of them will be; `sets` is what [`draw`](TrainMasks::draw) gave for them.
    pub(super) fn of(
        &self,
        index: &Tensor,
        flipped: Option<&Tensor>,
        sets: Option<&DrawnSets>,
    ) -> Masked {
        match (self, sets) {
            (TrainMasks::Fixed(mask), _) => mask.of(index, flipped),
            (TrainMasks::Random(mask), Some(sets)) => Masked {
                hidden: mask.masks(index, flipped, sets).unsqueeze(1).to_kind(Kind::Float),
                fill: mask.sets.fill,
                objects: mask.drawn_objects(index, flipped, sets),
            },
            (TrainMasks::Random(_), None) => unreachable!("sets are drawn for a random mask"),
        }
    }

    pub fn fill(&self) -> Fill {
        match self {
            TrainMasks::Fixed(mask) => mask.fill,
            TrainMasks::Random(mask) => mask.sets.fill,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{FaceMap, Polygon, Regions};

    fn values(tensor: &Tensor) -> Vec<f32> {
        Vec::try_from(&tensor.to_kind(Kind::Float).contiguous().view(-1)).unwrap()
    }

    /// Two images of four pixels: region 0 holds the first two, region 1 the last two; mirrored, the other
    /// way round.
    fn random_masks(mode: Mode) -> RandomMasks {
        let sets =
            RandomSets { regions: vec![Vec::new(); 2], mode, fill: Fill::Mean, elsewhere: false };
        let (members, flipped) = ([1, 1, 2, 2, 1, 1, 2, 2], [2, 2, 1, 1, 2, 2, 1, 1]);
        RandomMasks::new(&sets, &members, Some(&flipped), 2, 2, Device::Cpu)
    }

    fn drawn(sets: &[u8]) -> DrawnSets {
        DrawnSets { sets: Tensor::from_slice(sets), places: None }
    }

    /// Of a picture of 4 × 5 pixels, an L and, right of it, a bar that ends at the border.
    const MEMBERS: [[u8; 5]; 4] =
        [[0, 0, 0, 0, 0], [1, 0, 0, 0, 2], [1, 1, 0, 0, 2], [0, 0, 0, 0, 2]];

    #[test]
    fn regions_are_moved_as_a_whole_and_stay_within_the_picture() {
        let members = Tensor::from_slice(&MEMBERS.concat()).view([1, 4, 5]);
        let moved = |set: u8, l: [f32; 2], bar: [f32; 2]| -> Vec<String> {
            let places = Tensor::from_slice(&[l, bar].concat()).view([1, 2, 2]);
            let moved = elsewhere(&members, &Tensor::from_slice(&[set]), &places);
            let pixels = values(&moved);
            let row =
                |row: &[f32]| row.iter().map(|on| if *on > 0.0 { '#' } else { '.' }).collect();
            pixels.chunks(5).map(row).collect()
        };
        let (first, last) = ([0.0, 0.0], [0.999, 0.999]);
        assert_eq!(moved(0b01, first, first), ["#....", "##...", ".....", "....."]);
        assert_eq!(moved(0b01, last, last), [".....", ".....", "...#.", "...##"]);
        assert_eq!(moved(0b11, last, first), ["#....", "#....", "#..#.", "...##"]);
        // Two places down, of which the second begins at the half; three across for the L, five for the bar.
        assert_eq!(moved(0b10, first, [0.5, 0.59]), [".....", "..#..", "..#..", "..#.."]);
        assert_eq!(moved(0b10, first, [0.49, 0.61]), ["...#.", "...#.", "...#.", "....."]);
        assert_eq!(moved(0b00, last, last), [".....", ".....", ".....", "....."]);
    }

    /// As often at each place, whatever the region's size.
    #[test]
    fn one_image_in_four_has_its_regions_elsewhere() {
        let sets = RandomSets {
            regions: vec![Vec::new(); 2],
            mode: Mode::Hide,
            fill: Fill::Mean,
            elsewhere: true,
        };
        let images = 400;
        let members = MEMBERS.concat().repeat(images).into_iter().map(i32::from);
        let members: Vec<i32> = members.collect();
        let mask = RandomMasks::new(&sets, &members, None, 4, 5, Device::Cpu);
        let mask = TrainMasks::from(mask);
        let generator = |purpose| random::generator(7, purpose, &[1]);
        let drawn = mask.draw(images, generator).unwrap();
        let index = Tensor::arange(images as i64, (Kind::Int64, Device::Cpu));
        let hidden = values(&mask.of(&index, None, Some(&drawn)).hidden);
        let stays = DrawnSets { sets: drawn.sets.shallow_clone(), places: None };
        let in_place = values(&mask.of(&index, None, Some(&stays)).hidden);
        let (there, here): (Vec<f32>, Vec<f32>) = (hidden, in_place);
        let moved = |image: usize| there[20 * image..][..20] != here[20 * image..][..20];
        assert!((0..100).filter(|image| moved(*image)).count() > 50);
        assert!(!(100..images).any(moved), "the others stay");
        // As many pixels are masked, unless two regions overlap.
        let pixels = |masks: &[f32], image: usize| masks[20 * image..][..20].iter().sum::<f32>();
        assert!((0..images).all(|image| pixels(&there, image) <= pixels(&here, image)));
        // The sets are those that are drawn without it.
        let plain = RandomSets { elsewhere: false, ..sets };
        let plain = RandomMasks::new(&plain, &members, None, 4, 5, Device::Cpu);
        let plain = TrainMasks::from(plain).draw(images, generator).unwrap();
        assert!(plain.places.is_none() && values(&plain.sets) == values(&drawn.sets));
    }

    /// The phone and the beanie in a picture of 24 × 24.
    fn occluders() -> (RandomSets, RandomMasks) {
        const SIDE: usize = 24;
        let atlas = Regions::aligned();
        let polygons = |name| atlas.get(name).unwrap().polygons.clone();
        let regions = vec![polygons("phone"), polygons("beanie")];
        let sets = RandomSets { regions, mode: Mode::Hide, fill: Fill::Object, elsewhere: true };
        let maps = [const { FaceMap::IDENTITY }; 8];
        let members = sets.members(&maps, SIDE, SIDE);
        let regions: Vec<&[Polygon]> = sets.regions.iter().map(Vec::as_slice).collect();
        let objects = Objects::new(&regions, &maps, (SIDE, SIDE, 1), Device::Cpu);
        let masks = RandomMasks::new(&sets, &members, None, SIDE, SIDE, Device::Cpu);
        (sets, masks.with_objects(objects))
    }

    /// What is masked has an object's values, which are above 0, whatever the set and wherever it is moved; a moved object
    /// has the values that it has in its place.
    #[test]
    fn objects_lie_where_their_regions_are_moved() {
        let (sets, masks) = occluders();
        let train = TrainMasks::from(masks);
        let generator = |purpose| random::generator(5, purpose, &[1]);
        let mut drawn = train.draw(8, generator).unwrap();
        // Two images of eight are moved: one with the phone, one with both.
        drawn.sets = Tensor::from_slice(&[1u8, 3, 1, 2, 3, 0, 2, 1]);
        let index = Tensor::arange(8, (Kind::Int64, Device::Cpu));
        let masked = train.of(&index, None, Some(&drawn));
        let objects = masked.objects.as_ref().unwrap();
        assert_eq!(objects.size(), [8, 1, 24, 24]);
        let is_drawn = objects.greater(0.0).to_kind(Kind::Float);
        assert!(is_drawn.equal(&masked.hidden));
        let of = |image: i64| -> Vec<f32> {
            let mut values = values(&objects.get(image));
            values.retain(|value| *value > 0.0);
            values
        };
        let (moved, in_place) = (of(0), of(2));
        assert!(!moved.is_empty() && !masked.hidden.get(0).equal(&masked.hidden.get(2)));
        assert_eq!(moved, in_place);
        // The same drawn once, for validation.
        let TrainMasks::Random(masks) = train else { unreachable!() };
        let settled = masks.settled(3).of(&index, None);
        let is_drawn = settled.objects.unwrap().greater(0.0).to_kind(Kind::Float);
        assert!(
            is_drawn.equal(&settled.hidden)
                && settled.hidden.sum(Kind::Float).double_value(&[]) > 0.0
        );
        assert_eq!(sets.regions.len(), 2);
    }

    #[test]
    fn each_image_has_the_set_that_is_drawn_for_it() {
        let index = Tensor::from_slice(&[0i64, 1]);
        let sets = drawn(&[0b01, 0b11]);
        let hidden = random_masks(Mode::Hide).masks(&index, None, &sets);
        assert_eq!(values(&hidden), [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        let kept = random_masks(Mode::Keep).masks(&index, None, &sets);
        assert_eq!(values(&kept), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn an_image_that_will_be_flipped_has_the_other_mask() {
        let index = Tensor::from_slice(&[0i64, 1]);
        let flipped = Tensor::from_slice(&[false, true]);
        let sets = drawn(&[0b01, 0b01]);
        let hidden = random_masks(Mode::Hide).masks(&index, Some(&flipped), &sets);
        assert_eq!(values(&hidden), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
        let fixed = Masks::new(&[1, 0, 0, 0, 1, 0, 0, 0], 2, 2, Fill::Mean, Device::Cpu);
        let fixed = fixed.with_flipped(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let hidden = fixed.hidden(&index, Some(&flipped));
        assert_eq!(values(&hidden), [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(values(&fixed.hidden(&index, None)), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn settled_sets_follow_from_the_seed() {
        let settled = |seed| {
            let mask = random_masks(Mode::Hide).settled(seed);
            values(&mask.hidden(&Tensor::from_slice(&[0i64, 1]), None))
        };
        assert_eq!(settled(3), settled(3));
        assert!((4..20).any(|seed| settled(seed) != settled(3)));
    }
}

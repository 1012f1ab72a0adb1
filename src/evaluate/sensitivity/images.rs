//! The images that a network is evaluated on, each with its map from the canonical face frame.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use super::perturbations::Group;
use super::{Evaluated, GRID, values};
use crate::model::{Folded, Known, Parts};
use crate::random;
use crate::region::{Affine, Fill};
use crate::train::warp::{BILINEAR, BORDER};
use crate::train::{FilledMask, OnDevice, filled};

/// Images per batch.
const BATCH: usize = 64;
/// Where perturbations change only a part of each image: few, so that their known results stay in a CPU's caches.
const FEW: usize = 4;

/// Images of a split, and their fill.
#[derive(Debug)]
pub struct EvaluationImages<'a> {
    data: &'a OnDevice,
    /// Numbers in the split, classes and frames, one per image.
    images: Vec<i64>,
    classes: Vec<usize>,
    frames: Vec<Affine>,
    /// How many images each class has here.
    by_class: Vec<usize>,
    fill: Fill,
    seed: u64,
}

/// Some of the images.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    /// Standardised, `[B, C, H, W]`.
    pictures: Tensor,
    /// Of their pixels.
    pub places: Places,
    /// In class order, `[B]`, i64.
    pub classes: Tensor,
    /// As [`EvaluationImages`] has them.
    pub frames: &'a [Affine],
}

/// The perturbations of the images, one after the other.
pub(super) struct Laid<'a> {
    /// How many perturbations.
    pub count: usize,
    /// The visible share of each pixel of a batch under a perturbation, `[B, H, W]`, 0 to 1.
    pub seen: &'a dyn Fn(usize, &Batch<'_>) -> Tensor,
    /// Where they change only a part of each image, and recomputing what depends on it is faster: the network, and the
    /// first of some perturbations.
    pub parts: Option<(&'a Folded, OfParts<'a>)>,
}

pub(super) type OfParts<'a> = &'a dyn Fn(Range<usize>, &Batch<'_>) -> Option<Group>;

impl Batch<'_> {
    /// Height and width of the pictures.
    pub fn size(&self) -> (usize, usize) {
        let size = self.pictures.size();
        (size[2] as usize, size[3] as usize)
    }
}

/// Points of the canonical face frame; outside of it they are below 0 or above 1.
#[derive(Debug)]
pub(super) struct Places {
    /// `[B, H, W, 2]`, x and y: in one, so that a part of both is cut without a copy of the whole.
    both: Tensor,
}

impl Places {
    /// The centres of `side` × `side` cells of the frame, `[1, side, side]`.
    pub fn of_cells(side: usize) -> Places {
        let side = side as i64;
        Places::carried(&[Affine::IDENTITY], side, side, Device::Cpu)
    }

    /// Centres of pixels carried by each of the maps.
    fn carried(maps: &[Affine], height: i64, width: i64, device: Device) -> Places {
        let centres =
            |count: i64| (Tensor::arange(count, (Kind::Float, device)) + 0.5) / (count as f64);
        let (u, v) = (centres(width).view([1, 1, -1]), centres(height).view([1, -1, 1]));
        let number = |of: fn(&Affine) -> f64| {
            let numbers: Vec<f32> = maps.iter().map(|map| of(map) as f32).collect();
            Tensor::from_slice(&numbers).view([-1, 1, 1]).to_device(device)
        };
        let x = number(|map| map.a) * &u + number(|map| map.b) * &v + number(|map| map.c);
        let y = number(|map| map.d) * &u + number(|map| map.e) * &v + number(|map| map.f);
        Places { both: Tensor::stack(&[x, y], -1) }
    }

    /// `[B, H, W]`.
    pub fn x(&self) -> Tensor {
        self.both.select(-1, 0)
    }

    /// `[B, H, W]`.
    pub fn y(&self) -> Tensor {
        self.both.select(-1, 1)
    }

    /// For how many pictures they are.
    pub fn pictures(&self) -> i64 {
        self.both.size()[0]
    }

    /// Those that lie in parts, of as many pictures.
    pub fn cut(&self, parts: &Parts) -> Places {
        let cut = parts.cut(&self.both.permute([0, 3, 1, 2]));
        Places { both: cut.permute([0, 2, 3, 1]) }
    }

    /// The cell of a map in which each point lies, `[B, H × W]`, i64; for points outside of the frame the
    /// nearest one.
    pub fn cells(&self) -> Tensor {
        let cell = |at: &Tensor| {
            (at * GRID as f64).floor().clamp(0.0, GRID as f64 - 1.0).to_kind(Kind::Int64)
        };
        (cell(&self.y()) * GRID as i64 + cell(&self.x())).reshape([self.pictures(), -1])
    }
}

impl<'a> EvaluationImages<'a> {
    /// The first `most` images of each class; all where it is `None`. `actual` and `frames` have the class
    /// of every image of the split and the map that carries the canonical frame into it, in fractions of
    /// its width and height. `seed` is the training's.
    pub fn new(
        data: &'a OnDevice,
        (actual, classes): (&[usize], usize),
        frames: &[Affine],
        most: Option<u32>,
        fill: Fill,
        seed: u64,
    ) -> EvaluationImages<'a> {
        let most = most.map_or(usize::MAX, |most| most as usize);
        let mut chosen = EvaluationImages {
            data,
            images: Vec::new(),
            classes: Vec::new(),
            frames: Vec::new(),
            by_class: vec![0; classes],
            fill,
            seed,
        };
        for (image, (&class, frame)) in actual.iter().zip(frames).enumerate() {
            if chosen.by_class[class] < most {
                chosen.by_class[class] += 1;
                chosen.images.push(image as i64);
                chosen.classes.push(class);
                chosen.frames.push(*frame);
            }
        }
        chosen
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many images a class has.
    pub fn images_of(&self, class: usize) -> usize {
        self.by_class[class]
    }

    pub(super) fn classes(&self) -> usize {
        self.by_class.len()
    }

    pub(super) fn device(&self) -> Device {
        self.data.device()
    }

    /// The mean probability of the actual class under each perturbation, a list per class. `go_on` receives the share
    /// that is done; `None` if it returns `false`.
    pub(super) fn mean_probabilities(
        &self,
        network: &dyn Evaluated,
        laid: &Laid<'_>,
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> Option<Vec<Vec<f64>>> {
        let mut sums = vec![0.0; self.classes() * laid.count];
        let all = (laid.count * self.images.len()) as f64;
        let mut done = 0;
        let size = if laid.parts.is_some() { FEW } else { BATCH };
        for (number, start) in (0..self.images.len()).step_by(size).enumerate() {
            let end = (start + size).min(self.images.len());
            let batch = self.batch(start, end);
            let answered = Answered::new(self, network, laid, &batch, number);
            let mut next = 0;
            while next < laid.count {
                let (perturbations, probabilities) = answered.next(next);
                let actual = batch.classes.repeat([perturbations as i64]).unsqueeze(1);
                let of_actual = values(&probabilities.gather(1, &actual, false));
                for of_actual in of_actual.chunks_exact(end - start) {
                    for (class, probability) in self.classes[start..end].iter().zip(of_actual) {
                        sums[class * laid.count + next] += probability;
                    }
                    next += 1;
                }
                done += perturbations * (end - start);
                if !go_on(done as f64 / all) {
                    return None;
                }
            }
        }
        let by_class = sums.chunks_exact(laid.count).zip(&self.by_class);
        let mean = |(sums, images): (&[f64], &usize)| {
            sums.iter().map(|sum| sum / (*images).max(1) as f64).collect()
        };
        Some(by_class.map(mean).collect())
    }

    /// The mean grey of each class's images in the canonical frame, `[GRID, GRID]`, 0 to 1.
    pub(super) fn faces(&self) -> Vec<Vec<f64>> {
        let mut sums = vec![vec![0.0; GRID * GRID]; self.classes()];
        for start in (0..self.images.len()).step_by(BATCH) {
            let end = (start + BATCH).min(self.images.len());
            let grey = self.data.as_seen(&self.pictures(start, end));
            let grey = grey.mean_dim([3].as_slice(), false, Kind::Float).unsqueeze(1) / 255.0;
            let side = GRID as i64;
            let at = Places::carried(&self.frames[start..end], side, side, self.device());
            let at = at.both * 2.0 - 1.0;
            let carried = values(&grey.grid_sampler(&at, BILINEAR, BORDER, false));
            let faces = carried.chunks_exact(GRID * GRID);
            for (class, face) in self.classes[start..end].iter().zip(faces) {
                sums[*class].iter_mut().zip(face).for_each(|(sum, grey)| *sum += grey);
            }
        }
        for (sums, images) in sums.iter_mut().zip(&self.by_class) {
            sums.iter_mut().for_each(|sum| *sum /= (*images).max(1) as f64);
        }
        sums
    }

    fn pictures(&self, start: usize, end: usize) -> Tensor {
        let index = Tensor::from_slice(&self.images[start..end]).to_device(self.device());
        self.data.pictures(&index)
    }

    fn batch(&self, start: usize, end: usize) -> Batch<'_> {
        let pictures = self.pictures(start, end);
        let (height, width) = (pictures.size()[2], pictures.size()[3]);
        let back = |frame: &Affine| frame.inverse().unwrap_or(Affine::IDENTITY);
        let back: Vec<Affine> = self.frames[start..end].iter().map(back).collect();
        let places = Places::carried(&back, height, width, self.device());
        let classes: Vec<i64> =
            self.classes[start..end].iter().map(|class| *class as i64).collect();
        let classes = Tensor::from_slice(&classes).to_device(self.device());
        Batch { pictures, places, classes, frames: &self.frames[start..end] }
    }
}

/// A network's probabilities for one batch.
struct Answered<'a> {
    images: &'a EvaluationImages<'a>,
    network: &'a dyn Evaluated,
    laid: &'a Laid<'a>,
    batch: &'a Batch<'a>,
    /// The same noise under every perturbation of a batch, so that it causes no difference between them.
    noise: i64,
    changed: Option<Changed<'a>>,
}

/// The state for predictions from changed parts.
struct Changed<'a> {
    network: &'a Folded,
    known: Known,
    of_parts: OfParts<'a>,
    /// The fully masked images, `[B, C, H, W]`.
    hidden: Tensor,
}

impl<'a> Answered<'a> {
    fn new(
        images: &'a EvaluationImages<'a>,
        network: &'a dyn Evaluated,
        laid: &'a Laid<'a>,
        batch: &'a Batch<'a>,
        number: usize,
    ) -> Answered<'a> {
        let noise = random::torch_seed(images.seed, "sensitivity noise", &[number as u64]);
        let changed = laid.parts.and_then(|(network, of_parts)| {
            let hidden = images.data.all_hidden(&batch.pictures, images.fill, noise)?;
            let (_, known) = network.known(&batch.pictures);
            Some(Changed { network, known, of_parts, hidden })
        });
        Answered { images, network, laid, batch, noise, changed }
    }

    /// Probabilities under the next perturbations, from one on: how many perturbations, and `[perturbations × B, K]`.
    fn next(&self, from: usize) -> (usize, Tensor) {
        let pictures = &self.batch.pictures;
        if let Some(Changed { network, known, of_parts, hidden }) = &self.changed
            && let Some(group) = of_parts(from..self.laid.count, self.batch)
        {
            let Group { perturbations, parts, seen } = group;
            let covered =
                filled(&parts.cut(pictures), &parts.cut(hidden), &(1.0_f64 - seen).unsqueeze(1));
            let logits = network.changed(known, &covered, &parts);
            return (perturbations, logits.softmax(-1, Kind::Float));
        }
        let share = (self.laid.seen)(from, self.batch);
        let hidden = (1.0_f64 - share).unsqueeze(1);
        // Maps hide any place, where no object lies.
        let (fill, seed) = (self.images.fill, self.noise);
        let mask = FilledMask { hidden: &hidden, fill, seed, objects: None };
        let met = self.images.data.met(pictures.shallow_clone(), None, Some(mask));
        (1, self.network.probabilities(&met))
    }
}

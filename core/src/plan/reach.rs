//! Whether an experiment's masks contain pixels of its images.
//!
//! A mask without a pixel has no effect: the result would be "no effect" for a region, and an inflated signal for a
//! control. Where all regions are placed as in the canonical frame this is known before any image is read; otherwise it
//! depends on the images' own frames.

use std::collections::BTreeSet;
use std::fmt;

use crate::experiment::{Experiment, LONGEST_SIDE};
use crate::region::{FaceMap, Phase, Polygon, RegionError, reach};

use super::condition::Condition;

/// Polygons and their name in messages.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    /// `` `glasses` ``, `` control 2 of `eyes + mouth` ``.
    name: String,
    polygons: Vec<Polygon>,
}

/// The masks of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Each region by itself, because a set may contain one without a pixel; and each control.
    single: Vec<Part>,
    /// Each set of regions.
    sets: Vec<Part>,
    /// Each control, and the set that it is compared with.
    controls: Vec<(Part, Vec<Polygon>)>,
}

/// A control that is not as large as its regions on some images, since a border of the image cuts one of the two.
#[derive(Debug, Clone, PartialEq)]
pub struct AreaOff {
    /// `` control 2 of `eyes + mouth` ``
    pub control: String,
    /// Over all images, the control's area less the regions', as a share of their whole area.
    pub mean: f64,
    /// On the image where they differ most.
    pub most: f64,
    /// The share of images on which they differ by more than [`AreaOff::TOLERATED`].
    pub images: f64,
}

impl AreaOff {
    /// Differences up to this share go without saying.
    pub const TOLERATED: f64 = 0.02;
}

/// The images that parts are checked on.
#[derive(Debug, Clone, Copy)]
pub struct Pictures<'a> {
    /// Their name in messages, as in `any 48 × 48 test image`.
    pub name: &'a str,
    /// The map from the canonical face frame into each of them.
    pub frames: &'a [FaceMap],
    /// Height and width, pixels.
    pub size: (usize, usize),
}

/// A region or control without a pixel in any image.
#[derive(Debug, Clone, PartialEq)]
pub struct MasksNothing {
    /// Its name in messages.
    pub part: String,
    /// The images, as in [`Pictures`].
    pictures: String,
    size: (usize, usize),
    /// The next size (height, width) at which it contains a pixel of each image, if there is one.
    needed: Option<(usize, usize)>,
}

/// The result of checking parts on some images.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reach {
    pub nothing: Vec<MasksNothing>,
    /// Parts without a pixel in some images, with the number of these images.
    pub partly: Vec<(String, usize)>,
    /// Sets that contain every pixel of every image.
    pub everything: Vec<String>,
}

impl fmt::Display for MasksNothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MasksNothing { part, pictures, size: (height, width), needed } = self;
        write!(f, "{part} contains no pixel of any {height} × {width} {pictures}")?;
        match needed {
            Some((height, width)) => write!(
                f,
                ", so masking it has no effect: make the region larger, or the images \
                 (`dataset.size = [{height}, {width}]` would do)"
            ),
            None => write!(
                f,
                ", so masking it has no effect, and neither does any size up to {LONGEST_SIDE} pixels: make \
                 the region larger, or move it into the images"
            ),
        }
    }
}

impl Parts {
    /// The masks of the conditions; the mask-only baseline always uses the whole atlas.
    pub(super) fn of(
        experiment: &Experiment,
        conditions: &[Condition],
    ) -> Result<Parts, RegionError> {
        let mut parts = Parts { single: Vec::new(), sets: Vec::new(), controls: Vec::new() };
        for name in experiment.occlusion.sets.iter().flatten().collect::<BTreeSet<_>>() {
            let polygons = experiment.regions.polygons_of(std::slice::from_ref(name))?;
            parts.single.push(Part { name: format!("`{name}`"), polygons });
        }
        let mut known = BTreeSet::new();
        for condition in conditions.iter().filter(|one| one.phase != Some(Phase::Masks)) {
            // Where nothing is visible everything is masked, as it is meant.
            if condition.regions.is_empty() {
                continue;
            }
            let Some(occlusion) = &condition.occlusion else { continue };
            if !known.insert((&condition.regions, condition.control)) {
                continue;
            }
            let set = format!("`{}`", condition.regions.join(" + "));
            let polygons = occlusion.polygons.clone();
            match condition.control {
                Some(draw) => {
                    let name = format!("control {} of {set}", draw + 1);
                    let part = Part { name, polygons };
                    let regions = experiment.regions.polygons_of(&condition.regions)?;
                    parts.controls.push((part.clone(), regions));
                    parts.single.push(part);
                }
                None => parts.sets.push(Part { name: set, polygons }),
            }
        }
        Ok(parts)
    }

    /// The controls whose area differs by more than is tolerated from that of their regions on any image, the largest
    /// mean difference first.
    pub fn areas_off(&self, frames: &[FaceMap]) -> Vec<AreaOff> {
        let images = frames.len().max(1) as f64;
        let off = |(control, regions): &(Part, Vec<Polygon>)| {
            let off = reach::area_off(&control.polygons, regions, frames);
            let differs = off.iter().filter(|off| off.abs() > AreaOff::TOLERATED).count();
            let most = off.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
            (differs > 0).then(|| AreaOff {
                control: control.name.clone(),
                mean: off.iter().sum::<f64>() / images,
                most,
                images: differs as f64 / images,
            })
        };
        let mut off: Vec<AreaOff> = self.controls.iter().filter_map(off).collect();
        off.sort_by(|a, b| b.mean.abs().total_cmp(&a.mean.abs()));
        off
    }

    /// Checks every part on the images.
    pub fn reach(&self, pictures: Pictures<'_>) -> Reach {
        let Pictures { name, frames, size: (height, width) } = pictures;
        let mut reached = Reach::default();
        for part in &self.single {
            match reach::missed(&part.polygons, frames, height, width) {
                0 => {}
                all if all == frames.len() => reached.nothing.push(MasksNothing {
                    part: part.name.clone(),
                    pictures: name.to_owned(),
                    size: pictures.size,
                    needed: reach::size_needed(&part.polygons, frames, pictures.size, LONGEST_SIDE),
                }),
                some => reached.partly.push((part.name.clone(), some)),
            }
        }
        let full = |set: &&Part| reach::masks_everything(&set.polygons, frames, height, width);
        reached.everything = self.sets.iter().filter(full).map(|set| set.name.clone()).collect();
        reached
    }
}

/// Checks a region of an experiment file on images where faces lie as in the canonical frame: the error if it contains
/// no pixel.
pub fn masks_nothing(
    name: &str,
    polygons: &[Polygon],
    size: (usize, usize),
) -> Option<MasksNothing> {
    let single = vec![Part { name: format!("`{name}`"), polygons: polygons.to_vec() }];
    let parts = Parts { single, sets: Vec::new(), controls: Vec::new() };
    parts.reach(canonical(size, true)).nothing.pop()
}

/// An image where the face lies as in the canonical frame; `exact` if all of the experiment's images are such.
pub(super) fn canonical(size: (usize, usize), exact: bool) -> Pictures<'static> {
    let name = match exact {
        true => "image",
        false => "image where the face lies as in the canonical frame",
    };
    Pictures { name, frames: &[FaceMap::IDENTITY], size }
}

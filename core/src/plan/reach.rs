//! Whether what an experiment covers reaches the pixels of its pictures.
//!
//! What covers no pixel changes nothing: trained for or not, it would be answered with "no effect", and a
//! control of no pixel with all the signal there is. Where all regions lie as in the canonical frame that
//! is known before any picture is read; elsewhere the pictures' own frames tell.

use std::collections::BTreeSet;
use std::fmt;

use crate::experiment::{Experiment, LONGEST_SIDE};
use crate::region::{Affine, Phase, Polygon, RegionError, reach};

use super::condition::Condition;

/// Polygons under the name that a message gives them.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    /// `` `glasses` ``, `` control 2 of `eyes + mouth` ``.
    name: String,
    polygons: Vec<Polygon>,
}

/// What an experiment covers.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Each region by itself, since a set may hide one that covers nothing; and each control.
    single: Vec<Part>,
    /// Each set of regions.
    sets: Vec<Part>,
}

/// The pictures that parts are held against.
#[derive(Debug, Clone, Copy)]
pub struct Pictures<'a> {
    /// `any 48 × 48 test picture` is what is said of them.
    pub name: &'a str,
    /// What carries the canonical face frame into each of them.
    pub frames: &'a [Affine],
    /// Height and width, pixels.
    pub size: (usize, usize),
}

/// A region or control that covers no pixel of any picture.
#[derive(Debug, Clone, PartialEq)]
pub struct CoversNothing {
    /// As a message names it.
    pub part: String,
    /// Which pictures, as in [`Pictures`].
    pictures: String,
    size: (usize, usize),
    /// The next size (height, width) at which it covers a pixel of each picture, where there is one.
    needed: Option<(usize, usize)>,
}

/// What parts reach of some pictures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reach {
    pub nothing: Vec<CoversNothing>,
    /// What covers no pixel of some pictures, with their number.
    pub partly: Vec<(String, usize)>,
    /// Sets that cover every pixel of every picture.
    pub everything: Vec<String>,
}

impl fmt::Display for CoversNothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CoversNothing { part, pictures, size: (height, width), needed } = self;
        write!(f, "{part} covers no pixel of any {height} × {width} {pictures}")?;
        match needed {
            Some((height, width)) => write!(
                f,
                " and would change nothing: make the region larger, or the pictures \
                 (`dataset.size = [{height}, {width}]` would do)"
            ),
            None => write!(
                f,
                " and would change nothing, nor do sides of up to {LONGEST_SIDE} pixels show it in each: make \
                 the region larger, or move it into the pictures"
            ),
        }
    }
}

impl Parts {
    /// What the conditions cover; the masks alone are the whole atlas, always.
    pub(super) fn of(
        experiment: &Experiment,
        conditions: &[Condition],
    ) -> Result<Parts, RegionError> {
        let mut parts = Parts { single: Vec::new(), sets: Vec::new() };
        for name in experiment.occlusion.sets.iter().flatten().collect::<BTreeSet<_>>() {
            let polygons = experiment.regions.polygons_of(std::slice::from_ref(name))?;
            parts.single.push(Part { name: format!("`{name}`"), polygons });
        }
        let mut known = BTreeSet::new();
        for condition in conditions.iter().filter(|one| one.phase != Some(Phase::Masks)) {
            // Where nothing is seen everything is covered, as it is meant.
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
                    parts.single.push(Part { name, polygons });
                }
                None => parts.sets.push(Part { name: set, polygons }),
            }
        }
        Ok(parts)
    }

    /// Holds every part against the pictures.
    pub fn reach(&self, pictures: Pictures<'_>) -> Reach {
        let Pictures { name, frames, size: (height, width) } = pictures;
        let mut reached = Reach::default();
        for part in &self.single {
            match reach::missed(&part.polygons, frames, height, width) {
                0 => {}
                all if all == frames.len() => reached.nothing.push(CoversNothing {
                    part: part.name.clone(),
                    pictures: name.to_owned(),
                    size: pictures.size,
                    needed: reach::size_needed(&part.polygons, frames, pictures.size, LONGEST_SIDE),
                }),
                some => reached.partly.push((part.name.clone(), some)),
            }
        }
        let full = |set: &&Part| reach::covers_everything(&set.polygons, frames, height, width);
        reached.everything = self.sets.iter().filter(full).map(|set| set.name.clone()).collect();
        reached
    }
}

/// A region of an experiment file, in pictures where faces lie as in the canonical frame: an error's words
/// where it covers nothing.
pub fn covers_nothing(
    name: &str,
    polygons: &[Polygon],
    size: (usize, usize),
) -> Option<CoversNothing> {
    let single = vec![Part { name: format!("`{name}`"), polygons: polygons.to_vec() }];
    let parts = Parts { single, sets: Vec::new() };
    parts.reach(canonical(size, true)).nothing.pop()
}

/// One picture where the face lies as in the canonical frame; `exact` where all of an experiment's are so.
pub(super) fn canonical(size: (usize, usize), exact: bool) -> Pictures<'static> {
    let name = match exact {
        true => "picture",
        false => "picture where the face lies as in the canonical frame",
    };
    Pictures { name, frames: &[Affine::IDENTITY], size }
}

//! Perturbations of the canonical face frame: a window at each of its places, or random masks.

use std::ops::Range;

use rand::RngExt;
use tch::{Kind, Tensor};

use super::images::{Batch, Places};
use crate::experiment::SensitivityMethod;
use crate::model::{Parts, Span};
use crate::plan::window_starts;
use crate::random;
use crate::region::{Affine, Point};
use crate::train::warp::{BILINEAR, BORDER};

/// About how many changed parts a group has: enough that many lie alike to the pools of a network, few enough for memory.
const PARTS: usize = 1024;

/// All perturbations for one map, one after the other.
#[derive(Debug)]
pub(super) enum Perturbations {
    /// Squares, by their upper left corners.
    Windows { corners: Vec<(f64, f64)>, side: f64 },
    /// Drawn on demand: a mask is determined by its number.
    Masks { count: usize, cells: usize, keep: f64, seed: u64 },
}

/// Some perturbations that change only a part of each image.
#[derive(Debug)]
pub(super) struct Group {
    /// How many.
    pub perturbations: usize,
    /// The masked parts, by perturbation, then image by image.
    pub parts: Parts,
    /// The visible share of each place, `[P, h, w]`, 0 to 1.
    pub seen: Tensor,
}

impl Perturbations {
    pub fn new(method: SensitivityMethod, seed: u64) -> Perturbations {
        match method {
            SensitivityMethod::Window { side, stride } => {
                let starts = window_starts(side, stride);
                let row = |y: f64| starts.iter().map(move |&x| (x, y));
                let corners = starts.iter().flat_map(|&y| row(y)).collect();
                Perturbations::Windows { corners, side }
            }
            SensitivityMethod::Rise { masks, cells, keep } => {
                Perturbations::Masks { count: masks as usize, cells: cells as usize, keep, seed }
            }
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Perturbations::Windows { corners, .. } => corners.len(),
            Perturbations::Masks { count, .. } => *count,
        }
    }

    /// The share of the face that each changes, from 0 to 1.
    pub fn share(&self) -> f64 {
        match self {
            Perturbations::Windows { side, .. } => side * side,
            Perturbations::Masks { .. } => 1.0,
        }
    }

    /// The first of some perturbations of a batch as parts, at least one. `None` if a perturbation may change any
    /// pixel.
    pub fn parts(&self, some: Range<usize>, batch: &Batch<'_>) -> Option<Group> {
        let Perturbations::Windows { corners, side } = self else { return None };
        let windows = corners.get(some.start..some.end.min(corners.len()))?;
        if windows.is_empty() {
            return None;
        }
        let pictures = batch.frames.len();
        let groups = (windows.len() * pictures).div_ceil(PARTS);
        let windows = &windows[..windows.len().div_ceil(groups)];
        let (rows, columns) = spans(windows, *side, batch.frames, batch.size());
        let of = windows.iter().flat_map(|_| 0..pictures as i64).collect();
        let parts = Parts::new(of, rows, columns);
        let seen = beside(windows, *side, &batch.places.cut(&parts));
        Some(Group { perturbations: windows.len(), parts, seen })
    }

    /// The visible share of each place under one of the perturbations, 0 to 1, `[B, H, W]`.
    pub fn seen(&self, index: usize, places: &Places) -> Tensor {
        match self {
            Perturbations::Windows { corners, side } => {
                beside(&corners[index..=index], *side, places)
            }
            &Perturbations::Masks { cells, keep, seed, .. } => {
                let mut generator = random::generator(seed, "sensitivity mask", &[index as u64]);
                let mut cell = || if generator.random::<f64>() < keep { 1.0 } else { 0.0 };
                let grid: Vec<f32> = (0..cells * cells).map(|_| cell()).collect();
                let shift = (generator.random(), generator.random());
                enlarged(&grid, cells, shift, places)
            }
        }
    }
}

/// Rows and columns of windows of a side, by their upper left corners, in images of a height and width, window by
/// window and image by image.
fn spans(
    windows: &[(f64, f64)],
    side: f64,
    frames: &[Affine],
    (height, width): (usize, usize),
) -> (Span, Span) {
    let corners = |(left, top): &(f64, f64)| {
        let (right, bottom) = (left + side, top + side);
        [(*left, *top), (right, *top), (*left, bottom), (right, bottom)]
    };
    let corners: Vec<[Point; 4]> = windows
        .iter()
        .map(corners)
        .flat_map(|corners| {
            frames.iter().map(move |frame| corners.map(|(x, y)| frame.apply(Point { x, y })))
        })
        .collect();
    let along = |of: fn(&Point) -> f64, pixels: usize| {
        let reach = |corners: &[Point; 4]| {
            let at = corners.iter().map(of);
            at.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| {
                (low.min(at), high.max(at))
            })
        };
        Span::over(corners.iter().map(reach), pixels)
    };
    (along(|point| point.y, height), along(|point| point.x, width))
}

/// The visible share of each place outside of windows of a side, by their upper left corners, 0 or 1: of the first
/// places beside the first window, of as many beside the next.
fn beside(windows: &[(f64, f64)], side: f64, places: &Places) -> Tensor {
    let each = places.pictures() / windows.len() as i64;
    let within = |at: Tensor, from: fn(&(f64, f64)) -> f64| {
        let ends = |length: f64| {
            let ends: Vec<f32> =
                windows.iter().map(|window| (from(window) + length) as f32).collect();
            let ends = Tensor::from_slice(&ends).repeat_interleave_self_int(each, None, None);
            ends.view([-1, 1, 1]).to_device(at.device())
        };
        at.ge_tensor(&ends(0.0)).logical_and(&at.lt_tensor(&ends(side)))
    };
    let covered = within(places.x(), |(x, _)| *x).logical_and(&within(places.y(), |(_, y)| *y));
    1.0 - covered.to_kind(Kind::Float)
}

/// A grid of `cells` × `cells` values from 0 to 1 (row-major) over the face, `[B, H, W]`: enlarged to one
/// cell more than it has along each side, between its values by bilinear interpolation, and shifted by
/// shares of a cell, each from 0 to 1 (Petsiuk et al. 2018, section 3.2). Places outside of the frame are
/// as its edge.
pub(super) fn enlarged(
    grid: &[f32],
    cells: usize,
    (right, down): (f64, f64),
    places: &Places,
) -> Tensor {
    let side = cells as f64;
    // From −1 to 1 over the enlarged grid.
    let along =
        |at: &Tensor, shift: f64| (at.clamp(0.0, 1.0) * side + shift) * (2.0 / (side + 1.0)) - 1.0;
    let at = Tensor::stack(&[along(&places.x(), right), along(&places.y(), down)], -1);
    let size = [at.size()[0], 1, cells as i64, cells as i64];
    let grid = Tensor::from_slice(grid)
        .view([1, 1, cells as i64, cells as i64])
        .to_device(at.device())
        .expand(size, false);
    // Rounding may lead out of the range.
    grid.grid_sampler(&at, BILINEAR, BORDER, false).squeeze_dim(1).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::values;
    use super::*;

    #[test]
    fn a_window_masks_its_square_alone() {
        let perturbations =
            Perturbations::new(SensitivityMethod::Window { side: 0.5, stride: 0.5 }, 1);
        assert_eq!(perturbations.len(), 4);
        let seen = values(&perturbations.seen(1, &Places::of_cells(4)));
        #[rustfmt::skip]
        let expected = [
            1.0, 1.0, 0.0, 0.0,
            1.0, 1.0, 0.0, 0.0,
            1.0, 1.0, 1.0, 1.0,
            1.0, 1.0, 1.0, 1.0,
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn masks_keep_their_share_and_are_determined_by_their_number() {
        let masks = |seed| {
            Perturbations::new(SensitivityMethod::Rise { masks: 400, cells: 5, keep: 0.3 }, seed)
        };
        let cells = Places::of_cells(16);
        let seen = |seed, index| values(&masks(seed).seen(index, &cells));
        assert_eq!(seen(1, 7), seen(1, 7));
        assert_ne!(seen(1, 7), seen(1, 8));
        assert_ne!(seen(1, 7), seen(2, 7));
        let all: Vec<f64> = (0..400).flat_map(|index| seen(1, index)).collect();
        assert!(all.iter().all(|seen| (0.0..=1.0).contains(seen)));
        let share = all.iter().sum::<f64>() / all.len() as f64;
        assert!((share - 0.3).abs() < 0.02, "{share}");
    }

    #[test]
    fn a_grid_keeps_its_order_from_left_to_right_and_down() {
        let places = Places::of_cells(8);
        let of = |grid: &[f32]| values(&enlarged(grid, 2, (0.5, 0.5), &places));
        let across = of(&[0.0, 1.0, 0.0, 1.0]);
        assert!(across[..8].windows(2).all(|pair| pair[0] <= pair[1]), "{across:?}");
        assert!(across[0] < 0.2 && across[7] > 0.8, "{across:?}");
        let down = of(&[0.0, 0.0, 1.0, 1.0]);
        assert!(down[0] < 0.2 && down[56] > 0.8, "{down:?}");
    }
}

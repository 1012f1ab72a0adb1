//! Occluders as objects: what a surgical mask, sunglasses and the others look like.
//!
//! In: polygons of occluders, at their place or moved, turned or mirrored as those of a control are. Out: the colour at any
//! point of the canonical face frame. It follows from the polygons alone: no image and no random draw decides it, so equal
//! polygons are an equal picture. The objects are formulas ([`worn`], [`held`]); no picture was copied.

mod colour;
mod held;
mod worn;

use rayon::prelude::*;

use super::atlas::{OCCLUDERS, in_hundredths};
use super::geometry::{bounds, distance_to};
use super::{Affine, Point, Polygon};
use colour::{Colour, grey};

/// What has an appearance, each over those before it where they overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Occluder {
    SurgicalMask,
    Sunglasses,
    VrHeadset,
    Scarf,
    Beanie,
    Phone,
}

/// In the order of [`OCCLUDERS`].
const ALL: [Occluder; OCCLUDERS.len()] = [
    Occluder::SurgicalMask,
    Occluder::Sunglasses,
    Occluder::VrHeadset,
    Occluder::Scarf,
    Occluder::Beanie,
    Occluder::Phone,
];

/// Corners nearer than this are the same, in fractions of the face frame: far above the rounding of a turn and a shift.
const SAME: f64 = 1e-9;

/// Colours are the mean of so many points across and down a pixel or a texel.
const PER_PIXEL: usize = 4;
const PER_TEXEL: usize = 2;

/// A texture extends so many texels beyond the polygons, so that interpolation near their outlines finds the object.
const BEYOND: i64 = 2;

/// A polygon for which no object is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "polygon {polygon} is none of an occluder's, moved or not, so there is no object to draw on it: name only {}, or \
     take another fill",
    names()
)]
pub struct NoObject {
    /// The polygon's place in the list, from 1.
    pub polygon: usize,
}

/// Occluders as objects, at their places in the canonical face frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Objects {
    /// The lowest first.
    pieces: Vec<Piece>,
}

/// A polygon of an occluder at a place.
#[derive(Debug, Clone, PartialEq)]
struct Piece {
    polygon: Polygon,
    occluder: Occluder,
    /// Which of the occluder's polygons it is.
    part: usize,
    /// Carries this place into the occluder's own.
    back: Affine,
}

/// A point of an occluder at its own place, in hundredths of the face frame.
#[derive(Debug, Clone, Copy)]
struct Spot {
    x: f64,
    y: f64,
    /// From the nearest point of the outline; 0 outside of it.
    edge: f64,
}

/// The part of the canonical face frame that contains some objects, as a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Texture {
    /// The corners, in fractions of the face frame.
    pub low: Point,
    pub high: Point,
    pub height: usize,
    pub width: usize,
    /// `[height, width, channels]`, 0 to 255; 0 far from all polygons too.
    pub values: Vec<f32>,
}

/// The occluders' names, listed: `surgical_mask, sunglasses, …`.
pub fn names() -> String {
    OCCLUDERS.map(|(name, _)| name).join(", ")
}

impl Objects {
    /// The objects on polygons of the canonical face frame. Their order decides nothing.
    ///
    /// # Errors
    /// The first polygon that is none of an occluder's, shifted, turned or mirrored.
    pub fn on(polygons: &[Polygon]) -> Result<Objects, NoObject> {
        let piece = |(index, polygon): (usize, &Polygon)| {
            Piece::on(polygon).ok_or(NoObject { polygon: index + 1 })
        };
        let mut pieces =
            polygons.iter().enumerate().map(piece).collect::<Result<Vec<Piece>, _>>()?;
        let place = |piece: &Piece| {
            let Point { x, y } = piece.polygon.points()[0];
            (x, y)
        };
        pieces.sort_by(|one, other| {
            let of_kind = (one.occluder, one.part).cmp(&(other.occluder, other.part));
            let (here, there) = (place(one), place(other));
            of_kind.then(here.0.total_cmp(&there.0)).then(here.1.total_cmp(&there.1))
        });
        Ok(Objects { pieces })
    }

    /// How high they lie: of objects that overlap others, those of the larger number are on top.
    pub fn height(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.occluder as usize)
    }

    /// Red, green and blue at a point of the canonical face frame, 0 to 1: of the topmost polygon that contains it, of the
    /// nearest one where none does; `None` without objects.
    fn at(&self, point: Point) -> Option<Colour> {
        let within = self.pieces.iter().rev().find(|piece| piece.polygon.contains(point));
        let nearest = || {
            let distance = |piece: &&Piece| piece.edge(point);
            self.pieces.iter().min_by(|one, other| distance(one).total_cmp(&distance(other)))
        };
        Some(within.or_else(nearest)?.at(point))
    }

    /// Paints the masked pixels (1) of an image, `[height, width, 3]`, u8, into which `frame` carries the canonical face
    /// frame, in fractions of width and height; a frame without an inverse paints nothing.
    ///
    /// # Panics
    /// Where mask or image have another size.
    pub fn paint(&self, frame: &Affine, mask: &[u8], width: usize, pixels: &mut [u8]) {
        assert_eq!(pixels.len(), 3 * mask.len(), "three values a pixel");
        let (Some(back), height) = (frame.inverse(), mask.len().checked_div(width).unwrap_or(0))
        else {
            return;
        };
        let place = |row: f64, column: f64| {
            back.apply(Point { x: column / width as f64, y: row / height as f64 })
        };
        let rows =
            pixels.par_chunks_exact_mut(3 * width.max(1)).zip(mask.par_chunks_exact(width.max(1)));
        rows.enumerate().for_each(|(row, (pixels, mask))| {
            for (column, (pixel, _)) in pixels
                .chunks_exact_mut(3)
                .zip(mask)
                .enumerate()
                .filter(|(_, (_, masked))| **masked == 1)
            {
                let of = |down, across| self.at(place(row as f64 + down, column as f64 + across));
                let Some(colour) = mean(PER_PIXEL, of) else { return };
                pixel.copy_from_slice(&colour.map(|value| (255.0 * value).round() as u8));
            }
        });
    }

    /// The objects as a picture of so many texels to a side of the face frame and of 1 (grey, by the luma of Rec. 601)
    /// or 3 (RGB) channels. Texels are aligned with the frame: one ends where x is 0.
    pub fn texture(&self, density: usize, channels: usize) -> Texture {
        let density = density.max(1) as f64;
        let texels = |low: f64, high: f64| {
            let first = (low * density).floor() as i64 - BEYOND;
            (first, (high * density).ceil() as i64 + BEYOND - first)
        };
        let polygons: Vec<Polygon> =
            self.pieces.iter().map(|piece| piece.polygon.clone()).collect();
        let (low, high) =
            bounds(&polygons).unwrap_or((Point { x: 0.0, y: 0.0 }, Point { x: 1.0, y: 1.0 }));
        let ((left, width), (top, height)) = (texels(low.x, high.x), texels(low.y, high.y));
        let mut values = vec![0.0f32; (width * height) as usize * channels];
        let rows = values.par_chunks_exact_mut(width as usize * channels).enumerate();
        rows.for_each(|(row, values)| {
            for (column, texel) in values.chunks_exact_mut(channels).enumerate() {
                let of = |down: f64, across: f64| {
                    let x = (left as f64 + column as f64 + across) / density;
                    self.at(Point { x, y: (top as f64 + row as f64 + down) / density })
                };
                let Some(colour) = mean(PER_TEXEL, of) else { return };
                match texel {
                    [value] => *value = (255.0 * grey(colour)) as f32,
                    texel => texel
                        .iter_mut()
                        .zip(colour)
                        .for_each(|(value, part)| *value = (255.0 * part) as f32),
                }
            }
        });
        let corner = |x: i64, y: i64| Point { x: x as f64 / density, y: y as f64 / density };
        Texture {
            low: corner(left, top),
            high: corner(left + width, top + height),
            height: height as usize,
            width: width as usize,
            values,
        }
    }
}

/// The mean over a grid of so many places across and down a unit square.
fn mean(grid: usize, of: impl Fn(f64, f64) -> Option<Colour>) -> Option<Colour> {
    let at = |index: usize| (index as f64 + 0.5) / grid as f64;
    let mut sum = [0.0; 3];
    for place in 0..grid * grid {
        let colour = of(at(place / grid), at(place % grid))?;
        sum.iter_mut().zip(colour).for_each(|(sum, value)| *sum += value);
    }
    Some(sum.map(|sum| sum / (grid * grid) as f64))
}

impl Piece {
    /// The polygon of an occluder that this one is; `None` if it is none of them, shifted, turned or mirrored.
    fn on(polygon: &Polygon) -> Option<Piece> {
        for (occluder, (_, outlines)) in ALL.into_iter().zip(OCCLUDERS) {
            for (part, outline) in outlines.iter().enumerate() {
                if let Some(back) = congruence(polygon, &in_hundredths(outline)) {
                    return Some(Piece { polygon: polygon.clone(), occluder, part, back });
                }
            }
        }
        None
    }

    fn edge(&self, point: Point) -> f64 {
        self.polygon.sides().map(|side| distance_to(point, side)).fold(f64::INFINITY, f64::min)
    }

    fn at(&self, point: Point) -> Colour {
        let Point { x, y } = self.back.apply(point);
        let edge = if self.polygon.contains(point) { self.edge(point) } else { 0.0 };
        let spot = Spot { x: 100.0 * x, y: 100.0 * y, edge: 100.0 * edge };
        let colour = match self.occluder {
            Occluder::SurgicalMask => worn::surgical_mask(spot),
            Occluder::Sunglasses => held::sunglasses(spot, self.part),
            Occluder::VrHeadset => held::vr_headset(spot),
            Occluder::Scarf => worn::scarf(spot),
            Occluder::Beanie => worn::beanie(spot),
            Occluder::Phone => held::phone(spot),
        };
        colour.map(|value| value.clamp(0.0, 1.0))
    }
}

/// The map without any change of size that carries one polygon onto another, corner by corner in their order; `None` if
/// there is none.
fn congruence(from: &Polygon, to: &Polygon) -> Option<Affine> {
    if from.points().len() != to.points().len() {
        return None;
    }
    let mirror = Affine { a: -1.0, c: 1.0, ..Affine::IDENTITY };
    [Affine::IDENTITY, mirror].into_iter().find_map(|first| {
        let pairs: Vec<(Point, Point)> = from
            .points()
            .iter()
            .zip(to.points())
            .map(|(one, other)| (first.apply(*one), *other))
            .collect();
        let map = Affine::similarity(&pairs)?;
        let keeps_size = (map.a.hypot(map.d) - 1.0).abs() < SAME;
        let meet = pairs.iter().all(|(one, other)| map.apply(*one).distance(*other) < SAME);
        (keeps_size && meet).then(|| first.then(&map))
    })
}

#[cfg(test)]
mod tests;

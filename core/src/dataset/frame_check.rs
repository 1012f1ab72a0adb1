//! Whether the regions lie on the faces: on a sample of the images, the points that the landmarker finds against those
//! that place the regions.
//!
//! Where landmarks are given, or nothing is known of them, this shows a table of another data set, a cut with more around
//! the face, or left out alignment, before anything is trained. It is made where the landmarker's model is at hand.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::decode::Shape;
use crate::landmarker::{self, LEAST_PRESENCE, Landmarker, RgbView};
use crate::region::{Affine, Landmark, Landmarks};

/// So many images are looked at.
pub const SAMPLE: usize = 24;

/// Fewer faces say nothing.
const LEAST_FACES: usize = 8;

/// What was found on a sample of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameCheck {
    /// Images looked at.
    pub images: usize,
    /// Those in which a face is found.
    pub faces: usize,
    /// How far the regions are from where they lie on that face, in the median: the mean distance of the five landmarks'
    /// canonical places, in thousandths of the distance between the eyes.
    pub off: usize,
}

impl FrameCheck {
    /// Regions that are further off, in thousandths of the distance between the eyes, miss their parts: an eye is a third
    /// of it wide, and the points of a moving face differ by a tenth.
    pub const TOLERATED: usize = 200;
}

/// An image as the network receives it, `[H, W, C]`, and the points that place its regions.
pub type Sampled = (Vec<u8>, Option<Landmarks>);

/// Compares what is found in each image with what places its regions; `None` where the model is not there, or too few
/// faces are found.
pub fn check(images: &[Sampled], shape: Shape) -> Option<FrameCheck> {
    let landmarker = Landmarker::open(&landmarker::place()).ok()?;
    let off = |(pixels, points): &Sampled| {
        let rgb: Vec<u8> = match shape.channels {
            3 => pixels.clone(),
            _ => pixels.iter().flat_map(|value| [*value; 3]).collect(),
        };
        let face = landmarker.find(RgbView::new(shape.width, shape.height, &rgb)?);
        let found = face.five().frame().filter(|_| face.presence >= LEAST_PRESENCE)?;
        let placed = points.and_then(|points| points.frame()).unwrap_or(Affine::IDENTITY);
        Some(distance(&placed, &found, shape))
    };
    let off: Vec<f64> = images.par_iter().filter_map(off).collect();
    median(off).map(|(faces, off)| FrameCheck {
        images: images.len(),
        faces,
        off: (1000.0 * off).round() as usize,
    })
}

/// The number of values and the upper median; `None` of too few.
fn median(mut values: Vec<f64>) -> Option<(usize, f64)> {
    values.sort_by(f64::total_cmp);
    let count = values.len();
    (count >= LEAST_FACES).then(|| (count, values[count / 2]))
}

/// The mean distance of the landmarks' canonical places, carried by one map and by another, in units of the distance
/// between the eyes as the other has them.
fn distance(placed: &Affine, found: &Affine, shape: Shape) -> f64 {
    let (width, height) = (shape.width as f64, shape.height as f64);
    let pixels = Affine { a: width, e: height, ..Affine::IDENTITY };
    let (placed, found) = (placed.then(&pixels), found.then(&pixels));
    let between = |landmark: Landmark| {
        let place = landmark.canonical();
        placed.apply(place).distance(found.apply(place))
    };
    let eyes = [Landmark::EyeLeft, Landmark::EyeRight].map(|eye| found.apply(eye.canonical()));
    let sum: f64 = Landmark::ALL.into_iter().map(between).sum();
    sum / Landmark::ALL.len() as f64 / eyes[0].distance(eyes[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { height: 50, width: 100, channels: 1 };

    #[test]
    fn a_distance_counts_pixels_by_the_eyes() {
        assert_eq!(distance(&Affine::IDENTITY, &Affine::IDENTITY, SHAPE), 0.0);
        // The eyes are 0.36 of the width apart, 36 pixels; 18 pixels to the right and as many down.
        for shift in
            [Affine { c: 0.18, ..Affine::IDENTITY }, Affine { f: 0.36, ..Affine::IDENTITY }]
        {
            assert!((distance(&shift, &Affine::IDENTITY, SHAPE) - 0.5).abs() < 1e-12);
        }
        // By the face that is found: in one of half the size the same pixels are twice as much.
        let half = Affine { a: 0.5, c: 0.25, e: 0.5, f: 0.25, ..Affine::IDENTITY };
        let there = Affine { c: 0.25 + 0.18, ..half };
        assert!((distance(&there, &half, SHAPE) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn few_faces_say_nothing() {
        assert_eq!(median(vec![1.0; LEAST_FACES - 1]), None);
        let values: Vec<f64> = (0..9).rev().map(f64::from).collect();
        assert_eq!(median(values), Some((9, 4.0)));
    }
}

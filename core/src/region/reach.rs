//! Whether polygons contain any pixel of an image.
//!
//! A region may be finer than the pixels: too small, or a sliver between their centres. Masking it changes no pixel, and
//! an experiment on it would find "no effect" without having tested anything. `frames` map the canonical face frame into
//! each image, as in [`Occlusion::masks`](super::Occlusion::masks).

use rayon::prelude::*;

use super::mask::{masks_a_pixel, masks_every_pixel};
use super::{Carry, Outlines, Point, Polygon};

/// The number of images in which the polygons contain no pixel.
pub fn missed(polygons: &[Polygon], frames: &[impl Carry], height: usize, width: usize) -> usize {
    let outlines = Outlines::of(polygons);
    let frames = frames.par_iter().with_min_len(1000);
    frames.filter(|frame| !masks_a_pixel(&outlines, *frame, height, width)).count()
}

/// Whether the polygons contain every pixel of every image; `false` without images.
pub fn masks_everything(
    polygons: &[Polygon],
    frames: &[impl Carry],
    height: usize,
    width: usize,
) -> bool {
    let outlines = Outlines::of(polygons);
    !frames.is_empty()
        && frames.iter().all(|frame| masks_every_pixel(&outlines, frame, height, width))
}

/// The smallest size (height, width) in the proportions of this one, and larger, at which the polygons
/// contain a pixel of every image; `None` if there is none with sides of up to `largest` pixels. Slivers may miss all
/// centres again at an even larger size.
pub fn size_needed(
    polygons: &[Polygon],
    frames: &[impl Carry],
    (height, width): (usize, usize),
    largest: usize,
) -> Option<(usize, usize)> {
    let outlines = Outlines::of(polygons);
    let (shorter, longer) = (height.min(width), height.max(width));
    let scaled = |side: usize, short: usize| (side * short + shorter / 2) / shorter;
    (shorter + 1..=largest)
        .map(|short| (scaled(height, short), scaled(width, short), scaled(longer, short)))
        .take_while(|(.., long)| *long <= largest)
        .find(|&(height, width, _)| {
            frames.par_iter().all(|frame| masks_a_pixel(&outlines, frame, height, width))
        })
        .map(|(height, width, _)| (height, width))
}

/// How much the area of one set of polygons differs from that of another in each of some images, as a share of the whole
/// of the latter: what the images' borders cut off counts for neither. It is a share of the whole, since of a region that
/// a border leaves a sliver of, everything is many times as large.
pub fn area_off(polygons: &[Polygon], from: &[Polygon], frames: &[impl Carry]) -> Vec<f64> {
    let picture = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point { x, y });
    let picture = Polygon::new(picture.to_vec()).expect("a picture is a square");
    let whole = |polygons: &[Polygon]| polygons.iter().map(Polygon::area).sum::<f64>();
    // A map that does not bend scales all areas alike.
    let ratio = whole(polygons) / whole(from);
    let (outlines, from) = (Outlines::of(polygons), Outlines::of(from));
    let frames = frames.par_iter().with_min_len(100);
    let off = frames.map(|frame| {
        let within =
            |point: &Point| (0.0..=1.0).contains(&point.x) && (0.0..=1.0).contains(&point.y);
        let (carried, from) = (carried(&outlines, frame), carried(&from, frame));
        let mut all = carried.iter().chain(&from).flatten();
        if !frame.bends() && all.all(within) {
            return ratio - 1.0;
        }
        let visible = |corners: &[Vec<Point>]| {
            corners.iter().map(|corners| visible(corners, &picture)).sum::<f64>()
        };
        let full: f64 = from.iter().map(|corners| area(corners)).sum();
        let off = (visible(&carried) - visible(&from)) / full;
        if off.is_finite() { off } else { 0.0 }
    });
    off.collect()
}

/// The corners of each polygon in an image.
fn carried(outlines: &Outlines<'_>, frame: &impl Carry) -> Vec<Vec<Point>> {
    let corners = |polygon| {
        let mut corners = Vec::new();
        frame.carry(outlines, polygon, &mut corners);
        corners
    };
    (0..outlines.count()).map(corners).collect()
}

/// The area of a polygon within the picture.
fn visible(corners: &[Point], picture: &Polygon) -> f64 {
    match Polygon::new(corners.to_vec()) {
        Ok(polygon) => polygon.overlap_area(picture),
        // Bent so finely that sides touch.
        Err(_) => area(corners),
    }
}

/// By the shoelace formula.
fn area(corners: &[Point]) -> f64 {
    let next = corners.iter().cycle().skip(1);
    let twice: f64 = corners.iter().zip(next).map(|(a, b)| a.x * b.y - b.x * a.y).sum();
    0.5 * twice.abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Affine;
    use crate::region::geometry::tests::polygon;

    fn rectangle(x: (f64, f64), y: (f64, f64)) -> Vec<Polygon> {
        vec![polygon(&[(x.0, y.0), (x.1, y.0), (x.1, y.1), (x.0, y.1)])]
    }

    fn shifted(c: f64) -> Affine {
        Affine { c, ..Affine::IDENTITY }
    }

    #[test]
    fn a_sliver_between_the_centres_of_pixels_contains_none() {
        // Of 10 columns the centres lie at 0.05, 0.15 …
        let sliver = rectangle((0.06, 0.14), (0.0, 1.0));
        let frames = [Affine::IDENTITY, shifted(0.05), shifted(-0.3), shifted(5.0)];
        assert_eq!(missed(&sliver, &frames[..1], 10, 10), 1);
        assert_eq!(missed(&sliver, &frames, 10, 10), 3);
        assert_eq!(missed(&sliver, &[] as &[Affine], 10, 10), 0);
        assert_eq!(missed(&rectangle((0.06, 0.16), (0.0, 1.0)), &frames[..1], 10, 10), 0);
    }

    #[test]
    fn the_size_at_which_it_contains_one() {
        let sliver = rectangle((0.06, 0.14), (0.0, 1.0));
        let at = |frames: &[Affine], size| size_needed(&sliver, frames, size, 1024);
        // Of 11 columns the second centre lies at 0.136.
        assert_eq!(at(&[Affine::IDENTITY], (10, 10)), Some((11, 11)));
        assert_eq!(at(&[Affine::IDENTITY], (20, 10)), Some((22, 11)));
        assert_eq!(at(&[Affine::IDENTITY], (10, 20)), Some((11, 22)));
        // 0.01 to 0.09 as well: of 12 columns the first centre lies at 0.042.
        assert_eq!(at(&[Affine::IDENTITY, shifted(-0.05)], (10, 10)), Some((11, 11)));
        // Outside of the image it never does.
        assert_eq!(at(&[shifted(5.0)], (10, 10)), None);
        assert_eq!(size_needed(&sliver, &[Affine::IDENTITY], (10, 10), 10), None);
    }

    #[test]
    fn what_the_border_cuts_off_makes_a_control_smaller() {
        let region = rectangle((0.4, 0.6), (0.4, 0.6));
        let control = rectangle((0.7, 0.9), (0.1, 0.3));
        let frames = [Affine::IDENTITY, shifted(0.15), shifted(0.5), shifted(-0.5)];
        let off = area_off(&control, &region, &frames);
        // Within; a quarter of it is cut off; all of it, and half of the region; half of the region alone.
        let expected = [0.0, -0.25, -0.5, 0.5];
        assert!(off.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{off:?}");
    }

    #[test]
    fn masks_everything_means_every_pixel_of_every_image() {
        let most = rectangle((0.04, 1.0), (0.0, 1.0));
        assert!(masks_everything(&most, &[Affine::IDENTITY], 10, 10));
        assert!(!masks_everything(&most, &[Affine::IDENTITY], 10, 20));
        assert!(!masks_everything(&most, &[Affine::IDENTITY, shifted(0.1)], 10, 10));
        assert!(!masks_everything(&most, &[] as &[Affine], 10, 10));
    }
}

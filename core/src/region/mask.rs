//! Rasterisation of polygons into masks.

use std::ops::{ControlFlow, Range};

use super::geometry::crossing_at;
use super::{Carry, Outlines, Point};

/// Rasterises a mask: `out` (`[height, width]`, row-major) becomes 1 where the centre of a pixel lies in any
/// of the polygons, carried by `frame` into fractions of the image's width and height, and 0
/// elsewhere. Nothing is smoothed: a pixel is masked or visible.
///
/// A centre on an outline belongs to the polygon below it or to the right of it, so of two polygons
/// that share a side exactly one has it: no pixel twice, no gap.
///
/// # Panics
///
/// Where `out` does not hold `height × width` values.
pub fn rasterise(
    outlines: &Outlines<'_>,
    frame: &impl Carry,
    height: usize,
    width: usize,
    out: &mut [u8],
) {
    assert_eq!(out.len(), height * width, "a mask holds one value per pixel");
    out.fill(0);
    let _ = stretches(outlines, frame, (height, width), 0..height, |row, from, to| {
        out[row * width + from..row * width + to].fill(1);
        ControlFlow::Continue(())
    });
}

/// The stretches of a row-major mask whose pixels are masked, or where `masked` is no, visible, in order; one may go on into
/// the next row. `mask` holds 0 and 1.
pub fn runs(mask: &[u8], masked: bool) -> impl Iterator<Item = Range<usize>> {
    let (own, other) = (u8::from(masked), u8::from(!masked));
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + memchr::memchr(own, &mask[at..])?;
        at = memchr::memchr(other, &mask[start..]).map_or(mask.len(), |length| start + length);
        Some(start..at)
    })
}

/// Whether the mask of [`rasterise`] has any pixel; stops at the first one.
pub fn masks_a_pixel(
    outlines: &Outlines<'_>,
    frame: &impl Carry,
    height: usize,
    width: usize,
) -> bool {
    let found = stretches(outlines, frame, (height, width), 0..height, |_, from, to| {
        if from < to { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    found.is_break()
}

/// Whether the mask of [`rasterise`] has every pixel; stops at the first row with a visible one.
pub fn masks_every_pixel(
    outlines: &Outlines<'_>,
    frame: &impl Carry,
    height: usize,
    width: usize,
) -> bool {
    let mut line = vec![0; width];
    (0..height).all(|row| {
        line.fill(0);
        let _ = stretches(outlines, frame, (height, width), row..row + 1, |_, from, to| {
            line[from..to].fill(1);
            ControlFlow::Continue(())
        });
        line.iter().all(|masked| *masked == 1)
    })
}

/// Passes every stretch of masked pixels in these rows to `each` as (row, first column, column past the last),
/// polygon by polygon; a stretch may be empty. `Break` stops.
fn stretches(
    outlines: &Outlines<'_>,
    frame: &impl Carry,
    (height, width): (usize, usize),
    rows: Range<usize>,
    mut each: impl FnMut(usize, usize, usize) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut corners: Vec<Point> = Vec::new();
    let mut columns: Vec<usize> = Vec::new();
    let pixel = |centre: f64, end: usize| ((centre - 0.5).ceil().max(0.0) as usize).min(end);
    for polygon in 0..outlines.count() {
        frame.carry(outlines, polygon, &mut corners);
        for corner in &mut corners {
            *corner = Point { x: corner.x * width as f64, y: corner.y * height as f64 };
        }
        let top = corners.iter().map(|corner| corner.y).fold(f64::INFINITY, f64::min);
        let bottom = corners.iter().map(|corner| corner.y).fold(f64::NEG_INFINITY, f64::max);
        for row in pixel(top, height).max(rows.start)..pixel(bottom, height).min(rows.end) {
            let centre = row as f64 + 0.5;
            let next = corners.iter().cycle().skip(1);
            let sides = corners.iter().copied().zip(next.copied());
            columns.clear();
            columns.extend(sides.filter_map(|side| Some(pixel(crossing_at(side, centre)?, width))));
            columns.sort_unstable();
            for span in columns.chunks_exact(2) {
                each(row, span[0], span[1])?;
            }
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::region::{Affine, Polygon, Regions};

    fn polygon(corners: &[(f64, f64)]) -> Polygon {
        Polygon::new(corners.iter().map(|&(x, y)| Point { x, y }).collect()).unwrap()
    }

    fn mask(polygons: &[Polygon], frame: &Affine, height: usize, width: usize) -> Vec<u8> {
        // Not 0, so that an unwritten pixel is detected.
        let mut out = vec![7; height * width];
        rasterise(&Outlines::of(polygons), frame, height, width, &mut out);
        out
    }

    /// Frames as landmarks give them, from well inside the picture to partly outside of it.
    fn frame() -> impl Strategy<Value = Affine> {
        (0.3..1.6, -0.6..0.6, -0.4..0.4, -0.4..0.4).prop_map(
            |(scale, angle, c, f): (f64, f64, f64, f64)| {
                let (cosine, sine) = (scale * angle.cos(), scale * angle.sin());
                Affine { a: cosine, b: -sine, c, d: sine, e: cosine, f }
            },
        )
    }

    proptest! {
        #[test]
        fn runs_are_the_pixels_of_one_value(mask in prop::collection::vec(0..2u8, 0..40)) {
            for masked in [true, false] {
                let found: Vec<Range<usize>> = runs(&mask, masked).collect();
                prop_assert!(found.windows(2).all(|two| two[0].end < two[1].start));
                let within = |at: &usize| found.iter().any(|run| run.contains(at));
                let right = |at: usize| within(&at) == ((mask[at] == 1) == masked);
                prop_assert!((0..mask.len()).all(right), "{:?} in {:?}", found, mask);
            }
        }
    }

    #[test]
    fn a_square_of_pixels_is_exactly_its_pixels() {
        let square = polygon(&[(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]);
        #[rustfmt::skip]
        let expected = [
            0, 0, 0, 0,
            0, 1, 1, 0,
            0, 1, 1, 0,
            0, 0, 0, 0,
        ];
        assert_eq!(mask(&[square], &Affine::IDENTITY, 4, 4), expected);
    }

    #[test]
    fn width_and_height_are_not_mixed_up() {
        let top_left = polygon(&[(0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5)]);
        assert_eq!(mask(&[top_left], &Affine::IDENTITY, 2, 4), [1, 1, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_centre_on_an_outline_belongs_below_and_to_the_right() {
        // All four sides run through centres of pixels.
        let square = polygon(&[(0.125, 0.125), (0.625, 0.125), (0.625, 0.625), (0.125, 0.625)]);
        assert_eq!(
            mask(&[square], &Affine::IDENTITY, 4, 4),
            [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
    }

    #[test]
    fn polygons_outside_of_the_image_mask_nothing() {
        let square = polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]);
        for (c, f) in [(5.0, 0.0), (-5.0, 0.0), (0.0, 5.0), (0.0, -5.0), (f64::NAN, 0.0)] {
            let far = Affine { c, f, ..Affine::IDENTITY };
            assert_eq!(mask(std::slice::from_ref(&square), &far, 3, 3), [0; 9]);
        }
        assert_eq!(
            mask(&[square], &Affine { a: 9.0, e: 9.0, c: -4.0, f: -4.0, ..Affine::IDENTITY }, 2, 2),
            [1; 4]
        );
        assert_eq!(mask(&[], &Affine::IDENTITY, 1, 2), [0, 0]);
    }

    proptest! {
        #[test]
        fn masks_agree_with_testing_each_pixel(frame in frame(), height in 1usize..60, width in 1usize..60) {
            let back = frame.inverse().unwrap();
            for region in Regions::aligned().iter() {
                let out = mask(&region.polygons, &frame, height, width);
                let any = masks_a_pixel(&Outlines::of(&region.polygons), &frame, height, width);
                prop_assert_eq!(any, out.contains(&1), "{}", &region.name);
                let every = masks_every_pixel(&Outlines::of(&region.polygons), &frame, height, width);
                prop_assert_eq!(every, !out.contains(&0), "{}", &region.name);
                for (index, &masked) in out.iter().enumerate() {
                    let x = ((index % width) as f64 + 0.5) / width as f64;
                    let y = ((index / width) as f64 + 0.5) / height as f64;
                    let inside = |dx: f64, dy: f64| {
                        let point = back.apply(Point { x: x + dx, y: y + dy });
                        region.polygons.iter().any(|polygon| polygon.contains(point))
                    };
                    // A centre close to an outline may fall on either side by rounding.
                    let around = [inside(1e-9, 0.0), inside(-1e-9, 0.0), inside(0.0, 1e-9), inside(0.0, -1e-9)];
                    if around.iter().all(|&neighbour| neighbour == around[0]) {
                        prop_assert_eq!(masked == 1, around[0], "{} at {}, {}", &region.name, x, y);
                    }
                }
            }
        }

        #[test]
        fn regions_share_no_pixel_and_leave_no_gap(frame in frame(), size in prop::sample::select(vec![48usize, 100])) {
            let regions = Regions::aligned();
            let mut claims = vec![0; size * size];
            for region in regions.built_in() {
                for (claim, masked) in claims.iter_mut().zip(mask(&region.polygons, &frame, size, size)) {
                    *claim += masked;
                }
            }
            // Pixels within the outline of all seven belong to exactly one region, the others to none.
            let outline = polygon(&[
                (0.18, 0.03), (0.82, 0.03), (0.90, 0.19), (0.90, 0.315), (0.90, 0.47), (0.88, 0.71), (0.83, 0.88),
                (0.66, 0.99), (0.34, 0.99), (0.17, 0.88), (0.12, 0.71), (0.10, 0.47), (0.10, 0.315), (0.10, 0.19),
            ]);
            prop_assert_eq!(claims, mask(&[outline], &frame, size, size));
        }
    }
}

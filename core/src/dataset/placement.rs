//! Which part of a picture the network's input shows, and where a face's points lie in it.

use super::decode::Shape;
use crate::experiment::Shaping;
use crate::region::{Affine, Landmark, Landmarks, Point};

/// A rectangle, by its top left corner and its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectangle<T> {
    pub left: T,
    pub top: T,
    pub width: T,
    pub height: T,
}

/// Which rectangle of a picture is stretched into which rectangle of the input. What else the input has is black.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Pixels of the picture, within it.
    pub from: Rectangle<f64>,
    /// Pixels of the input, within it.
    pub to: Rectangle<u32>,
    input: Shape,
}

impl Placement {
    /// Of a picture of `width` × `height` pixels whose face has these points, in the picture itself.
    ///
    /// A crop shows the canonical face frame upright, or the middle of the picture where no points are known; `None`
    /// where it would show less than a pixel of the picture.
    pub fn new(
        shaping: Shaping,
        [width, height]: [u32; 2],
        input: Shape,
        face: Option<&Landmarks>,
    ) -> Option<Placement> {
        let whole = [f64::from(width), f64::from(height)];
        let from = Rectangle { left: 0.0, top: 0.0, width: whole[0], height: whole[1] };
        let to =
            Rectangle { left: 0, top: 0, width: input.width as u32, height: input.height as u32 };
        match shaping {
            Shaping::Stretch => Some(Placement { from, to, input }),
            Shaping::Pad => Some(Placement { from, to: within(whole, to), input }),
            Shaping::Crop => {
                let ratio = input.width as f64 / input.height as f64;
                let window = match face.and_then(|face| in_pixels(face, whole)) {
                    Some(frame) => around(&frame, ratio),
                    None => middle(whole, ratio),
                };
                shown(window, whole, input)
            }
        }
    }

    /// How the width of a pixel of the input relates to its height, both measured in the picture.
    pub fn aspect(&self) -> f64 {
        let (from, to) = (self.from, self.to);
        let pixel = (from.width / f64::from(to.width), from.height / f64::from(to.height));
        pixel.0 * self.input.width as f64 / (pixel.1 * self.input.height as f64)
    }

    /// Points of a picture of `width` × `height` pixels as points of the input.
    pub fn landmarks(&self, face: &Landmarks, [width, height]: [u32; 2]) -> Landmarks {
        let along = |at: f64,
                     pixels: u32,
                     (from, size): (f64, f64),
                     (to, sides): (u32, u32),
                     input: usize| {
            let share = (at * f64::from(pixels) - from) / size;
            (f64::from(to) + share * f64::from(sides)) / input as f64
        };
        let (from, to) = (self.from, self.to);
        let place = |Point { x, y }: Point| Point {
            x: along(x, width, (from.left, from.width), (to.left, to.width), self.input.width),
            y: along(y, height, (from.top, from.height), (to.top, to.height), self.input.height),
        };
        let mut placed = Landmarks::in_aspect(self.aspect());
        for landmark in Landmark::ALL {
            if let Some(point) = face.get(landmark) {
                placed.set(landmark, place(point));
            }
        }
        if let Some(contour) = face.contour() {
            placed.set_contour(contour.map(place));
        }
        placed
    }
}

/// The map from the canonical face frame into pixels of a picture of this width and height: a similarity.
pub fn in_pixels(face: &Landmarks, [width, height]: [f64; 2]) -> Option<Affine> {
    let scaled = Affine { a: width, e: height, ..Affine::IDENTITY };
    Some(face.frame()?.then(&scaled))
}

/// The largest part of the input, in its middle, with the ratio of the picture's sides.
fn within([width, height]: [f64; 2], input: Rectangle<u32>) -> Rectangle<u32> {
    let scale = (f64::from(input.width) / width).min(f64::from(input.height) / height);
    let side = |length: f64, most: u32| ((length * scale).round() as u32).clamp(1, most);
    let (width, height) = (side(width, input.width), side(height, input.height));
    Rectangle { left: (input.width - width) / 2, top: (input.height - height) / 2, width, height }
}

/// The smallest window of this ratio of width to height that holds an upright square of the face frame's size, with the
/// frame's middle in its own.
fn around(frame: &Affine, ratio: f64) -> Rectangle<f64> {
    let side = frame.a.hypot(frame.d);
    let middle = frame.apply(Point { x: 0.5, y: 0.5 });
    let (width, height) = (side * ratio.max(1.0), side * (1.0 / ratio).max(1.0));
    Rectangle { left: middle.x - 0.5 * width, top: middle.y - 0.5 * height, width, height }
}

/// The largest window of this ratio in the middle of a picture.
fn middle([width, height]: [f64; 2], ratio: f64) -> Rectangle<f64> {
    let (wide, high) = (width.min(height * ratio), height.min(width / ratio));
    Rectangle { left: 0.5 * (width - wide), top: 0.5 * (height - high), width: wide, height: high }
}

/// What a window onto a picture shows of it: the input's pixels that lie in the picture entirely.
fn shown(window: Rectangle<f64>, [width, height]: [f64; 2], input: Shape) -> Option<Placement> {
    let (left, across, from_left, from_width) =
        overlap(window.left, window.width, width, input.width)?;
    let (top, down, from_top, from_height) =
        overlap(window.top, window.height, height, input.height)?;
    Some(Placement {
        from: Rectangle { left: from_left, top: from_top, width: from_width, height: from_height },
        to: Rectangle { left, top, width: across, height: down },
        input,
    })
}

/// Along one side: the first pixel of the input that lies in the picture and their number; where they begin in the
/// picture and how long they are there.
fn overlap(start: f64, length: f64, picture: f64, pixels: usize) -> Option<(u32, u32, f64, f64)> {
    /// Pixels of the input; less is rounding.
    const SLACK: f64 = 1e-6;
    let pixel = length / pixels as f64;
    let first = (-start / pixel - SLACK).ceil().max(0.0);
    let end = ((picture - start) / pixel + SLACK).floor().min(pixels as f64);
    if first >= end {
        return None;
    }
    let from = (start + first * pixel).max(0.0);
    let long = ((end - first) * pixel).min(picture - from);
    Some((first as u32, (end - first) as u32, from, long))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INPUT: Shape = Shape { height: 48, width: 48, channels: 1 };

    /// A face whose canonical frame is carried into a picture by `frame`, in pixels.
    fn face(frame: &Affine, [width, height]: [u32; 2]) -> Landmarks {
        let (width, height) = (f64::from(width), f64::from(height));
        let mut points = Landmarks::in_aspect(width / height);
        for landmark in Landmark::ALL {
            let Point { x, y } = frame.apply(landmark.canonical());
            points.set(landmark, Point { x: x / width, y: y / height });
        }
        points
    }

    fn upright(size: f64, left: f64, top: f64) -> Affine {
        Affine { a: size, b: 0.0, c: left, d: 0.0, e: size, f: top }
    }

    fn numbers<T: Copy>(of: Rectangle<T>) -> [T; 4] {
        [of.left, of.top, of.width, of.height]
    }

    #[test]
    fn a_stretched_picture_fills_the_input() {
        let placed = Placement::new(Shaping::Stretch, [640, 480], INPUT, None).unwrap();
        assert_eq!(numbers(placed.from), [0.0, 0.0, 640.0, 480.0]);
        assert_eq!(numbers(placed.to), [0, 0, 48, 48]);
        assert!((placed.aspect() - 640.0 / 480.0).abs() < 1e-12);
    }

    #[test]
    fn a_padded_picture_keeps_its_ratio_in_the_middle() {
        let placed = Placement::new(Shaping::Pad, [640, 480], INPUT, None).unwrap();
        assert_eq!(numbers(placed.to), [0, 6, 48, 36]);
        assert!((placed.aspect() - 1.0).abs() < 1e-12);
        let high = Placement::new(Shaping::Pad, [3, 1000], INPUT, None).unwrap();
        assert_eq!(numbers(high.to), [23, 0, 1, 48], "at least one pixel is left");
    }

    #[test]
    fn a_crop_without_points_is_the_middle() {
        let placed = Placement::new(Shaping::Crop, [640, 480], INPUT, None).unwrap();
        assert_eq!(numbers(placed.from), [80.0, 0.0, 480.0, 480.0]);
        assert_eq!(numbers(placed.to), [0, 0, 48, 48]);
        let wide = Shape { width: 96, ..INPUT };
        let placed = Placement::new(Shaping::Crop, [100, 100], wide, None).unwrap();
        assert_eq!(numbers(placed.from), [0.0, 25.0, 100.0, 50.0]);
    }

    #[test]
    fn a_crop_follows_the_face_and_puts_its_points_where_the_canonical_frame_has_them() {
        let size = [640, 480];
        let face = face(&upright(120.0, 400.0, 100.0), size);
        let placed = Placement::new(Shaping::Crop, size, INPUT, Some(&face)).unwrap();
        let from = numbers(placed.from);
        let wanted = [400.0, 100.0, 120.0, 120.0];
        assert!(from.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9), "{from:?}");
        assert_eq!(numbers(placed.to), [0, 0, 48, 48]);
        let points = placed.landmarks(&face, size);
        for landmark in Landmark::ALL {
            let distance = points.get(landmark).unwrap().distance(landmark.canonical());
            assert!(distance < 1e-9, "{landmark:?}: {distance}");
        }
    }

    #[test]
    fn a_crop_over_the_border_is_black_there() {
        let size = [100, 100];
        let face = face(&upright(96.0, -24.0, 52.0), size);
        let placed = Placement::new(Shaping::Crop, size, INPUT, Some(&face)).unwrap();
        let from = numbers(placed.from);
        assert_eq!(numbers(placed.to), [12, 0, 36, 24]);
        assert!(
            from.iter().zip([0.0, 52.0, 72.0, 48.0]).all(|(a, b)| (a - b).abs() < 1e-9),
            "{from:?}"
        );
        let outside = super::tests::face(&upright(40.0, -60.0, 0.0), size);
        assert_eq!(Placement::new(Shaping::Crop, size, INPUT, Some(&outside)), None);
    }

    proptest! {
        /// Whatever is done to a picture, a face's regions stay on the face: the frame in the input is the frame in the
        /// picture, carried on.
        #[test]
        fn regions_stay_on_the_face(
            width in 20_u32..900, height in 20_u32..900,
            (high, wide) in (8_usize..120, 8_usize..120),
            (scale, angle) in (0.3..1.5_f64, -0.8..0.8_f64),
            (x, y) in (0.2..0.8_f64, 0.2..0.8_f64),
            shaping in prop::sample::select(vec![Shaping::Stretch, Shaping::Crop, Shaping::Pad]),
        ) {
            let size = [width, height];
            let side = scale * f64::from(width.min(height));
            let (sine, cosine) = angle.sin_cos();
            let middle = Point { x: x * f64::from(width), y: y * f64::from(height) };
            let turned = Affine { a: side * cosine, b: -side * sine, c: 0.0, d: side * sine, e: side * cosine, f: 0.0 };
            let off = turned.apply(Point { x: 0.5, y: 0.5 });
            let frame = Affine { c: middle.x - off.x, f: middle.y - off.y, ..turned };
            let face = face(&frame, size);
            let input = Shape { height: high, width: wide, channels: 3 };
            let placed = Placement::new(shaping, size, input, Some(&face)).unwrap();
            let points = placed.landmarks(&face, size);
            let in_input = points.frame().unwrap();
            for landmark in Landmark::ALL {
                let distance = in_input.apply(landmark.canonical()).distance(points.get(landmark).unwrap());
                prop_assert!(distance < 1e-9, "{distance}");
            }
            let (from, to) = (placed.from, placed.to);
            prop_assert!(from.left >= 0.0 && from.left + from.width <= f64::from(width) + 1e-9);
            prop_assert!(from.top >= 0.0 && from.top + from.height <= f64::from(height) + 1e-9);
            prop_assert!(to.width >= 1 && (to.left + to.width) as usize <= wide);
            prop_assert!(to.height >= 1 && (to.top + to.height) as usize <= high);
        }
    }
}

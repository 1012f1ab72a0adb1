//! Pictures, and square regions of them that are brought to a network's size.

use std::borrow::Cow;

use crate::region::Point;

/// A picture in memory.
#[derive(Debug, Clone, Copy)]
pub struct RgbView<'a> {
    width: usize,
    height: usize,
    pixels: &'a [u8],
}

impl<'a> RgbView<'a> {
    /// `pixels` is `[height, width, 3]`, row-major. `None` where it has another length, or no pixel.
    pub fn new(width: usize, height: usize, pixels: &'a [u8]) -> Option<RgbView<'a>> {
        let len = width.checked_mul(height)?.checked_mul(3)?;
        (len > 0 && len == pixels.len()).then_some(RgbView { width, height, pixels })
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }
}

/// A square in a picture, in pixels from its top left corner; it may reach beyond the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Square {
    pub centre: Point,
    pub side: f64,
    /// The unit vector along its upper side.
    pub along: Point,
}

impl Square {
    pub fn upright(centre: Point, side: f64) -> Square {
        Square { centre, side, along: Point { x: 1.0, y: 0.0 } }
    }

    /// Turned so that its upper side runs as the line from one point to another; upright where they are one.
    pub fn along(centre: Point, side: f64, from: Point, to: Point) -> Square {
        let line = Point { x: to.x - from.x, y: to.y - from.y };
        // Not `hypot`, whose last bit differs between systems.
        let length = (line.x * line.x + line.y * line.y).sqrt();
        let is_line = length.is_finite() && length > 0.0;
        let along = match is_line {
            true => Point { x: line.x / length, y: line.y / length },
            false => Point { x: 1.0, y: 0.0 },
        };
        Square { centre, side, along }
    }

    /// The place in the picture of a point of the square, whose top left is (0, 0) and bottom right (1, 1).
    pub fn place(&self, point: Point) -> Point {
        let (u, v) = ((point.x - 0.5) * self.side, (point.y - 0.5) * self.side);
        let Point { x: cos, y: sin } = self.along;
        Point { x: self.centre.x + u * cos - v * sin, y: self.centre.y + u * sin + v * cos }
    }
}

/// A picture at its own size and, where a square is large against a network's input, at a half, a quarter …, so that
/// what is fine in it is averaged, not missed.
#[derive(Debug)]
pub struct Scaled<'a> {
    /// Each half as wide and high as the one before.
    levels: Vec<Level<'a>>,
}

/// `[height, width, 3]`.
#[derive(Debug)]
struct Level<'a> {
    width: usize,
    height: usize,
    pixels: Cow<'a, [u8]>,
}

impl<'a> Scaled<'a> {
    pub fn new(picture: RgbView<'a>) -> Scaled<'a> {
        let RgbView { width, height, pixels } = picture;
        Scaled { levels: vec![Level { width, height, pixels: Cow::Borrowed(pixels) }] }
    }

    /// The square as `side` × `side` pixels, `[side, side, 3]`, each value (0 to 255) turned by `scale`: bilinear, black
    /// beyond the picture.
    pub fn sample(
        &mut self,
        square: &Square,
        side: usize,
        out: &mut [f32],
        scale: impl Fn(f32) -> f32,
    ) {
        let step = square.side / side as f64;
        let (level, shrunk) = self.level(step);
        let places = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
        for ((x, y), out) in places.zip(out.chunks_exact_mut(3)) {
            let centre = |at: usize| (at as f64 + 0.5) / side as f64;
            let place = square.place(Point { x: centre(x), y: centre(y) });
            let rgb = level.at(place.x / shrunk - 0.5, place.y / shrunk - 0.5);
            for (out, value) in out.iter_mut().zip(rgb) {
                *out = scale(value);
            }
        }
    }

    /// The level whose pixels are closest to `step` pixels of the picture without being larger, and how many of them
    /// one is wide.
    fn level(&mut self, step: f64) -> (&Level<'a>, f64) {
        let (mut index, mut shrunk) = (0, 1.0);
        while step >= 2.0 * shrunk {
            if index + 1 == self.levels.len() {
                match self.levels[index].halved() {
                    Some(half) => self.levels.push(half),
                    None => break,
                }
            }
            index += 1;
            shrunk *= 2.0;
        }
        (&self.levels[index], shrunk)
    }
}

impl Level<'_> {
    /// Means of two by two pixels, rounded; `None` where there are no two. An odd last row or column is left out.
    fn halved(&self) -> Option<Level<'static>> {
        let (width, height) = (self.width / 2, self.height / 2);
        if width == 0 || height == 0 {
            return None;
        }
        let mut pixels = Vec::with_capacity(width * height * 3);
        let row = |y: usize| &self.pixels[y * self.width * 3..][..width * 6];
        for y in 0..height {
            let pairs = row(2 * y).chunks_exact(6).zip(row(2 * y + 1).chunks_exact(6));
            for (above, below) in pairs {
                pixels.extend((0..3).map(|channel| {
                    let four =
                        [above[channel], above[channel + 3], below[channel], below[channel + 3]];
                    (four.into_iter().map(u16::from).sum::<u16>() + 2).div_euclid(4) as u8
                }));
            }
        }
        Some(Level { width, height, pixels: Cow::Owned(pixels) })
    }

    /// The value at a place where (0, 0) is the middle of the first pixel.
    fn at(&self, x: f64, y: f64) -> [f32; 3] {
        let (left, top) = (x.floor(), y.floor());
        let (right, down) = ((x - left) as f32, (y - top) as f32);
        let (left, top) = (left as i64, top as i64);
        let mut sum = [0.0; 3];
        for (y, weight_y) in [(top, 1.0 - down), (top + 1, down)] {
            for (x, weight_x) in [(left, 1.0 - right), (left + 1, right)] {
                let inside =
                    (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y);
                if !inside {
                    continue;
                }
                let pixel = &self.pixels[(y as usize * self.width + x as usize) * 3..][..3];
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += weight_x * weight_y * f32::from(*value);
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, height: usize, values: &[u8]) -> Vec<u8> {
        assert_eq!(values.len(), width * height);
        values.iter().flat_map(|value| [*value; 3]).collect()
    }

    /// The red values of a sample.
    fn sampled(picture: RgbView<'_>, square: &Square, side: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; side * side * 3];
        Scaled::new(picture).sample(square, side, &mut out, |value| value);
        assert!(out.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
        out.chunks_exact(3).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn a_view_has_as_many_pixels_as_it_says() {
        assert!(RgbView::new(2, 1, &[0; 6]).is_some());
        assert!(RgbView::new(2, 1, &[0; 5]).is_none() && RgbView::new(0, 1, &[]).is_none());
        assert!(RgbView::new(usize::MAX, 2, &[0; 6]).is_none());
    }

    #[test]
    fn a_square_that_is_the_picture_gives_its_pixels() {
        let pixels = grey(2, 2, &[10, 20, 30, 40]);
        let picture = RgbView::new(2, 2, &pixels).unwrap();
        let whole = Square::upright(Point { x: 1.0, y: 1.0 }, 2.0);
        assert_eq!(sampled(picture, &whole, 2), [10.0, 20.0, 30.0, 40.0]);
        // Twice as large, with black around; and a corner, half of it.
        let larger = Square::upright(Point { x: 1.0, y: 1.0 }, 4.0);
        assert_eq!(sampled(picture, &larger, 4)[..8], [0.0, 0.0, 0.0, 0.0, 0.0, 10.0, 20.0, 0.0]);
        let between = Square::upright(Point { x: 1.0, y: 1.0 }, 1.0);
        assert_eq!(sampled(picture, &between, 1), [25.0]);
    }

    #[test]
    fn a_square_turns_as_the_line_of_the_eyes() {
        let centre = Point { x: 10.0, y: 20.0 };
        let below = Square::along(centre, 4.0, Point { x: 3.0, y: 3.0 }, Point { x: 3.0, y: 7.0 });
        assert_eq!(below.along, Point { x: 0.0, y: 1.0 });
        // What is right in the square is below in the picture, what is below is left.
        assert_eq!(below.place(Point { x: 1.0, y: 0.5 }), Point { x: 10.0, y: 22.0 });
        assert_eq!(below.place(Point { x: 0.5, y: 1.0 }), Point { x: 8.0, y: 20.0 });
        let slanted =
            Square::along(centre, 10.0, Point { x: 0.0, y: 0.0 }, Point { x: 3.0, y: 4.0 });
        let corner = slanted.place(Point { x: 1.0, y: 0.5 });
        assert!((corner.x - 13.0).abs() < 1e-12 && (corner.y - 24.0).abs() < 1e-12, "{corner:?}");
        assert_eq!(Square::along(centre, 4.0, centre, centre), Square::upright(centre, 4.0));
        let nowhere = Point { x: f64::NAN, y: 0.0 };
        assert_eq!(Square::along(centre, 4.0, centre, nowhere), Square::upright(centre, 4.0));
    }

    #[test]
    fn a_turned_picture_is_sampled_upright() {
        let pixels = grey(2, 2, &[10, 20, 30, 40]);
        let picture = RgbView::new(2, 2, &pixels).unwrap();
        let turned = Square {
            along: Point { x: 0.0, y: 1.0 },
            ..Square::upright(Point { x: 1.0, y: 1.0 }, 2.0)
        };
        assert_eq!(sampled(picture, &turned, 2), [20.0, 40.0, 10.0, 30.0]);
    }

    #[test]
    fn what_is_fine_is_averaged() {
        // Columns of 0 and 200, on which single pixels would show one of the two.
        let columns: Vec<u8> = (0..64).map(|index| if index % 2 == 0 { 0 } else { 200 }).collect();
        let pixels = grey(8, 8, &columns);
        let picture = RgbView::new(8, 8, &pixels).unwrap();
        let whole = Square::upright(Point { x: 4.0, y: 4.0 }, 8.0);
        assert_eq!(sampled(picture, &whole, 2), [100.0; 4]);
        // A place in a half picture is the same place in the whole one.
        let ramp: Vec<u8> = (0..64).map(|index| (index % 8 * 10) as u8).collect();
        let pixels = grey(8, 8, &ramp);
        let picture = RgbView::new(8, 8, &pixels).unwrap();
        assert_eq!(sampled(picture, &whole, 4)[..4], [5.0, 25.0, 45.0, 65.0]);
    }

    #[test]
    fn a_line_of_pixels_has_no_half() {
        let pixels = grey(8, 1, &[50; 8]);
        let picture = RgbView::new(8, 1, &pixels).unwrap();
        let whole = Square::upright(Point { x: 4.0, y: 0.5 }, 8.0);
        assert_eq!(sampled(picture, &whole, 1), [50.0]);
    }
}

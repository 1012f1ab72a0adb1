//! Room for a label on a polygon.

use crate::region::{Point, Polygon};

use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::fonts;
use crate::report::canvas::theme::{HEADING, WHITE};

/// Points tried across a polygon when its name looks for room.
const TRIES: usize = 24;

/// A rectangle on the page, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// Where a polygon's label fits: inside the polygon if it can, as near to its middle as may be, inside the
/// frame, on no other label.
pub fn room(polygon: &Polygon, lines: &[&str], frame: Place, taken: &[Place]) -> Option<Place> {
    let width = lines.iter().map(|line| fonts::width(line, HEADING)).fold(0.0, f64::max) + 1.2;
    let height = lines.len() as f64 * HEADING.line() + 0.4;
    let mut best: Option<((usize, f64), Place)> = None;
    let points = polygon.points();
    let range = |of: fn(&Point) -> f64| {
        points.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let ((x_low, x_high), (y_low, y_high)) = (range(|point| point.x), range(|point| point.y));
    for row in 0..=TRIES {
        for column in 0..=TRIES {
            let share = |step: usize| step as f64 / TRIES as f64;
            let point = Point {
                x: x_low + share(column) * (x_high - x_low),
                y: y_low + share(row) * (y_high - y_low),
            };
            if !polygon.contains(point) {
                continue;
            }
            let (x, y) = frame.at(point);
            let place = Place { left: x - width / 2.0, top: y - height / 2.0, width, height };
            let corners_inside = place
                .corners()
                .into_iter()
                .filter(|&corner| polygon.contains(frame.share_of(corner)))
                .count();
            let off_middle =
                (point.x - (x_low + x_high) / 2.0).hypot(point.y - (y_low + y_high) / 2.0);
            let merit = (corners_inside, -off_middle);
            if place.inside(frame)
                && !taken.iter().any(|other| place.overlaps(other))
                && best.is_none_or(|(most, _)| merit > most)
            {
                best = Some((merit, place));
            }
        }
    }
    best.map(|(_, place)| place)
}

/// Writes a label on a light ground.
pub fn write(drawing: &mut Drawing, place: Place, lines: &[&str]) {
    drawing.area(place.corners().to_vec(), WHITE, 0.75);
    let middle = (place.left + place.width / 2.0, place.top + place.height / 2.0);
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    drawing.text_block(middle.0, middle.1, Anchor::Middle, HEADING, &lines);
}

impl Place {
    /// The page's point for one in fractions of this rectangle.
    pub fn at(&self, point: Point) -> (f64, f64) {
        (self.left + point.x * self.width, self.top + point.y * self.height)
    }

    /// Clockwise from the top left.
    pub fn corners(&self) -> [(f64, f64); 4] {
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        [(self.left, self.top), (right, self.top), (right, bottom), (self.left, bottom)]
    }

    /// A point of the page in fractions of this rectangle.
    fn share_of(&self, (x, y): (f64, f64)) -> Point {
        Point { x: (x - self.left) / self.width, y: (y - self.top) / self.height }
    }

    fn inside(&self, frame: Place) -> bool {
        self.left >= frame.left
            && self.top >= frame.top
            && self.left + self.width <= frame.left + frame.width
            && self.top + self.height <= frame.top + frame.height
    }

    fn overlaps(&self, other: &Place) -> bool {
        self.left < other.left + other.width
            && other.left < self.left + self.width
            && self.top < other.top + other.height
            && other.top < self.top + self.height
    }
}

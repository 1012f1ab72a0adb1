//! Labels beside a face, each with a line to what it names.

use crate::region::{Point, Region};

use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::fonts;
use crate::report::canvas::theme::{HAIRLINE, HEADING, INK, LABEL, Type, WHITE};

/// Points tried across a polygon for the end of a label's line.
const TRIES: usize = 24;
/// That end lies at least so far inside, as a share of the frame.
const INSIDE: f64 = 0.03;
/// Between two labels, and between a label and the frame, mm.
const GAP: f64 = 1.0;
const DOT: f64 = 0.45;

/// A rectangle on the page, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// What is written beside a region.
#[derive(Debug, Clone)]
pub struct Label<'a> {
    pub region: &'a Region,
    /// Under the region's name; may be empty.
    pub number: String,
    /// What a pointer over it is told.
    pub hint: String,
}

/// A label that has its side, and where its line ends, mm.
struct Callout<'a> {
    label: &'a Label<'a>,
    lines: Vec<String>,
    left: bool,
    target: (f64, f64),
    height: f64,
}

/// Writes labels to the left and right of the frame, in columns `room` mm wide, from top to bottom as their
/// regions lie; none lies on the face or on another. Returns the y below the lowest, or below the frame.
pub fn callouts(drawing: &mut Drawing, frame: Place, room: f64, labels: &[Label<'_>]) -> f64 {
    let mut sorted: Vec<&Label<'_>> = labels.iter().collect();
    let height = |label: &Label<'_>| middle(label.region).y;
    sorted.sort_by(|a, b| height(a).total_cmp(&height(b)));
    let mut callouts: Vec<Callout<'_>> = Vec::new();
    for label in sorted {
        let count = |left: bool| callouts.iter().filter(|callout| callout.left == left).count();
        let middles = label.region.polygons.iter().map(|polygon| {
            let (from, to) = polygon.bounds();
            (from.x + to.x) / 2.0
        });
        let (low, high) = middles
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let left = match () {
            () if high < 0.45 => true,
            () if low > 0.55 => false,
            () => count(true) <= count(false),
        };
        let mut lines = fonts::wrap(&label.region.name, LABEL, room - GAP);
        lines.retain(|line| !line.is_empty());
        let rows = lines.len() + usize::from(!label.number.is_empty());
        let target = frame.at(point_in(label.region, left));
        callouts.push(Callout { label, lines, left, target, height: rows as f64 * LABEL.line() });
    }
    let mut below = frame.top + frame.height;
    for left in [true, false] {
        let column: Vec<&Callout<'_>> =
            callouts.iter().filter(|callout| callout.left == left).collect();
        let tops = spread(&column, frame);
        for (callout, top) in column.iter().zip(&tops) {
            below = below.max(top + callout.height);
            draw(drawing, callout, *top, frame, room);
        }
    }
    below
}

/// The tops of labels in a column: each beside what it names where that is free.
fn spread(column: &[&Callout<'_>], frame: Place) -> Vec<f64> {
    let mut tops: Vec<f64> = Vec::new();
    let mut free = frame.top;
    for callout in column {
        let top = (callout.target.1 - callout.height / 2.0).max(free);
        tops.push(top);
        free = top + callout.height + GAP;
    }
    // Back up, where the last went under the frame.
    let mut limit = frame.top + frame.height;
    for (top, callout) in tops.iter_mut().zip(column).rev() {
        *top = top.min(limit - callout.height);
        limit = *top - GAP;
    }
    // More than the frame is high holds: from its top, and out of it below.
    let mut free = frame.top;
    for (top, callout) in tops.iter_mut().zip(column) {
        *top = top.max(free);
        free = *top + callout.height + GAP;
    }
    tops
}

fn draw(drawing: &mut Drawing, callout: &Callout<'_>, top: f64, frame: Place, room: f64) {
    let right = frame.left + frame.width;
    let (x, anchor, edge) = match callout.left {
        true => (frame.left - GAP, Anchor::End, frame.left - room),
        false => (right + GAP, Anchor::Start, right),
    };
    let middle = top + callout.height / 2.0;
    let from = (if callout.left { frame.left - GAP / 2.0 } else { right + GAP / 2.0 }, middle);
    drawing.path(vec![from, callout.target], 5.0 * HAIRLINE, WHITE, 0.6);
    drawing.line(from, callout.target, HAIRLINE, INK);
    drawing.ring(callout.target, DOT, 0.15, INK);
    drawing.hinted(&callout.label.hint, (edge, top), (room, callout.height), |drawing| {
        let number = (!callout.label.number.is_empty()).then_some((&callout.label.number, HEADING));
        let lines = callout.lines.iter().map(|line| (line, LABEL)).chain(number);
        for (index, (line, style)) in lines.enumerate() {
            let style: Type = style;
            let baseline = top + index as f64 * style.line() + style.em();
            drawing.text(x, baseline, anchor, style, line);
        }
    });
}

/// The middle of a region's bounds.
fn middle(region: &Region) -> Point {
    let bounds = region.polygons.iter().map(crate::region::Polygon::bounds);
    let (low, high) = bounds.fold(
        (Point { x: 1.0, y: 1.0 }, Point { x: 0.0, y: 0.0 }),
        |(low, high), (from, to)| {
            (
                Point { x: low.x.min(from.x), y: low.y.min(from.y) },
                Point { x: high.x.max(to.x), y: high.y.max(to.y) },
            )
        },
    );
    Point { x: (low.x + high.x) / 2.0, y: (low.y + high.y) / 2.0 }
}

/// A point well within a region, towards a side and near the middle of its height.
fn point_in(region: &Region, left: bool) -> Point {
    let middle = middle(region);
    let mut best: Option<(f64, Point)> = None;
    for polygon in &region.polygons {
        let (low, high) = polygon.bounds();
        for step in 0..=TRIES * TRIES {
            let share = |step: usize| step as f64 / TRIES as f64;
            let point = Point {
                x: low.x + share(step % TRIES) * (high.x - low.x),
                y: low.y + share(step / TRIES) * (high.y - low.y),
            };
            let around = [(INSIDE, 0.0), (-INSIDE, 0.0), (0.0, INSIDE), (0.0, -INSIDE)];
            let inside = polygon.contains(point)
                && around
                    .iter()
                    .all(|(x, y)| polygon.contains(Point { x: point.x + x, y: point.y + y }));
            let off = if left { point.x } else { 1.0 - point.x };
            // However narrow, a region has a point.
            let cost = off + 2.0 * (point.y - middle.y).abs() + if inside { 0.0 } else { 10.0 };
            if polygon.contains(point) && best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, point));
            }
        }
    }
    best.map_or(middle, |(_, point)| point)
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Regions;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, label_boxes};

    /// Of many regions too no label lies on the face.
    #[test]
    fn no_label_hides_what_it_names() {
        let regions = Regions::aligned();
        let named = |name: &str| Label {
            region: regions.get(name).unwrap(),
            number: "12.3".to_owned(),
            hint: String::new(),
        };
        let names: Vec<&str> = Regions::built_in_names().to_vec();
        for times in 1..4 {
            let labels: Vec<Label<'_>> =
                names.repeat(times).iter().map(|name| named(name)).collect();
            let mut drawing = Drawing::new(89.0, "title");
            let frame = Place { left: 21.0, top: 10.0, width: 47.0, height: 47.0 };
            let below = callouts(&mut drawing, frame, 19.0, &labels);
            let figure = drawing.finish(below + 2.0).unwrap();
            assert_labels_are_apart(&figure);
            for label in label_boxes(&figure) {
                assert!(label.right <= 21.0 || label.left >= 68.0, "{label:?}");
            }
        }
    }

    #[test]
    fn lines_end_in_their_regions() {
        let regions = Regions::aligned();
        for region in regions.built_in() {
            for left in [true, false] {
                let point = point_in(region, left);
                assert!(region.polygons.iter().any(|polygon| polygon.contains(point)));
            }
        }
    }
}

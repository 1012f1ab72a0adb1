//! The regions on a face.

use crate::region::{Point, Polygon, Region};

use super::contact_sheet::Tile;
use super::drawing::{Anchor, Drawing};
use super::error::ReportError;
use super::figure::Figure;
use super::fonts;
use super::numbers::{counted, decimal};
use super::theme::{
    CATEGORIES, FAINT, HAIRLINE, HEADING, MARGIN, MEDIUM, NOTE, SINGLE_COLUMN, WHITE,
};

/// Points tried across a polygon when its name looks for room.
const TRIES: usize = 24;

/// A rectangle on the page, mm.
#[derive(Clone, Copy)]
struct Place {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// The regions as translucent polygons in the canonical face frame, over a picture of a face in that
/// frame where one is given. Each polygon bears its region's name, the largest also the region's share of
/// the frame's area; a name without room stands under the picture.
///
/// # Errors
/// [`ReportError::Empty`] where there are no regions.
pub fn atlas_figure(regions: &[Region], background: Option<&Tile>) -> Result<Figure, ReportError> {
    if regions.is_empty() {
        return Err(ReportError::Empty("no regions".to_owned()));
    }
    let title = format!("Where the {} lie", counted(regions.len() as u64, "region"));
    let title = if regions.len() == 1 { format!("Where {} lies", regions[0].name) } else { title };
    let mut drawing = Drawing::new(SINGLE_COLUMN, &title);
    let top = drawing.heading("canonical face frame · share of its area");
    let width = SINGLE_COLUMN - 2.0 * MARGIN;
    let height = width * background.map_or(1.0, Tile::aspect);
    let frame = Place { left: MARGIN, top, width, height };
    let on_page =
        |point: Point| (frame.left + point.x * frame.width, frame.top + point.y * frame.height);
    if let Some(tile) = background {
        drawing.picture((frame.left, frame.top), (frame.width, frame.height), tile)?;
    }
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)];
    let edge = corners.map(|(x, y)| on_page(Point { x, y })).to_vec();
    drawing.path(edge, HAIRLINE, FAINT, 1.0);

    for (index, region) in regions.iter().enumerate() {
        let colour = CATEGORIES[index % CATEGORIES.len()];
        for polygon in &region.polygons {
            let mut points: Vec<(f64, f64)> =
                polygon.points().iter().map(|&point| on_page(point)).collect();
            drawing.area(points.clone(), colour, 0.35);
            points.extend(points.first().copied());
            drawing.path(points, MEDIUM, colour, 1.0);
        }
    }

    let mut taken: Vec<Place> = Vec::new();
    let mut without_room = Vec::new();
    for region in regions {
        let share = format!("{} %", decimal(region.area() * 100.0, 1));
        let largest = region.polygons.iter().map(Polygon::area).fold(0.0, f64::max);
        let mut named = false;
        for polygon in &region.polygons {
            // Of equal halves only the first bears the share.
            let lines: Vec<&str> = if !named && polygon.area() >= 0.999 * largest {
                vec![&region.name, &share]
            } else {
                vec![&region.name]
            };
            if let Some(place) = room(polygon, &lines, frame, &taken) {
                write(&mut drawing, place, &lines);
                taken.push(place);
                named |= lines.len() == 2;
            }
        }
        if !named {
            without_room.push(format!("{} {share}", region.name));
        }
    }

    let mut y = frame.top + frame.height;
    if !without_room.is_empty() {
        y += 1.0;
        let text = format!("Not named above: {}", without_room.join(", "));
        for line in fonts::wrap(&text, NOTE, width) {
            y += NOTE.line();
            drawing.text(MARGIN, y, Anchor::Start, NOTE, &line);
        }
    }
    drawing.finish(y + MARGIN)
}

/// Where a polygon's label fits: inside the polygon if it can, as near to its middle as may be, inside the
/// frame, on no other label.
fn room(polygon: &Polygon, lines: &[&str], frame: Place, taken: &[Place]) -> Option<Place> {
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
            let (x, y) = (frame.left + point.x * frame.width, frame.top + point.y * frame.height);
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

fn write(drawing: &mut Drawing, place: Place, lines: &[&str]) {
    drawing.area(place.corners().to_vec(), WHITE, 0.75);
    let middle = (place.left + place.width / 2.0, place.top + place.height / 2.0);
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    drawing.text_block(middle.0, middle.1, Anchor::Middle, HEADING, &lines);
}

impl Place {
    /// Clockwise from the top left.
    fn corners(&self) -> [(f64, f64); 4] {
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

#[cfg(test)]
mod tests {
    use super::super::figure::tests::{assert_labels_are_apart, words};
    use super::*;
    use crate::region::Regions;

    fn atlas() -> Vec<Region> {
        let regions = Regions::aligned();
        Regions::built_in_names().iter().map(|name| regions.get(name).unwrap().clone()).collect()
    }

    #[test]
    fn every_region_is_named_on_the_face() {
        let figure = atlas_figure(&atlas(), None).unwrap();
        assert_labels_are_apart(&figure);
        let words = words(&figure);
        for name in Regions::built_in_names() {
            assert!(words.lines().any(|line| line == name), "{name} is missing:\n{words}");
        }
        // The brows: 80 × 12.5 hundredths.
        assert!(words.lines().any(|line| line == "10.0 %"), "{words}");
        assert!(!words.contains("Not named"), "{words}");
    }

    #[test]
    fn names_without_room_stand_below() {
        let mut regions = atlas();
        for index in 0..12 {
            let mut copy = regions[3].clone();
            copy.name = format!("a_rather_long_name_{index}");
            regions.push(copy);
        }
        let figure = atlas_figure(&regions, None).unwrap();
        assert_labels_are_apart(&figure);
        assert!(words(&figure).contains("Not named above"));
    }

    #[test]
    fn no_regions_are_no_picture() {
        assert!(matches!(atlas_figure(&[], None), Err(ReportError::Empty(_))));
    }
}

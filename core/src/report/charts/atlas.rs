//! The regions on a face.

use crate::region::{Polygon, Region};

use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::place::{Place, room, write};
use crate::report::canvas::theme::{
    CATEGORIES, FAINT, HAIRLINE, MARGIN, MEDIUM, NOTE, SINGLE_COLUMN,
};
use crate::report::charts::contact_sheet::Tile;
use crate::report::words::numbers::{counted, decimal};

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
    if let Some(tile) = background {
        drawing.picture((frame.left, frame.top), (frame.width, frame.height), tile)?;
    }
    let mut edge = frame.corners().to_vec();
    edge.push(edge[0]);
    drawing.path(edge, HAIRLINE, FAINT, 1.0);

    for (index, region) in regions.iter().enumerate() {
        let colour = CATEGORIES[index % CATEGORIES.len()];
        for polygon in &region.polygons {
            let mut points: Vec<(f64, f64)> =
                polygon.points().iter().map(|&point| frame.at(point)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Regions;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};

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

//! The regions on a face.

use crate::region::Region;

use crate::report::canvas::drawing::Drawing;
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::place::{Label, Place, callouts};
use crate::report::canvas::theme::{CATEGORIES, FAINT, HAIRLINE, MARGIN, MEDIUM, MIDDLE_COLUMN};
use crate::report::charts::contact_sheet::Tile;
use crate::report::words::numbers::{counted, decimal};

/// The regions as translucent polygons in the canonical face frame, over a picture of a face in that
/// frame where one is given. Beside it stand each region's name and share of the frame's area.
///
/// # Errors
/// [`ReportError::Empty`] where there are no regions.
pub fn atlas_figure(regions: &[Region], background: Option<&Tile>) -> Result<Figure, ReportError> {
    if regions.is_empty() {
        return Err(ReportError::Empty("no regions".to_owned()));
    }
    let title = format!("Where the {} lie", counted(regions.len() as u64, "region"));
    let title = if regions.len() == 1 { format!("Where {} lies", regions[0].name) } else { title };
    let mut drawing = Drawing::new(MIDDLE_COLUMN, &title);
    let top = drawing.heading("canonical face frame · share of its area");
    let width = MIDDLE_COLUMN - 2.0 * MARGIN - 2.0 * LABELS;
    let height = width * background.map_or(1.0, Tile::aspect);
    let frame = Place { left: MARGIN + LABELS, top, width, height };
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

    let labels: Vec<Label<'_>> = regions
        .iter()
        .map(|region| Label {
            region,
            number: format!("{} %", decimal(region.area() * 100.0, 1)),
            hint: String::new(),
        })
        .collect();
    let bottom = callouts(&mut drawing, frame, LABELS, &labels);
    drawing.finish(bottom + MARGIN)
}

/// Room for the labels on each side, mm.
const LABELS: f64 = 20.0;

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
    }

    #[test]
    fn many_names_stand_under_each_other() {
        let mut regions = atlas();
        for index in 0..12 {
            let mut copy = regions[3].clone();
            copy.name = format!("a_rather_long_name_{index}");
            regions.push(copy);
        }
        assert_labels_are_apart(&atlas_figure(&regions, None).unwrap());
    }

    #[test]
    fn no_regions_are_no_picture() {
        assert!(matches!(atlas_figure(&[], None), Err(ReportError::Empty(_))));
    }
}

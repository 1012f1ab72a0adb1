//! Pictures side by side, with names on rows and columns.

use crate::region::{Point, Region};
use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::place::Place;
use crate::report::canvas::theme::{
    CATEGORIES, DOUBLE_COLUMN, FAINT, HAIRLINE, INK, LABEL, MARGIN, SINGLE_COLUMN, WHITE,
};

/// A picture of u8 values, `[height, width, channels]` row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    pixels: Vec<u8>,
    height: usize,
    width: usize,
    channels: usize,
    marks: Marks,
}

/// What is drawn over a picture, in fractions of its width and height.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marks {
    /// Outlines of the regions, one colour each.
    pub outlines: Vec<Vec<Vec<Point>>>,
    /// Landmarks.
    pub points: Vec<Point>,
}

/// A grid of pictures: a row each condition, a column each class, say.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactSheet {
    pub title: String,
    pub subtitle: String,
    /// A row's name and its pictures, left to right; a place may be empty.
    pub rows: Vec<(String, Vec<Option<Tile>>)>,
    /// A column's name stands over it; may be fewer than there are pictures in a row.
    pub columns: Vec<String>,
    /// Outlined over every picture, which is then in the canonical face frame; may be empty.
    pub regions: Vec<Region>,
}

impl Tile {
    /// # Errors
    /// Where there are not `height × width × channels` values, or channels are neither 1 nor 3.
    pub fn new(
        pixels: Vec<u8>,
        height: usize,
        width: usize,
        channels: usize,
    ) -> Result<Tile, ReportError> {
        if channels != 1 && channels != 3 {
            return Err(ReportError::TileChannels(channels));
        }
        if pixels.is_empty() || pixels.len() != height * width * channels {
            return Err(ReportError::TileSize { height, width, channels, values: pixels.len() });
        }
        Ok(Tile { pixels, height, width, channels, marks: Marks::default() })
    }

    /// The same with marks over it.
    pub fn marked(self, marks: Marks) -> Tile {
        Tile { marks, ..self }
    }

    /// Height over width.
    pub(in crate::report) fn aspect(&self) -> f64 {
        self.height as f64 / self.width as f64
    }

    pub(in crate::report) fn png(&self) -> Result<Vec<u8>, String> {
        use image::ImageEncoder as _;
        let colour = if self.channels == 1 { image::ColorType::L8 } else { image::ColorType::Rgb8 };
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes)
            .write_image(&self.pixels, self.width as u32, self.height as u32, colour.into())
            .map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}

/// Between two pictures, mm.
const GAP: f64 = 1.2;
/// Widest row name before it is broken, mm.
const NAME_WIDTH: f64 = 30.0;
/// A picture's width, mm.
const LARGEST: f64 = 24.0;
const SMALLEST: f64 = 6.0;

impl ContactSheet {
    /// The sheet as a figure, one or two journal columns wide. Names that do not fit over a column are
    /// set upright.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where there is no picture.
    pub fn figure(&self) -> Result<Figure, ReportError> {
        let across = self.rows.iter().map(|(_, tiles)| tiles.len()).max().unwrap_or(0);
        if self.rows.iter().all(|(_, tiles)| tiles.iter().all(Option::is_none)) {
            return Err(ReportError::Empty("the contact sheet holds no pictures".to_owned()));
        }
        let names: Vec<Vec<String>> =
            self.rows.iter().map(|(name, _)| fonts::wrap(name, LABEL, NAME_WIDTH)).collect();
        let widest = widest(names.iter().flatten());
        let left = MARGIN + if widest > 0.0 { widest + 2.0 } else { 0.0 };
        let room = |width: f64| ((width - left - MARGIN + GAP) / across as f64 - GAP).min(LARGEST);
        // A single column is enough where its pictures are still large.
        let width = if room(SINGLE_COLUMN) >= 14.0 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
        let side = room(width).max(SMALLEST);
        let width = width.max(left + across as f64 * (side + GAP) - GAP + MARGIN);

        let mut drawing = Drawing::new(width, &self.title);
        let mut y = drawing.heading(&self.subtitle);
        let column = |index: usize| left + index as f64 * (side + GAP);
        let tallest = widest_or_zero(&self.columns);
        if tallest > side + GAP - 0.6 {
            y += tallest;
            for (index, name) in self.columns.iter().take(across).enumerate() {
                let middle = column(index) + side / 2.0 + LABEL.em() * 0.36;
                drawing.text_upwards(middle, y, Anchor::Start, LABEL, name);
            }
            y += 1.2;
        } else if tallest > 0.0 {
            y += LABEL.em();
            for (index, name) in self.columns.iter().take(across).enumerate() {
                drawing.text(column(index) + side / 2.0, y, Anchor::Middle, LABEL, name);
            }
            y += 1.4;
        }
        for ((_, tiles), name) in self.rows.iter().zip(&names) {
            let shown = || tiles.iter().flatten();
            let tile_height = shown().map(Tile::aspect).fold(0.0, f64::max) * side;
            let height = tile_height.max(name.len() as f64 * LABEL.line());
            drawing.text_block(left - 2.0, y + height / 2.0, Anchor::End, LABEL, name);
            for (index, tile) in tiles.iter().enumerate() {
                let Some(tile) = tile else { continue };
                let (at, size) = ((column(index), y), (side, side * tile.aspect()));
                drawing.picture(at, size, tile)?;
                outline(&mut drawing, at, size);
                let place = Place { left: at.0, top: at.1, width: size.0, height: size.1 };
                outline_regions(&mut drawing, &self.regions, place);
                tile.marks.draw(&mut drawing, place);
            }
            y += height + GAP;
        }
        drawing.finish(y - GAP + MARGIN)
    }
}

/// A faint edge, so that a white picture ends somewhere.
fn outline(drawing: &mut Drawing, (x, y): (f64, f64), (w, h): (f64, f64)) {
    let corners = vec![(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)];
    drawing.path(corners, HAIRLINE, FAINT, 1.0);
}

/// Each region's edge in its colour, as on the picture of the atlas.
fn outline_regions(drawing: &mut Drawing, regions: &[Region], place: Place) {
    let edges = |region: &Region| region.polygons.iter().map(|one| one.points().to_vec()).collect();
    let outlines = regions.iter().map(edges).collect();
    Marks { outlines, points: Vec::new() }.draw(drawing, place);
}

impl Marks {
    fn draw(&self, drawing: &mut Drawing, place: Place) {
        for (outlines, colour) in self.outlines.iter().zip(CATEGORIES.iter().cycle()) {
            for outline in outlines {
                // What lies beyond the picture would lie over the next one.
                let within = |at: f64| at.clamp(0.0, 1.0);
                let edge = outline.iter().map(|at| Point { x: within(at.x), y: within(at.y) });
                let mut edge: Vec<(f64, f64)> = edge.map(|point| place.at(point)).collect();
                edge.extend(edge.first().copied());
                drawing.path(edge, HAIRLINE, *colour, 1.0);
            }
        }
        let inside = |point: &&Point| [point.x, point.y].iter().all(|at| (0.0..=1.0).contains(at));
        for &point in self.points.iter().filter(inside) {
            let (x, y) = place.at(point);
            /// Half of a mark's width, mm.
            const HALF: f64 = 0.45;
            let corners = vec![(x, y - HALF), (x + HALF, y), (x, y + HALF), (x - HALF, y)];
            drawing.area(corners.clone(), WHITE, 1.0);
            drawing.path([corners.as_slice(), &corners[..1]].concat(), HAIRLINE, INK, 1.0);
        }
    }
}

fn widest<'a>(names: impl Iterator<Item = &'a String>) -> f64 {
    names.map(|name| fonts::width(name, LABEL)).fold(0.0, f64::max)
}

fn widest_or_zero(names: &[String]) -> f64 {
    widest(names.iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Regions;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};

    fn tile(grey: u8) -> Tile {
        Tile::new(vec![grey; 48 * 48], 48, 48, 1).unwrap()
    }

    fn sheet(rows: usize, columns: usize) -> ContactSheet {
        ContactSheet {
            title: "What the network sees".to_owned(),
            subtitle: "faces, test split, 48 × 48 pixels, grey".to_owned(),
            rows: (0..rows)
                .map(|row| (format!("eyes masked {row}"), vec![Some(tile(128)); columns]))
                .collect(),
            columns: (0..columns).map(|column| format!("happiness{column}")).collect(),
            regions: Regions::aligned().built_in().to_vec(),
        }
    }

    #[test]
    fn labels_are_there_and_apart() {
        for (rows, columns) in [(1, 1), (4, 7), (3, 2), (12, 10), (2, 24)] {
            let figure = sheet(rows, columns).figure().unwrap();
            assert_labels_are_apart(&figure);
            assert!(words(&figure).contains(&format!("happiness{}", columns - 1)));
        }
    }

    #[test]
    fn pixels_stay_sharp_and_true() {
        let two = Tile::new(vec![255, 0, 0, 0, 0, 255], 1, 2, 3).unwrap();
        let sheet = ContactSheet {
            title: String::new(),
            subtitle: String::new(),
            rows: vec![(String::new(), vec![None, Some(two)])],
            columns: vec![],
            regions: vec![],
        };
        let picture =
            image::load_from_memory(&sheet.figure().unwrap().png().unwrap()).unwrap().to_rgb8();
        let (mut red, mut blue, mut mixed) = (0, 0, 0);
        for pixel in picture.pixels() {
            match pixel.0 {
                [255, 0, 0] => red += 1,
                [0, 0, 255] => blue += 1,
                [r, 0, b] if r > 0 && b > 0 => mixed += 1,
                _ => {}
            }
        }
        assert!(red > 10_000 && blue > 10_000 && mixed == 0, "{red} {blue} {mixed}");
    }

    #[test]
    fn wrong_sizes_are_refused() {
        assert_eq!(
            Tile::new(vec![0; 5], 2, 3, 1).unwrap_err().to_string(),
            "a picture of 2 × 3 pixels and 1 channels needs 6 values, this one has 5"
        );
        assert!(matches!(Tile::new(vec![0; 8], 2, 2, 2), Err(ReportError::TileChannels(2))));
        let empty = ContactSheet {
            title: String::new(),
            subtitle: String::new(),
            rows: vec![],
            columns: vec![],
            regions: vec![],
        };
        assert!(matches!(empty.figure(), Err(ReportError::Empty(_))));
    }
}

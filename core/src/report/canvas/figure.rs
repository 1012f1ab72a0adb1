//! A finished figure, and the files it becomes.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use resvg::{tiny_skia, usvg};

use crate::report::canvas::error::ReportError;
use crate::report::canvas::fonts;
use crate::report::canvas::theme::DPI;
use crate::store::write_whole;

const MM_PER_INCH: f64 = 25.4;

/// How a picture says who made it: the text chunk `Software` of a PNG (PNG 3, 11.3.3.2), the comment that
/// an SVG ends in.
const SOFTWARE: &str = "fer-lab";
const SVG_END: &str = "<!-- Software: fer-lab -->\n";

/// A drawing that is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// A whole SVG document. Its text is text, in the family Inter.
    pub svg: String,
    pub width_mm: f64,
    pub height_mm: f64,
    /// What the figure says, in a sentence.
    pub title: String,
    /// What it shows, in sentences that follow the title.
    pub description: String,
}

impl Figure {
    /// The figure as a PNG at 300 dpi, rasterised from the SVG with the embedded typeface alone.
    ///
    /// # Errors
    /// Where the SVG or the PNG cannot be made.
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        let failure = |reason: String| ReportError::Drawing { title: self.title.clone(), reason };
        let options = usvg::Options {
            font_family: fonts::FAMILY.to_owned(),
            fontdb: fonts::database(),
            ..usvg::Options::default()
        };
        let tree = usvg::Tree::from_str(&self.svg, &options)
            .map_err(|error| failure(error.to_string()))?;
        let pixels = |mm: f64| (mm / MM_PER_INCH * DPI).round() as u32;
        let (width, height) = (pixels(self.width_mm), pixels(self.height_mm));
        let mut pixmap = tiny_skia::Pixmap::new(width, height)
            .ok_or_else(|| failure(format!("{width} × {height} pixels are no picture")))?;
        let scale = tiny_skia::Transform::from_scale(
            width as f32 / tree.size().width(),
            height as f32 / tree.size().height(),
        );
        resvg::render(&tree, scale, &mut pixmap.as_mut());
        // The ground is white, so every pixel is opaque and the fourth channel says nothing.
        let mut rgb = Vec::with_capacity(pixmap.data().len() / 4 * 3);
        for pixel in pixmap.data().chunks_exact(4) {
            rgb.extend_from_slice(&pixel[..3]);
        }
        encode(&rgb, width, height).map_err(|error| failure(error.to_string()))
    }

    /// Writes the PNG; the file appears whole or not at all.
    ///
    /// # Errors
    /// Where the picture cannot be made or the file cannot be written.
    pub fn save_png(&self, path: &Path) -> Result<(), ReportError> {
        let png = self.png()?;
        Ok(write_whole(path, |file| file.write_all(&png))?)
    }

    /// Writes the SVG; the file appears whole or not at all.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save_svg(&self, path: &Path) -> Result<(), ReportError> {
        Ok(write_whole(path, |file| file.write_all(self.svg_file().as_bytes()))?)
    }

    /// The SVG as it stands in a file, with a word on who made it.
    pub fn svg_file(&self) -> String {
        format!("{}\n{SVG_END}", self.svg.trim_end())
    }
}

/// Whether the file at `path` is a picture that this program made.
pub fn is_own_picture(path: &Path) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let mut end = Vec::new();
    if file.seek(SeekFrom::End(-(SVG_END.len() as i64))).is_err()
        || file.read_to_end(&mut end).is_err()
        || file.rewind().is_err()
    {
        return false;
    }
    let is_ours = |reader: png::Reader<_>| {
        let mut texts = reader.info().uncompressed_latin1_text.iter();
        texts.any(|text| text.keyword == "Software" && text.text == SOFTWARE)
    };
    end == SVG_END.as_bytes()
        || png::Decoder::new(BufReader::new(file)).read_info().is_ok_and(is_ours)
}

/// RGB pixels as a PNG that knows how large it is to be printed.
fn encode(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = (DPI / MM_PER_INCH * 1000.0).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    encoder.add_text_chunk("Software".to_owned(), SOFTWARE.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::report::canvas::drawing::{Anchor, Drawing};
    use crate::report::canvas::theme::LABEL;

    /// Where a label came to lie, mm.
    #[derive(Debug, Clone)]
    pub struct LabelBox {
        pub text: String,
        pub left: f64,
        pub right: f64,
        pub top: f64,
        pub bottom: f64,
    }

    impl LabelBox {
        fn overlaps(&self, other: &LabelBox) -> bool {
            self.left < other.right
                && other.left < self.right
                && self.top < other.bottom
                && other.top < self.bottom
        }
    }

    pub fn tree(figure: &Figure) -> usvg::Tree {
        let options = usvg::Options {
            font_family: fonts::FAMILY.to_owned(),
            fontdb: fonts::database(),
            ..usvg::Options::default()
        };
        usvg::Tree::from_str(&figure.svg, &options).unwrap()
    }

    /// Every piece of text of a figure, as the rasteriser lays it out.
    pub fn label_boxes(figure: &Figure) -> Vec<LabelBox> {
        fn collect(group: &usvg::Group, boxes: &mut Vec<LabelBox>) {
            for node in group.children() {
                match node {
                    usvg::Node::Group(group) => collect(group, boxes),
                    usvg::Node::Text(text) => {
                        let mm = |pixels: f32| f64::from(pixels) / 96.0 * MM_PER_INCH;
                        // The outlines, not the line's full height.
                        let bounds = text.flattened().abs_bounding_box();
                        boxes.push(LabelBox {
                            text: text.chunks().iter().map(|chunk| chunk.text()).collect(),
                            left: mm(bounds.left()),
                            right: mm(bounds.right()),
                            top: mm(bounds.top()),
                            bottom: mm(bounds.bottom()),
                        });
                    }
                    _ => {}
                }
            }
        }
        let mut boxes = Vec::new();
        collect(tree(figure).root(), &mut boxes);
        boxes
    }

    /// All labels of a figure in one string, for a look-up.
    pub fn words(figure: &Figure) -> String {
        label_boxes(figure).iter().map(|label| label.text.clone() + "\n").collect()
    }

    /// No text leaves the canvas, none covers another.
    pub fn assert_labels_are_apart(figure: &Figure) {
        let boxes = label_boxes(figure);
        assert!(!boxes.is_empty());
        for (index, label) in boxes.iter().enumerate() {
            assert!(
                label.left >= 0.0
                    && label.top >= 0.0
                    && label.right <= figure.width_mm
                    && label.bottom <= figure.height_mm,
                "outside of {} × {}: {label:?}",
                figure.width_mm,
                figure.height_mm
            );
            for other in &boxes[index + 1..] {
                assert!(!label.overlaps(other), "overlap:\n{label:?}\n{other:?}");
            }
        }
    }

    fn figure() -> Figure {
        let mut drawing = Drawing::new(89.0, "Title");
        drawing.text(10.0, 10.0, Anchor::Start, LABEL, "label");
        drawing.finish(20.0).unwrap()
    }

    #[test]
    fn the_png_has_the_size_and_resolution_of_the_print() {
        let bytes = figure().png().unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width, info.height), (1051, 236));
        let resolution = info.pixel_dims.unwrap();
        assert_eq!((resolution.xppu, resolution.yppu), (11811, 11811));
    }

    #[test]
    fn text_is_drawn_and_anti_aliased() {
        let picture = image::load_from_memory(&figure().png().unwrap()).unwrap().to_luma8();
        let dark = picture.pixels().filter(|pixel| pixel.0[0] < 60).count();
        let between = picture.pixels().filter(|pixel| (90..200).contains(&pixel.0[0])).count();
        assert!(dark > 100 && between > 100, "{dark} {between}");
    }

    #[test]
    fn a_saved_file_is_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figure.svg");
        std::fs::write(&path, "old").unwrap();
        figure().save_svg(&path).unwrap();
        let saved = std::fs::read_to_string(&path).unwrap();
        assert!(saved.starts_with(figure().svg.trim_end()), "{saved}");
        figure().save_png(&folder.path().join("figure.png")).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn own_pictures_are_known_and_others_are_not_taken_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        figure().save_png(&path("own.png")).unwrap();
        figure().save_svg(&path("own.svg")).unwrap();
        assert!(is_own_picture(&path("own.png")) && is_own_picture(&path("own.svg")));
        usvg::Tree::from_str(&figure().svg_file(), &usvg::Options::default()).unwrap();
        image::GrayImage::new(4, 4).save(path("other.png")).unwrap();
        std::fs::write(path("empty.png"), "").unwrap();
        std::fs::write(
            path("text.png"),
            "name = \"x\" # fer-lab, Software: fer-lab, and more text",
        )
        .unwrap();
        std::fs::write(path("other.svg"), &figure().svg).unwrap();
        for other in ["other.png", "empty.png", "text.png", "other.svg", "none.png"] {
            assert!(!is_own_picture(&path(other)), "{other}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let path = file.join("figure.png");
        let message = figure().save_png(&path).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("could not write `{}`: ", path.display())),
            "{message}"
        );
    }
}

//! A finished figure, and the files it becomes.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::Path;

use clap::ValueEnum;
use resvg::{tiny_skia, usvg};

use crate::report::canvas::drawing::opening;
use crate::report::canvas::error::ReportError;
use crate::report::canvas::fonts;
use crate::report::canvas::pdf::pdf;
use crate::report::canvas::theme::DPI;
use crate::report::tables::table::Table;
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
    /// The conditions, as they stand under the title.
    pub subtitle: String,
    /// The bytes of `svg` that are title and subtitle, and how much of the figure's height they take, mm.
    pub(in crate::report) heading: Range<usize>,
    pub(in crate::report) heading_mm: f64,
    /// The numbers that it shows; `None` where it shows pictures.
    pub data: Option<Table>,
    /// The same in the width of a column, for narrow screens; `None` where it is no wider itself, or cannot be
    /// had so narrow.
    pub narrow: Option<Box<Figure>>,
}

/// What a figure becomes as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FigureFormat {
    Png,
    Svg,
    Pdf,
}

impl FigureFormat {
    /// A figure as such a file.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn of(self, figure: &Figure) -> Result<Vec<u8>, ReportError> {
        match self {
            FigureFormat::Png => figure.png(),
            FigureFormat::Svg => Ok(figure.svg_file().into_bytes()),
            FigureFormat::Pdf => figure.pdf(),
        }
    }

    /// Of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            FigureFormat::Png => "png",
            FigureFormat::Svg => "svg",
            FigureFormat::Pdf => "pdf",
        }
    }
}

impl Figure {
    /// With the same in the width of a column.
    pub(in crate::report) fn with_narrow(self, narrow: Figure) -> Figure {
        Figure { narrow: Some(Box::new(narrow)), ..self }
    }

    /// Without title and subtitle, which a journal sets as a caption.
    pub fn untitled(&self) -> Figure {
        let height_mm = self.height_mm - self.heading_mm;
        let first = self.svg.find('\n').map_or(0, |end| end + 1);
        let svg = opening(self.width_mm, self.heading_mm, height_mm)
            + &self.svg[first..self.heading.start]
            + &self.svg[self.heading.end..];
        Figure { svg, height_mm, heading: 0..0, heading_mm: 0.0, ..self.clone() }
    }

    /// Title and subtitle, as a caption.
    pub fn caption(&self) -> String {
        let title = self.title.trim_end_matches('.');
        match self.subtitle.is_empty() {
            true => format!("{title}.\n"),
            false => format!("{title}. {}.\n", self.subtitle.trim_end_matches('.')),
        }
    }

    /// The figure as a PNG at 300 dpi, rasterised from the SVG with the embedded typeface alone.
    ///
    /// # Errors
    /// Where the SVG or the PNG cannot be made.
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        let failure = |reason: String| ReportError::Drawing { title: self.title.clone(), reason };
        let tree = self.tree()?;
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

    /// The figure as a PDF of one page, with the same shapes and its text as text.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn pdf(&self) -> Result<Vec<u8>, ReportError> {
        let failure = |reason| ReportError::Drawing { title: self.title.clone(), reason };
        pdf(&self.tree()?, &self.title, SOFTWARE).map_err(failure)
    }

    fn tree(&self) -> Result<usvg::Tree, ReportError> {
        let options = usvg::Options {
            font_family: fonts::FAMILY.to_owned(),
            fontdb: fonts::database(&self.svg),
            ..usvg::Options::default()
        };
        usvg::Tree::from_str(&self.svg, &options).map_err(|error| ReportError::Drawing {
            title: self.title.clone(),
            reason: error.to_string(),
        })
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
    let mut head = [0; 5];
    if file.read_exact(&mut head).is_ok() && head == *b"%PDF-" {
        return is_own_pdf(&mut file);
    }
    if file.rewind().is_err() {
        return false;
    }
    end == SVG_END.as_bytes()
        || png::Decoder::new(BufReader::new(file)).read_info().is_ok_and(is_ours)
}

/// Whether a PDF says, near its end, that this program made it.
fn is_own_pdf(file: &mut File) -> bool {
    let start = file.seek(SeekFrom::End(-PDF_END)).or_else(|_| file.seek(SeekFrom::Start(0)));
    let mut end = Vec::new();
    let creator = format!("/Creator ({SOFTWARE})");
    start.and_then(|_| file.read_to_end(&mut end)).is_ok()
        && end.windows(creator.len()).any(|words| words == creator.as_bytes())
}

/// So many bytes at the end of a PDF hold the list of its objects and what made it.
const PDF_END: i64 = 8192;

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
        figure.tree().unwrap()
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

    /// For a journal: the words stand in the caption, and no mark has moved.
    #[test]
    fn a_figure_can_go_without_its_title() {
        let mut drawing = Drawing::new(89.0, "A finding");
        let y = drawing.heading("3 seeds");
        drawing.text(10.0, y + 8.0, Anchor::Start, LABEL, "label");
        let figure = drawing.finish(30.0).unwrap();
        let bare = figure.untitled();
        assert_eq!(words(&figure), "A finding\n3 seeds\nlabel\n");
        assert_eq!(words(&bare), "label\n");
        assert_eq!(figure.caption(), "A finding. 3 seeds.\n");
        assert!((figure.height_mm - bare.height_mm - (y - 2.0)).abs() < 1e-9, "{}", bare.height_mm);
        let (before, after) = (label_boxes(&figure)[2].top, label_boxes(&bare)[0].top);
        assert!((before - after - (y - 2.0)).abs() < 0.1, "{before} {after}");
    }

    #[test]
    fn own_pictures_are_known_and_others_are_not_taken_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        figure().save_png(&path("own.png")).unwrap();
        figure().save_svg(&path("own.svg")).unwrap();
        std::fs::write(path("own.pdf"), figure().pdf().unwrap()).unwrap();
        std::fs::write(path("other.pdf"), "%PDF-1.7\n/Creator (another) (fer-lab)").unwrap();
        for own in ["own.png", "own.svg", "own.pdf"] {
            assert!(is_own_picture(&path(own)), "{own}");
        }
        usvg::Tree::from_str(&figure().svg_file(), &usvg::Options::default()).unwrap();
        image::GrayImage::new(4, 4).save(path("other.png")).unwrap();
        std::fs::write(path("empty.png"), "").unwrap();
        std::fs::write(
            path("text.png"),
            "name = \"x\" # fer-lab, Software: fer-lab, and more text",
        )
        .unwrap();
        std::fs::write(path("other.svg"), &figure().svg).unwrap();
        for other in ["other.png", "empty.png", "text.png", "other.svg", "none.png", "other.pdf"] {
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

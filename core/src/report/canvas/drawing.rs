//! Marks placed in millimetres, and how they become an SVG.
//!
//! The charts compute where things go; this file alone knows plotters. Marks are kept as a list until
//! the height of the figure is known. Pictures lie beneath all other marks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, IntoFont, RGBAColor, ShapeStyle};

use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::theme::{Colour, MARGIN, SUBTITLE, TITLE, Type, WHITE};
use crate::report::charts::contact_sheet::Tile;

/// plotters draws on whole units; a hundredth of a millimetre is an eighth of a pixel at 300 dpi.
const UNITS_PER_MM: f64 = 100.0;

/// Which point of a line of text lies at the given x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A figure in the making: x to the right and y downwards from the top left corner, mm.
#[derive(Debug)]
pub struct Drawing {
    pub width: f64,
    title: String,
    description: String,
    pictures: Vec<Picture>,
    marks: Vec<Mark>,
}

#[derive(Debug)]
struct Picture {
    at: (f64, f64),
    size: (f64, f64),
    png: Vec<u8>,
}

#[derive(Debug)]
enum Mark {
    Path { points: Vec<(f64, f64)>, width: f64, colour: Colour, opacity: f64 },
    Area { points: Vec<(f64, f64)>, colour: Colour, opacity: f64 },
    Disc { centre: (f64, f64), radius: f64, colour: Colour },
    Text { at: (f64, f64), anchor: Anchor, style: Type, text: String, upwards: bool },
}

impl Drawing {
    /// An empty drawing of that width, mm. The title also names the figure for screen readers.
    pub fn new(width: f64, title: &str) -> Drawing {
        Drawing {
            width,
            title: printable(title),
            description: String::new(),
            pictures: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// Says in words what the figure shows, for those who cannot see it: sentences that follow its title.
    pub fn describe(&mut self, words: &str) {
        if !self.description.is_empty() {
            self.description.push(' ');
        }
        self.description.push_str(&printable(words));
    }

    /// Sets the title and the subtitle over the whole width; returns the y below them. The subtitle is
    /// also the beginning of the description.
    pub fn heading(&mut self, subtitle: &str) -> f64 {
        if !subtitle.is_empty() {
            self.describe(&format!("{subtitle}."));
        }
        let limit = self.width - 2.0 * MARGIN;
        let mut y = MARGIN;
        for line in fonts::wrap(&self.title.clone(), TITLE, limit) {
            y += TITLE.line();
            self.text(MARGIN, y - 0.3 * TITLE.em(), Anchor::Start, TITLE, &line);
        }
        y += 0.4;
        if !subtitle.is_empty() {
            for line in fonts::wrap(subtitle, SUBTITLE, limit) {
                y += SUBTITLE.line();
                self.text(MARGIN, y - 0.3 * SUBTITLE.em(), Anchor::Start, SUBTITLE, &line);
            }
        }
        y + 2.0
    }

    /// A line of text whose baseline lies at `y`.
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, style: Type, text: &str) {
        self.push_text(x, y, anchor, style, text, false);
    }

    /// A line of text that runs upwards; `x` is its baseline, `y` what it is anchored at.
    pub fn text_upwards(&mut self, x: f64, y: f64, anchor: Anchor, style: Type, text: &str) {
        self.push_text(x, y, anchor, style, text, true);
    }

    /// Lines of text, centred about `y`.
    pub fn text_block(&mut self, x: f64, y: f64, anchor: Anchor, style: Type, lines: &[String]) {
        let first = y - (lines.len() as f64 - 1.0) / 2.0 * style.line() + CAP_MIDDLE * style.em();
        for (index, line) in lines.iter().enumerate() {
            self.text(x, first + index as f64 * style.line(), anchor, style, line);
        }
    }

    fn push_text(
        &mut self,
        x: f64,
        y: f64,
        anchor: Anchor,
        style: Type,
        text: &str,
        upwards: bool,
    ) {
        let text = printable(text);
        if !text.is_empty() {
            self.marks.push(Mark::Text { at: (x, y), anchor, style, text, upwards });
        }
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64, colour: Colour) {
        self.path(vec![from, to], width, colour, 1.0);
    }

    /// A line through several points. Opacity from 0 to 1.
    pub fn path(&mut self, points: Vec<(f64, f64)>, width: f64, colour: Colour, opacity: f64) {
        self.marks.push(Mark::Path { points, width, colour, opacity });
    }

    /// A filled polygon. Opacity from 0 to 1.
    pub fn area(&mut self, points: Vec<(f64, f64)>, colour: Colour, opacity: f64) {
        self.marks.push(Mark::Area { points, colour, opacity });
    }

    /// A filled rectangle.
    pub fn rectangle(&mut self, at: (f64, f64), size: (f64, f64), colour: Colour) {
        let ((x, y), (w, h)) = (at, size);
        self.area(vec![(x, y), (x + w, y), (x + w, y + h), (x, y + h)], colour, 1.0);
    }

    pub fn disc(&mut self, centre: (f64, f64), radius: f64, colour: Colour) {
        self.marks.push(Mark::Disc { centre, radius, colour });
    }

    /// A circle with a white inside.
    pub fn ring(&mut self, centre: (f64, f64), radius: f64, width: f64, colour: Colour) {
        self.disc(centre, radius, colour);
        self.disc(centre, radius - width, WHITE);
    }

    /// A picture stretched over a rectangle, its pixels kept sharp.
    ///
    /// # Errors
    /// Where the picture cannot be encoded.
    pub fn picture(
        &mut self,
        at: (f64, f64),
        size: (f64, f64),
        tile: &Tile,
    ) -> Result<(), ReportError> {
        let png = tile.png().map_err(|reason| self.failure(reason))?;
        self.pictures.push(Picture { at, size, png });
        Ok(())
    }

    /// The figure, `height` mm tall.
    ///
    /// # Errors
    /// Where plotters refuses a mark.
    pub fn finish(self, height: f64) -> Result<Figure, ReportError> {
        let size = (units(self.width) as u32, units(height) as u32);
        let mut marks = String::new();
        let mut backend = SVGBackend::with_string(&mut marks, size);
        for mark in &self.marks {
            draw(&mut backend, mark).map_err(|reason| self.failure(reason))?;
        }
        // Dropped, the backend closes its document.
        drop(backend);
        let opening = marks.find('\n').map_or(0, |end| end + 1);
        let pictures: String = self.pictures.iter().map(Picture::element).collect();
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height:.2}mm\" \
             viewBox=\"0 0 {across} {down}\" role=\"img\">\n<title>{title}</title>\n\
             <desc>{description}</desc>\n\
             <rect width=\"{across}\" height=\"{down}\" fill=\"#FFFFFF\"/>\n{pictures}{marks}",
            width = self.width,
            across = size.0,
            down = size.1,
            title = escape(&self.title),
            description = escape(&self.description),
            marks = &marks[opening..],
        );
        Ok(Figure {
            svg,
            width_mm: self.width,
            height_mm: height,
            title: self.title,
            description: self.description,
        })
    }

    fn failure(&self, reason: String) -> ReportError {
        ReportError::Drawing { title: self.title.clone(), reason }
    }
}

/// How far the baseline lies under the middle of a capital letter or figure, in ems of Inter.
pub const CAP_MIDDLE: f64 = 0.364;

fn draw(backend: &mut SVGBackend<'_>, mark: &Mark) -> Result<(), String> {
    let colour = |colour: Colour, opacity: f64| RGBAColor(colour.0, colour.1, colour.2, opacity);
    let corners = |points: &[(f64, f64)]| points.iter().map(|&at| position(at)).collect::<Vec<_>>();
    let drawn = match mark {
        Mark::Path { points, width, colour: ink, opacity } => {
            let style = ShapeStyle {
                color: colour(*ink, *opacity),
                filled: false,
                stroke_width: units(*width).max(1) as u32,
            };
            backend.draw_path(corners(points), &style)
        }
        Mark::Area { points, colour: ink, opacity } => {
            backend.fill_polygon(corners(points), &colour(*ink, *opacity))
        }
        Mark::Disc { centre, radius, colour: ink } => backend.draw_circle(
            position(*centre),
            units(*radius).max(1) as u32,
            &colour(*ink, 1.0),
            true,
        ),
        Mark::Text { at, anchor, style, text, upwards } => {
            let horizontal = match anchor {
                Anchor::Start => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::End => HPos::Right,
            };
            // plotters divides the size it is given by 1.24, and lets text hang from its top 0.76 em
            // over the baseline.
            let size = style.em() * UNITS_PER_MM;
            let drop = 0.76 * style.em();
            let (x, y) = if *upwards { (at.0 - drop, at.1) } else { (at.0, at.1 - drop) };
            let weight = if style.bold { FontStyle::Bold } else { FontStyle::Normal };
            let turn = if *upwards { FontTransform::Rotate270 } else { FontTransform::None };
            let font = (FAMILIES, size * 1.24, weight).into_font().transform(turn);
            let style = font.color(&colour(style.colour, 1.0)).pos(Pos::new(horizontal, VPos::Top));
            backend.draw_text(text, &style, position((x, y)))
        }
    };
    drawn.map_err(|error| error.to_string())
}

/// The embedded family, then what a browser may have instead.
const FAMILIES: &str = "Inter, Helvetica, Arial, sans-serif";

fn position((x, y): (f64, f64)) -> (i32, i32) {
    (units(x), units(y))
}

fn units(length: f64) -> i32 {
    (length * UNITS_PER_MM).round() as i32
}

impl Picture {
    fn element(&self) -> String {
        let ((x, y), (w, h)) = (position(self.at), position(self.size));
        format!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" preserveAspectRatio=\"none\" \
             image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,{}\"/>\n",
            STANDARD.encode(&self.png)
        )
    }
}

/// Text without the control characters that XML forbids.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{label_boxes, tree};
    use crate::report::canvas::theme::{INK, LABEL};

    #[test]
    fn text_lies_where_it_was_put() {
        let mut drawing = Drawing::new(40.0, "title");
        drawing.text(10.0, 10.0, Anchor::Start, LABEL, "Hxn");
        drawing.text(30.0, 20.0, Anchor::End, LABEL, "Hxn");
        drawing.text_upwards(20.0, 30.0, Anchor::Middle, LABEL, "Hxn");
        let figure = drawing.finish(40.0).unwrap();
        let boxes = label_boxes(&figure);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 0.35, "{a} is not {b}: {boxes:?}");
        // Left to right: what stands on the baseline ends there.
        near(boxes[0].left, 10.0);
        near(boxes[0].bottom, 10.0);
        let width = boxes[0].right - boxes[0].left;
        // The outlines lack the first letter's and the last's own space.
        assert!((0.0..0.6).contains(&(fonts::width("Hxn", LABEL) - width)), "{width}");
        near(boxes[1].right, 30.0);
        near(boxes[1].bottom, 20.0);
        near(boxes[2].right, 20.0);
        near((boxes[2].top + boxes[2].bottom) / 2.0, 30.0);
    }

    #[test]
    fn signs_of_xml_and_control_characters_are_harmless() {
        let mut drawing = Drawing::new(40.0, "a < b & c\u{1}");
        drawing.text(10.0, 10.0, Anchor::Start, LABEL, "a < b & \u{7}\"c\"");
        let figure = drawing.finish(20.0).unwrap();
        assert_eq!(label_boxes(&figure)[0].text, "a < b & \"c\"");
        assert_eq!(figure.title, "a < b & c");
        assert!(figure.svg.contains("<title>a &lt; b &amp; c</title>"));
    }

    #[test]
    fn a_figure_says_what_it_shows() {
        let mut drawing = Drawing::new(40.0, "title");
        drawing.heading("3 < 4 seeds");
        drawing.describe("Eyes: 3.\u{1}");
        let figure = drawing.finish(20.0).unwrap();
        assert_eq!(figure.description, "3 < 4 seeds. Eyes: 3.");
        assert!(figure.svg.contains("<desc>3 &lt; 4 seeds. Eyes: 3.</desc>"));
    }

    #[test]
    fn shapes_keep_their_size() {
        let mut drawing = Drawing::new(40.0, "title");
        drawing.rectangle((10.0, 5.0), (20.0, 10.0), INK);
        let figure = drawing.finish(20.0).unwrap();
        let tree = tree(&figure);
        let bounds = tree.root().abs_bounding_box();
        // usvg counts 96 pixels an inch; the white ground is the outermost shape.
        assert!((f64::from(bounds.width()) - 40.0 / 25.4 * 96.0).abs() < 0.1);
    }
}

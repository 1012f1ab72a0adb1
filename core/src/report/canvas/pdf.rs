//! A figure as a PDF: the shapes of its SVG, and its text as text in the glyphs that it uses.
//!
//! The crates that turn any SVG into a PDF (svg2pdf 0.13, krilla-svg 0.8) bring an SVG parser of another version
//! with them. A [`Drawing`](super::drawing::Drawing) has but filled and stroked paths, text and pictures, of
//! plain colours.

use std::collections::BTreeMap;
use std::io::Write as _;

use ab_glyph::{Font as _, FontRef, GlyphId};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use resvg::tiny_skia::PathSegment;
use resvg::tiny_skia::Transform;
use resvg::usvg::{self, fontdb};
use subsetter::GlyphRemapper;

/// Points in one of usvg's pixels, of which there are 96 an inch.
const POINTS: f32 = 72.0 / 96.0;
/// How the numbers of glyphs are to be read.
const IDENTITY: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The page under way.
struct Writer<'a> {
    pdf: Pdf,
    next: Ref,
    content: Content,
    faces: BTreeMap<fontdb::ID, Face>,
    /// By per mille.
    opacities: BTreeMap<u16, Ref>,
    pictures: Vec<Ref>,
    fonts: &'a fontdb::Database,
}

/// The glyphs of a font that are used, and what each of them says.
struct Face {
    number: usize,
    glyphs: GlyphRemapper,
    said: BTreeMap<u16, String>,
}

/// A PDF of one page that is as large as the tree.
///
/// # Errors
/// Where a font cannot be embedded or a picture not be read, in words.
pub fn pdf(tree: &usvg::Tree, title: &str, program: &str) -> Result<Vec<u8>, String> {
    let mut writer = Writer {
        pdf: Pdf::new(),
        next: Ref::new(1),
        content: Content::new(),
        faces: BTreeMap::new(),
        opacities: BTreeMap::new(),
        pictures: Vec::new(),
        fonts: tree.fontdb(),
    };
    let [catalog, pages, page, content, info] = [(); 5].map(|()| writer.next.bump());
    let (width, height) = (POINTS * tree.size().width(), POINTS * tree.size().height());
    // usvg counts downwards from the top.
    writer.content.transform([POINTS, 0.0, 0.0, -POINTS, 0.0, height]);
    writer.group(tree.root(), 1.0)?;
    let fonts = writer.embed()?;
    writer.pdf.catalog(catalog).pages(pages);
    writer.pdf.pages(pages).kids([page]).count(1);
    let drawn = std::mem::replace(&mut writer.content, Content::new()).finish();
    let drawn = compressed(&drawn)?;
    writer.pdf.stream(content, &drawn).filter(Filter::FlateDecode);
    for (&opacity, &id) in &writer.opacities {
        let alpha = f32::from(opacity) / 1000.0;
        writer.pdf.ext_graphics(id).non_stroking_alpha(alpha).stroking_alpha(alpha);
    }
    let mut described = writer.pdf.page(page);
    described.parent(pages).media_box(Rect::new(0.0, 0.0, width, height)).contents(content);
    let mut resources = described.resources();
    let mut named = resources.fonts();
    for (number, id) in &fonts {
        named.pair(Name(format!("F{number}").as_bytes()), *id);
    }
    named.finish();
    let mut named = resources.ext_g_states();
    for (opacity, id) in &writer.opacities {
        named.pair(Name(format!("A{opacity}").as_bytes()), *id);
    }
    named.finish();
    let mut named = resources.x_objects();
    for (number, id) in writer.pictures.iter().enumerate() {
        named.pair(Name(format!("P{number}").as_bytes()), *id);
    }
    named.finish();
    resources.finish();
    described.finish();
    writer.pdf.document_info(info).title(TextStr(title)).creator(TextStr(program));
    Ok(writer.pdf.finish())
}

impl Writer<'_> {
    fn group(&mut self, group: &usvg::Group, opacity: f32) -> Result<(), String> {
        let opacity = opacity * group.opacity().get();
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => self.group(group, opacity)?,
                usvg::Node::Path(path) => self.path(path, opacity),
                usvg::Node::Text(text) => self.text(text, opacity),
                usvg::Node::Image(image) => self.picture(image, opacity)?,
            }
        }
        Ok(())
    }

    fn path(&mut self, path: &usvg::Path, opacity: f32) {
        if !path.is_visible() {
            return;
        }
        let fill = path.fill().and_then(|fill| Some((colour(fill.paint())?, fill.opacity().get())));
        let stroke = path.stroke().and_then(|stroke| {
            Some((colour(stroke.paint())?, stroke.opacity().get(), stroke.width().get()))
        });
        let own = fill.map(|fill| fill.1).or(stroke.map(|stroke| stroke.1)).unwrap_or(1.0);
        self.content.save_state();
        self.content.transform(matrix(path.abs_transform()));
        self.opacity(opacity * own);
        let mut at = (0.0, 0.0);
        for segment in path.data().segments() {
            match segment {
                PathSegment::MoveTo(to) => _ = self.content.move_to(to.x, to.y),
                PathSegment::LineTo(to) => _ = self.content.line_to(to.x, to.y),
                PathSegment::QuadTo(by, to) => {
                    // The cubic of the same shape.
                    let third = |from: f32, by: f32| from + 2.0 / 3.0 * (by - from);
                    let (a, b) = (third(at.0, by.x), third(at.1, by.y));
                    let (c, d) = (third(to.x, by.x), third(to.y, by.y));
                    self.content.cubic_to(a, b, c, d, to.x, to.y);
                }
                PathSegment::CubicTo(a, b, to) => {
                    self.content.cubic_to(a.x, a.y, b.x, b.y, to.x, to.y);
                }
                PathSegment::Close => _ = self.content.close_path(),
            }
            if let PathSegment::MoveTo(to)
            | PathSegment::LineTo(to)
            | PathSegment::QuadTo(_, to)
            | PathSegment::CubicTo(_, _, to) = segment
            {
                at = (to.x, to.y);
            }
        }
        if let Some(([red, green, blue], _)) = fill {
            self.content.set_fill_rgb(red, green, blue);
        }
        if let Some(([red, green, blue], _, width)) = stroke {
            self.content.set_stroke_rgb(red, green, blue);
            self.content.set_line_width(width);
        }
        match (fill, stroke) {
            (Some(_), Some(_)) => self.content.fill_nonzero_and_stroke(),
            (Some(_), None) => self.content.fill_nonzero(),
            (None, Some(_)) => self.content.stroke(),
            (None, None) => self.content.end_path(),
        };
        self.content.restore_state();
    }

    fn text(&mut self, text: &usvg::Text, opacity: f32) {
        for span in text.layouted().iter().filter(|span| span.visible) {
            let Some((ink, own)) = span
                .fill
                .as_ref()
                .and_then(|fill| Some((colour(fill.paint())?, fill.opacity().get())))
            else {
                continue;
            };
            self.content.save_state();
            self.content.transform(matrix(text.abs_transform()));
            self.opacity(opacity * own);
            self.content.set_fill_rgb(ink[0], ink[1], ink[2]);
            self.content.begin_text();
            let mut set = None;
            for glyph in &span.positioned_glyphs {
                let known = self.faces.len();
                let face = self.faces.entry(glyph.font).or_insert_with(|| Face {
                    number: known,
                    glyphs: GlyphRemapper::new(),
                    said: BTreeMap::new(),
                });
                let number = face.glyphs.remap(glyph.id.0 as u16);
                face.said.insert(number, glyph.text.clone());
                let font = face.number;
                if set != Some(font) {
                    self.content.set_font(Name(format!("F{font}").as_bytes()), 1.0);
                    set = Some(font);
                }
                // The transform is that of font units; a font of size 1 has its em for a unit.
                let em = units_per_em(self.fonts, glyph.font);
                let place = glyph.outline_transform().pre_concat(Transform::from_scale(em, em));
                self.content.set_text_matrix(matrix(place));
                self.content.show(Str(&number.to_be_bytes()));
            }
            self.content.end_text();
            self.content.restore_state();
        }
    }

    fn picture(&mut self, image: &usvg::Image, opacity: f32) -> Result<(), String> {
        let usvg::ImageKind::PNG(png) = image.kind() else {
            return Err("a picture in it is no PNG".to_owned());
        };
        let pixels = image::load_from_memory(png).map_err(|error| error.to_string())?.to_rgb8();
        let data = compressed(pixels.as_raw())?;
        let id = self.next.bump();
        let mut object = self.pdf.image_xobject(id, &data);
        object.filter(Filter::FlateDecode);
        object.width(pixels.width() as i32).height(pixels.height() as i32);
        object.color_space().device_rgb();
        object.bits_per_component(8);
        object.finish();
        let (width, height) = (image.size().width(), image.size().height());
        self.content.save_state();
        self.content.transform(matrix(image.abs_transform()));
        self.opacity(opacity);
        self.content.transform([width, 0.0, 0.0, -height, 0.0, height]);
        self.content.x_object(Name(format!("P{}", self.pictures.len()).as_bytes()));
        self.content.restore_state();
        self.pictures.push(id);
        Ok(())
    }

    fn opacity(&mut self, opacity: f32) {
        let per_mille = (1000.0 * opacity.clamp(0.0, 1.0)).round() as u16;
        if per_mille < 1000 {
            let next = &mut self.next;
            self.opacities.entry(per_mille).or_insert_with(|| next.bump());
            self.content.set_parameters(Name(format!("A{per_mille}").as_bytes()));
        }
    }

    /// Writes the fonts; gives back each one's number and object.
    fn embed(&mut self) -> Result<Vec<(usize, Ref)>, String> {
        let mut fonts = Vec::new();
        for (id, face) in std::mem::take(&mut self.faces) {
            let database = self.fonts;
            let embedded =
                database.with_face_data(id, |data, index| self.embed_face(&face, data, index));
            fonts.push((face.number, embedded.ok_or("a font cannot be read")??));
        }
        Ok(fonts)
    }

    fn embed_face(&mut self, face: &Face, data: &[u8], index: u32) -> Result<Ref, String> {
        let words = |error: &dyn std::fmt::Display| format!("a font cannot be embedded: {error}");
        let font = FontRef::try_from_slice_and_index(data, index).map_err(|error| words(&error))?;
        let em = font.units_per_em().unwrap_or(1000.0);
        let subset = subsetter::subset(data, index, &face.glyphs).map_err(|error| words(&error))?;
        let outlines = table(&subset, b"CFF ");
        let [type0, cid, descriptor, file, cmap] = [(); 5].map(|()| self.next.bump());
        // Six letters say that it is a part of a font.
        let letter = char::from(b'A' + face.number as u8 % 26);
        let name = format!("FERLA{letter}+Font{}", face.number);
        let name = Name(name.as_bytes());
        self.pdf
            .type0_font(type0)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(cmap);
        let mut described = self.pdf.cid_font(cid);
        described.subtype(if outlines.is_some() { CidFontType::Type0 } else { CidFontType::Type2 });
        described.base_font(name).system_info(IDENTITY).font_descriptor(descriptor);
        described.default_width(0.0);
        if outlines.is_none() {
            described.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        let widths = face
            .glyphs
            .remapped_gids()
            .map(|glyph| font.h_advance_unscaled(GlyphId(glyph)) / em * 1000.0);
        described.widths().consecutive(0, widths);
        described.finish();
        let per_mille = |units: f32| units / em * 1000.0;
        let (ascent, descent) =
            (per_mille(font.ascent_unscaled()), per_mille(font.descent_unscaled()));
        let mut descriptor = self.pdf.font_descriptor(descriptor);
        descriptor
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(-1000.0, descent, 2000.0, ascent))
            .italic_angle(0.0)
            .ascent(ascent)
            .descent(descent)
            .cap_height(ascent)
            .stem_v(80.0);
        match outlines {
            Some(_) => descriptor.font_file3(file),
            None => descriptor.font_file2(file),
        };
        descriptor.finish();
        let bytes = compressed(outlines.unwrap_or(&subset))?;
        let mut stream = self.pdf.stream(file, &bytes);
        stream.filter(Filter::FlateDecode);
        if outlines.is_some() {
            stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        }
        stream.finish();
        let mut unicode = UnicodeCmap::new(Name(format!("F{}", face.number).as_bytes()), IDENTITY);
        for (&glyph, text) in &face.said {
            unicode.pair_with_multiple(glyph, text.chars());
        }
        let unicode = compressed(&unicode.finish())?;
        self.pdf.cmap(cmap, &unicode).filter(Filter::FlateDecode);
        Ok(type0)
    }
}

fn units_per_em(fonts: &fontdb::Database, id: fontdb::ID) -> f32 {
    let of = |data: &[u8], index| {
        FontRef::try_from_slice_and_index(data, index).ok().and_then(|font| font.units_per_em())
    };
    fonts.with_face_data(id, of).flatten().unwrap_or(1000.0)
}

/// A table of an OpenType font.
fn table<'a>(font: &'a [u8], tag: &[u8; 4]) -> Option<&'a [u8]> {
    let count = u16::from_be_bytes(font.get(4..6)?.try_into().ok()?);
    let records = font.get(12..12 + 16 * usize::from(count))?;
    let record = records.chunks_exact(16).find(|record| record[..4] == tag[..])?;
    let number =
        |at: usize| Some(u32::from_be_bytes(record.get(at..at + 4)?.try_into().ok()?) as usize);
    font.get(number(8)?..number(8)? + number(12)?)
}

/// The parts of a plain colour, 0 to 1; a figure has no other paint.
fn colour(paint: &usvg::Paint) -> Option<[f32; 3]> {
    match paint {
        usvg::Paint::Color(colour) => {
            Some([colour.red, colour.green, colour.blue].map(|part| f32::from(part) / 255.0))
        }
        _ => None,
    }
}

fn matrix(of: Transform) -> [f32; 6] {
    [of.sx, of.ky, of.kx, of.sy, of.tx, of.ty]
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::report::canvas::drawing::{Anchor, Drawing};
    use crate::report::canvas::theme::{BLUE, LABEL, TITLE};
    use crate::report::charts::contact_sheet::Tile;

    /// What lies in the compressed parts of a PDF, one after the other.
    fn unpacked(pdf: &[u8]) -> Vec<Vec<u8>> {
        let (opening, mut parts) = (b"stream\n".as_slice(), Vec::new());
        let starts = (0..pdf.len()).filter(|&at| pdf[at..].starts_with(opening));
        for start in starts.filter(|&at| !pdf[..at].ends_with(b"end")) {
            let mut part = Vec::new();
            let mut decoder = flate2::read::ZlibDecoder::new(&pdf[start + opening.len()..]);
            decoder.read_to_end(&mut part).unwrap();
            parts.push(part);
        }
        parts
    }

    /// The bytes of a string between parentheses: `\000` and the like are one.
    fn literal(written: &[u8]) -> Vec<u8> {
        let (mut bytes, mut rest) = (Vec::new(), written);
        while let [first, after @ ..] = rest {
            rest = match (first, after) {
                (b'\\', [a @ b'0'..=b'7', b, c, after @ ..]) => {
                    bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                    after
                }
                (b'\\', [escaped, after @ ..]) => {
                    let signs =
                        [(b'n', b'\n'), (b'r', b'\r'), (b't', b'\t'), (b'b', 8), (b'f', 12)];
                    let sign = signs.iter().find(|(letter, _)| letter == escaped);
                    bytes.push(sign.map_or(*escaped, |sign| sign.1));
                    after
                }
                _ => {
                    bytes.push(*first);
                    after
                }
            };
        }
        bytes
    }

    /// The text as a reader of the PDF would copy it: the glyphs that are shown, by what their font says they are.
    fn copied(pdf: &[u8]) -> String {
        let parts = unpacked(pdf);
        let text = |part: &Vec<u8>| String::from_utf8_lossy(part).into_owned();
        let mut said: BTreeMap<(String, u16), char> = BTreeMap::new();
        for map in parts.iter().map(text).filter(|part| part.contains("beginbfchar")) {
            let font = map.split("/CMapName /").nth(1).unwrap().split(' ').next().unwrap();
            let pairs = map.split("beginbfchar").nth(1).unwrap().split("endbfchar").next().unwrap();
            for line in pairs.lines().filter(|line| line.starts_with('<')) {
                let words: Vec<&str> = line.split(['<', '>']).collect();
                let number = |text: &str| u32::from_str_radix(text, 16).unwrap();
                let sign = char::from_u32(number(words[3])).unwrap();
                said.insert((font.to_owned(), number(words[1]) as u16), sign);
            }
        }
        let content = parts.iter().find(|part| text(part).contains("BT\n")).unwrap();
        let (mut font, mut copied) = (String::new(), String::new());
        for line in content.split(|byte| *byte == b'\n') {
            if let Some(named) = line.strip_suffix(b" 1 Tf") {
                font = String::from_utf8_lossy(&named[1..]).into_owned();
            }
            let Some(shown) = line.strip_suffix(b" Tj") else { continue };
            let bytes = match shown {
                [b'(', inner @ .., b')'] => literal(inner),
                other => panic!("{other:?} is no string"),
            };
            let glyph = u16::from_be_bytes(bytes.try_into().unwrap());
            copied.push(said[&(font.clone(), glyph)]);
        }
        copied
    }

    fn figure() -> crate::report::canvas::figure::Figure {
        let mut drawing = Drawing::new(60.0, "Title");
        drawing.rectangle((5.0, 5.0), (10.0, 5.0), BLUE);
        drawing.path(vec![(0.0, 0.0), (9.0, 9.0)], 0.3, BLUE, 0.5);
        drawing
            .picture((20.0, 5.0), (5.0, 5.0), &Tile::new(vec![7; 12], 2, 2, 3).unwrap())
            .unwrap();
        drawing.text(5.0, 18.0, Anchor::Start, TITLE, "Bold");
        drawing.text(5.0, 25.0, Anchor::Start, LABEL, "eyes −1.2 %");
        drawing.finish(30.0).unwrap()
    }

    #[test]
    fn a_pdf_is_of_the_figure_s_size_and_has_its_text() {
        let pdf = figure().pdf().unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
        assert_eq!(copied(&pdf), "Boldeyes −1.2 %");
        let plain = String::from_utf8_lossy(&pdf);
        // 60 × 30 mm in points.
        assert!(plain.contains("/MediaBox [0 0 170.07874 85.03937]"), "{plain}");
        assert!(plain.contains("/CA 0.5"), "{plain}");
        assert!(plain.contains("/Subtype /Image") && plain.contains("/Title (Title)"), "{plain}");
        // Two weights, each with the glyphs that are used and no more.
        assert_eq!(plain.matches("/FontFile3").count(), 2);
        assert!(pdf.len() < 20_000, "{}", pdf.len());
    }
}

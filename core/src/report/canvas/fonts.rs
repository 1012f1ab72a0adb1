//! The embedded typeface: Inter (SIL Open Font License), regular and bold; for what it lacks, the system's fonts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ab_glyph::{Font, FontRef, ScaleFont};
use resvg::usvg::fontdb;

use crate::report::canvas::theme::Type;

/// The family's own name, by which an SVG asks for it.
pub const FAMILY: &str = "Inter";

pub static REGULAR_BYTES: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
pub static BOLD_BYTES: &[u8] = include_bytes!("../../../assets/fonts/Inter-Bold.otf");

static REGULAR: LazyLock<FontRef<'static>> = LazyLock::new(|| parse(REGULAR_BYTES));
static BOLD: LazyLock<FontRef<'static>> = LazyLock::new(|| parse(BOLD_BYTES));

static DATABASE: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut database = fontdb::Database::new();
    database.load_font_data(REGULAR_BYTES.to_vec());
    database.load_font_data(BOLD_BYTES.to_vec());
    Arc::new(database)
});

/// The system's fonts behind the typeface, for signs that it lacks. To find them takes a moment, so that they are
/// looked for where there is such a sign.
static WITH_SYSTEM: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut database = fontdb::Database::clone(&DATABASE);
    database.load_system_fonts();
    Arc::new(database)
});

/// The fonts that a text needs, for the rasteriser: the typeface, and the system's where it lacks a sign.
pub fn database(text: &str) -> Arc<fontdb::Database> {
    match text.chars().all(embedded) {
        true => Arc::clone(&DATABASE),
        false => Arc::clone(&WITH_SYSTEM),
    }
}

/// How many fonts of the system there are for signs that the typeface lacks.
pub fn system_fonts() -> usize {
    WITH_SYSTEM.len() - DATABASE.len()
}

/// As [`lacking`], in words: `` `喜` (U+559C) ``.
pub fn lacking_signs<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let signs = lacking(&texts.collect::<String>());
    signs.into_iter().map(|sign| format!("`{sign}` (U+{:04X})", u32::from(sign))).collect()
}

/// The signs of a text that no font at hand has, each once.
pub fn lacking(text: &str) -> Vec<char> {
    let mut lacking: Vec<char> = Vec::new();
    for sign in text.chars().filter(|sign| !embedded(*sign)) {
        if !lacking.contains(&sign) && system_advance(sign).is_none() {
            lacking.push(sign);
        }
    }
    lacking
}

/// Whether the typeface has the sign, or it is one that is not drawn.
fn embedded(sign: char) -> bool {
    sign.is_control() || sign.is_whitespace() || REGULAR.glyph_id(sign).0 != 0
}

/// How far a sign that the typeface lacks moves the pen in the first of the system's fonts that has it, ems;
/// `None` where none has. Marks that combine with the sign before them do not move it.
fn system_advance(sign: char) -> Option<f32> {
    static KNOWN: LazyLock<Mutex<BTreeMap<char, Option<f32>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(sign).or_insert_with(|| {
        WITH_SYSTEM.faces().find_map(|face| {
            let advance = |data: &[u8], index| {
                let font = FontRef::try_from_slice_and_index(data, index).ok()?;
                let glyph = font.glyph_id(sign);
                let em = font.units_per_em()?;
                (glyph.0 != 0).then(|| font.h_advance_unscaled(glyph) / em)
            };
            WITH_SYSTEM.with_face_data(face.id, advance).flatten()
        })
    })
}

/// The width of a line of text, mm.
pub fn width(text: &str, style: Type) -> f64 {
    let font = if style.bold { &*BOLD } else { &*REGULAR };
    // `ab_glyph` scales by the height of a line, not by the em.
    let units = font.units_per_em().unwrap_or(1000.0);
    let scaled = font.as_scaled(font.height_unscaled() / units * style.em() as f32);
    let mut total = 0.0;
    let mut previous = None;
    for character in text.chars() {
        let glyph = scaled.glyph_id(character);
        if glyph.0 == 0 {
            total += system_advance(character).unwrap_or(1.0) * style.em() as f32;
            previous = None;
            continue;
        }
        if let Some(previous) = previous {
            total += scaled.kern(previous, glyph);
        }
        total += scaled.h_advance(glyph);
        previous = Some(glyph);
    }
    f64::from(total)
}

/// Text broken at spaces (not at no-break ones) into lines no wider than `limit` mm. A word that is wider
/// starts a line of its own and is broken inside.
pub fn wrap(text: &str, style: Type, limit: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let line = lines.last_mut().expect("there is always a line");
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&joined, style) <= limit {
            *line = joined;
        } else if width(word, style) <= limit {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                lines.push(String::new());
            }
            for character in word.chars() {
                let line = lines.last_mut().expect("there is always a line");
                let fits = width(&format!("{line}{character}"), style) <= limit;
                if fits || line.is_empty() {
                    line.push(character);
                } else {
                    lines.push(character.to_string());
                }
            }
        }
    }
    lines
}

/// Text cut with an ellipsis to at most `limit` mm.
pub fn fit(text: &str, style: Type, limit: f64) -> String {
    if width(text, style) <= limit {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let shorter = format!("{}…", kept.iter().collect::<String>().trim_end());
        if width(&shorter, style) <= limit {
            return shorter;
        }
    }
    String::new()
}

/// Texts cut to at most `limit` mm each, so that different ones stay different: of those whose beginnings are the same the
/// ends are shown, or what follows the common beginning, as far as the room allows.
pub fn fit_apart(texts: &[String], style: Type, limit: f64) -> Vec<String> {
    let mut cut: Vec<String> = texts.iter().map(|text| fit(text, style, limit)).collect();
    for shorten in [with_end, after_common] {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, text) in cut.iter().enumerate() {
            groups.entry(text.clone()).or_default().push(at);
        }
        for members in groups.into_values() {
            let all: BTreeSet<&str> = members.iter().map(|&at| texts[at].as_str()).collect();
            if all.len() < 2 {
                continue;
            }
            let common = common_beginning(&all);
            for at in members.into_iter().filter(|&at| width(&texts[at], style) > limit) {
                cut[at] = shorten(&texts[at], common, style, limit);
            }
        }
    }
    cut
}

/// How many characters all of them begin with.
fn common_beginning(texts: &BTreeSet<&str>) -> usize {
    // Of sorted texts the first and the last one differ most.
    let ends = texts.first().zip(texts.last());
    ends.map_or(0, |(first, last)| {
        first.chars().zip(last.chars()).take_while(|(one, other)| one == other).count()
    })
}

/// A third of the beginning, and as much of the end as there is room for.
fn with_end(text: &str, _: usize, style: Type, limit: f64) -> String {
    let characters: Vec<char> = text.chars().collect();
    let part = |from: usize, to: usize| characters[from..to].iter().collect::<String>();
    let mut head = characters.len();
    while head > 0 && width(&part(0, head), style) > limit / 3.0 {
        head -= 1;
    }
    let head = part(0, head);
    let joined =
        |from: usize| format!("{}…{}", head.trim_end(), part(from, characters.len()).trim_start());
    let from = (0..=characters.len()).find(|&from| width(&joined(from), style) <= limit);
    from.map_or_else(|| fit(text, style, limit), joined)
}

/// What follows the common beginning.
fn after_common(text: &str, common: usize, style: Type, limit: f64) -> String {
    let rest: String = text.chars().skip(common).collect();
    fit(&format!("…{rest}"), style, limit)
}

fn parse(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the embedded font is a font: a test reads it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::theme::{LABEL, TITLE};

    #[test]
    fn every_sign_that_figures_use_has_a_glyph() {
        for font in [&*REGULAR, &*BOLD] {
            for sign in "−×±–·µ°÷→←…“”≥≤%éüñ".chars() {
                assert_ne!(font.glyph_id(sign).0, 0, "no glyph for {sign}");
            }
        }
    }

    #[test]
    fn the_database_holds_both_weights_of_the_family() {
        let weights: Vec<u16> = database("− ± ×")
            .faces()
            .map(|face| {
                assert_eq!(face.families[0].0, FAMILY);
                face.weight.0
            })
            .collect();
        assert_eq!(weights, [400, 700]);
    }

    /// No font has a noncharacter; a letter of another script is found where the system has a font for it, and
    /// then has a width.
    #[test]
    fn signs_that_no_font_has_are_named() {
        assert!(lacking("happiness −1.2 %\u{a0}").is_empty());
        assert_eq!(lacking("a\u{ffff}b\u{ffff}\u{fdd0}"), ['\u{ffff}', '\u{fdd0}']);
        match system_advance('喜') {
            Some(advance) => assert!(width("喜", LABEL) > 0.9 * f64::from(advance) * LABEL.em()),
            None => assert_eq!(lacking("喜び"), lacking("喜び喜")),
        }
    }

    #[test]
    fn width_grows_with_size_and_text() {
        let one = width("happiness", LABEL);
        // Nine letters of about half an em each.
        assert!((0.4..0.65).contains(&(one / 9.0 / LABEL.em())), "{one}");
        assert!(width("happiness happiness", LABEL) > 2.0 * one);
        assert!(width("happiness", TITLE) > one);
        assert_eq!(width("", LABEL), 0.0);
    }

    #[test]
    fn wrapped_lines_fit_and_lose_nothing() {
        let text = "Hiding the mouth costs 21 points, more than any otherregionwithaverylongname";
        let lines = wrap(text, LABEL, 20.0);
        assert!(lines.iter().all(|line| width(line, LABEL) <= 20.0), "{lines:?}");
        let letters = |text: &str| text.replace(' ', "");
        assert_eq!(letters(&lines.concat()), letters(text));
        assert_eq!(wrap("", LABEL, 20.0), [""]);
    }

    #[test]
    fn different_texts_stay_different_when_they_are_cut() {
        let texts =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        // Nothing is cut that has room, nor changed that is cut apart from the others.
        let some = texts(&["joy", "a feeling of great satisfaction", "joy"]);
        let cut = fit_apart(&some, LABEL, 20.0);
        assert_eq!((&*cut[0], &*cut[2]), ("joy", "joy"));
        assert_eq!(cut[1], fit(&some[1], LABEL, 20.0));
        let long = texts(&[
            "an expression with a long shared beginning, number 1",
            "an expression with a long shared beginning, number 2",
            "an expression with one middle and a long end that both of these share",
            "an expression with two middles and a long end that both of these share",
        ]);
        for limit in [12.0, 20.0, 30.0] {
            let cut = fit_apart(&long, LABEL, limit);
            assert!(cut.iter().all(|text| width(text, LABEL) <= limit), "{cut:?}");
            let different: BTreeSet<&String> = cut.iter().collect();
            assert_eq!(different.len(), 4, "{cut:?}");
        }
        assert!(fit_apart(&long, LABEL, 20.0)[0].ends_with("number 1"));
    }

    #[test]
    fn fitted_text_ends_in_an_ellipsis() {
        assert_eq!(fit("eyes", LABEL, 20.0), "eyes");
        let cut = fit("a very long name of a region", LABEL, 20.0);
        assert!(cut.ends_with('…') && width(&cut, LABEL) <= 20.0, "{cut}");
        assert_eq!(fit("eyes", LABEL, 0.1), "");
    }
}

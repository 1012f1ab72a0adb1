//! The embedded typeface: Inter (SIL Open Font License), regular and bold.

use std::sync::{Arc, LazyLock};

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

/// The typeface alone, for the rasteriser.
pub fn database() -> Arc<fontdb::Database> {
    Arc::clone(&DATABASE)
}

/// The width of a line of text, mm.
pub fn width(text: &str, style: Type) -> f64 {
    let font = if style.bold { &*BOLD } else { &*REGULAR };
    // `ab_glyph` scales by the height of a line, not by the em.
    let units = font.units_per_em().unwrap_or(1000.0);
    let scaled = font.as_scaled(font.height_unscaled() / units * style.em() as f32);
    let mut total = 0.0;
    let mut previous = None;
    for glyph in text.chars().map(|character| scaled.glyph_id(character)) {
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
        let weights: Vec<u16> = database()
            .faces()
            .map(|face| {
                assert_eq!(face.families[0].0, FAMILY);
                face.weight.0
            })
            .collect();
        assert_eq!(weights, [400, 700]);
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
    fn fitted_text_ends_in_an_ellipsis() {
        assert_eq!(fit("eyes", LABEL, 20.0), "eyes");
        let cut = fit("a very long name of a region", LABEL, 20.0);
        assert!(cut.ends_with('…') && width(&cut, LABEL) <= 20.0, "{cut}");
        assert_eq!(fit("eyes", LABEL, 0.1), "");
    }
}

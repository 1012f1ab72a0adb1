//! One look for every figure: sizes, type and colours.
//!
//! Lengths are millimetres on the printed page, type sizes are points. Column widths and the smallest
//! type follow the figure guides of the large journals (89 and 183 mm; 7 pt).

/// Width of a figure that spans one column of a journal page, mm.
pub const SINGLE_COLUMN: f64 = 89.0;
/// Width of a figure that spans one and a half columns, mm.
pub const MIDDLE_COLUMN: f64 = 120.0;
/// Width of a figure that spans the page, mm.
pub const DOUBLE_COLUMN: f64 = 183.0;
/// Pixels an inch of every PNG.
pub const DPI: f64 = 300.0;
/// A typographic point, mm.
pub const POINT: f64 = 25.4 / 72.0;
/// White space around a figure, mm.
pub const MARGIN: f64 = 2.0;
/// Distance between the baselines of two lines, as a share of the type size.
pub const LINE_HEIGHT: f64 = 1.25;

/// Widths of lines, mm.
pub const HAIRLINE: f64 = 0.1;
pub const THIN: f64 = 0.2;
pub const MEDIUM: f64 = 0.35;

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

pub const WHITE: Colour = Colour(255, 255, 255);
pub const BLACK: Colour = Colour(0, 0, 0);
/// Text and marks that matter.
pub const INK: Colour = Colour(26, 26, 26);
/// Text that explains: 7 to 1 on white.
pub const MUTED: Colour = Colour(89, 89, 89);
/// Axes, references and rules.
pub const RULE: Colour = Colour(150, 150, 150);
/// Grid lines.
pub const FAINT: Colour = Colour(226, 226, 226);

/// Colours for categories that readers with any colour vision can tell apart (Okabe and Ito 2008),
/// without the black, which is the text's, and ordered so that neighbours differ in lightness too.
pub const CATEGORIES: [Colour; 7] = [
    Colour(0, 114, 178),
    Colour(230, 159, 0),
    Colour(0, 158, 115),
    Colour(204, 121, 167),
    Colour(86, 180, 233),
    Colour(213, 94, 0),
    Colour(240, 228, 66),
];
pub const BLUE: Colour = CATEGORIES[0];
pub const ORANGE: Colour = CATEGORIES[1];

/// How a piece of text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Type {
    /// Points, at print size.
    pub size: f64,
    pub bold: bool,
    pub colour: Colour,
}

pub const TITLE: Type = Type { size: 9.0, bold: true, colour: INK };
pub const SUBTITLE: Type = Type { size: 7.0, bold: false, colour: MUTED };
pub const HEADING: Type = Type { size: 7.5, bold: true, colour: INK };
pub const LABEL: Type = Type { size: 7.5, bold: false, colour: INK };
pub const NOTE: Type = Type { size: 7.0, bold: false, colour: INK };
pub const TICK: Type = Type { size: 7.0, bold: false, colour: MUTED };

impl Type {
    pub const fn coloured(self, colour: Colour) -> Type {
        Type { size: self.size, bold: self.bold, colour }
    }

    /// The type size in mm.
    pub fn em(self) -> f64 {
        self.size * POINT
    }

    /// Distance between two baselines, mm.
    pub fn line(self) -> f64 {
        self.em() * LINE_HEIGHT
    }
}

impl Colour {
    /// Relative luminance, 0 (black) to 1 (white): WCAG 2.2.
    pub fn luminance(self) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Contrast ratio of two colours, 1 to 21: WCAG 2.2.
    pub fn contrast(self, other: Colour) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// A mixture: this colour at 0, the other at 1.
    fn towards(self, other: Colour, share: f64) -> Colour {
        let mix = |from: u8, to: u8| {
            (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8
        };
        Colour(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// Black or white, whichever can be read better on this colour: never under 4.5 to 1.
    pub fn text_on(self) -> Colour {
        if self.contrast(BLACK) >= self.contrast(WHITE) { BLACK } else { WHITE }
    }
}

/// The colour of an amount from 0 (white) to 1 (dark): viridis from its light end, which fades into the
/// paper so that little is little ink. Amounts outside are clamped; one that is no number is white.
pub fn amount(share: f64) -> Colour {
    if share.is_nan() {
        return WHITE;
    }
    let share = share.clamp(0.0, 1.0);
    let (red, green, blue) = colorous::VIRIDIS.eval_continuous(1.0 - share).as_tuple();
    WHITE.towards(Colour(red, green, blue), 1.0 - (1.0 - share).powi(3))
}

/// The colour of a difference: white at 0, orange down to `-extreme`, blue up to `extreme`. Differences
/// outside are clamped; one that is no number is white.
pub fn difference(value: f64, extreme: f64) -> Colour {
    let share = value / extreme.abs();
    if share.is_nan() {
        return WHITE;
    }
    let full = if share < 0.0 { CATEGORIES[5] } else { BLUE };
    WHITE.towards(full, share.abs().min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_of_black_and_white_is_21() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
        assert!((Colour(119, 119, 119).contrast(WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn text_is_legible_on_every_amount() {
        for step in 0..=100 {
            let ground = amount(f64::from(step) / 100.0);
            assert!(ground.contrast(ground.text_on()) >= 4.5, "{step} %: {ground:?}");
        }
    }

    #[test]
    fn amounts_darken_evenly() {
        let steps: Vec<f64> =
            (0..=10).map(|step| amount(f64::from(step) / 10.0).luminance()).collect();
        assert!(steps.windows(2).all(|pair| pair[0] > pair[1]), "{steps:?}");
    }

    #[test]
    fn differences_are_white_at_zero_and_clamped() {
        assert_eq!(difference(0.0, 0.3), WHITE);
        assert_eq!(difference(0.0, 0.0), WHITE);
        assert_eq!(difference(0.3, 0.3), BLUE);
        assert_eq!(difference(9.0, 0.3), BLUE);
        assert_eq!(difference(-0.3, 0.3), CATEGORIES[5]);
    }

    #[test]
    fn no_type_is_smaller_than_7_points() {
        for style in [TITLE, SUBTITLE, HEADING, LABEL, NOTE, TICK] {
            assert!(style.size >= 7.0);
            assert!(style.colour.contrast(WHITE) >= 4.5);
        }
    }
}

//! The charts' colours on a dark page.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::report::canvas::theme::{BLACK, Colour, WHITE};

/// A style sheet that gives every colour of these drawings the one that stands for it in the dark scheme. In
/// print, and in the light scheme, they stay as they are.
pub fn sheet<'a>(drawings: impl Iterator<Item = &'a str>) -> String {
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for drawing in drawings {
        for attribute in ["fill", "stroke"] {
            let opening = format!(" {attribute}=\"");
            let values = drawing.split(opening.as_str()).skip(1);
            let values = values.filter_map(|rest| rest.split('"').next());
            seen.extend(values.map(|value| (attribute, value)));
        }
    }
    let mut rules = String::new();
    for (attribute, value) in seen {
        let Some(dark) = Colour::of_hex(value).map(Colour::in_the_dark) else { continue };
        let dark = dark.hex();
        let _ = writeln!(rules, "  .chart [{attribute}=\"{value}\"] {{ {attribute}: {dark}; }}");
    }
    if rules.is_empty() {
        return rules;
    }
    // Black and white are the text on cells, which is turned round with them.
    for (text, dark) in [(BLACK, WHITE), (WHITE, BLACK)] {
        let (text, dark) = (text.hex(), dark.hex());
        let _ = writeln!(rules, "  .chart text[fill=\"{text}\"] {{ fill: {dark}; }}");
    }
    format!("@media screen and (prefers-color-scheme: dark) {{\n{rules}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_has_one_for_the_dark() {
        let drawing = "<rect fill=\"#FFFFFF\"/><path fill=\"none\" stroke=\"#1A1A1A\"/>";
        let sheet = sheet([drawing].into_iter());
        assert!(sheet.starts_with("@media screen and (prefers-color-scheme: dark) {"));
        assert!(sheet.contains(".chart [fill=\"#FFFFFF\"] { fill: #15181C; }"), "{sheet}");
        assert_eq!(sheet.matches("[stroke=").count(), 1, "{sheet}");
        assert!(!sheet.contains("none"));
        assert_eq!(super::sheet(["<g/>"].into_iter()), "");
    }
}

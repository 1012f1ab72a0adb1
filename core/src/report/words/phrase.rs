//! Text in lines.

pub use crate::region::phrase::{list, subject};

/// Text in lines of at most `width` columns of a terminal, broken at spaces; no-break spaces hold, and become
/// plain ones.
pub fn wrap(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthStr;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n").replace('\u{a0}', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_with_their_units() {
        assert_eq!(wrap("reach 41.2\u{a0}% of all", 12), "reach 41.2 %\nof all");
        assert_eq!(wrap("reach 41.2\u{a0}% of all", 11), "reach\n41.2 % of\nall");
        // A letter of these is two columns wide.
        assert_eq!(wrap("喜び 怒り", 9), "喜び 怒り");
        assert_eq!(wrap("喜び 怒り", 8), "喜び\n怒り");
    }
}

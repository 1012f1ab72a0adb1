//! Text in lines.

pub use crate::region::phrase::{list, subject};

/// Text in lines of at most `width` characters, broken at spaces; no-break spaces hold, and become
/// plain ones.
pub fn wrap(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
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
    }
}

//! Text from files, made safe to show.
//!
//! A results folder may come from someone else, and a name in it may hold an escape sequence that rewrites
//! the terminal, or a sign that turns the direction of writing. What is printed for people goes through
//! here; programs get the text as it is, in the escaping of their format.

use std::borrow::Cow;

const REPLACEMENT: char = '\u{fffd}';

/// A single line: every character that a terminal would obey is a replacement character.
pub fn visible(text: &str) -> Cow<'_, str> {
    replaced(text, |_| false)
}

/// The same for text of several lines; line breaks and tabs stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    replaced(text, |c| matches!(c, '\n' | '\t'))
}

fn replaced(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let harmful = |c: char| (c.is_control() || turns_direction(c)) && !stays(c);
    if text.chars().any(harmful) {
        Cow::Owned(text.chars().map(|c| if harmful(c) { REPLACEMENT } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Unicode's explicit directional controls (UAX 9).
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_replaced() {
        assert_eq!(visible("eyes + mouth, 1 %, é"), "eyes + mouth, 1 %, é");
        let text = "a\u{1b}[31m\u{7}\n\tb\r\u{9b}c\u{7f}\u{202e}d";
        assert_eq!(visible(text), "a�[31m���b��c��d");
        assert_eq!(visible_lines(text), "a�[31m�\n\tb��c��d");
    }
}

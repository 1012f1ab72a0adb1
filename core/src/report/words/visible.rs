//! Text from files, made safe to show.
//!
//! A results folder may come from someone else, and a name in it may hold an escape sequence that rewrites
//! the terminal, or a sign that turns the direction of writing. All that is printed goes through here, also
//! what is meant for programs: nobody knows whether a pipe ends on a terminal.

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

/// The same for lines that the program itself has coloured: sequences that only choose bold or a colour
/// (SGR 0, 1, 30 to 37 and 90 to 97; ECMA-48, 8.3.117) stay too.
pub fn visible_coloured(text: &str) -> Cow<'_, str> {
    let mut pieces = text.split('\u{1b}');
    let mut shown = visible_lines(pieces.next().unwrap_or_default());
    for piece in pieces {
        let sign = if chooses_colour(piece) { '\u{1b}' } else { REPLACEMENT };
        let shown = shown.to_mut();
        shown.push(sign);
        shown.push_str(&visible_lines(piece));
    }
    shown
}

/// Whether what follows an escape character does.
fn chooses_colour(piece: &str) -> bool {
    let parameters = piece.strip_prefix('[').and_then(|rest| rest.split_once('m'));
    parameters.is_some_and(|(parameters, _)| {
        let known = |parameter: &str| matches!(parameter.parse(), Ok(0 | 1 | 30..=37 | 90..=97));
        parameters.split(';').all(known)
    })
}

/// Text for programs: every character that a terminal would obey is written as `\u001b`, in four
/// hexadecimal digits. In JSON, where such characters stand in strings alone, that is another spelling of
/// the same text. Line breaks and tabs stay.
pub fn escaped(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| is_harmful(c) && !matches!(c, '\n' | '\t');
    if !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match harmful(c) {
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

fn replaced(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let harmful = |c: char| is_harmful(c) && !stays(c);
    if text.chars().any(harmful) {
        Cow::Owned(text.chars().map(|c| if harmful(c) { REPLACEMENT } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_harmful(c: char) -> bool {
    c.is_control() || turns_direction(c)
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

    #[test]
    fn colours_of_the_program_itself_stay_and_nothing_else() {
        let text = "\u{1b}[1m\u{1b}[91merror:\u{1b}[0m a\u{1b}[2Jb\u{1b}]0;title\u{7}\nc";
        assert_eq!(
            visible_coloured(text),
            "\u{1b}[1m\u{1b}[91merror:\u{1b}[0m a�[2Jb�]0;title�\nc"
        );
        assert_eq!(visible_coloured("a\u{9b}m\u{1b}"), "a�m�");
        assert_eq!(visible_coloured("\u{1b}[8mhidden\u{1b}[1;31mred"), "�[8mhidden\u{1b}[1;31mred");
    }

    #[test]
    fn programs_read_the_same_text_from_json_and_see_the_rest_spelled_out() {
        let text = "a\u{1b}[31m\u{7f}\u{9b}\u{202e}é\n\t";
        let json = serde_json::to_string(text).unwrap();
        let written = escaped(&json);
        assert!(!written.chars().any(is_harmful), "{written}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        assert_eq!(escaped("name\ra\u{1b}[2J,1\n"), "name\\u000da\\u001b[2J,1\n");
    }
}

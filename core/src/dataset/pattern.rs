//! A pattern over the names of pictures: what it finds in a name is a label, or the group that a picture belongs to.
//!
//! The syntax is that of the `regex` crate, whose matching takes linear time. A pattern is searched for in the picture's
//! name, its path under the root with `/`. What its one pair of parentheses captures counts; without any, the whole match.

use regex::{Regex, RegexBuilder};

/// The most memory that a compiled pattern takes, bytes.
const LARGEST: usize = 1 << 20;

#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// # Errors
    ///
    /// What is wrong with the text, in words: it is no regular expression, it is too large, or it captures several things.
    pub fn new(text: &str) -> Result<Pattern, String> {
        let regex = RegexBuilder::new(text).size_limit(LARGEST).build().map_err(|error| {
            // The crate's message shows the pattern over several lines; the last one says what is wrong.
            let message = error.to_string();
            message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })?;
        match regex.captures_len() - 1 {
            0 | 1 => Ok(Pattern { regex }),
            several => Err(format!("it captures {several} things; write all but one as `(?:...)`")),
        }
    }

    /// Whether it has parentheses that capture.
    pub fn captures(&self) -> bool {
        self.regex.captures_len() > 1
    }

    /// What it finds in a name; `None` where it does not match, or finds nothing.
    pub fn find<'n>(&self, name: &'n str) -> Option<&'n str> {
        let captures = self.regex.captures(name)?;
        let found = captures.get(self.regex.captures_len() - 1)?.as_str();
        (!found.is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_captured_counts_else_the_whole_match() {
        let find = |pattern: &str, name: &'static str| Pattern::new(pattern).unwrap().find(name);
        assert_eq!(find(r"([A-Z]{2})\d\.", "jaffe/KA.HA1.29.tiff"), Some("HA"));
        assert_eq!(find(r"S\d+", "happy/S010_004_00000017.png"), Some("S010"));
        assert_eq!(find(r"(x)|y", "y"), None);
        assert_eq!(find(r"([0-9]*)\.png", "a.png"), None);
        assert_eq!(find("^([^/]+)/", "Влад/1.png"), Some("Влад"));
    }

    #[test]
    fn what_is_wrong_is_said_in_a_line() {
        let wrong = |pattern: &str| Pattern::new(pattern).unwrap_err();
        assert_eq!(wrong("(a"), "unclosed group");
        assert_eq!(wrong("(a)(b)"), "it captures 2 things; write all but one as `(?:...)`");
        assert!(wrong("(a{1000}){1000}").contains("size limit"), "{}", wrong("(a{1000}){1000}"));
    }
}

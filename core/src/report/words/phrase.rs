//! Region names and lists as a sentence has them.

use crate::region::Regions;

/// A set of regions inside a sentence: its words, and whether its verb is plural.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub words: String,
    pub plural: bool,
}

/// `the eyes`, `the left eye`, `the brows and eyes`; names of an experiment's own are quoted.
pub fn subject(regions: &[String]) -> Subject {
    let parts: Vec<Part> = regions.iter().map(|name| part(name)).collect();
    let plural = parts.len() != 1 || parts[0].plural;
    // One article for all, unless an adjective or a quoted name stands between.
    let plain = parts.iter().all(|part| part.known && !part.words.contains(' '));
    let words = if parts.is_empty() {
        "nothing".to_owned()
    } else if plain {
        format!("the {}", list(parts.iter().map(|part| part.words.clone()).collect(), "and"))
    } else {
        let with_articles = parts.iter().map(|part| {
            if part.known { format!("the {}", part.words) } else { part.words.clone() }
        });
        list(with_articles.collect(), "and")
    };
    Subject { words, plural }
}

impl Subject {
    /// `the nose reaches`, `the eyes reach`
    pub fn with_verb(&self, singular: &str, plural: &str) -> String {
        format!("{} {}", self.words, if self.plural { plural } else { singular })
    }

    /// `the nose's`, `the eyes'`, `“glasses”'s`
    pub fn possessive(&self) -> String {
        let ending = if self.words.ends_with('s') { "'" } else { "'s" };
        format!("{}{ending}", self.words)
    }
}

struct Part {
    words: String,
    known: bool,
    plural: bool,
}

fn part(name: &str) -> Part {
    let built_in = Regions::built_in_names();
    if let Some(half) = Regions::face_half_names().into_iter().find(|half| *half == name) {
        let words = match half.trim_start_matches("face_") {
            side @ ("left" | "right") => format!("{side} half of the face"),
            part => format!("{part} face"),
        };
        return Part { words, known: true, plural: false };
    }
    let halves = [("_left", "left"), ("_right", "right")];
    for (ending, side) in halves {
        if let Some(whole) = name.strip_suffix(ending)
            && built_in
                .iter()
                .any(|known| *known == whole || known.strip_suffix('s') == Some(whole))
        {
            return Part {
                words: format!("{side} {whole}"),
                known: true,
                plural: whole.ends_with('s'),
            };
        }
    }
    if built_in.contains(&name) || name == "background" {
        return Part { words: name.to_owned(), known: true, plural: name.ends_with('s') };
    }
    Part { words: format!("“{name}”"), known: false, plural: false }
}

/// `a`, `a and b`, `a, b and c`
pub fn list(mut items: Vec<String>, conjunction: &str) -> String {
    match items.pop() {
        None => String::new(),
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} {conjunction} {last}", items.join(", ")),
    }
}

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

    fn of(names: &[&str]) -> Subject {
        subject(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn regions_are_named_as_people_name_them() {
        let cases: [(&[&str], &str, bool); 9] = [
            (&["eyes"], "the eyes", true),
            (&["nose"], "the nose", false),
            (&["eye_left"], "the left eye", false),
            (&["brows_right"], "the right brows", true),
            (&["brows", "eyes"], "the brows and eyes", true),
            (&["brows", "eyes", "nose"], "the brows, eyes and nose", true),
            (&["eye_left", "nose"], "the left eye and the nose", true),
            (&["glasses"], "“glasses”", false),
            (&["glasses", "nose"], "“glasses” and the nose", true),
        ];
        for (names, words, plural) in cases {
            assert_eq!(of(names), Subject { words: words.to_owned(), plural });
        }
    }

    #[test]
    fn possessives() {
        assert_eq!(of(&["nose"]).possessive(), "the nose's");
        assert_eq!(of(&["eyes"]).possessive(), "the eyes'");
    }

    #[test]
    fn numbers_stay_with_their_units() {
        assert_eq!(wrap("reach 41.2\u{a0}% of all", 12), "reach 41.2 %\nof all");
        assert_eq!(wrap("reach 41.2\u{a0}% of all", 11), "reach\n41.2 % of\nall");
    }
}

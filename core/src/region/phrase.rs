//! Region names and lists for sentences.

use super::Regions;

/// A set of regions in a sentence: its words, and whether its verb is plural.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub words: String,
    pub plural: bool,
}

/// `the eyes`, `the left eyes`, `the brows and eyes`; names of an experiment's own are quoted.
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
            && built_in.contains(&whole)
        {
            let plural = whole.ends_with('s');
            return Part { words: format!("{side} {whole}"), known: true, plural };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Subject {
        subject(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn regions_are_named_in_plain_english() {
        let cases: [(&[&str], &str, bool); 9] = [
            (&["eyes"], "the eyes", true),
            (&["nose"], "the nose", false),
            (&["nose_left"], "the left nose", false),
            (&["brows_right"], "the right brows", true),
            (&["brows", "eyes"], "the brows and eyes", true),
            (&["brows", "eyes", "nose"], "the brows, eyes and nose", true),
            (&["eyes_left", "nose"], "the left eyes and the nose", true),
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
}

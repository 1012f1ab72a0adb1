//! What is doubtful about the data, in words.

use std::collections::BTreeMap;

use crate::plan::{Swept, swept_words};
use crate::store::DoubtRow;

/// A warning for each doubt, with the settings that it concerns where the others do not have it; of how many settings the
/// study has.
pub fn doubt_warnings(rows: &[DoubtRow], settings: usize) -> Vec<String> {
    let mut concerned: BTreeMap<&str, Vec<&Swept>> = BTreeMap::new();
    for row in rows {
        concerned.entry(&row.text).or_default().push(&row.swept);
    }
    let mut said = Vec::new();
    for row in rows {
        let Some(swept) = concerned.remove(row.text.as_str()) else { continue };
        let of = match swept.len() < settings {
            true => {
                let words: Vec<String> = swept.into_iter().map(swept_words).collect();
                format!(" with {}", words.join("; "))
            }
            false => String::new(),
        };
        said.push(format!("Warning of the data{of}: {}.", row.text));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str, channels: &str) -> DoubtRow {
        DoubtRow {
            doubt: "carved".to_owned(),
            split: None,
            images: None,
            text: text.to_owned(),
            swept: [("dataset.channels".to_owned(), channels.to_owned())].into(),
        }
    }

    #[test]
    fn a_doubt_of_every_setting_is_said_once_and_one_of_a_few_with_their_names() {
        let rows = [row("no val split", "1"), row("no landmarks", "1"), row("no val split", "3")];
        assert_eq!(
            doubt_warnings(&rows, 2),
            [
                "Warning of the data: no val split.",
                "Warning of the data with channels 1: no landmarks."
            ]
        );
        assert!(doubt_warnings(&[], 1).is_empty());
    }
}

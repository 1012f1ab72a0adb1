//! Which class a label of the user's own data means: a folder's name, or a cell of a table.
//!
//! A number means nothing by itself: RAF-DB, AffectNet, FER2013 and CK+ count the emotions in four orders. So a label is a
//! class only if the experiment file says so, if it is the class's name, or if it is another form of the same word.

use std::collections::{BTreeMap, BTreeSet};

use super::DatasetError;
use super::rafdb::EMOTIONS as RAFDB;

/// The classes that an experiment chooses, and what it says of labels.
#[derive(Debug, Clone, Copy)]
pub struct Classes<'a> {
    chosen: &'a [String],
    /// By label.
    said: &'a BTreeMap<String, String>,
}

/// Forms of one word, the first as this program writes it. In lower case.
const FORMS: [&[&str]; 8] = [
    &["neutral", "neutrality"],
    &["happiness", "happy", "joy"],
    &["surprise", "surprised", "suprise"],
    &["sadness", "sad"],
    &["anger", "angry"],
    &["disgust", "disgusted"],
    &["fear", "fearful", "afraid"],
    &["contempt", "contemptuous"],
];

/// What annotators choose where they see no emotion, or no face; in lower case.
const NO_EMOTION: [&str; 6] = ["unknown", "nf", "none", "other", "uncertain", "no-face"];

/// How data sets in circulation number the emotions, from a number on.
const NUMBERINGS: [(&str, usize, &[&str]); 5] = [
    ("RAF-DB", 1, &RAFDB),
    (
        "AffectNet",
        0,
        &["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"],
    ),
    (
        "AffectNet without contempt",
        0,
        &["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger"],
    ),
    ("FER2013", 0, &["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]),
    (
        "CK+",
        0,
        &["neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"],
    ),
];

impl<'a> Classes<'a> {
    /// `chosen` in class order; `said` has classes by label.
    pub fn new(chosen: &'a [String], said: &'a BTreeMap<String, String>) -> Classes<'a> {
        Classes { chosen, said }
    }

    /// Of labels that the file says nothing of.
    pub fn unsaid(chosen: &'a [String]) -> Classes<'a> {
        static NOTHING: BTreeMap<String, String> = BTreeMap::new();
        Classes { chosen, said: &NOTHING }
    }

    /// In class order.
    pub fn chosen(&self) -> &'a [String] {
        self.chosen
    }

    /// The class that a label means: what the file says, else the chosen class of that name, else the only chosen class
    /// that is a form of the same word (`Happy`, `0_happy` and `happiness`), else the label itself.
    pub fn of<'b>(&self, label: &'b str) -> &'b str
    where
        'a: 'b,
    {
        if let Some(class) = self.said.get(label) {
            return class;
        }
        if self.chosen.iter().any(|class| class == label) {
            return label;
        }
        let word = word(label);
        let mut alike = self.chosen.iter().filter(|class| self::word(class) == word);
        match (alike.next(), alike.next()) {
            (Some(class), None) => class,
            _ => label,
        }
    }

    /// The place of a label's class in class order; `None` if it is not chosen.
    pub fn place(&self, label: &str) -> Option<usize> {
        let class = self.of(label);
        self.chosen.iter().position(|chosen| chosen == class)
    }

    /// Refuses labels that leave a chosen class without any, with what to write, and what the file says of labels that
    /// are not there.
    pub fn check(&self, labels: &BTreeSet<&str>) -> Result<(), DatasetError> {
        if let Some(label) = self.said.keys().find(|label| !labels.contains(label.as_str())) {
            let label = label.clone();
            return Err(DatasetError::NoSuchLabel { label, found: listed(labels) });
        }
        let has = |class: &&String| labels.iter().any(|label| self.of(label) == **class);
        let Some(missing) = self.chosen.iter().find(|class| !has(class)) else { return Ok(()) };
        Err(DatasetError::UnknownLabels {
            class: missing.clone(),
            found: listed(labels),
            cure: self.cure(labels),
        })
    }

    /// The line to paste.
    fn cure(&self, labels: &BTreeSet<&str>) -> String {
        let fits = |(_, first, emotions): &&(&str, usize, &[&str])| {
            let numbers: BTreeSet<String> =
                (*first..first + emotions.len()).map(|number| number.to_string()).collect();
            numbers.iter().map(String::as_str).collect::<BTreeSet<&str>>() == *labels
        };
        let numbered: Vec<String> = NUMBERINGS
            .iter()
            .filter(fits)
            .map(|(data, first, emotions)| {
                let pairs = emotions.iter().copied().enumerate();
                let pairs = pairs.map(|(place, emotion)| (place + first, emotion));
                format!("{} in {data}'s order", line(pairs))
            })
            .collect();
        if !numbered.is_empty() {
            return format!(
                "say what the numbers mean: under [dataset], {}",
                numbered.join(", or ")
            );
        }
        let open = labels.iter().filter(|label| self.place(label).is_none());
        let pairs: Vec<(&str, &str)> = open.map(|label| (*label, "...")).take(MOST).collect();
        match pairs.is_empty() {
            true => "correct dataset.classes".to_owned(),
            false => format!(
                "correct dataset.classes, or say which labels mean which class: under [dataset], {}",
                line(pairs.into_iter())
            ),
        }
    }
}

/// Labels named in a message at most.
const MOST: usize = 20;

/// `labels = { "1" = "surprise", … }`
fn line<'a>(pairs: impl Iterator<Item = (impl std::fmt::Display, &'a str)>) -> String {
    let pairs: Vec<String> =
        pairs.map(|(label, class)| format!("{:?} = {class:?}", label.to_string())).collect();
    format!("labels = {{ {} }}", pairs.join(", "))
}

fn listed(labels: &BTreeSet<&str>) -> String {
    let mut named: Vec<String> =
        labels.iter().take(MOST).map(|label| (*label).to_owned()).collect();
    if labels.len() > MOST {
        named.push(format!("{} more", labels.len() - MOST));
    }
    named.join(", ")
}

/// A label in lower case, without a number before it, in the first form of its word.
fn word(label: &str) -> String {
    let lower = label.trim().to_lowercase();
    let named = lower.trim_start_matches(|c: char| c.is_ascii_digit() || "_-. ".contains(c));
    let named = if named.is_empty() { lower.as_str() } else { named };
    let forms = FORMS.iter().find(|forms| forms.contains(&named));
    forms.map_or(named, |forms| forms[0]).to_owned()
}

/// Whether a column of votes is one for an emotion, or for none: `Happy`, `contempt`, `unknown`, `NF`.
pub fn is_emotion(column: &str) -> bool {
    let word = word(column);
    FORMS.iter().any(|forms| forms[0] == word) || NO_EMOTION.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_word_is_known_in_its_forms_and_a_number_never() {
        let (chosen, said) = (owned(&["happiness", "Rage", "4"]), BTreeMap::new());
        let classes = Classes::new(&chosen, &said);
        for label in ["happiness", "Happy", "HAPPINESS", "0_happy", "3 - Joy"] {
            assert_eq!(classes.place(label), Some(0), "{label}");
        }
        assert_eq!(classes.place("rage"), Some(1));
        assert_eq!(
            (classes.place("4"), classes.place("04"), classes.place("1")),
            (Some(2), None, None)
        );
        assert_eq!(classes.of("sad"), "sad");
    }

    #[test]
    fn what_the_file_says_comes_first() {
        let said = BTreeMap::from([("happy".to_owned(), "anger".to_owned())]);
        let chosen = owned(&["happiness", "anger"]);
        let classes = Classes::new(&chosen, &said);
        assert_eq!((classes.of("happy"), classes.of("Happy")), ("anger", "happiness"));
        // Two chosen classes that are one word: only their exact names count.
        let chosen = owned(&["happy", "joy"]);
        let said = BTreeMap::new();
        let classes = Classes::new(&chosen, &said);
        assert_eq!((classes.place("happy"), classes.place("happiness")), (Some(0), None));
    }

    #[test]
    fn an_error_has_the_line_to_paste() {
        let (chosen, said) = (owned(&["anger", "surprise"]), BTreeMap::new());
        let classes = Classes::new(&chosen, &said);
        let message = |labels: &[&str]| {
            classes.check(&labels.iter().copied().collect()).unwrap_err().to_string()
        };
        assert_eq!(
            message(&["1", "2", "3", "4", "5", "6", "7"]),
            "nothing is of the class `anger`; the labels are 1, 2, 3, 4, 5, 6, 7; say what the numbers mean: under \
             [dataset], labels = { \"1\" = \"surprise\", \"2\" = \"fear\", \"3\" = \"disgust\", \"4\" = \
             \"happiness\", \"5\" = \"sadness\", \"6\" = \"anger\", \"7\" = \"neutral\" } in RAF-DB's order"
        );
        let eight = message(&["0", "1", "2", "3", "4", "5", "6", "7"]);
        assert!(
            eight.contains("in AffectNet's order, or labels = ") && eight.contains("CK+'s"),
            "{eight}"
        );
        let words = message(&["Surprised", "wut"]);
        assert!(words.ends_with("under [dataset], labels = { \"wut\" = \"...\" }"), "{words}");
        let said = BTreeMap::from([("8".to_owned(), "anger".to_owned())]);
        let wrong = Classes::new(&chosen, &said).check(&["anger", "surprise"].into()).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "dataset.labels speaks of `8`, which is no label of these data: anger, surprise; correct it"
        );
    }
}

//! The entries of the [`table`](super::table) of keys, and their lookup.

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

use super::error::{Document, DocumentOrigin};
use super::reader::Bounds;
use super::schema;
use super::table::KEYS;
use super::tree::{Node, Table, join};

/// A key of the experiment file. A key whose meaning depends on `kind` has one entry per meaning.
#[derive(Debug)]
pub struct Key {
    /// Dotted.
    pub path: &'static str,
    pub only: Only,
    pub takes: Takes,
    /// The default as TOML; empty if there is none.
    pub default: &'static str,
    pub decides: Decides,
    /// Plain text without a full stop.
    pub help: &'static str,
    /// Other possible values; whole lines for a section whose keys are the user's own.
    pub examples: &'static [&'static str],
    /// For a required key: why it is needed, and what to add.
    pub(super) needed: Option<(&'static str, &'static str)>,
}

/// A word and its meaning; empty if self-explanatory.
pub type Word = (&'static str, &'static str);

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    Text(Form),
    /// One of these.
    Words(&'static [Word]),
    Flag,
    /// From the first to the second.
    Integer(i64, i64),
    /// One of these numbers, each with what it means.
    Counts(&'static [(i64, &'static str)]),
    Number(Bounds),
    /// At least and at most so many different items.
    List(Item, usize, usize),
    /// A section whose keys are in the table.
    Table,
    /// A value with its own reader in this folder: its description, and its rule in the schema.
    Own(&'static str, fn() -> Json),
}

/// What a list holds.
#[derive(Debug, Clone, Copy)]
pub enum Item {
    Words(&'static [Word]),
    Integer(i64, i64),
}

/// Which text.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    pub says: &'static str,
    /// A regular expression; empty where any text will do.
    pub pattern: &'static str,
    /// Bytes.
    pub least: usize,
    pub most: usize,
    /// What is wrong with the text of a key (the path, the text).
    pub(super) refuse: fn(&str, &str) -> Option<Refusal>,
}

/// Title, label and help for an invalid value.
pub(super) type Refusal = (String, String, Option<String>);

/// Where a key has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    Always,
    /// With one of these as the section's `kind`; anywhere else it is an error.
    Kinds(&'static [&'static str]),
    /// If the section's other key is, or contains, this word; otherwise it has no effect.
    With(&'static str, &'static str),
}

/// Which results change with the key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decides {
    /// The weights of the networks, and so all ids. With [`Decides::Evaluation`], the keys that can be swept.
    Weights,
    /// How networks are evaluated: the ids of runs, not those of trainings.
    Evaluation,
    /// The sensitivity maps.
    Maps,
    /// The set of conditions and runs; each keeps its id.
    Study,
    /// No result.
    Nothing,
}

impl Form {
    pub const ANY: Form =
        Form { says: "text", pattern: "", least: 0, most: usize::MAX, refuse: |_, _| None };
}

/// A line of the table.
pub(super) const fn key(
    path: &'static str,
    takes: Takes,
    default: &'static str,
    decides: Decides,
    help: &'static str,
) -> Key {
    let (only, examples) = (Only::Always, &[] as &[&str]);
    Key { path, only, takes, default, decides, help, examples, needed: None }
}

/// The line that opens a section.
pub(super) const fn section(path: &'static str, decides: Decides, help: &'static str) -> Key {
    key(path, Takes::Table, "", decides, help)
}

/// A list of words, `least` or more.
pub(super) const fn several(words: &'static [Word], least: usize) -> Takes {
    Takes::List(Item::Words(words), least, usize::MAX)
}

impl Key {
    pub(super) const fn of(self, kinds: &'static [&'static str]) -> Key {
        Key { only: Only::Kinds(kinds), ..self }
    }

    pub(super) const fn with(self, other: &'static str, word: &'static str) -> Key {
        Key { only: Only::With(other, word), ..self }
    }

    pub(super) const fn like(self, examples: &'static [&'static str]) -> Key {
        Key { examples, ..self }
    }

    pub(super) const fn needed(self, why: &'static str, help: &'static str) -> Key {
        Key { needed: Some((why, help)), ..self }
    }

    /// Without its section.
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }

    /// Dotted; empty for a key of the whole file.
    pub fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    pub fn is_section(&self) -> bool {
        match self.takes {
            Takes::Table => true,
            Takes::Own(..) => self.section().is_empty(),
            _ => false,
        }
    }

    /// Whether a section of this kind has the key; any section where the kind is not known.
    pub fn goes_with(&self, kind: Option<&str>) -> bool {
        match (self.only, kind) {
            (Only::Kinds(kinds), Some(kind)) => kinds.contains(&kind),
            _ => true,
        }
    }

    /// Whether `[matrix]` takes the key.
    pub fn can_be_swept(&self) -> bool {
        matches!(self.decides, Decides::Weights | Decides::Evaluation)
    }

    /// The default as what a file holds.
    pub(super) fn default_node(&'static self) -> Option<&'static Node> {
        let (_, node) = DEFAULTS.iter().find(|(key, _)| std::ptr::eq(*key, self))?;
        node.as_ref()
    }

    /// The accepted values, and for words their meanings: `best (lowest validation loss) | last`.
    pub fn says(&self) -> String {
        let told = |words: &[(String, &str)]| {
            let told = words.iter().map(|(word, meaning)| match meaning.is_empty() {
                true => word.clone(),
                false => format!("{word} ({meaning})"),
            });
            told.collect::<Vec<_>>().join(" | ")
        };
        let words = |words: &[Word]| -> Vec<(String, &str)> {
            words.iter().map(|(word, meaning)| ((*word).to_owned(), *meaning)).collect()
        };
        match self.takes {
            Takes::Text(form) => form.says.to_owned(),
            Takes::Words(list) | Takes::List(Item::Words(list), ..) => told(&words(list)),
            Takes::Flag => "true | false".to_owned(),
            Takes::Integer(low, high) => range(low, high),
            Takes::Counts(counts) => {
                let counts = counts.iter().map(|(count, meaning)| (count.to_string(), *meaning));
                told(&counts.collect::<Vec<_>>())
            }
            Takes::Number(bounds) => bounds.in_short(),
            Takes::List(Item::Integer(low, high), ..) => {
                format!("a list of numbers, {}", range(low, high))
            }
            Takes::Table => "its own keys".to_owned(),
            Takes::Own(says, _) => says.to_owned(),
        }
    }

    /// `text`, `one of`, `true or false`, `whole number`, `number`, `list` or `table`.
    pub fn type_name(&self) -> &'static str {
        match self.takes {
            Takes::Text(_) => "text",
            Takes::Words(_) => "word",
            Takes::Flag => "flag",
            Takes::Integer(..) | Takes::Counts(_) => "whole number",
            Takes::Number(_) => "number",
            Takes::List(..) => "list",
            Takes::Own(..) if !self.is_section() => "list",
            Takes::Table | Takes::Own(..) => "table",
        }
    }
}

fn range(low: i64, high: i64) -> String {
    match high {
        i64::MAX => format!("from {low}"),
        _ => format!("{low} to {high}"),
    }
}

impl fmt::Display for Only {
    /// Empty for a key that always has an effect.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Only::Always => Ok(()),
            Only::Kinds(kinds) => f.write_str(&kinds.join(", ")),
            Only::With(key, word) => write!(f, "{key} {word}"),
        }
    }
}

impl fmt::Display for Decides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decides::Weights => "weights",
            Decides::Evaluation => "evaluation",
            Decides::Maps => "maps",
            Decides::Study => "conditions",
            Decides::Nothing => "nothing",
        })
    }
}

/// The table, in its order.
pub fn keys() -> &'static [Key] {
    KEYS
}

static DEFAULTS: LazyLock<Vec<(&'static Key, Option<Node>)>> = LazyLock::new(|| {
    let node = |key: &'static Key| {
        let origin = DocumentOrigin::File(format!("the default of {}", key.path));
        let text = format!("default = {}", key.default);
        let document =
            Arc::new(Document { origin, text, start: 0, folder: None, order: usize::MAX });
        Table::parse(&document).ok()?.remove("default").map(|entry| entry.node)
    };
    KEYS.iter().map(|key| (key, node(key))).collect()
});

static RULES: LazyLock<Json> = LazyLock::new(schema::build);

/// Every key of the file, sections included. The keys of `[regions]` and `[matrix]` are the user's own.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    // A key's lines lie together.
    let lines = KEYS.iter().enumerate();
    lines.filter(|(at, key)| *at == 0 || KEYS[at - 1].path != key.path).map(|(_, key)| key.path)
}

/// The lines of a section's own keys.
pub(super) fn lines_of(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section() == section)
}

/// The keys of a section; none where it is not one.
pub(super) fn of_section(path: &str) -> Vec<&'static str> {
    names(path, None)
}

/// The keys that a section of some kind has.
pub(super) fn names(section: &str, kind: Option<&str>) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for key in lines_of(section).filter(|key| key.goes_with(kind)) {
        if !names.contains(&key.name()) {
            names.push(key.name());
        }
    }
    names
}

/// A key, as it is with the first kind that has it.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The kinds of a section; none where it has no `kind`.
pub(super) fn kinds(section: &str) -> &'static [Word] {
    match find(&join(section, "kind")).map(|key| key.takes) {
        Some(Takes::Words(kinds)) => kinds,
        _ => &[],
    }
}

/// The words of `dataset.kind`.
pub fn dataset_kinds() -> impl Iterator<Item = &'static str> {
    kinds("dataset").iter().map(|(kind, _)| *kind)
}

/// The kinds of a section that have a key.
pub(super) fn kinds_with(section: &str, name: &str) -> Vec<&'static str> {
    let kinds = kinds(section).iter().map(|(kind, _)| *kind);
    let has =
        |kind: &&str| lines_of(section).any(|key| key.name() == name && key.goes_with(Some(kind)));
    kinds.filter(has).collect()
}

/// Whether a key's value for one `kind` has no meaning with another.
pub(super) fn follows_kind(section: &str, name: &str) -> bool {
    let mut lines = lines_of(section).filter(|key| key.name() == name);
    let Some(first) = lines.next() else { return false };
    let takes = |key: &Key| std::mem::discriminant(&key.takes);
    let alike = lines.all(|key| takes(key) == takes(first));
    !alike || kinds_with(section, name).len() < kinds(section).len()
}

/// The sections that have a `kind`, each with its default.
pub(super) fn kinded() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let kinds = KEYS.iter().filter(|key| key.name() == "kind");
    kinds.map(|key| {
        (key.section(), key.default.strip_prefix('"').and_then(|word| word.strip_suffix('"')))
    })
}

/// What the JSON Schema says of a key.
pub(super) fn rule(path: &str) -> Option<&'static Json> {
    path.split('.').try_fold(&*RULES, |rule, key| rule["properties"].get(key))
}

/// A key's default, where it has one whatever the `kind`.
pub(super) fn default(path: &str) -> Option<&'static Json> {
    rule(path)?.get("default")
}

/// Whether `[matrix]` takes the key.
pub(super) fn can_be_swept(path: &str) -> bool {
    find(path).is_some_and(Key::can_be_swept)
}

/// The whole schema.
pub(super) fn rules() -> &'static Json {
    &RULES
}

//! Typed reading of a tree: every key asked for once, every mistake written down, nothing stops early.
//!
//! A key that is wrong reads as its default, so that all other keys are still looked at; the problems
//! collected on the way decide in the end whether there is an experiment.

use std::cell::RefCell;
use std::fmt;

use super::argument;
use super::error::{DocumentOrigin, Place, Problem};
use super::keys::{self, Takes};
use super::suggest;
use super::tree::{Entry, Node, Table, Value, join};

/// Where mistakes are written down.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: RefCell<Vec<Problem>>,
}

impl Problems {
    pub fn push(&self, problem: Problem) {
        self.found.borrow_mut().push(problem);
    }

    pub fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    pub fn into_inner(self) -> Vec<Problem> {
        self.found.into_inner()
    }
}

/// A table being read.
pub(crate) struct Section<'a> {
    /// Dotted; empty for the whole file.
    pub path: String,
    table: Option<&'a Table>,
    /// Its header, or the nearest thing there is.
    pub place: Place,
    asked: RefCell<Vec<&'static str>>,
    pub problems: &'a Problems,
}

/// The numbers that a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    low: f64,
    high: f64,
    open_low: bool,
    open_high: bool,
}

impl Bounds {
    /// From `low` to `high`, both included.
    pub const fn closed(low: f64, high: f64) -> Bounds {
        Bounds { low, high, open_low: false, open_high: false }
    }

    /// More than `low`, up to `high`.
    pub const fn above(low: f64, high: f64) -> Bounds {
        Bounds { low, high, open_low: true, open_high: false }
    }

    /// From `low` to less than `high`.
    pub const fn below(low: f64, high: f64) -> Bounds {
        Bounds { low, high, open_low: false, open_high: true }
    }

    /// Between `low` and `high`, both excluded.
    pub const fn open(low: f64, high: f64) -> Bounds {
        Bounds { low, high, open_low: true, open_high: true }
    }

    /// Whether `value` lies within; NaN never does.
    pub fn contains(self, value: f64) -> bool {
        let above = if self.open_low { value > self.low } else { value >= self.low };
        let below = if self.open_high { value < self.high } else { value <= self.high };
        above && below
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bounds { low, high, .. } = self;
        match (self.open_low, self.open_high) {
            (false, false) => write!(f, "from {low} to {high}"),
            (true, false) => write!(f, "greater than {low} and at most {high}"),
            (false, true) => write!(f, "at least {low} and less than {high}"),
            (true, true) => write!(f, "greater than {low} and less than {high}"),
        }
    }
}

impl<'a> Section<'a> {
    /// The whole file.
    pub fn root(table: &'a Table, start: &Place, problems: &'a Problems) -> Section<'a> {
        Section {
            path: String::new(),
            table: Some(table),
            place: start.clone(),
            asked: RefCell::default(),
            problems,
        }
    }

    /// The table under a key; an empty one where the key is missing.
    pub fn section(&self, key: &'static str) -> Section<'a> {
        let node = self.node(key);
        let table = node.and_then(|node| match &node.value {
            Value::Table(table) => Some(table),
            _ => {
                let help = table_help(&join(&self.path, key), key, node);
                self.wrong_type(key, node, "a table", help);
                None
            }
        });
        Section {
            path: join(&self.path, key),
            table,
            place: node.map_or_else(|| self.place.clone(), |node| node.place.clone()),
            asked: RefCell::default(),
            problems: self.problems,
        }
    }

    pub fn table(&self) -> Option<&'a Table> {
        self.table
    }

    /// The value of a key as it stands.
    pub fn node(&self, key: &'static str) -> Option<&'a Node> {
        self.allow(key);
        self.table?.get(key)
    }

    /// Makes a key a known one without reading it.
    pub fn allow(&self, key: &'static str) {
        self.asked.borrow_mut().push(key);
    }

    /// Where a key's value stands, or else the section.
    pub fn place_of(&self, key: &str) -> Place {
        let node = self.table.and_then(|table| table.get(key));
        node.map_or_else(|| self.place.clone(), |node| node.place.clone())
    }

    /// Whether the file gives this key.
    pub fn is_set(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.get(key).is_some())
    }

    /// Whether the file gives this key as a string.
    pub fn is_text(&self, key: &str) -> bool {
        let node = self.table.and_then(|table| table.get(key));
        matches!(node, Some(Node { value: Value::Text(_), .. }))
    }

    pub fn problem(&self, problem: Problem) {
        self.problems.push(problem);
    }

    fn wrong_type(&self, key: &str, node: &Node, wanted: &str, help: Option<String>) {
        let title = format!("`{}` must be {wanted}", join(&self.path, key));
        let problem = Problem::new(title, &node.place, format!("this is {}", node.type_name()));
        self.problem(Problem { help, ..problem });
    }

    pub fn text(&self, key: &'static str) -> Option<&'a str> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) => Some(text),
            _ => {
                self.wrong_type(key, node, "a string", None);
                None
            }
        }
    }

    pub fn flag(&self, key: &'static str, default: bool) -> bool {
        let Some(node) = self.node(key) else { return default };
        match node.value {
            Value::Flag(flag) => flag,
            _ => {
                self.wrong_type(key, node, "true or false", None);
                default
            }
        }
    }

    /// A number within `bounds`; whole numbers count.
    pub fn float(&self, key: &'static str, default: f64, bounds: Bounds) -> f64 {
        let Some(node) = self.node(key) else { return default };
        let path = join(&self.path, key);
        read_float(node, &path, bounds, self.problems).unwrap_or(default)
    }

    /// A whole number from `low` to `high`.
    pub fn integer(&self, key: &'static str, default: i64, low: i64, high: i64) -> i64 {
        let Some(node) = self.node(key) else { return default };
        let path = join(&self.path, key);
        read_integer(node, &path, low, high, self.problems).unwrap_or(default)
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)], default: T) -> T {
        let Some(node) = self.node(key) else { return default };
        let path = join(&self.path, key);
        read_choice(node, &path, choices, self.problems).unwrap_or(default)
    }

    /// The items of a list; `None` where the key is missing or holds something else.
    pub fn list(&self, key: &'static str) -> Option<&'a [Node]> {
        let node = self.node(key)?;
        match &node.value {
            Value::Array(items) => Some(items),
            _ => {
                let help = list_help(&join(&self.path, key), key, node);
                self.wrong_type(key, node, "a list", help);
                None
            }
        }
    }

    /// Reports the keys that nothing asked for. `elsewhere` are the keys that another choice of `kind`
    /// has: each with the kinds that have it.
    pub fn finish(&self, elsewhere: &[(&str, &str)]) {
        let mut asked: Vec<&str> = Vec::new();
        for key in self.asked.borrow().iter() {
            if !asked.contains(key) {
                asked.push(key);
            }
        }
        for entry in self.table.map(Table::entries).unwrap_or_default() {
            if asked.contains(&entry.key.as_str()) {
                continue;
            }
            let key = &entry.key;
            let foreign = elsewhere.iter().find(|(name, _)| name == key);
            let problem = match foreign {
                Some((_, kinds)) => {
                    let title = format!("`{}` does not go with this `kind`", join(&self.path, key));
                    let kinds = match kinds.contains(',') {
                        true => format!("the kinds {kinds}"),
                        false => format!("the kind {kinds}"),
                    };
                    Problem::new(title, &entry.key_place, "has no meaning here")
                        .help(format!("`{key}` is for {kinds}"))
                }
                None => {
                    let title = format!("unknown key `{}`", join(&self.path, key));
                    let label = match self.path.as_str() {
                        "" => "not a key of an experiment file".to_owned(),
                        path => format!("not a key of `{path}`"),
                    };
                    let help = suggest::key(&self.path, &typed(entry), &asked);
                    Problem::new(title, &entry.key_place, label).help(help)
                }
            };
            self.problem(problem);
        }
    }
}

/// A key as it was typed: that of an argument with all that is dotted behind it.
fn typed(entry: &Entry) -> String {
    match (&entry.node.value, &entry.node.place.document.origin) {
        (Value::Table(inner), DocumentOrigin::Argument) => {
            inner.path().map_or_else(|| entry.key.clone(), |path| join(&entry.key, &path))
        }
        _ => entry.key.clone(),
    }
}

/// What goes in the place of a value where a list must be: that of one text where it takes texts, else its
/// default.
fn list_help(path: &str, key: &str, node: &Node) -> Option<String> {
    let takes_texts = match keys::takes(path)? {
        Takes::List(of) => match *of {
            Takes::Either(either) => either.iter().any(Takes::is_text),
            of => of.is_text(),
        },
        _ => false,
    };
    match (&node.value, keys::default(path)) {
        (Value::Text(_), _) if takes_texts => {
            Some(format!("write it as a list: `{key} = [{}]`", node.to_toml()))
        }
        (_, default) => default.map(|default| {
            let spaced = default.to_string().replace(',', ", ");
            format!("as in `{key} = {spaced}`")
        }),
    }
}

/// What goes in the place of a value where a table must be: `optimizer = "adam"` means its `kind`.
fn table_help(path: &str, key: &str, node: &Node) -> Option<String> {
    let kinds = keys::takes(&join(path, "kind"));
    if let (Value::Text(text), Some(Takes::Words(kinds))) = (&node.value, kinds) {
        let kind = kinds.iter().find(|kind| **kind == text).copied();
        if let Some(kind) = kind.or_else(|| suggest::closest(text, kinds)) {
            return Some(match node.place.document.origin {
                DocumentOrigin::Argument => format!("write it as `--set {path}.kind={kind}`"),
                DocumentOrigin::File(_) => {
                    format!("write it as `{key} = {{ kind = \"{kind}\" }}`")
                }
            });
        }
    }
    let keys = keys::of_section(path);
    if keys.is_empty() {
        // `[regions]`, whose keys are the user's own.
        return Some(match node.place.document.origin {
            DocumentOrigin::Argument => {
                format!("to cover regions: `--set occlusion.regions={}`", node.place.text())
            }
            DocumentOrigin::File(_) => "what is covered is `regions` of `[occlusion]`".to_owned(),
        });
    }
    let mut examples = keys.iter().filter_map(|key| argument::example(&join(path, key)));
    let example = match node.place.document.origin {
        DocumentOrigin::Argument => examples.next().map(|example| format!(", as in `{example}`")),
        DocumentOrigin::File(_) => None,
    };
    Some(format!("its keys are: {}{}", suggest::listed(keys), example.unwrap_or_default()))
}

/// A finite number within bounds.
pub(crate) fn read_float(
    node: &Node,
    path: &str,
    bounds: Bounds,
    problems: &Problems,
) -> Option<f64> {
    let number = match node.value {
        Value::Float(number) => number,
        // Exact for every whole number that any of the bounds lets through.
        Value::Integer(number) => number as f64,
        _ => {
            let label = format!("this is {}", node.type_name());
            problems.push(Problem::new(format!("`{path}` must be a number"), &node.place, label));
            return None;
        }
    };
    if bounds.contains(number) {
        // Minus zero would be another number to a hash.
        return Some(number + 0.0);
    }
    let title = format!("`{path}` cannot be {}", node.to_toml());
    problems.push(Problem::new(title, &node.place, format!("must be {bounds}")));
    None
}

/// A whole number from `low` to `high`.
pub(crate) fn read_integer(
    node: &Node,
    path: &str,
    low: i64,
    high: i64,
    problems: &Problems,
) -> Option<i64> {
    let Value::Integer(number) = node.value else {
        let label = match node.value {
            Value::Float(_) if node.place.text().contains('.') => {
                "this has a decimal point".to_owned()
            }
            Value::Float(number) if !number.is_finite() => "this is no number".to_owned(),
            Value::Float(_) => "this has an exponent".to_owned(),
            _ => format!("this is {}", node.type_name()),
        };
        let problem = Problem::new(format!("`{path}` must be a whole number"), &node.place, label);
        let whole = match node.value {
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Some(format!("write it as `{number:.0}`"))
            }
            _ => None,
        };
        problems.push(Problem { help: whole, ..problem });
        return None;
    };
    if (low..=high).contains(&number) {
        return Some(number);
    }
    let label = match high {
        i64::MAX => format!("must be at least {low}"),
        _ => format!("must be from {low} to {high}"),
    };
    problems.push(Problem::new(format!("`{path}` cannot be {number}"), &node.place, label));
    None
}

/// One of a few words.
pub(crate) fn read_choice<T: Copy>(
    node: &Node,
    path: &str,
    choices: &[(&str, T)],
    problems: &Problems,
) -> Option<T> {
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    let Value::Text(text) = &node.value else {
        let title = format!("`{path}` must be a string");
        problems.push(
            Problem::new(title, &node.place, format!("this is {}", node.type_name()))
                .help(format!("one of: {}", suggest::listed(words))),
        );
        return None;
    };
    let found = choices.iter().find(|(word, _)| word == text);
    if found.is_none() {
        let title = format!("`{path}` cannot be `{text}`");
        let help = suggest::help(text, "the choices are", &words);
        problems.push(Problem::new(title, &node.place, "not one of the choices").help(help));
    }
    found.map(|(_, choice)| *choice)
}

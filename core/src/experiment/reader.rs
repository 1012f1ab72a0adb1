//! Reading a tree by the [`table`](super::table): every key is checked and every mistake collected; nothing stops
//! early.
//!
//! A wrong key reads as its default, so that all other keys are still checked; the collected problems decide in the end
//! whether there is an experiment. A section is read into a complete map of its keys, and from it serde makes the typed
//! specification.

use std::cell::RefCell;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use super::argument;
use super::error::{DocumentOrigin, Place, Problem};
use super::keys::{self, Item, Key, Takes};
use super::shape::{Shape, shape};
use super::suggest;
use super::tree::{Entry, Node, Table, Value, join};

/// The collected mistakes.
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
    /// Its header, or the nearest place.
    pub place: Place,
    pub problems: &'a Problems,
}

/// The numbers that a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
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

    /// As a comment has it: `0 to below 1`.
    pub fn in_short(self) -> String {
        let low = self.low;
        let high = if self.high < 1e6 { self.high.to_string() } else { format!("{:e}", self.high) };
        match (self.open_low, self.open_high) {
            (false, false) => format!("{low} to {high}"),
            (true, false) => format!("above {low}, up to {high}"),
            (false, true) => format!("{low} to below {high}"),
            (true, true) => format!("between {low} and {high}"),
        }
    }

    /// As a JSON Schema has it.
    pub(super) fn rule(self) -> Json {
        let low = if self.open_low { "exclusiveMinimum" } else { "minimum" };
        let high = if self.open_high { "exclusiveMaximum" } else { "maximum" };
        json!({ "type": "number", low: self.low, high: self.high })
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
        Section { path: String::new(), table: Some(table), place: start.clone(), problems }
    }

    /// The table under a key; an empty one where the key is missing.
    pub fn section(&self, key: &str) -> Section<'a> {
        let node = self.node(key);
        let table = node.and_then(|node| match &node.value {
            Value::Table(table) => Some(table),
            _ => {
                let path = join(&self.path, key);
                self.wrong_type(&path, node, "a table", table_help(&path, key, node));
                None
            }
        });
        Section {
            path: join(&self.path, key),
            table,
            place: node.map_or_else(|| self.place.clone(), |node| node.place.clone()),
            problems: self.problems,
        }
    }

    pub fn table(&self) -> Option<&'a Table> {
        self.table
    }

    /// The value of a key as it stands.
    pub fn node(&self, key: &str) -> Option<&'a Node> {
        self.table?.get(key)
    }

    /// Where a key's value stands, or else the section.
    pub fn place_of(&self, key: &str) -> Place {
        self.node(key).map_or_else(|| self.place.clone(), |node| node.place.clone())
    }

    /// Whether the file gives this key.
    pub fn is_set(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    pub fn problem(&self, problem: Problem) {
        self.problems.push(problem);
    }

    fn wrong_type(&self, path: &str, node: &Node, wanted: &str, help: Option<String>) {
        let title = format!("`{path}` must be {wanted}");
        let problem = Problem::new(title, &node.place, format!("this is {}", node.type_name()));
        self.problem(Problem { help, ..problem });
    }

    /// The section as its type; `None` if its kind is unknown, because nothing in it can be checked then.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        self.typed(self.keys()?)
    }

    /// The type that the section's keys make.
    pub fn typed<T: DeserializeOwned>(&self, keys: Map<String, Json>) -> Option<T> {
        let read = serde_json::from_value(keys.into());
        read.map_err(|error| {
            let title = format!("`{}` cannot be read: {error}", self.path);
            self.problem(Problem::new(title, &self.place, "its table of keys and its type differ"));
        })
        .ok()
    }

    /// All keys of the section and its subsections, checked, except those with their own reader. A missing key has
    /// its default, or is left out if it has none. For the whole file, sections are left to their readers.
    pub fn keys(&self) -> Option<Map<String, Json>> {
        let mut values = Map::new();
        let mut kind: Option<String> = None;
        if let Some(key) = keys::lines_of(&self.path).find(|key| key.name() == "kind") {
            let value = self.value(key)?;
            kind = value.as_str().map(str::to_owned);
            values.insert("kind".to_owned(), value);
        }
        // With a wrong kind the keys beside it cannot be checked.
        let sound = |node: &Node| kind.as_deref().is_some_and(|kind| node.is_text(kind));
        let judged = kind.as_deref().filter(|_| self.node("kind").is_none_or(sound));
        self.refuse_others(judged);
        let lines = keys::lines_of(&self.path).filter(|key| key.goes_with(kind.as_deref()));
        for key in lines.filter(|key| key.name() != "kind") {
            let value = match key.takes {
                Takes::Own(..) => None,
                Takes::Table if self.path.is_empty() => None,
                Takes::Table => self.section(key.name()).keys().map(Json::Object),
                _ => self.value(key),
            };
            values.extend(value.map(|value| (key.name().to_owned(), value)));
        }
        Some(values)
    }

    /// A key's value, its default where the file gives none or a wrong one.
    fn value(&self, key: &'static Key) -> Option<Json> {
        let node = self.node(key.name());
        let read = node.and_then(|node| self.check(key, node));
        if let (None, Some((why, help))) = (node, key.needed) {
            let title = format!("`{}` is missing", key.path);
            self.problem(Problem::new(title, &self.place_of("kind"), why).help(help));
        }
        let default = || self.check(key, key.default_node()?);
        // A required key with a wrong value needs a placeholder, so that the rest can be checked.
        let stand_in = || matches!(key.takes, Takes::Text(_)).then(|| json!(""));
        read.or_else(default).or_else(|| key.needed.and_then(|_| stand_in()))
    }

    /// The value if the key takes it.
    fn check(&self, key: &Key, node: &Node) -> Option<Json> {
        let (path, problems) = (key.path, self.problems);
        match (key.takes, &node.value) {
            (Takes::Text(form), Value::Text(text)) => match (form.refuse)(path, text) {
                None => Some(json!(text)),
                Some((title, label, help)) => {
                    self.problem(Problem { help, ..Problem::new(title, &node.place, label) });
                    None
                }
            },
            (Takes::Words(words), _) => read_word(node, path, words, problems).map(Json::from),
            (Takes::Flag, Value::Flag(flag)) => Some(json!(flag)),
            (Takes::Integer(low, high), _) => {
                read_integer(node, path, low, high, problems).map(Json::from)
            }
            (Takes::Counts(counts), _) => {
                let count = read_integer(node, path, i64::MIN, i64::MAX, problems)?;
                let found = counts.iter().any(|(known, _)| *known == count);
                if !found {
                    let title = format!("`{path}` cannot be {count}");
                    let label = format!("must be {}", key.says().replace(" | ", " or "));
                    self.problem(Problem::new(title, &node.place, label));
                }
                found.then(|| count.into())
            }
            (Takes::Number(bounds), _) => read_float(node, path, bounds, problems).map(Json::from),
            (Takes::List(of, least, most), Value::Array(items)) => {
                let counted = self.check_count(path, of, items, (least, most), node);
                let items = self.check_items(path, of, items);
                counted.then_some(items)
            }
            (Takes::List(..), _) => {
                self.not_a_list(path, key.name(), node);
                None
            }
            (Takes::Text(_) | Takes::Flag, _) => {
                let wanted = if key.type_name() == "text" { "a string" } else { "true or false" };
                self.wrong_type(path, node, wanted, None);
                None
            }
            (Takes::Table | Takes::Own(..), _) => None,
        }
    }

    fn check_count(
        &self,
        path: &str,
        of: Item,
        items: &[Node],
        (least, most): (usize, usize),
        node: &Node,
    ) -> bool {
        let problem = match items.len() {
            0 if least > 0 => {
                Problem::new(format!("`{path}` is empty"), &node.place, "needs at least one")
            }
            count if count > most => {
                let title = format!("`{path}` has more than {most} items");
                Problem::new(title, &node.place, format!("this list has {count}"))
            }
            _ => return true,
        };
        self.problem(match of {
            Item::Words(words) => {
                let words = suggest::listed(words.iter().map(|(word, _)| *word));
                problem.help(format!("the choices are: {words}"))
            }
            Item::Integer(..) => problem,
        });
        false
    }

    /// The valid items; no two are equal.
    fn check_items(&self, path: &str, of: Item, items: &[Node]) -> Json {
        let mut found: Vec<Json> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let read = match of {
                Item::Words(words) => read_word(item, path, words, self.problems).map(Json::from),
                Item::Integer(low, high) => {
                    let path = format!("{path}[{index}]");
                    read_integer(item, &path, low, high, self.problems).map(Json::from)
                }
            };
            match read {
                Some(value) if found.contains(&value) => self.problem(twice(item, path)),
                Some(value) => found.push(value),
                None => {}
            }
        }
        found.into()
    }

    /// The items of a list, those of the default where the file has none.
    pub fn list(&self, key: &str) -> &'a [Node] {
        let path = join(&self.path, key);
        let default = || match keys::find(&path)?.default_node().map(|node| &node.value) {
            Some(Value::Array(items)) => Some(&items[..]),
            _ => None,
        };
        match self.node(key).map(|node| (node, &node.value)) {
            Some((_, Value::Array(items))) => return items,
            Some((node, _)) => self.not_a_list(&path, key, node),
            None => {}
        }
        default().unwrap_or_default()
    }

    fn not_a_list(&self, path: &str, key: &str, node: &Node) {
        self.wrong_type(path, node, "a list", list_help(path, key, node));
    }

    /// Reports the keys that a section of this kind does not have.
    fn refuse_others(&self, kind: Option<&str>) {
        let here = keys::names(&self.path, kind);
        for entry in self.table.map(Table::entries).unwrap_or_default() {
            let key = &entry.key;
            if here.contains(&key.as_str()) {
                continue;
            }
            let kinds = keys::kinds_with(&self.path, key);
            let path = join(&self.path, key);
            self.problem(if kinds.is_empty() {
                let label = match self.path.as_str() {
                    "" => "not a key of an experiment file".to_owned(),
                    path => format!("not a key of `{path}`"),
                };
                let help = suggest::key(&self.path, &typed(entry), &here);
                Problem::new(format!("unknown key `{path}`"), &entry.key_place, label).help(help)
            } else {
                let kinds = match kinds[..] {
                    [kind] => format!("the kind {kind}"),
                    _ => format!("the kinds {}", kinds.join(", ")),
                };
                let title = format!("`{path}` does not go with this `kind`");
                Problem::new(title, &entry.key_place, "has no meaning here")
                    .help(format!("`{key}` is for {kinds}"))
            });
        }
    }
}

pub(super) fn twice(item: &Node, path: &str) -> Problem {
    let title = format!("{} stands twice in `{path}`", item.to_toml());
    Problem::new(title, &item.place, "already in the list").help("leave out one of the two")
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

/// The suggestion where a list is required: a list of the given text if it takes texts, else its
/// default.
fn list_help(path: &str, key: &str, node: &Node) -> Option<String> {
    let takes_texts = match shape(path)? {
        Shape::List(of) => match *of {
            Shape::Either(either) => either.iter().any(Shape::is_text),
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

/// The suggestion where a table is required: `optimizer = "adam"` means its `kind`.
fn table_help(path: &str, key: &str, node: &Node) -> Option<String> {
    if let Value::Text(text) = &node.value {
        let kinds: Vec<&str> = keys::kinds(path).iter().map(|(kind, _)| *kind).collect();
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
                format!("to mask regions: `--set occlusion.regions={}`", node.place.text())
            }
            DocumentOrigin::File(_) => "to mask regions, set `regions` in `[occlusion]`".to_owned(),
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
        // Minus zero would give another hash.
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
fn read_word(
    node: &Node,
    path: &str,
    words: &[keys::Word],
    problems: &Problems,
) -> Option<&'static str> {
    let words: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
    let Value::Text(text) = &node.value else {
        let title = format!("`{path}` must be a string");
        problems.push(
            Problem::new(title, &node.place, format!("this is {}", node.type_name()))
                .help(format!("one of: {}", suggest::listed(words))),
        );
        return None;
    };
    let found = words.iter().find(|word| *word == text).copied();
    if found.is_none() {
        let title = format!("`{path}` cannot be `{text}`");
        let help = suggest::help(text, "the choices are", &words);
        problems.push(Problem::new(title, &node.place, "not one of the choices").help(help));
    }
    found
}

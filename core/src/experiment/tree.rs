//! TOML values with their source positions.
//!
//! An experiment is put together from several texts: a chain of base files, the file itself, `--set`
//! arguments, one combination of a matrix. They merge into one tree, and an error in it still points at
//! the text in which the value stands.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Document, Place, Problem};
use super::keys;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub value: Value,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Flag(bool),
    /// A date or time, which no key takes.
    Date(String),
    Array(Vec<Node>),
    Table(Table),
}

/// Entries in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

impl Table {
    /// Parses a document.
    ///
    /// # Errors
    /// Everything in it that is not TOML, and integers beyond 64 bits.
    pub fn parse(document: &Arc<Document>) -> Result<Table, Vec<Problem>> {
        Table::parse_as(document, &document.text[document.start..])
    }

    /// Parses `toml` in place of the document's own text; its places are those of the document.
    pub fn parse_as(document: &Arc<Document>, toml: &str) -> Result<Table, Vec<Problem>> {
        let (table, problems) = Table::parse_what_is_sound_as(document, toml);
        if problems.is_empty() { Ok(table) } else { Err(problems) }
    }

    /// Parses as much of a document as possible, and returns the errors.
    pub fn parse_what_is_sound(document: &Arc<Document>) -> (Table, Vec<Problem>) {
        Table::parse_what_is_sound_as(document, &document.text[document.start..])
    }

    fn parse_what_is_sound_as(document: &Arc<Document>, toml: &str) -> (Table, Vec<Problem>) {
        let (table, errors) = DeTable::parse_recoverable(toml);
        let mut problems: Vec<Problem> = errors
            .iter()
            .map(|error| {
                let span = error.span().unwrap_or(0..0);
                let place = document.place(span);
                Problem::new("this is not valid TOML", &place, error.message())
            })
            .collect();
        let table = convert_table(document, table.get_ref(), &mut problems);
        (table, problems)
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub fn node_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    }

    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index))
    }

    /// A table that holds one value at a dotted path; every key of the path is said to stand at
    /// `key_place`.
    pub fn at_path(path: &str, key_place: &Place, node: Node) -> Table {
        let (key, node) = match path.split_once('.') {
            None => (path, node),
            Some((key, rest)) => {
                let inner = Table::at_path(rest, key_place, node);
                (key, Node { value: Value::Table(inner), place: key_place.clone() })
            }
        };
        Table { entries: vec![Entry { key: key.to_owned(), key_place: key_place.clone(), node }] }
    }

    /// A table that holds one value under a key, which may contain dots.
    pub fn of_one(key: &str, key_place: &Place, node: Node) -> Table {
        Table { entries: vec![Entry { key: key.to_owned(), key_place: key_place.clone(), node }] }
    }

    /// The dotted path of a table that holds one value, as that of an argument does.
    pub fn path(&self) -> Option<String> {
        let [Entry { key, node, .. }] = self.entries.as_slice() else { return None };
        match &node.value {
            Value::Table(inner) => Some(format!("{key}.{}", inner.path()?)),
            _ => Some(key.clone()),
        }
    }

    /// The one value of such a table.
    pub fn leaf_mut(&mut self) -> Option<&mut Node> {
        let [Entry { node, .. }] = self.entries.as_mut_slice() else { return None };
        match node.is_table() {
            false => Some(node),
            true => match &mut node.value {
                Value::Table(inner) => inner.leaf_mut(),
                _ => None,
            },
        }
    }

    /// Writes the nested keys of the table under `key` as dotted ones, so that a later text overrides each however
    /// it was written; not if the table gives one of them twice.
    pub fn flatten_at(&mut self, key: &str) {
        let Some(Entry { node, .. }) = self.entries.iter_mut().find(|entry| entry.key == key)
        else {
            return;
        };
        let Value::Table(table) = &mut node.value else { return };
        let leaves = table.leaves("");
        let twice = |index: usize| leaves[..index].iter().any(|leaf| leaf.key == leaves[index].key);
        if !(0..leaves.len()).any(twice) {
            table.entries = leaves;
        }
    }

    /// The values that are no tables, with their dotted paths.
    pub fn leaves(&self, path: &str) -> Vec<Entry> {
        let entries = self.entries.iter().flat_map(|entry| {
            let path = join(path, &entry.key);
            match &entry.node.value {
                Value::Table(inner) => inner.leaves(&path),
                _ => vec![Entry { key: path, ..entry.clone() }],
            }
        });
        entries.collect()
    }

    /// Merges a later text over this table: tables merge, everything else is replaced, and keys that do not
    /// go with the later text are dropped.
    pub fn merge(&mut self, over: Table) {
        self.drop_outdated(&over);
        self.unite(over);
    }

    /// Merges entries that count as the same text.
    pub fn unite(&mut self, over: Table) {
        for entry in over.entries {
            let known = self.entries.iter_mut().find(|known| known.key == entry.key);
            match known {
                None => self.entries.push(entry),
                Some(known) => match (&mut known.node.value, entry.node.value) {
                    (Value::Table(under), Value::Table(over)) => under.unite(over),
                    (_, value) => {
                        known.key_place = entry.key_place;
                        known.node = Node { value, place: entry.node.place };
                    }
                },
            }
        }
    }

    /// Removes the keys without meaning if `over` changes the `kind`, and of the alternatives `seeds.count` and
    /// `seeds.list` the one that `over` does not give.
    fn drop_outdated(&mut self, over: &Table) {
        for (path, default) in keys::kinded() {
            let Some(over) = over.table_at(path) else { continue };
            let Some(under) = self.table_at_mut(path) else { continue };
            let Some(before) = under.text("kind").or(default) else { continue };
            if over.text("kind").is_some_and(|kind| kind != before) {
                under.entries.retain(|entry| !keys::follows_kind(path, &entry.key));
            }
        }
        if let (Some(over), Some(under)) = (over.table_at("seeds"), self.table_at_mut("seeds")) {
            for (given, other) in [("count", "list"), ("list", "count")] {
                if over.get(given).is_some() && over.get(other).is_none() {
                    under.remove(other);
                }
            }
        }
    }

    fn table_at(&self, path: &str) -> Option<&Table> {
        path.split('.').try_fold(self, |table, key| match &table.get(key)?.value {
            Value::Table(inner) => Some(inner),
            _ => None,
        })
    }

    fn table_at_mut(&mut self, path: &str) -> Option<&mut Table> {
        path.split('.').try_fold(self, |table, key| {
            let entry = table.entries.iter_mut().find(|entry| entry.key == key)?;
            match &mut entry.node.value {
                Value::Table(inner) => Some(inner),
                _ => None,
            }
        })
    }

    fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The table as a TOML document: plain keys first, then a section for each table; tables within
    /// sections are written in line.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let sections = self.entries.iter().filter(|entry| entry.node.is_table());
        for entry in self.entries.iter().filter(|entry| !entry.node.is_table()) {
            text += &entry.to_line();
        }
        for entry in sections {
            if !text.is_empty() {
                text.push('\n');
            }
            text += &format!("[{}]\n", quoted_key(&entry.key));
            if let Value::Table(table) = &entry.node.value {
                text.extend(table.entries.iter().map(Entry::to_line));
            }
        }
        text
    }
}

impl Entry {
    fn to_line(&self) -> String {
        format!("{} = {}\n", quoted_key(&self.key), self.node.to_toml())
    }
}

impl Node {
    pub fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }

    /// A value of this program's own, said to stand at `place`. JSON's null, which TOML lacks, is an empty text.
    pub fn of_json(json: &serde_json::Value, place: &Place) -> Node {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => Value::Text(String::new()),
            Json::Bool(flag) => Value::Flag(*flag),
            Json::String(text) => Value::Text(text.clone()),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Value::Integer(number),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::Array(items) => {
                Value::Array(items.iter().map(|item| Node::of_json(item, place)).collect())
            }
            Json::Object(entries) => {
                let entry = |(key, json): (&String, &Json)| Entry {
                    key: key.clone(),
                    key_place: place.clone(),
                    node: Node::of_json(json, place),
                };
                Value::Table(Table { entries: entries.iter().map(entry).collect() })
            }
        };
        Node { value, place: place.clone() }
    }

    /// What kind of value this is, with its article.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a string",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::Date(_) => "a date or time",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// Whether it is this text.
    pub fn is_text(&self, text: &str) -> bool {
        matches!(&self.value, Value::Text(own) if own == text)
    }

    /// The value as JSON. Dates and numbers that JSON lacks, which no key takes, are texts and null.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Text(text) | Value::Date(text) => text.as_str().into(),
            Value::Integer(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Flag(flag) => (*flag).into(),
            Value::Array(items) => items.iter().map(Node::to_json).collect(),
            Value::Table(table) => {
                let entries = table.entries.iter();
                entries.map(|entry| (entry.key.clone(), entry.node.to_json())).collect()
            }
        }
    }

    /// The value as TOML, in line.
    pub fn to_toml(&self) -> String {
        match &self.value {
            Value::Text(text) => toml::Value::String(text.clone()).to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => toml::Value::Float(*number).to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Date(text) => text.clone(),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(Node::to_toml).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Table(table) => {
                let entries: Vec<String> = table
                    .entries
                    .iter()
                    .map(|entry| format!("{} = {}", quoted_key(&entry.key), entry.node.to_toml()))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }
}

/// A dotted path and one more key.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn quoted_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        toml::Value::String(key.to_owned()).to_string()
    }
}

fn convert_table(
    document: &Arc<Document>,
    table: &DeTable<'_>,
    problems: &mut Vec<Problem>,
) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().clone().into_owned(),
            key_place: document.place(key.span()),
            node: convert(document, value, problems),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_place.span.start);
    Table { entries }
}

fn convert(
    document: &Arc<Document>,
    node: &Spanned<DeValue<'_>>,
    problems: &mut Vec<Problem>,
) -> Node {
    let place = document.place(node.span());
    let value = match node.get_ref() {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Value::Integer(parsed.unwrap_or_else(|_| {
                let title = format!("the number {number} is too large");
                let bounds = format!("whole numbers go from {} to {}", i64::MIN, i64::MAX);
                problems.push(Problem::new(title, &place, bounds));
                0
            }))
        }
        // Beyond the range of f64 the standard library returns infinity, which no key takes.
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| convert(document, item, problems)).collect())
        }
        DeValue::Table(table) => Value::Table(convert_table(document, table, problems)),
    };
    Node { value, place }
}

impl Document {
    /// The place of a span of the document's TOML.
    fn place(self: &Arc<Document>, span: std::ops::Range<usize>) -> Place {
        Place { document: Arc::clone(self), span: span.start + self.start..span.end + self.start }
    }
}

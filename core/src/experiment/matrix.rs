//! The `[matrix]` section: keys that are swept, and every combination of their values.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{DocumentOrigin, Place, Problem};
use super::keys;
use super::reader::Section;
use super::suggest::{self, listed, with_listing};
use super::tree::{Entry, Node, Table, Value, join};

const MAX_COMBINATIONS: usize = 1_000;

/// One swept key.
#[derive(Debug)]
pub(crate) struct Axis<'a> {
    /// Dotted, as `train.optimizer.learning_rate`.
    pub path: String,
    pub place: Place,
    /// At least one, no two equal.
    pub values: &'a [Node],
}

/// Reads `[matrix]`. Axes that are wrong are left out.
pub(crate) fn read<'a>(root: &Section<'a>) -> Vec<Axis<'a>> {
    let section = root.section("matrix");
    let mut axes: Vec<Axis<'a>> = Vec::new();
    let mut entries = Vec::new();
    flatten(section.table(), "", &mut entries);
    for (path, entry) in entries {
        let first = path.split('.').next().unwrap_or_default();
        let known = keys::find(&path).or_else(|| keys::find(first));
        if known.is_some_and(|key| !key.can_be_swept()) {
            let title = format!("`{path}` cannot be swept");
            let label = match keys::can_be_swept(first) {
                true => "it does not change the results",
                false => "it is not a setting of the training or of the evaluation",
            };
            section.problem(
                Problem::new(title, &entry.key_place, label)
                    .help("sweep keys of `dataset`, `model`, `train`, `schedule` and `evaluate`"),
            );
        } else if known.is_none() {
            let title = format!("unknown key `{path}`");
            let listing = format!("the sections that can be swept are: {}", listed(sections()));
            let swept = keys::paths().filter(|path| keys::can_be_swept(path));
            let help = with_listing(&path, swept, &listing);
            section.problem(Problem::new(title, &entry.key_place, "no section has it").help(help));
        } else if axes.iter().any(|axis| overlap(&axis.path, &path)) {
            let title = format!("`{path}` is swept twice");
            section.problem(
                Problem::new(title, &entry.key_place, "another key of the matrix sets it too")
                    .help("leave out one of the two"),
            );
        } else if let Some(argument) = given_as_argument(root, &path) {
            let title = format!("`{path}` is swept, so setting it has no effect");
            let help = format!("to sweep other values: `--set 'matrix.\"{path}\"=[…]'`");
            let label = "`[matrix]` sets it in every combination";
            section.problem(Problem::new(title, &argument.node.place, label).help(help));
        } else if let Some(values) = read_values(&section, &path, entry) {
            axes.push(Axis { path, place: entry.key_place.clone(), values });
        }
    }
    let count = axes.iter().try_fold(1_usize, |count, axis| count.checked_mul(axis.values.len()));
    if count.is_none_or(|count| count > MAX_COMBINATIONS) {
        let title = format!("the matrix has more than {MAX_COMBINATIONS} combinations");
        section.problem(
            Problem::new(title, &section.place, "every combination is a condition of its own")
                .help("sweep fewer keys, or fewer values of each"),
        );
        return Vec::new();
    }
    axes
}

/// The sections whose keys can be swept: those that change the training or the evaluation.
fn sections() -> impl Iterator<Item = &'static str> {
    keys::lines_of("").filter(|key| key.can_be_swept()).map(|key| key.path)
}

/// The values that an axis sets in one combination, whose file is `root`: dotted keys, and each value as TOML. A table
/// that is swept as a whole sets every key that any of its values gives; where this combination's value lacks a key, it
/// has the file's value or the default.
pub(crate) fn chosen(axis: &Axis<'_>, root: &Section<'_>) -> Vec<(String, String)> {
    let mut paths: Vec<String> = Vec::new();
    for value in axis.values {
        let of_value = match &value.value {
            Value::Table(table) => {
                table.leaves(&axis.path).into_iter().map(|leaf| leaf.key).collect()
            }
            _ => vec![axis.path.clone()],
        };
        paths.extend(of_value.into_iter().filter(|path| !paths.contains(path)).collect::<Vec<_>>());
    }
    let value = |path: &String| {
        let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
        let table =
            section.split('.').try_fold(root.table()?, |table, key| match &table.get(key)?.value {
                Value::Table(inner) => Some(inner),
                _ => None,
            });
        let given = |key: &str| table.and_then(|table| table.get(key));
        if let Some(node) = given(name) {
            return Some(node.to_toml());
        }
        let kind = given("kind").and_then(|kind| match &kind.value {
            Value::Text(kind) => Some(kind.as_str()),
            _ => None,
        });
        let kind = kind.or_else(|| keys::kinded().find(|(path, _)| *path == section)?.1);
        let key = keys::lines_of(section).find(|key| key.name() == name && key.goes_with(kind))?;
        Some(key.default.to_owned()).filter(|default| !default.is_empty())
    };
    paths.into_iter().filter_map(|path| value(&path).map(|value| (path, value))).collect()
}

/// Every choice of one value for each axis; the first axis varies slowest. Without axes there is one
/// choice, of nothing.
pub(crate) fn combinations<'a>(axes: &[Axis<'a>]) -> Vec<Vec<&'a Node>> {
    let mut combinations = vec![Vec::new()];
    for axis in axes {
        combinations = combinations
            .iter()
            .flat_map(|chosen: &Vec<&'a Node>| {
                axis.values.iter().map(move |value| [&chosen[..], &[value]].concat())
            })
            .collect();
    }
    combinations
}

/// Writes whole numbers as floats where other values of the key are floats: a key's values have one type, in names as
/// in a table's column.
pub(crate) fn write_numbers_alike(mut cells: Vec<&mut BTreeMap<String, String>>) {
    let keys: BTreeSet<String> = cells.iter().flat_map(|swept| swept.keys().cloned()).collect();
    for key in keys {
        let of_key = |swept: &&mut BTreeMap<String, String>| Some(swept.get(&key)?.parse().ok());
        let values: Vec<Option<toml::Value>> = cells.iter().filter_map(of_key).collect();
        let all = |is: fn(&toml::Value) -> bool| values.iter().flatten().all(is);
        let numbers = values.iter().all(Option::is_some) && all(|v| v.is_integer() || v.is_float());
        if !numbers || all(toml::Value::is_integer) {
            continue;
        }
        for text in cells.iter_mut().filter_map(|swept| swept.get_mut(&key)) {
            if let Ok(whole) = text.parse::<i64>() {
                *text = toml::Value::Float(whole as f64).to_string();
            }
        }
    }
}

/// `"train.epochs" = […]` and `train.epochs = […]` are the same.
fn flatten<'a>(table: Option<&'a Table>, path: &str, found: &mut Vec<(String, &'a Entry)>) {
    for entry in table.map(Table::entries).unwrap_or_default() {
        let path = join(path, &entry.key);
        match &entry.node.value {
            Value::Table(inner) => flatten(Some(inner), &path, found),
            _ => found.push((path, entry)),
        }
    }
}

/// A `--set` value for a key or a part of it.
fn given_as_argument<'a>(root: &Section<'a>, path: &str) -> Option<&'a Entry> {
    let mut leaves = Vec::new();
    flatten(root.table(), "", &mut leaves);
    let given = leaves.into_iter().find(|(leaf, entry)| {
        leads_to(path, leaf) && entry.node.place.document.origin == DocumentOrigin::Argument
    });
    given.map(|(_, entry)| entry)
}

/// Whether one path is the other or leads to it.
fn overlap(one: &str, other: &str) -> bool {
    leads_to(one, other) || leads_to(other, one)
}

/// Whether a path is equal to the other or that of a table around it.
fn leads_to(short: &str, long: &str) -> bool {
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn read_values<'a>(section: &Section<'_>, path: &str, entry: &'a Entry) -> Option<&'a [Node]> {
    let Value::Array(values) = &entry.node.value else {
        let title = format!("`{path}` must be a list of values");
        let label = format!("this is {}", entry.node.type_name());
        let example = "as in `\"train.optimizer.learning_rate\" = [0.01, 0.001]`";
        // Whoever meant another key is not helped by a list.
        let help = match keys::find(path) {
            Some(_) => example.to_owned(),
            None => match suggest::closest(path, keys::paths()) {
                Some(meant) => format!("{example}; and did you mean `{meant}`?"),
                None => example.to_owned(),
            },
        };
        section.problem(Problem::new(title, &entry.node.place, label).help(help));
        return None;
    };
    if values.is_empty() {
        let title = format!("`{path}` has no values to sweep");
        section.problem(Problem::new(title, &entry.node.place, "needs at least one"));
        return None;
    }
    for (index, value) in values.iter().enumerate() {
        if values[..index].iter().any(|earlier| same(earlier, value)) {
            let title = format!("{} stands twice in the matrix", value.to_toml());
            section.problem(
                Problem::new(title, &value.place, "already in the list")
                    .help("leave out one of the two"),
            );
        }
    }
    Some(values)
}

/// Whether two values mean the same: `1` and `1.0` do.
fn same(one: &Node, other: &Node) -> bool {
    let number = |node: &Node| match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    };
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.to_toml() == other.to_toml(),
    }
}

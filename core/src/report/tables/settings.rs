//! Settings under the keys of the experiment file, side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};

/// Settings by dotted key. The keys are those of the experiment file, as `--set` takes them: where a
/// manifest keeps a data set's source or a schedule's shape in a table of their own, they are lifted out,
/// and height and width are a size again. A list is one value.
pub fn flat(mut settings: Value) -> BTreeMap<String, Value> {
    if let Some(dataset) = settings.get_mut("dataset").and_then(Value::as_object_mut) {
        lift(dataset, "source");
        if let (Some(height), Some(width)) = (dataset.remove("height"), dataset.remove("width")) {
            dataset.insert("size".to_owned(), Value::Array(vec![height, width]));
        }
    }
    if let Some(schedule) = settings.get_mut("schedule").and_then(Value::as_object_mut) {
        lift(schedule, "shape");
    }
    let mut rows = BTreeMap::new();
    flatten(String::new(), settings, &mut rows);
    rows
}

/// Puts the entries of an inner table into the one that holds it.
fn lift(table: &mut Map<String, Value>, key: &str) {
    match table.remove(key) {
        Some(Value::Object(inner)) => table.extend(inner),
        Some(other) => {
            table.insert(key.to_owned(), other);
        }
        None => {}
    }
}

fn flatten(key: String, value: Value, rows: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(table) => {
            for (name, value) in table {
                let dot = if key.is_empty() { "" } else { "." };
                flatten(format!("{key}{dot}{name}"), value, rows);
            }
        }
        // What is not set is not there.
        Value::Null => {}
        other => {
            rows.insert(key, other);
        }
    }
}

/// A row a key whose values differ, or with `all` a row for every key.
pub fn settings_table(
    (a_name, a): (&str, &BTreeMap<String, Value>),
    (b_name, b): (&str, &BTreeMap<String, Value>),
    all: bool,
) -> Table {
    let mut columns =
        vec![Column::text("key", "key"), Column::text("a", a_name), Column::text("b", b_name)];
    if all {
        columns.push(Column::text("differs", "differs"));
    }
    let mut table = Table::new(columns);
    let cell = |value: Option<&Value>| match value.map(Cell::setting) {
        None => Cell::Missing("–".to_owned()),
        Some(cell) => cell,
    };
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys {
        let (a, b) = (a.get(key), b.get(key));
        if all || a != b {
            let differs = Cell::Flag(a != b);
            table.push(vec![Cell::text(key.as_str()), cell(a), cell(b), differs]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::tables::table::Format;

    #[test]
    fn keys_are_those_of_the_experiment_file() {
        let settings = json!({
            "dataset": {"source": {"kind": "faces", "train": 96}, "height": 24, "width": 32},
            "schedule": {"shape": {"kind": "step", "every": 3}, "warmup": 0.5},
            "model": {"blocks": [[4], [8]]},
            "occlusion": null,
        });
        let rows: Vec<String> =
            flat(settings).into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
        assert_eq!(
            rows,
            [
                "dataset.kind = \"faces\"",
                "dataset.size = [24,32]",
                "dataset.train = 96",
                "model.blocks = [[4],[8]]",
                "schedule.every = 3",
                "schedule.kind = \"step\"",
                "schedule.warmup = 0.5",
            ]
        );
    }

    #[test]
    fn what_differs_stands_side_by_side() {
        let a = flat(json!({"train": {"epochs": 3, "flip": true}, "seed": 1}));
        let b = flat(json!({"train": {"epochs": 30, "flip": true, "rate": 0.5}, "seed": 1}));
        let table = settings_table(("one", &a), ("two", &b), false);
        let expected = "\
key           one     two
──────────────────────────────
train.epochs  3       30
train.rate    –       0.5
";
        assert_eq!(table.render(Format::Table, 80).unwrap(), expected);
        let table = settings_table(("one", &a), ("two", &b), true);
        assert_eq!(
            table.render(Format::Csv, 80).unwrap(),
            "key,a,b,differs\nseed,1,1,false\ntrain.epochs,3,30,true\ntrain.flip,true,true,false\n\
             train.rate,,0.5,true\n"
        );
        assert!(settings_table(("one", &a), ("one", &a), false).is_empty());
    }
}

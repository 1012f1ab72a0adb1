//! The swept keys of rows, one column each.
//!
//! A row holds its values as TOML text. Their columns have the type that the values have: whole numbers, numbers,
//! booleans or texts (`adam`, without TOML's quotes). Values of other or mixed types stay TOML
//! text; so do texts of which one could be read as TOML, so that every column can be read back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use polars::prelude::*;
use toml::Value;

use super::column::{ColumnError, Field, read, type_name};

/// One column for each swept key of any row, in the order of the keys. A row without the key has a null.
pub(super) fn to_columns<'a>(
    rows: impl ExactSizeIterator<Item = &'a BTreeMap<String, String>> + Clone,
) -> Result<Vec<Column>, ColumnError> {
    let keys: BTreeSet<&String> = rows.clone().flat_map(BTreeMap::keys).collect();
    keys.into_iter()
        .map(|key| column(key, rows.clone().map(|row| row.get(key).map(String::as_str)).collect()))
        .collect()
}

fn column(key: &str, texts: Vec<Option<&str>>) -> Result<Column, ColumnError> {
    // Few distinct values occur in many rows.
    let values: HashMap<&str, Option<Value>> =
        texts.iter().flatten().map(|text| (*text, text.parse().ok())).collect();
    match kind(values.values()) {
        Kind::Integers => typed::<i64>(key, &texts, &values, Value::as_integer),
        Kind::Numbers => typed::<f64>(key, &texts, &values, number),
        Kind::Flags => typed::<bool>(key, &texts, &values, Value::as_bool),
        Kind::Texts => {
            typed::<String>(key, &texts, &values, |value| value.as_str().map(str::to_owned))
        }
        Kind::Toml => {
            let texts: Vec<Option<String>> =
                texts.iter().map(|text| text.map(str::to_owned)).collect();
            Option::<String>::column(key, texts.iter())
        }
    }
}

/// A column of the values of the texts.
fn typed<T: Clone>(
    key: &str,
    texts: &[Option<&str>],
    values: &HashMap<&str, Option<Value>>,
    as_type: impl Fn(&Value) -> Option<T>,
) -> Result<Column, ColumnError>
where
    Option<T>: Field,
{
    let known: HashMap<&str, Option<T>> =
        values.iter().map(|(text, value)| (*text, value.as_ref().and_then(&as_type))).collect();
    let typed: Vec<Option<T>> = texts.iter().map(|text| known[(*text)?].clone()).collect();
    Option::<T>::column(key, typed.iter())
}

/// The common type of all values of a key.
enum Kind {
    Integers,
    Numbers,
    Flags,
    Texts,
    Toml,
}

/// Whether the column of values, TOML text each, is one of numbers.
pub fn are_numbers<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let values: Vec<Option<Value>> = texts.map(|text| text.parse().ok()).collect();
    matches!(kind(values.iter()), Kind::Integers | Kind::Numbers)
}

fn kind<'a>(values: impl Iterator<Item = &'a Option<Value>> + Clone) -> Kind {
    let all = |is: fn(&Value) -> bool| values.clone().all(|value| value.as_ref().is_some_and(is));
    let plain = |value: &Value| value.as_str().is_some_and(|text| text.parse::<Value>().is_err());
    if all(Value::is_integer) {
        Kind::Integers
    } else if all(|value| number(value).is_some()) {
        Kind::Numbers
    } else if all(Value::is_bool) {
        Kind::Flags
    } else if all(plain) {
        Kind::Texts
    } else {
        Kind::Toml
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

/// Whether a column is that of a swept key: no other has a dot in its name.
pub(super) fn is_key(name: &str) -> bool {
    name.contains('.')
}

/// The swept keys of each row. Numbers come back as TOML writes them: `1e-3` as `0.001`, and 32 as `32.0` where
/// another value of its key is not whole.
pub(super) fn from_frame(frame: &DataFrame) -> Result<Vec<BTreeMap<String, String>>, ColumnError> {
    let mut rows = vec![BTreeMap::new(); frame.height()];
    for column in frame.columns().iter().filter(|column| is_key(column.name())) {
        let name = column.name().as_str();
        let texts = match column.dtype() {
            DataType::Boolean => texts::<bool>(frame, name, |flag| flag.to_string())?,
            DataType::Float64 => texts(frame, name, |number| Value::Float(*number).to_string())?,
            DataType::String => texts::<String>(frame, name, |text| toml_of(text))?,
            kind if kind.is_integer() => texts::<i64>(frame, name, |number| number.to_string())?,
            kind => {
                let problem = format!("a swept key cannot be {}", type_name(kind));
                return Err(ColumnError { column: name.to_owned(), problem });
            }
        };
        for (row, text) in rows.iter_mut().zip(texts) {
            row.extend(text.map(|text| (name.to_owned(), text)));
        }
    }
    Ok(rows)
}

fn texts<T: Clone>(
    frame: &DataFrame,
    name: &str,
    text: impl Fn(&T) -> String,
) -> Result<Vec<Option<String>>, ColumnError>
where
    Option<T>: Field,
{
    let values: Vec<Option<T>> = read(frame, name)?;
    Ok(values.iter().map(|value| value.as_ref().map(&text)).collect())
}

/// A text that is not TOML is a plain string.
fn toml_of(text: &str) -> String {
    match text.parse::<Value>() {
        Ok(_) => text.to_owned(),
        Err(_) => Value::String(text.to_owned()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[Option<&str>]) -> Column {
        let row = |value: &Option<&str>| {
            value.iter().map(|text| ("train.key".to_owned(), (*text).to_owned())).collect()
        };
        let rows: Vec<BTreeMap<String, String>> = values.iter().map(row).collect();
        let mut columns = to_columns(rows.iter()).unwrap();
        assert_eq!(columns.len(), 1);
        columns.remove(0)
    }

    fn back(column: Column) -> Vec<Option<String>> {
        let rows = from_frame(&DataFrame::new_infer_height(vec![column]).unwrap()).unwrap();
        rows.into_iter().map(|mut row| row.remove("train.key")).collect()
    }

    #[test]
    fn a_column_has_the_type_of_its_values_and_they_come_back() {
        use DataType::{Boolean, Float64, Int64, String};
        let cases: [(&[&str], DataType); 9] = [
            (&["16", "32", "-1"], Int64),
            (&["0.01", "1.0", "-0.5"], Float64),
            (&["true", "false"], Boolean),
            (&["\"adam\"", "\"sgd\""], String),
            (&["'no \"good\" name'", "\"\""], String),
            (&["[1, 2]", "[[64, 64], [96]]"], String),
            (&["{ kind = \"adam\" }"], String),
            // Of different types.
            (&["true", "\"drop\"", "3"], String),
            // Without the quotes they would be a number and a list.
            (&["\"12\"", "\"[1]\"", "\"adam\""], String),
        ];
        for (texts, dtype) in cases {
            let values: Vec<Option<&str>> = texts.iter().copied().map(Some).collect();
            let column = column(&values);
            assert_eq!(column.dtype(), &dtype, "{texts:?}");
            let expected: Vec<_> = texts.iter().map(|text| Some((*text).to_owned())).collect();
            assert_eq!(back(column), expected);
        }
    }

    #[test]
    fn words_stand_without_quotes_unless_one_could_be_taken_for_a_value() {
        let text = |column: &Column| column.str().unwrap().get(0).unwrap().to_owned();
        assert_eq!(text(&column(&[Some("\"adam\""), Some("\"sgd\"")])), "adam");
        assert_eq!(text(&column(&[Some("\"adam\""), Some("\"true\"")])), "\"adam\"");
        assert_eq!(text(&column(&[Some("[1, 2]")])), "[1, 2]");
    }

    #[test]
    fn whole_numbers_among_others_are_numbers_and_rows_may_lack_a_key() {
        let column = column(&[Some("32"), None, Some("0.5")]);
        assert_eq!(column.dtype(), &DataType::Float64);
        assert_eq!(column.f64().unwrap().get(0), Some(32.0));
        let expected = [Some("32.0"), None, Some("0.5")].map(|text| text.map(str::to_owned));
        assert_eq!(back(column), expected);
    }

    #[test]
    fn what_no_value_can_be_is_refused() {
        let column = <Vec<f32> as Field>::column("train.key", [vec![1.0]].iter()).unwrap();
        let error = from_frame(&DataFrame::new_infer_height(vec![column]).unwrap()).unwrap_err();
        assert_eq!(error.column, "train.key");
        assert_eq!(error.problem, "a swept key cannot be list<float32>");
    }
}

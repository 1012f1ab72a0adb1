//! How a field of a row becomes a column, and comes back.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use crate::dataset::Split;
use crate::experiment::Statistics;
use crate::region::{FillKind, Mode, Phase};

use super::terms::{self, CurveKind, CurveOrder, MapMethod, Metric, NONE, RunStatus, Term, Worth};

/// What is wrong with a column that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct ColumnError {
    pub column: String,
    pub problem: String,
}

/// A type that a row's field can have.
pub trait Field: Sized {
    fn dtype() -> DataType;

    /// The column of such fields, in row order.
    fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column
    where
        Self: 'a;

    /// The fields of a column of [`Field::dtype`]; `None` where one is null that cannot be.
    fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>>;

    /// What every row of a table without such a column means; `None` where the column must be there.
    fn absent() -> Option<Self> {
        None
    }
}

/// Reads the column `name` of `frame`.
pub fn read<T: Field + Clone>(frame: &DataFrame, name: &str) -> Result<Vec<T>, ColumnError> {
    let error = |problem| ColumnError { column: name.to_owned(), problem };
    let Ok(column) = frame.column(name) else {
        let absent = T::absent().ok_or_else(|| error("it is missing".to_owned()))?;
        return Ok(vec![absent; frame.height()]);
    };
    if *column.dtype() != T::dtype() {
        let (found, expected) = (type_name(column.dtype()), type_name(&T::dtype()));
        return Err(error(format!("it holds {found}, not {expected}")));
    }
    match T::values(column) {
        Ok(Some(values)) => Ok(values),
        Ok(None) => Err(error("a value is missing".to_owned())),
        Err(reason) => Err(error(reason.to_string())),
    }
}

/// A type in the words of Arrow, which every tool that reads Parquet understands.
fn type_name(dtype: &DataType) -> String {
    match dtype {
        DataType::List(inner) => format!("list<{}>", type_name(inner)),
        DataType::String => "string".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Implements [`Field`] for a type that polars has a column of, and for the type where it can be missing.
macro_rules! scalar {
    ($type:ty, $dtype:expr, $chunked:ty, $get:ident, $out:expr, $from:expr) => {
        impl Field for $type {
            fn dtype() -> DataType {
                $dtype
            }

            fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
                let out: fn(&'a $type) -> _ = $out;
                <$chunked>::from_iter_values(name.into(), values.map(out)).into_column()
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                let from: fn(_) -> $type = $from;
                Ok(column.$get()?.iter().map(|value| value.map(from)).collect())
            }
        }

        impl Field for Option<$type> {
            fn dtype() -> DataType {
                $dtype
            }

            fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
                let out: fn(&'a $type) -> _ = $out;
                let chunked: $chunked = values.map(|value| value.as_ref().map(out)).collect();
                chunked.with_name(name.into()).into_column()
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                let from: fn(_) -> $type = $from;
                Ok(Some(column.$get()?.iter().map(|value| value.map(from)).collect()))
            }
        }
    };
}

scalar!(f64, DataType::Float64, Float64Chunked, f64, |v| *v, |v| v);
scalar!(u32, DataType::UInt32, UInt32Chunked, u32, |v| *v, |v| v);
scalar!(u64, DataType::UInt64, UInt64Chunked, u64, |v| *v, |v| v);
scalar!(String, DataType::String, StringChunked, str, |v| v.as_str(), |v: &str| v.to_owned());

impl Field for bool {
    fn dtype() -> DataType {
        DataType::Boolean
    }

    fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
        let values: Vec<bool> = values.copied().collect();
        BooleanChunked::from_slice(name.into(), &values).into_column()
    }

    fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
        Ok(column.bool()?.iter().collect())
    }
}

/// A column of texts, and what each means; an error where one means nothing.
fn texts<T>(column: &Column, meaning: impl Fn(&str) -> Option<T>) -> PolarsResult<Option<Vec<T>>> {
    let of = |text: &str| {
        let unknown = || PolarsError::ComputeError(format!("`{text}` is not known").into());
        meaning(text).ok_or_else(unknown)
    };
    column.str()?.iter().map(|text| text.map(of).transpose()).collect()
}

/// Implements [`Field`] for [`Term`]s; after a semicolon those that stand as `none` where there is none.
macro_rules! terms {
    ($($type:ty $(= $absent:expr)?),*; $($optional:ty),*) => {
        $(impl Field for $type {
            fn dtype() -> DataType {
                DataType::String
            }

            fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
                let words = values.map(|value| value.term());
                StringChunked::from_iter_values(name.into(), words).into_column()
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                texts(column, <$type as Term>::of)
            }

            $(fn absent() -> Option<Self> {
                Some($absent)
            })?
        })*

        $(impl Field for Option<$optional> {
            fn dtype() -> DataType {
                DataType::String
            }

            fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
                let words = values.map(|value| terms::term_or_none(*value));
                StringChunked::from_iter_values(name.into(), words).into_column()
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                texts(column, |word| match word {
                    NONE => Some(None),
                    word => <$optional as Term>::of(word).map(Some),
                })
            }
        })*
    };
}

terms!(
    CurveKind,
    CurveOrder,
    FillKind,
    MapMethod,
    Metric,
    Mode,
    Phase,
    Split,
    Statistics = Statistics::Trained,
    Worth;
    FillKind,
    Mode,
    Phase
);

impl Field for RunStatus {
    fn dtype() -> DataType {
        DataType::String
    }

    fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
        let texts: Vec<String> = values.map(RunStatus::to_string).collect();
        StringChunked::from_iter_values(name.into(), texts.iter().map(String::as_str)).into_column()
    }

    fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
        texts(column, RunStatus::of)
    }
}

/// Implements [`Field`] for lists of numbers.
macro_rules! list {
    ($type:ty, $dtype:expr, $polars:ty, $get:ident) => {
        impl Field for Vec<$type> {
            fn dtype() -> DataType {
                DataType::List(Box::new($dtype))
            }

            fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
                let rows = values.len();
                let mut builder = ListPrimitiveChunkedBuilder::<$polars>::new(
                    name.into(),
                    rows,
                    rows * 8,
                    $dtype,
                );
                for value in values {
                    builder.append_slice(value);
                }
                builder.finish().into_column()
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                lists(column, |inner| Ok(inner.$get()?.iter().collect()))
            }
        }
    };
}

list!(f32, DataType::Float32, Float32Type, f32);
list!(f64, DataType::Float64, Float64Type, f64);

impl Field for Vec<String> {
    fn dtype() -> DataType {
        DataType::List(Box::new(DataType::String))
    }

    fn column<'a>(name: &str, values: impl ExactSizeIterator<Item = &'a Self>) -> Column {
        let rows = values.len();
        let mut builder = ListStringChunkedBuilder::new(name.into(), rows, rows * 2);
        for value in values {
            builder.append_values_iter(value.iter().map(String::as_str));
        }
        builder.finish().into_column()
    }

    fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
        lists(column, |inner| Ok(inner.str()?.iter().map(|v| v.map(str::to_owned)).collect()))
    }
}

/// The lists of a column; `None` where a list or a value in one is null.
fn lists<T>(
    column: &Column,
    values: impl Fn(&Series) -> PolarsResult<Option<Vec<T>>>,
) -> PolarsResult<Option<Vec<Vec<T>>>> {
    let mut rows = Vec::with_capacity(column.len());
    for list in column.list()?.amortized_iter() {
        let Some(list) = list else { return Ok(None) };
        let Some(list) = values(list.as_ref())? else { return Ok(None) };
        rows.push(list);
    }
    Ok(Some(rows))
}

/// One column for each swept key of any row, in the order of the keys: numbers where every value is one,
/// else the TOML text. A row without the key has a null.
pub fn swept_columns<'a>(
    rows: impl ExactSizeIterator<Item = &'a BTreeMap<String, String>> + Clone,
) -> Vec<Column> {
    let keys: BTreeSet<&String> = rows.clone().flat_map(BTreeMap::keys).collect();
    let column = |key: &String| {
        let texts: Vec<Option<String>> =
            rows.clone().map(|swept| swept.get(key).cloned()).collect();
        let number = |text: &Option<String>| match text {
            Some(text) => text.parse::<f64>().ok().map(Some),
            None => Some(None),
        };
        match texts.iter().map(number).collect::<Option<Vec<Option<f64>>>>() {
            Some(numbers) => Option::<f64>::column(key, numbers.iter()),
            None => Option::<String>::column(key, texts.iter()),
        }
    };
    keys.into_iter().map(column).collect()
}

/// The swept keys of each row: the columns with a dot in their name, which no other column has. A number
/// comes back in its shortest form (`1e-3` as `0.001`).
pub fn read_swept(frame: &DataFrame) -> Result<Vec<BTreeMap<String, String>>, ColumnError> {
    let mut rows = vec![BTreeMap::new(); frame.height()];
    for column in frame.columns().iter().filter(|column| column.name().contains('.')) {
        let name = column.name().as_str();
        let texts: Vec<Option<String>> = if *column.dtype() == DataType::Float64 {
            let numbers: Vec<Option<f64>> = read(frame, name)?;
            numbers.into_iter().map(|number| number.map(|number| number.to_string())).collect()
        } else {
            read(frame, name)?
        };
        for (row, text) in rows.iter_mut().zip(texts) {
            row.extend(text.map(|text| (name.to_owned(), text)));
        }
    }
    Ok(rows)
}

//! Conversion between a row's field and a column.

use std::fmt::Display;

use polars::prelude::*;

use crate::dataset::Split;
use crate::experiment::Statistics;
use crate::region::{FillKind, Mode, Phase};

use super::terms::{
    self, CurveKind, CurveOrder, MapMethod, Metric, NONE, NoneSeen, RunStatus, Term, Worth,
};

/// An error in a column that is read or written.
#[derive(Debug, PartialEq, Eq)]
pub struct ColumnError {
    pub column: String,
    pub problem: String,
}

/// A type that a row's field can have.
pub trait Field: Sized {
    fn dtype() -> DataType;

    /// The column of such fields, in row order.
    ///
    /// # Errors
    /// A value that a column of this type cannot hold.
    fn column<'a>(
        name: &str,
        values: impl ExactSizeIterator<Item = &'a Self>,
    ) -> Result<Column, ColumnError>
    where
        Self: 'a;

    /// The fields of a column of [`Field::dtype`]; `None` where one is null that cannot be.
    fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>>;

    /// The value of every row of a table without such a column; `None` if the column is required.
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
    let (found, expected) = (column.dtype(), T::dtype());
    // Former versions wrote unsigned integers, and counts as integers; other tools write short ones.
    let column = match found {
        found if *found == expected => column.clone(),
        found if found.is_integer() && expected.is_primitive_numeric() => {
            column.strict_cast(&expected).map_err(|reason| error(reason.to_string()))?
        }
        found => {
            let (found, expected) = (type_name(found), type_name(&expected));
            return Err(error(format!("it has type {found}, not {expected}")));
        }
    };
    match T::values(&column) {
        Ok(Some(values)) => Ok(values),
        Ok(None) => Err(error("a value is missing".to_owned())),
        Err(reason) => Err(error(reason.to_string())),
    }
}

/// A type in the words of Arrow, which every tool that reads Parquet understands.
pub(super) fn type_name(dtype: &DataType) -> String {
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

            fn column<'a>(
                name: &str,
                values: impl ExactSizeIterator<Item = &'a Self>,
            ) -> Result<Column, ColumnError> {
                let out: fn(&'a $type) -> _ = $out;
                Ok(<$chunked>::from_iter_values(name.into(), values.map(out)).into_column())
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

            fn column<'a>(
                name: &str,
                values: impl ExactSizeIterator<Item = &'a Self>,
            ) -> Result<Column, ColumnError> {
                let out: fn(&'a $type) -> _ = $out;
                let chunked: $chunked = values.map(|value| value.as_ref().map(out)).collect();
                Ok(chunked.with_name(name.into()).into_column())
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                let from: fn(_) -> $type = $from;
                Ok(Some(column.$get()?.iter().map(|value| value.map(from)).collect()))
            }

            // A column that may be empty may be missing in a table of an earlier version.
            fn absent() -> Option<Self> {
                Some(None)
            }
        }
    };
}

scalar!(f64, DataType::Float64, Float64Chunked, f64, |v| *v, |v| v);
scalar!(String, DataType::String, StringChunked, str, |v| v.as_str(), |v: &str| v.to_owned());

/// Implements [`Field`] for whole numbers, whatever their type in memory. In a table all are signed: pandas and R
/// have no unsigned ones of 64 bits and would make them floating-point.
macro_rules! whole {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn dtype() -> DataType {
                DataType::Int64
            }

            fn column<'a>(
                name: &str,
                values: impl ExactSizeIterator<Item = &'a Self>,
            ) -> Result<Column, ColumnError> {
                signed(name, values.map(|value| Some(*value)))
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                Ok(unsigned(column)?.into_iter().collect())
            }
        }

        impl Field for Option<$type> {
            fn dtype() -> DataType {
                DataType::Int64
            }

            fn column<'a>(
                name: &str,
                values: impl ExactSizeIterator<Item = &'a Self>,
            ) -> Result<Column, ColumnError> {
                signed(name, values.copied())
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                unsigned(column).map(Some)
            }
        }
    )*};
}

whole!(i64, u32, u64);

/// The column of whole numbers; an error where one is too large for it.
fn signed<T: TryInto<i64> + Copy + Display>(
    name: &str,
    values: impl Iterator<Item = Option<T>>,
) -> Result<Column, ColumnError> {
    let signed = |value: T| {
        let problem =
            || format!("{value} is more than {}, which is the most it can hold", i64::MAX);
        value.try_into().map_err(|_| ColumnError { column: name.to_owned(), problem: problem() })
    };
    let chunked: Int64Chunked =
        values.map(|value| value.map(signed).transpose()).collect::<Result<_, ColumnError>>()?;
    Ok(chunked.with_name(name.into()).into_column())
}

/// The numbers of a column; an error where one is none of this type.
fn unsigned<T: TryFrom<i64>>(column: &Column) -> PolarsResult<Vec<Option<T>>> {
    let unsigned = |value: i64| {
        let refused = || PolarsError::ComputeError(format!("it cannot hold {value}").into());
        T::try_from(value).map_err(|_| refused())
    };
    column.i64()?.iter().map(|value| value.map(unsigned).transpose()).collect()
}

macro_rules! flag {
    ($type:ty, $from:expr, $all:expr) => {
        impl Field for $type {
            fn dtype() -> DataType {
                DataType::Boolean
            }

            fn column<'a>(
                name: &str,
                values: impl ExactSizeIterator<Item = &'a Self>,
            ) -> Result<Column, ColumnError> {
                let chunked: BooleanChunked = values.copied().map($from).collect();
                Ok(chunked.with_name(name.into()).into_column())
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                Ok($all(column.bool()?))
            }
        }
    };
}

flag!(bool, Some, |flags: &BooleanChunked| flags.iter().collect());
flag!(Option<bool>, |flag| flag, |flags: &BooleanChunked| Some(flags.iter().collect()));

/// A column of texts parsed as values; an error for an unknown text.
fn texts<T>(column: &Column, meaning: impl Fn(&str) -> Option<T>) -> PolarsResult<Option<Vec<T>>> {
    let of = |text: &str| {
        let unknown = || PolarsError::ComputeError(format!("`{text}` is not a known value").into());
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

            fn column<'a>(
                name: &str,
                values: impl ExactSizeIterator<Item = &'a Self>,
            ) -> Result<Column, ColumnError> {
                let words = values.map(|value| value.term());
                Ok(StringChunked::from_iter_values(name.into(), words).into_column())
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

            fn column<'a>(
                name: &str,
                values: impl ExactSizeIterator<Item = &'a Self>,
            ) -> Result<Column, ColumnError> {
                let words = values.map(|value| terms::term_or_none(*value));
                Ok(StringChunked::from_iter_values(name.into(), words).into_column())
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
    NoneSeen = NoneSeen::Constant,
    Phase,
    Split,
    Statistics = Statistics::Trained,
    Worth;
    FillKind,
    Mode,
    Phase,
    Split
);

impl Field for RunStatus {
    fn dtype() -> DataType {
        DataType::String
    }

    fn column<'a>(
        name: &str,
        values: impl ExactSizeIterator<Item = &'a Self>,
    ) -> Result<Column, ColumnError> {
        let texts: Vec<String> = values.map(RunStatus::to_string).collect();
        let texts = texts.iter().map(String::as_str);
        Ok(StringChunked::from_iter_values(name.into(), texts).into_column())
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

            fn column<'a>(
                name: &str,
                values: impl ExactSizeIterator<Item = &'a Self>,
            ) -> Result<Column, ColumnError> {
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
                Ok(builder.finish().into_column())
            }

            fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
                lists(column, |inner| Ok(inner.$get()?.iter().collect()))
            }
        }
    };
}

list!(f32, DataType::Float32, Float32Type, f32);
list!(f64, DataType::Float64, Float64Type, f64);

impl Field for Option<Vec<f32>> {
    fn dtype() -> DataType {
        Vec::<f32>::dtype()
    }

    fn column<'a>(
        name: &str,
        values: impl ExactSizeIterator<Item = &'a Self>,
    ) -> Result<Column, ColumnError> {
        let (name, rows) = (name.into(), values.len());
        let mut builder = ListPrimitiveChunkedBuilder::<Float32Type>::new(
            name,
            rows,
            rows * 8,
            DataType::Float32,
        );
        for value in values {
            match value {
                Some(value) => builder.append_slice(value),
                None => builder.append_null(),
            }
        }
        Ok(builder.finish().into_column())
    }

    fn values(column: &Column) -> PolarsResult<Option<Vec<Self>>> {
        let mut rows = Vec::with_capacity(column.len());
        for list in column.list()?.amortized_iter() {
            let Some(list) = list else {
                rows.push(None);
                continue;
            };
            let Some(list) = list.as_ref().f32()?.iter().collect() else { return Ok(None) };
            rows.push(Some(list));
        }
        Ok(Some(rows))
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl Field for Vec<String> {
    fn dtype() -> DataType {
        DataType::List(Box::new(DataType::String))
    }

    fn column<'a>(
        name: &str,
        values: impl ExactSizeIterator<Item = &'a Self>,
    ) -> Result<Column, ColumnError> {
        let rows = values.len();
        let mut builder = ListStringChunkedBuilder::new(name.into(), rows, rows * 2);
        for value in values {
            builder.append_values_iter(value.iter().map(String::as_str));
        }
        Ok(builder.finish().into_column())
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

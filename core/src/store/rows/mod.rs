//! The tables: the rows, and the name, type, unit and meaning of each column.
//!
//! All of that is written once, in [`table!`]: it makes the row's type with its documentation, the columns,
//! both conversions between rows and columns, and the entry of [`reference()`].

mod doubts;
mod effects;
mod predictions;
mod reference;
mod runs;
mod sensitivity;
mod truth;

pub use doubts::DoubtRow;
pub use effects::{
    ClassEffectRow, ConfusionShiftRow, ContrastRow, EffectRow, InterplayRow, MaskLeakRow,
    NetworkAgreementRow, NetworkMeanRow, RankingRow, SettingContrastRow, ShapleyContrastRow,
    ShapleyRow,
};
pub use predictions::{ConfusionRow, PredictionRow};
pub use reference::{ColumnInfo, TableInfo, reference};
pub use runs::{EpochRow, RunRow};
pub use sensitivity::{SensitivityCurveRow, SensitivityRow};
pub use truth::TruthRow;

/// Defines a row and its table.
///
/// ```text
/// table! {
///     /// What a row is.
///     EffectRow in "effects" {
///         /// What the column means.
///         effect: f64 ["unit"],
///         ..swept
///     }
///     beside {
///         /// As a column; written with each row, never read.
///         classes: Vec<String>,
///     }
/// }
/// ```
///
/// A field's type is a [`Field`](super::column::Field), and an `Option` of it where the column may be empty in
/// a row. A unit is given where there is one. `..swept` is for rows of a condition: a column for each swept key
/// follows the others. `beside` is for values that are the same in every row of a run.
macro_rules! table {
    (
        $(#[doc = $about:literal])+
        $row:ident in $name:literal {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty $([$unit:literal])?,
            )+
            $(..$swept:ident)?
        }
        $(beside { $($(#[doc = $beside_doc:literal])+ $beside:ident: $beside_type:ty,)+ })?
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $row {
            $(
                $(#[doc = $doc])+
                $(#[doc = concat!("\n\nUnit: ", $unit, ".")])?
                pub $field: $type,
            )+
            $(
                /// Dotted key → value as TOML text, of each swept key.
                pub $swept: ::std::collections::BTreeMap<String, String>,
            )?
        }

        impl $crate::store::Table for $row {
            const NAME: &'static str = $name;
            const ABOUT: &'static str = concat!($($about, "\n"),+);
            const SWEPT: bool = {
                let field: &[&str] = &[$(stringify!($swept))?];
                !field.is_empty()
            };

            fn columns() -> Vec<$crate::store::ColumnInfo> {
                use $crate::store::{ColumnInfo, column::Field};
                vec![$(ColumnInfo {
                    name: stringify!($field),
                    dtype: <$type as Field>::dtype(),
                    unit: [$($unit)?].first().copied(),
                    about: concat!($($doc, "\n"),+),
                }),+]
            }

            fn beside() -> Vec<$crate::store::ColumnInfo> {
                vec![$($($crate::store::ColumnInfo {
                    name: stringify!($beside),
                    dtype: <$beside_type as $crate::store::column::Field>::dtype(),
                    unit: None,
                    about: concat!($($beside_doc, "\n"),+),
                }),+)?]
            }

            fn to_columns(
                rows: &[Self],
            ) -> Result<Vec<polars::prelude::Column>, $crate::store::column::ColumnError> {
                use $crate::store::column::Field;
                #[allow(unused_mut, reason = "a table without swept keys adds nothing")]
                let mut columns = vec![$(<$type as Field>::column(
                    stringify!($field),
                    rows.iter().map(|row| &row.$field),
                )?),+];
                $(columns.extend($crate::store::swept::to_columns(
                    rows.iter().map(|row| &row.$swept),
                )?);)?
                Ok(columns)
            }

            fn from_frame(
                frame: &polars::prelude::DataFrame,
            ) -> Result<Vec<Self>, $crate::store::column::ColumnError> {
                $(let mut $field = $crate::store::column::read::<$type>(
                    frame,
                    stringify!($field),
                )?.into_iter();)+
                $(let mut $swept = $crate::store::swept::from_frame(frame)?.into_iter();)?
                let row = |_| Some($row {
                    $($field: $field.next()?,)+
                    $($swept: $swept.next()?,)?
                });
                Ok((0..frame.height()).map_while(row).collect())
            }
        }

        $(impl $row {
            /// The columns of the rows, and the columns that are the same in all of them.
            pub(crate) fn columns_beside(
                rows: &[Self],
                $($beside: &$beside_type,)+
            ) -> Result<Vec<polars::prelude::Column>, $crate::store::column::ColumnError> {
                use $crate::store::column::Field;
                let mut columns = <Self as $crate::store::Table>::to_columns(rows)?;
                $(columns.push(<$beside_type as Field>::column(
                    stringify!($beside),
                    rows.iter().map(|_| $beside),
                )?);)+
                Ok(columns)
            }
        })?
    };
}

// The files of the tables come after it.
use table;

#[cfg(test)]
mod tests;

//! The documentation of every table and column.

use polars::prelude::DataType;

use super::{
    ClassEffectRow, ConfusionRow, ConfusionShiftRow, ContrastRow, DoubtRow, EffectRow, EpochRow,
    InterplayRow, MaskLeakRow, NetworkAgreementRow, NetworkMeanRow, PredictionRow, RankingRow,
    RunRow, SensitivityCurveRow, SensitivityRow, SettingContrastRow, ShapleyContrastRow,
    ShapleyRow, TruthRow,
};
use crate::store::Table;
use crate::store::column::type_name;

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableInfo {
    /// Its file's name, without `.parquet`.
    pub name: &'static str,
    /// The meaning of its rows, in a sentence.
    pub about: String,
    /// In the order of the file.
    pub columns: Vec<ColumnInfo>,
    /// Whether a column for each swept key follows.
    pub swept: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnInfo {
    pub name: &'static str,
    pub dtype: DataType,
    pub unit: Option<&'static str>,
    /// As written in the source, line breaks included.
    pub(super) about: &'static str,
}

impl ColumnInfo {
    /// As Arrow calls it: `string`, `list<float64>` …
    pub fn type_name(&self) -> String {
        type_name(&self.dtype)
    }

    /// Its meaning, in a sentence or two.
    pub fn about(&self) -> String {
        in_one_line(self.about)
    }
}

/// Every table of an experiment, in the order in which they are written.
pub fn reference() -> Vec<TableInfo> {
    vec![
        table::<RunRow>(),
        table::<EpochRow>(),
        table::<PredictionRow>(),
        table::<ConfusionRow>(),
        table::<DoubtRow>(),
        table::<TruthRow>(),
        table::<SensitivityRow>(),
        table::<SensitivityCurveRow>(),
        table::<EffectRow>(),
        table::<ClassEffectRow>(),
        table::<ContrastRow>(),
        table::<SettingContrastRow>(),
        table::<ShapleyRow>(),
        table::<ShapleyContrastRow>(),
        table::<InterplayRow>(),
        table::<RankingRow>(),
        table::<ConfusionShiftRow>(),
        table::<MaskLeakRow>(),
        table::<NetworkAgreementRow>(),
        table::<NetworkMeanRow>(),
    ]
}

fn table<T: Table>() -> TableInfo {
    let mut columns = T::columns();
    columns.extend(T::beside());
    TableInfo { name: T::NAME, about: in_one_line(T::ABOUT), columns, swept: T::SWEPT }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_unit_and_every_meaning_is_a_sentence() {
        for table in reference() {
            assert!(table.about.ends_with('.'), "{}: {}", table.name, table.about);
            for column in &table.columns {
                let (what, about) = (format!("{}.{}", table.name, column.name), column.about());
                assert!(about.ends_with('.') || about.ends_with('…'), "{what}: {about}");
                let measured = column.type_name().contains("float");
                assert!(!measured || column.unit.is_some(), "{what} has no unit");
            }
        }
    }

    /// What other tools need: a key that joins, names for values in class order, integers that are not converted to
    /// floating-point.
    #[test]
    fn other_tools_can_join_the_tables() {
        for table in reference() {
            let has = |name: &str| table.columns.iter().any(|column| column.name == name);
            assert!(!has("regions") || has("condition"), "{} has no key", table.name);
            for column in &table.columns {
                let kind = column.type_name();
                let what = format!("{}.{}: {kind}", table.name, column.name);
                assert!(!kind.contains("uint"), "{what}");
                assert!(!kind.contains("list<float") || has("classes"), "{what}");
            }
        }
        let classes = |name: &str| {
            let table = reference().into_iter().find(|table| table.name == name);
            table.unwrap().columns.last().unwrap().type_name()
        };
        assert_eq!(classes("predictions"), "list<string>");
    }

    #[test]
    fn documentation_is_that_of_the_fields() {
        let runs = &reference()[0];
        let area = runs.columns.iter().find(|column| column.name == "area").unwrap();
        assert_eq!(area.about(), "Mean share of masked pixels over the test images.");
        assert_eq!((area.type_name().as_str(), area.unit), ("float64", Some("share")));
        assert_eq!((runs.name, runs.swept), ("runs", true));
        assert_eq!(runs.about, "A row per run: a condition and a seed.");
    }
}

//! The columns of every table, each written once.

use polars::prelude::{Column, DataFrame, DataType};

use crate::dataset::Split;
use crate::experiment::Statistics;
use crate::region::{FillKind, Mode, Phase};

use super::column::{self, ColumnError, Field};
use super::terms::{CurveKind, CurveOrder, MapMethod, Metric, RunStatus, Worth};
use super::{
    ClassEffectRow, ConfusionRow, ConfusionShiftRow, EffectRow, EpochRow, MaskLeakRow,
    PredictionRow, RankingRow, RunRow, SensitivityCurveRow, SensitivityRow, ShapleyRow, Table,
    TruthRow,
};

/// Implements [`Table`] for a row type: the table's name, then its columns in order. After a semicolon,
/// the field that holds the swept keys.
macro_rules! table {
    ($row:ident, $name:literal, { $($field:ident: $type:ty),* $(,)? $(; $swept:ident)? }) => {
        impl Table for $row {
            const NAME: &'static str = $name;

            fn schema() -> Vec<(&'static str, DataType)> {
                vec![$((stringify!($field), <$type as Field>::dtype())),*]
            }

            fn to_columns(rows: &[Self]) -> Vec<Column> {
                let columns = [$(
                    <$type as Field>::column(stringify!($field), rows.iter().map(|row| &row.$field))
                ),*];
                let swept: [Vec<Column>; _] =
                    [$(column::swept_columns(rows.iter().map(|row| &row.$swept)))?];
                columns.into_iter().chain(swept.into_iter().flatten()).collect()
            }

            fn from_frame(frame: &DataFrame) -> Result<Vec<Self>, ColumnError> {
                $(let mut $field =
                    column::read::<$type>(frame, stringify!($field))?.into_iter();)*
                $(let mut $swept = column::read_swept(frame)?.into_iter();)?
                let row = |_| Some($row {
                    $($field: $field.next()?,)*
                    $($swept: $swept.next()?,)?
                });
                Ok((0..frame.height()).map_while(row).collect())
            }
        }
    };
}

table!(RunRow, "runs", {
    run_id: String,
    training_id: String,
    experiment: String,
    condition: String,
    dataset: String,
    regions: Vec<String>,
    mode: Option<Mode>,
    fill: Option<FillKind>,
    phase: Option<Phase>,
    control: bool,
    draw: Option<u32>,
    area: f64,
    seed: u64,
    epochs: u32,
    best_epoch: u32,
    parameters: u64,
    val_accuracy: Option<f64>,
    test_accuracy: Option<f64>,
    test_balanced_accuracy: Option<f64>,
    test_macro_f1: Option<f64>,
    test_loss: Option<f64>,
    test_bits: Option<f64>,
    device: String,
    precision: String,
    fer_lab: String,
    libtorch: String,
    processor: String,
    threads: u32,
    statistics: Statistics,
    wall_seconds: f64,
    train_images_per_second: f64,
    status: RunStatus;
    swept
});

table!(EpochRow, "epochs", {
    training_id: String,
    epoch: u32,
    learning_rate: f64,
    train_loss: f64,
    train_accuracy: f64,
    val_loss: f64,
    val_accuracy: f64,
    seconds: f64,
});

table!(PredictionRow, "predictions", {
    run_id: String,
    split: Split,
    image: String,
    actual: String,
    predicted: String,
    probabilities: Vec<f32>,
    label: Vec<f32>,
});

table!(ConfusionRow, "confusion", {
    run_id: String,
    split: Split,
    actual: String,
    predicted: String,
    count: u64,
});

table!(EffectRow, "effects", {
    regions: Vec<String>,
    mode: Mode,
    phase: Phase,
    fill: FillKind,
    metric: Metric,
    seeds: u32,
    images: u64,
    baseline: f64,
    covered: f64,
    control: Option<f64>,
    effect: f64,
    effect_low: Option<f64>,
    effect_high: Option<f64>,
    signal: Option<f64>,
    signal_low: Option<f64>,
    signal_high: Option<f64>,
    p: Option<f64>,
    p_adjusted: Option<f64>,
    method: String;
    swept
});

table!(ClassEffectRow, "class_effects", {
    regions: Vec<String>,
    mode: Mode,
    phase: Phase,
    fill: FillKind,
    emotion: String,
    seeds: u32,
    images: u64,
    baseline: f64,
    covered: f64,
    control: Option<f64>,
    effect: f64,
    effect_low: Option<f64>,
    effect_high: Option<f64>,
    signal: Option<f64>,
    signal_low: Option<f64>,
    signal_high: Option<f64>,
    p: Option<f64>,
    p_adjusted: Option<f64>,
    method: String;
    swept
});

table!(ShapleyRow, "shapley", {
    region: String,
    metric: Worth,
    emotion: Option<String>,
    phase: Phase,
    fill: FillKind,
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
    first: f64,
    none_seen: f64,
    all_seen: f64,
    seeds: u32,
    images: u64,
    method: String;
    swept
});

table!(SensitivityRow, "sensitivity", {
    training_id: String,
    seed: u64,
    method: MapMethod,
    emotion: String,
    images: u64,
    row: u32,
    column: u32,
    value: f64,
    face: f64,
});

table!(SensitivityCurveRow, "sensitivity_curves", {
    training_id: String,
    seed: u64,
    method: MapMethod,
    emotion: String,
    images: u64,
    curve: CurveKind,
    order: CurveOrder,
    step: u32,
    share: f64,
    probability: f64,
});

table!(RankingRow, "ranking", {
    mode: Mode,
    phase: Phase,
    fill: FillKind,
    metric: Metric,
    region: String,
    rank: u32,
    probability: f64,
    seeds: u32,
    images: u64,
    method: String;
    swept
});

table!(ConfusionShiftRow, "confusions", {
    regions: Vec<String>,
    mode: Mode,
    phase: Phase,
    fill: FillKind,
    actual: String,
    predicted: String,
    baseline: f64,
    covered: f64,
    change: f64,
    low: Option<f64>,
    high: Option<f64>,
    seeds: u32,
    images: u64,
    method: String;
    swept
});

table!(MaskLeakRow, "mask_leaks", {
    metric: Metric,
    reached: f64,
    chance: f64,
    excess: f64,
    low: Option<f64>,
    high: Option<f64>,
    p: Option<f64>,
    seeds: u32,
    images: u64,
    method: String;
    swept
});

table!(TruthRow, "truth", {
    regions: Vec<String>,
    accuracy: f64,
    accuracy_error: f64,
    bits: f64,
    recall: Vec<f64>,
    classes: Vec<String>;
    swept
});

#[cfg(test)]
mod tests;

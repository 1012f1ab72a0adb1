use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use polars::prelude::{
    Column, IntoColumn, NewChunkedArray, StringChunked, UInt32Chunked, UInt64Chunked,
};

use super::*;
use crate::dataset::Split;
use crate::experiment::Statistics;
use crate::region::Mode;
use crate::store::column::Field;
use crate::store::{RunStatus, StoreError, Table, Term, read_table, write_table};

fn text() -> impl Strategy<Value = String> {
    // Names with what Parquet could trip over: nothing, spaces, other scripts, line breaks.
    prop_oneof![
        Just(String::new()),
        "[a-z_]{1,12}",
        "[ -~]{0,30}",
        "\\PC{0,8}",
        Just("a\n\"b".into())
    ]
}

/// Any of a list of words.
fn term<T: Term + Debug>() -> impl Strategy<Value = T> {
    proptest::sample::select(T::TERMS)
}

fn status() -> impl Strategy<Value = RunStatus> {
    let reason = "[!-~]{0,8}( [!-~]{1,8}){0,2}";
    prop_oneof![
        Just(RunStatus::Done),
        reason.prop_map(RunStatus::Failed),
        reason.prop_map(RunStatus::Open)
    ]
}

fn names() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..4)
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(-0.0), Just(f64::INFINITY), -1e6..1e6, Just(f64::MIN_POSITIVE)]
}

fn shares() -> impl Strategy<Value = Vec<f32>> {
    vec(0.0f32..1.0, 0..8)
}

/// What a table can hold: no count is larger.
fn count() -> impl Strategy<Value = u64> {
    0..=i64::MAX as u64
}

/// Swept keys as they come back: numbers as TOML writes them.
fn swept() -> impl Strategy<Value = BTreeMap<String, String>> {
    let value =
        prop_oneof![Just("0.01".to_owned()), Just("true".to_owned()), Just("\"adam\"".to_owned())];
    btree_map("[a-z]{1,5}\\.[a-z]{1,5}", value, 0..3)
}

prop_compose! {
    fn run_row()(
        ids in [text(), text(), text(), text(), text()],
        origin in [text(), text(), text()],
        regions in names(),
        (mode, fill, phase) in (option::of(term()), option::of(term()), option::of(term())),
        (device, precision, status, test_part) in (text(), text(), status(), option::of(text())),
        (control, draw, seed) in (any::<bool>(), option::of(any::<u32>()), count()),
        (epochs, best_epoch, parameters, threads) in (any::<u32>(), any::<u32>(), count(), any::<u32>()),
        statistics in prop_oneof![Just(Statistics::Trained), Just(Statistics::Adapted)],
        metrics in [(); 6].map(|()| option::of(number())),
        (area, missed) in (number(), option::of(number())),
        (wall_seconds, train_images_per_second) in (number(), number()),
        swept in swept(),
    ) -> RunRow {
        let [run_id, training_id, experiment, condition, dataset] = ids;
        let [fer_lab, libtorch, processor] = origin;
        let [val_accuracy, test_accuracy, test_balanced_accuracy, test_macro_f1, test_loss, test_bits] =
            metrics;
        RunRow {
            run_id, training_id, experiment, condition, dataset, test_part, regions, mode, fill, phase, control,
            draw, area, missed, seed, epochs, best_epoch, parameters, val_accuracy, test_accuracy,
            test_balanced_accuracy, test_macro_f1, test_loss, test_bits, device, precision,
            fer_lab, libtorch, processor, threads, statistics, wall_seconds, train_images_per_second, status, swept,
        }
    }
}

prop_compose! {
    fn epoch_row()(
        training_id in text(),
        epoch in any::<u32>(),
        numbers in [(); 6].map(|()| number()),
    ) -> EpochRow {
        let [learning_rate, train_loss, train_accuracy, val_loss, val_accuracy, seconds] = numbers;
        EpochRow {
            training_id, epoch, learning_rate, train_loss, train_accuracy, val_loss, val_accuracy, seconds,
        }
    }
}

prop_compose! {
    fn prediction_row()(
        words in [(); 4].map(|()| text()),
        split in term(),
        credit in option::of(number()),
        probabilities in shares(),
        log_probabilities in option::of(shares()),
        label in shares(),
    ) -> PredictionRow {
        let [run_id, image, actual, predicted] = words;
        PredictionRow { run_id, split, image, actual, predicted, credit, probabilities, log_probabilities, label }
    }
}

prop_compose! {
    fn confusion_row()(words in [(); 3].map(|()| text()), split in term(), count in number()) -> ConfusionRow {
        let [run_id, actual, predicted] = words;
        ConfusionRow { run_id, split, actual, predicted, count }
    }
}

prop_compose! {
    fn effect_row()(
        condition in text(),
        regions in names(),
        (mode, phase, fill, metric, method) in (term(), term(), term(), term(), text()),
        (seeds, images) in (any::<u32>(), count()),
        numbers in [(); 3].map(|()| number()),
        maybe in [(); 8].map(|()| option::of(number())),
        further in [(); 8].map(|()| option::of(number())),
        signal_method in option::of(text()),
        swept in swept(),
    ) -> EffectRow {
        let [baseline, covered, effect] = numbers;
        let [control, effect_low, effect_high, signal, signal_low, signal_high, p, p_adjusted] = maybe;
        let [signal_p, signal_p_adjusted, chance, excess, excess_low, excess_high, excess_p, excess_p_adjusted] =
            further;
        EffectRow { condition,
            regions, mode, phase, fill, metric, seeds, images, baseline, covered, control, effect,
            effect_low, effect_high, signal, signal_low, signal_high, p, p_adjusted, method, signal_p,
            signal_p_adjusted, signal_method, chance, excess, excess_low, excess_high, excess_p, excess_p_adjusted, swept,
        }
    }
}

prop_compose! {
    fn class_effect_row()(
        condition in text(),
        regions in names(),
        (mode, phase, fill) in (term(), term(), term()),
        words in [(); 2].map(|()| text()),
        (seeds, images) in (any::<u32>(), count()),
        numbers in [(); 3].map(|()| number()),
        maybe in [(); 8].map(|()| option::of(number())),
        (signal_p, signal_p_adjusted) in (option::of(number()), option::of(number())),
        swept in swept(),
    ) -> ClassEffectRow {
        let [emotion, method] = words;
        let [baseline, covered, effect] = numbers;
        let [control, effect_low, effect_high, signal, signal_low, signal_high, p, p_adjusted] = maybe;
        ClassEffectRow { condition,
            regions, mode, phase, fill, emotion, seeds, images, baseline, covered, control, effect,
            effect_low, effect_high, signal, signal_low, signal_high, p, p_adjusted, method, signal_p,
            signal_p_adjusted, swept,
        }
    }
}

prop_compose! {
    fn contrast_row()(
        words in [(); 3].map(|()| text()),
        (regions, against) in (names(), names()),
        (mode, phase, fill, metric) in (term(), term(), term(), term()),
        (seeds, images, difference) in (any::<u32>(), count(), number()),
        maybe in [(); 4].map(|()| option::of(number())),
        swept in swept(),
    ) -> ContrastRow {
        let [condition, against_condition, method] = words;
        let [low, high, p, p_adjusted] = maybe;
        ContrastRow {
            condition, against_condition, regions, against, mode, phase, fill, metric, difference, low, high, p,
            p_adjusted, seeds, images, method, swept,
        }
    }
}

prop_compose! {
    fn setting_contrast_row()(
        words in [(); 3].map(|()| text()),
        lists in [(); 3].map(|()| names()),
        (mode, phase, fill, metric) in (term(), term(), term(), term()),
        (seeds, images, paired) in (any::<u32>(), count(), any::<bool>()),
        (value, against, difference) in (number(), number(), number()),
        maybe in [(); 4].map(|()| option::of(number())),
    ) -> SettingContrastRow {
        let [condition, against_condition, method] = words;
        let [setting, against_setting, regions] = lists;
        let [low, high, p, p_adjusted] = maybe;
        SettingContrastRow {
            condition, against_condition, setting, against_setting, regions, mode, phase, fill, metric, value, against,
            difference, low, high, p, p_adjusted, paired, seeds, images, method,
        }
    }
}

prop_compose! {
    fn interplay_row()(
        (pair, method) in (names(), text()),
        (metric, phase, fill) in (term(), term(), term()),
        (seeds, images, value) in (any::<u32>(), count(), number()),
        maybe in [(); 4].map(|()| option::of(number())),
        swept in swept(),
    ) -> InterplayRow {
        let [low, high, p, p_adjusted] = maybe;
        InterplayRow { pair, metric, phase, fill, value, low, high, p, p_adjusted, seeds, images, method, swept }
    }
}

prop_compose! {
    fn shapley_row()(
        (region, metric, phase, fill, method) in (text(), term(), term(), term(), text()),
        (emotion, none_by) in (option::of(text()), term()),
        (seeds, images) in (any::<u32>(), count()),
        numbers in [(); 4].map(|()| number()),
        (maybe, undecided) in ([(); 4].map(|()| option::of(number())), names()),
        swept in swept(),
    ) -> ShapleyRow {
        let [value, first, none_seen, all_seen] = numbers;
        let [low, high, p, p_adjusted] = maybe;
        ShapleyRow {
            region, metric, emotion, phase, fill, value, low, high, p, p_adjusted, undecided, first, none_seen, none_by,
            all_seen, seeds, images, method, swept,
        }
    }
}

prop_compose! {
    fn shapley_contrast_row()(
        (region, against, method, emotion) in (text(), text(), text(), option::of(text())),
        (metric, phase, fill) in (term(), term(), term()),
        (seeds, images, difference) in (any::<u32>(), count(), number()),
        maybe in [(); 4].map(|()| option::of(number())),
        swept in swept(),
    ) -> ShapleyContrastRow {
        let [low, high, p, p_adjusted] = maybe;
        ShapleyContrastRow {
            region, against, metric, emotion, phase, fill, difference, low, high, p, p_adjusted, seeds, images, method,
            swept,
        }
    }
}

prop_compose! {
    fn sensitivity_row()(
        (training_id, method, emotion) in (text(), term(), text()),
        (seed, images, row, column) in (count(), count(), any::<u32>(), any::<u32>()),
        (value, face) in (number(), number()),
    ) -> SensitivityRow {
        SensitivityRow { training_id, seed, method, emotion, images, row, column, value, face }
    }
}

prop_compose! {
    fn sensitivity_curve_row()(
        (training_id, emotion) in (text(), text()),
        (method, curve, order) in (term(), term(), term()),
        (seed, images, step) in (count(), count(), any::<u32>()),
        (share, probability) in (number(), number()),
    ) -> SensitivityCurveRow {
        SensitivityCurveRow {
            training_id, seed, method, emotion, images, curve, order, step, share, probability,
        }
    }
}

prop_compose! {
    fn network_agreement_row()(
        (networks, ranked) in (vec(text(), 0..4), vec(text(), 0..4)),
        (mode, phase, fill, metric) in (term(), term(), term(), term()),
        maybe in [(); 5].map(|()| option::of(number())),
        (smallest_p, first_in, seeds, images) in (number(), any::<u32>(), any::<u32>(), count()),
        (method, swept) in (text(), swept()),
    ) -> NetworkAgreementRow {
        let [w, low, high, p, first_in_all] = maybe;
        NetworkAgreementRow {
            networks, ranked, mode, phase, fill, metric, w, low, high, p, smallest_p, first_in, first_in_all,
            seeds, images, method, swept,
        }
    }
}

prop_compose! {
    fn network_mean_row()(
        region in text(),
        (mode, phase, fill, metric) in (term(), term(), term(), term()),
        (effect, smallest, largest) in (number(), number(), number()),
        maybe in [(); 4].map(|()| option::of(number())),
        (networks, images, method, swept) in (any::<u32>(), count(), text(), swept()),
    ) -> NetworkMeanRow {
        let [low, high, p, p_adjusted] = maybe;
        NetworkMeanRow {
            region, mode, phase, fill, metric, effect, low, high, p, p_adjusted, smallest, largest, networks, images,
            method, swept,
        }
    }
}

prop_compose! {
    fn ranking_row()(
        condition in text(),
        (mode, phase, fill, metric) in (term(), term(), term(), term()),
        (region, method) in (text(), text()),
        (rank, seeds, images, probability) in (any::<u32>(), any::<u32>(), count(), number()),
        swept in swept(),
    ) -> RankingRow {
        RankingRow { condition,
            mode, phase, fill, metric, region, rank, probability, seeds, images, method, swept,
        }
    }
}

prop_compose! {
    fn confusion_shift_row()(
        condition in text(),
        regions in names(),
        (mode, phase, fill) in (term(), term(), term()),
        words in [(); 3].map(|()| text()),
        (seeds, images) in (any::<u32>(), count()),
        numbers in [(); 3].map(|()| number()),
        (low, high) in (option::of(number()), option::of(number())),
        swept in swept(),
    ) -> ConfusionShiftRow {
        let [actual, predicted, method] = words;
        let [baseline, covered, change] = numbers;
        ConfusionShiftRow { condition,
            regions, mode, phase, fill, actual, predicted, baseline, covered, change, low, high, seeds,
            images, method, swept,
        }
    }
}

prop_compose! {
    fn truth_row()(
        condition in text(),
        regions in names(),
        numbers in [(); 3].map(|()| number()),
        recall in vec(number(), 0..8),
        classes in names(),
        swept in swept(),
    ) -> TruthRow {
        let [accuracy, accuracy_error, bits] = numbers;
        TruthRow { condition, regions, accuracy, accuracy_error, bits, recall, classes, swept }
    }
}

prop_compose! {
    fn doubt_row()(
        (doubt, text) in (text(), text()),
        split in option::of(term()),
        images in option::of(count()),
        swept in swept(),
    ) -> DoubtRow {
        DoubtRow { doubt, split, images, text, swept }
    }
}

prop_compose! {
    fn mask_leak_row()(
        condition in text(),
        numbers in [(); 3].map(|()| number()),
        ends in [(); 3].map(|()| option::of(number())),
        (seeds, images) in (any::<u32>(), count()),
        (metric, method) in (term(), text()),
        swept in swept(),
    ) -> MaskLeakRow {
        let ([reached, chance, excess], [low, high, p]) = (numbers, ends);
        MaskLeakRow { condition, metric, reached, chance, excess, low, high, p, seeds, images, method, swept }
    }
}

/// The rows come back, the same bytes twice, with the columns of the schema first.
fn round_trip<T: Table + PartialEq + Debug>(rows: &[T]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    write_table(&a, rows).unwrap();
    write_table(&b, rows).unwrap();
    let columns = T::to_columns(rows).unwrap();
    for (info, column) in T::columns().iter().zip(&columns) {
        prop_assert_eq!(info.name, column.name().as_str());
        prop_assert_eq!(&info.dtype, column.dtype());
    }
    if rows.is_empty() {
        prop_assert!(!a.exists());
        return Ok(());
    }
    prop_assert_eq!(&read_table::<T>(&a).unwrap()[..], rows);
    prop_assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn runs_come_back(rows in vec(run_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn epochs_come_back(rows in vec(epoch_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn predictions_come_back(rows in vec(prediction_row(), 0..20)) { round_trip(&rows)?; }

    #[test]
    fn confusion_comes_back(rows in vec(confusion_row(), 0..20)) { round_trip(&rows)?; }

    #[test]
    fn effects_come_back(rows in vec(effect_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn class_effects_come_back(rows in vec(class_effect_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn contrasts_come_back(rows in vec(contrast_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn setting_contrasts_come_back(rows in vec(setting_contrast_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn interplay_comes_back(rows in vec(interplay_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn shapley_comes_back(rows in vec(shapley_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn shapley_contrasts_come_back(rows in vec(shapley_contrast_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn sensitivity_comes_back(rows in vec(sensitivity_row(), 0..20)) { round_trip(&rows)?; }

    #[test]
    fn sensitivity_curves_come_back(rows in vec(sensitivity_curve_row(), 0..20)) { round_trip(&rows)?; }

    #[test]
    fn network_agreement_comes_back(rows in vec(network_agreement_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn network_means_come_back(rows in vec(network_mean_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn ranking_comes_back(rows in vec(ranking_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn confusion_shifts_come_back(rows in vec(confusion_shift_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn mask_leaks_come_back(rows in vec(mask_leak_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn doubts_come_back(rows in vec(doubt_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn truth_comes_back(rows in vec(truth_row(), 0..6)) { round_trip(&rows)?; }
}

fn confusion(count: u32) -> ConfusionRow {
    let word = |word: &str| word.to_owned();
    ConfusionRow {
        run_id: word("r"),
        split: Split::Test,
        actual: word("fear"),
        predicted: word("anger"),
        count: f64::from(count),
    }
}

fn leak(images: u64) -> MaskLeakRow {
    MaskLeakRow {
        condition: "masks alone".to_owned(),
        metric: crate::store::Metric::Accuracy,
        reached: 0.5,
        chance: 0.25,
        excess: 0.25,
        low: None,
        high: None,
        p: None,
        seeds: 2,
        images,
        method: "images only".to_owned(),
        swept: BTreeMap::new(),
    }
}

fn truth(regions: &[&str]) -> TruthRow {
    TruthRow {
        condition: "whole".to_owned(),
        regions: regions.iter().map(|name| (*name).to_owned()).collect(),
        accuracy: 0.9,
        accuracy_error: 0.0,
        bits: 1.5,
        recall: vec![0.25, 1.0],
        classes: vec!["fear".to_owned(), "anger".to_owned()],
        swept: BTreeMap::new(),
    }
}

fn refused<T: Table + Debug>(path: &Path) -> String {
    read_table::<T>(path).unwrap_err().to_string()
}

/// Writes columns as they are, sealed.
fn write_columns(path: &Path, columns: Vec<Column>) {
    let mut writer = crate::store::table::TableWriter::new(path);
    writer.write(Ok(columns)).unwrap();
    writer.finish().unwrap();
}

#[test]
fn numbers_that_are_no_numbers_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.parquet");
    write_table(&path, &[TruthRow { bits: f64::NAN, ..truth(&[]) }]).unwrap();
    assert!(read_table::<TruthRow>(&path).unwrap()[0].bits.is_nan());
}

#[test]
fn a_missing_column_and_a_wrong_type_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("confusion.parquet");
    let mut columns = ConfusionRow::to_columns(&[confusion(1)]).unwrap();
    columns.remove(1);
    write_columns(&path, columns);
    assert_eq!(
        refused::<ConfusionRow>(&path),
        format!(
            "`{}`, column `split`: it is missing. Delete it and run the experiment again: its tables are \
             rebuilt from the stored trainings",
            path.display()
        )
    );

    let mut columns = TruthRow::to_columns(&[truth(&["eyes"])]).unwrap();
    columns[1] = <Vec<f32> as Field>::column("regions", [vec![1.0]].iter()).unwrap();
    write_columns(&path, columns);
    let message = refused::<TruthRow>(&path);
    assert!(
        message.contains("column `regions`: it has type list<float32>, not list<string>"),
        "{message}"
    );

    let mut columns = ConfusionRow::to_columns(&[confusion(1), confusion(2)]).unwrap();
    columns[4] = <Option<f64> as Field>::column("count", [Some(1.0), None].iter()).unwrap();
    write_columns(&path, columns);
    let message = refused::<ConfusionRow>(&path);
    assert!(message.contains("column `count`: a value is missing"), "{message}");
}

#[test]
fn without_rows_there_is_no_table_and_a_former_one_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("confusion.parquet");
    write_table::<ConfusionRow>(&path, &[]).unwrap();
    assert!(!path.exists());
    write_table(&path, &[confusion(1)]).unwrap();
    write_table::<ConfusionRow>(&path, &[]).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(
        refused::<ConfusionRow>(&path),
        format!("there is no `{}`: run the experiment first", path.display())
    );
}

#[test]
fn a_count_that_no_signed_integer_holds_is_refused_and_the_former_table_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask_leaks.parquet");
    write_table(&path, &[leak(i64::MAX as u64)]).unwrap();
    let message = write_table(&path, &[leak(1 << 63)]).unwrap_err().to_string();
    assert_eq!(
        message,
        format!(
            "could not write `{}`, column `images`: 9223372036854775808 is more than 9223372036854775807, which \
             is the most it can hold",
            path.display()
        )
    );
    assert_eq!(read_table::<MaskLeakRow>(&path).unwrap(), [leak(i64::MAX as u64)]);
}

#[test]
fn integers_of_former_versions_and_of_other_tools_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask_leaks.parquet");
    let columns = MaskLeakRow::to_columns(&[leak(7)]).unwrap();
    let mut former = columns.clone();
    for images in [
        UInt64Chunked::from_slice("images".into(), &[7]).into_column(),
        UInt32Chunked::from_slice("images".into(), &[7]).into_column(),
    ] {
        former[9] = images;
        write_columns(&path, former.clone());
        assert_eq!(read_table::<MaskLeakRow>(&path).unwrap(), [leak(7)]);
    }
    former[9] = UInt64Chunked::from_slice("images".into(), &[u64::MAX]).into_column();
    write_columns(&path, former.clone());
    assert!(refused::<MaskLeakRow>(&path).contains("column `images`"));
    former[9] = i64::column("images", [-1].iter()).unwrap();
    write_columns(&path, former);
    assert!(refused::<MaskLeakRow>(&path).contains("column `images`: it cannot hold -1"));
}

/// Of the version before: unsigned integers, and swept values with TOML's quotes.
#[test]
fn runs_of_the_version_before_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.parquet");
    let mut runner = TestRunner::deterministic();
    let run = run_row().new_tree(&mut runner).unwrap().current();
    let swept = [("train.optimizer.kind", "\"adam\""), ("train.optimizer.rates", "[1, 2]")];
    let swept = swept.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let run = RunRow { seed: 3, epochs: 4, draw: Some(1), swept: swept.into(), ..run };
    let mut columns = RunRow::to_columns(std::slice::from_ref(&run)).unwrap();
    for column in &mut columns {
        let name = column.name().clone();
        *column = match name.as_str() {
            "seed" => UInt64Chunked::from_slice(name, &[3]).into_column(),
            "epochs" => UInt32Chunked::from_slice(name, &[4]).into_column(),
            "draw" => UInt32Chunked::from_slice(name, &[1]).into_column(),
            "train.optimizer.kind" => StringChunked::from_slice(name, &["\"adam\""]).into_column(),
            _ => continue,
        };
    }
    write_columns(&path, columns);
    assert_eq!(read_table::<RunRow>(&path).unwrap(), [run]);
}

/// A table that another version filled, without the column that joins.
#[test]
fn an_outdated_table_gives_an_error_that_says_how_to_rebuild_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.parquet");
    let mut columns = TruthRow::to_columns(&[truth(&["eyes"])]).unwrap();
    columns.remove(0);
    write_columns(&path, columns);
    let message = refused::<TruthRow>(&path);
    assert!(message.contains("column `condition`: it is missing. Delete it and run"), "{message}");
}

#[test]
fn runs_from_before_there_was_a_choice_had_the_trainings_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.parquet");
    let mut runner = TestRunner::deterministic();
    let run = run_row().new_tree(&mut runner).unwrap().current();
    let run = RunRow { statistics: Statistics::Adapted, ..run };
    let columns = RunRow::to_columns(std::slice::from_ref(&run)).unwrap();
    let place = columns.iter().position(|column| column.name() == "statistics").unwrap();
    write_columns(&path, columns.clone());
    assert_eq!(read_table::<RunRow>(&path).unwrap(), std::slice::from_ref(&run));

    let mut former = columns.clone();
    former.remove(place);
    write_columns(&path, former);
    let trained = RunRow { statistics: Statistics::Trained, ..run };
    assert_eq!(read_table::<RunRow>(&path).unwrap(), [trained]);

    let mut other = columns;
    other[place] = String::column("statistics", ["tested".to_owned()].iter()).unwrap();
    write_columns(&path, other);
    let message = refused::<RunRow>(&path);
    assert!(message.contains("column `statistics`: `tested` is not a known value"), "{message}");
}

#[test]
fn tables_of_before_ties_were_shared_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("confusion.parquet");
    let mut columns = ConfusionRow::to_columns(&[confusion(7)]).unwrap();
    columns[4] = u64::column("count", [7].iter()).unwrap();
    write_columns(&path, columns);
    assert_eq!(read_table::<ConfusionRow>(&path).unwrap(), [confusion(7)]);

    let path = folder.path().join("predictions.parquet");
    let row = PredictionRow {
        run_id: "r".to_owned(),
        split: Split::Test,
        image: "a.png".to_owned(),
        actual: "fear".to_owned(),
        predicted: "anger".to_owned(),
        credit: None,
        probabilities: vec![0.25, 0.75],
        log_probabilities: None,
        label: vec![0.5, 0.5],
    };
    let mut columns = PredictionRow::to_columns(std::slice::from_ref(&row)).unwrap();
    columns.retain(|column| !["credit", "log_probabilities"].contains(&column.name().as_str()));
    write_columns(&path, columns);
    let read = read_table::<PredictionRow>(&path).unwrap();
    assert_eq!(read, [row]);
    // As the numbers beside it were computed: the first of the tied classes had all of the image.
    assert_eq!(read[0].leaders(0), [0]);
    assert!((read[0].cross_entropy() + 0.5 * (0.25f64.ln() + 0.75f64.ln())).abs() < 1e-12);
}

#[test]
fn columns_may_be_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("confusion.parquet");
    let mut columns = ConfusionRow::to_columns(&[confusion(3)]).unwrap();
    columns.insert(0, f64::column("share", [0.5].iter()).unwrap());
    write_columns(&path, columns);
    assert_eq!(read_table::<ConfusionRow>(&path).unwrap(), [confusion(3)]);
}

#[test]
fn a_missing_table_is_said() {
    let message = refused::<ConfusionRow>(Path::new("nowhere/confusion.parquet"));
    assert_eq!(message, "there is no `nowhere/confusion.parquet`: run the experiment first");
}

#[test]
fn damage_anywhere_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.parquet");
    write_table(&path, &[truth(&["eyes", "mouth"]), truth(&[])]).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let rows = read_table::<TruthRow>(&path).unwrap();
    let seal_at = bytes.windows(7).rposition(|window| window == b"blake3 ").unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(&path, &flipped).unwrap();
        match read_table::<TruthRow>(&path) {
            Err(StoreError::Damaged { path: named, .. }) => assert_eq!(named, path),
            // A flip in the seal itself can make the file look like another tool's; its rows are whole.
            Ok(found) if (seal_at..seal_at + 92).contains(&at) => assert_eq!(found, rows),
            other => panic!("byte {at}: {other:?}"),
        }
        std::fs::write(&path, &bytes[..at]).unwrap();
        let message = refused::<TruthRow>(&path);
        assert!(message.contains("truth.parquet` is damaged"), "{at} bytes: {message}");
    }
}

#[test]
fn a_file_that_is_no_parquet_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.parquet");
    for content in
        [&b""[..], b"PAR1", b"PAR1PAR1", b"hello world, this is text", b"PAR1\xff\xff\xff\xffPAR1"]
    {
        std::fs::write(&path, content).unwrap();
        let message = refused::<TruthRow>(&path);
        assert!(message.contains("truth.parquet` is damaged"), "{content:?}: {message}");
    }
}

#[test]
fn a_word_that_no_row_can_mean_is_named_and_whole_faces_have_no_masking() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("confusion.parquet");
    let mut columns = ConfusionRow::to_columns(&[confusion(1)]).unwrap();
    columns[1] = <String as Field>::column("split", ["exam".to_owned()].iter()).unwrap();
    write_columns(&path, columns);
    let message = refused::<ConfusionRow>(&path);
    assert!(message.contains("column `split`: `exam` is not a known value"), "{message}");

    let none = <Option<Mode> as Field>::column("mode", [None, Some(Mode::Keep)].iter()).unwrap();
    assert_eq!(none.str().unwrap().get(0), Some("none"));
    assert_eq!(<Option<Mode> as Field>::values(&none).unwrap(), Some(vec![None, Some(Mode::Keep)]));
}

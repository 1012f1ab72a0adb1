use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::store::{StoreError, Term, read_table, write_table};

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

/// Swept keys as they come back: numbers in their shortest form.
fn swept() -> impl Strategy<Value = BTreeMap<String, String>> {
    let value =
        prop_oneof![Just("0.01".to_owned()), Just("30".to_owned()), Just("\"adam\"".to_owned())];
    btree_map("[a-z]{1,5}\\.[a-z]{1,5}", value, 0..3)
}

prop_compose! {
    fn run_row()(
        ids in [text(), text(), text(), text(), text()],
        origin in [text(), text(), text()],
        regions in names(),
        (mode, fill, phase) in (option::of(term()), option::of(term()), option::of(term())),
        (device, precision, status) in (text(), text(), status()),
        (control, draw, seed) in (any::<bool>(), option::of(any::<u32>()), any::<u64>()),
        (epochs, best_epoch, parameters, threads) in (any::<u32>(), any::<u32>(), any::<u64>(), any::<u32>()),
        statistics in prop_oneof![Just(Statistics::Trained), Just(Statistics::Adapted)],
        metrics in [(); 6].map(|()| option::of(number())),
        (area, wall_seconds, train_images_per_second) in (number(), number(), number()),
        swept in swept(),
    ) -> RunRow {
        let [run_id, training_id, experiment, condition, dataset] = ids;
        let [fer_lab, libtorch, processor] = origin;
        let [val_accuracy, test_accuracy, test_balanced_accuracy, test_macro_f1, test_loss, test_bits] =
            metrics;
        RunRow {
            run_id, training_id, experiment, condition, dataset, regions, mode, fill, phase, control,
            draw, area, seed, epochs, best_epoch, parameters, val_accuracy, test_accuracy,
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
        probabilities in shares(),
        label in shares(),
    ) -> PredictionRow {
        let [run_id, image, actual, predicted] = words;
        PredictionRow { run_id, split, image, actual, predicted, probabilities, label }
    }
}

prop_compose! {
    fn confusion_row()(words in [(); 3].map(|()| text()), split in term(), count in any::<u64>()) -> ConfusionRow {
        let [run_id, actual, predicted] = words;
        ConfusionRow { run_id, split, actual, predicted, count }
    }
}

prop_compose! {
    fn effect_row()(
        regions in names(),
        (mode, phase, fill, metric, method) in (term(), term(), term(), term(), text()),
        (seeds, images) in (any::<u32>(), any::<u64>()),
        numbers in [(); 3].map(|()| number()),
        maybe in [(); 8].map(|()| option::of(number())),
        swept in swept(),
    ) -> EffectRow {
        let [baseline, covered, effect] = numbers;
        let [control, effect_low, effect_high, signal, signal_low, signal_high, p, p_adjusted] = maybe;
        EffectRow {
            regions, mode, phase, fill, metric, seeds, images, baseline, covered, control, effect,
            effect_low, effect_high, signal, signal_low, signal_high, p, p_adjusted, method, swept,
        }
    }
}

prop_compose! {
    fn class_effect_row()(
        regions in names(),
        (mode, phase, fill) in (term(), term(), term()),
        words in [(); 2].map(|()| text()),
        (seeds, images) in (any::<u32>(), any::<u64>()),
        numbers in [(); 3].map(|()| number()),
        maybe in [(); 8].map(|()| option::of(number())),
        swept in swept(),
    ) -> ClassEffectRow {
        let [emotion, method] = words;
        let [baseline, covered, effect] = numbers;
        let [control, effect_low, effect_high, signal, signal_low, signal_high, p, p_adjusted] = maybe;
        ClassEffectRow {
            regions, mode, phase, fill, emotion, seeds, images, baseline, covered, control, effect,
            effect_low, effect_high, signal, signal_low, signal_high, p, p_adjusted, method, swept,
        }
    }
}

prop_compose! {
    fn shapley_row()(
        (region, metric, phase, fill, method) in (text(), term(), term(), term(), text()),
        emotion in option::of(text()),
        (seeds, images) in (any::<u32>(), any::<u64>()),
        numbers in [(); 4].map(|()| number()),
        (low, high) in (option::of(number()), option::of(number())),
        swept in swept(),
    ) -> ShapleyRow {
        let [value, first, none_seen, all_seen] = numbers;
        ShapleyRow {
            region, metric, emotion, phase, fill, value, low, high, first, none_seen, all_seen, seeds,
            images, method, swept,
        }
    }
}

prop_compose! {
    fn sensitivity_row()(
        (training_id, method, emotion) in (text(), term(), text()),
        (seed, images, row, column) in (any::<u64>(), any::<u64>(), any::<u32>(), any::<u32>()),
        (value, face) in (number(), number()),
    ) -> SensitivityRow {
        SensitivityRow { training_id, seed, method, emotion, images, row, column, value, face }
    }
}

prop_compose! {
    fn sensitivity_curve_row()(
        (training_id, emotion) in (text(), text()),
        (method, curve, order) in (term(), term(), term()),
        (seed, images, step) in (any::<u64>(), any::<u64>(), any::<u32>()),
        (share, probability) in (number(), number()),
    ) -> SensitivityCurveRow {
        SensitivityCurveRow {
            training_id, seed, method, emotion, images, curve, order, step, share, probability,
        }
    }
}

prop_compose! {
    fn ranking_row()(
        (mode, phase, fill, metric) in (term(), term(), term(), term()),
        (region, method) in (text(), text()),
        (rank, seeds, images, probability) in (any::<u32>(), any::<u32>(), any::<u64>(), number()),
        swept in swept(),
    ) -> RankingRow {
        RankingRow {
            mode, phase, fill, metric, region, rank, probability, seeds, images, method, swept,
        }
    }
}

prop_compose! {
    fn confusion_shift_row()(
        regions in names(),
        (mode, phase, fill) in (term(), term(), term()),
        words in [(); 3].map(|()| text()),
        (seeds, images) in (any::<u32>(), any::<u64>()),
        numbers in [(); 3].map(|()| number()),
        (low, high) in (option::of(number()), option::of(number())),
        swept in swept(),
    ) -> ConfusionShiftRow {
        let [actual, predicted, method] = words;
        let [baseline, covered, change] = numbers;
        ConfusionShiftRow {
            regions, mode, phase, fill, actual, predicted, baseline, covered, change, low, high, seeds,
            images, method, swept,
        }
    }
}

prop_compose! {
    fn truth_row()(
        regions in names(),
        numbers in [(); 3].map(|()| number()),
        recall in vec(number(), 0..8),
        classes in names(),
        swept in swept(),
    ) -> TruthRow {
        let [accuracy, accuracy_error, bits] = numbers;
        TruthRow { regions, accuracy, accuracy_error, bits, recall, classes, swept }
    }
}

prop_compose! {
    fn mask_leak_row()(
        numbers in [(); 3].map(|()| number()),
        ends in [(); 3].map(|()| option::of(number())),
        (seeds, images) in (any::<u32>(), any::<u64>()),
        (metric, method) in (term(), text()),
        swept in swept(),
    ) -> MaskLeakRow {
        let ([reached, chance, excess], [low, high, p]) = (numbers, ends);
        MaskLeakRow { metric, reached, chance, excess, low, high, p, seeds, images, method, swept }
    }
}

/// The rows come back, the same bytes twice, with the columns of the schema first.
fn round_trip<T: Table + PartialEq + Debug>(rows: &[T]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    write_table(&a, rows).unwrap();
    write_table(&b, rows).unwrap();
    prop_assert_eq!(&read_table::<T>(&a).unwrap()[..], rows);
    prop_assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap());
    let columns = T::to_columns(rows);
    for ((name, dtype), column) in T::schema().iter().zip(&columns) {
        prop_assert_eq!(*name, column.name().as_str());
        prop_assert_eq!(dtype, column.dtype());
    }
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
    fn shapley_comes_back(rows in vec(shapley_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn sensitivity_comes_back(rows in vec(sensitivity_row(), 0..20)) { round_trip(&rows)?; }

    #[test]
    fn sensitivity_curves_come_back(rows in vec(sensitivity_curve_row(), 0..20)) { round_trip(&rows)?; }

    #[test]
    fn ranking_comes_back(rows in vec(ranking_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn confusion_shifts_come_back(rows in vec(confusion_shift_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn mask_leaks_come_back(rows in vec(mask_leak_row(), 0..6)) { round_trip(&rows)?; }

    #[test]
    fn truth_comes_back(rows in vec(truth_row(), 0..6)) { round_trip(&rows)?; }
}

fn confusion(count: u64) -> ConfusionRow {
    let word = |word: &str| word.to_owned();
    ConfusionRow {
        run_id: word("r"),
        split: Split::Test,
        actual: word("fear"),
        predicted: word("anger"),
        count,
    }
}

fn truth(regions: &[&str]) -> TruthRow {
    TruthRow {
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
    let mut writer = crate::store::table::TableWriter::begin(path, &columns).unwrap();
    writer.write(columns).unwrap();
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
fn swept_keys_are_numbers_where_all_are() {
    let row = |rate: &str, kind: &str| {
        BTreeMap::from([
            ("train.rate".to_owned(), rate.to_owned()),
            ("train.kind".to_owned(), kind.to_owned()),
        ])
    };
    let rows = [row("1e-3", "1"), row("30", "\"adam\""), BTreeMap::new()];
    let columns = column::swept_columns(rows.iter());
    assert_eq!(columns[0].name().as_str(), "train.kind");
    assert_eq!(columns[0].dtype(), &DataType::String);
    assert_eq!(columns[1].dtype(), &DataType::Float64);
    let back = column::read_swept(&DataFrame::new_infer_height(columns).unwrap()).unwrap();
    assert_eq!(back, [row("0.001", "1"), row("30", "\"adam\""), BTreeMap::new()]);
}

#[test]
fn a_missing_column_and_a_wrong_type_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("confusion.parquet");
    let mut columns = ConfusionRow::to_columns(&[confusion(1)]);
    columns.remove(1);
    write_columns(&path, columns);
    assert_eq!(
        refused::<ConfusionRow>(&path),
        format!("`{}`, column `split`: it is missing", path.display())
    );

    let mut columns = TruthRow::to_columns(&[truth(&["eyes"])]);
    columns[0] = <Vec<f32> as Field>::column("regions", [vec![1.0]].iter());
    write_columns(&path, columns);
    let message = refused::<TruthRow>(&path);
    assert!(
        message.ends_with("column `regions`: it holds list<float32>, not list<string>"),
        "{message}"
    );

    let mut columns = ConfusionRow::to_columns(&[confusion(1), confusion(2)]);
    columns[4] = <Option<u64> as Field>::column("count", [Some(1), None].iter());
    write_columns(&path, columns);
    let message = refused::<ConfusionRow>(&path);
    assert!(message.ends_with("column `count`: a value is missing"), "{message}");
}

#[test]
fn a_table_without_rows_still_shows_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.parquet");
    write_table::<ConfusionRow>(&path, &[]).unwrap();
    assert_eq!(read_table::<ConfusionRow>(&path).unwrap(), []);
    assert!(refused::<TruthRow>(&path).contains("column `regions`: it is missing"));
}

#[test]
fn runs_from_before_there_was_a_choice_had_the_trainings_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.parquet");
    let mut runner = TestRunner::deterministic();
    let run = run_row().new_tree(&mut runner).unwrap().current();
    let run = RunRow { statistics: Statistics::Adapted, ..run };
    let columns = RunRow::to_columns(std::slice::from_ref(&run));
    let place = columns.iter().position(|column| column.name() == "statistics").unwrap();
    write_columns(&path, columns.clone());
    assert_eq!(read_table::<RunRow>(&path).unwrap(), std::slice::from_ref(&run));

    let mut former = columns.clone();
    former.remove(place);
    write_columns(&path, former);
    let trained = RunRow { statistics: Statistics::Trained, ..run };
    assert_eq!(read_table::<RunRow>(&path).unwrap(), [trained]);

    let mut other = columns;
    other[place] = String::column("statistics", ["tested".to_owned()].iter());
    write_columns(&path, other);
    let message = refused::<RunRow>(&path);
    assert!(message.contains("column `statistics`: `tested` is not known"), "{message}");
}

#[test]
fn columns_may_be_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("confusion.parquet");
    let mut columns = ConfusionRow::to_columns(&[confusion(3)]);
    columns.insert(0, f64::column("share", [0.5].iter()));
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
    let mut columns = ConfusionRow::to_columns(&[confusion(1)]);
    columns[1] = <String as Field>::column("split", ["exam".to_owned()].iter());
    write_columns(&path, columns);
    let message = refused::<ConfusionRow>(&path);
    assert!(message.ends_with("column `split`: `exam` is not known"), "{message}");

    let none = <Option<Mode> as Field>::column("mode", [None, Some(Mode::Keep)].iter());
    assert_eq!(none.str().unwrap().get(0), Some("none"));
    assert_eq!(<Option<Mode> as Field>::values(&none).unwrap(), Some(vec![None, Some(Mode::Keep)]));
}

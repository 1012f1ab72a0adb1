use super::*;
use crate::dataset::Split;
use crate::region::{FillKind, Mode};
use crate::store::Term;

/// A finished run of the embedded data set.
pub fn run(regions: &[&str], mode: &str, seed: u64) -> RunRow {
    let whole = regions.is_empty();
    RunRow {
        run_id: format!("{}-{mode}-{seed}", regions.join("+")),
        training_id: format!("t-{}-{mode}-{seed}", regions.join("+")),
        experiment: "mask".to_owned(),
        condition: format!("{mode} {}", regions.join("+")),
        dataset: "faces".to_owned(),
        test_part: None,
        regions: regions.iter().map(|name| (*name).to_owned()).collect(),
        mode: Mode::of(mode).filter(|_| !whole),
        fill: (!whole).then_some(FillKind::Mean),
        phase: (!whole).then_some(Phase::Retrain),
        control: false,
        draw: None,
        area: 0.1,
        missed: None,
        seed,
        epochs: 10,
        best_epoch: 8,
        parameters: 668_583,
        val_accuracy: Some(0.84),
        test_accuracy: Some(0.83),
        test_balanced_accuracy: Some(0.82),
        test_macro_f1: Some(0.81),
        test_loss: Some(0.6),
        test_bits: Some(1.9),
        device: "cpu".to_owned(),
        precision: "f32".to_owned(),
        fer_lab: "0.1.0 (1a2b3c4d5e6f)".to_owned(),
        libtorch: "2.13.0".to_owned(),
        processor: "a processor".to_owned(),
        threads: 1,
        statistics: Statistics::Trained,
        wall_seconds: 40.0,
        train_images_per_second: 900.0,
        status: RunStatus::Done,
        swept: BTreeMap::new(),
    }
}

/// Counts of one run, `counts[actual][predicted]`.
pub fn counts(run_id: &str, classes: &[&str], counts: &[&[u64]]) -> Vec<ConfusionRow> {
    let mut rows = Vec::new();
    for (actual, row) in classes.iter().zip(counts) {
        for (predicted, count) in classes.iter().zip(*row) {
            rows.push(ConfusionRow {
                run_id: run_id.to_owned(),
                split: Split::Test,
                actual: (*actual).to_owned(),
                predicted: (*predicted).to_owned(),
                count: *count as f64,
            });
        }
    }
    rows
}

/// The run under a value of a swept key, with an id of its own.
pub fn swept(run: RunRow, key: &str, value: &str) -> RunRow {
    let swept = BTreeMap::from([(key.to_owned(), value.to_owned())]);
    RunRow { run_id: format!("{}-{value}", run.run_id), swept, ..run }
}

#[test]
fn every_setting_has_its_own_classes_images_and_chance() {
    let key = "dataset.classes";
    let [two, three] = ["[\"sad\", \"glad\"]", "[\"sad\", \"glad\", \"wild\"]"];
    let of = |value: &str| {
        [
            swept(run(&[], "none", 1), key, value),
            swept(run(&["eyes"], "hide", 1), key, value),
            swept(RunRow { control: true, ..run(&["eyes"], "hide", 1) }, key, value),
        ]
    };
    let runs = [of(three), of(two)].concat();
    let mut confusion =
        counts(&runs[0].run_id, &["sad", "glad", "wild"], &[&[3, 0, 0], &[0, 4, 1], &[0, 0, 2]]);
    confusion.extend(counts(&runs[3].run_id, &["sad", "glad"], &[&[3, 0], &[4, 1]]));
    let study = Study::of(runs, &confusion);
    assert!(study.sweeps() && study.several.settings);
    let [first, second] = &study.settings[..] else { panic!("{study:?}") };
    // As the file has them, not as their texts are sorted.
    assert_eq!(first.swept[key], three);
    assert_eq!(
        (&first.classes[..], first.images),
        (&["sad", "glad", "wild"].map(String::from)[..], 10)
    );
    assert_eq!((&second.classes[..], second.images), (&["sad", "glad"].map(String::from)[..], 8));
    assert_eq!((first.chance, second.chance), (Some(0.5), Some(0.625)));
    // In the second all is predicted; in the first too, if only once.
    assert!(first.unpredicted.is_empty() && second.unpredicted.is_empty());
    let runs = vec![run(&[], "none", 1), run(&["eyes"], "hide", 1)];
    let mut confusion = counts(&runs[0].run_id, &["sad", "glad"], &[&[3, 0], &[4, 0]]);
    confusion.extend(counts(&runs[1].run_id, &["sad", "glad"], &[&[1, 2], &[2, 2]]));
    let alone = Study::of(runs, &confusion);
    assert_eq!(alone.settings[0].unpredicted, ["glad"], "of whole faces alone");
    let eyes = second.masked().next().unwrap();
    assert_eq!((eyes.runs.len(), eyes.controls.len(), second.masked().count()), (1, 1, 1));
    assert_eq!(study.several.label(eyes.name()), "eyes masked, classes sad + glad");
    assert!(second.whole().is_some() && second.mask_only_baseline().is_none());
}

#[test]
fn failures_and_origins_are_counted_over_all_settings() {
    let mut failed = swept(run(&["eyes"], "hide", 2), "train.epochs", "10");
    failed.status = RunStatus::Failed("the loss is not finite at epoch 3".to_owned());
    let whole = swept(run(&[], "none", 1), "train.epochs", "5");
    let study = Study::of(vec![whole, failed], &[]);
    assert_eq!((study.failed(), study.settings[0].failed, study.settings[1].failed), (1, 0, 1));
    assert_eq!(study.origins.len(), 1);
    assert_eq!(study.origins[0].threads, Some(1));
    assert_eq!(Study::of(Vec::new(), &[]), Study::default());
}

#[test]
fn labels_say_what_is_unusual() {
    let one = Several::default();
    let label = |several: Several, run: &RunRow| several.label(run.into());
    assert_eq!(label(one, &run(&[], "none", 1)), "whole face");
    assert_eq!(label(one, &run(&["eyes"], "hide", 1)), "eyes masked");
    let mut other = run(&["brows", "eyes"], "keep", 1);
    assert_eq!(label(one, &other), "only brows + eyes visible");
    other.phase = Some(Phase::Evaluate);
    other.fill = Some(FillKind::Noise);
    other.control = true;
    other.draw = Some(0);
    other.swept.insert("train.optimizer.learning_rate".to_owned(), "0.01".to_owned());
    let words = "only brows + eyes visible at test time, noise, control 1";
    assert_eq!(label(one, &other), words);
    let settings = Several { settings: true, ..one };
    assert_eq!(label(settings, &other), format!("{words}, learning_rate 0.01"));
}

#[test]
fn of_several_fills_each_is_named() {
    let (whole, mean) = (run(&[], "none", 1), run(&["eyes"], "hide", 1));
    let mut blur = mean.clone();
    blur.fill = Some(FillKind::Blur);
    assert_eq!(several(&[whole.clone(), blur.clone()]), Several::default());
    let runs = [whole, mean, blur];
    let of_both = several(&runs);
    assert_eq!(of_both, Several { fills: true, ..Several::default() });
    let labels = runs.map(|run| of_both.label((&run).into()));
    assert_eq!(labels, ["whole face", "eyes masked, mean", "eyes masked, blur"]);
}

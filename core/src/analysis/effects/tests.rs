use std::collections::BTreeMap;

use super::fixture::{classes, prediction, run};
use super::*;
use crate::analysis::crossed::{Differences, Part, Variance};
use crate::analysis::scores::Scorer;
use crate::region::{Mode, Phase};
use crate::store::{RunRow, RunStatus, Term};

/// Images a, b, c are neutral, d is fear.
const ACTUAL: [usize; 4] = [0, 0, 0, 1];

/// What effects on accuracy lie between.
const BOUNDS: Option<(f64, f64)> = Some((-1.0, 1.0));

/// A run's scores from the images that it predicts correctly, always with probability 1/2 for the right class
/// where it is right and 1/4 where it is wrong.
fn scores(mut run: RunRow, right: [bool; 4]) -> RunScores {
    let bits = right.map(|right| if right { -1.0 } else { -2.0 }).iter().sum::<f64>() / 4.0;
    run.test_bits = Some(0.9 + bits);
    let rows: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .zip(ACTUAL)
        .zip(right)
        .map(|((name, actual), right)| {
            let mut probabilities = if right { [0.5, 0.25] } else { [0.25, 0.5] };
            if actual == 1 {
                probabilities.reverse();
            }
            prediction(&run.run_id, name, actual, probabilities)
        })
        .collect();
    Scorer::new(&classes()).score(run, &rows).unwrap()
}

fn control(id: &str, regions: &[&str], seed: u64, draw: u32) -> RunRow {
    RunRow { control: true, draw: Some(draw), ..run(id, regions, "hide", seed) }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} is not {b}");
}

const ALL: [bool; 4] = [true; 4];

fn study() -> Vec<RunScores> {
    vec![
        scores(run("w1", &[], "none", 1), ALL),
        scores(run("w2", &[], "none", 2), [true, true, false, true]),
        scores(run("m1", &["mouth"], "hide", 1), [true, false, false, false]),
        scores(run("m2", &["mouth"], "hide", 2), [true, true, false, false]),
        scores(control("k10", &["mouth"], 1, 0), ALL),
        scores(control("k11", &["mouth"], 1, 1), [true, true, false, true]),
        scores(control("k20", &["mouth"], 2, 0), [true, true, false, true]),
    ]
}

#[test]
fn accuracy_by_hand() {
    let rows = effects(&study()).unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row.metric.name()).collect();
    assert_eq!(names, ["accuracy", "balanced_accuracy", "bits"]);
    let row = &rows[0];
    assert_eq!((row.seeds, row.images), (2, 4));
    close(row.baseline, 7.0 / 8.0);
    close(row.covered, 3.0 / 8.0);
    close(row.effect, 4.0 / 8.0);
    // Seed 1: 1 and 3/4; seed 2: 3/4.
    close(row.control.unwrap(), (7.0 / 8.0 + 6.0 / 8.0) / 2.0);
    close(row.signal.unwrap(), row.control.unwrap() - row.covered);
    let expected = Differences::from_fn(2, 4, |s, i| [[0., 1., 1., 1.], [0., 0., 0., 1.]][s][i])
        .unwrap()
        .estimate()
        .within(BOUNDS);
    assert_eq!(row.effect_low.zip(row.effect_high), expected.interval);
    assert_eq!(row.p, expected.p);
    assert_eq!(row.p_adjusted, row.p);
    // Both seeds have one place: the variance between places cannot be estimated.
    assert_eq!((row.signal_low, row.signal_high), (None, None));
}

/// The places are one more part of the variance.
#[test]
fn places_are_a_sample_of_a_signal() {
    let mut runs = study();
    runs.push(scores(control("k21", &["mouth"], 2, 1), [false, false, true, true]));
    let row = &effects(&runs).unwrap()[0];
    let table = Differences::from_fn(2, 4, |s, i| [[0., 1., 0.5, 1.], [-0.5, -0.5, 0.5, 1.]][s][i]);
    // Places reach 7/8 and 5/8 of two seeds each, alike in both: all of a mean square of 1/16.
    let places = Part { variance: 0.0625 / 4.0, freedom: 1.0 };
    let variance = Variance { places, ..table.as_ref().unwrap().variance(None) };
    let expected = variance.judge(table.unwrap().mean(), "").within(BOUNDS);
    close(row.signal.unwrap(), expected.mean);
    assert_eq!(row.signal_low.zip(row.signal_high), expected.interval);
}

/// The same region in keep mode: it carries less than its control, as in hide mode.
#[test]
fn a_signal_above_zero_is_more_than_the_same_area_in_both_modes() {
    let mut runs = study();
    for (id, seed) in [("s1", 1), ("s2", 2)] {
        runs.push(scores(run(id, &["mouth"], "keep", seed), [true, false, false, false]));
        for (draw, last) in [(0, false), (1, true)] {
            let like = control(&format!("c{id}{draw}"), &["mouth"], seed, draw);
            let row = RunRow { mode: Some(Mode::Keep), ..like };
            runs.push(scores(row, [true, true, true, last]));
        }
    }
    let rows = effects(&runs).unwrap();
    let accuracy = |mode: Mode| {
        rows.iter().find(|row| row.mode == mode && row.metric == Metric::Accuracy).unwrap()
    };
    let (hidden, seen) = (accuracy(Mode::Hide), accuracy(Mode::Keep));
    close(hidden.signal.unwrap(), hidden.control.unwrap() - hidden.covered);
    assert!(hidden.signal.unwrap() > 0.0);
    close(seen.signal.unwrap(), seen.covered - seen.control.unwrap());
    close(seen.signal.unwrap(), 0.25 - 0.875);
    let (low, high) = seen.signal_low.zip(seen.signal_high).unwrap();
    assert!(low < -0.625 && -0.625 < high, "{low} to {high}");
}

#[test]
fn balanced_accuracy_and_bits_by_hand() {
    let rows = effects(&study()).unwrap();
    let balanced = &rows[1];
    close(balanced.baseline, (1.0 + (2.0 / 3.0 + 1.0) / 2.0) / 2.0);
    close(balanced.covered, (1.0 / 6.0 + 2.0 / 6.0) / 2.0);
    close(balanced.effect, balanced.baseline - balanced.covered);
    let bits = &rows[2];
    close(bits.baseline, 0.9 - 9.0 / 8.0);
    // Logarithms are stored in f32.
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-7, "{a} is not {b}");
    close(bits.effect, 4.0 / 8.0);
    close(bits.effect, bits.baseline - bits.covered);
    close(bits.signal.unwrap(), bits.control.unwrap() - bits.covered);
}

#[test]
fn only_seeds_that_both_have_done_are_paired() {
    let mut runs = study();
    let mut failed = run("m3", &["mouth"], "hide", 3);
    failed.status = RunStatus::Failed("loss is not finite".to_owned());
    runs.push(scores(failed, ALL));
    runs.push(scores(run("w3", &[], "none", 3), ALL));
    runs.push(scores(run("m4", &["mouth"], "hide", 4), ALL));
    assert_eq!(effects(&runs).unwrap(), effects(&study()).unwrap());
    // Without whole faces there is nothing to compare with.
    assert_eq!(effects(&runs[2..4]).unwrap(), []);
}

#[test]
fn one_seed_and_no_control_say_so() {
    let runs = [
        scores(run("w", &[], "none", 1), ALL),
        scores(run("m", &["eyes"], "keep", 1), [true, false, false, true]),
    ];
    let row = &effects(&runs).unwrap()[0];
    assert!(row.method.starts_with("images only: one seed"), "{}", row.method);
    assert!(row.effect_low.is_some());
    assert_eq!(
        (row.control, row.signal, row.signal_low, row.signal_high),
        (None, None, None, None)
    );
}

#[test]
fn a_mask_that_changes_nothing_has_no_effect() {
    let mut runs = study();
    runs.push(scores(run("n1", &["nose"], "hide", 1), ALL));
    runs.push(scores(run("n2", &["nose"], "hide", 2), [true, true, false, true]));
    let rows = effects(&runs).unwrap();
    let nose = rows.iter().find(|row| row.regions == ["nose"]).unwrap();
    assert_eq!((nose.effect, nose.effect_low, nose.effect_high), (0.0, None, None));
    assert_eq!(nose.p, Some(1.0));
    // Two region sets are now one family: the mouth's p doubles.
    close(rows[0].p_adjusted.unwrap(), (2.0 * rows[0].p.unwrap()).min(1.0));
}

#[test]
fn swept_choices_modes_and_phases_are_families_of_their_own() {
    let alone = effects(&study()).unwrap();
    let mut runs = study();
    let swept: BTreeMap<_, _> = [("train.epochs".to_owned(), "2".to_owned())].into();
    for mut other in study() {
        other.run.swept = swept.clone();
        runs.push(other);
    }
    for (mode, phase) in [("keep", "retrain"), ("hide", "evaluate")] {
        for (id, seed) in [("x1", 1), ("x2", 2)] {
            let run = RunRow { phase: Phase::of(phase), ..run(id, &["mouth"], mode, seed) };
            runs.push(scores(run, [false, true, false, true]));
        }
    }
    let rows = effects(&runs).unwrap();
    assert_eq!(rows.len(), 12);
    for (row, expected) in rows.iter().zip(&alone) {
        assert_eq!(row, expected);
    }
    let second: Vec<_> = rows.iter().filter(|row| row.swept == swept).collect();
    assert_eq!(second.len(), 3);
    assert_eq!(second[0].p_adjusted, alone[0].p_adjusted);
}

#[test]
fn other_images_cannot_be_paired() {
    let rows = ["a", "b", "c", "x"].map(|name| prediction("m1", name, 0, [0.75, 0.25]));
    let other = Scorer::new(&classes()).score(run("m1", &["mouth"], "hide", 1), &rows).unwrap();
    let error = effects(&[scores(run("w1", &[], "none", 1), ALL), other]).unwrap_err();
    assert_eq!(error, EffectsError::Images { first: "w1".into(), second: "m1".into() });
}

#[test]
fn the_same_condition_and_seed_twice_is_an_error() {
    let mut runs = study();
    runs.push(scores(run("m9", &["mouth"], "hide", 2), ALL));
    let error = effects(&runs).unwrap_err();
    assert_eq!(error, EffectsError::Twice { first: "m2".into(), second: "m9".into() });
}

#[test]
fn a_done_run_without_bits_is_an_error() {
    let mut runs = study();
    runs[3].run.test_bits = None;
    assert_eq!(effects(&runs).unwrap_err(), EffectsError::NoBits { run_id: "m2".into() });
}

/// Two regions of one mode and phase learn from each other how much seeds vary; the other mode does not.
#[test]
fn seeds_are_moderated_within_a_mode_and_phase() {
    use crate::analysis::moderated::{Prior, Spread};

    let whole = [ALL, ALL, [true, true, true, false]];
    let mouth = [[true, false, false, true], ALL, [false; 4]];
    let eyes = [[true, true, true, false], [true, true, false, true], ALL];
    let mut runs = Vec::new();
    for (seed, right) in (1..).zip(whole) {
        runs.push(scores(run(&format!("w{seed}"), &[], "none", seed), right));
    }
    for (region, right) in [("mouth", mouth), ("eyes", eyes)] {
        for (seed, right) in (1..).zip(right) {
            let row = run(&format!("{region}{seed}"), &[region], "hide", seed);
            runs.push(scores(row, right));
        }
    }
    let alone = effects(&runs[..6]).unwrap();
    let table = |covered: &[[bool; 4]; 3]| {
        let share = |right: bool| f64::from(u8::from(right));
        Differences::from_fn(3, 4, |s, i| share(whole[s][i]) - share(covered[s][i])).unwrap()
    };
    let (mouth, eyes) = (table(&mouth), table(&eyes));
    assert_eq!(
        alone[0].effect_low.zip(alone[0].effect_high),
        mouth.estimate().within(BOUNDS).interval
    );
    let prior = Prior::of(&[Spread::of(&mouth).unwrap(), Spread::of(&eyes).unwrap()]);
    let rows = effects(&runs).unwrap();
    for (row, table) in [(&rows[0], &mouth), (&rows[3], &eyes)] {
        let expected = table.estimate_among(prior.as_ref());
        assert_ne!(expected.p, table.estimate().p);
        let expected = expected.within(BOUNDS);
        assert_eq!((row.effect_low.zip(row.effect_high), row.p), (expected.interval, expected.p));
        assert!(row.method.contains("moderated over conditions"), "{}", row.method);
    }
    for (seed, right) in (1..).zip([ALL, [false; 4], ALL]) {
        runs.push(scores(run(&format!("k{seed}"), &["mouth"], "keep", seed), right));
    }
    let with_keep = effects(&runs).unwrap();
    assert_eq!(with_keep[..6], rows);
    assert!(!with_keep[6].method.contains("moderated"), "{}", with_keep[6].method);
}

/// One seed in keep mode: two of four images correct, where the most frequent class would be correct for three.
#[test]
fn what_regions_tell_alone_is_held_against_chance() {
    let mut runs = study();
    runs.push(scores(run("s1", &["mouth"], "keep", 1), [true, false, false, true]));
    let rows = effects(&runs).unwrap();
    assert_eq!(rows.len(), 6);
    for hidden in &rows[..3] {
        assert_eq!((hidden.chance, hidden.excess, hidden.excess_p), (None, None, None));
    }
    let [accuracy, balanced, bits] = &rows[3..] else { panic!("{rows:?}") };
    assert_eq!((accuracy.chance, accuracy.excess), (Some(0.75), Some(0.5 - 0.75)));
    let table = Differences::from_fn(1, 4, |_, image| [0.0, -1.0, -1.0, 1.0][image]).unwrap();
    // From nothing to everything: chance is 0.75.
    let expected = table.estimate().within(Some((-0.75, 0.25)));
    assert_eq!(accuracy.excess_low.zip(accuracy.excess_high), expected.interval);
    assert_eq!((accuracy.excess_p, accuracy.excess_p_adjusted), (expected.p, expected.p));
    // Recalls of 1/3 and 1, against 1 and 0.
    close(balanced.excess.unwrap(), 2.0 / 3.0 - 0.5);
    close(bits.excess.unwrap(), bits.covered);
    // A network that always predicts the most frequent class has no information, whatever it loses.
    runs.push(scores(run("e1", &["eyes"], "keep", 1), [true, true, true, false]));
    let rows = effects(&runs).unwrap();
    let eyes = rows.iter().find(|row| row.regions == ["eyes"]).unwrap();
    assert_eq!((eyes.excess, eyes.excess_low, eyes.excess_p), (Some(0.0), None, Some(1.0)));
}

/// Holm's correction asks how many sets of that size there are; each question has its own.
#[test]
fn families_are_of_one_question_and_size() {
    let mut runs = study();
    let wrong = [[true, false, false, true], [true, true, false, false]];
    for (regions, right) in
        [(&["eyes"][..], wrong), (&["eyes", "mouth"], [[false; 4], [false, true, false, true]])]
    {
        for (seed, right) in (1..).zip(right) {
            let id = format!("{}{seed}", regions.join("+"));
            runs.push(scores(run(&id, regions, "hide", seed), right));
            for (draw, right) in [(0, ALL), (1, [true, false, true, true])] {
                let row = control(&format!("{id}-{draw}"), regions, seed, draw);
                runs.push(scores(row, right));
            }
        }
    }
    let rows = effects(&runs).unwrap();
    let accuracy: Vec<&EffectRow> =
        rows.iter().filter(|row| row.metric == Metric::Accuracy).collect();
    let [mouth, eyes, both] = accuracy[..] else { panic!("{accuracy:?}") };
    let single = crate::analysis::holm(&[mouth.p, eyes.p]);
    assert_eq!([mouth.p_adjusted, eyes.p_adjusted], single[..]);
    assert_ne!(mouth.p_adjusted, mouth.p);
    assert_eq!(both.p_adjusted, both.p);
    let signals = crate::analysis::holm(&[mouth.signal_p, eyes.signal_p]);
    assert_eq!([mouth.signal_p_adjusted, eyes.signal_p_adjusted], signals[..]);
    assert!(eyes.signal_p.is_some() && eyes.signal_p != eyes.p);
    assert_eq!((both.signal_p_adjusted, both.signal_p.is_some()), (both.signal_p, true));
}

use proptest::prelude::*;

use super::super::effects::fixture::{run, scored};
use super::*;
use crate::store::{RunRow, Term};

const A: usize = 1;
const B: usize = 2;
const C: usize = 4;

fn game(players: u32, worth: impl Fn(usize) -> f64) -> Vec<f64> {
    let worths: Vec<f64> = (0..1 << players).map(worth).collect();
    shapley_values(&worths)
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12, "{found:?} is not {expected:?}");
    }
}

fn has(set: usize, players: usize) -> f64 {
    f64::from(u8::from(set & players == players))
}

#[test]
fn games_with_known_answers() {
    // Additive: each its own worth; a player who adds nothing gets nothing.
    close(&game(3, |set| 0.5 * has(set, A) + 0.25 * has(set, B)), &[0.5, 0.25, 0.0]);
    // Either alone is uninformative, both together determine the class.
    close(&game(2, |set| has(set, A | B)), &[0.5, 0.5]);
    // Either of two is enough.
    close(&game(2, |set| has(set, A).max(has(set, B))), &[0.5, 0.5]);
    // A majority of three, symmetric.
    close(&game(3, |set| f64::from(u8::from(set.count_ones() > 1))), &[1.0 / 3.0; 3]);
    // Gloves: one left (A), two right (B, C). A gets two thirds (Shapley 1953).
    let pair = |set| has(set, A | B).max(has(set, A | C));
    close(&game(3, pair), &[2.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0]);
    // What the empty set is worth is taken from all alike.
    close(&game(2, |set| 0.25 + 0.5 * has(set, A)), &[0.5, 0.0]);
    close(&game(1, |set| has(set, A) - 1.0), &[1.0]);
}

proptest! {
    #[test]
    fn values_sum_to_all_less_none(worths in prop::collection::vec(-2.0f64..2.0, 128)) {
        let sum: f64 = shapley_values(&worths).iter().sum();
        prop_assert!((sum - (worths[127] - worths[0])).abs() < 1e-12);
    }

    #[test]
    fn a_value_is_the_mean_over_all_orders(worths in prop::collection::vec(-1.0f64..1.0, 8)) {
        let mut means = [0.0; 3];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut set = 0usize;
            for player in order {
                let joined = set | 1 << player;
                means[player] += (worths[joined] - worths[set]) / 6.0;
                set = joined;
            }
        }
        close(&shapley_values(&worths), &means);
    }
}

/// Four images of class 0, predicted correctly by their rule, and five of class 1, which is always predicted if
/// nothing is visible.
const ACTUAL: [usize; 9] = [0, 0, 0, 0, 1, 1, 1, 1, 1];

/// Image by image: both of eyes and mouth; either; the mouth; the mouth (seed 2: the eyes); always, since
/// it is the commonest class; all but nothing visible.
fn right(set: &[&str], seed: u64) -> [bool; 9] {
    let [eyes, mouth] = ["eyes", "mouth"].map(|region| set.contains(&region));
    let fourth = if seed == 2 { eyes } else { mouth };
    [eyes && mouth, eyes || mouth, mouth, fourth, true, true, true, true, true]
}

fn keep(set: &[&str], seed: u64, phase: &str) -> RunScores {
    let id = format!("{}{seed}{phase}", set.join("+"));
    let row = RunRow { phase: Phase::of(phase), ..run(&id, set, "keep", seed) };
    let predicted: Vec<usize> = ACTUAL
        .iter()
        .zip(right(set, seed))
        .map(|(actual, right)| if right { *actual } else { 1 - actual })
        .collect();
    scored(row, &ACTUAL, &predicted)
}

fn study(phase: &str) -> Vec<RunScores> {
    let sets: [&[&str]; 3] = [&["eyes"], &["mouth"], &["eyes", "mouth"]];
    sets.iter().flat_map(|set| [1, 2].map(|seed| keep(set, seed, phase))).collect()
}

fn find<'a>(rows: &'a [ShapleyRow], metric: &str, emotion: Option<&str>) -> Vec<&'a ShapleyRow> {
    let wanted =
        |row: &&ShapleyRow| row.metric.name() == metric && row.emotion.as_deref() == emotion;
    rows.iter().filter(wanted).collect()
}

#[test]
fn accuracy_bits_and_recalls_are_divided() {
    let rows = shapley(&study("retrain")).unwrap().values;
    assert_eq!(rows.len(), 2 * 4);
    let accuracy = find(&rows, "accuracy", None);
    let values: Vec<f64> = accuracy.iter().map(|row| row.value).collect();
    // Eyes: ½ + ½ + 0 + (0, 1); mouth: ½ + ½ + 1 + (1, 0); of nine images. Class 1 is right without any.
    close(&values, &[1.5 / 9.0, 2.5 / 9.0]);
    let names: Vec<&str> = accuracy.iter().map(|row| row.region.as_str()).collect();
    assert_eq!((names, accuracy[0].seeds, accuracy[0].images), (vec!["eyes", "mouth"], 2, 9));
    let eyes = [[0.5, 0.5, 0.0, 0.0], [0.5, 0.5, 0.0, 1.0]];
    let mouth = [[0.5, 0.5, 1.0, 1.0], [0.5, 0.5, 1.0, 0.0]];
    // Class 1 is right without any.
    let table = |values: [[f64; 4]; 2]| {
        Differences::from_fn(2, 9, |seed, image| values[seed].get(image).copied().unwrap_or(0.0))
    };
    let [eyes, mouth] = [eyes, mouth].map(|values| table(values).unwrap());
    let spreads = [&eyes, &mouth].map(|values| Spread::of(values).unwrap());
    let expected = eyes.estimate_among(Prior::of(&spreads).as_ref());
    assert_eq!(accuracy[0].low.zip(accuracy[0].high), expected.interval);
    assert!(accuracy[0].method.starts_with("exact over 4 sets; "), "{}", accuracy[0].method);
    assert!(accuracy[0].method.ends_with("by definition"));
    // Nothing visible: the five of class 1.
    assert!(accuracy.iter().all(|row| row.none_seen == 5.0 / 9.0 && row.all_seen == 1.0));

    let neutral: Vec<f64> =
        find(&rows, "recall", Some("neutral")).iter().map(|row| row.value).collect();
    close(&neutral, &[1.5 / 4.0, 2.5 / 4.0]);
    let fear: Vec<f64> = find(&rows, "recall", Some("fear")).iter().map(|row| row.value).collect();
    close(&fear, &[0.0, 0.0]);

    // All visible less 0 bits.
    let bits: f64 = find(&rows, "bits", None).iter().map(|row| row.value).sum();
    close(&[bits], &[1.0 + 0.75f64.log2()]);
}

/// Differences of values are paired by seed and image, and stand in both regions' rows.
#[test]
fn values_are_compared_pair_by_pair() {
    let Divided { values, contrasts } = shapley(&study("retrain")).unwrap();
    // One pair of accuracy, of bits, and of either class's recall.
    assert_eq!(contrasts.len(), 4);
    let contrast = &contrasts[0];
    assert_eq!((&*contrast.region, &*contrast.against), ("eyes", "mouth"));
    assert_eq!((contrast.seeds, contrast.images), (2, 9));
    // Of nine images: eyes less mouth.
    let difference = [[0.0, 0.0, -1.0, -1.0], [0.0, 0.0, -1.0, 1.0]];
    let table = Differences::from_fn(2, 9, |seed, image| {
        difference[seed].get(image).copied().unwrap_or(0.0)
    });
    let expected = table.unwrap().estimate();
    close(&[contrast.difference], &[expected.mean]);
    assert_eq!((contrast.low.zip(contrast.high), contrast.p), (expected.interval, expected.p));
    // One pair alone is its own family; of recall there are two, of which that of fear shows nothing.
    assert_eq!(contrast.p_adjusted, contrast.p);
    let recalls: Vec<&ShapleyContrastRow> =
        contrasts.iter().filter(|row| row.metric == Worth::Recall).collect();
    assert_eq!(recalls[1].p, Some(1.0));
    close(&[recalls[0].p_adjusted.unwrap()], &[(2.0 * recalls[0].p.unwrap()).min(1.0)]);
    // Two seeds that differ so decide nothing.
    assert_eq!(
        (&values[0].undecided, &values[1].undecided),
        (&vec!["mouth".to_owned()], &vec!["eyes".to_owned()])
    );
    // The mouth's p is the smaller of two.
    assert_eq!(values[1].p_adjusted, values[1].p.map(|p| (2.0 * p).min(1.0)));
}

/// Thirty images that the mouth alone tells, of three seeds that agree.
#[test]
fn a_region_that_tells_all_differs_from_one_that_tells_nothing() {
    let actual: Vec<usize> = (0..60).map(|image| image % 2).collect();
    let mut runs = Vec::new();
    for seed in 1..4usize {
        for set in [&["eyes"][..], &["mouth"], &["eyes", "mouth"]] {
            let wrong = |image: &usize| {
                *image % 20 == seed || (!set.contains(&"mouth") && image.is_multiple_of(2))
            };
            let predicted: Vec<usize> = (0..60)
                .map(|image| if wrong(&image) { 1 - actual[image] } else { actual[image] })
                .collect();
            let row = run(&format!("{}{seed}", set.join("+")), set, "keep", seed as u64);
            runs.push(scored(row, &actual, &predicted));
        }
    }
    let Divided { values, contrasts } = shapley(&runs).unwrap();
    assert!(contrasts[0].p_adjusted.unwrap() < 0.01, "{:?}", contrasts[0]);
    assert!(values[..2].iter().all(|row| row.undecided.is_empty()));
    assert!(values[1].p_adjusted.unwrap() < 0.01 && values[1].value > 0.2, "{:?}", values[1]);
}

#[test]
fn what_a_network_answers_to_the_masked_face_is_the_empty_set() {
    // It calls the masked face class 0 in every picture: right for four of nine, where the best constant prediction is
    // right for five.
    let nothing = |seed| {
        let row = RunRow {
            phase: Some(Phase::Evaluate),
            ..run(&format!("nothing{seed}"), &[], "keep", seed)
        };
        scored(row, &ACTUAL, &[0; 9])
    };
    let mut runs = study("evaluate");
    runs.extend([1, 2].map(nothing));
    let rows = shapley(&runs).unwrap().values;
    let accuracy = find(&rows, "accuracy", None);
    // Each value is half of a ninth above that with the constant.
    close(&accuracy.iter().map(|row| row.value).collect::<Vec<_>>(), &[2.0 / 9.0, 3.0 / 9.0]);
    assert_eq!((accuracy[0].none_seen, accuracy[0].all_seen), (4.0 / 9.0, 1.0));
    assert!(rows.iter().all(|row| row.none_by == NoneSeen::Network));
    assert!(accuracy[0].method.ends_with("the network's predictions for masked faces"));
    // Class 0 is predicted always where nothing is visible, class 1 never.
    let recalls =
        ["neutral", "fear"].map(|emotion| find(&rows, "recall", Some(emotion))[0].none_seen);
    assert_eq!(recalls, [1.0, 0.0]);
    // It masks no regions: effects and the like have no row of it.
    runs.extend(
        [1, 2].map(|seed| scored(run(&format!("w{seed}"), &[], "none", seed), &ACTUAL, &ACTUAL)),
    );
    let effects = super::super::effects(&runs).unwrap();
    assert!(!effects.is_empty() && effects.iter().all(|row| !row.regions.is_empty()));

    // Without, the best constant prediction stands for it, and the row says so.
    let rows = shapley(&study("evaluate")).unwrap().values;
    let row = find(&rows, "accuracy", None)[0];
    assert_eq!((row.none_seen, row.none_by), (5.0 / 9.0, NoneSeen::Constant));
}

/// One image on which the eyes and the mouth are worth the same, one that the mouth alone answers: the mouth
/// is first wherever the latter is drawn.
#[test]
fn how_probably_a_value_is_the_largest() {
    let sets: [(&[&str], [usize; 2]); 3] =
        [(&["eyes"], [1, 1]), (&["mouth"], [1, 0]), (&["eyes", "mouth"], [0, 0])];
    let runs = sets
        .map(|(set, predicted)| scored(run(&set.join("+"), set, "keep", 1), &[0, 0], &predicted));
    let rows = shapley(&runs).unwrap().values;
    let first: Vec<f64> = find(&rows, "accuracy", None).iter().map(|row| row.first).collect();
    // The former alone is drawn once in four times, and is a tie.
    assert!((first[0] - 0.125).abs() < 0.03, "{first:?}");
    assert!((first[1] - 0.875).abs() < 0.03, "{first:?}");
}

#[test]
fn only_whole_games_are_played() {
    // A seed that lacks a set is left out; a set that no seed has ends the game.
    let mut runs = study("retrain");
    runs.remove(3);
    assert!(shapley(&runs).unwrap().values.iter().all(|row| row.seeds == 1));
    runs.remove(2);
    assert_eq!(shapley(&runs).unwrap(), Divided::default());
    // A network trained on masked and evaluated on whole faces does not measure the visible regions.
    assert_eq!(shapley(&study("train")).unwrap(), Divided::default());
    let hidden: Vec<RunScores> = study("retrain")
        .into_iter()
        .map(|mut scores| {
            scores.run.mode = Some(Mode::Hide);
            scores
        })
        .collect();
    assert_eq!(shapley(&hidden).unwrap(), Divided::default());
}

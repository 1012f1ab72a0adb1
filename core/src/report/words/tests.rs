use std::collections::BTreeMap;

use super::*;
use crate::experiment::Statistics;
use crate::region::FillKind;
use crate::report::findings::evidence::tests::{loss, shift};
use crate::report::findings::finding::tests::{paired, row, with_chance, with_control};
use crate::report::findings::game::tests::value;
use crate::store::{EffectRow, Term};

/// Of several what the rows have several of.
fn answer(evidence: &Evidence, facts: &Facts) -> String {
    in_words(evidence, facts, facts.several, None, None)
}

fn details(evidence: &Evidence) -> String {
    details_of(evidence, Several::default())
}

fn evidence(effects: &[EffectRow]) -> Evidence {
    Evidence { effects: effects.to_vec(), contrasts: paired(effects), ..Evidence::default() }
}

fn titled(rows: &[EffectRow]) -> String {
    let contrasts = paired(rows);
    headline(&slices(rows, &contrasts, Metric::Accuracy), Measure::of(Metric::Accuracy))
}

fn said(rows: &[EffectRow]) -> String {
    said_of(&evidence(rows))
}

fn said_of(evidence: &Evidence) -> String {
    let text = answer(evidence, &Facts::default());
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\u{a0}'), "{text}");
    text.replace('\n', " ")
}

fn eyes() -> EffectRow {
    with_control(row("eyes", "hide", 11.4, Some((8.9, 13.9))), 9.8, (7.0, 12.6))
}

#[test]
fn the_main_answer_in_lines_of_a_terminal() {
    let mut seen = row("eyes", "keep", 41.8, Some((39.0, 44.6)));
    seen.covered = 0.412;
    let seen = with_chance(seen, 14.3);
    assert_eq!(
        answer(&evidence(&[eyes(), seen]), &Facts::default()),
        "Masking the eyes costs 11.4 points of test accuracy (95 % CI 8.9 to 13.9;\n\
         3 seeds, 1,400 images), 9.8 more than masking the same area elsewhere. With only\n\
         the eyes visible, accuracy is 41.2 %, significantly above chance (whole face\n\
         83.0 %, chance 14.3 %)."
    );
}

#[test]
fn an_accuracy_stands_beside_its_chance() {
    let facts = Facts { chance: Some(0.143), ..Facts::default() };
    let said = answer(&evidence(&[eyes()]), &facts).replace('\n', " ");
    assert!(said.ends_with("On whole faces, accuracy is 83.0 % (chance 14.3 %)."), "{said}");
    // A sweep says it of every setting.
    let facts = Facts { several: Several { settings: true, ..facts.several }, ..facts };
    assert!(!answer(&evidence(&[eyes()]), &facts).contains("On whole faces"));
}

#[test]
fn a_signal_that_is_not_significant_is_not_claimed() {
    let row = with_control(row("nose", "hide", 3.1, Some((1.2, 5.0))), 1.2, (-0.8, 3.2));
    assert_eq!(
        said(&[row]),
        "Masking the nose costs 3.1 points of test accuracy (95 % CI 1.2 to 5.0; 3 seeds, 1,400 images); \
         the difference from masking the same area elsewhere is not significant (1.2, 95 % CI −0.8 to 3.2)."
    );
}

#[test]
fn less_than_the_control() {
    let row = with_control(row("nose", "hide", 3.1, Some((1.2, 5.0))), -4.0, (-6.0, -2.0));
    assert_eq!(
        said(&[row]),
        "Masking the nose costs 3.1 points of test accuracy (95 % CI 1.2 to 5.0; 3 seeds, 1,400 images), \
         4.0 less than masking the same area elsewhere."
    );
}

#[test]
fn no_effect() {
    assert_eq!(
        said(&[row("forehead", "hide", 0.4, Some((-0.6, 1.4)))]),
        "Masking the forehead has no significant effect on test accuracy (0.4 points, 95 % CI −0.6 to 1.4; \
         3 seeds, 1,400 images)."
    );
}

#[test]
fn an_effect_that_the_correction_takes_away() {
    let mut row = row("brows", "hide", 2.0, Some((0.1, 3.9)));
    row.p_adjusted = Some(0.12);
    assert_eq!(
        said(&[row]),
        "Masking the brows has no significant effect on test accuracy (2.0 points, 95 % CI 0.1 to 3.9; p = 0.120, \
         Holm-corrected; 3 seeds, 1,400 images)."
    );
}

#[test]
fn a_gain() {
    let row = with_control(row("jaw", "hide", -1.2, Some((-2.0, -0.4))), -2.0, (-3.0, -1.0));
    assert_eq!(
        said(&[row]),
        "Masking the jaw gains 1.2 points of test accuracy (95 % CI −2.0 to −0.4; 3 seeds, 1,400 images), \
         2.0 better than masking the same area elsewhere."
    );
}

#[test]
fn one_seed_and_no_interval() {
    let mut row = row("brows+eyes", "hide", 15.0, None);
    row.seeds = 1;
    row.images = 1;
    assert_eq!(
        said(&[row]),
        "Masking the brows and eyes costs 15.0 points of test accuracy (no interval; 1 seed, 1 image). With one \
         seed, intervals cover the sampling of images only, not the variation between trainings."
    );
}

#[test]
fn a_union_of_ones_own_in_evaluation_only() {
    let mut row = row("eyes_left+glasses", "hide", 5.0, Some((4.0, 6.0)));
    row.phase = Phase::Evaluate;
    assert_eq!(
        said(&[row.clone()]),
        "Masking the left eyes and “glasses” at test time only costs 5.0 points of test accuracy (95 % CI 4.0 to \
         6.0; 3 seeds, 1,400 images)."
    );
    row.phase = Phase::Train;
    assert!(
        said(&[row]).starts_with("Masking the left eyes and “glasses” in training only costs 5.0")
    );
}

#[test]
fn what_whole_face_networks_lose_comes_beside() {
    let mut evaluated = row("nose", "hide", 20.1, Some((18.0, 22.2)));
    evaluated.phase = Phase::Evaluate;
    assert_eq!(
        said(&[row("nose", "hide", 3.0, Some((2.0, 4.0))), evaluated.clone()]),
        "Masking the nose in training and at test time costs 3.0 points of test accuracy (95 % CI 2.0 to 4.0; \
         3 seeds, 1,400 images). Networks trained on whole faces lose 20.1 points when the nose is masked at test \
         time only (95 % CI 18.0 to 22.2)."
    );
    // What the file names first comes first.
    assert_eq!(
        said(&[evaluated, row("nose", "hide", 3.0, Some((2.0, 4.0)))]),
        "Masking the nose at test time only costs 20.1 points of test accuracy (95 % CI 18.0 to 22.2; 3 seeds, \
         1,400 images). Networks retrained under the mask lose 3.0 points (95 % CI 2.0 to 4.0)."
    );
}

#[test]
fn a_region_that_stands_out() {
    let rows = [
        row("eyes", "hide", 11.4, Some((9.0, 13.8))),
        row("mouth", "hide", 21.0, Some((18.9, 23.1))),
        row("nose", "keep", 60.0, Some((58.0, 62.0))),
        row("mouth", "keep", 24.0, Some((22.0, 26.0))),
    ];
    assert_eq!(
        said(&rows),
        "Masking the mouth costs most: 21.0 points of test accuracy (95 % CI 18.9 to 23.1; 3 seeds, 1,400 \
         images). The eyes come next, with 11.4 (9.0 to 13.8). With only one region visible, accuracy is highest for the mouth: \
         59.0 % (whole face 83.0 %)."
    );
    assert_eq!(titled(&rows), "Masking the mouth costs most: 21 points");
}

#[test]
fn regions_that_do_not_differ_significantly() {
    let rows = [
        row("eyes", "hide", 19.8, Some((17.0, 22.6))),
        row("mouth", "hide", 21.0, Some((18.9, 23.1))),
        row("nose", "hide", 2.0, Some((0.5, 3.5))),
        row("eyes", "keep", 25.0, Some((22.0, 28.0))),
        row("mouth", "keep", 24.0, Some((22.0, 26.0))),
    ];
    assert_eq!(
        said(&rows),
        "Masking the mouth or the eyes costs most: 21.0 points of test accuracy (95 % CI 18.9 to 23.1) and 19.8 \
         (17.0 to 22.6); they do not differ significantly (paired, Holm-corrected; 3 seeds, 1,400 images). With \
         only one region visible, no region differs reliably from the others (paired, Holm-corrected); largest \
         estimate: mouth, 59.0 % (whole face 83.0 %)."
    );
    assert_eq!(titled(&rows), "Masking the mouth or the eyes costs most: 21 and 20 points");
}

#[test]
fn where_no_two_differ_the_largest_estimate_is_named() {
    let names = ["brows", "cheeks", "eyes", "jaw", "mouth"];
    let mut rows = names.map(|name| row(name, "hide", 5.0, Some((1.0, 9.0)))).to_vec();
    assert_eq!(
        said(&rows),
        "No region differs reliably from the others in what masking it costs (paired, Holm-corrected); largest \
         estimate: brows, 5.0 points of test accuracy (95 % CI 1.0 to 9.0; 3 seeds, 1,400 images). Masking any of \
         the 5 regions has a significant cost."
    );
    assert_eq!(
        titled(&rows),
        "No region differs reliably from the others; largest estimate: brows, 5.0 points"
    );
    // One that is far behind: the others are still counted, not named.
    rows.push(row("nose", "hide", -3.0, Some((-4.0, -2.0))));
    assert_eq!(
        said(&rows),
        "Masking the brows has the largest estimated cost: 5.0 points of test accuracy (95 % CI 1.0 to 9.0; \
         3 seeds, 1,400 images); 4 others do not differ significantly from it (paired, Holm-corrected). The cost \
         is significant for 5 of 6 regions."
    );
    // Without contrasts nothing is said of differences.
    let untested = Evidence { effects: rows, ..Evidence::default() };
    let text = said_of(&untested);
    assert!(text.contains("the 6 regions are not compared with each other."), "{text}");
}

#[test]
fn no_region_stands_out() {
    let rows =
        [row("nose", "hide", 0.9, Some((-0.3, 2.1))), row("jaw", "hide", -2.0, Some((-3.0, -1.0)))];
    assert_eq!(
        said(&rows),
        "Masking any region has no significant cost; largest estimate: nose, 0.9 points of test accuracy \
         (95 % CI −0.3 to 2.1; 3 seeds, 1,400 images). Masking the jaw gains 2.0 points."
    );
    assert_eq!(
        titled(&rows),
        "No significant cost of masking any region; largest estimate: nose, 0.9 points"
    );
    // The largest cost may be a gain, which the title does not hide.
    let gains =
        [row("nose", "hide", -0.3, Some((-1.6, 0.9))), row("jaw", "hide", -2.0, Some((-4.0, 0.1)))];
    assert_eq!(
        titled(&gains),
        "No significant cost of masking any region; largest estimate: nose, −0.3 points"
    );
}

#[test]
fn a_significant_signal_is_said_beside_costs_that_are_not() {
    let mouth = row("mouth", "hide", 15.8, Some((-2.9, 34.5)));
    let nose = row("nose", "hide", 0.9, Some((-0.3, 2.1)));
    let mouth = with_control(mouth, 12.0, (4.0, 20.0));
    let said = said(&[mouth, nose]);
    assert!(
        said.starts_with(
            "Masking any region has no significant cost; largest estimate: mouth, 15.8"
        ),
        "{said}"
    );
    assert!(
        said.ends_with(
            "Another test: masking the mouth costs significantly more than masking the same area elsewhere."
        ),
        "{said}"
    );
}

#[test]
fn only_what_one_region_tells() {
    let mut seen = row("nose", "keep", 41.8, Some((39.1, 44.5)));
    seen.covered = 0.412;
    assert_eq!(
        said(std::slice::from_ref(&seen)),
        "With only the nose visible, accuracy is 41.2 % (whole face 83.0 %; 95 % CI of the loss 39.1 to 44.5; \
         3 seeds, 1,400 images)."
    );
    let mut seen = with_chance(seen, 40.0);
    assert_eq!(
        said(std::slice::from_ref(&seen)),
        "With only the nose visible, accuracy is 41.2 %, not significantly different from chance (whole face \
         83.0 %, chance 40.0 %; 95 % CI above chance −1.5 to 3.9; 3 seeds, 1,400 images)."
    );
    // Of several: how many are above chance, by the test against it.
    seen.excess_p_adjusted = Some(0.8);
    let mouth = with_chance(row("mouth", "keep", 21.0, Some((20.0, 22.0))), 40.0);
    let text = said(&[seen, mouth]);
    assert!(
        text.contains(
            "accuracy is highest for the mouth: 62.0 % (whole face 83.0 %, chance 40.0 %;"
        ),
        "{text}"
    );
    assert!(text.ends_with("Significantly above chance: 1 of 2 regions."), "{text}");
}

#[test]
fn nothing_and_failures() {
    let facts = Facts { runs: 14, failed: 2, ..Facts::default() };
    assert_eq!(
        answer(&evidence(&[]), &facts),
        "There is no effect to report: no masked condition has a finished run beside one\n\
         of whole faces. 2 of 14 runs failed and are missing here."
    );
    let mut failed = row("nose", "hide", f64::NAN, None);
    failed.covered = f64::NAN;
    assert_eq!(
        said(&[failed]),
        "The effect of masking the nose is not known: no run of it finished."
    );
}

#[test]
fn whole_faces_alone_are_an_answer_too() {
    let mut facts =
        Facts { whole_only: vec![0.831], images: 3579, chance: Some(0.398), ..Facts::default() };
    let said = |facts: &Facts| answer(&evidence(&[]), facts).replace('\n', " ");
    assert_eq!(
        said(&facts),
        "No region is masked in this experiment. Accuracy on whole faces is 83.1 % (one network; 3,579 test \
         images, chance 39.8 %)."
    );
    facts.whole_only.push(0.827);
    assert!(
        said(&facts).contains("is 82.9 % (mean of 2 networks, 82.7 to 83.1; 3,579 test images")
    );
}

#[test]
fn what_comes_next_may_not_be_significant() {
    let mut brows = row("brows", "hide", 2.6, Some((-0.4, 5.6)));
    let mouth = row("mouth", "hide", 21.0, Some((18.9, 23.1)));
    let next = |brows: &EffectRow| {
        let said = said(&[brows.clone(), mouth.clone()]);
        said[said.find("The brows").unwrap()..].to_owned()
    };
    let said = next(&brows);
    assert_eq!(said, "The brows come next, with 2.6 (−0.4 to 5.6), which is not significant.");
    // The correction takes away what the interval shows.
    (brows.effect_low, brows.p_adjusted) = (Some(0.001), Some(0.12));
    let said = next(&brows);
    assert_eq!(
        said,
        "The brows come next, with 2.6 (0.1 to 5.6; p = 0.120, Holm-corrected), which is not significant."
    );
}

#[test]
fn sets_do_not_win_over_their_members() {
    let rows = [
        row("eyes", "hide", 11.0, Some((9.0, 13.0))),
        row("mouth", "hide", 21.0, Some((19.0, 23.0))),
        row("eyes+mouth", "hide", 40.0, Some((37.0, 43.0))),
        row("eyes", "keep", 48.0, Some((45.0, 51.0))),
        row("mouth", "keep", 24.0, Some((22.0, 26.0))),
        row("eyes+mouth", "keep", 9.0, Some((7.0, 11.0))),
    ];
    assert_eq!(
        said(&rows),
        "Of single regions, masking the mouth costs most: 21.0 points of test accuracy (95 % CI 19.0 to 23.0; \
         3 seeds, 1,400 images). The eyes come next, with 11.0 (9.0 to 13.0). With only one region visible, accuracy is highest \
         for the mouth: 59.0 % (whole face 83.0 %)."
    );
    assert_eq!(titled(&rows), "Of single regions, masking the mouth costs most: 21 points");
    assert_eq!(
        titled(&rows[3..]),
        "With only one region visible, accuracy is highest for the mouth: 59.0 %"
    );
}

#[test]
fn the_setting_is_named_where_there_are_several() {
    let mut fast = eyes();
    fast.swept.insert("train.optimizer.learning_rate".to_owned(), "0.01".to_owned());
    let mut slow = eyes();
    slow.swept.insert("train.optimizer.learning_rate".to_owned(), "0.001".to_owned());
    assert!(said(&[fast.clone(), slow]).ends_with(
        "elsewhere. These results are for learning_rate 0.01; the table lists the other settings."
    ));
    let mut blurred = fast.clone();
    blurred.fill = FillKind::Blur;
    assert!(said(&[fast.clone(), blurred]).ends_with(
        "elsewhere. These results are for the mean fill; the table lists the other fills."
    ));
    // Also where the others failed and only the runs know of them.
    let several = Several { fills: true, settings: true, phases: false };
    let facts = Facts { several, ..Facts::default() };
    let text = answer(&evidence(&[fast]), &facts).replace('\n', " ");
    assert!(text.ends_with(
        "These results are for the mean fill and learning_rate 0.01; the table lists the other fills and settings."
    ), "{text}");
}

#[test]
fn bits_are_said_where_there_is_no_accuracy() {
    let mut row = row("eyes", "hide", 31.0, Some((20.0, 42.0)));
    row.metric = Metric::Bits;
    assert_eq!(
        said(&[row]),
        "Masking the eyes costs 0.31 bits of usable information (95 % CI 0.20 to 0.42; 3 seeds, 1,400 \
         images)."
    );
}

#[test]
fn shapley_attribution_ends_the_answer() {
    let mut evidence = evidence(&[eyes()]);
    let mut other = value("eyes", 50.0, (49.0, 51.0), &[]);
    other.phase = Phase::Amortised;
    evidence.shapley = vec![
        other,
        value("eyes", 20.0, (17.0, 23.0), &[]),
        value("mouth", 40.0, (37.0, 43.0), &[]),
    ];
    let text = said_of(&evidence);
    assert!(text.ends_with(
        "elsewhere. For retrained networks, of the 60.0 points of test accuracy between none and all 2 regions \
         visible (none: the best constant prediction, 15.0 %), the mouth contributes most: 40.0 (95 % CI 37.0 to \
         43.0; 3 seeds, 1,400 images); the eyes contribute 20.0 (17.0 to 23.0) (Shapley attribution)."
    ), "{text}");

    for row in &mut evidence.shapley {
        row.seeds = 1;
    }
    assert!(said_of(&evidence).ends_with("not the variation between trainings."));
    // Only another phase has values.
    evidence.shapley.truncate(1);
    assert!(said_of(&evidence).contains("For the amortised network, of the 60.0"));
    assert!(!said(&[eyes()]).contains("Shapley"));
}

#[test]
fn details_are_of_the_conditions_of_the_answer() {
    let mut evidence = evidence(&[eyes()]);
    assert_eq!(details(&evidence), "");
    evidence.class_effects = vec![loss("mouth", "happiness", 45.0, (40.0, 50.0), 0.001)];
    evidence.confusions = vec![shift("mouth", ["happiness", "neutral"], (4.0, 31.0), (20.0, 34.0))];
    assert_eq!(
        details(&evidence),
        "The largest loss of recall is that of happiness with the mouth masked: 45.0\n\
         points (95 % CI 40.0 to 50.0; 3 seeds, 200 images). Of 1 such effect, 1 loss is\n\
         significant (Holm-corrected). With the mouth masked, happiness is predicted as\n\
         neutral in 31.0 % instead of 4.0 % (change: 95 % CI 20.0 to 34.0). Of 1\n\
         confusion, 1 has a 95 % CI above zero (uncorrected)."
    );
}

/// Effects under two choices of batch normalisation's statistics, and what the runs say of them.
fn under_both(
    trained: &[EffectRow],
    adapted: &[EffectRow],
    phase: &str,
) -> (Vec<EffectRow>, Facts) {
    let mut facts = Facts::default();
    let mut rows = Vec::new();
    for (statistics, effects) in [(Statistics::Trained, trained), (Statistics::Adapted, adapted)] {
        let written = format!("\"{}\"", statistics.name());
        let swept = BTreeMap::from([("evaluate.statistics".to_owned(), written)]);
        rows.extend(effects.iter().map(|row| EffectRow {
            phase: Phase::of(phase).unwrap(),
            swept: swept.clone(),
            ..row.clone()
        }));
        facts.statistics.insert(swept, statistics);
    }
    (rows, facts)
}

fn said_with(rows: &[EffectRow], facts: &Facts) -> String {
    answer(&evidence(rows), facts).replace('\n', " ")
}

#[test]
fn the_statistics_of_batch_normalisation_are_said_where_they_matter() {
    let of = |statistics| Facts {
        statistics: BTreeMap::from([(BTreeMap::new(), statistics)]),
        ..Facts::default()
    };
    let (trained, adapted) = (of(Statistics::Trained), of(Statistics::Adapted));
    let anew = "Batch-normalisation statistics were re-estimated under each mask.";
    let mut evaluated = row("nose", "hide", 20.1, Some((18.0, 22.2)));
    evaluated.phase = Phase::Evaluate;
    let ends = |rows: &[EffectRow], facts: &Facts, end: &str| {
        let text = said_with(rows, facts);
        assert!(text.ends_with(end), "{text}");
    };
    let kept = "1,400 images). Batch normalisation used whole-face statistics.";
    ends(&[evaluated.clone()], &trained, kept);
    ends(&[evaluated.clone()], &adapted, &format!("1,400 images). {anew}"));
    let amortised = EffectRow { phase: Phase::Amortised, ..evaluated.clone() };
    let kept = "1,400 images). Batch normalisation used training statistics.";
    ends(&[amortised], &trained, kept);
    // After the sentence on reliance, or before the one on networks that do not need it.
    let retrained = row("nose", "hide", 3.0, Some((2.0, 4.0)));
    let kept = "(95 % CI 18.0 to 22.2). Batch normalisation used whole-face statistics.";
    ends(&[retrained.clone(), evaluated.clone()], &trained, kept);
    let last = "whole-face statistics. Networks retrained under the mask lose 3.0 points (95 % CI 2.0 to 4.0).";
    ends(&[evaluated, retrained.clone()], &trained, last);
    // Of retrained networks there is nothing to say, unless others are spoken of.
    assert!(!said_with(std::slice::from_ref(&retrained), &trained).contains("normalisation"));
    let mut divided = evidence(&[retrained]);
    divided.shapley =
        vec![value("eyes", 20.0, (17.0, 23.0), &[]), value("mouth", 40.0, (37.0, 43.0), &[])];
    divided.shapley.iter_mut().for_each(|row| row.phase = Phase::Amortised);
    let text = answer(&divided, &adapted).replace('\n', " ");
    assert!(text.contains("contribute 20.0") && text.ends_with(anew), "{text}");
}

#[test]
fn what_of_a_cost_is_due_to_the_statistics() {
    let eyes = row("eyes", "hide", 9.0, Some((7.0, 11.0)));
    let mouth = |effect, interval| row("mouth", "hide", effect, interval);
    let trained = [mouth(18.44, Some((16.6, 20.2))), eyes.clone()];
    let said = |adapted: EffectRow, phase: &str| {
        let (rows, facts) = under_both(&trained, &[eyes.clone(), adapted], phase);
        said_with(&rows, &facts)
    };
    // 18.44 − 15.26 is 3.18, and what is written adds up all the same.
    let text = said(mouth(15.26, Some((14.0, 16.5))), "evaluate");
    assert!(
        text.contains("with 9.0 (7.0 to 11.0). Batch normalisation used whole-face statistics."),
        "{text}"
    );
    assert!(
        text.ends_with(
            "These results are for statistics trained; the table lists the other settings. Of the 18.4 points that \
             masking the mouth costs, 3.1 are due, by these estimates, to batch normalisation's whole-face \
             statistics: with adapted statistics it costs 15.3 (95 % CI 14.0 to 16.5)."
        ),
        "{text}"
    );
    let text = said(mouth(17.0, Some((15.0, 19.0))), "amortised");
    assert!(
        text.ends_with(
            "1.4 are due, by these estimates, to batch normalisation's training statistics: with adapted \
             statistics it costs 17.0 (95 % CI 15.0 to 19.0)."
        ),
        "{text}"
    );
    let text = said(mouth(23.0, Some((21.0, 25.0))), "evaluate");
    assert!(
        text.ends_with(
            "masking the mouth costs, none is due, by these estimates, to batch normalisation's whole-face \
             statistics: with adapted statistics it costs 23.0 (95 % CI 21.0 to 25.0)."
        ),
        "{text}"
    );
    // Retrained networks learn under the mask that they meet.
    assert!(!said(mouth(15.3, None), "retrain").contains("due, by these"));
    // Of an effect that is not significant there is nothing to explain.
    let nothing = [mouth(1.0, Some((-1.0, 3.0)))];
    let (rows, facts) = under_both(&nothing, &nothing, "evaluate");
    assert!(!said_with(&rows, &facts).contains("due, by these"));
}

#[test]
fn the_statistics_explain_reliance_beside_retrained_networks_too() {
    let retrained = row("mouth", "hide", 5.0, Some((4.0, 6.0)));
    let retrained = [retrained];
    let (mut rows, facts) = under_both(&retrained, &retrained, "retrain");
    let trained = [row("mouth", "hide", 18.4, Some((16.6, 20.2)))];
    let adapted = [row("mouth", "hide", 12.4, Some((11.0, 13.8)))];
    // What the file names first comes first: each setting, and in it each phase.
    let (others, _) = under_both(&trained, &adapted, "evaluate");
    rows.insert(1, others[0].clone());
    rows.push(others[1].clone());
    let text = said_with(&rows, &facts);
    assert!(
        text.ends_with(
            "Of the 18.4 points that masking the mouth at test time only costs, 6.0 are due, by these estimates, to \
             batch normalisation's whole-face statistics: with adapted statistics it costs 12.4 (95 % CI 11.0 \
             to 13.8)."
        ),
        "{text}"
    );
}

use std::collections::BTreeMap;

use super::*;
use crate::experiment::Statistics;
use crate::region::FillKind;
use crate::report::findings::evidence::tests::{loss, shift};
use crate::report::findings::finding::tests::{row, with_control};
use crate::report::findings::game::tests::value;
use crate::store::{EffectRow, Term};

/// Of several what the rows have several of.
fn answer(evidence: &Evidence, facts: &Facts) -> String {
    in_words(evidence, facts, facts.several, None)
}

fn details(evidence: &Evidence) -> String {
    details_of(evidence, Several::default())
}

fn evidence(effects: &[EffectRow]) -> Evidence {
    Evidence { effects: effects.to_vec(), ..Evidence::default() }
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
    assert_eq!(
        answer(&evidence(&[eyes(), seen]), &Facts::default()),
        "Hiding the eyes costs 11.4 points of test accuracy (95 %: 8.9 to 13.9; 3 seeds,\n\
         1,400 images), 9.8 more than hiding the same area elsewhere. Seen alone, the\n\
         eyes reach 41.2 % of 83.0 %."
    );
}

#[test]
fn a_signal_that_cannot_be_told_from_zero_is_not_claimed() {
    let row = with_control(row("nose", "hide", 3.1, Some((1.2, 5.0))), 1.2, (-0.8, 3.2));
    assert_eq!(
        said(&[row]),
        "Hiding the nose costs 3.1 points of test accuracy (95 %: 1.2 to 5.0; 3 seeds, 1,400 images); \
         that differs from hiding the same area elsewhere by 1.2 (95 %: −0.8 to 3.2), which cannot be \
         told from zero."
    );
}

#[test]
fn less_than_the_control() {
    let row = with_control(row("nose", "hide", 3.1, Some((1.2, 5.0))), -4.0, (-6.0, -2.0));
    assert_eq!(
        said(&[row]),
        "Hiding the nose costs 3.1 points of test accuracy (95 %: 1.2 to 5.0; 3 seeds, 1,400 images), \
         4.0 less than hiding the same area elsewhere."
    );
}

#[test]
fn no_effect() {
    assert_eq!(
        said(&[row("forehead", "hide", 0.4, Some((-0.6, 1.4)))]),
        "Hiding the forehead has no effect on test accuracy that can be told from zero: 0.4 points \
         (95 %: −0.6 to 1.4; 3 seeds, 1,400 images)."
    );
}

#[test]
fn an_effect_that_the_correction_takes_away() {
    let mut row = row("brows", "hide", 2.0, Some((0.1, 3.9)));
    row.p_adjusted = Some(0.12);
    assert_eq!(
        said(&[row]),
        "Hiding the brows has no effect on test accuracy that can be told from zero: 2.0 points \
         (95 %: 0.1 to 3.9; corrected for the number of regions, p = 0.120; 3 seeds, 1,400 images)."
    );
}

#[test]
fn a_gain() {
    let row = with_control(row("jaw", "hide", -1.2, Some((-2.0, -0.4))), -2.0, (-3.0, -1.0));
    assert_eq!(
        said(&[row]),
        "Hiding the jaw gains 1.2 points of test accuracy (95 %: −2.0 to −0.4; 3 seeds, 1,400 images), \
         2.0 better than hiding the same area elsewhere."
    );
}

#[test]
fn one_seed_and_no_interval() {
    let mut row = row("brows+eyes", "hide", 15.0, None);
    row.seeds = 1;
    row.images = 1;
    assert_eq!(
        said(&[row]),
        "Hiding the brows and eyes costs 15.0 points of test accuracy (no interval is known; 1 seed, \
         1 image). With one seed only the images are a sample: how much another training would differ \
         is not known."
    );
}

#[test]
fn a_union_of_ones_own_in_evaluation_only() {
    let mut row = row("eyes_left+glasses", "hide", 5.0, Some((4.0, 6.0)));
    row.phase = Phase::Evaluate;
    assert_eq!(
        said(&[row.clone()]),
        "Hiding the left eyes and “glasses” from a network trained on whole faces costs 5.0 points of \
         test accuracy (95 %: 4.0 to 6.0; 3 seeds, 1,400 images)."
    );
    row.phase = Phase::Train;
    assert!(
        said(&[row]).starts_with("Hiding the left eyes and “glasses” in training alone costs 5.0")
    );
}

#[test]
fn what_whole_face_networks_lose_comes_beside() {
    let mut evaluated = row("nose", "hide", 20.1, Some((18.0, 22.2)));
    evaluated.phase = Phase::Evaluate;
    assert_eq!(
        said(&[row("nose", "hide", 3.0, Some((2.0, 4.0))), evaluated.clone()]),
        "Hiding the nose in training and test costs 3.0 points of test accuracy (95 %: 2.0 to 4.0; 3 seeds, \
         1,400 images). A network that learned from whole faces loses 20.1 when it is hidden (95 %: 18.0 to \
         22.2)."
    );
    // What the file names first comes first.
    assert_eq!(
        said(&[evaluated, row("nose", "hide", 3.0, Some((2.0, 4.0)))]),
        "Hiding the nose from a network trained on whole faces costs 20.1 points of test accuracy (95 %: \
         18.0 to 22.2; 3 seeds, 1,400 images). A network that learned without it loses 3.0 (95 %: 2.0 to \
         4.0)."
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
        "Hiding the mouth costs most: 21.0 points of test accuracy (95 %: 18.9 to 23.1; 3 seeds, 1,400 \
         images). The eyes come next, with 11.4. Seen alone, the mouth reaches most: 59.0 % of 83.0 %."
    );
    assert_eq!(headline(&rows, Metric::Accuracy), "Hiding the mouth costs most: 21 points");
}

#[test]
fn regions_that_cannot_be_told_apart() {
    let rows = [
        row("eyes", "hide", 19.8, Some((17.0, 22.6))),
        row("mouth", "hide", 21.0, Some((18.9, 23.1))),
        row("nose", "hide", 2.0, Some((0.5, 3.5))),
        row("eyes", "keep", 25.0, Some((22.0, 28.0))),
        row("mouth", "keep", 24.0, Some((22.0, 26.0))),
    ];
    assert_eq!(
        said(&rows),
        "Hiding the mouth or the eyes costs most, and which of them cannot be told: 21.0 points of test \
         accuracy (95 %: 18.9 to 23.1) and 19.8 (17.0 to 22.6); 3 seeds, 1,400 images. Seen alone, the \
         mouth (59.0 %) and the eyes (58.0 %) reach most of 83.0 %, and which of them cannot be told."
    );
    assert_eq!(
        headline(&rows, Metric::Accuracy),
        "Hiding the mouth or the eyes costs most: 21 and 20 points"
    );
}

#[test]
fn many_that_cannot_be_told_apart_are_counted() {
    let names = ["brows", "cheeks", "eyes", "jaw", "mouth"];
    let rows = names.map(|name| row(name, "hide", 5.0, Some((1.0, 9.0))));
    assert_eq!(
        said(&rows),
        "Hiding the brows costs 5.0 points of test accuracy (95 %: 1.0 to 9.0; 3 seeds, 1,400 images); \
         but 4 others may cost as much, for their intervals overlap."
    );
}

#[test]
fn no_region_stands_out() {
    let rows =
        [row("nose", "hide", 0.9, Some((-0.3, 2.1))), row("jaw", "hide", -2.0, Some((-3.0, -1.0)))];
    assert_eq!(
        said(&rows),
        "No region's cost can be told from zero: the largest is the nose's, 0.9 points of test accuracy \
         (95 %: −0.3 to 2.1; 3 seeds, 1,400 images). Hiding the jaw gains 2.0 points."
    );
    assert_eq!(headline(&rows, Metric::Accuracy), "No region's cost can be told from zero");
}

#[test]
fn only_seen_alone() {
    let mut seen = row("nose", "keep", 41.8, Some((39.1, 44.5)));
    seen.covered = 0.412;
    assert_eq!(
        said(&[seen]),
        "Seen alone, the nose reaches 41.2 % test accuracy of the whole face's 83.0 % (95 % for the \
         loss: 39.1 to 44.5; 3 seeds, 1,400 images)."
    );
}

#[test]
fn nothing_and_failures() {
    let facts = Facts { runs: 14, failed: 2, ..Facts::default() };
    assert_eq!(
        answer(&evidence(&[]), &facts),
        "There is no effect to report: no covered condition has a finished run beside one\n\
         of whole faces. 2 of 14 runs failed and are missing here."
    );
    let mut failed = row("nose", "hide", f64::NAN, None);
    failed.covered = f64::NAN;
    assert_eq!(said(&[failed]), "What hiding the nose costs is not known: no run of it finished.");
}

#[test]
fn whole_faces_alone_are_an_answer_too() {
    let mut facts =
        Facts { whole_only: vec![0.831], images: 3579, chance: Some(0.398), ..Facts::default() };
    let said = |facts: &Facts| answer(&evidence(&[]), facts).replace('\n', " ");
    assert_eq!(
        said(&facts),
        "Nothing is covered in this experiment. Of whole faces (3,579 test images), 83.1 % are read \
         rightly by one network; to name the commonest emotion always would reach 39.8 %."
    );
    facts.whole_only.push(0.827);
    assert!(
        said(&facts).contains("82.9 % are read rightly on average over 2 networks (82.7 to 83.1);")
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
        "Of single regions, hiding the mouth costs most: 21.0 points of test accuracy (95 %: 19.0 to 23.0; \
         3 seeds, 1,400 images). The eyes come next, with 11.0. Of single regions seen alone, the mouth \
         reaches most: 59.0 % of 83.0 %."
    );
    assert_eq!(
        headline(&rows, Metric::Accuracy),
        "Of single regions, hiding the mouth costs most: 21 points"
    );
    assert_eq!(
        headline(&rows[3..], Metric::Accuracy).replace('\u{a0}', " "),
        "Of single regions seen alone, the mouth reaches most: 59.0 % of 83.0 %"
    );
}

#[test]
fn the_setting_is_named_where_there_are_several() {
    let mut fast = eyes();
    fast.swept.insert("train.optimizer.learning_rate".to_owned(), "0.01".to_owned());
    let mut slow = eyes();
    slow.swept.insert("train.optimizer.learning_rate".to_owned(), "0.001".to_owned());
    assert!(said(&[fast.clone(), slow]).ends_with(
        "elsewhere. All this is for learning_rate 0.01; the table has the other settings."
    ));
    let mut blurred = fast.clone();
    blurred.fill = FillKind::Blur;
    assert!(
        said(&[fast.clone(), blurred])
            .ends_with("elsewhere. All this is for the mean fill; the table has the other fills.")
    );
    // Also where the others failed and only the runs know of them.
    let several = Several { fills: true, settings: true, phases: false };
    let facts = Facts { several, ..Facts::default() };
    let text = answer(&evidence(&[fast]), &facts).replace('\n', " ");
    assert!(text.ends_with(
        "All this is for the mean fill and learning_rate 0.01; the table has the other fills and settings."
    ), "{text}");
}

#[test]
fn bits_are_said_where_there_is_no_accuracy() {
    let mut row = row("eyes", "hide", 31.0, Some((20.0, 42.0)));
    row.metric = Metric::Bits;
    assert_eq!(
        said(&[row]),
        "Hiding the eyes costs 0.31 bits of usable information (95 %: 0.20 to 0.42; 3 seeds, 1,400 \
         images)."
    );
}

#[test]
fn how_what_is_seen_divides_ends_the_answer() {
    let mut evidence = evidence(&[eyes()]);
    let mut other = value("eyes", 50.0, (49.0, 51.0), 1.0);
    other.phase = Phase::Amortised;
    evidence.shapley = vec![
        other,
        value("eyes", 20.0, (17.0, 23.0), 0.0),
        value("mouth", 40.0, (37.0, 43.0), 1.0),
    ];
    let text = said_of(&evidence);
    assert!(text.ends_with(
        "elsewhere. For networks trained as they are tested, of the 60.0 points of test accuracy between seeing nothing and all 2 regions, the mouth \
         carries most: 40.0 (95 %: 37.0 to 43.0; 3 seeds, 1,400 images); the eyes carry 20.0 (17.0 \
         to 23.0)."
    ), "{text}");

    for row in &mut evidence.shapley {
        row.seeds = 1;
    }
    assert!(said_of(&evidence).ends_with("how much another training would differ is not known."));
    // Only another phase has values.
    evidence.shapley.truncate(1);
    assert!(
        said_of(&evidence).contains("For one network trained for all sets of regions, of the 60.0")
    );
    assert!(!said(&[eyes()]).contains("seeing nothing"));
}

#[test]
fn details_are_of_the_conditions_of_the_answer() {
    let mut evidence = evidence(&[eyes()]);
    assert_eq!(details(&evidence), "");
    evidence.class_effects = vec![loss("mouth", "happiness", 45.0, (40.0, 50.0), 0.001)];
    evidence.confusions = vec![shift("mouth", ["happiness", "neutral"], (4.0, 31.0), (20.0, 34.0))];
    assert_eq!(
        details(&evidence),
        "Happiness loses most, without the mouth: 45.0 points of its recall (95 %: 40.0\n\
         to 50.0), 3 seeds, 200 images. Without the mouth, happiness is taken for\n\
         neutral: 31.0 % instead of 4.0 % (for the change, 95 %: 20.0 to 34.0). Of 1\n\
         confusion looked at, 1 has an interval above zero, uncorrected for their number."
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
    let anew = "Batch normalisation's statistics were estimated anew under each covering.";
    let mut evaluated = row("nose", "hide", 20.1, Some((18.0, 22.2)));
    evaluated.phase = Phase::Evaluate;
    let ends = |rows: &[EffectRow], facts: &Facts, end: &str| {
        let text = said_with(rows, facts);
        assert!(text.ends_with(end), "{text}");
    };
    let kept = "1,400 images). Batch normalisation kept its statistics of whole faces.";
    ends(&[evaluated.clone()], &trained, kept);
    ends(&[evaluated.clone()], &adapted, &format!("1,400 images). {anew}"));
    let amortised = EffectRow { phase: Phase::Amortised, ..evaluated.clone() };
    let kept = "1,400 images). Batch normalisation kept its statistics of the training.";
    ends(&[amortised], &trained, kept);
    // After the sentence on reliance, or before the one on networks that do not need it.
    let retrained = row("nose", "hide", 3.0, Some((2.0, 4.0)));
    let kept = "(95 %: 18.0 to 22.2). Batch normalisation kept its statistics of whole faces.";
    ends(&[retrained.clone(), evaluated.clone()], &trained, kept);
    let last = "statistics of whole faces. A network that learned without it loses 3.0 (95 %: 2.0 to 4.0).";
    ends(&[evaluated, retrained.clone()], &trained, last);
    // Of networks trained as they are tested there is nothing to say, unless others are spoken of.
    assert!(!said_with(std::slice::from_ref(&retrained), &trained).contains("normalisation"));
    let mut divided = evidence(&[retrained]);
    divided.shapley =
        vec![value("eyes", 20.0, (17.0, 23.0), 0.0), value("mouth", 40.0, (37.0, 43.0), 1.0)];
    divided.shapley.iter_mut().for_each(|row| row.phase = Phase::Amortised);
    let text = answer(&divided, &adapted).replace('\n', " ");
    assert!(text.contains("carry 20.0") && text.ends_with(anew), "{text}");
}

#[test]
fn what_of_a_cost_goes_back_to_the_statistics() {
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
        text.contains("with 9.0. Batch normalisation kept its statistics of whole faces."),
        "{text}"
    );
    assert!(
        text.ends_with(
            "All this is for statistics trained; the table has the other settings. Of the 18.4 points that \
             hiding the mouth costs, 3.1 go back to batch normalisation's statistics of whole faces: with \
             adapted ones it costs 15.3 (95 %: 14.0 to 16.5)."
        ),
        "{text}"
    );
    let text = said(mouth(17.0, Some((15.0, 19.0))), "amortised");
    assert!(
        text.ends_with(
            "1.4 go back to batch normalisation's statistics of the training: with adapted ones it costs 17.0 \
             (95 %: 15.0 to 19.0), and the two intervals overlap."
        ),
        "{text}"
    );
    let text = said(mouth(23.0, Some((21.0, 25.0))), "evaluate");
    assert!(
        text.ends_with(
            "hiding the mouth costs, none goes back to batch normalisation's statistics of whole faces: with \
             adapted ones it costs 23.0 (95 %: 21.0 to 25.0)."
        ),
        "{text}"
    );
    // Retrained networks learn under the covering that they meet.
    assert!(!said(mouth(15.3, None), "retrain").contains("go back"));
    // Of an effect that cannot be told from zero there is nothing to explain.
    let nothing = [mouth(1.0, Some((-1.0, 3.0)))];
    let (rows, facts) = under_both(&nothing, &nothing, "evaluate");
    assert!(!said_with(&rows, &facts).contains("back to"));
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
            "Of the 18.4 points that hiding the mouth from a network trained on whole faces costs, 6.0 go back \
             to batch normalisation's statistics of whole faces: with adapted ones it costs 12.4 (95 %: 11.0 \
             to 13.8)."
        ),
        "{text}"
    );
}

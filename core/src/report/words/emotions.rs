//! Which emotion's recall suffers, and which confusions grow, when one region is masked.

use std::collections::BTreeMap;

use crate::region::{Masking, Mode};
use crate::report::findings::finding::{Slice, known, loss_significant};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;
use crate::report::words::phrase::subject;
use crate::store::{ClassEffectRow, ConfusionShiftRow, Metric};

use super::scope::{bounds, sample};
use super::{beholder, capital};

/// Confusions that a sentence names.
const CONFUSIONS: usize = 2;

/// The largest significant losses of recall of two emotions when one region is masked; `None` where no region is
/// masked alone under the conditions of `like`. Losses are not compared with each other: they rest on different
/// images.
pub fn emotions(rows: &[ClassEffectRow], like: &Slice<'_>) -> Option<String> {
    let alone = |row: &&ClassEffectRow| {
        masked_alone(&row.regions, row.masking(), &row.swept, like) && row.effect.is_finite()
    };
    let mut rows: Vec<&ClassEffectRow> = rows.iter().filter(alone).collect();
    rows.sort_by(|a, b| b.effect.total_cmp(&a.effect));
    if rows.is_empty() {
        return None;
    }
    let beholder = beholder(like.phase, like.several);
    let tested = rows.len() as u64;
    rows.retain(|row| row.effect > 0.0 && loss_significant(row));
    let Some(row) = rows.first() else {
        return Some(capital(&format!(
            "{beholder}no emotion's loss of recall is significant when one region is masked \
             (Holm-corrected)."
        )));
    };
    let measure = Measure::of(Metric::Accuracy);
    let next = rows.iter().find(|other| other.emotion != row.emotion);
    let next = next.map_or(String::new(), |next| {
        let (size, range) = (measure.number(next.effect), range(next, measure, false));
        let without = subject(&next.regions).words;
        format!("; the next emotion is {}, {size} with {without} masked ({range})", next.emotion)
    });
    let significant = rows.len() as u64;
    Some(capital(&format!(
        "{beholder}the largest loss of recall is that of {} with {} masked: {} points ({}; {}){next}. Of {}, \
         {significant} {} significant (Holm-corrected).",
        row.emotion,
        subject(&row.regions).words,
        measure.number(row.effect),
        range(row, measure, true),
        sample(row.seeds, row.images),
        counted(tested, "such effect"),
        if significant == 1 { "loss is" } else { "losses are" },
    )))
}

/// Which confusions appear when one region is masked; `None` as above.
pub fn confusions(rows: &[ConfusionShiftRow], like: &Slice<'_>) -> Option<String> {
    let alone = |row: &&ConfusionShiftRow| {
        masked_alone(&row.regions, row.masking(), &row.swept, like) && row.actual != row.predicted
    };
    let tested = rows.iter().filter(alone).count();
    if tested == 0 {
        return None;
    }
    let grows =
        |row: &&ConfusionShiftRow| known(row.low, row.high).is_some_and(|(low, _)| low > 0.0);
    let mut grown: Vec<&ConfusionShiftRow> = rows.iter().filter(alone).filter(grows).collect();
    let beholder = beholder(like.phase, like.several);
    if grown.is_empty() {
        return Some(capital(&format!(
            "{beholder}no confusion grows significantly when one region is masked."
        )));
    }
    grown.sort_by(|a, b| b.change.total_cmp(&a.change));
    let measure = Measure::of(Metric::Accuracy);
    let named = grown.iter().take(CONFUSIONS).enumerate().map(|(index, row)| {
        let verb = if index == 0 { " is predicted" } else { "" };
        let range = known(row.low, row.high).map_or(String::new(), |range| {
            let change = if index == 0 { "change: " } else { "" };
            format!(" ({change}{})", bounds(range, measure, index == 0))
        });
        format!(
            "with {} masked, {}{verb} as {} in {} instead of {}{range}",
            subject(&row.regions).words,
            row.actual,
            row.predicted,
            measure.amount(row.covered),
            measure.amount(row.baseline),
        )
    });
    let named: Vec<String> = named.collect();
    let (grown, tested) = (grown.len() as u64, tested as u64);
    Some(format!(
        "{}. Of {}, {grown} {} a 95\u{a0}% CI above zero (uncorrected).",
        capital(&format!("{beholder}{}", named.join("; "))),
        counted(tested, "confusion"),
        if grown == 1 { "has" } else { "have" },
    ))
}

/// Whether one region is masked under the conditions of `like`.
fn masked_alone(
    regions: &[String],
    masking: Masking,
    swept: &BTreeMap<String, String>,
    like: &Slice<'_>,
) -> bool {
    let masked = Masking { mode: Mode::Hide, phase: like.phase, fill: like.fill };
    regions.len() == 1 && masking == masked && swept == like.swept
}

/// `95 % CI 40.0 to 50.0`
fn range(row: &ClassEffectRow, measure: Measure, named: bool) -> String {
    known(row.effect_low, row.effect_high)
        .map_or("no interval".to_owned(), |range| bounds(range, measure, named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Phase;
    use crate::report::findings::evidence::tests::{loss, shift};
    use crate::report::findings::finding::slices;
    use crate::report::findings::finding::tests::row;

    fn of_emotions(rows: &[ClassEffectRow]) -> Option<String> {
        let effects = [row("mouth", "hide", 21.0, None)];
        let said = emotions(rows, &slices(&effects, &[], Metric::Accuracy)[0]);
        said.map(|said| said.replace('\u{a0}', " "))
    }

    fn of_confusions(rows: &[ConfusionShiftRow]) -> Option<String> {
        let effects = [row("mouth", "hide", 21.0, None)];
        let said = confusions(rows, &slices(&effects, &[], Metric::Accuracy)[0]);
        said.map(|said| said.replace('\u{a0}', " "))
    }

    #[test]
    fn the_emotion_that_loses_most() {
        let rows = [
            loss("eyes", "fear", 20.0, (15.0, 25.0), 0.001),
            loss("mouth", "happiness", 45.0, (40.0, 50.0), 0.001),
            loss("eyes", "happiness", 30.0, (26.0, 34.0), 0.001),
            loss("eyes", "sadness", 22.0, (1.0, 39.0), 0.2),
        ];
        assert_eq!(
            of_emotions(&rows).unwrap(),
            "The largest loss of recall is that of happiness with the mouth masked: 45.0 points (95 % CI 40.0 to \
             50.0; 3 seeds, 200 images); the next emotion is fear, 20.0 with the eyes masked (15.0 to 25.0). Of 4 \
             such effects, 3 losses are significant (Holm-corrected)."
        );
        let mut elsewhere = rows[1].clone();
        elsewhere.phase = Phase::Evaluate;
        assert_eq!(of_emotions(&[elsewhere]), None);
        assert_eq!(
            of_emotions(&rows[3..]).unwrap(),
            "No emotion's loss of recall is significant when one region is masked (Holm-corrected)."
        );
    }

    #[test]
    fn the_confusion_that_appears() {
        let rows = [
            shift("mouth", ["happiness", "happiness"], (90.0, 50.0), (-50.0, -30.0)),
            shift("eyes", ["fear", "surprise"], (10.0, 20.0), (4.0, 16.0)),
            shift("mouth", ["happiness", "neutral"], (4.0, 31.0), (20.0, 34.0)),
            shift("jaw", ["fear", "anger"], (4.0, 60.0), (-4.0, 99.0)),
        ];
        assert_eq!(
            of_confusions(&rows).unwrap(),
            "With the mouth masked, happiness is predicted as neutral in 31.0 % instead of 4.0 % (change: 95 % CI \
             20.0 to 34.0); with the eyes masked, fear as surprise in 20.0 % instead of 10.0 % (4.0 to 16.0). Of 3 \
             confusions, 2 have a 95 % CI above zero (uncorrected)."
        );
        assert_eq!(
            of_confusions(&rows[3..]).unwrap(),
            "No confusion grows significantly when one region is masked."
        );
        assert_eq!(of_confusions(&rows[..1]), None);
    }
}

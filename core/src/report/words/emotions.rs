//! Which emotion suffers, and what it is taken for, when one region goes.

use std::collections::BTreeMap;

use crate::region::{Masking, Mode};
use crate::report::findings::finding::{Leader, Slice, known, losing, loss_told};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;
use crate::report::words::phrase::{list, subject};
use crate::store::{ClassEffectRow, ConfusionShiftRow, Metric};

use super::scope::{bounds, sample};
use super::{MOST_NAMED, beholder, capital};

/// Confusions that a sentence names.
const CONFUSIONS: usize = 2;

/// Which emotion loses most recall when which region is hidden; `None` where no region is hidden alone under
/// the conditions of `like`.
pub fn emotions(rows: &[ClassEffectRow], like: &Slice<'_>) -> Option<String> {
    let alone = |row: &&ClassEffectRow| {
        hidden_alone(&row.regions, row.masking(), &row.swept, like) && row.effect.is_finite()
    };
    let mut rows: Vec<&ClassEffectRow> = rows.iter().filter(alone).collect();
    rows.sort_by(|a, b| b.effect.total_cmp(&a.effect));
    if rows.is_empty() {
        return None;
    }
    let beholder = beholder(like.phase, like.several);
    let Some(Leader { row, rivals }) = losing(&rows) else {
        return Some(capital(&format!(
            "{beholder}no emotion's loss of recall can be told from zero when one region is hidden."
        )));
    };
    let measure = Measure::of(Metric::Accuracy);
    let said = match rivals.len() {
        0 => {
            let next = rows.iter().find(|other| other.emotion != row.emotion && loss_told(other));
            let next = next.map_or(String::new(), |next| {
                let range = range(next, measure, false);
                let size = measure.number(next.effect);
                format!("; {} loses {size} without {}{range}", next.emotion, without(&next.regions))
            });
            let sample = sample(row.seeds, row.images);
            format!(
                "{} loses most, without {}: {} points of its recall{}, {sample}{next}",
                row.emotion,
                without(&row.regions),
                measure.number(row.effect),
                range(row, measure, true),
            )
        }
        1..MOST_NAMED if rivals.iter().all(|rival| loss_told(rival)) => {
            let rows: Vec<&ClassEffectRow> = std::iter::once(row).chain(rivals).collect();
            let names =
                rows.iter().map(|row| format!("{} without {}", row.emotion, without(&row.regions)));
            let sizes = rows.iter().enumerate().map(|(index, row)| {
                let unit = if index == 0 { " points of recall" } else { "" };
                let size = measure.number(row.effect);
                format!("{size}{unit}{}", range(row, measure, index == 0))
            });
            format!(
                "{} loses most, and which of them cannot be told: {}",
                list(names.collect(), "or"),
                list(sizes.collect(), "and"),
            )
        }
        others => format!(
            "{} loses {} points of its recall without {}{}, but {others} other {} as large",
            row.emotion,
            measure.number(row.effect),
            without(&row.regions),
            range(row, measure, true),
            if others == 1 { "loss may be" } else { "losses may be" },
        ),
    };
    Some(capital(&format!("{beholder}{said}.")))
}

/// Which confusions appear when one region is hidden; `None` as above.
pub fn confusions(rows: &[ConfusionShiftRow], like: &Slice<'_>) -> Option<String> {
    let alone = |row: &&ConfusionShiftRow| {
        hidden_alone(&row.regions, row.masking(), &row.swept, like) && row.actual != row.predicted
    };
    let looked_at = rows.iter().filter(alone).count();
    if looked_at == 0 {
        return None;
    }
    let grows =
        |row: &&ConfusionShiftRow| known(row.low, row.high).is_some_and(|(low, _)| low > 0.0);
    let mut grown: Vec<&ConfusionShiftRow> = rows.iter().filter(alone).filter(grows).collect();
    if grown.is_empty() {
        return Some(capital(&format!(
            "{}no confusion can be told to grow when one region is hidden.",
            beholder(like.phase, like.several)
        )));
    }
    grown.sort_by(|a, b| b.change.total_cmp(&a.change));
    let measure = Measure::of(Metric::Accuracy);
    let named = grown.iter().take(CONFUSIONS).enumerate().map(|(index, row)| {
        let (verb, change) = if index == 0 { (" is taken", "for the change, ") } else { ("", "") };
        let range = known(row.low, row.high).map_or(String::new(), |range| {
            format!(" ({change}{})", bounds(range, measure, index == 0))
        });
        format!(
            "without {}, {}{verb} for {}: {} instead of {}{range}",
            without(&row.regions),
            row.actual,
            row.predicted,
            measure.amount(row.covered),
            measure.amount(row.baseline),
        )
    });
    let named: Vec<String> = named.collect();
    let (grown, looked_at) = (grown.len() as u64, looked_at as u64);
    Some(format!(
        "{}. Of {} looked at, {grown} {} an interval above zero, uncorrected for their number.",
        capital(&format!("{}{}", beholder(like.phase, like.several), named.join("; "))),
        counted(looked_at, "confusion"),
        if grown == 1 { "has" } else { "have" },
    ))
}

/// Whether a covering hides one region under the conditions of `like`.
fn hidden_alone(
    regions: &[String],
    masking: Masking,
    swept: &BTreeMap<String, String>,
    like: &Slice<'_>,
) -> bool {
    let hidden = Masking { mode: Mode::Hide, phase: like.phase, fill: like.fill };
    regions.len() == 1 && masking == hidden && swept == like.swept
}

fn without(regions: &[String]) -> String {
    subject(regions).words
}

/// ` (95 %: 40.0 to 50.0)`; empty where no interval is known.
fn range(row: &ClassEffectRow, measure: Measure, named: bool) -> String {
    known(row.effect_low, row.effect_high)
        .map_or(String::new(), |range| format!(" ({})", bounds(range, measure, named)))
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
        let said = emotions(rows, &slices(&effects, Metric::Accuracy)[0]);
        said.map(|said| said.replace('\u{a0}', " "))
    }

    fn of_confusions(rows: &[ConfusionShiftRow]) -> Option<String> {
        let effects = [row("mouth", "hide", 21.0, None)];
        let said = confusions(rows, &slices(&effects, Metric::Accuracy)[0]);
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
            "Happiness loses most, without the mouth: 45.0 points of its recall (95 %: 40.0 to 50.0), 3 seeds, \
             200 images; fear loses 20.0 without the eyes (15.0 to 25.0)."
        );
        let mut elsewhere = rows[1].clone();
        elsewhere.phase = Phase::Evaluate;
        assert_eq!(of_emotions(&[elsewhere]), None);
    }

    #[test]
    fn losses_that_overlap_have_no_winner() {
        let mut rows = vec![
            loss("mouth", "happiness", 45.0, (40.0, 50.0), 0.001),
            loss("eyes", "fear", 42.0, (35.0, 49.0), 0.001),
            loss("jaw", "fear", 2.0, (-1.0, 5.0), 1.0),
        ];
        assert_eq!(
            of_emotions(&rows).unwrap(),
            "Happiness without the mouth or fear without the eyes loses most, and which of them cannot be \
             told: 45.0 points of recall (95 %: 40.0 to 50.0) and 42.0 (35.0 to 49.0)."
        );
        // One that cannot be told from zero is not named.
        rows[1].p_adjusted = Some(0.06);
        assert_eq!(
            of_emotions(&rows).unwrap(),
            "Happiness loses 45.0 points of its recall without the mouth (95 %: 40.0 to 50.0), but 1 other \
             loss may be as large."
        );
        assert_eq!(
            of_emotions(&rows[1..]).unwrap(),
            "No emotion's loss of recall can be told from zero when one region is hidden."
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
            "Without the mouth, happiness is taken for neutral: 31.0 % instead of 4.0 % (for the change, 95 %: \
             20.0 to 34.0); without the eyes, fear for surprise: 20.0 % instead of 10.0 % (4.0 to 16.0). Of 3 \
             confusions looked at, 2 have an interval above zero, uncorrected for their number."
        );
        assert_eq!(
            of_confusions(&rows[3..]).unwrap(),
            "No confusion can be told to grow when one region is hidden."
        );
        assert_eq!(of_confusions(&rows[..1]), None);
    }
}

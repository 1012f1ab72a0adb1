//! What the mask-only baseline reaches, in words.

use crate::plan::swept_words;
use crate::report::words::measure::Measure;
use crate::report::words::phrase::list;
use crate::store::MaskLeakRow;

use super::scope::{range_words, sample};

/// A warning for each swept choice in which the mask-only baseline is significantly above chance.
pub fn mask_leak_warnings(rows: &[MaskLeakRow]) -> Vec<String> {
    let leaking = choices(rows).filter(|rows| !above_chance(rows).is_empty());
    let warning = |rows: &[MaskLeakRow]| {
        let above: Vec<String> =
            above_chance(rows).iter().map(|row| Measure::of(row.metric).short_name()).collect();
        format!(
            "Warning: the mask-only baseline is above chance in {}: networks that saw only the masks, no \
             face, {}. Retrained networks may use the position of the mask beside what it leaves visible.",
            list(above, "and"),
            reached(rows)
        )
    };
    leaking.map(warning).collect()
}

/// The same for every swept choice, also where there is nothing to warn of.
pub fn mask_leak_sentences(rows: &[MaskLeakRow]) -> Vec<String> {
    let mut sentences = mask_leak_warnings(rows);
    let quiet = choices(rows).filter(|rows| above_chance(rows).is_empty());
    sentences.extend(quiet.map(|rows| {
        format!(
            "The mask-only baseline is not significantly above chance: networks that saw only the masks, no \
             face, {}.",
            reached(rows)
        )
    }));
    sentences
}

/// The rows of each swept choice, which lie together.
fn choices(rows: &[MaskLeakRow]) -> impl Iterator<Item = &[MaskLeakRow]> {
    rows.chunk_by(|a, b| a.swept == b.swept)
}

/// The metrics that are above chance, by their intervals.
fn above_chance(rows: &[MaskLeakRow]) -> Vec<&MaskLeakRow> {
    rows.iter().filter(|row| row.low.is_some_and(|low| low > 0.0)).collect()
}

/// `reached 24.1 % (chance 14.6 %; 95 % CI of the difference 7.0 to 12.0) and 0.31 bits (95 % CI 0.22 to
/// 0.40; 3 seeds, 1,400 images)`
fn reached(rows: &[MaskLeakRow]) -> String {
    let choice = match rows[0].swept.is_empty() {
        true => String::new(),
        false => format!(" with {}", swept_words(&rows[0].swept)),
    };
    let last = rows.len() - 1;
    let amounts = rows.iter().enumerate().map(|(place, row)| {
        let sample = sample(row.seeds, row.images);
        amount(row, if place == last { format!("; {sample}") } else { String::new() })
    });
    format!("reached{choice} {}", amounts.collect::<Vec<_>>().join(" and "))
}

/// `24.1 % (chance 14.6 %; 95 % CI of the difference 7.0 to 12.0)`; chance in bits, 0 by definition, goes without
/// saying.
fn amount(row: &MaskLeakRow, sample: String) -> String {
    let metric = Measure::of(row.metric);
    let range = row.low.zip(row.high);
    let interval = range.map_or("unknown".to_owned(), |range| range_words(range, metric));
    let reached = metric.amount(row.reached);
    if metric.has_chance {
        let chance = metric.amount(row.chance);
        format!("{reached} (chance {chance}; 95\u{a0}% CI of the difference {interval}{sample})")
    } else {
        format!("{reached} (95\u{a0}% CI {interval}{sample})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::store::{Metric, Term};

    fn row(metric: &str, reached: f64, low: Option<f64>, high: Option<f64>) -> MaskLeakRow {
        let chance = if metric == "bits" { 0.0 } else { 0.146 };
        MaskLeakRow {
            condition: "masks alone".to_owned(),
            metric: Metric::of(metric).unwrap(),
            reached,
            chance,
            excess: reached - chance,
            low,
            high,
            p: Some(0.01),
            seeds: 3,
            images: 1400,
            method: "m".to_owned(),
            swept: BTreeMap::new(),
        }
    }

    #[test]
    fn only_what_is_above_chance_is_warned_of() {
        let beating = row("accuracy", 0.241, Some(0.07), Some(0.12));
        let bits = row("bits", 0.31, Some(0.22), Some(0.4));
        let [warning] = &mask_leak_warnings(&[beating.clone(), bits])[..] else { panic!() };
        assert!(
            warning.contains(
                "above chance in accuracy and usable information: networks that saw only the masks, no face, \
                 reached 24.1\u{a0}% (chance 14.6\u{a0}%; 95\u{a0}% CI of the difference 7.0 to 12.0) and \
                 0.31\u{a0}bits (95\u{a0}% CI 0.22 to 0.40; 3\u{a0}seeds, 1,400\u{a0}images)"
            ),
            "{warning}"
        );
        for (low, high) in [(Some(-0.01), Some(0.2)), (None, None)] {
            let quiet = row("accuracy", 0.15, low, high);
            assert!(mask_leak_warnings(std::slice::from_ref(&quiet)).is_empty());
            let sentences = mask_leak_sentences(&[quiet]);
            assert!(sentences[0].contains("not significantly above"), "{sentences:?}");
        }
    }

    #[test]
    fn a_leak_may_show_in_bits_only() {
        let accuracy = row("accuracy", 0.146, Some(-0.01), Some(0.01));
        let bits = row("bits", 0.06, Some(0.03), Some(0.09));
        let sentences = mask_leak_sentences(&[accuracy, bits]);
        assert_eq!(sentences.len(), 1);
        let only_bits = "Warning: the mask-only baseline is above chance in usable information: ";
        assert!(sentences[0].starts_with(only_bits), "{sentences:?}");
    }

    #[test]
    fn each_swept_choice_is_judged_by_itself() {
        let swept = |fill: &str, low| MaskLeakRow {
            swept: BTreeMap::from([("fill".to_owned(), fill.to_owned())]),
            ..row("accuracy", 0.2, Some(low), Some(0.3))
        };
        let sentences = mask_leak_sentences(&[swept("mean", -0.1), swept("blur", 0.1)]);
        assert!(sentences[0].starts_with("Warning"), "{sentences:?}");
        assert!(sentences[1].contains("not significantly above"), "{sentences:?}");
    }
}

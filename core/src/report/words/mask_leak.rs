//! What masks alone tell, in words.

use crate::plan::swept_words;
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;
use crate::store::MaskLeakRow;

use super::scope::range_words;

/// A warning for each swept choice in which the masks alone beat a guess, as far as the intervals can say.
pub fn mask_leak_warnings(rows: &[MaskLeakRow]) -> Vec<String> {
    let leaking = choices(rows).filter(|rows| beat_a_guess(rows));
    let warning = |rows: &[MaskLeakRow]| {
        format!(
            "Careful: the masks give something away. A network that saw nothing but where the regions lie \
             {}. What is retrained may read the place of its mask beside what the mask leaves.",
            reached(rows)
        )
    };
    leaking.map(warning).collect()
}

/// The same for every swept choice, where it is good news too.
pub fn mask_leak_sentences(rows: &[MaskLeakRow]) -> Vec<String> {
    let mut sentences = mask_leak_warnings(rows);
    let quiet = choices(rows).filter(|rows| !beat_a_guess(rows));
    sentences.extend(quiet.map(|rows| {
        format!(
            "The masks alone give nothing away that could be measured: a network that saw nothing but where \
             the regions lie {}.",
            reached(rows)
        )
    }));
    sentences
}

/// The rows of each swept choice, which lie together.
fn choices(rows: &[MaskLeakRow]) -> impl Iterator<Item = &[MaskLeakRow]> {
    rows.chunk_by(|a, b| a.swept == b.swept)
}

fn beat_a_guess(rows: &[MaskLeakRow]) -> bool {
    rows.iter().any(|row| row.low.is_some_and(|low| low > 0.0))
}

/// `reached 24.1 % (a guess: 14.6 %; 95 % for the difference: 7.0 to 12.0) and 0.31 bits (95 %: 0.22 to
/// 0.40) (3 seeds, 1,400 images)`
fn reached(rows: &[MaskLeakRow]) -> String {
    let choice = match rows[0].swept.is_empty() {
        true => String::new(),
        false => format!(" with {}", swept_words(&rows[0].swept)),
    };
    let amounts: Vec<String> = rows.iter().map(amount).collect();
    format!(
        "reached{choice} {} ({}, {})",
        amounts.join(" and "),
        counted(u64::from(rows[0].seeds), "seed"),
        counted(rows[0].images, "image"),
    )
}

/// `24.1 % (a guess: 14.6 %; 95 % for the difference: 7.0 to 12.0)`; what a guess is worth in bits, nothing
/// by definition, goes without saying.
fn amount(row: &MaskLeakRow) -> String {
    let metric = Measure::of(row.metric);
    let range = row.low.zip(row.high);
    let interval = range.map_or("not known".to_owned(), |range| range_words(range, metric));
    let reached = metric.amount(row.reached);
    if metric.has_chance {
        let chance = metric.amount(row.chance);
        format!("{reached} (a guess: {chance}; 95\u{a0}% for the difference: {interval})")
    } else {
        format!("{reached} (95\u{a0}%: {interval})")
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
    fn only_what_beats_a_guess_is_warned_of() {
        let beating = row("accuracy", 0.241, Some(0.07), Some(0.12));
        let bits = row("bits", 0.31, Some(0.22), Some(0.4));
        let [warning] = &mask_leak_warnings(&[beating.clone(), bits])[..] else { panic!() };
        assert!(
            warning.contains(
                "reached 24.1\u{a0}% (a guess: 14.6\u{a0}%; 95\u{a0}% for the difference: 7.0 to 12.0) and \
                 0.31\u{a0}bits (95\u{a0}%: 0.22 to 0.40) (3 seeds, 1,400 images)"
            ),
            "{warning}"
        );
        for (low, high) in [(Some(-0.01), Some(0.2)), (None, None)] {
            let quiet = row("accuracy", 0.15, low, high);
            assert!(mask_leak_warnings(std::slice::from_ref(&quiet)).is_empty());
            let sentences = mask_leak_sentences(&[quiet]);
            assert!(sentences[0].contains("give nothing away"), "{sentences:?}");
        }
    }

    #[test]
    fn a_leak_may_show_in_bits_only() {
        let accuracy = row("accuracy", 0.146, Some(-0.01), Some(0.01));
        let bits = row("bits", 0.06, Some(0.03), Some(0.09));
        let sentences = mask_leak_sentences(&[accuracy, bits]);
        assert_eq!(sentences.len(), 1);
        assert!(sentences[0].starts_with("Careful"), "{sentences:?}");
    }

    #[test]
    fn each_swept_choice_is_judged_by_itself() {
        let swept = |fill: &str, low| MaskLeakRow {
            swept: BTreeMap::from([("fill".to_owned(), fill.to_owned())]),
            ..row("accuracy", 0.2, Some(low), Some(0.3))
        };
        let sentences = mask_leak_sentences(&[swept("mean", -0.1), swept("blur", 0.1)]);
        assert!(sentences[0].starts_with("Careful"), "{sentences:?}");
        assert!(sentences[1].contains("give nothing away"), "{sentences:?}");
    }
}

//! What the mask-only baseline reaches, in words.

use crate::report::findings::finding::known;
use crate::report::findings::mask_leak::{MaskLeak, mask_leaks};
use crate::report::words::measure::Measure;
use crate::report::words::phrase::list;
use crate::store::MaskLeakRow;

use super::scope::{range_words, sample, with_setting};

/// A warning for each setting in which the mask-only baseline is significantly above chance.
pub fn mask_leak_warnings(rows: &[MaskLeakRow]) -> Vec<String> {
    mask_leaks(rows).iter().filter(|leak| !leak.above.is_empty()).map(said).collect()
}

/// What the baseline of every setting shows, also where there is nothing to warn of.
pub fn mask_leak_sentences(rows: &[MaskLeakRow]) -> Vec<String> {
    let (warned, quiet): (Vec<MaskLeak<'_>>, Vec<MaskLeak<'_>>) =
        mask_leaks(rows).into_iter().partition(|leak| !leak.above.is_empty());
    warned.iter().chain(&quiet).map(said).collect()
}

/// Each metric stands in the sentence that its own test allows, with its own numbers.
fn said(leak: &MaskLeak<'_>) -> String {
    let MaskLeak { swept, above, not_above, untested } = leak;
    let setting = with_setting(swept);
    let names = |rows: &[&MaskLeakRow]| {
        list(rows.iter().map(|row| Measure::of(row.metric).short_name()).collect(), "and")
    };
    let networks = format!("networks that saw only the masks{setting}, no face,");
    let mut sentences = Vec::new();
    if !above.is_empty() {
        sentences.push(format!(
            "Warning: the mask-only baseline is significantly above chance in {}: {networks} reached {}. Retrained \
             networks may use the position of the mask beside what it leaves visible.",
            names(above),
            amounts(above)
        ));
    }
    if !not_above.is_empty() {
        let metrics = names(not_above);
        sentences.push(match above.is_empty() {
            true => format!(
                "There is no evidence that masks alone tell the emotion: the mask-only baseline is not significantly \
                 above chance in {metrics}; {networks} reached {}. What the intervals reach up to is not ruled out.",
                amounts(not_above)
            ),
            false => format!("In {metrics} there is no evidence of it: {}.", amounts(not_above)),
        });
    }
    if !untested.is_empty() {
        let metrics = names(untested);
        sentences.push(match sentences.is_empty() {
            true => format!(
                "Whether masks alone tell the emotion is not tested: of the mask-only baseline no interval is known; \
                 {networks} reached {}.",
                amounts(untested)
            ),
            false => format!("In {metrics} it is not tested: {}.", amounts(untested)),
        });
    }
    sentences.join(" ")
}

/// The amounts of several metrics, with what they rest on.
fn amounts(rows: &[&MaskLeakRow]) -> String {
    let last = rows.len() - 1;
    let amounts = rows.iter().enumerate().map(|(place, row)| {
        let sample = sample(row.seeds, row.images);
        amount(row, if place == last { format!("; {sample}") } else { String::new() })
    });
    list(amounts.collect(), "and")
}

/// `24.1 % (chance 14.6 %; 95 % CI of the difference 7.0 to 12.0)`; chance in bits, 0 by definition, goes without
/// saying.
fn amount(row: &MaskLeakRow, sample: String) -> String {
    let metric = Measure::of(row.metric);
    let reached = metric.amount(row.reached);
    let chance = metric.amount(row.chance);
    let interval = match (known(row.low, row.high), metric.has_chance) {
        (None, _) => "no interval".to_owned(),
        (Some(range), true) => {
            format!("95\u{a0}% CI of the difference {}", range_words(range, metric))
        }
        (Some(range), false) => format!("95\u{a0}% CI {}", range_words(range, metric)),
    };
    match metric.has_chance {
        true => format!("{reached} (chance {chance}; {interval}{sample})"),
        false => format!("{reached} ({interval}{sample})"),
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
                "significantly above chance in accuracy and usable information: networks that saw only the masks, no face, \
                 reached 24.1\u{a0}% (chance 14.6\u{a0}%; 95\u{a0}% CI of the difference 7.0 to 12.0) and \
                 0.31\u{a0}bits (95\u{a0}% CI 0.22 to 0.40; 3\u{a0}seeds, 1,400\u{a0}images)"
            ),
            "{warning}"
        );
        let quiet = row("accuracy", 0.15, Some(-0.01), Some(0.2));
        assert!(mask_leak_warnings(std::slice::from_ref(&quiet)).is_empty());
        let [sentence] = &mask_leak_sentences(&[quiet])[..] else { panic!() };
        assert!(sentence.starts_with("There is no evidence that masks alone tell"), "{sentence}");
        assert!(
            sentence.ends_with("What the intervals reach up to is not ruled out."),
            "{sentence}"
        );
    }

    #[test]
    fn what_has_no_interval_is_not_tested() {
        let unknown = row("accuracy", 0.146, None, None);
        assert!(mask_leak_warnings(std::slice::from_ref(&unknown)).is_empty());
        let [sentence] = &mask_leak_sentences(std::slice::from_ref(&unknown))[..] else { panic!() };
        assert!(
            sentence.starts_with("Whether masks alone tell the emotion is not tested: of"),
            "{sentence}"
        );
        assert!(sentence.contains("14.6\u{a0}% (chance 14.6\u{a0}%; no interval; 3"), "{sentence}");
        let bits = row("bits", 0.06, Some(0.03), Some(0.09));
        let [warning] = &mask_leak_sentences(&[unknown, bits])[..] else { panic!() };
        assert!(warning.contains("visible. In accuracy it is not tested: 14.6"), "{warning}");
    }

    /// No sentence holds the numbers of another test: below chance by accuracy, above it by bits.
    #[test]
    fn a_leak_may_show_in_bits_only() {
        let accuracy = row("accuracy", 0.145, Some(-0.011), Some(0.009));
        let bits = row("bits", 0.06, Some(0.03), Some(0.09));
        let [sentence] = &mask_leak_sentences(&[accuracy, bits])[..] else { panic!() };
        assert_eq!(
            sentence.replace('\u{a0}', " "),
            "Warning: the mask-only baseline is significantly above chance in usable information: networks that saw \
             only the masks, no face, reached 0.06 bits (95 % CI 0.03 to 0.09; 3 seeds, 1,400 images). Retrained \
             networks may use the position of the mask beside what it leaves visible. In accuracy there is no \
             evidence of it: 14.5 % (chance 14.6 %; 95 % CI of the difference −1.1 to 0.9; 3 seeds, 1,400 images)."
        );
    }

    #[test]
    fn each_swept_choice_is_judged_by_itself() {
        let swept = |fill: &str, low| MaskLeakRow {
            swept: BTreeMap::from([("fill".to_owned(), fill.to_owned())]),
            ..row("accuracy", 0.2, Some(low), Some(0.3))
        };
        let sentences = mask_leak_sentences(&[swept("mean", -0.1), swept("blur", 0.1)]);
        assert!(sentences[0].starts_with("Warning"), "{sentences:?}");
        assert!(
            sentences[1].contains("the masks with fill mean, no face, reached"),
            "{sentences:?}"
        );
    }
}

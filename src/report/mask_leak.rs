//! What masks alone tell, in words.

use crate::store::MaskLeakRow;

use super::label;
use super::metric::Metric;
use super::numbers::counted;

/// A warning for each swept choice in which the masks alone beat a guess, as far as the interval can say.
pub fn mask_leak_warnings(rows: &[MaskLeakRow]) -> Vec<String> {
    let warning = |row: &MaskLeakRow| {
        format!(
            "Careful: the masks give something away. A network that saw nothing but where the regions lie \
             {}. What is retrained may read the place of its mask beside what the mask leaves.",
            reached(row)
        )
    };
    rows.iter().filter(|row| beats_a_guess(row)).map(warning).collect()
}

/// The same for every swept choice, where it is good news too.
pub fn mask_leak_sentences(rows: &[MaskLeakRow]) -> Vec<String> {
    let mut sentences = mask_leak_warnings(rows);
    let quiet = rows.iter().filter(|row| !beats_a_guess(row));
    sentences.extend(quiet.map(|row| {
        format!(
            "The masks alone give nothing away that could be measured: a network that saw nothing but where \
             the regions lie {}.",
            reached(row)
        )
    }));
    sentences
}

fn beats_a_guess(row: &MaskLeakRow) -> bool {
    row.low.is_some_and(|low| low > 0.0)
}

/// `reached 24.1 % (a guess: 14.6 %; 95 % for the difference: 7.0 to 12.0; 3 seeds, 1,400 images)`
fn reached(row: &MaskLeakRow) -> String {
    let accuracy = Metric::of("accuracy");
    let difference = match row.low.zip(row.high) {
        Some((low, high)) => format!(
            "95\u{a0}% for the difference: {} to {}",
            accuracy.number(low),
            accuracy.number(high)
        ),
        None => "no interval is known".to_owned(),
    };
    let choice = match row.swept.is_empty() {
        true => String::new(),
        false => format!(" with {}", label::swept(&row.swept)),
    };
    format!(
        "reached {}{choice} (a guess: {}; {difference}; {}, {})",
        accuracy.amount(row.accuracy),
        accuracy.amount(row.chance),
        counted(u64::from(row.seeds), "seed"),
        counted(row.images, "image"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn row(low: Option<f64>, high: Option<f64>) -> MaskLeakRow {
        MaskLeakRow {
            accuracy: 0.241,
            chance: 0.146,
            excess: 0.095,
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
        let beating = row(Some(0.07), Some(0.12));
        let [warning] = &mask_leak_warnings(std::slice::from_ref(&beating))[..] else { panic!() };
        assert!(
            warning.contains(
                "reached 24.1\u{a0}% (a guess: 14.6\u{a0}%; 95\u{a0}% for the difference: 7.0 to 12.0; \
                 3 seeds, 1,400 images)"
            ),
            "{warning}"
        );
        for quiet in [row(Some(-0.01), Some(0.2)), row(None, None)] {
            assert!(mask_leak_warnings(std::slice::from_ref(&quiet)).is_empty());
            let sentences = mask_leak_sentences(&[quiet, beating.clone()]);
            assert!(sentences[0].starts_with("Careful"), "{sentences:?}");
            assert!(sentences[1].contains("give nothing away"), "{sentences:?}");
        }
    }
}

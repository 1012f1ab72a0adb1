//! Whether whole faces are read above chance, in words.

use crate::analysis::BeyondChance;
use crate::report::findings::beyond::whole_not_above;
use crate::report::findings::evidence::Evidence;
use crate::report::words::measure::Measure;

use super::scope::{range_words, with_setting};

/// A warning for each setting in which whole faces are not significantly above chance.
pub fn chance_warnings(evidence: &Evidence) -> Vec<String> {
    whole_not_above(evidence).into_iter().map(warning).collect()
}

fn warning(found: &BeyondChance) -> String {
    let BeyondChance { metric, chance, excess, swept, .. } = found;
    let measure = Measure::of(*metric);
    let setting = with_setting(swept);
    let interval =
        excess.interval.map_or("unknown".to_owned(), |interval| range_words(interval, measure));
    format!(
        "Warning: whole faces{setting} are not significantly above chance: {} (chance {}; 95\u{a0}% CI of the \
         difference {interval}). What masking costs such networks says nothing of the regions.",
        measure.amount(chance + excess.mean),
        measure.amount(*chance),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::beyond::tests::whole;

    #[test]
    fn a_network_that_learnt_nothing_is_warned_of() {
        let of = |found| {
            let evidence = Evidence { whole: vec![found], ..Evidence::default() };
            chance_warnings(&evidence).join(" ").replace('\u{a0}', " ")
        };
        let said = of(whole(0.0, None));
        assert!(
            said.starts_with(
                "Warning: whole faces are not significantly above chance: 20.0 % (chance 20.0 %; 95 % CI of the \
                 difference unknown)."
            ),
            "{said}"
        );
        assert!(of(whole(2.0, Some((-1.0, 5.0)))).contains("−1.0 to 5.0"));
        assert_eq!(of(whole(60.0, Some((50.0, 70.0)))), "");
    }
}

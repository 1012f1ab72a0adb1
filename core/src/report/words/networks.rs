//! Does the finding survive the architecture?

use crate::plan::PhaseWords;
use crate::region::Mode;
use crate::region::phrase::subject;
use crate::report::findings::networks::{Networks, Verdict};
use crate::report::words::numbers::{counted, decimal, p_value};
use crate::report::words::phrase::list;

/// More networks than this are counted, not named.
const MOST_NETWORKS: usize = 4;

/// The answer in two sentences: whether networks agree on the regions' order, and what they have in common.
pub fn networks(found: &Networks<'_>) -> String {
    let row = found.row;
    let (m, n) = (row.networks.len(), row.ranked.len());
    let named = match m {
        0..=MOST_NETWORKS => format!(" ({})", list(row.networks.clone(), "and")),
        _ => String::new(),
    };
    let (who, regions) = (counted(m as u64, "network"), counted(n as u64, "region"));
    let by = match row.mode {
        Mode::Hide => format!("masking each costs{}", PhaseWords::of(row.phase).masked),
        Mode::Keep => format!("each reaches alone{}", PhaseWords::of(row.phase).visible),
    };
    let agreement = agreement(found);
    let judged = match found.verdict {
        Verdict::Survives => format!(
            "The finding survives the architecture: the {who}{named} agree on the order of the {regions} by what {by} \
             ({agreement})"
        ),
        Verdict::InPart => format!(
            "The finding survives the architecture only in part: the {who}{named} agree on the order of the {regions} by \
             what {by} ({agreement}), but not on the first"
        ),
        Verdict::NotShown => format!(
            "That the finding survives the architecture is not shown: the {who}{named} do not agree significantly on the \
             order of the {regions} by what {by} ({agreement})"
        ),
        Verdict::TooFew => format!(
            "Whether the finding survives the architecture cannot be told from the order of the {regions} by what {by}: \
             the {who}{named} are too few, since even full agreement would have {} ({agreement})",
            p_words(row.smallest_p)
        ),
        Verdict::Equal => format!(
            "Whether the finding survives the architecture cannot be told: the {who}{named} tell no two of the {regions} \
             apart by what {by}"
        ),
    };
    let first = row.ranked.first().map(|first| {
        let first = subject(std::slice::from_ref(first)).words;
        let all = if m == 2 { "both".to_owned() } else { format!("all {m}") };
        let those = match row.first_in as usize {
            count if count == m => all,
            count => format!("{count} of {m}"),
        };
        format!(" Largest in the mean over them: {first}, first in {those}.")
    });
    let first = first.filter(|_| found.verdict != Verdict::Equal).unwrap_or_default();
    format!("{judged}.{first} Other networks may differ from these.")
}

/// `Kendall's W 0.91, 95 % CI 0.78 to 0.97, p = 0.002`
pub fn agreement(found: &Networks<'_>) -> String {
    let row = found.row;
    let mut parts: Vec<String> =
        row.w.map(|w| format!("Kendall's W {}", decimal(w, 2))).into_iter().collect();
    if let (Some(low), Some(high)) = (row.low, row.high) {
        parts.push(format!("95\u{a0}% CI {} to {}", decimal(low, 2), decimal(high, 2)));
    }
    parts.extend(row.p.map(p_words));
    parts.join(", ")
}

fn p_words(p: f64) -> String {
    let value = p_value(p);
    if value.starts_with('<') { format!("p {value}") } else { format!("p = {value}") }
}

#[cfg(test)]
mod tests {
    use crate::report::findings::networks::tests::findings;
    use crate::report::words::answer;

    fn said(numbers: (f64, f64, f64), first_in: u32) -> String {
        let networks: [(&str, &[f64]); 2] =
            [("VGG", &[21.0, 9.0, 4.0, 1.0]), ("ResNet-18", &[19.0, 8.0, 5.0, 2.0])];
        let regions = ["mouth", "eyes", "nose", "jaw"];
        let text = answer(&findings(&networks, &regions, numbers, first_in));
        text.replace(['\n', '\u{a0}'], " ")
    }

    #[test]
    fn agreement_is_said_with_its_numbers() {
        let text = said((1.0, 1.0 / 24.0, 1.0 / 24.0), 2);
        assert!(
            text.contains(
                "The finding survives the architecture: the 2 networks (VGG and ResNet-18) agree on the order of the 4 \
                 regions by what masking each costs in training and at test time (Kendall's W 1.00, 95 % CI 0.90 to \
                 1.00, p"
            ),
            "{text}"
        );
        assert!(
            text.contains("Largest in the mean over them: the mouth, first in both."),
            "{text}"
        );
    }

    #[test]
    fn nothing_is_claimed_of_few_networks_or_without_significance() {
        let text = said((1.0, 0.17, 0.17), 2);
        assert!(text.contains("are too few, since even full agreement would have p"), "{text}");
        let text = said((0.6, 0.4, 0.001), 1);
        assert!(text.contains("is not shown: the 2 networks"), "{text}");
        assert!(text.contains("the mouth, first in 1 of 2."), "{text}");
        assert!(said((0.9, 0.01, 0.001), 1).contains("only in part"));
    }
}

//! The tables under a topic's charts.

use super::html::Html;
use super::sortable::sortable;
use crate::report::charts::chart::Topic;
use crate::report::findings::Findings;
use crate::report::tables::evidence::{
    class_effects_table, confusions_table, interplay_table, network_agreement_table,
    network_means_table, ranking_table, shapley_table,
};
use crate::report::tables::study::{setting_contrasts_table, sweep_table};
use crate::report::tables::table::Table;
use crate::report::words::numbers::counted;

/// A table of more rows stands folded.
const OPEN: usize = 30;

/// What supports a topic's charts in numbers; `None` where there is nothing.
pub fn tables_of(findings: &Findings, topic: Topic) -> Option<Html> {
    let evidence = &findings.evidence;
    let tables = match topic {
        Topic::Settings => {
            let swept = findings.sweep().into_iter().flat_map(|swept| {
                let caption = "Each setting with its own chance, its own whole faces, and the largest estimate in it";
                [
                    (caption, sweep_table(&swept)),
                    (
                        "Each condition under every two settings: masked, what it costs; alone visible, what it reaches \
                         beyond chance; p Holm-corrected over conditions and pairs of settings",
                        setting_contrasts_table(&swept),
                    ),
                ]
            });
            let networks = [
                (
                    "Whether the networks order the regions alike: Kendall's W, its p where each orders them at random \
                     and the smallest that so few can have, and in how many of them the first region is first",
                    network_agreement_table(&evidence.network_agreement),
                ),
                (
                    "Each region over the networks, as if they were drawn from many: points and bits, with the smallest \
                     and the largest that any network has",
                    network_means_table(&evidence.network_means),
                ),
            ];
            swept.chain(networks).collect()
        }
        Topic::Effects => vec![(
            "Probability of each rank: rank 1 is the region that costs most when masked, or reaches most alone",
            ranking_table(&evidence.ranking),
        )],
        Topic::Shares => vec![
            (
                "Shapley values, and the probability that each is the largest: shares in per cent and points, \
                 information in bits",
                shapley_table(&evidence.shapley),
            ),
            (
                "Shapley interactions of pairs of regions, in points and in bits: below zero redundant, above zero \
                 worth more together; p Holm-corrected over the pairs of a metric and condition",
                interplay_table(&evidence.interplay),
            ),
        ],
        Topic::Emotions => vec![(
            "The recall of each emotion: per cent, and points lost; p Holm-corrected over all regions and emotions",
            class_effects_table(&evidence.class_effects),
        )],
        Topic::Confusions => vec![(
            "Confusions whose 95 % CI of the change excludes zero (uncorrected): per cent of the actual emotion's \
             images",
            confusions_table(&evidence.confusions),
        )],
        Topic::Regions | Topic::Sensitivity | Topic::Training => Vec::new(),
    };
    let shown = tables.iter().filter(|(_, table)| !table.is_empty());
    let tables: Vec<Html> = shown.map(|(caption, table)| folded(caption, table)).collect();
    (!tables.is_empty()).then(|| tables.into_iter().collect())
}

/// A long table stands folded.
pub fn folded(caption: &str, table: &Table) -> Html {
    let rows = table.rows().len();
    let html = sortable(caption, table);
    if rows <= OPEN {
        return html;
    }
    let summary = format!("{caption}: a table of {}", counted(rows as u64, "row"));
    let summary = Html::plain("summary", &summary);
    Html::element("details", &[], summary.then(html))
}

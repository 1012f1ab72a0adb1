//! The tables under a topic's charts.

use super::html::Html;
use super::sortable::sortable;
use crate::report::charts::chart::Topic;
use crate::report::findings::Findings;
use crate::report::findings::evidence::{
    class_effects_table, confusions_table, ranking_table, shapley_table,
};
use crate::report::tables::study::sweep_table;
use crate::report::tables::table::Table;
use crate::report::words::numbers::counted;

/// A table of more rows stands folded.
const OPEN: usize = 30;

/// What supports a topic's charts in numbers; `None` where there is nothing.
pub fn tables_of(findings: &Findings, topic: Topic) -> Option<Html> {
    let evidence = &findings.evidence;
    let (caption, table) = match topic {
        Topic::Settings => (
            "Each setting with its own chance, its own whole faces, and the largest estimate in it",
            sweep_table(&findings.sweep()?),
        ),
        Topic::Effects => (
            "Probability of each rank: rank 1 is the region that costs most when masked, or reaches most alone",
            ranking_table(&evidence.ranking),
        ),
        Topic::Shares => (
            "Shapley values, and the probability that each is the largest: shares in per cent and points, \
             information in bits",
            shapley_table(&evidence.shapley),
        ),
        Topic::Emotions => (
            "The recall of each emotion: per cent, and points lost; p Holm-corrected over all regions and emotions",
            class_effects_table(&evidence.class_effects),
        ),
        Topic::Confusions => (
            "Confusions whose 95 % CI of the change excludes zero (uncorrected): per cent of the actual emotion's \
             images",
            confusions_table(&evidence.confusions),
        ),
        Topic::Regions | Topic::Sensitivity | Topic::Training => return None,
    };
    (!table.is_empty()).then(|| folded(caption, &table))
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

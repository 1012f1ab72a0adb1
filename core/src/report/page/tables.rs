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
            "Each setting beside its own chance and its own whole faces, with what stands out in it",
            sweep_table(&findings.sweep()?),
        ),
        Topic::Effects => (
            "How probable each rank is: 1 has the region that costs most hidden, or keeps most seen alone",
            ranking_table(&evidence.ranking),
        ),
        Topic::Shares => (
            "Shapley values, and how probably each is the largest: shares in per cent and points, \
             information in bits",
            shapley_table(&evidence.shapley),
        ),
        Topic::Emotions => (
            "The recall of each emotion: per cent, and points lost; p corrected for all regions and emotions",
            class_effects_table(&evidence.class_effects),
        ),
        Topic::Confusions => (
            "Confusions whose change has an interval without zero, uncorrected for their number: per cent \
             of the actual emotion's images",
            confusions_table(&evidence.confusions),
        ),
        Topic::Regions | Topic::Sensitivity | Topic::Training => return None,
    };
    (!table.is_empty()).then(|| folded(caption, &table))
}

fn folded(caption: &str, table: &Table) -> Html {
    let rows = table.rows().len();
    let html = sortable(caption, table);
    if rows <= OPEN {
        return html;
    }
    let summary = Html::plain("summary", &format!("A table of {}", counted(rows as u64, "row")));
    Html::element("details", &[], summary.then(html))
}

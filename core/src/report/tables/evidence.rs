//! The derived tables as the page shows them: ranks, Shapley values, interactions, agreement of networks, recalls and confusions.

use crate::plan::{ConditionName, Several, Swept};
use crate::region::{FillKind, Mode, Phase};
use crate::report::findings::finding::{excludes_zero, known};
use crate::report::findings::game::value_interval;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::measure::Measure;
use crate::store::{
    ClassEffectRow, ConfusionShiftRow, InterplayRow, Metric, NetworkAgreementRow, NetworkMeanRow,
    RankingRow, ShapleyRow,
};

/// More rows than this nobody reads; the largest are kept.
const MOST_ROWS: usize = 200;

/// How probable each rank of each region is, by accuracy: a row a region, a column a rank.
pub fn ranking_table(rows: &[RankingRow]) -> Table {
    let rows: Vec<&RankingRow> = rows.iter().filter(|row| row.metric == Metric::Accuracy).collect();
    let several = Several::of(rows.iter().map(|row| (row.phase, row.fill, &row.swept)));
    let ranks = rows.iter().map(|row| row.rank).max().unwrap_or(0);
    let mut columns =
        vec![Column::text("condition", "condition"), Column::text("region", "region")];
    columns.extend(
        (1..=ranks).map(|rank| Column::number(&format!("rank_{rank}"), &format!("rank {rank}, %"))),
    );
    let mut table = Table::new(columns);
    // The ranks of a region stand together, from 1.
    for ranks in rows.chunk_by(|a, b| a.rank < b.rank) {
        let first = ranks[0];
        let setting = each_region(first.mode, &several, (first.phase, first.fill, &first.swept));
        let mut cells = vec![Cell::text(setting), Cell::text(first.region.as_str())];
        cells.extend(ranks.iter().map(|row| per_cent(row.probability)));
        table.push(cells);
    }
    table
}

/// A row for every Shapley value: of accuracy, of bits and of each emotion's recall.
pub fn shapley_table(rows: &[ShapleyRow]) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::text("metric", "metric"),
        Column::text("region", "region"),
        Column::number("value", "value [95 % CI]"),
        Column::number("p_adjusted", "p, Holm"),
        Column::number("first", "P(largest), %"),
        Column::number("none_seen", "none visible"),
        Column::number("all_seen", "all visible"),
        Column::number("seeds", "seeds"),
    ]);
    let several = Several::of(rows.iter().map(|row| (row.phase, row.fill, &row.swept)));
    for row in rows {
        // A recall is a share as accuracy is.
        let measure = Measure::of_worth(row.metric);
        let metric = match &row.emotion {
            Some(emotion) => format!("{} of {emotion}", row.metric.name()),
            None => row.metric.name().to_owned(),
        };
        table.push(vec![
            Cell::text(several.heading("regions visible", (row.phase, row.fill, &row.swept))),
            Cell::text(metric),
            Cell::text(row.region.as_str()),
            Cell::of(row.value, measure).with_interval(value_interval(row)),
            row.p_adjusted.map_or(Cell::Empty, Cell::P),
            per_cent(row.first),
            Cell::of(row.none_seen, measure),
            Cell::of(row.all_seen, measure),
            Cell::Count(u64::from(row.seeds)),
        ]);
    }
    table
}

/// A row for the interaction of every pair of regions, by accuracy and by bits.
pub fn interplay_table(rows: &[InterplayRow]) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::text("metric", "metric"),
        Column::text("pair", "pair"),
        Column::number("interaction", "interaction [95 % CI]"),
        Column::number("p_adjusted", "p, Holm"),
        Column::number("seeds", "seeds"),
    ]);
    let several = Several::of(rows.iter().map(|row| (row.phase, row.fill, &row.swept)));
    for row in rows {
        let measure = Measure::of_worth(row.metric);
        table.push(vec![
            Cell::text(several.heading("regions visible", (row.phase, row.fill, &row.swept))),
            Cell::text(row.metric.name()),
            Cell::text(row.pair.join(" + ")),
            Cell::of(row.value, measure).with_interval(known(row.low, row.high)),
            row.p_adjusted.map_or(Cell::Empty, Cell::P),
            Cell::Count(u64::from(row.seeds)),
        ]);
    }
    table
}

/// Whether networks order the regions alike: a row for each masking and metric.
pub fn network_agreement_table(rows: &[NetworkAgreementRow]) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::text("metric", "metric"),
        Column::number("w", "Kendall's W [95 % CI]"),
        Column::number("p", "p"),
        Column::number("smallest_p", "smallest p"),
        Column::text("first", "first in the mean"),
        Column::number("first_in", "first in"),
        Column::number("networks", "networks"),
        Column::number("regions", "regions"),
    ]);
    let several = Several::of(rows.iter().map(|row| (row.phase, row.fill, &row.swept)));
    for row in rows {
        let w = row.w.map(|w| Cell::number(w, 2).with_interval(row.low.zip(row.high)));
        table.push(vec![
            Cell::text(each_region(row.mode, &several, (row.phase, row.fill, &row.swept))),
            Cell::text(row.metric.name()),
            w.unwrap_or(Cell::Empty),
            row.p.map_or(Cell::Empty, Cell::P),
            Cell::P(row.smallest_p),
            Cell::text(row.ranked.first().map_or("", String::as_str)),
            Cell::Count(u64::from(row.first_in)),
            Cell::Count(row.networks.len() as u64),
            Cell::Count(row.ranked.len() as u64),
        ]);
    }
    table
}

/// A row for each region in the mean over networks: what masking it costs, or what it alone reaches beyond chance.
pub fn network_means_table(rows: &[NetworkMeanRow]) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::text("metric", "metric"),
        Column::text("region", "region"),
        Column::number("effect", "mean effect [95 % CI]"),
        Column::number("p", "p"),
        Column::number("p_adjusted", "p, Holm"),
        Column::number("smallest", "smallest"),
        Column::number("largest", "largest"),
        Column::number("networks", "networks"),
    ]);
    let several = Several::of(rows.iter().map(|row| (row.phase, row.fill, &row.swept)));
    for row in rows {
        let measure = Measure::of(row.metric);
        table.push(vec![
            Cell::text(each_region(row.mode, &several, (row.phase, row.fill, &row.swept))),
            Cell::text(row.metric.name()),
            Cell::text(row.region.as_str()),
            Cell::of(row.effect, measure).with_interval(known(row.low, row.high)),
            row.p.map_or(Cell::Empty, Cell::P),
            row.p_adjusted.map_or(Cell::Empty, Cell::P),
            Cell::of(row.smallest, measure),
            Cell::of(row.largest, measure),
            Cell::Count(u64::from(row.networks)),
        ]);
    }
    table
}

/// What is done with each region, and under which setting.
fn each_region(mode: Mode, several: &Several, setting: (Phase, FillKind, &Swept)) -> String {
    let what = if mode == Mode::Keep { "only the region visible" } else { "region masked" };
    several.heading(what, setting)
}

/// A row for the recall of every emotion under every mask, the largest changes first where they are many.
pub fn class_effects_table(rows: &[ClassEffectRow]) -> Table {
    let controlled = rows.iter().any(|row| row.signal.is_some());
    let mut columns = vec![
        Column::text("condition", "condition"),
        Column::text("emotion", "emotion"),
        Column::number("baseline", "whole"),
        Column::number("covered", "masked"),
        Column::number("effect", "effect [95 % CI]"),
    ];
    if controlled {
        columns.push(Column::number("signal", "signal [95 % CI]"));
    }
    columns.push(Column::number("p_adjusted", "p, Holm"));
    columns.push(Column::number("images", "images"));
    let mut table = Table::new(columns);
    let several = Several::of(rows.iter().map(|row| (row.phase, row.fill, &row.swept)));
    for row in largest(rows.iter().collect(), |row| row.effect) {
        let masking = row.masking();
        let effect = known(row.effect_low, row.effect_high);
        let mut cells = vec![
            Cell::text(several.label(ConditionName::masked(&row.regions, masking, &row.swept))),
            Cell::text(row.emotion.as_str()),
            Cell::share(row.baseline),
            Cell::share(row.covered),
            Cell::share(row.effect).with_interval(effect),
        ];
        if controlled {
            let range = known(row.signal_low, row.signal_high);
            let signal = row.signal.map(|signal| Cell::share(signal).with_interval(range));
            cells.push(signal.unwrap_or(Cell::Empty));
        }
        cells.push(row.p_adjusted.map_or(Cell::Empty, Cell::P));
        cells.push(Cell::Count(row.images));
        table.push(cells);
    }
    table
}

/// The confusions whose change has an interval that leaves zero out, the largest changes first.
pub fn confusions_table(rows: &[ConfusionShiftRow]) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::text("actual", "actual"),
        Column::text("predicted", "predicted"),
        Column::number("baseline", "whole, %"),
        Column::number("covered", "masked, %"),
        Column::number("change", "change [95 % CI]"),
        Column::number("images", "images"),
    ]);
    let several = Several::of(rows.iter().map(|row| (row.phase, row.fill, &row.swept)));
    let significant = |row: &&ConfusionShiftRow| {
        row.actual != row.predicted && known(row.low, row.high).is_some_and(excludes_zero)
    };
    let mut rows: Vec<&ConfusionShiftRow> = rows.iter().filter(significant).collect();
    rows.sort_by(|a, b| b.change.abs().total_cmp(&a.change.abs()));
    rows.truncate(MOST_ROWS);
    for row in rows {
        let masking = row.masking();
        table.push(vec![
            Cell::text(several.label(ConditionName::masked(&row.regions, masking, &row.swept))),
            Cell::text(row.actual.as_str()),
            Cell::text(row.predicted.as_str()),
            Cell::share(row.baseline),
            Cell::share(row.covered),
            Cell::share(row.change).with_interval(known(row.low, row.high)),
            Cell::Count(row.images),
        ]);
    }
    table
}

/// All rows as they are, or the largest where they are too many.
fn largest<R>(mut rows: Vec<&R>, size: impl Fn(&R) -> f64) -> Vec<&R> {
    if rows.len() > MOST_ROWS {
        rows.sort_by(|a, b| size(b).abs().total_cmp(&size(a).abs()));
        rows.truncate(MOST_ROWS);
    }
    rows
}

/// A probability, in per cent without decimals.
fn per_cent(share: f64) -> Cell {
    Cell::Number { value: share, spread: None, interval: None, factor: 100.0, decimals: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::evidence::tests::{loss, ranks, shift};
    use crate::report::findings::game::tests::value;
    use crate::report::tables::table::Format;
    use crate::store::Worth;

    fn text(table: &Table) -> String {
        table.render(Format::Table, 120).unwrap()
    }

    #[test]
    fn every_region_has_its_ranks_in_a_row() {
        let mut rows = ranks("eyes", &[0.25, 0.74]);
        rows.extend(ranks("mouth", &[0.75, 0.26]));
        let mut other = ranks("mouth", &[0.5]);
        other[0].metric = Metric::Bits;
        rows.extend(other);
        let table = ranking_table(&rows);
        let csv = table.render(Format::Csv, 80).unwrap();
        assert_eq!(
            csv,
            "condition,region,rank_1,rank_2\n\
             region masked in training and at test time,eyes,0.25,0.74\n\
             region masked in training and at test time,mouth,0.75,0.26\n"
        );
        assert!(text(&table).contains("rank 2, %") && text(&table).contains(" 74\n"));
    }

    #[test]
    fn values_are_in_the_unit_of_their_metric() {
        let mut recall = value("mouth", 12.0, (10.0, 14.0), &[]);
        (recall.metric, recall.emotion) = (Worth::Recall, Some("fear".to_owned()));
        let mut bits = value("mouth", 42.0, (40.0, 44.0), &[]);
        bits.metric = Worth::Bits;
        let written = text(&shapley_table(&[recall, bits]));
        assert!(written.contains("recall of fear"), "{written}");
        assert!(written.contains("12.0 [10.0, 14.0]"), "{written}");
        assert!(written.contains("0.42 [0.40, 0.44]"), "{written}");
    }

    #[test]
    fn a_confusion_whose_change_is_not_significant_is_left_out() {
        let rows = [
            shift("eyes", ["fear", "surprise"], (4.0, 9.0), (-1.0, 11.0)),
            shift("eyes", ["fear", "neutral"], (4.0, 9.0), (1.0, 9.0)),
            shift("mouth", ["happiness", "neutral"], (4.0, 31.0), (20.0, 34.0)),
            shift("mouth", ["happiness", "happiness"], (90.0, 60.0), (-40.0, -20.0)),
        ];
        let table = confusions_table(&rows);
        assert_eq!(table.texts("actual").unwrap(), ["happiness", "fear"]);
    }

    #[test]
    fn of_too_many_losses_the_largest_are_kept() {
        let mut rows: Vec<ClassEffectRow> =
            (0..MOST_ROWS).map(|_| loss("eyes", "fear", 1.0, (-1.0, 3.0), 1.0)).collect();
        rows.push(loss("mouth", "happiness", -9.0, (-12.0, -6.0), 0.001));
        let table = class_effects_table(&rows);
        let emotions = table.texts("emotion").unwrap();
        assert_eq!((emotions.len(), emotions[0]), (MOST_ROWS, "happiness"));
    }
}

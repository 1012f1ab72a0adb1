//! The rows of an experiment's derived tables, and the tables of them that the page shows.

use std::collections::BTreeMap;

use crate::analysis::{self, BeyondChance, EffectsError, RunScores};
use crate::plan::{ConditionName, Several, Swept};
use crate::region::{Masking, Mode};
use crate::store::{
    ClassEffectRow, ConfusionShiftRow, ContrastRow, EffectRow, InterplayRow, MaskLeakRow, Metric,
    RankingRow, RunRow, ShapleyRow,
};
use crate::study::Study;

use crate::report::findings::finding::{excludes_zero, known};
use crate::report::findings::game::value_interval;
use crate::report::findings::interplay::interaction_interval;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::measure::Measure;

/// What an answer rests on. Every list may be empty.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub effects: Vec<EffectRow>,
    pub class_effects: Vec<ClassEffectRow>,
    pub contrasts: Vec<ContrastRow>,
    pub shapley: Vec<ShapleyRow>,
    pub interplay: Vec<InterplayRow>,
    pub ranking: Vec<RankingRow>,
    pub confusions: Vec<ConfusionShiftRow>,
    pub mask_leaks: Vec<MaskLeakRow>,
    /// What networks of whole faces reach beyond chance.
    pub whole: Vec<BeyondChance>,
}

impl Evidence {
    /// Every table that follows from the scores of runs, computed once and at the same time.
    ///
    /// # Errors
    /// Where runs that belong together cannot be paired.
    pub fn of(scores: &[RunScores]) -> Result<Evidence, EffectsError> {
        let effects = || {
            rayon::join(
                || rayon::join(|| analysis::effects(scores), || analysis::class_effects(scores)),
                || analysis::contrasts(scores),
            )
        };
        let games = || rayon::join(|| analysis::shapley(scores), || analysis::interplay(scores));
        let others = || {
            rayon::join(
                || analysis::ranking(scores),
                || {
                    rayon::join(
                        || analysis::confusion_shifts(scores),
                        || analysis::mask_leaks(scores),
                    )
                },
            )
        };
        let (
            ((effects, class_effects), contrasts),
            ((shapley, interplay), (ranking, (confusions, mask_leaks))),
        ) = rayon::join(effects, || rayon::join(games, others));
        Ok(Evidence {
            effects: effects?,
            class_effects: class_effects?,
            contrasts: contrasts?,
            shapley: shapley?,
            interplay: interplay?,
            ranking: ranking?,
            confusions: confusions?,
            mask_leaks: mask_leaks?,
            whole: analysis::whole_faces(scores)?,
        })
    }

    /// The same with the settings, phases, fills and modes in the order in which they stand in the study,
    /// which is that of the experiment file. Where runs failed, the rows alone might have another.
    pub(super) fn in_order_of(mut self, study: &Study) -> Evidence {
        let sweeps = first_places(study.settings.iter().map(|setting| &setting.swept));
        let maskings = || study.runs.iter().filter_map(RunRow::masking);
        let phases = first_places(maskings().map(|masking| masking.phase));
        let fills = first_places(maskings().map(|masking| masking.fill));
        let modes = first_places(maskings().map(|masking| masking.mode));
        let order = |swept: &Swept, masking: Masking| {
            let Masking { mode, phase, fill } = masking;
            let places =
                [sweeps.get(swept), phases.get(&phase), fills.get(&fill), modes.get(&mode)];
            places.map(|place| place.copied().unwrap_or(usize::MAX))
        };
        self.effects.sort_by_key(|row| order(&row.swept, row.masking()));
        self.class_effects.sort_by_key(|row| order(&row.swept, row.masking()));
        self.ranking.sort_by_key(|row| order(&row.swept, row.masking()));
        self.confusions.sort_by_key(|row| order(&row.swept, row.masking()));
        self.contrasts.sort_by_key(|row| order(&row.swept, row.masking()));
        self.shapley.sort_by_key(|row| order(&row.swept, row.masking()));
        self.interplay.sort_by_key(|row| order(&row.swept, row.masking()));
        self.mask_leaks.sort_by_key(|row| sweeps.get(&row.swept).copied());
        self.whole.sort_by_key(|found| sweeps.get(&found.swept).copied());
        self
    }

    /// The rows of one setting.
    pub(super) fn of_setting(&self, swept: &Swept) -> Evidence {
        fn of<R: Clone>(rows: &[R], is: impl Fn(&R) -> bool) -> Vec<R> {
            rows.iter().filter(|row| is(row)).cloned().collect()
        }
        Evidence {
            effects: of(&self.effects, |row| row.swept == *swept),
            class_effects: of(&self.class_effects, |row| row.swept == *swept),
            contrasts: of(&self.contrasts, |row| row.swept == *swept),
            shapley: of(&self.shapley, |row| row.swept == *swept),
            interplay: of(&self.interplay, |row| row.swept == *swept),
            ranking: of(&self.ranking, |row| row.swept == *swept),
            confusions: of(&self.confusions, |row| row.swept == *swept),
            mask_leaks: of(&self.mask_leaks, |row| row.swept == *swept),
            whole: of(&self.whole, |found| found.swept == *swept),
        }
    }
}

/// Where each value first occurs.
fn first_places<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut places = BTreeMap::new();
    for (place, value) in values.enumerate() {
        places.entry(value).or_insert(place);
    }
    places
}

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
        let what =
            if first.mode == Mode::Keep { "only the region visible" } else { "region masked" };
        let setting = several.heading(what, (first.phase, first.fill, &first.swept));
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
            Cell::of(row.value, measure).with_interval(interaction_interval(row)),
            row.p_adjusted.map_or(Cell::Empty, Cell::P),
            Cell::Count(u64::from(row.seeds)),
        ]);
    }
    table
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
pub(in crate::report) mod tests {
    use super::*;
    use crate::region::{FillKind, Phase};
    use crate::report::findings::finding::{slices, tests::row};
    use crate::report::findings::game::{games, tests::value};
    use crate::report::tables::table::Format;
    use crate::store::{Term, Worth};
    use crate::study::tests::run;

    /// A loss of recall in points on 90 %, 3 seeds, 200 images; significant by Holm where `p` is small.
    pub fn loss(
        region: &str,
        emotion: &str,
        effect: f64,
        interval: (f64, f64),
        p: f64,
    ) -> ClassEffectRow {
        ClassEffectRow {
            condition: "c".to_owned(),
            regions: vec![region.to_owned()],
            mode: Mode::Hide,
            phase: Phase::Retrain,
            fill: FillKind::Mean,
            emotion: emotion.to_owned(),
            seeds: 3,
            images: 200,
            baseline: 0.9,
            covered: 0.9 - effect / 100.0,
            control: None,
            effect: effect / 100.0,
            effect_low: Some(interval.0 / 100.0),
            effect_high: Some(interval.1 / 100.0),
            signal: None,
            signal_low: None,
            signal_high: None,
            p: Some(p),
            p_adjusted: Some(p),
            method: "two-way variance components".to_owned(),
            signal_p: None,
            signal_p_adjusted: None,
            swept: BTreeMap::new(),
        }
    }

    /// A confusion whose share goes from one number of per cent to another, 3 seeds, 200 images.
    pub fn shift(
        region: &str,
        [actual, predicted]: [&str; 2],
        (from, to): (f64, f64),
        interval: (f64, f64),
    ) -> ConfusionShiftRow {
        ConfusionShiftRow {
            condition: "c".to_owned(),
            regions: vec![region.to_owned()],
            mode: Mode::Hide,
            phase: Phase::Retrain,
            fill: FillKind::Mean,
            actual: actual.to_owned(),
            predicted: predicted.to_owned(),
            baseline: from / 100.0,
            covered: to / 100.0,
            change: (to - from) / 100.0,
            low: Some(interval.0 / 100.0),
            high: Some(interval.1 / 100.0),
            seeds: 3,
            images: 200,
            method: "two-way variance components".to_owned(),
            swept: BTreeMap::new(),
        }
    }

    /// The probabilities of a region's ranks, from 1.
    pub fn ranks(region: &str, probabilities: &[f64]) -> Vec<RankingRow> {
        let row = |(rank, probability): (u32, &f64)| RankingRow {
            condition: "c".to_owned(),
            mode: Mode::Hide,
            phase: Phase::Retrain,
            fill: FillKind::Mean,
            metric: Metric::Accuracy,
            region: region.to_owned(),
            rank,
            probability: *probability,
            seeds: 3,
            images: 1400,
            method: "pigeonhole bootstrap".to_owned(),
            swept: BTreeMap::new(),
        };
        (1..).zip(probabilities).map(row).collect()
    }

    fn text(table: &Table) -> String {
        table.render(Format::Table, 120).unwrap()
    }

    /// The first fill of the first region failed, so that the rows begin with the second.
    #[test]
    fn rows_stand_in_the_order_of_the_runs() {
        let covered = [("eyes", "mean"), ("eyes", "blur"), ("mouth", "mean"), ("mouth", "blur")];
        let runs: Vec<RunRow> = covered
            .iter()
            .map(|(region, fill)| RunRow { fill: FillKind::of(fill), ..run(&[*region], "keep", 1) })
            .collect();
        let effects = covered[1..].iter().map(|(region, fill)| EffectRow {
            fill: FillKind::of(fill).unwrap(),
            ..row(region, "keep", 10.0, None)
        });
        let shapley = ["blur", "mean"].map(|fill| ShapleyRow {
            fill: FillKind::of(fill).unwrap(),
            ..value("eyes", 7.0, (5.0, 9.0), 1.0)
        });
        let evidence = Evidence {
            effects: effects.collect(),
            shapley: shapley.to_vec(),
            ..Evidence::default()
        };
        assert_eq!(slices(&evidence.effects, &[], Metric::Accuracy)[0].fill, FillKind::Blur);
        let evidence = evidence.in_order_of(&Study::of(runs, &[]));
        let fills = slices(&evidence.effects, &[], Metric::Accuracy)
            .iter()
            .map(|s| s.fill)
            .collect::<Vec<_>>();
        assert_eq!(fills, [FillKind::Mean, FillKind::Blur]);
        assert_eq!(games(&evidence.shapley, Worth::Accuracy)[0].fill, FillKind::Mean);
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
        let mut recall = value("mouth", 12.0, (10.0, 14.0), 0.8);
        (recall.metric, recall.emotion) = (Worth::Recall, Some("fear".to_owned()));
        let mut bits = value("mouth", 42.0, (40.0, 44.0), 1.0);
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

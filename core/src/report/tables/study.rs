//! An experiment's answer as tables.

use crate::plan::{ConditionName, Several, Swept};
use crate::region::{Masking, Mode, Phase};
use crate::store::{EffectRow, Metric};
use crate::study::{Condition, Study};

use crate::report::canvas::error::ReportError;
use crate::report::findings::comparison::Difference;
use crate::report::findings::finding::{Leader, excess_interval, interval, known, signal_interval};
use crate::report::findings::sweep::{Between, Sweep};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::measure::Measure;

/// A row a condition (controls stand in the signal): test accuracy with its standard deviation over seeds, and chance; then
/// effect, signal and, where only the regions are visible, the difference from chance, each with its interval and
/// Holm's p. Effects are those on accuracy, in points for people, in shares for programs.
pub fn study_table(study: &Study, effects: &[EffectRow]) -> Table {
    conditions_table(study, effects, ChanceIn::Column, |_| true)
}

/// Where a table of conditions has its chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChanceIn {
    /// In every row, that of its setting: for programs.
    Column,
    /// In a row after the whole faces of each setting: for people, who have few columns.
    Row,
}

/// More rows than this do not fit a screen; those of the smallest sets of regions are kept.
const MOST_ROWS: usize = 24;

/// The same as people read it: whole faces and masked regions with their effects, then the regions that alone are
/// visible with their difference from chance, which is the question there. The standard deviation over seeds gives way where
/// signals and their tests are there. Of many sets of regions only the smallest;
/// how many are left out comes beside.
///
/// # Errors
/// Never, as long as the tables have their columns.
pub fn answer_tables(
    study: &Study,
    effects: &[EffectRow],
) -> Result<(Vec<Table>, usize), ReportError> {
    let kept = |masking: Option<Masking>| masking.is_some_and(|masking| masking.mode == Mode::Keep);
    let mut tables = Vec::new();
    let mut left_out = 0;
    for keep in [false, true] {
        let conditions = || study.settings.iter().flat_map(|setting| &setting.conditions);
        let of_at_most = |size: usize| {
            let of = |condition: &&Condition| {
                kept(condition.masking) == keep && set_size(condition) <= size
            };
            conditions().filter(of).count()
        };
        let largest = conditions().map(set_size).max().unwrap_or(0);
        // Single regions are always listed: they are what a reader looks for.
        let size = (1..=largest).rev().find(|&size| of_at_most(size) <= MOST_ROWS).unwrap_or(1);
        left_out += of_at_most(largest) - of_at_most(size);
        let mut table = conditions_table(study, effects, ChanceIn::Row, |condition| {
            kept(condition.masking) == keep && set_size(condition) <= size
        });
        let columns = match keep {
            false => ["condition", "accuracy", "effect", "p_adjusted"],
            true => ["condition", "accuracy", "excess", "excess_p_adjusted"],
        };
        let columns = columns.into_iter().chain(["signal", "signal_p_adjusted"]);
        let has: Vec<String> = columns
            .filter(|column| table.keys().any(|key| key == *column))
            .map(str::to_owned)
            .collect();
        table.select(&has)?;
        tables.push(table);
    }
    tables.retain(|table| !table.is_empty());
    Ok((tables, left_out))
}

/// How many regions are masked or left visible; the mask-only baseline, of all regions at once, is none of the sets.
fn set_size(condition: &Condition) -> usize {
    match condition.masking {
        Some(Masking { phase: Phase::Masks, .. }) | None => 0,
        Some(_) => condition.regions.len(),
    }
}

/// What a table says of the effect of a condition, a column of numbers and their p: their names and headers, the
/// numbers of a row, their interval, their p.
type Question = (
    [(&'static str, &'static str); 2],
    fn(&EffectRow) -> Option<f64>,
    fn(&EffectRow) -> Option<(f64, f64)>,
    fn(&EffectRow) -> Option<f64>,
);

/// Does masking cost anything; more than the same area elsewhere; do regions alone tell more than chance?
const QUESTIONS: [Question; 3] = [
    (
        [("effect", "effect [95 % CI]"), ("p_adjusted", "p, Holm")],
        |row| Some(row.effect),
        interval,
        |row| row.p_adjusted,
    ),
    (
        [("signal", "signal [95 % CI]"), ("signal_p_adjusted", "p, Holm")],
        |row| row.signal,
        signal_interval,
        |row| row.signal_p_adjusted,
    ),
    (
        [("excess", "vs chance [95 % CI]"), ("excess_p_adjusted", "p, Holm")],
        |row| row.excess,
        excess_interval,
        |row| row.excess_p_adjusted,
    ),
];

/// Of the conditions that are `wanted`.
fn conditions_table(
    study: &Study,
    effects: &[EffectRow],
    chance_in: ChanceIn,
    wanted: impl Fn(&Condition) -> bool,
) -> Table {
    let effects: Vec<&EffectRow> =
        effects.iter().filter(|row| row.metric == Metric::Accuracy).collect();
    let column = chance_in == ChanceIn::Column
        && study.settings.iter().any(|setting| setting.chance.is_some());
    let mut rows: Vec<(Vec<Cell>, Option<&EffectRow>)> = Vec::new();
    for setting in &study.settings {
        let has_runs = |condition: &&Condition| !condition.runs.is_empty() && wanted(condition);
        for condition in setting.conditions.iter().filter(has_runs) {
            let accuracy = Cell::over_seeds(&condition.accuracies(), Measure::of(Metric::Accuracy));
            let failed = || Cell::Missing("failed".to_owned());
            let name = study.several.label(condition.name());
            let effect = effects.iter().find(|row| belongs(row, condition, &setting.swept));
            let mut cells = vec![Cell::text(&*name), accuracy.unwrap_or_else(failed)];
            if column {
                cells.push(setting.chance.map_or(Cell::Empty, Cell::share));
            }
            rows.push((cells, effect.copied()));
            let row = chance_in == ChanceIn::Row && condition.masking.is_none();
            if let Some(chance) = setting.chance.filter(|_| row) {
                let name = name.replacen("whole face", "chance", 1);
                rows.push((vec![Cell::text(name), Cell::share(chance)], None));
            }
        }
    }
    let mut columns =
        vec![Column::text("condition", "condition"), Column::number("accuracy", "accuracy ± SD")];
    if column {
        columns.push(Column::number("chance", "chance, %"));
    }
    for ([value_name, p_name], value, interval, p) in QUESTIONS {
        let answered = rows.iter().any(|(_, row)| row.and_then(value).is_some());
        let tested = rows.iter().any(|(_, row)| row.and_then(p).is_some());
        // An effect is asked for also where no run has one.
        if answered || value_name.0 == "effect" {
            columns.push(Column::number(value_name.0, value_name.1));
            for (cells, row) in &mut rows {
                let value = row.and_then(|row| Some((value(row)?, interval(row))));
                cells.push(value.map_or(Cell::Empty, |(value, interval)| {
                    Cell::share(value).with_interval(interval)
                }));
            }
        }
        if tested {
            columns.push(Column::number(p_name.0, p_name.1));
            for (cells, row) in &mut rows {
                cells.push(row.and_then(p).map_or(Cell::Empty, Cell::P));
            }
        }
    }
    // Two answers with their tests leave no room for it on a screen.
    if chance_in == ChanceIn::Row && columns.iter().any(|column| column.key == "signal_p_adjusted")
    {
        columns[1] = Column::number("accuracy", "accuracy");
        for (cells, _) in &mut rows {
            let accuracy = std::mem::replace(&mut cells[1], Cell::Empty);
            cells[1] = accuracy.with_spread(None);
        }
    }
    let mut table = Table::new(columns);
    rows.into_iter().for_each(|(cells, _)| table.push(cells));
    table
}

/// A row a setting of a sweep, each beside its own chance and its own whole faces; the condition of the largest
/// estimate, with what it answers: masked, its cost; alone visible, what it reaches beyond chance.
pub fn sweep_table(sweep: &Sweep<'_>) -> Table {
    let leaders = || sweep.settings.iter().filter_map(|of| of.leader.as_ref());
    let alone = leaders().any(|leader| leader.row.mode == Mode::Keep);
    let mut table = Table::new(vec![
        Column::text("setting", "setting"),
        Column::number("chance", "chance, %"),
        Column::number("whole", "whole face, %"),
        Column::text("first", "largest estimate"),
        match alone {
            true => Column::number("excess", "vs chance [95 % CI]"),
            false => Column::number("effect", "effect [95 % CI]"),
        },
    ]);
    for of in &sweep.settings {
        let failed = || Cell::Missing("failed".to_owned());
        let whole = Cell::over_seeds(&of.whole, Measure::of(Metric::Accuracy));
        let (first, answer) = match &of.leader {
            None => (Cell::Empty, Cell::Empty),
            Some(Leader { row, .. }) => {
                let name = ConditionName::masked(&row.regions, row.masking(), &row.swept);
                let answer = Difference::asked(row).map_or(Cell::Empty, |answer| {
                    Cell::of(answer.value, Measure::of(row.metric)).with_interval(answer.interval)
                });
                (Cell::text(sweep.several.label(name)), answer)
            }
        };
        let chance = of.setting.chance.map_or(Cell::Empty, Cell::share);
        table.push(vec![Cell::text(of.name), chance, whole.unwrap_or_else(failed), first, answer]);
    }
    table
}

/// A row for every two settings of every condition, of the sweep's metric: what the condition answers under each, and
/// whether the two differ.
pub fn setting_contrasts_table(sweep: &Sweep<'_>) -> Table {
    let measure = Measure::of(sweep.metric);
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::text("setting", "setting"),
        Column::text("against_setting", "against"),
        Column::number("value", "value"),
        Column::number("against", "the other's"),
        Column::number("difference", "difference [95 % CI]"),
        Column::number("p", "p"),
        Column::number("p_adjusted", "p, Holm"),
        Column::text("paired", "paired"),
    ]);
    for line in &sweep.lines {
        for Between { places: (one, other), row } in &line.between {
            let p = |p: Option<f64>| p.map_or(Cell::Empty, Cell::P);
            table.push(vec![
                Cell::text(sweep.several.label(line.name())),
                Cell::text(sweep.settings[*one].name),
                Cell::text(sweep.settings[*other].name),
                Cell::of(row.value, measure),
                Cell::of(row.against, measure),
                Cell::of(row.difference, measure).with_interval(known(row.low, row.high)),
                p(row.p),
                p(row.p_adjusted),
                Cell::Flag(row.paired),
            ]);
        }
    }
    table
}

/// A row for every effect, of every metric, in the metric's own unit.
pub fn effects_table(effects: &[EffectRow]) -> Table {
    let kept = effects.iter().any(|row| row.excess.is_some());
    let mut columns = vec![
        Column::text("condition", "condition"),
        Column::text("metric", "metric"),
        Column::number("baseline", "whole"),
        Column::number("covered", "masked"),
        Column::number("effect", "effect [95 % CI]"),
        Column::number("p", "p"),
        Column::number("p_adjusted", "p, Holm"),
        Column::number("control", "control"),
        Column::number("signal", "signal [95 % CI]"),
        Column::number("signal_p_adjusted", "p, Holm"),
    ];
    if kept {
        columns.extend([
            Column::number("chance", "chance"),
            Column::number("excess", "vs chance [95 % CI]"),
            Column::number("excess_p_adjusted", "p, Holm"),
        ]);
    }
    columns.push(Column::number("seeds", "seeds"));
    let mut table = Table::new(columns);
    let several = Several::of(effects.iter().map(|row| (row.phase, row.fill, &row.swept)));
    for row in effects {
        let measure = Measure::of(row.metric);
        let value = |value: Option<f64>| value.map_or(Cell::Empty, |v| Cell::of(v, measure));
        let p = |p: Option<f64>| p.map_or(Cell::Empty, Cell::P);
        let name = ConditionName::masked(&row.regions, row.masking(), &row.swept);
        let mut cells = vec![
            Cell::text(several.label(name)),
            Cell::text(row.metric.name().replace('_', " ")),
            value(Some(row.baseline)),
            value(Some(row.covered)),
            value(Some(row.effect)).with_interval(interval(row)),
            p(row.p),
            p(row.p_adjusted),
            value(row.control),
            value(row.signal).with_interval(signal_interval(row)),
            p(row.signal_p_adjusted),
        ];
        if kept {
            cells.extend([
                value(row.chance),
                value(row.excess).with_interval(excess_interval(row)),
                p(row.excess_p_adjusted),
            ]);
        }
        cells.push(Cell::Count(u64::from(row.seeds)));
        table.push(cells);
    }
    table
}

fn belongs(effect: &EffectRow, condition: &Condition, swept: &Swept) -> bool {
    effect.regions == condition.regions
        && Some(effect.masking()) == condition.masking
        && effect.swept == *swept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::finding::tests::{row, with_chance, with_control};
    use crate::report::tables::table::Format;
    use crate::study::tests::{counts, run};

    #[test]
    fn a_row_a_condition_with_its_effect() {
        let mut runs = Vec::new();
        for (seed, whole, hidden) in
            [(1, 0.824, Some(0.71)), (2, 0.83, Some(0.722)), (3, 0.836, None)]
        {
            let mut first = run(&[], "none", seed);
            first.test_accuracy = Some(whole);
            let mut second = run(&["eyes"], "hide", seed);
            second.test_accuracy = hidden;
            let mut control = second.clone();
            control.control = true;
            let mut third = run(&["jaw"], "hide", seed);
            third.test_accuracy = None;
            runs.extend([first, second, control, third]);
        }
        let mut effect =
            with_control(row("eyes", "hide", 11.4, Some((8.9, 13.9))), 9.8, (7.0, 12.6));
        effect.p_adjusted = Some(0.0002);
        let expected = "\
condition    accuracy ± SD  effect [95 % CI]  p, Holm  signal [95 % CI]
───────────────────────────────────────────────────────────────────────
whole face      83.0 ± 0.6
eyes masked     71.6 ± 0.8  11.4 [8.9, 13.9]  < 0.001   9.8 [7.0, 12.6]
jaw masked          failed
";
        assert_eq!(
            study_table(&Study::of(runs.to_vec(), &[]), &[effect])
                .render(Format::Table, 80)
                .unwrap(),
            expected
        );
    }

    #[test]
    fn an_accuracy_stands_beside_its_chance() {
        let runs = [run(&[], "none", 1), run(&["eyes"], "hide", 1)];
        let counts = counts(&runs[0].run_id, &["sad", "glad"], &[&[6, 1], &[1, 2]]);
        let (study, effect) = (Study::of(runs.to_vec(), &counts), row("eyes", "hide", 11.4, None));
        let (tables, _) = answer_tables(&study, std::slice::from_ref(&effect)).unwrap();
        let text = tables[0].render(Format::Table, 80).unwrap();
        let rows: Vec<&str> = text.lines().skip(2).collect();
        assert!(rows[0].starts_with("whole face") && rows[1].starts_with("chance"), "{text}");
        assert!(rows[1].contains("70.0") && rows[2].starts_with("eyes masked"), "{text}");
        let csv = study_table(&study, &[effect]).render(Format::Csv, 80).unwrap();
        assert_eq!(
            csv,
            "condition,accuracy,chance,effect\nwhole face,0.83,0.7,\neyes masked,0.83,0.7,0.114\n"
        );
    }

    /// Each with the test of its own question.
    #[test]
    fn regions_alone_stand_in_a_table_of_their_own() {
        let runs = [run(&[], "none", 1), run(&["eyes"], "hide", 1), run(&["eyes"], "keep", 1)];
        let mut kept = with_chance(row("eyes", "keep", 41.8, Some((39.0, 44.6))), 14.3);
        (kept.p_adjusted, kept.excess_p_adjusted) = (Some(0.0001), Some(0.02));
        let mut masked = row("eyes", "hide", 11.4, Some((8.9, 13.9)));
        masked.p_adjusted = Some(0.03);
        let study = Study::of(runs.to_vec(), &[]);
        let (tables, left_out) = answer_tables(&study, &[masked, kept]).unwrap();
        assert_eq!(left_out, 0);
        let written: Vec<String> =
            tables.iter().map(|table| table.render(Format::Table, 80).unwrap()).collect();
        let [masked, alone] = &written[..] else { panic!("{written:?}") };
        assert!(masked.contains("eyes masked") && masked.contains("0.030"), "{masked}");
        let columns = alone.lines().next().unwrap();
        assert!(columns.contains("vs chance [95 % CI]  p, Holm"), "{alone}");
        assert!(alone.contains("26.9 [24.1, 29.7]    0.020"), "{alone}");
        assert!(!alone.contains("< 0.001"), "the loss is not the question: {alone}");
    }

    /// What its interval leaves out may still not be significant after the correction.
    #[test]
    fn a_signal_stands_beside_its_test() {
        let runs =
            [1, 2].map(|seed| [run(&[], "none", seed), run(&["eyes"], "hide", seed)]).concat();
        let masked = row("eyes", "hide", 11.4, Some((8.9, 13.9)));
        let mut masked = with_control(masked, 3.0, (0.5, 5.5));
        masked.p_adjusted = Some(0.0001);
        masked.signal_p_adjusted = Some(0.168);
        let study = Study::of(runs.to_vec(), &[]);
        let (tables, _) = answer_tables(&study, std::slice::from_ref(&masked)).unwrap();
        let text = tables[0].render(Format::Table, 80).unwrap();
        assert!(text.contains("signal [95 % CI]  p, Holm"), "{text}");
        assert!(text.contains("3.0 [0.5, 5.5]    0.168"), "{text}");
        assert!(
            !text.contains('±') && text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        let wide = study_table(&study, &[masked]).render(Format::Table, 120).unwrap();
        assert!(wide.contains("accuracy ± SD") && wide.contains("83.0 ± 0.0"), "{wide}");
    }

    #[test]
    fn of_many_sets_the_smallest_fit_a_screen() {
        let mut runs = vec![run(&[], "none", 1)];
        for size in 1..4 {
            for set in 0..10 {
                let names: Vec<String> = (0..size).map(|part| format!("r{set}_{part}")).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                runs.push(run(&names, "hide", 1));
            }
        }
        let mut masks = run(&["r0", "r1", "r2"], "hide", 1);
        masks.phase = Some(Phase::Masks);
        runs.push(masks);
        let (tables, left_out) = answer_tables(&Study::of(runs, &[]), &[]).unwrap();
        assert_eq!((tables.len(), tables[0].rows().len(), left_out), (1, 22, 10));
    }

    #[test]
    fn one_seed_has_no_spread_and_no_controls_no_signal() {
        let runs = [run(&[], "none", 1), run(&["eyes"], "hide", 1)];
        let table = study_table(&Study::of(runs.to_vec(), &[]), &[row("eyes", "hide", 11.4, None)]);
        let text = table.render(Format::Csv, 80).unwrap();
        assert_eq!(text, "condition,accuracy,effect\nwhole face,0.83,\neyes masked,0.83,0.114\n");
    }
}

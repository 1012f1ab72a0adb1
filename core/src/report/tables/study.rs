//! An experiment's answer as one table.

use crate::plan::{ConditionName, Several, Swept};
use crate::store::{EffectRow, Metric};
use crate::study::{Condition, Study};

use crate::report::findings::finding::{Leader, interval, signal_interval};
use crate::report::findings::sweep::Sweep;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::measure::Measure;

/// A row a condition (controls stand in the signal): test accuracy with its standard deviation over
/// seeds, the effect and the signal with their intervals, Holm's p. Effects are those on accuracy, in
/// points for people, in shares for programs.
pub fn study_table(study: &Study, effects: &[EffectRow]) -> Table {
    let effects: Vec<&EffectRow> =
        effects.iter().filter(|row| row.metric == Metric::Accuracy).collect();
    let controlled = effects.iter().any(|row| row.signal.is_some());
    let tested = effects.iter().any(|row| row.p_adjusted.is_some());
    let mut columns = vec![
        Column::text("condition", "condition"),
        Column::number("accuracy", "accuracy, %"),
        Column::number("effect", "effect [95 %]"),
    ];
    if controlled {
        columns.push(Column::number("signal", "signal [95 %]"));
    }
    if tested {
        columns.push(Column::number("p_adjusted", "p"));
    }
    let mut table = Table::new(columns);
    let conditions = study.settings.iter().flat_map(|setting| {
        setting.conditions.iter().map(move |condition| (condition, &setting.swept))
    });
    for (condition, swept) in conditions.filter(|(condition, _)| !condition.runs.is_empty()) {
        let accuracy = Cell::over_seeds(&condition.accuracies(), Measure::of(Metric::Accuracy));
        let failed = || Cell::Missing("failed".to_owned());
        let name = study.several.label(condition.name());
        let mut cells = vec![Cell::text(name), accuracy.unwrap_or_else(failed)];
        match effects.iter().find(|row| belongs(row, condition, swept)) {
            None => cells.push(Cell::Empty),
            Some(row) => {
                cells.push(Cell::share(row.effect).with_interval(interval(row)));
                if controlled {
                    cells.push(match row.signal {
                        Some(signal) => Cell::share(signal).with_interval(signal_interval(row)),
                        None => Cell::Empty,
                    });
                }
                if tested {
                    cells.push(row.p_adjusted.map_or(Cell::Empty, Cell::P));
                }
            }
        }
        table.push(cells);
    }
    table
}

/// A row a setting of a sweep, each beside its own chance and its own whole faces; what stands out in it, with
/// its effect.
pub fn sweep_table(sweep: &Sweep<'_>) -> Table {
    let mut table = Table::new(vec![
        Column::text("setting", "setting"),
        Column::number("chance", "chance, %"),
        Column::number("whole", "whole face, %"),
        Column::text("first", "stands out"),
        Column::number("effect", "effect [95 %]"),
    ]);
    for of in &sweep.settings {
        let failed = || Cell::Missing("failed".to_owned());
        let whole = Cell::over_seeds(&of.whole, Measure::of(Metric::Accuracy));
        let (first, effect) = match &of.leader {
            None => (Cell::Empty, Cell::Empty),
            Some(Leader { row, .. }) => {
                let name = ConditionName::masked(&row.regions, row.masking(), &row.swept);
                let effect = Cell::of(row.effect, Measure::of(row.metric));
                (Cell::text(sweep.several.label(name)), effect.with_interval(interval(row)))
            }
        };
        let chance = of.setting.chance.map_or(Cell::Empty, Cell::share);
        table.push(vec![Cell::text(of.name), chance, whole.unwrap_or_else(failed), first, effect]);
    }
    table
}

/// A row for every effect, of every metric, in the metric's own unit.
pub fn effects_table(effects: &[EffectRow]) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::text("metric", "metric"),
        Column::number("baseline", "whole"),
        Column::number("covered", "covered"),
        Column::number("control", "control"),
        Column::number("effect", "effect [95 %]"),
        Column::number("signal", "signal [95 %]"),
        Column::number("p", "p"),
        Column::number("p_adjusted", "p, Holm"),
        Column::number("seeds", "seeds"),
    ]);
    let several = Several::of(effects.iter().map(|row| (row.phase, row.fill, &row.swept)));
    for row in effects {
        let measure = Measure::of(row.metric);
        let value = |value: Option<f64>| value.map_or(Cell::Empty, |v| Cell::of(v, measure));
        let p = |p: Option<f64>| p.map_or(Cell::Empty, Cell::P);
        let covering = row.masking();
        table.push(vec![
            Cell::text(several.label(ConditionName::masked(&row.regions, covering, &row.swept))),
            Cell::text(row.metric.name().replace('_', " ")),
            value(Some(row.baseline)),
            value(Some(row.covered)),
            value(row.control),
            value(Some(row.effect)).with_interval(interval(row)),
            value(row.signal).with_interval(signal_interval(row)),
            p(row.p),
            p(row.p_adjusted),
            Cell::Count(u64::from(row.seeds)),
        ]);
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
    use crate::report::findings::finding::tests::{row, with_control};
    use crate::report::tables::table::Format;
    use crate::study::tests::run;

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
condition    accuracy, %     effect [95 %]    signal [95 %]        p
────────────────────────────────────────────────────────────────────
whole face    83.0 ± 0.6
eyes hidden   71.6 ± 0.8  11.4 [8.9, 13.9]  9.8 [7.0, 12.6]  < 0.001
jaw hidden        failed
";
        assert_eq!(
            study_table(&Study::of(runs.to_vec(), &[]), &[effect])
                .render(Format::Table, 80)
                .unwrap(),
            expected
        );
    }

    #[test]
    fn one_seed_has_no_spread_and_no_controls_no_signal() {
        let runs = [run(&[], "none", 1), run(&["eyes"], "hide", 1)];
        let table = study_table(&Study::of(runs.to_vec(), &[]), &[row("eyes", "hide", 11.4, None)]);
        let text = table.render(Format::Csv, 80).unwrap();
        assert_eq!(text, "condition,accuracy,effect\nwhole face,0.83,\neyes hidden,0.83,0.114\n");
    }
}

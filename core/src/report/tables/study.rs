//! An experiment's answer as one table.

use std::collections::BTreeMap;

use crate::store::{EffectRow, Metric, RunRow};

use crate::report::findings::finding::{interval, signal_interval};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::label::Several;
use crate::report::words::measure::Measure;

/// A row a condition (controls stand in the signal): test accuracy with its standard deviation over
/// seeds, the effect and the signal with their intervals, Holm's p. Effects are those on accuracy, in
/// points for people, in shares for programs.
pub fn study_table(runs: &[RunRow], effects: &[EffectRow]) -> Table {
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
    for (name, runs) in conditions(runs) {
        let accuracies: Vec<f64> = runs.iter().filter_map(|run| run.test_accuracy).collect();
        let accuracy = Cell::over_seeds(&accuracies, Measure::of(Metric::Accuracy));
        let failed = || Cell::Missing("failed".to_owned());
        let mut cells = vec![Cell::text(name), accuracy.unwrap_or_else(failed)];
        match effects.iter().find(|row| belongs(row, runs[0])) {
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
            Cell::text(several.condition(&row.regions, covering, &row.swept)),
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

/// Runs by condition, in order of appearance, without controls.
fn conditions(runs: &[RunRow]) -> Vec<(String, Vec<&RunRow>)> {
    let several = Several::of_runs(runs);
    let mut order: Vec<(String, Vec<&RunRow>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for run in runs.iter().filter(|run| !run.control) {
        let name = several.run(run);
        let place = *places.entry(name.clone()).or_insert(order.len());
        if place == order.len() {
            order.push((name, Vec::new()));
        }
        order[place].1.push(run);
    }
    order
}

fn belongs(effect: &EffectRow, run: &RunRow) -> bool {
    !run.regions.is_empty()
        && effect.regions == run.regions
        && Some(effect.masking()) == run.masking()
        && effect.swept == run.swept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::finding::tests::{row, with_control};
    use crate::report::tables::table::Format;
    use crate::report::words::label::tests::run;

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
        assert_eq!(study_table(&runs, &[effect]).render(Format::Table, 80).unwrap(), expected);
    }

    #[test]
    fn one_seed_has_no_spread_and_no_controls_no_signal() {
        let runs = [run(&[], "none", 1), run(&["eyes"], "hide", 1)];
        let table = study_table(&runs, &[row("eyes", "hide", 11.4, None)]);
        let text = table.render(Format::Csv, 80).unwrap();
        assert_eq!(text, "condition,accuracy,effect\nwhole face,0.83,\neyes hidden,0.83,0.114\n");
    }
}

//! Training and validation accuracy over the epochs.

use crate::store::EpochRow;

use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    BLUE, Colour, DOUBLE_COLUMN, FAINT, HAIRLINE, HEADING, MARGIN, MEDIUM, MUTED, NOTE, ORANGE,
    RULE, SINGLE_COLUMN, THIN, TICK,
};
use crate::report::findings::facts::Facts;
use crate::report::findings::training::{AtEpoch, Drop, Trained, Trainings};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::capital;
use crate::report::words::numbers::decimal;

/// Up to so many trainings are lines of their own; more become a mean and its range.
const MOST_LINES: usize = 5;
/// More conditions than this are counted, not drawn.
const MOST_PANELS: usize = 40;
const GUTTER: f64 = 4.0;
/// Room for the numbers of the y axis.
const Y_AXIS: f64 = 7.5;
/// Room for direct labels, right of a panel that stands alone.
const DIRECT: f64 = 17.0;
const DISC: f64 = 0.55;

/// What is drawn of an epoch.
#[derive(Clone, Copy)]
struct Curve {
    name: &'static str,
    /// Whether the selected epoch is marked on it.
    selected: bool,
    colour: Colour,
    accuracy: fn(&EpochRow) -> f64,
}

const CURVES: [Curve; 2] = [
    Curve { name: "training", selected: false, colour: ORANGE, accuracy: |row| row.train_accuracy },
    Curve { name: "validation", selected: true, colour: BLUE, accuracy: |row| row.val_accuracy },
];

/// Accuracy over the epochs, a panel a condition. Where the learning rate drops in steps, a hairline marks it.
///
/// # Errors
/// Where it cannot be drawn.
pub fn curves(found: &Trainings<'_>) -> Result<Figure, ReportError> {
    let panels = &found.conditions[..found.conditions.len().min(MOST_PANELS)];
    let draw = |across| draw(panels, across, found);
    match panels.len() {
        0 | 1 => draw(1),
        2 | 4 => Ok(draw(2)?.with_narrow(draw(1)?)),
        3..=9 => Ok(draw(3)?.with_narrow(draw(1)?)),
        10..=16 => Ok(draw(4)?.with_narrow(draw(2)?)),
        _ => Ok(draw(5)?.with_narrow(draw(2)?)),
    }
}

/// Draws the panels, so many beside each other; those of a narrow figure in a column's width.
fn draw(
    drawn: &[Trained<'_>],
    across: usize,
    found: &Trainings<'_>,
) -> Result<Figure, ReportError> {
    let alone = drawn.len() == 1;
    let narrow = across == 1 || (across == 2 && drawn.len() > 4);
    let width = if narrow { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let room = width - 2.0 * MARGIN - Y_AXIS - if alone { DIRECT } else { 0.0 };
    let panel_width = (room - (across as f64 - 1.0) * GUTTER) / across as f64;
    let panel_height = (panel_width * 0.66).min(48.0);

    let mut drawing = Drawing::new(width, &title(&drawn[0]));
    let mut y = drawing.heading(&subtitle(drawn, found));
    for panel in drawn {
        drawing.describe(&description(panel));
    }
    drawing.data(data(drawn));
    if !alone {
        y = key(&mut drawing, y);
    }
    let dropping = drawn.iter().any(|panel| !panel.drops().is_empty());
    let chance = found.facts.chance;
    let (x_scale, y_scale) = scales(drawn, chance);
    let mut labelled = false;
    for (row_index, row) in drawn.chunks(across).enumerate() {
        // One panel alone is named in the title.
        let name = |panel: &Trained<'_>| {
            if alone { Vec::new() } else { fonts::wrap(&panel.name, HEADING, panel_width) }
        };
        let names: Vec<Vec<String>> = row.iter().map(name).collect();
        let lines = names.iter().map(Vec::len).max().unwrap_or(1) as f64;
        let strip = if dropping && !labelled { TICK.line() + 0.5 } else { 1.0 };
        let top = y + lines * HEADING.line() + strip;
        for (column, (panel, name)) in row.iter().zip(&names).enumerate() {
            let left = MARGIN + Y_AXIS + column as f64 * (panel_width + GUTTER);
            for (index, line) in name.iter().enumerate() {
                let baseline = y + HEADING.em() + index as f64 * HEADING.line();
                drawing.text(left, baseline, Anchor::Start, HEADING, line);
            }
            let across = Scale { start: left, end: left + panel_width, ..x_scale };
            let up = Scale { start: top + panel_height, end: top, ..y_scale };
            axes(&mut drawing, &across, &up, column == 0);
            if let Some(chance) = chance {
                let y = up.at(100.0 * chance);
                drawing.line((across.start, y), (across.end, y), THIN, MUTED);
            }
            labelled |= mark_drops(&mut drawing, panel, &across, top, panel_height, labelled);
            let (at, size) = ((left, top), (panel_width, panel_height));
            drawing.hinted(&description(panel), at, size, |drawing| {
                for curve in CURVES {
                    draw_curve(drawing, panel, curve, &across, &up);
                }
            });
            if alone {
                direct_labels(&mut drawing, panel, &across, &up);
            }
        }
        y = top + panel_height + 1.4 + TICK.line();
        if (row_index + 1) * across >= drawn.len() {
            y += NOTE.line();
            let middle = MARGIN + Y_AXIS + panel_width / 2.0;
            drawing.text(middle, y - 0.3, Anchor::Middle, NOTE, "epoch");
        }
        y += 2.5;
    }
    drawing.finish(y - 2.5 + MARGIN)
}

/// A row for each epoch of a training.
fn data(panels: &[Trained<'_>]) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::text("training_id", "training"),
        Column::number("epoch", "epoch"),
        Column::number("train_accuracy", "training accuracy, %"),
        Column::number("val_accuracy", "validation accuracy, %"),
        Column::text("kept", "kept"),
    ]);
    for panel in panels {
        for training in &panel.trainings {
            for epoch in &training.epochs {
                table.push(vec![
                    Cell::text(panel.name.as_str()),
                    Cell::Id(epoch.training_id.clone()),
                    Cell::Count(u64::from(epoch.epoch)),
                    Cell::share(epoch.train_accuracy),
                    Cell::share(epoch.val_accuracy),
                    Cell::Flag(epoch.epoch == training.selected),
                ]);
            }
        }
    }
    table
}

/// `Whole face: training 91.0 %, validation 83.0 % at the selected epoch.`
fn description(panel: &Trained<'_>) -> String {
    let curves = CURVES.map(|curve| {
        format!("{} {} %", curve.name, decimal(panel.at_selected(curve.accuracy) * 100.0, 1))
    });
    format!("{}: {} at the selected epoch.", capital(&panel.name), curves.join(", "))
}

fn title(panel: &Trained<'_>) -> String {
    let mean = panel.at_selected(|row| row.val_accuracy);
    if mean.is_finite() {
        format!("Validation accuracy reaches {} % ({})", decimal(mean * 100.0, 1), panel.name)
    } else {
        format!("Accuracy over the epochs ({})", panel.name)
    }
}

fn subtitle(drawn: &[Trained<'_>], found: &Trainings<'_>) -> String {
    let all = found.conditions.len();
    // Test images have no part in a training.
    let mut parts = vec![Facts { images: 0, ..found.facts.clone() }.subtitle()];
    parts.push(if drawn.iter().any(|panel| panel.trainings.len() > MOST_LINES) {
        "line: mean of seeds, band: range".to_owned()
    } else {
        "one line per seed; dot: selected epoch".to_owned()
    });
    if let Some(chance) = found.facts.chance {
        let chance = decimal(100.0 * chance, 1);
        parts.push(format!("grey line: chance on the test images, {chance} %"));
    }
    if all > drawn.len() {
        parts.push(format!("the first {} of {all} conditions", drawn.len()));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

fn key(drawing: &mut Drawing, y: f64) -> f64 {
    let middle = y + 0.8;
    let mut x = MARGIN + Y_AXIS;
    for curve in CURVES {
        drawing.line((x, middle), (x + 5.0, middle), MEDIUM, curve.colour);
        let baseline = middle + CAP_MIDDLE * NOTE.em();
        drawing.text(x + 6.2, baseline, Anchor::Start, NOTE, curve.name);
        x += 6.2 + fonts::width(curve.name, NOTE) + 5.0;
    }
    y + 4.5
}

/// The axes that all panels share, placed nowhere yet. Accuracy is in per cent.
fn scales(panels: &[Trained<'_>], chance: Option<f64>) -> (Scale, Scale) {
    let rows =
        || panels.iter().flat_map(|panel| &panel.trainings).flat_map(|training| &training.epochs);
    let last = rows().map(|row| row.epoch).max().unwrap_or(1);
    let values = rows().flat_map(|row| CURVES.map(|curve| 100.0 * (curve.accuracy)(row)));
    let values = values.chain(chance.map(|chance| 100.0 * chance));
    let around = Scale::around(values, 0.0, 0.0, 1.0);
    let from = (around.from / 10.0).floor() * 10.0;
    let to = ((around.to / 10.0).ceil() * 10.0).clamp(from + 10.0, from.max(0.0) + 100.0);
    // A training of one epoch has a middle.
    let (first, last) = if last == 1 { (0.5, 1.5) } else { (1.0, f64::from(last)) };
    (
        Scale { from: first, to: last, start: 0.0, end: 1.0 },
        Scale { from, to, start: 0.0, end: 1.0 },
    )
}

fn axes(drawing: &mut Drawing, across: &Scale, up: &Scale, numbered: bool) {
    let (left, right, bottom) = (across.start, across.end, up.start);
    let most = ((bottom - up.end) / 6.0) as usize;
    for tick in up.ticks(most.clamp(2, 6)) {
        let y = up.at(tick);
        drawing.line((left, y), (right, y), HAIRLINE, FAINT);
        if numbered {
            let baseline = y + CAP_MIDDLE * TICK.em();
            drawing.text(left - 1.2, baseline, Anchor::End, TICK, &decimal(tick, 0));
        }
    }
    if numbered {
        let middle = (bottom + up.end) / 2.0;
        drawing.text_upwards(left - 5.6, middle, Anchor::Middle, NOTE, "accuracy, %");
    }
    drawing.line((left, bottom), (right, bottom), HAIRLINE, RULE);
    let most = ((right - left) / 9.0) as usize;
    for tick in across.ticks(most.clamp(2, 8)).into_iter().filter(|tick| tick.fract().abs() < 1e-9)
    {
        let x = across.at(tick);
        drawing.line((x, bottom), (x, bottom + 0.8), HAIRLINE, RULE);
        drawing.text(x, bottom + 1.2 + TICK.em(), Anchor::Middle, TICK, &decimal(tick, 0));
    }
}

/// Hairlines where the rate drops; the first of the figure is labelled. Returns whether there was one.
fn mark_drops(
    drawing: &mut Drawing,
    panel: &Trained<'_>,
    across: &Scale,
    top: f64,
    height: f64,
    labelled: bool,
) -> bool {
    let drops = panel.drops();
    for drop in &drops {
        let x = across.at(f64::from(drop.epoch) - 0.5);
        drawing.line((x, top), (x, top + height), HAIRLINE, MUTED);
    }
    let Some(&Drop { epoch: first, factor }) = drops.first() else { return false };
    if !labelled {
        let alike = drops.iter().all(|other| (other.factor / factor - 1.0).abs() < 1e-3);
        let inverse = 1.0 / factor;
        let text = if alike && (inverse - inverse.round()).abs() < 1e-3 {
            format!("learning rate ÷ {}", inverse.round())
        } else {
            "learning rate drops".to_owned()
        };
        let half = fonts::width(&text, TICK) / 2.0;
        let x = across
            .at(f64::from(first) - 0.5)
            .clamp(across.start + half, (across.end - half).max(across.start + half));
        drawing.text(x, top - 0.8, Anchor::Middle, TICK, &text);
    }
    true
}

fn draw_curve(
    drawing: &mut Drawing,
    panel: &Trained<'_>,
    curve: Curve,
    across: &Scale,
    up: &Scale,
) {
    let place = |epoch: u32, value: f64| (across.at(f64::from(epoch)), up.at(100.0 * value));
    if panel.trainings.len() > MOST_LINES {
        let over_seeds = panel.over_seeds(curve.accuracy);
        let mut band: Vec<(f64, f64)> =
            over_seeds.iter().map(|at| place(at.epoch, at.low)).collect();
        band.extend(over_seeds.iter().rev().map(|at| place(at.epoch, at.high)));
        drawing.area(band, curve.colour, 0.25);
        let mean: Vec<(f64, f64)> = over_seeds.iter().map(|at| place(at.epoch, at.mean)).collect();
        line_or_disc(drawing, mean, MEDIUM, curve.colour);
        return;
    }
    for training in &panel.trainings {
        let finite = training.epochs.iter().filter(|row| (curve.accuracy)(row).is_finite());
        let points: Vec<(f64, f64)> =
            finite.map(|row| place(row.epoch, (curve.accuracy)(row))).collect();
        line_or_disc(drawing, points, 0.25, curve.colour);
        if let Some(row) = training.at_selected().filter(|_| curve.selected)
            && (curve.accuracy)(row).is_finite()
        {
            drawing.disc(place(row.epoch, (curve.accuracy)(row)), DISC, curve.colour);
        }
    }
}

fn line_or_disc(drawing: &mut Drawing, points: Vec<(f64, f64)>, width: f64, colour: Colour) {
    match points[..] {
        [] => {}
        [only] => drawing.disc(only, DISC, colour),
        _ => drawing.path(points, width, colour, 1.0),
    }
}

/// Names at the ends of the lines, moved apart where the lines meet.
fn direct_labels(drawing: &mut Drawing, panel: &Trained<'_>, across: &Scale, up: &Scale) {
    let mut ends: Vec<(f64, Curve)> = CURVES
        .iter()
        .filter_map(|&curve| {
            let last: AtEpoch = *panel.over_seeds(curve.accuracy).last()?;
            Some((up.at(100.0 * last.mean), curve))
        })
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let [(upper, _), (lower, _)] = &mut ends[..] {
        let missing = NOTE.line() - (*lower - *upper);
        if missing > 0.0 {
            *upper -= missing / 2.0;
            *lower += missing / 2.0;
        }
    }
    for (y, curve) in ends {
        let dark = if curve.colour == ORANGE {
            crate::report::canvas::theme::CATEGORIES[5]
        } else {
            curve.colour
        };
        let baseline = y + CAP_MIDDLE * NOTE.em();
        drawing.text(across.end + 1.5, baseline, Anchor::Start, NOTE.coloured(dark), curve.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{FillKind, Mode, Phase};
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::store::RunRow;
    use crate::study::Study;
    use crate::study::tests::run;

    fn drawn_of(runs: &[RunRow], epochs: &[EpochRow]) -> Option<Figure> {
        let study = Study::of(runs.to_vec(), &[]);
        let facts = Facts { several: study.several, ..Facts::default() };
        Some(curves(&Trainings::of(&study.settings[0], epochs, &facts)?).unwrap())
    }

    fn drawn(runs: &[RunRow], epochs: &[EpochRow]) -> Figure {
        drawn_of(runs, epochs).unwrap()
    }

    fn training(run: &RunRow, epochs: u32, rate: fn(u32) -> f64) -> Vec<EpochRow> {
        let row = |epoch: u32| EpochRow {
            training_id: run.training_id.clone(),
            epoch,
            learning_rate: rate(epoch),
            train_loss: 1.0,
            train_accuracy: 0.9 - 0.5 / f64::from(epoch),
            val_loss: 1.0,
            val_accuracy: 0.8 - 0.5 / f64::from(epoch),
            seconds: 1.0,
        };
        (1..=epochs).map(row).collect()
    }

    fn stepped(epoch: u32) -> f64 {
        if epoch <= 5 { 0.01 } else { 0.001 }
    }

    fn study(
        conditions: usize,
        seeds: u64,
        epochs: u32,
        rate: fn(u32) -> f64,
    ) -> (Vec<RunRow>, Vec<EpochRow>) {
        let (mut runs, mut rows) = (Vec::new(), Vec::new());
        for condition in 0..conditions {
            for seed in 0..seeds {
                let name = format!("region{condition}");
                let run = if condition == 0 {
                    run(&[], "none", seed)
                } else {
                    run(&["eyes", &name], "hide", seed)
                };
                rows.extend(training(&run, epochs, rate));
                runs.push(run);
            }
        }
        (runs, rows)
    }

    #[test]
    fn labels_are_apart_for_few_and_many() {
        for (conditions, seeds, epochs) in
            [(1, 1, 1), (1, 3, 10), (1, 10, 200), (2, 3, 2), (5, 3, 10), (25, 6, 30)]
        {
            let (runs, rows) = study(conditions, seeds, epochs, stepped);
            let figure = drawn(&runs, &rows);
            assert_labels_are_apart(&figure);
            let words = words(&figure);
            assert!(
                words.contains("validation")
                    && words.contains("training")
                    && words.contains("epoch")
            );
            assert_eq!(
                words.matches("learning rate ÷ 10").count(),
                usize::from(epochs > 5),
                "{words}"
            );
            if conditions > 1 {
                assert!(
                    words
                        .replace('\n', " ")
                        .contains(&format!("eyes + region{} masked", conditions - 1)),
                    "{words}"
                );
            }
        }
    }

    #[test]
    fn the_title_gives_the_accuracy_of_the_kept_epoch() {
        let (runs, rows) = study(1, 2, 10, stepped);
        // Epoch 8: 0.8 − 0.5 / 8.
        let title = drawn(&runs, &rows).title;
        assert_eq!(title, "Validation accuracy reaches 73.8 % (whole face)");
    }

    #[test]
    fn accuracy_stands_beside_its_chance() {
        let (runs, rows) = study(2, 2, 10, stepped);
        let study = Study::of(runs, &[]);
        let facts = Facts { several: study.several, chance: Some(0.156), ..Facts::default() };
        let figure = curves(&Trainings::of(&study.settings[0], &rows, &facts).unwrap()).unwrap();
        assert_labels_are_apart(&figure);
        let words = words(&figure).replace('\n', " ");
        assert!(words.contains("grey line: chance on the test images, 15.6 %"), "{words}");
        // The axis begins below it.
        assert!(words.contains(" 20 ") || words.contains(" 10 "), "{words}");
    }

    #[test]
    fn smooth_schedules_have_no_drops() {
        let (runs, rows) = study(1, 1, 10, |epoch| 0.01 * 0.7f64.powi(epoch as i32));
        assert!(!words(&drawn(&runs, &rows)).contains("learning rate"));
    }

    #[test]
    fn an_amortised_network_is_of_no_single_condition() {
        let (mut runs, _) = study(1, 2, 10, stepped);
        for run in &mut runs {
            run.regions = vec!["forehead".to_owned()];
            (run.mode, run.phase) = (Some(Mode::Keep), Some(Phase::Amortised));
            run.fill = Some(FillKind::Mean);
        }
        let rows: Vec<EpochRow> = runs.iter().flat_map(|run| training(run, 10, stepped)).collect();
        let title = drawn(&runs, &rows).title;
        assert!(title.ends_with("(amortised network)"), "{title}");
    }

    #[test]
    fn controls_and_shared_trainings_have_no_panel() {
        let (mut runs, mut rows) = study(1, 2, 10, stepped);
        let mut evaluated = run(&["eyes"], "hide", 0);
        evaluated.training_id.clone_from(&runs[0].training_id);
        let mut control = run(&["jaw"], "hide", 0);
        control.control = true;
        rows.extend(training(&control, 10, stepped));
        runs.extend([evaluated, control]);
        let words = words(&drawn(&runs, &rows));
        assert!(!words.contains("masked"), "{words}");
    }

    #[test]
    fn failed_runs_without_epochs_are_passed_over() {
        let (runs, mut rows) = study(2, 1, 10, stepped);
        rows.retain(|row| row.training_id == runs[1].training_id);
        rows[3].val_accuracy = f64::NAN;
        assert!(drawn(&runs, &rows).title.ends_with("(eyes + region1 masked)"));
        assert!(drawn_of(&runs, &[]).is_none());
    }
}

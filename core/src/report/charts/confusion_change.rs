//! Which confusions appear when a region is masked.

use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing, corners};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::theme::{
    Colour, DOUBLE_COLUMN, HEADING, LABEL, MARGIN, NOTE, SINGLE_COLUMN, Type, WHITE, amount,
    difference,
};
use crate::report::charts::confusion::of_setting;
use crate::report::findings::confusions::ConfusionChange;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::numbers::{counted, decimal};

/// Height of a cell, mm.
const CELL: f64 = 6.6;
const GAP: f64 = 0.3;
const GUTTER: f64 = 4.0;
/// Of more classes than these the matrices stand below each other.
const MOST_BESIDE: usize = 14;
/// Widest class name before it is cut, mm.
const NAME_WIDTH: f64 = 24.0;

/// The confusion matrix of whole faces, that of a masked condition, and their difference, side by side: per cent
/// of each row, the difference in points, masked minus whole. The full colour of a difference stands for `extreme`, a
/// share, in the figures of all conditions alike. The title names no difference that is not significant.
///
/// # Errors
/// Where it cannot be drawn.
pub fn confusion_change(found: &ConfusionChange<'_>, extreme: f64) -> Result<Figure, ReportError> {
    // Beside each other they would have narrower columns than a line of text is tall.
    let many = found.before.classes.len() > MOST_BESIDE;
    Ok(draw(found, extreme, if many { 1 } else { 3 })?.with_narrow(draw(found, extreme, 1)?))
}

/// Draws the three matrices, so many beside each other.
fn draw(found: &ConfusionChange<'_>, extreme: f64, across: usize) -> Result<Figure, ReportError> {
    let ConfusionChange { label, before, after, change, significant, .. } = found;
    let (from, to) = (&before.shares(), &after.shares());
    let full = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let names = fonts::fit_apart(&before.classes, LABEL, NAME_WIDTH);
    let widest = names.iter().map(|name| fonts::width(name, LABEL)).fold(0.0, f64::max);
    let left = MARGIN + LABEL.line() + 1.0 + widest + 1.5;
    let classes = names.len() as f64;
    let full = match across {
        1 => full.max(left + classes * LABEL.line() + MARGIN),
        _ => full,
    };
    let panel = (full - left - MARGIN - (across as f64 - 1.0) * GUTTER) / across as f64;
    let width = (panel / classes).min(12.0);
    let cell = (width, CELL.min(f64::max(LABEL.line(), 2.0 * width)));

    let mut drawing = Drawing::new(full, &title(found));
    let start = drawing.heading(&subtitle(found, extreme));
    drawing.describe(&description(found));
    drawing.data(data(&before.classes, [from, to, change], significant));
    let accuracy = |share: f64| decimal(share * 100.0, 1);
    let panels = [
        (format!("Whole face: {} %", accuracy(before.accuracy())), from, Ink::Share),
        (format!("{label}: {} %", accuracy(after.accuracy())), to, Ink::Share),
        ("Difference, points".to_owned(), change, Ink::Change(extreme)),
    ];
    let headings = panels.each_ref().map(|(heading, ..)| fonts::wrap(heading, HEADING, panel));
    let lines = headings.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let above = lines * HEADING.line() + 1.0 + widest;
    let height = above + 1.2 + classes * cell.1 + NOTE.line() + 0.8;
    let mut bottom = start;
    for (index, ((_, shares, ink), heading)) in panels.iter().zip(&headings).enumerate() {
        let x = left + (index % across) as f64 * (panel + GUTTER);
        let y = start + (index / across) as f64 * (height + 3.0);
        let (names_at, top) = (y + above, y + above + 1.2);
        bottom = y + height;
        if index % across == 0 {
            let down = top + classes * cell.1 / 2.0;
            drawing.text_upwards(MARGIN + LABEL.em(), down, Anchor::Middle, NOTE, "actual");
            for (row, name) in names.iter().enumerate() {
                let middle = top + (row as f64 + 0.5) * cell.1;
                let name = std::slice::from_ref(name);
                drawing.text_block(left - 1.5, middle, Anchor::End, LABEL, name);
            }
            let (middle, below) = (x + classes * cell.0 / 2.0, bottom - 0.8);
            drawing.text(middle, below, Anchor::Middle, NOTE, "predicted");
        }
        for (line, text) in heading.iter().enumerate() {
            let baseline = y + HEADING.em() + line as f64 * HEADING.line();
            drawing.text(x, baseline, Anchor::Start, HEADING, text);
        }
        for (column, name) in names.iter().enumerate() {
            let middle = x + (column as f64 + 0.5) * cell.0 + CAP_MIDDLE * LABEL.em();
            drawing.text_upwards(middle, names_at, Anchor::Start, LABEL, name);
        }
        for (row, shares) in shares.iter().enumerate() {
            for (column, &share) in shares.iter().enumerate() {
                let at = (x + column as f64 * cell.0, top + row as f64 * cell.1);
                let bold = matches!(ink, Ink::Change(_)) && significant[row][column];
                let (actual, predicted) = (&before.classes[row], &before.classes[column]);
                let number = decimal(share * 100.0, 0);
                let unit = if matches!(ink, Ink::Share) { "%" } else { "points" };
                let words = format!("{actual} predicted as {predicted}: {number} {unit}");
                let size = (cell.0 - GAP, cell.1 - GAP);
                drawing.hinted(&words, at, size, |drawing| {
                    ink.draw(drawing, at, size, (share, &number), bold);
                });
            }
        }
    }
    drawing.finish(bottom + MARGIN)
}

/// How a cell's number becomes its colour.
enum Ink {
    Share,
    /// Full colour at this change.
    Change(f64),
}

impl Ink {
    fn draw(
        &self,
        drawing: &mut Drawing,
        at: (f64, f64),
        size: (f64, f64),
        (share, number): (f64, &str),
        bold: bool,
    ) {
        let ground: Colour = match self {
            _ if share.is_nan() => WHITE,
            Ink::Share => amount(share),
            Ink::Change(extreme) => difference(share, *extreme),
        };
        drawing.rectangle(at, size, ground);
        // A change of nothing is white and needs no number.
        let silent = matches!(self, Ink::Change(_)) && number == "0";
        let style = Type { bold, ..NOTE.coloured(ground.text_on()) };
        if !silent && fonts::width(number, style) <= size.0 - 0.4 {
            let middle = (at.0 + size.0 / 2.0, at.1 + size.1 / 2.0);
            drawing.text_block(middle.0, middle.1, Anchor::Middle, style, &[number.to_owned()]);
        } else if !silent && share < 0.0 {
            drawing.hatch(&corners(at, size), style.colour);
        }
    }
}

/// A row a cell.
fn data(
    classes: &[String],
    [from, to, change]: [&Vec<Vec<f64>>; 3],
    significant: &[Vec<bool>],
) -> Table {
    let mut table = Table::new(vec![
        Column::text("actual", "actual"),
        Column::text("predicted", "predicted"),
        Column::number("whole", "whole face, %"),
        Column::number("covered", "masked, %"),
        Column::number("change", "change, points"),
        Column::text("significant", "significant"),
    ]);
    for (row, actual) in classes.iter().enumerate() {
        for (column, predicted) in classes.iter().enumerate() {
            table.push(vec![
                Cell::text(actual.as_str()),
                Cell::text(predicted.as_str()),
                Cell::share(from[row][column]),
                Cell::share(to[row][column]),
                Cell::share(change[row][column]),
                Cell::Flag(significant[row][column]),
            ]);
        }
    }
    table
}

fn title(found: &ConfusionChange<'_>) -> String {
    let (label, classes) = (&found.label, &found.before.classes);
    match found.most_grown() {
        None => format!("{label}: no confusion grows significantly"),
        Some((change, actual, predicted)) => format!(
            "{label}: {} predicted as {} {} more often",
            classes[actual],
            classes[predicted],
            counted((change * 100.0).round() as u64, "point")
        ),
    }
}

fn subtitle(found: &ConfusionChange<'_>, extreme: f64) -> String {
    let ConfusionChange { facts, split, before, .. } = found;
    let images = counted(before.images(), &format!("{split} image"));
    let seeds = counted(before.runs as u64, "seed");
    let of = of_setting(facts);
    let bold = match found.any_significant() {
        true => "bold: 95\u{a0}% CI excludes zero (uncorrected)",
        false => "every 95\u{a0}% CI includes zero",
    };
    format!(
        "{of} · {images} × {seeds} · row percentages · difference: blue where the prediction becomes \
         more frequent, orange where less, full colour at {} points in the charts of all conditions; {bold}",
        decimal(extreme * 100.0, 0)
    )
}

/// What each class loses or gains in recall.
fn description(found: &ConfusionChange<'_>) -> String {
    let recalls =
        found.before.classes.iter().enumerate().map(|(class, name)| {
            format!("{name} {}", decimal(found.change[class][class] * 100.0, 0))
        });
    let recalls: Vec<String> = recalls.collect();
    format!("Change in recall, points: {}.", recalls.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::confusions::tests::{confusions, facts};
    use crate::report::findings::evidence::tests::shift;
    use crate::store::{ConfusionRow, ConfusionShiftRow, RunRow};
    use crate::study::tests::counts;
    use crate::study::tests::run;

    const CLASSES: [&str; 3] = ["sad", "glad", "wild"];

    /// Of the masked condition of some runs.
    fn drawn(runs: &[RunRow], rows: &[ConfusionRow], shifts: &[ConfusionShiftRow]) -> Figure {
        let facts = facts();
        let found = confusions(runs, rows, shifts, &facts);
        let figure = confusion_change(&found.changes[0], found.extreme).unwrap();
        assert_labels_are_apart(&figure);
        figure
    }

    #[test]
    fn the_confusion_that_appears_is_named() {
        let (whole, hidden) = (run(&[], "none", 1), run(&["mouth"], "hide", 1));
        let mut rows = counts(&whole.run_id, &CLASSES, &[&[90, 10, 0], &[0, 50, 0], &[0, 0, 20]]);
        rows.extend(counts(&hidden.run_id, &CLASSES, &[&[65, 10, 25], &[20, 30, 0], &[0, 0, 20]]));
        // A seed that the whole face lacks is not counted.
        let lone = run(&["mouth"], "hide", 2);
        rows.extend(counts(&lone.run_id, &CLASSES, &[&[0, 99, 1], &[0, 0, 9], &[9, 0, 0]]));
        // A larger change that is not significant is not named.
        let shifts = [
            shift("mouth", ["sad", "wild"], (0.0, 25.0), (10.0, 40.0)),
            shift("mouth", ["glad", "sad"], (0.0, 40.0), (-1.0, 81.0)),
            shift("mouth", ["sad", "sad"], (90.0, 65.0), (-40.0, -10.0)),
            shift("eyes", ["glad", "sad"], (0.0, 40.0), (30.0, 50.0)),
        ];
        let runs = [whole, hidden, lone];
        let figure = drawn(&runs, &rows, &shifts);
        let vague = drawn(&runs, &rows, &shifts[1..]);
        assert_eq!(vague.title, "Mouth masked: no confusion grows significantly");
        assert_eq!(figure.title, "Mouth masked: sad predicted as wild 25 points more often");
        assert!(figure.description.ends_with("points: sad −25, glad −40, wild 0."));
        let words = words(&figure);
        for label in ["Whole face: 94.1 %", "Mouth masked: 67.6 %", "−25", "25", "−40", "40", "65"]
        {
            assert!(words.lines().any(|line| line == label), "{label} is missing:\n{words}");
        }
        assert!(words.contains("170 test images × 1 seed"), "{words}");
    }

    #[test]
    fn any_number_of_classes_stays_legible() {
        for classes in [2, 7, 10, 20] {
            let names: Vec<String> =
                (0..classes).map(|class| format!("emotion number {class}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let row: Vec<u64> = (0..classes).map(|class| 10 * class as u64).collect();
            let turned: Vec<u64> = row.iter().rev().copied().collect();
            let (whole, hidden) = (run(&[], "none", 1), run(&["forehead"], "hide", 1));
            let mut rows = counts(&whole.run_id, &names, &vec![row.as_slice(); classes]);
            rows.extend(counts(&hidden.run_id, &names, &vec![turned.as_slice(); classes]));
            drawn(&[whole, hidden], &rows, &[]);
        }
    }

    #[test]
    fn without_a_shared_seed_there_is_no_change() {
        let (whole, hidden) = (run(&[], "none", 1), run(&["mouth"], "hide", 2));
        let mut rows = counts(&whole.run_id, &CLASSES, &[&[9, 1, 0], &[0, 5, 0], &[0, 0, 2]]);
        rows.extend(counts(&hidden.run_id, &CLASSES, &[&[9, 1, 0], &[0, 5, 0], &[0, 0, 2]]));
        assert!(confusions(&[whole, hidden], &rows, &[], &facts()).changes.is_empty());
    }
}

//! Which confusions appear when a region is masked.

use std::borrow::Borrow;

use crate::dataset::Split;
use crate::store::{ConfusionRow, ConfusionShiftRow, RunRow};

use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing, corners};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::theme::{
    Colour, DOUBLE_COLUMN, HEADING, LABEL, MARGIN, NOTE, SINGLE_COLUMN, Type, WHITE, amount,
    difference,
};
use crate::report::charts::confusion::{Matrix, matrix, of_setting};
use crate::report::findings::facts::Facts;
use crate::report::findings::finding::{excludes_zero, known};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::capital;
use crate::report::words::numbers::{counted, decimal};

/// Height of a cell, mm.
const CELL: f64 = 6.6;
const GAP: f64 = 0.3;
const GUTTER: f64 = 4.0;
/// Widest class name before it is cut, mm.
const NAME_WIDTH: f64 = 24.0;

/// The confusion matrix of whole faces, that of a masked condition, and their difference, side by side: per cent
/// of each row, the difference in points, masked minus whole. Only seeds that both have are
/// counted. `shifts` tell which differences have an interval that leaves zero out; the title names no other.
/// `facts` are those of their setting.
///
/// # Errors
/// [`ReportError::Empty`] where they share no seed with counts on that split.
pub fn confusion_change(
    whole: &[RunRow],
    covered: &[RunRow],
    rows: &[impl Borrow<ConfusionRow>],
    split: Split,
    shifts: &[ConfusionShiftRow],
    facts: &Facts,
) -> Result<Figure, ReportError> {
    let shared = |runs: &[RunRow], others: &[RunRow]| -> Vec<RunRow> {
        let met = |run: &&RunRow| others.iter().any(|other| other.seed == run.seed);
        runs.iter().filter(met).cloned().collect()
    };
    let (whole, covered) = (shared(whole, covered), shared(covered, whole));
    let matrices = (matrix(&whole, rows, split), matrix(&covered, rows, split));
    let (Some(before), Some(after)) = matrices else {
        return Err(ReportError::Empty(format!(
            "the two conditions share no seed with predictions on `{split}`"
        )));
    };
    let label = capital(&facts.several.label((&covered[0]).into()));
    let (from, to) = (before.shares(), after.shares());
    let change: Vec<Vec<f64>> = from
        .iter()
        .zip(&to)
        .map(|(from, to)| from.iter().zip(to).map(|(from, to)| to - from).collect())
        .collect();
    let significant = significant(&covered[0], shifts, &before.classes);
    let extreme = change
        .iter()
        .flatten()
        .filter(|change| change.is_finite())
        .fold(0.05, |most, change| f64::max(most, change.abs()));

    let label = &label;
    let changed =
        Changed { from: &from, to: &to, change: &change, significant: &significant, extreme };
    let draw = |across| draw(across, label, (facts, split), (&before, after.accuracy()), &changed);
    Ok(draw(3)?.with_narrow(draw(1)?))
}

/// Shares before and after, and what changed.
struct Changed<'a> {
    from: &'a Vec<Vec<f64>>,
    to: &'a Vec<Vec<f64>>,
    change: &'a Vec<Vec<f64>>,
    significant: &'a [Vec<bool>],
    extreme: f64,
}

/// Draws the three matrices, so many beside each other.
fn draw(
    across: usize,
    label: &str,
    (facts, split): (&Facts, Split),
    (before, accuracy_after): (&Matrix, f64),
    changed: &Changed<'_>,
) -> Result<Figure, ReportError> {
    let &Changed { from, to, change, significant, extreme } = changed;
    let full = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let limit = |name: &String| fonts::fit(name, LABEL, NAME_WIDTH);
    let names: Vec<String> = before.classes.iter().map(limit).collect();
    let widest = names.iter().map(|name| fonts::width(name, LABEL)).fold(0.0, f64::max);
    let left = MARGIN + LABEL.line() + 1.0 + widest + 1.5;
    let panel = (full - left - MARGIN - (across as f64 - 1.0) * GUTTER) / across as f64;
    let classes = names.len() as f64;
    let cell = ((panel / classes).min(12.0), CELL);

    let mut drawing = Drawing::new(full, &title(label, before, change, significant));
    let start = drawing.heading(&subtitle(facts, before, split, significant));
    drawing.describe(&description(before, change));
    drawing.data(data(&before.classes, [from, to, change], significant));
    let accuracy = |share: f64| decimal(share * 100.0, 1);
    let panels = [
        (format!("Whole face: {} %", accuracy(before.accuracy())), from, Ink::Share),
        (format!("{label}: {} %", accuracy(accuracy_after)), to, Ink::Share),
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

/// Which changes are significant, each by its own interval, by actual and predicted class.
fn significant(run: &RunRow, shifts: &[ConfusionShiftRow], classes: &[String]) -> Vec<Vec<bool>> {
    let mut significant = vec![vec![false; classes.len()]; classes.len()];
    let place = |name: &String| classes.iter().position(|class| class == name);
    for shift in shifts.iter().filter(|shift| {
        shift.regions == run.regions
            && Some(shift.masking()) == run.masking()
            && shift.swept == run.swept
    }) {
        if let (Some(actual), Some(predicted)) = (place(&shift.actual), place(&shift.predicted)) {
            significant[actual][predicted] =
                known(shift.low, shift.high).is_some_and(excludes_zero);
        }
    }
    significant
}

/// Of the confusions that grow significantly the one that grows most: its change, actual and predicted class.
fn most_grown(change: &[Vec<f64>], significant: &[Vec<bool>]) -> Option<(f64, usize, usize)> {
    let cells = change.iter().enumerate().flat_map(|(actual, row)| {
        row.iter().enumerate().map(move |(predicted, change)| (*change, actual, predicted))
    });
    cells
        .filter(|(change, actual, predicted)| {
            actual != predicted && *change > 0.0 && significant[*actual][*predicted]
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
}

fn title(label: &str, matrix: &Matrix, change: &[Vec<f64>], significant: &[Vec<bool>]) -> String {
    match most_grown(change, significant) {
        None => format!("{label}: no confusion grows significantly"),
        Some((change, actual, predicted)) => format!(
            "{label}: {} predicted as {} {} more often",
            matrix.classes[actual],
            matrix.classes[predicted],
            counted((change * 100.0).round() as u64, "point")
        ),
    }
}

fn subtitle(facts: &Facts, matrix: &Matrix, split: Split, significant: &[Vec<bool>]) -> String {
    let images = counted(matrix.images(), &format!("{split} image"));
    let seeds = counted(matrix.runs as u64, "seed");
    let of = of_setting(facts);
    let bold = if significant.iter().flatten().any(|significant| *significant) {
        "bold: 95\u{a0}% CI excludes zero (uncorrected)"
    } else {
        "every 95\u{a0}% CI includes zero"
    };
    format!(
        "{of} · {images} × {seeds} · row percentages · difference: blue where the prediction becomes \
         more frequent, orange where less; {bold}"
    )
}

/// What each class loses or gains in recall.
fn description(matrix: &Matrix, change: &[Vec<f64>]) -> String {
    let recalls = matrix
        .classes
        .iter()
        .enumerate()
        .map(|(class, name)| format!("{name} {}", decimal(change[class][class] * 100.0, 0)));
    let recalls: Vec<String> = recalls.collect();
    format!("Change in recall, points: {}.", recalls.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::evidence::tests::shift;
    use crate::study::tests::counts;
    use crate::study::tests::run;

    const CLASSES: [&str; 3] = ["sad", "glad", "wild"];

    fn facts() -> Facts {
        Facts { dataset: "faces".to_owned(), ..Facts::default() }
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
        let (whole, covered) = ([whole], [hidden, lone]);
        let figure =
            confusion_change(&whole, &covered, &rows, Split::Test, &shifts, &facts()).unwrap();
        assert_labels_are_apart(&figure);
        let vague =
            confusion_change(&whole, &covered, &rows, Split::Test, &shifts[1..], &facts()).unwrap();
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
            let figure =
                confusion_change(&[whole], &[hidden], &rows, Split::Test, &[], &facts()).unwrap();
            assert_labels_are_apart(&figure);
        }
    }

    #[test]
    fn without_a_shared_seed_there_is_no_change() {
        let (whole, hidden) = (run(&[], "none", 1), run(&["mouth"], "hide", 2));
        let mut rows = counts(&whole.run_id, &CLASSES, &[&[9, 1, 0], &[0, 5, 0], &[0, 0, 2]]);
        rows.extend(counts(&hidden.run_id, &CLASSES, &[&[9, 1, 0], &[0, 5, 0], &[0, 0, 2]]));
        let error =
            confusion_change(&[whole], &[hidden], &rows, Split::Test, &[], &facts()).unwrap_err();
        assert!(matches!(error, ReportError::Empty(_)));
    }
}

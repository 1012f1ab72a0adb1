//! The confusion matrix of a condition.

use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::theme::{
    DOUBLE_COLUMN, HEADING, LABEL, MARGIN, MIDDLE_COLUMN, NOTE, SINGLE_COLUMN, Type, WHITE, amount,
};
use crate::report::findings::confusions::{Confusion, Matrix};
use crate::report::findings::facts::Facts;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::numbers::{counted, decimal, thousands};

const SHARE: Type = HEADING;
/// A cell is at least so wide and tall, mm.
const CELL: f64 = 9.5;
/// A narrower one is square, without numbers.
const NUMBERED: f64 = 4.5;
const GAP: f64 = 0.3;
/// Widest class name before it is cut, mm.
const NAME_WIDTH: f64 = 26.0;

/// The confusion matrix of one condition: rows actual, columns predicted, each row's shares as colour and per cent,
/// counts beneath.
///
/// # Errors
/// Where it cannot be drawn.
pub fn confusion(found: &Confusion<'_>) -> Result<Figure, ReportError> {
    let matrix = &found.matrix;
    let classes = matrix.classes.len() as f64;
    let names = fonts::fit_apart(&matrix.classes, LABEL, NAME_WIDTH);
    let widest = names.iter().map(|name| fonts::width(name, LABEL)).fold(0.0, f64::max);
    let left = MARGIN + LABEL.line() + 1.0 + widest + 1.5;
    let cell_in = |width: f64| (width - left - MARGIN) / classes;
    let level = |width: f64| cell_in(width) >= f64::max(CELL, widest + 0.8);
    let width = [SINGLE_COLUMN, MIDDLE_COLUMN, DOUBLE_COLUMN]
        .into_iter()
        .find(|width| level(*width))
        .unwrap_or(DOUBLE_COLUMN.max(left + classes * LABEL.line() + MARGIN));
    let upright = !level(width);
    let across = cell_in(width).min(24.0);
    let cell = (across, if across < NUMBERED { across.max(LABEL.line()) } else { CELL });

    let mut drawing = Drawing::new(width, &title(found));
    let mut y = drawing.heading(&subtitle(found));
    drawing.describe(&recalls(matrix));
    drawing.data(data(matrix));
    y += LABEL.em();
    let across = left + classes * cell.0 / 2.0;
    drawing.text(across, y, Anchor::Middle, NOTE, "predicted");
    y += if upright { widest + 1.5 } else { LABEL.line() + 0.4 };
    for (column, name) in names.iter().enumerate() {
        let middle = left + (column as f64 + 0.5) * cell.0;
        if upright {
            drawing.text_upwards(middle + CAP_MIDDLE * LABEL.em(), y, Anchor::Start, LABEL, name);
        } else {
            drawing.text(middle, y, Anchor::Middle, LABEL, name);
        }
    }
    y += 1.2;
    let down = y + classes * cell.1 / 2.0;
    drawing.text_upwards(MARGIN + LABEL.em(), down, Anchor::Middle, NOTE, "actual");
    for ((actual, name), counts) in matrix.classes.iter().zip(&names).zip(&matrix.counts) {
        drawing.text_block(
            left - 1.5,
            y + cell.1 / 2.0,
            Anchor::End,
            LABEL,
            std::slice::from_ref(name),
        );
        draw_row(&mut drawing, (actual, &matrix.classes), counts, (left, y), cell);
        y += cell.1;
    }
    drawing.finish(y + MARGIN)
}

fn draw_row(
    drawing: &mut Drawing,
    (actual, classes): (&str, &[String]),
    counts: &[f64],
    (left, y): (f64, f64),
    cell: (f64, f64),
) {
    let total: f64 = counts.iter().sum();
    for (column, &count) in counts.iter().enumerate() {
        let x = left + column as f64 * cell.0;
        let share = count / total;
        let ground = if total == 0.0 { WHITE } else { amount(share) };
        let ink = ground.text_on();
        let middle = x + (cell.0 - GAP) / 2.0;
        let fits = |text: &str, style| fonts::width(text, style) <= cell.0 - GAP - 0.6;
        let (at, size) = ((x, y), (cell.0 - GAP, cell.1 - GAP));
        let (per_cent, written) = (decimal(share * 100.0, 0), thousands(count.round() as u64));
        let predicted = &classes[column];
        let hint = format!("{actual} predicted as {predicted}: {per_cent} % ({written})");
        drawing.hinted(&hint, at, size, |drawing| {
            drawing.rectangle(at, size, ground);
            let has_room = cell.1 >= CELL;
            if has_room && fits(&per_cent, SHARE) {
                drawing.text(middle, y + 4.0, Anchor::Middle, SHARE.coloured(ink), &per_cent);
            }
            if has_room && fits(&written, NOTE) {
                drawing.text(middle, y + 7.6, Anchor::Middle, NOTE.coloured(ink), &written);
            }
        });
    }
}

/// `FER+`, and the setting where it is one of several.
pub fn of_setting(facts: &Facts) -> String {
    let Facts { dataset, setting, .. } = facts;
    if setting.is_empty() { dataset.clone() } else { format!("{dataset} · {setting}") }
}

/// A row a cell.
fn data(matrix: &Matrix) -> Table {
    let mut table = Table::new(vec![
        Column::text("actual", "actual"),
        Column::text("predicted", "predicted"),
        Column::number("count", "count"),
        Column::number("share", "share of the row, %"),
    ]);
    let rows = matrix.classes.iter().zip(matrix.counts.iter().zip(matrix.shares()));
    for (actual, (counts, shares)) in rows {
        for (predicted, (&count, share)) in matrix.classes.iter().zip(counts.iter().zip(shares)) {
            table.push(vec![
                Cell::text(actual.as_str()),
                Cell::text(predicted.as_str()),
                Cell::exact(count),
                Cell::share(share),
            ]);
        }
    }
    table
}

fn title(found: &Confusion<'_>) -> String {
    let per_cent = |share: f64| decimal(share * 100.0, 1);
    let (accuracy, chance) = (found.matrix.accuracy(), found.matrix.chance());
    format!("{}: accuracy {} %, chance {} %", found.label, per_cent(accuracy), per_cent(chance))
}

fn subtitle(found: &Confusion<'_>) -> String {
    let Confusion { facts, split, matrix, .. } = found;
    let images = counted(matrix.images(), &format!("{split} image"));
    let seeds = counted(matrix.runs as u64, "seed");
    let of = of_setting(facts);
    let mut parts = vec![format!("{of} · {images} × {seeds} · row percentages and counts")];
    if let Some((share, actual, predicted)) = matrix.worst() {
        let (actual, predicted) = (&matrix.classes[actual], &matrix.classes[predicted]);
        parts.push(format!(
            "most frequent confusion: {actual} predicted as {predicted} ({} %)",
            decimal(share * 100.0, 0)
        ));
    }
    parts.join(" · ")
}

/// `Recall: sad 80 %, glad 75 %.`
fn recalls(matrix: &Matrix) -> String {
    let recalls = matrix.classes.iter().zip(matrix.recalls());
    let recalls = recalls.map(|(name, recall)| format!("{name} {} %", decimal(recall * 100.0, 0)));
    format!("Recall: {}.", recalls.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::confusions::tests::{confusions, facts};
    use crate::study::tests::counts;
    use crate::study::tests::run;

    #[test]
    fn counts_are_summed_over_seeds_and_shared_out_by_row() {
        let runs = [run(&[], "none", 1), run(&[], "none", 2)];
        let mut rows = counts(&runs[0].run_id, &["sad", "glad"], &[&[1000, 500], &[0, 100]]);
        rows.extend(counts(&runs[1].run_id, &["sad", "glad"], &[&[1400, 100], &[50, 50]]));
        // A run of another condition is not counted.
        rows.extend(counts("other", &["sad", "glad"], &[&[9, 9], &[9, 9]]));
        let facts = facts();
        let figure = confusion(&confusions(&runs, &rows, &[], &facts).each[0]).unwrap();
        assert_labels_are_apart(&figure);
        // (2,400 + 150) of 3,200.
        assert_eq!(figure.title, "Whole face: accuracy 79.7 %, chance 93.8 %");
        assert!(figure.description.ends_with("Recall: sad 80 %, glad 75 %."));
        let words = words(&figure);
        for label in ["actual", "predicted", "80", "2,400", "20", "600", "25", "75", "150"] {
            assert!(words.lines().any(|line| line == label), "{label} is missing:\n{words}");
        }
        assert!(words.contains("1,600 test images × 2 seeds"), "{words}");
        assert!(words.contains("glad predicted as sad (25 %)"), "{words}");
    }

    #[test]
    fn any_number_of_classes_stays_legible() {
        for classes in [2, 3, 7, 10, 16, 30, 100] {
            let names: Vec<String> =
                (0..classes).map(|class| format!("emotion number {class}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let row: Vec<u64> = (0..classes).map(|class| 1500 * class as u64 / 7).collect();
            let rows: Vec<&[u64]> = vec![&row; classes];
            let run = run(&["eyes"], "hide", 1);
            let (counts, facts) = (counts(&run.run_id, &names, &rows), facts());
            let found = confusions(&[run], &counts, &[], &facts);
            let figure = confusion(&found.each[0]).unwrap();
            assert_labels_are_apart(&figure);
            // More classes than lines of text fit across two columns take their room.
            assert!(figure.width_mm <= if classes > 30 { 400.0 } else { DOUBLE_COLUMN });
            assert!(figure.height_mm <= if classes > 30 { 400.0 } else { 350.0 });
        }
    }

    #[test]
    fn a_class_without_images_has_no_shares() {
        let run = run(&[], "none", 1);
        let rows = counts(&run.run_id, &["sad", "glad"], &[&[10, 0], &[0, 0]]);
        let facts = facts();
        let figure = confusion(&confusions(&[run], &rows, &[], &facts).each[0]).unwrap();
        assert!(words(&figure).lines().any(|line| line == "–"));
        assert_eq!(figure.title, "Whole face: accuracy 100.0 %, chance 100.0 %");
    }
}

//! The confusion matrix of a condition.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::Split;
use crate::store::{ConfusionRow, RunRow};

use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::theme::{
    DOUBLE_COLUMN, HEADING, LABEL, MARGIN, MIDDLE_COLUMN, NOTE, SINGLE_COLUMN, Type, WHITE, amount,
};
use crate::report::findings::facts::Facts;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::capital;
use crate::report::words::numbers::{counted, decimal, thousands};

const SHARE: Type = HEADING;
/// A cell is at least so wide and tall, mm.
const CELL: f64 = 9.5;
const GAP: f64 = 0.3;
/// Widest class name before it is cut, mm.
const NAME_WIDTH: f64 = 26.0;

/// Counts of one condition, summed over its runs.
pub struct Matrix {
    pub classes: Vec<String>,
    /// `[actual][predicted]`; not whole where votes tie.
    counts: Vec<Vec<f64>>,
    pub runs: usize,
}

/// The confusion matrix of one condition, summed over the given runs (its seeds): rows actual, columns
/// predicted, each row's shares as colour and per cent, counts beneath. `facts` are those of their setting.
///
/// # Errors
/// [`ReportError::Empty`] where no run has counts on that split (`val` or `test`).
pub fn confusion(
    runs: &[RunRow],
    rows: &[impl Borrow<ConfusionRow>],
    split: Split,
    facts: &Facts,
) -> Result<Figure, ReportError> {
    let (Some(first), Some(matrix)) = (runs.first(), matrix(runs, rows, split)) else {
        return Err(ReportError::Empty(format!(
            "no run of this condition has predictions on `{split}`"
        )));
    };
    let classes = matrix.classes.len() as f64;
    let limit = |name: &String| fonts::fit(name, LABEL, NAME_WIDTH);
    let names: Vec<String> = matrix.classes.iter().map(limit).collect();
    let widest = names.iter().map(|name| fonts::width(name, LABEL)).fold(0.0, f64::max);
    let left = MARGIN + LABEL.line() + 1.0 + widest + 1.5;
    let cell_in = |width: f64| (width - left - MARGIN) / classes;
    let level = |width: f64| cell_in(width) >= f64::max(CELL, widest + 0.8);
    let width = [SINGLE_COLUMN, MIDDLE_COLUMN, DOUBLE_COLUMN]
        .into_iter()
        .find(|width| level(*width))
        .unwrap_or(DOUBLE_COLUMN);
    let upright = !level(width);
    let cell = (cell_in(width).min(24.0), CELL);

    let mut drawing =
        Drawing::new(width, &matrix.title(&capital(&facts.several.label(first.into()))));
    let mut y = drawing.heading(&matrix.subtitle(facts, split));
    drawing.describe(&matrix.recalls());
    drawing.data(matrix.data());
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
            if fits(&per_cent, SHARE) {
                drawing.text(middle, y + 4.0, Anchor::Middle, SHARE.coloured(ink), &per_cent);
            }
            if fits(&written, NOTE) {
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

/// The counts of these runs on that split; `None` where they have none.
pub fn matrix(runs: &[RunRow], rows: &[impl Borrow<ConfusionRow>], split: Split) -> Option<Matrix> {
    let wanted: BTreeSet<&str> = runs.iter().map(|run| run.run_id.as_str()).collect();
    let mut classes: Vec<String> = Vec::new();
    let mut index: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let chosen: Vec<&ConfusionRow> = rows
        .iter()
        .map(Borrow::borrow)
        .filter(|row: &&ConfusionRow| row.split == split && wanted.contains(row.run_id.as_str()))
        .collect();
    for row in &chosen {
        found.insert(&row.run_id);
        for class in [&row.actual, &row.predicted] {
            index.entry(class).or_insert_with(|| {
                classes.push(class.clone());
                classes.len() - 1
            });
        }
    }
    if classes.is_empty() {
        return None;
    }
    let mut counts = vec![vec![0.0; classes.len()]; classes.len()];
    for row in &chosen {
        counts[index[row.actual.as_str()]][index[row.predicted.as_str()]] += row.count;
    }
    let runs = found.len();
    Some(Matrix { classes, counts, runs })
}

impl Matrix {
    fn total(&self) -> f64 {
        self.counts.iter().flatten().sum()
    }

    /// Images of one run.
    pub fn images(&self) -> u64 {
        (self.total() / self.runs.max(1) as f64).round() as u64
    }

    pub fn accuracy(&self) -> f64 {
        let right: f64 = self.counts.iter().enumerate().map(|(class, row)| row[class]).sum();
        right / self.total()
    }

    /// Each row's shares; of a class without images, no numbers.
    pub fn shares(&self) -> Vec<Vec<f64>> {
        let share = |row: &Vec<f64>| {
            let total = row.iter().sum::<f64>();
            row.iter().map(|&count| count / total).collect()
        };
        self.counts.iter().map(share).collect()
    }

    /// A row a cell.
    fn data(&self) -> Table {
        let mut table = Table::new(vec![
            Column::text("actual", "actual"),
            Column::text("predicted", "predicted"),
            Column::number("count", "count"),
            Column::number("share", "share of the row, %"),
        ]);
        for (actual, (counts, shares)) in
            self.classes.iter().zip(self.counts.iter().zip(self.shares()))
        {
            for (predicted, (&count, share)) in self.classes.iter().zip(counts.iter().zip(shares)) {
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

    fn title(&self, condition: &str) -> String {
        let accuracy = decimal(self.accuracy() * 100.0, 1);
        format!("{condition}: accuracy {accuracy} %")
    }

    fn subtitle(&self, facts: &Facts, split: Split) -> String {
        let images = counted(self.images(), &format!("{split} image"));
        let seeds = counted(self.runs as u64, "seed");
        let of = of_setting(facts);
        let mut parts = vec![format!("{of} · {images} × {seeds} · row percentages and counts")];
        if let Some((share, actual, predicted)) = self.worst() {
            let (actual, predicted) = (&self.classes[actual], &self.classes[predicted]);
            parts.push(format!(
                "most frequent confusion: {actual} predicted as {predicted} ({} %)",
                decimal(share * 100.0, 0)
            ));
        }
        parts.join(" · ")
    }

    /// `Recall: sad 80 %, glad 75 %.`
    fn recalls(&self) -> String {
        let recalls = self.classes.iter().enumerate().map(|(class, name)| {
            let row = &self.counts[class];
            let share = row[class] / row.iter().sum::<f64>();
            format!("{name} {} %", decimal(share * 100.0, 0))
        });
        format!("Recall: {}.", recalls.collect::<Vec<_>>().join(", "))
    }

    /// The largest share off the diagonal, its actual and its predicted class.
    fn worst(&self) -> Option<(f64, usize, usize)> {
        let mut worst: Option<(f64, usize, usize)> = None;
        for (actual, row) in self.counts.iter().enumerate() {
            let total: f64 = row.iter().sum();
            for (predicted, &count) in row.iter().enumerate() {
                let share = count / total;
                if actual != predicted && count > 0.0 && worst.is_none_or(|(most, ..)| share > most)
                {
                    worst = Some((share, actual, predicted));
                }
            }
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::study::tests::counts;
    use crate::study::tests::run;

    fn facts() -> Facts {
        Facts { dataset: "faces".to_owned(), ..Facts::default() }
    }

    #[test]
    fn counts_are_summed_over_seeds_and_shared_out_by_row() {
        let runs = [run(&[], "none", 1), run(&[], "none", 2)];
        let mut rows = counts(&runs[0].run_id, &["sad", "glad"], &[&[1000, 500], &[0, 100]]);
        rows.extend(counts(&runs[1].run_id, &["sad", "glad"], &[&[1400, 100], &[50, 50]]));
        // A run of another condition is not counted.
        rows.extend(counts("other", &["sad", "glad"], &[&[9, 9], &[9, 9]]));
        let figure = confusion(&runs, &rows, Split::Test, &facts()).unwrap();
        assert_labels_are_apart(&figure);
        // (2,400 + 150) of 3,200.
        assert_eq!(figure.title, "Whole face: accuracy 79.7 %");
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
        for classes in [2, 3, 7, 10, 16, 30] {
            let names: Vec<String> =
                (0..classes).map(|class| format!("emotion number {class}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let row: Vec<u64> = (0..classes).map(|class| 1500 * class as u64 / 7).collect();
            let rows: Vec<&[u64]> = vec![&row; classes];
            let run = run(&["eyes"], "hide", 1);
            let figure = confusion(
                std::slice::from_ref(&run),
                &counts(&run.run_id, &names, &rows),
                Split::Test,
                &facts(),
            )
            .unwrap();
            assert_labels_are_apart(&figure);
            assert!(figure.width_mm <= DOUBLE_COLUMN);
        }
    }

    #[test]
    fn a_class_without_images_has_no_shares() {
        let run = run(&[], "none", 1);
        let rows = counts(&run.run_id, &["sad", "glad"], &[&[10, 0], &[0, 0]]);
        let figure = confusion(&[run], &rows, Split::Test, &facts()).unwrap();
        assert!(words(&figure).lines().any(|line| line == "–"));
        assert_eq!(figure.title, "Whole face: accuracy 100.0 %");
    }

    #[test]
    fn no_counts_are_no_picture() {
        let run = run(&[], "none", 1);
        let rows = counts(&run.run_id, &["sad"], &[&[1]]);
        let error = confusion(&[run], &rows, Split::Val, &facts()).unwrap_err().to_string();
        assert_eq!(error, "nothing to draw: no run of this condition has predictions on `val`");
    }
}

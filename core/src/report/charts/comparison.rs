//! Differences from a reference: a dot with its interval line, a row a condition or run.

use crate::report::canvas::axis::{AXIS_HEIGHT, horizontal_axis, horizontal_grid};
use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    BLUE, DOUBLE_COLUMN, HEADING, INK, LABEL, MARGIN, MEDIUM, MIDDLE_COLUMN, NOTE, RULE,
    SINGLE_COLUMN, THIN,
};
use crate::report::findings::comparison::{Comparisons, Difference, Entry, Layout};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::comparison_conditions;
use crate::report::words::measure::Measure;

/// More rows than this are not a picture any more.
const MOST_ROWS: usize = 60;
const ROW_HEIGHT: f64 = 5.4;
const DOT: f64 = 0.85;
/// The share of the width that names may take.
const NAMES: f64 = 0.36;

/// One row: what is compared with the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonRow {
    pub name: String,
    /// `None` where there is nothing to pair.
    pub difference: Option<Difference>,
}

/// Rows that are compared with the same reference.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonPanel {
    /// What the rows have in common, as the name of an experiment; may be empty.
    pub heading: String,
    pub rows: Vec<ComparisonRow>,
}

/// What is written around differences.
pub struct Words<'a> {
    pub title: String,
    /// Its first parts; what the drawing leaves open follows.
    pub subtitle: Vec<String>,
    pub axis: String,
    /// Where a row has no number.
    pub missing: &'a str,
}

/// The differences from the reference of the rows that are `shown`, in their order: a panel an experiment, or one of
/// all rows.
///
/// # Errors
/// [`ReportError::Empty`] where nothing was paired.
pub fn comparison(found: &Comparisons, shown: &[String]) -> Result<Figure, ReportError> {
    let (measure, reference) = (Measure::of(found.metric), found.reference());
    let mut panels = panels(found);
    for panel in &mut panels {
        let place = |row: &ComparisonRow| shown.iter().position(|name| *name == row.name);
        panel.rows.retain(|row| place(row).is_some());
        panel.rows.sort_by_key(place);
    }
    let words = Words {
        title: title(&panels, reference, measure),
        subtitle: vec![format!("minus {reference}"), comparison_conditions(found)],
        axis: format!("difference in {}, {}", measure.name, measure.unit),
        missing: "not paired",
    };
    differences(&panels, measure, words)
}

fn panels(found: &Comparisons) -> Vec<ComparisonPanel> {
    let row = |name: &str, entry: &Entry| {
        let name = name.to_owned();
        ComparisonRow { name, difference: entry.difference() }
    };
    match &found.layout {
        Layout::ByCondition(conditions) => {
            let names = found.names.iter().enumerate().skip(1);
            let panel = |(place, name): (usize, &String)| {
                let rows = conditions.iter().map(|of| row(&of.condition, &of.entries[place]));
                // What only one side has would be a row without a dot.
                let rows = rows.filter(|row| row.difference.is_some()).collect();
                ComparisonPanel { heading: name.clone(), rows }
            };
            names.map(panel).collect()
        }
        Layout::EachItself(entries) => {
            let rows = found.names.iter().zip(entries).skip(1);
            let rows = rows.map(|(name, entry)| row(name, entry)).collect();
            vec![ComparisonPanel { heading: String::new(), rows }]
        }
    }
}

/// Any differences in this form.
///
/// # Errors
/// [`ReportError::Empty`] where there is no number.
pub fn differences(
    panels: &[ComparisonPanel],
    metric: Measure,
    words: Words<'_>,
) -> Result<Figure, ReportError> {
    let mut rows = panels.iter().flat_map(|panel| &panel.rows);
    if !rows.any(|row| row.value().is_some()) {
        return Err(ReportError::Empty("no two sides could be paired".to_owned()));
    }
    let width = if panels.len() > 1 { DOUBLE_COLUMN } else { MIDDLE_COLUMN };
    let draw = |width| draw(panels, metric, &words, width);
    Ok(draw(width)?.with_narrow(draw(SINGLE_COLUMN)?))
}

/// Draws the panels in a width, mm.
fn draw(
    panels: &[ComparisonPanel],
    metric: Measure,
    words: &Words<'_>,
    width: f64,
) -> Result<Figure, ReportError> {
    let Words { title, subtitle, axis, missing } = words;
    let mut subtitle = subtitle.clone();
    let rows = || panels.iter().flat_map(|panel| &panel.rows);
    let inner = width - 2.0 * MARGIN;
    let left_out = rows().count().saturating_sub(MOST_ROWS);
    let mut room = MOST_ROWS;
    let shown: Vec<(&str, &[ComparisonRow])> = panels
        .iter()
        .map(|panel| {
            let rows = &panel.rows[..panel.rows.len().min(room)];
            room -= rows.len();
            (panel.heading.as_str(), rows)
        })
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let drawn = || shown.iter().flat_map(|(_, rows)| *rows);

    if drawn().any(|row| row.significant() == Some(false)) {
        subtitle.push("grey: not significant (Holm-corrected)".to_owned());
    }
    if drawn().any(|row| row.difference.is_some() && row.interval().is_none()) {
        subtitle.push("without a line: no interval".to_owned());
    }
    if left_out > 0 {
        subtitle.push(format!("{left_out} more not drawn"));
    }
    subtitle.retain(|part| !part.is_empty());

    let names = drawn().map(|row| fonts::width(&row.name, LABEL)).fold(0.0, f64::max);
    let names = names.min(inner * NAMES);
    let widest = |texts: &mut dyn Iterator<Item = String>| {
        texts.map(|text| fonts::width(&text, NOTE)).fold(0.0, f64::max)
    };
    let values = widest(&mut drawn().map(|row| value_text(row, metric, missing)));
    let intervals = widest(&mut drawn().map(|row| interval_text(row, metric)));
    let interval_end = MARGIN + inner;
    let value_end = interval_end - if intervals > 0.0 { intervals + 1.2 } else { 0.0 };
    let (start, end) = (MARGIN + names + 3.0, value_end - values - 3.0);
    // An axis never magnifies what the decimals do not show.
    let least = 5.0 * 10f64.powi(-(metric.decimals as i32));
    let values = drawn().flat_map(|row| {
        let (low, high) = row.interval().unzip();
        [row.value(), low, high].into_iter().flatten().map(|value| value * metric.factor)
    });
    let scale = Scale::around(values.chain([-least, least]), 0.04, start, end);
    let place = |value: f64| scale.at(value * metric.factor);

    let mut drawing = Drawing::new(width, title);
    let mut y = drawing.heading(&subtitle.join(" · "));
    drawing.data(data(&shown, metric));
    let last = shown.len().saturating_sub(1);
    for (index, (heading, rows)) in shown.into_iter().enumerate() {
        for line in fonts::wrap(heading, HEADING, inner) {
            drawing.text(MARGIN, y + HEADING.em(), Anchor::Start, HEADING, &line);
            y += if line.is_empty() { 0.0 } else { HEADING.line() };
        }
        let top = y + 1.0;
        let names: Vec<Vec<String>> =
            rows.iter().map(|row| fonts::wrap(&row.name, LABEL, names + 0.01)).collect();
        let height = |name: &Vec<String>| ROW_HEIGHT.max(name.len() as f64 * LABEL.line() + 1.8);
        let bottom = top + names.iter().map(height).sum::<f64>();
        // All panels have the axis of the last.
        match index == last {
            true => horizontal_axis(&mut drawing, &scale, (top, bottom), axis),
            false => horizontal_grid(&mut drawing, &scale, (top, bottom)),
        }
        drawing.line((place(0.0), top), (place(0.0), bottom), THIN, INK);
        y = top;
        for (row, name) in rows.iter().zip(&names) {
            let middle = y + height(name) / 2.0;
            let (value, range) = (value_text(row, metric, missing), interval_text(row, metric));
            let words = format!("{}: {value} {} {range}", row.name, metric.long_unit);
            let (at, size) = ((MARGIN, y), (inner, height(name)));
            drawing.hinted(words.trim_end(), at, size, |drawing| {
                drawing.text_block(start - 3.0, middle, Anchor::End, LABEL, name);
                for (end, text) in [(value_end, value), (interval_end, range)] {
                    drawing.text_block(end, middle, Anchor::End, NOTE, &[text]);
                }
                let colour = if row.significant() == Some(true) { BLUE } else { RULE };
                if let Some((low, high)) = row.interval() {
                    drawing.line((place(low), middle), (place(high), middle), MEDIUM, colour);
                }
                if let Some(difference) = row.value() {
                    drawing.disc((place(difference), middle), DOT, colour);
                }
            });
            y += height(name);
        }
        y = bottom + if index == last { AXIS_HEIGHT } else { 0.0 } + 3.0;
    }
    drawing.finish(y - 3.0 + MARGIN)
}

/// A row a side.
fn data(panels: &[(&str, &[ComparisonRow])], metric: Measure) -> Table {
    let mut table = Table::new(vec![
        Column::text("panel", "panel"),
        Column::text("name", "name"),
        Column::number("difference", "difference"),
    ]);
    for (heading, rows) in panels {
        for row in *rows {
            let difference = row.difference.map_or(Cell::Empty, |difference| {
                Cell::of(difference.value, metric).with_interval(difference.interval)
            });
            table.push(vec![Cell::text(*heading), Cell::text(row.name.as_str()), difference]);
        }
    }
    table
}

impl ComparisonRow {
    fn value(&self) -> Option<f64> {
        self.difference.map(|difference| difference.value).filter(|value| value.is_finite())
    }

    fn interval(&self) -> Option<(f64, f64)> {
        self.difference.and_then(|difference| difference.interval)
    }

    fn significant(&self) -> Option<bool> {
        self.difference.and_then(|difference| difference.significant)
    }
}

/// The finding: the largest significant difference, or that there is none.
fn title(panels: &[ComparisonPanel], reference: &str, metric: Measure) -> String {
    let rows = panels.iter().flat_map(|panel| panel.rows.iter().map(move |row| (panel, row)));
    let size = |row: &ComparisonRow| row.value().unwrap_or(0.0).abs();
    let rows: Vec<(&ComparisonPanel, &ComparisonRow)> =
        rows.filter(|(_, row)| row.difference.is_some()).collect();
    let differing = rows.iter().filter(|(_, row)| row.significant() == Some(true));
    let name = |(panel, row): &(&ComparisonPanel, &ComparisonRow)| {
        if panel.heading.is_empty() {
            row.name.clone()
        } else {
            format!("{} ({})", row.name, panel.heading)
        }
    };
    match differing.max_by(|a, b| size(a.1).total_cmp(&size(b.1))) {
        Some(largest) => {
            let difference = largest.1.value().unwrap_or(0.0);
            let direction = if difference < 0.0 { "below" } else { "above" };
            let most = if rows.len() > 1 { "farthest " } else { "" };
            format!(
                "{}: {most}{direction} {reference}, by {} {}",
                name(largest),
                metric.rounded(size(largest.1)),
                metric.long_unit
            )
        }
        None if rows.iter().all(|(_, row)| row.interval().is_none()) => {
            format!("Differences from {reference}; no intervals")
        }
        None => match rows.as_slice() {
            [only] => format!("{}: no significant difference from {reference}", name(only)),
            _ => format!("No significant difference from {reference}"),
        },
    }
}

fn value_text(row: &ComparisonRow, metric: Measure, missing: &str) -> String {
    row.value().map_or(missing.to_owned(), |value| metric.number(value))
}

fn interval_text(row: &ComparisonRow, metric: Measure) -> String {
    let Some((low, high)) = row.interval() else { return String::new() };
    format!("({} to {})", metric.number(low), metric.number(high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, label_boxes, words};
    use crate::store::Metric;

    fn row(name: &str, difference: f64, interval: Option<(f64, f64)>) -> ComparisonRow {
        let interval = interval.map(|(low, high)| (low / 100.0, high / 100.0));
        let difference = Some(Difference::of(difference / 100.0, interval, None));
        ComparisonRow { name: name.to_owned(), difference }
    }

    fn panel(heading: &str, rows: Vec<ComparisonRow>) -> ComparisonPanel {
        ComparisonPanel { heading: heading.to_owned(), rows }
    }

    fn figure(panels: &[ComparisonPanel]) -> Figure {
        let metric = Measure::of(Metric::Accuracy);
        let reference = "mask_eyes: whole";
        let words = Words {
            title: title(panels, reference, metric),
            subtitle: vec!["3 seeds, 1,400 test images".to_owned()],
            axis: "difference in test accuracy, points".to_owned(),
            missing: "not paired",
        };
        let figure = differences(panels, metric, words).unwrap();
        for figure in [&figure, figure.narrow.as_ref().unwrap()] {
            assert_labels_are_apart(figure);
            for label in label_boxes(figure) {
                assert!(label.left >= 0.0 && label.right <= figure.width_mm, "cut off: {label:?}");
                assert!(label.bottom <= figure.height_mm, "cut off: {label:?}");
            }
        }
        figure
    }

    #[test]
    fn the_title_says_the_finding() {
        let below = row("mask_eyes: hide eyes", -11.4, Some((-13.9, -8.9)));
        let near = row("mask_eyes: hide jaw", 0.4, Some((-0.6, 1.4)));
        let drawn = figure(&[panel("", vec![below.clone(), near.clone()])]);
        assert_eq!(
            drawn.title,
            "mask_eyes: hide eyes: farthest below mask_eyes: whole, by 11 points of test accuracy"
        );
        let words = words(&drawn);
        for label in ["−11.4", "(−13.9 to −8.9)", "0.4", "difference in test accuracy, points"]
        {
            assert!(words.lines().any(|line| line == label), "{label} is missing:\n{words}");
        }
        assert_eq!(
            figure(&[panel("", vec![near.clone()])]).title,
            "mask_eyes: hide jaw: no significant difference from mask_eyes: whole"
        );
        let unknown = row("another", 2.0, None);
        assert_eq!(
            figure(&[panel("", vec![unknown])]).title,
            "Differences from mask_eyes: whole; no intervals"
        );
        assert_eq!(
            figure(&[panel("other", vec![near.clone()]), panel("third", vec![near])]).title,
            "No significant difference from mask_eyes: whole"
        );
    }

    #[test]
    fn hard_cases_stay_legible() {
        let long =
            "an_experiment_with_a_very_long_name_indeed: only brows + eyes_left visible, control 3";
        let missing = ComparisonRow { name: "other images".to_owned(), difference: None };
        figure(&[panel("", vec![row(long, 4.0, Some((3.0, 5.0))), missing.clone()])]);
        figure(&[panel("", vec![row("same", 0.0, Some((0.0, 0.0)))])]);
        let many = |name: &str| {
            let rows = (0..50).map(|index| row(&format!("own {index}"), f64::from(index), None));
            panel(name, rows.collect())
        };
        let drawn = figure(&[many("first"), many("second")]);
        assert!(words(&drawn).contains("40 more not drawn"));
        let found = Comparisons {
            metric: Metric::Accuracy,
            names: vec!["x".to_owned()],
            layout: Layout::EachItself(Vec::new()),
        };
        assert!(matches!(comparison(&found, &[]), Err(ReportError::Empty(_))));
    }
}

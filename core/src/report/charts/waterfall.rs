//! From no region visible to all, a step for each region: its Shapley value.

use crate::report::canvas::axis::{AXIS_HEIGHT, horizontal_axis};
use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    BLUE, CATEGORIES, Colour, DOUBLE_COLUMN, HAIRLINE, HEADING, INK, LABEL, MARGIN, MEDIUM, MUTED,
    NOTE, RULE, SINGLE_COLUMN,
};
use crate::report::findings::attribution::{Attribution, Division, Joins, Step};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::dividing_headline;
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;

/// Widest region name before it is broken, mm.
const NAME_WIDTH: f64 = 26.0;
const ROW_HEIGHT: f64 = 5.4;
/// Height of a step, mm.
const BAR: f64 = 2.6;
const GUTTER: f64 = 5.0;
const DOT: f64 = 0.85;

/// One game, its rows from top to bottom.
struct Panel<'a> {
    heading: Vec<String>,
    rows: Vec<Row<'a>>,
    /// Below the last row, mm from the first.
    height: f64,
}

/// A step and its name, broken for its width.
struct Row<'a> {
    name: Vec<String>,
    step: &'a Step<'a>,
}

/// The Shapley values of a metric, a panel for each phase and fill: a waterfall from the worth of no region to that of
/// all, each with its interval, on one scale.
///
/// # Errors
/// Where it cannot be drawn.
pub fn waterfall(found: &Attribution<'_>) -> Result<Figure, ReportError> {
    match found.panels.len() {
        0 | 1 => draw(found, 1),
        _ => Ok(draw(found, 2)?.with_narrow(draw(found, 1)?)),
    }
}

/// Draws the games, so many beside each other.
fn draw(found: &Attribution<'_>, across: usize) -> Result<Figure, ReportError> {
    let measure = Measure::of_worth(found.worth);
    let width = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let panel_width = (width - 2.0 * MARGIN - (across as f64 - 1.0) * GUTTER) / across as f64;
    let panels: Vec<Panel<'_>> =
        found.panels.iter().map(|division| Panel::of(division, panel_width)).collect();

    let first = &found.games[0];
    let title = found.several.title(dividing_headline(first, measure), first.fill, first.swept);
    let mut drawing = Drawing::new(width, &title);
    let mut y = drawing.heading(&subtitle(found));
    for panel in &panels {
        drawing.describe(&description(panel, measure));
    }
    drawing.data(data(&panels, measure));
    let shown: Vec<f64> =
        panels.iter().flat_map(|panel| &panel.rows).flat_map(Row::shown).collect();
    for row_of_panels in panels.chunks(across) {
        let lines = row_of_panels.iter().map(|panel| panel.heading.len()).max().unwrap_or(1);
        let top = y + lines as f64 * HEADING.line() + 1.5;
        let mut bottom = top;
        for (column, panel) in row_of_panels.iter().enumerate() {
            let left = MARGIN + column as f64 * (panel_width + GUTTER);
            for (index, line) in panel.heading.iter().enumerate() {
                let baseline = y + HEADING.em() + index as f64 * HEADING.line();
                drawing.text(left, baseline, Anchor::Start, HEADING, line);
            }
            draw_panel(&mut drawing, panel, measure, &shown, (left, top), panel_width);
            bottom = f64::max(bottom, top + panel.height + AXIS_HEIGHT);
        }
        y = bottom + 4.0;
    }
    drawing.finish(y - 4.0 + MARGIN)
}

impl<'a> Panel<'a> {
    fn of(Division { heading, steps }: &'a Division<'a>, width: f64) -> Panel<'a> {
        let rows: Vec<Row<'a>> = steps.iter().map(Row::of).collect();
        let height = rows.iter().map(Row::height).sum();
        Panel { heading: fonts::wrap(heading, HEADING, width), rows, height }
    }
}

impl<'a> Row<'a> {
    fn of(step: &'a Step<'a>) -> Row<'a> {
        let name = match &step.joins {
            Joins::Nothing => vec!["none visible".to_owned()],
            Joins::Region(value) => fonts::wrap(value.region, LABEL, NAME_WIDTH),
            Joins::All(regions) => vec![format!("all {regions} visible")],
        };
        Row { name, step }
    }

    fn height(&self) -> f64 {
        ROW_HEIGHT.max(self.name.len() as f64 * LABEL.line() + 1.8)
    }

    /// All that it puts on the axis.
    fn shown(&self) -> [f64; 4] {
        let Step { before, after, .. } = *self.step;
        let (low, high) = self.step.interval().unwrap_or((before, after));
        [before, after, low, high]
    }

    /// The rightmost of all that is drawn.
    fn end(&self) -> f64 {
        let high = self.step.interval().map_or(f64::NEG_INFINITY, |(_, high)| high);
        high.max(self.step.before).max(self.step.after)
    }

    /// `+21.0`, `−0.6`; what is reached for the ends.
    fn written(&self, measure: Measure) -> String {
        let Some(value) = self.step.value() else { return measure.number(self.step.after) };
        let written = measure.number(value.value);
        if value.value > 0.0 { format!("+{written}") } else { written }
    }

    /// `(19.0 to 23.0)`
    fn range(&self, measure: Measure) -> String {
        let range = self.step.value().and_then(|value| value.interval);
        range.map_or(String::new(), |(low, high)| {
            format!("({} to {})", measure.number(low), measure.number(high))
        })
    }

    /// `mouth +21.0 (19.0 to 23.0)`
    fn described(&self, measure: Measure) -> String {
        let (name, written) = (self.name.join(" "), self.written(measure));
        format!("{name} {written} {}", self.range(measure)).trim_end().to_owned()
    }

    /// A gain is blue, a loss orange, and grey what is not significant: paler than both in grey print too.
    fn colour(&self) -> Colour {
        match self.step.value() {
            Some(value) if !value.significant => RULE,
            Some(value) if value.value < 0.0 => CATEGORIES[5],
            _ => BLUE,
        }
    }
}

fn draw_panel(
    drawing: &mut Drawing,
    panel: &Panel<'_>,
    measure: Measure,
    shown: &[f64],
    (left, top): (f64, f64),
    width: f64,
) {
    let widest = |texts: &mut dyn Iterator<Item = String>, style| {
        texts.map(|text| fonts::width(&text, style)).fold(0.0, f64::max)
    };
    let rows = &panel.rows;
    let names = widest(&mut rows.iter().flat_map(|row| row.name.clone()), LABEL);
    let values = widest(&mut rows.iter().map(|row| row.written(measure)), NOTE);
    let ranges = widest(&mut rows.iter().map(|row| row.range(measure)), NOTE);
    // Room for a value after the longest step.
    let end = left + width - ranges - values - 2.5;
    let start = left + names + 3.0;
    let scale = Scale::around(shown.iter().map(|value| value * measure.factor), 0.04, start, end);
    let place = |value: f64| scale.at(value * measure.factor);

    let unit = measure.amount_unit();
    let bottom = top + panel.height;
    horizontal_axis(drawing, &scale, (top, bottom), &format!("{}, {unit}", measure.name));
    let mut y = top;
    // How far down the step before reached.
    let mut previous: Option<f64> = None;
    for row in rows {
        let step = row.step;
        let middle = y + row.height() / 2.0;
        let half = if step.value().is_some() { BAR / 2.0 } else { DOT };
        if let Some(from) = previous {
            let x = place(step.before);
            drawing.line((x, from), (x, middle - half), HAIRLINE, MUTED);
        }
        let hint = row.described(measure);
        let at = (left, y);
        drawing.hinted(&hint, at, (width, row.height()), |drawing| {
            drawing.text_block(start - 3.0, middle, Anchor::End, LABEL, &row.name);
            match step.value() {
                None => drawing.disc((place(step.after), middle), DOT, INK),
                Some(_) => {
                    let (from, to) = (place(step.before), place(step.after));
                    let at = (from.min(to), middle - half);
                    let length = (to - from).abs().max(MEDIUM / 2.0);
                    drawing.rectangle(at, (length, BAR), row.colour());
                }
            }
            if let Some((low, high)) = step.interval() {
                drawing.line((place(low), middle), (place(high), middle), MEDIUM, INK);
            }
            let x = place(row.end()) + if step.value().is_some() { 1.2 } else { DOT + 0.8 };
            let value = [row.written(measure)];
            drawing.text_block(x, middle, Anchor::Start, NOTE, &value);
            drawing.text_block(left + width, middle, Anchor::End, NOTE, &[row.range(measure)]);
        });
        previous = Some(middle + half);
        y += row.height();
    }
}

fn subtitle(found: &Attribution<'_>) -> String {
    let rows = || found.games.iter().flat_map(|game| &game.rows);
    let steps = || found.panels.iter().flat_map(|panel| &panel.steps);
    let values = || steps().filter_map(Step::value);
    let first = found.games[0].rows[0];
    let mut parts = vec![
        found.facts.dataset.clone(),
        found.facts.setting.clone(),
        counted(first.images, "test image"),
        counted(u64::from(first.seeds), "seed"),
        "Shapley values: mean contribution over all orders of revealing the regions".to_owned(),
    ];
    if rows().any(|row| row.seeds != first.seeds) {
        parts[3] = "seeds differ between panels".to_owned();
    }
    if values().all(|value| value.interval.is_none()) {
        parts.push("no intervals".to_owned());
    } else {
        parts.push("lines: 95\u{a0}% CI".to_owned());
        parts.push(first.method.clone());
    }
    if rows().all(|row| row.seeds == 1) {
        parts.push("one seed: intervals cover images only".to_owned());
    }
    if values().any(|value| !value.significant) {
        parts.push("grey: not significant (Holm-corrected)".to_owned());
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// A row a step.
fn data(panels: &[Panel<'_>], measure: Measure) -> Table {
    let mut table = Table::new(vec![
        Column::text("panel", "panel"),
        Column::text("step", "step"),
        Column::number("value", "Shapley value"),
        Column::number("reached", "reached"),
    ]);
    for panel in panels {
        for row in &panel.rows {
            let value = row.step.value().map_or(Cell::Empty, |value| {
                Cell::of(value.value, measure).with_interval(value.interval)
            });
            table.push(vec![
                Cell::text(panel.heading.join(" ")),
                Cell::text(row.name.join(" ")),
                value,
                Cell::of(row.step.after, measure),
            ]);
        }
    }
    table
}

/// `Only the regions visible, test accuracy, %: none visible 14.3, mouth +21.0 (19.0 to 23.0), …`
fn description(panel: &Panel<'_>, measure: Measure) -> String {
    let steps = panel.rows.iter().map(|row| row.described(measure));
    let steps: Vec<String> = steps.collect();
    let unit = measure.amount_unit();
    format!("{}, {}, {unit}: {}.", panel.heading.join(" "), measure.name, steps.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{FillKind, Phase};
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, label_boxes, words};
    use crate::report::findings::facts::Facts;
    use crate::report::findings::game::tests::value;
    use crate::store::{ShapleyRow, Worth};

    fn facts() -> Facts {
        Facts { dataset: "FER+".to_owned(), images: 1400, seeds: 3, ..Facts::default() }
    }

    fn drawn(rows: &[ShapleyRow]) -> Figure {
        let facts = facts();
        let found = Attribution::of(rows, Worth::Accuracy, &facts).unwrap();
        let figure = waterfall(&found).unwrap();
        assert_labels_are_apart(&figure);
        figure
    }

    fn study() -> Vec<ShapleyRow> {
        [
            ("brows", 8.1, 1.8),
            ("cheeks", 0.4, 1.2),
            ("eyes", 15.2, 2.1),
            ("forehead", -2.3, 0.9),
            ("jaw", 3.4, 1.3),
            ("mouth", 30.0, 2.4),
            ("nose", 5.2, 1.6),
        ]
        .map(|(region, size, half)| value(region, size, (size - half, size + half), &[]))
        .to_vec()
    }

    #[test]
    fn steps_lead_from_none_to_all() {
        let figure = drawn(&study());
        assert_eq!(figure.width_mm, SINGLE_COLUMN);
        assert_eq!(figure.title, "The mouth contributes most: 30 of 60 points");
        let names = ["none visible", "mouth", "eyes", "brows", "nose", "jaw", "cheeks", "forehead"];
        let labels = label_boxes(&figure);
        let top = |name: &str| labels.iter().find(|label| label.text == name).unwrap().top;
        assert!(names.windows(2).all(|pair| top(pair[0]) < top(pair[1])));
        assert!(top("forehead") < top("all 7 visible"));
        let left = |text: &str| labels.iter().find(|label| label.text == text).unwrap().left;
        // The values stand at their steps, further right with each; a loss goes back.
        assert!(left("+30.0") < left("+15.2") && left("+15.2") < left("+8.1"));
        assert!(left("75.0") < left("−2.3"));
        let words = words(&figure);
        assert!(words.contains("(27.6 to 32.4)") && words.contains("15.0"), "{words}");
        assert!(words.contains("FER+ · 1,400 test images · 3 seeds"), "{words}");
        assert!(words.contains("grey: not significant"), "{words}");
        let described =
            "test accuracy, %: none visible 15.0, mouth +30.0 (27.6 to 32.4), eyes +15.2";
        assert!(figure.description.contains(described), "{}", figure.description);
        assert!(figure.description.ends_with("(−3.2 to −1.4), all 7 visible 75.0."));
    }

    #[test]
    fn every_game_is_a_panel() {
        let mut rows = study();
        for row in study() {
            let mut other = row.clone();
            other.phase = Phase::Amortised;
            rows.push(other.clone());
            other.fill = FillKind::Noise;
            other.seeds = 2;
            rows.push(other.clone());
            other.swept.insert("train.optimizer.learning_rate".to_owned(), "0.01".to_owned());
            rows.push(other);
        }
        let figure = drawn(&rows);
        assert_eq!(figure.width_mm, DOUBLE_COLUMN);
        let words = words(&figure);
        assert_eq!(words.matches("none visible").count(), 4, "{words}");
        assert!(words.contains("seeds differ between panels"), "{words}");
    }

    #[test]
    fn hard_cases_stay_legible() {
        let long = "a_region_of_ones_own_with_a_very_long_name_indeed";
        let mut alone = value(long, 60.0, (0.0, 0.0), &[]);
        (alone.low, alone.high, alone.seeds) = (None, None, 1);
        let mut nothing = [value("eyes", 0.0, (0.0, 0.0), &[]), value("jaw", 0.0, (0.0, 0.0), &[])];
        for row in &mut nothing {
            row.all_seen = row.none_seen;
        }
        let many: Vec<ShapleyRow> =
            (0..16).map(|index| value(&format!("own{index}"), 3.75, (-9.0, 16.5), &[])).collect();
        let down =
            [value("eyes", -30.0, (-70.0, 10.0), &[]), value("jaw", -9.0, (-9.5, -8.5), &[])];
        for rows in [vec![alone], nothing.to_vec(), many, down.to_vec()] {
            drawn(&rows);
        }
    }

    #[test]
    fn without_values_there_is_nothing_to_draw() {
        assert!(Attribution::of(&study(), Worth::Bits, &facts()).is_none());
    }
}

//! Effect by region: a dot with its interval line, the control beside it as a ring.

use crate::plan::Several;
use crate::region::Mode;
use crate::store::{EffectRow, Metric};

use crate::report::canvas::axis::{AXIS_HEIGHT, horizontal_axis};
use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    BLUE, DOUBLE_COLUMN, HEADING, INK, LABEL, MARGIN, MEDIUM, MUTED, NOTE, RULE, SINGLE_COLUMN,
    THIN, TICK,
};
use crate::report::findings::facts::Facts;
use crate::report::findings::finding::{Slice, interval, slices, told_from_zero};
use crate::report::words::headline;
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;

/// More rows than this are not a picture any more; the rest are counted.
const MOST_ROWS: usize = 30;
/// So many panels fill a page.
const MOST_PANELS: usize = 12;
/// Widest region name before it is broken, mm.
const NAME_WIDTH: f64 = 26.0;
const ROW_HEIGHT: f64 = 5.4;
const GUTTER: f64 = 5.0;
const DOT: f64 = 0.85;

/// One mode, phase, fill and setting.
struct Panel<'a> {
    slice: Slice<'a>,
    heading: Vec<String>,
    names: Vec<Vec<String>>,
    left_out: usize,
}

/// The effects of a metric, a panel for each mode, phase, fill and setting. A panel of `hide` shows
/// what is lost when the region is covered; a panel of `keep` what is reached when nothing else is seen.
///
/// # Errors
/// [`ReportError::Empty`] where no row has that metric.
pub fn effects(rows: &[EffectRow], metric: Metric, facts: &Facts) -> Result<Figure, ReportError> {
    let found = slices(rows, metric);
    if found.is_empty() {
        return Err(ReportError::Empty(format!("no effects of `{}`", metric.name())));
    }
    let measure = Measure::of(metric);
    let across = if found.len() == 1 { 1 } else { 2 };
    let width = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let panel_width = (width - 2.0 * MARGIN - (across as f64 - 1.0) * GUTTER) / across as f64;
    let several = facts.several.or(found[0].several);
    let title = several.title(headline(rows, metric), found[0].fill, found[0].swept);
    let further = found.len().saturating_sub(MOST_PANELS);
    let panels: Vec<Panel<'_>> = found
        .into_iter()
        .take(MOST_PANELS)
        .map(|slice| panel(slice, several, panel_width))
        .collect();

    let mut drawing = Drawing::new(width, &title);
    let mut y = drawing.heading(&subtitle(&panels, further, facts));
    for panel in &panels {
        drawing.describe(&description(panel, measure));
    }
    y = key(&mut drawing, &panels, y);
    for row_of_panels in panels.chunks(across) {
        let left = |column: usize| MARGIN + column as f64 * (panel_width + GUTTER);
        let layouts: Vec<Layout> = row_of_panels
            .iter()
            .enumerate()
            .map(|(column, panel)| Layout::of(panel, measure, facts, left(column), panel_width))
            .collect();
        let lines = row_of_panels.iter().map(|panel| panel.heading.len()).max().unwrap_or(1) as f64;
        let strip = layouts.iter().map(Layout::strip).fold(0.0, f64::max);
        let top = y + lines * HEADING.line() + 1.5 + strip;
        let mut bottom = top;
        for (column, (panel, layout)) in row_of_panels.iter().zip(&layouts).enumerate() {
            for (index, line) in panel.heading.iter().enumerate() {
                let baseline = y + HEADING.em() + index as f64 * HEADING.line();
                drawing.text(left(column), baseline, Anchor::Start, HEADING, line);
            }
            bottom = f64::max(bottom, draw_panel(&mut drawing, panel, layout, measure, top));
        }
        y = bottom + 4.0;
    }
    drawing.finish(y - 4.0 + MARGIN)
}

impl Panel<'_> {
    /// Whether it shows what is reached, not what is lost.
    fn keep(&self) -> bool {
        self.slice.mode == Mode::Keep
    }
}

fn panel<'a>(mut slice: Slice<'a>, several: Several, width: f64) -> Panel<'a> {
    let all = slice.rows.len();
    thin_out(&mut slice.rows);
    let left_out = all - slice.rows.len();
    if slice.mode == Mode::Keep {
        // What alone reaches most stands on top.
        let finished = slice.rows.iter().take_while(|row| row.effect.is_finite()).count();
        slice.rows[..finished].reverse();
    }
    let names = slice
        .rows
        .iter()
        .map(|row| fonts::wrap(&row.regions.join(" + "), LABEL, NAME_WIDTH))
        .collect();
    let what = match slice.mode {
        Mode::Keep => "Only the region seen",
        Mode::Hide => "The region hidden",
    };
    let heading = several.heading(what, (slice.phase, slice.fill, slice.swept));
    Panel { heading: fonts::wrap(&heading, HEADING, width), slice, names, left_out }
}

/// Leaves as many rows as a picture holds: the sets of fewest regions, which say most about each region; where
/// even these are too many, the largest effects.
fn thin_out(rows: &mut Vec<&EffectRow>) {
    if rows.len() <= MOST_ROWS {
        return;
    }
    let of_at_most = |size: usize| rows.iter().filter(|row| row.regions.len() <= size).count();
    let size = (1..).take_while(|&size| of_at_most(size) <= MOST_ROWS).last();
    match size.filter(|&size| of_at_most(size) > 0) {
        Some(size) => rows.retain(|row| row.regions.len() <= size),
        None => rows.truncate(MOST_ROWS),
    }
}

fn subtitle(panels: &[Panel<'_>], further: usize, facts: &Facts) -> String {
    let mut parts = vec![facts.subtitle()];
    let rows = || panels.iter().flat_map(|panel| &panel.slice.rows);
    let methods = rows().filter(|row| interval(row).is_some()).map(|row| row.method.as_str());
    match methods.into_iter().find(|method| !method.is_empty()) {
        Some(method) => parts.push(format!("95 % interval: {method}")),
        None if rows().all(|row| interval(row).is_none()) => {
            parts.push("no interval known".to_owned())
        }
        None => {}
    }
    if rows().all(|row| row.seeds == 1) {
        parts.push("with one seed only images are sampled".to_owned());
    }
    if rows().any(|row| told_from_zero(row) == Some(false)) {
        parts.push("pale: cannot be told from zero, corrected for their number".to_owned());
    }
    if panels.iter().any(Panel::keep) {
        parts.push("seen alone: the interval is that of the loss".to_owned());
    }
    let left_out: usize = panels.iter().map(|panel| panel.left_out).sum();
    if left_out > 0 {
        parts.push(format!("{left_out} more sets are in the table"));
    }
    if further > 0 {
        parts.push(format!(
            "the table has the {} not drawn",
            counted(further as u64, "combination")
        ));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// `The region hidden, points of test accuracy lost: mouth 13.7 (11.3 to 16.0), …`
fn description(panel: &Panel<'_>, measure: Measure) -> String {
    let keep = panel.keep();
    let rows = panel.slice.rows.iter().map(|row| {
        let (value, range) = (value_text(row, measure, keep), interval_text(row, measure, keep));
        format!("{} {value} {range}", row.regions.join(" + ")).trim_end().to_owned()
    });
    let heading = panel.heading.join(" ");
    let rows: Vec<String> = rows.collect();
    format!("{heading}, {}: {}.", axis_title(measure, keep), rows.join(", "))
}

/// What dot and ring are, where both occur.
fn key(drawing: &mut Drawing, panels: &[Panel<'_>], y: f64) -> f64 {
    let controlled =
        panels.iter().flat_map(|panel| &panel.slice.rows).any(|row| row.control.is_some());
    if !controlled {
        return y;
    }
    let middle = y + 0.8;
    let baseline = middle + CAP_MIDDLE * NOTE.em();
    let mut x = MARGIN + 2.5;
    drawing.line((x - 2.5, middle), (x + 2.5, middle), MEDIUM, BLUE);
    drawing.disc((x, middle), DOT, BLUE);
    let first = "the region, with its 95 % interval";
    drawing.text(x + 3.6, baseline, Anchor::Start, NOTE, first);
    x += 3.6 + fonts::width(first, NOTE) + 5.0;
    drawing.ring((x, middle), DOT, 0.25, MUTED);
    drawing.text(x + 2.0, baseline, Anchor::Start, NOTE, "the same area elsewhere");
    y + 5.0
}

/// Where a panel's parts lie, before anything is drawn.
struct Layout {
    start: f64,
    interval_end: f64,
    value_end: f64,
    scale: Scale,
    references: Vec<Reference>,
    heights: Vec<f64>,
}

/// A vertical line that the rows are held against, and its name above.
struct Reference {
    value: f64,
    name: String,
    /// The middle of the name, mm.
    x: f64,
    /// 0, or 1 where the name would touch the one before it.
    level: usize,
}

impl Layout {
    fn of(panel: &Panel<'_>, measure: Measure, facts: &Facts, left: f64, width: f64) -> Layout {
        let keep = panel.keep();
        let rows = &panel.slice.rows;
        let widest = |texts: &mut dyn Iterator<Item = String>, style| {
            texts.map(|text| fonts::width(&text, style)).fold(0.0, f64::max)
        };
        let names = widest(&mut panel.names.iter().flatten().cloned(), LABEL);
        let values = widest(&mut rows.iter().map(|row| value_text(row, measure, keep)), NOTE);
        let intervals = widest(&mut rows.iter().map(|row| interval_text(row, measure, keep)), NOTE);
        let interval_end = left + width;
        let value_end = interval_end - if intervals > 0.0 { intervals + 1.2 } else { 0.0 };
        let (start, end) = (left + names + 3.0, value_end - values - 3.0);

        let lines = if keep { reference_lines(rows, measure, facts) } else { Vec::new() };
        let shown = rows
            .iter()
            .flat_map(|row| drawn_values(row, keep))
            .chain(lines.iter().map(|line| line.0));
        let shown = shown.map(|value| value * measure.factor);
        // Zero and a little to both sides: an axis never magnifies what the decimals do not show.
        let least = 5.0 * 10f64.powi(-(measure.decimals as i32));
        let around_zero = if keep { [None; 2] } else { [Some(-least), Some(least)] };
        let scale = Scale::around(shown.chain(around_zero.into_iter().flatten()), 0.04, start, end);

        let mut taken = f64::NEG_INFINITY;
        let mut level = 0;
        let mut references = Vec::new();
        for (value, name) in lines {
            let half = fonts::width(&name, TICK) / 2.0;
            let x = scale.at(value * measure.factor).clamp(left + half, left + width - half);
            level += usize::from(x - half < taken + 1.5);
            taken = x + half;
            references.push(Reference { value, name, x, level });
        }
        let heights = panel
            .names
            .iter()
            .map(|name| ROW_HEIGHT.max(name.len() as f64 * LABEL.line() + 1.8))
            .collect();
        Layout { start, interval_end, value_end, scale, references, heights }
    }

    /// Room for the names of the reference lines, mm.
    fn strip(&self) -> f64 {
        self.references.last().map_or(0.0, |last| (last.level as f64 + 1.0) * TICK.line() + 0.8)
    }
}

/// Draws one panel whose rows begin at `top`; returns the y below it.
fn draw_panel(
    drawing: &mut Drawing,
    panel: &Panel<'_>,
    layout: &Layout,
    measure: Measure,
    top: f64,
) -> f64 {
    let keep = panel.keep();
    let place = |value: f64| layout.scale.at(value * measure.factor);
    let bottom = top + layout.heights.iter().sum::<f64>();
    horizontal_axis(drawing, &layout.scale, (top, bottom), &axis_title(measure, keep));
    for line in &layout.references {
        let baseline = top - layout.strip() + TICK.em() + line.level as f64 * TICK.line();
        drawing.text(line.x, baseline, Anchor::Middle, TICK, &line.name);
        let x = place(line.value);
        drawing.line((x, top), (x, bottom), THIN, MUTED);
    }
    if !keep {
        drawing.line((place(0.0), top), (place(0.0), bottom), THIN, INK);
    }
    let mut y = top;
    for ((row, name), height) in panel.slice.rows.iter().zip(&panel.names).zip(&layout.heights) {
        let middle = y + height / 2.0;
        drawing.text_block(layout.start - 3.0, middle, Anchor::End, LABEL, name);
        let texts = [
            (layout.value_end, value_text(row, measure, keep)),
            (layout.interval_end, interval_text(row, measure, keep)),
        ];
        for (end, text) in texts {
            drawing.text_block(end, middle, Anchor::End, NOTE, &[text]);
        }
        draw_row(drawing, row, keep, middle, &place);
        y += height;
    }
    bottom + AXIS_HEIGHT
}

fn draw_row(
    drawing: &mut Drawing,
    row: &EffectRow,
    keep: bool,
    middle: f64,
    place: &dyn Fn(f64) -> f64,
) {
    // Paler than the blue in grey print too.
    let colour = if told_from_zero(row) == Some(true) { BLUE } else { RULE };
    // The control a little lower, so that neither hides the other.
    if let Some(control) = control_value(row, keep) {
        drawing.ring((place(control), middle + 1.3), DOT, 0.25, MUTED);
    }
    if let Some((low, high)) = interval(row) {
        let (low, high) =
            if keep { (row.baseline - high, row.baseline - low) } else { (low, high) };
        drawing.line((place(low), middle - 0.3), (place(high), middle - 0.3), MEDIUM, colour);
    }
    let value = if keep { row.covered } else { row.effect };
    if value.is_finite() {
        drawing.disc((place(value), middle - 0.3), DOT, colour);
    }
}

fn control_value(row: &EffectRow, keep: bool) -> Option<f64> {
    let control = row.control.filter(|control| control.is_finite())?;
    Some(if keep { control } else { row.baseline - control })
}

/// Everything a row puts on the axis.
fn drawn_values(row: &EffectRow, keep: bool) -> Vec<f64> {
    let mut values = vec![if keep { row.covered } else { row.effect }];
    values.extend(control_value(row, keep));
    if let Some((low, high)) = interval(row) {
        values.extend(if keep { [row.baseline - high, row.baseline - low] } else { [low, high] });
    }
    values
}

fn value_text(row: &EffectRow, measure: Measure, keep: bool) -> String {
    let value = if keep { row.covered } else { row.effect };
    if value.is_finite() { measure.number(value) } else { "no result".to_owned() }
}

fn interval_text(row: &EffectRow, measure: Measure, keep: bool) -> String {
    let Some((low, high)) = interval(row) else { return String::new() };
    let (low, high) = if keep { (row.baseline - high, row.baseline - low) } else { (low, high) };
    format!("({} to {})", measure.number(low), measure.number(high))
}

/// What a region alone is held against: an answer without looking, and the whole face.
fn reference_lines(rows: &[&EffectRow], measure: Measure, facts: &Facts) -> Vec<(f64, String)> {
    let mut lines = Vec::new();
    if let Some(chance) = facts.chance.filter(|_| measure.has_chance) {
        lines.push((chance, format!("chance {}", measure.number(chance))));
    }
    if let Some(row) = rows.iter().find(|row| row.baseline.is_finite()) {
        lines.push((row.baseline, format!("whole face {}", measure.number(row.baseline))));
    }
    lines
}

fn axis_title(measure: Measure, keep: bool) -> String {
    match (keep, measure.factor == 100.0) {
        (true, true) => format!("{}, %", measure.name),
        (true, false) => format!("{}, {}", measure.name, measure.unit),
        (false, _) => format!("{} lost, {}", measure.name, measure.unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{FillKind, Phase};
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::finding::tests::{row, with_control};

    fn facts() -> Facts {
        Facts {
            dataset: "faces".to_owned(),
            images: 1400,
            seeds: 3,
            chance: Some(0.143),
            ..Facts::default()
        }
    }

    fn study() -> Vec<EffectRow> {
        let sizes = [("forehead", 0.2), ("mouth", 21.0), ("eyes", 11.4), ("jaw", -0.6)];
        let mut rows = Vec::new();
        for (region, size) in sizes {
            let hidden = row(region, "hide", size, Some((size - 2.0, size + 2.0)));
            rows.push(with_control(hidden, size / 2.0, (size / 2.0 - 2.0, size / 2.0 + 2.0)));
            rows.push(row(region, "keep", 60.0 - size, Some((58.0 - size, 62.0 - size))));
        }
        rows
    }

    #[test]
    fn both_modes_are_labelled_and_nothing_overlaps() {
        let figure = effects(&study(), Metric::Accuracy, &facts()).unwrap();
        assert_labels_are_apart(&figure);
        assert_eq!(figure.width_mm, DOUBLE_COLUMN);
        assert_eq!(figure.title, "Hiding the mouth costs most: 21 points");
        let words = words(&figure);
        for label in
            ["mouth", "21.0", "(19.0 to 23.0)", "−0.6", "chance 14.3", "whole face 83.0", "44.0"]
        {
            assert!(words.lines().any(|line| line == label), "{label} is missing:\n{words}");
        }
        assert!(words.contains("the same area elsewhere"), "{words}");
    }

    #[test]
    fn rows_are_sorted_by_size() {
        let figure = effects(&study(), Metric::Accuracy, &facts()).unwrap();
        let words = words(&figure);
        let order: Vec<&str> = words
            .lines()
            .filter(|line| ["mouth", "eyes", "forehead", "jaw"].contains(line))
            .collect();
        assert_eq!(order, ["mouth", "eyes", "forehead", "jaw", "mouth", "eyes", "forehead", "jaw"]);
    }

    #[test]
    fn hard_cases_stay_legible() {
        let long = "brow_left+eye_left+a_region_of_ones_own_with_a_very_long_name_indeed";
        let mut failed = row("nose", "keep", f64::NAN, None);
        failed.covered = f64::NAN;
        let near_chance = row("jaw", "keep", 83.0 - 14.0, Some((68.0, 70.0)));
        let cases = [
            vec![row("eyes", "hide", 0.0, None)],
            vec![row("eyes", "hide", 0.0, Some((0.0, 0.0)))],
            vec![row(long, "hide", 11.4, Some((8.0, 15.0))), row("nose", "hide", f64::NAN, None)],
            vec![failed.clone()],
            vec![near_chance, failed],
            (0..127)
                .map(|index| row(&format!("own{index}"), "hide", f64::from(index) / 9.0, None))
                .collect(),
        ];
        for rows in cases {
            assert_labels_are_apart(&effects(&rows, Metric::Accuracy, &facts()).unwrap());
        }
    }

    #[test]
    fn of_many_sets_the_smallest_are_drawn() {
        // Single regions matter least here; still they are what a reader looks for.
        let mut rows = Vec::new();
        for size in 1..=7usize {
            for set in 0..[7, 21, 35, 35, 21, 7, 1][size - 1] {
                let names: Vec<String> = (0..size).map(|k| format!("r{set}_{k}")).collect();
                rows.push(row(&names.join("+"), "hide", size as f64, None));
            }
        }
        let figure = effects(&rows, Metric::Accuracy, &facts()).unwrap();
        assert_labels_are_apart(&figure);
        let words = words(&figure);
        assert!(words.lines().any(|line| line == "r6_0"), "{words}");
        let words = words.replace('\n', " ");
        assert!(words.contains("99 more sets are in the table"), "{words}");
        assert!(figure.title.starts_with("Of single regions, what hiding"), "{}", figure.title);
    }

    #[test]
    fn a_large_sweep_fills_a_page_and_no_more() {
        let mut rows = Vec::new();
        for seed in 0..40 {
            let mut other = row("eyes", "hide", 11.4, Some((8.0, 15.0)));
            other.swept.insert("dataset.seed".to_owned(), format!("{seed:02}"));
            rows.push(other);
        }
        let figure = effects(&rows, Metric::Accuracy, &facts()).unwrap();
        assert_labels_are_apart(&figure);
        assert!(words(&figure).contains("the table has the 28 combinations not drawn"));
        assert_eq!(figure.title, "Hiding the eyes costs 11 points (seed 00)");
        assert!(figure.height_mm < 297.0, "{}", figure.height_mm);
    }

    #[test]
    fn references_that_lie_close_are_named_on_two_levels() {
        let mut weak = row("eyes", "keep", 2.0, Some((1.0, 3.0)));
        weak.baseline = 0.16;
        weak.covered = 0.14;
        let figure = effects(&[weak], Metric::Accuracy, &facts()).unwrap();
        assert_labels_are_apart(&figure);
        assert!(words(&figure).contains("chance 14.3"));
    }

    #[test]
    fn phases_fills_and_settings_are_panels_of_their_own() {
        let mut rows = study();
        for original in study() {
            let mut other = original.clone();
            other.phase = Phase::Evaluate;
            rows.push(other.clone());
            other.fill = FillKind::Noise;
            rows.push(other.clone());
            other.swept.insert("train.optimizer.learning_rate".to_owned(), "0.01".to_owned());
            rows.push(other);
        }
        let figure = effects(&rows, Metric::Accuracy, &facts()).unwrap();
        assert_labels_are_apart(&figure);
        let words = words(&figure);
        assert!(
            words.contains("trained on whole faces") && words.contains("noise fill"),
            "{words}"
        );
        assert!(words.contains("learning_rate 0.01"), "{words}");
    }

    #[test]
    fn an_unknown_metric_is_nothing_to_draw() {
        assert!(matches!(effects(&study(), Metric::Bits, &facts()), Err(ReportError::Empty(_))));
    }
}

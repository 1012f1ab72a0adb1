//! Effect by region: a dot with its interval line, the control beside it as a ring.

use crate::report::canvas::axis::{AXIS_HEIGHT, horizontal_axis};
use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    BLUE, CATEGORIES, Colour, DOUBLE_COLUMN, HAIRLINE, HEADING, INK, LABEL, MARGIN, MEDIUM, MUTED,
    NOTE, RULE, SINGLE_COLUMN, THIN, TICK,
};
use crate::report::findings::effects::{EffectPanel, Effects, Estimated, Question, Reference};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::headline;
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{counted, p_value};

/// So many panels fill a page.
const MOST_PANELS: usize = 12;
/// Widest region name before it is broken, mm.
const NAME_WIDTH: f64 = 26.0;
const ROW_HEIGHT: f64 = 6.2;
const GUTTER: f64 = 5.0;
const DOT: f64 = 0.85;
const SEED_DOT: f64 = 0.4;
/// What is significantly below chance, or gains when it is masked; darker than orange, so that it is seen on white.
const BELOW: Colour = CATEGORIES[5];
/// How far over and under the region's line its seeds and its control lie, mm.
const APART: f64 = 1.5;
/// More placements than these are told by their range.
const MOST_LISTED: usize = 4;

/// A panel and its words, broken for its width.
struct Panel<'a> {
    shown: &'a EffectPanel<'a>,
    heading: Vec<String>,
    /// Of each condition.
    names: Vec<Vec<String>>,
}

/// The effects of a metric, a panel for each mode, phase and fill. A panel of what is lost when the region is masked is
/// blue where the loss is significant; one of what is reached when only the region is visible, where that is
/// significantly above chance. A significant gain, and what is significantly below chance, is an orange diamond. All panels have their rows in one order and those of a question one scale.
///
/// # Errors
/// Where it cannot be drawn.
pub fn effects(found: &Effects<'_>) -> Result<Figure, ReportError> {
    match found.panels.len() {
        0 | 1 => draw(found, 1),
        _ => Ok(draw(found, 2)?.with_narrow(draw(found, 1)?)),
    }
}

/// Draws the panels, so many beside each other.
fn draw(found: &Effects<'_>, across: usize) -> Result<Figure, ReportError> {
    let measure = Measure::of(found.metric);
    let width = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let panel_width = (width - 2.0 * MARGIN - (across as f64 - 1.0) * GUTTER) / across as f64;
    let further = found.panels.len().saturating_sub(MOST_PANELS);
    let panels: Vec<Panel<'_>> =
        found.panels.iter().take(MOST_PANELS).map(|shown| Panel::of(shown, panel_width)).collect();

    let mut drawing = Drawing::new(width, &title(found, measure));
    let mut y = drawing.heading(&subtitle(&panels, further, found));
    for panel in &panels {
        drawing.describe(&description(panel, measure));
    }
    drawing.data(data(&panels, measure));
    y = key(&mut drawing, &panels, y);
    let range = |question| values_shown(&panels, question);
    let (losses, levels) = (range(Question::Loss), range(Question::Reached));
    for row_of_panels in panels.chunks(across) {
        let left = |column: usize| MARGIN + column as f64 * (panel_width + GUTTER);
        let layouts: Vec<Layout> = row_of_panels
            .iter()
            .enumerate()
            .map(|(column, panel)| {
                let range = match panel.shown.question {
                    Question::Loss => &losses,
                    Question::Reached => &levels,
                };
                Layout::of(panel, measure, range, left(column), panel_width)
            })
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

/// The finding of the first panel.
fn title(found: &Effects<'_>, measure: Measure) -> String {
    let first = &found.slices[0];
    found.several.title(headline(&found.slices, measure), first.fill, first.swept)
}

/// All that panels of a question put on their axis.
fn values_shown(panels: &[Panel<'_>], question: Question) -> Vec<f64> {
    let mut shown = Vec::new();
    for panel in panels.iter().filter(|panel| panel.shown.question == question) {
        for row in &panel.shown.conditions {
            shown.push(row.value);
            shown.extend(row.control);
            shown.extend(row.interval.into_iter().flat_map(|(low, high)| [low, high]));
            shown.extend([&row.spread.seeds, &row.spread.controls].into_iter().flatten());
        }
        shown.extend(panel.shown.references.iter().map(|reference| reference.level()));
    }
    shown
}

/// A row a region and panel.
fn data(panels: &[Panel<'_>], measure: Measure) -> Table {
    let list = |values: &[f64]| {
        let values = values.iter().map(|value| (value * 1e9).round() / 1e9);
        Cell::text(values.map(|value| value.to_string()).collect::<Vec<_>>().join(" "))
    };
    let mut table = Table::new(vec![
        Column::text("panel", "panel"),
        Column::text("regions", "regions"),
        Column::number("value", "value"),
        Column::number("control", "control"),
        Column::number("p_adjusted", "p, Holm"),
        Column::text("significant", "significant"),
        Column::text("seeds", "seeds"),
        Column::text("controls", "controls"),
    ]);
    for panel in panels {
        for row in &panel.shown.conditions {
            table.push(vec![
                Cell::text(panel.heading.join(" ")),
                Cell::text(row.regions.join(" + ")),
                Cell::of(row.value, measure).with_interval(row.interval),
                row.control.map_or(Cell::Empty, |control| Cell::of(control, measure)),
                row.p_adjusted.map_or(Cell::Empty, Cell::P),
                row.significant.map_or(Cell::Empty, Cell::Flag),
                list(&row.spread.seeds),
                list(&row.spread.controls),
            ]);
        }
    }
    table
}

impl<'a> Panel<'a> {
    fn of(shown: &'a EffectPanel<'a>, width: f64) -> Panel<'a> {
        let name = |row: &Estimated<'_>| fonts::wrap(&row.regions.join(" + "), LABEL, NAME_WIDTH);
        Panel {
            shown,
            heading: fonts::wrap(&shown.heading, HEADING, width),
            names: shown.conditions.iter().map(name).collect(),
        }
    }
}

fn subtitle(panels: &[Panel<'_>], further: usize, found: &Effects<'_>) -> String {
    let mut parts = vec![found.facts.subtitle()];
    let rows = || panels.iter().flat_map(|panel| &panel.shown.conditions);
    let methods = rows().filter(|row| row.interval.is_some()).map(|row| row.method);
    match methods.into_iter().find(|method| !method.is_empty()) {
        Some(method) => parts.push(format!("95 % CI ({method})")),
        None if rows().all(|row| row.interval.is_none()) => parts.push("no intervals".to_owned()),
        None => {}
    }
    if rows().all(|row| row.seeds == 1) {
        parts.push("one seed: intervals cover images only".to_owned());
    }
    if rows().any(|row| row.significant == Some(false)) {
        parts.push("grey: not significant (Holm-corrected)".to_owned());
    }
    if rows().any(|row| row.against_chance) {
        parts.push("only the region visible: tested against chance".to_owned());
    }
    let left_out: usize = panels.iter().map(|panel| panel.shown.left_out).sum();
    if left_out > 0 {
        parts.push(format!("{left_out} more sets: see the table"));
    }
    if further > 0 {
        parts.push(format!("{} not drawn: see the table", counted(further as u64, "combination")));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// `Region masked, loss of test accuracy, points: mouth 13.7 (11.3 to 16.0), …`
fn description(panel: &Panel<'_>, measure: Measure) -> String {
    let rows = panel.shown.conditions.iter().map(|row| {
        let (value, range) = (value_text(row, measure), interval_text(row, measure));
        format!("{} {value} {range}", row.regions.join(" + ")).trim_end().to_owned()
    });
    let heading = panel.heading.join(" ");
    let rows: Vec<String> = rows.collect();
    format!("{heading}, {}: {}.", axis_title(measure, panel.shown.question), rows.join(", "))
}

/// Words of the key, and the mark that they explain: its width, mm, and what draws it from a left end and a middle.
type Entry<'a> = (&'a str, f64, &'a dyn Fn(&mut Drawing, f64, f64));

/// What dot, ring and strokes are, where they occur.
fn key(drawing: &mut Drawing, panels: &[Panel<'_>], y: f64) -> f64 {
    let rows = || panels.iter().flat_map(|panel| &panel.shown.conditions);
    let spreads = || rows().map(|row| &row.spread);
    let controlled = rows().any(|row| row.control.is_some());
    let seeds = spreads().any(|spread| spread.seeds.len() > 1);
    let places = spreads().any(|spread| spread.controls.len() > 1);
    let below = below_words(panels);
    if !controlled && !seeds && below.is_none() {
        return y;
    }
    let mut entries: Vec<Entry<'_>> = Vec::new();
    entries.push(("region, with its 95 % CI", 5.0, &|drawing, x, y| {
        drawing.line((x, y), (x + 5.0, y), MEDIUM, BLUE);
        drawing.disc((x + 2.5, y), DOT, BLUE);
    }));
    if let Some(words) = below {
        entries.push((words, 5.0, &|drawing, x, y| {
            drawing.line((x, y), (x + 5.0, y), MEDIUM, BELOW);
            diamond(drawing, (x + 2.5, y));
        }));
    }
    if seeds {
        entries
            .push(("one seed", 1.0, &|drawing, x, y| drawing.disc((x + 0.5, y), SEED_DOT, MUTED)));
    }
    if controlled {
        entries.push(("same area elsewhere (control)", 2.0, &|drawing, x, y| {
            drawing.ring((x + 1.0, y), DOT, 0.25, MUTED)
        }));
    }
    if places {
        entries.push(("each control placement", 2.0, &|drawing, x, y| {
            let strokes = [x, x + 2.0];
            drawing.line((strokes[0], y), (strokes[1], y), HAIRLINE, MUTED);
            for x in strokes {
                drawing.line((x, y - 0.6), (x, y + 0.6), THIN, MUTED);
            }
        }));
    }
    let (mut x, mut middle) = (MARGIN, y + 0.8);
    for (words, width, draw) in entries {
        let all = width + 1.2 + fonts::width(words, NOTE);
        if x > MARGIN && x + all > drawing.width - MARGIN {
            (x, middle) = (MARGIN, middle + NOTE.line());
        }
        draw(drawing, x, middle);
        drawing.text(x + width + 1.2, middle + CAP_MIDDLE * NOTE.em(), Anchor::Start, NOTE, words);
        x += all + 4.0;
    }
    middle + 4.2
}

/// What an orange diamond says, where there is one.
fn below_words(panels: &[Panel<'_>]) -> Option<&'static str> {
    let has = |question| {
        let panels = panels.iter().filter(|panel| panel.shown.question == question);
        panels.flat_map(|panel| &panel.shown.conditions).any(Estimated::is_below)
    };
    match (has(Question::Loss), has(Question::Reached)) {
        (false, false) => None,
        (true, false) => Some("significant gain when masked"),
        (false, true) => Some("significantly below chance"),
        (true, true) => Some("significantly below chance, or gain when masked"),
    }
}

/// Another form than a dot, so that it is told apart in grey.
fn diamond(drawing: &mut Drawing, (x, y): (f64, f64)) {
    let half = 1.4 * DOT;
    drawing.area(vec![(x - half, y), (x, y - half), (x + half, y), (x, y + half)], BELOW, 1.0);
}

/// Where a panel's parts lie, before anything is drawn.
struct Layout {
    left: f64,
    start: f64,
    interval_end: f64,
    value_end: f64,
    scale: Scale,
    references: Vec<ReferenceLine>,
    heights: Vec<f64>,
}

/// A vertical line that the rows are compared with, and its name above.
struct ReferenceLine {
    value: f64,
    name: String,
    /// The middle of the name, mm.
    x: f64,
    /// 0, or 1 where the name would touch the one before it.
    level: usize,
}

impl Layout {
    fn of(panel: &Panel<'_>, measure: Measure, shown: &[f64], left: f64, width: f64) -> Layout {
        let EffectPanel { question, conditions: rows, references: lines, .. } = panel.shown;
        let widest = |texts: &mut dyn Iterator<Item = String>, style| {
            texts.map(|text| fonts::width(&text, style)).fold(0.0, f64::max)
        };
        let names = widest(&mut panel.names.iter().flatten().cloned(), LABEL);
        let values = widest(&mut rows.iter().map(|row| value_text(row, measure)), NOTE);
        let intervals = widest(&mut rows.iter().map(|row| interval_text(row, measure)), NOTE);
        let interval_end = left + width;
        let value_end = interval_end - if intervals > 0.0 { intervals + 1.2 } else { 0.0 };
        let (start, end) = (left + names + 3.0, value_end - values - 3.0);

        let shown = shown.iter().map(|value| value * measure.factor);
        // Zero and a little to both sides: an axis never magnifies what the decimals do not show.
        let least = 5.0 * 10f64.powi(-(measure.decimals as i32));
        let around_zero: &[f64] = match question {
            Question::Loss => &[-least, least],
            Question::Reached => &[],
        };
        let scale = Scale::around(shown.chain(around_zero.iter().copied()), 0.04, start, end);

        let mut taken = f64::NEG_INFINITY;
        let mut level = 0;
        let mut references = Vec::new();
        for line in lines {
            let (value, name) = (line.level(), reference_name(*line, measure));
            let half = fonts::width(&name, TICK) / 2.0;
            let x = scale.at(value * measure.factor).clamp(left + half, left + width - half);
            level += usize::from(x - half < taken + 1.5);
            taken = x + half;
            references.push(ReferenceLine { value, name, x, level });
        }
        let heights = panel
            .names
            .iter()
            .map(|name| ROW_HEIGHT.max(name.len() as f64 * LABEL.line() + 1.8))
            .collect();
        Layout { left, start, interval_end, value_end, scale, references, heights }
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
    let question = panel.shown.question;
    let place = |value: f64| layout.scale.at(value * measure.factor);
    let bottom = top + layout.heights.iter().sum::<f64>();
    horizontal_axis(drawing, &layout.scale, (top, bottom), &axis_title(measure, question));
    for line in &layout.references {
        let baseline = top - layout.strip() + TICK.em() + line.level as f64 * TICK.line();
        drawing.text(line.x, baseline, Anchor::Middle, TICK, &line.name);
        let x = place(line.value);
        drawing.line((x, top), (x, bottom), THIN, MUTED);
    }
    if question == Question::Loss {
        drawing.line((place(0.0), top), (place(0.0), bottom), THIN, INK);
    }
    let mut y = top;
    let rows = panel.shown.conditions.iter().zip(&panel.names);
    for ((row, name), height) in rows.zip(&layout.heights) {
        let middle = y + height / 2.0;
        let at = (layout.left, y);
        let size = (layout.interval_end - layout.left, *height);
        drawing.hinted(&hint(row, measure, question), at, size, |drawing| {
            drawing.text_block(layout.start - 3.0, middle, Anchor::End, LABEL, name);
            let texts = [
                (layout.value_end, value_text(row, measure)),
                (layout.interval_end, interval_text(row, measure)),
            ];
            for (end, text) in texts {
                drawing.text_block(end, middle, Anchor::End, NOTE, &[text]);
            }
            draw_row(drawing, row, middle, &place);
        });
        y += height;
    }
    bottom + AXIS_HEIGHT
}

fn draw_row(drawing: &mut Drawing, row: &Estimated<'_>, middle: f64, place: &dyn Fn(f64) -> f64) {
    // Paler than the blue in grey print too.
    let colour = match row.significant {
        Some(true) if row.is_below() => BELOW,
        Some(true) => BLUE,
        _ => RULE,
    };
    // The control a little lower, the seeds a little higher, so that none hides another.
    let (above, below) = (middle - APART, middle + APART);
    if let [first, .., last] = sorted(&row.spread.controls)[..] {
        drawing.line((place(first), below), (place(last), below), HAIRLINE, MUTED);
        for &control in &row.spread.controls {
            let x = place(control);
            drawing.line((x, below - 0.6), (x, below + 0.6), THIN, MUTED);
        }
    }
    if let Some(control) = row.control {
        drawing.ring((place(control), below), DOT, 0.25, MUTED);
    }
    if let [_, _, ..] = row.spread.seeds[..] {
        for &seed in &row.spread.seeds {
            drawing.disc((place(seed), above), SEED_DOT, MUTED);
        }
    }
    if let Some((low, high)) = row.interval {
        drawing.line((place(low), middle), (place(high), middle), MEDIUM, colour);
    }
    match (row.value.is_finite(), row.is_below()) {
        (false, _) => {}
        (true, true) => diamond(drawing, (place(row.value), middle)),
        (true, false) => drawing.disc((place(row.value), middle), DOT, colour),
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// `mouth: 13.7 points of test accuracy lost (95 % CI 11.3 to 16.0; p = 0.012, Holm-corrected); seeds 12.1, 13.9, …`
fn hint(row: &Estimated<'_>, measure: Measure, question: Question) -> String {
    let list = |values: &[f64]| {
        values.iter().map(|value| measure.number(*value)).collect::<Vec<_>>().join(", ")
    };
    let mut inner = Vec::new();
    if let Some((low, high)) = row.interval {
        inner.push(format!("95 % CI {} to {}", measure.number(low), measure.number(high)));
    }
    if let Some(p) = row.p_adjusted {
        let p = p_value(p);
        let sign = if p.starts_with('<') { "p " } else { "p = " };
        let against = if row.against_chance { " against chance" } else { "" };
        inner.push(format!("{sign}{p}{against}, Holm-corrected"));
    }
    let inner = if inner.is_empty() { String::new() } else { format!(" ({})", inner.join("; ")) };
    let what = match question {
        Question::Reached => format!("{} {}", measure.amount_unit(), measure.short_name()),
        Question::Loss => format!("{} lost", measure.long_unit),
    };
    let value = value_text(row, measure);
    let mut parts = vec![format!("{}: {value} {what}{inner}", row.regions.join(" + "))];
    if row.spread.seeds.len() > 1 {
        parts.push(format!("seeds {}", list(&row.spread.seeds)));
    }
    if let Some(control) = row.control {
        parts.push(format!("same area elsewhere {}", measure.number(control)));
    }
    match &sorted(&row.spread.controls)[..] {
        [] | [_] => {}
        few @ [_, _, ..] if few.len() <= MOST_LISTED => {
            parts.push(format!("by placement {}", list(&row.spread.controls)));
        }
        [first, .., last] => {
            let (first, last) = (list(&[*first]), list(&[*last]));
            parts.push(format!("{} placements, {first} to {last}", row.spread.controls.len()));
        }
    }
    parts.join("; ")
}

fn value_text(row: &Estimated<'_>, measure: Measure) -> String {
    if row.value.is_finite() { measure.number(row.value) } else { "no result".to_owned() }
}

fn interval_text(row: &Estimated<'_>, measure: Measure) -> String {
    let Some((low, high)) = row.interval else { return String::new() };
    format!("({} to {})", measure.number(low), measure.number(high))
}

fn reference_name(reference: Reference, measure: Measure) -> String {
    match reference {
        Reference::Chance(level) => format!("chance {}", measure.number(level)),
        Reference::WholeFace(level) => format!("whole face {}", measure.number(level)),
    }
}

fn axis_title(measure: Measure, question: Question) -> String {
    match (question, measure.factor == 100.0) {
        (Question::Reached, true) => format!("{}, %", measure.name),
        (Question::Reached, false) => format!("{}, {}", measure.name, measure.unit),
        (Question::Loss, _) => format!("loss of {}, {}", measure.name, measure.unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{FillKind, Phase};
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::evidence::Evidence;
    use crate::report::findings::facts::Facts;
    use crate::report::findings::finding::tests::{paired, row, with_chance, with_control};
    use crate::store::{EffectRow, Metric};

    fn facts() -> Facts {
        Facts {
            dataset: "faces".to_owned(),
            images: 1400,
            seeds: 3,
            chance: Some(0.143),
            ..Facts::default()
        }
    }

    /// Of rows of accuracy, in their order; nothing is drawn over anything else.
    fn drawn(rows: &[EffectRow]) -> Figure {
        let (effects, contrasts) = (rows.to_vec(), paired(rows));
        let evidence = Evidence { effects, contrasts, ..Evidence::default() };
        let facts = facts().in_order_of(rows);
        let found = Effects::of(&evidence, Metric::Accuracy, None, &facts).unwrap();
        let figure = super::effects(&found).unwrap();
        assert_labels_are_apart(&figure);
        figure
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
        let figure = drawn(&study());
        assert_eq!(figure.width_mm, DOUBLE_COLUMN);
        assert_eq!(figure.title, "Masking the mouth costs most: 21 points");
        let words = words(&figure);
        for label in
            ["mouth", "21.0", "(19.0 to 23.0)", "−0.6", "chance 14.3", "whole face 83.0", "44.0"]
        {
            assert!(words.lines().any(|line| line == label), "{label} is missing:\n{words}");
        }
        assert!(words.contains("same area elsewhere (control)"), "{words}");
    }

    /// Blue is what differs from chance, not what loses against whole faces.
    #[test]
    fn what_a_region_tells_alone_is_coloured_by_its_test_against_chance() {
        let kept = |name, loss: f64, p| {
            let row = row(name, "keep", loss, Some((loss - 2.0, loss + 2.0)));
            EffectRow {
                p_adjusted: Some(1.0 - p),
                excess_p_adjusted: Some(p),
                ..with_chance(row, 14.3)
            }
        };
        let informative = drawn(&[kept("eyes", 40.0, 0.001)]);
        assert!(informative.svg.contains(&BLUE.hex()) && !words(&informative).contains("grey:"));
        assert!(words(&informative).contains("(41.0 to 45.0)"), "{}", words(&informative));
        let uninformative = drawn(&[kept("jaw", 68.7, 0.9)]);
        assert!(!uninformative.svg.contains(&BLUE.hex()));
        assert!(words(&uninformative).replace('\n', " ").contains("tested against chance"));
        assert_eq!(
            uninformative.title,
            "With only the jaw visible, accuracy is 14.3 %, not significantly different from chance"
        );
    }

    /// The forehead alone reaches 34.6 % where chance is 36.6 %: significantly less, which is no signal.
    #[test]
    fn what_is_below_chance_has_a_colour_and_a_form_of_its_own() {
        let kept = |name, reached: f64| {
            let lost = 83.0 - reached;
            let row = row(name, "keep", lost, Some((lost - 1.0, lost + 1.0)));
            EffectRow { excess_p_adjusted: Some(0.01), ..with_chance(row, 36.6) }
        };
        let figure = drawn(&[kept("mouth", 50.0), kept("forehead", 34.6)]);
        let (blue, below) = (BLUE.hex(), BELOW.hex());
        assert!(figure.svg.contains(&blue) && figure.svg.contains(&below));
        assert!(words(&figure).contains("significantly below chance"), "{}", words(&figure));
        let figure = drawn(&[kept("mouth", 50.0)]);
        assert!(!figure.svg.contains(&below) && !words(&figure).contains("below chance"));
        let gain = row("jaw", "hide", -3.0, Some((-5.0, -1.0)));
        let figure = drawn(&[row("mouth", "hide", 9.0, Some((7.0, 11.0))), gain]);
        assert!(figure.svg.contains(&below), "{}", figure.svg);
        assert!(words(&figure).contains("significant gain when masked"), "{}", words(&figure));
    }

    #[test]
    fn rows_are_sorted_by_size() {
        let figure = drawn(&study());
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
            drawn(&rows);
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
        let figure = drawn(&rows);
        let words = words(&figure);
        assert!(words.lines().any(|line| line == "r6_0"), "{words}");
        let words = words.replace('\n', " ");
        assert!(words.contains("120 more sets: see the table"), "{words}");
        assert!(figure.title.starts_with("Of single regions, cost of masking"), "{}", figure.title);
    }

    #[test]
    fn a_large_sweep_fills_a_page_and_no_more() {
        let mut rows = Vec::new();
        for seed in 0..40 {
            let mut other = row("eyes", "hide", 11.4, Some((8.0, 15.0)));
            other.swept.insert("dataset.seed".to_owned(), format!("{seed:02}"));
            rows.push(other);
        }
        let figure = drawn(&rows);
        assert!(words(&figure).contains("28 combinations not drawn: see the table"));
        assert_eq!(figure.title, "Masking the eyes costs 11 points (seed 00)");
        assert!(figure.height_mm < 297.0, "{}", figure.height_mm);
    }

    #[test]
    fn references_that_lie_close_are_named_on_two_levels() {
        let mut weak = row("eyes", "keep", 2.0, Some((1.0, 3.0)));
        weak.baseline = 0.16;
        weak.covered = 0.14;
        let figure = drawn(&[weak]);
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
        let figure = drawn(&rows);
        let words = words(&figure);
        assert!(
            words.contains("trained on whole faces") && words.contains("noise fill"),
            "{words}"
        );
        assert!(words.contains("learning_rate 0.01"), "{words}");
    }

    #[test]
    fn an_unknown_metric_is_nothing_to_draw() {
        let evidence = Evidence { effects: study(), ..Evidence::default() };
        assert!(Effects::of(&evidence, Metric::Bits, None, &facts()).is_none());
    }
}

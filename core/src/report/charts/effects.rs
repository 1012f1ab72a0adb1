//! Effect by region: a dot with its interval line, the control beside it as a ring.

use crate::plan::Several;
use crate::region::Mode;
use crate::store::{EffectRow, Metric, RunRow};

use crate::report::canvas::axis::{AXIS_HEIGHT, horizontal_axis};
use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    BLUE, DOUBLE_COLUMN, HAIRLINE, HEADING, INK, LABEL, MARGIN, MEDIUM, MUTED, NOTE, RULE,
    SINGLE_COLUMN, THIN, TICK,
};
use crate::report::findings::evidence::Evidence;
use crate::report::findings::facts::Facts;
use crate::report::findings::finding::{
    Slice, effect_significant, excess_interval, excess_significant, interval, slices,
};
use crate::report::findings::seeds::Spread;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::headline;
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{counted, p_value};

/// More rows than this are not a picture any more; the rest are counted.
const MOST_ROWS: usize = 14;
/// So many panels fill a page.
const MOST_PANELS: usize = 12;
/// Widest region name before it is broken, mm.
const NAME_WIDTH: f64 = 26.0;
const ROW_HEIGHT: f64 = 6.2;
const GUTTER: f64 = 5.0;
const DOT: f64 = 0.85;
const SEED_DOT: f64 = 0.4;
/// How far over and under the region's line its seeds and its control lie, mm.
const APART: f64 = 1.5;
/// More placements than these are told by their range.
const MOST_LISTED: usize = 4;

/// One mode, phase, fill and setting.
struct Panel<'a> {
    slice: Slice<'a>,
    /// Of each row.
    spreads: Vec<Spread>,
    heading: Vec<String>,
    names: Vec<Vec<String>>,
    left_out: usize,
}

/// The effects of a metric, a panel for each mode, phase, fill and setting. A panel of `hide` shows what is lost when
/// the region is masked, blue where the loss is significant; a panel of `keep` what is reached when only the region is
/// visible, blue where that differs significantly from chance. All panels have their rows in one order and those of a
/// mode one scale. `runs` give each seed its dot, and each place of a control its stroke; without them there are none.
///
/// # Errors
/// [`ReportError::Empty`] where no row has that metric.
pub fn effects(
    evidence: &Evidence,
    metric: Metric,
    runs: &[RunRow],
    facts: &Facts,
) -> Result<Figure, ReportError> {
    let Evidence { effects: rows, contrasts, .. } = evidence;
    let found = slices(rows, contrasts, metric);
    let facts = &facts.clone().in_order_of(rows);
    let draw = |across| draw(&found, across, metric, runs, facts);
    match found.len() {
        0 => Err(ReportError::Empty(format!("no effects of `{}`", metric.name()))),
        1 => draw(1),
        _ => Ok(draw(2)?.with_narrow(draw(1)?)),
    }
}

/// Draws the panels, so many beside each other.
fn draw(
    found: &[Slice<'_>],
    across: usize,
    metric: Metric,
    runs: &[RunRow],
    facts: &Facts,
) -> Result<Figure, ReportError> {
    let measure = Measure::of(metric);
    let width = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let panel_width = (width - 2.0 * MARGIN - (across as f64 - 1.0) * GUTTER) / across as f64;
    let several = facts.several.or(found[0].several);
    let title = several.title(headline(found, measure), found[0].fill, found[0].swept);
    let further = found.len().saturating_sub(MOST_PANELS);
    let panels: Vec<Panel<'_>> = found
        .iter()
        .take(MOST_PANELS)
        .map(|slice| panel(slice.clone(), runs, (facts, several), panel_width))
        .collect();

    let mut drawing = Drawing::new(width, &title);
    let mut y = drawing.heading(&subtitle(&panels, further, facts));
    for panel in &panels {
        drawing.describe(&description(panel, measure));
    }
    drawing.data(data(&panels, measure));
    y = key(&mut drawing, &panels, y);
    let ranges = [false, true].map(|keep| shown(&panels, keep, measure, facts));
    for row_of_panels in panels.chunks(across) {
        let left = |column: usize| MARGIN + column as f64 * (panel_width + GUTTER);
        let layouts: Vec<Layout> = row_of_panels
            .iter()
            .enumerate()
            .map(|(column, panel)| {
                let range = &ranges[usize::from(panel.keep())];
                Layout::of(panel, measure, facts, range, left(column), panel_width)
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

/// All that panels of a mode put on their axis.
fn shown(panels: &[Panel<'_>], keep: bool, measure: Measure, facts: &Facts) -> Vec<f64> {
    let mut shown = Vec::new();
    for panel in panels.iter().filter(|panel| panel.keep() == keep) {
        let rows = &panel.slice.rows;
        shown.extend(rows.iter().flat_map(|row| drawn_values(row, keep)));
        shown.extend(
            panel.spreads.iter().flat_map(|spread| [&spread.seeds, &spread.controls]).flatten(),
        );
        if keep {
            shown.extend(reference_lines(rows, measure, facts).iter().map(|line| line.0));
        }
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
        let keep = panel.keep();
        for (row, spread) in panel.slice.rows.iter().zip(&panel.spreads) {
            let value = if keep { row.covered } else { row.effect };
            table.push(vec![
                Cell::text(panel.heading.join(" ")),
                Cell::text(row.regions.join(" + ")),
                Cell::of(value, measure).with_interval(shown_interval(row, keep)),
                control_value(row, keep).map_or(Cell::Empty, |control| Cell::of(control, measure)),
                p_adjusted(row, keep).map_or(Cell::Empty, Cell::P),
                significant(row, keep).map_or(Cell::Empty, Cell::Flag),
                list(&spread.seeds),
                list(&spread.controls),
            ]);
        }
    }
    table
}

impl Panel<'_> {
    /// Whether it shows what is reached, not what is lost.
    fn keep(&self) -> bool {
        self.slice.mode == Mode::Keep
    }
}

fn panel<'a>(
    mut slice: Slice<'a>,
    runs: &[RunRow],
    (facts, several): (&Facts, Several),
    width: f64,
) -> Panel<'a> {
    let all = slice.rows.len();
    thin_out(&mut slice.rows);
    let left_out = all - slice.rows.len();
    slice.rows.sort_by_key(|row| facts.place(&row.regions));
    let spreads = slice.rows.iter().map(|row| Spread::of(row, runs)).collect();
    let names = slice
        .rows
        .iter()
        .map(|row| fonts::wrap(&row.regions.join(" + "), LABEL, NAME_WIDTH))
        .collect();
    let what = match slice.mode {
        Mode::Keep => "Only the region visible",
        Mode::Hide => "Region masked",
    };
    let heading = several.heading(what, (slice.phase, slice.fill, slice.swept));
    Panel { heading: fonts::wrap(&heading, HEADING, width), slice, spreads, names, left_out }
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
        Some(method) => parts.push(format!("95 % CI ({method})")),
        None if rows().all(|row| interval(row).is_none()) => parts.push("no intervals".to_owned()),
        None => {}
    }
    if rows().all(|row| row.seeds == 1) {
        parts.push("one seed: intervals cover images only".to_owned());
    }
    let insignificant = |panel: &Panel<'_>| {
        let keep = panel.keep();
        panel.slice.rows.iter().any(|row| significant(row, keep) == Some(false))
    };
    if panels.iter().any(insignificant) {
        parts.push("grey: not significant (Holm-corrected)".to_owned());
    }
    let against_chance = |row: &&&EffectRow| row.mode == Mode::Keep && row.excess.is_some();
    if rows().any(|row| against_chance(&row)) {
        parts.push("only the region visible: tested against chance".to_owned());
    }
    let left_out: usize = panels.iter().map(|panel| panel.left_out).sum();
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
    let keep = panel.keep();
    let rows = panel.slice.rows.iter().map(|row| {
        let (value, range) = (value_text(row, measure, keep), interval_text(row, measure, keep));
        format!("{} {value} {range}", row.regions.join(" + ")).trim_end().to_owned()
    });
    let heading = panel.heading.join(" ");
    let rows: Vec<String> = rows.collect();
    format!("{heading}, {}: {}.", axis_title(measure, keep), rows.join(", "))
}

/// Words of the key, and the mark that they explain: its width, mm, and what draws it from a left end and a middle.
type Entry<'a> = (&'a str, f64, &'a dyn Fn(&mut Drawing, f64, f64));

/// What dot, ring and strokes are, where they occur.
fn key(drawing: &mut Drawing, panels: &[Panel<'_>], y: f64) -> f64 {
    let rows = || panels.iter().flat_map(|panel| &panel.slice.rows);
    let spreads = || panels.iter().flat_map(|panel| &panel.spreads);
    let controlled = rows().any(|row| row.control.is_some());
    let seeds = spreads().any(|spread| spread.seeds.len() > 1);
    let places = spreads().any(|spread| spread.controls.len() > 1);
    if !controlled && !seeds {
        return y;
    }
    let mut entries: Vec<Entry<'_>> = Vec::new();
    entries.push(("region, with its 95 % CI", 5.0, &|drawing, x, y| {
        drawing.line((x, y), (x + 5.0, y), MEDIUM, BLUE);
        drawing.disc((x + 2.5, y), DOT, BLUE);
    }));
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

/// Where a panel's parts lie, before anything is drawn.
struct Layout {
    left: f64,
    start: f64,
    interval_end: f64,
    value_end: f64,
    scale: Scale,
    references: Vec<Reference>,
    heights: Vec<f64>,
}

/// A vertical line that the rows are compared with, and its name above.
struct Reference {
    value: f64,
    name: String,
    /// The middle of the name, mm.
    x: f64,
    /// 0, or 1 where the name would touch the one before it.
    level: usize,
}

impl Layout {
    fn of(
        panel: &Panel<'_>,
        measure: Measure,
        facts: &Facts,
        shown: &[f64],
        left: f64,
        width: f64,
    ) -> Layout {
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
        let shown = shown.iter().map(|value| value * measure.factor);
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
    let rows = panel.slice.rows.iter().zip(&panel.spreads).zip(&panel.names);
    for (((row, spread), name), height) in rows.zip(&layout.heights) {
        let middle = y + height / 2.0;
        let at = (layout.left, y);
        let size = (layout.interval_end - layout.left, *height);
        drawing.hinted(&hint(row, spread, measure, keep), at, size, |drawing| {
            drawing.text_block(layout.start - 3.0, middle, Anchor::End, LABEL, name);
            let texts = [
                (layout.value_end, value_text(row, measure, keep)),
                (layout.interval_end, interval_text(row, measure, keep)),
            ];
            for (end, text) in texts {
                drawing.text_block(end, middle, Anchor::End, NOTE, &[text]);
            }
            draw_row(drawing, row, spread, keep, middle, &place);
        });
        y += height;
    }
    bottom + AXIS_HEIGHT
}

fn draw_row(
    drawing: &mut Drawing,
    row: &EffectRow,
    spread: &Spread,
    keep: bool,
    middle: f64,
    place: &dyn Fn(f64) -> f64,
) {
    // Paler than the blue in grey print too.
    let colour = if significant(row, keep) == Some(true) { BLUE } else { RULE };
    // The control a little lower, the seeds a little higher, so that none hides another.
    let (above, below) = (middle - APART, middle + APART);
    if let [first, .., last] = sorted(&spread.controls)[..] {
        drawing.line((place(first), below), (place(last), below), HAIRLINE, MUTED);
        for &control in &spread.controls {
            let x = place(control);
            drawing.line((x, below - 0.6), (x, below + 0.6), THIN, MUTED);
        }
    }
    if let Some(control) = control_value(row, keep) {
        drawing.ring((place(control), below), DOT, 0.25, MUTED);
    }
    if let [_, _, ..] = spread.seeds[..] {
        for &seed in &spread.seeds {
            drawing.disc((place(seed), above), SEED_DOT, MUTED);
        }
    }
    if let Some((low, high)) = shown_interval(row, keep) {
        drawing.line((place(low), middle), (place(high), middle), MEDIUM, colour);
    }
    let value = if keep { row.covered } else { row.effect };
    if value.is_finite() {
        drawing.disc((place(value), middle), DOT, colour);
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// `mouth: 13.7 points of test accuracy lost (95 % CI 11.3 to 16.0; p = 0.012, Holm-corrected); seeds 12.1, 13.9, …`
fn hint(row: &EffectRow, spread: &Spread, measure: Measure, keep: bool) -> String {
    let list = |values: &[f64]| {
        values.iter().map(|value| measure.number(*value)).collect::<Vec<_>>().join(", ")
    };
    let mut inner = Vec::new();
    if let Some((low, high)) = shown_interval(row, keep) {
        inner.push(format!("95 % CI {} to {}", measure.number(low), measure.number(high)));
    }
    if let Some(p) = p_adjusted(row, keep) {
        let p = p_value(p);
        let sign = if p.starts_with('<') { "p " } else { "p = " };
        let against = if keep && row.excess.is_some() { " against chance" } else { "" };
        inner.push(format!("{sign}{p}{against}, Holm-corrected"));
    }
    let inner = if inner.is_empty() { String::new() } else { format!(" ({})", inner.join("; ")) };
    let what = match keep {
        true => format!("{} {}", measure.amount_unit(), measure.short_name()),
        false => format!("{} lost", measure.long_unit),
    };
    let value = value_text(row, measure, keep);
    let mut parts = vec![format!("{}: {value} {what}{inner}", row.regions.join(" + "))];
    if spread.seeds.len() > 1 {
        parts.push(format!("seeds {}", list(&spread.seeds)));
    }
    if let Some(control) = control_value(row, keep) {
        parts.push(format!("same area elsewhere {}", measure.number(control)));
    }
    match &sorted(&spread.controls)[..] {
        [] | [_] => {}
        few @ [_, _, ..] if few.len() <= MOST_LISTED => {
            parts.push(format!("by placement {}", list(&spread.controls)));
        }
        [first, .., last] => {
            let (first, last) = (list(&[*first]), list(&[*last]));
            parts.push(format!("{} placements, {first} to {last}", spread.controls.len()));
        }
    }
    parts.join("; ")
}

/// Whether a row's answer to the question of its panel is significant: a loss, or a difference from chance, which
/// only rows of `keep` have.
fn significant(row: &EffectRow, keep: bool) -> Option<bool> {
    match keep && row.excess.is_some() {
        true => excess_significant(row),
        false => effect_significant(row),
    }
}

/// The p of that question.
fn p_adjusted(row: &EffectRow, keep: bool) -> Option<f64> {
    if keep && row.excess.is_some() { row.excess_p_adjusted } else { row.p_adjusted }
}

/// The interval as it is drawn, of the question that the panel asks: of what is lost; or, where only the region is
/// visible, of the difference from chance, placed on the line of chance, so that it crosses that line where the
/// difference may be none.
fn shown_interval(row: &EffectRow, keep: bool) -> Option<(f64, f64)> {
    if let Some(chance) = row.chance.filter(|_| keep) {
        let (low, high) = excess_interval(row)?;
        return Some((chance + low, chance + high));
    }
    let (low, high) = interval(row)?;
    Some(if keep { (row.baseline - high, row.baseline - low) } else { (low, high) })
}

fn control_value(row: &EffectRow, keep: bool) -> Option<f64> {
    let control = row.control.filter(|control| control.is_finite())?;
    Some(if keep { control } else { row.baseline - control })
}

/// Everything a row puts on the axis.
fn drawn_values(row: &EffectRow, keep: bool) -> Vec<f64> {
    let mut values = vec![if keep { row.covered } else { row.effect }];
    values.extend(control_value(row, keep));
    values.extend(shown_interval(row, keep).into_iter().flat_map(|(low, high)| [low, high]));
    values
}

fn value_text(row: &EffectRow, measure: Measure, keep: bool) -> String {
    let value = if keep { row.covered } else { row.effect };
    if value.is_finite() { measure.number(value) } else { "no result".to_owned() }
}

fn interval_text(row: &EffectRow, measure: Measure, keep: bool) -> String {
    let Some((low, high)) = shown_interval(row, keep) else { return String::new() };
    format!("({} to {})", measure.number(low), measure.number(high))
}

/// What a region alone is compared with: the best constant prediction, and the whole face.
fn reference_lines(rows: &[&EffectRow], measure: Measure, facts: &Facts) -> Vec<(f64, String)> {
    let mut lines = Vec::new();
    let of_rows = rows.iter().find_map(|row| row.chance);
    if let Some(chance) = of_rows.or(facts.chance).filter(|_| measure.has_chance) {
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
        (false, _) => format!("loss of {}, {}", measure.name, measure.unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{FillKind, Phase};
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::finding::tests::{paired, row, with_chance, with_control};

    fn facts() -> Facts {
        Facts {
            dataset: "faces".to_owned(),
            images: 1400,
            seeds: 3,
            chance: Some(0.143),
            ..Facts::default()
        }
    }

    fn of(rows: &[EffectRow]) -> Evidence {
        let (effects, contrasts) = (rows.to_vec(), paired(rows));
        Evidence { effects, contrasts, ..Evidence::default() }
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
        let figure = effects(&of(&study()), Metric::Accuracy, &[], &facts()).unwrap();
        assert_labels_are_apart(&figure);
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
        let drawn = |rows: &[EffectRow]| {
            let figure = effects(&of(rows), Metric::Accuracy, &[], &facts()).unwrap();
            assert_labels_are_apart(&figure);
            figure
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

    #[test]
    fn rows_are_sorted_by_size() {
        let figure = effects(&of(&study()), Metric::Accuracy, &[], &facts()).unwrap();
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
            assert_labels_are_apart(&effects(&of(&rows), Metric::Accuracy, &[], &facts()).unwrap());
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
        let figure = effects(&of(&rows), Metric::Accuracy, &[], &facts()).unwrap();
        assert_labels_are_apart(&figure);
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
        let figure = effects(&of(&rows), Metric::Accuracy, &[], &facts()).unwrap();
        assert_labels_are_apart(&figure);
        assert!(words(&figure).contains("28 combinations not drawn: see the table"));
        assert_eq!(figure.title, "Masking the eyes costs 11 points (seed 00)");
        assert!(figure.height_mm < 297.0, "{}", figure.height_mm);
    }

    #[test]
    fn references_that_lie_close_are_named_on_two_levels() {
        let mut weak = row("eyes", "keep", 2.0, Some((1.0, 3.0)));
        weak.baseline = 0.16;
        weak.covered = 0.14;
        let figure = effects(&of(&[weak]), Metric::Accuracy, &[], &facts()).unwrap();
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
        let figure = effects(&of(&rows), Metric::Accuracy, &[], &facts()).unwrap();
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
        assert!(matches!(
            effects(&of(&study()), Metric::Bits, &[], &facts()),
            Err(ReportError::Empty(_))
        ));
    }
}

//! The regions on a face, each as dark as it matters; grey where that is not significant.

use crate::plan::PhaseWords;
use crate::region::{Mode, Region, Regions};
use crate::store::Metric;

use crate::report::canvas::colour_bar::colour_bar;
use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::face;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::place::{Label, Place, callouts};
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    DOUBLE_COLUMN, FAINT, HEADING, INK, MARGIN, MEDIUM, MUTED, NOTE, RULE, SINGLE_COLUMN, THIN,
    WHITE, difference,
};
use crate::report::findings::evidence::Evidence;
use crate::report::findings::facts::Facts;
use crate::report::findings::finding::{
    Slice, effect_significant, excess_interval, excess_significant, excludes_zero, interval,
    signal_interval, signal_significant, slices,
};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::headline;
use crate::report::words::measure::Measure;
use crate::report::words::phrase::{list, subject};

const GUTTER: f64 = 4.0;
/// Room for the labels on each side of a face, mm.
const LABELS: f64 = 19.0;
/// Beside a face and its labels nothing stands in a column of a page, mm.
const PANEL: f64 = SINGLE_COLUMN - 2.0 * MARGIN;
/// More regions than this are counted, not named.
const MOST_NAMED: usize = 3;

/// One face: what its regions are worth in one mode.
struct Panel<'a> {
    heading: &'static str,
    mode: Mode,
    /// Whether the same area elsewhere is taken off.
    controlled: bool,
    worths: Vec<Worth<'a>>,
    /// Names of regions that lie over others.
    left_out: Vec<&'a str>,
}

/// What one region is worth, in the metric's own number.
struct Worth<'a> {
    region: &'a Region,
    value: f64,
    interval: Option<(f64, f64)>,
    /// Whether it differs significantly from zero, by the test of the panel's question.
    significant: bool,
}

/// The regions of a face shaded by what they are worth for a metric, under the first phase, fill and setting: masked,
/// what is lost; alone visible, what is reached above chance; each beyond the same area elsewhere where there are
/// controls. Only single regions are drawn, and of overlapping regions the first.
///
/// # Errors
/// [`ReportError::Empty`] where no single region has a result.
pub fn region_map(
    evidence: &Evidence,
    metric: Metric,
    regions: &Regions,
    facts: &Facts,
) -> Result<Figure, ReportError> {
    let found = slices(&evidence.effects, &evidence.contrasts, metric);
    let alike = |slice: &&Slice<'_>| {
        let first = &found[0];
        (slice.phase, slice.fill, slice.swept) == (first.phase, first.fill, first.swept)
    };
    let measure = Measure::of(metric);
    let panels: Vec<Panel<'_>> = found
        .iter()
        .filter(alike)
        .map(|slice| panel(slice, regions, measure, facts))
        .filter(|panel| !panel.worths.is_empty())
        .collect();
    if panels.is_empty() {
        return Err(ReportError::Empty(format!(
            "no single region has a result of `{}`",
            metric.name()
        )));
    }
    let draw = |across| draw(&panels, across, &found, metric, facts);
    match panels.len() {
        1 => draw(1),
        across => Ok(draw(across)?.with_narrow(draw(1)?)),
    }
}

/// Draws the panels, so many beside each other.
fn draw(
    panels: &[Panel<'_>],
    across: usize,
    found: &[Slice<'_>],
    metric: Metric,
    facts: &Facts,
) -> Result<Figure, ReportError> {
    let measure = Measure::of(metric);
    let first = &found[0];
    let width = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let several = facts.several.or(first.several);
    let title = title(&panels[0], found, measure);
    let mut drawing = Drawing::new(width, &several.title(title, first.fill, first.swept));
    let mut y = drawing.heading(&subtitle(panels, first, facts));
    for panel in panels {
        drawing.describe(&description(panel, measure));
    }
    drawing.data(data(panels, measure));
    let none_significant =
        !panels.iter().flat_map(|panel| &panel.worths).any(|worth| worth.significant);
    let extreme = panels
        .iter()
        .flat_map(|panel| &panel.worths)
        .filter(|worth| worth.significant || none_significant)
        .map(|worth| worth.value.abs())
        // Colours never magnify what the decimals do not show.
        .fold(5.0 * 10f64.powi(-(measure.decimals as i32)) / measure.factor, f64::max);
    let used = across as f64 * (PANEL + GUTTER) - GUTTER;
    for row in panels.chunks(across) {
        let mut bottom = y;
        for (column, panel) in row.iter().enumerate() {
            let left = (width - used) / 2.0 + column as f64 * (PANEL + GUTTER);
            let mut heading = y;
            for line in fonts::wrap(panel.heading, HEADING, PANEL) {
                heading += HEADING.line();
                drawing.text(left, heading - 0.3, Anchor::Start, HEADING, &line);
            }
            let face = PANEL - 2.0 * LABELS;
            let frame =
                Place { left: left + LABELS, top: heading + 1.2, width: face, height: face };
            let mut below = draw_face(&mut drawing, panel, frame, extreme, measure) + 0.6;
            for line in notes(panel, PANEL) {
                below += NOTE.line();
                drawing.text(left, below, Anchor::Start, NOTE, &line);
            }
            bottom = f64::max(bottom, below);
        }
        y = bottom + 2.5;
    }
    let bottom = key(&mut drawing, panels, extreme, measure, y);
    drawing.finish(bottom + MARGIN)
}

fn panel<'a>(
    slice: &Slice<'_>,
    regions: &'a Regions,
    measure: Measure,
    facts: &Facts,
) -> Panel<'a> {
    let controlled = slice.rows.iter().all(|row| row.signal.is_some());
    let chance = facts.chance.filter(|_| measure.has_chance).unwrap_or(0.0);
    let keep = slice.mode == Mode::Keep;
    let heading = match (keep, controlled) {
        (false, false) => "Region masked: loss",
        (false, true) => "Region masked: loss beyond the same area elsewhere",
        (true, false) => "Only the region visible: gain over chance",
        (true, true) => "Only the region visible: gain over the same area elsewhere",
    };
    let mut worths: Vec<Worth<'a>> = Vec::new();
    let mut left_out = Vec::new();
    // In the order of the atlas, so that of a region and its halves the region is drawn.
    for region in regions.iter().filter(|region| !regions.background().contains(region)) {
        let Some(row) = slice.rows.iter().find(|row| row.regions == [region.name.as_str()]) else {
            continue;
        };
        let reached = |lost: f64| row.baseline - chance - lost;
        let (signal, excess) = (row.signal.filter(|_| controlled), row.excess.filter(|_| keep));
        let (value, interval, significant) = match (signal, excess) {
            (Some(signal), _) => (signal, signal_interval(row), signal_significant(row)),
            (None, Some(excess)) => (excess, excess_interval(row), excess_significant(row)),
            (None, None) if keep => {
                let range = interval(row).map(|(low, high)| (reached(high), reached(low)));
                (reached(row.effect), range, range.map(excludes_zero))
            }
            (None, None) => (row.effect, interval(row), effect_significant(row)),
        };
        if !value.is_finite() {
            continue;
        }
        let covers = |worth: &&Worth<'_>| {
            let pairs = region
                .polygons
                .iter()
                .flat_map(|a| worth.region.polygons.iter().map(move |b| (a, b)));
            pairs.into_iter().any(|(a, b)| a.overlaps(b))
        };
        if worths.iter().any(|worth| covers(&worth)) {
            left_out.push(region.name.as_str());
            continue;
        }
        worths.push(Worth { region, value, interval, significant: significant == Some(true) });
    }
    Panel { heading, mode: slice.mode, controlled, worths, left_out }
}

/// Draws a face and its regions, with their labels beside it; returns the y below.
fn draw_face(
    drawing: &mut Drawing,
    panel: &Panel<'_>,
    frame: Place,
    extreme: f64,
    measure: Measure,
) -> f64 {
    for worth in &panel.worths {
        let corners = worth.region.polygons.iter().flat_map(|polygon| polygon.points());
        let places: Vec<(f64, f64)> = corners.map(|&point| frame.at(point)).collect();
        let range = |of: fn(&(f64, f64)) -> f64| {
            places.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let ((left, right), (top, bottom)) = (range(|at| at.0), range(|at| at.1));
        let size = (right - left, bottom - top);
        drawing.hinted(&hint(worth, measure), (left, top), size, |drawing| {
            for polygon in &worth.region.polygons {
                let mut outline: Vec<(f64, f64)> =
                    polygon.points().iter().map(|&point| frame.at(point)).collect();
                let ground = match worth.significant {
                    true => difference(worth.value, extreme),
                    false => FAINT,
                };
                drawing.area(outline.clone(), ground, 1.0);
                if worth.significant && worth.value < 0.0 {
                    drawing.hatch(&outline, INK);
                }
                outline.extend(outline.first().copied());
                drawing.path(outline, THIN, RULE, 1.0);
            }
        });
    }
    for line in face::lines() {
        let line: Vec<(f64, f64)> = line.into_iter().map(|point| frame.at(point)).collect();
        // Light around dark, so that it shows on any colour.
        drawing.path(line.clone(), 3.0 * MEDIUM, WHITE, 0.35);
        drawing.path(line, MEDIUM, MUTED, 0.8);
    }
    let labels: Vec<Label<'_>> = panel
        .worths
        .iter()
        .map(|worth| Label {
            region: worth.region,
            number: bracketed(worth, measure),
            hint: hint(worth, measure),
        })
        .collect();
    callouts(drawing, frame, LABELS, &labels)
}

/// `mouth: 10.3 points of test accuracy (95 % CI 8.0 to 12.6)`
fn hint(worth: &Worth<'_>, measure: Measure) -> String {
    let range = worth.interval.map_or(String::new(), |(low, high)| {
        format!(" (95 % CI {} to {})", measure.number(low), measure.number(high))
    });
    let (name, number) = (&worth.region.name, measure.number(worth.value));
    format!("{name}: {number} {}{range}", measure.long_unit)
}

/// What stands under a face.
fn notes(panel: &Panel<'_>, width: f64) -> Vec<String> {
    if panel.left_out.is_empty() {
        return Vec::new();
    }
    let text = format!("Not drawn, since they overlap others: {}", panel.left_out.join(", "));
    fonts::wrap(&text, NOTE, width)
}

/// A row a region and face.
fn data(panels: &[Panel<'_>], measure: Measure) -> Table {
    let mut table = Table::new(vec![
        Column::text("panel", "panel"),
        Column::text("region", "region"),
        Column::number("value", measure.long_unit),
        Column::text("significant", "significant"),
    ]);
    for panel in panels {
        for worth in &panel.worths {
            table.push(vec![
                Cell::text(panel.heading),
                Cell::text(worth.region.name.as_str()),
                Cell::of(worth.value, measure).with_interval(worth.interval),
                Cell::Flag(worth.significant),
            ]);
        }
    }
    table
}

/// `10.3`, or `(1.2)` where it is not significant.
fn bracketed(worth: &Worth<'_>, measure: Measure) -> String {
    let number = measure.number(worth.value);
    if worth.significant { number } else { format!("({number})") }
}

/// The strip of colours; returns the y below it.
fn key(
    drawing: &mut Drawing,
    panels: &[Panel<'_>],
    extreme: f64,
    measure: Measure,
    top: f64,
) -> f64 {
    let values = || panels.iter().flat_map(|panel| &panel.worths);
    let length = f64::min(70.0, drawing.width - 4.0 * MARGIN);
    let start = (drawing.width - length) / 2.0;
    let negative = values().any(|worth| worth.significant && worth.value < 0.0);
    let from = if negative { -extreme } else { 0.0 };
    let (from, shown) = (from * measure.factor, extreme * measure.factor);
    let scale = Scale { from, to: shown, start, end: start + length };
    colour_bar(drawing, scale, &|value| difference(value, shown), measure.long_unit, top)
}

fn subtitle(panels: &[Panel<'_>], first: &Slice<'_>, facts: &Facts) -> String {
    let mut parts = vec![facts.subtitle()];
    parts.push(PhaseWords::of(first.phase).networks.to_owned());
    parts.extend(facts.several.or(first.several).choice(first.fill, first.swept));
    if panels.iter().flat_map(|panel| &panel.worths).any(|worth| !worth.significant) {
        parts.push("grey, in brackets: not significant (Holm-corrected)".to_owned());
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// What the first face shows, by the tests of its question; without controls that is the effects' finding.
fn title(panel: &Panel<'_>, found: &[Slice<'_>], measure: Measure) -> String {
    if !panel.controlled {
        return headline(found, measure);
    }
    let by_value = |a: &&Worth<'_>, b: &&Worth<'_>| a.value.total_cmp(&b.value);
    let Some(largest) = panel.worths.iter().max_by(by_value) else { return String::new() };
    let mut above: Vec<&Worth<'_>> =
        panel.worths.iter().filter(|worth| worth.significant && worth.value > 0.0).collect();
    above.sort_by(|a, b| by_value(b, a));
    let name = |worth: &&Worth<'_>| subject(std::slice::from_ref(&worth.region.name)).words;
    let estimate = format!(
        "largest estimate: {}, {} {}",
        largest.region.name,
        measure.rounded(largest.value),
        measure.unit
    );
    let more = "more than the same area elsewhere";
    let names = |conjunction: &str| list(above.iter().map(name).collect(), conjunction);
    let carrying = format!("{} of {} regions", above.len(), panel.worths.len());
    match (panel.mode, above.len()) {
        (Mode::Hide, 0) => format!("Masking no region costs significantly {more}; {estimate}"),
        (Mode::Keep, 0) => format!("No region alone reaches significantly {more}; {estimate}"),
        (Mode::Hide, 1..=MOST_NAMED) => format!("Masking {} costs {more}", names("or")),
        (Mode::Keep, 1) => {
            let region = std::slice::from_ref(&above[0].region.name);
            format!("Alone visible, {} {more}", subject(region).with_verb("reaches", "reach"))
        }
        (Mode::Keep, 2..=MOST_NAMED) => format!("Alone visible, {} reach {more}", names("and")),
        (Mode::Hide, _) => format!("Masking {carrying} costs {more}; {estimate}"),
        (Mode::Keep, _) => format!("Alone visible, {carrying} reach {more}; {estimate}"),
    }
}

/// `Region masked: loss, points of test accuracy: mouth 13.7 (11.3 to 16.0), …`
fn description(panel: &Panel<'_>, measure: Measure) -> String {
    let worths = panel.worths.iter().map(|worth| {
        let range = worth.interval.map_or(String::new(), |(low, high)| {
            format!(" ({} to {})", measure.number(low), measure.number(high))
        });
        format!("{} {}{range}", worth.region.name, measure.number(worth.value))
    });
    let worths: Vec<String> = worths.collect();
    format!("{}, {}: {}.", panel.heading, measure.long_unit, worths.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::canvas::theme::BLUE;
    use crate::report::findings::finding::tests::{paired, row, with_chance, with_control};
    use crate::store::EffectRow;

    fn facts() -> Facts {
        Facts { dataset: "faces".to_owned(), chance: Some(0.2), ..Facts::default() }
    }

    fn controlled(region: &str, mode: &str, signal: f64, interval: (f64, f64)) -> EffectRow {
        with_control(row(region, mode, 20.0, Some((15.0, 25.0))), signal, interval)
    }

    fn of(rows: &[EffectRow]) -> Evidence {
        let (effects, contrasts) = (rows.to_vec(), paired(rows));
        Evidence { effects, contrasts, ..Evidence::default() }
    }

    fn map(rows: &[EffectRow]) -> Figure {
        let figure =
            region_map(&of(rows), Metric::Accuracy, &Regions::aligned(), &facts()).unwrap();
        assert_labels_are_apart(&figure);
        figure
    }

    #[test]
    fn every_region_bears_its_signal() {
        let figure = map(&[
            controlled("mouth", "hide", 10.3, (8.0, 12.6)),
            controlled("eyes", "hide", -1.2, (-3.0, 0.6)),
            controlled("nose", "hide", 4.0, (2.0, 6.0)),
        ]);
        let said = "Masking the mouth or the nose costs more than the same area elsewhere";
        assert_eq!(figure.title, said);
        let words = words(&figure);
        for label in ["mouth", "10.3", "eyes", "(−1.2)", "nose", "4.0"] {
            assert!(words.lines().any(|line| line == label), "{label} is missing:\n{words}");
        }
        assert!(figure.description.ends_with("nose 4.0 (2.0 to 6.0), mouth 10.3 (8.0 to 12.6)."));
        assert!(figure.svg.contains("#0072B2"), "the largest has the full colour");
    }

    #[test]
    fn alone_visible_what_is_reached_counts() {
        let figure = map(&[
            controlled("mouth", "hide", 10.0, (8.0, 12.0)),
            controlled("eyes", "hide", 9.0, (7.0, 11.0)),
            controlled("mouth", "keep", 10.0, (8.0, 12.0)),
            controlled("eyes", "keep", -5.0, (-7.0, -3.0)),
        ]);
        assert_eq!(
            figure.title,
            "Masking the mouth or the eyes costs more than the same area elsewhere"
        );
        assert!(figure.description.contains("eyes −5.0 (−7.0 to −3.0), mouth 10.0 (8.0 to 12.0)"));
        // Without controls: 83 − 20 − 41.8 over chance.
        let figure = map(&[row("eyes", "keep", 41.8, Some((39.0, 44.6)))]);
        assert!(figure.description.contains("eyes 21.2 (18.4 to 24.0)"), "{}", figure.description);
        // Against the chance of the table, whose test decides.
        let mut eyes = with_chance(row("eyes", "keep", 41.8, Some((39.0, 44.6))), 30.0);
        let figure = map(std::slice::from_ref(&eyes));
        assert!(figure.description.contains("eyes 11.2 (8.4 to 14.0)"), "{}", figure.description);
        eyes.excess_p_adjusted = Some(0.3);
        assert!(words(&map(&[eyes])).contains("(11.2)"));
    }

    #[test]
    fn of_regions_over_each_other_the_whole_is_drawn() {
        let figure = map(&[
            row("eyes_left", "hide", 3.0, Some((1.0, 5.0))),
            row("eyes", "hide", 9.0, Some((7.0, 11.0))),
            row("eyes+mouth", "hide", 30.0, Some((27.0, 33.0))),
        ]);
        let words = words(&figure);
        assert!(words.contains("overlap others: eyes_left"), "{words}");
        assert!(!words.contains("30.0"), "a set of two is no region:\n{words}");
    }

    #[test]
    fn what_is_not_significant_is_not_claimed() {
        let none = "Masking no region costs significantly more than the same area elsewhere; largest estimate: mouth";
        // The signal does not survive the correction for the number of regions, whatever the cost does.
        let mut uncertain = controlled("mouth", "hide", 10.0, (8.0, 12.0));
        uncertain.signal_p_adjusted = Some(0.2);
        let figure = map(&[uncertain]);
        assert_eq!(figure.title, format!("{none}, 10 points"));
        assert!(words(&figure).contains("(10.0)"));
        let figure = map(&[controlled("mouth", "hide", 1.0, (-2.0, 4.0))]);
        assert_eq!(figure.title, format!("{none}, 1.0 points"));
        // Less than the same area elsewhere is significant as well, and stands without brackets.
        let figure = map(&[controlled("mouth", "hide", -5.5, (-8.6, -2.5))]);
        assert!(words(&figure).lines().any(|line| line == "−5.5"), "{}", words(&figure));
        let unknown = [row("mouth", "hide", f64::NAN, None)];
        let error =
            region_map(&of(&unknown), Metric::Accuracy, &Regions::aligned(), &facts()).unwrap_err();
        assert!(matches!(error, ReportError::Empty(_)));
        assert!(region_map(&of(&[]), Metric::Accuracy, &Regions::aligned(), &facts()).is_err());
    }

    #[test]
    fn no_significant_effect_is_a_grey_face() {
        let figure = map(&[row("mouth", "hide", 0.0, Some((-1.0, 1.0)))]);
        assert!(words(&figure).lines().any(|line| line == "(0.0)"));
        let large = map(&[row("mouth", "hide", 12.0, Some((-46.0, 70.0)))]);
        assert!(words(&large).lines().any(|line| line == "(12.0)"));
        // The full colour stands in the strip of colours alone.
        let full = large.svg.matches(&BLUE.hex()).count();
        let told = map(&[row("mouth", "hide", 12.0, Some((10.0, 14.0)))]);
        assert_eq!(told.svg.matches(&BLUE.hex()).count(), full + 1);
    }
}

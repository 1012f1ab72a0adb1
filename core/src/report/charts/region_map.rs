//! Where the signal lies: the regions on a face, each as dark as it matters.

use crate::plan::PhaseWords;
use crate::region::{Mode, Region, Regions};
use crate::store::{EffectRow, Metric};

use crate::report::canvas::colour_bar::colour_bar;
use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::face;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::place::{Place, room, write};
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    DOUBLE_COLUMN, HEADING, MARGIN, MEDIUM, MUTED, NOTE, RULE, SINGLE_COLUMN, THIN, WHITE,
    difference,
};
use crate::report::findings::facts::Facts;
use crate::report::findings::finding::{
    Slice, excludes_zero, interval, signal_interval, slices, told_from_zero,
};
use crate::report::words::headline;
use crate::report::words::measure::Measure;
use crate::report::words::phrase::{list, subject};

const GUTTER: f64 = 6.0;
/// Beside another, a face is so wide, mm.
const FACE_OF_TWO: f64 = 80.0;
/// More regions than this that may carry as much are counted, not named.
const MOST_NAMED: usize = 3;

/// One face: what its regions are worth in one mode.
struct Panel<'a> {
    heading: &'static str,
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
    /// Whether it can be told from zero.
    told: bool,
}

/// The regions of a face shaded by what they are worth for a metric, under the first phase, fill and
/// setting: hidden, what is lost; seen alone, what is reached over an answer without looking; each beside
/// the same area elsewhere where there are controls. Only single regions are drawn, and of regions that lie
/// over each other the first.
///
/// # Errors
/// [`ReportError::Empty`] where no single region has a result.
pub fn region_map(
    rows: &[EffectRow],
    metric: Metric,
    regions: &Regions,
    facts: &Facts,
) -> Result<Figure, ReportError> {
    let found = slices(rows, metric);
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
    let alone = panels.len() == 1;
    let width = if alone { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let face = if alone { SINGLE_COLUMN - 2.0 * MARGIN } else { FACE_OF_TWO };

    let several = facts.several.or(found[0].several);
    let title = title(&panels[0], rows, metric);
    let mut drawing = Drawing::new(width, &several.title(title, found[0].fill, found[0].swept));
    let y = drawing.heading(&subtitle(&panels, &found[0], facts));
    for panel in &panels {
        drawing.describe(&description(panel, measure));
    }
    let extreme = panels
        .iter()
        .flat_map(|panel| &panel.worths)
        .map(|worth| worth.value.abs())
        // Colours never magnify what the decimals do not show.
        .fold(5.0 * 10f64.powi(-(measure.decimals as i32)) / measure.factor, f64::max);
    let across = panels.len() as f64 * (face + GUTTER) - GUTTER;
    let mut bottom = y;
    for (column, panel) in panels.iter().enumerate() {
        let left = (width - across) / 2.0 + column as f64 * (face + GUTTER);
        drawing.text(left, y + HEADING.em(), Anchor::Start, HEADING, panel.heading);
        let frame = Place { left, top: y + HEADING.line() + 0.8, width: face, height: face };
        let unnamed = draw_face(&mut drawing, panel, frame, extreme, measure);
        let mut below = frame.top + frame.height + 0.6;
        for line in notes(panel, &unnamed, face) {
            below += NOTE.line();
            drawing.text(left, below, Anchor::Start, NOTE, &line);
        }
        bottom = f64::max(bottom, below);
    }
    let bottom = key(&mut drawing, &panels, extreme, measure, bottom + 2.5);
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
        (false, false) => "Hidden: what is lost",
        (false, true) => "Hidden: what is lost beyond the same area elsewhere",
        (true, false) => "Seen alone: what is reached beyond chance",
        (true, true) => "Seen alone: what is reached beyond the same area",
    };
    let mut worths: Vec<Worth<'a>> = Vec::new();
    let mut left_out = Vec::new();
    // In the order of the atlas, so that of a region and its halves the region is drawn.
    for region in regions.iter().filter(|region| !regions.background().contains(region)) {
        let Some(row) = slice.rows.iter().find(|row| row.regions == [region.name.as_str()]) else {
            continue;
        };
        let reached = |lost: f64| row.baseline - chance - lost;
        let (value, interval) = match (keep, row.signal.filter(|_| controlled)) {
            (_, Some(signal)) => (signal, signal_interval(row)),
            (false, None) => (row.effect, interval(row)),
            (true, None) => {
                let range = interval(row).map(|(low, high)| (reached(high), reached(low)));
                (reached(row.effect), range)
            }
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
        // Hidden, a region has signal only if it has a cost, which the corrected test must tell.
        let told =
            interval.is_some_and(excludes_zero) && (keep || told_from_zero(row) == Some(true));
        worths.push(Worth { region, value, interval, told });
    }
    Panel { heading, controlled, worths, left_out }
}

/// Draws a face and its regions; returns what found no room for its name.
fn draw_face(
    drawing: &mut Drawing,
    panel: &Panel<'_>,
    frame: Place,
    extreme: f64,
    measure: Measure,
) -> Vec<String> {
    for worth in &panel.worths {
        for polygon in &worth.region.polygons {
            let mut outline: Vec<(f64, f64)> =
                polygon.points().iter().map(|&point| frame.at(point)).collect();
            drawing.area(outline.clone(), difference(worth.value, extreme), 1.0);
            outline.extend(outline.first().copied());
            drawing.path(outline, THIN, RULE, 1.0);
        }
    }
    for line in face::lines() {
        let line: Vec<(f64, f64)> = line.into_iter().map(|point| frame.at(point)).collect();
        // Light around dark, so that it shows on any colour.
        drawing.path(line.clone(), 3.0 * MEDIUM, WHITE, 0.35);
        drawing.path(line, MEDIUM, MUTED, 0.8);
    }
    let mut taken: Vec<Place> = Vec::new();
    let mut unnamed = Vec::new();
    for worth in &panel.worths {
        let number = bracketed(worth, measure);
        let lines: [&str; 2] = [&worth.region.name, &number];
        // The larger of two halves that are alike is the first.
        let largest = worth
            .region
            .polygons
            .iter()
            .rev()
            .max_by(|a, b| (a.area() * 1e6).round().total_cmp(&(b.area() * 1e6).round()));
        match largest.and_then(|polygon| room(polygon, &lines, frame, &taken)) {
            Some(place) => {
                write(drawing, place, &lines);
                taken.push(place);
            }
            None => unnamed.push(format!("{} {number}", worth.region.name)),
        }
    }
    unnamed
}

/// What stands under a face.
fn notes(panel: &Panel<'_>, unnamed: &[String], width: f64) -> Vec<String> {
    let mut notes = Vec::new();
    if !unnamed.is_empty() {
        notes.extend(fonts::wrap(&format!("Not named above: {}", unnamed.join(", ")), NOTE, width));
    }
    if !panel.left_out.is_empty() {
        let text = format!("Not drawn, for they lie over others: {}", panel.left_out.join(", "));
        notes.extend(fonts::wrap(&text, NOTE, width));
    }
    notes
}

/// `10.3`, or `(1.2)` where it cannot be told from zero.
fn bracketed(worth: &Worth<'_>, measure: Measure) -> String {
    let number = measure.number(worth.value);
    if worth.told { number } else { format!("({number})") }
}

/// The strip of colours; returns the y below it.
fn key(
    drawing: &mut Drawing,
    panels: &[Panel<'_>],
    extreme: f64,
    measure: Measure,
    top: f64,
) -> f64 {
    let values = || panels.iter().flat_map(|panel| &panel.worths).map(|worth| worth.value);
    let length = f64::min(70.0, drawing.width - 4.0 * MARGIN);
    let start = (drawing.width - length) / 2.0;
    let negative = values().any(|value| value < 0.0);
    let from = if negative { -extreme } else { 0.0 };
    let (from, shown) = (from * measure.factor, extreme * measure.factor);
    let scale = Scale { from, to: shown, start, end: start + length };
    colour_bar(drawing, scale, &|value| difference(value, shown), measure.long_unit, top)
}

fn subtitle(panels: &[Panel<'_>], first: &Slice<'_>, facts: &Facts) -> String {
    let mut parts = vec![facts.subtitle()];
    parts.push(PhaseWords::of(first.phase).networks.to_owned());
    parts.extend(facts.several.or(first.several).choice(first.fill, first.swept));
    if panels.iter().flat_map(|panel| &panel.worths).any(|worth| !worth.told) {
        parts.push("in brackets: cannot be told from zero".to_owned());
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// What the first face shows, as far as its intervals allow; without controls that is the effects' finding.
fn title(panel: &Panel<'_>, rows: &[EffectRow], metric: Metric) -> String {
    if !panel.controlled {
        return headline(rows, metric);
    }
    let told = || panel.worths.iter().filter(|worth| worth.told && worth.value > 0.0);
    let Some(most) = told().max_by(|a, b| a.value.total_cmp(&b.value)) else {
        return "No region carries more than the same area elsewhere, as far as can be told"
            .to_owned();
    };
    let name = |worth: &Worth<'_>| subject(std::slice::from_ref(&worth.region.name)).words;
    let low = most.interval.map_or(most.value, |(low, _)| low);
    let rivals: Vec<&Worth<'_>> = panel
        .worths
        .iter()
        .filter(|other| other.region.name != most.region.name)
        .filter(|other| other.interval.map_or(other.value, |(_, high)| high) >= low)
        .collect();
    match rivals.len() {
        0 => format!("Most signal lies in {}", name(most)),
        1..MOST_NAMED => {
            let names = std::iter::once(most).chain(rivals).map(name).collect();
            format!("Most signal lies in {}, and which of them cannot be told", list(names, "or"))
        }
        others => {
            format!("Signal lies in {}, but {others} others may carry as much", name(most))
        }
    }
}

/// `Hidden: what is lost, points of test accuracy: mouth 13.7 (11.3 to 16.0), …`
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
    use crate::report::findings::finding::tests::{row, with_control};

    fn facts() -> Facts {
        Facts { dataset: "faces".to_owned(), chance: Some(0.2), ..Facts::default() }
    }

    fn controlled(region: &str, mode: &str, signal: f64, interval: (f64, f64)) -> EffectRow {
        with_control(row(region, mode, 20.0, Some((15.0, 25.0))), signal, interval)
    }

    fn map(rows: &[EffectRow]) -> Figure {
        let figure = region_map(rows, Metric::Accuracy, &Regions::aligned(), &facts()).unwrap();
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
        assert_eq!(figure.title, "Most signal lies in the mouth");
        let words = words(&figure);
        for label in ["mouth", "10.3", "eyes", "(−1.2)", "nose", "4.0"] {
            assert!(words.lines().any(|line| line == label), "{label} is missing:\n{words}");
        }
        assert!(figure.description.ends_with("nose 4.0 (2.0 to 6.0), mouth 10.3 (8.0 to 12.6)."));
        assert!(figure.svg.contains("#0072B2"), "the largest has the full colour");
    }

    #[test]
    fn seen_alone_what_is_reached_counts() {
        let figure = map(&[
            controlled("mouth", "hide", 10.0, (8.0, 12.0)),
            controlled("eyes", "hide", 9.0, (7.0, 11.0)),
            controlled("mouth", "keep", 10.0, (8.0, 12.0)),
            controlled("eyes", "keep", -5.0, (-7.0, -3.0)),
        ]);
        assert_eq!(
            figure.title,
            "Most signal lies in the mouth or the eyes, and which of them cannot be told"
        );
        assert!(figure.description.contains("eyes −5.0 (−7.0 to −3.0), mouth 10.0 (8.0 to 12.0)"));
        // Without controls: 83 − 20 − 41.8 over chance.
        let figure = map(&[row("eyes", "keep", 41.8, Some((39.0, 44.6)))]);
        assert!(figure.description.contains("eyes 21.2 (18.4 to 24.0)"), "{}", figure.description);
    }

    #[test]
    fn of_regions_over_each_other_the_whole_is_drawn() {
        let figure = map(&[
            row("eyes_left", "hide", 3.0, Some((1.0, 5.0))),
            row("eyes", "hide", 9.0, Some((7.0, 11.0))),
            row("eyes+mouth", "hide", 30.0, Some((27.0, 33.0))),
        ]);
        let words = words(&figure);
        assert!(words.contains("lie over others: eyes_left"), "{words}");
        assert!(!words.contains("30.0"), "a set of two is no region:\n{words}");
    }

    #[test]
    fn nothing_told_is_nothing_claimed() {
        // The cost itself does not survive the correction for the number of regions.
        let mut uncertain = controlled("mouth", "hide", 10.0, (8.0, 12.0));
        uncertain.p_adjusted = Some(0.2);
        assert!(map(&[uncertain]).title.starts_with("No region carries more"));
        let figure = map(&[controlled("mouth", "hide", 1.0, (-2.0, 4.0))]);
        assert_eq!(
            figure.title,
            "No region carries more than the same area elsewhere, as far as can be told"
        );
        let unknown = [row("mouth", "hide", f64::NAN, None)];
        let error =
            region_map(&unknown, Metric::Accuracy, &Regions::aligned(), &facts()).unwrap_err();
        assert!(matches!(error, ReportError::Empty(_)));
        assert!(region_map(&[], Metric::Accuracy, &Regions::aligned(), &facts()).is_err());
    }

    #[test]
    fn no_effect_at_all_is_a_white_face() {
        let figure = map(&[row("mouth", "hide", 0.0, Some((-1.0, 1.0)))]);
        assert!(words(&figure).lines().any(|line| line == "(0.0)"));
    }
}

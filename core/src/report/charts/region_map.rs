//! The regions on a face, each as dark as it matters; grey where that is not significant.

use crate::plan::PhaseWords;
use crate::region::Mode;

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
use crate::report::findings::region_worths::{Face, RegionWorth, RegionWorths};
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

/// The regions of a face shaded by what they are worth, a face a mode.
///
/// # Errors
/// Where it cannot be drawn.
pub fn region_map(found: &RegionWorths<'_>) -> Result<Figure, ReportError> {
    match found.faces.len() {
        0 | 1 => draw(found, 1),
        across => Ok(draw(found, across)?.with_narrow(draw(found, 1)?)),
    }
}

/// Draws the faces, so many beside each other.
fn draw(found: &RegionWorths<'_>, across: usize) -> Result<Figure, ReportError> {
    let measure = Measure::of(found.metric);
    let (first, extreme) = (&found.slices[0], found.extreme);
    let width = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let title = found.several.title(title(found, measure), first.fill, first.swept);
    let mut drawing = Drawing::new(width, &title);
    let mut y = drawing.heading(&subtitle(found));
    for face in &found.faces {
        drawing.describe(&description(face, measure));
    }
    drawing.data(data(&found.faces, measure));
    let used = across as f64 * (PANEL + GUTTER) - GUTTER;
    for row in found.faces.chunks(across) {
        let mut bottom = y;
        for (column, face) in row.iter().enumerate() {
            let left = (width - used) / 2.0 + column as f64 * (PANEL + GUTTER);
            let mut below = y;
            for line in fonts::wrap(heading(face), HEADING, PANEL) {
                below += HEADING.line();
                drawing.text(left, below - 0.3, Anchor::Start, HEADING, &line);
            }
            let side = PANEL - 2.0 * LABELS;
            let frame = Place { left: left + LABELS, top: below + 1.2, width: side, height: side };
            let mut below = draw_face(&mut drawing, face, frame, extreme, measure) + 0.6;
            for line in notes(face, PANEL) {
                below += NOTE.line();
                drawing.text(left, below, Anchor::Start, NOTE, &line);
            }
            bottom = f64::max(bottom, below);
        }
        y = bottom + 2.5;
    }
    let bottom = key(&mut drawing, found, measure, y);
    drawing.finish(bottom + MARGIN)
}

fn heading(face: &Face<'_>) -> &'static str {
    match (face.mode, face.controlled) {
        (Mode::Hide, false) => "Region masked: loss",
        (Mode::Hide, true) => "Region masked: loss beyond the same area elsewhere",
        (Mode::Keep, false) => "Only the region visible: gain over chance",
        (Mode::Keep, true) => "Only the region visible: gain over the same area elsewhere",
    }
}

/// Draws a face and its regions, with their labels beside it; returns the y below.
fn draw_face(
    drawing: &mut Drawing,
    shown: &Face<'_>,
    frame: Place,
    extreme: f64,
    measure: Measure,
) -> f64 {
    for worth in &shown.worths {
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
    let labels: Vec<Label<'_>> = shown
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
fn hint(worth: &RegionWorth<'_>, measure: Measure) -> String {
    let range = worth.interval.map_or(String::new(), |(low, high)| {
        format!(" (95 % CI {} to {})", measure.number(low), measure.number(high))
    });
    let (name, number) = (&worth.region.name, measure.number(worth.value));
    format!("{name}: {number} {}{range}", measure.long_unit)
}

/// What stands under a face.
fn notes(face: &Face<'_>, width: f64) -> Vec<String> {
    if face.left_out.is_empty() {
        return Vec::new();
    }
    let text = format!("Not drawn, since they overlap others: {}", face.left_out.join(", "));
    fonts::wrap(&text, NOTE, width)
}

/// A row a region and face.
fn data(faces: &[Face<'_>], measure: Measure) -> Table {
    let mut table = Table::new(vec![
        Column::text("panel", "panel"),
        Column::text("region", "region"),
        Column::number("value", measure.long_unit),
        Column::text("significant", "significant"),
    ]);
    for face in faces {
        for worth in &face.worths {
            table.push(vec![
                Cell::text(heading(face)),
                Cell::text(worth.region.name.as_str()),
                Cell::of(worth.value, measure).with_interval(worth.interval),
                Cell::Flag(worth.significant),
            ]);
        }
    }
    table
}

/// `10.3`, or `(1.2)` where it is not significant.
fn bracketed(worth: &RegionWorth<'_>, measure: Measure) -> String {
    let number = measure.number(worth.value);
    if worth.significant { number } else { format!("({number})") }
}

/// The strip of colours, where any region has one; returns the y below it.
fn key(drawing: &mut Drawing, found: &RegionWorths<'_>, measure: Measure, top: f64) -> f64 {
    if !found.worths().any(|worth| worth.significant) {
        let words = measure.long_unit;
        drawing.text(drawing.width / 2.0, top + NOTE.em(), Anchor::Middle, NOTE, words);
        return top + NOTE.line();
    }
    let length = f64::min(70.0, drawing.width - 4.0 * MARGIN);
    let start = (drawing.width - length) / 2.0;
    let negative = found.worths().any(|worth| worth.significant && worth.value < 0.0);
    let extreme = found.extreme * measure.factor;
    let from = if negative { -extreme } else { 0.0 };
    let scale = Scale { from, to: extreme, start, end: start + length };
    colour_bar(drawing, scale, &|value| difference(value, extreme), measure.long_unit, top)
}

fn subtitle(found: &RegionWorths<'_>) -> String {
    let first = &found.slices[0];
    let mut parts = vec![found.facts.subtitle()];
    parts.push(PhaseWords::of(first.phase).networks.to_owned());
    parts.extend(found.several.choice(first.fill, first.swept));
    if found.worths().any(|worth| !worth.significant) {
        parts.push("grey, in brackets: not significant (Holm-corrected)".to_owned());
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// What the first face shows, by the tests of its question; without controls that is the effects' finding.
fn title(found: &RegionWorths<'_>, measure: Measure) -> String {
    let face = &found.faces[0];
    if !face.controlled {
        return headline(&found.slices, measure);
    }
    let by_value = |a: &&RegionWorth<'_>, b: &&RegionWorth<'_>| a.value.total_cmp(&b.value);
    let Some(largest) = face.worths.iter().max_by(by_value) else { return String::new() };
    let mut above: Vec<&RegionWorth<'_>> =
        face.worths.iter().filter(|worth| worth.significant && worth.value > 0.0).collect();
    above.sort_by(|a, b| by_value(b, a));
    let name = |worth: &&RegionWorth<'_>| subject(std::slice::from_ref(&worth.region.name)).words;
    let estimate = format!(
        "largest estimate: {}, {} {}",
        largest.region.name,
        measure.rounded(largest.value),
        measure.unit
    );
    let more = "more than the same area elsewhere";
    let names = |conjunction: &str| list(above.iter().map(name).collect(), conjunction);
    let carrying = format!("{} of {} regions", above.len(), face.worths.len());
    match (face.mode, above.len()) {
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
fn description(face: &Face<'_>, measure: Measure) -> String {
    let worths = face.worths.iter().map(|worth| {
        let range = worth.interval.map_or(String::new(), |(low, high)| {
            format!(" ({} to {})", measure.number(low), measure.number(high))
        });
        format!("{} {}{range}", worth.region.name, measure.number(worth.value))
    });
    let worths: Vec<String> = worths.collect();
    format!("{}, {}: {}.", heading(face), measure.long_unit, worths.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Regions;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::canvas::theme::BLUE;
    use crate::report::findings::evidence::Evidence;
    use crate::report::findings::facts::Facts;
    use crate::report::findings::finding::tests::{paired, row, with_chance, with_control};
    use crate::store::{EffectRow, Metric};

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
        let (evidence, regions, facts) = (of(rows), Regions::aligned(), facts());
        let found = RegionWorths::of(&evidence, Metric::Accuracy, &regions, &facts).unwrap();
        let figure = region_map(&found).unwrap();
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
        for rows in [&unknown[..], &[]] {
            let (evidence, regions, facts) = (of(rows), Regions::aligned(), facts());
            assert!(RegionWorths::of(&evidence, Metric::Accuracy, &regions, &facts).is_none());
        }
    }

    #[test]
    fn no_significant_effect_is_a_grey_face() {
        let figure = map(&[row("mouth", "hide", 0.0, Some((-1.0, 1.0)))]);
        assert!(words(&figure).lines().any(|line| line == "(0.0)"));
        let large = map(&[row("mouth", "hide", 12.0, Some((-46.0, 70.0)))]);
        assert!(words(&large).lines().any(|line| line == "(12.0)"));
        // Without a colour on the face there is no strip of colours.
        assert!(!large.svg.contains(&BLUE.hex()));
        assert!(words(&large).contains("points of test accuracy"), "{}", words(&large));
        let told = map(&[row("mouth", "hide", 12.0, Some((10.0, 14.0)))]);
        assert!(told.svg.matches(&BLUE.hex()).count() > 1);
    }
}

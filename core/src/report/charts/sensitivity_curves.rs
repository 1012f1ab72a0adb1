//! Deletion and insertion curves (Petsiuk et al. 2018): the face masked, and revealed, in the order of a map.

use crate::analysis::MeanCurve;
use crate::store::{CurveKind, CurveOrder, MapMethod};

use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    BLUE, Colour, DOUBLE_COLUMN, FAINT, HAIRLINE, HEADING, MARGIN, MEDIUM, MUTED, NOTE, ORANGE,
    RULE, SINGLE_COLUMN, TICK,
};
use crate::report::findings::facts::Facts;
use crate::report::findings::sensitivity::Curves;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::capital;
use crate::report::words::numbers::{decimal, extent, mean};
use crate::report::words::phrase::list;

const GUTTER: f64 = 9.0;
/// Room for the numbers of the y axis.
const Y_AXIS: f64 = 8.0;
/// Room for half of the last number of an x axis.
const LAST: f64 = 2.0;
const HEIGHT: f64 = 48.0;

/// A panel: its curve, its heading, what its x axis counts.
const PANELS: [(CurveKind, &str, &str); 2] = [
    (CurveKind::Deletion, "Deletion: lower is better", "share of the face deleted, %"),
    (CurveKind::Insertion, "Insertion: higher is better", "share of the face inserted, %"),
];

/// Mean probability of the actual emotion while the face is deleted and inserted in the order of each method's map,
/// beside random orders, with the area under each curve (AUC).
///
/// # Errors
/// Where it cannot be drawn.
pub fn sensitivity_curves(found: &Curves<'_>) -> Result<Figure, ReportError> {
    Ok(draw(found, 2)?.with_narrow(draw(found, 1)?))
}

/// Draws the panels, so many beside each other.
fn draw(found: &Curves<'_>, across: usize) -> Result<Figure, ReportError> {
    let points = || found.all().flat_map(|curve| &curve.points);
    let full = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let axes_and_gutters = across as f64 * Y_AXIS + (across as f64 - 1.0) * GUTTER + LAST;
    let width = (full - 2.0 * MARGIN - axes_and_gutters) / across as f64;
    let most = points().map(|point| 100.0 * point.1).fold(10.0, f64::max);
    let to = (most / 10.0).ceil() * 10.0;

    let mut drawing = Drawing::new(full, &title(found));
    let start = drawing.heading(&subtitle(found));
    drawing.data(data(found));
    let most_lines = found.deletion.len().max(found.insertion.len()) as f64;
    let key = HEADING.line() + most_lines * NOTE.line() + 2.5;
    let below = 1.4 + TICK.line() + NOTE.line() + 0.8;
    let mut bottom = start;
    for (index, (kind, heading, unit)) in PANELS.into_iter().enumerate() {
        let lines = found.of_kind(kind);
        let left = MARGIN + Y_AXIS + (index % across) as f64 * (width + Y_AXIS + GUTTER);
        let y = start + (index / across) as f64 * (key + HEIGHT + below + 4.0);
        let top = y + key;
        bottom = top + HEIGHT + below;
        drawing.text(left, y + HEADING.em(), Anchor::Start, HEADING, heading);
        let along = Scale { from: 0.0, to: 100.0, start: left, end: left + width };
        let up = Scale { from: 0.0, to, start: top + HEIGHT, end: top };
        axes(&mut drawing, &along, &up, unit);
        // The first line lies on top of the others.
        for line in lines.iter().rev() {
            let points = line.points.iter();
            let points = points.map(|(share, p)| (along.at(100.0 * share), up.at(100.0 * p)));
            drawing.path(points.collect(), MEDIUM, colour(line), 1.0);
        }
        for (number, line) in lines.iter().enumerate() {
            let middle = y + HEADING.line() + 1.2 + (number as f64 + 0.5) * NOTE.line();
            drawing.line((left, middle), (left + 5.0, middle), MEDIUM, colour(line));
            let words = format!("{}, AUC {}", name(line), area(line));
            let baseline = middle + CAP_MIDDLE * NOTE.em();
            let (at, size) = ((left, middle - 0.5 * NOTE.line()), (width, NOTE.line()));
            drawing.hinted(&description(heading, line), at, size, |drawing| {
                drawing.text(left + 6.2, baseline, Anchor::Start, NOTE, &words);
            });
        }
        for line in lines {
            drawing.describe(&description(heading, line));
        }
    }
    drawing.finish(bottom + MARGIN)
}

/// A row a point of a line.
fn data(found: &Curves<'_>) -> Table {
    let mut table = Table::new(vec![
        Column::text("curve", "curve"),
        Column::text("order", "order"),
        Column::number("share", "share of the face, %"),
        Column::number("probability", "probability of the emotion, %"),
    ]);
    for (kind, ..) in PANELS {
        for line in found.of_kind(kind) {
            for &(share, probability) in &line.points {
                table.push(vec![
                    Cell::text(kind.name()),
                    Cell::text(name(line)),
                    Cell::share(share),
                    Cell::share(probability),
                ]);
            }
        }
    }
    table
}

fn name(curve: &MeanCurve) -> &'static str {
    match (curve.order, curve.method) {
        (CurveOrder::Random, _) => "random order",
        (CurveOrder::Map, MapMethod::Window) => "window map",
        (CurveOrder::Map, MapMethod::Rise) => "RISE map",
    }
}

fn colour(curve: &MeanCurve) -> Colour {
    match (curve.order, curve.method) {
        (CurveOrder::Random, _) => MUTED,
        (CurveOrder::Map, MapMethod::Window) => BLUE,
        (CurveOrder::Map, MapMethod::Rise) => ORANGE,
    }
}

fn axes(drawing: &mut Drawing, across: &Scale, up: &Scale, unit: &str) {
    let (left, right, bottom) = (across.start, across.end, up.start);
    for tick in up.ticks(6) {
        let y = up.at(tick);
        drawing.line((left, y), (right, y), HAIRLINE, FAINT);
        let baseline = y + CAP_MIDDLE * TICK.em();
        drawing.text(left - 1.2, baseline, Anchor::End, TICK, &decimal(tick, 0));
    }
    let middle = (bottom + up.end) / 2.0;
    drawing.text_upwards(left - 6.2, middle, Anchor::Middle, NOTE, "probability of the emotion, %");
    drawing.line((left, bottom), (right, bottom), HAIRLINE, RULE);
    for tick in across.ticks(6) {
        let x = across.at(tick);
        drawing.line((x, bottom), (x, bottom + 0.8), HAIRLINE, RULE);
        drawing.text(x, bottom + 1.2 + TICK.em(), Anchor::Middle, TICK, &decimal(tick, 0));
    }
    let below = bottom + 1.4 + TICK.line() + NOTE.line();
    drawing.text((left + right) / 2.0, below, Anchor::Middle, NOTE, unit);
}

/// `0.312`, and with several seeds their range: `0.312 (0.300 to 0.321)`.
fn area(curve: &MeanCurve) -> String {
    let areas = &curve.areas;
    let (low, high) = extent(areas);
    match areas.len() {
        1 => decimal(mean(areas), 3),
        _ => format!("{} ({} to {})", decimal(mean(areas), 3), decimal(low, 3), decimal(high, 3)),
    }
}

/// Whether the maps beat random orders, in every seed.
fn title(found: &Curves<'_>) -> String {
    let beaten = found.beaten();
    let compared = beaten.len();
    let worse = beaten.iter().filter(|(_, beats)| !beats);
    let worse: Vec<String> =
        worse.map(|(map, _)| format!("the {} in {}", name(map), map.curve.name())).collect();
    match (worse.len(), compared) {
        (_, 0) => "Deletion and insertion curves of the maps".to_owned(),
        (0, _) => {
            "The maps beat a random order in deletion and insertion, in every seed".to_owned()
        }
        (all, compared) if all == compared => {
            "No map beats a random order in every seed".to_owned()
        }
        _ => format!("Not every map beats a random order in every seed: {}", list(worse, "and")),
    }
}

fn subtitle(found: &Curves<'_>) -> String {
    let mut parts = vec![Facts { images: 0, ..found.facts.clone() }.subtitle()];
    parts.push("networks trained on whole faces, mean over emotions and seeds".to_owned());
    parts.push("on the images that the maps were made of".to_owned());
    let seeds = found.all().map(|curve| curve.areas.len()).max().unwrap_or(0);
    parts.push(match seeds {
        0 | 1 => "AUC: area under the curve, 0 to 1".to_owned(),
        _ => "AUC: area under the curve, 0 to 1, with its range over seeds".to_owned(),
    });
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// `Deletion: lower is better, window map: AUC 0.312; fear 0.28, …`
fn description(heading: &str, curve: &MeanCurve) -> String {
    let emotions =
        curve.emotions.iter().map(|(emotion, area)| format!("{emotion} {}", decimal(*area, 2)));
    let emotions: Vec<String> = emotions.collect();
    let heading = capital(heading);
    format!("{heading}, {}: AUC {}; {}.", name(curve), area(curve), emotions.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::mean_curves;
    use crate::analysis::sensitivity::tests::curve;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::store::SensitivityCurveRow;

    fn drawn(rows: &[Vec<SensitivityCurveRow>]) -> Figure {
        let facts = Facts { dataset: "faces".to_owned(), ..Facts::default() };
        let figure =
            sensitivity_curves(&Curves::of(&mean_curves(&rows.concat()), &facts).unwrap()).unwrap();
        assert_labels_are_apart(&figure);
        figure
    }

    /// Curves of one seed: deletion and insertion by the map of `window`, and in random order.
    fn seed(seed: u64, deletion: [f64; 3], insertion: [f64; 3]) -> Vec<SensitivityCurveRow> {
        let of = |curve_and_order, values| curve(("window", "fear", seed), curve_and_order, values);
        [
            of(("deletion", "map"), deletion),
            of(("insertion", "map"), insertion),
            of(("deletion", "random"), [0.8, 0.5, 0.2]),
            of(("insertion", "random"), [0.2, 0.5, 0.8]),
        ]
        .concat()
    }

    #[test]
    fn areas_stand_at_the_curves() {
        let good = seed(1, [0.8, 0.2, 0.2], [0.2, 0.8, 0.8]);
        let figure = drawn(std::slice::from_ref(&good));
        assert_eq!(
            figure.title,
            "The maps beat a random order in deletion and insertion, in every seed"
        );
        let found = words(&figure);
        for label in ["window map, AUC 0.350", "window map, AUC 0.650", "random order, AUC 0.500"] {
            assert!(found.lines().any(|line| line == label), "{label} is missing:\n{found}");
        }
        assert!(figure.description.contains("window map: AUC 0.350; fear 0.35."));
        let bad = seed(2, [0.8, 0.7, 0.2], [0.2, 0.8, 0.8]);
        let figure = drawn(&[good, bad]);
        assert!(
            figure.title.ends_with("in every seed: the window map in deletion"),
            "{}",
            figure.title
        );
        assert!(words(&figure).contains("(0.350 to 0.600)"));
        let none = drawn(&[seed(1, [0.8, 0.9, 0.2], [0.2, 0.1, 0.8])]);
        assert!(none.title.starts_with("No map beats"), "{}", none.title);
    }

    #[test]
    fn without_curves_there_is_no_picture() {
        assert!(Curves::of(&[], &Facts::default()).is_none());
    }
}

//! Sensitivity maps: one for each emotion over the mean face of its images.

use crate::analysis::MeanMap;
use crate::experiment::{SensitivityMethod, SensitivitySpec};
use crate::region::{Fill, Regions};
use crate::store::MapMethod;

use crate::report::canvas::colour_bar::colour_bar;
use crate::report::canvas::drawing::{Anchor, Drawing};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::place::Place;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    Colour, DOUBLE_COLUMN, HAIRLINE, HEADING, INK, MARGIN, NOTE, SINGLE_COLUMN, WHITE, amount,
    difference,
};
use crate::report::charts::contact_sheet::Tile;
use crate::report::findings::facts::Facts;
use crate::report::findings::sensitivity::{EmotionMap, Maps, Marked};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::capital;
use crate::report::words::numbers::{counted, decimal, thousands};
use crate::report::words::phrase::{list, subject};

const GUTTER: f64 = 4.0;
/// Faces in a row, and the widest one, mm.
const ACROSS: usize = 4;
const WIDEST: f64 = 42.0;
/// Pixels along a side of a face: so many that the cells of a map have no edges.
const PIXELS: usize = 192;
/// Pixels between two strokes over what is under zero.
const HATCH: usize = 8;
/// The full colour stands for no less than half a point.
const LEAST: f64 = 0.005;
/// The darkest a face gets under a map, from 0 to 1: light enough for the map to show.
const SHADE: f64 = 0.6;

/// The maps of one method, a face for each emotion, in one scale. What is under zero in RISE's is not tinted.
///
/// # Errors
/// Where it cannot be drawn.
pub fn sensitivity(found: &Maps<'_>) -> Result<Figure, ReportError> {
    match found.emotions.len() {
        few @ 0..=2 => draw(found, few.max(1)),
        more => Ok(draw(found, more.min(ACROSS))?.with_narrow(draw(found, 2)?)),
    }
}

/// Draws the panels, so many beside each other.
fn draw(found: &Maps<'_>, across: usize) -> Result<Figure, ReportError> {
    let Maps { emotions: panels, method, regions, facts, .. } = found;
    let is_window = *method == MapMethod::Window;
    let width = if across > 2 { DOUBLE_COLUMN } else { SINGLE_COLUMN };
    let room = (width - 2.0 * MARGIN + GUTTER) / across as f64 - GUTTER;
    let face = room.min(WIDEST);

    let mut drawing = Drawing::new(width, &title(found));
    let mut y = drawing.heading(&subtitle(found));
    for panel in panels {
        drawing.describe(&description(panel));
    }
    drawing.data(data(panels));
    let values = || panels.iter().flat_map(|panel| &panel.values);
    let size = |value: &f64| if is_window { value.abs() } else { *value };
    let extreme = values().map(size).fold(LEAST, f64::max);
    let colour = |value: f64| match is_window {
        true => difference(value, extreme),
        false => amount(value / extreme),
    };
    let left = (width - across as f64 * (face + GUTTER) + GUTTER) / 2.0;
    for row in panels.chunks(across) {
        for (column, panel) in row.iter().enumerate() {
            let left = left + column as f64 * (face + GUTTER);
            let name = fonts::fit(&capital(&named(&panel.map.emotion, facts)), HEADING, face);
            drawing.text(left, y + HEADING.em(), Anchor::Start, HEADING, &name);
            let frame = Place { left, top: y + HEADING.line() + 0.6, width: face, height: face };
            let (at, size) = ((frame.left, frame.top), (frame.width, frame.height));
            let tile = tile(panel, is_window.then_some(extreme), &colour)?;
            drawing.picture(at, size, &tile)?;
            drawing.hinted(&description(panel), at, size, |drawing| {
                draw_regions(drawing, frame, regions);
            });
            let below = frame.top + frame.height + NOTE.line() + 0.3;
            let note = fonts::fit(&finding(panel), NOTE, face);
            drawing.text(left, below, Anchor::Start, NOTE, &note);
        }
        y += HEADING.line() + 0.6 + face + NOTE.line() + 3.0;
    }
    let from = if is_window && values().any(|value| *value < 0.0) { -extreme } else { 0.0 };
    let length = f64::min(70.0, width - 4.0 * MARGIN);
    let start = (width - length) / 2.0;
    let scale = Scale { from: 100.0 * from, to: 100.0 * extreme, start, end: start + length };
    let unit = match is_window {
        true => "loss of the emotion's probability under the window, points",
        false => {
            "probability of the emotion while a place is visible, points above the median place"
        }
    };
    let bottom = colour_bar(&mut drawing, scale, &|value| colour(value / 100.0), unit, y + 0.5);
    drawing.finish(bottom + MARGIN)
}

/// The mean face, tinted by the map. Where its scale has two sides, reaching to `extreme`, all but the palest
/// of what is under zero is hatched.
fn tile(
    panel: &EmotionMap<'_>,
    extreme: Option<f64>,
    colour: &dyn Fn(f64) -> Colour,
) -> Result<Tile, ReportError> {
    let MeanMap { side, face, .. } = panel.map;
    let darkest = face.iter().copied().fold(f64::INFINITY, f64::min);
    let brightest = face.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = (brightest - darkest).max(1e-6);
    let mut pixels = Vec::with_capacity(3 * PIXELS * PIXELS);
    for row in 0..PIXELS {
        for column in 0..PIXELS {
            let value = between(&panel.values, *side, row, column);
            let Colour(red, green, blue) = colour(value);
            let hatched = extreme.is_some_and(|extreme| value < -0.1 * extreme)
                && (row + column).is_multiple_of(HATCH);
            let light = (between(face, *side, row, column) - darkest) / range;
            // Multiplied, so that what is not tinted is the face itself.
            let shade = (SHADE + (1.0 - SHADE) * light) * if hatched { 0.6 } else { 1.0 };
            pixels.extend([red, green, blue].map(|value| (f64::from(value) * shade).round() as u8));
        }
    }
    Tile::new(pixels, PIXELS, PIXELS, 3)
}

/// The outlines of the regions.
fn draw_regions(drawing: &mut Drawing, frame: Place, regions: &Regions) {
    for polygon in regions.built_in().iter().flat_map(|region| &region.polygons) {
        let corners = polygon.points().iter().map(|&point| frame.at(point));
        let mut outline: Vec<(f64, f64)> = corners.collect();
        outline.extend(outline.first().copied());
        drawing.path(outline.clone(), 3.0 * HAIRLINE, WHITE, 0.35);
        drawing.path(outline, HAIRLINE, INK, 0.6);
    }
}

/// A row an emotion and region.
fn data(panels: &[EmotionMap<'_>]) -> Table {
    let mut table = Table::new(vec![
        Column::text("emotion", "emotion"),
        Column::text("region", "region"),
        Column::number("mean", "mean over the region"),
    ]);
    for panel in panels {
        for (region, mean) in &panel.worths {
            table.push(vec![
                Cell::text(panel.map.emotion.as_str()),
                Cell::text(*region),
                Cell::share(*mean),
            ]);
        }
    }
    table
}

/// A map's value at a pixel, between its cells by bilinear interpolation.
fn between(values: &[f64], side: usize, row: usize, column: usize) -> f64 {
    let last = side as f64 - 1.0;
    let at =
        |pixel: usize| ((pixel as f64 + 0.5) / PIXELS as f64 * side as f64 - 0.5).clamp(0.0, last);
    let (y, x) = (at(row), at(column));
    let (top, left) = (y.floor() as usize, x.floor() as usize);
    let (bottom, right) = ((top + 1).min(side - 1), (left + 1).min(side - 1));
    let (down, across) = (y.fract(), x.fract());
    let along = |row: usize| {
        values[row * side + left] * (1.0 - across) + values[row * side + right] * across
    };
    along(top) * (1.0 - down) + along(bottom) * down
}

/// `mouth 12.3`, or `(mouth 12.3)` where the seeds differ on the region.
fn finding(panel: &EmotionMap<'_>) -> String {
    let (name, worth) = panel.worths[panel.most];
    let words = format!("{name} {}", decimal(100.0 * worth, 1));
    if panel.agreed { words } else { format!("({words})") }
}

/// The emotion, and that it is one which the networks never predict: its map then tells of a probability that decides
/// nothing.
fn named(emotion: &str, facts: &Facts) -> String {
    match facts.unpredicted.iter().any(|name| name == emotion) {
        true => format!("{emotion} (never predicted)"),
        false => emotion.to_owned(),
    }
}

/// Which region is marked in every seed, and the largest estimate where that is of another emotion. It describes the
/// seeds; nothing is tested.
fn title(found: &Maps<'_>) -> String {
    let marked = found.marked();
    let all = found.emotions.len();
    let emotions = |marked: &Marked<'_>| match marked.emotions.len() {
        1 | 2 => list(marked.emotions.iter().map(|name| named(name, found.facts)).collect(), "and"),
        count => format!("{count} of {all} emotions"),
    };
    let words = |name: &str| subject(&[name.to_owned()]).words;
    let (over, what) = match found.method {
        MapMethod::Window => ("over", "window occlusion costs most over"),
        MapMethod::Rise => ("at", "RISE importance is highest at"),
    };
    let opening = match found.seeds() {
        0 | 1 => what.replacen("window", "Window", 1),
        2 => format!("In both seeds, {what}"),
        seeds => format!("In all {seeds} seeds, {what}"),
    };
    let (said, told) = match &marked[..] {
        [] if found.seeds() > 1 => (
            "For every emotion, seeds disagree on the most important region".to_owned(),
            &marked[..],
        ),
        [] => return "No region stands out".to_owned(),
        [only] if only.emotions.len() == all && all > 1 => {
            (format!("{opening} {} for every emotion", words(only.region)), &marked[..])
        }
        [first, others @ ..] => {
            let next = others.first().map_or(String::new(), |next| {
                format!(", {over} {} for {}", words(next.region), emotions(next))
            });
            let said = format!("{opening} {} for {}{next}", words(first.region), emotions(first));
            (said, &marked[..marked.len().min(2)])
        }
    };
    let is_told = |of: &EmotionMap<'_>| {
        told.iter().any(|marked| marked.emotions.contains(&of.map.emotion.as_str()))
    };
    let estimate = found.largest().filter(|of| !is_told(of)).map_or(String::new(), |of| {
        let (region, worth) = of.worths[of.most];
        let emotion = named(&of.map.emotion, found.facts);
        let worth = decimal(100.0 * worth, 1);
        format!("; largest estimate: {} for {emotion}, {worth} points", words(region))
    });
    said + &estimate
}

fn subtitle(found: &Maps<'_>) -> String {
    let Maps { facts, emotions: panels, spec, .. } = found;
    let images: u64 = panels.iter().map(|panel| panel.map.images).sum();
    let seeds = found.seeds() as u64;
    let mut parts = vec![facts.dataset.clone(), facts.setting.clone()];
    parts.extend([counted(images, "test image"), counted(seeds, "seed")]);
    if let Some(SensitivitySpec { method, fill, .. }) = spec {
        parts.push(match *method {
            SensitivityMethod::Window { side, stride } => format!(
                "window occlusion (Zeiler & Fergus 2014): {} % of the face's side, stride {} %",
                decimal(100.0 * side, 0),
                decimal(100.0 * stride, 0)
            ),
            SensitivityMethod::Rise { masks, cells, keep } => format!(
                "RISE (Petsiuk et al. 2018): {} random masks of {cells} × {cells} cells, {} % visible",
                thousands(u64::from(masks)),
                decimal(100.0 * keep, 0)
            ),
        });
        if *fill != Fill::Mean {
            parts.push(format!("{} fill", fill.name()));
        }
    }
    parts.push("on the emotion's mean face; below it the region of the largest mean".to_owned());
    if panels.iter().any(|panel| !panel.agreed) && seeds > 1 {
        parts.push("in brackets: seeds disagree on the region".to_owned());
    }
    parts.push("descriptive: nothing is tested".to_owned());
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// `Fear, points by region: eyes 12.3, mouth 4.0, …`
fn description(panel: &EmotionMap<'_>) -> String {
    let mut worths = panel.worths.clone();
    worths.sort_by(|a, b| b.1.total_cmp(&a.1));
    let worths = worths.iter().map(|(name, worth)| format!("{name} {}", decimal(100.0 * worth, 1)));
    let worths: Vec<String> = worths.collect();
    format!("{}, points by region: {}.", capital(&panel.map.emotion), worths.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::mean_maps;
    use crate::analysis::sensitivity::tests::map;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::facts::Facts;

    fn facts() -> Facts {
        Facts { dataset: "faces".to_owned(), seeds: 2, ..Facts::default() }
    }

    /// So high around a point, x and y.
    type Hill = (f64, f64, f64);
    const MOUTH: Hill = (0.3, 0.5, 0.77);
    const NOSE: Hill = (0.1, 0.5, 0.55);

    fn around((height, x, y): Hill) -> impl Fn(f64, f64) -> f64 {
        move |u, v| height * (-((u - x).powi(2) + (v - y).powi(2)) / 0.02).exp()
    }

    fn drawn(method: &str, places: &[(&str, [Hill; 2])]) -> Figure {
        drawn_of(method, places, &facts())
    }

    fn drawn_of(method: &str, places: &[(&str, [Hill; 2])], facts: &Facts) -> Figure {
        let rows = places.iter().flat_map(|(emotion, seeds)| {
            (1..)
                .zip(seeds)
                .flat_map(|(seed, place)| map((method, emotion, seed), 48, around(*place)))
        });
        let maps = mean_maps(&rows.collect::<Vec<_>>());
        let (method, regions) = (maps[0].method, Regions::aligned());
        let found = Maps::of(&maps, method, None, &regions, facts).unwrap();
        let figure = sensitivity(&found).unwrap();
        assert_labels_are_apart(&figure);
        figure
    }

    #[test]
    fn the_title_says_what_every_seed_says() {
        let both = [("happiness", [MOUTH, MOUTH]), ("fear", [MOUTH, MOUTH])];
        assert_eq!(
            drawn("window", &both).title,
            "In both seeds, window occlusion costs most over the mouth for every emotion"
        );
        let three =
            [("happiness", [MOUTH, MOUTH]), ("fear", [NOSE, NOSE]), ("anger", [NOSE, MOUTH])];
        let figure = drawn("rise", &three);
        let said = "In both seeds, RISE importance is highest at the mouth for happiness, at the nose for fear";
        assert_eq!(figure.title, said);
        let words = words(&figure);
        assert!(words.contains("in brackets: seeds disagree on the region"), "{words}");
        assert!(words.lines().any(|line| line.starts_with("(")), "{words}");
        let split = [("anger", [NOSE, MOUTH])];
        assert!(drawn("window", &split).title.contains("seeds disagree on the most important"));
    }

    /// 1.5 points on which seeds agree say less than 5.7 on which they do not.
    #[test]
    fn the_largest_estimate_is_named_whether_seeds_agree_or_not() {
        let (faint, split) = ((0.05, 0.5, 0.55), (0.6, 0.5, 0.77));
        let maps = [("anger", [faint, faint]), ("surprise", [split, (0.2, 0.5, 0.55)])];
        let figure = drawn("window", &maps);
        let said = "In both seeds, window occlusion costs most over the nose for anger; largest estimate: the mouth for \
                    surprise, ";
        assert!(figure.title.starts_with(said), "{}", figure.title);
        let words = words(&figure).replace('\n', " ");
        assert!(words.contains("descriptive: nothing is tested"), "{words}");
    }

    #[test]
    fn a_class_that_is_never_predicted_is_named_as_such() {
        let facts = Facts { unpredicted: vec!["disgust".to_owned()], ..facts() };
        let two = [("disgust", [MOUTH, MOUTH]), ("fear", [NOSE, NOSE])];
        let figure = drawn_of("window", &two, &facts);
        let said = "In both seeds, window occlusion costs most over the mouth for disgust (never predicted), over the \
                    nose for fear";
        assert_eq!(figure.title, said);
        assert!(words(&figure).lines().any(|line| line == "Disgust (never predicted)"));
    }

    #[test]
    fn it_is_told_in_words_too() {
        let figure = drawn("window", &[("happiness", [MOUTH, MOUTH])]);
        assert!(
            figure.description.contains("Happiness, points by region: mouth "),
            "{}",
            figure.description
        );
        assert!(figure.description.contains("200 test images"), "{}", figure.description);
    }

    #[test]
    fn a_map_is_smooth_between_its_cells_and_exact_in_their_middle() {
        let values = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(between(&values, 2, 0, 0), 0.0);
        assert_eq!(between(&values, 2, PIXELS - 1, PIXELS - 1), 3.0);
        let middle = between(&values, 2, PIXELS / 2, PIXELS / 2);
        assert!((middle - 1.5).abs() < 0.05, "{middle}");
    }

    #[test]
    fn without_maps_there_is_no_picture() {
        let (regions, facts) = (Regions::aligned(), facts());
        assert!(Maps::of(&[], MapMethod::Window, None, &regions, &facts).is_none());
    }
}

//! Emotion by region: what the network needs, what humans use, and where the two differ.

use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing, corners};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    BLUE, Colour, DOUBLE_COLUMN, FAINT, HAIRLINE, HEADING, LABEL, MARGIN, MEDIUM, MUTED, NOTE,
    RULE, SINGLE_COLUMN, TICK, Type, WHITE, difference,
};
use crate::report::findings::agreement::{Agreement, EmotionRanks};
use crate::report::findings::facts::Facts;
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::numbers::decimal;
use crate::report::words::phrase::list;

/// Height of a cell, mm.
const CELL: f64 = 6.0;
const GAP: f64 = 0.3;
const GUTTER: f64 = 3.5;
/// Widest name before it is cut, mm.
const NAME_WIDTH: f64 = 18.0;
/// The chart of correlations with the numbers beside it, mm.
const AGREEMENT: f64 = 22.0;
const NUMBER: f64 = 8.0;
const DOT: f64 = 0.85;

/// The network's regions for each emotion beside those that humans use, the difference of their ranks, and the rank
/// correlation over regions with its interval, under the ceiling that the human reference's own noise sets.
///
/// # Errors
/// Where it cannot be drawn.
pub fn emotion_map(found: &Agreement<'_>) -> Result<Figure, ReportError> {
    Ok(draw(found, 3)?.with_narrow(draw(found, 1)?))
}

/// Draws the three grids, so many beside each other, and the correlations beside the last.
fn draw(found: &Agreement<'_>, across: usize) -> Result<Figure, ReportError> {
    let Agreement { emotions: rows, regions: columns, heading, facts } = found;
    let full = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let fitted = |names: Vec<String>| fonts::fit_apart(&names, LABEL, NAME_WIDTH);
    let names = fitted(rows.iter().map(|row| row.emotion.to_string()).collect());
    let heads = fitted(columns.iter().map(|region| region.to_string()).collect());
    let widest =
        |names: &[String]| names.iter().map(|name| fonts::width(name, LABEL)).fold(0.0, f64::max);
    let left = MARGIN + widest(&names) + 1.5;
    // Stacked, the correlations stand under the grids.
    let beside = if across == 1 { 0.0 } else { AGREEMENT + GUTTER };
    let gutters = (across as f64 - 1.0) * GUTTER;
    let panel = (full - left - MARGIN - beside - gutters) / across as f64;
    let width = (panel / columns.len() as f64).min(9.0);

    let mut drawing = Drawing::new(full, &title(rows));
    let start = drawing.heading(&subtitle(facts));
    for row in rows {
        drawing.describe(&description(row, columns));
    }
    drawing.data(data(rows, columns));
    let panels: [(&str, Grid); 3] = [
        (heading, Grid { values: |row| &row.network, factor: 100.0, least: 0.05, tested: true }),
        (
            "Humans: % over an average tile",
            Grid { values: |row| &row.humans, factor: 1.0, least: 5.0, tested: false },
        ),
        (
            "Rank, network − humans",
            Grid { values: |row| &row.ranks, factor: 1.0, least: 1.0, tested: false },
        ),
    ];
    let headings = panels.each_ref().map(|(heading, _)| fonts::wrap(heading, HEADING, panel));
    let agreement_heading = fonts::wrap("Rank correlation", HEADING, AGREEMENT);
    let lines = headings.iter().chain([&agreement_heading]).map(Vec::len).max().unwrap_or(1);
    let above = lines as f64 * HEADING.line() + 1.0 + widest(&heads);
    let height = above + 1.2 + rows.len() as f64 * CELL + 4.0;
    let write_names = |drawing: &mut Drawing, top: f64| {
        for (index, name) in names.iter().enumerate() {
            let middle = top + (index as f64 + 0.5) * CELL;
            drawing.text_block(left - 1.5, middle, Anchor::End, LABEL, std::slice::from_ref(name));
        }
    };
    for (index, ((_, grid), heading)) in panels.iter().zip(&headings).enumerate() {
        let x = left + (index % across) as f64 * (panel + GUTTER);
        let y = start + (index / across) as f64 * height;
        let (names_at, top) = (y + above, y + above + 1.2);
        if index % across == 0 {
            write_names(&mut drawing, top);
        }
        head(&mut drawing, heading, x, y);
        for (column, name) in heads.iter().enumerate() {
            let middle = x + (column as f64 + 0.5) * width + CAP_MIDDLE * LABEL.em();
            drawing.text_upwards(middle, names_at, Anchor::Start, LABEL, name);
        }
        grid.draw(&mut drawing, rows, (columns, heading.join(" ")), (x, top), width);
    }
    let (x, y, top) = match across {
        1 => {
            let y = start + 3.0 * height;
            let top = y + agreement_heading.len() as f64 * HEADING.line() + 1.0;
            write_names(&mut drawing, top);
            (left, y, top)
        }
        _ => (left + 3.0 * (panel + GUTTER), start, start + above + 1.2),
    };
    head(&mut drawing, &agreement_heading, x, y);
    let bottom = draw_agreement(&mut drawing, rows, (x, top));
    drawing.finish(bottom + MARGIN)
}

fn head(drawing: &mut Drawing, lines: &[String], x: f64, y: f64) {
    for (index, line) in lines.iter().enumerate() {
        let baseline = y + HEADING.em() + index as f64 * HEADING.line();
        drawing.text(x, baseline, Anchor::Start, HEADING, line);
    }
}

/// A block of cells with a scale of its own, white at zero.
struct Grid {
    values: for<'a> fn(&'a EmotionRanks<'_>) -> &'a [f64],
    /// From the row's number to the written one.
    factor: f64,
    /// The full colour stands for no less.
    least: f64,
    /// Whether it is bold where it is significant.
    tested: bool,
}

impl Grid {
    fn draw(
        &self,
        drawing: &mut Drawing,
        rows: &[EmotionRanks<'_>],
        (columns, heading): (&[&str], String),
        (left, top): (f64, f64),
        width: f64,
    ) {
        let all = rows.iter().flat_map(|row| (self.values)(row));
        let extreme = all
            .filter(|value| value.is_finite())
            .fold(self.least, |most, v| f64::max(most, v.abs()));
        for (index, row) in rows.iter().enumerate() {
            for (column, &value) in (self.values)(row).iter().enumerate() {
                let at = (left + column as f64 * width, top + index as f64 * CELL);
                let size = (width - GAP, CELL - GAP);
                let known = value.is_finite();
                let ground: Colour = if known { difference(value, extreme) } else { WHITE };
                let bold = self.tested && row.significant[column];
                let style = Type { bold, ..NOTE.coloured(ground.text_on()) };
                let written = value * self.factor;
                let half = known && (written.fract().abs() - 0.5).abs() < 1e-9;
                let number = decimal(written, usize::from(half && self.factor == 1.0));
                let words = format!("{}, {}: {number} · {heading}", row.emotion, columns[column]);
                drawing.hinted(&words, at, size, |drawing| {
                    drawing.rectangle(at, size, ground);
                    if fonts::width(&number, style) <= size.0 - 0.3 {
                        let (x, y) = (at.0 + size.0 / 2.0, at.1 + size.1 / 2.0);
                        drawing.text_block(x, y, Anchor::Middle, style, &[number]);
                    } else if value < 0.0 {
                        drawing.hatch(&corners(at, size), style.colour);
                    }
                });
            }
        }
    }
}

/// A row an emotion and region.
fn data(rows: &[EmotionRanks<'_>], columns: &[&str]) -> Table {
    let mut table = Table::new(vec![
        Column::text("emotion", "emotion"),
        Column::text("region", "region"),
        Column::number("network", "network"),
        Column::text("significant", "significant"),
        Column::number("people", "humans, % over an average tile"),
        Column::number("rank_difference", "rank, network − humans"),
        Column::number("rank_correlation", "rank correlation"),
        Column::number("p_adjusted", "p, Holm"),
        Column::number("ceiling", "noise ceiling"),
    ]);
    let number = |value: f64| match value.is_finite() {
        true => Cell::exact(value),
        false => Cell::Empty,
    };
    for row in rows {
        for (column, region) in columns.iter().enumerate() {
            table.push(vec![
                Cell::text(row.emotion),
                Cell::text(*region),
                number(row.network[column]),
                Cell::Flag(row.significant[column]),
                number(row.humans[column]),
                number(row.ranks[column]),
                row.correlation.map_or(Cell::Empty, |agreement| {
                    Cell::number(agreement.value, 2).with_interval(agreement.interval)
                }),
                row.p_adjusted.map_or(Cell::Empty, Cell::P),
                row.ceiling.map_or(Cell::Empty, number),
            ]);
        }
    }
    table
}

/// The rank correlations with their intervals, and the ceiling of each; returns the y below.
fn draw_agreement(
    drawing: &mut Drawing,
    rows: &[EmotionRanks<'_>],
    (left, top): (f64, f64),
) -> f64 {
    let bottom = top + rows.len() as f64 * CELL;
    let scale =
        Scale { from: -1.0, to: 1.0, start: left + 1.0, end: left + AGREEMENT - NUMBER - 1.0 };
    for tick in [-1.0, 0.0, 1.0] {
        let x = scale.at(tick);
        drawing.line((x, top), (x, bottom), HAIRLINE, if tick == 0.0 { RULE } else { FAINT });
        drawing.text(x, bottom + 0.6 + TICK.em(), Anchor::Middle, TICK, &decimal(tick, 0));
    }
    for (index, row) in rows.iter().enumerate() {
        let middle = top + (index as f64 + 0.5) * CELL;
        if let Some(ceiling) = row.ceiling {
            let x = scale.at(ceiling);
            drawing.line((x, middle - 0.4 * CELL), (x, middle + 0.4 * CELL), MEDIUM, MUTED);
        }
        let Some(agreement) = row.correlation else {
            let end = left + AGREEMENT;
            drawing.text_block(end, middle, Anchor::End, NOTE, &["–".to_owned()]);
            continue;
        };
        let colour = if row.correlates() { BLUE } else { RULE };
        if let Some((low, high)) = agreement.interval {
            drawing.line((scale.at(low), middle), (scale.at(high), middle), MEDIUM, colour);
        }
        drawing.disc((scale.at(agreement.value), middle), DOT, colour);
        let number = decimal(agreement.value, 2);
        drawing.text_block(left + AGREEMENT, middle, Anchor::End, NOTE, &[number]);
    }
    bottom + 0.6 + TICK.line()
}

/// Whether the orders agree, by the tests of all emotions.
fn title(rows: &[EmotionRanks<'_>]) -> String {
    let significant = |sign: f64| -> Vec<String> {
        rows.iter()
            .filter(|row| row.correlates())
            .filter(|row| row.correlation.is_some_and(|found| found.value * sign > 0.0))
            .map(|row| row.emotion.to_owned())
            .collect()
    };
    let (with, against) = (significant(1.0), significant(-1.0));
    match (with.is_empty(), against.is_empty()) {
        (true, true) => {
            "For no emotion do the rankings of regions by network and humans correlate significantly"
                .to_owned()
        }
        (false, true) => {
            format!("Network and human rankings of regions correlate for {}", list(with, "and"))
        }
        (true, false) => {
            format!(
                "Network and human rankings of regions correlate negatively for {}",
                list(against, "and")
            )
        }
        (false, false) => format!(
            "Network and human rankings of regions correlate for {}, negatively for {}",
            list(with, "and"),
            list(against, "and")
        ),
    }
}

fn subtitle(facts: &Facts) -> String {
    let parts = [
        facts.subtitle(),
        "bold: p < 0.05, Holm-corrected".to_owned(),
        "humans: Wegrzyn et al. 2017".to_owned(),
        "rank correlation over regions with 95\u{a0}% CI, wide with so few; grey: not significant (exact test, \
         Holm-corrected over the emotions); vertical stroke: noise ceiling of the human reference"
            .to_owned(),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

/// `Fear: eyes 12 (humans +26), …; rank correlation 0.71 (0.05 to 0.94), noise ceiling 0.91.`
fn description(row: &EmotionRanks<'_>, columns: &[&str]) -> String {
    let cells = columns.iter().enumerate().map(|(column, region)| {
        let network = decimal(row.network[column] * 100.0, 0);
        format!("{} {network} (humans {})", region, decimal(row.humans[column], 0))
    });
    let cells: Vec<String> = cells.collect();
    let agreement = row.correlation.map_or("no rank correlation".to_owned(), |agreement| {
        let range = agreement.interval.map_or(String::new(), |(low, high)| {
            format!(" ({} to {})", decimal(low, 2), decimal(high, 2))
        });
        format!("rank correlation {}{range}", decimal(agreement.value, 2))
    });
    let ceiling = row
        .ceiling
        .map_or(String::new(), |ceiling| format!(", noise ceiling {}", decimal(ceiling, 2)));
    format!(
        "{}: {}; {agreement}{ceiling}.",
        crate::report::words::capital(row.emotion),
        cells.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::people::weight;
    use crate::experiment::EMOTIONS;
    use crate::region::Regions;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, words};
    use crate::report::findings::emotion_cells::{EmotionCell, EmotionCells};

    fn cell(emotion: &str, region: &str, value: f64) -> EmotionCell {
        let significant = value.abs() > 0.05;
        EmotionCell { emotion: emotion.to_owned(), region: region.to_owned(), value, significant }
    }

    /// Cells whose value for an emotion is a function of what humans use.
    fn cells(value: impl Fn(&str, f64) -> f64) -> Vec<EmotionCell> {
        let regions = Regions::aligned();
        let mut cells = Vec::new();
        for emotion in EMOTIONS {
            for region in regions.built_in() {
                let used = weight(emotion, region).unwrap();
                cells.push(cell(emotion, &region.name, value(emotion, used)));
            }
        }
        cells
    }

    fn shown(cells: &[EmotionCell]) -> EmotionCells {
        let heading = "Retrained networks: loss of recall, points".to_owned();
        EmotionCells { heading, cells: cells.to_vec() }
    }

    fn map(cells: &[EmotionCell]) -> Figure {
        let facts =
            Facts { dataset: "FER+".to_owned(), images: 3137, seeds: 3, ..Facts::default() };
        let (cells, regions) = (shown(cells), Regions::aligned());
        let figure = emotion_map(&Agreement::of(&cells, &regions, &facts).unwrap()).unwrap();
        assert_labels_are_apart(&figure);
        figure
    }

    #[test]
    fn a_network_that_ranks_regions_as_humans_do_is_said_to() {
        let figure = map(&cells(|emotion, used| match emotion {
            "fear" => 1.0 - used,
            "sadness" => (97.0 * used).sin() / 4.0,
            _ => used - 1.0,
        }));
        let words = words(&figure);
        assert!(figure.title.contains("correlate for neutral, happiness, "), "{}", figure.title);
        assert!(figure.title.ends_with(", negatively for fear"), "{}", figure.title);
        assert!(!figure.title.contains("sadness"), "{}", figure.title);
        assert!(words.lines().any(|line| line == "1.00"), "{words}");
        assert!(words.lines().any(|line| line == "−1.00"), "{words}");
        assert!(figure.description.contains("noise ceiling 0.97"), "{}", figure.description);
    }

    /// ρ = 0.82 of seven regions has p = 0.034: of one emotion significant, as one of seven not (Holm: 0.24).
    #[test]
    fn correlations_are_corrected_for_the_number_of_emotions() {
        let regions = Regions::aligned();
        let of = |emotion: &str, order: [usize; 7]| -> Vec<EmotionCell> {
            let mut used: Vec<(f64, &str)> = regions
                .built_in()
                .iter()
                .map(|region| (weight(emotion, region).unwrap(), region.name.as_str()))
                .collect();
            used.sort_by(|a, b| a.0.total_cmp(&b.0));
            let ranked = used.iter().zip(order);
            ranked.map(|((_, region), rank)| cell(emotion, region, rank as f64 / 10.0)).collect()
        };
        let near = of("fear", [2, 1, 0, 3, 4, 6, 5]);
        assert!(map(&near).title.ends_with("correlate for fear"), "{}", map(&near).title);
        let mut all = near;
        for emotion in EMOTIONS.into_iter().filter(|emotion| *emotion != "fear") {
            all.extend(of(emotion, [3, 6, 1, 0, 5, 2, 4]));
        }
        let figure = map(&all);
        assert!(figure.title.starts_with("For no emotion"), "{}", figure.title);
        let (cells, facts) = (shown(&all), Facts::default());
        let found = Agreement::of(&cells, &regions, &facts).unwrap();
        assert!(found.emotions.iter().all(|row| !row.correlates()), "{found:?}");
        let fear = found.emotions.iter().find(|row| row.emotion == "fear").unwrap();
        assert!((fear.p_adjusted.unwrap() - 7.0 * 172.0 / 5040.0).abs() < 1e-12, "{fear:?}");
    }

    #[test]
    fn one_region_and_emotions_without_a_reference_have_no_correlation() {
        let figure = map(&[cell("contempt", "eyes", 0.2), cell("fear", "eyes", f64::NAN)]);
        assert!(figure.title.starts_with("For no emotion do the rankings"));
        assert!(figure.description.contains("Contempt: eyes 20 (humans –); no rank correlation."));
        assert!(!figure.description.contains("Fear"), "a cell without a number is none");
        let figure = map(&[cell("fear", "eyes", -0.2)]);
        assert!(words(&figure).lines().any(|line| line == "−20"));
    }

    #[test]
    fn unknown_regions_are_no_picture() {
        let facts = Facts::default();
        let cells = shown(&[cell("fear", "hat", 0.1)]);
        assert!(Agreement::of(&cells, &Regions::aligned(), &facts).is_none());
    }
}

//! Which regions are redundant, and which are worth more together: a cell for each pair.

use crate::plan::Several;
use crate::store::Worth;

use crate::report::canvas::colour_bar::colour_bar;
use crate::report::canvas::drawing::{Anchor, CAP_MIDDLE, Drawing, corners};
use crate::report::canvas::error::ReportError;
use crate::report::canvas::figure::Figure;
use crate::report::canvas::fonts;
use crate::report::canvas::scale::Scale;
use crate::report::canvas::theme::{
    DOUBLE_COLUMN, FAINT, HEADING, LABEL, MARGIN, NOTE, SINGLE_COLUMN, Type, difference,
};
use crate::report::findings::facts::Facts;
use crate::report::findings::interplay::{Interaction, Interplay, Pair};
use crate::report::tables::cell::Cell;
use crate::report::tables::table::{Column, Table};
use crate::report::words::interplay_headline;
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{counted, decimal};

/// A cell is so tall, and at most so wide, mm.
const CELL: (f64, f64) = (14.0, 7.0);
const GAP: f64 = 0.3;
const GUTTER: f64 = 5.0;
/// Widest region name before it is cut, mm.
const NAME_WIDTH: f64 = 22.0;

/// One game: every region of it but the last has a column, every one but the first a row, and a pair the cell where the
/// later's row meets the earlier's column.
struct Panel<'a> {
    heading: Vec<String>,
    regions: Vec<&'a str>,
    names: Vec<String>,
    found: &'a Interplay<'a>,
}

/// The Shapley interaction of every pair of regions by a metric, a panel for each phase, fill and setting, all on one
/// scale: white at 0, blue above, orange and hatched below, grey where it is not significant. Regions are in the order
/// that all charts have.
///
/// # Errors
/// [`ReportError::Empty`] where there are none of that metric.
pub fn interplay(
    found: &[Interplay<'_>],
    worth: Worth,
    facts: &Facts,
) -> Result<Figure, ReportError> {
    if found.is_empty() {
        return Err(ReportError::Empty(format!("no interactions of `{}`", worth.name())));
    }
    let draw = |across| draw(found, across, worth, facts);
    match found.len() {
        1 => draw(1),
        _ => Ok(draw(2)?.with_narrow(draw(1)?)),
    }
}

/// Draws the games, so many beside each other.
fn draw(
    found: &[Interplay<'_>],
    across: usize,
    worth: Worth,
    facts: &Facts,
) -> Result<Figure, ReportError> {
    let measure = Measure::of_worth(worth);
    let width = if across == 1 { SINGLE_COLUMN } else { DOUBLE_COLUMN };
    let panel_width = (width - 2.0 * MARGIN - (across as f64 - 1.0) * GUTTER) / across as f64;
    let first = &found[0];
    let several = facts.several.or(first.several);
    let panels: Vec<Panel<'_>> =
        found.iter().map(|found| Panel::of(found, (facts, several), panel_width)).collect();

    let title = interplay_headline(first, measure);
    let mut drawing = Drawing::new(width, &several.title(title, first.fill, first.swept));
    let mut y = drawing.heading(&subtitle(found, facts));
    for panel in &panels {
        drawing.describe(&panel.description(measure));
    }
    drawing.data(data(&panels, measure));
    let largest = found.iter().flat_map(|found| &found.pairs).filter(|pair| pair.is_significant());
    // Colours never magnify what the decimals do not show.
    let least = 5.0 * 10f64.powi(-(measure.decimals as i32)) / measure.factor;
    let extreme = largest.clone().map(|pair| pair.value.abs()).fold(least, f64::max);
    for row_of_panels in panels.chunks(across) {
        let lines = row_of_panels.iter().map(|panel| panel.heading.len()).max().unwrap_or(1);
        let top = y + lines as f64 * HEADING.line() + 1.2;
        let mut bottom = top;
        for (column, panel) in row_of_panels.iter().enumerate() {
            let left = MARGIN + column as f64 * (panel_width + GUTTER);
            for (index, line) in panel.heading.iter().enumerate() {
                let baseline = y + HEADING.em() + index as f64 * HEADING.line();
                drawing.text(left, baseline, Anchor::Start, HEADING, line);
            }
            let below = panel.draw(&mut drawing, (left, top), panel_width, extreme, measure);
            bottom = f64::max(bottom, below);
        }
        y = bottom + 3.0;
    }
    if largest.count() == 0 {
        return drawing.finish(y - 3.0 + MARGIN);
    }
    let end = extreme * measure.factor;
    let half = 0.5 * f64::min(width - 2.0 * MARGIN, 80.0);
    let scale = Scale { from: -end, to: end, start: width / 2.0 - half, end: width / 2.0 + half };
    let unit = format!("Shapley interaction, {}", measure.long_unit);
    let bottom = colour_bar(&mut drawing, scale, &|value| difference(value, end), &unit, y);
    drawing.finish(bottom + MARGIN)
}

impl<'a> Panel<'a> {
    fn of(found: &'a Interplay<'a>, (facts, several): (&Facts, Several), width: f64) -> Panel<'a> {
        let heading = several.heading("Pairs of regions", (found.phase, found.fill, found.swept));
        let mut regions = found.regions();
        regions.sort_by_key(|region| facts.place(&[(*region).to_owned()]));
        let names: Vec<String> = regions.iter().map(|name| (*name).to_owned()).collect();
        let names = fonts::fit_apart(&names, LABEL, NAME_WIDTH);
        Panel { heading: fonts::wrap(&heading, HEADING, width), regions, names, found }
    }

    /// Draws the triangle and its names; returns the y below.
    fn draw(
        &self,
        drawing: &mut Drawing,
        (left, top): (f64, f64),
        width: f64,
        extreme: f64,
        measure: Measure,
    ) -> f64 {
        let last = self.regions.len() - 1;
        let widest = |names: &[String]| {
            names.iter().map(|name| fonts::width(name, LABEL)).fold(0.0, f64::max)
        };
        let start = left + widest(&self.names[1..]) + 1.5;
        let cell = (((left + width - start) / last as f64).min(CELL.0), CELL.1);
        for (row, name) in self.names[1..].iter().enumerate() {
            let middle = top + (row as f64 + 0.5) * cell.1;
            let name = std::slice::from_ref(name);
            drawing.text_block(start - 1.5, middle, Anchor::End, LABEL, name);
        }
        for pair in &self.found.pairs {
            let Some((column, line)) = self.place(pair) else { continue };
            let at = (start + column as f64 * cell.0, top + (line as f64 - 1.0) * cell.1);
            drawing.hinted(
                &described(pair, measure),
                at,
                (cell.0 - GAP, cell.1 - GAP),
                |drawing| {
                    draw_cell(drawing, pair, at, (cell.0 - GAP, cell.1 - GAP), extreme, measure);
                },
            );
        }
        let below = top + last as f64 * cell.1 + 1.0;
        for (column, name) in self.names[..last].iter().enumerate() {
            let middle = start + (column as f64 + 0.5) * cell.0 + CAP_MIDDLE * LABEL.em();
            drawing.text_upwards(middle, below, Anchor::End, LABEL, name);
        }
        below + widest(&self.names[..last])
    }

    /// The column and the row of a pair, each a place among the regions; the row is the later.
    fn place(&self, pair: &Pair<'_>) -> Option<(usize, usize)> {
        let place = |name: &String| self.regions.iter().position(|region| region == name);
        let (a, b) = (place(pair.regions.first()?)?, place(pair.regions.get(1)?)?);
        Some((a.min(b), a.max(b)))
    }

    /// `Pairs of regions, points of test accuracy: brows + mouth −38.1 (95 % CI −41.0 to −35.2), …`
    fn description(&self, measure: Measure) -> String {
        let pairs: Vec<String> =
            self.found.pairs.iter().map(|pair| described(pair, measure)).collect();
        format!("{}, {}: {}.", self.heading.join(" "), measure.long_unit, pairs.join(", "))
    }
}

fn draw_cell(
    drawing: &mut Drawing,
    pair: &Pair<'_>,
    at: (f64, f64),
    size: (f64, f64),
    extreme: f64,
    measure: Measure,
) {
    let significant = pair.is_significant();
    let ground = if significant { difference(pair.value, extreme) } else { FAINT };
    drawing.rectangle(at, size, ground);
    let style = Type { bold: significant, ..NOTE.coloured(ground.text_on()) };
    if significant && pair.value < 0.0 {
        drawing.hatch(&corners(at, size), style.colour);
    }
    let whole = decimal(pair.value * measure.factor, 0);
    let number = [measure.number(pair.value), whole];
    let fits = |number: &&String| fonts::width(number, style) <= size.0 - 0.6;
    let Some(number) = number.iter().find(fits) else { return };
    let middle = (at.0 + size.0 / 2.0, at.1 + size.1 / 2.0);
    // The hatch leaves room for the number.
    let room = (fonts::width(number, style) + 0.6, style.line());
    drawing.rectangle((middle.0 - room.0 / 2.0, middle.1 - room.1 / 2.0), room, ground);
    drawing.text_block(middle.0, middle.1, Anchor::Middle, style, std::slice::from_ref(number));
}

/// `brows + mouth −38.1 (95 % CI −41.0 to −35.2)`
fn described(pair: &Pair<'_>, measure: Measure) -> String {
    let range = pair.interval.map_or(String::new(), |(low, high)| {
        format!(" (95 % CI {} to {})", measure.number(low), measure.number(high))
    });
    let significant = match pair.kind {
        Interaction::NotSignificant => ", not significant",
        _ => "",
    };
    format!("{} {}{range}{significant}", pair.regions.join(" + "), measure.number(pair.value))
}

fn subtitle(found: &[Interplay<'_>], facts: &Facts) -> String {
    let pairs = || found.iter().flat_map(|found| &found.pairs);
    let first = &found[0];
    let mut parts = vec![
        facts.dataset.clone(),
        facts.setting.clone(),
        counted(first.images, "test image"),
        match found.iter().any(|found| found.seeds != first.seeds) {
            true => "seeds differ between panels".to_owned(),
            false => counted(u64::from(first.seeds), "seed"),
        },
        "Shapley interaction: below zero redundant, above zero worth more together".to_owned(),
    ];
    match pairs().all(|pair| pair.interval.is_none()) {
        true => parts.push("no intervals".to_owned()),
        // Where the empty set is another one between panels, the page's methods say so.
        false if found.iter().all(|found| found.method == first.method) => {
            parts.push(first.method.to_owned());
        }
        false => {}
    }
    if found.iter().all(|found| found.seeds == 1) {
        parts.push("one seed: intervals cover images only".to_owned());
    }
    if pairs().any(|pair| pair.kind == Interaction::NotSignificant) {
        let pairs = counted(first.pairs.len() as u64, "pair");
        parts.push(match first.pairs.len() {
            1 => "grey: not significant".to_owned(),
            _ => format!("grey: not significant (Holm-corrected over {pairs})"),
        });
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// A row a cell.
fn data(panels: &[Panel<'_>], measure: Measure) -> Table {
    let mut table = Table::new(vec![
        Column::text("panel", "panel"),
        Column::text("region", "region"),
        Column::text("other", "other region"),
        Column::number("interaction", "Shapley interaction"),
        Column::number("p_adjusted", "p, Holm"),
        Column::text("significant", "significant"),
    ]);
    for panel in panels {
        for pair in &panel.found.pairs {
            let Some((column, line)) = panel.place(pair) else { continue };
            table.push(vec![
                Cell::text(panel.heading.join(" ")),
                Cell::text(panel.regions[column]),
                Cell::text(panel.regions[line]),
                Cell::of(pair.value, measure).with_interval(pair.interval),
                pair.p_adjusted.map_or(Cell::Empty, Cell::P),
                Cell::Flag(pair.is_significant()),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Phase;
    use crate::report::canvas::figure::tests::{assert_labels_are_apart, label_boxes, words};
    use crate::report::findings::evidence::Evidence;
    use crate::report::findings::interplay::{interplays, tests::pair};
    use crate::report::tables::table::Format;
    use crate::store::InterplayRow;

    fn facts() -> Facts {
        let order = ["mouth", "brows", "eyes", "nose"].map(|name| vec![name.to_owned()]);
        let order = order.to_vec();
        Facts { dataset: "FER+".to_owned(), images: 1400, seeds: 3, order, ..Facts::default() }
    }

    fn study() -> Vec<InterplayRow> {
        vec![
            pair(["brows", "eyes"], 1.2, (-0.8, 3.2), 0.4),
            pair(["brows", "mouth"], -38.1, (-41.0, -35.2), 0.001),
            pair(["brows", "nose"], 0.3, (-1.0, 1.6), 0.9),
            pair(["eyes", "mouth"], 6.5, (4.0, 9.0), 0.001),
            pair(["eyes", "nose"], -2.0, (-3.9, -0.1), 0.2),
            pair(["mouth", "nose"], 0.0, (-1.0, 1.0), 1.0),
        ]
    }

    fn drawn(rows: Vec<InterplayRow>) -> Figure {
        let evidence = Evidence { interplay: rows, ..Evidence::default() };
        let found = interplays(&evidence, Worth::Accuracy);
        let figure = interplay(&found, Worth::Accuracy, &facts()).unwrap();
        assert_labels_are_apart(&figure);
        figure
    }

    #[test]
    fn a_pair_is_a_cell_in_the_order_of_all_charts() {
        let figure = drawn(study());
        assert_eq!(figure.width_mm, SINGLE_COLUMN);
        assert_eq!(
            figure.title,
            "Redundant: brows + mouth, −38 points; worth more together: eyes + mouth, 6.5 points"
        );
        let labels = label_boxes(&figure);
        let of = |text: &str| labels.iter().find(|label| label.text == text).unwrap();
        // mouth · · ·, then brows × mouth; eyes × mouth, eyes × brows; nose × mouth …
        assert!(of("−38.1").top < of("6.5").top && of("6.5").top < of("−2.0").top);
        assert!((of("−38.1").left - of("6.5").left).abs() < 5.0, "the column of the mouth");
        assert!(of("6.5").left < of("1.2").left && of("1.2").left < of("−2.0").left);
        // The first region has a column alone, the last a row.
        assert!(
            of("mouth").top > of("nose").top
                && labels.iter().filter(|label| label.text == "eyes").count() == 2
        );
        let words = words(&figure).replace('\n', " ");
        assert!(words.contains("grey: not significant (Holm-corrected over 6 pairs)"), "{words}");
        let csv = figure.data.as_ref().unwrap().render(Format::Csv, 0).unwrap();
        assert!(csv.lines().any(|line| line.contains("mouth,brows,-0.381,-0.41,")), "{csv}");
        assert_eq!(csv.lines().count(), 7);
        let described = "brows + mouth −38.1 (95 % CI −41.0 to −35.2)";
        assert!(figure.description.contains(described), "{}", figure.description);
        assert!(figure.svg.contains(&FAINT.hex()), "what is not significant is grey");
        assert!(figure.svg.contains(&difference(-0.381, 0.381).hex()));
    }

    #[test]
    fn every_game_is_a_panel() {
        let mut rows = study();
        rows.extend(study().into_iter().map(|row| InterplayRow { phase: Phase::Amortised, ..row }));
        let figure = drawn(rows);
        assert_eq!(figure.width_mm, DOUBLE_COLUMN);
        assert_eq!(words(&figure).matches("Pairs of regions").count(), 2);
    }

    #[test]
    fn hard_cases_stay_legible() {
        let two = [pair(["brows", "mouth"], 34.0, (31.0, 37.0), 0.001)];
        drawn(two.to_vec());
        let mut unknown = two.to_vec();
        (unknown[0].low, unknown[0].high, unknown[0].seeds) = (None, None, 1);
        let figure = drawn(unknown);
        assert!(
            !figure.svg.contains("Shapley interaction, points"),
            "no colours, no scale of them"
        );
        let names: Vec<String> =
            (0..16).map(|index| format!("a_long_name_of_ones_own_{index:02}")).collect();
        let many = names.iter().enumerate().flat_map(|(index, a)| {
            names[index + 1..].iter().map(|b| pair([a, b], -12.3, (-14.0, -10.0), 0.001))
        });
        drawn(many.collect());
    }

    #[test]
    fn without_rows_there_is_nothing_to_draw() {
        let evidence = Evidence { interplay: study(), ..Evidence::default() };
        let drawn = interplay(&interplays(&evidence, Worth::Bits), Worth::Bits, &facts());
        assert!(matches!(drawn, Err(ReportError::Empty(_))));
    }
}

//! What is spliced, from an experiment's findings.

use std::collections::BTreeSet;

use thiserror::Error;

use super::marker::Content;
use crate::region::Mode;
use crate::report::canvas::error::ReportError;
use crate::report::findings::Findings;
use crate::report::findings::facts::origin_words;
use crate::report::findings::finding::interval;
use crate::report::findings::game::{Game, games, value_interval};
use crate::report::tables::cell::Cell;
use crate::report::tables::evidence::{interplay_table, ranking_table};
use crate::report::tables::study::study_table;
use crate::report::tables::table::{Column, Format, Table, in_markdown};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::{mean, thousands};
use crate::report::words::{answer, details};
use crate::store::{EffectRow, Metric, RunRow, ShapleyRow, Worth};

/// What Shapley values and interactions are made from, and what a ranking.
const SETS: &str =
    "`keep` with all sets of the regions, as `regions = \"subsets\"` under [occlusion] has them";
const ALONE: &str = "regions that are masked, or kept, alone";

/// Why an experiment has nothing to splice where a marker asks for it.
#[derive(Debug, Error)]
pub enum ContentError {
    #[error("no run of a condition `{name}` has a result; the conditions are {known}")]
    NoCondition { name: String, known: String },
    #[error("there is no effect of `{name}`; there are effects of {known}")]
    NoEffect { name: String, known: String },
    #[error("there is no Shapley value of `{name}`; there are values of {known}")]
    NoRegion { name: String, known: String },
    #[error("there is {0} of this experiment")]
    Nothing(&'static str),
    #[error("there is {0} of this experiment: that takes {1}")]
    Lacking(&'static str, &'static str),
    #[error(
        "the experiment sweeps settings, so that one number is of none of them: splice `conditions`, which has a row for \
         each"
    )]
    Sweeps,
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl Content {
    /// The Markdown that stands for it.
    ///
    /// # Errors
    /// Where the experiment has no such thing.
    pub fn of(&self, findings: &Findings) -> Result<String, ContentError> {
        use ContentError::{Lacking, Nothing};
        let Findings { study, evidence, .. } = findings;
        if self.is_of_one_setting() && study.sweeps() {
            return Err(ContentError::Sweeps);
        }
        match self {
            Content::Answer => Ok(prose(&answer(findings))),
            Content::Details => match details(findings) {
                text if text.is_empty() => Err(Nothing("nothing to say by emotion")),
                text => Ok(prose(&text)),
            },
            Content::Conditions => {
                markdown(&study_table(study, &evidence.effects), Nothing("no condition"))
            }
            Content::Regions => markdown(&regions(findings), Lacking("no Shapley value", SETS)),
            Content::Ranking => {
                markdown(&ranking_table(&evidence.ranking), Lacking("no ranking", ALONE))
            }
            Content::Interplay => {
                markdown(&interplay_table(&evidence.interplay), Lacking("no interaction", SETS))
            }
            Content::Origin => {
                let origins = study.origins.iter().map(origin_words).collect::<Vec<_>>();
                Ok(prose(&format!("Trained by {}.", origins.join("; by "))))
            }
            Content::Accuracy(name) => accuracy(&study.runs, name),
            Content::Effect(name) => effect(&evidence.effects, name),
            Content::Shapley(name) => shapley(&evidence.shapley, name),
            Content::Chance => {
                let chance = study.settings.first().and_then(|setting| setting.chance);
                let chance = chance.ok_or(ContentError::Nothing("no chance level"))?;
                Ok(Measure::of(Metric::Accuracy).amount(chance))
            }
            Content::Images => match study.settings.first() {
                Some(setting) => Ok(thousands(setting.images)),
                None => Err(ContentError::Nothing("no run")),
            },
            Content::Seeds => {
                let mut seeds: Vec<u64> = study.runs.iter().map(|run| run.seed).collect();
                seeds.sort_unstable();
                seeds.dedup();
                Ok(seeds.len().to_string())
            }
        }
    }

    /// Whether another setting would have another.
    fn is_of_one_setting(&self) -> bool {
        use Content::{Accuracy, Chance, Effect, Images, Regions, Shapley};
        matches!(self, Accuracy(_) | Effect(_) | Shapley(_) | Chance | Images | Regions)
    }
}

fn markdown(table: &Table, none: ContentError) -> Result<String, ContentError> {
    match table.is_empty() {
        true => Err(none),
        false => Ok(no_comment(&table.render(Format::Markdown, 0)?)),
    }
}

/// Sentences: a paragraph a line, since a line of a page that begins with `+` would be a list.
fn prose(text: &str) -> String {
    let paragraphs = text.trim().split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    no_comment(&in_markdown(&paragraphs.collect::<Vec<_>>().join("\n\n")))
}

/// Markdown in which no text begins a comment, nor ends what is spliced: a backslash before it hides that from a reader
/// of Markdown alone.
fn no_comment(markdown: &str) -> String {
    markdown.replace("\\<", "&lt;")
}

/// The mean over seeds, as `59.4 %`.
fn accuracy(runs: &[RunRow], name: &str) -> Result<String, ContentError> {
    let of = runs.iter().filter(|run| run.condition == name);
    let values: Vec<f64> = of.filter_map(|run| run.test_accuracy).collect();
    match values.is_empty() {
        true => {
            let known = known(runs.iter().map(|run| run.condition.as_str()));
            Err(ContentError::NoCondition { name: name.to_owned(), known })
        }
        false => Ok(Measure::of(Metric::Accuracy).amount(mean(&values))),
    }
}

/// On accuracy: `13.1 points (95 % CI 10.9 to 15.2)`.
fn effect(rows: &[EffectRow], name: &str) -> Result<String, ContentError> {
    let of_accuracy = || rows.iter().filter(|row| row.metric == Metric::Accuracy);
    match of_accuracy().find(|row| row.condition == name) {
        Some(row) => Ok(points(row.effect, interval(row))),
        None => {
            let known = known(of_accuracy().map(|row| row.condition.as_str()));
            Err(ContentError::NoEffect { name: name.to_owned(), known })
        }
    }
}

/// Of accuracy, as an effect.
fn shapley(rows: &[ShapleyRow], name: &str) -> Result<String, ContentError> {
    let game = one_game(rows, Worth::Accuracy)?;
    match game.rows.iter().find(|row| row.region == name) {
        Some(row) => Ok(points(row.value, value_interval(row))),
        None => {
            let known = known(game.rows.iter().map(|row| row.region.as_str()));
            Err(ContentError::NoRegion { name: name.to_owned(), known })
        }
    }
}

fn one_game(rows: &[ShapleyRow], worth: Worth) -> Result<Game<'_>, ContentError> {
    games(rows, worth).into_iter().next().ok_or(ContentError::Lacking("no Shapley value", SETS))
}

fn points(value: f64, interval: Option<(f64, f64)>) -> String {
    let measure = Measure::of(Metric::Accuracy);
    let ends = interval.map(|(low, high)| {
        format!(" (95 % CI {} to {})", measure.number(low), measure.number(high))
    });
    format!("{} points{}", measure.number(value), ends.unwrap_or_default())
}

/// A row a region, the largest Shapley value of accuracy first: that value, the one of bits, and the accuracy with only the
/// region visible and with only it masked, where there are such conditions; last what all regions reach.
fn regions(findings: &Findings) -> Table {
    let (study, shapley) = (&findings.study, &findings.evidence.shapley);
    let Ok(game) = one_game(shapley, Worth::Accuracy) else { return Table::new(Vec::new()) };
    let rows = &game.rows;
    let bits = one_game(shapley, Worth::Bits).ok();
    let seen = |visible: &dyn Fn(&str) -> bool| {
        let regions: BTreeSet<&str> =
            rows.iter().map(|row| &*row.region).filter(|region| visible(region)).collect();
        let of = study.runs.iter().filter(|run| {
            !run.control
                && (run.mode, run.phase, run.fill)
                    == (Some(Mode::Keep), Some(game.phase), Some(game.fill))
                && run.regions.iter().map(String::as_str).collect::<BTreeSet<_>>() == regions
        });
        let values: Vec<f64> = of.filter_map(|run| run.test_accuracy).collect();
        if values.is_empty() { Cell::Empty } else { Cell::share(mean(&values)) }
    };
    let mut table = Table::new(vec![
        Column::text("region", "region"),
        Column::number("value", "Shapley value, points [95 % CI]"),
        Column::number("bits", "of bits"),
        Column::number("visible", "only it visible, %"),
        Column::number("masked", "only it masked, %"),
    ]);
    for row in rows {
        let of_bits =
            bits.as_ref().and_then(|game| game.rows.iter().find(|of| of.region == row.region));
        table.push(vec![
            Cell::text(row.region.as_str()),
            Cell::share(row.value).with_interval(value_interval(row)),
            of_bits.map_or(Cell::Empty, |of| Cell::of(of.value, Measure::of(Metric::Bits))),
            seen(&|region| region == row.region),
            // All but one region visible is that one masked.
            seen(&|region| region != row.region),
        ]);
    }
    let total = |game: &Game<'_>| game.rows.first().map_or(0.0, |row| row.all_seen - row.none_seen);
    table.push(vec![
        Cell::text("all of them"),
        Cell::share(total(&game)),
        bits.as_ref().map_or(Cell::Empty, |of| Cell::of(total(of), Measure::of(Metric::Bits))),
        rows.first().map_or(Cell::Empty, |row| Cell::share(row.all_seen)),
        Cell::Empty,
    ]);
    table
}

/// Names, each once, in their order.
fn known<'a>(names: impl Iterator<Item = &'a str>) -> String {
    /// More of them nobody reads.
    const MOST: usize = 40;
    let mut listed: Vec<&str> = Vec::new();
    for name in names {
        if !listed.contains(&name) {
            listed.push(name);
        }
    }
    let more = if listed.len() > MOST { ", …" } else { "" };
    listed.truncate(MOST);
    format!("`{}`{more}", listed.join("`, `"))
}

#[cfg(test)]
mod tests {
    use super::ContentError::{Lacking, Nothing};
    use super::*;
    use crate::report::splice::markers;

    #[test]
    fn nothing_of_a_text_ends_what_is_spliced() {
        let hostile = "p < 0.001,\n+ *a*\n\n<!-- /fer-lab --> of `<!-- /fer-lab -->`";
        let text = prose(hostile);
        assert_eq!(text, "p &lt; 0.001, + \\*a\\*\n\n&lt;!-- /fer-lab --> of `<!-- /fer-lab -->`");
        assert_eq!(markers(&text), Ok(vec![]));
        let mut table = Table::new(vec![Column::text("a", "a")]);
        table.push(vec![Cell::text("<!-- /fer-lab -->")]);
        let table = markdown(&table, Nothing("none")).unwrap();
        assert_eq!(markers(&table), Ok(vec![]), "{table}");
        let empty = Table::new(vec![Column::text("a", "a")]);
        let none = markdown(&empty, Lacking("no ranking", ALONE)).unwrap_err();
        assert_eq!(
            none.to_string(),
            "there is no ranking of this experiment: that takes regions that are masked, or kept, alone"
        );
    }

    #[test]
    fn points_have_their_interval() {
        assert_eq!(points(0.131, Some((0.109, 0.152))), "13.1 points (95 % CI 10.9 to 15.2)");
        assert_eq!(points(-0.002, None), "−0.2 points");
    }

    #[test]
    fn of_many_names_some_are_listed() {
        assert_eq!(known(["a", "b", "a"].into_iter()), "`a`, `b`");
        let many: Vec<String> = (0..50).map(|name| name.to_string()).collect();
        assert!(known(many.iter().map(String::as_str)).ends_with("`39`, …"));
    }
}

//! How the worth of all regions divides among them: from no region visible to all, a step for each region.

use crate::plan::Several;
use crate::store::{ShapleyRow, Worth};

use super::facts::Facts;
use super::game::{Game, games, value_interval, value_significant};

/// The Shapley values of a metric, a panel for each phase and fill.
#[derive(Debug, Clone)]
pub struct Attribution<'a> {
    /// Of the setting.
    pub facts: &'a Facts,
    pub worth: Worth,
    /// One for each panel, in the order of the experiment file; never empty.
    pub games: Vec<Game<'a>>,
    /// What of a choice is to be named.
    pub several: Several,
    pub panels: Vec<Division<'a>>,
}

/// One game, step by step.
#[derive(Debug, Clone)]
pub struct Division<'a> {
    /// Under which conditions.
    pub heading: String,
    /// No region visible; every region in the one order (the largest value first where it has no place in it); all
    /// visible.
    pub steps: Vec<Step<'a>>,
}

/// One step. Numbers are the metric's own.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    pub joins: Joins<'a>,
    /// What is reached before and with it.
    pub before: f64,
    pub after: f64,
}

/// What becomes visible.
#[derive(Debug, Clone)]
pub enum Joins<'a> {
    /// Nothing is yet.
    Nothing,
    Region(Value<'a>),
    /// All are, so many.
    All(usize),
}

/// A region's Shapley value.
#[derive(Debug, Clone)]
pub struct Value<'a> {
    pub region: &'a str,
    pub value: f64,
    /// 95 %.
    pub interval: Option<(f64, f64)>,
    /// Whether it differs significantly from zero, Holm-corrected.
    pub significant: bool,
}

impl<'a> Attribution<'a> {
    /// `None` where there are none of that metric.
    pub fn of(rows: &'a [ShapleyRow], worth: Worth, facts: &'a Facts) -> Option<Attribution<'a>> {
        let games = games(rows, worth);
        let several = facts.several.or(games.first()?.several);
        let panels = games.iter().map(|game| division(game, several, facts)).collect();
        Some(Attribution { facts, worth, games, several, panels })
    }
}

impl<'a> Step<'a> {
    /// The Shapley value, where a region joins.
    pub fn value(&self) -> Option<&Value<'a>> {
        match &self.joins {
            Joins::Region(value) => Some(value),
            Joins::Nothing | Joins::All(_) => None,
        }
    }

    /// What is reached at the ends of the value's interval.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let (low, high) = self.value()?.interval?;
        Some((self.before + low, self.before + high))
    }
}

fn division<'a>(game: &Game<'a>, several: Several, facts: &Facts) -> Division<'a> {
    let (none, all) = (game.rows[0].none_seen, game.rows[0].all_seen);
    let mut steps = vec![Step { joins: Joins::Nothing, before: none, after: none }];
    let mut before = none;
    let mut rows = game.rows.clone();
    rows.sort_by_key(|row| facts.place(std::slice::from_ref(&row.region)));
    for row in rows {
        let after = before + row.value;
        let value = Value {
            region: &row.region,
            value: row.value,
            interval: value_interval(row),
            significant: value_significant(row),
        };
        steps.push(Step { joins: Joins::Region(value), before, after });
        before = after;
    }
    steps.push(Step { joins: Joins::All(game.rows.len()), before: all, after: all });
    let choice = (game.phase, game.fill, game.swept);
    Division { heading: several.heading("Only the regions visible", choice), steps }
}

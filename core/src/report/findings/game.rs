//! What the Shapley values of one game allow to be said.

use std::collections::BTreeMap;

use crate::plan::Several;
use crate::region::{FillKind, Phase};
use crate::store::{ShapleyRow, Worth};

use crate::report::findings::finding::{ALPHA, Leader, Place, known};

/// The Shapley values of one metric that divide the same worth.
#[derive(Debug, Clone)]
pub struct Game<'a> {
    pub phase: Phase,
    pub fill: FillKind,
    pub swept: &'a BTreeMap<String, String>,
    /// What there are several of, it and the others.
    pub several: Several,
    /// Largest value first; never empty.
    pub rows: Vec<&'a ShapleyRow>,
}

/// The games of one worth by setting, phase and fill, in the order of the rows.
pub fn games<'a>(rows: &'a [ShapleyRow], worth: Worth) -> Vec<Game<'a>> {
    let rows: Vec<&ShapleyRow> = rows.iter().filter(|row| row.metric == worth).collect();
    let choices = rows.iter().map(|row| (row.phase, row.fill, &row.swept));
    let several = Several::of(choices);
    games_of(rows.into_iter(), several)
}

/// The games of each emotion's recall under the conditions of another game, in the order of the rows.
pub fn emotion_games<'a>(rows: &'a [ShapleyRow], like: &Game<'_>) -> Vec<(&'a str, Game<'a>)> {
    let alike: Vec<&ShapleyRow> = rows
        .iter()
        .filter(|row| row.phase == like.phase && row.fill == like.fill && row.swept == *like.swept)
        .collect();
    let mut emotions: Vec<&str> = Vec::new();
    for emotion in alike.iter().filter_map(|row| row.emotion.as_deref()) {
        if !emotions.contains(&emotion) {
            emotions.push(emotion);
        }
    }
    let of = |emotion: &'a str| {
        let rows = alike.iter().copied().filter(|row| row.emotion.as_deref() == Some(emotion));
        games_of(rows, like.several).into_iter().map(move |game| (emotion, game))
    };
    emotions.into_iter().flat_map(of).collect()
}

fn games_of<'a>(rows: impl Iterator<Item = &'a ShapleyRow>, several: Several) -> Vec<Game<'a>> {
    let mut games: Vec<Game<'a>> = Vec::new();
    for row in rows {
        let &ShapleyRow { phase, fill, ref swept, .. } = row;
        let same =
            |game: &&mut Game<'a>| (game.phase, game.fill, game.swept) == (phase, fill, swept);
        match games.iter_mut().find(same) {
            Some(game) => game.rows.push(row),
            None => games.push(Game { phase, fill, swept, several, rows: vec![row] }),
        }
    }
    for game in &mut games {
        game.rows.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.region.cmp(&b.region)));
    }
    games
}

impl<'a> Game<'a> {
    /// The region of the largest value above 0, where that is significant. It is first where it differs significantly from
    /// every other (paired, Holm-corrected); else its rivals are those that it does not differ from.
    pub fn leader(&self) -> Option<Leader<'a, ShapleyRow>> {
        let row = *self.rows.iter().find(|row| row.value > 0.0 && value_significant(row))?;
        let undecided = |other: &&&ShapleyRow| {
            other.region != row.region && row.undecided.contains(&other.region)
        };
        let rivals: Vec<&ShapleyRow> = self.rows.iter().filter(undecided).copied().collect();
        let place = if rivals.is_empty() { Place::First } else { Place::Among(rivals) };
        Some(Leader { row, place })
    }
}

/// The interval of a Shapley value, where it is known.
pub fn value_interval(row: &ShapleyRow) -> Option<(f64, f64)> {
    known(row.low, row.high)
}

/// Whether a Shapley value differs significantly from zero, Holm-corrected.
pub fn value_significant(row: &ShapleyRow) -> bool {
    row.p_adjusted.is_some_and(|p| p < ALPHA)
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::report::findings::finding::excludes_zero;

    /// A value in points of a game that divides 60 points, from 15 % to 75 %, 3 seeds, 1,400 images; significant where its
    /// interval leaves 0 out. It differs significantly from all regions but `undecided`.
    pub fn value(region: &str, value: f64, interval: (f64, f64), undecided: &[&str]) -> ShapleyRow {
        let p = if excludes_zero(interval) { 0.001 } else { 0.5 };
        ShapleyRow {
            region: region.to_owned(),
            metric: Worth::Accuracy,
            emotion: None,
            phase: Phase::Retrain,
            fill: FillKind::Mean,
            value: value / 100.0,
            low: Some(interval.0 / 100.0),
            high: Some(interval.1 / 100.0),
            p: Some(p),
            p_adjusted: Some(p),
            undecided: undecided.iter().map(|region| (*region).to_owned()).collect(),
            first: 0.5,
            none_seen: 0.15,
            none_by: crate::store::NoneSeen::Constant,
            all_seen: 0.75,
            seeds: 3,
            images: 1400,
            method: "exact over 8 sets; two-way variance components".to_owned(),
            swept: BTreeMap::new(),
        }
    }

    fn rivals_of(rows: &[ShapleyRow]) -> Option<(String, Vec<String>)> {
        let games = games(rows, Worth::Accuracy);
        assert_eq!(games.len(), 1);
        let Leader { row, place } = games[0].leader()?;
        let rivals = match place {
            Place::Among(rivals) => rivals.iter().map(|row| row.region.clone()).collect(),
            _ => Vec::new(),
        };
        Some((row.region.clone(), rivals))
    }

    #[test]
    fn a_value_is_first_where_it_differs_from_every_other() {
        let second = value("eyes", 20.0, (15.0, 25.0), &[]);
        let sure = [second.clone(), value("mouth", 30.0, (27.0, 33.0), &[])];
        assert_eq!(rivals_of(&sure), Some(("mouth".to_owned(), vec![])));
        // That intervals overlap says nothing of the order: values are paired.
        let wide = [second.clone(), value("mouth", 30.0, (24.0, 36.0), &[])];
        assert_eq!(rivals_of(&wide), Some(("mouth".to_owned(), vec![])));
        let third = value("jaw", 1.0, (0.5, 1.5), &[]);
        let open = [third, second, value("mouth", 30.0, (27.0, 33.0), &["eyes"])];
        assert_eq!(rivals_of(&open), Some(("mouth".to_owned(), vec!["eyes".to_owned()])));
        // However often it is the largest in resamplings.
        let likely = ShapleyRow { first: 0.999, ..open[2].clone() };
        assert_eq!(rivals_of(&[open[1].clone(), likely]).unwrap().1.len(), 1);
        let nothing = [value("mouth", 1.0, (-1.0, 3.0), &[])];
        assert_eq!(rivals_of(&nothing), None);
        // Of several regions one alone with p < 0.05 is none.
        let corrected = ShapleyRow { p: Some(0.03), p_adjusted: Some(0.06), ..sure[1].clone() };
        assert_eq!(rivals_of(&[corrected]), None);
    }

    #[test]
    fn games_are_kept_apart() {
        let mut other = value("mouth", 9.0, (8.0, 10.0), &[]);
        other.phase = Phase::Evaluate;
        let mut fear = value("mouth", 9.0, (8.0, 10.0), &[]);
        (fear.metric, fear.emotion) = (Worth::Recall, Some("fear".to_owned()));
        let rows =
            [other, value("jaw", 1.0, (0.0, 2.0), &[]), value("mouth", 2.0, (1.0, 3.0), &[]), fear];
        let games = games(&rows, Worth::Accuracy);
        let phases: Vec<Phase> = games.iter().map(|game| game.phase).collect();
        assert_eq!(phases, [Phase::Evaluate, Phase::Retrain]);
        let regions: Vec<&str> = games[1].rows.iter().map(|row| row.region.as_str()).collect();
        assert_eq!(regions, ["mouth", "jaw"]);
        let of_emotions = emotion_games(&rows, &games[1]);
        assert_eq!(of_emotions.len(), 1);
        assert_eq!((of_emotions[0].0, of_emotions[0].1.rows.len()), ("fear", 1));
        assert!(emotion_games(&rows, &games[0]).is_empty());
    }
}

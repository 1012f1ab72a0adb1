//! Shapley attribution: what each region contributes.

use crate::report::findings::finding::{Leader, Place};
use crate::report::findings::game::{Game, value_interval, value_significant};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;
use crate::report::words::phrase::{list, subject};
use crate::store::{Metric, NoneSeen, ShapleyRow};

use super::scope::{bounds, sample};
use super::{MOST_NAMED, beholder, capital};

/// What each region contributes to the worth of all.
pub fn dividing(game: &Game<'_>, measure: Measure) -> String {
    let beholder = beholder(game.phase, game.several);
    let Some(Leader { row, place }) = game.leader() else {
        let largest = game.rows[0];
        return capital(&format!(
            "{beholder}no region has a significant Shapley value; largest estimate: {}, {} {} ({}).",
            largest.region,
            measure.number(largest.value),
            measure.long_unit,
            scope(largest, measure),
        ));
    };
    let total = format!(
        "{beholder}of the {} {} between none and all {} visible (none: {}, {})",
        measure.number(row.all_seen - row.none_seen),
        measure.long_unit,
        counted(game.rows.len() as u64, "region"),
        none_seen(row.none_by),
        measure.amount(row.none_seen),
    );
    let said = match place {
        Place::Among(rivals) if rivals.len() < MOST_NAMED => {
            let rows: Vec<&ShapleyRow> = std::iter::once(row).chain(rivals).collect();
            let values = rows.iter().enumerate().map(|(index, row)| {
                let range = value_interval(row).map_or(String::new(), |range| {
                    format!(" ({})", bounds(range, measure, index == 0))
                });
                format!("{}{range}", measure.number(row.value))
            });
            let values = list(values.collect(), "and");
            let sample = sample(row.seeds, row.images);
            format!(
                "the largest Shapley value is that of {}, which do not differ reliably: {values}; {sample}",
                list(names(&rows), "or")
            )
        }
        Place::Among(rivals) => format!(
            "{} the largest estimate, {} ({}); {} others do not differ reliably from it",
            subject(std::slice::from_ref(&row.region)).with_verb("has", "have"),
            measure.number(row.value),
            scope(row, measure),
            rivals.len(),
        ),
        Place::First | Place::Undecided | Place::Untested => {
            let next = game.rows.iter().find(|other| other.region != row.region);
            let next = next.map_or(String::new(), |next| {
                let range = value_interval(next)
                    .map_or(String::new(), |range| format!(" ({})", bounds(range, measure, false)));
                let significant = if value_significant(next) { "" } else { ", not significantly" };
                format!("; {} {}{range}{significant}", contribute(next), measure.number(next.value))
            });
            let value = measure.number(row.value);
            format!("{} most: {value} ({}){next}", contribute(row), scope(row, measure))
        }
    };
    capital(&format!("{total}, {said} (Shapley attribution)."))
}

/// Whose answer the empty set is.
fn none_seen(by: NoneSeen) -> &'static str {
    match by {
        NoneSeen::Constant => "the best constant prediction",
        NoneSeen::Network => "the network's own predictions",
    }
}

fn contribute(row: &ShapleyRow) -> String {
    subject(std::slice::from_ref(&row.region)).with_verb("contributes", "contribute")
}

/// Which region contributes most to each emotion's recall, where one does reliably; `None` without games of recall.
pub fn dividing_recall(games: &[(&str, Game<'_>)]) -> Option<String> {
    let first = &games.first()?.1;
    let beholder = beholder(first.phase, first.several);
    let measure = Measure::of(Metric::Accuracy);
    let (mut leading, mut tied, mut open) = (Vec::new(), Vec::new(), Vec::new());
    // By region, in the order of the emotions.
    let mut led: Vec<(&ShapleyRow, Vec<String>)> = Vec::new();
    for (emotion, game) in games {
        match game.leader() {
            Some(leader) if leader.is_first() => {
                let row = leader.row;
                let (share, of) = (measure.number(row.value), row.all_seen - row.none_seen);
                let unit = if led.is_empty() { " points" } else { "" };
                let words = format!("{emotion} ({share} of {}{unit})", measure.number(of));
                match led.iter_mut().find(|(known, _)| known.region == row.region) {
                    Some((_, emotions)) => emotions.push(words),
                    None => led.push((row, vec![words])),
                }
            }
            Some(Leader { row, place: Place::Among(rivals) }) if rivals.len() < MOST_NAMED => {
                let rows: Vec<&ShapleyRow> = std::iter::once(row).chain(rivals).collect();
                tied.push(format!("for {emotion} {}", list(names(&rows), "or")));
            }
            _ => open.push((*emotion).to_owned()),
        }
    }
    for (row, emotions) in led {
        leading.push(format!("{} most to {}", contribute(row), list(emotions, "and")));
    }
    let mut parts = Vec::new();
    if !leading.is_empty() {
        parts.push(leading.join("; "));
    }
    if !tied.is_empty() {
        let between = tied.join(", ");
        parts.push(format!("the largest Shapley value is open between regions: {between}"));
    }
    if !open.is_empty() {
        parts.push(format!("no region stands out reliably for {}", list(open, "and")));
    }
    Some(capital(&format!(
        "{beholder}by emotion (Shapley attribution of recall, Holm-corrected), {}.{}",
        parts.join("; "),
        answered_blind(games)
    )))
}

/// Why an emotion that is answered where nothing is visible loses recall by what is: its values sum to less than zero.
fn answered_blind(games: &[(&str, Game<'_>)]) -> String {
    let measure = Measure::of(Metric::Accuracy);
    let blind = games.iter().filter(|(_, game)| game.rows[0].all_seen < game.rows[0].none_seen);
    let blind: Vec<String> = blind
        .map(|(emotion, game)| {
            let ShapleyRow { none_seen, all_seen, .. } = game.rows[0];
            let (from, to) = (measure.amount(*none_seen), measure.amount(*all_seen));
            format!("{emotion} (recall {from}, {to} with all visible)")
        })
        .collect();
    if blind.is_empty() {
        return String::new();
    }
    let by = none_seen(games[0].1.rows[0].none_by);
    format!(
        " With no region visible, {by} {} {}: what becomes visible takes that from it, so that its values sum to less \
         than zero.",
        if by.ends_with('s') { "name" } else { "names" },
        list(blind, "and")
    )
}

/// The same as [`dividing`] in a line, for a chart.
pub fn dividing_headline(game: &Game<'_>, measure: Measure) -> String {
    let estimate = |row: &ShapleyRow| {
        format!("largest estimate: {}, {} {}", row.region, measure.rounded(row.value), measure.unit)
    };
    let Some(Leader { row, place }) = game.leader() else {
        return format!("No region has a significant Shapley value; {}", estimate(game.rows[0]));
    };
    match place {
        Place::Among(rivals) if rivals.len() < MOST_NAMED => {
            let rows: Vec<&ShapleyRow> = std::iter::once(row).chain(rivals).collect();
            format!("Largest Shapley value: {}, not reliably different", list(names(&rows), "or"))
        }
        Place::Among(rivals) => format!(
            "Shapley attribution; {}; {} others do not differ reliably",
            estimate(row),
            rivals.len()
        ),
        Place::First | Place::Undecided | Place::Untested => {
            let total = measure.rounded(row.all_seen - row.none_seen);
            let size = measure.rounded(row.value);
            capital(&format!("{} most: {size} of {total} {}", contribute(row), measure.unit))
        }
    }
}

fn names(rows: &[&ShapleyRow]) -> Vec<String> {
    rows.iter().map(|row| subject(std::slice::from_ref(&row.region)).words).collect()
}

/// `95 % CI 8.9 to 13.9; 3 seeds, 1,400 images`
fn scope(row: &ShapleyRow, measure: Measure) -> String {
    let range = match value_interval(row) {
        Some(range) => bounds(range, measure, true),
        None => "no interval".to_owned(),
    };
    format!("{range}; {}", sample(row.seeds, row.images))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Phase;
    use crate::report::findings::game::tests::value;
    use crate::report::findings::game::{emotion_games, games};
    use crate::store::Worth;

    fn said(rows: &[ShapleyRow]) -> (String, String) {
        let measure = Measure::of(Metric::Accuracy);
        let game = &games(rows, Worth::Accuracy)[0];
        (dividing(game, measure).replace('\u{a0}', " "), dividing_headline(game, measure))
    }

    fn nose() -> ShapleyRow {
        value("nose", -1.0, (-3.0, 1.0), &[])
    }

    #[test]
    fn a_region_that_leads() {
        let rows = [
            value("eyes", 21.0, (18.0, 24.0), &["nose"]),
            value("mouth", 40.0, (37.0, 43.0), &[]),
            nose(),
        ];
        let (sentence, headline) = said(&rows);
        assert_eq!(
            sentence,
            "Of the 60.0 points of test accuracy between none and all 3 regions visible (none: the best constant \
             prediction, 15.0 %), the mouth contributes most: 40.0 (95 % CI 37.0 to 43.0; 3 seeds, 1,400 images); the \
             eyes contribute 21.0 (18.0 to 24.0) (Shapley attribution)."
        );
        assert_eq!(headline, "The mouth contributes most: 40 of 60 points");
    }

    #[test]
    fn values_whose_order_is_open_have_no_winner() {
        let rows = [
            value("eyes", 29.0, (25.0, 33.0), &["mouth"]),
            value("mouth", 32.0, (29.0, 35.0), &["eyes"]),
            nose(),
        ];
        let (sentence, headline) = said(&rows);
        assert_eq!(
            sentence,
            "Of the 60.0 points of test accuracy between none and all 3 regions visible (none: the best constant \
             prediction, 15.0 %), the largest Shapley value is that of the mouth or the eyes, which do not differ \
             reliably: 32.0 (95 % CI 29.0 to 35.0) and 29.0 (25.0 to 33.0); 3 seeds, 1,400 images (Shapley attribution)."
        );
        assert_eq!(
            headline,
            "Largest Shapley value: the mouth or the eyes, not reliably different"
        );
    }

    #[test]
    fn each_emotion_has_its_region_where_one_stands_out() {
        let of = |emotion: &str, row: ShapleyRow| {
            let emotion = Some(emotion.to_owned());
            ShapleyRow { metric: Worth::Recall, emotion, ..row }
        };
        let mut rows = vec![nose()];
        for emotion in ["happiness", "surprise"] {
            rows.push(of(emotion, value("eyes", 11.0, (8.0, 14.0), &[])));
            rows.push(of(emotion, value("mouth", 40.0, (37.0, 43.0), &[])));
        }
        rows.push(of("anger", value("brows", 20.0, (17.0, 23.0), &["eyes"])));
        rows.push(of("anger", value("eyes", 19.0, (16.0, 22.0), &["brows"])));
        rows.push(of("fear", nose()));
        let game = &games(&rows, Worth::Accuracy)[0];
        let said = dividing_recall(&emotion_games(&rows, game)).unwrap();
        assert_eq!(
            said,
            "By emotion (Shapley attribution of recall, Holm-corrected), the mouth contributes most to happiness (40.0 \
             of 60.0 points) and surprise (40.0 of 60.0); the largest Shapley value is open between regions: for \
             anger the brows or the eyes; no region stands out reliably for fear."
        );
        assert_eq!(dividing_recall(&[]), None);
        // The constant answer names neutral: seeing more can only take from its recall.
        let neutral = ShapleyRow {
            none_seen: 1.0,
            ..of("neutral", value("eyes", -14.0, (-16.0, -12.0), &[]))
        };
        rows.push(neutral);
        let game = &games(&rows, Worth::Accuracy)[0];
        let said = dividing_recall(&emotion_games(&rows, game)).unwrap().replace('\u{a0}', " ");
        assert!(
            said.ends_with(
                " With no region visible, the best constant prediction names neutral (recall 100.0 %, 75.0 % with all \
                 visible): what becomes visible takes that from it, so that its values sum to less than zero."
            ),
            "{said}"
        );
    }

    #[test]
    fn many_rivals_are_counted_and_nothing_is_said_of_nothing() {
        let names = ["brows", "eyes", "jaw", "mouth"];
        let mut rows = names.map(|name| value(name, 15.0, (10.0, 20.0), &names));
        for row in &mut rows {
            (row.phase, row.none_by) = (Phase::Amortised, NoneSeen::Network);
        }
        let (sentence, headline) = said(&rows);
        assert_eq!(
            sentence,
            "For the amortised network, of the 60.0 points of test accuracy between none and all 4 regions visible \
             (none: the network's own predictions, 15.0 %), the brows have the largest estimate, 15.0 (95 % CI 10.0 \
             to 20.0; 3 seeds, 1,400 images); 3 others do not differ reliably from it (Shapley attribution)."
        );
        assert_eq!(
            headline,
            "Shapley attribution; largest estimate: brows, 15 points; 3 others do not differ reliably"
        );
        let (sentence, headline) = said(&[nose(), value("jaw", 0.5, (-1.0, 2.0), &["nose"])]);
        assert!(
            sentence.starts_with(
                "No region has a significant Shapley value; largest estimate: jaw, 0.5 points of test accuracy \
                 (95 % CI −1.0 to 2.0"
            ),
            "{sentence}"
        );
        assert_eq!(
            headline,
            "No region has a significant Shapley value; largest estimate: jaw, 0.5 points"
        );
    }
}

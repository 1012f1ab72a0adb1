//! How what is seen divides among the regions.

use crate::report::findings::finding::Leader;
use crate::report::findings::game::{Game, value_interval};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;
use crate::report::words::phrase::{list, subject};
use crate::store::{Metric, ShapleyRow};

use super::scope::{bounds, sample};
use super::{MOST_NAMED, beholder, capital};

/// What each region carries of the worth of all.
pub fn dividing(game: &Game<'_>, measure: Measure) -> String {
    let beholder = beholder(game.phase, game.several);
    let Some(Leader { row, rivals }) = game.leader() else {
        let largest = game.rows[0];
        return capital(&format!(
            "{beholder}no region can be told to carry anything of what is seen: the largest share is {}, {} {} ({}).",
            subject(std::slice::from_ref(&largest.region)).possessive(),
            measure.number(largest.value),
            measure.long_unit,
            scope(largest, measure),
        ));
    };
    let total = format!(
        "{beholder}of the {} {} between seeing nothing and all {}",
        measure.number(row.all_seen - row.none_seen),
        measure.long_unit,
        counted(game.rows.len() as u64, "region"),
    );
    let carry =
        |row: &ShapleyRow| subject(std::slice::from_ref(&row.region)).with_verb("carries", "carry");
    let said = match rivals.len() {
        0 => {
            let next = game.rows.iter().find(|other| other.region != row.region);
            let next = next.map_or(String::new(), |next| {
                let range = value_interval(next)
                    .map_or(String::new(), |range| format!(" ({})", bounds(range, measure, false)));
                format!("; {} {}{range}", carry(next), measure.number(next.value))
            });
            let value = measure.number(row.value);
            format!("{} most: {value} ({}){next}", carry(row), scope(row, measure))
        }
        1..MOST_NAMED => {
            let rows: Vec<&ShapleyRow> = std::iter::once(row).chain(rivals).collect();
            let values = rows.iter().enumerate().map(|(index, row)| {
                let range = value_interval(row).map_or(String::new(), |range| {
                    format!(" ({})", bounds(range, measure, index == 0))
                });
                format!("{}{range}", measure.number(row.value))
            });
            let values = list(values.collect(), "and");
            let names = list(names(&rows), "or");
            let sample = sample(row.seeds, row.images);
            format!(
                "most is carried by {names}, and which of them cannot be told: {values}; {sample}"
            )
        }
        others => format!(
            "{} {} ({}); but {others} others may carry as much",
            carry(row),
            measure.number(row.value),
            scope(row, measure),
        ),
    };
    capital(&format!("{total}, {said}."))
}

/// Which region carries most of each emotion's recall, where that can be told; `None` without games of recall.
pub fn dividing_recall(games: &[(&str, Game<'_>)]) -> Option<String> {
    let first = &games.first()?.1;
    let beholder = beholder(first.phase, first.several);
    let measure = Measure::of(Metric::Accuracy);
    let (mut leading, mut tied, mut open) = (Vec::new(), Vec::new(), Vec::new());
    // By region, in the order of the emotions.
    let mut led: Vec<(&str, Vec<String>)> = Vec::new();
    for (emotion, game) in games {
        match game.leader() {
            Some(Leader { row, rivals }) if rivals.is_empty() => {
                let (share, of) = (measure.number(row.value), row.all_seen - row.none_seen);
                let unit = if led.is_empty() { " points" } else { "" };
                let words = format!("{emotion} ({share} of {}{unit})", measure.number(of));
                match led.iter_mut().find(|(region, _)| *region == row.region) {
                    Some((_, emotions)) => emotions.push(words),
                    None => led.push((&row.region, vec![words])),
                }
            }
            Some(Leader { row, rivals }) if rivals.len() < MOST_NAMED => {
                let rows: Vec<&ShapleyRow> = std::iter::once(row).chain(rivals).collect();
                tied.push(format!("for {emotion} it may be {}", list(names(&rows), "or")));
            }
            _ => open.push((*emotion).to_owned()),
        }
    }
    for (region, emotions) in led {
        let carry = subject(&[region.to_owned()]).with_verb("carries", "carry");
        leading.push(format!("{carry} most for {}", list(emotions, "and")));
    }
    let mut parts = Vec::new();
    if !leading.is_empty() {
        parts.push(format!("of each emotion's recall, {}", leading.join("; ")));
    }
    parts.extend(tied);
    if !open.is_empty() {
        let emotions = list(open, "and");
        parts.push(format!("which region carries most of {emotions} cannot be told"));
    }
    let said = capital(&format!("{beholder}{}", parts.join("; ")));
    Some(format!("{said} (each emotion by itself, uncorrected for their number)."))
}

/// The same as [`dividing`] in a line, for a chart.
pub fn dividing_headline(game: &Game<'_>, measure: Measure) -> String {
    let Some(Leader { row, rivals }) = game.leader() else {
        return "No region can be told to carry anything".to_owned();
    };
    let rows: Vec<&ShapleyRow> = std::iter::once(row).chain(rivals).collect();
    let value = format!("{} {}", measure.rounded(row.value), measure.unit);
    match rows.len() - 1 {
        0 => {
            let total = measure.rounded(row.all_seen - row.none_seen);
            let carry = subject(std::slice::from_ref(&row.region)).with_verb("carries", "carry");
            let size = measure.rounded(row.value);
            capital(&format!("{carry} most: {size} of {total} {}", measure.unit))
        }
        1..MOST_NAMED => {
            let names = list(names(&rows), "and");
            format!("Which of {names} carries most cannot be told")
        }
        others => {
            let carry = subject(std::slice::from_ref(&row.region)).with_verb("carries", "carry");
            capital(&format!("{carry} {value}, but {others} others may carry as much"))
        }
    }
}

fn names(rows: &[&ShapleyRow]) -> Vec<String> {
    rows.iter().map(|row| subject(std::slice::from_ref(&row.region)).words).collect()
}

/// `95 %: 8.9 to 13.9; 3 seeds, 1,400 images`
fn scope(row: &ShapleyRow, measure: Measure) -> String {
    let range = match value_interval(row) {
        Some(range) => bounds(range, measure, true),
        None => "no interval is known".to_owned(),
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
        value("nose", -1.0, (-3.0, 1.0), 0.0)
    }

    #[test]
    fn a_region_that_leads() {
        let rows = [
            value("eyes", 21.0, (18.0, 24.0), 0.004),
            value("mouth", 40.0, (37.0, 43.0), 0.996),
            nose(),
        ];
        let (sentence, headline) = said(&rows);
        assert_eq!(
            sentence,
            "Of the 60.0 points of test accuracy between seeing nothing and all 3 regions, the mouth carries \
             most: 40.0 (95 %: 37.0 to 43.0; 3 seeds, 1,400 images); the eyes carry 21.0 (18.0 \
             to 24.0)."
        );
        assert_eq!(headline, "The mouth carries most: 40 of 60 points");
    }

    #[test]
    fn overlapping_intervals_have_no_winner() {
        let rows = [
            value("eyes", 29.0, (25.0, 33.0), 0.02),
            value("mouth", 32.0, (29.0, 35.0), 0.98),
            nose(),
        ];
        let (sentence, headline) = said(&rows);
        assert_eq!(
            sentence,
            "Of the 60.0 points of test accuracy between seeing nothing and all 3 regions, most is carried by \
             the mouth or the eyes, and which of them cannot be told: 32.0 (95 %: 29.0 to 35.0) and 29.0 \
             (25.0 to 33.0); 3 seeds, 1,400 images."
        );
        assert_eq!(headline, "Which of the mouth and the eyes carries most cannot be told");
    }

    #[test]
    fn each_emotion_has_its_region_where_that_can_be_told() {
        let of = |emotion: &str, row: ShapleyRow| {
            let emotion = Some(emotion.to_owned());
            ShapleyRow { metric: Worth::Recall, emotion, ..row }
        };
        let mut rows = vec![nose()];
        for emotion in ["happiness", "surprise"] {
            rows.push(of(emotion, value("eyes", 11.0, (8.0, 14.0), 0.004)));
            rows.push(of(emotion, value("mouth", 40.0, (37.0, 43.0), 0.996)));
        }
        rows.push(of("anger", value("brows", 20.0, (17.0, 23.0), 0.7)));
        rows.push(of("anger", value("eyes", 19.0, (16.0, 22.0), 0.3)));
        rows.push(of("fear", nose()));
        let game = &games(&rows, Worth::Accuracy)[0];
        let said = dividing_recall(&emotion_games(&rows, game)).unwrap();
        assert_eq!(
            said,
            "Of each emotion's recall, the mouth carries most for happiness (40.0 of 60.0 points) and surprise \
             (40.0 of 60.0); for anger it may be the brows or the eyes; which region carries most of fear cannot \
             be told (each emotion by itself, uncorrected for their number)."
        );
        assert_eq!(dividing_recall(&[]), None);
    }

    #[test]
    fn many_rivals_are_counted_and_nothing_is_said_of_nothing() {
        let names = ["brows", "eyes", "jaw", "mouth"];
        let mut rows = names.map(|name| value(name, 15.0, (10.0, 20.0), 0.25));
        for row in &mut rows {
            row.phase = Phase::Amortised;
        }
        let (sentence, headline) = said(&rows);
        assert_eq!(
            sentence,
            "For one network trained for all sets of regions, of the 60.0 points of test accuracy between \
             seeing nothing and all 4 regions, the brows carry 15.0 (95 %: 10.0 to 20.0; 3 seeds, 1,400 \
             images); but 3 others may carry as much."
        );
        assert_eq!(headline, "The brows carry 15 points, but 3 others may carry as much");
        let (sentence, headline) = said(&[nose(), value("jaw", 0.5, (-1.0, 2.0), 0.9)]);
        assert!(
            sentence.starts_with(
                "No region can be told to carry anything of what is seen: the largest share is \
            the jaw's, 0.5 points of test accuracy (95 %: −1.0 to 2.0"
            ),
            "{sentence}"
        );
        assert_eq!(headline, "No region can be told to carry anything");
    }
}

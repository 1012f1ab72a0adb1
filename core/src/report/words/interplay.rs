//! Which regions are redundant, and which are worth more together.

use crate::report::findings::interplay::{Interaction, Interplay, Pair};
use crate::report::words::measure::Measure;
use crate::report::words::numbers::counted;
use crate::report::words::phrase::{list, subject};

use super::scope::{bounds, corrected, sample};
use super::{MOST_NAMED, beholder, capital};

/// Each kind as it is called, and what it means.
const KINDS: [(Interaction, &str, &str); 2] = [
    (Interaction::Redundant, "redundant", "each worth less where the other is visible"),
    (Interaction::Synergistic, "synergistic", "each worth more where the other is visible"),
];

/// Which pairs of regions interact significantly, and how.
pub fn interplay(found: &Interplay<'_>, measure: Measure) -> String {
    let beholder = beholder(found.phase, found.several);
    let largest = found.pairs[0];
    let pairs = counted(found.pairs.len() as u64, "pair");
    let kinds: Vec<String> =
        KINDS.iter().filter_map(|kind| of_kind(found, *kind, measure)).collect();
    let said = if !kinds.is_empty() {
        let of = match found.pairs.len() {
            1 => String::new(),
            _ => format!("of {pairs} of regions, "),
        };
        let sample = sample(found.seeds, found.images);
        format!("{of}{}; {sample} (Shapley interaction{}).", kinds.join("; "), holm(found))
    } else {
        let estimate = |unit| {
            let range = largest.interval.map_or("no interval".to_owned(), |range| {
                bounds(range, measure, true) + &corrected(range, largest.p_adjusted)
            });
            format!(
                "largest estimate: {}, {} {unit} ({range}; {})",
                subject(largest.regions).words,
                measure.number(largest.value),
                sample(found.seeds, found.images)
            )
        };
        match found.of(Interaction::NotSignificant).is_empty() {
            false => format!(
                "no pair of regions interacts significantly (Shapley interaction{}); {}.",
                holm(found),
                estimate(measure.long_unit)
            ),
            true => format!(
                "the Shapley interaction of each pair of regions has no interval; {}.",
                estimate(measure.long_unit)
            ),
        }
    };
    capital(&format!("{beholder}{said}"))
}

/// `2 are redundant (each worth less where the other is visible): the brows and mouth (−12.0 points, 95 % CI −14.0 to
/// −10.0) and …`; `None` where none is of the kind.
fn of_kind(
    found: &Interplay<'_>,
    (kind, name, meaning): (Interaction, &str, &str),
    measure: Measure,
) -> Option<String> {
    let pairs = found.of(kind);
    let value = |(place, pair): (usize, Pair<'_>)| {
        let unit = if place == 0 { format!(" {}", measure.unit) } else { String::new() };
        let range = pair
            .interval
            .map_or(String::new(), |range| format!(", {}", bounds(range, measure, place == 0)));
        let alone = match kind == Interaction::Synergistic && found.neither_alone(pair.regions) {
            true => "; neither is significantly above chance alone",
            false => "",
        };
        format!("{}{unit}{range}{alone}", measure.number(pair.value))
    };
    if let ([pair], 1) = (&pairs[..], found.pairs.len()) {
        let both = subject(pair.regions).words;
        return Some(format!("{both} are {name} ({meaning}): {}", value((0, *pair))));
    }
    let named = pairs.iter().copied().enumerate().take(MOST_NAMED);
    let named = named
        .map(|(place, pair)| format!("{} ({})", subject(pair.regions).words, value((place, pair))));
    let mut listed: Vec<String> = named.collect();
    match pairs.len() {
        0 => return None,
        count if count > MOST_NAMED => listed.push(format!("{} more", count - MOST_NAMED)),
        _ => {}
    }
    let verb = if pairs.len() == 1 { "is" } else { "are" };
    Some(format!("{} {verb} {name} ({meaning}): {}", pairs.len(), list(listed, "and")))
}

/// `, Holm-corrected` where there are several tests.
fn holm(found: &Interplay<'_>) -> &'static str {
    match found.pairs.len() {
        1 => "",
        _ => ", Holm-corrected",
    }
}

/// The same in a line, for a chart.
pub fn interplay_headline(found: &Interplay<'_>, measure: Measure) -> String {
    let estimate = |pair: &Pair<'_>| {
        format!("{}, {} {}", pair.regions.join(" + "), measure.rounded(pair.value), measure.unit)
    };
    let of_kind = |kind: Interaction, name: &str| {
        let pairs = found.of(kind);
        let more = match pairs.len() {
            0 | 1 => String::new(),
            count => format!(", and {}", counted(count as u64 - 1, "more pair")),
        };
        pairs.first().map(|pair| format!("{name}: {}{more}", estimate(pair)))
    };
    let kinds = [
        of_kind(Interaction::Redundant, "redundant"),
        of_kind(Interaction::Synergistic, "worth more together"),
    ];
    let kinds: Vec<String> = kinds.into_iter().flatten().collect();
    match kinds.is_empty() {
        false => capital(&kinds.join("; ")),
        true if found.of(Interaction::NotSignificant).is_empty() => {
            format!("Interactions of regions, no intervals; largest: {}", estimate(&found.pairs[0]))
        }
        true => format!(
            "No pair of regions interacts significantly; largest estimate: {}",
            estimate(&found.pairs[0])
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Phase;
    use crate::report::findings::evidence::Evidence;
    use crate::report::findings::interplay::interplays;
    use crate::report::findings::interplay::tests::{alone, pair};
    use crate::store::InterplayRow;
    use crate::store::{Metric, Worth};

    fn said(evidence: &Evidence) -> (String, String) {
        let measure = Measure::of(Metric::Accuracy);
        let found = &interplays(evidence, Worth::Accuracy)[0];
        let sentence = interplay(found, measure).replace('\u{a0}', " ");
        (sentence, interplay_headline(found, measure))
    }

    fn of(rows: &[InterplayRow]) -> Evidence {
        Evidence { interplay: rows.to_vec(), ..Evidence::default() }
    }

    #[test]
    fn redundant_and_synergistic_pairs_are_named() {
        let rows = [
            pair(["brows", "mouth"], -38.1, (-41.0, -35.2), 0.001),
            pair(["eyes", "nose"], 4.2, (2.0, 6.4), 0.01),
            pair(["brows", "nose"], -0.5, (-2.5, 1.5), 0.7),
        ];
        let (sentence, headline) = said(&of(&rows));
        assert_eq!(
            sentence,
            "Of 3 pairs of regions, 1 is redundant (each worth less where the other is visible): the brows and \
             mouth (−38.1 points, 95 % CI −41.0 to −35.2); 1 is synergistic (each worth more where the other is \
             visible): the eyes and nose (4.2 points, 95 % CI 2.0 to 6.4); 3 seeds, 1,400 images (Shapley \
             interaction, Holm-corrected)."
        );
        assert_eq!(
            headline,
            "Redundant: brows + mouth, −38 points; worth more together: eyes + nose, 4.2 points"
        );
    }

    #[test]
    fn regions_that_tell_nothing_alone_tell_it_only_together() {
        let together = pair(["brows", "mouth"], 34.0, (31.0, 37.0), 0.001);
        let evidence = Evidence {
            effects: vec![alone("brows", 1.0), alone("mouth", 1.5)],
            ..of(std::slice::from_ref(&together))
        };
        let (sentence, headline) = said(&evidence);
        assert_eq!(
            sentence,
            "The brows and mouth are synergistic (each worth more where the other is visible): 34.0 points, 95 % CI \
             31.0 to 37.0; neither is significantly above chance alone; 3 seeds, 1,400 images (Shapley interaction)."
        );
        assert_eq!(headline, "Worth more together: brows + mouth, 34 points");
        let evidence =
            Evidence { effects: vec![alone("brows", 1.0), alone("mouth", 9.0)], ..of(&[together]) };
        assert!(!said(&evidence).0.contains("alone"), "the mouth tells something alone");
    }

    #[test]
    fn many_pairs_are_counted() {
        let regions = ["brows", "eyes", "jaw", "mouth", "nose"];
        let rows: Vec<InterplayRow> = regions[1..]
            .iter()
            .map(|other| pair(["brows", other], -9.0, (-11.0, -7.0), 0.001))
            .collect();
        let (sentence, headline) = said(&of(&rows));
        assert!(sentence.starts_with("Of 4 pairs of regions, 4 are redundant"), "{sentence}");
        assert!(sentence.contains("(−9.0, −11.0 to −7.0) and 1 more; 3 seeds"), "{sentence}");
        assert_eq!(headline, "Redundant: brows + eyes, −9.0 points, and 3 more pairs");
    }

    #[test]
    fn nothing_is_claimed_of_what_is_not_significant() {
        let mut rows = [
            pair(["brows", "mouth"], 2.0, (0.1, 3.9), 0.12),
            pair(["eyes", "nose"], -1.0, (-3.0, 1.0), 0.9),
        ];
        rows.iter_mut().for_each(|row| row.phase = Phase::Amortised);
        let (sentence, headline) = said(&of(&rows));
        assert_eq!(
            sentence,
            "For the amortised network, no pair of regions interacts significantly (Shapley interaction, \
             Holm-corrected); largest estimate: the brows and mouth, 2.0 points of test accuracy (95 % CI 0.1 to \
             3.9; p = 0.120, Holm-corrected; 3 seeds, 1,400 images)."
        );
        assert_eq!(
            headline,
            "No pair of regions interacts significantly; largest estimate: brows + mouth, 2.0 points"
        );
        rows.iter_mut().for_each(|row| (row.low, row.high) = (None, None));
        let (sentence, headline) = said(&of(&rows));
        assert!(sentence.contains("has no interval; largest estimate: the brows"), "{sentence}");
        assert!(headline.contains("no intervals"), "{headline}");
    }
}

//! The answer in words.
//!
//! A sentence claims only what the intervals allow; [`finding`](super::finding) is the judge.

use crate::store::EffectRow;

use super::facts::Facts;
use super::finding::{
    Leader, Slice, excludes_zero, interval, leader, rivals, signal_interval, slices, told_from_zero,
};
use super::label;
use super::metric::Metric;
use super::numbers::{counted, p_value};
use super::phrase::{list, subject, wrap};

/// Characters in a line of a terminal.
const COLUMNS: usize = 80;
/// More sets than this are counted, not named.
const MOST_NAMED: usize = 3;

/// What an experiment found, in a few lines of at most 80 characters: the cost of hiding, how it
/// compares with hiding the same area elsewhere, what is reached seen alone, and what cannot be known.
pub fn answer(rows: &[EffectRow], facts: &Facts) -> String {
    let metric = Metric::NAMES.into_iter().find(|name| rows.iter().any(|row| row.metric == *name));
    let mut sentences = match metric {
        Some(metric) => findings(rows, metric),
        None => vec![
            "There is no effect to report: no covered condition has a finished run beside one of whole \
             faces."
                .to_owned(),
        ],
    };
    if facts.failed > 0 {
        let verb = if facts.failed == 1 { "is" } else { "are" };
        let runs = counted(facts.runs as u64, "run");
        sentences.push(format!("{} of {runs} failed and {verb} missing here.", facts.failed));
    }
    wrap(&sentences.join(" "), COLUMNS)
}

fn findings(rows: &[EffectRow], metric: &str) -> Vec<String> {
    let measure = Metric::of(metric);
    let slices = slices(rows, metric);
    let first = &slices[0];
    let alike = |other: &&Slice<'_>| {
        other.phase == first.phase && other.fill == first.fill && other.swept == first.swept
    };
    let mut sentences = Vec::new();
    let hidden = slices.iter().filter(alike).find(|slice| slice.mode == "hide");
    let seen = slices.iter().filter(alike).find(|slice| slice.mode == "keep");
    if let Some(slice) = hidden {
        sentences.push(hiding(slice, measure));
    }
    if let Some(slice) = seen {
        sentences.push(seeing(slice, measure, hidden.is_none()));
    }
    if first.phase == "retrain" {
        sentences.extend(reliance(&slices, first, measure));
    }
    if first.rows.iter().all(|row| row.seeds == 1) {
        sentences.push(
            "With one seed only the images are a sample: how much another training would differ is not \
             known."
                .to_owned(),
        );
    }
    let others = slices.iter().filter(|slice| slice.swept != first.swept).count();
    if others > 0 {
        sentences.push(format!(
            "All this is for {}; the table has the other settings.",
            label::swept(first.swept)
        ));
    }
    sentences
}

/// What hiding costs.
fn hiding(slice: &Slice<'_>, measure: Metric) -> String {
    let lead =
        |row: &EffectRow| format!("{}{}", subject(&row.regions).words, phase_words(slice.phase));
    if let [row] = slice.rows[..] {
        return one_hidden(row, &lead(row), measure);
    }
    match leader(&slice.rows) {
        Some(Leader { row, rivals }) if rivals.is_empty() => {
            let next = slice.rows.iter().find(|other| other.regions != row.regions);
            let next = next.filter(|row| row.effect.is_finite()).map_or(String::new(), |next| {
                let come = subject(&next.regions).with_verb("comes", "come");
                format!(" {} next, with {}.", capital(&come), measure.number(next.effect))
            });
            format!(
                "Hiding {} costs most: {} {} ({}){}.{next}",
                lead(row),
                measure.number(row.effect),
                measure.long_unit,
                scope(row, measure),
                beside_control(row, measure),
            )
        }
        Some(leader) if leader.rivals.len() < MOST_NAMED => tied(slice, &leader, measure),
        Some(Leader { row, rivals }) => format!(
            "Hiding {} costs {} {} ({}){}; but {} others may cost as much, for their intervals overlap.",
            lead(row),
            measure.number(row.effect),
            measure.long_unit,
            scope(row, measure),
            beside_control(row, measure),
            rivals.len(),
        ),
        None => no_cost(slice, measure),
    }
}

/// One region set: cost, gain, nothing, or no interval.
fn one_hidden(row: &EffectRow, lead: &str, measure: Metric) -> String {
    let size = measure.number(row.effect.abs());
    let (unit, scope) = (measure.long_unit, scope(row, measure));
    if !row.effect.is_finite() {
        return format!("What hiding {lead} costs is not known: no run of it finished.");
    }
    match told_from_zero(row) {
        Some(false) => format!(
            "Hiding {lead} has no effect on {} that can be told from zero: {} {} ({scope}){}.",
            measure.name,
            measure.number(row.effect),
            measure.unit,
            beside_control(row, measure),
        ),
        _ if row.effect < 0.0 => {
            format!("Hiding {lead} gains {size} {unit} ({scope}){}.", beside_control(row, measure))
        }
        _ => {
            format!("Hiding {lead} costs {size} {unit} ({scope}){}.", beside_control(row, measure))
        }
    }
}

/// Several that cost much, none of which can be called the first.
fn tied(slice: &Slice<'_>, leader: &Leader<'_>, measure: Metric) -> String {
    let mut rows = vec![leader.row];
    rows.extend(&leader.rivals);
    let names = rows.iter().map(|row| subject(&row.regions).words).collect();
    let costs = rows.iter().enumerate().map(|(index, row)| {
        let unit = if index == 0 { format!(" {}", measure.long_unit) } else { String::new() };
        let range = interval(row)
            .map_or(String::new(), |range| format!(" ({})", bounds(range, measure, index == 0)));
        format!("{}{unit}{range}", measure.number(row.effect))
    });
    format!(
        "Hiding {}{} costs most, and which of them cannot be told: {}; {}.",
        list(names, "or"),
        phase_words(slice.phase),
        list(costs.collect(), "and"),
        sample(leader.row),
    )
}

/// No region set has a cost that can be told from zero.
fn no_cost(slice: &Slice<'_>, measure: Metric) -> String {
    let Some(row) = slice.rows.iter().find(|row| row.effect.is_finite()) else {
        return "What hiding costs is not known: no run of a covered condition finished."
            .to_owned();
    };
    let largest = format!(
        "the largest is {}, {} {} ({})",
        subject(&row.regions).possessive(),
        measure.number(row.effect),
        measure.long_unit,
        scope(row, measure)
    );
    if slice.rows.iter().all(|row| interval(row).is_none()) {
        return format!(
            "No region's cost has an interval, so none can be told from zero: {largest}."
        );
    }
    let gain =
        slice.rows.iter().rev().find(|row| row.effect < 0.0 && told_from_zero(row) == Some(true));
    let gain = gain.map_or(String::new(), |row| {
        let size = measure.number(row.effect.abs());
        format!(" Hiding {} gains {size} {}.", subject(&row.regions).words, measure.unit)
    });
    format!("No region's cost can be told from zero: {largest}.{gain}")
}

/// What is reached with nothing else seen; `alone` where no sentence about hiding went before.
fn seeing(slice: &Slice<'_>, measure: Metric, alone: bool) -> String {
    // The smallest loss reaches most.
    let reached: Vec<&EffectRow> =
        slice.rows.iter().rev().copied().filter(|row| row.covered.is_finite()).collect();
    let Some(&best) = reached.first() else {
        return "What is reached with one region seen alone is not known: no run of it finished."
            .to_owned();
    };
    let lead = match slice.phase {
        "evaluate" => "Seen alone by a network trained on whole faces",
        "train" => "Seen alone in training",
        _ => "Seen alone",
    };
    let whole = measure.amount(best.baseline);
    let within = if alone {
        let range = interval(best).map_or("no interval of the loss is known".to_owned(), |range| {
            format!("95\u{a0}% for the loss: {}", range_words(range, measure))
        });
        format!(" ({range}; {})", sample(best))
    } else {
        String::new()
    };
    let whole = if alone {
        format!("{} of the whole face's {whole}", measure.name)
    } else {
        format!("of {whole}")
    };
    let tied = rivals(best, &reached);
    if reached.len() == 1 || tied.is_empty() {
        let most = if reached.len() == 1 { "" } else { " most:" };
        return format!(
            "{lead}, {}{most} {} {whole}{within}.",
            subject(&best.regions).with_verb("reaches", "reach"),
            measure.amount(best.covered),
        );
    }
    if tied.len() < MOST_NAMED && interval(best).is_some() {
        let rows = std::iter::once(best).chain(tied.iter().copied());
        let names = rows.map(|row| {
            format!("{} ({})", subject(&row.regions).words, measure.amount(row.covered))
        });
        return format!(
            "{lead}, {} reach most {whole}{within}, and which of them cannot be told.",
            list(names.collect(), "and")
        );
    }
    format!(
        "{lead}, {} {} {whole}{within}; {} others may reach as much.",
        subject(&best.regions).with_verb("reaches", "reach"),
        measure.amount(best.covered),
        tied.len()
    )
}

/// Beside retrained networks: what one loses that learned from whole faces. Only for a single set.
fn reliance(slices: &[Slice<'_>], first: &Slice<'_>, measure: Metric) -> Option<String> {
    let slice = slices.iter().find(|slice| {
        slice.phase == "evaluate"
            && slice.mode == "hide"
            && slice.fill == first.fill
            && slice.swept == first.swept
    })?;
    let [row] = slice.rows[..] else { return None };
    if !row.effect.is_finite() {
        return None;
    }
    let pronoun = if subject(&row.regions).plural { "they are" } else { "it is" };
    let range =
        interval(row).map_or(String::new(), |range| format!(" ({})", bounds(range, measure, true)));
    Some(format!(
        "A network that learned from whole faces loses {} when {pronoun} hidden{range}.",
        measure.number(row.effect)
    ))
}

/// `95 %: 8.9 to 13.9; 3 seeds, 1,400 images`
fn scope(row: &EffectRow, measure: Metric) -> String {
    let mut parts = vec![match interval(row) {
        Some(range) => bounds(range, measure, true),
        None => "no interval is known".to_owned(),
    }];
    if let Some(p) = row
        .p_adjusted
        .filter(|_| interval(row).is_some_and(excludes_zero) && told_from_zero(row) == Some(false))
    {
        parts.push(format!("corrected for the number of regions, p\u{a0}= {}", p_value(p)));
    }
    parts.push(sample(row));
    parts.join("; ")
}

fn sample(row: &EffectRow) -> String {
    let seeds = counted(u64::from(row.seeds), "seed");
    format!("{seeds}, {}", counted(row.images, "image"))
        .replace(' ', "\u{a0}")
        .replace(",\u{a0}", ", ")
}

fn bounds(range: (f64, f64), measure: Metric, named: bool) -> String {
    let name = if named { "95\u{a0}%: " } else { "" };
    format!("{name}{}", range_words(range, measure))
}

fn range_words((low, high): (f64, f64), measure: Metric) -> String {
    format!("{} to {}", measure.number(low), measure.number(high))
}

/// How the effect compares with covering as much elsewhere; empty without controls.
fn beside_control(row: &EffectRow, measure: Metric) -> String {
    let Some(signal) = row.signal.filter(|signal| signal.is_finite()) else { return String::new() };
    let size = measure.number(signal.abs());
    match signal_interval(row) {
        Some(range) if !excludes_zero(range) => format!(
            "; that differs from hiding the same area elsewhere by {} ({}), which cannot be told from zero",
            measure.number(signal),
            bounds(range, measure, true)
        ),
        known => {
            let direction = if signal < 0.0 { "less" } else { "more" };
            let caution = if known.is_none() { " (no interval is known)" } else { "" };
            if row.effect < 0.0 {
                let direction = if signal < 0.0 { "better" } else { "worse" };
                return format!(
                    ", {size} {direction} than hiding the same area elsewhere{caution}"
                );
            }
            format!(", {size} {direction} than hiding the same area elsewhere{caution}")
        }
    }
}

fn phase_words(phase: &str) -> String {
    match phase {
        "retrain" => String::new(),
        "evaluate" => " from a network trained on whole faces".to_owned(),
        "train" => " in training alone".to_owned(),
        "amortised" => " from one network trained for all sets of regions".to_owned(),
        other => format!(" ({other})"),
    }
}

/// A chart's title: the finding in one line, or that there is none.
pub fn headline(rows: &[EffectRow], metric: &str) -> String {
    let measure = Metric::of(metric);
    let slices = slices(rows, metric);
    let Some(first) = slices.first() else { return "No effects".to_owned() };
    if first.mode == "keep" {
        return capital(seeing(first, measure, false).trim_end_matches('.'));
    }
    let phase = phase_words(first.phase);
    let size = |row: &EffectRow| measure.rounded(row.effect.abs());
    if let [row] = first.rows[..] {
        let name = subject(&row.regions).words;
        let verb = if row.effect < 0.0 { "gains" } else { "costs" };
        return match told_from_zero(row) {
            Some(true) => format!("Hiding {name}{phase} {verb} {} {}", size(row), measure.unit),
            Some(false) => format!("The cost of hiding {name}{phase} cannot be told from zero"),
            None => format!("The cost of hiding {name}{phase}: no interval is known"),
        };
    }
    match leader(&first.rows) {
        Some(Leader { row, rivals }) => {
            let name = subject(&row.regions).words;
            let cost = format!("{} {}", size(row), measure.unit);
            match rivals.len() {
                0 => format!("Hiding {name}{phase} costs most: {cost}"),
                1..MOST_NAMED => {
                    let names = std::iter::once(row).chain(rivals.iter().copied());
                    let names = names.map(|row| subject(&row.regions).words).collect();
                    let costs =
                        std::iter::once(row).chain(rivals.iter().copied()).map(size).collect();
                    let (names, costs) = (list(names, "or"), list(costs, "and"));
                    format!("Hiding {names}{phase} costs most: {costs} {}", measure.unit)
                }
                others => format!(
                    "Hiding {name}{phase} costs {cost}, but {others} others may cost as much"
                ),
            }
        }
        None if first.rows.iter().all(|row| interval(row).is_none()) => {
            "What hiding each region costs; no interval is known".to_owned()
        }
        None => format!("No region's cost{phase} can be told from zero"),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::tests::{row, with_control};
    use super::*;

    fn said(rows: &[EffectRow]) -> String {
        let text = answer(rows, &Facts::default());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(!text.contains('\u{a0}'), "{text}");
        text.replace('\n', " ")
    }

    fn eyes() -> EffectRow {
        with_control(row("eyes", "hide", 11.4, Some((8.9, 13.9))), 9.8, (7.0, 12.6))
    }

    #[test]
    fn the_main_answer_in_lines_of_a_terminal() {
        let mut seen = row("eyes", "keep", 41.8, Some((39.0, 44.6)));
        seen.covered = 0.412;
        assert_eq!(
            answer(&[eyes(), seen], &Facts::default()),
            "Hiding the eyes costs 11.4 points of test accuracy (95 %: 8.9 to 13.9; 3 seeds,\n\
             1,400 images), 9.8 more than hiding the same area elsewhere. Seen alone, the\n\
             eyes reach 41.2 % of 83.0 %."
        );
    }

    #[test]
    fn a_signal_that_cannot_be_told_from_zero_is_not_claimed() {
        let row = with_control(row("nose", "hide", 3.1, Some((1.2, 5.0))), 1.2, (-0.8, 3.2));
        assert_eq!(
            said(&[row]),
            "Hiding the nose costs 3.1 points of test accuracy (95 %: 1.2 to 5.0; 3 seeds, 1,400 images); \
             that differs from hiding the same area elsewhere by 1.2 (95 %: −0.8 to 3.2), which cannot be \
             told from zero."
        );
    }

    #[test]
    fn less_than_the_control() {
        let row = with_control(row("nose", "hide", 3.1, Some((1.2, 5.0))), -4.0, (-6.0, -2.0));
        assert_eq!(
            said(&[row]),
            "Hiding the nose costs 3.1 points of test accuracy (95 %: 1.2 to 5.0; 3 seeds, 1,400 images), \
             4.0 less than hiding the same area elsewhere."
        );
    }

    #[test]
    fn no_effect() {
        assert_eq!(
            said(&[row("forehead", "hide", 0.4, Some((-0.6, 1.4)))]),
            "Hiding the forehead has no effect on test accuracy that can be told from zero: 0.4 points \
             (95 %: −0.6 to 1.4; 3 seeds, 1,400 images)."
        );
    }

    #[test]
    fn an_effect_that_the_correction_takes_away() {
        let mut row = row("brows", "hide", 2.0, Some((0.1, 3.9)));
        row.p_adjusted = Some(0.12);
        assert_eq!(
            said(&[row]),
            "Hiding the brows has no effect on test accuracy that can be told from zero: 2.0 points \
             (95 %: 0.1 to 3.9; corrected for the number of regions, p = 0.120; 3 seeds, 1,400 images)."
        );
    }

    #[test]
    fn a_gain() {
        let row = with_control(row("jaw", "hide", -1.2, Some((-2.0, -0.4))), -2.0, (-3.0, -1.0));
        assert_eq!(
            said(&[row]),
            "Hiding the jaw gains 1.2 points of test accuracy (95 %: −2.0 to −0.4; 3 seeds, 1,400 images), \
             2.0 better than hiding the same area elsewhere."
        );
    }

    #[test]
    fn one_seed_and_no_interval() {
        let mut row = row("brows+eyes", "hide", 15.0, None);
        row.seeds = 1;
        row.images = 1;
        assert_eq!(
            said(&[row]),
            "Hiding the brows and eyes costs 15.0 points of test accuracy (no interval is known; 1 seed, \
             1 image). With one seed only the images are a sample: how much another training would differ \
             is not known."
        );
    }

    #[test]
    fn a_union_of_ones_own_in_evaluation_only() {
        let mut row = row("eye_left+glasses", "hide", 5.0, Some((4.0, 6.0)));
        row.phase = "evaluate".to_owned();
        assert_eq!(
            said(&[row.clone()]),
            "Hiding the left eye and “glasses” from a network trained on whole faces costs 5.0 points of \
             test accuracy (95 %: 4.0 to 6.0; 3 seeds, 1,400 images)."
        );
        row.phase = "train".to_owned();
        assert!(
            said(&[row])
                .starts_with("Hiding the left eye and “glasses” in training alone costs 5.0")
        );
    }

    #[test]
    fn what_whole_face_networks_lose_comes_beside() {
        let mut evaluated = row("nose", "hide", 20.1, Some((18.0, 22.2)));
        evaluated.phase = "evaluate".to_owned();
        assert_eq!(
            said(&[evaluated, row("nose", "hide", 3.0, Some((2.0, 4.0)))]),
            "Hiding the nose costs 3.0 points of test accuracy (95 %: 2.0 to 4.0; 3 seeds, 1,400 images). \
             A network that learned from whole faces loses 20.1 when it is hidden (95 %: 18.0 to 22.2)."
        );
    }

    #[test]
    fn a_region_that_stands_out() {
        let rows = [
            row("eyes", "hide", 11.4, Some((9.0, 13.8))),
            row("mouth", "hide", 21.0, Some((18.9, 23.1))),
            row("nose", "keep", 60.0, Some((58.0, 62.0))),
            row("mouth", "keep", 24.0, Some((22.0, 26.0))),
        ];
        assert_eq!(
            said(&rows),
            "Hiding the mouth costs most: 21.0 points of test accuracy (95 %: 18.9 to 23.1; 3 seeds, 1,400 \
             images). The eyes come next, with 11.4. Seen alone, the mouth reaches most: 59.0 % of 83.0 %."
        );
        assert_eq!(headline(&rows, "accuracy"), "Hiding the mouth costs most: 21 points");
    }

    #[test]
    fn regions_that_cannot_be_told_apart() {
        let rows = [
            row("eyes", "hide", 19.8, Some((17.0, 22.6))),
            row("mouth", "hide", 21.0, Some((18.9, 23.1))),
            row("nose", "hide", 2.0, Some((0.5, 3.5))),
            row("eyes", "keep", 25.0, Some((22.0, 28.0))),
            row("mouth", "keep", 24.0, Some((22.0, 26.0))),
        ];
        assert_eq!(
            said(&rows),
            "Hiding the mouth or the eyes costs most, and which of them cannot be told: 21.0 points of test \
             accuracy (95 %: 18.9 to 23.1) and 19.8 (17.0 to 22.6); 3 seeds, 1,400 images. Seen alone, the \
             mouth (59.0 %) and the eyes (58.0 %) reach most of 83.0 %, and which of them cannot be told."
        );
        assert_eq!(
            headline(&rows, "accuracy"),
            "Hiding the mouth or the eyes costs most: 21 and 20 points"
        );
    }

    #[test]
    fn many_that_cannot_be_told_apart_are_counted() {
        let names = ["brows", "cheeks", "eyes", "jaw", "mouth"];
        let rows = names.map(|name| row(name, "hide", 5.0, Some((1.0, 9.0))));
        assert_eq!(
            said(&rows),
            "Hiding the brows costs 5.0 points of test accuracy (95 %: 1.0 to 9.0; 3 seeds, 1,400 images); \
             but 4 others may cost as much, for their intervals overlap."
        );
    }

    #[test]
    fn no_region_stands_out() {
        let rows = [
            row("nose", "hide", 0.9, Some((-0.3, 2.1))),
            row("jaw", "hide", -2.0, Some((-3.0, -1.0))),
        ];
        assert_eq!(
            said(&rows),
            "No region's cost can be told from zero: the largest is the nose's, 0.9 points of test accuracy \
             (95 %: −0.3 to 2.1; 3 seeds, 1,400 images). Hiding the jaw gains 2.0 points."
        );
        assert_eq!(headline(&rows, "accuracy"), "No region's cost can be told from zero");
    }

    #[test]
    fn only_seen_alone() {
        let mut seen = row("nose", "keep", 41.8, Some((39.1, 44.5)));
        seen.covered = 0.412;
        assert_eq!(
            said(&[seen]),
            "Seen alone, the nose reaches 41.2 % test accuracy of the whole face's 83.0 % (95 % for the \
             loss: 39.1 to 44.5; 3 seeds, 1,400 images)."
        );
    }

    #[test]
    fn nothing_and_failures() {
        let facts = Facts { runs: 14, failed: 2, ..Facts::default() };
        assert_eq!(
            answer(&[], &facts),
            "There is no effect to report: no covered condition has a finished run beside one\n\
             of whole faces. 2 of 14 runs failed and are missing here."
        );
        let mut failed = row("nose", "hide", f64::NAN, None);
        failed.covered = f64::NAN;
        assert_eq!(
            said(&[failed]),
            "What hiding the nose costs is not known: no run of it finished."
        );
    }

    #[test]
    fn the_setting_is_named_where_there_are_several() {
        let mut fast = eyes();
        fast.swept.insert("train.optimizer.learning_rate".to_owned(), "0.01".to_owned());
        let mut slow = eyes();
        slow.swept.insert("train.optimizer.learning_rate".to_owned(), "0.001".to_owned());
        assert!(said(&[fast, slow]).ends_with(
            "elsewhere. All this is for learning_rate 0.001; the table has the other settings."
        ));
    }

    #[test]
    fn bits_are_said_where_there_is_no_accuracy() {
        let mut row = row("eyes", "hide", 31.0, Some((20.0, 42.0)));
        row.metric = "bits".to_owned();
        assert_eq!(
            said(&[row]),
            "Hiding the eyes costs 0.31 bits of usable information (95 %: 0.20 to 0.42; 3 seeds, 1,400 \
             images)."
        );
    }
}

//! What hiding costs.

use crate::plan::{ConditionName, Several};
use crate::region::{Mode, Phase};
use crate::report::findings::finding::{
    Leader, Slice, excludes_zero, interval, leader, signal_interval, told_from_zero,
};
use crate::report::words::measure::Measure;
use crate::report::words::phrase::{list, subject};
use crate::store::EffectRow;

use super::scope::{bounds, sample, scope};
use super::{MOST_NAMED, capital, phase_words, uncapital};

/// What hiding costs; of sets and single regions, the latter.
pub fn hiding(slice: &Slice<'_>, measure: Measure) -> String {
    if let Some(single) = slice.of_single_regions() {
        return format!("Of single regions, {}", uncapital(&hiding(&single, measure)));
    }
    let several = Several { phases: slice.several.phases, ..Several::default() };
    let lead = |row: &EffectRow| {
        several.sentence(ConditionName::masked(&row.regions, row.masking(), &row.swept))
    };
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
                "{} costs most: {} {} ({}){}.{next}",
                capital(&lead(row)),
                measure.number(row.effect),
                measure.long_unit,
                scope(row, measure),
                beside_control(row, measure),
            )
        }
        Some(leader) if leader.rivals.len() < MOST_NAMED => tied(slice, &leader, measure),
        Some(Leader { row, rivals }) => format!(
            "{} costs {} {} ({}){}; but {} others may cost as much, for their intervals overlap.",
            capital(&lead(row)),
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
fn one_hidden(row: &EffectRow, lead: &str, measure: Measure) -> String {
    let size = measure.number(row.effect.abs());
    let (unit, scope) = (measure.long_unit, scope(row, measure));
    let start = capital(lead);
    if !row.effect.is_finite() {
        return format!("What {lead} costs is not known: no run of it finished.");
    }
    match told_from_zero(row) {
        Some(false) => format!(
            "{start} has no effect on {} that can be told from zero: {} {} ({scope}){}.",
            measure.name,
            measure.number(row.effect),
            measure.unit,
            beside_control(row, measure),
        ),
        _ if row.effect < 0.0 => {
            format!("{start} gains {size} {unit} ({scope}){}.", beside_control(row, measure))
        }
        _ => {
            format!("{start} costs {size} {unit} ({scope}){}.", beside_control(row, measure))
        }
    }
}

/// Several that cost much, none of which can be called the first.
fn tied(slice: &Slice<'_>, leader: &Leader<'_>, measure: Measure) -> String {
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
        phase_words(slice.phase, slice.several),
        list(costs.collect(), "and"),
        sample(leader.row.seeds, leader.row.images),
    )
}

/// No region set has a cost that can be told from zero.
fn no_cost(slice: &Slice<'_>, measure: Measure) -> String {
    let Some(row) = slice.rows.iter().find(|row| row.effect.is_finite()) else {
        return "What hiding costs is not known: no run of a covered condition finished."
            .to_owned();
    };
    let phase = phase_words(slice.phase, slice.several);
    let largest = format!(
        "the largest is {}, {} {} ({})",
        subject(&row.regions).possessive(),
        measure.number(row.effect),
        measure.long_unit,
        scope(row, measure)
    );
    if slice.rows.iter().all(|row| interval(row).is_none()) {
        return format!(
            "No region's cost{phase} has an interval, so none can be told from zero: {largest}."
        );
    }
    let gain =
        slice.rows.iter().rev().find(|row| row.effect < 0.0 && told_from_zero(row) == Some(true));
    let gain = gain.map_or(String::new(), |row| {
        let size = measure.number(row.effect.abs());
        format!(" Hiding {} gains {size} {}.", subject(&row.regions).words, measure.unit)
    });
    format!("No region's cost{phase} can be told from zero: {largest}.{gain}")
}

/// Beside retrained networks: what one loses that learned from whole faces; and beside such ones, what is lost
/// by those that are retrained. Only for a single set.
pub fn reliance(slices: &[Slice<'_>], first: &Slice<'_>, measure: Measure) -> Option<String> {
    let other = match first.phase {
        Phase::Retrain => Phase::Evaluate,
        Phase::Evaluate => Phase::Retrain,
        _ => return None,
    };
    let slice = slices.iter().find(|slice| {
        slice.phase == other
            && slice.mode == Mode::Hide
            && slice.fill == first.fill
            && slice.swept == first.swept
    })?;
    let [row] = slice.rows[..] else { return None };
    if !row.effect.is_finite() {
        return None;
    }
    let plural = subject(&row.regions).plural;
    let learned = match (other, plural) {
        (Phase::Evaluate, true) => "from whole faces loses {} when they are hidden",
        (Phase::Evaluate, false) => "from whole faces loses {} when it is hidden",
        (_, true) => "without them loses {}",
        (_, false) => "without it loses {}",
    };
    let range =
        interval(row).map_or(String::new(), |range| format!(" ({})", bounds(range, measure, true)));
    let loses = learned.replace("{}", &measure.number(row.effect));
    Some(format!("A network that learned {loses}{range}."))
}

/// How the effect compares with covering as much elsewhere; empty without controls.
fn beside_control(row: &EffectRow, measure: Measure) -> String {
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

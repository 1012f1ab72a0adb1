//! What masking costs.

use crate::plan::{ConditionName, Several};
use crate::region::{Mode, Phase};
use crate::report::findings::finding::{
    Leader, Place, Slice, count, effect_significant, interval, leader, signal_interval,
    signal_significant,
};
use crate::report::words::measure::Measure;
use crate::report::words::phrase::{list, subject};
use crate::store::EffectRow;

use super::scope::{bounds, corrected, sample, scope};
use super::{MOST_NAMED, capital, phase_words, uncapital};

/// How the tests of a family are meant, where several conditions are compared.
pub(super) const PAIRED: &str = "paired, Holm-corrected";

/// What masking costs; of sets and single regions, the latter.
pub fn hiding(slice: &Slice<'_>, measure: Measure) -> String {
    if let Some(single) = slice.of_single_regions() {
        return format!("Of single regions, {}", uncapital(&hiding(&single, measure)));
    }
    let several = Several { phases: slice.several.phases, ..Several::default() };
    let lead = |row: &EffectRow| {
        capital(&several.sentence(ConditionName::masked(&row.regions, row.masking(), &row.swept)))
    };
    if let [row] = slice.rows[..] {
        return one_masked(row, &lead(row), measure);
    }
    let Some(Leader { row, place }) = leader(slice) else {
        return "The cost of masking is not known: no run of a masked condition finished."
            .to_owned();
    };
    let (noun, all) = conditions(slice);
    let phase = phase_words(slice.phase, slice.several);
    let estimate =
        format!("{} {} ({})", measure.number(row.effect), measure.long_unit, scope(row, measure));
    let named = row.regions.join(" + ");
    if costly(slice) == 0 {
        let gain = gain(slice, measure) + &beyond_controls(slice);
        return match slice.rows.iter().any(|row| interval(row).is_some()) {
            true => format!(
                "Masking any {noun}{phase} has no significant cost; largest estimate: {named}, \
                 {estimate}.{gain}"
            ),
            false => format!(
                "The cost of masking each {noun}{phase} has no interval; largest estimate: {named}, {estimate}."
            ),
        };
    }
    let cost = format!("{estimate}{}", beside_control(row, measure));
    let significant = match costly(slice) {
        number if number == slice.rows.len() => {
            format!(" Masking any of the {all} has a significant cost.")
        }
        number => format!(" The cost is significant for {number} of {all}."),
    };
    match place {
        Place::First => {
            let next = slice.rows.iter().find(|other| other.regions != row.regions);
            let next = next.filter(|row| row.effect.is_finite()).map_or(String::new(), |next| {
                let come = subject(&next.regions).with_verb("comes", "come");
                let range = interval(next).map_or("no interval".to_owned(), |range| {
                    bounds(range, measure, false) + &corrected(range, next.p_adjusted)
                });
                let significant = match effect_significant(next) {
                    Some(false) => ", which is not significant",
                    _ => "",
                };
                let size = measure.number(next.effect);
                format!(" {} next, with {size} ({range}){significant}.", capital(&come))
            });
            format!("{} costs most: {cost}.{next}", lead(row))
        }
        Place::Among(rivals) if rivals.len() < MOST_NAMED => tied(slice, row, &rivals, measure),
        Place::Among(rivals) => format!(
            "{} has the largest estimated cost: {cost}; {} others do not differ significantly from it \
             ({PAIRED}).{significant}",
            lead(row),
            rivals.len(),
        ),
        Place::Undecided => format!(
            "No {noun} differs reliably from the others in what masking it{phase} costs ({PAIRED}); largest \
             estimate: {named}, {cost}.{significant}"
        ),
        Place::Untested => format!(
            "{} has the largest estimated cost: {cost}; the {all} are not compared with each \
             other.{significant}",
            lead(row)
        ),
    }
}

/// What the rows of a slice are: one of them, and how many of all: `region`, `7 regions`.
pub(super) fn conditions(slice: &Slice<'_>) -> (&'static str, String) {
    let (one, many) = match slice.is_of_regions() {
        true => ("region", "regions"),
        false => ("set of regions", "sets of regions"),
    };
    (one, format!("{} {many}", slice.rows.len()))
}

/// How many conditions have a significant cost.
pub(super) fn costly(slice: &Slice<'_>) -> usize {
    count(&slice.rows, |row| row.effect > 0.0 && effect_significant(row) == Some(true))
}

/// One region set: cost, gain, nothing, or no interval.
fn one_masked(row: &EffectRow, lead: &str, measure: Measure) -> String {
    let size = measure.number(row.effect.abs());
    let (unit, scope) = (measure.long_unit, scope(row, measure));
    if !row.effect.is_finite() {
        let lead = uncapital(lead);
        return format!("The effect of {lead} is not known: no run of it finished.");
    }
    let beside = beside_control(row, measure);
    match effect_significant(row) {
        Some(false) => format!(
            "{lead} has no significant effect on {} ({} {}, {scope}){beside}.",
            measure.name,
            measure.number(row.effect),
            measure.unit,
        ),
        _ if row.effect < 0.0 => format!("{lead} gains {size} {unit} ({scope}){beside}."),
        _ => format!("{lead} costs {size} {unit} ({scope}){beside}."),
    }
}

/// Several that cost much and do not differ significantly from the first.
fn tied(slice: &Slice<'_>, row: &EffectRow, rivals: &[&EffectRow], measure: Measure) -> String {
    let rows: Vec<&EffectRow> = std::iter::once(row).chain(rivals.iter().copied()).collect();
    let names = rows.iter().map(|row| subject(&row.regions).words).collect();
    let costs = rows.iter().enumerate().map(|(index, row)| {
        let unit = if index == 0 { format!(" {}", measure.long_unit) } else { String::new() };
        let range = interval(row)
            .map_or(String::new(), |range| format!(" ({})", bounds(range, measure, index == 0)));
        format!("{}{unit}{range}", measure.number(row.effect))
    });
    format!(
        "Masking {}{} costs most: {}; they do not differ significantly ({PAIRED}; {}).",
        list(names, "or"),
        phase_words(slice.phase, slice.several),
        list(costs.collect(), "and"),
        sample(row.seeds, row.images),
    )
}

/// Which cost significantly more than the same area elsewhere where none costs significantly more than nothing, as a
/// sentence: the two are different tests.
fn beyond_controls(slice: &Slice<'_>) -> String {
    let carries = |row: &&&EffectRow| {
        row.signal.is_some_and(|signal| signal > 0.0) && signal_significant(row) == Some(true)
    };
    let rows: Vec<&EffectRow> = slice.rows.iter().filter(carries).copied().collect();
    let which = match rows.len() {
        0 => return String::new(),
        1..=MOST_NAMED => list(rows.iter().map(|row| subject(&row.regions).words).collect(), "or"),
        number => format!("any of {number} of {}", conditions(slice).1),
    };
    format!(
        " Another test: masking {which} costs significantly more than masking the same area elsewhere."
    )
}

/// The largest significant gain, as a sentence.
fn gain(slice: &Slice<'_>, measure: Measure) -> String {
    let gains = |row: &&&EffectRow| row.effect < 0.0 && effect_significant(row) == Some(true);
    slice.rows.iter().rev().find(gains).map_or(String::new(), |row| {
        let size = measure.number(row.effect.abs());
        format!(" Masking {} gains {size} {}.", subject(&row.regions).words, measure.unit)
    })
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
    let networks = match other {
        Phase::Evaluate => "Networks trained on whole faces lose",
        _ => "Networks retrained under the mask lose",
    };
    let when = if other == Phase::Evaluate {
        let masked = subject(&row.regions).with_verb("is", "are");
        format!(" when {masked} masked at test time only")
    } else {
        String::new()
    };
    let range =
        interval(row).map_or(String::new(), |range| format!(" ({})", bounds(range, measure, true)));
    let insignificant = match effect_significant(row) {
        Some(false) => ", not significantly",
        _ => "",
    };
    Some(format!(
        "{networks} {} {}{when}{range}{insignificant}.",
        measure.number(row.effect),
        measure.unit
    ))
}

/// How the effect compares with masking the same area elsewhere; empty without controls.
fn beside_control(row: &EffectRow, measure: Measure) -> String {
    let Some(signal) = row.signal.filter(|signal| signal.is_finite()) else { return String::new() };
    let size = measure.number(signal.abs());
    match (signal_interval(row), signal_significant(row)) {
        (Some(range), Some(false)) => format!(
            "; the difference from masking the same area elsewhere is not significant ({}, {}{})",
            measure.number(signal),
            bounds(range, measure, true),
            corrected(range, row.signal_p_adjusted),
        ),
        (None, _) => format!(
            "; the difference from masking the same area elsewhere is {} (no interval)",
            measure.number(signal)
        ),
        (Some(_), _) => {
            let direction = match (row.effect < 0.0, signal < 0.0) {
                (false, false) => "more",
                (false, true) => "less",
                (true, false) => "worse",
                (true, true) => "better",
            };
            format!(", {size} {direction} than masking the same area elsewhere")
        }
    }
}

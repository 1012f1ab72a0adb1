//! What is reached with nothing else seen.

use crate::plan::PhaseWords;
use crate::region::Phase;
use crate::report::findings::finding::{Leader, Slice, interval, most_seen};
use crate::report::words::measure::Measure;
use crate::report::words::phrase::{list, subject};

use super::scope::{range_words, sample};
use super::{MOST_NAMED, uncapital};

/// What is reached with nothing else seen, of sets and single regions by the latter; `alone` where no sentence
/// about hiding went before.
pub fn seeing(slice: &Slice<'_>, measure: Measure, alone: bool) -> String {
    if let Some(single) = slice.of_single_regions() {
        return format!("Of single regions {}", uncapital(&seeing(&single, measure, alone)));
    }
    let Some(Leader { row: best, rivals: tied }) = most_seen(&slice.rows) else {
        return "What is reached with one region seen alone is not known: no run of it finished."
            .to_owned();
    };
    let lead = match slice.phase {
        Phase::Retrain if !slice.several.phases => "Seen alone".to_owned(),
        phase => format!("Seen alone{}", PhaseWords::of(phase).seen_alone),
    };
    let whole = measure.amount(best.baseline);
    let within = if alone {
        let range = interval(best).map_or("no interval of the loss is known".to_owned(), |range| {
            format!("95\u{a0}% for the loss: {}", range_words(range, measure))
        });
        format!(" ({range}; {})", sample(best.seeds, best.images))
    } else {
        String::new()
    };
    let whole = if alone {
        format!("{} of the whole face's {whole}", measure.name)
    } else {
        format!("of {whole}")
    };
    if tied.is_empty() {
        let others = slice.rows.iter().filter(|row| row.covered.is_finite()).count() - 1;
        let most = if others == 0 { "" } else { " most:" };
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

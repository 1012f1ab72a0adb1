//! The finding in one line.

use crate::region::Mode;
use crate::report::findings::finding::{Leader, Slice, interval, leader, slices, told_from_zero};
use crate::report::words::measure::Measure;
use crate::report::words::phrase::{list, subject};
use crate::store::{EffectRow, Metric};

use super::seeing::seeing;
use super::{MOST_NAMED, phase_words, uncapital};

/// A chart's title: the finding in one line, or that there is none.
pub fn headline(rows: &[EffectRow], metric: Metric) -> String {
    let measure = Measure::of(metric);
    let slices = slices(rows, metric);
    let Some(first) = slices.first() else { return "No effects".to_owned() };
    if first.mode == Mode::Keep {
        return seeing(first, measure, false).trim_end_matches('.').to_owned();
    }
    match first.of_single_regions() {
        Some(single) => {
            format!("Of single regions, {}", uncapital(&hiding_headline(&single, measure)))
        }
        None => hiding_headline(first, measure),
    }
}

/// What hiding costs, of rows that can be held against each other.
fn hiding_headline(first: &Slice<'_>, measure: Measure) -> String {
    let phase = phase_words(first.phase, first.several);
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

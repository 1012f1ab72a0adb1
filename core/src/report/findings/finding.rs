//! What the intervals allow to be said.
//!
//! Titles and sentences ask here before they claim anything.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::plan::Several;
use crate::region::{FillKind, Mode, Phase};
use crate::store::{ClassEffectRow, EffectRow, Metric};

/// Below it an adjusted p-value counts as evidence: the complement of the 95 % interval.
pub const ALPHA: f64 = 0.05;

/// The effects of one metric that can be compared with each other.
#[derive(Debug, Clone)]
pub struct Slice<'a> {
    pub mode: Mode,
    pub phase: Phase,
    pub fill: FillKind,
    pub swept: &'a BTreeMap<String, String>,
    /// What there are several of, it and the others.
    pub several: Several,
    /// Largest effect first; rows without a number are last.
    pub rows: Vec<&'a EffectRow>,
}

impl<'a> Slice<'a> {
    /// Only its single regions, where there are at least two and larger sets beside them: a set costs as much
    /// as any region in it or more, so that to compare them says nothing. `None` otherwise.
    pub fn of_single_regions(&self) -> Option<Slice<'a>> {
        let single = |row: &&EffectRow| row.regions.len() == 1;
        let rows: Vec<&EffectRow> = self.rows.iter().copied().filter(single).collect();
        (rows.len() > 1 && rows.len() < self.rows.len()).then_some(Slice { rows, ..*self })
    }
}

/// The effects of a metric by setting, phase, fill and mode, in the order of the rows: what the experiment
/// file names first comes first.
pub fn slices<'a>(rows: &'a [EffectRow], metric: Metric) -> Vec<Slice<'a>> {
    let mut slices: Vec<Slice<'a>> = Vec::new();
    let rows = || rows.iter().filter(|row| row.metric == metric);
    let several = Several::of(rows().map(|row| (row.phase, row.fill, &row.swept)));
    for row in rows() {
        let same = |slice: &&mut Slice<'a>| {
            slice.mode == row.mode
                && slice.phase == row.phase
                && slice.fill == row.fill
                && *slice.swept == row.swept
        };
        match slices.iter_mut().find(same) {
            Some(slice) => slice.rows.push(row),
            None => slices.push(Slice {
                mode: row.mode,
                phase: row.phase,
                fill: row.fill,
                swept: &row.swept,
                several,
                rows: vec![row],
            }),
        }
    }
    for slice in &mut slices {
        slice.rows.sort_by(|a, b| by_size(a, b));
    }
    slices
}

fn by_size(a: &EffectRow, b: &EffectRow) -> Ordering {
    let size =
        |row: &EffectRow| if row.effect.is_finite() { row.effect } else { f64::NEG_INFINITY };
    size(b).total_cmp(&size(a)).then_with(|| a.regions.cmp(&b.regions))
}

/// The interval of the effect, where it is known.
pub fn interval(row: &EffectRow) -> Option<(f64, f64)> {
    known(row.effect_low, row.effect_high)
}

/// The interval of the signal, where it is known.
pub fn signal_interval(row: &EffectRow) -> Option<(f64, f64)> {
    known(row.signal_low, row.signal_high)
}

pub fn known(low: Option<f64>, high: Option<f64>) -> Option<(f64, f64)> {
    let (low, high) = (low?, high?);
    (low.is_finite() && high.is_finite()).then_some((low, high))
}

pub fn excludes_zero((low, high): (f64, f64)) -> bool {
    low > 0.0 || high < 0.0
}

/// Whether an effect can be told from zero: its interval leaves zero out, and so does the test that is
/// corrected for the number of regions, where there is one. `None` where no interval is known.
pub fn told_from_zero(row: &EffectRow) -> Option<bool> {
    let interval = interval(row)?;
    Some(excludes_zero(interval) && row.p_adjusted.is_none_or(|p| p < ALPHA))
}

/// Whether an emotion's loss can be told from zero, corrected for all regions and emotions looked at.
pub fn loss_told(row: &ClassEffectRow) -> bool {
    known(row.effect_low, row.effect_high).is_some_and(excludes_zero)
        && row.p_adjusted.is_some_and(|p| p < ALPHA)
}

/// Whether the two intervals share no value; `false` where one is unknown.
pub fn apart(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.0 > b.1 || b.0 > a.1,
        _ => false,
    }
}

/// What stands out, and what may be as large.
#[derive(Debug, Clone)]
pub struct Leader<'a, R = EffectRow> {
    pub row: &'a R,
    /// Largest first: every other one whose interval overlaps the leader's.
    pub rivals: Vec<&'a R>,
}

/// The largest cost that can be told from zero. `None` where there is none.
pub fn leader<'a>(rows: &[&'a EffectRow]) -> Option<Leader<'a>> {
    let row = *rows.iter().find(|row| row.effect > 0.0 && told_from_zero(row) == Some(true))?;
    Some(Leader { row, rivals: rivals(row, rows) })
}

/// The largest loss of an emotion that can be told from zero, of rows with the largest first.
pub fn losing<'a>(rows: &[&'a ClassEffectRow]) -> Option<Leader<'a, ClassEffectRow>> {
    let row = *rows.iter().find(|row| row.effect > 0.0 && loss_told(row))?;
    let range = |row: &ClassEffectRow| known(row.effect_low, row.effect_high);
    let other = |other: &&&ClassEffectRow| !std::ptr::eq::<ClassEffectRow>(**other, row);
    let rivals = rows.iter().filter(other).filter(|other| !apart(range(row), range(other)));
    Some(Leader { row, rivals: rivals.copied().collect() })
}

/// What reaches most seen alone: the smallest loss. Its rivals may reach as much, the most first. `None` where
/// no row has a number.
pub fn most_seen<'a>(rows: &[&'a EffectRow]) -> Option<Leader<'a>> {
    let reached: Vec<&EffectRow> =
        rows.iter().rev().copied().filter(|row| row.covered.is_finite()).collect();
    let row = *reached.first()?;
    Some(Leader { row, rivals: rivals(row, &reached) })
}

/// Every other row that may be as large as this one.
fn rivals<'a>(row: &EffectRow, rows: &[&'a EffectRow]) -> Vec<&'a EffectRow> {
    rows.iter()
        .copied()
        .filter(|other| {
            let apart = apart(interval(row), interval(other));
            other.regions != row.regions && other.effect.is_finite() && !apart
        })
        .collect()
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::store::Term;

    /// An effect in points on a baseline of 83 %, 3 seeds, 1,400 images.
    pub fn row(region: &str, mode: &str, effect: f64, interval: Option<(f64, f64)>) -> EffectRow {
        EffectRow {
            condition: "c".to_owned(),
            regions: region.split('+').map(str::to_owned).collect(),
            mode: Mode::of(mode).expect("a mode"),
            phase: Phase::Retrain,
            fill: FillKind::Mean,
            metric: Metric::Accuracy,
            seeds: 3,
            images: 1400,
            baseline: 0.83,
            covered: 0.83 - effect / 100.0,
            control: None,
            effect: effect / 100.0,
            effect_low: interval.map(|(low, _)| low / 100.0),
            effect_high: interval.map(|(_, high)| high / 100.0),
            signal: None,
            signal_low: None,
            signal_high: None,
            p: None,
            p_adjusted: None,
            method: "two-way variance components".to_owned(),
            signal_p: None,
            signal_p_adjusted: None,
            signal_method: None,
            chance: None,
            excess: None,
            excess_low: None,
            excess_high: None,
            excess_p: None,
            excess_p_adjusted: None,
            swept: BTreeMap::new(),
        }
    }

    /// The same with a control: the signal and its interval in points.
    pub fn with_control(mut row: EffectRow, signal: f64, interval: (f64, f64)) -> EffectRow {
        let beyond = signal / 100.0;
        row.control = Some(match row.mode {
            Mode::Hide => row.covered + beyond,
            Mode::Keep => row.covered - beyond,
        });
        row.signal = Some(signal / 100.0);
        row.signal_low = Some(interval.0 / 100.0);
        row.signal_high = Some(interval.1 / 100.0);
        row
    }

    #[test]
    fn an_effect_is_told_from_zero_by_interval_and_adjusted_p() {
        assert_eq!(told_from_zero(&row("eyes", "hide", 3.0, None)), None);
        assert_eq!(told_from_zero(&row("eyes", "hide", 3.0, Some((1.0, 5.0)))), Some(true));
        assert_eq!(told_from_zero(&row("eyes", "hide", -3.0, Some((-5.0, -1.0)))), Some(true));
        assert_eq!(told_from_zero(&row("eyes", "hide", 3.0, Some((-1.0, 7.0)))), Some(false));
        let mut corrected = row("eyes", "hide", 3.0, Some((1.0, 5.0)));
        corrected.p_adjusted = Some(0.06);
        assert_eq!(told_from_zero(&corrected), Some(false));
    }

    #[test]
    fn rivals_overlap_the_leader() {
        let rows = [
            row("nose", "hide", 4.0, Some((1.0, 7.0))),
            row("mouth", "hide", 21.0, Some((18.0, 24.0))),
            row("eyes", "hide", 17.0, Some((15.0, 19.0))),
        ];
        let slices = slices(&rows, Metric::Accuracy);
        let leader = leader(&slices[0].rows).unwrap();
        assert_eq!(leader.row.regions, ["mouth"]);
        let rivals: Vec<_> = leader.rivals.iter().map(|row| row.regions[0].as_str()).collect();
        assert_eq!(rivals, ["eyes"]);
    }

    #[test]
    fn single_regions_are_held_against_each_other_where_there_are_two() {
        let rows = ["eyes", "mouth", "eyes+mouth"].map(|name| row(name, "hide", 5.0, None));
        let single = |rows: &[EffectRow]| {
            let single = slices(rows, Metric::Accuracy)[0].of_single_regions()?;
            Some(single.rows.iter().map(|row| row.regions.join("+")).collect::<Vec<_>>())
        };
        assert_eq!(single(&rows).unwrap(), ["eyes", "mouth"]);
        assert_eq!(single(&rows[..2]), None);
        assert_eq!(single(&rows[1..]), None);
    }

    #[test]
    fn slices_keep_the_order_of_the_rows_and_rows_without_numbers_are_last() {
        let mut broken = row("nose", "hide", f64::NAN, None);
        let mut other_phase = row("eyes", "hide", 3.0, None);
        other_phase.phase = Phase::Evaluate;
        broken.covered = f64::NAN;
        let rows = [
            row("eyes", "keep", 40.0, None),
            other_phase,
            broken,
            row("eyes", "hide", 0.0, None),
            row("mouth", "hide", -2.0, None),
        ];
        let slices = slices(&rows, Metric::Accuracy);
        let order: Vec<_> = slices.iter().map(|slice| (slice.phase, slice.mode)).collect();
        assert_eq!(
            order,
            [
                (Phase::Retrain, Mode::Keep),
                (Phase::Evaluate, Mode::Hide),
                (Phase::Retrain, Mode::Hide)
            ]
        );
        assert_eq!(slices[0].several, Several { phases: true, ..Several::default() });
        let regions: Vec<_> = slices[2].rows.iter().map(|row| row.regions[0].as_str()).collect();
        assert_eq!(regions, ["eyes", "mouth", "nose"]);
        assert!(leader(&slices[2].rows).is_none());
    }
}

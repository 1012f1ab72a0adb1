//! What intervals and tests allow to be said.
//!
//! Titles and sentences ask here before they claim anything. Whether an effect is significant is for its own test
//! to say; whether conditions differ from each other, or one condition between settings, for their contrasts, never
//! for the overlap of their intervals.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::analysis::standing;
use crate::plan::Several;
use crate::region::{FillKind, Masking, Mode, Phase};
use crate::store::{ClassEffectRow, ContrastRow, EffectRow, Metric, SettingContrastRow};

/// An adjusted p-value below it is significant: the complement of the 95 % interval.
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
    /// The paired contrasts of these conditions, of every size of set.
    pub contrasts: Vec<&'a ContrastRow>,
}

impl<'a> Slice<'a> {
    /// Only its single regions, where there are at least two and larger sets beside them: a set costs as much
    /// as any region in it or more, so that to compare them says nothing. `None` otherwise.
    pub fn of_single_regions(&self) -> Option<Slice<'a>> {
        let single = |row: &&EffectRow| row.regions.len() == 1;
        let rows: Vec<&EffectRow> = self.rows.iter().copied().filter(single).collect();
        (rows.len() > 1 && rows.len() < self.rows.len()).then(|| Slice {
            rows,
            contrasts: self.contrasts.clone(),
            ..*self
        })
    }

    /// Whether each of its conditions is a single region.
    pub fn is_of_regions(&self) -> bool {
        self.rows.iter().all(|row| row.regions.len() == 1)
    }
}

/// The effects of a metric by setting, phase, fill and mode, in the order of the rows: what the experiment
/// file names first comes first.
pub fn slices<'a>(
    rows: &'a [EffectRow],
    contrasts: &'a [ContrastRow],
    metric: Metric,
) -> Vec<Slice<'a>> {
    let mut slices: Vec<Slice<'a>> = Vec::new();
    let rows = || rows.iter().filter(|row| row.metric == metric);
    let several = Several::of(rows().map(|row| (row.phase, row.fill, &row.swept)));
    for row in rows() {
        let Masking { mode, phase, fill } = row.masking();
        let same = |slice: &&mut Slice<'a>| {
            (slice.mode, slice.phase, slice.fill) == (mode, phase, fill)
                && *slice.swept == row.swept
        };
        match slices.iter_mut().find(same) {
            Some(slice) => slice.rows.push(row),
            None => {
                let same = |contrast: &&ContrastRow| {
                    contrast.metric == metric
                        && contrast.masking() == row.masking()
                        && contrast.swept == row.swept
                };
                slices.push(Slice {
                    mode,
                    phase,
                    fill,
                    swept: &row.swept,
                    several,
                    rows: vec![row],
                    contrasts: contrasts.iter().filter(same).collect(),
                });
            }
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

/// The interval of what regions alone reach beyond chance, where it is known.
pub fn excess_interval(row: &EffectRow) -> Option<(f64, f64)> {
    known(row.excess_low, row.excess_high)
}

pub fn known(low: Option<f64>, high: Option<f64>) -> Option<(f64, f64)> {
    let (low, high) = (low?, high?);
    (low.is_finite() && high.is_finite()).then_some((low, high))
}

pub fn excludes_zero((low, high): (f64, f64)) -> bool {
    low > 0.0 || high < 0.0
}

/// Whether a number differs significantly from zero: its interval leaves zero out, and so does the test that is
/// corrected for the size of its family, where there is one. `None` where no interval is known.
pub(super) fn significant(interval: Option<(f64, f64)>, p_adjusted: Option<f64>) -> Option<bool> {
    Some(excludes_zero(interval?) && p_adjusted.is_none_or(|p| p < ALPHA))
}

/// Whether an effect is significant: does masking cost anything?
pub fn effect_significant(row: &EffectRow) -> Option<bool> {
    significant(interval(row), row.p_adjusted)
}

/// Whether a signal is significant: do the regions carry more, or less, than the same area elsewhere?
pub fn signal_significant(row: &EffectRow) -> Option<bool> {
    significant(signal_interval(row), row.signal_p_adjusted)
}

/// Whether what regions alone reach differs significantly from chance.
pub fn excess_significant(row: &EffectRow) -> Option<bool> {
    significant(excess_interval(row), row.excess_p_adjusted)
}

/// Whether an emotion's loss is significant, corrected for all regions and emotions tested.
pub fn loss_significant(row: &ClassEffectRow) -> bool {
    known(row.effect_low, row.effect_high).is_some_and(excludes_zero)
        && row.p_adjusted.is_some_and(|p| p < ALPHA)
}

/// Whether a condition answers otherwise under the other setting. Not where it gives every answer alike, which has a p and
/// no interval.
pub fn setting_difference_significant(row: &SettingContrastRow) -> Option<bool> {
    let alike = row.p_adjusted.map(|_| false);
    significant(known(row.low, row.high), row.p_adjusted).or(alike)
}

/// The largest estimate of several, and how it stands among the others.
#[derive(Debug, Clone)]
pub struct Leader<'a, R = EffectRow> {
    pub row: &'a R,
    pub place: Place<'a, R>,
}

/// How the largest estimate stands among the others.
#[derive(Debug, Clone)]
pub enum Place<'a, R = EffectRow> {
    /// It differs significantly from every other.
    First,
    /// These, the largest first, do not differ significantly from it.
    Among(Vec<&'a R>),
    /// No two differ significantly.
    Undecided,
    /// Nothing is paired, so that nothing is known.
    Untested,
}

impl<R> Leader<'_, R> {
    pub fn is_first(&self) -> bool {
        matches!(self.place, Place::First)
    }
}

/// The largest cost where regions are masked, the most that is reached where they alone are visible, among the
/// conditions of a slice, by the paired contrasts of the sets of as many regions. `None` where no row has a number.
pub fn leader<'a>(slice: &Slice<'a>) -> Option<Leader<'a>> {
    let known = |row: &&&EffectRow| row.effect.is_finite();
    let mut rows: Vec<&EffectRow> = slice.rows.iter().filter(known).copied().collect();
    if slice.mode == Mode::Keep {
        rows.reverse();
    }
    let largest = *rows.first()?;
    let size = largest.regions.len();
    let family: Vec<&ContrastRow> = slice
        .contrasts
        .iter()
        .filter(|row| row.regions.len() == size && row.p_adjusted.is_some())
        .copied()
        .collect();
    let Some(standing) = standing(&family) else {
        return Some(Leader { row: largest, place: Place::Untested });
    };
    let of = |regions: &[String]| rows.iter().find(|row| row.regions == regions).copied();
    let row = of(standing.first).unwrap_or(largest);
    // What is not behind is not shown to differ: of another size, or without a seed in common.
    let rivals: Vec<&EffectRow> = rows
        .iter()
        .filter(|other| other.regions != row.regions)
        .filter(|other| !standing.behind.contains(&&other.regions[..]))
        .copied()
        .collect();
    let place = match (standing.any_differ, rivals.is_empty()) {
        (false, _) => Place::Undecided,
        (true, true) => Place::First,
        (true, false) => Place::Among(rivals),
    };
    Some(Leader { row, place })
}

/// How many rows say yes to a question that has an answer.
pub fn count(rows: &[&EffectRow], yes: impl Fn(&EffectRow) -> bool) -> usize {
    rows.iter().filter(|row| yes(row)).count()
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::super::comparison::Difference;
    use super::*;
    use crate::store::Term;

    /// Whether the two intervals share no value; `false` where one is unknown.
    pub fn apart(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => a.0 > b.1 || b.0 > a.1,
            _ => false,
        }
    }

    /// What a row answers to its question.
    pub fn asked(row: &EffectRow) -> Difference {
        Difference::asked(row).expect("rows that are alone visible have a chance in these tests")
    }

    /// The contrasts of the rows, of every pair of one masking, metric and size: significant where their intervals
    /// are apart, as they are by far in these tests.
    pub fn paired(rows: &[EffectRow]) -> Vec<ContrastRow> {
        let mut contrasts = Vec::new();
        for (index, first) in rows.iter().enumerate() {
            for second in &rows[index + 1..] {
                let same = first.masking() == second.masking()
                    && first.metric == second.metric
                    && first.swept == second.swept
                    && first.regions.len() == second.regions.len();
                let size = |row: &EffectRow| match row.mode {
                    Mode::Hide => row.effect,
                    Mode::Keep => -row.effect,
                };
                let p = if apart(interval(first), interval(second)) { 0.001 } else { 0.4 };
                if !same {
                    continue;
                }
                contrasts.push(ContrastRow {
                    condition: first.condition.clone(),
                    against_condition: second.condition.clone(),
                    regions: first.regions.clone(),
                    against: second.regions.clone(),
                    mode: first.mode,
                    phase: first.phase,
                    fill: first.fill,
                    metric: first.metric,
                    difference: size(first) - size(second),
                    low: None,
                    high: None,
                    p: Some(p),
                    p_adjusted: Some(p),
                    seeds: first.seeds,
                    images: first.images,
                    method: "two-way variance components".to_owned(),
                    swept: first.swept.clone(),
                });
            }
        }
        contrasts
    }

    /// Of what only some regions reach: chance, in per cent, with an interval of the
    /// difference as wide as that of the effect.
    pub fn with_chance(mut row: EffectRow, chance: f64) -> EffectRow {
        let excess = row.covered - chance / 100.0;
        row.chance = Some(chance / 100.0);
        row.excess = Some(excess);
        row.excess_low = row.effect_high.map(|high| row.baseline - high - chance / 100.0);
        row.excess_high = row.effect_low.map(|low| row.baseline - low - chance / 100.0);
        row
    }

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
    fn an_effect_is_significant_by_interval_and_adjusted_p() {
        assert_eq!(effect_significant(&row("eyes", "hide", 3.0, None)), None);
        assert_eq!(effect_significant(&row("eyes", "hide", 3.0, Some((1.0, 5.0)))), Some(true));
        assert_eq!(effect_significant(&row("eyes", "hide", -3.0, Some((-5.0, -1.0)))), Some(true));
        assert_eq!(effect_significant(&row("eyes", "hide", 3.0, Some((-1.0, 7.0)))), Some(false));
        let mut corrected = row("eyes", "hide", 3.0, Some((1.0, 5.0)));
        corrected.p_adjusted = Some(0.06);
        assert_eq!(effect_significant(&corrected), Some(false));
    }

    #[test]
    fn contrasts_tell_who_differs_from_the_largest() {
        let rows = [
            row("nose", "hide", 4.0, Some((1.0, 7.0))),
            row("mouth", "hide", 21.0, Some((18.0, 24.0))),
            row("eyes", "hide", 17.0, Some((15.0, 19.0))),
        ];
        let mut contrasts = paired(&rows);
        let led = |contrasts: &[ContrastRow]| {
            let slice = slices(&rows, contrasts, Metric::Accuracy).remove(0);
            let leader = leader(&slice).unwrap();
            let rivals = match leader.place {
                Place::Among(rivals) => {
                    rivals.iter().map(|row| row.regions[0].clone()).collect::<Vec<_>>()
                }
                other => vec![format!("{other:?}")],
            };
            (leader.row.regions[0].clone(), rivals)
        };
        let of = |rivals: &str| ("mouth".to_owned(), vec![rivals.to_owned()]);
        assert_eq!(led(&contrasts), of("eyes"));
        // Intervals overlap, and still they differ: they are paired.
        let pair = |row: &&mut ContrastRow| row.regions == ["mouth"] && row.against == ["eyes"];
        contrasts.iter_mut().find(pair).unwrap().p_adjusted = Some(0.01);
        assert_eq!(led(&contrasts), of("First"));
        contrasts.iter_mut().for_each(|row| row.p_adjusted = Some(0.3));
        assert_eq!(led(&contrasts), of("Undecided"));
        assert_eq!(led(&[]), of("Untested"));
    }

    #[test]
    fn alone_the_smallest_loss_is_the_largest() {
        let rows = [("nose", 40.0), ("mouth", 21.0)]
            .map(|(name, loss)| row(name, "keep", loss, Some((loss - 2.0, loss + 2.0))));
        let contrasts = paired(&rows);
        let slice = slices(&rows, &contrasts, Metric::Accuracy).remove(0);
        let leader = leader(&slice).unwrap();
        assert!(leader.is_first() && leader.row.regions == ["mouth"], "{leader:?}");
    }

    #[test]
    fn single_regions_are_held_against_each_other_where_there_are_two() {
        let rows = ["eyes", "mouth", "eyes+mouth"].map(|name| row(name, "hide", 5.0, None));
        let single = |rows: &[EffectRow]| {
            let single = slices(rows, &[], Metric::Accuracy)[0].of_single_regions()?;
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
        let slices = slices(&rows, &[], Metric::Accuracy);
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
        let leader = leader(&slices[2]).unwrap();
        assert_eq!(leader.row.regions, ["eyes"]);
    }
}

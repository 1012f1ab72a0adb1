//! What changes between the settings of a sweep, and what does not.

use crate::analysis::assignments;
use crate::plan::{ConditionName, Several};
use crate::region::{Masking, Mode, Phase};
use crate::store::{EffectRow, Metric, SettingContrastRow};
use crate::study::{Setting, Study};

use super::Found;
use super::evidence::Evidence;
use super::finding::{Leader, Slice, leader, setting_difference_significant, slices};

/// All settings side by side.
#[derive(Debug, Clone)]
pub struct Sweep<'a> {
    /// In the order of the study.
    pub settings: Vec<OfSetting<'a>>,
    /// The effects that two settings or more have, condition by condition.
    pub lines: Vec<Line<'a>>,
    /// What a line's name must say.
    pub several: Several,
    /// What the lines are of.
    pub metric: Metric,
    /// The data set as readers know it.
    pub dataset: &'a str,
}

/// One setting among the others, beside its own chance and its own whole faces.
#[derive(Debug, Clone)]
pub struct OfSetting<'a> {
    pub setting: &'a Setting,
    /// As it is named.
    pub name: &'a str,
    /// Test accuracies of whole faces, one a finished run.
    pub whole: Vec<f64>,
    /// The largest estimate: of the cost where regions are masked, of what is reached where they alone are visible.
    pub leader: Option<Leader<'a>>,
}

/// One condition under every setting: masked, its cost; alone visible, what it reaches beyond chance.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    pub regions: &'a [String],
    pub masking: Masking,
    /// As many as there are settings; `None` where a setting lacks the condition.
    pub effects: Vec<Option<&'a EffectRow>>,
    /// Every two settings that were compared.
    pub between: Vec<Between<'a>>,
}

/// Two settings beside each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Between<'a> {
    /// In the sweep: the row's first setting, and the other.
    pub places: (usize, usize),
    pub row: &'a SettingContrastRow,
}

/// Whether a condition answers otherwise under another setting, by the tests of the pairs of settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change<'a> {
    /// Significantly; the largest such difference.
    Differs(Between<'a>),
    /// No difference is significant; the largest estimate.
    NotShown(Between<'a>),
    /// No two settings could be compared.
    Untested,
}

impl<'a> Sweep<'a> {
    /// `evidence` is of all settings, `found` of each.
    pub(super) fn of(study: &'a Study, evidence: &'a Evidence, found: &'a [Found]) -> Sweep<'a> {
        let has = |metric: &Metric| {
            found.iter().any(|found| found.evidence.effects.iter().any(|row| row.metric == *metric))
        };
        let metric = Metric::ALL.into_iter().find(has).unwrap_or(Metric::Accuracy);
        let slices_of =
            |found: &'a Found| slices(&found.evidence.effects, &found.evidence.contrasts, metric);
        let settings = study.settings.iter().zip(found).map(|(setting, found)| {
            let whole = setting.whole();
            OfSetting {
                setting,
                name: &found.facts.setting,
                whole: whole.map(|whole| whole.accuracies()).unwrap_or_default(),
                leader: slices_of(found).first().and_then(largest),
            }
        });
        let mut lines: Vec<Line<'a>> = Vec::new();
        for (place, found) in found.iter().enumerate() {
            for slice in slices_of(found) {
                for row in shown(&slice) {
                    let (regions, masking) = (&row.regions[..], row.masking());
                    let same = |line: &Line<'a>| line.regions == regions && line.masking == masking;
                    let line = match lines.iter().position(same) {
                        Some(known) => &mut lines[known],
                        None => {
                            let effects = vec![None; study.settings.len()];
                            lines.push(Line { regions, masking, effects, between: Vec::new() });
                            lines.last_mut().expect("one was just added")
                        }
                    };
                    line.effects[place] = Some(row);
                }
            }
        }
        lines.retain(|line| line.effects.iter().flatten().count() > 1);
        let names: Vec<Vec<String>> =
            study.settings.iter().map(|setting| assignments(&setting.swept)).collect();
        let place = |setting: &Vec<String>| names.iter().position(|name| name == setting);
        for row in evidence.setting_contrasts.iter().filter(|row| row.metric == metric) {
            let own =
                |line: &&mut Line<'a>| line.regions == row.regions && line.masking == row.masking();
            let places = place(&row.setting).zip(place(&row.against_setting));
            if let (Some(line), Some(places)) = (lines.iter_mut().find(own), places) {
                line.between.push(Between { places, row });
            }
        }
        let several = study.several.within_a_setting();
        let dataset = &found[0].facts.dataset;
        Sweep { settings: settings.collect(), lines, several, metric, dataset }
    }

    /// The conditions whose answers differ significantly between settings, the largest difference first.
    pub fn differing(&self) -> Vec<(&Line<'a>, Between<'a>)> {
        self.by_size(|change| match change {
            Change::Differs(between) => Some(between),
            _ => None,
        })
    }

    /// Those for which no difference is significant, the largest estimate first.
    pub fn not_shown(&self) -> Vec<(&Line<'a>, Between<'a>)> {
        self.by_size(|change| match change {
            Change::NotShown(between) => Some(between),
            _ => None,
        })
    }

    fn by_size(
        &self,
        which: impl Fn(Change<'a>) -> Option<Between<'a>>,
    ) -> Vec<(&Line<'a>, Between<'a>)> {
        let of = |line| Some((line, which(Line::change(line))?));
        let mut lines: Vec<(&Line<'a>, Between<'a>)> = self.lines.iter().filter_map(of).collect();
        lines.sort_by(|(_, a), (_, b)| b.size().total_cmp(&a.size()));
        lines
    }

    /// Whether any line is of that mode.
    pub fn has(&self, mode: Mode) -> bool {
        self.lines.iter().any(|line| line.masking.mode == mode)
    }
}

impl<'a> Line<'a> {
    /// The condition, of whichever setting.
    pub fn name(&self) -> ConditionName<'a> {
        let row = self.effects.iter().flatten().next().expect("a line has effects");
        ConditionName::masked(self.regions, self.masking, &row.swept)
    }

    pub fn change(&self) -> Change<'a> {
        let largest = |significant: &[bool]| {
            let of = |between: &&Between<'a>| {
                setting_difference_significant(between.row)
                    .is_some_and(|found| significant.contains(&found))
            };
            let of = self.between.iter().filter(of).copied();
            of.max_by(|a, b| a.size().total_cmp(&b.size()))
        };
        match (largest(&[true]), largest(&[false])) {
            (Some(found), _) => Change::Differs(found),
            (None, Some(found)) => Change::NotShown(found),
            (None, None) => Change::Untested,
        }
    }
}

impl Between<'_> {
    /// How far the two are apart.
    pub fn size(&self) -> f64 {
        self.row.difference.abs()
    }
}

/// Of sets and single regions the latter.
fn shown<'a>(slice: &Slice<'a>) -> Vec<&'a EffectRow> {
    slice.of_single_regions().map_or_else(|| slice.rows.clone(), |single| single.rows)
}

fn largest<'a>(slice: &Slice<'a>) -> Option<Leader<'a>> {
    let single = slice.of_single_regions();
    (slice.phase != Phase::Masks).then(|| leader(single.as_ref().unwrap_or(slice))).flatten()
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::super::finding::tests::{apart, asked};
    use super::*;

    /// The contrasts of the rows, of every pair of settings of one condition: significant where their intervals are
    /// apart, as they are by far in these tests, though that is no test.
    pub fn between(rows: &[EffectRow]) -> Vec<SettingContrastRow> {
        let mut contrasts = Vec::new();
        for (index, first) in rows.iter().enumerate() {
            for second in &rows[index + 1..] {
                let same = first.masking() == second.masking()
                    && first.metric == second.metric
                    && first.regions == second.regions;
                if !same || first.swept == second.swept {
                    continue;
                }
                let (one, other) = (asked(first), asked(second));
                let difference = one.value - other.value;
                let p = match apart(one.interval, other.interval) {
                    _ if one.interval.is_none() || other.interval.is_none() => None,
                    true => Some(0.004),
                    false => Some(0.4),
                };
                let half = if p == Some(0.004) { difference.abs() / 2.0 } else { 0.02 };
                contrasts.push(SettingContrastRow {
                    condition: first.condition.clone(),
                    against_condition: second.condition.clone(),
                    setting: assignments(&first.swept),
                    against_setting: assignments(&second.swept),
                    regions: first.regions.clone(),
                    mode: first.mode,
                    phase: first.phase,
                    fill: first.fill,
                    metric: first.metric,
                    value: one.value,
                    against: other.value,
                    difference,
                    low: p.map(|_| difference - half),
                    high: p.map(|_| difference + half),
                    p,
                    p_adjusted: p,
                    paired: true,
                    seeds: first.seeds,
                    images: first.images,
                    method: "two-way variance components".to_owned(),
                });
            }
        }
        contrasts
    }
}

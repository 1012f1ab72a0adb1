//! What changes between the settings of a sweep, and what does not.

use crate::plan::{ConditionName, Several};
use crate::region::{Masking, Phase};
use crate::store::{EffectRow, Metric};
use crate::study::{Setting, Study};

use super::Found;
use super::finding::{Leader, Slice, apart, interval, leader, slices};

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

/// The effect of one condition under every setting.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    pub regions: &'a [String],
    pub masking: Masking,
    /// As many as there are settings; `None` where a setting lacks the condition.
    pub effects: Vec<Option<&'a EffectRow>>,
    pub change: Change,
}

/// Whether an effect is another under another setting, as far as the intervals of the settings tell, which are
/// not corrected for the number of pairs that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The intervals of these two settings, places in the sweep, lie farthest apart.
    Apart(usize, usize),
    /// All intervals overlap.
    Overlap,
    /// Fewer than two settings have an interval.
    Unknown,
}

impl<'a> Sweep<'a> {
    pub(super) fn of(study: &'a Study, found: &'a [Found]) -> Sweep<'a> {
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
                            let change = Change::Unknown;
                            lines.push(Line { regions, masking, effects, change });
                            lines.last_mut().expect("one was just added")
                        }
                    };
                    line.effects[place] = Some(row);
                }
            }
        }
        for line in &mut lines {
            line.change = change(&line.effects);
        }
        lines.retain(|line| line.effects.iter().flatten().count() > 1);
        let several = study.several.within_a_setting();
        let dataset = &found[0].facts.dataset;
        Sweep { settings: settings.collect(), lines, several, metric, dataset }
    }
}

impl<'a> Line<'a> {
    /// The condition, of whichever setting.
    pub fn name(&self) -> ConditionName<'a> {
        let row = self.effects.iter().flatten().next().expect("a line has effects");
        ConditionName::masked(self.regions, self.masking, &row.swept)
    }

    /// How far the two settings that differ most are apart; 0 where none do.
    pub fn size(&self) -> f64 {
        let Change::Apart(a, b) = self.change else { return 0.0 };
        let effect = |place: usize| self.effects[place].map_or(0.0, |row| row.effect);
        (effect(a) - effect(b)).abs()
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

fn change(effects: &[Option<&EffectRow>]) -> Change {
    let known: Vec<(usize, &EffectRow, (f64, f64))> = effects
        .iter()
        .enumerate()
        .filter_map(|(place, row)| row.and_then(|row| Some((place, row, interval(row)?))))
        .collect();
    if known.len() < 2 {
        return Change::Unknown;
    }
    let mut farthest: Option<(f64, usize, usize)> = None;
    for (index, (a, one, range)) in known.iter().enumerate() {
        for (b, other, second) in &known[index + 1..] {
            let size = (one.effect - other.effect).abs();
            if apart(Some(*range), Some(*second)) && farthest.is_none_or(|(most, ..)| size > most) {
                farthest = Some((size, *a, *b));
            }
        }
    }
    farthest.map_or(Change::Overlap, |(_, a, b)| Change::Apart(a, b))
}

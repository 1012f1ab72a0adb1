//! Which classes are predicted as which, condition by condition, and what masking changes in that.

use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::Split;
use crate::region::{Masking, Mode, Phase};
use crate::store::{ConfusionRow, ConfusionShiftRow, RunRow};
use crate::study::{Condition, Setting};

use crate::report::words::capital;

use super::facts::Facts;
use super::finding::{excludes_zero, known};

/// The full colour of a change stands for no less than so many points, a share.
const LEAST_CHANGE: f64 = 0.05;

/// Counts by actual and predicted class, summed over runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    pub classes: Vec<String>,
    /// `[actual][predicted]`; not whole where votes tie.
    pub counts: Vec<Vec<f64>>,
    pub runs: usize,
}

/// The confusions of one condition.
#[derive(Debug, Clone)]
pub struct Confusion<'a> {
    /// Of the setting.
    pub facts: &'a Facts,
    /// The condition as it is typed, and as it is named to readers.
    pub condition: String,
    pub label: String,
    pub split: Split,
    pub matrix: Matrix,
}

/// The confusions of whole faces and of a masked condition, over the seeds that both have.
#[derive(Debug, Clone)]
pub struct ConfusionChange<'a> {
    /// Of the setting.
    pub facts: &'a Facts,
    /// The masked condition as it is typed, and as it is named to readers.
    pub condition: String,
    pub label: String,
    pub split: Split,
    pub before: Matrix,
    pub after: Matrix,
    /// `[actual][predicted]`: the share of the row, masked minus whole.
    pub change: Vec<Vec<f64>>,
    /// Whether each change is significant, by its own interval.
    pub significant: Vec<Vec<bool>>,
}

/// All confusions of a setting that are shown.
#[derive(Debug, Clone)]
pub struct Confusions<'a> {
    pub each: Vec<Confusion<'a>>,
    /// Of every single region that is masked under `retrain`, among those shown.
    pub changes: Vec<ConfusionChange<'a>>,
    /// The largest change of any of them, a share: their one scale.
    pub extreme: f64,
}

impl<'a> Confusions<'a> {
    /// Of at most so many conditions, the plainest: single regions of the first phase before larger sets and other
    /// phases. `rows` are the counts of the setting's runs, and of others.
    pub fn of(
        setting: &Setting,
        rows: &[ConfusionRow],
        shifts: &[ConfusionShiftRow],
        most: usize,
        facts: &'a Facts,
    ) -> Confusions<'a> {
        let counts = Counts::of(rows, Split::Test);
        let has = |condition: &&Condition| condition.done().next().is_some();
        let mut shown: Vec<&Condition> = setting.conditions.iter().filter(has).collect();
        if shown.len() > most {
            let phase_of = |condition: &Condition| condition.masking.map(|masking| masking.phase);
            let phase = shown.iter().find_map(|condition| phase_of(condition));
            shown.sort_by_key(|condition| {
                let other = condition.masking.is_some() && phase_of(condition) != phase;
                (condition.regions.len() > 1, other)
            });
            shown.truncate(most);
        }
        let each = shown.iter().filter_map(|condition| Confusion::of(condition, &counts, facts));
        let retrained =
            |masking: Masking| (masking.mode, masking.phase) == (Mode::Hide, Phase::Retrain);
        let alone = |condition: &&&Condition| {
            condition.regions.len() == 1 && condition.masking.is_some_and(retrained)
        };
        let change = |condition: &&Condition| {
            ConfusionChange::of(setting.whole()?, condition, &counts, shifts, facts)
        };
        let changes: Vec<ConfusionChange<'_>> =
            shown.iter().filter(alone).filter_map(change).collect();
        let extreme = changes
            .iter()
            .flat_map(|change| change.change.iter().flatten())
            .filter(|change| change.is_finite())
            .fold(LEAST_CHANGE, |most, change| f64::max(most, change.abs()));
        Confusions { each: each.collect(), changes, extreme }
    }
}

impl<'a> Confusion<'a> {
    /// Summed over the seeds of a condition; `None` where no run has counts.
    fn of(condition: &Condition, counts: &Counts<'_>, facts: &'a Facts) -> Option<Self> {
        Some(Confusion {
            facts,
            condition: condition.done().next()?.condition.clone(),
            label: label(condition, facts),
            split: counts.split,
            matrix: counts.matrix(condition.done())?,
        })
    }
}

impl<'a> ConfusionChange<'a> {
    /// `None` where the two share no seed with counts.
    fn of(
        whole: &Condition,
        masked: &Condition,
        counts: &Counts<'_>,
        shifts: &[ConfusionShiftRow],
        facts: &'a Facts,
    ) -> Option<Self> {
        let shared = |of: &RunRow| whole.done().any(|other| other.seed == of.seed);
        let of_whole = whole.done().filter(|run| masked.done().any(|other| other.seed == run.seed));
        let before = counts.matrix(of_whole)?;
        let after = counts.matrix(masked.done().filter(|run| shared(run)))?;
        let change: Vec<Vec<f64>> = before
            .shares()
            .iter()
            .zip(&after.shares())
            .map(|(from, to)| from.iter().zip(to).map(|(from, to)| to - from).collect())
            .collect();
        let first = masked.done().next()?;
        let significant = significant(first, shifts, &before.classes);
        let (condition, label) = (first.condition.clone(), label(masked, facts));
        let split = counts.split;
        Some(ConfusionChange { facts, condition, label, split, before, after, change, significant })
    }

    /// Of the confusions that grow significantly the one that grows most: its change, actual and predicted class.
    pub fn most_grown(&self) -> Option<(f64, usize, usize)> {
        let cells = self.change.iter().enumerate().flat_map(|(actual, row)| {
            row.iter().enumerate().map(move |(predicted, change)| (*change, actual, predicted))
        });
        cells
            .filter(|(change, actual, predicted)| {
                actual != predicted && *change > 0.0 && self.significant[*actual][*predicted]
            })
            .max_by(|a, b| a.0.total_cmp(&b.0))
    }

    pub fn any_significant(&self) -> bool {
        self.significant.iter().flatten().any(|significant| *significant)
    }
}

fn label(condition: &Condition, facts: &Facts) -> String {
    capital(&facts.several.label(condition.name()))
}

/// Counts of a split by run.
struct Counts<'a> {
    split: Split,
    by_run: BTreeMap<&'a str, Vec<&'a ConfusionRow>>,
}

impl<'a> Counts<'a> {
    fn of(rows: &'a [ConfusionRow], split: Split) -> Counts<'a> {
        let mut by_run: BTreeMap<&str, Vec<&ConfusionRow>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.split == split) {
            by_run.entry(&row.run_id).or_default().push(row);
        }
        Counts { split, by_run }
    }

    /// The sum over these runs; `None` where they have none.
    fn matrix<'r>(&self, runs: impl Iterator<Item = &'r RunRow>) -> Option<Matrix> {
        let chosen: Vec<&ConfusionRow> = runs
            .filter_map(|run| self.by_run.get(run.run_id.as_str()))
            .flatten()
            .copied()
            .collect();
        let mut classes: Vec<String> = Vec::new();
        let mut index: BTreeMap<&str, usize> = BTreeMap::new();
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for row in &chosen {
            found.insert(&row.run_id);
            for class in [&row.actual, &row.predicted] {
                index.entry(class).or_insert_with(|| {
                    classes.push(class.clone());
                    classes.len() - 1
                });
            }
        }
        if classes.is_empty() {
            return None;
        }
        let mut counts = vec![vec![0.0; classes.len()]; classes.len()];
        for row in &chosen {
            counts[index[row.actual.as_str()]][index[row.predicted.as_str()]] += row.count;
        }
        Some(Matrix { classes, counts, runs: found.len() })
    }
}

impl Matrix {
    fn total(&self) -> f64 {
        self.counts.iter().flatten().sum()
    }

    /// Images of one run.
    pub fn images(&self) -> u64 {
        (self.total() / self.runs.max(1) as f64).round() as u64
    }

    /// The accuracy of the best constant prediction: the share of the commonest actual class.
    pub fn chance(&self) -> f64 {
        let rows: Vec<f64> = self.counts.iter().map(|row| row.iter().sum()).collect();
        rows.iter().copied().fold(0.0, f64::max) / rows.iter().sum::<f64>()
    }

    pub fn accuracy(&self) -> f64 {
        let right: f64 = self.counts.iter().enumerate().map(|(class, row)| row[class]).sum();
        right / self.total()
    }

    /// Each row's shares; of a class without images, no numbers.
    pub fn shares(&self) -> Vec<Vec<f64>> {
        let share = |row: &Vec<f64>| {
            let total = row.iter().sum::<f64>();
            row.iter().map(|&count| count / total).collect()
        };
        self.counts.iter().map(share).collect()
    }

    /// The share of each class that is predicted as it is.
    pub fn recalls(&self) -> Vec<f64> {
        self.shares().iter().enumerate().map(|(class, row)| row[class]).collect()
    }

    /// The largest share off the diagonal, its actual and its predicted class.
    pub fn worst(&self) -> Option<(f64, usize, usize)> {
        let mut worst: Option<(f64, usize, usize)> = None;
        for (actual, row) in self.shares().iter().enumerate() {
            for (predicted, &share) in row.iter().enumerate() {
                if actual != predicted && share > 0.0 && worst.is_none_or(|(most, ..)| share > most)
                {
                    worst = Some((share, actual, predicted));
                }
            }
        }
        worst
    }
}

/// Which changes are significant, by actual and predicted class.
fn significant(run: &RunRow, shifts: &[ConfusionShiftRow], classes: &[String]) -> Vec<Vec<bool>> {
    let mut significant = vec![vec![false; classes.len()]; classes.len()];
    let place = |name: &String| classes.iter().position(|class| class == name);
    for shift in shifts.iter().filter(|shift| {
        shift.regions == run.regions
            && Some(shift.masking()) == run.masking()
            && shift.swept == run.swept
    }) {
        if let (Some(actual), Some(predicted)) = (place(&shift.actual), place(&shift.predicted)) {
            significant[actual][predicted] =
                known(shift.low, shift.high).is_some_and(excludes_zero);
        }
    }
    significant
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::report::findings::evidence::tests::shift;
    use crate::study::Study;
    use crate::study::tests::{counts, run};

    pub fn facts() -> Facts {
        Facts { dataset: "faces".to_owned(), ..Facts::default() }
    }

    /// Of all conditions of some runs.
    pub fn confusions<'a>(
        runs: &[RunRow],
        rows: &[ConfusionRow],
        shifts: &[ConfusionShiftRow],
        facts: &'a Facts,
    ) -> Confusions<'a> {
        let study = Study::of(runs.to_vec(), rows);
        Confusions::of(&study.settings[0], rows, shifts, usize::MAX, facts)
    }

    #[test]
    fn one_scale_holds_for_all_conditions() {
        let classes = ["sad", "glad"];
        let runs = [run(&[], "none", 1), run(&["mouth"], "hide", 1), run(&["eyes"], "hide", 1)];
        let mut rows = counts(&runs[0].run_id, &classes, &[&[10, 0], &[0, 10]]);
        rows.extend(counts(&runs[1].run_id, &classes, &[&[6, 4], &[0, 10]]));
        rows.extend(counts(&runs[2].run_id, &classes, &[&[9, 1], &[0, 10]]));
        let shifts = [shift("mouth", ["sad", "glad"], (0.0, 40.0), (30.0, 50.0))];
        let facts = facts();
        let found = confusions(&runs, &rows, &shifts, &facts);
        assert!((found.extreme - 0.4).abs() < 1e-9, "{}", found.extreme);
        let grown: Vec<_> = found.changes.iter().map(ConfusionChange::most_grown).collect();
        assert!(matches!(grown[..], [Some((_, 0, 1)), None]), "{grown:?}");
        assert_eq!(found.each[2].label, "Eyes masked");
        assert_eq!(found.each[2].matrix.recalls(), [0.9, 1.0]);
    }

    #[test]
    fn of_many_conditions_the_plainest_are_shown() {
        let runs =
            [run(&[], "none", 1), run(&["eyes", "jaw"], "hide", 1), run(&["jaw"], "hide", 1)];
        let rows: Vec<_> =
            runs.iter().flat_map(|run| counts(&run.run_id, &["sad"], &[&[9]])).collect();
        let study = Study::of(runs.to_vec(), &rows);
        let facts = facts();
        let found = Confusions::of(&study.settings[0], &rows, &[], 2, &facts);
        let shown: Vec<&str> = found.each.iter().map(|one| one.label.as_str()).collect();
        assert_eq!(shown, ["Whole face", "Jaw masked"]);
    }

    #[test]
    fn without_counts_there_are_none() {
        let facts = facts();
        let found = confusions(&[run(&[], "none", 1)], &[], &[], &facts);
        assert!(found.each.is_empty() && found.changes.is_empty());
    }
}

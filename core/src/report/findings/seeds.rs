//! What single runs say of an effect: each seed, and each place of its control.

use std::collections::BTreeMap;

use crate::region::Mode;
use crate::store::{EffectRow, Metric, RunRow};
use crate::study::{Condition, Setting};

/// What lies behind the means of an effect's row, in the metric's own number: what is lost where regions are
/// masked, what is reached where they alone are visible.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spread {
    /// By seed.
    pub seeds: Vec<f64>,
    /// By place, each the mean over the seeds.
    pub controls: Vec<f64>,
}

impl Spread {
    /// Of the runs that the row compares; empty where the setting lacks them.
    pub fn of(row: &EffectRow, setting: &Setting) -> Spread {
        let whole: BTreeMap<u64, f64> = setting
            .whole()
            .into_iter()
            .flat_map(Condition::done)
            .filter_map(|run| Some((run.seed, level(run, row.metric)?)))
            .collect();
        let worth = |run: &RunRow| {
            let (whole, masked) = (*whole.get(&run.seed)?, level(run, row.metric)?);
            Some(if row.mode == Mode::Keep { masked } else { whole - masked })
        };
        let masking = Some(row.masking());
        let alike = |condition: &&Condition| {
            condition.regions == row.regions && condition.masking == masking
        };
        let Some(condition) = setting.conditions.iter().find(alike) else {
            return Spread::default();
        };
        let mut places: BTreeMap<Option<u32>, Vec<f64>> = BTreeMap::new();
        for run in condition.controls.iter().filter(|run| run.status.is_done()) {
            if let Some(worth) = worth(run) {
                places.entry(run.draw).or_default().push(worth);
            }
        }
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        Spread {
            seeds: condition.done().filter_map(worth).collect(),
            controls: places.into_values().map(mean).collect(),
        }
    }
}

fn level(run: &RunRow, metric: Metric) -> Option<f64> {
    match metric {
        Metric::Accuracy => run.test_accuracy,
        Metric::BalancedAccuracy => run.test_balanced_accuracy,
        Metric::Bits => run.test_bits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::finding::tests::row;
    use crate::study::Study;
    use crate::study::tests::run;

    fn reached(regions: &[&str], mode: &str, seed: u64, accuracy: f64) -> RunRow {
        RunRow { test_accuracy: Some(accuracy), ..run(regions, mode, seed) }
    }

    #[test]
    fn every_seed_and_every_place_has_its_own() {
        let control = |draw, seed, accuracy| RunRow {
            control: true,
            draw: Some(draw),
            ..reached(&["eyes"], "hide", seed, accuracy)
        };
        let runs = [
            reached(&[], "none", 1, 0.75),
            reached(&[], "none", 2, 0.5),
            reached(&["eyes"], "hide", 1, 0.5),
            reached(&["eyes"], "hide", 2, 0.375),
            // Its seed has no whole face.
            reached(&["eyes"], "hide", 3, 0.125),
            reached(&["mouth"], "hide", 1, 0.0),
            control(0, 1, 0.5),
            control(0, 2, 0.5),
            control(1, 1, 0.75),
        ];
        let of = |row: &EffectRow, runs: &[RunRow]| {
            Spread::of(row, &Study::of(runs.to_vec(), &[]).settings[0])
        };
        let hidden = of(&row("eyes", "hide", 10.0, None), &runs);
        assert_eq!(hidden, Spread { seeds: vec![0.25, 0.125], controls: vec![0.125, 0.0] });
        let kept = [reached(&[], "none", 1, 0.75), reached(&["eyes"], "keep", 1, 0.25)];
        let kept = of(&row("eyes", "keep", 10.0, None), &kept);
        assert_eq!(kept.seeds, [0.25]);
        assert_eq!(of(&row("jaw", "hide", 10.0, None), &runs), Spread::default());
    }
}

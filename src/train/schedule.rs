//! The learning rate schedule.

use serde::{Deserialize, Serialize};

use crate::experiment::{Schedule, ScheduleShape};

/// A schedule with its state during a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    schedule: Schedule,
    /// The experiment's learning rate.
    full: f64,
    epochs: u32,
    steps_per_epoch: u64,
    memory: Memory,
}

/// The state of a schedule, which a checkpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The plateau shape's present factor of the full rate.
    share: f64,
    /// The lowest validation loss so far; `None` before the first epoch's end.
    best: Option<f64>,
    /// Epochs since then.
    waited: u32,
}

impl Rate {
    pub fn new(schedule: Schedule, full: f64, epochs: u32, steps_per_epoch: u64) -> Rate {
        let memory = Memory { share: 1.0, best: None, waited: 0 };
        Rate { schedule, full, epochs, steps_per_epoch, memory }
    }

    /// The rate of a step, counted from 0 over the whole training.
    pub fn at(&self, step: u64) -> f64 {
        let step = step as f64;
        let total = (u64::from(self.epochs) * self.steps_per_epoch) as f64;
        let warmup = self.schedule.warmup * self.steps_per_epoch as f64;
        let rate = match self.schedule.shape {
            ScheduleShape::Constant => self.full,
            ScheduleShape::Plateau { min_rate, .. } => {
                (self.full * self.memory.share).max(min_rate.min(self.full))
            }
            ScheduleShape::Step { factor, every } => {
                let epoch = (step / self.steps_per_epoch as f64).floor() as u32;
                self.full * factor.powi((epoch / every) as i32)
            }
            ScheduleShape::Cosine { min_rate } => half_cosine(
                self.full,
                min_rate,
                (step - warmup).max(0.0) / (total - warmup - 1.0).max(1.0),
            ),
            ScheduleShape::OneCycle { rise, div, final_div } => {
                let top = rise * (total - 1.0);
                if step < top {
                    half_cosine(self.full / div, self.full, step / top)
                } else {
                    let fall = (step - top) / (total - 1.0 - top).max(1.0);
                    half_cosine(self.full, self.full / final_div, fall)
                }
            }
        };
        if step < warmup { rate * (0.01 + 0.99 * step / warmup) } else { rate }
    }

    /// Updates the schedule at the end of an epoch.
    ///
    /// The plateau shape is Keras' `ReduceLROnPlateau`: an epoch whose validation loss is not below the
    /// best by more than `min_delta` counts as waiting; after `patience` of them the rate is multiplied by
    /// `factor` and the count restarts.
    pub fn end_epoch(&mut self, val_loss: f64) {
        let ScheduleShape::Plateau { factor, patience, min_delta, .. } = self.schedule.shape else {
            return;
        };
        let memory = &mut self.memory;
        if memory.best.is_none_or(|best| val_loss < best - min_delta) {
            memory.best = Some(val_loss);
            memory.waited = 0;
            return;
        }
        memory.waited += 1;
        if memory.waited >= patience {
            memory.share *= factor;
            memory.waited = 0;
        }
    }

    pub fn memory(&self) -> Memory {
        self.memory
    }

    pub fn resume(&mut self, memory: Memory) {
        self.memory = memory;
    }
}

/// From `from` to `to` along half a cosine, `share` from 0 to 1.
fn half_cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * share.min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(shape: ScheduleShape, warmup: f64) -> Rate {
        Rate::new(Schedule { shape, warmup }, 1.0, 10, 10)
    }

    fn assert_close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-12, "{left} {right}");
    }

    #[test]
    fn plateau_is_keras_reduce_on_plateau() {
        let shape =
            ScheduleShape::Plateau { factor: 0.1, patience: 2, min_delta: 0.0, min_rate: 0.0 };
        let mut rate = rate(shape, 0.0);
        let rates: Vec<f64> = [1.0, 0.8, 0.9, 0.8, 0.9, 0.7, 0.7, 0.6]
            .into_iter()
            .map(|loss| {
                rate.end_epoch(loss);
                rate.at(0)
            })
            .collect();
        // Waits on 0.9; drops on 0.8, which only equals the best; waits on 0.9; 0.7 is better.
        let expected = [1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.1];
        rates.into_iter().zip(expected).for_each(|(left, right)| assert_close(left, right));
    }

    #[test]
    fn plateau_of_patience_one_drops_at_every_epoch_without_gain_down_to_the_least() {
        let shape =
            ScheduleShape::Plateau { factor: 0.1, patience: 1, min_delta: 0.0, min_rate: 0.005 };
        let mut rate = rate(shape, 0.0);
        for loss in [1.0, 1.0, 1.0, 1.0, 1.0] {
            rate.end_epoch(loss);
        }
        assert_close(rate.at(0), 0.005);
    }

    #[test]
    fn a_loss_that_is_no_number_is_no_gain() {
        let shape =
            ScheduleShape::Plateau { factor: 0.5, patience: 1, min_delta: 0.0, min_rate: 0.0 };
        let mut rate = rate(shape, 0.0);
        rate.end_epoch(1.0);
        rate.end_epoch(f64::NAN);
        assert_close(rate.at(0), 0.5);
    }

    #[test]
    fn step_drops_at_whole_epochs() {
        let rate = rate(ScheduleShape::Step { factor: 0.5, every: 3 }, 0.0);
        assert_close(rate.at(29), 1.0);
        assert_close(rate.at(30), 0.5);
        assert_close(rate.at(99), 0.125);
    }

    #[test]
    fn cosine_goes_from_full_to_the_least() {
        let rate = rate(ScheduleShape::Cosine { min_rate: 0.1 }, 0.0);
        assert_close(rate.at(0), 1.0);
        assert_close(rate.at(99), 0.1);
        assert_close(rate.at(33), 0.1 + 0.9 * 0.75);
    }

    #[test]
    fn one_cycle_rises_and_falls() {
        let rate = rate(ScheduleShape::OneCycle { rise: 0.25, div: 10.0, final_div: 100.0 }, 0.0);
        assert_close(rate.at(0), 0.1);
        assert!(rate.at(24) > 0.99 && rate.at(25) > 0.99);
        assert_close(rate.at(99), 0.01);
        assert!((25..99).all(|step| rate.at(step) > rate.at(step + 1)));
    }

    #[test]
    fn warm_up_rises_linearly_to_the_full_rate() {
        let rate = rate(ScheduleShape::Constant, 2.0);
        assert_close(rate.at(0), 0.01);
        assert_close(rate.at(10), 0.01 + 0.99 * 0.5);
        assert_close(rate.at(20), 1.0);
    }
}

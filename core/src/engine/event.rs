//! What happens while an experiment runs, as values: shown on a terminal, written as JSON lines, and
//! handed from a worker to the run that started it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::dataset::Stage;
use crate::epoch::{EpochRecord, Step};
use crate::plan::{EvaluationId, SensitivityId, TrainingId};

/// One thing that happened. As JSON: an object whose `event` is the name in snake case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A data set is being read: so many files or pictures of all.
    Reading {
        stage: Stage,
        done: usize,
        total: usize,
    },
    /// Something that the user should know, and that stops nothing.
    Warning {
        text: String,
    },
    /// Before the first training: how much there is and how much of it was done before.
    Planned {
        experiment: String,
        trainings: usize,
        trained: usize,
        evaluations: usize,
        evaluated: usize,
        /// Trainings at once, and threads of each.
        jobs: u32,
        threads: u32,
    },
    /// A worker is at a training.
    Started {
        training: TrainingId,
        name: String,
        seed: u64,
        epochs: u32,
        /// Epochs that were done before, where it goes on from a checkpoint.
        resumed: Option<u32>,
    },
    /// Where a training stands, a few times a second.
    Step {
        training: TrainingId,
        #[serde(flatten)]
        step: Step,
    },
    Epoch {
        training: TrainingId,
        #[serde(flatten)]
        record: EpochRecord,
    },
    Trained {
        training: TrainingId,
    },
    /// A trained network is being examined, under so many occlusions.
    Evaluating {
        training: TrainingId,
        name: String,
        seed: u64,
        evaluations: usize,
    },
    Evaluated {
        training: TrainingId,
        evaluation: EvaluationId,
    },
    /// A map of where the network looks is being made: the share that is done, a few times a second.
    Mapping {
        training: TrainingId,
        share: f64,
    },
    Mapped {
        training: TrainingId,
        map: SensitivityId,
    },
    /// A training or one of its evaluations failed; the others go on.
    Failed {
        training: TrainingId,
        name: String,
        seed: u64,
        reason: String,
        /// Whether it is tried once more.
        again: bool,
    },
    /// Another run is at this training; its result is waited for.
    Elsewhere {
        training: TrainingId,
        name: String,
        seed: u64,
    },
    /// A worker's last word on a training.
    Ended {
        training: TrainingId,
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// A run's last word.
    Finished {
        experiment: String,
        trained: usize,
        evaluated: usize,
        /// Runs that have no numbers.
        failed_runs: usize,
        interrupted: bool,
    },
}

/// How a worker's work ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was asked for is there.
    Done,
    /// The training, or an evaluation, failed, and that is written down.
    Failed {
        reason: String,
        /// Whether it might go well another time.
        transient: bool,
    },
    /// A checkpoint is written.
    Interrupted,
    /// Another process is at this training.
    Busy,
    /// What keeps any training from being done: data that have changed, a disk that is full.
    Stopped {
        reason: String,
        /// Whether the command was right and its result could not be stored.
        storing: bool,
    },
}

/// Who is told what happens, and may end it.
pub trait Observer {
    fn event(&mut self, event: &Event);
    /// Raised by whoever wants everything to end; for those who look at it from threads of their own.
    fn interruption(&self) -> Arc<AtomicBool>;
    /// Asked before each step; on `true` what is under way is checkpointed and everything ends.
    fn interrupted(&self) -> bool {
        self.interruption().load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_survive_json() {
        let training: TrainingId = serde_json::from_str("\"0123456789abcdef0123\"").unwrap();
        let record = EpochRecord {
            train_seconds: 1.0,
            epoch: 3,
            learning_rate: 1e-3,
            train_loss: 1.0 / 3.0,
            train_accuracy: 0.5,
            val_loss: 1.25,
            val_accuracy: 0.25,
            seconds: 7.5,
        };
        let step =
            Step { epoch: 1, step: 2, steps: 9, loss: 0.1, accuracy: 0.2, images_per_second: 3.0 };
        let failed = Outcome::Failed { reason: "out of memory".into(), transient: true };
        let events = [
            Event::Reading { stage: Stage::Decode, done: 1, total: 2 },
            Event::Epoch { training: training.clone(), record },
            Event::Step { training: training.clone(), step },
            Event::Ended { training: training.clone(), outcome: Outcome::Done },
            Event::Ended { training: training.clone(), outcome: failed },
        ];
        for event in events {
            let line = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event, "{line}");
        }
        let line = serde_json::to_string(&Event::Trained { training }).unwrap();
        assert_eq!(line, r#"{"event":"trained","training":"0123456789abcdef0123"}"#);
    }
}

//! Events of a running experiment: shown on a terminal, written as JSON lines, and sent from a worker to the run that
//! started it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::dataset::Stage;
use crate::epoch::{EpochRecord, Step};
use crate::plan::{EvaluationId, SensitivityId, TrainingId};

/// One event. As JSON: an object whose `event` is the name in snake case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A data set is being read: files or images done, of all.
    Reading {
        stage: Stage,
        done: usize,
        total: usize,
    },
    /// A message for the user that stops nothing.
    Warning {
        text: String,
    },
    /// Before the first training: the total work, and how much was done before.
    Planned {
        experiment: String,
        trainings: usize,
        trained: usize,
        evaluations: usize,
        evaluated: usize,
        /// Trainings in parallel, and threads per training.
        jobs: u32,
        threads: u32,
    },
    /// A task of a scheduler began on a machine, or again after a requeue.
    Task {
        host: String,
        /// The scheduler's name of the task.
        job: Option<String>,
        /// How often it was requeued.
        restarts: u32,
    },
    /// What a scheduler's tasks of this run do.
    Queue {
        running: u32,
        waiting: u32,
        /// Why most of those that wait do, in the scheduler's word.
        reason: Option<String>,
    },
    /// A worker started a training.
    Started {
        training: TrainingId,
        name: String,
        seed: u64,
        epochs: u32,
        /// Epochs that were done before, if it resumes from a checkpoint.
        resumed: Option<u32>,
    },
    /// Progress of a training, a few times per second.
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
    /// A trained network is being evaluated under this many occlusions.
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
    /// A sensitivity map is being computed: the share that is done, a few times per second.
    Mapping {
        training: TrainingId,
        share: f64,
    },
    Mapped {
        training: TrainingId,
        map: SensitivityId,
    },
    /// A training or one of its evaluations failed; the others continue.
    Failed {
        training: TrainingId,
        name: String,
        seed: u64,
        reason: String,
        /// Whether it is retried.
        again: bool,
    },
    /// Another run is training this; its result is waited for.
    Elsewhere {
        training: TrainingId,
        name: String,
        seed: u64,
    },
    /// A worker's final event of a training.
    Ended {
        training: TrainingId,
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// A run's final event.
    Finished {
        experiment: String,
        trained: usize,
        evaluated: usize,
        /// Runs without results.
        failed_runs: usize,
        interrupted: bool,
    },
}

/// How a worker's work ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// All requested results are stored.
    Done,
    /// The training, or an evaluation, failed; the manifest records it.
    Failed {
        reason: String,
        /// Whether a retry might succeed.
        transient: bool,
    },
    /// A checkpoint is written.
    Interrupted,
    /// Another process holds this training's lock.
    Busy,
    /// An error that stops every training: changed data, a full disk.
    Stopped {
        reason: String,
        /// Whether the command was valid but its result could not be stored.
        storing: bool,
    },
}

/// Receives events, and may interrupt the run.
pub trait Observer {
    fn event(&mut self, event: &Event);
    /// A flag that interrupts the run when raised; may be polled from any thread.
    fn interruption(&self) -> Arc<AtomicBool>;
    /// Polled before each step; on `true` running trainings write checkpoints and the run ends.
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

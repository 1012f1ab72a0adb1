//! The input of the engine.

use std::path::PathBuf;
use std::time::Duration;

use super::error::EngineError;
use crate::cluster::SlurmSettings;
use crate::experiment::Experiment;
use crate::machine::Resources;
use crate::plan::{Plan, TrainingId};
use crate::store::Results;

/// An experiment to be run.
#[derive(Debug)]
pub struct Work<'a> {
    pub experiment: &'a Experiment,
    pub plan: &'a Plan,
    pub results: &'a Results,
    pub resources: Resources,
    /// The program with libtorch, to be started as a worker, and its commit.
    pub program: PathBuf,
    pub commit: Option<&'static str>,
    /// How many times a failed training is retried.
    pub retries: u32,
    /// Whether another study of the same name is replaced instead of renamed.
    pub replace: bool,
    /// Whether the run stops at the first failure.
    pub fail_fast: bool,
    /// Whether trainings are claimed by file locks.
    pub locks: bool,
    /// How long a worker may make no progress before that is said; `None`: for ever.
    pub stall: Option<Duration>,
    /// Whether such a worker is ended, so that its training has failed and may be retried.
    pub end_stalled: bool,
    /// What its jobs ask for, where Slurm starts the workers.
    pub slurm: Option<SlurmSettings>,
    /// The minimum interval between checkpoints, so that short epochs do not wait for the disk.
    pub checkpoint_seconds: u32,
}

impl Work<'_> {
    /// The name of a training: the first condition that needs it.
    pub(super) fn name(&self, training: usize) -> &str {
        &self.plan.first_condition(training).name
    }

    /// Whether a process of another run is at a training, as far as locks tell.
    pub(super) fn is_claimed(&self, training: &TrainingId) -> Result<bool, EngineError> {
        Ok(self.locks && self.results.is_claimed(training.as_str())?)
    }
}

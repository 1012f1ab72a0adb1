//! What is asked of the engine.

use std::path::PathBuf;

use crate::experiment::Experiment;
use crate::machine::Resources;
use crate::plan::Plan;
use crate::store::Results;

/// An experiment to be run.
#[derive(Debug)]
pub struct Work<'a> {
    pub experiment: &'a Experiment,
    pub plan: &'a Plan,
    pub results: &'a Results,
    pub resources: Resources,
    /// The program with libtorch, to be started as a worker, and the commit that it was built from.
    pub program: PathBuf,
    pub commit: Option<&'static str>,
    /// How often a failed training is retried.
    pub retries: u32,
    /// Whether another study of the experiment's name is given up, instead of kept under another name.
    pub replace: bool,
    /// Whether the first failure ends everything.
    pub fail_fast: bool,
    /// Whether trainings are claimed by file locks.
    pub locks: bool,
    /// At most so often a training stores a checkpoint, so that short epochs don't wait for the disk.
    pub checkpoint_seconds: u32,
}

impl Work<'_> {
    /// What a training is called: the first condition that needs it.
    pub(super) fn name(&self, training: usize) -> &str {
        let first = self.plan.runs.iter().find(|run| run.training == training);
        first.map_or("", |run| &self.plan.conditions[run.condition].name)
    }
}

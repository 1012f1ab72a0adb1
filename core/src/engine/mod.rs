//! Who executes the trainings and evaluations of a plan.
//!
//! In: an experiment, its plan and a results folder. Out: the folder, with every training and evaluation
//! that was missing, and the experiment's tables. What is there already is never done again; what fails
//! is written down and the rest goes on.
//!
//! Trainings are done by processes of their own: a [`Supervisor`](supervisor) hands
//! [`Specification`]s, one after another, to workers and hears [`Event`]s from them. The two share nothing but the
//! results folder, where a lock on each training keeps any two processes, of one run or of several, from doing
//! the same work. A worker whose training fails takes no other. What happens inside of one needs libtorch, of
//! which this room knows no more than what it asks for: [`Libtorch`].

mod collect;
mod data;
mod event;
mod libtorch;
mod manifest;
mod name;
mod outline;
mod outlook;
mod process;
mod reach;
mod reproduction;
mod sensitivity;
mod specification;
mod state;
mod supervisor;
mod tally;
mod work;

use std::path::PathBuf;

use crate::dataset::DatasetError;
use crate::experiment::Experiment;
use crate::machine::{Crew, DeviceError};
use crate::plan::{CoversNothing, Plan, PlanError, TrainingId, in_lines};
use crate::store::{Results, StoreError};

pub use data::{frames, load, load_telling};
pub use event::{Event, Observer, Outcome};
pub use libtorch::{Libtorch, Renderer, Trainer};
pub use manifest::manifest;
pub use outline::{
    Outline, OutlineCondition, OutlineMap, OutlineRun, OutlineTraining, Status, outline,
};
pub use outlook::Outlook;
pub use process::{be_called_by_name, kill_workers, log_to, this_program};
pub use reach::{Reached, reached};
pub use reproduction::{Circumstance, Reproduced, Reproduction, epochs_differ};
pub use sensitivity::{SensitivityMap, has_map, map_curves_path};
pub use specification::{
    Evaluation, MOST_CHECKPOINT_SECONDS, MOST_GPU, MOST_THREADS, Specification,
};
pub use state::{has_evaluation, is_trained};
pub use tally::Tally;
pub use work::{Done, execute, specifications};

/// An experiment to be run.
#[derive(Debug)]
pub struct Work<'a> {
    pub experiment: &'a Experiment,
    pub plan: &'a Plan,
    pub results: &'a Results,
    pub crew: Crew,
    /// The program with libtorch, to be started as a worker, and the commit that it was built from.
    pub program: PathBuf,
    pub commit: Option<&'static str>,
    /// How often a training that failed is tried again.
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
    fn name(&self, training: usize) -> &str {
        let first = self.plan.runs.iter().find(|run| run.training == training);
        first.map_or("", |run| &self.plan.conditions[run.condition].name)
    }
}

/// What keeps a whole experiment from being run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Metrics(#[from] crate::metrics::MetricsError),
    #[error(transparent)]
    Confusion(#[from] crate::analysis::ConfusionError),
    #[error("{}", in_lines(nothing))]
    CoversNothing { nothing: Vec<CoversNothing> },
    #[error("this is no specification of a training: {0}")]
    Specification(String),
    #[error(
        "the data, or what this program makes of the specification, are not those of training {id}: \
         plan the experiment again"
    )]
    OtherTraining { id: TrainingId },
    #[error(
        "no experiment in the results folder needs training {id}, so that its settings are not known"
    )]
    Orphan { id: String },
    #[error("training {id} is not done: there are no numbers to agree with")]
    NotDone { id: String },
    #[error(
        "training {id} cannot be done again: its data have changed since, or this version of the program \
         makes something else of its experiment"
    )]
    Changed { id: String },
    #[error(
        "the results folder holds another study called `{name}`, {what}. Nothing is lost: what this one has \
         trained stays. Run it again under a name of its own: --set name={name}_2"
    )]
    NameTaken { name: String, what: String },
    #[error("`{}` cannot be started as a worker: {error}", program.display())]
    Start { program: PathBuf, error: std::io::Error },
    #[error("interrupted")]
    Interrupted,
    /// A worker's reason to stop everything.
    #[error("{reason}")]
    Worker { reason: String, storing: bool },
}

impl EngineError {
    /// Whether the command was right and its result could not be stored: a full disk, say.
    pub fn is_about_storing(&self) -> bool {
        match self {
            EngineError::Store(StoreError::Write { .. }) => true,
            EngineError::Dataset(error) => error.is_about_storing(),
            EngineError::Worker { storing, .. } => *storing,
            _ => false,
        }
    }

    /// Whether whoever watches ended it.
    pub fn is_interruption(&self) -> bool {
        matches!(self, EngineError::Interrupted | EngineError::Dataset(DatasetError::Interrupted))
    }
}

//! What keeps a whole experiment from being run.

use std::path::PathBuf;

use crate::dataset::DatasetError;
use crate::machine::DeviceError;
use crate::plan::{MasksNothing, PlanError, TrainingId, in_lines};
use crate::store::StoreError;

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
    MasksNothing { nothing: Vec<MasksNothing> },
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

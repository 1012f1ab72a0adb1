//! Errors that stop a whole experiment.

use std::path::PathBuf;

use crate::cluster::SlurmError;
use crate::dataset::DatasetError;
use crate::machine::DeviceError;
use crate::plan::{MasksNothing, PlanError, TrainingId, in_lines};
use crate::store::StoreError;

/// An error that stops a whole experiment.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Slurm(#[from] SlurmError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Metrics(#[from] crate::metrics::MetricsError),
    #[error(transparent)]
    Confusion(#[from] crate::analysis::ConfusionError),
    #[error("{}", in_lines(nothing))]
    MasksNothing { nothing: Vec<MasksNothing> },
    #[error("not a valid training specification: {0}")]
    Specification(String),
    #[error(
        "the data, or this version's reading of the specification, differ from those of training {id}: \
         plan the experiment again"
    )]
    OtherTraining { id: TrainingId },
    #[error("no experiment in the results folder needs training {id}, so its settings are unknown")]
    Orphan { id: String },
    #[error("training {id} is not done, so there are no numbers to compare with")]
    NotDone { id: String },
    #[error(
        "training {id} cannot be repeated: its data have changed, or this version of the program reads its \
         experiment differently"
    )]
    Changed { id: String },
    #[error(
        "the results folder holds another study called `{name}`, {what}. Nothing is lost: finished \
         trainings are kept. Run it again under another name: --set name={name}_2"
    )]
    NameTaken { name: String, what: String },
    #[error("`{}` cannot be started as a worker: {error}", program.display())]
    Start { program: PathBuf, error: std::io::Error },
    /// A network in a file that cannot be used.
    #[error("{0}")]
    Network(String),
    #[error("interrupted")]
    Interrupted,
    /// A worker's reason to stop the whole run.
    #[error("{reason}")]
    Worker { reason: String, storing: bool },
}

impl EngineError {
    /// Whether the command was valid but its result could not be stored: a full disk, say.
    pub fn is_about_storing(&self) -> bool {
        match self {
            EngineError::Store(StoreError::Write { .. })
            | EngineError::Slurm(SlurmError::Store(StoreError::Write { .. })) => true,
            EngineError::Dataset(error) => error.is_about_storing(),
            EngineError::Worker { storing, .. } => *storing,
            _ => false,
        }
    }

    /// Whether the user interrupted it.
    pub fn is_interruption(&self) -> bool {
        matches!(self, EngineError::Interrupted | EngineError::Dataset(DatasetError::Interrupted))
    }
}

//! Who executes the trainings and evaluations of a plan.
//!
//! In: an experiment, its plan and a results folder. Out: the folder, with every training and evaluation
//! that was missing, and the experiment's tables. What is there already is never done again; what fails
//! is written down and the rest goes on. One training runs at a time, in this process, on all threads it
//! is given.

mod collect;
mod data;
mod guard;
mod outline;
mod painter;
mod training;
mod work;

use crate::dataset::{self, DatasetError};
use crate::experiment::Experiment;
use crate::plan::{Plan, PlanError};
use crate::store::{Results, StoreError};
use crate::train::device::{DeviceError, NoCuda};
use crate::train::{EpochRecord, Step};

pub use data::load;
pub use outline::{Outline, OutlineCondition, OutlineRun, OutlineTraining, Status, outline};
pub use painter::Painter;
pub use work::{Done, execute};

/// An experiment to be run.
#[derive(Debug)]
pub struct Work<'a> {
    pub experiment: &'a Experiment,
    pub plan: &'a Plan,
    pub results: &'a Results,
    /// libtorch's threads.
    pub threads: u32,
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
    Metrics(#[from] crate::evaluate::metrics::MetricsError),
    #[error(transparent)]
    Confusion(#[from] crate::analysis::ConfusionError),
}

/// What happens while an experiment runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// A data set is being read.
    Data(dataset::Progress),
    /// A GPU was found that cannot be used; the CPU goes on.
    NoGpu(&'a NoCuda),
    /// Before the first training.
    Planned {
        trainings: usize,
        trained: usize,
        evaluations: usize,
        evaluated: usize,
    },
    /// `number` counts from 1 over all trainings of the plan.
    Training {
        number: usize,
        name: &'a str,
        seed: u64,
        epochs: u32,
        resumed: Option<u32>,
    },
    Step(&'a Step),
    Epoch(&'a EpochRecord),
    Trained {
        number: usize,
    },
    Evaluated,
    /// A training or evaluation failed; the others go on.
    Failed {
        name: &'a str,
        seed: u64,
        reason: &'a str,
    },
    /// Something stored was damaged and is done again.
    Damaged(&'a StoreError),
}

/// Who is told what happens, and may end it.
pub trait Observer {
    fn event(&mut self, event: Event<'_>);
    /// Asked before each step; on `true` the training under way writes a checkpoint and everything ends.
    fn interrupted(&self) -> bool;
}

//! Executes the trainings and evaluations of a plan.
//!
//! In: an experiment, its plan and a results folder. Out: the folder, with every training and evaluation
//! that was missing, and the experiment's tables. Stored results are never computed again; failures are
//! recorded and the rest continues.
//!
//! Each training runs in a worker process: a [`Supervisor`](supervisor) sends [`Specification`]s, one after another, to
//! workers and receives [`Event`]s from them. They share only the results folder, where a lock on each training keeps
//! any two processes, of one run or of several, from doing the same work. A worker whose training fails takes no other.
//! Where Slurm starts the workers, a [`Watcher`](watcher) submits lists of specifications as job arrays, and learns from
//! Slurm's queue, from the events that workers write into files, and above all from the results folder.
//!
//! Workers need libtorch, which this room reaches only through [`Libtorch`].

mod audience;
mod collect;
mod data;
mod error;
mod event;
mod examples;
mod execute;
mod libtorch;
mod manifest;
mod name;
mod outline;
mod outlook;
mod process;
mod reach;
mod reproduction;
mod run_progress;
mod sensitivity;
mod specification;
mod state;
mod stored;
mod supervisor;
mod tail;
mod tasks;
mod watcher;
mod work;

pub use data::{face_maps, frames, load, load_with_progress};
pub use error::EngineError;
pub use event::{Event, Observer, Outcome};
pub use examples::{first_images, remove_examples, write_examples};
pub use execute::{Done, execute, specifications};
pub use libtorch::{Libtorch, LibtorchFacts, Renderer, Trainer};
pub use manifest::manifest;
pub use outline::{
    Outline, OutlineCondition, OutlineMap, OutlineRun, OutlineTraining, Status, outline,
};
pub use outlook::Outlook;
pub use process::{kill_workers, log_to, set_process_name, this_program};
pub use reach::{Reached, reached};
pub use reproduction::{Circumstance, Reproduced, Reproduction, epochs_differ};
pub use run_progress::RunProgress;
pub use sensitivity::{SensitivityMap, has_map, map_curves_path};
pub use specification::{
    Evaluation, MOST_CHECKPOINT_SECONDS, MOST_GPU, MOST_THREADS, Specification,
};
pub use stored::{has_evaluation, is_trained};
pub use work::Work;

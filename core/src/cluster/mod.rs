//! Slurm: what a site asks of its jobs, how they are submitted, found again, watched and cancelled.
//!
//! In: the site's settings, lists of work for the tasks of a job array, the results folder. Out: jobs in Slurm's queue,
//! their state there, and a record of each submission in the results folder, by which any login node finds its jobs again.
//! Slurm's word says only what to wait for; whether work is done, the results folder says. This room knows neither
//! experiments nor trainings: a task is a number and a file of lines.

mod advice;
mod call;
mod quantity;
mod queue;
mod script;
mod site;
mod slurm;
mod submission;

pub use advice::{advice, is_requeue};
pub use call::CallError;
pub use quantity::{Memory, TimeLimit};
pub use queue::{QueuedTask, TaskPhase};
pub use script::{Request, ScriptError};
pub use site::{EngineKind, SettingsError, Site, SiteError, SlurmSettings};
pub use slurm::{Limits, Slurm, SlurmError};
pub use submission::{NewSubmission, Submission, SubmissionRecord, all_submissions, submissions};

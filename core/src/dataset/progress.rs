//! Progress of a loader, and its interruption.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::DatasetError;
use crate::disk::gigabytes;

/// Receives the progress of a load, and may interrupt it.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Called now and then, on the thread that loads.
    pub progress: &'a dyn Fn(Progress),
    /// Polled before each file and picture; once it is raised, the load ends with
    /// [`DatasetError::Interrupted`] and leaves nothing behind.
    pub interrupted: &'a AtomicBool,
}

impl<'a> Watch<'a> {
    /// A watch without interruption.
    pub fn reporting(progress: &'a dyn Fn(Progress)) -> Watch<'a> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Watch { progress, interrupted: &NEVER }
    }
}

/// An error where a flag is raised.
pub(super) fn go_on(interrupted: &AtomicBool) -> Result<(), DatasetError> {
    match interrupted.load(Ordering::Relaxed) {
        true => Err(DatasetError::Interrupted),
        false => Ok(()),
    }
}

/// A progress report, sent on the thread that loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The number of files or images done, of all.
    Step { stage: Stage, done: usize, total: usize },
    /// The decoded pictures take so many bytes, more than half of the memory, so that they stay on the disk.
    Large { bytes: u64, memory: u64 },
    /// A file of the cache was damaged and is rebuilt.
    Rebuilding { path: PathBuf, why: String },
}

impl Progress {
    /// What people should know of it; `None` of a mere step.
    pub fn warning(&self) -> Option<String> {
        match self {
            Progress::Step { .. } => None,
            Progress::Large { bytes, memory } => Some(format!(
                "the decoded pictures take {}, more than half of the memory of {}: they stay on the disk, which decides \
                 how fast networks learn from them",
                gigabytes(*bytes),
                gigabytes(*memory)
            )),
            Progress::Rebuilding { path, why } => {
                Some(format!("{}: {why}; rebuilding it", path.display()))
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The sources' contents are hashed, to look them up in the cache.
    Hash,
    /// Landmarks are found.
    Landmarks,
    /// Pictures are decoded into the cache.
    Decode,
}

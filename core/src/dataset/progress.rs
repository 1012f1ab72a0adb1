//! What a loader tells while it works, and what ends it early.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::DatasetError;

/// Who is told how a loading goes, and may end it.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Called now and then, on the thread that loads.
    pub progress: &'a dyn Fn(Progress),
    /// Looked at before each file and picture; once it is raised, the loading ends with
    /// [`DatasetError::Interrupted`] and leaves nothing behind.
    pub interrupted: &'a AtomicBool,
}

impl<'a> Watch<'a> {
    /// One who only listens.
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

/// A word of progress, said on the thread that loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// So many files or images of all are done.
    Step { stage: Stage, done: usize, total: usize },
    /// A file of the cache was of no use and is made anew.
    Rebuilding { path: PathBuf, why: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The sources' contents are read, to tell whether the cache holds them.
    Hash,
    /// Pictures are decoded into the cache.
    Decode,
}

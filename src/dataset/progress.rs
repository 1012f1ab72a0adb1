//! What a loader tells while it works.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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

//! The example pictures in an experiment's folder.

use std::collections::BTreeSet;

use crate::report::page::Example;
use crate::store::{Results, RunRow, StoreError, read_plain};

/// A strip of pictures is never larger, bytes.
const LIMIT: u64 = 4 << 20;

/// Those that are there, in the order of the runs; a run leaves them there unless it is told not to.
pub fn read(results: &Results, name: &str, runs: &[RunRow]) -> Result<Vec<Example>, StoreError> {
    let mut seen = BTreeSet::new();
    let mut examples = Vec::new();
    for run in runs.iter().filter(|run| seen.insert(&run.condition)) {
        match read_plain(&results.example_path(name, &run.condition)?, LIMIT) {
            Ok(png) => examples.push(Example { condition: run.condition.clone(), png }),
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(examples)
}

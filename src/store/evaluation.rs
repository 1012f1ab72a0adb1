//! What is known of an evaluation beside its predictions.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::json::{read_json, write_json};
use super::{StoreError, hash_file};

const LIMIT: u64 = 64 * 1024;

/// `<evaluation id>.json`, beside the predictions. It is written after them: where it is, they are whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    pub evaluation_id: String,
    /// Mean share of pixels covered over the test images.
    pub area: f64,
    /// BLAKE3 of the predictions' file, hexadecimal.
    pub predictions: String,
}

impl EvaluationRecord {
    /// Where the record of the predictions at `predictions` lies.
    pub fn path(predictions: &Path) -> PathBuf {
        predictions.with_extension("json")
    }

    pub fn read(path: &Path) -> Result<EvaluationRecord, StoreError> {
        read_json(path, LIMIT)
    }

    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        write_json(path, self)
    }

    /// An error where the predictions are missing or not those that the record was written for.
    pub fn check(&self, predictions: &Path) -> Result<(), StoreError> {
        if hash_file(predictions)? == self.predictions {
            return Ok(());
        }
        let reason = "its content is not what its record says".to_owned();
        Err(StoreError::Damaged { path: predictions.to_owned(), reason })
    }
}

//! The record of an evaluation, beside its predictions.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::json::{read_sealed_json, write_sealed_json};
use super::{StoreError, hash_file};

const LIMIT: u64 = 64 * 1024;

/// `<evaluation id>.json`, beside the predictions. It is written after them: if it exists, they are complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    pub evaluation_id: String,
    /// Mean share of masked pixels over the test images.
    pub area: f64,
    /// Share of the test images in which its regions have no pixel; `None` for whole faces, and of an earlier
    /// version.
    #[serde(default)]
    pub missed: Option<f64>,
    /// BLAKE3 of the predictions' file, hexadecimal.
    pub predictions: String,
    /// Where they were computed; `None` of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_on: Option<MadeOn>,
}

/// Where and by what predictions were computed: what their last bits depend on beside the network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MadeOn {
    /// `cpu`, `cuda:0` …
    pub device: String,
    /// The model of that CPU or GPU; empty if unknown.
    pub processor: String,
    /// The version of the NVIDIA driver, where there is one.
    pub driver: Option<String>,
    /// The version that was loaded.
    pub libtorch: String,
    pub threads: u32,
}

impl MadeOn {
    /// In words, without the device's number, by which equal GPUs differ.
    pub fn kind(&self) -> String {
        let MadeOn { device, processor, driver, libtorch, .. } = self;
        let device = device.split(':').next().unwrap_or_default();
        let device = if processor.is_empty() { device } else { processor.as_str() };
        let driver = driver.as_ref().map(|driver| format!(", driver {driver}"));
        format!("{device}, libtorch {libtorch}{}", driver.unwrap_or_default())
    }
}

impl EvaluationRecord {
    /// The path of the record of the predictions at `predictions`.
    pub fn path(predictions: &Path) -> PathBuf {
        predictions.with_extension("json")
    }

    /// The record of the predictions at `predictions`, checked against the id in their file name.
    pub fn of(predictions: &Path) -> Result<EvaluationRecord, StoreError> {
        let path = EvaluationRecord::path(predictions);
        let record: EvaluationRecord = read_sealed_json(&path, LIMIT)?;
        let id = predictions.file_stem().unwrap_or_default();
        if id != record.evaluation_id.as_str() {
            let reason = format!("it is the record of evaluation {}", record.evaluation_id);
            return Err(StoreError::Foreign { path, reason });
        }
        if !(0.0..=1.0).contains(&record.area) {
            let reason = format!("it says that a share of {} of the pixels is masked", record.area);
            return Err(StoreError::damaged(path, reason));
        }
        Ok(record)
    }

    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        write_sealed_json(path, self)
    }

    /// An error where the predictions are missing or not those that the record was written for.
    pub fn check(&self, predictions: &Path) -> Result<(), StoreError> {
        if hash_file(predictions)? == self.predictions {
            return Ok(());
        }
        Err(StoreError::damaged(predictions, "its content does not match its record"))
    }
}

//! The manifest of a training: the provenance of its numbers, and hashes that show whether its files are unchanged.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::json::{read_sealed_json, write_sealed_json};
use super::{Results, StoreError, open_plain, read_plain};
use crate::experiment::{DatasetSpec, ModelSpec, Schedule, Settings, TrainSpec};
use crate::plan::{NUMERIC_VERSION, TrainingSpec, source_content, training_id};
use crate::region::{Fill, TrainingMask};

/// The maximum size: settings and hashes take far less.
const LIMIT: u64 = 4 * 1024 * 1024;

/// `manifest.json` of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub training_id: String,
    pub seed: u64,
    /// Everything that determines the weights, as hashed into the id: [`Manifest::settings`].
    pub settings: serde_json::Value,
    /// The hash of the data's content (`Dataset::content`), which is part of the id for data on
    /// disk. `None` where they were not read, or where an earlier version wrote the manifest.
    #[serde(default)]
    pub content: Option<String>,
    /// The version of this program.
    pub fer_lab: String,
    /// Its commit, if known.
    pub git: Option<String>,
    /// Raised whenever a change to the program changes results.
    pub numeric_version: u32,
    pub libtorch: String,
    /// The version of ONNX Runtime, where the network is from an ONNX file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onnxruntime: Option<String>,
    /// `cpu`, `cuda:0` …, with the device's name where it has one.
    pub device: String,
    /// The model of that CPU or GPU.
    #[serde(default)]
    pub processor: String,
    /// The version of the NVIDIA driver, where there is one.
    #[serde(default)]
    pub driver: Option<String>,
    /// `f32`, `bf16`.
    pub precision: String,
    pub threads: u32,
    pub host: String,
    /// Seconds since 1970-01-01 UTC.
    pub started: u64,
    pub wall_seconds: f64,
    pub train_images_per_second: f64,
    /// The number of epochs trained.
    pub epochs: u32,
    /// From 1: the epoch whose network was kept.
    pub best_epoch: u32,
    pub parameters: u64,
    /// Whether early stopping ended it.
    pub stopped_early: bool,
    /// The mean training label distribution, in class order.
    pub prior: Vec<f64>,
    /// Mean share of pixels that its occlusion masks over the test images; `None` for whole faces.
    #[serde(rename = "covered_area")]
    pub masked_area: Option<f64>,
    pub status: TrainingStatus,
    /// The training's files: name → BLAKE3 of the content, hexadecimal.
    pub files: BTreeMap<String, String>,
}

/// How a training ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingStatus {
    Done,
    Failed { reason: String },
}

/// The content of [`Manifest::settings`].
#[derive(Serialize, Deserialize)]
struct StoredSettings {
    dataset: DatasetSpec,
    model: ModelSpec,
    train: TrainSpec,
    schedule: Schedule,
    occlusion: Option<TrainingMask>,
}

/// What is wrong with a file that is not as it was written.
const CHANGED: &str = "its content does not match the manifest";

/// The files of a training that is done.
pub const EPOCHS: &str = "epochs.parquet";
pub const MODEL: &str = "model.safetensors";

impl Results {
    /// The manifest of a training, checked against the training's id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the training has not ended; [`StoreError::Foreign`] where the manifest
    /// is another training's, or its settings do not hash to the id.
    pub fn manifest(&self, training_id: &str) -> Result<Manifest, StoreError> {
        let path = self.manifest_path(training_id)?;
        let manifest = Manifest::read(&path)?;
        match manifest.check_identity(training_id) {
            Ok(()) => Ok(manifest),
            Err(reason) => Err(StoreError::Foreign { path, reason }),
        }
    }

    /// Whether a training is done with this numeric version, and its network and epochs are complete.
    ///
    /// # Errors
    /// As [`Results::manifest`], [`StoreError::Foreign`] too where it is of another numeric version, and
    /// [`StoreError::Damaged`] where a file has changed.
    pub fn is_trained(&self, training_id: &str) -> Result<bool, StoreError> {
        let manifest = self.manifest(training_id)?;
        if manifest.numeric_version != NUMERIC_VERSION {
            let reason = format!("it has numeric version {}", manifest.numeric_version);
            let path = self.manifest_path(training_id)?;
            return Err(StoreError::Foreign { path, reason });
        }
        manifest.check_files(&self.training_dir(training_id)?)?;
        Ok(manifest.status == TrainingStatus::Done)
    }

    /// The bytes of a trained network's file, checked against the manifest of its training.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is none, [`StoreError::Damaged`] where it has changed.
    pub fn model(&self, manifest: &Manifest) -> Result<Vec<u8>, StoreError> {
        let path = self.model_path(&manifest.training_id)?;
        let bytes = read_plain(&path, u64::MAX)?;
        let hash = blake3::hash(&bytes).to_hex();
        match manifest.files.get(MODEL) {
            Some(expected) if *expected == *hash => Ok(bytes),
            _ => Err(StoreError::damaged(path, CHANGED)),
        }
    }

    /// As [`Results::manifest`]; `None` where there is none.
    pub fn manifest_if_any(&self, training_id: &str) -> Result<Option<Manifest>, StoreError> {
        match self.manifest(training_id) {
            Err(StoreError::NotFound { .. }) => Ok(None),
            other => other.map(Some),
        }
    }
}

impl Manifest {
    pub(super) fn read(path: &Path) -> Result<Manifest, StoreError> {
        read_sealed_json(path, LIMIT)
    }

    /// A training's settings as stored in its manifest.
    pub fn settings(spec: &TrainingSpec) -> serde_json::Value {
        let TrainingSpec { settings, mask, .. } = spec;
        let Settings { dataset, model, train, schedule } = settings.clone();
        let stored = StoredSettings { dataset, model, train, schedule, occlusion: mask.clone() };
        serde_json::to_value(stored).expect("settings are numbers, lists and text")
    }

    /// Why this is not the training's manifest.
    ///
    /// The settings are hashed again if possible: those of another numeric version were hashed differently, and for
    /// data on disk the content's hash must be known.
    fn check_identity(&self, id: &str) -> Result<(), String> {
        if self.training_id != id {
            return Err(format!("it is the manifest of training {}", self.training_id));
        }
        if self.status == TrainingStatus::Done {
            let named: Vec<&str> = self.files.keys().map(String::as_str).collect();
            // A network from a file is not kept again.
            let foreign = self.settings["model"]["kind"] == "onnx";
            let wanted: &[&str] = if foreign { &[] } else { &[EPOCHS, MODEL] };
            if named != wanted {
                return Err(format!(
                    "it says that the training is done, and that its files are [{}] and not [{}]",
                    named.join(", "),
                    wanted.join(", ")
                ));
            }
        }
        if self.numeric_version != NUMERIC_VERSION {
            return Ok(());
        }
        let spec = self.training()?;
        // An earlier version stored no content hash, and hashed `inpaint` without its version.
        let fill = spec.mask.as_ref().map(TrainingMask::fill);
        let known = source_content(&spec.settings.dataset).is_some() && fill != Some(Fill::Inpaint);
        if self.content.is_none() && !known {
            return Ok(());
        }
        let found = training_id(&spec, self.content.as_deref());
        if found.as_str() != id {
            return Err(format!("its settings and seed are those of training {found}"));
        }
        Ok(())
    }

    /// What was trained.
    ///
    /// # Errors
    /// Why its settings cannot be read, where another version of the program wrote them.
    pub fn training(&self) -> Result<TrainingSpec, String> {
        let StoredSettings { dataset, model, train, schedule, occlusion: mask } =
            serde_json::from_value(self.settings.clone())
                .map_err(|error| format!("its settings cannot be read ({error})"))?;
        let settings = Settings { dataset, model, train, schedule };
        Ok(TrainingSpec { settings, mask, seed: self.seed })
    }

    /// The program that trained it: `0.1.0 (1a2b3c4d5e6f)`.
    pub fn program(&self) -> String {
        match self.git.as_deref() {
            None | Some("") => self.fer_lab.clone(),
            Some(commit) => format!("{} ({commit})", self.fer_lab),
        }
    }

    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        write_sealed_json(path, self)
    }

    /// An error for the first of the training's files in `folder` that is missing or has
    /// changed.
    pub fn check_files(&self, folder: &Path) -> Result<(), StoreError> {
        for (name, expected) in &self.files {
            let path = folder.join(name);
            if hash_file(&path)? != *expected {
                return Err(StoreError::damaged(path, CHANGED));
            }
        }
        Ok(())
    }
}

/// BLAKE3 of a file's content, hexadecimal, as in [`Manifest::files`].
pub fn hash_file(path: &Path) -> Result<String, StoreError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(open_plain(path)?).map_err(|reason| StoreError::read(path, reason))?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn manifest() -> Manifest {
        Manifest {
            training_id: "t1".into(),
            seed: u64::MAX,
            settings: serde_json::json!({"train": {"epochs": 3, "learning_rate": 0.01}}),
            content: None,
            fer_lab: "0.1.0".into(),
            git: None,
            numeric_version: 1,
            onnxruntime: None,
            libtorch: "2.13.0".into(),
            device: "cpu".into(),
            processor: "a processor".into(),
            driver: None,
            precision: "f32".into(),
            threads: 2,
            host: "here".into(),
            started: 1_790_000_000,
            wall_seconds: 12.5,
            train_images_per_second: 320.0,
            epochs: 3,
            best_epoch: 2,
            parameters: 670_183,
            stopped_early: false,
            prior: vec![],
            masked_area: Some(0.125),
            status: TrainingStatus::Failed { reason: "the loss of epoch 2, step 7 is NaN".into() },
            files: BTreeMap::new(),
        }
    }

    #[test]
    fn reads_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let mut written = manifest();
        // Every share must be read back bit-exactly, because `bits` is computed from it.
        written.prior = (1..200).map(|n| 1.0 / f64::from(n)).collect();
        written.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), written);
        let first = std::fs::read(&path).unwrap();
        written.write(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
    }

    #[test]
    fn a_damaged_manifest_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let message = Manifest::read(&path).unwrap_err().to_string();
        assert!(message.starts_with("there is no `"), "{message}");
        manifest().write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() / 2]).unwrap();
        let message = Manifest::read(&path).unwrap_err().to_string();
        assert!(message.contains("manifest.json` is damaged: EOF"), "{message}");
        std::fs::write(&path, text.replace("12.5", "13.5")).unwrap();
        let message = Manifest::read(&path).unwrap_err().to_string();
        assert!(message.contains("its content has changed since it was written"), "{message}");
        std::fs::write(&path, " ".repeat(5 * 1024 * 1024)).unwrap();
        let message = Manifest::read(&path).unwrap_err().to_string();
        assert!(message.contains("it is longer than 4194304 bytes"), "{message}");
    }

    #[test]
    fn a_changed_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.safetensors");
        std::fs::write(&model, "weights").unwrap();
        let mut manifest = manifest();
        manifest.files = [("model.safetensors".to_owned(), hash_file(&model).unwrap())].into();
        manifest.check_files(folder.path()).unwrap();
        std::fs::write(&model, "weighty").unwrap();
        let message = manifest.check_files(folder.path()).unwrap_err().to_string();
        assert!(message.contains("model.safetensors` is damaged"), "{message}");
        std::fs::remove_file(&model).unwrap();
        assert!(matches!(manifest.check_files(folder.path()), Err(StoreError::NotFound { .. })));
    }
}

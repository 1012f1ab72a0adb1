//! The manifest of a training, done or failed.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::EngineError;
use super::work::Work;
use crate::machine::device;
use crate::plan::{Identified, NUMERIC_VERSION, ParameterCount, TrainingId, TrainingSpec};
use crate::store::{Manifest, TrainingStatus, host};

/// The manifest as far as it is known without data or network. `commit` is the one that the program was built
/// from.
pub fn manifest(
    spec: &TrainingSpec,
    id: &TrainingId,
    commit: Option<&str>,
    threads: u32,
    began: SystemTime,
    status: TrainingStatus,
) -> Manifest {
    let settings = &spec.settings;
    let dataset = &settings.dataset;
    let parameters = ParameterCount::of(&settings.model, dataset.channels, dataset.classes.len());
    Manifest {
        training_id: id.to_string(),
        seed: spec.seed,
        settings: Manifest::settings(spec),
        content: None,
        fer_lab: env!("CARGO_PKG_VERSION").to_owned(),
        git: commit.map(str::to_owned),
        numeric_version: NUMERIC_VERSION,
        libtorch: device::LIBTORCH_VERSION.to_owned(),
        onnxruntime: None,
        device: String::new(),
        processor: String::new(),
        driver: device::driver_version(),
        precision: settings.train.precision.name().to_owned(),
        threads,
        host: host(),
        started: began.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        wall_seconds: 0.0,
        train_images_per_second: 0.0,
        epochs: 0,
        best_epoch: 0,
        parameters: parameters.total,
        stopped_early: false,
        prior: Vec::new(),
        masked_area: None,
        status,
        files: BTreeMap::new(),
    }
}

/// Records that a training's process died. Its checkpoint stays, for a retry to resume from.
pub(super) fn write_failure(
    work: &Work,
    identified: &Identified,
    training: usize,
    reason: &str,
) -> Result<(), EngineError> {
    let id = &identified.trainings[training].id;
    // If another run has claimed it meanwhile, that run decides.
    let _claim = match work.locks.then(|| work.results.claim(id.as_str())).transpose()? {
        Some(None) => return Ok(()),
        claim => claim,
    };
    let path = work.results.manifest_path(id.as_str())?;
    let stored = work.results.manifest(id.as_str());
    if stored.is_ok_and(|manifest| manifest.status == TrainingStatus::Done) {
        return Ok(());
    }
    let status = TrainingStatus::Failed { reason: reason.to_owned() };
    let spec = &work.plan.trainings[training];
    let threads = work.resources.threads;
    Ok(manifest(spec, id, work.commit, threads, SystemTime::now(), status).write(&path)?)
}

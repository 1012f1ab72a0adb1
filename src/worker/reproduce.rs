//! Repeats a training, and compares it with the stored one.

use std::collections::BTreeSet;

use tch::Device;

use super::COMMIT;
use super::data::Ready;
use super::guard::guarded;
use super::training::{Ended, Job, Subject};
use crate::dataset::DatasetError;
use crate::engine::{
    Circumstance, EngineError, Event, MOST_THREADS, Observer, Reproduced, Reproduction,
    epochs_differ, load_with_progress,
};
use crate::experiment::{self, ModelSpec};
use crate::machine::device::{check_environment, driver_version};
use crate::plan::{self, EvaluationId, EvaluationSpec, NUMERIC_VERSION, Plan};
use crate::store::{
    EvaluationRecord, MadeOn, Manifest, Results, StoreError, TrainingStatus, hash_file, needs,
    read_evaluation,
};
use crate::train::device;

/// Repeats a training, on the number of threads that it had or on `threads`. Stored files are only
/// read.
///
/// # Errors
/// Where no experiment in the folder needs that training, where it is not done, where its data have
/// changed, and all errors of a training.
pub fn reproduce(
    results: &Results,
    training_id: &str,
    threads: Option<u32>,
    observer: &mut dyn Observer,
) -> Result<Reproduced, EngineError> {
    let need = needs(results)?
        .into_iter()
        .find(|need| need.training_id == training_id)
        .ok_or_else(|| EngineError::Orphan { id: training_id.to_owned() })?;
    let stored = match results.manifest(&need.training_id) {
        Ok(stored) if stored.status == TrainingStatus::Done => stored,
        Ok(_) | Err(StoreError::NotFound { .. }) => {
            return Err(EngineError::NotDone { id: need.training_id });
        }
        Err(error) => return Err(error.into()),
    };
    if !(1..=MOST_THREADS).contains(&stored.threads) {
        let path = results.manifest_path(&need.training_id)?;
        let reason = format!("it cannot have had {} threads", stored.threads);
        return Err(StoreError::damaged(path, reason).into());
    }
    let threads = threads.unwrap_or(stored.threads);
    device::prepare(threads);

    let path = results.experiment_dir(&need.experiment)?.join("experiment.toml");
    let text = results.experiment_text(&need.experiment)?;
    let experiment = experiment::parse_whole(&text, &path.display().to_string())
        .map_err(|errors| EngineError::Specification(errors.to_string()))?;
    let plan = Plan::of_stored(&experiment)?;
    let (device, no_gpu) = device::choose(experiment.settings.train.device)?;
    if let Some(reason) = no_gpu {
        observer.event(&Event::Warning { text: format!("{reason}; the CPU is used") });
    }
    check_environment()?;
    device::set_precision(experiment.settings.train.precision, device)?;
    let mut circumstances = circumstances(&stored, device, threads);
    warn_of(&circumstances, "here and now is not as where it was trained", observer);
    let mut ready: Option<Ready> = None;
    let mut found = None;
    for (index, spec) in plan.trainings.iter().enumerate() {
        let dataset = &spec.settings.dataset;
        if ready.as_ref().is_none_or(|ready| ready.spec != *dataset) {
            let loaded = match load_with_progress(dataset, results, observer) {
                Err(DatasetError::Interrupted) => return Ok(Reproduced::Interrupted),
                loaded => loaded?,
            };
            ready = Some(Ready::new(dataset.clone(), loaded, device));
        }
        let content = ready.as_ref().map(|ready| ready.dataset.content.as_str());
        let id = plan::training_id(spec, content);
        if id.as_str() == need.training_id {
            found = Some((index, id));
            break;
        }
    }
    let (Some((index, id)), Some(ready)) = (found, ready) else {
        return Err(EngineError::Changed { id: need.training_id });
    };
    let mut evaluations: Vec<(EvaluationId, &EvaluationSpec)> = Vec::new();
    let content = ready.dataset.content.clone();
    let identified = plan.identify(&|_| Some(content.clone()));
    for &run in plan.runs_of(index) {
        let id = &identified.runs[run].evaluation;
        if !evaluations.iter().any(|(known, _)| known == id) {
            evaluations.push((id.clone(), &plan.runs[run].evaluation));
        }
    }

    let others = of_evaluations(results, &stored, &evaluations, device)?;
    warn_of(&others, "here and now is not as where it was evaluated", observer);
    circumstances.extend(others);

    let scratch = tempfile::Builder::new()
        .prefix(".reproduce-")
        .tempdir_in(results.root())
        .map_err(|error| StoreError::write(results.root(), error))?;
    let scratch = Results::create(scratch.path()).map(|results| (results, scratch))?;
    let name = plan.first_condition(index).name.as_str();
    let mut job = Job {
        spec: &plan.trainings[index],
        id: &id,
        results: &scratch.0,
        starts: results,
        ready: &ready,
        device,
        threads,
        // This one is never resumed.
        checkpoint_seconds: u32::MAX,
        name,
    };
    let ended = match &job.spec.settings.model {
        ModelSpec::Onnx(network) => job.open(network, false, observer)?,
        _ => job.train(observer)?,
    };
    let network = match ended {
        Ended::Done(network) => network,
        Ended::Failed { reason, .. } => return Ok(Reproduced::Failed(reason)),
        Ended::Interrupted => return Ok(Reproduced::Interrupted),
    };
    let mut reproduction = Reproduction {
        training_id: id.to_string(),
        name: name.to_owned(),
        seed: job.spec.seed,
        seconds: 0.0,
        circumstances,
        damaged: Vec::new(),
        same_network: false,
        epochs_differ: None,
        evaluations_missing: 0,
        predictions: 0,
        predictions_differ: 0,
        probabilities_differ: 0.0,
    };
    for (evaluation, examination) in evaluations {
        let path = results.evaluation_path(id.as_str(), evaluation.as_str())?;
        // A missing evaluation has nothing to compare with.
        if !path.exists() && !EvaluationRecord::path(&path).exists() {
            reproduction.evaluations_missing += 1;
            continue;
        }
        let record = EvaluationRecord::of(&path);
        reproduction.note_damage(record.and_then(|record| record.check(&path)))?;
        let before = reproduction.note_damage(read_evaluation(&path))?;
        let Some(before) = before else { continue };
        let go_on = || !observer.interrupted();
        match guarded(|| job.evaluate(&network, &[(&evaluation, examination)], &go_on)) {
            Ok(stored) => {
                if !stored? {
                    return Ok(Reproduced::Interrupted);
                }
            }
            Err(reason) => return Ok(Reproduced::Failed(reason)),
        }
        let path = scratch.0.evaluation_path(id.as_str(), evaluation.as_str())?;
        reproduction.compare_predictions(&before, &read_evaluation(&path)?);
    }
    for (name, expected) in &stored.files {
        let path = results.training_dir(id.as_str())?.join(name);
        let found = hash_file(&path);
        if reproduction.note_damage(found)?.is_some_and(|found| found != *expected) {
            let reason = "its content does not match the manifest";
            reproduction.damaged.push(format!("`{}`: {reason}", path.display()));
        }
    }
    let epochs = |results: &Results| results.epochs(id.as_str());
    let again = epochs(&scratch.0)?;
    reproduction.seconds = again.iter().map(|epoch| epoch.seconds).sum();
    if let Some(before) = reproduction.note_damage(epochs(results))? {
        reproduction.epochs_differ = Some(epochs_differ(&before, &again));
    }
    reproduction.same_network = match *network {
        // Its file was the same, or it would not have been opened.
        Subject::Foreign(_) => true,
        Subject::Trained(_) => {
            let model = scratch.0.model_path(id.as_str())?;
            let name = model.file_name().unwrap_or_default().to_string_lossy().into_owned();
            stored.files.get(&name) == Some(&hash_file(&model)?)
        }
    };
    Ok(Reproduced::Done(Box::new(reproduction)))
}

/// Says in what here and now differs, before anything is repeated.
fn warn_of(circumstances: &[Circumstance], what: &str, observer: &mut dyn Observer) {
    if circumstances.is_empty() {
        return;
    }
    let said = circumstances
        .iter()
        .map(|Circumstance { what, then, now }| format!("{what} {then} then, {now} now"));
    let said: Vec<String> = said.collect();
    observer.event(&Event::Warning { text: format!("{what}: {}", said.join("; ")) });
}

/// The kinds of machine that computed its stored evaluations, other than this one and the one that trained it.
fn of_evaluations(
    results: &Results,
    stored: &Manifest,
    evaluations: &[(EvaluationId, &EvaluationSpec)],
    device: Device,
) -> Result<Vec<Circumstance>, EngineError> {
    let now = MadeOn {
        device: device::name(device),
        processor: device::processor(device),
        driver: driver_version(),
        libtorch: device::libtorch(),
        threads: stored.threads,
    };
    let trained = MadeOn {
        device: stored.device.clone(),
        processor: stored.processor.clone(),
        driver: stored.driver.clone(),
        libtorch: stored.libtorch.clone(),
        threads: stored.threads,
    };
    let (now, trained) = (now.kind(), trained.kind());
    let mut kinds = BTreeSet::new();
    for (evaluation, _) in evaluations {
        let path = results.evaluation_path(&stored.training_id, evaluation.as_str())?;
        // One that is missing or damaged is said to be when it is compared.
        let record = EvaluationRecord::of(&path).ok();
        kinds.extend(record.and_then(|record| Some(record.made_on?.kind())));
    }
    let others = kinds.into_iter().filter(|kind| *kind != now && *kind != trained);
    let other = |then| Circumstance { what: "machine of evaluations", then, now: now.clone() };
    Ok(others.map(other).collect())
}

fn circumstances(stored: &Manifest, device: Device, threads: u32) -> Vec<Circumstance> {
    let driver = |driver: Option<String>| driver.unwrap_or_else(|| "none".to_owned());
    let git = |commit: Option<&str>| commit.unwrap_or("unknown").to_owned();
    let all = [
        ("fer-lab", stored.fer_lab.clone(), env!("CARGO_PKG_VERSION").to_owned()),
        ("commit", git(stored.git.as_deref()), git(COMMIT)),
        ("numeric version", stored.numeric_version.to_string(), NUMERIC_VERSION.to_string()),
        ("libtorch", stored.libtorch.clone(), device::libtorch()),
        ("device", stored.device.clone(), device::name(device)),
        ("processor", stored.processor.clone(), device::processor(device)),
        ("driver", driver(stored.driver.clone()), driver(driver_version())),
        ("threads", stored.threads.to_string(), threads.to_string()),
        ("host", stored.host.clone(), crate::store::host()),
    ];
    let different = all.into_iter().filter(|(_, then, now)| then != now);
    different.map(|(what, then, now)| Circumstance { what, then, now }).collect()
}

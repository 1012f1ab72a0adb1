//! A training done once more, and held against what is stored.

use tch::Device;

use super::data::{self, Ready};
use super::guard::guarded;
use super::training::{Ended, Job};
use super::{EngineError, Observer};
use crate::experiment;
use crate::plan::{self, EvaluationId, NUMERIC_VERSION, Plan};
use crate::region::Occlusion;
use crate::store::{
    EpochRow, Manifest, PredictionRow, Results, StoreError, TrainingStatus, hash_file, needs,
    read_evaluation,
};
use crate::train::device;

/// How a training done again compares with the one that is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Reproduction {
    pub training_id: String,
    pub name: String,
    pub seed: u64,
    pub seconds: f64,
    /// What was different about the circumstances, then and now: program, libtorch, device, threads.
    pub circumstances: Vec<Circumstance>,
    /// Whether the network is the same to the last bit.
    pub same_network: bool,
    /// The largest difference of any loss or accuracy of any epoch; infinite where the epochs are not as
    /// many.
    pub epochs_differ: f64,
    /// Answers of all evaluations, and how many of them name another class.
    pub answers: u64,
    pub answers_differ: u64,
    /// The largest difference of a probability.
    pub probabilities_differ: f64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstance {
    pub what: &'static str,
    pub then: String,
    pub now: String,
}

impl Reproduction {
    /// Whether every number is the same to the last bit.
    pub fn agrees(&self) -> bool {
        self.same_network && self.epochs_differ == 0.0 && self.probabilities_differ == 0.0
    }
}

/// How a reproduction ended.
#[derive(Debug)]
pub enum Reproduced {
    Done(Box<Reproduction>),
    Failed(String),
    Interrupted,
}

/// A training done again, on the threads that it was done on or on `threads`. What is stored is only
/// read.
///
/// # Errors
/// Where no experiment in the folder needs that training, where it is not done, where its data have
/// changed, and all that keeps a training from being done.
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
    let stored = results.manifest(&need.training_id)?;
    if stored.status != TrainingStatus::Done {
        return Err(EngineError::NotDone { id: need.training_id });
    }
    let threads = threads.unwrap_or(stored.threads);
    device::prepare(threads as i32);

    let path = results.experiment_dir(&need.experiment)?.join("experiment.toml");
    let text = results.experiment_text(&need.experiment)?;
    let experiment = experiment::parse_whole(&text, &path.display().to_string())
        .map_err(|errors| EngineError::Specification(errors.to_string()))?;
    let plan = Plan::of_stored(&experiment)?;
    let (device, _) = device::choose(experiment.settings.train.device)?;
    let mut ready: Option<Ready> = None;
    let mut found = None;
    for (index, spec) in plan.trainings.iter().enumerate() {
        let dataset = &spec.settings.dataset;
        if ready.as_ref().is_none_or(|ready| ready.spec != *dataset) {
            let loaded = data::load_telling(dataset, results, observer)?;
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
    let mut evaluations: Vec<(EvaluationId, Option<&Occlusion>)> = Vec::new();
    let content = ready.dataset.content.clone();
    let identified = plan.identify(&|_| Some(content.clone()));
    for (run, identity) in plan.runs.iter().zip(&identified.runs) {
        if run.training == index && !evaluations.iter().any(|(id, _)| *id == identity.evaluation) {
            evaluations.push((identity.evaluation.clone(), run.evaluation.as_ref()));
        }
    }

    let scratch = tempfile::Builder::new()
        .prefix(".reproduce-")
        .tempdir_in(results.root())
        .map_err(|error| StoreError::write(results.root(), error))?;
    let scratch = Results::create(scratch.path()).map(|results| (results, scratch))?;
    let first = plan.runs.iter().find(|run| run.training == index);
    let name = first.map_or("", |run| &plan.conditions[run.condition].name);
    let job = Job {
        spec: &plan.trainings[index],
        id: &id,
        results: &scratch.0,
        ready: &ready,
        device,
        threads,
        // Nobody goes on with this one.
        checkpoint_seconds: u32::MAX,
        name,
    };
    let network = match job.train(observer)? {
        Ended::Done(network) => network,
        Ended::Failed { reason, .. } => return Ok(Reproduced::Failed(reason)),
        Ended::Interrupted => return Ok(Reproduced::Interrupted),
    };
    let mut reproduction = Reproduction {
        training_id: id.to_string(),
        name: name.to_owned(),
        seed: job.spec.seed,
        seconds: 0.0,
        circumstances: circumstances(&stored, device, threads),
        same_network: false,
        epochs_differ: 0.0,
        answers: 0,
        answers_differ: 0,
        probabilities_differ: 0.0,
    };
    for (evaluation, occlusion) in evaluations {
        let before = results.evaluation_path(id.as_str(), evaluation.as_str())?;
        let before: Vec<PredictionRow> = match read_evaluation(&before) {
            Ok(rows) => rows,
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        match guarded(|| job.evaluate(&network, &evaluation, occlusion)) {
            Ok(stored) => stored?,
            Err(reason) => return Ok(Reproduced::Failed(format!("libtorch: {reason}"))),
        }
        let path = scratch.0.evaluation_path(id.as_str(), evaluation.as_str())?;
        reproduction.compare_answers(&before, &read_evaluation(&path)?);
    }
    let epochs = |results: &Results| results.epochs(id.as_str());
    reproduction.compare_epochs(&epochs(results)?, &epochs(&scratch.0)?);
    let model = |results: &Results| hash_file(&results.model_path(id.as_str())?);
    reproduction.same_network = model(results)? == model(&scratch.0)?;
    Ok(Reproduced::Done(Box::new(reproduction)))
}

impl Reproduction {
    fn compare_epochs(&mut self, before: &[EpochRow], after: &[EpochRow]) {
        if before.len() != after.len() {
            self.epochs_differ = f64::INFINITY;
        }
        self.seconds = after.iter().map(|epoch| epoch.seconds).sum();
        for (a, b) in before.iter().zip(after) {
            for (a, b) in [
                (a.train_loss, b.train_loss),
                (a.train_accuracy, b.train_accuracy),
                (a.val_loss, b.val_loss),
                (a.val_accuracy, b.val_accuracy),
            ] {
                self.epochs_differ = self.epochs_differ.max((a - b).abs());
            }
        }
    }

    fn compare_answers(&mut self, before: &[PredictionRow], after: &[PredictionRow]) {
        self.answers += after.len() as u64;
        self.answers_differ += before.len().abs_diff(after.len()) as u64;
        for (a, b) in before.iter().zip(after) {
            self.answers_differ += u64::from(a.predicted != b.predicted || a.image != b.image);
            for (a, b) in a.probabilities.iter().zip(&b.probabilities) {
                self.probabilities_differ =
                    self.probabilities_differ.max((f64::from(*a) - f64::from(*b)).abs());
            }
        }
    }
}

fn circumstances(stored: &Manifest, device: Device, threads: u32) -> Vec<Circumstance> {
    let git = |commit: Option<&str>| commit.unwrap_or("unknown").to_owned();
    let all = [
        ("fer-lab", stored.fer_lab.clone(), env!("CARGO_PKG_VERSION").to_owned()),
        ("commit", git(stored.git.as_deref()), git(option_env!("FER_LAB_GIT"))),
        ("numeric version", stored.numeric_version.to_string(), NUMERIC_VERSION.to_string()),
        ("libtorch", stored.libtorch.clone(), device::LIBTORCH_VERSION.to_owned()),
        ("device", stored.device.clone(), device::name(device)),
        ("threads", stored.threads.to_string(), threads.to_string()),
        ("host", stored.host.clone(), crate::store::host()),
    ];
    let different = all.into_iter().filter(|(_, then, now)| then != now);
    different.map(|(what, then, now)| Circumstance { what, then, now }).collect()
}

//! The work of a worker: a training, then its evaluations and the maps of its network.

use super::data::KeptData;
use super::guard::guarded;
use super::map;
use super::training::{Ended, Job, Subject};
use crate::dataset::DatasetError;
use crate::engine::{
    EngineError, Event, Observer, Outcome, Specification, has_evaluation, has_map, is_trained,
};
use crate::experiment::ModelSpec;
use crate::machine::device::check_environment;
use crate::plan::training_id;
use crate::store::Results;
use crate::train::device;

/// Evaluations that are computed together. An interruption loses these at most.
const AT_ONCE: usize = 8;

/// Runs what a specification asks for and is not stored yet.
///
/// The training is claimed first, so that no two processes run the same one; results stored by then are not computed
/// again. `kept` holds the data set of the training before, which no number depends on. After an [`Outcome::Failed`], or
/// a panic that was caught, libtorch may be in any state: the process should not run another.
///
/// # Errors
/// Errors that stop this and most other trainings: data that are missing or have changed, a missing device, a folder
/// that cannot be written. A training that fails is an [`Outcome`].
pub fn work(
    specification: &Specification,
    results: &Results,
    locks: bool,
    kept: &mut KeptData,
    observer: &mut dyn Observer,
) -> Result<Outcome, EngineError> {
    if observer.interrupted() {
        return Ok(Outcome::Interrupted);
    }
    let spec = specification.training()?;
    let id = &specification.training;
    let _claim = match locks {
        true => match results.claim(id.as_str())? {
            Some(claim) => Some(claim),
            None => return Ok(Outcome::Busy),
        },
        false => None,
    };
    results.sweep_training(id.as_str())?;
    // The training before may have had other settings.
    device::set_threads(specification.threads);
    let (device, no_gpu) = device::choose(specification.device)?;
    if let Some(reason) = no_gpu {
        observer.event(&Event::Warning { text: format!("{reason}; the CPU is used") });
    }
    check_environment()?;
    device::set_precision(spec.settings.train.precision, device)?;
    let ready = match kept.ready(&spec.settings.dataset, device, results, observer) {
        Err(DatasetError::Interrupted) => return Ok(Outcome::Interrupted),
        ready => ready?,
    };
    if training_id(&spec, Some(&ready.dataset.content)) != *id {
        return Err(EngineError::OtherTraining { id: id.clone() });
    }
    let mut job = Job {
        spec: &spec,
        id,
        results,
        starts: results,
        ready,
        device,
        threads: specification.threads,
        checkpoint_seconds: specification.checkpoint_seconds,
        name: &specification.name,
    };
    let there = is_trained(results, id, observer)?;
    let ended = match &spec.settings.model {
        ModelSpec::Onnx(network) => job.open(network, there, observer)?,
        _ if there => Ended::Done(Box::new(Subject::Trained(job.load()?))),
        _ => job.train(observer)?,
    };
    let network = match ended {
        Ended::Done(network) => network,
        Ended::Failed { reason, transient } => return Ok(Outcome::Failed { reason, transient }),
        Ended::Interrupted => return Ok(Outcome::Interrupted),
    };
    if !there {
        observer.event(&Event::Trained { training: id.clone() });
    }
    if !specification.evaluations.is_empty() || !specification.maps.is_empty() {
        observer.event(&Event::Evaluating {
            training: id.clone(),
            name: specification.name.clone(),
            seed: spec.seed,
            evaluations: specification.evaluations.len(),
        });
    }
    let mut failed = None;
    for evaluations in specification.evaluations.chunks(AT_ONCE) {
        if observer.interrupted() {
            return Ok(Outcome::Interrupted);
        }
        let mut open = Vec::new();
        for evaluation in evaluations {
            if !has_evaluation(results, id, &evaluation.id, observer)? {
                open.push((&evaluation.id, &evaluation.spec));
            }
        }
        let mut without = Vec::new();
        let go_on = || !observer.interrupted();
        if !open.is_empty()
            && let Ok(Ok(all)) = guarded(|| job.evaluate(&network, &open, &go_on))
        {
            if !all {
                return Ok(Outcome::Interrupted);
            }
            open.clear();
        }
        // One of them failed: which?
        for one in open {
            match guarded(|| job.evaluate(&network, &[one], &go_on)) {
                Ok(stored) => {
                    if !stored? {
                        return Ok(Outcome::Interrupted);
                    }
                }
                Err(reason) => {
                    failed = Some(format!("evaluation {}: {reason}", one.0));
                    without.push(one.0);
                }
            }
        }
        for evaluation in evaluations.iter().filter(|one| !without.contains(&&one.id)) {
            let (training, evaluation) = (id.clone(), evaluation.id.clone());
            observer.event(&Event::Evaluated { training, evaluation });
        }
    }
    for asked in &specification.maps {
        if !has_map(results, id, &asked.id, observer)? {
            match guarded(|| map::make(&job, &*network.inference(), asked, observer)) {
                Ok(made) => {
                    if !made? {
                        return Ok(Outcome::Interrupted);
                    }
                }
                Err(reason) => {
                    failed = Some(format!("sensitivity map {}: {reason}", asked.id));
                    continue;
                }
            }
        }
        observer.event(&Event::Mapped { training: id.clone(), map: asked.id.clone() });
    }
    Ok(match failed {
        Some(reason) => Outcome::Failed { reason, transient: true },
        None => Outcome::Done,
    })
}

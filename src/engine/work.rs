//! Training by training, evaluation by evaluation, until nothing is missing.

use tch::Device;

use super::data::{self, Ready};
use super::guard::guarded;
use super::training::{Ended, Job};
use super::{EngineError, Event, Observer, Work, collect};
use crate::dataset::Progress;
use crate::experiment::DatasetSpec;
use crate::plan::{Identified, source_content};
use crate::store::{EvaluationRecord, Manifest, StoreError, TrainingStatus};
use crate::train::device;

/// How the work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub trained: usize,
    pub evaluated: usize,
    /// Runs that have no numbers.
    pub failed_runs: usize,
    /// The tables were not written, and the next run goes on from here.
    pub interrupted: bool,
}

/// Does what is missing and writes the experiment's tables.
///
/// # Errors
/// What stops everything: data that cannot be read, a results folder that cannot be written, a device
/// that is not there. A training that fails is an [`Event::Failed`] and a run without numbers.
pub fn execute(work: &Work, observer: &mut dyn Observer) -> Result<Done, EngineError> {
    let mut data = Data::new(work, observer)?;
    let identified = work.plan.identify(&|spec| data.content(spec));
    let mut state = State::look(work, &identified, observer)?;
    observer.event(Event::Planned {
        trainings: state.trained.len(),
        trained: state.trained.iter().filter(|trained| **trained).count(),
        evaluations: state.evaluated.len(),
        evaluated: state.evaluated.iter().filter(|evaluated| **evaluated).count(),
    });
    let mut done = Done { trained: 0, evaluated: 0, failed_runs: 0, interrupted: false };
    for training in 0..work.plan.trainings.len() {
        if observer.interrupted() {
            done.interrupted = true;
            return Ok(done);
        }
        let open = state.open_evaluations(&identified, training);
        if state.trained[training] && open.is_empty() {
            continue;
        }
        let spec = &work.plan.trainings[training];
        let ready = data.ready(&spec.settings.dataset, observer)?;
        let job = Job {
            spec,
            id: &identified.trainings[training].id,
            results: work.results,
            ready,
            device: ready.device(),
            threads: work.threads,
            number: training + 1,
            name: work.name(training),
        };
        let network = if state.trained[training] {
            match job.load()? {
                Ok(network) => Some(network),
                Err(reason) => {
                    observer.event(Event::Failed {
                        name: job.name,
                        seed: spec.seed,
                        reason: &reason,
                    });
                    None
                }
            }
        } else {
            match job.train(observer)? {
                Ended::Done(network) => {
                    state.trained[training] = true;
                    done.trained += 1;
                    observer.event(Event::Trained { number: job.number });
                    Some(network)
                }
                Ended::Failed(reason) => {
                    observer.event(Event::Failed {
                        name: job.name,
                        seed: spec.seed,
                        reason: &reason,
                    });
                    None
                }
                Ended::Interrupted => {
                    done.interrupted = true;
                    return Ok(done);
                }
            }
        };
        let Some(network) = network else { continue };
        for run in open {
            let occlusion = work.plan.runs[run].evaluation.as_ref();
            let id = &identified.runs[run].evaluation;
            match guarded(|| job.evaluate(&network, id, occlusion)) {
                Ok(result) => {
                    result?;
                    state.evaluated[run] = true;
                    done.evaluated += 1;
                    observer.event(Event::Evaluated);
                }
                Err(reason) => {
                    let name = &work.plan.conditions[work.plan.runs[run].condition].name;
                    observer.event(Event::Failed { name, seed: spec.seed, reason: &reason });
                }
            }
        }
    }
    done.failed_runs = collect::tables(work, &identified)?;
    Ok(done)
}

/// Which parts of a plan are done.
struct State {
    /// By training.
    trained: Vec<bool>,
    /// By run.
    evaluated: Vec<bool>,
}

impl State {
    fn look(
        work: &Work,
        identified: &Identified,
        observer: &mut dyn Observer,
    ) -> Result<State, EngineError> {
        let mut trained = Vec::new();
        for training in &identified.trainings {
            let folder = work.results.training_dir(training.id.as_str())?;
            let manifest = Manifest::read(&work.results.manifest_path(training.id.as_str())?);
            let whole = manifest.and_then(|manifest| {
                manifest.check_files(&folder)?;
                Ok(manifest.status == TrainingStatus::Done)
            });
            trained.push(sound(whole, observer)?.unwrap_or(false));
        }
        let mut evaluated = Vec::new();
        for run in &identified.runs {
            let path =
                work.results.evaluation_path(run.training.as_str(), run.evaluation.as_str())?;
            let record = EvaluationRecord::read(&EvaluationRecord::path(&path));
            let whole = record.and_then(|record| record.check(&path));
            evaluated.push(sound(whole, observer)?.is_some());
        }
        Ok(State { trained, evaluated })
    }

    /// The runs of a training whose evaluation is missing, each evaluation once.
    fn open_evaluations(&self, identified: &Identified, training: usize) -> Vec<usize> {
        let mut seen = std::collections::BTreeSet::new();
        let id = &identified.trainings[training].id;
        let runs = identified.runs.iter().enumerate();
        runs.filter(|(run, identity)| identity.training == *id && !self.evaluated[*run])
            .filter(|(_, identity)| seen.insert(&identity.evaluation))
            .map(|(run, _)| run)
            .collect()
    }
}

/// `None` for what is not there, or is there and damaged, which is said.
fn sound<T>(
    found: Result<T, StoreError>,
    observer: &mut dyn Observer,
) -> Result<Option<T>, StoreError> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error @ StoreError::Damaged { .. }) => {
            observer.event(Event::Damaged(&error));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The data sets of an experiment. One at a time is on the device: a plan goes through them in order.
struct Data<'a> {
    work: &'a Work<'a>,
    device: Device,
    /// Read to learn their content, by data set.
    contents: Vec<(DatasetSpec, String)>,
    ready: Option<Ready>,
}

impl<'a> Data<'a> {
    fn new(work: &'a Work<'a>, observer: &mut dyn Observer) -> Result<Data<'a>, EngineError> {
        let choice = work.experiment.settings.train.device;
        let (device, no_gpu) = device::choose(choice)?;
        if let Some(reason) = &no_gpu {
            observer.event(Event::NoGpu(reason));
        }
        let mut data = Data { work, device, contents: Vec::new(), ready: None };
        for training in &work.plan.trainings {
            let spec = &training.settings.dataset;
            let known = data.contents.iter().any(|(known, _)| known == spec);
            if known || source_content(spec).is_some() {
                continue;
            }
            let content = data.ready(spec, observer)?.dataset.content.clone();
            data.contents.push((spec.clone(), content));
        }
        Ok(data)
    }

    fn content(&self, spec: &DatasetSpec) -> Option<String> {
        let known = self.contents.iter().find(|(known, _)| known == spec);
        known.map(|(_, content)| content.clone())
    }

    fn ready(
        &mut self,
        spec: &DatasetSpec,
        observer: &mut dyn Observer,
    ) -> Result<&Ready, EngineError> {
        if self.ready.as_ref().is_none_or(|ready| ready.spec != *spec) {
            self.ready = None;
            let observer = std::cell::RefCell::new(observer);
            let progress = |progress: Progress| observer.borrow_mut().event(Event::Data(progress));
            let dataset = data::load(spec, self.work.results, &progress)?;
            self.ready = Some(Ready::new(spec.clone(), dataset, self.device));
        }
        Ok(self.ready.as_ref().expect("it was just made"))
    }
}

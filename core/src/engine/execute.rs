//! From a plan to its tables.

use std::time::{SystemTime, UNIX_EPOCH};

use super::error::EngineError;
use super::event::Observer;
use super::specification::Specification;
use super::state::State;
use super::supervisor::Supervisor;
use super::work::Work;
use super::{collect, data, name, reach};
use crate::experiment::DatasetSpec;
use crate::machine::device;
use crate::plan::{Identified, source_content};
use crate::store::{Live, Session, StoreError, host};

/// How the work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    pub trained: usize,
    pub evaluated: usize,
    /// Runs that have no numbers, and maps that are missing.
    pub failed_runs: usize,
    /// The next run goes on from here. Where trainings were interrupted, the tables hold what is done; else
    /// they are those of the run before.
    pub interrupted: bool,
}

/// Does what is missing and writes the experiment's tables.
///
/// # Errors
/// What stops everything: data that cannot be read, a results folder that cannot be written, a device
/// that is not there. A training that fails is an [`Event::Failed`](super::event::Event::Failed) and a run
/// without numbers.
pub fn execute(work: &Work, observer: &mut dyn Observer) -> Result<Done, EngineError> {
    for choice in &work.resources.devices {
        device::check(*choice, work.resources.asked_by)?;
        for training in &work.plan.trainings {
            device::check_precision(training.settings.train.precision, *choice)?;
        }
    }
    if work.locks {
        work.results.check_locks()?;
    }
    let mut done = Done::default();
    match carry_out(work, observer, &mut done) {
        // While it was found out what is done, or while the tables of what is done were written.
        Err(error) if error.is_interruption() => done.interrupted = true,
        carried => carried?,
    }
    Ok(done)
}

fn carry_out(work: &Work, observer: &mut dyn Observer, done: &mut Done) -> Result<(), EngineError> {
    let identified = identify(work, observer)?;
    // Others are to know of it before they look whether the name is taken. Without locks nobody could tell
    // whether this run still lives, so that it is not announced.
    let session = match work.locks {
        true => Some(Session::begin(work.results)?),
        false => None,
    };
    if let Some(session) = &session {
        session.tell(&preparing(work));
    }
    let state = State::look(work, &identified, observer)?;
    match ready_data(work, &identified, &state, observer) {
        // The supervisor sees it too and starts nothing, and what is done is collected.
        Err(error) if error.is_interruption() => {}
        ready => ready?,
    }
    announce(work, &identified, observer)?;
    let carried =
        Supervisor::new(work, &identified, state, session.as_ref(), observer).carry_out()?;
    done.trained = carried.trained;
    done.evaluated = carried.evaluated;
    done.interrupted = carried.interrupted;
    let _held = match work.locks {
        true => Some(work.results.hold_experiment(&work.experiment.name)?),
        false => None,
    };
    name::still_own(work, &identified)?;
    done.failed_runs = collect::tables(work, &identified, carried.interrupted, observer)?;
    Ok(())
}

/// Takes the experiment's folder, and says what lies there from now on.
fn announce(
    work: &Work,
    identified: &Identified,
    observer: &mut dyn Observer,
) -> Result<(), EngineError> {
    let held = work.locks.then(|| work.results.hold_experiment(&work.experiment.name));
    let _held = match held {
        // A run says so before; to plan for a scheduler no locks are needed.
        None | Some(Err(StoreError::NoLocks { .. })) => None,
        Some(held) => Some(held?),
    };
    name::take(work, identified, observer)?;
    collect::announce(work, identified)
}

/// The state of a run before its first training.
fn preparing(work: &Work) -> Live {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Live {
        experiment: work.experiment.name.clone(),
        host: host(),
        pid: std::process::id(),
        started: now,
        updated: now,
        jobs: work.resources.jobs(),
        threads: work.resources.threads,
        trainings: work.plan.trainings.len(),
        trained: 0,
        evaluations: work.plan.runs.len(),
        evaluated: 0,
        failed: 0,
        seconds_left: None,
        workers: Vec::new(),
    }
}

/// A specification for each training that is open, for workers that others start.
///
/// # Errors
/// As [`execute`], but for what the trainings themselves meet.
pub fn specifications(
    work: &Work,
    observer: &mut dyn Observer,
) -> Result<Vec<Specification>, EngineError> {
    let identified = identify(work, observer)?;
    let state = State::look(work, &identified, observer)?;
    ready_data(work, &identified, &state, observer)?;
    announce(work, &identified, observer)?;
    let open = (0..work.plan.trainings.len())
        .filter(|training| state.is_open(work, &identified, *training))
        .map(|training| {
            let runs = state.open_runs(work, &identified, training);
            let maps = state.open_maps(training);
            let device = work.resources.devices[training % work.resources.devices.len()];
            Specification::new(work, &identified, training, &runs, maps, device)
        });
    Ok(open.collect())
}

/// The ids of all that is planned; data on disk are read for it, where it is not known what they hold.
pub(super) fn identify(
    work: &Work,
    observer: &mut dyn Observer,
) -> Result<Identified, EngineError> {
    let mut contents: Vec<(&DatasetSpec, String)> = Vec::new();
    for training in &work.plan.trainings {
        let spec = &training.settings.dataset;
        let known = contents.iter().any(|(known, _)| *known == spec);
        if !known && source_content(spec).is_none() {
            let dataset = data::load_with_progress(spec, work.results, observer)?;
            contents.push((spec, dataset.content));
        }
    }
    let content = |spec: &DatasetSpec| {
        let known = contents.iter().find(|(known, _)| *known == spec);
        known.map(|(_, content)| content.clone())
    };
    Ok(work.plan.identify(&content))
}

/// Puts the drawn faces that open trainings need into the cache, so that no two workers draw the same.
/// Where regions lie differently from picture to picture, whatever covers none of their pixels is known
/// then, before hours are spent.
fn ready_data(
    work: &Work,
    identified: &Identified,
    state: &State,
    observer: &mut dyn Observer,
) -> Result<(), EngineError> {
    let mut ready: Vec<&DatasetSpec> = Vec::new();
    for (index, training) in work.plan.trainings.iter().enumerate() {
        let spec = &training.settings.dataset;
        let wanted = source_content(spec).is_some() || spec.places_regions();
        if wanted && state.is_open(work, identified, index) && !ready.contains(&spec) {
            let dataset = data::load_with_progress(spec, work.results, observer)?;
            if spec.places_regions() {
                reach::check(&work.plan.parts, &dataset, observer)?;
            }
            ready.push(spec);
        }
    }
    Ok(())
}

//! From a plan to its tables.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use super::audience::Audience;
use super::error::EngineError;
use super::event::{Event, Observer};
use super::specification::Specification;
use super::state::State;
use super::supervisor::Supervisor;
use super::watcher::Watcher;
use super::work::Work;
use super::{collect, data, name, reach};
use crate::dataset::{Doubt, doubts};
use crate::experiment::DatasetSpec;
use crate::machine::device;
use crate::plan::{Identified, source_content};
use crate::store::{Live, Session, StoreError, host};

/// How the work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    pub trained: usize,
    pub evaluated: usize,
    /// Runs without results, and missing maps.
    pub failed_runs: usize,
    /// The next run resumes from here. If trainings were interrupted, the tables hold the finished ones; otherwise
    /// they are those of the previous run.
    pub interrupted: bool,
    /// By `fer-lab cancel`, or by Slurm's own means: its jobs do not go on.
    pub cancelled: bool,
}

/// What is doubtful about each data set on disk.
pub(super) type DataDoubts<'a> = Vec<(&'a DatasetSpec, Vec<Doubt>)>;

/// Does what is missing and writes the experiment's tables.
///
/// # Errors
/// Errors that stop the run: data that cannot be read, a results folder that cannot be written, a missing
/// device. A training that fails is an [`Event::Failed`](super::event::Event::Failed) and a run
/// without numbers.
pub fn execute(work: &Work, observer: &mut dyn Observer) -> Result<Done, EngineError> {
    for choice in &work.resources.devices {
        // Slurm's machines have other devices than this one.
        if work.slurm.is_none() {
            device::check(*choice, work.resources.asked_by)?;
        }
        for training in &work.plan.trainings {
            device::check_precision(training.settings.train.precision, *choice)?;
        }
    }
    if work.locks {
        work.results.check_locks()?;
    }
    let mut done = Done::default();
    match carry_out(work, observer, &mut done) {
        // Interrupted while the stored results were checked, or while the tables were written.
        Err(error) if error.is_interruption() => done.interrupted = true,
        carried => carried?,
    }
    Ok(done)
}

fn carry_out(work: &Work, observer: &mut dyn Observer, done: &mut Done) -> Result<(), EngineError> {
    let (identified, doubts) = identify(work, observer)?;
    for doubt in doubts.iter().flat_map(|(_, doubts)| doubts) {
        observer.event(&Event::Warning { text: doubt.to_string() });
    }
    // Other runs must see it before they check whether the name is taken. Without locks nobody could tell
    // whether this run is still alive, so it is not announced.
    let session = match work.locks {
        true => Some(Session::begin(work.results)?),
        false => None,
    };
    if let Some(session) = &session {
        session.publish(&preparing(work));
    }
    let state = State::read(work, &identified, observer)?;
    match ready_data(work, &state, observer) {
        // The supervisor sees the interruption too and starts nothing; finished work is collected.
        Err(error) if error.is_interruption() => {}
        ready => ready?,
    }
    let own = name::results_of(&identified, &state);
    announce(work, &identified, &own, observer)?;
    let audience = Audience::new(work, &identified, session.as_ref(), observer);
    let carried = match &work.slurm {
        None => Supervisor::new(work, &identified, state, audience).carry_out()?,
        Some(settings) => Watcher::new(work, settings, &identified, state, audience).carry_out()?,
    };
    done.trained = carried.trained;
    done.evaluated = carried.evaluated;
    done.interrupted = carried.interrupted;
    done.cancelled = carried.cancelled;
    let _held = match work.locks {
        true => Some(work.results.hold_experiment(&work.experiment.name)?),
        false => None,
    };
    name::still_own(work, &own)?;
    let collected = collect::tables(work, &identified, &doubts, carried.interrupted, observer)?;
    done.failed_runs = collected.missing;
    if collected.kinds.len() > 1 {
        let kinds: Vec<String> = collected.kinds.into_iter().collect();
        let text = format!(
            "its evaluations were computed on {} kinds of machine ({}), whose last bits differ",
            kinds.len(),
            kinds.join("; ")
        );
        observer.event(&Event::Warning { text });
    }
    Ok(())
}

/// Takes over the experiment's folder, and writes its plan there.
fn announce(
    work: &Work,
    identified: &Identified,
    own: &BTreeSet<String>,
    observer: &mut dyn Observer,
) -> Result<(), EngineError> {
    let held = work.locks.then(|| work.results.hold_experiment(&work.experiment.name));
    let _held = match held {
        // A run checks locks before; planning for a scheduler needs none.
        None | Some(Err(StoreError::NoLocks { .. })) => None,
        Some(held) => Some(held?),
    };
    name::take(work, own, observer)?;
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
        queue: None,
        workers: Vec::new(),
    }
}

/// A specification for each open training, for workers that a scheduler starts.
///
/// # Errors
/// As [`execute`], except those of the trainings themselves.
pub fn specifications(
    work: &Work,
    observer: &mut dyn Observer,
) -> Result<Vec<Specification>, EngineError> {
    let (identified, _) = identify(work, observer)?;
    let state = State::read(work, &identified, observer)?;
    ready_data(work, &state, observer)?;
    announce(work, &identified, &name::results_of(&identified, &state), observer)?;
    let open = (0..work.plan.trainings.len())
        .filter(|training| state.is_open(work, *training))
        .map(|training| {
            let runs = state.open_runs(work, &identified, training);
            let maps = state.open_maps(training);
            let device = work.resources.devices[training % work.resources.devices.len()];
            Specification::new(work, &identified, training, &runs, maps, device)
        });
    Ok(open.collect())
}

/// The ids of everything planned, and what is doubtful about each data set; data on disk are read if they are not cached.
fn identify<'a>(
    work: &'a Work,
    observer: &mut dyn Observer,
) -> Result<(Identified, DataDoubts<'a>), EngineError> {
    let mut contents: Vec<(&DatasetSpec, String)> = Vec::new();
    let mut doubtful = Vec::new();
    for training in &work.plan.trainings {
        let spec = &training.settings.dataset;
        let known = contents.iter().any(|(known, _)| *known == spec);
        if !known && source_content(spec).is_none() {
            let dataset = data::load_with_progress(spec, work.results, observer)?;
            doubtful.push((spec, doubts(spec, &dataset)));
            contents.push((spec, dataset.content));
        }
    }
    let content = |spec: &DatasetSpec| {
        let known = contents.iter().find(|(known, _)| *known == spec);
        known.map(|(_, content)| content.clone())
    };
    Ok((work.plan.identify(&content), doubtful))
}

/// Fills the cache with the data that open trainings need, so that no two workers draw or decode the same. Where the place of regions differs between images, regions without pixels are found here, before
/// the first training.
fn ready_data(work: &Work, state: &State, observer: &mut dyn Observer) -> Result<(), EngineError> {
    let mut ready: Vec<&DatasetSpec> = Vec::new();
    for (index, training) in work.plan.trainings.iter().enumerate() {
        let spec = &training.settings.dataset;
        if state.is_open(work, index) && !ready.contains(&spec) {
            let dataset = data::load_with_progress(spec, work.results, observer)?;
            if spec.places_regions() {
                reach::check(&work.plan.parts, &dataset, observer)?;
            }
            ready.push(spec);
        }
    }
    Ok(())
}

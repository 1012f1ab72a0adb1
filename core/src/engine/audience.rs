//! Who follows a run: the observer of this process, and whoever reads the status file.

use std::time::{Duration, Instant};

use super::event::{Event, Observer};
use super::run_progress::RunProgress;
use super::state::State;
use super::work::Work;
use crate::plan::{Identified, TrainingId};
use crate::store::Session;

/// The interval between updates of the status file.
const TELL: Duration = Duration::from_secs(1);

/// Those who follow a run, whatever does its work.
pub(super) struct Audience<'a, 'o> {
    work: &'a Work<'a>,
    identified: &'a Identified,
    pub observer: &'o mut dyn Observer,
    session: Option<&'a Session>,
    progress: RunProgress,
    told: Instant,
}

impl<'a, 'o> Audience<'a, 'o> {
    pub fn new(
        work: &'a Work<'a>,
        identified: &'a Identified,
        session: Option<&'a Session>,
        observer: &'o mut dyn Observer,
    ) -> Audience<'a, 'o> {
        let (progress, told) = (RunProgress::default(), Instant::now());
        Audience { work, identified, observer, session, progress, told }
    }

    pub fn interrupted(&self) -> bool {
        self.observer.interrupted()
    }

    pub fn emit(&mut self, event: Event) {
        self.progress.take(&event);
        self.observer.event(&event);
    }

    /// Tells what there is to do before anything is begun; `jobs` at once, as far as that is known.
    pub fn planned(&mut self, state: &State, jobs: u32) {
        let (evaluations, evaluated) = state.evaluation_counts();
        self.emit(Event::Planned {
            experiment: self.work.experiment.name.clone(),
            trainings: state.trained.len(),
            trained: state.trained.iter().filter(|done| **done).count(),
            evaluations,
            evaluated,
            jobs,
            threads: self.work.resources.threads,
        });
    }

    /// Tells that a training failed, and whether it is tried `again`.
    pub fn failed(&mut self, training: usize, reason: String, again: bool) {
        let (training, name, seed) = self.describe(training);
        self.emit(Event::Failed { training, name, seed, reason, again });
    }

    /// A training's id, its name and its seed.
    pub fn describe(&self, training: usize) -> (TrainingId, String, u64) {
        let id = self.identified.trainings[training].id.clone();
        (id, self.work.name(training).to_owned(), self.work.plan.trainings[training].seed)
    }

    /// Writes the status file, if it is time to.
    pub fn keep_posted(&mut self) {
        if self.told.elapsed() < TELL {
            return;
        }
        self.told = Instant::now();
        if let Some(session) = self.session {
            session.publish(&self.progress.live());
        }
    }
}

/// Why a training failed that was to start from the network of another, `id`, which failed.
pub(super) fn start_failed(id: &TrainingId) -> String {
    format!("training {id}, whose network it starts from, failed")
}

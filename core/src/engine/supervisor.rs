//! Workers, a slot each, until nothing is missing.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::error::EngineError;
use super::event::{Event, Observer, Outcome};
use super::manifest::write_failure;
use super::process::{Message, Worker, exit_reason};
use super::run_progress::RunProgress;
use super::sensitivity::SensitivityMap;
use super::specification::Specification;
use super::state::State;
use super::work::Work;
use crate::plan::{EvaluationId, Identified};
use crate::store::Session;

/// Between two looks at what the outside may have changed: an interruption, a claim.
const LOOK: Duration = Duration::from_millis(100);
/// Between two words to those who watch from outside.
const TELL: Duration = Duration::from_secs(1);
/// Between two looks at a training that another run is at.
const ELSEWHERE: Duration = Duration::from_millis(500);

/// How a plan was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Carried {
    pub trained: usize,
    pub evaluated: usize,
    pub interrupted: bool,
}

/// Carries out what of a plan is open.
pub(super) struct Supervisor<'a, 'o> {
    work: &'a Work<'a>,
    identified: &'a Identified,
    state: State,
    observer: &'o mut dyn Observer,
    session: Option<&'a Session>,
    progress: RunProgress,
    told: Instant,
    /// Trainings to be started, in the order of the plan.
    queue: VecDeque<usize>,
    /// Trainings that other runs are at.
    elsewhere: Vec<usize>,
    looked_elsewhere: Instant,
    slots: Vec<Option<Running>>,
    sender: Sender<(usize, Message)>,
    said: Receiver<(usize, Message)>,
    /// Failures so far, by training.
    failures: Vec<u32>,
    carried: Carried,
    stopping: bool,
    /// What ends everything once all workers have left.
    fatal: Option<EngineError>,
}

/// A worker in its slot.
struct Running {
    worker: Worker,
    /// What it is at; nothing between two trainings, and once it is told that there is no other.
    training: Option<usize>,
    /// Its last word on it, where that is the worker's last of all.
    outcome: Option<Outcome>,
}

impl Running {
    /// Whether it can be given a training.
    fn is_free(&self) -> bool {
        self.training.is_none() && !self.worker.is_closed()
    }
}

impl<'a, 'o> Supervisor<'a, 'o> {
    pub fn new(
        work: &'a Work<'a>,
        identified: &'a Identified,
        state: State,
        session: Option<&'a Session>,
        observer: &'o mut dyn Observer,
    ) -> Supervisor<'a, 'o> {
        let trainings = 0..work.plan.trainings.len();
        let (sender, said) = mpsc::channel();
        let queue = trainings.filter(|index| state.is_open(work, identified, *index)).collect();
        Supervisor {
            work,
            identified,
            state,
            observer,
            session,
            progress: RunProgress::default(),
            told: Instant::now(),
            queue,
            elsewhere: Vec::new(),
            looked_elsewhere: Instant::now(),
            slots: (0..work.resources.jobs()).map(|_| None).collect(),
            sender,
            said,
            failures: vec![0; work.plan.trainings.len()],
            carried: Carried::default(),
            stopping: false,
            fatal: None,
        }
    }

    /// # Errors
    /// What keeps every training from being done; workers have left by then.
    pub fn carry_out(mut self) -> Result<Carried, EngineError> {
        let count = |done: &[bool]| done.iter().filter(|done| **done).count();
        let (evaluations, evaluated) = self.state.evaluation_counts();
        self.tell(Event::Planned {
            experiment: self.work.experiment.name.clone(),
            trainings: self.state.trained.len(),
            trained: count(&self.state.trained),
            evaluations,
            evaluated,
            jobs: self.work.resources.jobs(),
            threads: self.work.resources.threads,
        });
        loop {
            if self.observer.interrupted() && !self.stopping {
                self.carried.interrupted = true;
                self.stop();
            }
            if !self.stopping {
                self.look_elsewhere()?;
                self.fill_slots()?;
            }
            let idle = self.slots.iter().all(Option::is_none);
            if idle && (self.stopping || self.queue.is_empty() && self.elsewhere.is_empty()) {
                break;
            }
            match self.said.recv_timeout(LOOK) {
                Ok((slot, Message::Event(event))) => self.hear(slot, *event),
                Ok((slot, Message::Closed)) => self.clear_slot(slot)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("this holds a sender"),
            }
            if self.told.elapsed() >= TELL {
                self.tell_outside();
            }
        }
        match self.fatal {
            Some(error) => Err(error),
            None => Ok(self.carried),
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        for running in self.slots.iter_mut().flatten() {
            running.worker.stop();
        }
    }

    /// Gives every slot that is free a training. A worker for whom there is none leaves: what it holds of
    /// the memory is not held for what may never come.
    fn fill_slots(&mut self) -> Result<(), EngineError> {
        for slot in 0..self.slots.len() {
            while self.slots[slot].as_ref().is_none_or(Running::is_free) {
                let Some(training) = self.queue.pop_front() else {
                    if let Some(running) = &mut self.slots[slot] {
                        running.worker.close();
                    }
                    break;
                };
                if self.is_claimed(training)? {
                    let (training_id, name, seed) = self.describe(training);
                    self.tell(Event::Elsewhere { training: training_id, name, seed });
                    self.elsewhere.push(training);
                    continue;
                }
                self.start(slot, training)?;
            }
        }
        Ok(())
    }

    /// Gives a training to the worker of a slot, or to a new one where it has none.
    fn start(&mut self, slot: usize, training: usize) -> Result<(), EngineError> {
        let Work { results, locks, ref program, ref resources, .. } = *self.work;
        let runs = self.state.open_runs(self.work, self.identified, training);
        let maps = self.state.open_maps(training);
        let device = resources.devices[slot];
        let specification =
            Specification::new(self.work, self.identified, training, &runs, maps, device);
        match &mut self.slots[slot] {
            Some(Running { worker, training: at, .. }) => {
                if worker.send(&specification) {
                    *at = Some(training);
                } else {
                    // It ended between two trainings; once its slot is cleared, there is another.
                    worker.close();
                    self.queue.push_front(training);
                }
            }
            empty => {
                let said = self.sender.clone();
                let worker = Worker::start(program, results, locks, &specification, slot, said)?;
                *empty = Some(Running { worker, training: Some(training), outcome: None });
            }
        }
        Ok(())
    }

    /// Takes up trainings that other runs have left or finished.
    fn look_elsewhere(&mut self) -> Result<(), EngineError> {
        if self.elsewhere.is_empty() || self.looked_elsewhere.elapsed() < ELSEWHERE {
            return Ok(());
        }
        self.looked_elsewhere = Instant::now();
        for training in std::mem::take(&mut self.elsewhere) {
            if self.is_claimed(training)? {
                self.elsewhere.push(training);
                continue;
            }
            let before = self.state.open_runs(self.work, self.identified, training);
            let open_maps = self.state.open_maps(training);
            let trained_before = self.state.trained[training];
            self.state.look_again(self.work, self.identified, training, self.observer)?;
            let id = &self.identified.trainings[training].id;
            if self.state.trained[training] && !trained_before {
                self.tell(Event::Trained { training: id.clone() });
            }
            for run in before {
                if !self.state.evaluated[run] {
                    continue;
                }
                let evaluation = self.identified.runs[run].evaluation.clone();
                self.tell(Event::Evaluated { training: id.clone(), evaluation });
            }
            let still_open = self.state.open_maps(training);
            for SensitivityMap { id: map, .. } in open_maps {
                if still_open.iter().all(|open| open.id != map) {
                    self.tell(Event::Mapped { training: id.clone(), map });
                }
            }
            if self.state.is_open(self.work, self.identified, training) {
                self.queue.push_back(training);
            }
        }
        Ok(())
    }

    fn is_claimed(&self, training: usize) -> Result<bool, EngineError> {
        if !self.work.locks {
            return Ok(false);
        }
        let id = &self.identified.trainings[training].id;
        Ok(self.work.results.is_claimed(id.as_str())?)
    }

    /// Takes in what a worker says.
    fn hear(&mut self, slot: usize, event: Event) {
        let Some(running) = &mut self.slots[slot] else { return };
        let Some(training) = running.training else { return };
        match event {
            Event::Ended { outcome: Outcome::Done, .. } => running.training = None,
            Event::Ended { outcome: Outcome::Busy, .. } => {
                running.training = None;
                self.elsewhere.push(training);
            }
            Event::Ended { ref outcome, .. } => running.outcome = Some(outcome.clone()),
            Event::Trained { .. } => {
                self.state.trained[training] = true;
                self.carried.trained += 1;
            }
            Event::Evaluated { ref evaluation, .. } => self.count_evaluated(evaluation),
            Event::Mapped { ref map, .. } => {
                self.state.has_mapped(training, map);
                self.carried.evaluated += 1;
            }
            _ => {}
        }
        self.tell(event);
    }

    fn count_evaluated(&mut self, evaluation: &EvaluationId) {
        self.carried.evaluated += 1;
        self.state.has_evaluated(self.identified, evaluation);
    }

    /// Waits for the end of a worker and decides what becomes of the training that it was at.
    fn clear_slot(&mut self, slot: usize) -> Result<(), EngineError> {
        let Some(mut running) = self.slots[slot].take() else { return Ok(()) };
        let status = running.worker.wait();
        let Some(training) = running.training else { return Ok(()) };
        match running.outcome {
            // With these the training is no longer its own.
            Some(Outcome::Done | Outcome::Busy) => {}
            Some(Outcome::Failed { reason, transient }) => self.fail(training, reason, transient),
            Some(Outcome::Stopped { reason, storing }) => {
                self.fatal.get_or_insert(EngineError::Worker { reason, storing });
                self.stop();
            }
            // A worker that was told to stop, or that the signal which ends this run ended too, has not failed.
            Some(Outcome::Interrupted) | None if self.stopping || self.observer.interrupted() => {}
            Some(Outcome::Interrupted) => {
                self.fail(training, "its process was told to end".to_owned(), true);
            }
            None => {
                let reason = match status {
                    Ok(status) => exit_reason(status),
                    Err(error) => format!("its process cannot be waited for: {error}"),
                };
                write_failure(self.work, self.identified, training, &reason)?;
                self.fail(training, reason, true);
            }
        }
        Ok(())
    }

    fn fail(&mut self, training: usize, reason: String, transient: bool) {
        self.failures[training] += 1;
        let again = transient && self.failures[training] <= self.work.retries && !self.stopping;
        let (training_id, name, seed) = self.describe(training);
        self.tell(Event::Failed { training: training_id, name, seed, reason, again });
        if again {
            self.queue.push_front(training);
        } else if self.work.fail_fast {
            self.stop();
        }
    }

    fn describe(&self, training: usize) -> (crate::plan::TrainingId, String, u64) {
        let id = self.identified.trainings[training].id.clone();
        (id, self.work.name(training).to_owned(), self.work.plan.trainings[training].seed)
    }

    fn tell(&mut self, event: Event) {
        self.progress.take(&event);
        self.observer.event(&event);
    }

    fn tell_outside(&mut self) {
        self.told = Instant::now();
        if let Some(session) = self.session {
            session.tell(&self.progress.live());
        }
    }
}

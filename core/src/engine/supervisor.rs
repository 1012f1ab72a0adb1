//! Schedules trainings on workers, one per slot, until nothing is missing.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::audience::{Audience, start_failed};
use super::error::EngineError;
use super::event::{Event, Outcome};
use super::manifest::write_failure;
use super::process::{Message, Worker, exit_reason};
use super::specification::Specification;
use super::state::State;
use super::work::Work;
use crate::plan::{EvaluationId, Identified};

/// The poll interval for interruptions and for locks of other runs.
const LOOK: Duration = Duration::from_millis(100);
/// The poll interval for a training that another run has claimed.
const ELSEWHERE: Duration = Duration::from_millis(500);

/// The result of executing a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Carried {
    pub trained: usize,
    pub evaluated: usize,
    pub interrupted: bool,
    /// The jobs in a scheduler were cancelled.
    pub cancelled: bool,
}

/// Executes the open parts of a plan.
pub(super) struct Supervisor<'a, 'o> {
    work: &'a Work<'a>,
    identified: &'a Identified,
    state: State,
    audience: Audience<'a, 'o>,
    /// Trainings to be started, in the order of the plan.
    queue: VecDeque<usize>,
    /// Trainings that other runs have claimed.
    elsewhere: Vec<usize>,
    looked_elsewhere: Instant,
    slots: Vec<Option<Running>>,
    sender: Sender<(usize, Message)>,
    said: Receiver<(usize, Message)>,
    /// Failures so far, by training.
    failures: Vec<u32>,
    carried: Carried,
    stopping: bool,
    /// The error to return once all workers have exited.
    fatal: Option<EngineError>,
}

/// A worker in its slot.
struct Running {
    worker: Worker,
    /// Its current training; none between two trainings and after its input was closed.
    training: Option<usize>,
    /// Its final event, if the worker exits after it.
    outcome: Option<Outcome>,
    /// Whether it has taken its current training: the first, or one that it has said anything of.
    begun: bool,
    /// When it was heard last, whether it was told since then that it is silent, and whether it was ended for that.
    heard: Instant,
    told_silent: bool,
    ended_silent: bool,
}

impl Running {
    /// Whether it can take a training.
    fn is_free(&self) -> bool {
        self.training.is_none() && !self.worker.is_closed()
    }
}

impl<'a, 'o> Supervisor<'a, 'o> {
    pub fn new(
        work: &'a Work<'a>,
        identified: &'a Identified,
        state: State,
        audience: Audience<'a, 'o>,
    ) -> Supervisor<'a, 'o> {
        let trainings = 0..work.plan.trainings.len();
        let (sender, said) = mpsc::channel();
        let queue = trainings.filter(|index| state.is_open(work, *index)).collect();
        Supervisor {
            work,
            identified,
            state,
            audience,
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
    /// Errors that stop every training; workers have exited by then.
    pub fn carry_out(mut self) -> Result<Carried, EngineError> {
        self.audience.planned(&self.state, self.work.resources.jobs());
        loop {
            if self.audience.interrupted() && !self.stopping {
                self.carried.interrupted = true;
                self.stop();
            }
            if !self.stopping {
                self.poll_claimed()?;
                self.fill_slots()?;
            }
            self.look_for_silence();
            let idle = self.slots.iter().all(Option::is_none);
            if idle && (self.stopping || self.queue.is_empty() && self.elsewhere.is_empty()) {
                break;
            }
            match self.said.recv_timeout(LOOK) {
                Ok((slot, Message::Event(event))) => self.handle(slot, *event),
                Ok((slot, Message::Closed)) => self.clear_slot(slot)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("this holds a sender"),
            }
            self.audience.keep_posted();
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

    /// Gives every free slot a training. A worker without one exits, to release its memory.
    fn fill_slots(&mut self) -> Result<(), EngineError> {
        for slot in 0..self.slots.len() {
            while self.slots[slot].as_ref().is_none_or(Running::is_free) {
                let Some(training) = self.next() else {
                    // A worker waits for trainings that cannot start yet: one of its kind is at what they wait for.
                    if let Some(running) = &mut self.slots[slot]
                        && self.queue.is_empty()
                    {
                        running.worker.close();
                    }
                    break;
                };
                if self.is_claimed(training)? {
                    let (training_id, name, seed) = self.audience.describe(training);
                    self.audience.emit(Event::Elsewhere { training: training_id, name, seed });
                    self.elsewhere.push(training);
                    continue;
                }
                self.start(slot, training)?;
            }
        }
        Ok(())
    }

    /// The first training of the queue that can start: the network that it starts from is there.
    fn next(&mut self) -> Option<usize> {
        let ready = |training: &usize| {
            self.work.plan.starts[*training].is_none_or(|start| self.state.trained[start])
        };
        let place = self.queue.iter().position(ready)?;
        self.queue.remove(place)
    }

    /// Gives a training to the worker of a slot, or to a new one if it has none.
    fn start(&mut self, slot: usize, training: usize) -> Result<(), EngineError> {
        let Work { results, locks, ref program, ref resources, .. } = *self.work;
        let runs = self.state.open_runs(self.work, self.identified, training);
        let maps = self.state.open_maps(training);
        let device = resources.devices[slot];
        let specification =
            Specification::new(self.work, self.identified, training, &runs, maps, device);
        match &mut self.slots[slot] {
            Some(Running { worker, training: at, heard, told_silent, begun, .. }) => {
                if worker.send(&specification) {
                    (*at, *begun) = (Some(training), false);
                    (*heard, *told_silent) = (Instant::now(), false);
                } else {
                    // It exited between two trainings; once its slot is cleared, a new one starts.
                    worker.close();
                    self.queue.push_front(training);
                }
            }
            empty => {
                let said = self.sender.clone();
                let worker = Worker::start(program, results, locks, &specification, slot, said)?;
                *empty = Some(Running {
                    worker,
                    training: Some(training),
                    outcome: None,
                    begun: true,
                    heard: Instant::now(),
                    told_silent: false,
                    ended_silent: false,
                });
            }
        }
        Ok(())
    }

    /// Takes over trainings that other runs have released or finished.
    fn poll_claimed(&mut self) -> Result<(), EngineError> {
        if self.elsewhere.is_empty() || self.looked_elsewhere.elapsed() < ELSEWHERE {
            return Ok(());
        }
        self.looked_elsewhere = Instant::now();
        for training in std::mem::take(&mut self.elsewhere) {
            if self.is_claimed(training)? {
                self.elsewhere.push(training);
                continue;
            }
            let news =
                self.state.news(self.work, self.identified, training, self.audience.observer)?;
            news.into_iter().for_each(|event| self.audience.emit(event));
            if self.state.is_open(self.work, training) {
                self.queue.push_back(training);
            }
        }
        Ok(())
    }

    fn is_claimed(&self, training: usize) -> Result<bool, EngineError> {
        self.work.is_claimed(&self.identified.trainings[training].id)
    }

    /// Handles a worker's event.
    fn handle(&mut self, slot: usize, event: Event) {
        let Some(running) = &mut self.slots[slot] else { return };
        let Some(training) = running.training else { return };
        (running.heard, running.told_silent, running.begun) = (Instant::now(), false, true);
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
            Event::Evaluated { ref evaluation, .. } => self.count_evaluated(training, evaluation),
            Event::Mapped { ref map, .. } => {
                self.state.has_mapped(training, map);
                self.carried.evaluated += 1;
            }
            _ => {}
        }
        self.audience.emit(event);
    }

    fn count_evaluated(&mut self, training: usize, evaluation: &EvaluationId) {
        self.carried.evaluated += 1;
        self.state.has_evaluated(self.work.plan, self.identified, training, evaluation);
    }

    /// Waits for a worker to exit and decides what becomes of its training.
    fn clear_slot(&mut self, slot: usize) -> Result<(), EngineError> {
        let Some(mut running) = self.slots[slot].take() else { return Ok(()) };
        let status = running.worker.wait();
        let Some(training) = running.training else { return Ok(()) };
        match running.outcome {
            // With these outcomes the training is no longer the worker's.
            Some(Outcome::Done | Outcome::Busy) => {}
            Some(Outcome::Failed { reason, transient }) => {
                self.fail(training, reason, transient)?
            }
            Some(Outcome::Stopped { reason, storing }) => {
                self.fatal.get_or_insert(EngineError::Worker { reason, storing });
                self.stop();
            }
            // A worker that was told to stop, or received the signal that ends this run, has not failed.
            Some(Outcome::Interrupted) | None if self.stopping || self.audience.interrupted() => {}
            // It had left, by itself, before it read of this one.
            None if !running.begun && status.as_ref().is_ok_and(ExitStatus::success) => {
                self.queue.push_front(training);
            }
            Some(Outcome::Interrupted) => {
                self.fail(training, "its process was told to exit".to_owned(), true)?;
            }
            None => {
                let reason = match status {
                    _ if running.ended_silent => {
                        format!("it was ended, {}", silent_for(self.work.stall))
                    }
                    Ok(status) => exit_reason(status),
                    Err(error) => format!("waiting for its process failed: {error}"),
                };
                write_failure(self.work, self.identified, training, &reason)?;
                self.fail(training, reason, true)?;
            }
        }
        Ok(())
    }

    /// Says which workers have said nothing for too long, and ends them where that is wanted.
    fn look_for_silence(&mut self) {
        let Some(stall) = self.work.stall else { return };
        for slot in 0..self.slots.len() {
            let Some(running) = &mut self.slots[slot] else { continue };
            let Some(training) = running.training else { continue };
            if running.told_silent || running.heard.elapsed() < stall {
                continue;
            }
            running.told_silent = true;
            let pid = running.worker.id();
            if self.work.end_stalled {
                running.ended_silent = true;
                running.worker.kill();
                continue;
            }
            let (id, name, seed) = self.audience.describe(training);
            let log = self.work.results.log_path(id.as_str()).map(|log| log.display().to_string());
            let text = format!(
                "{name}, seed {seed}: {} (process {pid}, log `{}`); `--end-stalled` ends and retries such a training",
                silent_for(self.work.stall),
                log.unwrap_or_default()
            );
            self.audience.emit(Event::Warning { text });
        }
    }

    /// With it fail the trainings that would start from its network, unless it is trained and failed afterwards.
    fn fail(
        &mut self,
        training: usize,
        reason: String,
        transient: bool,
    ) -> Result<(), EngineError> {
        self.failures[training] += 1;
        let again = transient && self.failures[training] <= self.work.retries && !self.stopping;
        self.audience.failed(training, reason, again);
        if again {
            self.queue.push_front(training);
        } else if self.work.fail_fast {
            self.stop();
        }
        if !again && !self.state.trained[training] {
            let starts = &self.work.plan.starts;
            let (waiting, rest): (Vec<usize>, Vec<usize>) =
                self.queue.drain(..).partition(|waiting| starts[*waiting] == Some(training));
            self.queue.extend(rest);
            let id = self.identified.trainings[training].id.clone();
            for waiting in waiting {
                let reason = start_failed(&id);
                write_failure(self.work, self.identified, waiting, &reason)?;
                self.fail(waiting, reason, false)?;
            }
        }
        Ok(())
    }
}

/// That a worker is silent, in words.
pub(super) fn silent_for(stall: Option<Duration>) -> String {
    let seconds = stall.unwrap_or_default().as_secs_f64();
    let long = if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    };
    format!("its worker has made no progress for {long}")
}

//! Has Slurm do what is missing: submits it as job arrays, and watches until the results folder has it.
//!
//! Whether a training is done, only the results folder says. Slurm's queue says only what to wait for: an end there comes
//! with any state (`COMPLETED` also where nothing ran), or with none. The events that workers write into files say what
//! they are at, and why one ended. The jobs need no watcher: one may leave at any time, another may come, and several may
//! watch at once, of which one submits.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use super::audience::{Audience, start_failed};
use super::error::EngineError;
use super::event::{Event, Outcome};
use super::manifest::write_failure;
use super::specification::Specification;
use super::state::State;
use super::supervisor::{Carried, silent_for};
use super::tail::Tail;
use super::tasks::{self, Need};
use super::work::Work;
use crate::analysis::speed;
use crate::cluster::{
    self, CallError, Limits, NewSubmission, QueuedTask, Request, Slurm, SlurmError, SlurmSettings,
    Submission, TaskPhase, advice, is_requeue,
};
use crate::dataset;
use crate::experiment::{DatasetSpec, DeviceChoice, Source};
use crate::machine::training_memory;
use crate::plan::{Identified, ImageCounts, TrainingId};
use crate::store::Claim;

/// The poll interval for interruptions.
const LOOK: Duration = Duration::from_millis(100);
/// The poll interval for a cancellation by another program.
const LOOK_CANCELLED: Duration = Duration::from_secs(1);
/// The interval between questions to Slurm, at least; a queue that takes long to tell is asked less often, and a controller
/// that does not answer, too.
const ASK: Duration = Duration::from_secs(2);
const ASK_AFTER_ERROR: Duration = Duration::from_secs(15);
const SHARE_OF_ASKING: u32 = 100;
/// The interval between submissions, and after one that failed.
const SUBMIT: Duration = Duration::from_secs(3);
const SUBMIT_AFTER_ERROR: Duration = Duration::from_secs(30);
/// The poll interval for trainings that other runs have claimed, or that are said to be done.
const ELSEWHERE: Duration = Duration::from_secs(2);
/// A task is gone if so many answers in a row do not have it.
const ABSENT: u32 = 2;
/// So many submissions in a row that get nowhere are a failure.
const FRUITLESS: u32 = 3;
/// How long finished workers may take to leave the queue.
const LEAVING: Duration = Duration::from_secs(30);
/// How long the results folder may take to show what a worker of another machine wrote.
const SHOWN: Duration = Duration::from_secs(90);
/// The most tasks in the queue at once, by default.
const MOST_TASKS: u32 = 500;
/// So much of a reason is told, characters.
const SAID: usize = 200;

/// Submits and watches the open parts of a plan.
pub(super) struct Watcher<'a, 'o> {
    work: &'a Work<'a>,
    settings: &'a SlurmSettings,
    identified: &'a Identified,
    state: State,
    audience: Audience<'a, 'o>,
    slurm: Slurm,
    poller: Poller,
    limits: Option<Limits>,
    needs: Vec<Need>,
    /// Trainings by their ids.
    places: HashMap<&'a str, usize>,
    watched: Vec<Watched>,
    /// By training: the submission and the task that is to do it, and the index of the last one.
    assigned: Vec<Option<(usize, usize)>>,
    indices: Vec<Option<u32>>,
    /// Trainings to be submitted.
    queue: BTreeSet<usize>,
    /// Trainings that other runs have claimed, and that are said to be done, since when.
    elsewhere: BTreeSet<usize>,
    said_done: BTreeMap<usize, Instant>,
    looked: Instant,
    looked_cancelled: Instant,
    submitted: Option<Instant>,
    submit_again: Duration,
    /// The right to submit, where locks work.
    claim: Option<Claim>,
    /// Another had it meanwhile, so that some of the queue may be done.
    stale: bool,
    failures: Vec<u32>,
    fruitless: Vec<u32>,
    warned: HashSet<String>,
    /// Requeued tasks that are to be told of, each as `17_1`, and their start.
    requeued: Vec<(String, String)>,
    /// Jobs of which Slurm is to be asked how their tasks ended.
    ends_wanted: BTreeSet<u64>,
    silent: bool,
    carried: Carried,
    stopping: bool,
}

/// A submission with its tasks.
struct Watched {
    submission: Submission,
    /// The job of its array, once it is known.
    job: Option<u64>,
    /// It was cancelled before this watcher came.
    cancelled_before: bool,
    tasks: Vec<Task>,
}

/// A task of a submission.
struct Task {
    /// In its array.
    index: u32,
    /// Of the plan.
    trainings: Vec<usize>,
    tail: Tail,
    /// `None`: not seen in the queue yet, or not any more.
    phase: Option<TaskPhase>,
    /// Slurm has shown it.
    seen: bool,
    /// Answers in a row without it.
    absent: u32,
    gone: bool,
    /// The training that it is at.
    at: Option<usize>,
    /// Whether it got anywhere.
    progress: bool,
    /// It said why it ended.
    stopped: Option<String>,
    interrupted: bool,
    /// When its worker was heard last, and whether it was told since then that it is silent.
    heard: Instant,
    told_silent: bool,
    /// The training at which it was cancelled by this watcher, since its worker was silent.
    ended_at: Option<usize>,
    /// It is gone and leaves work, and Slurm is asked how it ended.
    end_wanted: bool,
}

impl Task {
    /// Whether a training is still its to do.
    fn has_work(&self, assigned: &[Option<(usize, usize)>], place: usize, index: usize) -> bool {
        self.trainings.iter().any(|training| assigned[*training] == Some((place, index)))
    }

    fn new(index: u32, trainings: Vec<usize>) -> Task {
        Task {
            index,
            trainings,
            tail: Tail::default(),
            phase: None,
            seen: false,
            absent: 0,
            gone: false,
            at: None,
            progress: false,
            stopped: None,
            interrupted: false,
            heard: Instant::now(),
            told_silent: false,
            ended_at: None,
            end_wanted: false,
        }
    }
}

impl<'a, 'o> Watcher<'a, 'o> {
    pub fn new(
        work: &'a Work<'a>,
        settings: &'a SlurmSettings,
        identified: &'a Identified,
        state: State,
        audience: Audience<'a, 'o>,
    ) -> Watcher<'a, 'o> {
        let trainings = work.plan.trainings.len();
        let ids = identified.trainings.iter().map(|training| training.id.as_str());
        let queue = (0..trainings).filter(|training| state.is_open(work, *training)).collect();
        Watcher {
            work,
            settings,
            identified,
            state,
            audience,
            slurm: Slurm::default(),
            poller: Poller::start(),
            limits: None,
            needs: Vec::new(),
            places: ids.zip(0..).collect(),
            watched: Vec::new(),
            assigned: vec![None; trainings],
            indices: vec![None; trainings],
            queue,
            elsewhere: BTreeSet::new(),
            said_done: BTreeMap::new(),
            looked: Instant::now(),
            looked_cancelled: Instant::now(),
            submitted: None,
            submit_again: SUBMIT,
            claim: None,
            stale: false,
            failures: vec![0; trainings],
            fruitless: vec![0; trainings],
            warned: HashSet::new(),
            requeued: Vec::new(),
            ends_wanted: BTreeSet::new(),
            silent: false,
            carried: Carried::default(),
            stopping: false,
        }
    }

    /// # Errors
    /// Where Slurm refuses what it is asked for, and where the results folder cannot be read or written. Jobs that were
    /// submitted go on.
    pub fn carry_out(mut self) -> Result<Carried, EngineError> {
        self.audience.planned(&self.state, 0);
        if !self.queue.is_empty() {
            self.needs = self.needs()?;
        }
        self.adopt()?;
        loop {
            self.carried.cancelled |= self.is_cancelled();
            if self.audience.interrupted() || self.carried.cancelled {
                self.carried.interrupted = true;
                break;
            }
            self.look_elsewhere()?;
            if !self.stopping {
                self.submit()?;
            }
            if self.is_finished() {
                break;
            }
            self.ask()?;
            self.audience.keep_posted();
        }
        self.leave();
        Ok(self.carried)
    }

    /// Estimates of every training.
    fn needs(&self) -> Result<Vec<Need>, EngineError> {
        let Work { plan, results, ref resources, .. } = *self.work;
        let all: Vec<usize> = (0..plan.trainings.len()).collect();
        let cache = results.cache_dir();
        let images = |spec: &DatasetSpec| match &spec.source {
            Source::Faces(faces) => {
                Some(ImageCounts { train: faces.train, val: faces.val, test: faces.test })
            }
            _ => dataset::known(spec, &cache).map(|known| known.images),
        };
        let mut counted: Vec<(&DatasetSpec, Option<ImageCounts>)> = Vec::new();
        for training in &plan.trainings {
            let spec = &training.settings.dataset;
            if !counted.iter().any(|(known, _)| *known == spec) {
                counted.push((spec, images(spec)));
            }
        }
        let images = |spec: &DatasetSpec| counted.iter().find(|(known, _)| *known == spec)?.1;
        let speed = |settings: &_| speed(results, settings);
        let times = plan.estimates(&all, resources.threads, images, speed)?;
        let gpu = matches!(resources.devices[0], DeviceChoice::Cuda(_));
        let need = |training: usize| Need {
            time: times.as_ref().map(|times| times[training]),
            memory: training_memory(&plan.trainings[training].settings, gpu),
        };
        Ok(all.into_iter().map(need).collect())
    }

    /// Takes up submissions of other watchers, or of an earlier run.
    fn adopt(&mut self) -> Result<(), EngineError> {
        let found = cluster::submissions(self.work.results, &self.work.experiment.name)?;
        for submission in found {
            let name = &submission.record.name;
            if self.watched.iter().any(|watched| watched.submission.record.name == *name) {
                continue;
            }
            self.watch(submission)?;
        }
        Ok(())
    }

    fn watch(&mut self, submission: Submission) -> Result<(), EngineError> {
        let place = self.watched.len();
        let place_of = |id: &String| self.places.get(id.as_str()).copied();
        let lists = submission.record.tasks.iter().enumerate();
        let tasks = lists.map(|(task, list)| {
            Task::new(submission.record.index(task), list.iter().filter_map(place_of).collect())
        });
        let tasks: Vec<Task> = tasks.collect();
        for (index, task) in tasks.iter().enumerate() {
            for &training in &task.trainings {
                self.indices[training] = Some(task.index);
                if self.queue.remove(&training) {
                    self.assigned[training] = Some((place, index));
                }
            }
        }
        let cancelled_before = submission.is_cancelled();
        let job = submission.job()?;
        self.watched.push(Watched { submission, job, cancelled_before, tasks });
        Ok(())
    }

    /// Whether `fer-lab cancel` was called meanwhile.
    fn is_cancelled(&mut self) -> bool {
        if self.looked_cancelled.elapsed() < LOOK_CANCELLED {
            return false;
        }
        self.looked_cancelled = Instant::now();
        self.watched.iter().any(|watched| {
            !watched.cancelled_before && is_active(watched) && watched.submission.is_cancelled()
        })
    }

    fn is_finished(&self) -> bool {
        self.assigned.iter().all(Option::is_none)
            && (self.stopping || self.queue.is_empty())
            && self.elsewhere.is_empty()
            && self.said_done.is_empty()
    }

    /// Asks Slurm for its queue, or takes its answer; waits a moment for it.
    fn ask(&mut self) -> Result<(), EngineError> {
        let active = self.watched.iter().filter(|watched| is_active(watched));
        let names: Vec<String> =
            active.map(|watched| watched.submission.record.name.clone()).collect();
        self.poller.ask(names, &self.ends_wanted);
        let Some(Answer { names, queued, ends }) = self.poller.answer(LOOK) else { return Ok(()) };
        match queued {
            Err(error) => {
                if matches!(error, CallError::Start { .. }) {
                    return Err(SlurmError::Call(error).into());
                }
                if !self.silent {
                    self.silent = true;
                    let text = format!(
                        "Slurm does not answer ({error}); its jobs go on, and it is asked again"
                    );
                    self.audience.emit(Event::Warning { text });
                }
                // Workers go on, and say how far they are.
                self.hear_workers()
            }
            Ok(queued) => {
                self.silent = false;
                self.ends_wanted.retain(|job| !ends.contains_key(job));
                self.take(&names, &queued, &ends)
            }
        }
    }

    /// Takes what the workers have said, where Slurm says nothing.
    fn hear_workers(&mut self) -> Result<(), EngineError> {
        for place in 0..self.watched.len() {
            for index in 0..self.watched[place].tasks.len() {
                let task = &self.watched[place].tasks[index];
                if task.phase == Some(TaskPhase::Running) && !task.gone {
                    self.read_events(place, index)?;
                }
            }
        }
        Ok(())
    }

    /// Takes the queue's state of the named submissions, and what their workers said meanwhile.
    fn take(
        &mut self,
        names: &[String],
        queued: &[QueuedTask],
        ends: &Ends,
    ) -> Result<(), EngineError> {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        let by_task: HashMap<(&str, u32), &QueuedTask> =
            queued.iter().map(|task| ((task.name.as_str(), task.index), task)).collect();
        for place in 0..self.watched.len() {
            let name = self.watched[place].submission.record.name.clone();
            if !names.contains(name.as_str()) {
                continue;
            }
            for index in 0..self.watched[place].tasks.len() {
                if self.watched[place].tasks[index].gone {
                    continue;
                }
                let number = self.watched[place].tasks[index].index;
                let found = by_task.get(&(name.as_str(), number)).copied();
                self.take_task(place, index, found, ends)?;
            }
            if !is_active(&self.watched[place]) {
                self.watched[place].submission.mark_over()?;
            }
        }
        self.tell_requeued();
        self.tell_queue(queued);
        Ok(())
    }

    fn take_task(
        &mut self,
        place: usize,
        index: usize,
        found: Option<&QueuedTask>,
        ends: &Ends,
    ) -> Result<(), EngineError> {
        let Watched { submission, job, tasks, .. } = &mut self.watched[place];
        let task = &mut tasks[index];
        let before = task.phase;
        match found {
            Some(queued) => {
                if job.is_none() {
                    submission.set_job(queued.job)?;
                    *job = Some(queued.job);
                }
                (task.phase, task.seen, task.absent) = (Some(queued.phase), true, 0);
            }
            None => {
                task.phase = None;
                task.absent += 1;
            }
        }
        if task.phase != Some(TaskPhase::Waiting)
            || before.is_some_and(|phase| phase != TaskPhase::Waiting)
        {
            self.read_events(place, index)?;
        }
        if let Some(queued) = found {
            if queued.phase == TaskPhase::Waiting {
                self.has_stopped(place, index);
            }
            self.advise(queued);
        }
        self.look_for_silence(place, index);
        let task = &self.watched[place].tasks[index];
        if task.absent >= ABSENT {
            self.settle(place, index, ends)?;
        }
        Ok(())
    }

    /// A task has left the queue. If it leaves work, Slurm is first asked how it ended.
    fn settle(&mut self, place: usize, index: usize, ends: &Ends) -> Result<(), EngineError> {
        self.take_results(place, index)?;
        let watched = &mut self.watched[place];
        let task = &mut watched.tasks[index];
        let Some(job) = watched.job.filter(|_| task.has_work(&self.assigned, place, index)) else {
            return self.settle_gone(place, index, None);
        };
        if !std::mem::replace(&mut task.end_wanted, true) {
            self.ends_wanted.insert(job);
            return Ok(());
        }
        let number = task.index;
        let Some(ends) = ends.get(&job) else { return Ok(()) };
        self.settle_gone(place, index, ends.get(&number).map(String::as_str))
    }

    /// Takes what the results folder has of a task's trainings: those that are done are the task's no longer.
    fn take_results(&mut self, place: usize, index: usize) -> Result<(), EngineError> {
        for training in self.watched[place].tasks[index].trainings.clone() {
            if self.assigned[training] != Some((place, index)) {
                continue;
            }
            let news =
                self.state.news(self.work, self.identified, training, self.audience.observer)?;
            self.tell(news);
            if !self.state.is_open(self.work, training) {
                self.has_ended_at(place, index, training, Outcome::Done);
                self.assigned[training] = None;
            }
        }
        Ok(())
    }

    /// Tells that a training has ended where its worker did not say so.
    fn has_ended_at(&mut self, place: usize, index: usize, training: usize, outcome: Outcome) {
        let at = &mut self.watched[place].tasks[index].at;
        if at.take_if(|at| *at == training).is_some() {
            let training = self.id(training);
            self.audience.emit(Event::Ended { training, outcome });
        }
    }

    /// Takes what a worker has written since the last time.
    fn read_events(&mut self, place: usize, index: usize) -> Result<(), EngineError> {
        let Watched { submission, tasks, .. } = &mut self.watched[place];
        let task = &mut tasks[index];
        let path = submission.events_path(task.index);
        // A disk of another machine that does not answer for a moment is no end.
        let events = task.tail.read(&path).unwrap_or_default();
        if !events.is_empty() || task.phase != Some(TaskPhase::Running) {
            (task.heard, task.told_silent) = (Instant::now(), false);
        }
        for event in events {
            self.handle(place, index, event)?;
        }
        Ok(())
    }

    /// Handles a worker's event. Those of trainings that are done, or another task's, are old.
    fn handle(&mut self, place: usize, index: usize, event: Event) -> Result<(), EngineError> {
        let training = match &event {
            Event::Started { training, .. }
            | Event::Step { training, .. }
            | Event::Epoch { training, .. }
            | Event::Trained { training }
            | Event::Evaluating { training, .. }
            | Event::Evaluated { training, .. }
            | Event::Mapping { training, .. }
            | Event::Mapped { training, .. }
            | Event::Ended { training, .. } => self.places.get(training.as_str()).copied(),
            Event::Task { .. } => {
                self.audience.emit(event);
                return Ok(());
            }
            Event::Warning { .. } | Event::Reading { .. } => {
                if matches!(event, Event::Warning { .. }) {
                    self.audience.emit(event);
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let Some(training) = training else { return Ok(()) };
        let own = self.assigned[training] == Some((place, index));
        let task = &mut self.watched[place].tasks[index];
        match &event {
            Event::Started { .. } | Event::Evaluating { .. } => {
                task.at = Some(training);
                (task.interrupted, task.stopped) = (false, None);
            }
            Event::Ended { outcome, .. } => {
                task.at = None;
                task.interrupted |= *outcome == Outcome::Interrupted;
                if let Outcome::Stopped { reason, .. } = outcome {
                    task.stopped = Some(reason.clone());
                    task.at = Some(training);
                }
            }
            _ => task.progress = true,
        }
        if !own {
            return Ok(());
        }
        match event {
            Event::Trained { .. } if self.state.trained[training] => return Ok(()),
            Event::Trained { .. } => {
                self.state.trained[training] = true;
                self.carried.trained += 1;
            }
            Event::Evaluated { ref evaluation, .. } => {
                let (before, _) = self.state.evaluation_counts_of(self.work, training);
                let Work { plan, .. } = self.work;
                self.state.has_evaluated(plan, self.identified, training, evaluation);
                if self.state.evaluation_counts_of(self.work, training).0 == before {
                    return Ok(());
                }
                self.carried.evaluated += 1;
            }
            Event::Mapped { ref map, .. } => {
                let before = self.state.open_maps(training).len();
                self.state.has_mapped(training, map);
                if self.state.open_maps(training).len() == before {
                    return Ok(());
                }
                self.carried.evaluated += 1;
            }
            Event::Ended { outcome: Outcome::Done, .. } => {
                self.assigned[training] = None;
                self.said_done.insert(training, Instant::now());
            }
            Event::Ended { outcome: Outcome::Failed { ref reason, transient }, .. } => {
                self.assigned[training] = None;
                let reason = reason.clone();
                self.audience.emit(event);
                return self.fail(training, reason, transient);
            }
            _ => {}
        }
        self.audience.emit(event);
        Ok(())
    }

    /// Says that a worker has said nothing for too long, and cancels its task where that is wanted.
    fn look_for_silence(&mut self, place: usize, index: usize) {
        let Some(stall) = self.work.stall else { return };
        let Watched { job, tasks, .. } = &mut self.watched[place];
        let task = &mut tasks[index];
        let Some(training) = task.at else { return };
        if task.told_silent
            || task.phase != Some(TaskPhase::Running)
            || task.heard.elapsed() < stall
        {
            return;
        }
        task.told_silent = true;
        let Some(job) = *job else { return };
        let number = task.index;
        if self.work.end_stalled {
            task.ended_at = Some(training);
            if let Err(error) = self.slurm.cancel_task(job, number) {
                self.warn(format!("task {job}_{number} could not be cancelled: {error}"));
            }
            return;
        }
        let (_, name, seed) = self.audience.describe(training);
        let text = format!(
            "{name}, seed {seed}: {} (task {job}_{number}); `--end-stalled` ends and retries such a training",
            silent_for(self.work.stall)
        );
        self.audience.emit(Event::Warning { text });
    }

    /// A worker that was told to leave, or was lost, is at nothing any more: its task waits, or is gone.
    fn has_stopped(&mut self, place: usize, index: usize) {
        let task = &mut self.watched[place].tasks[index];
        task.interrupted |= task.at.is_some();
        if let Some(training) = task.at.take() {
            let training = self.id(training);
            self.audience.emit(Event::Ended { training, outcome: Outcome::Interrupted });
        }
    }

    /// What a task that is gone leaves undone is submitted again, or has failed. `end`: Slurm's words, where it has some.
    fn settle_gone(
        &mut self,
        place: usize,
        index: usize,
        end: Option<&str>,
    ) -> Result<(), EngineError> {
        let Watched { submission, job, tasks, .. } = &mut self.watched[place];
        let output = submission.output_path(tasks[index].index);
        let output = output.display();
        let said = match end {
            Some(end) => format!("Slurm says {end}"),
            None => "Slurm does not know it any more".to_owned(),
        };
        let task = &mut tasks[index];
        task.gone = true;
        let (at, progress, submitted) = (task.at, task.progress, task.seen || job.is_some());
        let (stopped, interrupted, ended_at) =
            (task.stopped.take(), task.interrupted, task.ended_at);
        for training in task.trainings.clone() {
            if self.assigned[training] != Some((place, index)) {
                continue;
            }
            self.assigned[training] = None;
            if ended_at == Some(training) {
                self.has_ended_at(place, index, training, Outcome::Interrupted);
                let reason = format!("it was ended, {}", silent_for(self.work.stall));
                write_failure(self.work, self.identified, training, &reason)?;
                self.fail(training, reason, true)?;
                continue;
            }
            if at == Some(training) {
                self.has_ended_at(place, index, training, Outcome::Interrupted);
                if let Some(reason) = stopped.clone() {
                    self.fail(training, reason, true)?;
                    continue;
                }
                if !interrupted && !end.is_some_and(is_interruption) {
                    let reason = format!(
                        "its task ended without a word ({said}); see its log, and `{output}`"
                    );
                    write_failure(self.work, self.identified, training, &reason)?;
                    self.fail(training, reason, true)?;
                    continue;
                }
            }
            if ended_at.is_none() && end.is_some_and(|end| end.starts_with("CANCELLED")) {
                self.leave_open();
                continue;
            }
            self.fruitless[training] = match progress {
                true => 0,
                false => self.fruitless[training] + u32::from(submitted),
            };
            if self.fruitless[training] >= FRUITLESS {
                let reason = format!(
                    "it was submitted {FRUITLESS} times, and no task got anywhere with it ({said}); see `{output}`"
                );
                write_failure(self.work, self.identified, training, &reason)?;
                self.fail(training, reason, false)?;
                continue;
            }
            self.queue.insert(training);
        }
        Ok(())
    }

    /// Someone cancelled its job by Slurm's own means: it is not submitted again by this run.
    fn leave_open(&mut self) {
        (self.carried.interrupted, self.carried.cancelled) = (true, true);
        self.stopping = true;
        let text =
            "jobs of this run were cancelled in Slurm; run it again to submit what is missing";
        self.warn(text.to_owned());
    }

    /// Says what a task waits for, where waiting is not all that is needed.
    fn advise(&mut self, queued: &QueuedTask) {
        let (Some(reason), TaskPhase::Waiting) = (&queued.reason, queued.phase) else { return };
        let task = format!("{}_{}", queued.job, queued.index);
        if is_requeue(reason) {
            if self.warned.insert(format!("requeue {task} {}", queued.start)) {
                self.requeued.push((task, queued.start.clone()));
            }
        } else if let Some(cure) = advice(reason)
            && self.warned.insert(format!("advice {} {reason}", queued.job))
        {
            let reason: String = reason.chars().take(SAID).collect();
            let text = format!("job {task} waits, Slurm says `{reason}`: {cure}")
                .replace("JOB", &queued.job.to_string());
            self.audience.emit(Event::Warning { text });
        }
    }

    /// Says once what became of the tasks that one answer shows as requeued: a preemption may take hundreds.
    fn tell_requeued(&mut self) {
        let requeued = std::mem::take(&mut self.requeued);
        let Some((task, start)) = requeued.first() else { return };
        let (others, them) = match requeued.len() - 1 {
            0 => (String::new(), "it"),
            1 => (" and one more".to_owned(), "each"),
            more => (format!(" and {more} more"), "each"),
        };
        let text = format!(
            "Slurm has requeued {task}{others} (preempted, or the node was lost), and starts {them} again after {start}: two \
             minutes are its rule. Trainings go on from their checkpoints; `scontrol update JobId={task} StartTime=now` has \
             it start at once"
        );
        self.audience.emit(Event::Warning { text });
    }

    /// Tells how many tasks run and wait.
    fn tell_queue(&mut self, queued: &[QueuedTask]) {
        let count = |phase| queued.iter().filter(|task| task.phase == phase).count() as u32;
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for task in queued.iter().filter(|task| task.phase == TaskPhase::Waiting) {
            *reasons.entry(task.reason.as_deref().unwrap_or_default()).or_default() += 1;
        }
        let most = reasons.into_iter().max_by_key(|(_, count)| *count);
        let reason = most.map(|(reason, _)| reason).filter(|reason| !reason.is_empty());
        let (running, waiting) = (count(TaskPhase::Running), count(TaskPhase::Waiting));
        self.audience.emit(Event::Queue { running, waiting, reason: reason.map(str::to_owned) });
    }

    /// Looks at trainings that other runs do, and at those that are said to be done.
    fn look_elsewhere(&mut self) -> Result<(), EngineError> {
        if self.looked.elapsed() < ELSEWHERE {
            return Ok(());
        }
        self.looked = Instant::now();
        for (training, since) in self.said_done.clone() {
            let news =
                self.state.news(self.work, self.identified, training, self.audience.observer)?;
            self.tell(news);
            let open = self.state.is_open(self.work, training);
            if !open || since.elapsed() > SHOWN {
                self.said_done.remove(&training);
            }
            // What its worker stored is not there.
            if open && since.elapsed() > SHOWN {
                self.queue.insert(training);
            }
        }
        for training in std::mem::take(&mut self.elsewhere) {
            if self.is_claimed(training)? {
                self.elsewhere.insert(training);
                continue;
            }
            let news =
                self.state.news(self.work, self.identified, training, self.audience.observer)?;
            self.tell(news);
            if self.state.is_open(self.work, training) {
                self.queue.insert(training);
            }
        }
        Ok(())
    }

    /// Submits what is to be done and can start.
    fn submit(&mut self) -> Result<(), EngineError> {
        let early = self.submitted.is_some_and(|last| last.elapsed() < self.submit_again);
        if self.queue.is_empty() || early || !self.may_submit()? {
            return Ok(());
        }
        self.submitted = Some(Instant::now());
        self.submit_again = SUBMIT;
        // Another watcher may have, before this one had the right to.
        self.adopt()?;
        if std::mem::take(&mut self.stale) {
            for training in self.queue.clone() {
                let news = self.state.news(
                    self.work,
                    self.identified,
                    training,
                    self.audience.observer,
                )?;
                self.tell(news);
                if !self.state.is_open(self.work, training) {
                    self.queue.remove(&training);
                }
            }
        }
        let queued = self.watched.iter().flat_map(|watched| &watched.tasks);
        let queued = queued.filter(|task| !task.gone).count();
        let most = self.settings.tasks.unwrap_or(MOST_TASKS) as usize;
        if queued >= most {
            return Ok(());
        }
        let starts = &self.work.plan.starts;
        let ready: Vec<usize> = self.queue.iter().copied().collect();
        let mut free = Vec::new();
        for training in ready {
            if starts[training].is_some_and(|start| !self.state.trained[start]) {
                continue;
            }
            if self.is_claimed(training)? {
                self.queue.remove(&training);
                self.elsewhere.insert(training);
                let (training, name, seed) = self.audience.describe(training);
                self.audience.emit(Event::Elsewhere { training, name, seed });
                continue;
            }
            free.push(training);
        }
        if free.is_empty() {
            return Ok(());
        }
        let Some(limits) = self.limits()? else { return Ok(()) };
        let longest = self.settings.time.or(limits.time);
        let most = (most - queued).min(limits.array as usize);
        let tasks = tasks::divide(&free, &self.needs, most, longest);
        self.submit_tasks(&tasks, limits)
    }

    fn submit_tasks(&mut self, tasks: &[Vec<usize>], limits: Limits) -> Result<(), EngineError> {
        let wanted = tasks::time(tasks, &self.needs);
        let time =
            self.settings.time.unwrap_or(limits.time.map_or(wanted, |most| wanted.min(most)));
        let memory = self.settings.memory.unwrap_or_else(|| tasks::memory(tasks, &self.needs));
        let line = |training: &usize| {
            let runs = self.state.open_runs(self.work, self.identified, *training);
            let maps = self.state.open_maps(*training);
            let device = self.work.resources.devices[0];
            let specification =
                Specification::new(self.work, self.identified, *training, &runs, maps, device);
            serde_json::to_string(&specification).expect("a specification is plain data")
        };
        let lines: Vec<Vec<String>> =
            tasks.iter().map(|task| task.iter().map(line).collect()).collect();
        let ids = |task: &Vec<usize>| {
            task.iter().map(|training| self.id(*training).to_string()).collect()
        };
        let new = NewSubmission {
            experiment: &self.work.experiment.name,
            tasks: tasks.iter().map(ids).collect(),
            indices: tasks::indices(tasks, |training| self.indices[training]),
            lines: &lines,
        };
        let submission = new.write(self.work.results)?;
        let absolute = |path: &std::path::Path| {
            std::path::absolute(path).map_err(|error| crate::store::StoreError::read(path, error))
        };
        let submission = submission.at(&absolute(submission.folder())?);
        let request = Request {
            submission: &submission,
            settings: self.settings,
            program: &self.work.program,
            results: &absolute(self.work.results.root())?,
            directory: &absolute(std::path::Path::new("."))?,
            cpus: self.work.resources.threads,
            time,
            memory,
            locks: self.work.locks,
        };
        let submitted = self.slurm.submit(&request, &mut || !self.audience.interrupted());
        match submitted {
            Ok(_) => self.watch(submission),
            // It may have been accepted all the same: the queue will show it.
            Err(SlurmError::Call(error @ (CallError::Slow { .. } | CallError::Interrupted))) => {
                self.watch(submission)?;
                self.try_again_later(&error);
                Ok(())
            }
            Err(SlurmError::Call(error)) if is_for_now(&error) => {
                submission.mark_over()?;
                self.try_again_later(&error);
                Ok(())
            }
            Err(error) => {
                submission.mark_over()?;
                Err(error.into())
            }
        }
    }

    fn try_again_later(&mut self, error: &CallError) {
        self.submit_again = SUBMIT_AFTER_ERROR;
        let seconds = SUBMIT_AFTER_ERROR.as_secs();
        self.warn(format!("Slurm takes no jobs now ({error}); trying again every {seconds} s"));
    }

    /// The cluster's limits; `None` where Slurm does not answer now.
    fn limits(&mut self) -> Result<Option<Limits>, EngineError> {
        if self.limits.is_none() {
            match self.slurm.limits(self.settings, &mut || !self.audience.interrupted()) {
                Ok(limits) => self.limits = Some(limits),
                Err(CallError::Interrupted) => {}
                Err(error @ CallError::Start { .. }) => return Err(SlurmError::Call(error).into()),
                Err(error) => self.try_again_later(&error),
            }
        }
        Ok(self.limits)
    }

    /// Whether this watcher, of several, submits.
    fn may_submit(&mut self) -> Result<bool, EngineError> {
        if self.work.locks && self.claim.is_none() {
            self.claim = self.work.results.claim_submitting(&self.work.experiment.name)?;
            if self.claim.is_none() {
                self.submitted = Some(Instant::now());
                self.stale = true;
                self.adopt()?;
                self.warn(
                    "another run watches the same jobs, and submits what is missing".to_owned(),
                );
                return Ok(false);
            }
        }
        Ok(true)
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
            self.queue.insert(training);
            return Ok(());
        }
        if self.work.fail_fast {
            self.stop();
        }
        if !self.state.trained[training] {
            let starts = &self.work.plan.starts;
            let waiting = self.queue.iter().filter(|waiting| starts[**waiting] == Some(training));
            let id = self.id(training);
            for waiting in waiting.copied().collect::<Vec<_>>() {
                self.queue.remove(&waiting);
                let reason = start_failed(&id);
                write_failure(self.work, self.identified, waiting, &reason)?;
                self.fail(waiting, reason, false)?;
            }
        }
        Ok(())
    }

    /// Cancels everything: running workers write checkpoints.
    fn stop(&mut self) {
        self.stopping = true;
        (self.carried.interrupted, self.carried.cancelled) = (true, true);
        let active = self.watched.iter().filter(|watched| is_active(watched));
        let jobs: Vec<u64> = active.filter_map(|watched| watched.job).collect();
        if let Err(error) = self.slurm.cancel(&jobs) {
            self.warn(format!("its jobs could not be cancelled: {error}"));
        }
    }

    /// Before the tables are written: workers that are done leave the queue, and tasks that wait have nothing left to do. After
    /// an interruption, all go on.
    fn leave(&mut self) {
        if self.carried.interrupted && !self.stopping {
            return;
        }
        let active = |watcher: &Watcher<'_, '_>| watcher.watched.iter().any(is_active);
        for watched in self.watched.iter().filter(|watched| is_active(watched)) {
            let waits = watched.tasks.iter().any(|task| task.phase == Some(TaskPhase::Waiting));
            if let (true, Some(job)) = (waits, watched.job) {
                // They would find everything done.
                let _ = self.slurm.cancel_waiting(job);
            }
        }
        let start = Instant::now();
        while active(self) && start.elapsed() < LEAVING && !self.audience.interrupted() {
            if self.ask().is_err() || self.silent {
                return;
            }
        }
    }

    fn is_claimed(&self, training: usize) -> Result<bool, EngineError> {
        self.work.is_claimed(&self.identified.trainings[training].id)
    }

    fn id(&self, training: usize) -> TrainingId {
        self.identified.trainings[training].id.clone()
    }

    /// Tells of what the results folder has now.
    fn tell(&mut self, news: Vec<Event>) {
        for event in news {
            match &event {
                Event::Trained { .. } => self.carried.trained += 1,
                _ => self.carried.evaluated += 1,
            }
            self.audience.emit(event);
        }
    }

    /// Says something once.
    fn warn(&mut self, text: String) {
        if self.warned.insert(text.clone()) {
            self.audience.emit(Event::Warning { text });
        }
    }
}

/// Whether any of its tasks may still be in the queue.
fn is_active(watched: &Watched) -> bool {
    watched.tasks.iter().any(|task| !task.gone)
}

/// Slurm's states of tasks that were told to leave, or whose node was lost.
fn is_interruption(end: &str) -> bool {
    let states =
        ["TIMEOUT", "PREEMPTED", "CANCELLED", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "REVOKED"];
    states.iter().any(|state| end.starts_with(state))
}

/// Whether a refusal passes: the controller is down or busy.
fn is_for_now(error: &CallError) -> bool {
    let CallError::Failed { said, .. } = error else { return false };
    let passing = [
        "Unable to contact",
        "timed out",
        "emporarily",
        "Zero Bytes",
        "onnection refused",
        "AssocMaxSubmit",
    ];
    passing.iter().any(|words| said.contains(words))
}

/// How the tasks of jobs ended, in Slurm's words, by job and index.
type Ends = HashMap<u64, BTreeMap<u32, String>>;

/// A question to Slurm: which tasks of submissions of these names are in its queue, and how those of some jobs ended.
struct Question {
    names: Vec<String>,
    ends: Vec<u64>,
}

struct Answer {
    names: Vec<String>,
    queued: Result<Vec<QueuedTask>, CallError>,
    ends: Ends,
}

/// Asks Slurm beside everything else: an answer can take a minute.
struct Poller {
    questions: Sender<Question>,
    answers: Receiver<(Answer, Duration)>,
    asked: bool,
    next: Instant,
}

impl Poller {
    fn start() -> Poller {
        let (questions, asked) = mpsc::channel::<Question>();
        let (answer, answers) = mpsc::channel();
        std::thread::spawn(move || {
            let slurm = Slurm::default();
            for Question { names, ends } in asked {
                let start = Instant::now();
                let queued = slurm.queue(&names, &mut || true);
                let took = start.elapsed();
                let ends = ends.into_iter().map(|job| (job, slurm.ends_of(job))).collect();
                if answer.send((Answer { names, queued, ends }, took)).is_err() {
                    break;
                }
            }
        });
        Poller { questions, answers, asked: false, next: Instant::now() }
    }

    /// Asks, if it is time to.
    fn ask(&mut self, names: Vec<String>, ends: &BTreeSet<u64>) {
        if !self.asked && Instant::now() >= self.next && !names.is_empty() {
            let ends = ends.iter().copied().collect();
            self.asked = self.questions.send(Question { names, ends }).is_ok();
        }
    }

    /// The answer, if it comes within `wait`.
    fn answer(&mut self, wait: Duration) -> Option<Answer> {
        let (answer, took) = self.answers.recv_timeout(wait).ok()?;
        self.asked = false;
        let pause = match answer.queued {
            Ok(_) => ASK.max(took * SHARE_OF_ASKING),
            Err(_) => ASK_AFTER_ERROR,
        };
        self.next = Instant::now() + pause;
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again() {
        let failed = |said: &str| CallError::Failed { program: "sbatch".into(), said: said.into() };
        for said in [
            "Batch job submission failed: Unable to contact slurm controller (connect failure)",
            "Batch job submission failed: Socket timed out on send/recv operation",
            "Slurm temporarily unable to accept job, sleeping and retrying",
        ] {
            assert!(is_for_now(&failed(said)), "{said}");
        }
        for said in
            ["invalid partition specified: nowhere", "Batch job submission failed: Invalid account"]
        {
            assert!(!is_for_now(&failed(said)), "{said}");
        }
    }

    #[test]
    fn a_task_that_was_told_to_leave_has_not_failed() {
        for end in
            ["TIMEOUT", "CANCELLED by 0", "PREEMPTED", "NODE_FAIL", "TIMEOUT (exit code 0:9)"]
        {
            assert!(is_interruption(end), "{end}");
        }
        for end in ["COMPLETED", "FAILED (exit code 1:0)", "OUT_OF_MEMORY (exit code 0:125)"] {
            assert!(!is_interruption(end), "{end}");
        }
    }
}

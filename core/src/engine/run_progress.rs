//! Progress of a run, accumulated from its events.

use std::collections::{BTreeMap, HashMap};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::event::Event;
use crate::plan::TrainingId;
use crate::store::{Live, LiveWorker, Queue, host};

/// Counts, running trainings, and the estimated time left.
#[derive(Debug, Clone)]
pub struct RunProgress {
    /// Without its workers.
    live: Live,
    /// Running trainings by the order in which they began, and their numbers there by their ids: ten thousand may be told of
    /// at once.
    workers: BTreeMap<u64, LiveWorker>,
    numbers: HashMap<String, u64>,
    begun: u64,
    /// When each worker started its current step of a training.
    since: HashMap<String, Instant>,
    trainings: Pace,
    evaluations: Pace,
}

/// The mean duration of a training or an evaluation.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    seconds: f64,
    done: f64,
}

/// The assumed duration of an evaluation relative to a training until one was measured.
const EVALUATION: f64 = 0.05;

impl Pace {
    fn count(&mut self, since: Option<Instant>) {
        let Some(since) = since else { return };
        self.seconds += since.elapsed().as_secs_f64();
        self.done += 1.0;
    }

    /// Seconds for one, once one was measured.
    fn each(self) -> Option<f64> {
        (self.done > 0.05 && self.seconds > 0.0).then(|| self.seconds / self.done)
    }
}

impl Default for RunProgress {
    fn default() -> RunProgress {
        let live = Live {
            experiment: String::new(),
            host: host(),
            pid: std::process::id(),
            started: now(),
            updated: now(),
            jobs: 1,
            threads: 1,
            trainings: 0,
            trained: 0,
            evaluations: 0,
            evaluated: 0,
            failed: 0,
            seconds_left: None,
            queue: None,
            workers: Vec::new(),
        };
        let (trainings, evaluations) = (Pace::default(), Pace::default());
        RunProgress {
            live,
            workers: BTreeMap::new(),
            numbers: HashMap::new(),
            begun: 0,
            since: HashMap::new(),
            trainings,
            evaluations,
        }
    }
}

impl RunProgress {
    pub fn take(&mut self, event: &Event) {
        let live = &mut self.live;
        match event {
            Event::Planned {
                experiment,
                trainings,
                trained,
                evaluations,
                evaluated,
                jobs,
                threads,
            } => {
                live.experiment.clone_from(experiment);
                (live.trainings, live.trained) = (*trainings, *trained);
                (live.evaluations, live.evaluated) = (*evaluations, *evaluated);
                (live.jobs, live.threads) = (*jobs, *threads);
            }
            Event::Started { training, name, seed, epochs, resumed } => {
                let worker = self.enter(training, name, *seed);
                worker.epoch = resumed.map_or(0, |done| done + 1);
                worker.epochs = *epochs;
            }
            Event::Evaluating { training, name, seed, .. } => {
                self.enter(training, name, *seed).trained = true;
            }
            Event::Step { training, step } => {
                if let Some(worker) = self.worker_mut(training) {
                    worker.epoch = step.epoch;
                    worker.share = step.step as f64 / step.steps.max(1) as f64;
                    worker.loss = step.loss;
                    worker.accuracy = step.accuracy;
                    worker.images_per_second = step.images_per_second;
                }
            }
            Event::Epoch { training, record } => {
                if let Some(worker) = self.worker_mut(training) {
                    (worker.epoch, worker.share) = (record.epoch, 1.0);
                    (worker.loss, worker.accuracy) = (record.train_loss, record.train_accuracy);
                }
            }
            Event::Trained { training } => {
                live.trained += 1;
                self.trainings.count(self.since.get(training.as_str()).copied());
                self.left(training);
            }
            Event::Evaluated { training, .. } | Event::Mapped { training, .. } => {
                live.evaluated += 1;
                let since = self.since.insert(training.to_string(), Instant::now());
                self.evaluations.count(since);
            }
            Event::Mapping { training, share } => {
                if let Some(worker) = self.worker_mut(training) {
                    worker.share = *share;
                }
            }
            Event::Ended { training, .. } => self.left(training),
            Event::Failed { training, again, .. } => {
                live.failed += usize::from(!again);
                self.left(training);
            }
            Event::Queue { running, waiting, .. } => {
                live.queue = Some(Queue { running: *running, waiting: *waiting });
                live.jobs = (*running).max(1);
            }
            Event::Reading { .. }
            | Event::Task { .. }
            | Event::Warning { .. }
            | Event::Elsewhere { .. }
            | Event::Finished { .. } => {}
        }
    }

    /// A worker started a training.
    fn enter(&mut self, training: &TrainingId, name: &str, seed: u64) -> &mut LiveWorker {
        self.left(training);
        self.since.insert(training.to_string(), Instant::now());
        self.begun += 1;
        self.numbers.insert(training.to_string(), self.begun);
        self.workers.entry(self.begun).or_insert_with(|| LiveWorker {
            training_id: training.to_string(),
            name: name.to_owned(),
            seed,
            trained: false,
            epoch: 0,
            epochs: 0,
            share: 0.0,
            loss: 0.0,
            accuracy: 0.0,
            images_per_second: 0.0,
        })
    }

    /// A training is no longer running.
    fn left(&mut self, training: &TrainingId) {
        if let Some(number) = self.numbers.remove(training.as_str()) {
            self.workers.remove(&number);
        }
        self.since.remove(training.as_str());
    }

    /// The current totals.
    pub fn live(&self) -> Live {
        let workers = self.workers.values().cloned().collect();
        Live { updated: now(), seconds_left: self.seconds_left(), workers, ..self.live.clone() }
    }

    /// The number of trainings in the plan.
    pub fn trainings(&self) -> usize {
        self.live.trainings
    }

    /// The number of trainings that run.
    pub fn running(&self) -> usize {
        self.workers.len()
    }

    /// A running training.
    pub fn worker(&self, training: &TrainingId) -> Option<&LiveWorker> {
        self.workers.get(self.numbers.get(training.as_str())?)
    }

    /// The share of all work that is done; running trainings count by their epochs.
    pub fn share(&self) -> f64 {
        let evaluation = match self.seconds_each() {
            (Some(training), Some(evaluation)) => evaluation / training,
            _ => EVALUATION,
        };
        let Live { trainings, trained, evaluations, evaluated, .. } = self.live;
        let done = trained as f64 + self.under_way() + evaluation * evaluated as f64;
        let all = trainings as f64 + evaluation * evaluations as f64;
        if all > 0.0 { done / all } else { 0.0 }
    }

    fn under_way(&self) -> f64 {
        let share = |worker: &LiveWorker| {
            let epochs = f64::from(worker.epoch.max(1) - 1) + worker.share;
            epochs / f64::from(worker.epochs.max(1))
        };
        self.workers.values().filter(|worker| !worker.trained).map(share).sum()
    }

    /// Including running trainings.
    fn training_pace(&self) -> Pace {
        let training = self.workers.values().filter(|worker| !worker.trained);
        let since = training.filter_map(|worker| self.since.get(&worker.training_id));
        let seconds: f64 = since.map(|since| since.elapsed().as_secs_f64()).sum();
        Pace {
            seconds: self.trainings.seconds + seconds,
            done: self.trainings.done + self.under_way(),
        }
    }

    /// For a training and for an evaluation, where measured.
    fn seconds_each(&self) -> (Option<f64>, Option<f64>) {
        let training = self.training_pace().each();
        let guess = training.map(|seconds| seconds * EVALUATION);
        (training, self.evaluations.each().or(guess))
    }

    /// Extrapolated from the speed so far, once something was measured.
    fn seconds_left(&self) -> Option<f64> {
        let Live { trainings, trained, evaluations, evaluated, jobs, .. } = self.live;
        let (training, evaluation) = self.seconds_each();
        let open = |count: f64, each: Option<f64>| {
            if count > 0.0 { each.map(|each| count * each) } else { Some(0.0) }
        };
        let trainings =
            open(trainings.saturating_sub(trained) as f64 - self.under_way(), training)?;
        let evaluations = open(evaluations.saturating_sub(evaluated) as f64, evaluation)?;
        Some((trainings + evaluations) / f64::from(jobs.max(1)))
    }

    fn worker_mut(&mut self, training: &TrainingId) -> Option<&mut LiveWorker> {
        self.workers.get_mut(self.numbers.get(training.as_str())?)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::Step;

    fn id(digit: char) -> TrainingId {
        serde_json::from_str(&format!("\"{}\"", digit.to_string().repeat(20))).unwrap()
    }

    fn started(digit: char) -> Event {
        let (name, seed) = ("whole".to_owned(), 1);
        Event::Started { training: id(digit), name, seed, epochs: 4, resumed: None }
    }

    #[test]
    fn running_trainings_count_by_their_epochs() {
        let mut progress = RunProgress::default();
        let experiment = "x".to_owned();
        progress.take(&Event::Planned {
            experiment,
            trainings: 4,
            trained: 1,
            evaluations: 8,
            evaluated: 2,
            jobs: 2,
            threads: 1,
        });
        assert_eq!(progress.share(), 0.25);
        progress.take(&started('a'));
        progress.take(&started('b'));
        let step =
            Step { epoch: 3, step: 5, steps: 10, loss: 1.0, accuracy: 0.5, images_per_second: 9.0 };
        progress.take(&Event::Step { training: id('a'), step });
        // Two of eight evaluations are done, each taken for a twentieth of a training.
        assert!((progress.share() - (1.0 + 2.5 / 4.0 + 0.1) / 4.4).abs() < 1e-12);
        assert_eq!(progress.live().workers.len(), 2);
        progress.take(&Event::Trained { training: id('a') });
        let (name, seed, reason) = ("whole".to_owned(), 1, "no memory".to_owned());
        progress.take(&Event::Failed { training: id('b'), name, seed, reason, again: false });
        let live = progress.live();
        assert_eq!((live.trained, live.failed, live.workers.len()), (2, 1, 0));
        assert!((progress.share() - 2.1 / 4.4).abs() < 1e-12);
    }

    /// If all is trained and evaluations are open, time is left.
    #[test]
    fn evaluations_count_too() {
        let mut progress = RunProgress::default();
        let planned = |evaluated| Event::Planned {
            experiment: "x".to_owned(),
            trainings: 1,
            trained: 1,
            evaluations: 127,
            evaluated,
            jobs: 1,
            threads: 2,
        };
        progress.take(&planned(0));
        assert!(progress.share() < 0.2 && progress.seconds_left().is_none());
        let (name, seed) = ("amortised".to_owned(), 1);
        progress.take(&Event::Evaluating { training: id('a'), name, seed, evaluations: 127 });
        std::thread::sleep(std::time::Duration::from_millis(20));
        let evaluation = serde_json::from_str(&format!("\"{}\"", "e".repeat(20))).unwrap();
        progress.take(&Event::Evaluated { training: id('a'), evaluation });
        let left = progress.seconds_left().unwrap();
        assert!(left > 126.0 * 0.02, "{left}");
        progress.take(&planned(127));
        assert_eq!((progress.share(), progress.seconds_left()), (1.0, Some(0.0)));
    }
}

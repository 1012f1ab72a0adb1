//! Display of a run's progress: updating lines on a terminal, plain lines or JSON elsewhere.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::interrupt::Interruption;
use super::output::EventLines;
use super::{Options, output};
use crate::dataset::{self, Dataset, DatasetError, Stage, Watch};
use crate::engine::{self, Done, Event, Observer, RunProgress};
use crate::epoch::EpochRecord;
use crate::experiment::Experiment;
use crate::plan::TrainingId;
use crate::report::{counted, thousands, visible, visible_lines, wrap};
use crate::store::{LiveWorker, Results, rate};

/// Shows an engine's events.
pub struct Progress {
    view: View,
    verbose: u8,
    /// A second output for events.
    lines: Option<EventLines>,
    interruption: Interruption,
    /// Whether the interruption was acknowledged.
    acknowledged: Cell<bool>,
    run: RunProgress,
    /// Counts the trainings that were started.
    begun: usize,
    /// Whether an interruption leaves the trainings to a scheduler.
    jobs_go_on: bool,
    /// What was said last of a scheduler's queue.
    queue: Option<String>,
    /// Warnings already shown; several workers give the same ones.
    warned: Vec<String>,
}

enum View {
    Quiet,
    Lines,
    Living(Living),
}

/// A line for the experiment and one for each running training, of which a cluster may have more than a terminal has lines.
struct Living {
    all: MultiProgress,
    experiment: ProgressBar,
    trainings: BTreeMap<String, ProgressBar>,
    /// How many more run than have a line.
    more: Option<ProgressBar>,
    shown: Option<Instant>,
}

/// So many running trainings have a line of their own.
const LINES: usize = 16;

/// The least interval between two pictures where there are more.
const PAUSE: Duration = Duration::from_millis(500);

impl Living {
    fn new() -> Living {
        let all = MultiProgress::new();
        let experiment = all.add(bar("{prefix} {bar:24} {msg}", 1000));
        experiment.enable_steady_tick(Duration::from_millis(500));
        Living { all, experiment, trainings: BTreeMap::new(), more: None, shown: None }
    }

    /// Shows the run's progress.
    fn show(&mut self, run: &RunProgress) {
        if run.running() > LINES && self.shown.is_some_and(|shown| shown.elapsed() < PAUSE) {
            return;
        }
        self.shown = Some(Instant::now());
        let mut live = run.live();
        let more = live.workers.len().saturating_sub(LINES);
        live.workers.truncate(LINES);
        self.experiment.set_prefix(live.experiment.clone());
        self.experiment.set_position((run.share() * 1000.0) as u64);
        let left = live.seconds_left.map(|left| format!(", {} left", duration(left)));
        let counts = match live.trained < live.trainings {
            true => format!("{} of {} trainings", live.trained, live.trainings),
            false => format!("{} of {} evaluations", live.evaluated, live.evaluations),
        };
        self.experiment.set_message(counts + &left.unwrap_or_default());
        self.trainings.retain(|id, line| {
            let stays = live.workers.iter().any(|worker| worker.training_id == *id);
            if !stays {
                self.all.remove(line);
            }
            stays
        });
        for worker in &live.workers {
            let line = self
                .trainings
                .entry(worker.training_id.clone())
                .or_insert_with(|| self.all.add(bar("{wide_msg}", 1)));
            line.set_message(format!("  {}", visible(&describe(worker))));
        }
        if let Some(line) = self.more.take() {
            self.all.remove(&line);
        }
        if more > 0 {
            let line = self.all.add(bar("{wide_msg}", 1));
            line.set_message(format!("  and {} more", thousands(more as u64)));
            self.more = Some(line);
        }
    }
}

/// A running training in one line; changing numbers come first, and the name is cut where there is no room.
pub(super) fn describe(worker: &LiveWorker) -> String {
    let LiveWorker { name, seed, epoch, epochs, loss, accuracy, images_per_second, .. } = worker;
    match (worker.trained, epoch) {
        (true, _) if worker.share > 0.0 => {
            let share = worker.share * 100.0;
            format!("evaluating, {share:.0} % of a sensitivity map: {name}, seed {seed}")
        }
        (true, _) => format!("evaluating: {name}, seed {seed}"),
        (false, 0) => format!("{name}, seed {seed}"),
        (false, _) => {
            let speed = match *images_per_second as u64 {
                0 => String::new(),
                speed => format!(", {} images/s", thousands(speed)),
            };
            let accuracy = accuracy * 100.0;
            format!(
                "epoch {epoch}/{epochs}, loss {loss:.3}, {accuracy:.1} %{speed}: {name}, seed {seed}"
            )
        }
    }
}

fn bar(template: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is well-formed");
    ProgressBar::new(length).with_style(style.progress_chars("━╸─"))
}

impl Progress {
    pub fn new(options: &Options, json: bool, interruption: &Interruption) -> Progress {
        let view = if options.quiet || json {
            View::Quiet
        } else if std::io::stderr().is_terminal() && std::env::var_os("TERM") != Some("dumb".into())
        {
            View::Living(Living::new())
        } else {
            View::Lines
        };
        Progress {
            view,
            verbose: options.verbose,
            lines: json.then(EventLines::default),
            interruption: interruption.clone(),
            acknowledged: Cell::new(false),
            run: RunProgress::default(),
            begun: 0,
            jobs_go_on: false,
            queue: None,
            warned: Vec::new(),
        }
    }

    /// For a run whose trainings a scheduler starts: they go on after an interruption.
    pub fn of_scheduler(mut self, scheduler: bool) -> Progress {
        self.jobs_go_on = scheduler;
        self
    }

    /// Removes the updating lines.
    pub fn finish(&self) {
        if let View::Living(living) = &self.view {
            // One by one: a line that still ticks would redraw itself.
            living.trainings.values().for_each(ProgressBar::finish_and_clear);
            living.experiment.finish_and_clear();
            let _ = living.all.clear();
        }
    }

    /// The last event of a run.
    ///
    /// # Errors
    /// Where an event could not be written.
    pub fn finished(self, experiment: &str, done: &Done) -> anyhow::Result<()> {
        let Some(mut lines) = self.lines else { return Ok(()) };
        let Done { trained, evaluated, failed_runs, interrupted, .. } = *done;
        let experiment = experiment.to_owned();
        lines.write(&Event::Finished { experiment, trained, evaluated, failed_runs, interrupted });
        lines.finish()
    }

    fn line(&self, text: &str) {
        match &self.view {
            View::Quiet => {}
            View::Lines => output::error_text(&visible_lines(&format!("{text}\n"))),
            View::Living(living) => {
                let columns = console::Term::stderr().size().1;
                let text = wrap(&visible(text), usize::from(columns).max(40));
                let _ = living.all.println(text);
            }
        }
    }

    /// Shows a warning once, even with `--quiet`.
    pub fn warn(&mut self, text: &str) {
        if self.warned.iter().any(|said| said == text) {
            return;
        }
        self.warned.push(text.to_owned());
        match &self.view {
            View::Quiet => output::error_text(&visible_lines(&format!("{text}\n"))),
            _ => self.line(text),
        }
    }

    /// The name of a training.
    fn name(&self, training: &TrainingId) -> String {
        self.run.worker(training).map_or_else(
            || training.to_string(),
            |worker| format!("{}, seed {}", worker.name, worker.seed),
        )
    }

    fn epoch(&self, training: &TrainingId, record: &EpochRecord) {
        self.line(&format!(
            "  {}: epoch {}, rate {}, loss {:.4}, accuracy {:.1} %, val loss {:.4}, \
             val accuracy {:.1} %, {:.1} s",
            self.name(training),
            record.epoch,
            rate(record.learning_rate),
            record.train_loss,
            record.train_accuracy * 100.0,
            record.val_loss,
            record.val_accuracy * 100.0,
            record.seconds
        ));
    }

    /// Said where it changed.
    fn queue(&mut self, running: u32, waiting: u32, reason: Option<&str>) {
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let text = format!("in Slurm: {running} running, {waiting} waiting{reason}");
        if self.queue.as_deref() != Some(text.as_str()) {
            self.line(&text);
            self.queue = Some(text);
        }
    }

    fn reading(&mut self, stage: Stage, done: usize, total: usize) {
        let doing = match stage {
            Stage::Hash => "reading",
            Stage::Landmarks => "finding landmarks in",
            Stage::Decode => "decoding",
        };
        if let View::Living(living) = &mut self.view {
            let (done, total) = (thousands(done as u64), thousands(total as u64));
            living.experiment.set_message(format!("{doing} pictures: {done} of {total}"));
        }
    }
}

impl Observer for Progress {
    fn event(&mut self, event: &Event) {
        if let Some(lines) = &mut self.lines {
            lines.write(event);
        }
        // The lines below need the names of trainings, which a failure or an end removes from the totals.
        match event {
            Event::Reading { stage, done, total } => self.reading(*stage, *done, *total),
            Event::Warning { text } => self.warn(&format!("warning: {text}")),
            Event::Planned {
                trainings, trained, evaluations, evaluated, jobs, threads, ..
            } => {
                self.begun = *trained;
                let mut text = format!(
                    "{}, {trained} done; {}, {evaluated} done",
                    counted(*trainings as u64, "training"),
                    counted(*evaluations as u64, "evaluation"),
                );
                if evaluated < evaluations {
                    let threads = counted(u64::from(*threads), "thread");
                    text += &match jobs {
                        0 => format!("; by Slurm, {threads} each"),
                        jobs => format!("; {jobs} in parallel, {threads} each"),
                    };
                }
                self.line(&text);
            }
            Event::Started { name, seed, resumed, .. } => {
                self.begun += 1;
                if matches!(self.view, View::Lines) || self.verbose > 0 {
                    let on = resumed.map(|epoch| format!(", resumed at epoch {}", epoch + 1));
                    let (begun, all) = (self.begun, self.run.trainings());
                    let on = on.unwrap_or_default();
                    // A training that `reproduce` repeats belongs to no plan.
                    let which = if all > 0 { format!(" {begun} of {all}") } else { String::new() };
                    self.line(&format!("training{which}: {name}, seed {seed}{on}"));
                }
            }
            Event::Epoch { training, record } if self.verbose > 0 => self.epoch(training, record),
            Event::Failed { name, seed, reason, again, .. } => {
                let again = if *again { "; retrying" } else { "" };
                let text = format!("failed: {name}, seed {seed}: {reason}{again}");
                self.warned.retain(|said| *said != text);
                self.warn(&text);
            }
            Event::Elsewhere { name, seed, .. } => {
                self.line(&format!("{name}, seed {seed}: another run is training it"));
            }
            Event::Task { host, job, restarts } if self.verbose > 0 => {
                let job = job.as_deref().unwrap_or("a task");
                let again = if *restarts > 0 { " again" } else { "" };
                self.line(&format!("{job} runs{again} on {host}"));
            }
            Event::Queue { running, waiting, reason } => {
                self.queue(*running, *waiting, reason.as_deref());
            }
            Event::Epoch { .. }
            | Event::Task { .. }
            | Event::Step { .. }
            | Event::Trained { .. }
            | Event::Evaluating { .. }
            | Event::Evaluated { .. }
            | Event::Mapping { .. }
            | Event::Mapped { .. }
            | Event::Ended { .. }
            | Event::Finished { .. } => {}
        }
        self.run.take(event);
        if let (View::Living(living), false) =
            (&mut self.view, matches!(event, Event::Reading { .. } | Event::Warning { .. }))
        {
            living.show(&self.run);
        }
    }

    fn interruption(&self) -> Arc<AtomicBool> {
        self.interruption.flag()
    }

    fn interrupted(&self) -> bool {
        let interrupted = self.interruption.raised();
        if interrupted && !self.acknowledged.replace(true) {
            self.line(match self.jobs_go_on {
                true => "interrupted: leaving; the jobs in Slurm go on",
                false => "interrupted: writing checkpoints; interrupt again to exit at once",
            });
        }
        interrupted
    }
}

/// Runs work on data outside of a run. Damaged cache files are reported, and, since it takes minutes, how far the search for
/// landmarks is.
pub fn watched<T>(
    options: &Options,
    interruption: &Interruption,
    work: impl FnOnce(Watch<'_>) -> Result<T, DatasetError>,
) -> Result<T, DatasetError> {
    let terminal =
        std::io::stderr().is_terminal() && std::env::var_os("TERM") != Some("dumb".into());
    let search = (terminal && !options.quiet).then(|| {
        bar("finding landmarks {bar:24} {human_pos} of {human_len} pictures, {eta} left", 0)
    });
    let progress = |progress: dataset::Progress| match progress {
        warned if warned.warning().is_some() => {
            output::warning(&warned.warning().unwrap_or_default());
        }
        dataset::Progress::Step { stage: Stage::Landmarks, done, total } if search.is_some() => {
            if let Some(bar) = &search {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                if done == total {
                    bar.finish_and_clear();
                }
            }
        }
        other if options.verbose > 0 => output::error_text(&format!("{other:?}\n")),
        _ => {}
    };
    let interrupted = interruption.flag();
    let done = work(Watch { progress: &progress, interrupted: &interrupted });
    if let Some(bar) = &search {
        bar.finish_and_clear();
    }
    done
}

/// Loads an experiment's data outside of a run.
pub fn load(
    experiment: &Experiment,
    results: &Results,
    options: &Options,
    interruption: &Interruption,
) -> Result<Dataset, DatasetError> {
    watched(options, interruption, |watch| {
        engine::load(&experiment.settings.dataset, results, watch)
    })
}

/// `40 s`, `12 min`, `3 h 20 min`
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) if minutes < 10 => format!("{minutes} min {} s", seconds % 60),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_for_people() {
        let texts = [0.4, 59.0, 60.0, 599.0, 600.0, 3600.0, 12_000.0].map(duration);
        assert_eq!(
            texts,
            ["0 s", "59 s", "1 min 0 s", "9 min 59 s", "10 min", "1 h 0 min", "3 h 20 min"]
        );
    }

    #[test]
    fn a_running_training_fits_a_terminal() {
        let worker = LiveWorker {
            training_id: "a".into(),
            name: "mouth hidden, control 2".into(),
            seed: 12,
            trained: false,
            epoch: 7,
            epochs: 30,
            share: 0.5,
            loss: 1.2345,
            accuracy: 0.6789,
            images_per_second: 1234.5,
        };
        let line = describe(&worker);
        assert_eq!(
            line,
            "epoch 7/30, loss 1.234, 67.9 %, 1,234 images/s: mouth hidden, control 2, seed 12"
        );
    }
}

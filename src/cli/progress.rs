//! How a run's progress is shown: two living lines on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Options, output};
use crate::dataset;
use crate::engine::{Event, Observer};
use crate::report::thousands;
use crate::train::{EpochRecord, Step};

/// Shows what an engine tells.
pub struct Progress {
    view: View,
    verbose: u8,
    interrupted: Arc<AtomicBool>,
    /// Trainings in the plan, and how many of them were there before.
    trainings: usize,
    trained_before: usize,
    trained: usize,
    /// The training under way.
    current: String,
    epochs: u32,
    started: Instant,
    /// Share of the training under way that is done.
    share: f64,
}

enum View {
    Quiet,
    Lines,
    Living { all: MultiProgress, experiment: ProgressBar, current: ProgressBar },
}

impl Progress {
    pub fn new(options: &Options, experiment: &str, interrupted: Arc<AtomicBool>) -> Progress {
        let view = if options.quiet {
            View::Quiet
        } else if std::io::stderr().is_terminal() {
            let all = MultiProgress::new();
            let line = |template: &str, width: u64| {
                let style =
                    ProgressStyle::with_template(template).expect("the template is well-formed");
                all.add(ProgressBar::new(width).with_style(style.progress_chars("━╸─")))
            };
            let first = line("{prefix} {bar:24} {msg}", 1000);
            first.set_prefix(experiment.to_owned());
            let current = line("{wide_msg}", 1);
            first.enable_steady_tick(Duration::from_millis(500));
            View::Living { all, experiment: first, current }
        } else {
            View::Lines
        };
        Progress {
            view,
            verbose: options.verbose,
            interrupted,
            trainings: 0,
            trained_before: 0,
            trained: 0,
            current: String::new(),
            epochs: 1,
            started: Instant::now(),
            share: 0.0,
        }
    }

    /// Takes the living lines away.
    pub fn finish(&self) {
        if let View::Living { all, .. } = &self.view {
            let _ = all.clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.view {
            View::Quiet => {}
            View::Lines => output::error_text(&format!("{text}\n")),
            View::Living { all, .. } => {
                let _ = all.println(text);
            }
        }
    }

    /// What must be said even where progress is not wanted.
    fn warn(&self, text: &str) {
        match &self.view {
            View::Quiet => output::error_text(&format!("{text}\n")),
            _ => self.line(text),
        }
    }

    fn living(&self, current: String) {
        let View::Living { experiment, current: line, .. } = &self.view else { return };
        let done = self.trained as f64 + self.share;
        let all = self.trainings.max(1) as f64;
        experiment.set_position((done / all * 1000.0) as u64);
        experiment.set_message(format!(
            "{} of {} trainings{}",
            self.trained,
            self.trainings,
            self.time_left().map(|left| format!(", {left} left")).unwrap_or_default()
        ));
        line.set_message(current);
    }

    fn time_left(&self) -> Option<String> {
        let here = (self.trained - self.trained_before) as f64 + self.share;
        let open = (self.trainings - self.trained_before) as f64 - here;
        let elapsed = self.started.elapsed().as_secs_f64();
        (here > 0.05 && elapsed > 2.0).then(|| duration(elapsed / here * open))
    }

    fn step(&mut self, step: &Step) {
        let epochs = f64::from(step.epoch - 1) + step.step as f64 / step.steps as f64;
        self.share = epochs / f64::from(self.epochs);
        self.living(format!(
            "  {}: epoch {} of {}, loss {:.3}, accuracy {:.1} %, {} images/s",
            self.current,
            step.epoch,
            self.epochs,
            step.loss,
            step.accuracy * 100.0,
            thousands(step.images_per_second as u64)
        ));
    }

    fn epoch(&self, record: &EpochRecord) {
        if self.verbose == 0 {
            return;
        }
        self.line(&format!(
            "  {}: epoch {} of {}, rate {:.1e}, loss {:.4}, accuracy {:.1} %, val loss {:.4}, val accuracy \
             {:.1} %, {:.1} s",
            self.current,
            record.epoch,
            self.epochs,
            record.learning_rate,
            record.train_loss,
            record.train_accuracy * 100.0,
            record.val_loss,
            record.val_accuracy * 100.0,
            record.seconds
        ));
    }

    fn data(&self, progress: &dataset::Progress) {
        match progress {
            dataset::Progress::Step { stage, done, total } => {
                let doing = match stage {
                    dataset::Stage::Hash => "reading",
                    dataset::Stage::Decode => "decoding",
                };
                self.living(format!(
                    "  {doing} pictures: {} of {}",
                    thousands(*done as u64),
                    thousands(*total as u64)
                ));
            }
            dataset::Progress::Rebuilding { path, why } => {
                self.warn(&format!("warning: {}: {why}; it is made anew", path.display()));
            }
        }
    }
}

impl Observer for Progress {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Data(progress) => self.data(&progress),
            Event::NoGpu(reason) => {
                self.warn(&format!("warning: {reason}; the CPU is used"));
            }
            Event::Planned { trainings, trained, evaluations, evaluated } => {
                self.trainings = trainings;
                self.trained = trained;
                self.trained_before = trained;
                self.started = Instant::now();
                self.line(&format!(
                    "{trainings} trainings, {trained} done; {evaluations} evaluations, {evaluated} done"
                ));
            }
            Event::Training { number, name, seed, epochs, resumed } => {
                self.current = format!("{name}, seed {seed}");
                self.epochs = epochs;
                self.share = 0.0;
                let on = resumed.map(|epoch| format!(", on from epoch {}", epoch + 1));
                let on = on.unwrap_or_default();
                if matches!(self.view, View::Lines) || self.verbose > 0 {
                    self.line(&format!(
                        "training {number} of {}: {}{on}",
                        self.trainings, self.current
                    ));
                }
                self.living(format!("  {}{on}", self.current));
            }
            Event::Step(step) => self.step(step),
            Event::Epoch(record) => self.epoch(record),
            Event::Trained { .. } => {
                self.trained += 1;
                self.share = 0.0;
                self.living(format!("  {}: trained", self.current));
            }
            Event::Evaluated => {}
            Event::Failed { name, seed, reason } => {
                self.warn(&format!("failed: {name}, seed {seed}: {reason}"));
            }
            Event::Damaged(error) => {
                self.warn(&format!("warning: {error}; it is done again"));
            }
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}

/// Tells of a loader's progress where there is no run around it: what was damaged, and no more.
pub fn say(options: &Options, progress: &dataset::Progress) {
    if let dataset::Progress::Rebuilding { path, why } = progress {
        output::error_text(&format!("warning: {}: {why}; it is made anew\n", path.display()));
    } else if options.verbose > 0 {
        output::error_text(&format!("{progress:?}\n"));
    }
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
    fn durations_are_as_exact_as_anyone_wants() {
        let texts = [0.4, 59.0, 60.0, 599.0, 600.0, 3600.0, 12_000.0].map(duration);
        assert_eq!(
            texts,
            ["0 s", "59 s", "1 min 0 s", "9 min 59 s", "10 min", "1 h 0 min", "3 h 20 min"]
        );
    }
}

//! Conditions as labels.

use std::collections::BTreeMap;

use crate::region::{FillKind, Mode, Phase};
use crate::store::{Masking, RunRow};

/// It goes without saying, unless there are others.
const USUAL_FILL: FillKind = FillKind::Mean;

/// What an experiment has several of, so that each is named where it is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Several {
    pub phases: bool,
    pub fills: bool,
    pub settings: bool,
}

/// Phase, fill and swept settings.
type Choice<'a> = (Phase, FillKind, &'a BTreeMap<String, String>);

impl Several {
    /// Of the choices that occur.
    pub fn of<'a>(choices: impl Iterator<Item = Choice<'a>>) -> Several {
        let mut several = Several::default();
        let mut first: Option<Choice<'a>> = None;
        for (phase, fill, swept) in choices {
            let first = *first.get_or_insert((phase, fill, swept));
            several.phases |= phase != first.0;
            several.fills |= fill != first.1;
            several.settings |= swept != first.2;
        }
        several
    }

    /// Of the coverings of runs.
    pub fn of_runs(runs: &[RunRow]) -> Several {
        let choices = runs.iter().filter_map(|run| {
            let masking = run.masking().filter(|masking| masking.phase != Phase::Masks)?;
            Some((masking.phase, masking.fill, &run.swept))
        });
        let mut several = Several::of(choices);
        several.settings |= runs.iter().any(|run| run.swept != runs[0].swept);
        several
    }

    /// Several of what either has several of.
    pub fn or(self, other: Several) -> Several {
        Several {
            phases: self.phases || other.phases,
            fills: self.fills || other.fills,
            settings: self.settings || other.settings,
        }
    }

    /// A run's condition in a few words: `whole face`, `eyes hidden`, `only brows + eyes seen, in the test`.
    pub fn run(self, run: &RunRow) -> String {
        let mut label = self.occlusion(&run.regions, run.masking());
        if run.control {
            label.push_str(", control");
            if let Some(draw) = run.draw {
                label.push_str(&format!(" {}", draw + 1));
            }
        }
        with_swept(label, &run.swept)
    }

    /// An occlusion with its swept settings.
    pub fn condition(
        self,
        regions: &[String],
        masking: Masking,
        settings: &BTreeMap<String, String>,
    ) -> String {
        with_swept(self.occlusion(regions, Some(masking)), settings)
    }

    /// What a part of a figure or table shows, and under which conditions: `The region hidden, in training
    /// and test; noise fill; learning_rate 0.01`.
    pub fn heading(self, what: &str, (phase, fill, settings): Choice<'_>) -> String {
        let mut heading = what.to_owned();
        heading.push_str(match phase {
            Phase::Retrain => ", in training and test",
            Phase::Evaluate => " in the test; trained on whole faces",
            Phase::Train => " in training; tested on whole faces",
            Phase::Amortised => "; one network trained for all sets",
            Phase::Masks => "",
        });
        let choice = self.choice(fill, settings);
        if !choice.is_empty() {
            heading.push_str(&format!("; {}", choice.join("; ")));
        }
        heading
    }

    /// A chart's title that speaks of one fill or setting of several: `Hiding the eyes costs most (mean fill,
    /// learning_rate 0.01)`.
    pub fn title(
        self,
        finding: String,
        fill: FillKind,
        settings: &BTreeMap<String, String>,
    ) -> String {
        let fill = if self.fills { fill } else { USUAL_FILL };
        match self.choice(fill, settings) {
            choice if choice.is_empty() => finding,
            choice => format!("{finding} ({})", choice.join(", ")),
        }
    }

    /// What of a fill and settings is to be named: `mean fill`, `learning_rate 0.01`.
    pub fn choice(self, fill: FillKind, settings: &BTreeMap<String, String>) -> Vec<String> {
        let mut choice = Vec::new();
        if self.fills || fill != USUAL_FILL {
            choice.push(format!("{} fill", fill.name()));
        }
        if self.settings && !settings.is_empty() {
            choice.push(swept(settings));
        }
        choice
    }

    /// A masking in a few words; what is usual (retrained; filled with the mean, where all are) goes without
    /// saying.
    fn occlusion(self, regions: &[String], masking: Option<Masking>) -> String {
        let Some(Masking { mode, phase, fill }) = masking else { return "whole face".to_owned() };
        let names = regions.join(" + ");
        let mut label = match mode {
            Mode::Hide => format!("{names} hidden"),
            Mode::Keep => format!("only {names} seen"),
        };
        match phase {
            Phase::Masks => return "masks alone".to_owned(),
            Phase::Retrain => {}
            Phase::Evaluate => label.push_str(", in the test"),
            Phase::Train => label.push_str(", in training"),
            Phase::Amortised => label.push_str(", amortised"),
        }
        match self.fills || fill != USUAL_FILL {
            true => format!("{label}, {}", fill.name()),
            false => label,
        }
    }
}

/// `learning_rate 0.01, batch_size 64`: the last part of each swept key and its value.
pub fn swept(settings: &BTreeMap<String, String>) -> String {
    let parts: Vec<String> = settings
        .iter()
        .map(|(key, value)| {
            let name = key.rsplit('.').next().unwrap_or(key);
            format!("{name} {}", value.trim_matches('"'))
        })
        .collect();
    parts.join(", ")
}

fn with_swept(label: String, settings: &BTreeMap<String, String>) -> String {
    if settings.is_empty() { label } else { format!("{label}, {}", swept(settings)) }
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::experiment::Statistics;
    use crate::store::{RunStatus, Term};

    /// A finished run of the embedded data set.
    pub fn run(regions: &[&str], mode: &str, seed: u64) -> RunRow {
        let whole = regions.is_empty();
        RunRow {
            run_id: format!("{}-{mode}-{seed}", regions.join("+")),
            training_id: format!("t-{}-{mode}-{seed}", regions.join("+")),
            experiment: "mask".to_owned(),
            condition: format!("{mode} {}", regions.join("+")),
            dataset: "faces".to_owned(),
            regions: regions.iter().map(|name| (*name).to_owned()).collect(),
            mode: Mode::of(mode).filter(|_| !whole),
            fill: (!whole).then_some(FillKind::Mean),
            phase: (!whole).then_some(Phase::Retrain),
            control: false,
            draw: None,
            area: 0.1,
            seed,
            epochs: 10,
            best_epoch: 8,
            parameters: 668_583,
            val_accuracy: Some(0.84),
            test_accuracy: Some(0.83),
            test_balanced_accuracy: Some(0.82),
            test_macro_f1: Some(0.81),
            test_loss: Some(0.6),
            test_bits: Some(1.9),
            device: "cpu".to_owned(),
            precision: "f32".to_owned(),
            fer_lab: "0.1.0 (1a2b3c4d5e6f)".to_owned(),
            libtorch: "2.13.0".to_owned(),
            processor: "a processor".to_owned(),
            threads: 1,
            statistics: Statistics::Trained,
            wall_seconds: 40.0,
            train_images_per_second: 900.0,
            status: RunStatus::Done,
            swept: BTreeMap::new(),
        }
    }

    #[test]
    fn labels_say_what_is_unusual() {
        let one = Several::default();
        assert_eq!(one.run(&run(&[], "none", 1)), "whole face");
        assert_eq!(one.run(&run(&["eyes"], "hide", 1)), "eyes hidden");
        let mut other = run(&["brows", "eyes"], "keep", 1);
        assert_eq!(one.run(&other), "only brows + eyes seen");
        other.phase = Some(Phase::Evaluate);
        other.fill = Some(FillKind::Noise);
        other.control = true;
        other.draw = Some(0);
        other.swept.insert("train.optimizer.learning_rate".to_owned(), "0.01".to_owned());
        assert_eq!(
            one.run(&other),
            "only brows + eyes seen, in the test, noise, control 1, learning_rate 0.01"
        );
    }

    #[test]
    fn of_several_fills_each_is_named() {
        let (whole, mean) = (run(&[], "none", 1), run(&["eyes"], "hide", 1));
        let mut blur = mean.clone();
        blur.fill = Some(FillKind::Blur);
        let one = [whole.clone(), blur.clone()];
        assert_eq!(Several::of_runs(&one), Several::default());
        let several = Several::of_runs(&[whole.clone(), mean.clone(), blur.clone()]);
        assert_eq!(several, Several { fills: true, ..Several::default() });
        let labels = [whole, mean, blur].map(|run| several.run(&run));
        assert_eq!(labels, ["whole face", "eyes hidden, mean", "eyes hidden, blur"]);
        let none = BTreeMap::new();
        assert_eq!(
            several.heading("Hidden", (Phase::Evaluate, FillKind::Mean, &none)),
            "Hidden in the test; trained on whole faces; mean fill"
        );
        assert_eq!(
            several.title("It costs".to_owned(), FillKind::Blur, &none),
            "It costs (blur fill)"
        );
        assert_eq!(
            Several::default().title("It costs".to_owned(), FillKind::Blur, &none),
            "It costs"
        );
    }
}

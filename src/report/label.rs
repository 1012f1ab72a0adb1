//! Conditions as labels.

use std::collections::BTreeMap;

use crate::store::RunRow;

/// It goes without saying, unless there are others.
const USUAL_FILL: &str = "mean";

/// What an experiment has several of, so that each is named where it is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Several {
    pub phases: bool,
    pub fills: bool,
    pub settings: bool,
}

/// Phase, fill and swept settings.
type Choice<'a> = (&'a str, &'a str, &'a BTreeMap<String, String>);

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
        let covered = runs.iter().filter(|run| !run.regions.is_empty() && run.phase != "masks");
        let mut several =
            Several::of(covered.map(|run| (run.phase.as_str(), run.fill.as_str(), &run.swept)));
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
        let mut label = self.occlusion(&run.regions, (&run.mode, &run.phase, &run.fill));
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
        covering: (&str, &str, &str),
        settings: &BTreeMap<String, String>,
    ) -> String {
        with_swept(self.occlusion(regions, covering), settings)
    }

    /// What a part of a figure or table shows, and under which conditions: `The region hidden, in training
    /// and test; noise fill; learning_rate 0.01`.
    pub fn heading(self, what: &str, (phase, fill, settings): Choice<'_>) -> String {
        let mut heading = what.to_owned();
        heading.push_str(match phase {
            "retrain" => ", in training and test",
            "evaluate" => " in the test; trained on whole faces",
            "train" => " in training; tested on whole faces",
            "amortised" => "; one network trained for all sets",
            _ => "",
        });
        let choice = self.choice(fill, settings);
        if !choice.is_empty() {
            heading.push_str(&format!("; {}", choice.join("; ")));
        }
        heading
    }

    /// A chart's title that speaks of one fill or setting of several: `Hiding the eyes costs most (mean fill,
    /// learning_rate 0.01)`.
    pub fn title(self, finding: String, fill: &str, settings: &BTreeMap<String, String>) -> String {
        let fill = if self.fills { fill } else { USUAL_FILL };
        match self.choice(fill, settings) {
            choice if choice.is_empty() => finding,
            choice => format!("{finding} ({})", choice.join(", ")),
        }
    }

    /// What of a fill and settings is to be named: `mean fill`, `learning_rate 0.01`.
    pub fn choice(self, fill: &str, settings: &BTreeMap<String, String>) -> Vec<String> {
        let mut choice = Vec::new();
        if self.fills || fill != USUAL_FILL {
            choice.push(format!("{fill} fill"));
        }
        if self.settings && !settings.is_empty() {
            choice.push(swept(settings));
        }
        choice
    }

    /// An occlusion in a few words; what is usual (retrained; filled with the mean, where all are) goes
    /// without saying.
    fn occlusion(self, regions: &[String], (mode, phase, fill): (&str, &str, &str)) -> String {
        let label = occlusion(regions, mode, phase);
        let is_plain = regions.is_empty() || phase == "masks";
        match !is_plain && (self.fills || fill != USUAL_FILL) {
            true => format!("{label}, {fill}"),
            false => label,
        }
    }
}

fn occlusion(regions: &[String], mode: &str, phase: &str) -> String {
    if regions.is_empty() {
        return "whole face".to_owned();
    }
    if phase == "masks" {
        return "masks alone".to_owned();
    }
    let names = regions.join(" + ");
    let mut label = match mode {
        "hide" => format!("{names} hidden"),
        "keep" => format!("only {names} seen"),
        other => format!("{names} {other}"),
    };
    match phase {
        "retrain" => {}
        "evaluate" => label.push_str(", in the test"),
        "train" => label.push_str(", in training"),
        other => label.push_str(&format!(", {other}")),
    }
    label
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
pub(super) mod tests {
    use super::*;
    use crate::experiment::Statistics;

    /// A finished run of the embedded data set.
    pub fn run(regions: &[&str], mode: &str, seed: u64) -> RunRow {
        let whole = regions.is_empty();
        let or_none = |value: &str| if whole { "none".to_owned() } else { value.to_owned() };
        RunRow {
            run_id: format!("{}-{mode}-{seed}", regions.join("+")),
            training_id: format!("t-{}-{mode}-{seed}", regions.join("+")),
            experiment: "mask".to_owned(),
            condition: format!("{mode} {}", regions.join("+")),
            dataset: "faces".to_owned(),
            regions: regions.iter().map(|name| (*name).to_owned()).collect(),
            mode: or_none(mode),
            fill: or_none("mean"),
            phase: or_none("retrain"),
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
            status: "done".to_owned(),
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
        other.phase = "evaluate".to_owned();
        other.fill = "noise".to_owned();
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
        blur.fill = "blur".to_owned();
        let one = [whole.clone(), blur.clone()];
        assert_eq!(Several::of_runs(&one), Several::default());
        let several = Several::of_runs(&[whole.clone(), mean.clone(), blur.clone()]);
        assert_eq!(several, Several { fills: true, ..Several::default() });
        let labels = [whole, mean, blur].map(|run| several.run(&run));
        assert_eq!(labels, ["whole face", "eyes hidden, mean", "eyes hidden, blur"]);
        let none = BTreeMap::new();
        assert_eq!(
            several.heading("Hidden", ("evaluate", "mean", &none)),
            "Hidden in the test; trained on whole faces; mean fill"
        );
        assert_eq!(several.title("It costs".to_owned(), "blur", &none), "It costs (blur fill)");
        assert_eq!(Several::default().title("It costs".to_owned(), "blur", &none), "It costs");
    }
}

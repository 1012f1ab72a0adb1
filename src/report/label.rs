//! Conditions as labels.

use std::collections::BTreeMap;

use crate::store::RunRow;

/// A run's condition in a few words: `whole face`, `eyes hidden`, `only brows + eyes seen, in the test`.
pub fn run_label(run: &RunRow) -> String {
    let mut label = occlusion(&run.regions, &run.mode, &run.phase, &run.fill);
    if run.control {
        label.push_str(", control");
        if let Some(draw) = run.draw {
            label.push_str(&format!(" {}", draw + 1));
        }
    }
    with_swept(label, &run.swept)
}

/// An occlusion in a few words; what is usual (retrained, filled with the mean) goes without saying.
pub fn occlusion(regions: &[String], mode: &str, phase: &str, fill: &str) -> String {
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
    if fill != "mean" {
        label.push_str(&format!(", {fill}"));
    }
    label
}

/// An occlusion with its swept settings.
pub fn condition(
    regions: &[String],
    (mode, phase, fill): (&str, &str, &str),
    settings: &BTreeMap<String, String>,
) -> String {
    with_swept(occlusion(regions, mode, phase, fill), settings)
}

/// What a part of a figure or table shows, and under which conditions: `The region hidden, in training and
/// test; noise fill; learning_rate 0.01`.
pub fn heading(
    what: &str,
    (phase, fill): (&str, &str),
    settings: Option<&BTreeMap<String, String>>,
) -> String {
    let mut heading = what.to_owned();
    heading.push_str(match phase {
        "retrain" => ", in training and test",
        "evaluate" => " in the test; trained on whole faces",
        "train" => " in training; tested on whole faces",
        "amortised" => "; one network trained for all sets",
        _ => "",
    });
    if fill != "mean" {
        heading.push_str(&format!("; {fill} fill"));
    }
    if let Some(settings) = settings.filter(|settings| !settings.is_empty()) {
        heading.push_str(&format!("; {}", swept(settings)));
    }
    heading
}

/// A chart's title that speaks of one setting of several: `Hiding the eyes costs most (learning_rate 0.01)`.
pub fn title_of(finding: String, settings: Option<&BTreeMap<String, String>>) -> String {
    match settings.filter(|settings| !settings.is_empty()) {
        Some(settings) => format!("{finding} ({})", swept(settings)),
        None => finding,
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
pub(super) mod tests {
    use super::*;

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
            wall_seconds: 40.0,
            train_images_per_second: 900.0,
            status: "done".to_owned(),
            swept: BTreeMap::new(),
        }
    }

    #[test]
    fn labels_say_what_is_unusual() {
        assert_eq!(run_label(&run(&[], "none", 1)), "whole face");
        assert_eq!(run_label(&run(&["eyes"], "hide", 1)), "eyes hidden");
        let mut other = run(&["brows", "eyes"], "keep", 1);
        assert_eq!(run_label(&other), "only brows + eyes seen");
        other.phase = "evaluate".to_owned();
        other.fill = "noise".to_owned();
        other.control = true;
        other.draw = Some(0);
        other.swept.insert("train.optimizer.learning_rate".to_owned(), "0.01".to_owned());
        assert_eq!(
            run_label(&other),
            "only brows + eyes seen, in the test, noise, control 1, learning_rate 0.01"
        );
    }
}

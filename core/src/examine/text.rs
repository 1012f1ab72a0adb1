//! The experiment file that `examine` runs.

use std::path::Path;

use super::assumption::{Assumption, Scaling};
use super::orders::Order;
use super::source::DataFolder;
use crate::experiment::{Color, OutputScale};

/// The kinds of data whose splits, where they have none, are made by shares.
const SHARES: [&str; 2] = ["folder", "ckplus"];

/// What else the file says.
#[derive(Debug, Clone, Copy)]
pub struct Further {
    /// What the output is, where the network's file does not tell.
    pub output: Option<OutputScale>,
    /// The size of the pictures, where the network's file does not fix it.
    pub size: Option<[usize; 2]>,
    /// Images of each split at most.
    pub limit: Option<usize>,
    /// Whether landmarks are to be found in the pictures.
    pub landmarks: bool,
}

/// The text of an experiment on a network in a file.
pub fn experiment_text(
    name: &str,
    network: &Path,
    data: &DataFolder,
    (assumption, order): (&Assumption, &Order),
    further: &Further,
) -> String {
    let Further { output, size, limit, landmarks } = *further;
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let list = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| text(name)).collect();
        format!("[{}]", names.join(", "))
    };
    let numbers = |numbers: &[f64]| {
        let numbers: Vec<String> = numbers.iter().map(|number| format!("{number:?}")).collect();
        format!("[{}]", numbers.join(", "))
    };
    let file = network.file_name().unwrap_or_default().to_string_lossy();
    let Assumption { color, scaling: Scaling { range, mean, std } } = assumption;
    let question = format!("Which parts of a face does {file} rely on?");
    let mut dataset = format!(
        "kind = {}\nroot = {}\nclasses = {}\n",
        text(data.kind),
        text(&data.root.to_string_lossy()),
        list(&data.classes)
    );
    if let Some([height, width]) = size {
        dataset += &format!("size = [{height}, {width}]\n");
    }
    if SHARES.contains(&data.kind) {
        dataset += "# Nothing is trained: of images that are not split, most are to test on.\nval = 0.05\ntest = 0.7\n";
    }
    if landmarks {
        dataset += "landmarks = \"find\"\n";
    }
    if let Some(limit) = limit {
        dataset += &format!("limit = {limit}\n");
    }
    let color = match color {
        Color::Grey => String::new(),
        color => format!("color = {}, ", text(color.name())),
    };
    let output = match output {
        Some(OutputScale::Logits) => "output = \"logits\"\n",
        Some(OutputScale::Probabilities) => "output = \"probabilities\"\n",
        None => "",
    };
    format!(
        "# Written by `fer-lab examine`; a file like any other.\nname = {}\nquestion = {}\n\n[dataset]\n{dataset}\n[model]\n\
         kind = \"onnx\"\npath = {}\n{output}# In the order of {}.\nclasses = {}\ninput = {{ {color}range = {range:?}, mean = {}, std \
         = {} }}\n\n[occlusion]\nregions = \"each\"\nmodes = [\"hide\", \"keep\"]\nphases = [\"evaluate\"]\n",
        text(name),
        text(&question),
        text(&network.to_string_lossy()),
        order.of,
        list(&order.classes),
        numbers(mean),
        numbers(std),
    )
}

//! `fer-lab export`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::{Exit, Options, output};
use crate::experiment::{Statistics, network_words};
use crate::export::{self, Exported, INPUT, OUTPUT};
use crate::plan::ParameterCount;
use crate::region::phrase::list;
use crate::report::{Format, thousands, wrap};
use crate::store::{FileKind, Named, Results, file_kind, write_new};

/// Write a trained network as an ONNX file
///
/// ONNX Runtime and other programs run such a file, and `[model] kind = "onnx"` and `fer-lab examine` evaluate it. It takes
/// pictures of values from 0 to 1: their standardisation is inside. Its metadata name the classes in their order, and all
/// else that must be known to use it. Neither libtorch nor the data are needed.
#[derive(Debug, Args)]
#[command(after_help = "For example:\n  \
    fer-lab list trainings\n  \
    fer-lab export 3f2a --out my.onnx\n  \
    fer-lab examine my.onnx --data data/rafdb")]
pub struct Arguments {
    /// The id of a training or run, or its beginning
    #[arg(value_name = "ID")]
    id: String,
    /// The file to write, which must not exist; default: the training's id with `.onnx`, in the working folder
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let results = Results::open(&options.results)?;
    let (training, adapted) = match results.find(&arguments.id)? {
        Named::Training(id) => (id, false),
        Named::Run(run) => (run.training_id, run.statistics == Statistics::Adapted),
        Named::Experiment(name) => bail!(
            "`{name}` is an experiment: name one of its trainings or runs (`fer-lab show {name}` lists them)"
        ),
    };
    let file = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{training}.onnx")));
    if file.extension().is_none_or(|ending| ending != "onnx") {
        bail!("`--out {}`: name a file that ends in .onnx", file.display());
    }
    let exported = export::export(&results, &training)?;
    write(&file, &exported.bytes)?;
    if !options.quiet {
        exported.notes.iter().for_each(|note| output::warning(note));
        if adapted {
            output::warning(
                &"the run adapts batch normalisation's statistics to its masked images, and the file has those of the training",
            );
        }
    }
    let value = value(&training, &file, &exported);
    match options.format {
        Format::Json => output::data(&(serde_json::to_string_pretty(&value)? + "\n"))?,
        Format::Table => output::text(&in_words(&file, &exported))?,
        other => output::records(&KEYS, &[value], other)?,
    }
    Ok(Exit::Done)
}

/// Writes the file; one with the same bytes stays, any other is not overwritten.
fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let there = file_kind(file).ok();
    if there == Some(FileKind::File) && std::fs::read(file).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if there.is_some() {
        bail!(
            "`{}` is there already and is another file, so it is not overwritten: name another by --out, or remove it first",
            file.display()
        );
    }
    Ok(write_new(file, |file| file.write_all(bytes))?)
}

fn in_words(file: &Path, exported: &Exported) -> String {
    let training = &exported.training;
    let dataset = &training.settings.dataset;
    let parameters = parameters(exported);
    let [height, width, channels] = [dataset.height, dataset.width, dataset.channels];
    let color = if channels == 1 { "grey" } else { "RGB" };
    let what = format!(
        "{}, {} parameters, trained on {} (seed {}). It takes `{INPUT}`, {channels} × {height} × {width}, {color}, of values \
         from 0 to 1, and answers `{OUTPUT}` of {}. Standardisation is inside.",
        network_words(&training.settings.model),
        thousands(parameters),
        export::trained_on(training.mask.as_ref()),
        training.seed,
        list(dataset.classes.clone(), "and"),
    );
    format!(
        "{}\n\n{}\n\nTo evaluate it, in an experiment file (its metadata tell the rest):\n\n{}\n\
         or, to ask what it relies on in other pictures:\n\n  fer-lab examine {} --data FOLDER\n",
        file.display(),
        wrap(&what, 80),
        block(file),
        output::shell_word(file.as_os_str()),
    )
}

/// The section of an experiment file that evaluates the network.
fn block(file: &Path) -> String {
    let path = toml::Value::String(file.to_string_lossy().into_owned());
    format!("  [model]\n  kind = \"onnx\"\n  path = {path}\n")
}

fn parameters(exported: &Exported) -> u64 {
    let settings = &exported.training.settings;
    let dataset = &settings.dataset;
    ParameterCount::of(&settings.model, dataset.channels, dataset.classes.len()).total
}

/// The columns of CSV and Markdown.
const KEYS: [&str; 10] = [
    "file",
    "training_id",
    "seed",
    "network",
    "parameters",
    "input",
    "channels",
    "size",
    "output",
    "classes",
];

fn value(training: &str, file: &Path, exported: &Exported) -> serde_json::Value {
    let spec = &exported.training;
    let dataset = &spec.settings.dataset;
    json!({
        "file": file.to_string_lossy(),
        "training_id": training,
        "seed": spec.seed,
        "network": network_words(&spec.settings.model),
        "parameters": parameters(exported),
        "input": INPUT,
        "channels": dataset.channels,
        "size": [dataset.height, dataset.width],
        "output": OUTPUT,
        "classes": dataset.classes,
    })
}

//! `fer-lab preview`

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Options, output};
use crate::dataset::{Dataset, Split};
use crate::engine;
use crate::plan::Plan;
use crate::report::{ContactSheet, Tile};
use crate::store::Results;
use crate::train::device;

/// A PNG contact sheet of the pictures, whole and under each occlusion
///
/// The pictures are what the network meets: resized, covered, and shown as they are after
/// standardisation is taken back.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The experiment file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the picture goes; `<results>/<name>/preview.png` where it is not given
    #[arg(long, value_name = "PNG")]
    out: Option<PathBuf>,
    /// Pictures of each class in the sheet's upper rows
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=50))]
    samples: u64,
    /// The split that pictures are taken from
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = ["train", "val", "test"])]
    split: String,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    device::prepare(1);
    let experiment = options.experiment(&arguments.file)?;
    let plan = Plan::new(&experiment)?;
    let results = Results::create(&options.results)?;
    let spec = &experiment.settings.dataset;
    let dataset = engine::load(spec, &results, &|progress| {
        super::progress::say(options, &progress);
    })?;
    let engine::Reached { nothing, warnings } = engine::reached(&plan.parts, &dataset);
    for nothing in &nothing {
        output::warning(nothing);
    }
    for warning in &warnings {
        output::warning(warning);
    }
    let split = Split::ALL.into_iter().find(|split| split.name() == arguments.split);
    let split = split.unwrap_or(Split::Test);
    let examples = examples(&dataset, split, arguments.samples as usize);
    let painter = engine::Painter::new(&dataset, split);
    let tile = |image, occlusion| {
        let pixels = painter.pixels(image, occlusion);
        Tile::new(pixels, dataset.height, dataset.width, dataset.channels)
    };
    let mut rows = Vec::new();
    for sample in 0..arguments.samples as usize {
        let tiles = examples.iter().filter_map(|of_class| of_class.get(sample));
        let name = if sample == 0 { "whole" } else { "" };
        rows.push((
            name.to_owned(),
            tiles.map(|image| tile(*image, None)).collect::<Result<_, _>>()?,
        ));
    }
    let mut seen = Vec::new();
    for condition in plan.conditions.iter().filter(|condition| condition.cell == 0) {
        let Some(occlusion) = &condition.occlusion else { continue };
        if seen.contains(&occlusion) {
            continue;
        }
        seen.push(occlusion);
        let tiles = examples.iter().filter_map(|of_class| of_class.first());
        let tiles = tiles.map(|image| tile(*image, Some(occlusion)));
        rows.push((condition.name.clone(), tiles.collect::<Result<_, _>>()?));
    }
    let sheet = ContactSheet {
        title: format!("What the network sees in {}", experiment.name),
        subtitle: format!(
            "{} of {}, {} × {} pixels",
            split.name(),
            crate::report::dataset_name(spec.source.kind()),
            dataset.height,
            dataset.width
        ),
        rows,
        columns: dataset.classes.clone(),
    };
    let path = match &arguments.out {
        Some(path) => path.clone(),
        None => results.experiment_dir(&experiment.name)?.join("preview.png"),
    };
    sheet.figure()?.save_png(&path)?;
    output::answer(&format!("{}\n", path.display()))?;
    Ok(Exit::Done)
}

/// The first images of each class.
fn examples(dataset: &Dataset, split: Split, count: usize) -> Vec<Vec<usize>> {
    let mut examples = vec![Vec::new(); dataset.classes.len()];
    for (image, class) in dataset.split(split).actual().into_iter().enumerate() {
        if examples[class].len() < count {
            examples[class].push(image);
        }
    }
    examples
}

//! `fer-lab preview`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::interrupt::Interruption;
use super::picture::{PictureFormat, Place};
use super::{Exit, Options, output};
use crate::dataset::{Dataset, Split};
use crate::engine::{self, Libtorch};
use crate::experiment::Experiment;
use crate::plan::Plan;
use crate::region::{Carry, Landmark, Outlines, Region};
use crate::report::{ContactSheet, Format, Marks, Tile};
use crate::store::Results;

/// Draw a PNG contact sheet of images, whole and under each occlusion
///
/// The images are the network's inputs, resized and masked, with standardisation undone; then whole with their landmarks
/// and the regions outlined. `--format json` and `csv`
/// list the image at each position.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The experiment file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Output file: a new one, or one that fer-lab drew; default `<results>/<name>/preview.png`
    #[arg(long, value_name = "PNG")]
    out: Option<PathBuf>,
    /// Images per class in the sheet's upper rows
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=50))]
    samples: u64,
    /// The split to take images from
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = ["train", "val", "test"])]
    split: String,
}

pub fn run(
    arguments: &Arguments,
    options: &Options,
    libtorch: &dyn Libtorch,
) -> anyhow::Result<Exit> {
    let interruption = Interruption::catch(String::new())?;
    libtorch.prepare(1);
    let experiment = options.experiment(&arguments.file)?;
    let plan = Plan::new(&experiment)?;
    let named = arguments.out.as_deref();
    let named = named.map(|path| Place::named("--out", path, &[PictureFormat::Png])).transpose()?;
    let results = Results::create(&options.results)?;
    let place = match named {
        Some(place) => place,
        None => {
            Place::within_results(results.experiment_dir(&experiment.name)?.join("preview.png"))?
        }
    };
    let dataset = super::progress::load(&experiment, &results, options, &interruption)?;
    let sheet = interruption
        .leaving_at_once(|| draw(arguments, &experiment, &plan, &dataset, libtorch, &place))?;
    answer(&sheet, options.format)?;
    Ok(Exit::Done)
}

/// Draws and saves the sheet; returns the image at each position.
fn draw(
    arguments: &Arguments,
    experiment: &Experiment,
    plan: &Plan,
    dataset: &Dataset,
    libtorch: &dyn Libtorch,
    place: &Place,
) -> anyhow::Result<Value> {
    let spec = &experiment.settings.dataset;
    let engine::Reached { nothing, warnings } = engine::reached(&plan.parts, dataset);
    for nothing in &nothing {
        output::warning(nothing);
    }
    for warning in &warnings {
        output::warning(warning);
    }
    let split = Split::ALL.into_iter().find(|split| split.name() == arguments.split);
    let split = split.unwrap_or(Split::Test);
    let examples = engine::first_images(dataset, split, arguments.samples as usize);
    let renderer = libtorch.renderer(dataset, split);
    // A class with fewer images leaves its place empty, so that each column has one class.
    let row = |sample: usize, occlusion| {
        let tile = |image: &usize| {
            let pixels = renderer.pixels(*image, occlusion);
            Tile::new(pixels, dataset.height, dataset.width, dataset.channels)
        };
        let images = examples.iter().map(|of_class| of_class.get(sample));
        images.map(|image| image.map(tile).transpose()).collect::<Result<Vec<_>, _>>()
    };
    let names = &dataset.split(split).names;
    let mut placed = Vec::new();
    let mut note = |condition: &str, sample: usize| {
        let images = examples.iter().map(|of_class| of_class.get(sample));
        placed.push(json!({
            "condition": condition,
            "images": images.map(|image| image.map(|image| &*names[*image])).collect::<Vec<_>>(),
        }));
    };
    let mut rows = Vec::new();
    for sample in 0..arguments.samples as usize {
        let name = if sample == 0 { "whole" } else { "" };
        rows.push((name.to_owned(), row(sample, None)?));
        note("whole", sample);
    }
    for sample in 0..arguments.samples as usize {
        let name = if sample == 0 { "regions" } else { "" };
        let images = examples.iter().map(|of_class| of_class.get(sample));
        let tiles = row(sample, None)?.into_iter().zip(images);
        let marked = tiles.map(|(tile, image)| {
            tile.zip(image)
                .map(|(tile, image)| tile.marked(marks(experiment, dataset, split, *image)))
        });
        rows.push((name.to_owned(), marked.collect()));
        note("regions", sample);
    }
    let mut seen = Vec::new();
    for condition in plan.conditions.iter().filter(|one| one.cell == 0 && one.is_shown()) {
        let Some(occlusion) = &condition.occlusion else { continue };
        if seen.contains(&occlusion) {
            continue;
        }
        seen.push(occlusion);
        rows.push((condition.name.clone(), row(0, Some(occlusion))?));
        note(&condition.name, 0);
    }
    let sheet = ContactSheet {
        title: format!("Network inputs in {}", experiment.name),
        subtitle: format!(
            "{} of {}, {} × {} pixels",
            split.name(),
            crate::report::dataset_name(spec.source.kind()),
            dataset.height,
            dataset.width
        ),
        rows,
        columns: dataset.classes.clone(),
        regions: Vec::new(),
    };
    place.save(&sheet.figure()?)?;
    Ok(json!({
        "picture": place.path().to_string_lossy(),
        "split": split.name(),
        "height": dataset.height,
        "width": dataset.width,
        "channels": dataset.channels,
        "columns": dataset.classes,
        "rows": placed,
    }))
}

/// Where the atlas and the file's own regions lie in an image, and its landmarks.
fn marks(experiment: &Experiment, dataset: &Dataset, split: Split, image: usize) -> Marks {
    let images = dataset.split(split);
    let (landmarks, map) = (images.landmarks[image], images.face_map(image));
    let carried = |region: &Region| {
        let outlines = Outlines::of(&region.polygons);
        let outline = |polygon| {
            let mut corners = Vec::new();
            map.carry(&outlines, polygon, &mut corners);
            corners
        };
        (0..outlines.count()).map(outline).collect()
    };
    let regions = [experiment.regions.built_in(), experiment.regions.own()].concat();
    let points = landmarks
        .iter()
        .flat_map(|points| Landmark::ALL.into_iter().filter_map(|landmark| points.get(landmark)));
    Marks { outlines: regions.iter().map(carried).collect(), points: points.collect() }
}

/// For people the picture's path; for programs also the image in each row and column.
fn answer(sheet: &Value, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table => {
            let path = sheet["picture"].as_str().unwrap_or_default();
            output::text(&format!("{path}\n"))
        }
        Format::Json => output::data(&(serde_json::to_string_pretty(sheet)? + "\n")),
        other => {
            let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
            let classes = list(&sheet["columns"]);
            let rows = list(&sheet["rows"]).into_iter().enumerate().flat_map(|(index, row)| {
                let images = list(&row["images"]).into_iter().zip(&classes);
                let image = |(image, class): (Value, &Value)| {
                    json!({
                        "picture": sheet["picture"],
                        "row": index + 1,
                        "condition": row["condition"],
                        "class": class,
                        "image": image,
                    })
                };
                images.map(image).collect::<Vec<_>>()
            });
            let keys = ["picture", "row", "condition", "class", "image"];
            output::records(&keys, &rows.collect::<Vec<_>>(), other)
        }
    }
}

//! `fer-lab data`

use std::path::PathBuf;

use clap::Args;

use super::interrupt::Interruption;
use super::picture::{PictureFormat, Place};
use super::{Exit, Options, output};
use crate::dataset::{
    Dataset, MeanFace, Split, Summary, TableFacts, Unit, doubts, mean_faces, not_read, summary,
};
use crate::experiment::{Experiment, LandmarkSource, Source};
use crate::report::{Cell, Column, ContactSheet, Format, Table, Tile, thousands};
use crate::store::Results;

/// Count the images per class and split, and those excluded with the reason; draw the mean face of each class
///
/// The mean faces are those of the training images, carried by their landmarks to where the regions lie, with the regions
/// outlined over them: where a mean face is a blur, or another part of it lies in a region, masks miss their regions.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The experiment file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Output file of the mean faces: a new one, or one that fer-lab drew; default `<results>/<name>/mean_faces.png`
    #[arg(long, value_name = "PNG")]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let interruption = Interruption::catch(String::new())?;
    let experiment = options.experiment(&arguments.file)?;
    let named = arguments.out.as_deref();
    let named = named.map(|path| Place::named("--out", path, &[PictureFormat::Png])).transpose()?;
    let results = Results::create(&options.results)?;
    let place = match named {
        Some(place) => place,
        None => {
            let folder = results.experiment_dir(&experiment.name)?;
            Place::within_results(folder.join("mean_faces.png"))?
        }
    };
    let dataset = super::progress::load(&experiment, &results, options, &interruption)?;
    let summary = summary(&dataset);
    let spec = &experiment.settings.dataset;
    let not_read = not_read(spec)?;
    place.save(&sheet(&experiment, &dataset)?.figure()?)?;
    match options.format {
        Format::Json => {
            let mut json = serde_json::to_value(&summary)?;
            json["not_read"] = serde_json::to_value(&not_read)?;
            json["picture"] = place.path().to_string_lossy().into();
            output::data(&(serde_json::to_string_pretty(&json)? + "\n"))?;
        }
        Format::Table => {
            let mut text = table(&summary).render(Format::Table, output::width().min(100))?;
            text += &format!(
                "\n{} × {} pixels, {}\n",
                dataset.height,
                dataset.width,
                if dataset.channels == 1 { "grey" } else { "RGB" }
            );
            let mut remarks = parts(&experiment.settings.dataset.source);
            if experiment.settings.dataset.landmarks == Some(LandmarkSource::Find) {
                remarks += &found(&summary);
            }
            remarks += &asides(&summary);
            for (what, count) in &not_read {
                remarks += &format!("not read: {} {what}\n", thousands(*count as u64));
            }
            for doubt in doubts(spec, &dataset) {
                remarks += &format!("warning: {doubt}\n");
            }
            text += &output::prose(&remarks);
            text += &format!("{}\n", place.path().display());
            output::text(&text)?;
        }
        other => output::table(&table(&summary), other)?,
    }
    Ok(Exit::Done)
}

/// The mean face of each class with the atlas over it.
fn sheet(experiment: &Experiment, dataset: &Dataset) -> anyhow::Result<ContactSheet> {
    /// Pixels of a face across and down.
    const SIDE: usize = 96;
    let faces = mean_faces(dataset, Split::Train, SIDE);
    let tile = |face: &Option<MeanFace>| {
        let face = face.as_ref().map(|face| face.pixels.clone());
        face.map(|pixels| Tile::new(pixels, SIDE, SIDE, dataset.channels)).transpose()
    };
    let tiles = faces.iter().map(tile).collect::<Result<Vec<_>, _>>()?;
    Ok(ContactSheet {
        title: format!("Mean faces in {}", experiment.name),
        subtitle: "training images in the canonical face frame, with the atlas's regions"
            .to_owned(),
        rows: vec![(String::new(), tiles)],
        columns: dataset.classes.clone(),
        regions: experiment.regions.built_in().to_vec(),
    })
}

/// A row a class, a column a split; every image counts for its class with most votes.
fn table(summary: &Summary) -> Table {
    let mut columns = vec![Column::text("class", "class")];
    columns.extend(Split::ALL.map(|split| Column::number(split.name(), split.name())));
    let mut table = Table::new(columns);
    for class in &summary.classes {
        let counts =
            Split::ALL.map(|split| Cell::Count(summary.splits[&split].by_class[class] as u64));
        table.push([vec![Cell::text(class.as_str())], counts.to_vec()].concat());
    }
    let all = Split::ALL.map(|split| Cell::Count(summary.splits[&split].images as u64));
    table.push([vec![Cell::text("all")], all.to_vec()].concat());
    table
}

/// Which parts of the data set the splits are, where they have names of their own.
fn parts(source: &Source) -> String {
    match (source, source.test_part()) {
        (Source::Ferplus { val, .. } | Source::Fer2013 { val, .. }, Some(test)) => {
            format!("val is {val:?}; test is {test}\n")
        }
        _ => String::new(),
    }
}

/// In how many images that are kept landmarks were found.
fn found(summary: &Summary) -> String {
    let images: usize = summary.splits.values().map(|split| split.images).sum();
    let without: usize = summary.without_landmarks.values().sum();
    let [found, images] = [images - without, images].map(|count| thousands(count as u64));
    format!("landmarks: found and trusted in {found} of {images} images\n")
}

fn asides(summary: &Summary) -> String {
    let mut text = String::new();
    for (split, reasons) in &summary.left_out {
        for (reason, count) in reasons {
            text += &format!("excluded from {split}: {} ({reason})\n", thousands(*count as u64));
        }
    }
    let remarks = &summary.seen.remarks;
    if !remarks.columns_not_read.is_empty() {
        text += &format!("columns not read: {}\n", remarks.columns_not_read.join(", "));
    }
    if remarks.groups > 0 {
        text += &format!("groups that belong together: {}\n", thousands(remarks.groups as u64));
    }
    if let Some(TableFacts { points, unit }) = summary.seen.landmarks {
        let unit = match unit {
            Unit::Fractions => "fractions of width and height",
            Unit::Pixels => "pixels",
        };
        text += &format!("landmarks: {points} points a face, read as {unit}\n");
    }
    let kept = |split: &Split| summary.without_landmarks.get(split).is_some_and(|count| *count > 0);
    for (split, reasons) in summary.seen.untrusted.iter().filter(|(split, _)| kept(split)) {
        for (reason, names) in reasons {
            text += &format!(
                "kept in {split} with regions as in the canonical frame: {} ({reason}): {}\n",
                thousands(names.len() as u64),
                some_of(names)
            );
        }
    }
    text
}

/// The first names of many.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown}, …") } else { shown }
}

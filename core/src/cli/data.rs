//! `fer-lab data`

use std::path::PathBuf;

use clap::Args;

use super::interrupt::Interruption;
use super::{Exit, Options, output};
use crate::dataset::{Split, Summary, TableFacts, Unit, doubts, summary};
use crate::report::{Cell, Column, Format, Table, thousands};
use crate::store::Results;

/// Count the images per class and split, and those excluded with the reason
#[derive(Debug, Args)]
pub struct Arguments {
    /// The experiment file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let interruption = Interruption::catch(String::new())?;
    let experiment = options.experiment(&arguments.file)?;
    let results = Results::create(&options.results)?;
    let dataset = super::progress::load(&experiment, &results, options, &interruption)?;
    let summary = summary(&dataset);
    match options.format {
        Format::Json => output::data(&(serde_json::to_string_pretty(&summary)? + "\n"))?,
        Format::Table => {
            let mut text = table(&summary).render(Format::Table, output::width().min(100))?;
            text += &format!(
                "\n{} × {} pixels, {}\n",
                dataset.height,
                dataset.width,
                if dataset.channels == 1 { "grey" } else { "RGB" }
            );
            text += &asides(&summary);
            for doubt in doubts(&experiment.settings.dataset, &dataset) {
                text += &format!("warning: {doubt}\n");
            }
            output::text(&text)?;
        }
        other => output::table(&table(&summary), other)?,
    }
    Ok(Exit::Done)
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

fn asides(summary: &Summary) -> String {
    let mut text = String::new();
    for (split, reasons) in &summary.left_out {
        for (reason, count) in reasons {
            text += &format!("excluded from {split}: {} ({reason})\n", thousands(*count as u64));
        }
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

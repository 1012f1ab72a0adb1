//! `fer-lab plan`

use std::path::PathBuf;

use clap::Args;

use super::progress::duration;
use super::{Exit, Options, output};
use crate::dataset;
use crate::engine::{self, Outline, Status};
use crate::experiment::{Experiment, Settings};
use crate::model::multiply_adds;
use crate::plan::Plan;
use crate::report::{Cell, Column, Format, Table, thousands};
use crate::store::{CACHE, Manifest, Results, StoreError, TrainingStatus};

/// What `run` would do: conditions, trainings, what is done already, how long the rest takes
///
/// Trains nothing, and needs no data: where they are not at hand it says so.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The experiment file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let experiment = options.experiment(&arguments.file)?;
    let plan = Plan::new(&experiment)?;
    let results = match Results::open(&options.results) {
        Ok(results) => Some(results),
        Err(StoreError::Missing { .. } | StoreError::NotResults { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let mut missing = Vec::new();
    for training in &plan.trainings {
        let spec = &training.settings.dataset;
        if let Some(reason) = dataset::missing(spec)
            && !missing.contains(&reason)
        {
            missing.push(reason);
        }
    }
    let cache = options.results.join(CACHE);
    let identified = plan.identify(&|spec| dataset::known_content(spec, &cache));
    let outline = engine::outline(&experiment, &plan, &identified, results.as_ref())?;
    match options.format {
        Format::Json => output::answer(&(serde_json::to_string_pretty(&outline)? + "\n"))?,
        Format::Table => {
            output::answer(&describe(&experiment, &plan, &outline, &missing, results.as_ref())?)?;
        }
        other => output::answer(&table(&outline).render(other, output::width())?)?,
    }
    Ok(Exit::Done)
}

fn describe(
    experiment: &Experiment,
    plan: &Plan,
    outline: &Outline,
    missing: &[String],
    results: Option<&Results>,
) -> anyhow::Result<String> {
    let mut text = String::new();
    if !outline.question.is_empty() {
        text += &format!("{}\n\n", outline.question);
    }
    text += &table(outline).render(Format::Table, output::width().min(100))?;
    let open: Vec<usize> = (0..plan.trainings.len())
        .filter(|training| outline.trainings[*training].status != Status::Done)
        .collect();
    let done = plan.trainings.len() - open.len();
    text += &format!(
        "\n{} trainings ({done} done), {} runs; a network of {} parameters, {} trainable\n",
        plan.trainings.len(),
        plan.runs.len(),
        thousands(outline.parameters.total),
        thousands(outline.parameters.trainable),
    );
    if !open.is_empty() {
        text += &estimate(experiment, plan, &open, results)?;
    }
    for warning in &outline.warnings {
        text += &format!("warning: {warning}\n");
    }
    for reason in missing {
        text += &format!("missing: {reason}\n");
    }
    if missing.is_empty() && outline.trainings.iter().any(|training| training.provisional) {
        text += "the pictures have not been read yet: what is done is known once they are\n";
    }
    Ok(text)
}

/// A row a condition.
fn table(outline: &Outline) -> Table {
    let mut table = Table::new(vec![
        Column::text("condition", "condition"),
        Column::number("runs", "runs"),
        Column::number("done", "done"),
    ]);
    for condition in &outline.conditions {
        let runs = outline.runs.iter().filter(|run| run.condition == condition.name);
        let done = runs.clone().filter(|run| run.status == Status::Done).count() as u64;
        let name = Cell::text(condition.name.as_str());
        table.push(vec![name, Cell::Count(runs.count() as u64), Cell::Count(done)]);
    }
    table
}

/// How long the open trainings take: by the speed of trainings of the same network on the same size of
/// pictures, or by a guess from its arithmetic.
fn estimate(
    experiment: &Experiment,
    plan: &Plan,
    open: &[usize],
    results: Option<&Results>,
) -> anyhow::Result<String> {
    /// Multiply-adds a second and thread of a small network in training, f32.
    const GUESS: f64 = 1.0e10;
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let mut seconds = 0.0;
    let mut measured = true;
    for training in open {
        let settings = &plan.trainings[*training].settings;
        let Some(images) = settings.dataset.source.training_images() else {
            return Ok("how long that takes is known once the pictures are read\n".to_owned());
        };
        let visits = images as f64 * f64::from(settings.train.epochs);
        let seen = match results {
            Some(results) => speed_seen(results, settings)?,
            None => None,
        };
        measured &= seen.is_some();
        let dataset = &settings.dataset;
        let cost = multiply_adds(&settings.model, dataset.height, dataset.width, dataset.channels);
        // Forward, and twice as much backward.
        let guess = GUESS * threads as f64 / (3.0 * cost as f64);
        seconds += visits / seen.unwrap_or(guess);
    }
    let seeds = experiment.seeds.len();
    let basis = if measured {
        "by the speed of such trainings here"
    } else {
        "a rough guess: none of this network has been timed here"
    };
    let plural = if seeds == 1 { "" } else { "s" };
    Ok(format!("about {} for {seeds} seed{plural} ({basis})\n", duration(seconds)))
}

/// Images a second of done trainings with the same network, size and precision.
fn speed_seen(results: &Results, settings: &Settings) -> anyhow::Result<Option<f64>> {
    const LOOKED_AT: usize = 100;
    let model = serde_json::to_value(&settings.model)?;
    let dataset = serde_json::to_value(&settings.dataset)?;
    let mut speeds = Vec::new();
    for id in results.trainings()?.iter().take(LOOKED_AT) {
        let Ok(manifest) = Manifest::read(&results.manifest_path(id)?) else { continue };
        let same = ["height", "width", "channels"]
            .iter()
            .all(|key| manifest.settings["dataset"][*key] == dataset[*key])
            && manifest.settings["model"] == model
            && manifest.precision == settings.train.precision.name();
        if same && manifest.status == TrainingStatus::Done {
            speeds.push(manifest.train_images_per_second);
        }
    }
    speeds.sort_by(f64::total_cmp);
    Ok(speeds.get(speeds.len() / 2).copied())
}

//! `fer-lab plan`

mod seeds;

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::interrupt::Interruption;
use super::progress::{Progress, duration};
use super::run::{CHECKPOINT_SECONDS, CrewArguments};
use super::{Exit, Options, output};
use crate::dataset;
use crate::engine::{self, Outline, Specification, Status, Work};
use crate::experiment::{Experiment, Settings, Source};
use crate::machine::Crew;
use crate::plan::{Plan, map_answers, multiply_adds};
use crate::report::{Cell, Column, Format, Table, counted, thousands, wrap};
use crate::store::{CACHE, FileKind, Results, StoreError, TrainingStatus, file_kind, write_json};

/// What `run` would do, what is done already, how long the rest takes
///
/// Trains nothing, and needs no data: where they are not at hand it says so.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab plan experiments/mask_eyes.toml\n  \
    fer-lab plan experiments/mask_eyes.toml --set seeds.count=10")]
pub struct Arguments {
    /// The experiment file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write a specification of each open training into this folder, for `fer-lab worker`; of what lies
    /// there, only specifications of the same trainings are replaced
    #[arg(long, value_name = "DIR")]
    specifications: Option<PathBuf>,
    /// Say how many seeds an effect of so many points of accuracy needs
    #[arg(long, value_name = "POINTS", default_value_t = 2.0, value_parser = points)]
    effect: f64,
    #[command(flatten)]
    crew: CrewArguments,
}

fn points(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(points) if 0.0 < points && points <= 100.0 => Ok(points),
        _ => Err("give a number of points above 0, up to 100".to_owned()),
    }
}

pub fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<Exit> {
    let experiment = options.experiment(&arguments.file)?;
    let plan = Plan::new(&experiment)?;
    if let Some(folder) = &arguments.specifications {
        return write_specifications(arguments, &experiment, &plan, folder, options);
    }
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
        Format::Json => output::data(&(serde_json::to_string_pretty(&outline)? + "\n"))?,
        Format::Table => {
            let crew = arguments.crew.crew(&plan, &experiment);
            let effect = arguments.effect;
            let planned = Planned { experiment: &experiment, plan: &plan, crew: &crew, effect };
            output::answer(&describe(&planned, &outline, &missing, results.as_ref())?)?;
        }
        other => output::table(&table(&outline), other)?,
    }
    Ok(Exit::Done)
}

/// Reads the data, since a specification names what they hold.
fn write_specifications(
    arguments: &Arguments,
    experiment: &Experiment,
    plan: &Plan,
    folder: &Path,
    options: &Options,
) -> anyhow::Result<Exit> {
    let interruption = Interruption::catch(String::new())?;
    // Said before the data are read.
    if let Ok(kind) = file_kind(folder)
        && !folder.is_dir()
    {
        bail!("`--specifications {}`: that is {kind}, and no folder", folder.display());
    }
    let results = Results::create(&options.results)?;
    let work = Work {
        experiment,
        plan,
        results: &results,
        crew: arguments.crew.crew(plan, experiment),
        program: engine::this_program()?,
        commit: None,
        retries: 0,
        fail_fast: false,
        replace: false,
        locks: true,
        checkpoint_seconds: CHECKPOINT_SECONDS,
    };
    let mut progress = Progress::new(options, false, &interruption);
    let specifications = engine::specifications(&work, &mut progress);
    progress.finish();
    let specifications = specifications?;
    let place =
        |specification: &Specification| folder.join(format!("{}.json", specification.training));
    for specification in &specifications {
        check_place(&place(specification), specification)?;
    }
    let mut written = Vec::new();
    for specification in &specifications {
        let path = place(specification);
        write_json(&path, specification)?;
        written.push(json!({
            "training_id": specification.training,
            "specification": path.to_string_lossy(),
        }));
    }
    if options.format != Format::Table {
        output::records(&["training_id", "specification"], &written, options.format)?;
        return Ok(Exit::Done);
    }
    output::answer(&format!(
        "{} specifications in {}; a job for each: fer-lab worker SPECIFICATION --results {}\n",
        specifications.len(),
        folder.display(),
        options.results.display()
    ))?;
    Ok(Exit::Done)
}

/// An error where something stands at `path` that is no specification of the same training.
fn check_place(path: &Path, specification: &Specification) -> anyhow::Result<()> {
    let stays =
        "it stays as it is, and no specification was written: name another folder, or remove it";
    match file_kind(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => bail!("`{}` cannot be looked at: {error}", path.display()),
        Ok(FileKind::File) => match File::open(path).map(Specification::read) {
            Ok(Ok(there)) if there.training == specification.training => Ok(()),
            _ => bail!("`{}` is no specification of that training: {stays}", path.display()),
        },
        Ok(kind) => bail!("`{}` is {kind}: {stays}", path.display()),
    }
}

/// What would be run, and who would run it.
struct Planned<'a> {
    experiment: &'a Experiment,
    plan: &'a Plan,
    crew: &'a Crew,
    /// Points of accuracy.
    effect: f64,
}

fn describe(
    planned: &Planned,
    outline: &Outline,
    missing: &[String],
    results: Option<&Results>,
) -> anyhow::Result<String> {
    let plan = planned.plan;
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
        "\n{} ({done} done), {}; a network of {} parameters, {} trainable\n",
        counted(plan.trainings.len() as u64, "training"),
        counted(plan.runs.len() as u64, "run"),
        thousands(outline.parameters.total),
        thousands(outline.parameters.trainable),
    );
    if !outline.sensitivity.is_empty() {
        let maps = &outline.sensitivity;
        let done = maps.iter().filter(|map| map.status == Status::Done).count();
        let each =
            planned.experiment.sensitivity.iter().map(|spec| {
                format!("{} {}", thousands(map_answers(spec) as u64), spec.method.name())
            });
        let each: Vec<String> = each.collect();
        text += &format!(
            "{} ({done} done); answers an image: {}\n",
            counted(maps.len() as u64, "sensitivity map"),
            each.join(", ")
        );
    }
    if !open.is_empty() {
        text += &estimate(planned, &open, results)?;
    }
    if plan.conditions.iter().any(|condition| condition.occlusion.is_some()) {
        let parameters = outline.parameters.total;
        let advice = seeds::advice(planned.experiment, parameters, planned.effect, results)?;
        text += &format!("{}\n", wrap(&advice, output::width().min(100)));
    }
    for warning in &outline.warnings {
        let width = output::width().min(100);
        text += &format!("{}\n", wrap(&format!("warning: {warning}"), width));
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
    planned: &Planned,
    open: &[usize],
    results: Option<&Results>,
) -> anyhow::Result<String> {
    /// Multiply-adds a second and thread of a small network in training, f32.
    const GUESS: f64 = 1.0e10;
    let Planned { experiment, plan, crew, .. } = planned;
    let mut seconds = 0.0;
    let mut measured = true;
    for training in open {
        let settings = &plan.trainings[*training].settings;
        let Source::Faces(faces) = &settings.dataset.source else {
            return Ok("how long that takes is known once the pictures are read\n".to_owned());
        };
        let runs = plan.runs.iter().filter(|run| run.training == *training).count();
        let epochs = settings.train.epochs as usize;
        // A picture that is only answered goes forward, one that is learned from backward too, which is twice
        // as much.
        let answered = faces.val * epochs + faces.test * runs;
        let visits = (faces.train * epochs) as f64 + answered as f64 / 3.0;
        let seen = match results {
            Some(results) => speed_seen(results, settings)?,
            None => None,
        };
        measured &= seen.is_some();
        let dataset = &settings.dataset;
        let cost = multiply_adds(&settings.model, dataset.height, dataset.width, dataset.channels);
        let guess = GUESS * f64::from(crew.threads) / (3.0 * cost as f64);
        seconds += visits / seen.unwrap_or(guess);
    }
    let at_once = crew.jobs().min(open.len() as u32);
    seconds /= f64::from(at_once);
    let seeds = experiment.seeds.len();
    let basis = if measured {
        "by the speed of such trainings here"
    } else {
        "a rough guess: none of this network has been timed here"
    };
    let plural = if seeds == 1 { "" } else { "s" };
    Ok(format!(
        "about {} for {seeds} seed{plural}, {at_once} trainings at once\n({basis})\n",
        duration(seconds)
    ))
}

/// Images a second of done trainings with the same network, size and precision.
fn speed_seen(results: &Results, settings: &Settings) -> anyhow::Result<Option<f64>> {
    const LOOKED_AT: usize = 100;
    let model = serde_json::to_value(&settings.model)?;
    let dataset = serde_json::to_value(&settings.dataset)?;
    let mut speeds = Vec::new();
    for id in results.trainings()?.iter().take(LOOKED_AT) {
        let Ok(manifest) = results.manifest(id) else { continue };
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

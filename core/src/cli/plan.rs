//! `fer-lab plan`

mod estimate;
mod seeds;

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use serde_json::json;

use self::estimate::Estimate;
use self::seeds::Power;
use super::interrupt::Interruption;
use super::progress::Progress;
use super::run::{CHECKPOINT_SECONDS, CrewArguments};
use super::{Exit, Options, output};
use crate::dataset::{self, ImageCounts, KnownData};
use crate::engine::{self, Outline, Specification, Status, Work};
use crate::experiment::{DatasetSpec, Experiment, Settings, Source};
use crate::machine::Crew;
use crate::plan::{Plan, map_answers, steps_per_epoch};
use crate::report::{Cell, Column, Format, Table, counted, thousands, wrap};
use crate::store::{CACHE, FileKind, Results, StoreError, file_kind, write_json};

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
    let known = known_data(&plan, &options.results.join(CACHE));
    let of = |spec: &DatasetSpec| known.iter().find(|(known, _)| *known == spec);
    let identified = plan.identify(&|spec| Some(of(spec)?.1.content.clone()));
    let outline = engine::outline(&experiment, &plan, &identified, results.as_ref())?;
    if !matches!(options.format, Format::Table | Format::Json) {
        output::table(&table(&outline), options.format)?;
        return Ok(Exit::Done);
    }
    let images = |spec: &DatasetSpec| match &spec.source {
        Source::Faces(faces) => {
            Some(ImageCounts { train: faces.train, val: faces.val, test: faces.test })
        }
        _ => of(spec).map(|(_, known)| known.images),
    };
    let planned = Planned {
        experiment: &experiment,
        plan: &plan,
        crew: &arguments.crew.crew(&plan, &experiment),
        effect: arguments.effect,
        images: &images,
    };
    let outlook = Outlook::of(&planned, &outline, results.as_ref())?;
    match options.format {
        Format::Json => output::data(&(serde_json::to_string_pretty(&outlook)? + "\n"))?,
        _ => output::answer(&describe(&planned, &outlook, &missing)?)?,
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
    /// How many images a data set has; `None` for one on disk that was not read yet.
    images: &'a dyn Fn(&DatasetSpec) -> Option<ImageCounts>,
}

/// A plan, and what can be said before anything is trained. `plan --format json` prints it.
#[derive(Serialize)]
struct Outlook<'a> {
    #[serde(flatten)]
    outline: &'a Outline,
    /// Of the first training's data; `None` where they lie on disk and were not read yet.
    images: Option<ImageCounts>,
    /// Steps of the optimiser in the first training, where no early stopping ends it.
    steps_per_training: Option<u64>,
    /// What the open trainings take. `None` where the number of images is not known.
    estimated_seconds: Option<f64>,
    /// Whether such trainings have been timed here; else the estimate is a guess from the arithmetic.
    estimate_is_measured: Option<bool>,
    #[serde(skip)]
    estimate: Option<Estimate>,
    /// `None` where nothing is covered, so that there is no effect to find.
    #[serde(flatten)]
    power: Option<Power>,
}

impl Outlook<'_> {
    fn of<'a>(
        planned: &Planned,
        outline: &'a Outline,
        results: Option<&Results>,
    ) -> anyhow::Result<Outlook<'a>> {
        let Planned { experiment, plan, images, .. } = planned;
        let estimate = Estimate::of(planned, &open(outline), results)?;
        let settings = plan.trainings.first().map(|training| &training.settings);
        let images = settings.and_then(|settings| images(&settings.dataset));
        let steps = settings.zip(images).map(|(Settings { train, .. }, images)| {
            u64::from(train.epochs) * steps_per_epoch(images.train, train.batch_size) as u64
        });
        let covers = plan.conditions.iter().any(|condition| condition.occlusion.is_some());
        let power = || {
            let test = images.map(|images| images.test);
            Power::of(experiment, outline.parameters.total, test, planned.effect, results)
        };
        Ok(Outlook {
            outline,
            images,
            steps_per_training: steps,
            estimated_seconds: estimate.map(|estimate| estimate.seconds),
            estimate_is_measured: estimate.map(|estimate| estimate.measured),
            estimate,
            power: covers.then(power).transpose()?,
        })
    }
}

/// The trainings that are not done, by their places.
fn open(outline: &Outline) -> Vec<usize> {
    let trainings = outline.trainings.iter().enumerate();
    let open = trainings.filter(|(_, training)| training.status != Status::Done);
    open.map(|(place, _)| place).collect()
}

/// The data sets on disk that were read before, each once.
fn known_data<'a>(plan: &'a Plan, cache: &Path) -> Vec<(&'a DatasetSpec, KnownData)> {
    let mut asked: Vec<&DatasetSpec> = Vec::new();
    for training in &plan.trainings {
        let spec = &training.settings.dataset;
        if !asked.contains(&spec) {
            asked.push(spec);
        }
    }
    asked.into_iter().filter_map(|spec| Some((spec, dataset::known(spec, cache)?))).collect()
}

fn describe(planned: &Planned, outlook: &Outlook, missing: &[String]) -> anyhow::Result<String> {
    let (plan, outline) = (planned.plan, outlook.outline);
    let mut text = String::new();
    if !outline.question.is_empty() {
        text += &format!("{}\n\n", outline.question);
    }
    text += &table(outline).render(Format::Table, output::width().min(100))?;
    let open = open(outline);
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
    if let (Some(images), Some(steps)) = (outlook.images, outlook.steps_per_training) {
        let ImageCounts { train, val, test } = images;
        let [train, val, test] = [train, val, test].map(|count| thousands(count as u64));
        let steps = counted(steps, "step");
        text += &format!("images: {train} train, {val} val, {test} test; {steps} a training\n");
    }
    if !open.is_empty() {
        text += &match outlook.estimate {
            Some(estimate) => estimate.in_words(planned.experiment.seeds.len()),
            None => "how long that takes is known once the pictures are read\n".to_owned(),
        };
    }
    if let Some(power) = &outlook.power {
        text += &format!("{}\n", wrap(&power.in_words(), output::width().min(100)));
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

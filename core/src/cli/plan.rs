//! `fer-lab plan`

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::interrupt::Interruption;
use super::progress::{Progress, duration};
use super::run::{CHECKPOINT_SECONDS, ResourceArguments};
use super::{Exit, Options, output};
use crate::dataset::{self, KnownData, doubts_before_reading};
use crate::engine::{self, Outlook, Specification, Status, Work};
use crate::experiment::{DatasetSpec, Experiment, Source};
use crate::plan::{ImageCounts, Plan, map_predictions};
use crate::report::planned::conditions_table;
use crate::report::{Format, advice, counted, thousands, wrap};
use crate::store::{CACHE, FileKind, Results, StoreError, file_kind, write_json};

/// Show what `run` would do, what is done already and how long the rest takes
///
/// Trains nothing and does not need the data: if they are missing, it says so.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fer-lab plan experiments/mask_eyes.toml\n  \
    fer-lab plan experiments/mask_eyes.toml --set seeds.count=10")]
pub struct Arguments {
    /// The experiment file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write a specification of each open training into this folder, for `fer-lab worker`; existing files are only
    /// replaced if they are specifications of the same trainings
    #[arg(long, value_name = "DIR")]
    specifications: Option<PathBuf>,
    /// Effect on accuracy, in percentage points, for which to compute the number of seeds needed
    #[arg(long, value_name = "POINTS", default_value_t = 2.0, value_parser = points)]
    effect: f64,
    #[command(flatten)]
    resources: ResourceArguments,
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
    let known = known_data(&plan, &options.results.join(CACHE));
    let of = |spec: &DatasetSpec| known.iter().find(|(known, _)| *known == spec);
    let mut missing = Vec::new();
    for training in &plan.trainings {
        let spec = &training.settings.dataset;
        // What was read already needs nothing more.
        if of(spec).is_none()
            && let Some(reason) = dataset::missing(spec)
            && !missing.contains(&reason)
        {
            missing.push(reason);
        }
    }
    let identified = plan.identify(&|spec| Some(of(spec)?.1.content.clone()));
    let mut outline = engine::outline(&experiment, &plan, &identified, results.as_ref())?;
    outline.warnings.extend(doubtful(&plan, &known));
    if !matches!(options.format, Format::Table | Format::Json) {
        output::table(&conditions_table(&outline), options.format)?;
        return Ok(Exit::Done);
    }
    let images = |spec: &DatasetSpec| match &spec.source {
        Source::Faces(faces) => {
            Some(ImageCounts { train: faces.train, val: faces.val, test: faces.test })
        }
        _ => of(spec).map(|(_, known)| known.images),
    };
    let resources = arguments.resources.resources(&plan, &experiment);
    let planned = (&experiment, &plan, outline);
    let outlook = Outlook::of(planned, &resources, arguments.effect, images, results.as_ref())?;
    match options.format {
        Format::Json => output::data(&(serde_json::to_string_pretty(&outlook)? + "\n"))?,
        _ => output::text(&describe(&experiment, &plan, &outlook, &missing)?)?,
    }
    Ok(Exit::Done)
}

/// Reads the data, because a specification contains their hash.
fn write_specifications(
    arguments: &Arguments,
    experiment: &Experiment,
    plan: &Plan,
    folder: &Path,
    options: &Options,
) -> anyhow::Result<Exit> {
    let interruption = Interruption::catch(String::new())?;
    // Checked before the data are read.
    if let Ok(kind) = file_kind(folder)
        && !folder.is_dir()
    {
        bail!("`--specifications {}`: that is {kind}, not a folder", folder.display());
    }
    let results = Results::create(&options.results)?;
    let work = Work {
        experiment,
        plan,
        results: &results,
        resources: arguments.resources.resources(plan, experiment),
        program: engine::this_program()?,
        commit: None,
        retries: 0,
        fail_fast: false,
        replace: false,
        locks: true,
        stall: None,
        end_stalled: false,
        slurm: None,
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
    output::text(&format!(
        "{} specifications in {}; a job for each: fer-lab worker SPECIFICATION --results {}\n",
        specifications.len(),
        folder.display(),
        options.results.display()
    ))?;
    Ok(Exit::Done)
}

/// An error where something stands at `path` that is no specification of the same training.
fn check_place(path: &Path, specification: &Specification) -> anyhow::Result<()> {
    let stays = "it is not overwritten, and no specification was written: name another folder, or remove it";
    match file_kind(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => bail!("cannot read `{}`: {error}", path.display()),
        Ok(FileKind::File) => match File::open(path).map(Specification::read) {
            Ok(Ok(there)) if there.training == specification.training => Ok(()),
            _ => bail!("`{}` is not a specification of that training: {stays}", path.display()),
        },
        Ok(kind) => bail!("`{}` is {kind}: {stays}", path.display()),
    }
}

fn describe(
    experiment: &Experiment,
    plan: &Plan,
    outlook: &Outlook,
    missing: &[String],
) -> anyhow::Result<String> {
    let outline = &outlook.outline;
    let mut text = String::new();
    if !outline.question.is_empty() {
        text += &format!("{}\n\n", outline.question);
    }
    text += &conditions_table(outline).render(Format::Table, output::width().min(100))?;
    let open = outline.open();
    let done = plan.trainings.len() - open.len();
    let trains = plan.trainings.iter().any(|training| training.settings.model.is_trained());
    let runs = counted(plan.runs.len() as u64, "run");
    let parameters = thousands(outline.parameters.total);
    text += &match trains {
        true => format!(
            "\n{} ({done} done), {runs}; a network of {parameters} parameters, {} trainable\n",
            counted(plan.trainings.len() as u64, "training"),
            thousands(outline.parameters.trainable),
        ),
        false => format!(
            "\n{} that is not trained here ({done} opened), {runs}; {parameters} parameters\n",
            counted(plan.trainings.len() as u64, "network"),
        ),
    };
    if !outline.sensitivity.is_empty() {
        let maps = &outline.sensitivity;
        let done = maps.iter().filter(|map| map.status == Status::Done).count();
        let each = experiment.sensitivity.iter().map(|spec| {
            format!("{} {}", thousands(map_predictions(spec) as u64), spec.method.name())
        });
        let each: Vec<String> = each.collect();
        text += &format!(
            "{} ({done} done); predictions per image: {}\n",
            counted(maps.len() as u64, "sensitivity map"),
            each.join(", ")
        );
    }
    if let Some(ImageCounts { train, val, test }) = outlook.images {
        let [train, val, test] = [train, val, test].map(|count| thousands(count as u64));
        let steps = outlook.steps_per_training;
        let steps = steps.map(|steps| format!("; {} per training", counted(steps, "step")));
        let steps = steps.unwrap_or_default();
        text += &format!("images: {train} train, {val} val, {test} test{steps}\n");
    }
    if !open.is_empty() && trains {
        text += &time(outlook);
    }
    if let Some(found) = &outlook.found {
        text += &format!("{}\n", wrap(&advice(found), output::width().min(100)));
    }
    for warning in &outline.warnings {
        let width = output::width().min(100);
        text += &format!("{}\n", wrap(&format!("warning: {warning}"), width));
    }
    for reason in missing {
        text += &format!("missing: {reason}\n");
    }
    if missing.is_empty() && outline.trainings.iter().any(|training| training.provisional) {
        text += "the images have not been read yet, so what is done already is unknown\n";
    }
    Ok(text)
}

/// The estimated time of the open trainings, and its basis.
fn time(outlook: &Outlook) -> String {
    let (Some(seconds), Some(measured)) = (outlook.estimated_seconds, outlook.estimate_is_measured)
    else {
        return "the time is estimated once the images have been read\n".to_owned();
    };
    let basis = match measured {
        true => "from the speed of earlier trainings of this network",
        false => "rough estimate from the network's arithmetic: no earlier trainings of it here",
    };
    let seeds = counted(outlook.outline.seeds.len() as u64, "seed");
    let at_once = counted(u64::from(outlook.trainings_at_once), "training");
    format!("about {} for {seeds}, {at_once} in parallel\n({basis})\n", duration(seconds))
}

/// The data sets on disk that the cache describes, each once.
/// What is doubtful about the data, as far as that is known without reading them.
fn doubtful(plan: &Plan, known: &[(&DatasetSpec, KnownData)]) -> Vec<String> {
    let mut said = Vec::new();
    for training in &plan.trainings {
        let spec = &training.settings.dataset;
        let doubts = match known.iter().find(|(known, _)| *known == spec) {
            Some((_, known)) => known.doubts.clone(),
            None => doubts_before_reading(spec),
        };
        for doubt in doubts {
            let doubt = doubt.to_string();
            if !said.contains(&doubt) {
                said.push(doubt);
            }
        }
    }
    said
}

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

//! From the merged tree to an [`Experiment`].

use std::collections::{BTreeMap, BTreeSet};

use super::dataset;
use super::error::Problem;
use super::evaluate;
use super::layers::Merged;
use super::matrix::{self, Axis};
use super::reader::{Problems, Section};
use super::regions;
use super::sensitivity;
use super::spec::{Cell, DeviceChoice, EvaluateSpec, Experiment, Settings};
use super::study;
use super::training;
use super::tree::Table;

/// The most runs that one experiment may expand into, controls included.
const MAX_RUNS: u64 = 100_000;
const MAX_NAME: usize = 100;
/// Where the shared trainings lie, beside the experiments.
const TRAININGS: &str = "trainings";
const MAX_PROSE: usize = 100_000;

/// Reads everything; `Err` holds all that is wrong.
pub(crate) fn decode(merged: &Merged) -> Result<Experiment, Vec<Problem>> {
    let problems = Problems::default();
    let root = Section::root(&merged.table, &merged.start, &problems);

    let name = read_name(&root);
    let question = read_prose(&root, "question");
    let analysis = read_prose(&root, "analysis");
    let settings = read_settings(&root);
    let evaluate = evaluate::read(&root);
    let regions = regions::read(&root);
    let own: Vec<&str> = root
        .section("regions")
        .table()
        .map(|table| table.entries().iter().map(|entry| entry.key.as_str()).collect())
        .unwrap_or_default();
    let occlusion = study::read(&root, &regions, &own);
    let sensitivity = sensitivity::read(&root);
    let seeds = study::read_seeds(&root);
    let axes = matrix::read(&root);
    // Used up by the merging, but a key all the same.
    root.allow("base");
    root.finish(&[]);

    let mut cells = Vec::new();
    for combination in matrix::combinations(&axes) {
        let mut chosen = Table::default();
        let mut swept = BTreeMap::new();
        for (axis, value) in axes.iter().zip(combination) {
            chosen.unite(Table::at_path(&axis.path, &axis.place, value.clone()));
            swept.insert(axis.path.clone(), value.to_toml());
        }
        let mut table = merged.table.clone();
        table.merge(chosen);
        let root = Section::root(&table, &merged.start, &problems);
        let (settings, evaluate) = (read_settings(&root), evaluate::read(&root));
        cells.extend(settings.map(|settings| Cell { swept, settings, evaluate }));
    }

    if problems.is_empty() {
        refuse_twins(&root, &cells);
        refuse_other_classes(&root, &axes, &cells);
    }

    let covered = [occlusion.modes.len(), occlusion.phases.len(), occlusion.fills.len()];
    let covered = occlusion.sets.len() as u64
        * covered.iter().map(|count| *count as u64).product::<u64>()
        * (1 + u64::from(occlusion.controls));
    let runs = (1 + covered) * cells.len() as u64 * seeds.len() as u64;
    if runs > MAX_RUNS {
        let occlusion = root.section("occlusion");
        let title = format!("this experiment has {runs} runs");
        let label = format!("an experiment has at most {MAX_RUNS}");
        root.problem(Problem::new(title, &occlusion.place_of("regions"), label).help(
            "conditions × seeds: leave out regions, modes, fills, controls, seeds or swept values",
        ));
    }

    match settings {
        Some(settings) if problems.is_empty() => Ok(Experiment {
            name,
            question,
            analysis,
            settings,
            evaluate,
            regions,
            occlusion,
            sensitivity,
            seeds,
            cells,
            merged: merged.table.to_toml(),
        }),
        _ => Err(problems.into_inner()),
    }
}

/// Two combinations of the matrix that mean the same would be done once and counted twice.
fn refuse_twins(root: &Section<'_>, cells: &[Cell]) {
    let on_any_device = |cell: &Cell| {
        let mut settings = cell.settings.clone();
        settings.train.device = DeviceChoice::Auto;
        (settings, cell.evaluate)
    };
    let settings: Vec<(Settings, EvaluateSpec)> = cells.iter().map(on_any_device).collect();
    for (index, cell) in cells.iter().enumerate() {
        if let Some(twin) = settings[..index].iter().position(|twin| *twin == settings[index]) {
            let written = |cell: &Cell| {
                let pairs: Vec<String> =
                    cell.swept.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("`{}`", pairs.join(", "))
            };
            let title = "two combinations of the matrix are the same settings";
            let help = format!("{} and {}", written(&cells[twin]), written(cell));
            let place = root.section("matrix").place;
            root.problem(Problem::new(title, &place, "leave out one of the two").help(help));
            return;
        }
    }
}

/// The numbers of one experiment are held against each other class by class.
fn refuse_other_classes(root: &Section<'_>, axes: &[Axis<'_>], cells: &[Cell]) {
    let classes = |cell: &Cell| cell.settings.dataset.classes.clone();
    let Some(first) = cells.first().map(classes) else { return };
    let Some(other) = cells.iter().map(classes).find(|other| *other != first) else { return };
    let axis = axes.iter().find(|axis| axis.path == "dataset.classes");
    let place = axis.map_or_else(|| root.section("matrix").place, |axis| axis.place.clone());
    let sorted = |classes: &[String]| classes.iter().cloned().collect::<BTreeSet<String>>();
    let problem = if sorted(&first) == sorted(&other) {
        let title = "two combinations of the matrix have the same classes in another order";
        Problem::new(title, &place, "leave out one of the two").help(
            "the order says nothing of a face: it decides which class comes first in lists, and draws other \
             starting weights, as another seed does",
        )
    } else {
        let title = "the combinations of the matrix do not have the same classes";
        Problem::new(title, &place, "not the same in every combination").help(
            "the effects of one experiment are held against each other class by class: write a file for \
             each choice of classes, with `base` for what they share",
        )
    };
    root.problem(problem);
}

/// `None` where the data set's kind is not known.
fn read_settings(root: &Section<'_>) -> Option<Settings> {
    let dataset = dataset::read(root);
    let model = training::read_model(root, dataset.as_ref());
    let train = training::read_train(root, dataset.as_ref());
    let schedule = training::read_schedule(root, &train);
    let dataset = dataset?;
    dataset::check_target(root, &dataset, train.target);
    let settings = Settings { dataset, model, train, schedule };
    training::check_variance(root, &settings);
    Some(settings)
}

fn read_name(root: &Section<'_>) -> String {
    if !root.is_set("name") {
        let problem =
            Problem::new("`name` is missing", &root.place, "every experiment needs its own");
        root.problem(
            problem.help("add a line such as `name = \"mask_eyes\"`: the folder in results/"),
        );
    }
    let name = root.text("name").unwrap_or_default();
    if root.is_text("name") && !is_name(name) {
        let title = format!("an experiment cannot be named `{name}`");
        let label = match name {
            TRAININGS => "this folder of results/ is taken",
            _ => "not a name",
        };
        root.problem(
            Problem::new(title, &root.place_of("name"), label)
                .help(format!("1 to {MAX_NAME} letters, digits, `_` and `-`; not `{TRAININGS}`")),
        );
    }
    name.to_owned()
}

/// Whether an experiment can have this name: 1 to 100 letters, digits, `_` and `-`; not `trainings`.
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) && name != TRAININGS
}

pub(crate) fn read_prose(root: &Section<'_>, key: &'static str) -> String {
    let text = root.text(key).unwrap_or_default();
    if text.len() > MAX_PROSE {
        let title = format!("`{key}` is longer than {MAX_PROSE} bytes");
        root.problem(Problem::new(title, &root.place_of(key), "too long for a report"));
    }
    text.trim().to_owned()
}

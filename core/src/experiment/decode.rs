//! From the merged tree to an [`Experiment`].

use std::collections::BTreeSet;

use super::dataset;
use super::describe;
use super::error::Problem;
use super::keys::Refusal;
use super::layers::Merged;
use super::matrix::{self, Axis};
use super::model;
use super::network_files;
use super::paths;
use super::reader::{Problems, Section};
use super::regions;
use super::sensitivity;
use super::spec::{
    Cell, EvaluateSpec, Experiment, ModelSpec, OcclusionStudy, Settings, Statistics,
};
use super::study;
use super::training;
use super::tree::Table;
use crate::region::Phase;

/// The most runs that one experiment may expand into, controls included.
const MAX_RUNS: u64 = 100_000;
const MAX_NAME: usize = 100;
const MAX_LABEL: usize = 40;
/// The key whose value is what a swept network is called.
pub const NETWORK_LABEL: &str = "model.name";
/// Where the shared trainings lie, beside the experiments.
pub(super) const TRAININGS: &str = "trainings";
pub(super) const MAX_PROSE: usize = 100_000;

/// Reads everything; `Err` holds all mistakes.
pub(crate) fn decode(merged: &Merged) -> Result<Experiment, Vec<Problem>> {
    let problems = Problems::default();
    let mut table = merged.table.clone();
    let mut notes = paths::settle(&mut table);
    for problem in network_files::settle(&mut table, merged.closed) {
        problems.push(problem);
    }
    let merged = &Merged { table, start: merged.start.clone(), closed: merged.closed };
    let root = Section::root(&merged.table, &merged.start, &problems);

    let (name, question, analysis) = read_prose(&root);
    let settings = read_settings(&root);
    let evaluate = read_evaluate(&root);
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

    let mut cells = Vec::new();
    for combination in matrix::combinations(&axes) {
        let mut chosen = Table::default();
        for (axis, value) in axes.iter().zip(combination) {
            chosen.unite(Table::at_path(&axis.path, &axis.place, value.clone()));
        }
        let mut table = merged.table.clone();
        table.merge(chosen);
        let root = Section::root(&table, &merged.start, &problems);
        let swept = axes.iter().flat_map(|axis| matrix::chosen(axis, &root)).collect();
        let (settings, evaluate) = (read_settings(&root), read_evaluate(&root));
        if let Some(settings) = &settings {
            add_new(&mut notes, model::check_tensors(&root, settings, !merged.closed));
        }
        let cell = settings.zip(evaluate);
        cells.extend(cell.map(|(settings, evaluate)| Cell { swept, settings, evaluate }));
    }

    matrix::write_numbers_alike(cells.iter_mut().map(|cell: &mut Cell| &mut cell.swept).collect());

    if problems.is_empty() {
        refuse_duplicates(&root, &cells);
        refuse_shared_labels(&root, &cells);
        refuse_other_orders(&root, &axes, &cells);
        check_untrained(&root, occlusion.as_ref(), &cells);
    }
    for cell in &cells {
        add_new(&mut notes, model::notes(&cell.settings.model, &cell.settings.dataset));
    }

    let (Some(settings), Some(evaluate), Some(occlusion), Some(sensitivity), Some(seeds)) =
        (settings, evaluate, occlusion, sensitivity, seeds)
    else {
        return Err(problems.into_inner());
    };
    // A network that is not trained here is one network: its seed draws nothing but noise.
    let trains = cells.iter().any(|cell| cell.settings.model.is_trained());
    let seeds = if trains || cells.is_empty() { seeds } else { seeds[..1].to_vec() };
    let of_phases = |set: &Vec<String>| -> u64 {
        let runs = |phase: &Phase| 1 + u64::from(occlusion.controls_of(set, *phase));
        occlusion.phases.iter().map(runs).sum()
    };
    let masked = occlusion.sets.iter().map(of_phases).sum::<u64>()
        * (occlusion.modes.len() * occlusion.fills.len()) as u64;
    let runs = (1 + masked) * cells.len() as u64 * seeds.len() as u64;
    if runs > MAX_RUNS {
        let occlusion = root.section("occlusion");
        let title = format!("this experiment has {runs} runs");
        let label = format!("an experiment has at most {MAX_RUNS}");
        root.problem(Problem::new(title, &occlusion.place_of("regions"), label).help(
            "conditions × seeds: leave out regions, modes, fills, controls, seeds or swept values",
        ));
    }
    if !problems.is_empty() {
        return Err(problems.into_inner());
    }
    Ok(Experiment {
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
        asked: describe::asked(&root),
        notes,
        merged: merged.table.to_toml(),
    })
}

/// Two equal combinations of the matrix would be trained once and counted twice.
fn refuse_duplicates(root: &Section<'_>, cells: &[Cell]) {
    let on_any_device = |cell: &Cell| {
        let settings = &cell.settings;
        // How others are trained changes nothing of a network that is not.
        let trained = if settings.model.is_trained() { settings } else { &cells[0].settings };
        let train = trained.train.on_any_device();
        let schedule = trained.schedule;
        (Settings { train, schedule, ..settings.clone() }, cell.evaluate)
    };
    let settings: Vec<(Settings, EvaluateSpec)> = cells.iter().map(on_any_device).collect();
    for (index, cell) in cells.iter().enumerate() {
        if let Some(duplicate) =
            settings[..index].iter().position(|duplicate| *duplicate == settings[index])
        {
            let written = |cell: &Cell| {
                let pairs: Vec<String> =
                    cell.swept.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("`{}`", pairs.join(", "))
            };
            let title = "two combinations of the matrix are the same settings";
            let help = format!("{} and {}", written(&cells[duplicate]), written(cell));
            let place = root.section("matrix").place;
            root.problem(Problem::new(title, &place, "leave out one of the two").help(help));
            return;
        }
    }
}

/// Two networks of one name would be one in every table and chart.
fn refuse_shared_labels(root: &Section<'_>, cells: &[Cell]) {
    let label = |cell: &Cell| cell.swept.get(NETWORK_LABEL).cloned();
    for (index, cell) in cells.iter().enumerate() {
        let Some(own) = label(cell) else { continue };
        let other = |other: &&Cell| {
            label(other).as_ref() == Some(&own) && other.settings.model != cell.settings.model
        };
        if cells[..index].iter().any(|cell| other(&cell)) {
            let title = format!("two networks of the matrix are named {own}");
            let place = root.section("matrix").place;
            let problem = Problem::new(title, &place, "each network needs a name of its own");
            root.problem(problem.help("give each table of `\"model\"` its own `name`"));
            return;
        }
    }
}

/// Adds what was not said before.
fn add_new(notes: &mut Vec<String>, more: Vec<String>) {
    for note in more {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}

/// What networks that are not trained here can not do.
fn check_untrained(root: &Section<'_>, occlusion: Option<&OcclusionStudy>, cells: &[Cell]) {
    let mut untrained = cells.iter().filter(|cell| !cell.settings.model.is_trained());
    let Some(first) = untrained.next() else { return };
    let place = root.section("model").place_of("kind");
    let phases = occlusion.map(|study| &study.phases[..]).unwrap_or_default();
    if phases.iter().any(|phase| *phase != Phase::Evaluate) {
        model::check_phases(root, &place);
    }
    let adapted = |cell: &Cell| cell.evaluate.statistics == Statistics::Adapted;
    if adapted(first) || untrained.any(adapted) {
        let section = root.section("evaluate");
        let title = "the statistics of a network from a file cannot be adapted";
        let place = section.place_of("statistics");
        let problem = Problem::new(title, &place, "they are part of the file");
        root.problem(problem.help("set `evaluate.statistics` to \"trained\""));
    }
}

/// The order of classes cannot be swept.
fn refuse_other_orders(root: &Section<'_>, axes: &[Axis<'_>], cells: &[Cell]) {
    let classes = |cell: &Cell| cell.settings.dataset.classes.clone();
    let sorted = |cell: &Cell| classes(cell).into_iter().collect::<BTreeSet<String>>();
    let reordered = |(index, cell): (usize, &Cell)| {
        let before = &cells[..index];
        before.iter().any(|other| sorted(other) == sorted(cell) && classes(other) != classes(cell))
    };
    if !cells.iter().enumerate().any(reordered) {
        return;
    }
    let axis = axes.iter().find(|axis| axis.path == "dataset.classes");
    let place = axis.map_or_else(|| root.section("matrix").place, |axis| axis.place.clone());
    let title = "two combinations of the matrix have the same classes in another order";
    root.problem(Problem::new(title, &place, "leave out one of the two").help(
        "the order has no meaning: it only changes the order of lists and, like another seed, the \
         initial weights",
    ));
}

/// `None` if the data set's kind is unknown.
fn read_settings(root: &Section<'_>) -> Option<Settings> {
    let dataset = dataset::read(root);
    let model = model::read(root, dataset.as_ref());
    let trains = model.as_ref().is_none_or(ModelSpec::is_trained);
    let train = training::read_train(root, dataset.as_ref().filter(|_| trains));
    let schedule = training::read_schedule(root, train.as_ref());
    let (dataset, train) = (dataset?, train?);
    dataset::check_target(root, &dataset, train.target);
    let settings = Settings { dataset, model: model?, train, schedule: schedule? };
    dataset::check_standardise(root, &settings.dataset);
    training::check_variance(root, &settings);
    Some(settings)
}

fn read_evaluate(root: &Section<'_>) -> Option<EvaluateSpec> {
    root.section("evaluate").read()
}

/// Name, question and analysis.
pub(crate) fn read_prose(root: &Section<'_>) -> (String, String, String) {
    let keys = root.keys().unwrap_or_default();
    let text = |key: &str| keys.get(key).and_then(|text| text.as_str()).unwrap_or_default().trim();
    (text("name").to_owned(), text("question").to_owned(), text("analysis").to_owned())
}

pub(super) fn refuse_name(_: &str, name: &str) -> Option<Refusal> {
    let label = match name {
        TRAININGS => "this folder of results/ is taken",
        _ => "not a name",
    };
    let help = format!("1 to {MAX_NAME} letters, digits, `_` and `-`; not `{TRAININGS}`");
    let title = format!("an experiment cannot be named `{name}`");
    (!is_name(name)).then(|| (title, label.to_owned(), Some(help)))
}

/// Whether an experiment can have this name: 1 to 100 letters, digits, `_` and `-`; not `trainings`.
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) && name != TRAININGS
}

/// Names of networks stand in names of conditions, which are typed and become those of files.
pub(super) fn refuse_label(path: &str, label: &str) -> Option<Refusal> {
    let ends = |character: char| character.is_ascii_alphanumeric();
    let within = |character: char| ends(character) || " ._+()/-".contains(character);
    let sound = (1..=MAX_LABEL).contains(&label.len())
        && label.starts_with(ends)
        && label.ends_with(|last| ends(last) || ".+)".contains(last))
        && label.chars().all(within);
    let title = format!("`{path}` cannot be `{label}`");
    let help = format!(
        "1 to {MAX_LABEL} letters, digits, spaces and . _ + ( ) / -, a letter or digit first, as in `ResNet-18`"
    );
    (!sound).then(|| (title, "not a label".to_owned(), Some(help)))
}

pub(super) fn refuse_prose(path: &str, text: &str) -> Option<Refusal> {
    let title = format!("`{path}` is longer than {MAX_PROSE} bytes");
    (text.len() > MAX_PROSE).then(|| (title, "too long for a report".to_owned(), None))
}

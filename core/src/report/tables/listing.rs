//! What a results folder holds, as tables: runs, trainings, experiments, epochs.
//!
//! Each table has every column, for conditions and for programs; the list beside it names the few that
//! people are shown, chosen to fit 80 columns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::report::findings::facts::tested_on;
use crate::report::tables::cell::Cell;
use crate::report::tables::settings::flat;
use crate::report::tables::table::{Column, Table};
use crate::report::words::numbers::{decimal, extent, mean, utc};
use crate::store::{
    EpochRow, Manifest, RunRow, RunStatus, are_numbers, rate_decimals, term_or_none,
};
use crate::study::{Setting, Study};

/// Of [`runs_table`], where the runs are those of one experiment.
pub const RUNS_OF_ONE: [&str; 7] =
    ["run_id", "condition", "seed", "best_epoch", "val_accuracy", "test_accuracy", "status"];
/// Of [`runs_table`], where they are of several.
pub const RUNS_OF_ALL: [&str; 6] =
    ["run_id", "experiment", "condition", "seed", "test_accuracy", "status"];
/// Of [`trainings_table`].
pub const TRAININGS: [&str; 7] =
    ["training_id", "dataset", "seed", "started", "seconds", "status", "experiments"];
/// Of [`experiments_table`].
pub const EXPERIMENTS: [&str; 8] =
    ["experiment", "dataset", "settings", "runs", "done", "whole_accuracy", "chance", "hours"];

type RunColumn = (Column, fn(&RunRow) -> Cell);

fn share(value: Option<f64>) -> Cell {
    value.map_or(Cell::Empty, Cell::share)
}

fn plain(value: Option<f64>, decimals: usize) -> Cell {
    value.map_or(Cell::Empty, |value| Cell::number(value, decimals))
}

/// The columns of `runs.parquet`, but for the swept ones.
fn run_columns() -> [RunColumn; 34] {
    let text = Column::text;
    let number = Column::number;
    [
        (text("run_id", "run"), |run| Cell::Id(run.run_id.clone())),
        (text("training_id", "training"), |run| Cell::Id(run.training_id.clone())),
        (text("experiment", "experiment"), |run| Cell::text(run.experiment.as_str())),
        (text("condition", "condition"), |run| Cell::text(run.condition.as_str())),
        (text("dataset", "data set"), |run| Cell::text(run.dataset.as_str())),
        (text("test_part", "tested on"), |run| {
            run.test_part.as_deref().map_or(Cell::Empty, Cell::text)
        }),
        (text("regions", "regions"), |run| Cell::text(run.regions.join(" + "))),
        (text("mode", "mode"), |run| Cell::text(term_or_none(run.mode))),
        (text("fill", "fill"), |run| Cell::text(term_or_none(run.fill))),
        (text("phase", "phase"), |run| Cell::text(term_or_none(run.phase))),
        (text("control", "control"), |run| Cell::Flag(run.control)),
        (number("draw", "draw"), |run| {
            run.draw.map_or(Cell::Empty, |draw| Cell::Count(u64::from(draw)))
        }),
        (number("area", "area, %"), |run| Cell::share(run.area)),
        (number("missed", "missed, %"), |run| share(run.missed)),
        (number("seed", "seed"), |run| Cell::Count(run.seed)),
        (number("epochs", "epochs"), |run| Cell::Count(u64::from(run.epochs))),
        (number("best_epoch", "epoch"), |run| Cell::Count(u64::from(run.best_epoch))),
        (number("parameters", "parameters"), |run| Cell::Count(run.parameters)),
        (number("val_accuracy", "val, %"), |run| share(run.val_accuracy)),
        (number("test_accuracy", "test, %"), |run| share(run.test_accuracy)),
        (number("test_balanced_accuracy", "balanced, %"), |run| share(run.test_balanced_accuracy)),
        (number("test_macro_f1", "macro F1, %"), |run| share(run.test_macro_f1)),
        (number("test_loss", "loss"), |run| plain(run.test_loss, 4)),
        (number("test_bits", "bits"), |run| plain(run.test_bits, 2)),
        (text("device", "device"), |run| Cell::text(run.device.as_str())),
        (text("precision", "precision"), |run| Cell::text(run.precision.as_str())),
        (text("fer_lab", "fer-lab"), |run| Cell::text(run.fer_lab.as_str())),
        (text("libtorch", "libtorch"), |run| Cell::text(run.libtorch.as_str())),
        (text("processor", "processor"), |run| Cell::text(run.processor.as_str())),
        (number("threads", "threads"), |run| Cell::Count(u64::from(run.threads))),
        (text("statistics", "statistics"), |run| Cell::text(run.statistics.name())),
        (number("wall_seconds", "seconds"), |run| Cell::number(run.wall_seconds, 1)),
        (number("train_images_per_second", "images/s"), |run| {
            Cell::number(run.train_images_per_second, 0)
        }),
        (text("status", "status"), |run| Cell::text(run.status.to_string())),
    ]
}

/// A row a run, a column for each of `runs.parquet`. Regions are one text, joined by ` + `.
pub fn runs_table<'a>(runs: impl Iterator<Item = &'a RunRow> + Clone) -> Table {
    let columns = run_columns();
    let keys: BTreeSet<&String> = runs.clone().flat_map(|run| run.swept.keys()).collect();
    let number = |key: &&String| {
        are_numbers(runs.clone().filter_map(|run| run.swept.get(*key)).map(String::as_str))
    };
    let swept: Vec<(&String, bool)> = keys.into_iter().map(|key| (key, number(&key))).collect();
    let swept_columns =
        swept.iter().map(
            |(key, number)| {
                if *number { Column::number(key, key) } else { Column::text(key, key) }
            },
        );
    let mut table =
        Table::new(columns.iter().map(|(column, _)| column.clone()).chain(swept_columns).collect());
    for run in runs.clone() {
        let value = |(key, _): &(&String, bool)| match run.swept.get(*key) {
            None => Cell::Empty,
            // As the Parquet table has it: of the type that TOML gives it.
            Some(text) => match text.parse::<toml::Value>().ok().map(serde_json::to_value) {
                Some(Ok(value)) if !value.is_array() && !value.is_object() => Cell::setting(&value),
                // The text of TOML.
                _ => Cell::text(text),
            },
        };
        let cells = columns.iter().map(|(_, cell)| cell(run)).chain(swept.iter().map(value));
        table.push(cells.collect());
    }
    table
}

/// What is listed of a training.
#[derive(Debug, Clone)]
pub struct TrainingEntry {
    cells: Vec<Cell>,
    /// By dotted key, sorted.
    settings: Vec<(String, Cell)>,
}

impl TrainingEntry {
    /// `manifest` is `None` for a training that has not ended. `experiments`: those that use it.
    pub fn new(id: &str, manifest: Option<Manifest>, experiments: &[&str]) -> TrainingEntry {
        let mut manifest = manifest;
        let settings = manifest.as_mut().map(|manifest| flat(manifest.settings.take()));
        let settings = settings.unwrap_or_default();
        let dataset = settings.get("dataset.kind").and_then(Value::as_str);
        let manifest = manifest.as_ref();
        let count =
            |value: fn(&Manifest) -> u64| manifest.map_or(Cell::Empty, |m| Cell::Count(value(m)));
        let text =
            |value: fn(&Manifest) -> &str| manifest.map_or(Cell::Empty, |m| Cell::text(value(m)));
        let number = |value: fn(&Manifest) -> f64, decimals| {
            manifest.map_or(Cell::Empty, |m| Cell::number(value(m), decimals))
        };
        let status = match manifest.map(|manifest| &manifest.status) {
            None => "unfinished".to_owned(),
            Some(status) => RunStatus::from(status).to_string(),
        };
        let cells = vec![
            Cell::Id(id.to_owned()),
            dataset.map_or(Cell::Empty, Cell::text),
            count(|m| m.seed),
            manifest.map_or(Cell::Empty, |m| Cell::text(utc(m.started))),
            number(|m| m.wall_seconds, 1),
            number(|m| m.train_images_per_second, 0),
            count(|m| u64::from(m.epochs)),
            count(|m| u64::from(m.best_epoch)),
            count(|m| m.parameters),
            text(|m| &m.device),
            text(|m| &m.precision),
            count(|m| u64::from(m.threads)),
            text(|m| &m.host),
            text(|m| &m.fer_lab),
            Cell::Text(status),
            if experiments.is_empty() {
                Cell::Missing("orphan".to_owned())
            } else {
                Cell::text(experiments.join(" + "))
            },
            Cell::Flag(experiments.is_empty()),
        ];
        let settings = settings.into_iter();
        let settings = settings.map(|(key, value)| (key, Cell::setting(&value))).collect();
        TrainingEntry { cells, settings }
    }
}

/// A row a training; after what its manifest says of it, a column for each setting.
pub fn trainings_table(entries: Vec<TrainingEntry>) -> Table {
    let mut columns = vec![
        Column::text("training_id", "training"),
        Column::text("dataset", "data set"),
        Column::number("seed", "seed"),
        Column::text("started", "started, UTC"),
        Column::number("seconds", "seconds"),
        Column::number("train_images_per_second", "images/s"),
        Column::number("epochs", "epochs"),
        Column::number("best_epoch", "epoch"),
        Column::number("parameters", "parameters"),
        Column::text("device", "device"),
        Column::text("precision", "precision"),
        Column::number("threads", "threads"),
        Column::text("host", "host"),
        Column::text("fer_lab", "fer-lab"),
        Column::text("status", "status"),
        Column::text("experiments", "experiments"),
        Column::text("orphan", "orphan"),
    ];
    let keys = setting_keys(&entries);
    columns.extend(keys.iter().map(|key| Column::text(key, key)));
    let mut table = Table::new(columns);
    for TrainingEntry { mut cells, settings } in entries {
        let mut settings = settings.into_iter().peekable();
        cells.extend(keys.iter().map(|key| {
            settings.next_if(|(own, _)| own == key).map_or(Cell::Empty, |(_, cell)| cell)
        }));
        table.push(cells);
    }
    table
}

/// The keys of any training, sorted. Most trainings have the same ones as the training before.
fn setting_keys(entries: &[TrainingEntry]) -> Vec<String> {
    let mut keys: BTreeSet<&String> = BTreeSet::new();
    let mut before: &[(String, Cell)] = &[];
    for TrainingEntry { settings, .. } in entries {
        let same = settings.len() == before.len()
            && settings.iter().zip(before).all(|((one, _), (other, _))| one == other);
        if !same {
            keys.extend(settings.iter().map(|(key, _)| key));
        }
        before = settings;
    }
    keys.into_iter().cloned().collect()
}

/// A row an experiment: what whole faces reach in the mean over seeds, and chance. Settings are never averaged: where they
/// differ, people read from which to which, and programs find the lowest and the highest.
pub fn experiments_table(experiments: &[(String, Study)]) -> Table {
    let mut table = Table::new(vec![
        Column::text("experiment", "experiment"),
        Column::text("dataset", "data set"),
        Column::number("settings", "settings"),
        Column::number("runs", "runs"),
        Column::number("done", "done"),
        Column::number("whole_accuracy", "whole faces, %"),
        Column::number("whole_lowest", "lowest, %"),
        Column::number("whole_highest", "highest, %"),
        Column::number("chance", "chance, %"),
        Column::number("hours", "hours"),
    ]);
    for (name, study) in experiments {
        let runs = &study.runs;
        let of_setting = |setting: &Setting| {
            let reached = setting.whole()?.accuracies();
            (!reached.is_empty()).then(|| mean(&reached))
        };
        let whole: Vec<f64> = study.settings.iter().filter_map(of_setting).collect();
        let chance: Vec<f64> = study.settings.iter().filter_map(|setting| setting.chance).collect();
        let (low, high) = extent(&whole);
        let end = |end: f64| if whole.is_empty() { Cell::Empty } else { Cell::share(end) };
        let trainings: BTreeMap<&str, f64> =
            runs.iter().map(|run| (run.training_id.as_str(), run.wall_seconds)).collect();
        let seconds: f64 = trainings.values().sum();
        let dataset = runs
            .first()
            .map(|run| tested_on(&run.dataset, run.test_part.as_deref()))
            .unwrap_or_default();
        table.push(vec![
            Cell::text(name.as_str()),
            Cell::text(dataset),
            Cell::Count(study.settings.len() as u64),
            Cell::Count(runs.len() as u64),
            Cell::Count(runs.iter().filter(|run| run.status.is_done()).count() as u64),
            one_or_range(&whole),
            end(low),
            end(high),
            one_or_range(&chance),
            Cell::number(seconds / 3600.0, 2),
        ]);
    }
    table
}

/// The share that all settings have, or from which to which they reach.
fn one_or_range(shares: &[f64]) -> Cell {
    let (low, high) = extent(shares);
    let per_cent = |share: f64| decimal(100.0 * share, 1);
    match shares {
        [] => Cell::Empty,
        [first, ..] if low == high => Cell::share(*first),
        _ => Cell::Missing(format!("{} to {}", per_cent(low), per_cent(high))),
    }
}

/// A row an epoch.
pub fn epochs_table(epochs: &[EpochRow]) -> Table {
    let mut table = Table::new(vec![
        Column::number("epoch", "epoch"),
        Column::number("learning_rate", "rate"),
        Column::number("train_loss", "loss"),
        Column::number("train_accuracy", "accuracy, %"),
        Column::number("val_loss", "val loss"),
        Column::number("val_accuracy", "val accuracy, %"),
        Column::number("seconds", "seconds"),
    ]);
    let decimals = epochs.iter().map(|epoch| rate_decimals(epoch.learning_rate)).max().unwrap_or(0);
    for epoch in epochs {
        table.push(vec![
            Cell::Count(u64::from(epoch.epoch)),
            Cell::number(epoch.learning_rate, decimals),
            Cell::number(epoch.train_loss, 4),
            Cell::share(epoch.train_accuracy),
            Cell::number(epoch.val_loss, 4),
            Cell::share(epoch.val_accuracy),
            Cell::number(epoch.seconds, 1),
        ]);
    }
    table
}

/// A training in full, a row for each property: the metrics of `run` where that is asked for, its course, and
/// all its settings.
pub fn training_table(manifest: &Manifest, run: Option<&RunRow>) -> Table {
    let mut table =
        Table::new(vec![Column::text("property", "property"), Column::text("value", "value")]);
    let mut push = |key: &str, value: Cell| table.push(vec![Cell::text(key), value]);
    if let Some(run) = run {
        push("run", Cell::text(run.run_id.as_str()));
        push("experiment", Cell::text(run.experiment.as_str()));
        push("condition", Cell::text(run.condition.as_str()));
        push("area masked, %", Cell::share(run.area));
        push("val accuracy, %", share(run.val_accuracy));
        push("test accuracy, %", share(run.test_accuracy));
        push("balanced test accuracy, %", share(run.test_balanced_accuracy));
        push("test macro F1, %", share(run.test_macro_f1));
        push("test loss", plain(run.test_loss, 4));
        push("test bits", plain(run.test_bits, 2));
        push("run status", Cell::text(run.status.to_string()));
    }
    push("training", Cell::text(manifest.training_id.as_str()));
    push("status", Cell::text(RunStatus::from(&manifest.status).to_string()));
    push("seed", Cell::text(manifest.seed.to_string()));
    push("epochs", Cell::Count(u64::from(manifest.epochs)));
    push("best epoch", Cell::Count(u64::from(manifest.best_epoch)));
    push("stopped early", Cell::Flag(manifest.stopped_early));
    push("parameters", Cell::Count(manifest.parameters));
    push("started, UTC", Cell::text(utc(manifest.started)));
    push("seconds", Cell::number(manifest.wall_seconds, 1));
    push("training images per second", Cell::number(manifest.train_images_per_second, 0));
    push("device", Cell::text(manifest.device.as_str()));
    push("processor", Cell::text(manifest.processor.as_str()));
    push("driver", manifest.driver.as_deref().map_or(Cell::Empty, Cell::text));
    push("precision", Cell::text(manifest.precision.as_str()));
    push("threads", Cell::Count(u64::from(manifest.threads)));
    push("host", Cell::text(manifest.host.as_str()));
    push("fer-lab", Cell::text(manifest.fer_lab.as_str()));
    push("commit", manifest.git.as_deref().map_or(Cell::Empty, Cell::text));
    push("libtorch", Cell::text(manifest.libtorch.as_str()));
    for (key, value) in flat(manifest.settings.clone()) {
        push(&key, Cell::setting(&value));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tables::table::Format;
    use crate::store::TrainingStatus;
    use crate::study::tests::{counts, run, swept};

    fn manifest() -> Manifest {
        Manifest {
            seed: 7,
            settings: serde_json::json!({
                "dataset": {"source": {"kind": "faces", "seed": 0}, "height": 24, "width": 32},
                "train": {"optimizer": {"kind": "adam", "learning_rate": 0.01}},
                "occlusion": null,
            }),
            status: TrainingStatus::Done,
            ..crate::store::manifest::tests::manifest()
        }
    }

    #[test]
    fn runs_have_every_column_of_the_parquet_table() {
        use crate::store::Table as _;
        let mut rows = [run(&[], "none", 1), run(&["eyes", "mouth"], "hide", 2)];
        rows[1].swept.insert("train.optimizer.learning_rate".into(), "1e-3".into());
        rows[1].swept.insert("train.optimizer.kind".into(), "\"sgd\"".into());
        rows[1].swept.insert("schedule.every".into(), "1".into());
        let mut table = runs_table(rows.iter());
        let columns = RunRow::to_columns(&rows).unwrap();
        let names: Vec<&str> = columns.iter().map(|column| column.name().as_str()).collect();
        assert_eq!(table.keys().collect::<Vec<_>>(), names);
        for shown in RUNS_OF_ONE.iter().chain(&RUNS_OF_ALL) {
            assert!(names.contains(shown), "{shown}");
        }
        let chosen =
            ["regions", "schedule.every", "train.optimizer.kind", "train.optimizer.learning_rate"];
        table.select(&chosen.map(str::to_owned)).unwrap();
        assert_eq!(
            table.render(Format::Csv, 80).unwrap(),
            "regions,schedule.every,train.optimizer.kind,train.optimizer.learning_rate\n,,,\n\
             eyes + mouth,1,sgd,0.001\n"
        );
    }

    #[test]
    fn trainings_have_their_settings_and_their_users() {
        let done = manifest();
        let mut failed = manifest();
        failed.status = TrainingStatus::Failed { reason: "the loss is not finite".into() };
        failed.settings = serde_json::json!({"dataset": {"source": {"kind": "rafdb"}}});
        let entries = vec![
            TrainingEntry::new("t1", Some(done), &["mask", "other"]),
            TrainingEntry::new("t2", None, &[]),
            TrainingEntry::new("t3", Some(failed), &[]),
        ];
        let mut table = trainings_table(entries);
        let chosen = [
            "training_id",
            "dataset",
            "started",
            "status",
            "experiments",
            "orphan",
            "dataset.size",
            "train.optimizer.learning_rate",
        ];
        table.select(&chosen.map(str::to_owned)).unwrap();
        assert_eq!(
            table.render(Format::Csv, 80).unwrap().lines().skip(1).collect::<Vec<_>>(),
            [
                "t1,faces,2026-09-21 14:13:20,done,mask + other,false,\"[24, 32]\",0.01",
                "t2,,,unfinished,,true,,",
                "t3,rafdb,2026-09-21 14:13:20,failed: the loss is not finite,,true,,",
            ]
        );
    }

    /// 61.4 % of two classes and 46.8 % of three have no mean that says anything.
    #[test]
    fn settings_are_not_averaged() {
        let (mut runs, mut counted) = (Vec::new(), Vec::new());
        for (classes, reached, matrix) in [
            ("2", [0.6, 0.628], &[&[3, 0, 0][..], &[0, 3, 0], &[0, 0, 0]]),
            ("3", [0.468, 0.468], &[&[2, 0, 0][..], &[0, 2, 0], &[0, 0, 2]]),
        ] {
            for (seed, accuracy) in (1..).zip(reached) {
                let mut run = swept(run(&[], "none", seed), "dataset.classes", classes);
                run.run_id = format!("{classes}-{seed}");
                run.test_accuracy = Some(accuracy);
                counted.extend(counts(&run.run_id, &["a", "b", "c"], matrix));
                runs.push(run);
            }
        }
        let listed = |runs: &[RunRow]| {
            let study = Study::of(runs.to_vec(), &counted);
            let mut table = experiments_table(&[("mask".to_owned(), study)]);
            let columns = ["settings", "whole_accuracy", "whole_lowest", "whole_highest", "chance"];
            table.select(&columns.map(str::to_owned)).unwrap();
            [Format::Table, Format::Csv].map(|format| table.render(format, 80).unwrap())
        };
        let [text, csv] = listed(&runs);
        assert!(text.contains("46.8 to 61.4") && text.contains("33.3 to 50.0"), "{text}");
        assert!(csv.lines().nth(1).unwrap().starts_with("2,,0.468,0.61"), "{csv}");
        let [text, csv] = listed(&runs[..2]);
        assert!(text.contains("61.4") && !text.contains(" to ") && text.contains("50.0"), "{text}");
        assert!(csv.lines().nth(1).unwrap().ends_with(",0.5"), "{csv}");
    }

    #[test]
    fn what_people_are_shown_fits_80_columns() {
        let mut long = run(&["brows", "eyes", "mouth"], "hide", 2);
        long.run_id = "0123456789abcdef0123".into();
        long.experiment = "seed_ferplus_of_all_regions".into();
        long.condition = "hide brows + eyes + mouth (evaluate, noise), control 1".into();
        let done = manifest();
        let entry =
            TrainingEntry::new(&long.run_id, Some(done.clone()), &["mask_each", "mask_eyes"]);
        let experiments = [(long.experiment.clone(), Study::of(vec![long.clone()], &[]))];
        let rows = [long];
        for (mut table, shown) in [
            (runs_table(rows.iter()), &RUNS_OF_ONE[..]),
            (runs_table(rows.iter()), &RUNS_OF_ALL[..]),
            (trainings_table(vec![entry]), &TRAININGS[..]),
            (experiments_table(&experiments), &EXPERIMENTS[..]),
            (training_table(&done, Some(&rows[0])), &["property", "value"][..]),
        ] {
            let shown: Vec<String> = shown.iter().map(|key| (*key).to_owned()).collect();
            table.select(&shown).unwrap();
            let text = table.render(Format::Table, 80).unwrap();
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
    }
}

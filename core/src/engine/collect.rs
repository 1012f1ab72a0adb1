//! Collects the tables of an experiment from the folders of its trainings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::error::EngineError;
use super::event::Observer;
use super::execute::DataDoubts;
use super::outline::outline;
use super::sensitivity;
use super::work::Work;
use crate::analysis;
use crate::dataset::Split;
use crate::dataset::faces::{self, IdealObserver};
use crate::experiment::{DatasetSpec, FacesSpec, Source};
use crate::metrics::{Metrics, MetricsError, Prediction};
use crate::plan::{Condition, Identified, Plan, TrainingIdentity, source_content, typed_seen};
use crate::region::{Mode, Occlusion, Phase, Regions};
use crate::store::table::GroupedTable;
use crate::store::{
    ConfusionRow, DoubtRow, EpochRow, EvaluationRecord, MadeOn, Manifest, PredictionRow,
    PredictionSource, Results, RunRow, RunStatus, StoreError, TrainingStatus, TruthRow,
    collect_predictions, read_table, write_sealed_json, write_table, write_whole,
};

/// What was found while the tables were collected.
pub(super) struct Collected {
    /// Runs without results (open after an interruption, failed otherwise), and missing maps.
    pub missing: usize,
    /// The kinds of machines that computed the evaluations, in words.
    pub kinds: BTreeSet<String>,
}

/// Writes every table of the experiment except those computed from other tables.
///
/// # Errors
/// [`EngineError::Interrupted`] if interrupted now; each table is then either the new or the old one.
pub(super) fn tables(
    work: &Work,
    identified: &Identified,
    doubts: &DataDoubts<'_>,
    interrupted: bool,
    observer: &dyn Observer,
) -> Result<Collected, EngineError> {
    // After an earlier interruption the tables are still written.
    let go_on = || match !interrupted && observer.interrupted() {
        true => Err(EngineError::Interrupted),
        false => Ok(()),
    };
    let Work { experiment, plan, results, .. } = work;
    let name = experiment.name.as_str();

    let manifests = identified
        .trainings
        .iter()
        .map(|TrainingIdentity { id, .. }| match results.manifest_if_any(id.as_str()) {
            // A training that failed before and was not retried by this run.
            Err(error) if error.unusable().is_some() => Ok(None),
            other => other,
        })
        .collect::<Result<Vec<_>, StoreError>>()?;

    let mut epochs = GroupedTable::plain(&results.table_path::<EpochRow>(name)?);
    for (training, manifest) in identified.trainings.iter().zip(&manifests) {
        if manifest.as_ref().is_some_and(|manifest| manifest.status == TrainingStatus::Done) {
            epochs.add(results.epochs(training.id.as_str())?, ())?;
        }
    }
    epochs.finish()?;

    let mut runs: Vec<RunRow> = Vec::new();
    let mut sources = Vec::new();
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    for index in 0..plan.runs.len() {
        let manifest = manifests[plan.runs[index].training].as_ref();
        let (row, made_on) = describe(work, identified, index, manifest, interrupted)?;
        kinds.extend(made_on.map(|made_on| made_on.kind()));
        if row.status.is_done() {
            let identity = &identified.runs[index];
            let path = results
                .evaluation_path(identity.training.as_str(), identity.evaluation.as_str())?;
            let classes = &plan.trainings[plan.runs[index].training].settings.dataset.classes;
            let (run_id, classes) = (row.run_id.clone(), classes.clone());
            sources.push(PredictionSource { run_id, path, classes });
        }
        runs.push(row);
    }
    let path = results.table_path::<ConfusionRow>(name)?;
    let mut confusion = GroupedTable::plain(&path);
    let mut collected = runs.iter_mut().enumerate().filter(|(_, row)| row.status.is_done());
    let predictions = results.table_path::<PredictionRow>(name)?;
    collect_predictions::<EngineError>(&predictions, sources, |rows| {
        go_on()?;
        let (index, row) = collected.next().expect("a source for each run that is done");
        let run = &plan.runs[index];
        let settings = &plan.trainings[run.training].settings;
        let prior = manifests[run.training].as_ref().map_or(&[][..], |manifest| &manifest.prior);
        score(row, rows, &settings.dataset.classes, prior)?;
        Ok(confusion.add(analysis::confusion(rows, &settings.dataset.classes)?, ())?)
    })?;
    write_table(&results.table_path::<RunRow>(name)?, &runs)?;
    confusion.finish()?;
    doubtful(work, doubts)?;
    truth(work)?;
    let missing_maps = sensitivity::collect(work, identified)?;
    announce(work, identified)?;
    let missing = missing_maps + runs.iter().filter(|row| !row.status.is_done()).count();
    Ok(Collected { missing, kinds })
}

/// Writes the experiment and its plan, so that other processes see what it needs before its tables exist.
pub(super) fn announce(work: &Work, identified: &Identified) -> Result<(), EngineError> {
    let Work { experiment, plan, results, .. } = work;
    let folder = results.experiment_dir(&experiment.name)?;
    write_whole(&folder.join("experiment.toml"), |file| {
        file.write_all(experiment.merged.as_bytes())
    })?;
    let outline = outline(experiment, plan, identified, Some(results))?;
    Ok(write_sealed_json(&folder.join("plan.json"), &outline)?)
}

/// A run's row without its metrics. A missing run is open after an interruption, failed otherwise.
fn describe(
    work: &Work,
    identified: &Identified,
    index: usize,
    manifest: Option<&Manifest>,
    interrupted: bool,
) -> Result<(RunRow, Option<MadeOn>), EngineError> {
    let Plan { conditions, runs, trainings, .. } = work.plan;
    let run = &runs[index];
    let condition = &conditions[run.condition];
    let settings = &trainings[run.training].settings;
    let identity = &identified.runs[index];
    let path =
        work.results.evaluation_path(identity.training.as_str(), identity.evaluation.as_str())?;
    let record = match EvaluationRecord::of(&path) {
        Ok(record) => Some(record),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) if error.unusable().is_some() => None,
        Err(error) => return Err(error.into()),
    };
    let missing = |failure: &str| match interrupted {
        true => RunStatus::Open("the run was interrupted".to_owned()),
        false => RunStatus::Failed(failure.to_owned()),
    };
    let status = match manifest.map(|manifest| &manifest.status) {
        None => missing("it was not trained"),
        Some(TrainingStatus::Done) if record.is_none() => missing("it was not evaluated"),
        Some(status) => status.into(),
    };
    let made_on = record.as_ref().and_then(|record| record.made_on.clone());
    let record = record.filter(|_| run.evaluation.occlusion.is_some());
    let missed = record.as_ref().and_then(|record| record.missed);
    let evaluated_area = record.map(|record| record.area);
    let area = evaluated_area.or(manifest.and_then(|manifest| manifest.masked_area)).unwrap_or(0.0);
    let occlusion = condition.occlusion.as_ref();
    let row = RunRow {
        run_id: identity.run.to_string(),
        training_id: identity.training.to_string(),
        experiment: work.experiment.name.clone(),
        condition: condition.name.clone(),
        dataset: settings.dataset.source.kind().to_owned(),
        test_part: settings.dataset.source.test_part(),
        regions: condition.regions.clone(),
        mode: occlusion.map(|occlusion| occlusion.mode),
        fill: occlusion.map(|occlusion| occlusion.fill.kind()),
        phase: condition.phase,
        control: condition.control.is_some(),
        draw: condition.control,
        area,
        missed,
        seed: run.seed,
        epochs: manifest.map_or(0, |manifest| manifest.epochs),
        best_epoch: manifest.map_or(0, |manifest| manifest.best_epoch),
        parameters: manifest.map_or(0, |manifest| manifest.parameters),
        val_accuracy: None,
        test_accuracy: None,
        test_balanced_accuracy: None,
        test_macro_f1: None,
        test_loss: None,
        test_bits: None,
        device: manifest.map(|manifest| manifest.device.clone()).unwrap_or_default(),
        precision: settings.train.precision.name().to_owned(),
        fer_lab: manifest.map(Manifest::program).unwrap_or_default(),
        libtorch: manifest.map(|manifest| manifest.libtorch.clone()).unwrap_or_default(),
        processor: manifest.map(|manifest| manifest.processor.clone()).unwrap_or_default(),
        threads: manifest.map_or(0, |manifest| manifest.threads),
        statistics: run.evaluation.statistics,
        wall_seconds: manifest.map_or(0.0, |manifest| manifest.wall_seconds),
        train_images_per_second: manifest.map_or(0.0, |manifest| manifest.train_images_per_second),
        status,
        swept: work.experiment.cells[condition.cell].swept.clone(),
    };
    Ok((row, made_on))
}

fn score(
    row: &mut RunRow,
    predictions: &[PredictionRow],
    classes: &[String],
    prior: &[f64],
) -> Result<(), EngineError> {
    // What is not there is refused as of the wrong length.
    let place = |name: &String| classes.iter().position(|class| class == name);
    let measure = |split: Split| -> Result<Metrics, MetricsError> {
        let rows = predictions.iter().filter(|row| row.split == split);
        let predictions = rows.map(|row| Prediction {
            predicted: place(&row.predicted).unwrap_or(classes.len()),
            log_probabilities: row.log_probabilities.as_deref().unwrap_or_default(),
            label: &row.label,
        });
        Metrics::measure(&predictions.collect::<Vec<_>>(), classes.len(), prior)
    };
    let test = measure(Split::Test)?;
    let validated = predictions.iter().any(|row| row.split == Split::Val);
    row.val_accuracy = validated.then(|| measure(Split::Val)).transpose()?.map(|val| val.accuracy);
    row.test_accuracy = Some(test.accuracy);
    row.test_balanced_accuracy = Some(test.balanced_accuracy);
    row.test_macro_f1 = Some(test.macro_f1);
    row.test_loss = Some(test.loss);
    row.test_bits = Some(test.bits);
    Ok(())
}

/// What is doubtful about the data of each setting.
fn doubtful(work: &Work, doubts: &DataDoubts<'_>) -> Result<(), EngineError> {
    let mut rows = Vec::new();
    for cell in &work.experiment.cells {
        let own = doubts.iter().filter(|(spec, _)| **spec == cell.settings.dataset);
        rows.extend(own.flat_map(|(_, doubts)| doubts).map(|doubt| DoubtRow {
            doubt: doubt.kind().to_owned(),
            split: doubt.split(),
            images: doubt.images().map(|images| images as u64),
            text: doubt.to_string(),
            swept: cell.swept.clone(),
        }));
    }
    Ok(write_table(&work.results.table_path::<DoubtRow>(&work.experiment.name)?, &rows)?)
}

/// For faces, the accuracy of an ideal observer for every set of regions in each setting: for each set, one row per
/// condition in which it is visible.
fn truth(work: &Work) -> Result<(), EngineError> {
    let mut rows = Vec::new();
    for (index, cell) in work.experiment.cells.iter().enumerate() {
        let Source::Faces(faces) = &cell.settings.dataset.source else { continue };
        let mut conditions_of: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
        for condition in work.plan.conditions.iter().filter(|condition| condition.cell == index) {
            if let Some(visible) = visible_regions(condition) {
                conditions_of.entry(visible).or_default().push(&condition.name);
            }
        }
        for truth in shared_truth(work.results, &cell.settings.dataset, faces)? {
            let mut set: Vec<&str> = truth.regions.iter().map(String::as_str).collect();
            set.sort_unstable();
            let conditions: Vec<String> = match conditions_of.get(&set) {
                Some(names) => names.iter().map(|name| (*name).to_owned()).collect(),
                None => vec![typed_seen(&set, &cell.swept)],
            };
            rows.extend(conditions.into_iter().map(|condition| TruthRow {
                condition,
                swept: cell.swept.clone(),
                ..truth.clone()
            }));
        }
    }
    Ok(write_table(&work.results.table_path::<TruthRow>(&work.experiment.name)?, &rows)?)
}

/// The regions of the atlas that are visible when a network is evaluated, sorted; `None` where that is no set of them:
/// for controls, the mask-only baseline and regions of the user's own.
fn visible_regions(condition: &Condition) -> Option<Vec<&str>> {
    let every = BTreeSet::from(Regions::built_in_names());
    let named: BTreeSet<&str> = condition.regions.iter().map(String::as_str).collect();
    let visible = match (&condition.occlusion, condition.phase) {
        _ if condition.control.is_some() || !named.is_subset(&every) => return None,
        (None, _) | (_, None | Some(Phase::Train)) => every,
        (_, Some(Phase::Masks)) => return None,
        (Some(Occlusion { mode: Mode::Hide, .. }), _) => &every - &named,
        (Some(Occlusion { mode: Mode::Keep, .. }), _) => named,
    };
    Some(visible.into_iter().collect())
}

/// The key under which the rows of a stored truth name the settings that they belong to.
const SOURCE: &str = "truth.source";

/// To be raised whenever the same settings give another truth: with 2, classes that tie share a face.
const TRUTH_VERSION: u32 = 2;

/// It depends on the settings alone, so it is computed once. The rows have no condition yet.
fn shared_truth(
    results: &Results,
    spec: &DatasetSpec,
    faces: &FacesSpec,
) -> Result<Vec<TruthRow>, EngineError> {
    let source = format!("{TRUTH_VERSION} {}", source_content(spec).unwrap_or_default());
    let hash = blake3::hash(source.as_bytes()).to_hex().to_string();
    let shared = results.cache_dir().join(format!("{hash}.parquet"));
    // Each row names its source in a column, so that a misnamed file is detected.
    let swept = BTreeMap::from([(SOURCE.to_owned(), format!("\"{hash}\""))]);
    if let Ok(rows) = read_table::<TruthRow>(&shared)
        && rows.iter().all(|row| row.swept == swept)
    {
        return Ok(rows);
    }
    let row = |observer: IdealObserver| TruthRow {
        condition: String::new(),
        regions: observer.regions,
        accuracy: observer.accuracy,
        accuracy_error: observer.accuracy_error,
        bits: observer.bits,
        recall: observer.recall,
        classes: observer.classes,
        swept: swept.clone(),
    };
    let rows: Vec<TruthRow> = faces::truth(spec, faces).into_iter().map(row).collect();
    write_table(&shared, &rows)?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Experiment, parse};

    fn experiment() -> Experiment {
        let text = r#"
            name = "seen"
            [dataset]
            kind = "faces"
            [occlusion]
            regions = ["eyes", ["eyes", "mouth"], "eyes_left"]
            modes = ["hide", "keep"]
            phases = ["retrain", "train"]
            controls = 1
        "#;
        parse(text, "seen.toml", &[]).unwrap()
    }

    #[test]
    fn visible_regions_follow_from_mode_and_phase() {
        let plan = Plan::new(&experiment()).unwrap();
        let seen = |name: &str| {
            let found = plan.conditions.iter().find(|condition| condition.name == name);
            visible_regions(found.unwrap_or_else(|| panic!("{name}"))).map(|set| set.join(" "))
        };
        let every = "brows cheeks eyes forehead jaw mouth nose";
        assert_eq!(seen("whole").as_deref(), Some(every));
        assert_eq!(
            seen("hide eyes + mouth (retrain)").as_deref(),
            Some("brows cheeks forehead jaw nose")
        );
        assert_eq!(seen("keep eyes + mouth (retrain)").as_deref(), Some("eyes mouth"));
        // Evaluated on whole faces.
        assert_eq!(seen("hide eyes (train)").as_deref(), Some(every));
        // No set of atlas regions.
        assert_eq!(seen("hide eyes (retrain), control 1"), None);
        assert_eq!(seen("hide eyes_left (retrain)"), None);
    }

    #[test]
    fn a_truth_is_computed_once_and_rejected_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        let experiment = experiment();
        let spec = &experiment.settings.dataset;
        let Source::Faces(drawn) = &spec.source else { panic!("no faces") };
        let mut rows = shared_truth(&results, spec, drawn).unwrap();
        assert_eq!(rows.len(), 128);
        let stored = std::fs::read_dir(results.cache_dir()).unwrap().next().unwrap().unwrap();
        rows[0].accuracy = 0.123;
        write_table(&stored.path(), &rows).unwrap();
        assert_eq!(shared_truth(&results, spec, drawn).unwrap()[0].accuracy, 0.123);

        for row in &mut rows {
            row.swept.insert(SOURCE.to_owned(), "\"of another\"".to_owned());
        }
        write_table(&stored.path(), &rows).unwrap();
        assert_ne!(shared_truth(&results, spec, drawn).unwrap()[0].accuracy, 0.123);
    }
}

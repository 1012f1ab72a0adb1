//! A plan as JSON for other programs, with the status of each part.

use std::collections::BTreeMap;

use serde::Serialize;

use super::sensitivity::{asked, map_exists};
use crate::experiment::Experiment;
use crate::plan::{Identified, ParameterCount, Plan};
use crate::store::{EvaluationRecord, Results, StoreError, TrainingStatus};

/// `plan.json`, and what `plan --format json` prints.
#[derive(Debug, Serialize)]
pub struct Outline {
    pub experiment: String,
    /// BLAKE3 of `experiment.toml` beside `plan.json`, hexadecimal.
    pub experiment_blake3: String,
    pub question: String,
    /// Of the first combination, where a matrix sweeps the network.
    pub parameters: OutlineParameters,
    pub seeds: Vec<u64>,
    pub conditions: Vec<OutlineCondition>,
    pub trainings: Vec<OutlineTraining>,
    pub runs: Vec<OutlineRun>,
    /// Sensitivity maps of the networks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sensitivity: Vec<OutlineMap>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct OutlineParameters {
    pub total: u64,
    pub trainable: u64,
}

#[derive(Debug, Serialize)]
pub struct OutlineCondition {
    pub name: String,
    pub regions: Vec<String>,
    pub mode: Option<&'static str>,
    pub fill: Option<&'static str>,
    pub phase: Option<&'static str>,
    pub control: bool,
    pub swept: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
pub struct OutlineTraining {
    pub training_id: String,
    pub seed: u64,
    pub status: Status,
    /// The data were not read: the id is taken from their settings and will change.
    pub provisional: bool,
}

#[derive(Debug, Serialize)]
pub struct OutlineRun {
    pub run_id: String,
    pub training_id: String,
    pub evaluation_id: String,
    pub condition: String,
    pub seed: u64,
    pub status: Status,
}

#[derive(Debug, Serialize)]
pub struct OutlineMap {
    pub sensitivity_id: String,
    pub training_id: String,
    pub method: &'static str,
    pub seed: u64,
    pub status: Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Done,
    /// It was interrupted and resumes from its checkpoint.
    Started,
    Failed,
    Missing,
}

/// A plan with the status of each part in `results`, from the existence of files alone.
pub fn outline(
    experiment: &Experiment,
    plan: &Plan,
    identified: &Identified,
    results: Option<&Results>,
) -> Result<Outline, StoreError> {
    let settings = &experiment.settings;
    let classes = settings.dataset.classes.len();
    let count = ParameterCount::of(&settings.model, settings.dataset.channels, classes);
    let mut trainings = Vec::new();
    for (training, spec) in identified.trainings.iter().zip(&plan.trainings) {
        let status = match results {
            Some(results) => training_status(results, training.id.as_str())?,
            None => Status::Missing,
        };
        trainings.push(OutlineTraining {
            training_id: training.id.to_string(),
            seed: spec.seed,
            status,
            provisional: training.provisional,
        });
    }
    let mut runs = Vec::new();
    for (run, identity) in plan.runs.iter().zip(&identified.runs) {
        let trained = trainings[run.training].status;
        let status = match (trained, results) {
            (Status::Done, Some(results)) => {
                let (training, evaluation) =
                    (identity.training.as_str(), identity.evaluation.as_str());
                let path = results.evaluation_path(training, evaluation)?;
                if EvaluationRecord::path(&path).exists() { Status::Done } else { Status::Missing }
            }
            (Status::Failed, _) => Status::Failed,
            _ => Status::Missing,
        };
        runs.push(OutlineRun {
            run_id: identity.run.to_string(),
            training_id: identity.training.to_string(),
            evaluation_id: identity.evaluation.to_string(),
            condition: plan.conditions[run.condition].name.clone(),
            seed: run.seed,
            status,
        });
    }
    let mut sensitivity = Vec::new();
    for (index, training) in identified.trainings.iter().enumerate() {
        for map in asked(experiment, plan, identified, index) {
            let there = match results {
                Some(results) => map_exists(results, &training.id, &map.id)?,
                None => false,
            };
            sensitivity.push(OutlineMap {
                sensitivity_id: map.id.to_string(),
                training_id: training.id.to_string(),
                method: map.spec.method.name(),
                seed: plan.trainings[index].seed,
                status: if there { Status::Done } else { Status::Missing },
            });
        }
    }
    let conditions = plan.conditions.iter().map(|condition| {
        let occlusion = condition.occlusion.as_ref();
        OutlineCondition {
            name: condition.name.clone(),
            regions: condition.regions.clone(),
            mode: occlusion.map(|occlusion| occlusion.mode.name()),
            fill: occlusion.map(|occlusion| occlusion.fill.name()),
            phase: condition.phase.map(|phase| phase.name()),
            control: condition.control.is_some(),
            swept: experiment.cells[condition.cell].swept.clone(),
        }
    });
    Ok(Outline {
        experiment: plan.experiment.clone(),
        experiment_blake3: blake3::hash(experiment.merged.as_bytes()).to_hex().to_string(),
        question: experiment.question.clone(),
        parameters: OutlineParameters { total: count.total, trainable: count.trainable },
        seeds: experiment.seeds.clone(),
        conditions: conditions.collect(),
        trainings,
        runs,
        sensitivity,
        warnings: plan.warnings.iter().map(ToString::to_string).collect(),
    })
}

fn training_status(results: &Results, id: &str) -> Result<Status, StoreError> {
    let manifest = results.manifest(id);
    Ok(match manifest.map(|manifest| manifest.status) {
        Ok(TrainingStatus::Done) => Status::Done,
        Ok(TrainingStatus::Failed { .. }) => Status::Failed,
        Err(error @ StoreError::Link { .. }) => return Err(error),
        Err(_) if results.checkpoint_path(id)?.exists() => Status::Started,
        Err(_) => Status::Missing,
    })
}

//! Which results each experiment in the folder needs, from the plans that lie there.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::json::read_sealed_json;
use super::{Results, StoreError};

/// The file that says what an experiment needs.
pub(super) const PLAN: &str = "plan.json";

/// Plans of a hundred thousand runs fit.
const LIMIT: u64 = 256 * 1024 * 1024;

/// A run of an experiment, and the training and evaluation behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub experiment: String,
    pub run_id: String,
    pub training_id: String,
    pub evaluation_id: String,
}

/// A map of where a training's network looks, which some experiment needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapNeed {
    pub training_id: String,
    pub sensitivity_id: String,
}

/// The part of `plan.json` that says what an experiment needs.
#[derive(Deserialize)]
struct Planned {
    runs: Vec<PlannedRun>,
    /// Missing where no maps are asked for.
    #[serde(default)]
    sensitivity: Vec<PlannedMap>,
}

#[derive(Deserialize)]
struct PlannedRun {
    run_id: String,
    training_id: String,
    evaluation_id: String,
}

#[derive(Deserialize)]
struct PlannedMap {
    training_id: String,
    sensitivity_id: String,
}

/// What all experiments need, experiment by experiment.
///
/// # Errors
/// Where an experiment's plan cannot be read: what it needs is not known then.
pub fn needs(results: &Results) -> Result<Vec<Need>, StoreError> {
    let mut needs = Vec::new();
    for (experiment, plan) in plans(results)? {
        needs.extend(plan.runs.into_iter().map(|run| Need {
            experiment: experiment.clone(),
            run_id: run.run_id,
            training_id: run.training_id,
            evaluation_id: run.evaluation_id,
        }));
    }
    Ok(needs)
}

/// The maps that all experiments need.
///
/// # Errors
/// As [`needs`].
pub fn map_needs(results: &Results) -> Result<Vec<MapNeed>, StoreError> {
    let maps = plans(results)?.into_iter().flat_map(|(_, plan)| plan.sensitivity);
    Ok(maps
        .map(|PlannedMap { training_id, sensitivity_id }| MapNeed { training_id, sensitivity_id })
        .collect())
}

/// The plan of each experiment that has one. A folder without, as a preview leaves one, needs nothing.
fn plans(results: &Results) -> Result<Vec<(String, Planned)>, StoreError> {
    let mut plans = Vec::new();
    for experiment in results.experiments()? {
        match results.plan::<Planned>(&experiment) {
            Ok(plan) => plans.push((experiment, plan)),
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(plans)
}

impl Results {
    /// As much of an experiment's plan as `T` asks for.
    pub fn plan<T: DeserializeOwned>(&self, experiment: &str) -> Result<T, StoreError> {
        read_sealed_json(&self.experiment_dir(experiment)?.join(PLAN), LIMIT)
    }
}

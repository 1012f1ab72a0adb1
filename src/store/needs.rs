//! Which results each experiment in the folder needs, from the plans that lie there.

use serde::Deserialize;

use super::json::read_json;
use super::{Results, StoreError};

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

/// The part of `plan.json` that says what an experiment needs.
#[derive(Deserialize)]
struct Planned {
    runs: Vec<PlannedRun>,
}

#[derive(Deserialize)]
struct PlannedRun {
    run_id: String,
    training_id: String,
    evaluation_id: String,
}

/// What all experiments need, experiment by experiment.
///
/// # Errors
/// Where an experiment's plan cannot be read: what it needs is not known then.
pub fn needs(results: &Results) -> Result<Vec<Need>, StoreError> {
    let mut needs = Vec::new();
    for experiment in results.experiments()? {
        let path = results.experiment_dir(&experiment)?.join("plan.json");
        match read_json::<Planned>(&path, LIMIT) {
            Ok(plan) => needs.extend(plan.runs.into_iter().map(|run| Need {
                experiment: experiment.clone(),
                run_id: run.run_id,
                training_id: run.training_id,
                evaluation_id: run.evaluation_id,
            })),
            // A folder without a plan, as a preview leaves one, needs nothing.
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(needs)
}

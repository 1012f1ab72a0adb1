//! The results that each experiment in the folder needs, from the stored plans.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::json::read_sealed_json;
use super::{Results, RunRow, StoreError, read_table};

/// The file that lists what an experiment needs.
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

/// The part of `plan.json` that lists what an experiment needs.
#[derive(Debug, Deserialize)]
pub(super) struct Planned {
    /// The name that the study had when it was run.
    #[serde(default)]
    experiment: Option<String>,
    pub runs: Vec<PlannedRun>,
    /// Missing where no maps are asked for.
    #[serde(default)]
    pub sensitivity: Vec<PlannedMap>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PlannedRun {
    pub run_id: String,
    pub training_id: String,
    evaluation_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct PlannedMap {
    pub training_id: String,
    pub sensitivity_id: String,
}

/// The part of a training's folder that some experiment needs.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Needed {
    pub evaluations: BTreeSet<String>,
    pub maps: BTreeSet<String>,
    /// All of it: the study's plan is missing, and its table names only the training.
    pub whole: bool,
}

/// What all experiments need, experiment by experiment.
///
/// # Errors
/// Where an experiment's plan cannot be read, so that its needs are unknown.
pub fn needs(results: &Results) -> Result<Vec<Need>, StoreError> {
    let mut needs = Vec::new();
    for experiment in results.experiments()? {
        let Some(plan) = results.planned(&experiment)? else { continue };
        needs.extend(plan.runs.into_iter().map(|run| Need {
            experiment: experiment.clone(),
            run_id: run.run_id,
            training_id: run.training_id,
            evaluation_id: run.evaluation_id,
        }));
    }
    Ok(needs)
}

impl Results {
    /// The part of an experiment's plan that `T` describes.
    pub fn plan<T: DeserializeOwned>(&self, experiment: &str) -> Result<T, StoreError> {
        read_sealed_json(&self.experiment_dir(experiment)?.join(PLAN), LIMIT)
    }

    /// What an experiment needs; `None` where it has no plan. A folder without one, as `preview` makes it,
    /// needs nothing.
    fn planned(&self, experiment: &str) -> Result<Option<Planned>, StoreError> {
        match self.plan(experiment) {
            Err(StoreError::NotFound { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// The rows of an experiment's runs, where their table is there and can be read.
    pub(super) fn runs_if_any(&self, experiment: &str) -> Result<Option<Vec<RunRow>>, StoreError> {
        match read_table(&self.table_path::<RunRow>(experiment)?) {
            Ok(rows) => Ok(Some(rows)),
            Err(error @ (StoreError::Link { .. } | StoreError::NoFile { .. })) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// What the experiments of the folder need, by training.
    ///
    /// # Errors
    /// Where a plan cannot be read, and [`StoreError::Foreign`] where it is not that of the tables beside it.
    pub(super) fn needed(&self) -> Result<BTreeMap<String, Needed>, StoreError> {
        let mut needed: BTreeMap<String, Needed> = BTreeMap::new();
        for experiment in self.experiments()? {
            let rows = self.runs_if_any(&experiment)?.unwrap_or_default();
            let Some(plan) = self.planned(&experiment)? else {
                for row in rows {
                    needed.entry(row.training_id).or_default().whole = true;
                }
                continue;
            };
            if let Some(reason) = self.belongs_elsewhere(&experiment, &plan, &rows) {
                let path = self.experiment_dir(&experiment)?.join(PLAN);
                return Err(StoreError::Foreign { path, reason });
            }
            for run in plan.runs {
                let of_training = needed.entry(run.training_id).or_default();
                of_training.evaluations.insert(run.evaluation_id);
            }
            for map in plan.sensitivity {
                needed.entry(map.training_id).or_default().maps.insert(map.sensitivity_id);
            }
        }
        Ok(needed)
    }

    /// Why a plan does not belong to its folder. The folder's own name does not count: it may have been
    /// renamed.
    fn belongs_elsewhere(
        &self,
        experiment: &str,
        plan: &Planned,
        rows: &[RunRow],
    ) -> Option<String> {
        #[derive(Deserialize)]
        struct Name {
            name: String,
        }
        let text = self.experiment_text(experiment).unwrap_or_default();
        let own = toml::from_str::<Name>(&text).ok();
        if let (Some(own), Some(planned)) = (own, &plan.experiment)
            && own.name != *planned
        {
            return Some(format!(
                "it is the plan of `{planned}`, and the experiment.toml beside it that of `{}`",
                own.name
            ));
        }
        let planned: BTreeSet<&str> = plan.runs.iter().map(|run| run.run_id.as_str()).collect();
        let strange = rows.iter().filter(|row| !planned.contains(row.run_id.as_str())).count();
        (strange > 0).then(|| {
            format!(
                "{strange} of the {} runs in the runs.parquet beside it are not in it",
                rows.len()
            )
        })
    }
}

//! What a worker is asked to do: one training with its evaluations, in a file that needs nothing beside
//! it but the data and the results folder.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::{EngineError, SensitivityMap, Work};
use crate::experiment::{self, DeviceChoice, Settings};
use crate::plan::{EvaluationId, Identified, TrainingId, TrainingSpec};
use crate::region::{Lesson, Occlusion};

/// The version of this contract.
const VERSION: u32 = 1;

/// More than this is no specification: an experiment's text and a few polygons.
const LIMIT: u64 = 16 * 1024 * 1024;

/// One training and its evaluations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    version: u32,
    /// The training's id. A worker computes it anew from the data it finds and all that follows, and
    /// refuses the work where they differ.
    pub training: TrainingId,
    /// What people call it.
    pub name: String,
    /// The experiment as run, as TOML, and which combination of its matrix this is.
    experiment: String,
    cell: usize,
    pub seed: u64,
    /// What covers the training images; nothing where it is missing.
    pub occlusion: Option<Lesson>,
    pub evaluations: Vec<Evaluation>,
    /// Maps of where the network looks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<SensitivityMap>,
    pub device: DeviceChoice,
    /// libtorch's threads.
    pub threads: u32,
    /// At the end of an epoch a checkpoint is stored where the last one is as old as this.
    pub checkpoint_seconds: u32,
}

/// The network, examined under an occlusion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    pub id: EvaluationId,
    pub occlusion: Option<Occlusion>,
}

impl Specification {
    /// Of a training of a plan, with those of its evaluations that `runs` name and those of its maps.
    pub(super) fn new(
        work: &Work,
        identified: &Identified,
        training: usize,
        runs: &[usize],
        maps: Vec<SensitivityMap>,
        device: DeviceChoice,
    ) -> Specification {
        let spec = &work.plan.trainings[training];
        let first = work.plan.runs.iter().find(|run| run.training == training);
        let evaluations = runs.iter().map(|run| Evaluation {
            id: identified.runs[*run].evaluation.clone(),
            occlusion: work.plan.runs[*run].evaluation.clone(),
        });
        Specification {
            version: VERSION,
            training: identified.trainings[training].id.clone(),
            name: work.name(training).to_owned(),
            experiment: work.experiment.merged.clone(),
            cell: first.map_or(0, |run| work.plan.conditions[run.condition].cell),
            seed: spec.seed,
            occlusion: spec.lesson.clone(),
            evaluations: evaluations.collect(),
            maps,
            device,
            threads: work.crew.threads,
            checkpoint_seconds: work.checkpoint_seconds,
        }
    }

    /// Reads a specification.
    ///
    /// # Errors
    /// Where it is none, or one of another version of this program.
    pub fn read(source: impl Read) -> Result<Specification, EngineError> {
        let wrong = |why: String| EngineError::Specification(why);
        let mut bytes = Vec::new();
        source.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
        if bytes.len() as u64 > LIMIT {
            return Err(wrong(format!("it is longer than {LIMIT} bytes")));
        }
        let specification: Specification =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        match specification.version {
            VERSION => Ok(specification),
            other => Err(wrong(format!(
                "it is of version {other}, and this program knows version {VERSION}"
            ))),
        }
    }

    /// The training, its settings validated as those of any experiment file.
    pub(super) fn training(&self) -> Result<TrainingSpec, EngineError> {
        let wrong = |why: String| EngineError::Specification(why);
        let experiment = experiment::parse_whole(&self.experiment, "specification")
            .map_err(|errors| wrong(errors.to_string()))?;
        let cell = experiment.cells.get(self.cell);
        let cell =
            cell.ok_or_else(|| wrong(format!("its experiment has no cell {}", self.cell)))?;
        let settings: Settings = cell.settings.clone();
        Ok(TrainingSpec { settings, lesson: self.occlusion.clone(), seed: self.seed })
    }
}

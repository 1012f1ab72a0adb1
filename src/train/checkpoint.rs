//! A training in the middle, to be gone on with as if nothing had happened.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::optimizer::Optimizer;
use super::schedule::{Memory, Rate};
use super::trainer::{EpochRecord, Kept};
use crate::model::Network;
use crate::model::weights::{self, FormatError, Weights};

/// Everything that the rest of a training depends on. Random draws are not among it: each comes from a
/// generator seeded by (seed, purpose, epoch, step).
#[derive(Debug)]
pub struct Checkpoint(Vec<u8>);

/// Why a checkpoint cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("the checkpoint is {0}")]
    Format(#[from] FormatError),
    #[error("the checkpoint's state cannot be read ({0})")]
    State(#[from] serde_json::Error),
    #[error("the checkpoint is not of this network: no `{0}` of its shape")]
    OtherNetwork(String),
}

/// Where a training stands, but for its tensors.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Epochs finished.
    pub epochs: Vec<EpochRecord>,
    /// Of the epoch under way: the loss of each step done, the right answers, the seconds.
    pub losses: Vec<f32>,
    pub correct: f64,
    pub seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct State {
    progress: Progress,
    memory: Memory,
    optimizer_steps: u64,
    best_epoch: Option<u32>,
}

impl Checkpoint {
    pub(super) fn take(
        progress: &Progress,
        network: &Network,
        optimizer: &Optimizer,
        rate: &Rate,
        kept: Option<&Kept>,
    ) -> Checkpoint {
        let named = |prefix: &'static str, tensors: Vec<(String, Tensor)>| {
            tensors.into_iter().map(move |(name, tensor)| (format!("{prefix}.{name}"), tensor))
        };
        let network = network.parameters().into_iter().map(|p| (p.name, p.tensor)).collect();
        let mut tensors: Vec<_> = named("network", network).collect();
        tensors.extend(named("optimizer", optimizer.state()));
        if let Some(kept) = kept {
            let weights = kept.weights.iter().map(|(name, t)| (name.clone(), t.shallow_clone()));
            tensors.extend(named("best", weights.collect()));
        }
        let state = State {
            progress: progress.clone(),
            memory: rate.memory(),
            optimizer_steps: optimizer.steps(),
            best_epoch: kept.map(|kept| kept.epoch),
        };
        let state = serde_json::to_string(&state).expect("a state is plain data");
        Checkpoint(weights::encode(&tensors, &state))
    }

    pub(super) fn put_back(
        &self,
        network: &Network,
        optimizer: &mut Optimizer,
        rate: &mut Rate,
    ) -> Result<(Progress, Option<Kept>), CheckpointError> {
        let Weights { tensors, note } = weights::decode(&self.0)?;
        let state: State = serde_json::from_str(&note)?;
        let find = |name: String, like: &Tensor| {
            let stored = tensors.get(&name).filter(|stored| stored.size() == like.size());
            stored.ok_or(CheckpointError::OtherNetwork(name))
        };
        let mut weights = Vec::new();
        for parameter in network.parameters() {
            let mut tensor = parameter.tensor;
            let stored = find(format!("network.{}", parameter.name), &tensor)?;
            tch::no_grad(|| tensor.copy_(stored));
            if state.best_epoch.is_some() {
                let best = find(format!("best.{}", parameter.name), &tensor)?;
                weights.push((parameter.name, best.shallow_clone()));
            }
        }
        for (name, mut tensor) in optimizer.state() {
            let stored = find(format!("optimizer.{name}"), &tensor)?;
            tensor.copy_(stored);
        }
        optimizer.resume(state.optimizer_steps);
        rate.resume(state.memory);
        Ok((state.progress, state.best_epoch.map(|epoch| Kept { epoch, weights })))
    }

    /// How many epochs were finished.
    pub fn epochs_done(&self) -> Result<u32, CheckpointError> {
        let state: State = serde_json::from_str(&weights::decode(&self.0)?.note)?;
        Ok(state.progress.epochs.len() as u32)
    }

    /// The bytes to store: a safetensors file.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What was stored. It is checked when a training goes on with it.
    pub fn from_bytes(bytes: Vec<u8>) -> Checkpoint {
        Checkpoint(bytes)
    }
}

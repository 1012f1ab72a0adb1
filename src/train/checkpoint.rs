//! Checkpoint of a running training; resuming is bit-exact.
//!
//! It is a safetensors file whose note starts with the BLAKE3 of the whole file, computed with the hash's own digits set
//! to 0: a file damaged by a power cut (a header over zeroed data) or a flipped bit would otherwise be valid, and the
//! training would silently give another network.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::circumstances::Circumstances;
use super::optimizer::Optimizer;
use super::schedule::{Memory, Rate};
use super::trainer::Kept;
use crate::epoch::EpochRecord;
use crate::model::Network;
use crate::model::weights::{self, FormatError, Weights};

/// Everything that the rest of a training depends on. Random state is not part of it: each draw comes from a
/// generator seeded by (seed, purpose, epoch, step).
#[derive(Debug)]
pub struct Checkpoint(Vec<u8>);

const SEAL: &str = "blake3 ";
const DIGITS: usize = 64;

/// Why a checkpoint cannot be resumed from.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("it is {0}")]
    Format(#[from] FormatError),
    #[error("it has no checksum; an earlier version wrote it")]
    Unsealed,
    #[error("its content has changed since it was written")]
    Changed,
    #[error("its state cannot be read ({0})")]
    State(#[from] serde_json::Error),
    #[error("it is a checkpoint of training {0}")]
    OtherTraining(String),
    #[error("it is not of this network: no `{0}` of its shape")]
    OtherNetwork(String),
}

/// The state of a training, without its tensors.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Epochs finished.
    pub epochs: Vec<EpochRecord>,
    /// Of the current epoch: the loss of each step done, the correct predictions, the seconds.
    pub losses: Vec<f32>,
    pub correct: f64,
    pub seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct State {
    /// The id of the training that it is of.
    training: String,
    circumstances: Circumstances,
    progress: Progress,
    memory: Memory,
    optimizer_steps: u64,
    best_epoch: Option<u32>,
}

impl Checkpoint {
    pub(super) fn take(
        (training, circumstances): (&str, &Circumstances),
        progress: &Progress,
        (network, average): (&Network, Option<&Network>),
        optimizer: &Optimizer,
        rate: &Rate,
        kept: Option<&Kept>,
    ) -> Checkpoint {
        let named = |prefix: &'static str, tensors: Vec<(String, Tensor)>| {
            tensors.into_iter().map(move |(name, tensor)| (format!("{prefix}.{name}"), tensor))
        };
        let of = |network: &Network| {
            network.parameters().into_iter().map(|p| (p.name, p.tensor)).collect()
        };
        let mut tensors: Vec<_> = named("network", of(network)).collect();
        tensors.extend(average.into_iter().flat_map(|average| named("average", of(average))));
        tensors.extend(named("optimizer", optimizer.state()));
        if let Some(kept) = kept {
            let weights = kept.weights.iter().map(|(name, t)| (name.clone(), t.shallow_clone()));
            tensors.extend(named("best", weights.collect()));
        }
        let state = State {
            training: training.to_owned(),
            circumstances: circumstances.clone(),
            progress: progress.clone(),
            memory: rate.memory(),
            optimizer_steps: optimizer.steps(),
            best_epoch: kept.map(|kept| kept.epoch),
        };
        let state = serde_json::to_string(&state).expect("a state is plain data");
        let unsealed = "0".repeat(DIGITS);
        let mut bytes = weights::encode(&tensors, &format!("{SEAL}{unsealed} {state}"));
        let digits = digits(&bytes).expect("the note is in the header");
        let hash = blake3::hash(&bytes).to_hex();
        bytes[digits].copy_from_slice(hash.as_bytes());
        Checkpoint(bytes)
    }

    /// Reads a stored checkpoint of the training `training`.
    ///
    /// # Errors
    /// Where its bytes are not exactly those that the training wrote.
    pub fn open(bytes: Vec<u8>, training: &str) -> Result<Checkpoint, CheckpointError> {
        let place = digits(&bytes);
        let (_, state) = decode(&bytes)?;
        let place = place.ok_or(CheckpointError::Unsealed)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes[..place.start]).update(&[b'0'; DIGITS]).update(&bytes[place.end..]);
        if hasher.finalize().to_hex().as_bytes() != &bytes[place] {
            return Err(CheckpointError::Changed);
        }
        match state.training == training {
            true => Ok(Checkpoint(bytes)),
            false => Err(CheckpointError::OtherTraining(state.training)),
        }
    }

    pub(super) fn put_back(
        &self,
        (network, average): (&Network, Option<&Network>),
        optimizer: &mut Optimizer,
        rate: &mut Rate,
    ) -> Result<(Progress, Option<Kept>), CheckpointError> {
        let (tensors, state) = decode(&self.0)?;
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
        for parameter in average.into_iter().flat_map(Network::parameters) {
            let mut tensor = parameter.tensor;
            let stored = find(format!("average.{}", parameter.name), &tensor)?;
            tch::no_grad(|| tensor.copy_(stored));
        }
        for (name, mut tensor) in optimizer.state() {
            let stored = find(format!("optimizer.{name}"), &tensor)?;
            tensor.copy_(stored);
        }
        optimizer.resume(state.optimizer_steps);
        rate.resume(state.memory);
        Ok((state.progress, state.best_epoch.map(|epoch| Kept { epoch, weights })))
    }

    /// How and where it was made.
    pub fn circumstances(&self) -> Result<Circumstances, CheckpointError> {
        Ok(decode(&self.0)?.1.circumstances)
    }

    /// How many epochs were finished.
    pub fn epochs_done(&self) -> Result<u32, CheckpointError> {
        Ok(decode(&self.0)?.1.progress.epochs.len() as u32)
    }

    /// The bytes to store: a safetensors file.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The tensors and the state of a checkpoint.
fn decode(bytes: &[u8]) -> Result<(BTreeMap<String, Tensor>, State), CheckpointError> {
    let Weights { tensors, note } = weights::decode(bytes)?;
    let state = note.strip_prefix(SEAL).and_then(|rest| rest.get(DIGITS..));
    let state = state.ok_or(CheckpointError::Unsealed)?;
    Ok((tensors, serde_json::from_str(state)?))
}

/// Where in the header of a safetensors file the digits of the hash lie. No tensor's name begins as the seal
/// does.
fn digits(bytes: &[u8]) -> Option<Range<usize>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let opening = format!("\"{SEAL}");
    let at = header.windows(opening.len()).position(|window| window == opening.as_bytes())?;
    let start = 8 + at + opening.len();
    (start + DIGITS <= 8 + header.len()).then_some(start..start + DIGITS)
}

//! Named tensors as safetensors bytes, and back.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::{Kind, Tensor};

use super::values::values;
use crate::network::NOTE;

/// What a safetensors file holds.
#[derive(Debug)]
pub struct Weights {
    pub tensors: BTreeMap<String, Tensor>,
    /// What the writer noted beside them; empty where it noted nothing.
    pub note: String,
}

/// Why bytes are not weights.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    #[error("not a whole safetensors file ({0})")]
    Damaged(String),
    #[error("holds numbers of a kind that fer-lab does not write ({0:?})")]
    Kind(Dtype),
}

/// The bytes of f32 tensors, as they would lie on the CPU in row-major order. The same tensors give the
/// same bytes. `note` goes into the file's metadata: one entry, since the format leaves their order open.
pub fn encode(tensors: &[(String, Tensor)], note: &str) -> Vec<u8> {
    let raw: Vec<(&str, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let values: Vec<f32> = values(&tensor.detach().to_kind(Kind::Float));
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name.as_str(), tensor.size().iter().map(|side| *side as usize).collect(), bytes)
        })
        .collect();
    let views = raw.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (*name, view.expect("the shape is that of the tensor"))
    });
    let metadata = HashMap::from([(NOTE.to_owned(), note.to_owned())]);
    safetensors::serialize(views, Some(metadata)).expect("names are unique")
}

/// The floating-point tensors of a safetensors file that anything may have written, as f32 on the CPU.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, FormatError> {
    let damaged = |error: safetensors::SafeTensorError| FormatError::Damaged(error.to_string());
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let kind = match view.dtype() {
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::F32 => Kind::Float,
            Dtype::F64 => Kind::Double,
            _ => continue,
        };
        let shape: Vec<i64> = view.shape().iter().map(|side| *side as i64).collect();
        let tensor = Tensor::from_data_size(view.data(), &shape, kind).to_kind(Kind::Float);
        tensors.insert(name.to_owned(), tensor);
    }
    Ok(tensors)
}

/// Reads what [`encode`] wrote.
pub fn decode(bytes: &[u8]) -> Result<Weights, FormatError> {
    let damaged = |error: safetensors::SafeTensorError| FormatError::Damaged(error.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(FormatError::Kind(view.dtype()));
        }
        let shape: Vec<i64> = view.shape().iter().map(|side| *side as i64).collect();
        tensors.insert(name.to_owned(), Tensor::from_data_size(view.data(), &shape, Kind::Float));
    }
    let note = header.metadata().as_ref().and_then(|metadata| metadata.get(NOTE));
    Ok(Weights { tensors, note: note.cloned().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_and_note_come_back() {
        let tensors = vec![
            (
                "a".to_owned(),
                Tensor::from_slice(&[1.5f32, -2.0, 0.0, 4.0]).view([2, 2]).permute([1, 0]),
            ),
            ("b".to_owned(), Tensor::zeros([0], (Kind::Float, tch::Device::Cpu))),
        ];
        let bytes = encode(&tensors, "epoch 3");
        assert_eq!(bytes, encode(&tensors, "epoch 3"));
        let weights = decode(&bytes).unwrap();
        assert_eq!(weights.note, "epoch 3");
        assert_eq!(weights.tensors["a"], tensors[0].1);
        assert_eq!(weights.tensors["b"].numel(), 0);
    }

    #[test]
    fn a_cut_file_is_noticed() {
        let bytes = encode(&[("a".to_owned(), Tensor::from_slice(&[1f32, 2.0]))], "");
        for length in 0..bytes.len() {
            assert!(matches!(decode(&bytes[..length]), Err(FormatError::Damaged(_))), "{length}");
        }
    }
}

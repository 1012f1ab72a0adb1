//! The file of a network that was trained here, read without libtorch.

use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::architecture::TensorShape;

/// The key of the [`ModelNote`] in the file's metadata.
pub const NOTE: &str = "fer_lab";

/// What is noted in the file of a trained network, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelNote {
    /// In class order.
    pub classes: Vec<String>,
    /// Of the training images, by channel, of values from 0 to 1, as are the means.
    pub deviation: Vec<f64>,
    pub mean: Vec<f64>,
    pub training_id: String,
}

/// A trained network's note and tensors.
#[derive(Debug)]
pub struct TrainedNetwork<'a> {
    pub note: ModelNote,
    tensors: SafeTensors<'a>,
}

/// Why bytes are not those of a network that was trained here.
#[derive(Debug, thiserror::Error)]
pub enum TrainedNetworkError {
    #[error("it is not a whole safetensors file ({0})")]
    Damaged(#[from] safetensors::SafeTensorError),
    #[error("no training has written it: its metadata has no entry `{NOTE}`")]
    NoNote,
    #[error("its note cannot be read ({0})")]
    Note(#[from] serde_json::Error),
    #[error("it is the network of training {0}")]
    OfAnother(String),
    #[error("its note is of other classes or channels than the training has")]
    OtherNote,
    #[error("it holds no `{0}` of the shape that its network needs")]
    Mismatch(String),
}

impl ModelNote {
    /// Checks that it is that of a training, for pictures of so many channels.
    ///
    /// # Errors
    /// Where it is another's.
    pub fn check(
        &self,
        training_id: &str,
        channels: usize,
        classes: &[String],
    ) -> Result<(), TrainedNetworkError> {
        if self.training_id != training_id {
            return Err(TrainedNetworkError::OfAnother(self.training_id.clone()));
        }
        let by_channel = [&self.mean, &self.deviation].map(Vec::len);
        let same = self.classes == classes && by_channel == [channels; 2];
        if same { Ok(()) } else { Err(TrainedNetworkError::OtherNote) }
    }
}

impl<'a> TrainedNetwork<'a> {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Where no training wrote it.
    pub fn read(bytes: &'a [u8]) -> Result<TrainedNetwork<'a>, TrainedNetworkError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let note = header.metadata().as_ref().and_then(|metadata| metadata.get(NOTE));
        let note = serde_json::from_str(note.ok_or(TrainedNetworkError::NoNote)?)?;
        Ok(TrainedNetwork { note, tensors: SafeTensors::deserialize(bytes)? })
    }

    /// The numbers of a tensor: f32, row-major, little-endian.
    ///
    /// # Errors
    /// Where the file has none of this name, shape and type.
    pub fn tensor(&self, wanted: &TensorShape) -> Result<&'a [u8], TrainedNetworkError> {
        let found = self.tensors.tensor(&wanted.name).ok();
        found
            .filter(|found| found.dtype() == Dtype::F32 && found.shape() == wanted.shape)
            .map(|found| found.data())
            .ok_or_else(|| TrainedNetworkError::Mismatch(wanted.name.clone()))
    }
}

//! The interface between the code without libtorch and the code that computes with networks.

use serde::{Deserialize, Serialize};

use super::error::EngineError;
use super::event::{Observer, Outcome};
use super::reproduction::Reproduced;
use super::specification::Specification;
use crate::dataset::{Dataset, Split};
use crate::experiment::{OnnxInput, OnnxSpec};
use crate::region::Occlusion;
use crate::store::Results;

/// What a program with libtorch provides for the commands that need it.
pub trait Libtorch: Sync {
    /// The commit that the program was built from, for manifests: `1a2b3c4d5e6f`, or with changes on top
    /// `1a2b3c4d5e6f-dirty`; `None` or empty where it is not known.
    fn commit(&self) -> Option<&'static str>;

    /// Limits libtorch's threads and configures its memory. To be called once, before anything else.
    fn prepare(&self, threads: u32);

    /// What the loaded library says of itself. Where there is an NVIDIA driver, its CUDA part is loaded too.
    fn facts(&self) -> LibtorchFacts;

    /// The implementation of a worker.
    fn trainer(&self) -> Box<dyn Trainer>;

    /// Renders the images of a split as network inputs.
    fn renderer<'a>(&self, dataset: &'a Dataset, split: Split) -> Box<dyn Renderer + 'a>;

    /// The answers of a network in a file for some images of a split, all columns of its output, under each of several
    /// assumptions about its pictures: `[N, columns]`, row-major, logits or probabilities as the file has them.
    ///
    /// # Errors
    /// Where the network cannot be used.
    fn answers(
        &self,
        network: &OnnxSpec,
        inputs: &[OnnxInput],
        dataset: &Dataset,
        split: Split,
        images: &[usize],
    ) -> Result<Vec<Vec<f32>>, EngineError>;

    /// Repeats a training, on the number of threads that it had or on `threads`. Stored files are only
    /// read.
    ///
    /// # Errors
    /// Where no experiment in the folder needs that training, where it is not done, where its data have
    /// changed, and all errors of a training.
    fn reproduce(
        &self,
        results: &Results,
        training_id: &str,
        threads: Option<u32>,
        observer: &mut dyn Observer,
    ) -> Result<Reproduced, EngineError>;
}

/// What a loaded libtorch says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibtorchFacts {
    /// The commit that the program was built from; empty where it is not known.
    pub commit: String,
    /// Its version, `2.13.0`; empty where it does not say.
    pub version: String,
    /// The instructions of the processor that its kernels use, in its own words: `AVX2`, `AVX512`, `DEFAULT`.
    pub instructions: String,
    /// The file of the library; empty where the system does not say.
    pub library: String,
    /// The device that `train.device = "auto"` gives: `cpu`, `cuda:0`.
    pub auto: String,
    /// Why that is no GPU, where there is a driver for one.
    pub no_gpu: Option<String>,
    /// The version of ONNX Runtime, which the same program opens; `None` where it is not there.
    pub onnxruntime: Option<String>,
}

/// Runs trainings, one after another.
pub trait Trainer {
    /// Whether the process may run another: libtorch has raised no error in it, not even one that was caught.
    fn is_fit(&self) -> bool;

    /// Runs what a specification asks for and is not stored yet.
    ///
    /// The training is claimed first, so that no two processes run the same one; results stored by then are not computed
    /// again. After an [`Outcome::Failed`] libtorch may be in any state: the process should not run another.
    ///
    /// # Errors
    /// Errors that stop this and most other trainings: data that are missing or have changed, a missing device, a folder
    /// that cannot be written. A training that fails is an [`Outcome`].
    fn work(
        &mut self,
        specification: &Specification,
        results: &Results,
        locks: bool,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, EngineError>;
}

/// Renders images as network inputs.
pub trait Renderer {
    /// One image of the split, standardised, masked, and scaled back to values from 0 to 255.
    /// `[H, W, C]`, row-major.
    fn pixels(&self, image: usize, occlusion: Option<&Occlusion>) -> Vec<u8>;
}

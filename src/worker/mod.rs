//! The parts of the commands that need libtorch: above all a training with its evaluations and maps.
//!
//! In: a [`Specification`](crate::engine::Specification) of a worker's job. Out: files in the results folder, and
//! [`Event`](crate::engine::Event)s. The engine, which sends specifications and receives the events, uses this room only
//! through [`Libtorch`].

mod answers;
mod data;
mod facts;
mod guard;
mod map;
mod renderer;
mod reproduce;
mod training;
mod work;

use crate::dataset::{Dataset, Split};
use crate::engine::{
    EngineError, Libtorch, LibtorchFacts, Observer, Outcome, Renderer, Reproduced, Specification,
    Trainer,
};
use crate::experiment::{OnnxInput, OnnxSpec};
use crate::store::Results;
use crate::train::device;

use answers::answers;
pub use data::KeptData;
pub use renderer::PictureRenderer;
pub use reproduce::reproduce;
pub use work::work;

/// The commit that this program was built from; empty if unknown.
pub const COMMIT: Option<&str> = option_env!("FER_LAB_GIT");

/// This program's libtorch.
#[derive(Debug)]
pub struct Linked;

impl Libtorch for Linked {
    fn commit(&self) -> Option<&'static str> {
        COMMIT
    }

    fn prepare(&self, threads: u32) {
        device::prepare(threads);
    }

    fn facts(&self) -> LibtorchFacts {
        facts::facts()
    }

    fn trainer(&self) -> Box<dyn Trainer> {
        Box::new(KeptData::default())
    }

    fn renderer<'a>(&self, dataset: &'a Dataset, split: Split) -> Box<dyn Renderer + 'a> {
        Box::new(PictureRenderer::new(dataset, split))
    }

    fn answers(
        &self,
        network: &OnnxSpec,
        inputs: &[OnnxInput],
        dataset: &Dataset,
        split: Split,
        images: &[usize],
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        answers(network, inputs, dataset, split, images)
    }

    fn reproduce(
        &self,
        results: &Results,
        training_id: &str,
        threads: Option<u32>,
        observer: &mut dyn Observer,
    ) -> Result<Reproduced, EngineError> {
        reproduce(results, training_id, threads, observer)
    }
}

impl Trainer for KeptData {
    fn is_fit(&self) -> bool {
        !guard::has_caught()
    }

    fn work(
        &mut self,
        specification: &Specification,
        results: &Results,
        locks: bool,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, EngineError> {
        work(specification, results, locks, self, observer)
    }
}

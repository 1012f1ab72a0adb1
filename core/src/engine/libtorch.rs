//! The one seam between what looks and plans and what computes with networks.

use super::{EngineError, Observer, Outcome, Reproduced, Specification};
use crate::dataset::{Dataset, Split};
use crate::region::Occlusion;
use crate::store::Results;

/// What a program with libtorch does for the commands that need it.
pub trait Libtorch: Sync {
    /// The commit that the program was built from, for manifests: `1a2b3c4d5e6f`, or with changes on top
    /// `1a2b3c4d5e6f-dirty`; `None` or empty where it is not known.
    fn commit(&self) -> Option<&'static str>;

    /// Bounds libtorch's threads and readies its memory. To be called once, before anything else.
    fn prepare(&self, threads: u32);

    /// What does the work of a worker.
    fn trainer(&self) -> Box<dyn Trainer>;

    /// What draws the pictures of a split as a network meets them.
    fn renderer<'a>(&self, dataset: &'a Dataset, split: Split) -> Box<dyn Renderer + 'a>;

    /// A training done again, on the threads that it was done on or on `threads`. What is stored is only
    /// read.
    ///
    /// # Errors
    /// Where no experiment in the folder needs that training, where it is not done, where its data have
    /// changed, and all that keeps a training from being done.
    fn reproduce(
        &self,
        results: &Results,
        training_id: &str,
        threads: Option<u32>,
        observer: &mut dyn Observer,
    ) -> Result<Reproduced, EngineError>;
}

/// Does trainings, one after another.
pub trait Trainer {
    /// Does what a specification asks for and is not there yet.
    ///
    /// The training is claimed first, so that no two processes are ever at one; what lies in the results
    /// folder by then is not done again. After an [`Outcome::Failed`] libtorch may be in any state: the
    /// process should not do another.
    ///
    /// # Errors
    /// What keeps this and most other trainings from being done: data that are missing or have changed, a
    /// device that is not there, a folder that cannot be written. A training that fails is an [`Outcome`].
    fn work(
        &mut self,
        specification: &Specification,
        results: &Results,
        locks: bool,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, EngineError>;
}

/// Draws pictures as a network meets them.
pub trait Renderer {
    /// One image of the split, standardised, covered, and brought back to values from 0 to 255.
    /// `[H, W, C]`, row-major.
    fn pixels(&self, image: usize, occlusion: Option<&Occlusion>) -> Vec<u8>;
}

//! Writes training curves where TensorBoard looks for them.

use std::io::Write as _;
use std::path::Path;

use super::Report;
use crate::report::tensorboard::{FILE, curves};
use crate::store::{StoreError, write_whole};

impl Report {
    /// Writes a run for each training into a folder of TensorBoard's, `FOLDER/EXPERIMENT/RUN/`; those of before are written
    /// anew. Gives back how many.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn write_tensorboard(&self, folder: &Path) -> Result<usize, StoreError> {
        let curves = curves(&self.findings.study.runs, &self.epochs);
        for training in &curves {
            let path = folder.join(&self.name).join(&training.run).join(FILE);
            write_whole(&path, |file| file.write_all(&training.events))?;
        }
        Ok(curves.len())
    }
}

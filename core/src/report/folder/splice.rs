//! Writes what an experiment's report says between the markers of a page.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Report;
use crate::report::splice::{ContentError, Filling, Marker, MarkerError, markers, spliced};
use crate::store::{Results, StoreError, write_whole};

/// A longer page is none that a person wrote, bytes.
const LIMIT: u64 = 16 << 20;

/// Why a page stays as it was.
#[derive(Debug, Error)]
pub enum SpliceError {
    #[error("cannot read `{}`: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    #[error("the markers in `{}` are wrong, so that nothing was written: {}", path.display(), listed(errors))]
    Markers { path: PathBuf, errors: Vec<MarkerError> },
    #[error(
        "`{}` has no marker of `{experiment}`: put `<!-- fer-lab answer of {experiment} -->` and, below it, \
         `<!-- /fer-lab -->` where the answer belongs",
        path.display()
    )]
    NoMarker { path: PathBuf, experiment: String },
    #[error("`{}`, line {line}: {reason}", path.display())]
    Content { path: PathBuf, line: usize, reason: ContentError },
    #[error(
        "the numeric version of `{experiment}` is in the manifests of its trainings, and that of {training} is not in the \
         results folder: splice where the trainings are"
    )]
    NoManifest { experiment: String, training: String },
    #[error(
        "the trainings of `{experiment}` are of several numeric versions ({}), so that no figure is of one: run it again",
        versions.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
    )]
    Versions { experiment: String, versions: BTreeSet<u32> },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SpliceError {
    /// Whether all was right and the page could not be written.
    pub fn is_about_storing(&self) -> bool {
        matches!(self, SpliceError::Store(StoreError::Write { .. }))
    }
}

fn listed(errors: &[MarkerError]) -> String {
    errors.iter().map(MarkerError::to_string).collect::<Vec<_>>().join("; ")
}

impl Report {
    /// Writes everything that the experiment's markers in a page ask for, at once or not at all; a page that would not
    /// change is not written. `command` stands below tables and sentences. Gives back how many markers there were.
    ///
    /// # Errors
    /// Where a marker is wrong, or asks for what the experiment does not have; where the page has none; where it cannot be
    /// read or written.
    pub fn splice(
        &self,
        results: &Results,
        page: &Path,
        command: &str,
    ) -> Result<usize, SpliceError> {
        let text = read(page)?;
        let found = markers(&text)
            .map_err(|errors| SpliceError::Markers { path: page.to_owned(), errors })?;
        let own = found.iter().filter(|marker| marker.experiment == self.name).count();
        if own == 0 {
            let experiment = self.name.clone();
            return Err(SpliceError::NoMarker { path: page.to_owned(), experiment });
        }
        let numeric_version = self.numeric_version(results)?;
        let filled = |marker: &Marker<'_>| -> Result<Option<Filling>, SpliceError> {
            if marker.experiment != self.name {
                return Ok(None);
            }
            let failed = |reason| {
                let (path, line) = (page.to_owned(), marker.line);
                SpliceError::Content { path, line, reason }
            };
            let text = marker.content.of(&self.findings).map_err(failed)?;
            Ok(Some(Filling { text, numeric_version, command: command.to_owned() }))
        };
        let new = spliced(&text, &found, filled)?;
        if new != text {
            // A link to a page stays one.
            let place = fs::canonicalize(page).unwrap_or_else(|_| page.to_owned());
            write_whole(&place, |file| file.write_all(new.as_bytes()))?;
        }
        Ok(own)
    }

    /// The one of all trainings.
    fn numeric_version(&self, results: &Results) -> Result<u32, SpliceError> {
        let runs = &self.findings.study.runs;
        let trainings: BTreeSet<&str> =
            runs.iter().filter(|run| run.status.is_done()).map(|run| &*run.training_id).collect();
        let mut versions = BTreeSet::new();
        for training in trainings {
            let manifest = results.manifest_if_any(training)?;
            let manifest = manifest.ok_or_else(|| SpliceError::NoManifest {
                experiment: self.name.clone(),
                training: training.to_owned(),
            })?;
            versions.insert(manifest.numeric_version);
        }
        match versions.first() {
            Some(version) if versions.len() == 1 => Ok(*version),
            _ => Err(SpliceError::Versions { experiment: self.name.clone(), versions }),
        }
    }
}

fn read(page: &Path) -> Result<String, SpliceError> {
    let unreadable = |reason| SpliceError::Unreadable { path: page.to_owned(), reason };
    let data = fs::metadata(page).map_err(unreadable)?;
    if !data.is_file() || data.len() > LIMIT {
        return Err(unreadable(io::Error::other("it is no file, or longer than 16 MB")));
    }
    fs::read_to_string(page).map_err(unreadable)
}

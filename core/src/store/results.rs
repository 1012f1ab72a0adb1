//! The layout of the results folder.
//!
//! ```text
//! results/
//!   format.json
//!   trainings/<training id>/  manifest.json, epochs.parquet, model.safetensors, checkpoint, log,
//!                             evaluations/<evaluation id>.parquet,
//!                             sensitivity/<sensitivity id>.parquet and .curves.parquet
//!   <experiment>/             experiment.toml, plan.json, *.parquet, charts/*.png, examples/*.png, report.html
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::json::{read_json, write_json};
use super::manifest::{EPOCHS, MODEL};
use super::{EpochRow, StoreError, Table, read_table, read_text};

/// The newest layout version that this program reads.
pub const FORMAT: u64 = 1;

/// No experiment can have a name with a dot.
pub const CACHE: &str = ".cache";

/// Locks on trainings, and the status of active runs.
pub(super) const LOCKS: &str = ".locks";
pub(super) const SESSIONS: &str = ".running";

/// Submissions to Slurm.
pub(super) const SLURM: &str = ".slurm";

/// The folder of a training's maps.
pub(super) const SENSITIVITY: &str = "sensitivity";

/// The files of a training.
const MANIFEST: &str = "manifest.json";
const CHECKPOINT: &str = "checkpoint.safetensors";
const LOG: &str = "log";
pub(super) const TRAINING_FILES: [&str; 5] = [MANIFEST, EPOCHS, MODEL, CHECKPOINT, LOG];

/// The folder of trainings; no experiment can have this name.
pub(super) const TRAININGS: &str = "trainings";

/// The maximum size of an experiment file merged with its bases.
const EXPERIMENT_LIMIT: u64 = 64 * 1024 * 1024;

/// A results folder of a format that this program reads.
#[derive(Debug, Clone)]
pub struct Results {
    root: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Format {
    format: u64,
    fer_lab: String,
}

impl Results {
    /// A results folder to read from.
    pub fn open(root: impl Into<PathBuf>) -> Result<Results, StoreError> {
        let root = root.into();
        if !root.is_dir() {
            return Err(StoreError::Missing { path: root });
        }
        match read_format(&root)? {
            Some(()) => Results { root }.without_links(),
            None => Err(StoreError::NotResults { path: root }),
        }
    }

    /// A results folder to write into: created if missing, and tested, so that an unwritable folder is found before
    /// the first training.
    pub fn create(root: impl Into<PathBuf>) -> Result<Results, StoreError> {
        let root = root.into();
        let unwritable = |reason| StoreError::Unwritable { path: root.clone(), reason };
        fs::create_dir_all(&root).map_err(unwritable)?;
        let known = read_format(&root)?;
        tempfile::Builder::new().suffix(".tmp").tempfile_in(&root).map_err(unwritable)?;
        if known.is_none() {
            let format = Format { format: FORMAT, fer_lab: env!("CARGO_PKG_VERSION").to_owned() };
            write_json(&root.join("format.json"), &format)?;
        }
        Results { root }.without_links()
    }

    /// Whether a folder that is there can be, or become, a results folder of this program; nothing is written.
    ///
    /// # Errors
    /// Those of [`Results::create`], but for a folder that cannot be written.
    pub fn create_is_possible(root: &Path) -> Result<(), StoreError> {
        if !root.is_dir() {
            let reason = io::ErrorKind::NotADirectory.into();
            return Err(StoreError::Unwritable { path: root.to_owned(), reason });
        }
        read_format(root)?;
        Results { root: root.to_owned() }.without_links().map(drop)
    }

    /// An error if one of the top folders is a link.
    fn without_links(self) -> Result<Results, StoreError> {
        for name in [TRAININGS, CACHE, LOCKS, SESSIONS, SLURM] {
            no_link(self.root.join(name))?;
        }
        Ok(self)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn training_dir(&self, training_id: &str) -> Result<PathBuf, StoreError> {
        no_link(self.root.join(TRAININGS).join(checked("a training", training_id)?))
    }

    pub fn manifest_path(&self, training_id: &str) -> Result<PathBuf, StoreError> {
        Ok(self.training_dir(training_id)?.join(MANIFEST))
    }

    pub fn epochs_path(&self, training_id: &str) -> Result<PathBuf, StoreError> {
        Ok(self.training_dir(training_id)?.join(EPOCHS))
    }

    /// The epochs of a training, checked against the training's id.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] where they are another training's.
    pub fn epochs(&self, training_id: &str) -> Result<Vec<EpochRow>, StoreError> {
        let path = self.epochs_path(training_id)?;
        let epochs: Vec<EpochRow> = match read_table(&path) {
            // A network that was trained elsewhere has none.
            Err(StoreError::NotFound { .. })
                if self.manifest(training_id).is_ok_and(|manifest| manifest.files.is_empty()) =>
            {
                return Ok(Vec::new());
            }
            read => read?,
        };
        match epochs.iter().find(|epoch| epoch.training_id != training_id) {
            None => Ok(epochs),
            Some(EpochRow { training_id, .. }) => {
                let reason = format!("it holds epochs of training {training_id}");
                Err(StoreError::Foreign { path, reason })
            }
        }
    }

    pub fn model_path(&self, training_id: &str) -> Result<PathBuf, StoreError> {
        Ok(self.training_dir(training_id)?.join(MODEL))
    }

    /// The cache: decoded pictures and computed truths, which can be rebuilt at any time.
    pub fn cache_dir(&self) -> PathBuf {
        self.root.join(CACHE)
    }

    pub(super) fn locks_dir(&self) -> PathBuf {
        self.root.join(LOCKS)
    }

    pub(super) fn lock_path(&self, training_id: &str) -> Result<PathBuf, StoreError> {
        Ok(self.locks_dir().join(checked("a training", training_id)?))
    }

    /// The folder of all submissions to Slurm.
    pub(crate) fn slurm_root(&self) -> PathBuf {
        self.root.join(SLURM)
    }

    /// The folder of an experiment's submissions to Slurm.
    pub(crate) fn slurm_dir(&self, experiment: &str) -> Result<PathBuf, StoreError> {
        no_link(self.slurm_root().join(checked("an experiment", experiment)?))
    }

    /// Names of the experiments that were submitted to Slurm, sorted.
    pub(crate) fn slurm_experiments(&self) -> Result<Vec<String>, StoreError> {
        folders(&self.slurm_root())
    }

    pub(super) fn sessions_dir(&self) -> PathBuf {
        self.root.join(SESSIONS)
    }

    /// The checkpoint of a running or interrupted training; resuming is bit-exact.
    pub fn checkpoint_path(&self, training_id: &str) -> Result<PathBuf, StoreError> {
        Ok(self.training_dir(training_id)?.join(CHECKPOINT))
    }

    pub fn log_path(&self, training_id: &str) -> Result<PathBuf, StoreError> {
        Ok(self.training_dir(training_id)?.join(LOG))
    }

    /// The predictions of one training under one occlusion.
    pub fn evaluation_path(
        &self,
        training_id: &str,
        evaluation_id: &str,
    ) -> Result<PathBuf, StoreError> {
        let name = format!("{}.parquet", checked("an evaluation", evaluation_id)?);
        Ok(no_link(self.training_dir(training_id)?.join("evaluations"))?.join(name))
    }

    /// The map of one training under one method; its curves are beside it.
    pub fn sensitivity_path(
        &self,
        training_id: &str,
        sensitivity_id: &str,
    ) -> Result<PathBuf, StoreError> {
        let name = format!("{}.parquet", checked("a sensitivity map", sensitivity_id)?);
        Ok(no_link(self.training_dir(training_id)?.join(SENSITIVITY))?.join(name))
    }

    pub fn experiment_dir(&self, experiment: &str) -> Result<PathBuf, StoreError> {
        no_link(self.root.join(checked("an experiment", experiment)?))
    }

    /// The experiment as it was run, as TOML.
    pub fn experiment_text(&self, experiment: &str) -> Result<String, StoreError> {
        read_text(&self.experiment_dir(experiment)?.join("experiment.toml"), EXPERIMENT_LIMIT)
    }

    pub fn charts_dir(&self, experiment: &str) -> Result<PathBuf, StoreError> {
        no_link(self.experiment_dir(experiment)?.join("charts"))
    }

    /// Example images of the data set, a strip per condition.
    pub fn examples_dir(&self, experiment: &str) -> Result<PathBuf, StoreError> {
        no_link(self.experiment_dir(experiment)?.join("examples"))
    }

    /// The strip of a condition. The names of two conditions may differ in special characters only, so the file's name
    /// ends in a hash of the condition's name.
    pub fn example_path(&self, experiment: &str, condition: &str) -> Result<PathBuf, StoreError> {
        let words = condition.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-');
        let mut words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let hash = blake3::hash(condition.as_bytes()).to_hex();
        words.push(&hash[..8]);
        Ok(self.examples_dir(experiment)?.join(format!("{}.png", words.join("_"))))
    }

    /// The experiment's table of such rows.
    pub fn table_path<T: Table>(&self, experiment: &str) -> Result<PathBuf, StoreError> {
        Ok(self.experiment_dir(experiment)?.join(format!("{}.parquet", T::NAME)))
    }

    /// Names of the experiments that the folder holds, sorted.
    pub fn experiments(&self) -> Result<Vec<String>, StoreError> {
        folders(&self.root)
    }

    /// Ids of the trainings that the folder holds, sorted.
    pub fn trainings(&self) -> Result<Vec<String>, StoreError> {
        folders(&self.root.join(TRAININGS))
    }
}

/// Whether the folder is marked as a results folder, and an error if this program cannot read it.
fn read_format(root: &Path) -> Result<Option<()>, StoreError> {
    let path = root.join("format.json");
    let format: Format = match read_json(&path, 64 * 1024) {
        Ok(format) => format,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    if format.format > FORMAT {
        let (path, found, writer) = (root.to_owned(), format.format, format.fer_lab);
        return Err(StoreError::Newer { path, found, writer });
    }
    Ok(Some(()))
}

/// The path, or an error if it is a link: a results folder that came from someone else must not lead outside of
/// itself.
fn no_link(path: PathBuf) -> Result<PathBuf, StoreError> {
    match fs::symlink_metadata(&path) {
        Ok(data) if data.file_type().is_symlink() => Err(StoreError::Link { path }),
        _ => Ok(path),
    }
}

fn checked<'a>(what: &'static str, name: &'a str) -> Result<&'a str, StoreError> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name == TRAININGS || !name.bytes().all(letter) {
        return Err(StoreError::Name { what, name: name.to_owned() });
    }
    Ok(name)
}

/// Names of the folders in `root` that could be experiments or trainings; none where it is missing.
fn folders(root: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |reason| StoreError::read(root, reason);
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().into_string();
        if let Ok(name) = name
            && checked("a folder", &name).is_ok()
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::EffectRow;

    #[test]
    fn create_then_open() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("deep/results");
        let results = Results::create(&root).unwrap();
        Results::create(&root).unwrap();
        Results::open(&root).unwrap();
        let format = fs::read_to_string(root.join("format.json")).unwrap();
        assert_eq!(
            format,
            format!("{{\n  \"format\": 1,\n  \"fer_lab\": \"{}\"\n}}\n", env!("CARGO_PKG_VERSION"))
        );
        assert_eq!(
            results.evaluation_path("t1", "e-1").unwrap(),
            root.join("trainings/t1/evaluations/e-1.parquet")
        );
        assert_eq!(
            results.table_path::<EffectRow>("mask_eyes").unwrap(),
            root.join("mask_eyes/effects.parquet")
        );
    }

    #[test]
    fn a_folder_that_is_no_results_folder_gives_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("nowhere");
        let message = Results::open(&missing).unwrap_err().to_string();
        assert!(message.starts_with("there is no results folder"), "{message}");
        let message = Results::open(folder.path()).unwrap_err().to_string();
        assert!(message.contains("is not a results folder (it has no format.json)"), "{message}");
        fs::write(folder.path().join("format.json"), "{").unwrap();
        let message = Results::open(folder.path()).unwrap_err().to_string();
        assert!(message.contains("format.json` is damaged: EOF"), "{message}");
    }

    #[test]
    fn a_newer_format_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"format": 2, "fer_lab": "9.1.0", "more": true}"#;
        fs::write(folder.path().join("format.json"), text).unwrap();
        for opened in [Results::open(folder.path()), Results::create(folder.path())] {
            let message = opened.unwrap_err().to_string();
            assert!(message.contains("was written by fer-lab 9.1.0 in format 2"), "{message}");
            assert!(message.contains("update fer-lab, or name another folder"), "{message}");
        }
        assert_eq!(fs::read_to_string(folder.path().join("format.json")).unwrap(), text);
    }

    #[test]
    fn an_unwritable_folder_is_found_at_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let message = Results::create(file.path().join("results")).unwrap_err().to_string();
        assert!(message.starts_with("cannot write into the results folder"), "{message}");
        assert!(message.ends_with("name another folder with --results DIR"), "{message}");
    }

    #[test]
    fn names_stay_inside_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        for name in
            ["", ".", "..", "../x", "a/b", "a b", "é", "/etc", "trainings", "a\0", "format.json"]
        {
            assert!(results.experiment_dir(name).is_err(), "{name:?}");
            assert!(results.training_dir(name).is_err(), "{name:?}");
            assert!(results.evaluation_path("t", name).is_err(), "{name:?}");
        }
        let message = results.experiment_dir("../x").unwrap_err().to_string();
        assert!(message.starts_with("`../x` cannot be the name of an experiment"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere() {
        use std::os::unix::fs::symlink;
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let results = Results::create(folder.path()).unwrap();
        symlink(outside.path(), folder.path().join("mine")).unwrap();
        fs::create_dir_all(folder.path().join("trainings/t1")).unwrap();
        symlink(outside.path(), folder.path().join("trainings/t1/evaluations")).unwrap();
        symlink(outside.path().join("file"), folder.path().join("trainings/t1/log")).unwrap();
        for refused in [
            results.experiment_dir("mine"),
            results.charts_dir("mine"),
            results.table_path::<EffectRow>("mine"),
            results.evaluation_path("t1", "e1"),
            crate::store::open_log(&results.log_path("t1").unwrap()).map(|_| PathBuf::new()),
        ] {
            assert!(refused.is_err(), "{refused:?}");
        }
        symlink(outside.path(), folder.path().join(".locks")).unwrap();
        assert!(matches!(Results::open(folder.path()), Err(StoreError::Link { .. })));
        assert!(matches!(Results::create(folder.path()), Err(StoreError::Link { .. })));
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn lists_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        assert_eq!(results.trainings().unwrap(), [""; 0]);
        for name in ["b", "a", "trainings/t2", "trainings/t1", ".hidden"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        assert_eq!(results.experiments().unwrap(), ["a", "b"]);
        assert_eq!(results.trainings().unwrap(), ["t1", "t2"]);
    }
}

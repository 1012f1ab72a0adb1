//! Claims on trainings: operating-system file locks, which are released when their process ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::results::SENSITIVITY;
use super::whole::{is_stale, is_unfinished};
use super::{Results, StoreError, open_log};
use crate::disk::file_system;

/// The right to work on one training, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl Results {
    /// Claims a training. `None` if another process holds it.
    ///
    /// # Errors
    /// [`StoreError::NoLocks`] where the file system has none.
    pub fn claim(&self, training_id: &str) -> Result<Option<Claim>, StoreError> {
        lock(&self.lock_path(training_id)?)
    }

    /// Whether another process, or this one, holds a training.
    pub fn is_claimed(&self, training_id: &str) -> Result<bool, StoreError> {
        let path = self.lock_path(training_id)?;
        Ok(path.exists() && lock(&path)?.is_none())
    }

    /// Waits until no other process writes the tables of an experiment, and keeps others from it.
    pub fn hold_experiment(&self, experiment: &str) -> Result<Claim, StoreError> {
        let folder = self.experiment_dir(experiment)?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = self.locks_dir().join(format!("experiment.{name}"));
        loop {
            match lock(&path)? {
                Some(claim) => return Ok(claim),
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// The right to submit jobs of an experiment. `None` if another process holds it.
    ///
    /// # Errors
    /// [`StoreError::NoLocks`] where the file system has none.
    pub(crate) fn claim_submitting(&self, experiment: &str) -> Result<Option<Claim>, StoreError> {
        let folder = self.experiment_dir(experiment)?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        lock(&self.locks_dir().join(format!("slurm.{name}")))
    }

    /// Removes the temporary files of killed processes from a training's folder. A claim does not show that no other
    /// process writes there, because some file systems grant every lock: only stale files are removed.
    pub fn sweep_training(&self, training_id: &str) -> Result<(), StoreError> {
        let folder = self.training_dir(training_id)?;
        for folder in [folder.clone(), folder.join("evaluations"), folder.join(SENSITIVITY)] {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::read(&folder, error)),
            };
            for path in entries.flatten().map(|entry| entry.path()) {
                if is_unfinished(&path) && is_stale(&path) {
                    fs::remove_file(&path).map_err(|reason| StoreError::write(&path, reason))?;
                }
            }
        }
        Ok(())
    }

    /// An error if the file system of the results folder has no locks, because two runs could then do the same
    /// work.
    pub fn check_locks(&self) -> Result<(), StoreError> {
        let path = self.locks_dir().join(".probe");
        lock(&path).map(drop)
    }
}

/// What a file system does with locks on files.
#[derive(Debug)]
pub enum Locks {
    /// A second one on the same file is refused.
    Kept,
    /// Two are granted at once: nothing keeps two runs from the same work.
    NotKept,
    /// It has none, for this reason.
    None(io::Error),
}

/// Tries locks in a folder, by a file that is removed again.
///
/// # Errors
/// Where nothing can be written there.
pub fn try_locks(folder: &Path) -> io::Result<Locks> {
    let file = tempfile::Builder::new().suffix(".tmp").tempfile_in(folder)?;
    // Locks are an open file's, so that another opening of it stands for another process.
    let other = file.reopen()?;
    if let Err(refused) = file.as_file().try_lock() {
        return Ok(Locks::None(refused.into()));
    }
    Ok(match other.try_lock() {
        Err(TryLockError::WouldBlock) => Locks::Kept,
        Ok(()) => Locks::NotKept,
        Err(TryLockError::Error(reason)) => Locks::None(reason),
    })
}

/// Locks the file at `path`, which is made where it is missing. `None` where another process holds it.
pub(super) fn lock(path: &Path) -> Result<Option<Claim>, StoreError> {
    let failed = |reason| StoreError::write(path, reason);
    loop {
        let file = open_log(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(reason)) => {
                let system = file_system(path);
                return Err(StoreError::NoLocks { path: path.to_owned(), system, reason });
            }
        }
        // Between opening and locking, another process may have removed and recreated the file, and hold a lock
        // on the new one.
        if is_at(&file, path).map_err(failed)? {
            return Ok(Some(Claim(file)));
        }
    }
}

/// Whether the open file is the one that lies at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((open.dev(), open.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    Ok(path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        results.check_locks().unwrap();
        let claim = results.claim("t1").unwrap();
        assert!(claim.is_some());
        assert!(results.claim("t1").unwrap().is_none());
        assert!(results.is_claimed("t1").unwrap() && !results.is_claimed("t2").unwrap());
        assert!(results.claim("t2").unwrap().is_some());
        drop(claim);
        assert!(results.claim("t1").unwrap().is_some());
    }

    #[test]
    fn a_file_that_another_process_may_be_writing_is_not_swept() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        let written = results.training_dir("t1").unwrap();
        fs::create_dir_all(&written).unwrap();
        let [new, old, other] =
            [".aaaaaa.tmp", ".bbbbbb.tmp", "notes.tmp"].map(|n| written.join(n));
        let hours_ago = std::time::SystemTime::now() - Duration::from_secs(2 * 3600);
        for (path, time) in [(&new, None), (&old, Some(hours_ago)), (&other, Some(hours_ago))] {
            let file = File::create(path).unwrap();
            time.map_or(Ok(()), |time| file.set_modified(time)).unwrap();
        }
        results.sweep_training("t1").unwrap();
        assert!(new.exists() && !old.exists() && other.exists());
    }

    #[test]
    fn locks_are_tried_and_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(try_locks(folder.path()), Ok(Locks::Kept)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(try_locks(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn a_lock_on_a_removed_file_blocks_no_other_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = lock(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let second = lock(&path).unwrap();
        assert!(first.is_some() && second.is_some());
        assert!(lock(&path).unwrap().is_none(), "the second one's file lies there");
    }
}

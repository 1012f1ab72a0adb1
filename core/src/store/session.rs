//! The status of active runs, for `fer-lab status`.
//!
//! Each run keeps two files in `.running/`: one that it holds a lock on while it is alive, and one with its state,
//! replaced about once per second. No result depends on them; if the lock is free, the run has ended and its files are
//! removed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::claim::{Claim, lock};
use super::json::read_json;
use super::{Results, StoreError};

/// A running training takes some 250 bytes, of which a cluster may have many.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The state of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    pub experiment: String,
    pub host: String,
    pub pid: u32,
    /// Seconds since 1970-01-01 UTC.
    pub started: u64,
    pub updated: u64,
    /// Trainings in parallel, and threads per training.
    pub jobs: u32,
    pub threads: u32,
    pub trainings: usize,
    pub trained: usize,
    pub evaluations: usize,
    pub evaluated: usize,
    pub failed: usize,
    /// Extrapolated from the speed so far; `None` before it is known.
    pub seconds_left: Option<f64>,
    /// Its tasks in a scheduler's queue; `None` where it starts its workers itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
    pub workers: Vec<LiveWorker>,
}

/// Tasks in a scheduler's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    pub running: u32,
    pub waiting: u32,
}

/// A running training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveWorker {
    pub training_id: String,
    pub name: String,
    pub seed: u64,
    /// It is trained, and its evaluations are running.
    pub trained: bool,
    /// The current epoch, from 1; 0 before the first step.
    pub epoch: u32,
    pub epochs: u32,
    /// The share of the epoch that is done.
    pub share: f64,
    pub loss: f64,
    pub accuracy: f64,
    pub images_per_second: f64,
}

/// A run that publishes its status.
#[derive(Debug)]
pub struct Session {
    lock_path: PathBuf,
    path: PathBuf,
    _claim: Option<Claim>,
}

impl Session {
    /// Announces this process.
    pub fn begin(results: &Results) -> Result<Session, StoreError> {
        // Files of killed runs are removed first.
        sessions(results)?;
        let name = format!("{}-{}", host(), std::process::id());
        let lock_path = results.sessions_dir().join(format!("{name}.lock"));
        let claim = lock(&lock_path)?;
        Ok(Session { path: lock_path.with_extension("json"), lock_path, _claim: claim })
    }

    /// Replaces the state. It is no result, so a failure to write it does not stop the run.
    pub fn publish(&self, live: &Live) {
        let _ = replace(&self.path, live);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// The active runs, the oldest first; files of ended ones are removed.
pub fn sessions(results: &Results) -> Result<Vec<Live>, StoreError> {
    let folder = results.sessions_dir();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::read(&folder, error)),
    };
    let mut alive = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let state = path.with_extension("json");
        // In another user's folder the lock cannot be checked; the run counts as active.
        if let Ok(Some(claim)) = lock(&path) {
            let _ = fs::remove_file(&state);
            let _ = fs::remove_file(&path);
            drop(claim);
        } else if let Ok(live) = read_json::<Live>(&state, LIMIT) {
            alive.push(live);
        }
    }
    alive.sort_by_key(|live| (live.started, live.pid));
    Ok(alive)
}

/// This machine's name, restricted to characters valid in a file name.
pub fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let letters = name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c));
    letters.take(64).collect()
}

/// Replaces a file in one step, without waiting for the disk.
fn replace(path: &Path, live: &Live) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(&serde_json::to_vec(live)?)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Live {
        Live {
            experiment: "mask_eyes".into(),
            host: host(),
            pid: std::process::id(),
            started: 1,
            updated: 2,
            jobs: 2,
            threads: 1,
            trainings: 21,
            trained: 3,
            evaluations: 30,
            evaluated: 4,
            failed: 0,
            seconds_left: Some(90.5),
            queue: None,
            workers: vec![],
        }
    }

    #[test]
    fn a_run_is_seen_while_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        assert_eq!(sessions(&results).unwrap(), []);
        let session = Session::begin(&results).unwrap();
        session.publish(&live());
        assert_eq!(sessions(&results).unwrap(), [live()]);
        drop(session);
        assert_eq!(sessions(&results).unwrap(), []);
        assert_eq!(fs::read_dir(results.sessions_dir()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_left_is_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        let session = Session::begin(&results).unwrap();
        session.publish(&live());
        let (lock_path, path) = (session.lock_path.clone(), session.path.clone());
        drop(session);
        // As after kill -9: the files exist and no process holds the lock.
        fs::write(&lock_path, "").unwrap();
        fs::write(&path, serde_json::to_vec(&live()).unwrap()).unwrap();
        assert_eq!(sessions(&results).unwrap(), []);
        assert!(!lock_path.exists() && !path.exists());
    }
}

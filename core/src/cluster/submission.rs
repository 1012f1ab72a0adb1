//! The record of a submission in the results folder, from which any login node finds its jobs and what they do.
//!
//! ```text
//! .slurm/id                                 tells this results folder from any other
//! .slurm/<experiment>/<number>-<name>/      submission.json, script.sh, job
//!                                           tasks/<task>.jsonl    the work of each task, one specification a line
//!                                           events/<task>.jsonl   what its worker says
//!                                           output/<task>.log     what Slurm and the script say
//!                                           over, cancelled       marks
//! ```

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::store::{
    Results, StoreError, host, read_json, read_text, write_json, write_new, write_whole,
};

/// The version of the record's format; those before are read, too.
const VERSION: u32 = 2;

/// A record holds ids: ten thousand take 250 kB.
const LIMIT: u64 = 64 * 1024 * 1024;

const RECORD: &str = "submission.json";
const JOB: &str = "job";
const OVER: &str = "over";
const CANCELLED: &str = "cancelled";

/// What was submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubmissionRecord {
    version: u32,
    /// The job's name in Slurm: a hash of the results folder, the experiment and the work.
    pub name: String,
    pub experiment: String,
    /// The machine that it was submitted from.
    pub host: String,
    /// Seconds since 1970-01-01 UTC.
    pub created: u64,
    /// The ids of the work of each task.
    pub tasks: Vec<Vec<String>>,
    /// The index of each task in the array; of version 1 none: they are 1, 2, 3 …
    #[serde(default)]
    indices: Vec<u32>,
}

impl SubmissionRecord {
    /// The index of a task in its array, from 1. Work that is submitted again keeps the index of its task where it can.
    pub fn index(&self, task: usize) -> u32 {
        self.indices.get(task).copied().unwrap_or(task as u32 + 1)
    }

    /// The indices of all tasks, as sbatch takes them: `1-3,7`.
    pub(super) fn array(&self) -> String {
        let mut indices: Vec<u32> = (0..self.tasks.len()).map(|task| self.index(task)).collect();
        indices.sort_unstable();
        let ranges = indices.chunk_by(|one, next| one + 1 == *next).map(|range| match range {
            [one] => one.to_string(),
            range => format!("{}-{}", range[0], range[range.len() - 1]),
        });
        ranges.collect::<Vec<_>>().join(",")
    }
}

/// A submission in a results folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    folder: PathBuf,
    pub record: SubmissionRecord,
}

/// A submission to be written.
#[derive(Debug)]
pub struct NewSubmission<'a> {
    pub experiment: &'a str,
    /// The ids of the work of each task.
    pub tasks: Vec<Vec<String>>,
    /// The index of each task in the array, from 1.
    pub indices: Vec<u32>,
    /// The lines of each task's list, without their ends.
    pub lines: &'a [Vec<String>],
}

impl NewSubmission<'_> {
    /// Writes the record with its lists; nothing is submitted yet.
    pub fn write(self, results: &Results) -> Result<Submission, StoreError> {
        let NewSubmission { experiment, tasks, indices, lines } = self;
        let folder = results.slurm_dir(experiment)?;
        let number = 1 + numbered(&folder)?.last().map_or(0, |(number, _)| *number);
        let name = name(&results_id(results)?, experiment, number, &tasks);
        let folder = folder.join(format!("{number:05}-{name}"));
        let created =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let experiment = experiment.to_owned();
        let record = SubmissionRecord {
            version: VERSION,
            name,
            experiment,
            host: host(),
            created,
            tasks,
            indices,
        };
        let submission = Submission { folder, record };
        for made in [submission.events_dir(), submission.output_dir()] {
            fs::create_dir_all(&made).map_err(|error| StoreError::write(&made, error))?;
        }
        for (task, lines) in lines.iter().enumerate() {
            let path = submission.tasks_path(submission.record.index(task));
            write_whole(&path, |file| file.write_all((lines.join("\n") + "\n").as_bytes()))?;
        }
        // Last: a folder without it is no submission.
        write_json(&submission.folder.join(RECORD), &submission.record)?;
        Ok(submission)
    }
}

impl Submission {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same, its folder named from elsewhere.
    pub fn at(&self, folder: &Path) -> Submission {
        Submission { folder: folder.to_owned(), record: self.record.clone() }
    }

    pub fn tasks_dir(&self) -> PathBuf {
        self.folder.join("tasks")
    }

    pub fn events_dir(&self) -> PathBuf {
        self.folder.join("events")
    }

    pub fn output_dir(&self) -> PathBuf {
        self.folder.join("output")
    }

    /// The list of the task with this index.
    pub fn tasks_path(&self, index: u32) -> PathBuf {
        self.tasks_dir().join(format!("{index}.jsonl"))
    }

    pub fn events_path(&self, index: u32) -> PathBuf {
        self.events_dir().join(format!("{index}.jsonl"))
    }

    pub fn output_path(&self, index: u32) -> PathBuf {
        self.output_dir().join(format!("{index}.log"))
    }

    pub fn write_script(&self, script: &str) -> Result<PathBuf, StoreError> {
        let path = self.folder.join("script.sh");
        write_whole(&path, |file| file.write_all(script.as_bytes()))?;
        Ok(path)
    }

    /// The job of its array, once Slurm has accepted it.
    pub fn job(&self) -> Result<Option<u64>, StoreError> {
        match read_text(&self.folder.join(JOB), 64) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn set_job(&self, job: u64) -> Result<(), StoreError> {
        write_whole(&self.folder.join(JOB), |file| writeln!(file, "{job}"))
    }

    /// Notes that none of its tasks is in the queue any more, and removes its lists, which may be large.
    pub fn mark_over(&self) -> Result<(), StoreError> {
        self.mark(OVER)?;
        match fs::remove_dir_all(self.tasks_dir()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(StoreError::write(self.tasks_dir(), error))
            }
            _ => Ok(()),
        }
    }

    /// Notes that the user does not want it any more.
    pub fn mark_cancelled(&self) -> Result<(), StoreError> {
        self.mark(CANCELLED)
    }

    pub fn is_cancelled(&self) -> bool {
        self.folder.join(CANCELLED).exists()
    }

    fn mark(&self, name: &str) -> Result<(), StoreError> {
        write_whole(&self.folder.join(name), |_| Ok(()))
    }
}

/// The submissions of an experiment that are not over, the oldest first.
pub fn submissions(results: &Results, experiment: &str) -> Result<Vec<Submission>, StoreError> {
    let mut found = Vec::new();
    for (_, folder) in numbered(&results.slurm_dir(experiment)?)? {
        // First: a study has hundreds of them, and a record may be long.
        if folder.join(OVER).exists() {
            continue;
        }
        let record = match read_json::<SubmissionRecord>(&folder.join(RECORD), LIMIT) {
            Ok(record) => record,
            // It is being written, or its writer died before anything was submitted.
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error),
        };
        if record.version > VERSION {
            let reason = format!(
                "it has version {}, and this program reads those up to {VERSION}",
                record.version
            );
            return Err(StoreError::damaged(folder.join(RECORD), reason));
        }
        found.push(Submission { folder, record });
    }
    Ok(found)
}

/// The submissions of all experiments that are not over.
pub fn all_submissions(results: &Results) -> Result<Vec<Submission>, StoreError> {
    let mut found = Vec::new();
    for experiment in results.slurm_experiments()? {
        found.extend(submissions(results, &experiment)?);
    }
    Ok(found)
}

/// Folders of submissions with their numbers, in order.
fn numbered(folder: &Path) -> Result<Vec<(u32, PathBuf)>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::read(folder, error)),
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (number, _) = name.split_once('-')?;
            Some((number.parse().ok()?, entry.path()))
        })
        .collect();
    found.sort();
    Ok(found)
}

/// What tells this results folder from any other, however it is mounted.
fn results_id(results: &Results) -> Result<String, StoreError> {
    let path = results.slurm_root().join("id");
    loop {
        match read_text(&path, 64) {
            Ok(id) => return Ok(id),
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut bytes = [0; 8];
        rand::fill(&mut bytes);
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match write_new(&path, |file| file.write_all(id.as_bytes())) {
            Ok(()) => return Ok(id),
            // Another process was first.
            Err(_) if path.exists() => {}
            Err(error) => return Err(error),
        }
    }
}

/// Letters and digits only: other characters come back raw from Slurm's commands.
fn name(results: &str, experiment: &str, number: u32, tasks: &[Vec<String>]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{results} {experiment} {number}\n").as_bytes());
    for task in tasks {
        hasher.update(task.join(" ").as_bytes());
        hasher.update(b"\n");
    }
    format!("fer-{}", &hasher.finalize().to_hex()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(results: &Results, experiment: &str, ids: &[&str]) -> Submission {
        let tasks: Vec<Vec<String>> = ids.iter().map(|id| vec![(*id).to_owned()]).collect();
        let lines: Vec<Vec<String>> =
            ids.iter().map(|id| vec![format!("{{\"id\":\"{id}\"}}")]).collect();
        let indices = (1..).take(ids.len()).collect();
        NewSubmission { experiment, tasks, indices, lines: &lines }.write(results).unwrap()
    }

    #[test]
    fn tasks_have_the_indices_that_they_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        let tasks: Vec<Vec<String>> = ["a", "b", "c", "d"].map(|id| vec![id.to_owned()]).to_vec();
        let lines = [vec!["7".into()], vec!["2".into()], vec!["3".into()], vec!["9".into()]];
        let indices = vec![7, 2, 3, 9];
        let new = NewSubmission { experiment: "small", tasks, indices, lines: &lines };
        let written = new.write(&results).unwrap();
        assert_eq!(written.record.array(), "2-3,7,9");
        assert_eq!(fs::read_to_string(written.tasks_path(7)).unwrap(), "7\n");
        assert_eq!(submissions(&results, "small").unwrap(), std::slice::from_ref(&written));
        // As version 1 wrote it.
        let path = written.folder().join(RECORD);
        let mut record: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        record.as_object_mut().unwrap().remove("indices");
        record["version"] = 1.into();
        fs::write(&path, record.to_string()).unwrap();
        let former = submissions(&results, "small").unwrap().remove(0).record;
        assert_eq!((former.array().as_str(), former.index(2)), ("1-4", 3));
    }

    #[test]
    fn a_submission_is_found_again_until_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        assert_eq!(submissions(&results, "small").unwrap(), []);
        let first = write(&results, "small", &["a", "b"]);
        let second = write(&results, "small", &["c"]);
        let other = write(&results, "other", &["c"]);
        assert_eq!(submissions(&results, "small").unwrap(), [first.clone(), second.clone()]);
        assert_eq!(all_submissions(&results).unwrap().len(), 3);
        assert_eq!(fs::read_to_string(first.tasks_path(2)).unwrap(), "{\"id\":\"b\"}\n");
        assert_eq!(first.job().unwrap(), None);
        first.set_job(17).unwrap();
        assert_eq!(first.job().unwrap(), Some(17));
        assert_ne!(second.record.name, other.record.name);
        assert!(!first.is_cancelled());
        first.mark_cancelled().unwrap();
        first.mark_over().unwrap();
        assert!(first.is_cancelled() && !first.tasks_dir().exists());
        assert_eq!(submissions(&results, "small").unwrap(), [second]);
        // No experiment has that name.
        assert_eq!(results.experiments().unwrap(), [""; 0]);
    }

    #[test]
    fn the_same_work_by_two_at_once_has_one_name() {
        let tasks = vec![vec!["a".to_owned()]];
        assert_eq!(name("r", "x", 1, &tasks), name("r", "x", 1, &tasks));
        assert_ne!(name("r", "x", 1, &tasks), name("r", "x", 2, &tasks));
        assert_ne!(name("r", "x", 1, &tasks), name("s", "x", 1, &tasks));
        assert_eq!(name("r", "x", 1, &tasks).len(), 16);
    }

    #[test]
    fn a_folder_without_its_record_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::create(folder.path()).unwrap();
        let made = write(&results, "small", &["a"]);
        fs::remove_file(made.folder().join(RECORD)).unwrap();
        assert_eq!(submissions(&results, "small").unwrap(), []);
        assert!(write(&results, "small", &["a"]).folder().ends_with(format!(
            "00002-{}",
            name(&results_id(&results).unwrap(), "small", 2, &[vec!["a".to_owned()]])
        )));
    }
}

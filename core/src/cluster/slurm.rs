//! Slurm's commands: submit, look, cancel.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::call::{CallError, command, output};
use super::quantity::TimeLimit;
use super::queue::{FORMAT, QueuedTask, task};
use super::script::{Request, ScriptError};
use super::site::SlurmSettings;
use crate::store::StoreError;

/// An answer takes milliseconds; a controller that is down, 9 s.
const ANSWER: Duration = Duration::from_secs(60);

/// `sbatch` sleeps and tries again where the controller takes no more jobs, for minutes.
const ACCEPTED: Duration = Duration::from_secs(90);

/// Why a submission failed.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Script(#[from] ScriptError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("`sbatch` printed `{0}` where a job's number was expected")]
    NoJob(String),
}

/// What the cluster allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most tasks of an array.
    pub array: u32,
    /// The longest time limit of the partition; `None` where it has none.
    pub time: Option<TimeLimit>,
}

/// Slurm's commands on this machine.
#[derive(Debug, Default)]
pub struct Slurm {
    /// There is no accounting to ask.
    without_accounting: Cell<bool>,
}

impl Slurm {
    /// # Errors
    /// Where the controller does not answer, or this machine has no Slurm.
    pub fn limits(
        &self,
        settings: &SlurmSettings,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Limits, CallError> {
        let mut config = command("scontrol");
        config.args(["show", "config"]);
        let array = array_limit(&output(config, ANSWER, go_on)?);
        let mut partitions = command("sinfo");
        partitions.args(["-h", "-o", "%P|%l"]);
        let listed = output(partitions, ANSWER, go_on)?;
        Ok(Limits { array, time: time_limit(&listed, settings.partition.as_deref()) })
    }

    /// Submits an array; its record must be written before, and gets the job's number.
    ///
    /// # Errors
    /// Where Slurm refuses it, or gives no answer in time: then it may have been accepted all the same.
    pub fn submit(
        &self,
        request: &Request<'_>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<u64, SlurmError> {
        let script = request.submission.write_script(&request.script()?)?;
        let mut sbatch = command("sbatch");
        // Of this program's own, which another build must not be held against.
        sbatch.env_remove("FER_LAB_CALLER");
        sbatch.args(request.options()?).arg(script);
        let printed = output(sbatch, ACCEPTED, go_on)?;
        // With several clusters, its name follows.
        let job = printed.trim().split(';').next().and_then(|job| job.parse().ok());
        let job = job.ok_or_else(|| SlurmError::NoJob(printed.trim().to_owned()))?;
        request.submission.set_job(job)?;
        Ok(job)
    }

    /// The tasks in the queue of jobs with these names.
    ///
    /// # Errors
    /// Where the controller does not answer, which says nothing about the jobs.
    pub fn queue(
        &self,
        names: &[String],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<QueuedTask>, CallError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut squeue = command("squeue");
        squeue.args(["-h", "-r", "-o", FORMAT]).arg(format!("--name={}", names.join(",")));
        squeue.env("LC_ALL", "C");
        Ok(output(squeue, ANSWER, go_on)?.lines().filter_map(task).collect())
    }

    /// Slurm's words for the ends of a job's tasks, by their indices, where it still has some: `TIMEOUT`, `FAILED (exit code
    /// 1:0)`. For messages alone: they mislead.
    pub fn ends_of(&self, job: u64) -> BTreeMap<u32, String> {
        let mut ends = BTreeMap::new();
        let mut show = command("scontrol");
        show.args(["show", "job", "-o", &job.to_string()]).env("LC_ALL", "C");
        // A job that it does not know any more is an error, too.
        if let Ok(printed) = output(show, ANSWER, &mut || true) {
            ends.extend(printed.lines().filter_map(shown_end));
        }
        if !self.without_accounting.get() {
            let mut sacct = command("sacct");
            sacct.args(["-n", "-X", "-P", "-o", "JobID,State,ExitCode", "-j", &job.to_string()]);
            sacct.env("LC_ALL", "C");
            match output(sacct, ANSWER, &mut || true) {
                Ok(printed) => ends.extend(printed.lines().filter_map(accounted_end)),
                Err(_) => self.without_accounting.set(true),
            }
        }
        ends
    }

    /// Cancels jobs. Those that have ended are no error.
    pub fn cancel(&self, jobs: &[u64]) -> Result<(), CallError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let mut scancel = command("scancel");
        scancel.args(jobs.iter().map(u64::to_string));
        output(scancel, ANSWER, &mut || true).map(drop)
    }

    /// Cancels a task.
    pub fn cancel_task(&self, job: u64, index: u32) -> Result<(), CallError> {
        let mut scancel = command("scancel");
        scancel.arg(format!("{job}_{index}"));
        output(scancel, ANSWER, &mut || true).map(drop)
    }

    /// Cancels those tasks of a job that wait.
    pub fn cancel_waiting(&self, job: u64) -> Result<(), CallError> {
        let mut scancel = command("scancel");
        scancel.args(["--state=PENDING", &job.to_string()]);
        output(scancel, ANSWER, &mut || true).map(drop)
    }
}

/// The task and its end in a line of `sacct`, as `7_1|FAILED|1:0`; tasks that wait are one line, `7_[2-4]`.
fn accounted_end(line: &str) -> Option<(u32, String)> {
    let mut fields = line.split('|');
    let (id, state, code) = (fields.next()?, fields.next()?, fields.next()?);
    let index = id.split_once('_')?.1.parse().ok()?;
    Some((index, in_words(state, code)))
}

/// The task and its end in a line of `scontrol show job -o`.
fn shown_end(line: &str) -> Option<(u32, String)> {
    let of = |key: &str| line.split_whitespace().find_map(|word| word.strip_prefix(key));
    let index = of("ArrayTaskId=")?.parse().ok()?;
    Some((index, in_words(of("JobState=")?, of("ExitCode=")?)))
}

fn in_words(state: &str, code: &str) -> String {
    match code {
        "0:0" => state.to_owned(),
        code => format!("{state} (exit code {code})"),
    }
}

/// `MaxArraySize` limits the highest index, not the count: the first of ours is 1. Slurm's default where it is not told.
fn array_limit(config: &str) -> u32 {
    let value = config.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "MaxArraySize").then(|| value.trim().parse::<u32>().ok()).flatten()
    });
    value.unwrap_or(1001).saturating_sub(1).max(1)
}

/// The longest limit of the named partitions, or of the default one, which is marked with a star.
fn time_limit(listed: &str, partition: Option<&str>) -> Option<TimeLimit> {
    let named: Option<Vec<&str>> = partition.map(|names| names.split(',').collect());
    let limits = listed.lines().filter_map(|line| {
        let (name, limit) = line.split_once('|')?;
        let chosen = match &named {
            Some(named) => named.contains(&name.trim_end_matches('*')),
            None => name.ends_with('*'),
        };
        chosen.then(|| limit.trim().parse::<TimeLimit>().ok())
    });
    // One without a limit has none that parses.
    limits.collect::<Option<Vec<TimeLimit>>>()?.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cluster_s_limits_are_read() {
        let config = "MaxArraySize            = 1001\nMaxJobCount             = 10000\n";
        assert_eq!(
            (array_limit(config), array_limit(""), array_limit("MaxArraySize = 1\n")),
            (1000, 1000, 1)
        );
        let listed = "main*|infinite\nshort|30:00\nlong|2-00:00:00\n";
        let limit = |partition| time_limit(listed, partition).map(|limit| limit.to_string());
        assert_eq!(limit(None), None);
        assert_eq!(limit(Some("short")), Some("0-00:30:00".to_owned()));
        assert_eq!(limit(Some("short,long")), Some("2-00:00:00".to_owned()));
        assert_eq!(limit(Some("short,main")), None);
        assert_eq!(limit(Some("unknown")), None);
    }

    #[test]
    fn ends_are_read_by_task() {
        assert_eq!(accounted_end("7_12|FAILED|1:0"), Some((12, "FAILED (exit code 1:0)".into())));
        assert_eq!(accounted_end("7_1|CANCELLED by 0|0:0").unwrap().1, "CANCELLED by 0");
        for other in ["7_[2-4]|PENDING|0:0", "7|COMPLETED|0:0", "", "7_1"] {
            assert_eq!(accounted_end(other), None, "{other}");
        }
        let line = "JobId=8 ArrayJobId=7 ArrayTaskId=1 JobName=fer-a Priority=1 JobState=TIMEOUT Reason=TimeLimit \
                    Requeue=1 ExitCode=0:0 DerivedExitCode=0:0 RunTime=00:01:00";
        assert_eq!(shown_end(line), Some((1, "TIMEOUT".into())));
        // Its tasks that wait are one record.
        assert_eq!(shown_end("JobId=9 ArrayJobId=7 ArrayTaskId=2-4%2 JobState=PENDING"), None);
        assert_eq!(shown_end("JobId=9 JobName=other JobState=FAILED ExitCode=1:0"), None);
    }

    #[test]
    fn an_end_is_said_as_slurm_says_it() {
        assert_eq!(in_words("TIMEOUT", "0:0"), "TIMEOUT");
        assert_eq!(in_words("FAILED", "1:0"), "FAILED (exit code 1:0)");
    }
}

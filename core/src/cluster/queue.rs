//! Slurm's queue: what `squeue` says of each task.

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskPhase {
    /// It waits: for resources, for its turn, for the end of a requeue.
    Waiting,
    /// It has a node.
    Running,
    /// It is leaving its node.
    Leaving,
}

/// A task in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedTask {
    /// The name of its job, which is that of a submission.
    pub name: String,
    /// The job of its array.
    pub job: u64,
    /// Its index there.
    pub index: u32,
    pub phase: TaskPhase,
    /// Slurm's word: `PENDING`, `RUNNING` …
    pub state: String,
    /// The earliest start, or the start, in local time; empty where it is not known.
    pub start: String,
    /// The nodes that it runs on; empty while it waits.
    pub nodes: String,
    /// Why it waits; `None` where Slurm has no reason.
    pub reason: Option<String>,
}

/// The fields asked of `squeue`, in text, which is the same in all versions: job of the array, index, state, start,
/// name, nodes, and last the reason, which may be a sentence. With `-r` the index is a number; without, it would be a list
/// that is cut without a mark.
pub(super) const FORMAT: &str = "%F|%K|%T|%S|%j|%N|%r";

/// Reads a line; `None` for what is no task of an array.
pub(super) fn task(line: &str) -> Option<QueuedTask> {
    let fields: Vec<&str> = line.splitn(7, '|').map(str::trim).collect();
    let [job, index, state, start, name, nodes, reason] = fields[..] else { return None };
    let known = |text: &str| {
        if matches!(text, "N/A" | "(null)" | "NONE") { String::new() } else { text.to_owned() }
    };
    Some(QueuedTask {
        name: name.to_owned(),
        job: job.parse().ok()?,
        index: index.parse().ok()?,
        phase: phase(state),
        state: state.to_owned(),
        start: known(start),
        nodes: known(nodes),
        reason: Some(reason).filter(|reason| !matches!(*reason, "None" | "")).map(str::to_owned),
    })
}

/// The states of squeue(1), "JOB STATE CODES".
fn phase(state: &str) -> TaskPhase {
    match state {
        "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "RESV_DEL_HOLD"
        | "SPECIAL_EXIT" => TaskPhase::Waiting,
        "RUNNING" | "CONFIGURING" | "SUSPENDED" | "STOPPED" | "RESIZING" | "SIGNALING" => {
            TaskPhase::Running
        }
        // COMPLETING, STAGE_OUT, and what has ended.
        _ => TaskPhase::Leaving,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_task() {
        let line = "17|3|PENDING|2026-11-28T13:26:15|fer-0123abcd|| Nodes required for job are DOWN, DRAINED or \
                    reserved for jobs in higher priority partitions";
        let found = task(line).unwrap();
        assert_eq!((found.job, found.index, found.phase), (17, 3, TaskPhase::Waiting));
        assert_eq!((found.name.as_str(), found.nodes.as_str()), ("fer-0123abcd", ""));
        assert!(found.reason.unwrap().starts_with("Nodes required"));
        let running = task("20|1|RUNNING|2026-11-28T13:24:15|fer-a|n1|None").unwrap();
        assert_eq!((running.phase, running.reason), (TaskPhase::Running, None));
        assert_eq!(task("20|1|COMPLETING|N/A|fer-a|n1|None").unwrap().phase, TaskPhase::Leaving);
        assert_eq!(task("20|1|PENDING|N/A|fer-a||(a|b)").unwrap().reason.unwrap(), "(a|b)");
    }

    #[test]
    fn other_lines_are_none() {
        for line in ["", "JOBID", "17|N/A|PENDING|x|y||None", "17|[1-3]|PENDING|x|y||None", "1|2|3"]
        {
            assert_eq!(task(line), None, "{line}");
        }
    }
}

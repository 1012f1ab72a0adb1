//! What Slurm's reasons mean for a researcher: those that never pass by themselves, with their cure.

/// Whether a reason is that of a requeue's pause.
pub fn is_requeue(reason: &str) -> bool {
    reason == "BeginTime"
}

/// What to do about a reason that does not pass by waiting; `None` for the others (`Priority`, `Resources` …).
pub fn advice(reason: &str) -> Option<&'static str> {
    let sentence = [
        (
            "Nodes required for job are DOWN",
            "the nodes that it needs are down or drained: wait for the administrators, or name another partition (--partition)",
        ),
        (
            "launch failed requeued held",
            "its start failed on a node, and Slurm holds it for good: `scontrol release JOB` once the node is repaired (`sinfo -R` says why it is drained), or `fer-lab cancel` and run again",
        ),
        (
            "launch_failed_requeued_held",
            "its start failed on a node, and Slurm holds it for good: `scontrol release JOB` once the node is repaired (`sinfo -R` says why it is drained), or `fer-lab cancel` and run again",
        ),
        (
            "job requeued in held state",
            "it was requeued and is held: `scontrol release JOB` lets it start",
        ),
        (
            "user env retrieval failed",
            "Slurm could not read your login environment and holds it: `scontrol release JOB` tries again",
        ),
    ];
    if let Some((_, cure)) = sentence.iter().find(|(start, _)| reason.starts_with(start)) {
        return Some(cure);
    }
    Some(match reason {
        "PartitionTimeLimit" => {
            "its time limit is above the partition's: cancel, and run with a shorter --time or another --partition"
        }
        "PartitionNodeLimit" => {
            "it asks for more than the partition's nodes have: cancel, and run with fewer --cpus or another --partition"
        }
        "PartitionConfig" => {
            "the partition's settings do not allow such a job: cancel, and run with fewer --cpus, less --memory or another --partition"
        }
        "PartitionDown" | "PartitionInactive" => {
            "the partition takes no jobs now: wait for the administrators, or name another (--partition)"
        }
        "BadConstraints" => {
            "no node has what it asks for: cancel, and run with another --constraint or --gres"
        }
        "JobHeldUser" => "you hold it: `scontrol release JOB` lets it start",
        "JobHeldAdmin" => "an administrator holds it: ask them",
        "DependencyNeverSatisfied" => {
            "it waits for a job that ended otherwise: cancel, and run again"
        }
        "AccountNotAllowed" | "InvalidAccount" => {
            "the account may not use this partition: cancel, and run with another --account"
        }
        "InvalidQOS" | "QOSNotAllowed" => {
            "the QOS may not be used here: cancel, and run with another --qos"
        }
        "ReqNodeNotAvail" | "ReqNodeNotAvail, May be reserved for other job" => {
            "a node that it asks for is reserved or down: wait, or ask for others"
        }
        "QOSMaxWallDurationPerJobLimit" | "AssocMaxWallDurationPerJobLimit" => {
            "its time limit is above that of the account or the QOS: cancel, and run with a shorter --time"
        }
        "QOSMaxCpuPerJobLimit" | "AssocMaxCpuPerJobLimit" => {
            "it asks for more processors than the account or the QOS allows: cancel, and run with fewer --cpus"
        }
        "QOSMaxMemoryPerJob" | "AssocMaxMemPerJob" => {
            "it asks for more memory than the account or the QOS allows: cancel, and run with less --memory"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_passes_has_a_cure_and_what_passes_none() {
        for reason in
            ["Priority", "Resources", "None", "BeginTime", "Dependency", "JobArrayTaskLimit"]
        {
            assert_eq!(advice(reason), None, "{reason}");
        }
        for (reason, cure) in [
            ("PartitionTimeLimit", "--time"),
            ("launch failed requeued held", "scontrol release"),
            (
                "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
                "--partition",
            ),
            ("DependencyNeverSatisfied", "run again"),
        ] {
            assert!(advice(reason).unwrap().contains(cure), "{reason}");
        }
        assert!(is_requeue("BeginTime") && !is_requeue("Priority"));
    }
}

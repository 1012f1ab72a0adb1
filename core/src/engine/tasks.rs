//! Trainings divided among the tasks of a job array, and what each task needs.

use std::collections::BTreeSet;

use crate::cluster::{Memory, TimeLimit};
use crate::plan::Estimate;

/// What a training needs, estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Need {
    /// `None` where nothing is known of the data.
    pub time: Option<Estimate>,
    /// Bytes on the host.
    pub memory: u64,
}

/// A task with less to do than this loses more than a hundredth to Slurm's hand-over, up to 3 s.
const WORTH: f64 = 300.0;

/// So many tasks are made of little work all the same, to run side by side.
const FEW: usize = 16;

/// Factors for estimates by measured trainings, and by the network's arithmetic, which knows nothing of the machine.
const MARGIN_MEASURED: f64 = 2.0;
const MARGIN_GUESSED: f64 = 6.0;

/// For the start, the data, and a checkpoint at the end, seconds.
const AROUND: f64 = 600.0;

/// Where nothing is known, seconds.
const UNKNOWN: f64 = 4.0 * 3600.0;

const MEMORY_MARGIN: f64 = 1.5;
const MEMORY_AROUND: u64 = 256 << 20;

impl Need {
    /// With a margin.
    fn seconds(&self) -> f64 {
        match self.time {
            Some(Estimate { seconds, measured: true }) => seconds * MARGIN_MEASURED,
            Some(Estimate { seconds, measured: false }) => seconds * MARGIN_GUESSED,
            None => UNKNOWN,
        }
    }
}

/// Divides trainings among at most `most` tasks, in order: neighbours, which share their data, stay together, and each task
/// gets about the same time. No task has more work than `limit` holds, with margins, where more tasks can avoid that. Each
/// training is in one task, and no task is empty.
pub(super) fn divide(
    trainings: &[usize],
    needs: &[Need],
    most: usize,
    limit: Option<TimeLimit>,
) -> Vec<Vec<usize>> {
    let seconds = |training: &usize| needs[*training].seconds();
    let all: f64 = trainings.iter().map(seconds).sum();
    let worth = (all / WORTH).ceil() as usize;
    let within =
        limit.map_or(1, |limit| (all / (limit.seconds() - AROUND).max(60.0)).ceil() as usize);
    let count = worth.max(FEW).max(within).min(most).min(trainings.len()).max(1);
    let mut tasks: Vec<Vec<usize>> = Vec::with_capacity(count);
    let (mut before, mut rest) = (0.0, trainings.len());
    for training in trainings {
        // The task in whose share the middle of the training lies; as many are left as tasks are.
        let middle = before + seconds(training) / 2.0;
        let share = if all > 0.0 { (middle / all * count as f64) as usize } else { 0 };
        let open = tasks.len();
        if open == 0 || (open < count && (share >= open || rest <= count - open)) {
            tasks.push(Vec::new());
        }
        if let Some(task) = tasks.last_mut() {
            task.push(*training);
        }
        before += seconds(training);
        rest -= 1;
    }
    tasks
}

/// The index of each task in its array, from 1: that which its first training had before, where it had one that no earlier
/// task takes, so that work keeps its index when it is submitted again; else the lowest that is free.
pub(super) fn indices(tasks: &[Vec<usize>], former: impl Fn(usize) -> Option<u32>) -> Vec<u32> {
    let mut taken = BTreeSet::new();
    let former: Vec<Option<u32>> = tasks
        .iter()
        .map(|task| former(*task.first()?).filter(|index| taken.insert(*index)))
        .collect();
    let mut free = (1..).filter(|index| !taken.contains(index));
    let indices = former.into_iter().map(|former| former.or_else(|| free.next()));
    indices.flatten().collect()
}

/// The time that the longest of these tasks needs, with a margin.
pub(super) fn time(tasks: &[Vec<usize>], needs: &[Need]) -> TimeLimit {
    let of =
        |task: &Vec<usize>| task.iter().map(|training| needs[*training].seconds()).sum::<f64>();
    TimeLimit::of_seconds(tasks.iter().map(of).fold(0.0, f64::max) + AROUND)
}

/// The memory that the largest of these trainings needs, with a margin.
pub(super) fn memory(tasks: &[Vec<usize>], needs: &[Need]) -> Memory {
    let most = tasks.iter().flatten().map(|training| needs[*training].memory).max().unwrap_or(0);
    Memory::of_bytes((most as f64 * MEMORY_MARGIN) as u64 + MEMORY_AROUND)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn need(seconds: f64) -> Need {
        Need { time: Some(Estimate { seconds, measured: true }), memory: 1 << 30 }
    }

    #[test]
    fn short_trainings_share_a_task_and_long_ones_do_not() {
        let all: Vec<usize> = (0..100).collect();
        let tasks = |seconds, most, limit: Option<&str>| {
            let limit = limit.map(|limit| limit.parse().unwrap());
            divide(&all, &vec![need(seconds); 100], most, limit).len()
        };
        assert_eq!(tasks(1.0, 500, None), FEW);
        // 100 · 15 s · 2 of 300 s each.
        assert_eq!(tasks(30.0, 500, None), 20);
        assert_eq!(tasks(3600.0, 500, None), 100);
        assert_eq!(tasks(3600.0, 7, None), 7);
        // 6,000 s with margins, of which 300 s fit beside what is around.
        assert_eq!(tasks(30.0, 500, Some("15")), 20);
        assert_eq!(tasks(30.0, 500, Some("12")), 50);
        assert_eq!(divide(&[4], &[need(1.0); 5], 500, None), [[4]]);
    }

    #[test]
    fn work_keeps_its_index() {
        let tasks = vec![vec![0, 1], vec![2], vec![3], vec![4, 5]];
        assert_eq!(indices(&tasks, |_| None), [1, 2, 3, 4]);
        // The two parts of what task 3 left, something new, and the rest of task 1.
        let former = |training: usize| [Some(3), Some(3), Some(3), None, Some(1), None][training];
        assert_eq!(indices(&tasks, former), [3, 2, 4, 1]);
    }

    #[test]
    fn a_task_gets_time_and_memory_with_a_margin() {
        let tasks = vec![vec![0, 1], vec![2]];
        let mut needs = vec![need(300.0); 3];
        needs[2].time = Some(Estimate { seconds: 300.0, measured: false });
        // 6 · 300 s + 600 s, 1.5 GiB + 256 MiB.
        assert_eq!(time(&tasks, &needs).to_string(), "0-00:40:00");
        assert_eq!(memory(&tasks, &needs).to_string(), "1792M");
    }

    proptest! {
        #[test]
        fn every_training_is_in_one_task(
            seconds in prop::collection::vec(0.0..5000.0f64, 1..200), most in 1usize..50,
        ) {
            let needs: Vec<Need> = seconds.iter().map(|seconds| need(*seconds)).collect();
            let all: Vec<usize> = (0..needs.len()).collect();
            let tasks = divide(&all, &needs, most, None);
            prop_assert_eq!(tasks.concat(), all);
            prop_assert!(tasks.len() <= most && tasks.iter().all(|task| !task.is_empty()));
            let found = indices(&tasks, |training| (training % 3 > 0).then_some(training as u32 % 7 + 1));
            let different: BTreeSet<u32> = found.iter().copied().collect();
            prop_assert!(different.len() == tasks.len() && !different.contains(&0));
            prop_assert!(found.iter().all(|index| *index as usize <= tasks.len().max(7)));
        }
    }
}

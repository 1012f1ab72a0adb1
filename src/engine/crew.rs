//! How many trainings run at once, and what each of them gets.

use std::path::Path;

use super::cgroup::memory_limit;
use crate::experiment::{DatasetSpec, DeviceChoice, Settings};
use crate::train::device::AskedBy;

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// Trainings at once.
    pub jobs: Option<u32>,
    /// libtorch's threads of each.
    pub threads: Option<u32>,
    /// Where they run; as the experiment says where empty.
    pub devices: Vec<DeviceChoice>,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    pub cores: u32,
    /// Bytes.
    pub memory: u64,
    pub gpu: bool,
}

/// Who works.
#[derive(Debug, Clone, PartialEq)]
pub struct Crew {
    /// The device of each of the trainings that run at once.
    pub devices: Vec<DeviceChoice>,
    /// libtorch's threads of each.
    pub threads: u32,
    /// Who named the devices.
    pub asked_by: AskedBy,
}

/// What a process takes before its first tensor, and the share of a machine's memory that trainings may
/// take together.
const BASE_BYTES: u64 = 400 << 20;
const SHARE: f64 = 0.8;

impl Machine {
    /// This one, within the limits that the process is under.
    pub fn here() -> Machine {
        let cores = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
        Machine { cores, memory: memory(), gpu: crate::train::device::has_driver() }
    }
}

impl Crew {
    pub fn jobs(&self) -> u32 {
        self.devices.len() as u32
    }

    /// Divides a machine among the trainings of an experiment.
    ///
    /// The processors are divided evenly: libtorch's threads spin, and two trainings that each believe
    /// they own the machine are several times slower than one. A small network gains less from a second
    /// thread than from a second training beside it, so as many trainings as there are processors run at
    /// once, as far as the memory goes. On a GPU it is one on each.
    ///
    /// `trainings` counts all of the plan, done or not: how many threads a training has can show in the
    /// last bits of its numbers, and must not depend on what was done before.
    pub fn divide(asked: &Asked, machine: Machine, trainings: usize, settings: &Settings) -> Crew {
        let devices = match asked.devices.as_slice() {
            [] => vec![settings.train.device],
            devices => devices.to_vec(),
        };
        let on_gpu = devices.iter().any(|device| match device {
            DeviceChoice::Auto => machine.gpu,
            DeviceChoice::Cuda(_) => true,
            DeviceChoice::Cpu => false,
        });
        let at_once = if on_gpu {
            devices.len() as u32
        } else {
            let fit = (machine.memory as f64 * SHARE / bytes(settings) as f64) as u32;
            let threads = asked.threads.unwrap_or(1).max(1);
            (machine.cores / threads).min(fit)
        };
        let jobs = asked.jobs.unwrap_or_else(|| at_once.min(trainings as u32)).max(1);
        let threads = asked.threads.unwrap_or(machine.cores / jobs).max(1);
        let devices = devices.into_iter().cycle().take(jobs as usize).collect();
        let asked_by = if asked.devices.is_empty() { AskedBy::Experiment } else { AskedBy::Option };
        Crew { devices, threads, asked_by }
    }
}

/// About what a training takes, bytes: libtorch, the data, and the activations of a batch, each of which
/// is there several times over (before and after normalisation and ReLU, their gradients, and as the
/// convolutions want it). Checked against trainings of 0.3 to 1.2 GB.
fn bytes(settings: &Settings) -> u64 {
    let DatasetSpec { height, width, channels, .. } = settings.dataset;
    let (mut rows, mut columns) = (height as u64, width as u64);
    let mut floats = 0;
    for (index, block) in settings.model.blocks.iter().enumerate() {
        if index > 0 {
            (rows, columns) = (rows / 3, columns / 3);
        }
        floats += block.iter().map(|width| *width as u64 * rows * columns).sum::<u64>();
    }
    let images = settings.dataset.source.training_images().unwrap_or(30_000) as u64;
    let data = images * (height * width * (channels + 1)) as u64;
    BASE_BYTES + data + floats * 4 * 6 * settings.train.batch_size as u64
}

/// Bytes of memory, of the machine or of the control groups that the process is in.
fn memory() -> u64 {
    // SAFETY: sysconf only answers.
    let (pages, size) =
        unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    let machine = (pages.max(0) as u64).saturating_mul(size.max(0) as u64);
    machine.min(memory_limit(Path::new("/")).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment;

    const GIB: u64 = 1 << 30;

    fn settings(blocks: &str) -> Settings {
        let text = format!(
            "name = \"x\"\n[dataset]\nkind = \"faces\"\nsize = [48, 48]\n[model]\nblocks = {blocks}"
        );
        experiment::parse(&text, "x", &[]).unwrap().settings
    }

    fn divide(asked: Asked, cores: u32, memory: u64, trainings: usize) -> (u32, u32) {
        let machine = Machine { cores, memory, gpu: false };
        let crew = Crew::divide(&asked, machine, trainings, &settings("[[8], [16]]"));
        (crew.jobs(), crew.threads)
    }

    #[test]
    fn cores_are_divided_and_never_given_twice() {
        let none = Asked::default;
        assert_eq!(divide(none(), 2, 24 * GIB, 21), (2, 1));
        assert_eq!(divide(none(), 2, 24 * GIB, 1), (1, 2));
        assert_eq!(divide(none(), 8, 24 * GIB, 3), (3, 2));
        assert_eq!(divide(none(), 1, 24 * GIB, 9), (1, 1));
        assert_eq!(divide(Asked { threads: Some(2), ..none() }, 8, 24 * GIB, 21), (4, 2));
        assert_eq!(divide(Asked { jobs: Some(1), ..none() }, 2, 24 * GIB, 21), (1, 2));
        assert_eq!(divide(Asked { jobs: Some(3), ..none() }, 2, 24 * GIB, 21), (3, 1));
        let both = Asked { jobs: Some(2), threads: Some(4), ..none() };
        assert_eq!(divide(both, 2, 24 * GIB, 21), (2, 4));
    }

    #[test]
    fn memory_bounds_what_runs_at_once() {
        assert_eq!(divide(Asked::default(), 16, 2 * GIB, 21), (3, 5));
        assert_eq!(divide(Asked::default(), 16, GIB / 4, 21), (1, 16));
    }

    #[test]
    fn devices_take_turns() {
        let machine = Machine { cores: 8, memory: 64 * GIB, gpu: true };
        let small = settings("[[8]]");
        let divide = |asked: Asked| Crew::divide(&asked, machine, 21, &small);
        assert_eq!(divide(Asked::default()).devices, [DeviceChoice::Auto]);
        let two = vec![DeviceChoice::Cuda(0), DeviceChoice::Cuda(1)];
        let crew = divide(Asked { devices: two.clone(), ..Asked::default() });
        assert_eq!((crew.devices.as_slice(), crew.threads), (&two[..], 4));
        let crew = divide(Asked { devices: two.clone(), jobs: Some(4), ..Asked::default() });
        assert_eq!((crew.devices, crew.threads), ([two.clone(), two].concat(), 2));
    }

    #[test]
    fn the_estimate_of_memory_is_near_what_was_measured() {
        let text = "name = \"x\"\n[dataset]\nkind = \"ferplus\"\nroot = \"x\"\nsize = [48, 48]\nchannels = 3\n\
                    [model]\nblocks = [[64, 64], [96, 96, 96], [128, 128, 128]]\n[train]\nbatch_size = 64";
        let settings = experiment::parse(text, "x", &[]).unwrap().settings;
        let estimate = bytes(&settings) as f64 / 1e9;
        assert!((1.0..1.6).contains(&estimate), "{estimate} GB, measured 1.2");
    }
}

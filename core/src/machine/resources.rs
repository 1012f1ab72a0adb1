//! How many trainings run in parallel, and the threads and device of each.

use super::device::{self, AskedBy};
use super::gpu;
use crate::experiment::{DatasetSpec, DeviceChoice, ModelSpec, Settings};
use crate::plan::{ParameterCount, TrainingSpec};

/// The user's options.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// Trainings in parallel.
    pub jobs: Option<u32>,
    /// libtorch's threads of each.
    pub threads: Option<u32>,
    /// Their devices; the experiment's if empty.
    pub devices: Vec<DeviceChoice>,
}

/// The machine's resources.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    pub cores: u32,
    /// Bytes.
    pub memory: u64,
    /// Whether `auto` is a GPU.
    pub gpu: bool,
    /// Free bytes of `cuda:0`, `cuda:1` …, as far as known.
    pub gpus: Vec<Option<u64>>,
}

/// The resources of the trainings of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Resources {
    /// The device of each parallel training.
    pub devices: Vec<DeviceChoice>,
    /// libtorch's threads of each.
    pub threads: u32,
    /// Which setting named the devices.
    pub asked_by: AskedBy,
}

/// The memory of a process before its first tensor, and the share of memory that trainings may use together.
const BASE_BYTES: u64 = 400 << 20;
const SHARE: f64 = 0.8;

/// CUDA's memory per process: its context and kernels on the GPU, its libraries on the host.
const CONTEXT_BYTES: u64 = 700 << 20;
const HOST_BYTES: u64 = 3 << 30;

/// The maximum of parallel trainings on a GPU. They share it in time: on an H200, nine reached 2.4 times the throughput of
/// one, and twelve little more.
const MOST_ON_A_GPU: u32 = 12;

impl Machine {
    /// This machine, within the process's limits.
    pub fn here() -> Machine {
        let cores = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
        let gpu = device::check(DeviceChoice::Cuda(0), AskedBy::Either).is_ok();
        let gpus = if gpu { gpu::free_memory() } else { Vec::new() };
        Machine { cores, memory: memory(), gpu, gpus }
    }

    /// The GPU number of a device, if it is a GPU.
    fn gpu_of(&self, device: DeviceChoice) -> Option<usize> {
        match device {
            DeviceChoice::Auto => self.gpu.then_some(0),
            DeviceChoice::Cuda(index) => Some(index),
            DeviceChoice::Cpu => None,
        }
    }
}

impl Resources {
    pub fn jobs(&self) -> u32 {
        self.devices.len() as u32
    }

    /// Divides a machine among the trainings of a plan, which run on `device` unless the user asks for
    /// another.
    ///
    /// The processors are divided evenly: libtorch's threads spin, and two trainings that each use
    /// all processors are several times slower than one. A small network gains less from a second
    /// thread than from a second training in parallel, so as many trainings as there are processors run in
    /// parallel if memory allows. On a GPU, which a small network mostly leaves idle, it is as many as its free
    /// memory holds, up to twelve; one where the free memory is unknown.
    ///
    /// Any trainings of the plan fit together: each counts as the largest. The whole plan counts, done or not: the
    /// number of threads of a training can change the last bits of its numbers, and must not depend on what was done
    /// before.
    pub fn divide(
        asked: &Asked,
        machine: &Machine,
        device: DeviceChoice,
        trainings: &[TrainingSpec],
    ) -> Resources {
        let devices = match asked.devices.as_slice() {
            [] => vec![device],
            devices => devices.to_vec(),
        };
        let on_gpu = devices.iter().any(|device| machine.gpu_of(*device).is_some());
        let tensors = trainings.iter().map(|training| tensor_bytes(&training.settings));
        let tensors = tensors.max().unwrap_or(0);
        let on_cpu = BASE_BYTES + tensors;
        // If CUDA cannot be loaded after all, `auto` falls back to the CPU.
        let host = if on_gpu { on_cpu.max(HOST_BYTES) } else { on_cpu };
        let threads = asked.threads.unwrap_or(1).max(1);
        let fit = (machine.memory as f64 * SHARE / host as f64) as u32;
        let at_once = (machine.cores / threads).min(fit);
        let mut turns = match on_gpu {
            true => on_gpus(&devices, machine, CONTEXT_BYTES + tensors, at_once),
            false => devices.iter().copied().cycle().take(at_once.max(1) as usize).collect(),
        };
        turns.truncate(trainings.len().max(1));
        if let Some(jobs) = asked.jobs {
            turns = devices.into_iter().cycle().take(jobs.max(1) as usize).collect();
        }
        let threads = asked.threads.unwrap_or(machine.cores / turns.len() as u32).max(1);
        let asked_by = if asked.devices.is_empty() { AskedBy::Experiment } else { AskedBy::Option };
        Resources { devices: turns, threads, asked_by }
    }
}

/// The memory of a process with a training of these settings, on the host, bytes.
pub fn training_memory(settings: &Settings, gpu: bool) -> u64 {
    let on_cpu = BASE_BYTES + tensor_bytes(settings);
    if gpu { on_cpu.max(HOST_BYTES) } else { on_cpu }
}

/// The devices of the parallel trainings, in turn: each as often as it is named, and a GPU as often as trainings
/// of `bytes` fit, in total at most `at_once`.
fn on_gpus(
    devices: &[DeviceChoice],
    machine: &Machine,
    bytes: u64,
    at_once: u32,
) -> Vec<DeviceChoice> {
    let fits = |device: DeviceChoice| {
        let free = machine.gpu_of(device).and_then(|gpu| machine.gpus.get(gpu).copied().flatten());
        let fit = free.map_or(1, |free| (free as f64 * SHARE / bytes as f64) as u32);
        fit.min(MOST_ON_A_GPU) as usize
    };
    let same = |a: DeviceChoice, b: DeviceChoice| machine.gpu_of(a) == machine.gpu_of(b);
    let mut turns = devices.to_vec();
    loop {
        let before = turns.len();
        for (index, device) in devices.iter().enumerate() {
            let first = devices[..index].iter().all(|other| !same(*other, *device));
            let taken = turns.iter().filter(|other| same(**other, *device)).count();
            if first && taken < fits(*device) && turns.len() < at_once as usize {
                turns.push(*device);
            }
        }
        if turns.len() == before {
            return turns;
        }
    }
}

/// The approximate memory of a training beside its libraries, bytes: the data, and the activations of a batch, each
/// of which is kept several times (before and after normalisation and ReLU, their gradients, and as
/// the convolutions want it). Checked against trainings of 0.3 to 1.2 GB on a CPU and 1.6 GB on a GPU.
fn tensor_bytes(settings: &Settings) -> u64 {
    let DatasetSpec { height, width, channels, .. } = settings.dataset;
    let (mut rows, mut columns) = (height as u64, width as u64);
    let mut floats = 0;
    let images = settings.dataset.source.training_images().unwrap_or(30_000) as u64;
    let data = images * (height * width * (channels + 1)) as u64;
    let of_batch = |floats: u64| floats * 4 * 6 * settings.train.batch_size as u64;
    let blocks = match &settings.model {
        ModelSpec::Vgg(model) => &model.blocks,
        // Its weights, twice while they are read, and what a pass of 128 pictures keeps: some 32 numbers a pixel.
        ModelSpec::Onnx(model) => {
            let [height, width] = model.input.size;
            return data + model.parameters * 8 + (height * width * 32 * 4 * 128) as u64;
        }
        model => {
            let classes = settings.dataset.classes.len();
            let outputs = model.architecture(channels, classes);
            let floats = outputs.map_or(0, |all| all.outputs(height, width).sum());
            // Weights, gradients, and two moments of each.
            let weights = ParameterCount::of(model, channels, classes).total * 16;
            return data + weights + of_batch(floats);
        }
    };
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            (rows, columns) = (rows / 3, columns / 3);
        }
        floats += block.iter().map(|width| *width as u64 * rows * columns).sum::<u64>();
    }
    data + of_batch(floats)
}

/// Bytes of memory, of the machine or of the control groups that the process is in.
#[cfg(unix)]
pub fn memory() -> u64 {
    // SAFETY: sysconf only reads.
    let (pages, size) =
        unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    let machine = (pages.max(0) as u64).saturating_mul(size.max(0) as u64);
    #[cfg(target_os = "linux")]
    let machine = super::cgroup::memory_limit(std::path::Path::new("/"))
        .map_or(machine, |limit| machine.min(limit));
    machine
}

/// On other systems memory is not limited: the processors alone decide how many trainings run in parallel.
#[cfg(not(unix))]
pub fn memory() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment;
    use crate::plan::Plan;

    const GIB: u64 = 1 << 30;

    /// The trainings of a plan: `rest` follows the data set.
    fn trainings(rest: &str) -> Vec<TrainingSpec> {
        let text = format!("name = \"x\"\n[dataset]\nkind = \"faces\"\nsize = [48, 48]\n{rest}");
        Plan::new(&experiment::parse(&text, "x", &[]).unwrap()).unwrap().trainings
    }

    /// Of a small network.
    fn seeds(count: usize) -> Vec<TrainingSpec> {
        trainings(&format!("[model]\nblocks = [[8], [16]]\n[seeds]\ncount = {count}"))
    }

    fn on_cpu(asked: Asked, cores: u32, memory: u64, trainings: &[TrainingSpec]) -> (u32, u32) {
        let machine = Machine { cores, memory, gpu: false, gpus: Vec::new() };
        let resources = Resources::divide(&asked, &machine, DeviceChoice::Auto, trainings);
        (resources.jobs(), resources.threads)
    }

    fn divide(asked: Asked, cores: u32, memory: u64, trainings: usize) -> (u32, u32) {
        on_cpu(asked, cores, memory, &seeds(trainings))
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
    fn the_largest_training_of_a_sweep_must_fit_as_often() {
        let jobs = |rest: &str| {
            let seeds = "\n[seeds]\ncount = 16";
            on_cpu(Asked::default(), 16, 32 * GIB, &trainings(&format!("{rest}{seeds}"))).0
        };
        let small = "[model]\nblocks = [[8], [16]]\n[train]\nbatch_size = 16";
        assert_eq!(jobs(small), 16);
        for (sweep, fit) in [
            ("\"train.batch_size\" = [16, 3500]", 11),
            ("\"model.blocks\" = [[[8], [16]], [[2048, 2048]]]", 6),
            ("\"dataset.size\" = [[48, 48], [1024, 1024]]", 2),
        ] {
            assert_eq!(jobs(&format!("{small}\n[matrix]\n{sweep}")), fit, "{sweep}");
        }
    }

    /// The seed study's network on FER+.
    fn seed_study() -> Vec<TrainingSpec> {
        let text = "name = \"x\"\n[dataset]\nkind = \"ferplus\"\nroot = \"x\"\nsize = [48, 48]\nchannels = 3\n\
                    [model]\nblocks = [[64, 64], [96, 96, 96], [128, 128, 128]]\n[train]\nbatch_size = 64\n\
                    [seeds]\ncount = 21";
        Plan::new(&experiment::parse(text, "x", &[]).unwrap()).unwrap().trainings
    }

    #[test]
    fn a_gpu_takes_as_many_as_its_memory_the_host_and_the_maximum_allow() {
        let trainings = seed_study();
        let resources = |cores, memory, free: Option<u64>| {
            let machine = Machine { cores, memory, gpu: true, gpus: vec![free] };
            let resources =
                Resources::divide(&Asked::default(), &machine, DeviceChoice::Auto, &trainings);
            assert!(resources.devices.iter().all(|device| *device == DeviceChoice::Auto));
            (resources.jobs(), resources.threads)
        };
        // An H200 and its host.
        assert_eq!(resources(16, 128 * GIB, Some(139 * GIB)), (12, 1));
        // By the GPU's memory.
        assert_eq!(resources(16, 128 * GIB, Some(8 * GIB)), (4, 4));
        assert_eq!(resources(16, 128 * GIB, Some(GIB)), (1, 16));
        // By the host's memory and its processors.
        assert_eq!(resources(16, 16 * GIB, Some(139 * GIB)), (4, 4));
        assert_eq!(resources(6, 128 * GIB, Some(139 * GIB)), (6, 1));
        // Free memory unknown.
        assert_eq!(resources(16, 128 * GIB, None), (1, 16));
    }

    #[test]
    fn gpus_take_turns_until_each_is_full() {
        use DeviceChoice::{Auto, Cpu, Cuda};

        let trainings = seed_study();
        let gpus = vec![Some(8 * GIB), Some(4 * GIB)];
        let machine = Machine { cores: 32, memory: 128 * GIB, gpu: true, gpus };
        let resources = |devices: &[DeviceChoice], jobs| {
            let asked = Asked { devices: devices.to_vec(), jobs, threads: None };
            Resources::divide(&asked, &machine, Auto, &trainings).devices
        };
        let two = [Cuda(0), Cuda(1)];
        assert_eq!(resources(&two, None), [Cuda(0), Cuda(1), Cuda(0), Cuda(1), Cuda(0), Cuda(0)]);
        assert_eq!(resources(&two, Some(3)), [Cuda(0), Cuda(1), Cuda(0)]);
        assert_eq!(resources(&[Auto, Cuda(0)], None), [Auto, Cuda(0), Auto, Auto]);
        assert_eq!(resources(&[Cpu, Cuda(1)], None), [Cpu, Cuda(1), Cuda(1)]);
        // Named three times, unknown to the driver: three.
        assert_eq!(resources(&[Cuda(7); 3], None), [Cuda(7); 3]);
        assert_eq!(resources(&[Cuda(1)], Some(5)), [Cuda(1); 5]);
    }

    #[test]
    fn the_estimate_of_memory_is_near_what_was_measured() {
        let tensors = tensor_bytes(&seed_study()[0].settings);
        let on_cpu = (BASE_BYTES + tensors) as f64 / 1e9;
        assert!((1.0..1.6).contains(&on_cpu), "{on_cpu} GB, measured 1.2");
        let on_gpu = (CONTEXT_BYTES + tensors) as f64 / 1e9;
        assert!((1.5..2.0).contains(&on_gpu), "{on_gpu} GB, measured 1.6");
    }
}

//! Which processor trains.

use std::fmt;
use std::path::{Path, PathBuf};

use tch::{Cuda, Device};

use crate::experiment::{DeviceChoice, Precision};

/// Why the wanted device cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error("{asked_by} for `{wanted}`, but {reason}; {}", asked_by.cure())]
    Unavailable { wanted: String, reason: NoCuda, asked_by: AskedBy },
    #[error(
        "`train.precision = \"tf32\"` needs an NVIDIA GPU (Ampere or newer), and this is `{device}`: set it to \
         \"f32\" or \"bf16\""
    )]
    NoTf32 { device: String },
    #[error("libtorch refuses to compute in `{}`", .0.name())]
    Precision(Precision),
    #[error(
        "the environment variable {variable} is set, by which float32 would be rounded (or TF32 would not be) \
         whatever the experiment says: unset it, and set `train.precision` instead"
    )]
    Environment { variable: &'static str },
}

/// Who wants a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedBy {
    /// `train.device` of the experiment.
    Experiment,
    /// `--devices` of the command line.
    Option,
    /// One of the two: a worker is told the device alone.
    Either,
}

impl AskedBy {
    fn cure(self) -> &'static str {
        match self {
            AskedBy::Experiment => "set `train.device` to \"cpu\" or \"auto\"",
            AskedBy::Option => {
                "name others with `--devices`, as in `--devices cpu`, or leave it out"
            }
            AskedBy::Either => {
                "name others with `--devices`, or set `train.device` to \"cpu\" or \"auto\""
            }
        }
    }
}

impl fmt::Display for AskedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AskedBy::Experiment => "the experiment asks",
            AskedBy::Option => "`--devices` asks",
            AskedBy::Either => "the experiment, or `--devices`, asks",
        })
    }
}

/// Why there is no CUDA.
#[derive(Debug, Clone)]
pub enum NoCuda {
    NoDriver,
    Library(String),
    NoSuchDevice { devices: i64, visible: Option<String> },
}

/// What may hide GPUs from CUDA.
const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

impl fmt::Display for NoCuda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoCuda::NoDriver => f.write_str("this machine has no NVIDIA driver"),
            NoCuda::Library(error) => write!(
                f,
                "libtorch's CUDA part cannot be loaded ({error}); `scripts/setup --cuda` fetches it"
            ),
            NoCuda::NoSuchDevice { devices, visible } => {
                match devices {
                    0 => f.write_str("the driver offers no GPU")?,
                    1 => f.write_str("there is only one GPU, `cuda:0`")?,
                    _ => write!(
                        f,
                        "there are only {devices} GPUs, `cuda:0` to `cuda:{}`",
                        devices - 1
                    )?,
                }
                match visible {
                    Some(visible) => write!(f, " ({VISIBLE} is `{visible}`)"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The device to train on. `auto` takes the first GPU where there is a driver, and says on stderr why not
/// where the driver is there and the GPU cannot be used.
///
/// Call it before the first tensor is made: opening libtorch's CUDA part registers its back end.
pub fn choose(choice: DeviceChoice) -> Result<(Device, Option<NoCuda>), DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok((Device::Cpu, None)),
        DeviceChoice::Cuda(index) => match open_cuda(index) {
            Ok(()) => Ok((Device::Cuda(index), None)),
            Err(reason) => {
                let (wanted, asked_by) = (format!("cuda:{index}"), AskedBy::Either);
                Err(DeviceError::Unavailable { wanted, reason, asked_by })
            }
        },
        DeviceChoice::Auto => match open_cuda(0) {
            Ok(()) => Ok((Device::Cuda(0), None)),
            Err(NoCuda::NoDriver) => Ok((Device::Cpu, None)),
            Err(reason) => Ok((Device::Cpu, Some(reason))),
        },
    }
}

/// Whether a device can be there at all, told without opening libtorch's CUDA part.
///
/// # Errors
/// Where a GPU is asked for and there is no driver, or the driver has fewer.
pub fn check(choice: DeviceChoice, asked_by: AskedBy) -> Result<(), DeviceError> {
    let DeviceChoice::Cuda(index) = choice else { return Ok(()) };
    let unavailable = |reason| {
        Err(DeviceError::Unavailable { wanted: format!("cuda:{index}"), reason, asked_by })
    };
    if !has_driver() {
        return unavailable(NoCuda::NoDriver);
    }
    let visible = std::env::var(VISIBLE).ok();
    match gpus().map(|gpus| most_visible(gpus, visible.as_deref())) {
        Some(devices) if index >= devices => {
            unavailable(NoCuda::NoSuchDevice { devices: devices as i64, visible })
        }
        _ => Ok(()),
    }
}

/// How many of so many GPUs CUDA can show at most: it takes the list in `CUDA_VISIBLE_DEVICES` up to the
/// first entry that names none, by number or by an identifier (CUDA C++ Programming Guide, "CUDA
/// Environment Variables"). Parts of a GPU (MIG) are named alike.
fn most_visible(gpus: usize, visible: Option<&str>) -> usize {
    let Some(visible) = visible else { return gpus };
    let entries = visible.split(',').map(str::trim);
    let names = |entry: &&str| match entry.parse::<usize>() {
        Ok(number) => number < gpus,
        Err(_) => entry.starts_with("GPU-") || entry.starts_with("MIG-"),
    };
    entries.take_while(names).count()
}

/// How many GPUs the driver has; `None` where it does not tell, as within WSL.
fn gpus() -> Option<usize> {
    let entries = std::fs::read_dir("/proc/driver/nvidia/gpus").ok()?;
    Some(entries.flatten().count()).filter(|count| *count > 0)
}

/// `cpu`, `cuda:0` …
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The model of the processor behind a device; empty where the system does not tell.
pub fn processor(device: Device) -> String {
    let (path, key) = match device {
        Device::Cuda(index) => (gpu_information(index), "Model"),
        _ => (Some("/proc/cpuinfo".into()), "model name"),
    };
    let text = path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(name, _)| name.trim() == key);
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// What the driver says of its GPU of that number, in the order of the bus.
fn gpu_information(index: usize) -> Option<PathBuf> {
    let entries = std::fs::read_dir("/proc/driver/nvidia/gpus").ok()?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    Some(folders.get(index)?.join("information"))
}

/// Whether a precision can be had on a device, told without opening libtorch's CUDA part.
///
/// # Errors
/// Where TF32 is asked for and there is no GPU.
pub fn check_precision(precision: Precision, choice: DeviceChoice) -> Result<(), DeviceError> {
    let on_cpu = match choice {
        DeviceChoice::Cpu => true,
        DeviceChoice::Auto => !has_driver(),
        DeviceChoice::Cuda(_) => false,
    };
    match precision == Precision::Tf32 && on_cpu {
        true => Err(DeviceError::NoTf32 { device: name(Device::Cpu) }),
        false => Ok(()),
    }
}

/// Sets what float32 means on a device: nothing is left to libtorch's default, by which cuDNN's convolutions
/// round to TF32.
///
/// # Errors
/// Where the precision cannot be had there.
pub fn set_precision(precision: Precision, device: Device) -> Result<(), DeviceError> {
    let tf32 = precision == Precision::Tf32;
    if device.is_cuda() {
        // The fastest of its algorithms for these shapes, found by trying each once.
        Cuda::cudnn_set_benchmark(true);
    }
    if tf32 && !device.is_cuda() {
        return Err(DeviceError::NoTf32 { device: name(device) });
    }
    match super::door::allow_tf32(tf32) {
        true => Ok(()),
        false => Err(DeviceError::Precision(precision)),
    }
}

/// What makes the math libraries below libtorch round float32, or keeps them from it, whatever a program says
/// (oneDNN's developer guide, "Floating-point math mode"; cuBLAS, "Environment variables").
pub const ROUNDING_VARIABLES: [&str; 3] =
    ["ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "NVIDIA_TF32_OVERRIDE"];

/// # Errors
/// Where the environment would round float32 behind the experiment's back.
pub fn check_environment() -> Result<(), DeviceError> {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match ROUNDING_VARIABLES.into_iter().find(set) {
        Some(variable) => Err(DeviceError::Environment { variable }),
        None => Ok(()),
    }
}

/// The version of the NVIDIA driver, where there is one: `580.65.06`.
pub fn driver_version() -> Option<String> {
    let text = std::fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    let version =
        |word: &&str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
    text.lines().next()?.split_whitespace().find(version).map(str::to_owned)
}

/// The libtorch that this program is built for.
pub const LIBTORCH_VERSION: &str = "2.13.0";

/// Bounds libtorch's threads and readies its memory. Call it once, before the first tensor is made.
pub fn prepare(threads: u32) {
    set_threads(threads);
    keep_large_blocks();
}

/// Bounds libtorch's threads from now on. It is for the thread that trains to call: OpenMP counts for each
/// by itself.
pub fn set_threads(threads: u32) {
    tch::set_num_threads(threads as i32);
}

/// glibc hands blocks of more than 32 MiB back to the system when they are freed, and takes them anew at
/// the next step: a fifth of a training step. It is told to keep them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_large_blocks() {
    // SAFETY: mallopt only sets the allocator's own limits.
    keep_large_blocks_by(|parameter, value| unsafe { libc::mallopt(parameter, value) });
}

/// Up to glibc 2.34 no block above 32 MiB can be kept off `mmap` by its size: `do_set_mmap_threshold`
/// (malloc/malloc.c) refuses more than `HEAP_MAX_SIZE / 2`, and mallopt(3) then returns 0. There `mmap` is
/// given up altogether (`M_MMAP_MAX`), which is never refused: what the heap cannot give is mapped all the
/// same.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_large_blocks_by(mut mallopt: impl FnMut(i32, i32) -> i32) {
    if mallopt(libc::M_MMAP_THRESHOLD, i32::MAX) == 0 {
        mallopt(libc::M_MMAP_MAX, 0);
    }
    mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_large_blocks() {}

fn open_cuda(index: usize) -> Result<(), NoCuda> {
    if !has_driver() {
        return Err(NoCuda::NoDriver);
    }
    // Before libtorch is asked anything about CUDA: it would remember that there is none.
    load_cuda_library().map_err(NoCuda::Library)?;
    let devices = Cuda::device_count();
    let visible = std::env::var(VISIBLE).ok();
    let there = i64::try_from(index).is_ok_and(|index| index < devices);
    if there { Ok(()) } else { Err(NoCuda::NoSuchDevice { devices, visible }) }
}

/// Whether this machine has an NVIDIA driver.
pub fn has_driver() -> bool {
    Path::new("/proc/driver/nvidia/version").exists() || Path::new("/dev/nvidiactl").exists()
}

/// The linker drops `libtorch_cuda.so`, since nothing refers to it: it registers itself when it is opened.
fn load_cuda_library() -> Result<(), String> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

    let beside_libtorch = PathBuf::from(env!("FER_LAB_LIBTORCH")).join("libtorch_cuda.so");
    let by_name = PathBuf::from("libtorch_cuda.so");
    let mut errors = Vec::new();
    for path in [by_name, beside_libtorch] {
        // SAFETY: libtorch's own library, made to be opened so; its initialisers register the back end.
        match unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) } {
            Ok(library) => {
                // It must stay open for as long as the process lives.
                std::mem::forget(library);
                return Ok(());
            }
            Err(error) => errors.push(error.to_string()),
        }
    }
    Err(errors.join("; "))
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use super::*;

    #[test]
    fn who_asked_for_a_gpu_that_is_not_there_is_told_what_to_change() {
        let message = |reason: &NoCuda, asked_by| {
            let (wanted, reason) = ("cuda:1".to_owned(), reason.clone());
            DeviceError::Unavailable { wanted, reason, asked_by }.to_string()
        };
        let one = NoCuda::NoSuchDevice { devices: 1, visible: Some("0".to_owned()) };
        assert_eq!(
            message(&one, AskedBy::Option),
            "`--devices` asks for `cuda:1`, but there is only one GPU, `cuda:0` \
             (CUDA_VISIBLE_DEVICES is `0`); name others with `--devices`, as in \
             `--devices cpu`, or leave it out"
        );
        let message = message(&NoCuda::NoDriver, AskedBy::Experiment);
        assert!(message.ends_with("set `train.device` to \"cpu\" or \"auto\""), "{message}");
    }

    #[test]
    fn hidden_gpus_do_not_count() {
        for (gpus, visible, counted) in [
            (4, None, 4),
            (4, Some("0,2"), 2),
            (4, Some("1, 9, 2"), 1),
            (4, Some(""), 0),
            (4, Some("-1"), 0),
            (4, Some("NoDevFiles"), 0),
            (4, Some("GPU-8932f937,GPU-12"), 2),
            (1, Some("MIG-a,MIG-b"), 2),
        ] {
            assert_eq!(most_visible(gpus, visible), counted, "{visible:?}");
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn large_blocks_are_kept_also_where_the_threshold_is_refused() {
        let told = |most: i32| {
            let mut told = Vec::new();
            keep_large_blocks_by(|parameter, value| {
                told.push((parameter, value));
                i32::from(parameter != libc::M_MMAP_THRESHOLD || value <= most)
            });
            told
        };
        let (threshold, trim) =
            ((libc::M_MMAP_THRESHOLD, i32::MAX), (libc::M_TRIM_THRESHOLD, i32::MAX));
        assert_eq!(told(i32::MAX), [threshold, trim]);
        // As glibc 2.34.
        assert_eq!(told(32 << 20), [threshold, (libc::M_MMAP_MAX, 0), trim]);
    }

    /// Needs no GPU: without one it is the driver that libtorch misses.
    #[test]
    #[ignore = "needs the CUDA libraries: scripts/setup --cuda"]
    fn libtorch_finds_its_cuda_part_once_that_is_open() {
        load_cuda_library().unwrap();
        let made = Tensor::f_zeros([1], (Kind::Float, Device::Cuda(0)));
        if let Err(error) = made {
            assert!(error.to_string().contains("driver"), "{error}");
        }
    }
}

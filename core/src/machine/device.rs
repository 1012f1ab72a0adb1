//! Whether a device is available, checked without loading libtorch, and its processor's model.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::experiment::{DeviceChoice, Precision};

/// Why the requested device is not available.
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
        "the environment variable {variable} is set, which overrides the experiment's float32 or TF32 \
         precision: unset it, and set `train.precision` instead"
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
    /// One of the two: a worker receives only the device.
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

/// The environment variable that may hide GPUs from CUDA.
pub const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

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
                    Some(visible) if visible.trim().is_empty() => {
                        write!(f, " ({VISIBLE} is empty, which hides all)")
                    }
                    Some(visible) => write!(f, " ({VISIBLE} is `{visible}`)"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Whether a device can be available, checked without loading libtorch's CUDA part.
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

/// The maximum number of GPUs visible to CUDA: it reads the list in `CUDA_VISIBLE_DEVICES` up to the first
/// entry that names no GPU, by number or by identifier (CUDA C++ Programming Guide, "CUDA
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

/// The driver's number of GPUs; `None` where it is not available, as within WSL.
fn gpus() -> Option<usize> {
    let entries = std::fs::read_dir("/proc/driver/nvidia/gpus").ok()?;
    Some(entries.flatten().count()).filter(|count| *count > 0)
}

/// The model of a device's processor, of the GPU with that number or the CPU; empty where the system does not
/// provide it.
pub fn processor(gpu: Option<usize>) -> String {
    let (path, key) = match gpu {
        Some(index) => (gpu_information(index), "Model"),
        None => (Some("/proc/cpuinfo".into()), "model name"),
    };
    let text = path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(name, _)| name.trim() == key);
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// The driver's information on a GPU, numbered in bus order.
fn gpu_information(index: usize) -> Option<PathBuf> {
    let entries = std::fs::read_dir("/proc/driver/nvidia/gpus").ok()?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    Some(folders.get(index)?.join("information"))
}

/// Whether a precision is available on a device, checked without loading libtorch's CUDA part.
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
        true => Err(DeviceError::NoTf32 { device: "cpu".to_owned() }),
        false => Ok(()),
    }
}

/// Environment variables that change float32 rounding of the math libraries below libtorch, overriding the program
/// (oneDNN's developer guide, "Floating-point math mode"; cuBLAS, "Environment variables").
pub const ROUNDING_VARIABLES: [&str; 3] =
    ["ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "NVIDIA_TF32_OVERRIDE"];

/// # Errors
/// Where the environment would change float32 rounding against the experiment.
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

/// The version of libtorch that this program is built for.
pub const LIBTORCH_VERSION: &str = "2.13.0";

/// Whether this machine has an NVIDIA driver.
pub fn has_driver() -> bool {
    Path::new("/proc/driver/nvidia/version").exists() || Path::new("/dev/nvidiactl").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_gpu_gives_an_error_that_says_what_to_change() {
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
        let hidden = NoCuda::NoSuchDevice { devices: 0, visible: Some(String::new()) };
        let said = message(&hidden, AskedBy::Experiment);
        let why = "the driver offers no GPU (CUDA_VISIBLE_DEVICES is empty, which hides all); set";
        assert!(said.contains(why), "{said}");
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
}

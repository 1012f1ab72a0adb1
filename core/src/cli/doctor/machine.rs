//! The machine: system, processor, memory, GPUs, and what they can compute with.

use std::env;
use std::fs;

use serde_json::{Value, json};

use super::check::Check;
use crate::disk::gigabytes;
use crate::machine::device::{self, ROUNDING_VARIABLES, VISIBLE};
use crate::machine::{Gpu, Instructions, available_memory, gpus as driver_gpus, installed_memory};
use crate::report::counted;

/// libtorch and a small network take no more; below it, not even that is sure.
const LEAST_MEMORY: u64 = 2 << 30;

/// bfloat16 and TF32: NVIDIA's Ampere and newer.
const AMPERE: (u32, u32) = (8, 0);

pub(super) fn system() -> Check {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (os, architecture) = (env::consts::OS, env::consts::ARCH);
    let named = [os, release.trim(), architecture].map(str::to_owned).to_vec();
    let mut parts: Vec<String> = named.into_iter().filter(|part| !part.is_empty()).collect();
    let glibc = glibc();
    parts.extend(glibc.iter().map(|version| format!("glibc {version}")));
    Check::ok("system", parts.join(", ")).with([
        ("os", json!(os)),
        ("architecture", json!(architecture)),
        ("kernel", json!(release.trim())),
        ("glibc", json!(glibc)),
    ])
}

/// The version of the C library that the process runs with.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn glibc() -> Option<String> {
    // SAFETY: the text is the library's own and stays.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    Some(version.to_string_lossy().into_owned())
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn glibc() -> Option<String> {
    None
}

pub(super) fn processor() -> Check {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = device::processor(None);
    let instructions = Instructions::here();
    let names = instructions.map(Instructions::names).unwrap_or_default();
    let mut found = counted(cores as u64, "core");
    if !model.is_empty() {
        found += &format!(" of {model}");
    }
    if !names.is_empty() {
        found += &format!(", with {}", names.join(", "));
    }
    Check::ok("processor", found).with([
        ("cores", json!(cores)),
        ("model", json!(model)),
        ("instructions", instructions.map_or(Value::Null, |_| json!(names))),
    ])
}

pub(super) fn memory() -> Check {
    memory_check(crate::machine::memory(), installed_memory(), available_memory())
}

/// `usable`: within the process's limits.
fn memory_check(usable: u64, installed: Option<u64>, available: Option<u64>) -> Check {
    // Systems that are not asked have no limit.
    let mut found = match usable {
        u64::MAX => "of unknown size".to_owned(),
        usable => gigabytes(usable),
    };
    if let Some(installed) = installed.filter(|installed| *installed > usable) {
        found +=
            &format!(" (the limit of a control group; the machine has {})", gigabytes(installed));
    }
    if let Some(available) = available {
        found += &format!(", {} of the machine's are free", gigabytes(available));
    }
    let check = match usable.min(available.unwrap_or(u64::MAX)) < LEAST_MEMORY {
        true => Check::note(
            "memory",
            &found,
            "even a small training takes about 0.5 GB: run one at a time with --jobs 1, or free some",
        ),
        false => Check::ok("memory", found),
    };
    let usable = (usable != u64::MAX).then_some(usable);
    check.with([
        ("usable_bytes", json!(usable)),
        ("installed_bytes", json!(installed)),
        ("available_bytes", json!(available)),
    ])
}

pub(super) fn gpus() -> Check {
    let driver = device::has_driver();
    let visible = env::var(VISIBLE).ok();
    gpu_check(driver, device::driver_version().as_deref(), &driver_gpus(), visible.as_deref())
}

fn gpu_check(driver: bool, version: Option<&str>, gpus: &[Gpu], visible: Option<&str>) -> Check {
    let listed = gpus.iter().map(described).collect::<Vec<_>>().join("; ");
    let of_driver = version.map_or("a driver".to_owned(), |version| format!("driver {version}"));
    let check = if !driver {
        Check::ok("GPU", "no NVIDIA driver: networks are trained on the CPU")
    } else if gpus.is_empty() {
        Check::note(
            "GPU",
            &format!("{of_driver}, which shows no GPU"),
            "`nvidia-smi` says why; a container needs the driver's library too (docker run --gpus all, apptainer --nv)",
        )
    } else if let Some(visible) = visible {
        let found = format!("{of_driver}; {listed}; {VISIBLE} is `{visible}`");
        Check::ok("GPU", found)
    } else {
        Check::ok("GPU", format!("{of_driver}; {listed}"))
    };
    let facts = gpus.iter().map(|gpu| {
        json!({
            "name": gpu.name,
            "memory_bytes": gpu.memory.map(|(all, _)| all),
            "free_bytes": gpu.memory.map(|(_, free)| free),
            "compute_capability": gpu.capability.map(|(major, minor)| format!("{major}.{minor}")),
            "divided": gpu.divided,
        })
    });
    check.with([("driver", json!(version)), ("gpus", facts.collect())])
}

fn described(gpu: &Gpu) -> String {
    let mut text = gpu.name.clone();
    if let Some((all, free)) = gpu.memory {
        text += &format!(", {} ({} free)", gigabytes(all), gigabytes(free));
    }
    if let Some((major, minor)) = gpu.capability {
        text += &format!(", compute capability {major}.{minor}");
    }
    if gpu.divided {
        text += ", in parts (MIG)";
    }
    text
}

pub(super) fn precision() -> Check {
    precision_check(Instructions::here(), &driver_gpus())
}

/// What `train.precision` is worth here.
fn precision_check(instructions: Option<Instructions>, gpus: &[Gpu]) -> Check {
    let ampere = |gpu: &Gpu| gpu.capability.is_some_and(|known| known >= AMPERE);
    let fast = instructions.is_some_and(|found| found.bf16 || found.amx);
    let on_gpu = !gpus.is_empty() && gpus.iter().all(ampere);
    let found = match (gpus.is_empty(), on_gpu) {
        (false, true) => "bf16 and tf32 are fast on the GPU",
        (false, false) => "a GPU older than Ampere has neither bf16 nor tf32: keep f32",
        (true, _) if fast => "bf16 is faster than f32 on this CPU; tf32 needs a GPU",
        (true, _) if instructions.is_none() => {
            "unknown: the system does not list the processor's instructions"
        }
        (true, _) => {
            "f32; bf16 works on this CPU, but has no instructions there (AVX-512-BF16 or AMX) that make it pay"
        }
    };
    Check::ok("precision", found)
        .with([("cpu_bf16", json!(instructions.map(|_| fast))), ("gpu_bf16", json!(on_gpu))])
}

pub(super) fn environment() -> Check {
    let set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let set: Vec<&str> = ROUNDING_VARIABLES.into_iter().filter(set).collect();
    match set.as_slice() {
        [] => Check::ok("environment", "no variable that changes how float32 is rounded"),
        set => Check::note(
            "environment",
            &format!("{}, which changes how float32 is rounded", set.join(" and ")),
            "`run` unsets it for its trainings; `worker` and `reproduce` refuse it: unset it",
        ),
    }
    .with([("set", json!(set))])
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    const GB: u64 = 1_000_000_000;

    #[test]
    fn a_limit_of_memory_is_told_from_the_machine_s() {
        let limited = memory_check(4 * GB, Some(32 * GB), Some(20 * GB));
        assert_eq!(
            limited.found,
            "4.0 GB (the limit of a control group; the machine has 32.0 GB), 20.0 GB of the machine's are free"
        );
        assert_eq!(limited.state, State::Ok);
        assert_eq!(memory_check(32 * GB, Some(32 * GB), Some(GB)).state, State::Note);
        let unknown = memory_check(u64::MAX, None, None);
        assert_eq!((unknown.state, unknown.found.as_str()), (State::Ok, "of unknown size"));
        assert_eq!(unknown.facts["usable_bytes"], Value::Null);
    }

    fn gpu(capability: (u32, u32)) -> Gpu {
        let memory = Some((150 * GB, 149 * GB));
        Gpu { name: "NVIDIA H200".into(), memory, capability: Some(capability), divided: false }
    }

    #[test]
    fn gpus_are_described_and_a_driver_without_one_has_a_cure() {
        let found = gpu_check(true, Some("580.65"), &[gpu((9, 0))], None).found;
        assert_eq!(
            found,
            "driver 580.65; NVIDIA H200, 150.0 GB (149.0 GB free), compute capability 9.0"
        );
        let hidden = gpu_check(true, Some("580.65"), &[gpu((9, 0))], Some("-1")).found;
        assert!(hidden.ends_with("CUDA_VISIBLE_DEVICES is `-1`"), "{hidden}");
        let none = gpu_check(true, None, &[], None);
        assert_eq!(
            (none.state, none.found.as_str()),
            (State::Note, "a driver, which shows no GPU")
        );
        assert_eq!(gpu_check(false, None, &[], None).state, State::Ok);
    }

    #[test]
    fn precision_is_advised_by_what_computes() {
        let cpu = |bf16, amx| Some(Instructions { avx2: true, avx512: true, bf16, amx });
        let found = |cpu, gpus: &[Gpu]| precision_check(cpu, gpus).found;
        assert!(found(cpu(false, true), &[]).starts_with("bf16 is faster than f32 on this CPU"));
        assert!(found(cpu(false, false), &[]).starts_with("f32; bf16 works"));
        assert!(found(None, &[]).starts_with("unknown"));
        assert!(found(cpu(false, false), &[gpu((9, 0))]).starts_with("bf16 and tf32 are fast"));
        let older = found(cpu(true, true), &[gpu((9, 0)), gpu((7, 5))]);
        assert!(older.starts_with("a GPU older than Ampere"), "{older}");
    }
}

//! The device of a training, and libtorch's settings there.

use std::path::PathBuf;

use tch::{Cuda, Device};

use crate::experiment::{DeviceChoice, Precision};
use crate::machine::device::{AskedBy, DeviceError, LIBTORCH_VERSION, NoCuda, VISIBLE, has_driver};

/// The device to train on. `auto` takes the first GPU if there is a driver, and warns on stderr
/// if the driver exists but the GPU cannot be used.
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

/// `cpu`, `cuda:0` …
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The model of a device's processor; empty if the system does not provide it.
pub fn processor(device: Device) -> String {
    crate::machine::device::processor(match device {
        Device::Cuda(index) => Some(index),
        _ => None,
    })
}

/// The version of the libtorch that is loaded; that of the build if it does not tell.
pub fn libtorch() -> String {
    super::ffi::loaded_version().unwrap_or_else(|| LIBTORCH_VERSION.to_owned())
}

/// Sets the float32 precision on a device explicitly: by libtorch's default cuDNN's convolutions round to
/// TF32.
///
/// # Errors
/// Where the precision is not available there.
pub fn set_precision(precision: Precision, device: Device) -> Result<(), DeviceError> {
    let tf32 = precision == Precision::Tf32;
    if device.is_cuda() {
        // The fastest of its algorithms for these shapes, found by trying each once.
        Cuda::cudnn_set_benchmark(true);
    }
    if tf32 && !device.is_cuda() {
        return Err(DeviceError::NoTf32 { device: name(device) });
    }
    match super::ffi::allow_tf32(tf32) {
        true => Ok(()),
        false => Err(DeviceError::Precision(precision)),
    }
}

/// Limits libtorch's threads and configures its memory. Call it once, before the first tensor is made.
pub fn prepare(threads: u32) {
    set_threads(threads);
    keep_large_blocks();
}

/// Limits libtorch's threads from now on. To be called by the thread that trains: OpenMP's limit is per
/// thread.
pub fn set_threads(threads: u32) {
    tch::set_num_threads(threads as i32);
}

/// glibc hands blocks of more than 32 MiB back to the system when they are freed, and allocates them again at
/// the next step: a fifth of a training step. This makes it keep them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_large_blocks() {
    // SAFETY: mallopt only sets the allocator's own limits.
    keep_large_blocks_by(|parameter, value| unsafe { libc::mallopt(parameter, value) });
}

/// Up to glibc 2.34 no block above 32 MiB can be kept off `mmap` by its size: `do_set_mmap_threshold`
/// (malloc/malloc.c) refuses more than `HEAP_MAX_SIZE / 2`, and mallopt(3) then returns 0. There `mmap` is
/// disabled altogether (`M_MMAP_MAX`), which is never refused: blocks that the heap cannot provide are mapped
/// anyway.
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
    // Before any CUDA query: libtorch would cache that there is none.
    load_cuda_library().map_err(NoCuda::Library)?;
    let devices = Cuda::device_count();
    let visible = std::env::var(VISIBLE).ok();
    let there = i64::try_from(index).is_ok_and(|index| index < devices);
    if there { Ok(()) } else { Err(NoCuda::NoSuchDevice { devices, visible }) }
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

    /// Needs no GPU: without one libtorch reports a missing driver.
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

//! The machine's resources and their division among trainings.
//!
//! In: the state of system and drivers, and the user's options. Out: the available devices, the number of trainings in
//! parallel and of threads for each. Neither libtorch nor CUDA is used: both take long to load.

#[cfg(target_os = "linux")]
mod cgroup;
pub mod device;
mod gpu;
#[cfg(target_os = "linux")]
mod mounts;
mod processor;
mod resources;

pub use device::{AskedBy, DeviceError};
pub use gpu::{Gpu, gpus};
#[cfg(target_os = "linux")]
pub use mounts::file_system;
pub use processor::{Instructions, available_memory, installed_memory};
pub use resources::{Asked, Machine, Resources, memory, training_memory};

/// The kind of file system that a folder lies on: other systems than Linux are not asked.
#[cfg(not(target_os = "linux"))]
pub fn file_system(_: &std::path::Path) -> Option<String> {
    None
}

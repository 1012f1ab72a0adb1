//! The machine's resources and their division among trainings.
//!
//! In: the state of system and drivers, and the user's options. Out: the available devices, the number of trainings in
//! parallel and of threads for each; and where the files lie that a machine has beside the program. Neither libtorch nor CUDA is used: both take long to load.

#[cfg(target_os = "linux")]
mod cgroup;
pub mod device;
mod fetched;
mod gpu;
mod processor;
mod python;
mod resources;

pub use device::{AskedBy, DeviceError};
pub use fetched::Fetched;
pub use gpu::{Gpu, gpus};
pub use processor::{Instructions, available_memory, installed_memory};
pub use python::Environment;
pub use resources::{Asked, Machine, Resources, memory, training_memory};

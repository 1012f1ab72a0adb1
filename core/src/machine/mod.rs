//! The machine, and how it is divided among trainings.
//!
//! In: what the system and the drivers tell, and what the user asked for. Out: which devices can be had, how many
//! trainings run at once and how many threads each has. Neither libtorch nor CUDA is asked: both take long to
//! load.

mod cgroup;
mod crew;
pub mod device;
mod gpu;

pub use crew::{Asked, Crew, Machine};
pub use device::{AskedBy, DeviceError};

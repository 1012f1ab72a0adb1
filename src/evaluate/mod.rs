//! What a network answers under an occlusion, and how good that is.
//!
//! In: a network, a split on the device, what covers it. Out: a row an image, and the metrics of such
//! rows. This room knows nothing of how the network was trained.

mod adaptation;
pub mod metrics;
mod predictions;
pub mod sensitivity;

pub use adaptation::adapted;
pub use predictions::predictions;

//! What a network answers under an occlusion, and where it looks.
//!
//! In: a network, a split on the device, what covers it. Out: a row an image, and maps of the face. This room knows nothing of how the network was trained.

mod adaptation;
#[cfg(test)]
mod captum;
mod predictions;
pub mod sensitivity;

pub use adaptation::adapted;
pub use predictions::predictions;

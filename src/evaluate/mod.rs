//! A network's predictions under an occlusion, and its sensitivity maps.
//!
//! In: a network, a split on the device, its masks. Out: a row per image, and maps of the face. This room does not
//! depend on how the network was trained.

mod adaptation;
#[cfg(test)]
mod captum;
mod predictions;
pub mod sensitivity;

pub use adaptation::adapted;
pub use predictions::predictions;

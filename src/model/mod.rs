//! The network.
//!
//! In: standardised pictures `[N, C, H, W]`. Out: logits `[N, K]`. This room has the layers and their
//! parameters, and does not depend on data, losses or epochs.

mod changed;
mod chunks;
mod folded;
mod inference;
mod network;
pub mod onnx;
mod parameters;
mod patches;
mod standard;
mod values;
mod vgg;
pub mod weights;

pub use changed::{Known, Parts, Span};
pub use chunks::in_chunks;
pub use folded::Folded;
pub use inference::{ByValue, Inference};
pub use network::{Network, Parameter, Rescale, WeightsError, channels_last};
pub use onnx::{NetworkFailed, OnnxError, OnnxNetwork};
pub use values::{values, with_values, with_values_mut};

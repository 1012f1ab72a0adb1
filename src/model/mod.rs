//! The network.
//!
//! In: standardised pictures `[N, C, H, W]`. Out: logits `[N, K]`. This room knows the layers and their
//! parameters, and nothing of data, losses or epochs.

mod count;
mod network;
pub mod weights;

pub use count::{ParameterCount, multiply_adds};
pub use network::{Network, Parameter, WeightsError};

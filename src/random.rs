//! The random number generators, libtorch's included.

use std::sync::{Mutex, PoisonError};

use tch::{Device, Kind, Tensor};

pub use fer_lab_core::random::{generator, torch_seed};

/// Standard normal numbers, f32; `seed` is a [`torch_seed`].
pub fn normal(size: &[i64], device: Device, seed: i64) -> Tensor {
    drawn(seed, || Tensor::randn(size, (Kind::Float, device)))
}

/// Numbers from 0 to 1, without 1, f32; `seed` is a [`torch_seed`].
pub fn uniform(size: &[i64], device: Device, seed: i64) -> Tensor {
    drawn(seed, || Tensor::rand(size, (Kind::Float, device)))
}

/// libtorch has one generator for the whole process: it is seeded and used at once, with no other draw in between.
fn drawn(seed: i64, draw: impl FnOnce() -> Tensor) -> Tensor {
    static GENERATOR: Mutex<()> = Mutex::new(());
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(seed);
    draw()
}

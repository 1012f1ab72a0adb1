//! Numbers out of tensors.

use tch::kind::Element;
use tch::{Device, Tensor};

/// A tensor's numbers, row-major. Its kind must be that of `T`.
pub fn values<T: Element + Copy + Default>(tensor: &Tensor) -> Vec<T> {
    let flat = tensor.to_device(Device::Cpu).contiguous().view(-1);
    let mut values = vec![T::default(); flat.numel()];
    flat.copy_data(&mut values, flat.numel());
    values
}

//! Numbers out of tensors.

use std::slice;

use tch::kind::Element;
use tch::{Device, Tensor};

/// A tensor's numbers, row-major. Its kind must be that of `T`.
pub fn values<T: Element + Copy + Default>(tensor: &Tensor) -> Vec<T> {
    let flat = tensor.to_device(Device::Cpu).contiguous().view(-1);
    let mut values = vec![T::default(); flat.numel()];
    flat.copy_data(&mut values, flat.numel());
    values
}

/// What `use_them` makes of a tensor's numbers, row-major, which are not copied where they lie so on the CPU. Its kind must be
/// that of `T`.
pub fn with_values<T: Element, R>(tensor: &Tensor, use_them: impl FnOnce(&[T]) -> R) -> R {
    let flat = tensor.to_device(Device::Cpu).contiguous();
    assert_eq!(flat.kind(), T::KIND);
    let length = flat.numel();
    if length == 0 {
        return use_them(&[]);
    }
    // SAFETY: a contiguous tensor on the CPU has its `length` numbers of this kind one after the other from here on, initialised
    // and aligned, for as long as `flat` lives; nothing writes to them meanwhile.
    use_them(unsafe { slice::from_raw_parts(flat.data_ptr().cast::<T>().cast_const(), length) })
}

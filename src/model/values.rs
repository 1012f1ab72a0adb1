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

/// What `use_them` makes of a tensor's numbers, row-major, which it may change in place: all tensors that share them see it.
///
/// # Panics
/// Where they do not lie so on the CPU, or are not of the kind of `T`.
pub fn with_values_mut<T: Element, R>(
    tensor: &mut Tensor,
    use_them: impl FnOnce(&mut [T]) -> R,
) -> R {
    assert!(tensor.device() == Device::Cpu && tensor.is_contiguous());
    assert_eq!(tensor.kind(), T::KIND);
    let length = tensor.numel();
    if length == 0 {
        return use_them(&mut []);
    }
    // SAFETY: as in `with_values`; `use_them` has no way to these numbers by another tensor but this function, and nobody else
    // reads or writes the part of a tensor that a caller was given to change.
    use_them(unsafe { slice::from_raw_parts_mut(tensor.data_ptr().cast::<T>(), length) })
}

//! Functions of libtorch that tch does not expose: the C++ is in `ffi.cpp`.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    fn fer_lab_allow_tf32(allowed: c_int) -> c_int;
    fn fer_lab_begin_counting();
    fn fer_lab_end_counting() -> *const c_char;
    fn fer_lab_description() -> *const c_char;
}

/// Whether a GPU may round float32 to TF32 in convolutions and products, from now on in this process.
/// `false` where libtorch refuses.
pub(super) fn allow_tf32(allowed: bool) -> bool {
    // SAFETY: it sets two flags of libtorch's own and lets no exception out.
    unsafe { fer_lab_allow_tf32(c_int::from(allowed)) == 0 }
}

/// The version of the libtorch that is loaded, which need not be that of the build: `2.13.0`. `None` if it does not tell.
pub fn loaded_version() -> Option<String> {
    let text = description();
    let version = text.split_once("TORCH_VERSION=")?.1;
    let end = version.find(|c: char| !(c.is_ascii_alphanumeric() || ".+".contains(c)));
    Some(version[..end.unwrap_or(version.len())].to_owned())
}

/// How often each of libtorch's operators is called within `work`, except those that only call others: on a
/// GPU, about the number of kernel launches, plus operators that only make a view.
pub fn count_operators(work: impl FnOnce()) -> BTreeMap<String, u64> {
    // SAFETY: the callbacks are libtorch's own hooks for profilers. The text stays until the next count.
    let text = unsafe {
        fer_lab_begin_counting();
        work();
        CStr::from_ptr(fer_lab_end_counting())
    };
    let text = text.to_string_lossy();
    let counts = text.lines().filter_map(|line| line.rsplit_once(' '));
    counts.filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?))).collect()
}

/// What libtorch says of its build and of the processor, a fact a line; empty where it refuses.
pub fn description() -> String {
    // SAFETY: the text is made once and stays for as long as the process lives.
    unsafe { CStr::from_ptr(fer_lab_description()) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaded_library_tells_its_version() {
        assert_eq!(
            loaded_version().as_deref(),
            Some(fer_lab_core::machine::device::LIBTORCH_VERSION)
        );
    }
}

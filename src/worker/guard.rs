//! libtorch's errors, caught.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that calls libtorch, whose errors are panics in most of `tch`, and returns their text.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let panics = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let result = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(panics);
    result.map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("an error without a text");
        // libtorch appends its own call stack; the first line is the error.
        text.lines().next().unwrap_or(text).to_owned()
    })
}

//! libtorch's errors, caught.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::model::NetworkFailed;

/// Runs code that calls libtorch, whose errors are panics in most of `tch`, and returns their text, which says whose
/// error it is.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let panics = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let result = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(panics);
    result.map_err(|panic| {
        if let Some(NetworkFailed(text)) = panic.downcast_ref() {
            return text.clone();
        }
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("an error without a text");
        // libtorch appends its own call stack; the first line is the error.
        format!("libtorch: {}", text.lines().next().unwrap_or(text))
    })
}

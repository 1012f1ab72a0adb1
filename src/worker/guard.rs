//! libtorch's errors, caught.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::NetworkFailed;

/// Whether any call of [`guarded`] has caught an error.
static CAUGHT: AtomicBool = AtomicBool::new(false);

/// Whether libtorch has raised an error in this process, after which it may be in any state.
pub(super) fn has_caught() -> bool {
    CAUGHT.load(Ordering::Relaxed)
}

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
        CAUGHT.store(true, Ordering::Relaxed);
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("an error without a text");
        // libtorch appends its own call stack; the first line is the error.
        format!("libtorch: {}", text.lines().next().unwrap_or(text))
    })
}

//! What the caller of a function that panics reads.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message of the panic.
#[track_caller]
pub fn message<T>(run: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else { panic!("it did not panic") };
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic without numbers".to_owned())
}

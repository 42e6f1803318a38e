//! What a process sets once so that kernels reach their full speed: its threads and its allocator.

use std::num::NonZero;

use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};
use thiserror::Error;

/// A training step allocates large arrays and frees them a moment later. The allocator of glibc hands each of them back
/// to the system, which has to clear its pages when they come again: a third of the time of a step.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sets threads and allocator of the process for training. Call it once, first thing in `main`, on the thread that
/// trains.
///
/// - The calling thread becomes one of `n_threads` that compute, `None` for as many as the machine has cores. Work does
///   not have to be handed to another thread first, which takes 20 to 50 µs: as long as a small kernel.
/// - With the feature `mimalloc`, which makes [mimalloc](https://docs.rs/mimalloc) the allocator of the process, freed
///   memory is kept instead of handed back to the system after a second, which saves a tenth of a step.
///
/// Results are the same without it, bit for bit.
///
/// # Errors
///
/// If the threads cannot be started, or have been before: by a second call, or by parallel work.
///
/// # Examples
///
/// ```standalone_crate
/// qkv_kernels::prepare_process(None)?;
/// assert!(qkv_kernels::prepare_process(None).is_err());
/// # Ok::<(), qkv_kernels::ProcessError>(())
/// ```
pub fn prepare_process(n_threads: Option<NonZero<usize>>) -> Result<(), ProcessError> {
    #[cfg(feature = "mimalloc")]
    keep_freed_memory();
    let pool = ThreadPoolBuilder::new().num_threads(n_threads.map_or(0, NonZero::get));
    pool.use_current_thread().build_global().map_err(ProcessError)
}

/// Why [`prepare_process`] has not set the threads of the process.
#[derive(Debug, Error)]
#[error("the threads of this process can be set once, before any of them computes: {0}")]
pub struct ProcessError(ThreadPoolBuildError);

#[cfg(feature = "mimalloc")]
fn keep_freed_memory() {
    /// Index of the option `purge_delay` in mimalloc 3, which the bindings do not name; -1 means never.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: the function sets one number in a table of options, of which `PURGE_DELAY` is an index. There is no lock
    // around the table; the allocator itself fills it in on whatever thread reads an option first.
    #[expect(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, -1);
    }
}

//! Who does the tasks of a kernel. What the tasks are never depends on it, so neither do the results.

use rayon::prelude::*;

/// Below this many nanoseconds of estimated work a kernel stays on the calling thread. Waking a sleeping thread takes
/// 20 to 30 microseconds on a virtual machine, so two threads gain a quarter here, and lose as much when the machine is
/// busy.
const MIN_PARALLEL_NS: f64 = 100_000.0;

/// Numbers of a task of an element-wise kernel: 64 KiB of `f32`, long enough that handing it out costs nothing.
pub(crate) const CHUNK: usize = 16_384;

/// Parts into which the rows of a kernel with sums over all rows are split at most. Each part keeps sums of its own.
const MAX_PARTS: usize = 32;

/// Rows of a part at least, so that its sums are small beside its rows.
const MIN_ROWS: usize = 32;

/// Whether several threads are faster than one at this much work.
pub(crate) fn is_worth_it(work_ns: f64) -> bool {
    work_ns >= MIN_PARALLEL_NS && rayon::current_num_threads() > 1
}

/// Does `task` for every item, in parallel if all of them together take about `work_ns` on one thread and that is worth
/// it. An item owns what its task writes to, or its task reaches that through a
/// [`SharedView`](crate::memory::SharedView).
pub(crate) fn for_each<I: Send>(
    items: impl Iterator<Item = I>,
    work_ns: f64,
    task: impl Fn(I) + Sync + Send,
) {
    if !is_worth_it(work_ns) {
        return items.for_each(task);
    }
    let items: Vec<I> = items.collect();
    match items.len() {
        0 | 1 => items.into_iter().for_each(task),
        _ => items.into_par_iter().for_each(task),
    }
}

/// Rows of a part, for a kernel that adds something up over `n_rows` rows.
pub(crate) fn rows_per_part(n_rows: usize) -> usize {
    n_rows.div_ceil(MAX_PARTS).max(MIN_ROWS)
}

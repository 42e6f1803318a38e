//! Working memory of a task, kept by its thread: a kernel that is called a thousand times a second must not ask the
//! system for pages each time.

use std::cell::RefCell;

use crate::simd::Float;

/// A cache line, in bytes: vectors that start on one never straddle two.
const LINE: usize = 64;

thread_local! {
    static MEMORY: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Calls `body` with parts of `sizes` numbers each. They hold whatever was left there by another call.
///
/// # Panics
///
/// If `body` asks for scratch memory itself.
pub(crate) fn with_scratch<T: Float, const PARTS: usize, R>(
    sizes: [usize; PARTS],
    body: impl FnOnce([&mut [T]; PARTS]) -> R,
) -> R {
    let per_line = LINE / size_of::<T>();
    let padded = sizes.map(|size| size.next_multiple_of(per_line));
    MEMORY.with_borrow_mut(|memory| {
        let bytes = padded.iter().sum::<usize>() * size_of::<T>() + LINE;
        if memory.len() * size_of::<u64>() < bytes {
            memory.resize(bytes / size_of::<u64>(), 0);
        }
        let numbers = bytemuck::cast_slice_mut::<u64, T>(memory);
        let start = numbers.as_ptr().align_offset(LINE);
        let mut rest = &mut numbers[start..];
        body(std::array::from_fn(|part| {
            let (head, tail) = std::mem::take(&mut rest).split_at_mut(padded[part]);
            rest = tail;
            &mut head[..sizes[part]]
        }))
    })
}

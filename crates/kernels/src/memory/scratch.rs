//! Working memory of a task, kept by its thread: a kernel that is called a thousand times a second must not ask the
//! system for pages each time.

use std::cell::Cell;

use crate::simd::Float;

/// A cache line, in bytes: vectors that start on one never straddle two.
const LINE: usize = 64;

thread_local! {
    static MEMORY: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

/// Calls `body` with parts of `sizes` numbers each. They hold whatever was left there by another call.
pub(crate) fn with_scratch<T: Float, const PARTS: usize, R>(
    sizes: [usize; PARTS],
    body: impl FnOnce([&mut [T]; PARTS]) -> R,
) -> R {
    let per_line = LINE / size_of::<T>();
    let padded = sizes.map(|size| size.next_multiple_of(per_line));
    let bytes = padded.iter().sum::<usize>() * size_of::<T>() + LINE;
    // Taken, not borrowed: while `body` waits for a parallel product, its thread may begin another task with scratch.
    let mut memory = MEMORY.take();
    if memory.len() * size_of::<u64>() < bytes {
        memory.resize(bytes / size_of::<u64>(), 0);
    }
    let numbers = bytemuck::cast_slice_mut::<u64, T>(&mut memory);
    let start = numbers.as_ptr().align_offset(LINE);
    let mut rest = &mut numbers[start..];
    let result = body(std::array::from_fn(|part| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(padded[part]);
        rest = tail;
        &mut head[..sizes[part]]
    }));
    MEMORY.set(memory);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_start_on_a_line_and_are_kept_through_a_call_inside() {
        with_scratch::<f32, 2, _>([3, 17], |[a, b]| {
            a.fill(1.0);
            b.fill(2.0);
            with_scratch::<f64, 1, _>([40], |[c]| c.fill(3.0));
            assert_eq!((&*a, &*b), (&[1.0; 3][..], &[2.0; 17][..]));
            assert_eq!([a.as_ptr().align_offset(LINE), b.as_ptr().align_offset(LINE)], [0, 0]);
        });
    }
}

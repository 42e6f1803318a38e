//! Outputs that nobody clears beforehand: a task clears the part that it is about to write, while it is in its cache.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::parallel::{self, CHUNK};
use crate::simd::Float;

/// `len` zeros, cleared by as many threads as it takes.
///
/// ```
/// assert_eq!(qkv_kernels::zeros::<f32>(3), [0.0; 3]);
/// ```
pub fn zeros<T: Float>(len: usize) -> Vec<T> {
    let mut fresh = Fresh::new(len);
    parallel::for_each_item(fresh.parts(CHUNK), NS * len as f64, |part| {
        part.zeros();
    });
    fresh.finish()
}

/// Measured: nanoseconds to clear a number in memory that is not in the cache.
const NS: f64 = 0.3;

/// Room for `len` numbers, given to tasks in parts.
pub(crate) struct Fresh<T> {
    values: Vec<T>,
    len: usize,
    /// How many numbers have been written.
    written: AtomicUsize,
}

/// A part of the room, which holds no numbers yet.
pub(crate) struct Room<'a, T> {
    room: &'a mut [MaybeUninit<T>],
    written: &'a AtomicUsize,
}

impl<T: Float> Fresh<T> {
    pub(crate) fn new(len: usize) -> Self {
        Self { values: Vec::with_capacity(len), len, written: AtomicUsize::new(0) }
    }

    /// Parts of `size` numbers, the last one perhaps shorter.
    pub(crate) fn parts(&mut self, size: usize) -> impl Iterator<Item = Room<'_, T>> {
        let written = &self.written;
        let room = &mut self.values.spare_capacity_mut()[..self.len];
        room.chunks_mut(size.max(1)).map(move |room| Room { room, written })
    }

    /// All numbers.
    ///
    /// # Panics
    ///
    /// If a part was not written.
    pub(crate) fn finish(mut self) -> Vec<T> {
        assert_eq!(self.written.into_inner(), self.len, "every part of an output is written");
        // SAFETY: the parts do not overlap, each can be written once, and together they have as many numbers as there
        // are; so all of them are initialized.
        #[expect(unsafe_code)]
        unsafe {
            self.values.set_len(self.len);
        }
        self.values
    }
}

impl<'a, T: Float> Room<'a, T> {
    /// Fills the part with zeros.
    pub(crate) fn zeros(self) -> &'a mut [T] {
        for number in &mut *self.room {
            number.write(T::ZERO);
        }
        self.written.fetch_add(self.room.len(), Ordering::Relaxed);
        // SAFETY: the loop has written every number of the part.
        #[expect(unsafe_code)]
        unsafe {
            self.room.assume_init_mut()
        }
    }

    /// Fills the part with a copy.
    pub(crate) fn copy_of(self, source: &[T]) -> &'a mut [T] {
        self.written.fetch_add(self.room.len(), Ordering::Relaxed);
        self.room.write_copy_of_slice(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_what_was_written_into_them() {
        let mut fresh = Fresh::<f32>::new(5);
        let mut parts = fresh.parts(3);
        parts.next().expect("three numbers").copy_of(&[1.0, 2.0, 3.0]);
        parts.next().expect("two numbers").zeros()[1] = 5.0;
        assert!(parts.next().is_none());
        drop(parts);
        assert_eq!(fresh.finish(), [1.0, 2.0, 3.0, 0.0, 5.0]);
    }

    #[test]
    fn an_output_with_a_hole_is_never_handed_out() {
        let mut fresh = Fresh::<f64>::new(4);
        fresh.parts(2).next().expect("two numbers").zeros();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fresh.finish()));
        assert!(result.is_err());
    }
}

//! Outputs that hold no numbers yet: each task clears or copies the part that it is about to write, while that part is
//! in its cache.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::parallel::{self, CHUNK};
use crate::simd::Float;

/// `len` zeros, cleared in parallel where `len` is large.
///
/// ```
/// assert_eq!(qkv_kernels::zeros::<f32>(3), [0.0; 3]);
/// ```
pub fn zeros<T: Float>(len: usize) -> Vec<T> {
    let mut zeros = UninitVec::new(len);
    parallel::for_each(zeros.parts(CHUNK), NS_PER_NUMBER * len as f64, |part| {
        part.zeros();
    });
    zeros.finish()
}

/// Measured: nanoseconds to clear a number in memory that is not in the cache.
const NS_PER_NUMBER: f64 = 0.3;

/// A vector of `len` numbers that are still to be written.
pub(crate) struct UninitVec<T> {
    values: Vec<T>,
    len: usize,
    /// Numbers written through the parts of the latest call of [`parts`](Self::parts).
    n_written: AtomicUsize,
}

/// A part of an [`UninitVec`], which can be written once.
pub(crate) struct UninitPart<'a, T> {
    values: &'a mut [MaybeUninit<T>],
    n_written: &'a AtomicUsize,
}

impl<T: Float> UninitVec<T> {
    pub(crate) fn new(len: usize) -> Self {
        Self { values: Vec::with_capacity(len), len, n_written: AtomicUsize::new(0) }
    }

    /// Parts of `size` numbers, the last one perhaps shorter. A second call starts over: the parts of the first have to
    /// be gone, and what was written through them does not count.
    pub(crate) fn parts(&mut self, size: usize) -> impl Iterator<Item = UninitPart<'_, T>> {
        *self.n_written.get_mut() = 0;
        let n_written = &self.n_written;
        let values = &mut self.values.spare_capacity_mut()[..self.len];
        values.chunks_mut(size.max(1)).map(move |values| UninitPart { values, n_written })
    }

    /// All numbers.
    ///
    /// # Panics
    ///
    /// If a part was not written.
    pub(crate) fn finish(mut self) -> Vec<T> {
        assert_eq!(self.n_written.into_inner(), self.len, "every part of an output is written");
        // SAFETY: the parts of one call of `parts` do not overlap, and each counts its numbers once, after all of them
        // are written. The count starts at zero with every call, and no part of an earlier call is left then, because
        // the call needs the vector exclusively. As many were written as there are: all of them are initialized.
        #[expect(unsafe_code)]
        unsafe {
            self.values.set_len(self.len);
        }
        self.values
    }
}

impl<'a, T: Float> UninitPart<'a, T> {
    /// Fills the part with zeros.
    pub(crate) fn zeros(self) -> &'a mut [T] {
        for number in &mut *self.values {
            number.write(T::ZERO);
        }
        self.n_written.fetch_add(self.values.len(), Ordering::Relaxed);
        // SAFETY: the loop has written every number of the part.
        #[expect(unsafe_code)]
        unsafe {
            self.values.assume_init_mut()
        }
    }

    /// Fills the part with a copy.
    ///
    /// # Panics
    ///
    /// If `source` is not of the size of the part.
    #[track_caller]
    pub(crate) fn copy_of(self, source: &[T]) -> &'a mut [T] {
        let values = self.values.write_copy_of_slice(source);
        self.n_written.fetch_add(values.len(), Ordering::Relaxed);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn parts_become_what_was_written_into_them() {
        let mut output = UninitVec::<f32>::new(5);
        let mut parts = output.parts(3);
        parts.next().expect("three numbers").copy_of(&[1.0, 2.0, 3.0]);
        parts.next().expect("two numbers").zeros()[1] = 5.0;
        assert!(parts.next().is_none());
        drop(parts);
        assert_eq!(output.finish(), [1.0, 2.0, 3.0, 0.0, 5.0]);
    }

    #[test]
    fn an_output_with_a_hole_is_never_handed_out() {
        let mut output = UninitVec::<f64>::new(4);
        output.parts(2).next().expect("two numbers").zeros();
        refused(output);
    }

    #[test]
    fn the_first_half_written_twice_is_not_the_whole() {
        let mut output = UninitVec::<f64>::new(4);
        output.parts(2).next().expect("two numbers").zeros();
        output.parts(2).next().expect("two numbers").zeros();
        refused(output);
    }

    #[test]
    fn a_copy_that_does_not_fit_has_written_nothing() {
        let mut output = UninitVec::<f64>::new(2);
        let part = output.parts(2).next().expect("two numbers");
        assert!(catch_unwind(AssertUnwindSafe(|| part.copy_of(&[1.0]).len())).is_err());
        refused(output);
    }

    #[track_caller]
    fn refused(output: UninitVec<f64>) {
        assert!(catch_unwind(AssertUnwindSafe(|| output.finish())).is_err());
    }
}

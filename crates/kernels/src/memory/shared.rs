//! Parallel tasks that write to interleaved parts of one slice.
//!
//! The context of a head lies in every position's row, between those of the other heads. No safe way to split a slice
//! yields such parts without an allocation for each row, so tasks get a pointer, and each asks for its own parts only.

use std::marker::PhantomData;

/// A slice of which several tasks write parts at the same time.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for an exclusive borrow of numbers; sending one of those to another thread is sound, and what is
// shared between threads is reached through `part` alone, whose caller promises that no two parts in use overlap.
#[expect(unsafe_code)]
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), borrow: PhantomData }
    }

    /// The `len` numbers from `start` on.
    ///
    /// # Safety
    ///
    /// While the part is in use nobody else may ask for one that overlaps it.
    ///
    /// # Panics
    ///
    /// If the part ends behind the slice.
    #[expect(unsafe_code, clippy::mut_from_ref)]
    #[inline(always)]
    pub(crate) unsafe fn part(&self, start: usize, len: usize) -> &mut [T] {
        assert!(start <= self.len && len <= self.len - start, "{start} + {len} of {}", self.len);
        // SAFETY: the part lies within a slice that is borrowed exclusively for as long as `self` lives, and the caller
        // promises that no other part overlaps it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}

//! Outputs that many tasks write at the same time, each to rows of its own.
//!
//! The context of a head lies in every position's row, between those of the other heads. No safe way to split a slice
//! yields such parts without an allocation for each row, so a task gets a pointer and borrows its rows one by one.

use std::marker::PhantomData;
use std::ops::Range;

use super::view::{Axes, ViewMut};

/// A `[batch, seq_len, n_heads, d]` of which several tasks write rows.
pub(crate) struct SharedView<'a, T> {
    start: *mut T,
    axes: Axes,
    /// Of batch entries, positions and heads.
    strides: [usize; 3],
    borrow: PhantomData<&'a mut [T]>,
}

/// Some positions of some heads of one batch entry, for one task alone.
pub(crate) struct RowsMut<'a, T> {
    /// The row of position 0 and head 0.
    start: *mut T,
    positions: Range<usize>,
    heads: Range<usize>,
    seq_stride: usize,
    head_stride: usize,
    d: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for an exclusive borrow of numbers. Sending one of those to another thread is sound, and what is
// shared between threads is reached through `rows` alone, whose caller promises that no two parts in use overlap.
#[expect(unsafe_code)]
unsafe impl<T: Send> Sync for SharedView<'_, T> {}

impl<'a, T> SharedView<'a, T> {
    /// # Panics
    ///
    /// If some number of `axes` lies outside the view, or two rows overlap.
    #[track_caller]
    pub(crate) fn new(name: &str, view: ViewMut<'a, T>, axes: Axes) -> Self {
        view.check(name, axes);
        let strides = [view.batch_stride, view.seq_stride, view.head_stride];
        // Where an axis is empty there is no number to reach, and the strides were not checked.
        let strides = if axes.is_empty() { [0; 3] } else { strides };
        Self { start: view.data.as_mut_ptr(), axes, strides, borrow: PhantomData }
    }

    /// The rows of `positions` of `heads` of one batch entry.
    ///
    /// # Safety
    ///
    /// While they are in use there must be no other [`RowsMut`] of this view with one of these rows.
    ///
    /// # Panics
    ///
    /// If an index lies outside the axes of the view.
    #[expect(unsafe_code)]
    pub(crate) unsafe fn rows(
        &self,
        batch: usize,
        heads: Range<usize>,
        positions: Range<usize>,
    ) -> RowsMut<'_, T> {
        let Axes { batch: n_batches, seq_len, n_heads, d } = self.axes;
        assert!(
            batch < n_batches && heads.end <= n_heads && positions.end <= seq_len,
            "batch entry {batch}, heads {heads:?} and positions {positions:?} of {:?}",
            self.axes
        );
        let [batch_stride, seq_stride, head_stride] = self.strides;
        // SAFETY: `new` has checked that every number of the axes lies in the slice.
        let start = unsafe { self.start.add(batch * batch_stride) };
        RowsMut { start, positions, heads, seq_stride, head_stride, d, borrow: PhantomData }
    }
}

impl<T> RowsMut<'_, T> {
    /// The row of one position and one head, `[d]`.
    ///
    /// # Panics
    ///
    /// If the row is not one of these.
    #[inline(always)]
    pub(crate) fn row(&mut self, head: usize, position: usize) -> &mut [T] {
        let Self { positions, heads, .. } = self;
        assert!(
            heads.contains(&head) && positions.contains(&position),
            "head {head} of {heads:?}, position {position} of {positions:?}"
        );
        // SAFETY: `SharedView::new` has checked that every row of the axes lies in the slice, and `rows` that these are
        // among them; rows do not overlap, and the maker of this part has promised that no other part in use has this
        // one. The borrow of `self` ends before it can be asked for again.
        #[expect(unsafe_code)]
        unsafe {
            let start = self.start.add(head * self.head_stride + position * self.seq_stride);
            std::slice::from_raw_parts_mut(start, self.d)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const AXES: Axes = Axes { batch: 2, seq_len: 3, n_heads: 2, d: 5 };

    #[test]
    fn every_row_is_where_its_strides_put_it() {
        let mut data = [0.0; 60];
        let view = SharedView::new("x", ViewMut::contiguous(&mut data, 3, 2, 5), AXES);
        for batch in 0..2 {
            // SAFETY: one part at a time.
            #[expect(unsafe_code)]
            let mut rows = unsafe { view.rows(batch, 0..2, 0..3) };
            for (head, position) in [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)] {
                let row = (batch * 3 + position) * 2 + head;
                rows.row(head, position).fill(row as f64);
            }
        }
        for (i, number) in data.into_iter().enumerate() {
            assert_eq!(number, (i / 5) as f64);
        }
    }

    #[test]
    fn a_row_of_another_task_is_refused() {
        let mut data = [0.0; 60];
        let view = SharedView::new("x", ViewMut::contiguous(&mut data, 3, 2, 5), AXES);
        // SAFETY: the only part.
        #[expect(unsafe_code)]
        let mut rows = unsafe { view.rows(1, 1..2, 1..3) };
        for (head, position) in [(0, 1), (1, 0), (1, 3), (2, 1)] {
            assert!(catch_unwind(AssertUnwindSafe(|| rows.row(head, position).len())).is_err());
        }
        assert_eq!(rows.row(1, 2).len(), 5);
    }
}

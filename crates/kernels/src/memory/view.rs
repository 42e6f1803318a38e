//! Where the numbers of a tensor lie in a slice: strides, so that no head is copied out and no mask is expanded.

use std::fmt::Debug;

/// A tensor `[batch, seq_len, n_heads, d]` that is read through strides. The last axis has stride one.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T> {
    /// The numbers, starting with those of batch entry 0, position 0, head 0.
    pub data: &'a [T],
    /// From one batch entry to the next.
    pub batch_stride: usize,
    /// From one position to the next.
    pub seq_stride: usize,
    /// From one head to the next.
    pub head_stride: usize,
}

/// A tensor `[batch, seq_len, n_heads, d]` that is written through strides. The last axis has stride one, and no two
/// indices share a number.
#[derive(Debug)]
pub struct ViewMut<'a, T> {
    /// The numbers, starting with those of batch entry 0, position 0, head 0.
    pub data: &'a mut [T],
    /// From one batch entry to the next.
    pub batch_stride: usize,
    /// From one position to the next.
    pub seq_stride: usize,
    /// From one head to the next.
    pub head_stride: usize,
}

/// A table `[batch, n_heads, q_len, k_len]`, or one that broadcasts to it: a stride of zero repeats an axis.
#[derive(Debug, Clone, Copy)]
pub struct Grid<'a, T> {
    /// The entries.
    pub data: &'a [T],
    /// From one batch entry to the next.
    pub batch_stride: usize,
    /// From one head to the next.
    pub head_stride: usize,
    /// From one query to the next.
    pub q_stride: usize,
    /// From one key to the next.
    pub k_stride: usize,
}

/// The sizes of the axes of a view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axes {
    pub(crate) batch: usize,
    pub(crate) seq_len: usize,
    pub(crate) n_heads: usize,
    pub(crate) d: usize,
}

impl<'a, T> View<'a, T> {
    /// The view of a contiguous `[batch, seq_len, n_heads · d]`.
    pub fn contiguous(data: &'a [T], seq_len: usize, n_heads: usize, d: usize) -> Self {
        Self { data, batch_stride: seq_len * n_heads * d, seq_stride: n_heads * d, head_stride: d }
    }

    /// # Panics
    ///
    /// If some number of `axes` lies outside the slice.
    #[track_caller]
    pub(crate) fn check(&self, name: &str, axes: Axes) {
        check_end(name, self.data.len(), axes, [self.batch_stride, self.seq_stride, self.head_stride]);
    }

    /// All positions of one head of one batch entry.
    pub(crate) fn rows(&self, batch: usize, head: usize, d: usize) -> Rows<'a, T> {
        let start = batch * self.batch_stride + head * self.head_stride;
        // Where an axis is empty the start may lie behind the end; nothing is read then.
        Rows { data: self.data.get(start..).unwrap_or_default(), stride: self.seq_stride, d }
    }
}

impl<'a, T> ViewMut<'a, T> {
    /// The view of a contiguous `[batch, seq_len, n_heads · d]`.
    pub fn contiguous(data: &'a mut [T], seq_len: usize, n_heads: usize, d: usize) -> Self {
        Self { data, batch_stride: seq_len * n_heads * d, seq_stride: n_heads * d, head_stride: d }
    }

    /// # Panics
    ///
    /// If some number of `axes` lies outside the slice, or two indices share one.
    #[track_caller]
    pub(crate) fn check(&self, name: &str, axes: Axes) {
        let strides = [self.batch_stride, self.seq_stride, self.head_stride];
        check_end(name, self.data.len(), axes, strides);
        // Sorted by stride, each axis must step over all that the smaller ones span.
        let mut steps = [(strides[0], axes.batch), (strides[1], axes.seq_len), (strides[2], axes.n_heads)];
        steps.sort_unstable();
        let mut span = axes.d;
        for (stride, size) in steps {
            if size > 1 {
                assert!(stride >= span, "{name}: strides {strides:?} let rows of {axes:?} overlap");
                span += stride * (size - 1);
            }
        }
    }
}

impl<T: Copy> Grid<'_, T> {
    /// # Panics
    ///
    /// If some entry of `[batch, n_heads, q_len, k_len]` lies outside the slice.
    #[track_caller]
    pub(crate) fn check(&self, name: &str, sizes: [usize; 4]) {
        let strides = [self.batch_stride, self.head_stride, self.q_stride, self.k_stride];
        if let Some(last) = last_index(&sizes, &strides) {
            let len = self.data.len();
            assert!(
                last < len,
                "{name} has {len} entries; {sizes:?} with strides {strides:?} needs {}",
                last + 1
            );
        }
    }

    /// The entry of query 0 and key 0.
    pub(crate) fn start(&self, batch: usize, head: usize) -> usize {
        batch * self.batch_stride + head * self.head_stride
    }
}

#[track_caller]
fn check_end(name: &str, len: usize, axes: Axes, strides: [usize; 3]) {
    let sizes = [axes.batch, axes.seq_len, axes.n_heads, axes.d];
    if let Some(last) = last_index(&sizes, &[strides[0], strides[1], strides[2], 1]) {
        assert!(last < len, "{name} has {len} numbers; {axes:?} with strides {strides:?} needs {}", last + 1);
    }
}

/// The largest index that `sizes` reach, or `None` where an axis is empty.
fn last_index(sizes: &[usize; 4], strides: &[usize; 4]) -> Option<usize> {
    sizes.iter().zip(strides).try_fold(0, |sum, (&size, &stride)| Some(sum + size.checked_sub(1)? * stride))
}

/// The vectors of one head of one batch entry, `[seq_len, d]`.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) stride: usize,
    pub(crate) d: usize,
}

impl<'a, T> Rows<'a, T> {
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..][..self.d]
    }

    /// The slice that starts with row `i`.
    #[inline(always)]
    pub(crate) fn from(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const AXES: Axes = Axes { batch: 2, seq_len: 3, n_heads: 5, d: 7 };

    #[track_caller]
    fn check(accepted: bool, len: usize, [batch_stride, seq_stride, head_stride]: [usize; 3]) {
        let mut data = vec![0.0; len];
        let view = ViewMut { data: &mut data, batch_stride, seq_stride, head_stride };
        assert_eq!(catch_unwind(AssertUnwindSafe(|| view.check("x", AXES))).is_ok(), accepted);
    }

    #[test]
    fn rows_that_overlap_or_stick_out_are_refused() {
        check(true, 210, [105, 35, 7]);
        check(false, 209, [105, 35, 7]);
        check(true, 210, [105, 7, 21]);
        check(false, 1000, [105, 7, 20]);
        check(false, 1000, [105, 35, 6]);
        check(false, 1000, [104, 35, 7]);
        check(false, 1000, [0, 35, 7]);
        check(true, 1000, [300, 50, 9]);
    }
}

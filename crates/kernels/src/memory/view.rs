//! Where the numbers of a tensor lie in a slice: strides, so that no head is copied out and no mask is expanded.

use super::size::{extent, size};

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
pub struct MaskView<'a, T> {
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

impl Axes {
    /// Whether there are no numbers.
    pub(crate) fn is_empty(&self) -> bool {
        self.sizes().contains(&0)
    }

    fn sizes(&self) -> [usize; 4] {
        [self.batch, self.seq_len, self.n_heads, self.d]
    }
}

impl<'a, T> View<'a, T> {
    /// The view of a contiguous `[batch, seq_len, n_heads · d]`.
    ///
    /// # Panics
    ///
    /// If `seq_len · n_heads · d` overflows.
    #[track_caller]
    pub fn contiguous(data: &'a [T], seq_len: usize, n_heads: usize, d: usize) -> Self {
        let [batch_stride, seq_stride, head_stride] = contiguous_strides(seq_len, n_heads, d);
        Self { data, batch_stride, seq_stride, head_stride }
    }

    /// # Panics
    ///
    /// If some number of `axes` lies outside the slice.
    #[track_caller]
    pub(crate) fn check(&self, name: &str, axes: Axes) {
        let strides = [self.batch_stride, self.seq_stride, self.head_stride, 1];
        check_extent(name, self.data.len(), axes.sizes(), strides);
    }

    /// All positions of one head of one batch entry, of a view that was checked for `axes`.
    pub(crate) fn rows(&self, batch: usize, head: usize, axes: Axes) -> Rows<'a, T> {
        let d = axes.d;
        // Where an axis is empty there is no number to read, and the strides were not checked.
        if axes.is_empty() {
            return Rows { data: &[], stride: 0, d };
        }
        let start = batch * self.batch_stride + head * self.head_stride;
        Rows { data: &self.data[start..], stride: self.seq_stride, d }
    }
}

impl<'a, T> ViewMut<'a, T> {
    /// The view of a contiguous `[batch, seq_len, n_heads · d]`.
    ///
    /// # Panics
    ///
    /// If `seq_len · n_heads · d` overflows.
    #[track_caller]
    pub fn contiguous(data: &'a mut [T], seq_len: usize, n_heads: usize, d: usize) -> Self {
        let [batch_stride, seq_stride, head_stride] = contiguous_strides(seq_len, n_heads, d);
        Self { data, batch_stride, seq_stride, head_stride }
    }

    /// # Panics
    ///
    /// If some number of `axes` lies outside the slice, or two indices share one.
    #[track_caller]
    pub(super) fn check(&self, name: &str, axes: Axes) {
        let strides = [self.batch_stride, self.seq_stride, self.head_stride];
        let [batch_stride, seq_stride, head_stride] = strides;
        View { data: &*self.data, batch_stride, seq_stride, head_stride }.check(name, axes);
        if axes.is_empty() {
            return;
        }
        // Sorted by stride, each axis must step over all that the smaller ones span.
        let mut steps = [(strides[0], axes.batch), (strides[1], axes.seq_len), (strides[2], axes.n_heads)];
        steps.sort_unstable();
        let mut span = axes.d;
        for (stride, size) in steps {
            if size > 1 {
                assert!(stride >= span, "{name}: strides {strides:?} let rows of {axes:?} overlap");
                // The whole span lies in the slice, so it does not overflow.
                span += stride * (size - 1);
            }
        }
    }
}

impl<T: Copy> MaskView<'_, T> {
    /// # Panics
    ///
    /// If some entry of `[batch, n_heads, q_len, k_len]` lies outside the slice.
    #[track_caller]
    pub(crate) fn check(&self, name: &str, sizes: [usize; 4]) {
        let strides = [self.batch_stride, self.head_stride, self.q_stride, self.k_stride];
        check_extent(name, self.data.len(), sizes, strides);
    }

    /// The entry of query 0 and key 0.
    pub(crate) fn start(&self, batch: usize, head: usize) -> usize {
        batch * self.batch_stride + head * self.head_stride
    }
}

#[track_caller]
fn contiguous_strides(seq_len: usize, n_heads: usize, d: usize) -> [usize; 3] {
    [size([seq_len, n_heads, d]), size([n_heads, d]), d]
}

/// # Panics
///
/// If an index of `sizes` with `strides` lies outside a slice of `len` numbers.
#[track_caller]
fn check_extent(name: &str, len: usize, sizes: [usize; 4], strides: [usize; 4]) {
    let extent = extent(sizes, strides);
    assert!(
        extent <= len,
        "{name} has {len} numbers; {sizes:?} with strides {strides:?} needs at least {extent}"
    );
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
    pub(crate) fn starting_at(&self, i: usize) -> &'a [T] {
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

    #[test]
    fn strides_whose_products_overflow_are_refused() {
        let top = 1 << (usize::BITS - 1);
        let axes = Axes { batch: 3, seq_len: 1, n_heads: 1, d: 2 };
        let mut data = [0.0; 6];
        let view = ViewMut { data: &mut data, batch_stride: top, seq_stride: 2, head_stride: 2 };
        assert!(catch_unwind(AssertUnwindSafe(|| view.check("x", axes))).is_err());
        let view = View { data: &[0.0; 6], batch_stride: top, seq_stride: 2, head_stride: 2 };
        assert!(catch_unwind(|| view.check("x", axes)).is_err());
        let grid = MaskView { data: &[0.0; 6], batch_stride: top, head_stride: 0, q_stride: 0, k_stride: 1 };
        assert!(catch_unwind(|| grid.check("x", [3, 1, 1, 2])).is_err());
        assert!(catch_unwind(|| View::contiguous(&[0.0; 6], top, 2, 1)).is_err());
    }
}

//! Rows picked from a table, and gradients added back to it in one order.

use pulp::{Simd, WithSimd};

use super::columns;
use super::ids::{self, Id, index};
use crate::memory::size;
use crate::parallel;
use crate::simd::{Float, Level};

/// Parts into which the table is split at most: each part's task reads all ids once.
const MAX_PARTS: usize = 8;

/// Measured: nanoseconds for a number of a row that is copied or added.
const NS_PER_NUMBER: f64 = 0.3;

/// `out_i = table[ids_i]`.
///
/// # Shapes
///
/// `table` `[vocab, d]`, `ids` `[n]` in `0..vocab`, `out` `[n, d]`.
///
/// # Panics
///
/// If the lengths contradict each other or an id is not in `0..vocab`.
///
/// # Examples
///
/// ```
/// let mut out = [0.0; 4];
/// qkv_kernels::embedding_forward(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2_i64, 0], &mut out);
/// assert_eq!(out, [5.0, 6.0, 1.0, 2.0]);
/// ```
#[track_caller]
pub fn embedding_forward<T: Float, I: Id>(table: &[T], ids: &[I], out: &mut [T]) {
    let d = width(ids.len(), out.len());
    check(ids, d, table.len());
    if d == 0 {
        return;
    }
    let rows = parallel::rows_per_part(ids.len());
    let work_ns = NS_PER_NUMBER * out.len() as f64;
    parallel::for_each_item(ids.chunks(rows).zip(out.chunks_mut(rows * d)), work_ns, |(ids, out)| {
        for (&id, out) in ids.iter().zip(out.chunks_exact_mut(d)) {
            out.copy_from_slice(&table[index(id) * d..][..d]);
        }
    });
}

/// `d_table_w = Σ_{i: ids_i = w} d_out_i`. Overwrites what was there.
///
/// Every row of the table adds up its gradients in the order of `ids`.
///
/// # Shapes
///
/// `d_table` `[vocab, d]`, `ids` `[n]` in `0..vocab`, `d_out` `[n, d]`.
///
/// # Panics
///
/// As the forward.
#[track_caller]
pub fn embedding_backward<T: Float, I: Id>(ids: &[I], d_out: &[T], d_table: &mut [T]) {
    let d = width(ids.len(), d_out.len());
    check(ids, d, d_table.len());
    d_table.fill(T::ZERO);
    if d == 0 {
        return;
    }
    let level = Level::current();
    let rows = (d_table.len() / d).div_ceil(MAX_PARTS).max(1);
    let items = d_table.chunks_mut(rows * d).enumerate();
    parallel::for_each_item(items, NS_PER_NUMBER * d_out.len() as f64, |(part, d_table)| {
        level.dispatch(Scatter { first: part * rows, ids, d_out, d_table, d });
    });
}

struct Scatter<'a, T, I> {
    /// The first row of the table that `d_table` holds.
    first: usize,
    ids: &'a [I],
    d_out: &'a [T],
    d_table: &'a mut [T],
    d: usize,
}

impl<T: Float, I: Id> WithSimd for Scatter<'_, T, I> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { first, ids, d_out, d_table, d } = self;
        let n_rows = d_table.len() / d;
        for (&id, d_out) in ids.iter().zip(d_out.chunks_exact(d)) {
            let row = index(id).wrapping_sub(first);
            if row < n_rows {
                columns::add(simd, d_out, &mut d_table[row * d..][..d]);
            }
        }
    }
}

/// The width of a vector, from the size of `n` of them.
#[track_caller]
fn width(n: usize, len: usize) -> usize {
    let d = len.checked_div(n).unwrap_or(0);
    assert_eq!(len, size([n, d]), "{len} numbers do not make {n} vectors");
    d
}

#[track_caller]
fn check<I: Id>(ids: &[I], d: usize, table_len: usize) {
    let vocab = table_len.checked_div(d).unwrap_or(0);
    assert!(d == 0 || table_len == vocab * d, "{table_len} numbers do not make vectors of {d}");
    if d > 0 {
        ids::check("ids", ids, vocab);
    }
}

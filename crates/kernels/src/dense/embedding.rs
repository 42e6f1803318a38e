//! Rows picked from a table, and gradients added back to it in one order.

use pulp::{Simd, WithSimd};

use super::{columns, ids};
use crate::memory::{UninitVec, size};
use crate::parallel;
use crate::simd::{Float, Level};

/// Parts into which the table is split at most: each part's task reads all ids once.
const MAX_TABLE_PARTS: usize = 8;

/// Measured: nanoseconds for a number of a row that is copied or added.
const NS_PER_NUMBER: f64 = 0.3;

/// `out_i = table[ids_i]`.
///
/// # Shapes
///
/// `table` `[vocab, d]`, `ids` `[n]` in `0..vocab`; returns `[n, d]`.
///
/// # Panics
///
/// If `d` is zero, the table is no whole number of rows, or an id is not in `0..vocab`.
///
/// # Examples
///
/// ```
/// let out = qkv_kernels::embedding_forward(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, &[2, 0]);
/// assert_eq!(out, [5.0, 6.0, 1.0, 2.0]);
/// ```
#[track_caller]
pub fn embedding_forward<T: Float>(table: &[T], d: usize, ids: &[i64]) -> Vec<T> {
    assert!(
        d > 0 && table.len().is_multiple_of(d),
        "table has {} numbers, expected rows of {d}",
        table.len()
    );
    ids::check("ids", ids, table.len() / d);
    let mut out = UninitVec::new(size([ids.len(), d]));
    let rows = parallel::rows_per_part(ids.len());
    let work_ns = NS_PER_NUMBER * (ids.len() * d) as f64;
    parallel::for_each(ids.chunks(rows).zip(out.parts(rows * d)), work_ns, |(ids, out)| {
        for (&id, out) in ids.iter().zip(out.zeros().chunks_exact_mut(d)) {
            out.copy_from_slice(&table[id as usize * d..][..d]);
        }
    });
    out.finish()
}

/// `d_table_w = Σ_{i: ids_i = w} d_out_i`.
///
/// Every row of the table adds up its gradients in the order of `ids`.
///
/// # Shapes
///
/// `ids` `[n]` in `0..vocab`, `d_out` `[n, d]`; returns `[vocab, d]`.
///
/// # Panics
///
/// If `d` is zero, `d_out` has another number of rows than there are ids, or an id is not in `0..vocab`.
#[track_caller]
pub fn embedding_backward<T: Float>(ids: &[i64], d_out: &[T], [vocab, d]: [usize; 2]) -> Vec<T> {
    let (len, n) = (d_out.len(), ids.len());
    assert!(d > 0 && len == size([n, d]), "d_out has {len} numbers, expected {n} ids of width {d}");
    ids::check("ids", ids, vocab);
    let mut d_table = UninitVec::new(size([vocab, d]));
    let level = Level::current();
    let rows = vocab.div_ceil(MAX_TABLE_PARTS).max(1);
    let parts = d_table.parts(rows * d).enumerate();
    parallel::for_each(parts, NS_PER_NUMBER * d_out.len() as f64, |(part, d_table)| {
        level.dispatch(Scatter { first: part * rows, ids, d_out, d_table: d_table.zeros(), d });
    });
    d_table.finish()
}

struct Scatter<'a, T> {
    /// The first row of the table that `d_table` holds.
    first: usize,
    ids: &'a [i64],
    d_out: &'a [T],
    d_table: &'a mut [T],
    d: usize,
}

impl<T: Float> WithSimd for Scatter<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { first, ids, d_out, d_table, d } = self;
        let n_rows = d_table.len() / d;
        for (&id, d_out) in ids.iter().zip(d_out.chunks_exact(d)) {
            let row = (id as usize).wrapping_sub(first);
            if row < n_rows {
                columns::add(simd, d_out, &mut d_table[row * d..][..d]);
            }
        }
    }
}

//! What linear maps do to rows beside the matrix product: a start value for every row, and sums over all rows.

use pulp::{Simd, WithSimd};

use super::columns::{self, Partials};
use crate::memory::UninitVec;
use crate::parallel;
use crate::simd::{Float, Level};

/// Measured: nanoseconds for a number, in memory that is not in the cache.
const NS_PER_NUMBER: f64 = 0.3;

/// Rows to which a product is added: those of `residual [n, d]`, with `bias [d]` added to each.
///
/// # Panics
///
/// If the bias is empty or the residual is no whole number of rows.
#[track_caller]
pub fn start_rows<T: Float>(residual: &[T], bias: Option<&[T]>) -> Vec<T> {
    let d = bias.map_or(1, <[T]>::len);
    assert!(d > 0 && residual.len().is_multiple_of(d), "{} numbers, rows of {d}", residual.len());
    let len = parallel::rows_per_part(residual.len() / d) * d;
    let mut out = UninitVec::new(residual.len());
    let level = Level::current();
    parallel::for_each(
        residual.chunks(len).zip(out.parts(len)),
        NS_PER_NUMBER * residual.len() as f64,
        |(residual, out)| {
            let out = out.copy_of(residual);
            if let Some(bias) = bias {
                level.dispatch(AddToRows { bias, out });
            }
        },
    );
    out.finish()
}

/// The sum of all rows of `x [n, d]`: the gradient of what was added to every row.
///
/// # Panics
///
/// If `x` is no whole number of rows.
///
/// ```
/// assert_eq!(qkv_kernels::sum_rows(&[1.0, 2.0, 10.0, 20.0], 2), [11.0, 22.0]);
/// ```
#[track_caller]
pub fn sum_rows<T: Float>(x: &[T], d: usize) -> Vec<T> {
    if x.is_empty() {
        return vec![T::ZERO; d];
    }
    assert!(d > 0 && x.len().is_multiple_of(d), "{} numbers, rows of {d}", x.len());
    let level = Level::current();
    let rows = parallel::rows_per_part(x.len() / d);
    let mut partials = Partials::new(x.len() / d, rows, d);
    parallel::for_each(
        x.chunks(rows * d).zip(partials.parts()),
        NS_PER_NUMBER * x.len() as f64,
        |(x, sums)| {
            level.dispatch(SumRows { x, sums });
        },
    );
    let [sums] = partials.total([d]);
    sums
}

/// Adds one row to all of `out`.
pub(crate) struct AddToRows<'a, T> {
    pub(crate) bias: &'a [T],
    pub(crate) out: &'a mut [T],
}

impl<T: Float> WithSimd for AddToRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.out.chunks_exact_mut(self.bias.len()) {
            columns::add(simd, self.bias, row);
        }
    }
}

/// Adds all rows of `x` to `sums`.
pub(crate) struct SumRows<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) sums: &'a mut [T],
}

impl<T: Float> WithSimd for SumRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.x.chunks_exact(self.sums.len()) {
            columns::add(simd, row, self.sums);
        }
    }
}

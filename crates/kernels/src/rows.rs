//! What linear maps do to rows beside the matrix product: a start value for every row, and sums over all rows.

use pulp::{Simd, WithSimd};

use crate::columns::{self, Partials};
use crate::float::Float;
use crate::level::Level;
use crate::parallel;

/// Measured: nanoseconds for a number, in memory that is not in the cache.
const NS: f64 = 0.3;

/// `n` rows to which a product is added: those of `residual`, or zeros, plus `bias`.
///
/// # Panics
///
/// If the residual has another size.
#[track_caller]
pub fn start_rows<T: Float>(n: usize, bias: &[T], residual: Option<&[T]>) -> Vec<T> {
    let d = bias.len();
    let Some(residual) = residual else { return bias.repeat(n) };
    assert_eq!(residual.len(), n * d, "{n} rows of {d}");
    let mut out = residual.to_vec();
    let level = Level::current();
    let rows = parallel::rows_per_part(n);
    parallel::for_each_item(out.chunks_mut((rows * d).max(1)), NS * residual.len() as f64, |out| {
        level.dispatch(AddToRows { bias, out });
    });
    out
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
    let mut sums = vec![T::ZERO; d];
    if x.is_empty() {
        return sums;
    }
    assert!(d > 0 && x.len().is_multiple_of(d), "{} numbers, rows of {d}", x.len());
    let level = Level::current();
    let rows = parallel::rows_per_part(x.len() / d);
    let mut partials = Partials::new(x.len() / d, rows, d);
    parallel::for_each_item(x.chunks(rows * d).zip(partials.parts()), NS * x.len() as f64, |(x, sums)| {
        level.dispatch(SumRows { x, sums });
    });
    partials.sum_into(&mut sums);
    sums
}

struct AddToRows<'a, T> {
    bias: &'a [T],
    out: &'a mut [T],
}

impl<T: Float> WithSimd for AddToRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.out.chunks_exact_mut(self.bias.len().max(1)) {
            columns::add(simd, self.bias, row);
        }
    }
}

struct SumRows<'a, T> {
    x: &'a [T],
    sums: &'a mut [T],
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

//! Sums of whole slices in one order, on any number of threads and with any instruction set.

use pulp::{Simd, WithSimd};

use crate::parallel::{self, CHUNK};
use crate::simd::{Float, Level};

/// Sums that run side by side: an addition takes four cycles, and two vectors of eight keep both units busy.
const SIDE_BY_SIDE: usize = 16;

/// Measured: nanoseconds for a number.
const NS_PER_NUMBER: f64 = 0.18;

/// `Σ x_i`, added up in `f64` and rounded once.
///
/// The order depends on the length alone: not on the number of threads, nor on the instruction set.
///
/// ```
/// assert_eq!(qkv_kernels::sum(&[1e8_f32, 1.0, -1e8]), 1.0);
/// ```
pub fn sum<T: Float>(x: &[T]) -> T {
    T::from_f64(in_chunks(&[x], |x| x))
}

/// `√Σ x_i²` over all numbers of all slices, in the order given: the global norm of a gradient.
///
/// The squares are added up in `f64`, in an order that depends on the lengths of the slices alone.
///
/// ```
/// assert_eq!(qkv_kernels::global_norm(&[&[3.0_f32], &[0.0, 4.0]]), 5.0);
/// ```
pub fn global_norm<T: Float>(slices: &[&[T]]) -> f64 {
    in_chunks(slices, |x| x * x).sqrt()
}

/// The sum of the terms of every chunk, and then the sum of those in order.
fn in_chunks<T: Float>(slices: &[&[T]], term: impl Fn(f64) -> f64 + Copy + Send + Sync) -> f64 {
    let level = Level::current();
    let n_chunks: usize = slices.iter().map(|slice| slice.len().div_ceil(CHUNK)).sum();
    let work_ns = NS_PER_NUMBER * slices.iter().map(|slice| slice.len()).sum::<usize>() as f64;
    let mut sums = vec![0.0; n_chunks];
    let chunks = slices.iter().flat_map(|slice| slice.chunks(CHUNK));
    parallel::for_each(chunks.zip(&mut sums), work_ns, |(x, sum)| {
        *sum = level.dispatch(Chunk { x, term });
    });
    sums.iter().sum()
}

struct Chunk<'a, T, F> {
    x: &'a [T],
    term: F,
}

impl<T: Float, F: Fn(f64) -> f64> WithSimd for Chunk<'_, T, F> {
    type Output = f64;

    /// Plain loops over an array of sums, which the compiler turns into the same additions at every level.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> f64 {
        let mut sums = [0.0; SIDE_BY_SIDE];
        let (rows, rest) = self.x.as_chunks::<SIDE_BY_SIDE>();
        for row in rows {
            for (sum, &x) in sums.iter_mut().zip(row) {
                *sum += (self.term)(x.to_f64());
            }
        }
        for (sum, &x) in sums.iter_mut().zip(rest) {
            *sum += (self.term)(x.to_f64());
        }
        sums.iter().sum()
    }
}

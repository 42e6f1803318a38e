//! The one matrix product of the kernels: tiles that lie in a cache, with no packing and no call overhead.
//!
//! A general GEMM packs its operands and checks its way to a micro-kernel; for a tile of 16 × 16 × 32 that costs as
//! much as the product. Here the second operand has its columns in vectors already, so a block of the result stays in
//! registers while the inner dimension runs, and the first operand is read through either of its strides.

use pulp::{Simd, WithSimd};

use crate::simd::{Float, Lanes, Vector, width};

/// `c = a · b`, or `c += a · b`, for `a [m, k]`, `b [k, n]` and `c [m, n]`, all of them row after row.
pub(crate) struct Product<'a, T> {
    pub(crate) m: usize,
    /// A multiple of the vector width.
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) a: Left<'a, T>,
    pub(crate) b: &'a [T],
    /// From one row of `b` to the next.
    pub(crate) b_stride: usize,
    pub(crate) c: &'a mut [T],
    /// From one row of `c` to the next.
    pub(crate) c_stride: usize,
    pub(crate) store: Store,
}

/// Where `a` lies.
#[derive(Clone, Copy)]
pub(crate) enum Left<'a, T> {
    /// `a[i, p] = data[i · stride + p]`.
    Rows { data: &'a [T], stride: usize },
    /// `a[i, p] = data[p · stride + i]`: the transpose of what lies there.
    Columns { data: &'a [T], stride: usize },
}

/// What becomes of the numbers that `c` holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Replace,
    Accumulate,
}

impl<T: Float> Product<'_, T> {
    /// # Panics
    ///
    /// If an operand is shorter than its shape and stride say, or `n` is no multiple of the vector width.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(mut self, simd: S) {
        let lanes = width::<S, T>();
        assert_eq!(self.n % lanes, 0, "the columns of a product must fill vectors");
        // 4 vectors × 6 rows are 24 sums, which with 4 columns and 1 broadcast fill 32 registers; 2 × 6 fill 16.
        let widest = if S::REGISTER_COUNT >= 32 { 4 } else { 2 };
        let mut column = 0;
        while column < self.n {
            let left = (self.n - column) / lanes;
            let panel = match left.min(widest) {
                4 => 4,
                2 | 3 => 2,
                _ => 1,
            };
            // A function of its own for each width: inlined into one they would be compiled for every caller.
            match panel {
                4 => simd.vectorize(Panel::<T, 4> { product: &mut self, column }),
                2 => simd.vectorize(Panel::<T, 2> { product: &mut self, column }),
                _ => simd.vectorize(Panel::<T, 1> { product: &mut self, column }),
            }
            column += panel * lanes;
        }
    }
}

/// All rows of `WIDE` vectors of columns, from `column` on.
struct Panel<'p, 'a, T, const WIDE: usize> {
    product: &'p mut Product<'a, T>,
    column: usize,
}

impl<T: Float, const WIDE: usize> WithSimd for Panel<'_, '_, T, WIDE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let m = self.product.m;
        let mut row = 0;
        if WIDE == 1 {
            while row + 12 <= m {
                block::<S, T, 12, WIDE>(simd, self.product, row, self.column);
                row += 12;
            }
        }
        while row + 6 <= m {
            block::<S, T, 6, WIDE>(simd, self.product, row, self.column);
            row += 6;
        }
        match m - row {
            5 => block::<S, T, 5, WIDE>(simd, self.product, row, self.column),
            4 => block::<S, T, 4, WIDE>(simd, self.product, row, self.column),
            3 => block::<S, T, 3, WIDE>(simd, self.product, row, self.column),
            2 => block::<S, T, 2, WIDE>(simd, self.product, row, self.column),
            1 => block::<S, T, 1, WIDE>(simd, self.product, row, self.column),
            _ => {}
        }
    }
}

/// `TALL` rows and `WIDE` vectors of the result, kept in registers over the whole inner dimension.
#[inline(always)]
fn block<S: Simd, T: Float, const TALL: usize, const WIDE: usize>(
    simd: S,
    product: &mut Product<'_, T>,
    row: usize,
    column: usize,
) {
    let columns = WIDE * width::<S, T>();
    let k = product.k;
    let mut sums = [[Vector::splat(simd, T::ZERO); WIDE]; TALL];
    // Columns of every row of `b`: behind those of the last row the slice may end.
    let b_rows = (0..k).map(|p| {
        let start = p * product.b_stride + column;
        &product.b[start..start + columns]
    });
    match product.a {
        Left::Rows { data, stride } => {
            let rows: [&[T]; TALL] = std::array::from_fn(|i| &data[(row + i) * stride..][..k]);
            for (p, b) in b_rows.enumerate() {
                step(simd, &mut sums, b, |i| rows[i][p]);
            }
        }
        Left::Columns { data, stride } => {
            for (p, b) in b_rows.enumerate() {
                let a = &data[p * stride + row..][..TALL];
                step(simd, &mut sums, b, |i| a[i]);
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        let start = (row + i) * product.c_stride + column;
        let (c, _) = T::vectors_mut(simd, &mut product.c[start..start + columns]);
        for (c, &sum) in c.iter_mut().zip(sums) {
            *c = match product.store {
                Store::Replace => sum.lanes(),
                Store::Accumulate => (Vector::<S, T>::new(simd, *c) + sum).lanes(),
            };
        }
    }
}

/// `sums[i] += a(i) · b` for one index of the inner dimension.
#[inline(always)]
fn step<S: Simd, T: Float, const TALL: usize, const WIDE: usize>(
    simd: S,
    sums: &mut [[Vector<S, T>; WIDE]; TALL],
    b: &[T],
    a: impl Fn(usize) -> T,
) {
    let (b, _) = T::vectors(simd, b);
    let b: [<T as Lanes>::Vector<S>; WIDE] = std::array::from_fn(|w| b[w]);
    for (i, sums) in sums.iter_mut().enumerate() {
        let a = Vector::splat(simd, a(i));
        for (sum, &b) in sums.iter_mut().zip(&b) {
            *sum = a.mul_add(Vector::new(simd, b), *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Level;

    struct Run<'a>(Product<'a, f64>);
    impl WithSimd for Run<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            self.0.run(simd);
        }
    }

    #[track_caller]
    fn check(m: usize, n: usize, k: usize) {
        // Small whole numbers: every sum is exact, so any order of summation must give the same.
        let a: Vec<f64> = (0..m * k).map(|i| ((i * 7 + 3) % 11) as f64 - 5.0).collect();
        let a_t: Vec<f64> = (0..m * k).map(|i| a[(i % m) * k + i / m]).collect();
        let b: Vec<f64> = (0..k * n).map(|i| ((i * 5 + 1) % 13) as f64 - 6.0).collect();
        let expected: Vec<f64> = (0..m * n)
            .map(|i| (0..k).map(|p| a[i / n * k + p] * b[p * n + i % n]).sum::<f64>() + 1.0)
            .collect();
        for level in Level::available() {
            for left in [Left::Rows { data: &a, stride: k }, Left::Columns { data: &a_t, stride: m }] {
                let mut c = vec![1.0; m * n];
                let store = Store::Accumulate;
                let product = Product { m, n, k, a: left, b: &b, b_stride: n, c: &mut c, c_stride: n, store };
                level.dispatch(Run(product));
                assert_eq!(c, expected, "{level:?} {m} × {n} × {k}");
            }
        }
    }

    #[test]
    fn every_block_shape_gives_the_product() {
        for m in 1..=14 {
            for n in [8, 16, 24, 32, 56] {
                check(m, n, 5);
            }
        }
        check(61, 32, 67);
        check(1, 8, 1);
        check(3, 8, 0);
    }
}

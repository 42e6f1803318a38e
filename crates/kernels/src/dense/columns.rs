//! Sums over the rows of a matrix, for the gradients of what every row shares: each part of the rows has sums of its
//! own, and those are added in order.

use pulp::Simd;

use crate::simd::{Float, Vector, width};

/// The sums of every part, `[n_parts, d]`.
pub(crate) struct Partials<T> {
    sums: Vec<T>,
    d: usize,
}

impl<T: Float> Partials<T> {
    /// Zeros for `n_rows` rows of which `rows_per_part` make a part.
    pub(crate) fn new(n_rows: usize, rows_per_part: usize, d: usize) -> Self {
        Self { sums: vec![T::ZERO; n_rows.div_ceil(rows_per_part) * d], d }
    }

    pub(crate) fn parts(&mut self) -> impl Iterator<Item = &mut [T]> {
        self.sums.chunks_exact_mut(self.d)
    }

    /// The sums of all parts, cut into vectors of `lens`.
    pub(crate) fn total<const N: usize>(&self, lens: [usize; N]) -> [Vec<T>; N] {
        let mut first = 0;
        lens.map(|len| {
            let mut total = vec![T::ZERO; len];
            for part in self.sums.chunks_exact(self.d) {
                for (sum, &term) in total.iter_mut().zip(&part[first..]) {
                    *sum += term;
                }
            }
            first += len;
            total
        })
    }
}

/// `sums += row`; nothing where there are no sums.
#[inline(always)]
pub(crate) fn add<S: Simd, T: Float>(simd: S, row: &[T], sums: &mut [T]) {
    let lanes = width::<S, T>();
    for (x, sum) in row.chunks(lanes).zip(sums.chunks_mut(lanes)) {
        (Vector::load(simd, sum) + Vector::load(simd, x)).store(sum);
    }
}

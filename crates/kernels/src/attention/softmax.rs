//! The online softmax: scores of some keys become weights, and what was summed for the keys before them is rescaled.
//! In its backward the weights come from the scores and the kept normalizer.

use pulp::Simd;

use crate::simd::{Float, Vector};

/// One step of the online softmax: `scores` become `exp(s - m')`, and `m`, `l` and `exp(m - m')` are brought up to
/// date.
#[inline(always)]
pub(super) fn online_softmax<S: Simd, T: Float>(
    simd: S,
    scores: &mut [T],
    max: &mut [T],
    denominator: &mut [T],
    rescale: &mut [T],
) {
    let (scores, _) = T::vectors_mut(simd, scores);
    let (max, _) = T::vectors_mut(simd, max);
    let (denominator, _) = T::vectors_mut(simd, denominator);
    let (rescale, _) = T::vectors_mut(simd, rescale);
    let across = max.len();
    let mut column = 0;
    // Four columns at once: one alone would wait for its own last maximum and its own last sum.
    while column + 4 <= across {
        columns::<S, T, 4>(simd, scores, column, max, denominator, rescale);
        column += 4;
    }
    while column < across {
        columns::<S, T, 1>(simd, scores, column, max, denominator, rescale);
        column += 1;
    }
}

#[inline(always)]
fn columns<S: Simd, T: Float, const WIDE: usize>(
    simd: S,
    scores: &mut [T::Vector<S>],
    column: usize,
    max: &mut [T::Vector<S>],
    denominator: &mut [T::Vector<S>],
    rescale: &mut [T::Vector<S>],
) {
    let across = max.len();
    let vector = |lanes| Vector::<S, T>::new(simd, lanes);
    let hidden = Vector::splat(simd, T::NEG_INFINITY);
    let zero = Vector::splat(simd, T::ZERO);
    let mut new_max = [hidden; WIDE];
    for w in 0..WIDE {
        new_max[w] = vector(max[column + w]);
    }
    for row in scores.chunks_exact(across) {
        let row = &row[column..column + WIDE];
        for w in 0..WIDE {
            new_max[w] = vector(row[w]).max(new_max[w]);
        }
    }
    // Where every key is hidden so far, -∞ - -∞ would be NaN; any finite number in its place gives exp(-∞) = 0.
    // A maximum is never NaN.
    let mut base = [zero; WIDE];
    let mut sum = [zero; WIDE];
    for w in 0..WIDE {
        base[w] = hidden.if_less(new_max[w], new_max[w], zero);
    }
    for row in scores.chunks_exact_mut(across) {
        let row = &mut row[column..column + WIDE];
        for w in 0..WIDE {
            let exp = (vector(row[w]) - base[w]).exp();
            sum[w] += exp;
            row[w] = exp.lanes();
        }
    }
    for w in 0..WIDE {
        let factor = (vector(max[column + w]) - base[w]).exp();
        denominator[column + w] = vector(denominator[column + w]).mul_add(factor, sum[w]).lanes();
        max[column + w] = new_max[w].lanes();
        rescale[column + w] = factor.lanes();
    }
}

/// Multiplies row `i` of `sums` by `factors[i]`.
#[inline(always)]
pub(super) fn rescale_rows<S: Simd, T: Float>(simd: S, sums: &mut [T], row_len: usize, factors: &[T]) {
    for (sums, &factor) in sums.chunks_exact_mut(row_len.max(1)).zip(factors) {
        // Most often the maximum stays where it is.
        if factor != T::ONE {
            let factor = Vector::splat(simd, factor);
            for sum in T::vectors_mut(simd, sums).0 {
                *sum = (Vector::<S, T>::new(simd, *sum) * factor).lanes();
            }
        }
    }
}

/// `w = exp(s - m) / l` in place of the scores, and `ds = w (dw - D)` in place of the gradient of the weights.
#[inline(always)]
pub(super) fn score_gradients<S: Simd, T: Float>(
    simd: S,
    weights: &mut [T],
    d_scores: &mut [T],
    [max, inv_denominator, delta]: [&[T]; 3],
) {
    let vector = |lanes| Vector::<S, T>::new(simd, lanes);
    let across = max.len();
    let (max, _) = T::vectors(simd, max);
    let (inv_denominator, _) = T::vectors(simd, inv_denominator);
    let (delta, _) = T::vectors(simd, delta);
    for (weights, d_scores) in weights.chunks_exact_mut(across).zip(d_scores.chunks_exact_mut(across)) {
        let (weights, _) = T::vectors_mut(simd, weights);
        let (d_scores, _) = T::vectors_mut(simd, d_scores);
        for ((((w, ds), &max), &inv_denominator), &delta) in
            weights.iter_mut().zip(d_scores).zip(max).zip(inv_denominator).zip(delta)
        {
            let weight = (vector(*w) - vector(max)).exp() * vector(inv_denominator);
            *w = weight.lanes();
            *ds = (weight * (vector(*ds) - vector(delta))).lanes();
        }
    }
}

//! Softmax over the keys, with an answer for the query that may see nothing.

use burn::tensor::{Tensor, activation};
use qkv_kernels::Softmax;

/// Attention weights: softmax over the last axis of `scores`, in which a hidden key has a score of minus infinity.
///
/// ```text
/// w_ij = exp(s_ij - m_i) / (sink_i + Σ_j exp(s_ij - m_i))      m_i = max_j s_ij, at least 0 if there is a sink
/// ```
///
/// `sink_i` is `exp(-m_i)` under [`Softmax::Quiet`], else zero. Where query `i` sees no key, `m_i` is taken as zero and
/// the sum as one: the row, `0 / 1`, is zero, and so is its gradient, because every `exp(-∞)` on the way back is zero
/// too. `all_seen` promises that there is no such row.
pub(crate) fn softmax(scores: Tensor<4>, kind: Softmax, all_seen: bool) -> Tensor<4> {
    let max = || scores.clone().detach().max_dim(3);
    match kind {
        Softmax::Standard if all_seen => activation::softmax(scores, 3),
        Softmax::Standard => {
            let max = max();
            let nothing_seen = max.clone().equal_elem(f64::NEG_INFINITY);
            let exp = (scores - max.mask_fill(nothing_seen.clone(), 0.0)).exp();
            let sum = exp.clone().sum_dim(3).mask_fill(nothing_seen, 1.0);
            exp / sum
        }
        Softmax::Quiet => {
            let max = max().clamp_min(0.0);
            let exp = (scores - max.clone()).exp();
            let sum = exp.clone().sum_dim(3) + max.neg().exp();
            exp / sum
        }
    }
}

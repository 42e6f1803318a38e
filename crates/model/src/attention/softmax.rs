//! Softmax over the keys, with an answer for the query that may see nothing.

use burn::tensor::{Tensor, activation};

use super::mask::Mask;

/// Attention weights: softmax over the last axis of `scores` under `mask`, both `[batch, heads, q_len, k_len]`.
///
/// ```text
/// w_ij = exp(s_ij - m_i) / Σ_j exp(s_ij - m_i)      m_i = max_j s_ij over the keys that query i sees
/// ```
///
/// Where query `i` sees no key, `m_i` is taken as zero and the sum as one: the row, `0 / 1`, is zero, and so is its
/// gradient, because every `exp(-∞)` on the way back is zero too.
pub(crate) fn masked_softmax(scores: Tensor<4>, mask: &Mask) -> Tensor<4> {
    if mask.is_none() {
        return activation::softmax(scores, 3);
    }
    let scores = mask.apply(scores);
    let max = scores.clone().detach().max_dim(3);
    let nothing_seen = max.clone().equal_elem(f64::NEG_INFINITY);
    let exp = (scores - max.mask_fill(nothing_seen.clone(), 0.0)).exp();
    let sum = exp.clone().sum_dim(3).mask_fill(nothing_seen, 1.0);
    exp / sum
}

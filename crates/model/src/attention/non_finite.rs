//! Hidden means unseen, also for NaN and infinity, which a weight of zero does not make zero.

use burn::tensor::{Bool, Tensor};

use super::mask::Mask;
use super::spec::{AttentionSpec, attention};
use crate::fused::all_finite;

/// Keys and values in which those that are not finite are zero.
///
/// ```text
/// context_i = attention(q, k', v', mask)_i · f_i       f_i = NaN if query i sees one of them, else 1
/// ```
pub(super) struct Finite {
    /// `[batch, kv_heads, k_len, d_k]`
    pub(super) k: Tensor<4>,
    /// `[batch, kv_heads, k_len, d_v]`
    pub(super) v: Tensor<4>,
    /// `f`, `[batch, heads, q_len, 1]`; absent where it is one throughout.
    factor: Option<Tensor<4>>,
}

impl Finite {
    pub(super) fn new(q: &Tensor<4>, k: Tensor<4>, v: Tensor<4>, mask: &Mask) -> Self {
        if mask.is_none() || (all_finite(&k) && all_finite(&v)) {
            return Self { k, v, factor: None };
        }
        let bad_rows = |x: &Tensor<4>| x.clone().detach().is_finite().bool_not().any_dim(3);
        let bad: Tensor<4, Bool> = bad_rows(&k).bool_or(bad_rows(&v));
        // The share of them among what a query sees: attention of equal scores.
        let spec = AttentionSpec::default();
        let share =
            attention(&spec, q.zeros_like(), k.zeros_like(), bad.clone().float().cast(q.dtype()), mask);
        let factor = share.ones_like().mask_fill(share.greater_elem(0.0), f64::NAN);
        let without = |x: Tensor<4>| {
            let shape = x.dims();
            x.mask_fill(bad.clone().expand(shape), 0.0)
        };
        Self { k: without(k), v: without(v), factor: Some(factor) }
    }

    /// Weights or contexts, `[batch, heads, q_len, _]`, with NaN for the queries that see what is not finite.
    pub(super) fn spoil(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.factor {
            Some(factor) => x * factor.clone(),
            None => x,
        }
    }
}

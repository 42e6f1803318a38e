//! NaN and infinity at a hidden key stay hidden, although a weight of zero times either is NaN.

use burn::tensor::{Bool, Tensor};

use crate::attention::mask::Mask;
use crate::fused::AllFinite;

/// Keys and values with zeros for those that are not finite, and the queries that see one of these.
///
/// ```text
/// context_i = attention(q, k', v', mask)_i · f_i       f_i = NaN if query i sees one of these, else 1
/// ```
pub(in crate::attention) struct FiniteKeysValues {
    /// `[batch, kv_heads, k_len, d_k]`
    pub(in crate::attention) k: Tensor<4>,
    /// `[batch, kv_heads, k_len, d_v]`
    pub(in crate::attention) v: Tensor<4>,
    /// `f`, `[batch, heads, q_len, 1]`; absent where it is one throughout.
    factor: Option<Tensor<4>>,
}

impl FiniteKeysValues {
    /// `attention` is that of scaled dot products under `mask`.
    pub(in crate::attention) fn new(
        q: &Tensor<4>,
        k: Tensor<4>,
        v: Tensor<4>,
        mask: &Mask,
        attention: impl FnOnce([Tensor<4>; 3]) -> Tensor<4>,
    ) -> Self {
        if mask.is_none() || AllFinite::default().and(&k).and(&v).value() {
            return Self { k, v, factor: None };
        }
        let bad_rows = |x: &Tensor<4>| x.clone().detach().is_finite().bool_not().any_dim(3);
        let bad: Tensor<4, Bool> = bad_rows(&k).bool_or(bad_rows(&v));
        // Of the keys that a query sees, the share that is bad: attention of equal scores.
        let share = attention([q.zeros_like(), k.zeros_like(), bad.clone().float().cast(q.dtype())]);
        let factor = share.ones_like().mask_fill(share.greater_elem(0.0), f64::NAN);
        let without = |x: Tensor<4>| {
            let shape = x.dims();
            x.mask_fill(bad.clone().expand(shape), 0.0)
        };
        Self { k: without(k), v: without(v), factor: Some(factor) }
    }

    /// Weights or contexts, `[batch, heads, q_len, _]`, with NaN for the queries that see a key or value that is not
    /// finite.
    pub(in crate::attention) fn restore_nan(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.factor {
            Some(factor) => x * factor.clone(),
            None => x,
        }
    }
}

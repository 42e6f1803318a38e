//! Which of its two forms an attention layer takes: the readable one, or the fused kernels.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::mask::Mask;
use super::score::Score;
use super::{SelfAttention, join_heads, project};
use crate::error::ModelError;
use crate::fused::{self, DotProductAttention, HostBackend};
use crate::mode::Mode;
use crate::positions::Positions;

/// How the context is computed. Both forms give the same numbers up to rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionForm {
    /// Fused where that is possible.
    #[default]
    Auto,
    /// By [`DotProductAttention`]: memory linear in the length of the sequence. Needs dot products and a mask of triangle
    /// and lengths alone.
    Fused,
    /// By [`Attend`](crate::Attend), which makes the whole map.
    Reference,
}

impl SelfAttention {
    /// # Errors
    /// If the layer asks for the fused form and cannot have it.
    pub(super) fn check_form(&self) -> Result<(), ModelError> {
        match self.reference_reason() {
            Some(reason) if self.form == AttentionForm::Fused => Err(ModelError::NoFusedForm { reason }),
            _ => Ok(()),
        }
    }

    /// Why [`forward`](Self::forward) takes the reference implementation, whatever its input, instead of the fused
    /// kernels; `None` where it takes the kernels.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use qkv_model::{Choice, Init, SelfAttentionConfig};
    ///
    /// let mut config = SelfAttentionConfig::new(3, 2);
    /// assert_eq!(config.init(&Init::new(&Device::flex(), 1))?.reference_reason(), None);
    /// config.score = Choice::new("additive");
    /// let reason = config.init(&Init::new(&Device::flex(), 1))?.reference_reason();
    /// assert_eq!(reason, Some("the score is not a dot product"));
    /// # Ok::<(), qkv_model::ModelError>(())
    /// ```
    pub fn reference_reason(&self) -> Option<&'static str> {
        if self.form == AttentionForm::Reference {
            Some("attention = \"reference\" asks for it")
        } else if !self.score.is_dot_product() {
            Some("the score is not a dot product")
        } else if self.softcap.is_some() {
            Some("the scores are capped")
        } else if self.positions.as_ref().is_some_and(|positions| positions.bias(1, 1).is_some()) {
            Some("the positions add a bias to the scores")
        } else if !fused::supports(&self.one) {
            Some("the kernels compute on the CPU, in f32 and f64 alone")
        } else {
            None
        }
    }

    /// The context of every position by the fused kernels, before W_O; `None` where the readable form has to do it.
    pub(super) fn fused_context(&self, x: &Tensor<3>, mask: &Mask, mode: Mode) -> Option<Tensor<3>> {
        if self.reference_reason().is_some() {
            return None;
        }
        let backend = HostBackend::of(x)?;
        let [batch, seq_len, _] = x.dims();
        let (causal, lengths) = mask.triangle_and_lengths(batch, seq_len)?;
        let attention = DotProductAttention {
            n_heads: self.n_heads,
            n_kv_heads: self.n_kv_heads,
            scale: self.score.scale(self.d_k),
            causal,
            lengths,
            softmax: self.softmax,
            dropout: self.dropout.in_mode(mode),
        };
        if let Some(weights) = self.bare_projections() {
            return Some(fused::self_attention(backend, x.clone(), weights, attention));
        }
        let [q, k, v] = self.heads_side_by_side(x.clone());
        attention.context(&q, &k, &v)
    }

    /// W_Q, W_K and W_V, where nothing else stands between the input and the scores.
    fn bare_projections(&self) -> Option<[Tensor<2>; 3]> {
        let has_more = self.qk_norm.is_some()
            || self.positions.is_some()
            || [&self.b_q, &self.b_k, &self.b_v].into_iter().any(Option::is_some);
        match (&self.w_q, &self.w_k, &self.w_v) {
            (Some(w_q), Some(w_k), Some(w_v)) if !has_more => Some([w_q.val(), w_k.val(), w_v.val()]),
            _ => None,
        }
    }

    /// Queries, keys and values, `[batch, seq_len, heads·d]`; split into heads only where something is done to each.
    fn heads_side_by_side(&self, x: Tensor<3>) -> [Tensor<3>; 3] {
        if self.qk_norm.is_none() && self.positions.is_none() {
            let q = project(x.clone(), &self.w_q, &self.b_q);
            let k = project(x.clone(), &self.w_k, &self.b_k);
            return [q, k, project(x, &self.w_v, &self.b_v)];
        }
        let [q, k, v] = self.project(x);
        let [q, k] = self.prepare(q, k);
        [q, k, v].map(join_heads)
    }
}

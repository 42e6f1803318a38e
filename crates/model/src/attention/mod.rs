//! Self-attention with learnable W_Q, W_K and W_V.
//!
//! Read this file first, then `spec.rs`; each other file holds one part. What reads two sequences in place of one is
//! `cross.rs`. The ways to compare are in `score/`, how they are computed in `implementations/`; `intermediates/` shows
//! what lies between, `decoding/` goes on from positions that were computed before.

mod basic;
mod checks;
mod compared;
mod config;
mod cross;
mod decoding;
mod heads;
mod implementations;
mod inputs;
mod intermediates;
mod layer;
mod mask;
mod projections;
mod qk_norm;
mod score;
mod softmax;
mod spec;
mod torch;

pub use basic::BasicAttention;
pub use config::SelfAttentionConfig;
pub use cross::CrossAttention;
pub use decoding::KeyValueCache;
pub use implementations::Implementation;
pub(crate) use intermediates::call_hook;
pub use intermediates::{Hook, Intermediate, Query, Stage, Trace};
pub(crate) use layer::SELF_ATTENTION;
pub use layer::{AnyAttention, AttentionLayer, HeadContributions, LayerDescription};
pub use mask::Mask;
pub use projections::{Projection, Projections};
pub use qk_norm::QkNorm;
#[doc(inline)]
pub use qkv_kernels::{CausalAlign, Softmax};
pub use score::{Additive, AnyScore, Comparison, Dot, ScaledDot, Score};
pub use spec::{Attended, AttentionOutput, AttentionSpec, attention, attention_with_weights};

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use compared::linear_or_identity;
use heads::{join_heads, split_heads};
use inputs::Inputs;
use intermediates::{Tap, TraceStep, tap_stage};

use crate::dropout::Dropout;
use crate::fused::{all_finite, supports};
use crate::mode::Mode;
use crate::positions::AnyPositions;

/// Multi-head self-attention ([Vaswani et al. 2017, section 3.2](https://arxiv.org/abs/1706.03762)).
///
/// ```text
/// q = x W_Q    k = x W_K    v = x W_V                        per head: [d_in] → [d_k], [d_k], [d_v]
/// context_h = softmax(scale · score(q_h, k_h) + mask) v_h    for every head h
/// output    = [context_1 … context_n] W_O                    W_O optional
/// ```
///
/// What else may stand between projections and weights is off unless the config asks for it: [`QkNorm`], a position
/// scheme that acts in the layer, and the cap and the sink of [`AttentionSpec`].
///
/// Built by [`SelfAttentionConfig`]. A projection that is `None` is the identity, a bias that is `None` is zero.
/// The fields are public so that weights can be set by hand; columns `h·d_k .. (h+1)·d_k` of `w_q` belong to head `h`.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Makes queries, `[d_in, n_heads·d_k]`.
    pub w_q: Option<Param<Tensor<2>>>,
    /// Makes keys, `[d_in, n_kv_heads·d_k]`; `d_source` in place of `d_in` in a [`CrossAttention`].
    pub w_k: Option<Param<Tensor<2>>>,
    /// Makes values, `[d_in, n_kv_heads·d_v]`; the same.
    pub w_v: Option<Param<Tensor<2>>>,
    /// Mixes the heads, `[n_heads·d_v, d_out]`.
    pub w_o: Option<Param<Tensor<2>>>,
    /// Added to the queries, `[n_heads·d_k]`.
    pub b_q: Option<Param<Tensor<1>>>,
    /// Added to the keys, `[n_kv_heads·d_k]`; the softmax cancels it under a dot score.
    pub b_k: Option<Param<Tensor<1>>>,
    /// Added to the values, `[n_kv_heads·d_v]`.
    pub b_v: Option<Param<Tensor<1>>>,
    /// Added to the output, `[d_out]`.
    pub b_o: Option<Param<Tensor<1>>>,
    /// Compares queries with keys.
    pub score: AnyScore,
    /// Turns queries and keys, or adds to the scores; absent where the positions act on the model's input alone.
    pub positions: Option<AnyPositions>,
    /// RMS-normalises queries and keys per head.
    pub qk_norm: Option<QkNorm>,
    dropout: Dropout,
    softcap: Option<f64>,
    #[module(skip)]
    softmax: Softmax,
    #[module(skip)]
    implementation: Implementation,
    /// `[1]`; a layer without projections has no parameter to ask.
    device_and_dtype: Tensor<1>,
    d_in: usize,
    /// What keys and values are made of; `d_in` in self-attention.
    d_source: usize,
    d_k: usize,
    d_v: usize,
    d_out: usize,
    n_heads: usize,
    n_kv_heads: usize,
}

impl SelfAttention {
    /// The output of the layer, for every position.
    ///
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_in]`
    /// - returns `[batch, seq_len, d_out]`
    ///
    /// # Panics
    /// If `x`, the mask, or a matrix or bias that was set by hand does not have the shape or the precision of the
    /// layer, or if the layer asks for [`Implementation::Fused`] and a bias that the mask adds to the scores is
    /// learned.
    pub fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        self.forward_of(x.into(), mask, mode)
    }

    /// `residual + forward(x)`; `residual` has the shape of the output.
    pub(crate) fn forward_onto(
        &self,
        residual: Tensor<3>,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
    ) -> Tensor<3> {
        self.forward_onto_of(residual, x.into(), mask, mode)
    }

    /// [`forward`](Self::forward) of one sequence or two.
    fn forward_of(&self, inputs: Inputs, mask: &Mask, mode: Mode) -> Tensor<3> {
        linear_or_identity(self.joined_context(inputs, mask, mode), &self.w_o, &self.b_o)
    }

    fn forward_onto_of(&self, residual: Tensor<3>, inputs: Inputs, mask: &Mask, mode: Mode) -> Tensor<3> {
        self.project_onto(residual, self.joined_context(inputs, mask, mode))
    }

    /// The output together with the attention weights of every head, `[batch, heads, seq_len, seq_len]`, by the
    /// reference implementation.
    ///
    /// # Shapes
    /// As for [`forward`](Self::forward).
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_with_weights(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> AttentionOutput {
        self.with_weights(x.into(), mask, mode)
    }

    fn with_weights(&self, inputs: Inputs, mask: &Mask, mode: Mode) -> AttentionOutput {
        let mut weights = None;
        let output = self.reference(inputs, mask, mode, &mut |step, x| {
            if step == TraceStep::Stage(Stage::Weights) {
                weights = Some(x.clone());
            }
            x
        });
        AttentionOutput {
            output,
            weights: weights.expect("the reference implementation computes the weights"),
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
        self.spec(Mode::Evaluate).reference_reason(&self.device_and_dtype, self.n_heads)
    }

    /// The contexts of all heads side by side, `[batch, seq_len, heads·d_v]`.
    fn joined_context(&self, inputs: Inputs, mask: &Mask, mode: Mode) -> Tensor<3> {
        self.check(&inputs);
        let Inputs { x, source } = &inputs;
        let [batch, seq_len, _] = x.dims();
        let scores = [batch, self.n_heads, seq_len, seq_len];
        if source.is_none()
            && self.has_only_projections()
            && supports(x)
            && (mask.is_none() || all_finite(x))
            && let Some(fused) = self.spec(mode).fused(x, scores, self.d_k, mask)
        {
            let weights = [&self.w_q, &self.w_k, &self.w_v].map(|w| w.as_ref().map(Param::val));
            return fused.self_attention(inputs.x, weights, [self.n_heads, self.n_kv_heads]);
        }
        join_heads(self.context_of(inputs, mask, mode))
    }

    /// Whether the scores compare plain projections of the input: without biases, QK-norm, positions or a score that
    /// prepares them.
    fn has_only_projections(&self) -> bool {
        let has_bias = [&self.b_q, &self.b_k, &self.b_v].into_iter().any(Option::is_some);
        let is_prepared = self.score.comparison() == Comparison::PreparedDot;
        self.qk_norm.is_none() && self.positions.is_none() && !has_bias && !is_prepared
    }

    /// The context of every head: the first half of [`forward`](Self::forward), by the kernels where they can.
    ///
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_in]`
    /// - returns `[batch, heads, seq_len, d_v]`
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn context(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<4> {
        self.context_of(x.into(), mask, mode)
    }

    fn context_of(&self, inputs: Inputs, mask: &Mask, mode: Mode) -> Tensor<4> {
        let [q, k, v] = self.project_of(inputs.clear_padding(mask));
        let [q, k] = self.norm_and_rotate([q, k], 0);
        attention(&self.spec(mode), q, k, v, mask)
    }

    /// [`forward`](Self::forward) by the reference implementation. Calls `tap` with the result of each step and
    /// continues with what it returns.
    fn reference(&self, inputs: Inputs, mask: &Mask, mode: Mode, tap: &mut Tap<'_>) -> Tensor<3> {
        let inputs = inputs.clear_padding(mask);
        tap(TraceStep::Between(Intermediate::Input), split_heads(inputs.x.clone(), 1));
        if let Some(source) = inputs.source.clone() {
            tap(TraceStep::Between(Intermediate::Source), split_heads(source, 1));
        }
        let [q, k, v] = self.project_of(inputs);
        let q = tap_stage(tap, Stage::Queries, q);
        let k = tap_stage(tap, Stage::Keys, k);
        let v = tap_stage(tap, Stage::Values, v);
        let [q, k] = self.norm_and_rotate([q, k], 0);
        self.project_out(self.spec(mode).reference(q, k, v, mask, tap))
    }

    fn spec(&self, mode: Mode) -> AttentionSpec<'_> {
        let Self { score, positions, softcap, softmax, implementation, dropout, .. } = self;
        AttentionSpec {
            score,
            positions: positions.as_ref(),
            softcap: *softcap,
            softmax: *softmax,
            dropout: dropout.in_mode(mode),
            implementation: *implementation,
        }
    }
}

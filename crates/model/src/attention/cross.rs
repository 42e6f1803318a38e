//! Cross-attention: queries from one sequence, keys and values from another.

use burn::module::Module;
use burn::tensor::Tensor;

use super::SelfAttention;
use super::config::SelfAttentionConfig;
use super::inputs::Inputs;
use super::intermediates::{Hook, Query, Trace};
use super::layer::HeadContributions;
use super::mask::Mask;
use super::spec::AttentionOutput;
use crate::catalog::Catalog;
use crate::error::ModelError;
use crate::init::Init;
use crate::mode::Mode;

/// Attention of one sequence to another
/// ([Vaswani et al. 2017, section 3.2.3](https://arxiv.org/abs/1706.03762); the idea is that of
/// [Bahdanau et al. 2015](https://arxiv.org/abs/1409.0473)).
///
/// ```text
/// q = x W_Q    k = source W_K    v = source W_V              per head: [d_in] → [d_k], [d_source] → [d_k], [d_v]
/// context_h = softmax(scale · score(q_h, k_h) + mask) v_h    [q_len, d_v]
/// output    = [context_1 … context_n] W_O                    W_O optional
/// ```
///
/// [`SelfAttention`] is the case in which the source is `x`; everything between the matrices and the output is that
/// layer's, with the same kernels. Masks have a row for each position of `x` and a column for each of the source.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{Catalog, CrossAttention, Init, Mask, Mode, SelfAttentionConfig};
///
/// let device = Device::flex();
/// let (config, d_source) = (SelfAttentionConfig::new(3, 2), 5);
/// let cross = CrossAttention::new(&config, d_source, &Init::new(&device, 1), &Catalog::default())?;
/// assert_eq!([cross.attention.w_q(0).dims(), cross.attention.w_k(0).dims()], [[3, 2], [5, 2]]);
/// let (x, source) = (Tensor::ones([1, 4, 3], &device), Tensor::ones([1, 7, 5], &device));
/// let found = cross.forward_with_weights(x, source, &Mask::none(), Mode::Evaluate);
/// assert_eq!(found.weights.dims(), [1, 1, 4, 7]);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct CrossAttention {
    /// The matrices with their accessors by head, the score and the softmax.
    pub attention: SelfAttention,
}

impl CrossAttention {
    /// The layer of `config`, with keys and values made of vectors of width `d_source`; with what has a name in
    /// `catalog`.
    ///
    /// # Errors
    /// As [`SelfAttentionConfig::init`].
    pub fn new(
        config: &SelfAttentionConfig,
        d_source: usize,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<Self, ModelError> {
        Ok(Self { attention: config.init_from(d_source, &init.enter("attention"), catalog)? })
    }

    /// The output of the layer, for every position of `x`.
    ///
    /// # Shapes
    /// - `x`: `[batch, q_len, d_in]`
    /// - `source`: `[batch, k_len, d_source]`
    /// - returns `[batch, q_len, d_out]`
    ///
    /// # Panics
    /// As [`SelfAttention::forward`].
    pub fn forward(&self, x: Tensor<3>, source: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        self.attention.forward_of(Inputs::new(x, source), mask, mode)
    }

    /// `residual + forward(x, source)`; `residual` has the shape of the output.
    pub(crate) fn forward_onto(
        &self,
        residual: Tensor<3>,
        [x, source]: [Tensor<3>; 2],
        mask: &Mask,
        mode: Mode,
    ) -> Tensor<3> {
        self.attention.forward_onto_of(residual, Inputs::new(x, source), mask, mode)
    }

    /// The output together with the attention weights of every head, `[batch, heads, q_len, k_len]`, by the reference
    /// implementation. Shapes and panics are as for [`forward`](Self::forward).
    pub fn forward_with_weights(
        &self,
        x: Tensor<3>,
        source: Tensor<3>,
        mask: &Mask,
        mode: Mode,
    ) -> AttentionOutput {
        self.attention.with_weights(Inputs::new(x, source), mask, mode)
    }

    /// The output, with every [`Stage`](super::Stage) but the residual stream shown to `hook` as that of `layer`.
    ///
    /// # Panics
    /// If the hook returns another shape than it was given, and as [`forward`](Self::forward).
    pub fn forward_with_hook(
        &self,
        [x, source]: [Tensor<3>; 2],
        mask: &Mask,
        mode: Mode,
        layer: usize,
        hook: &mut dyn Hook,
    ) -> Tensor<3> {
        self.attention.hooked(Inputs::new(x, source), mask, mode, (layer, hook))
    }

    /// Queries of `x`, keys and values of `source`: `[batch, heads, q_len, d_k]`, `[batch, kv_heads, k_len, d_k]` and
    /// `[batch, kv_heads, k_len, d_v]`.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn project(&self, x: Tensor<3>, source: Tensor<3>) -> [Tensor<4>; 3] {
        self.attention.project_of(Inputs::new(x, source))
    }

    /// Every intermediate of one query of `x`, `[q_len, d_in]`, to `source`, `[k_len, d_source]`, with every stage but
    /// the residual stream shown to `hook`; see [`SelfAttention::trace_with_hook`].
    ///
    /// # Panics
    /// As there.
    pub fn trace_with_hook(
        &self,
        [x, source]: [Tensor<2>; 2],
        mask: &Mask,
        place: Query,
        hook: &mut dyn Hook,
    ) -> Trace {
        self.attention.trace_of(Inputs::new(x.unsqueeze(), source.unsqueeze()), mask, place, hook)
    }

    /// What each head adds to the output; see [`SelfAttention::head_outputs`].
    pub fn head_outputs(&self, x: Tensor<3>, source: Tensor<3>, mask: &Mask) -> Vec<Tensor<3>> {
        self.attention.head_outputs_of(Inputs::new(x, source), mask)
    }

    /// The output as a sum over the heads.
    ///
    /// # Shapes
    /// - `x`: `[batch, q_len, d_in]`
    /// - `source`: `[batch, k_len, d_source]`
    /// - returns `[batch, q_len, d_out]` of each head
    pub fn contributions(&self, x: Tensor<3>, source: Tensor<3>, mask: &Mask) -> HeadContributions {
        self.attention.contributions_of(Inputs::new(x, source), mask)
    }
}

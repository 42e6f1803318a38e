//! One transformer block: attention and, where wanted, an MLP, each on a residual stream.

use burn::module::Module;
use burn::tensor::Tensor;

use super::config::TransformerConfig;
use super::contribution::Ledger;
use super::mlp::Mlp;
use super::sublayer::Sublayer;
use crate::attention::{
    AnyAttention, AttentionLayer, Hook, KeyValueCache, Mask, Query, SelfAttention, Stage, Trace, call_hook,
};
use crate::catalog::Catalog;
use crate::dropout::Dropout;
use crate::error::ModelError;
use crate::init::Init;
use crate::mode::Mode;
use crate::norm::{AnyNorm, NormConfig};

/// Attention and MLP with residual connections.
///
/// ```text
/// pre-norm     x = x + attention(norm(x))      x = x + mlp(norm(x))
/// post-norm    x = norm(x + attention(x))      x = norm(x + mlp(x))
/// no norm      x = x + attention(x)            x = x + mlp(x)
/// ```
#[derive(Module, Debug)]
pub struct Block {
    /// The only place where positions exchange information.
    pub attention: AnyAttention,
    /// Absent in an attention-only block.
    pub mlp: Option<Mlp>,
    /// Belongs to the attention.
    pub norm_attention: Option<AnyNorm>,
    /// Belongs to the MLP.
    pub norm_mlp: Option<AnyNorm>,
    dropout_attention: Dropout,
    dropout_mlp: Dropout,
    post_norm: bool,
}

impl Block {
    /// One block of the model that `config` describes. A model of your own may stack blocks of several.
    ///
    /// # Errors
    /// As [`TransformerConfig::init`].
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use qkv_model::{Block, Catalog, Init, Mask, Mode, TransformerConfig};
    ///
    /// let (device, catalog) = (Device::flex(), Catalog::default());
    /// let config = TransformerConfig::new(10, 5, 8);
    /// let block = Block::new(&config, &Init::new(&device, 1).enter("block"), &catalog)?;
    /// let x = Tensor::<3>::ones([2, 5, 8], &device);
    /// assert_eq!(block.forward(x, &Mask::none(), Mode::Evaluate).dims(), [2, 5, 8]);
    /// # Ok::<(), qkv_model::ModelError>(())
    /// ```
    pub fn new(config: &TransformerConfig, init: &Init, catalog: &Catalog) -> Result<Self, ModelError> {
        Self::of_resolved(&config.resolve(catalog)?, init, catalog)
    }

    /// The same for a `config` that is resolved.
    pub(crate) fn of_resolved(
        config: &TransformerConfig,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<Self, ModelError> {
        let has_mlp = config.d_mlp > 0;
        Ok(Self {
            attention: catalog.build_attention(
                &config.layer,
                &init.enter("attention"),
                &config.attention(),
            )?,
            mlp: has_mlp.then(|| config.init_mlp(&init.enter("mlp"), catalog)).transpose()?,
            norm_attention: config.init_norm(&init.enter("norm_attention"), catalog)?,
            norm_mlp: if has_mlp { config.init_norm(&init.enter("norm_mlp"), catalog)? } else { None },
            dropout_attention: Dropout::new(init, "dropout_attention", config.dropout)?,
            dropout_mlp: Dropout::new(init, "dropout_mlp", config.dropout)?,
            post_norm: config.norm == NormConfig::Post,
        })
    }

    /// The residual stream after the block, `[batch, seq_len, d_model]` like `x`, the one before it.
    pub fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        let x = self.around_attention().attention(&self.attention, x, mask, mode);
        self.around_mlp().mlp(self.mlp.as_ref(), x, mode)
    }

    /// [`forward`](Self::forward) of the positions that come next, in evaluation. `attention` is that of the block, and
    /// has a cache of its own.
    pub(crate) fn forward_cached(
        &self,
        attention: &SelfAttention,
        x: Tensor<3>,
        mask: &Mask,
        cache: &mut KeyValueCache,
    ) -> Tensor<3> {
        let x = self.around_attention().attention_cached(attention, x, mask, cache);
        self.around_mlp().mlp(self.mlp.as_ref(), x, Mode::Evaluate)
    }

    /// [`forward`](Self::forward) by the reference implementation, with every [`Stage`] shown to `hook` as that of
    /// `layer`.
    pub(crate) fn forward_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        layer: usize,
        hook: &mut dyn Hook,
    ) -> Tensor<3> {
        let x = self.around_attention().attention_with_hook(&self.attention, x, mask, mode, (layer, hook));
        self.around_mlp().mlp(self.mlp.as_ref(), x, mode)
    }

    /// Every intermediate of one query of `x`, `[1, seq_len, d_model]`, with every [`Stage`] shown to `hook`; `None`
    /// where the layer does not show them.
    pub(crate) fn trace_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        place: Query,
        hook: &mut dyn Hook,
    ) -> Option<Trace> {
        let input = self.attention_input(residual(hook, place.layer, x));
        self.attention.trace(input.squeeze_dim(0), mask, place, hook)
    }

    /// [`forward`](Self::forward) without dropout on the residual stream in `ledger`, which records what each source
    /// adds; `None` where the layer or a norm does not take its output apart.
    pub(crate) fn record(&self, layer: usize, ledger: &mut Ledger, mask: &Mask) -> Option<()> {
        self.around_attention().record_attention(&self.attention, ledger, mask, layer)?;
        self.around_mlp().record_mlp(self.mlp.as_ref(), ledger, layer)
    }

    /// The attention layer, where it is the built-in one.
    pub fn self_attention(&self) -> Option<&SelfAttention> {
        self.attention.downcast_ref()
    }

    /// Whether a norm stands between the residual stream and the attention layer.
    pub fn is_pre_norm(&self) -> bool {
        self.norm_attention.is_some() && !self.post_norm
    }

    /// The input of the attention layer, made of the residual stream `x`.
    pub fn attention_input(&self, x: Tensor<3>) -> Tensor<3> {
        self.around_attention().input(x)
    }

    fn around_attention(&self) -> Sublayer<'_> {
        let Self { norm_attention: norm, dropout_attention: dropout, post_norm: is_post_norm, .. } = self;
        Sublayer { norm: norm.as_ref(), is_post_norm: *is_post_norm, dropout }
    }

    fn around_mlp(&self) -> Sublayer<'_> {
        let Self { norm_mlp: norm, dropout_mlp: dropout, post_norm: is_post_norm, .. } = self;
        Sublayer { norm: norm.as_ref(), is_post_norm: *is_post_norm, dropout }
    }
}

/// What `hook` makes of the residual stream on its way into block `layer`, `[batch, seq_len, d_model]` to the same.
pub(crate) fn residual(hook: &mut dyn Hook, layer: usize, x: Tensor<3>) -> Tensor<3> {
    call_hook(hook, layer, Stage::Residual, x.unsqueeze_dim(1)).squeeze_dim::<3>(1)
}

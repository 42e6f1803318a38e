//! One transformer block: attention and, where wanted, an MLP, each on a residual stream.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::attention::{Hook, Mask, Query, SelfAttention, Stage, Trace, call_hook};
use crate::catalog::Catalog;
use crate::config::TransformerConfig;
use crate::contribution::{Ledger, Source};
use crate::dropout::Dropout;
use crate::error::ModelError;
use crate::init::Init;
use crate::mlp::Mlp;
use crate::mode::Mode;
use crate::norm::{Norm, NormConfig};

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
    pub attention: SelfAttention,
    /// Absent in an attention-only block.
    pub mlp: Option<Mlp>,
    /// Belongs to the attention.
    pub norm_attention: Option<Norm>,
    /// Belongs to the MLP.
    pub norm_mlp: Option<Norm>,
    dropout_attention: Dropout,
    dropout_mlp: Dropout,
    post_norm: bool,
}

impl Block {
    /// One block of the model that `config` describes; `config` must be resolved.
    pub(crate) fn new(
        config: &TransformerConfig,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<Self, ModelError> {
        let TransformerConfig { d_model, d_mlp, .. } = *config;
        let norm = || (config.norm != NormConfig::None).then(|| Norm::new(config.norm_kind, init, d_model));
        Ok(Self {
            attention: config.attention().init_with(&init.enter("attention"), catalog)?,
            mlp: (d_mlp > 0).then(|| Mlp::new(config.activation, &init.enter("mlp"), d_model, d_mlp)),
            norm_attention: norm(),
            norm_mlp: if d_mlp > 0 { norm() } else { None },
            dropout_attention: Dropout::new(init, "dropout_attention", config.dropout)?,
            dropout_mlp: Dropout::new(init, "dropout_mlp", config.dropout)?,
            post_norm: config.norm == NormConfig::Post,
        })
    }

    /// The residual stream after the block, `[batch, seq_len, d_model]` like `x`, the one before it.
    pub fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        let input = self.attention_input(x.clone());
        if self.dropout_attention.in_mode(mode).is_none() {
            return self.after_residual(self.attention.forward_onto(x, input, mask, mode), mode);
        }
        let attended = self.attention.forward(input, mask, mode);
        self.after_attention(x, attended, mode)
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
        let x = residual(hook, layer, x);
        let input = self.attention_input(x.clone());
        let output = self.attention.forward_with_hook(input, mask, mode, layer, hook);
        self.after_attention(x, output, mode)
    }

    /// Every intermediate of one query of `x`, `[1, seq_len, d_model]`, with every [`Stage`] shown to `hook`.
    pub(crate) fn trace_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        place: Query,
        hook: &mut dyn Hook,
    ) -> Trace {
        let input = self.attention_input(residual(hook, place.layer, x));
        self.attention.trace_with_hook(input.squeeze_dim(0), mask, place, hook)
    }

    /// [`forward`](Self::forward) without dropout on the residual stream in `ledger`, which records what each source
    /// adds.
    pub(crate) fn record(&self, layer: usize, ledger: &mut Ledger, mask: &Mask) {
        let input = self.attention_input(ledger.total());
        for (head, output) in self.attention.head_outputs(input, mask).into_iter().enumerate() {
            ledger.add(Source::Head { layer, head }, output);
        }
        if let Some(b_o) = &self.attention.b_o {
            ledger.add_bias(b_o.val());
        }
        ledger.norm(self.post(&self.norm_attention));
        if let Some(mlp) = &self.mlp {
            ledger.add(Source::Mlp { layer }, mlp.forward(self.before(&self.norm_mlp, ledger.total())));
            ledger.norm(self.post(&self.norm_mlp));
        }
    }

    /// Whether a norm stands between the residual stream and the attention layer.
    pub fn is_pre_norm(&self) -> bool {
        self.norm_attention.is_some() && !self.post_norm
    }

    /// The input of the attention layer, made of the residual stream `x`.
    pub fn attention_input(&self, x: Tensor<3>) -> Tensor<3> {
        self.before(&self.norm_attention, x)
    }

    fn after_attention(&self, x: Tensor<3>, attended: Tensor<3>, mode: Mode) -> Tensor<3> {
        self.after_residual(x + self.dropout_attention.forward(attended, mode), mode)
    }

    /// What follows when the attention has been added to the residual stream.
    fn after_residual(&self, x: Tensor<3>, mode: Mode) -> Tensor<3> {
        let x = self.after(&self.norm_attention, x);
        let Some(mlp) = &self.mlp else { return x };
        let input = self.before(&self.norm_mlp, x.clone());
        let x = if self.dropout_mlp.in_mode(mode).is_none() {
            mlp.forward_onto(x, input)
        } else {
            x + self.dropout_mlp.forward(mlp.forward(input), mode)
        };
        self.after(&self.norm_mlp, x)
    }

    fn before(&self, norm: &Option<Norm>, x: Tensor<3>) -> Tensor<3> {
        match norm {
            Some(norm) if !self.post_norm => norm.forward(x),
            _ => x,
        }
    }

    fn after(&self, norm: &Option<Norm>, x: Tensor<3>) -> Tensor<3> {
        match self.post(norm) {
            Some(norm) => norm.forward(x),
            None => x,
        }
    }

    /// A norm, where it comes after its sub-layer.
    fn post<'a>(&self, norm: &'a Option<Norm>) -> Option<&'a Norm> {
        norm.as_ref().filter(|_| self.post_norm)
    }
}

/// What `hook` makes of the residual stream on its way into block `layer`, `[batch, seq_len, d_model]` to the same.
fn residual(hook: &mut dyn Hook, layer: usize, x: Tensor<3>) -> Tensor<3> {
    call_hook(hook, layer, Stage::Residual, x.unsqueeze_dim(1)).squeeze_dim::<3>(1)
}

//! One block of a decoder: attention to the answer so far, attention to the source and, where wanted, an MLP.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::attention::{
    AnyAttention, AttentionLayer, CrossAttention, Hook, KeyValueCache, Mask, Query, SelfAttention,
    SelfAttentionConfig, Trace,
};
use crate::catalog::Catalog;
use crate::dropout::Dropout;
use crate::error::ModelError;
use crate::init::Init;
use crate::mode::Mode;
use crate::norm::{AnyNorm, NormConfig};
use crate::parts::Choice;
use crate::transformer::{Ledger, Mlp, Sublayer, TransformerConfig, residual};

/// A [`Block`](crate::Block) with cross-attention between its attention and its MLP.
///
/// ```text
/// x = x + attention(norm(x))      x = x + cross(norm(x), source)      x = x + mlp(norm(x))
/// ```
///
/// As there, norms stand before each sub-layer, after it, or nowhere.
#[derive(Module, Debug)]
pub struct DecoderBlock {
    /// Where the positions of the answer exchange information.
    pub attention: AnyAttention,
    /// Where they read the source.
    pub cross: CrossAttention,
    /// Absent in an attention-only block.
    pub mlp: Option<Mlp>,
    /// Belongs to the attention.
    pub norm_attention: Option<AnyNorm>,
    /// Belongs to the cross-attention.
    pub norm_cross: Option<AnyNorm>,
    /// Belongs to the MLP.
    pub norm_mlp: Option<AnyNorm>,
    dropout_attention: Dropout,
    dropout_cross: Dropout,
    dropout_mlp: Dropout,
    post_norm: bool,
}

/// What a decoder reads besides its own sequence.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// What the encoder makes, `[batch, source_len, d_model]`.
    pub encoded: Tensor<3>,
    /// Which positions of it are hidden from the answer.
    pub mask: Mask,
}

/// The two attention layers of a decoder's block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Attention,
    Cross,
}

impl DecoderBlock {
    /// `config` must be resolved.
    pub(crate) fn of_resolved(
        config: &TransformerConfig,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<Self, ModelError> {
        let has_mlp = config.d_mlp > 0;
        let attention = config.attention();
        // Distances between the positions of two sequences mean nothing.
        let cross = SelfAttentionConfig { positions: Choice::new("none"), ..attention.clone() };
        let norm = |name| config.init_norm(&init.enter(name), catalog);
        let dropout = |name| Dropout::new(init, name, config.dropout);
        Ok(Self {
            attention: catalog.build_attention(&config.layer, &init.enter("attention"), &attention)?,
            cross: CrossAttention::new(&cross, config.d_model, &init.enter("cross"), catalog)?,
            mlp: has_mlp.then(|| config.init_mlp(&init.enter("mlp"), catalog)).transpose()?,
            norm_attention: norm("norm_attention")?,
            norm_cross: norm("norm_cross")?,
            norm_mlp: if has_mlp { norm("norm_mlp")? } else { None },
            dropout_attention: dropout("dropout_attention")?,
            dropout_cross: dropout("dropout_cross")?,
            dropout_mlp: dropout("dropout_mlp")?,
            post_norm: config.norm == NormConfig::Post,
        })
    }

    /// The residual stream after the block, `[batch, target_len, d_model]` like `x`, the one before it.
    pub(crate) fn forward(&self, x: Tensor<3>, source: &Source, mask: &Mask, mode: Mode) -> Tensor<3> {
        let x = self.around(Part::Attention).attention(&self.attention, x, mask, mode);
        let around = self.around(Part::Cross);
        let (input, Source { encoded, mask }) = (around.input(x.clone()), source);
        let inputs = [input, encoded.clone()];
        let x = match around.drops(mode) {
            true => {
                let [input, encoded] = inputs;
                around.add(x, self.cross.forward(input, encoded, mask, mode), mode)
            }
            false => around.finish(self.cross.forward_onto(x, inputs, mask, mode)),
        };
        self.around_mlp().mlp(self.mlp.as_ref(), x, mode)
    }

    /// The first sub-layer of [`forward`](Self::forward) for the positions that come next, in evaluation. `attention` is
    /// that of the block, and has a cache of its own.
    pub(crate) fn attend_cached(
        &self,
        attention: &SelfAttention,
        x: Tensor<3>,
        mask: &Mask,
        answer: &mut KeyValueCache,
    ) -> Tensor<3> {
        self.around(Part::Attention).attention_cached(attention, x, mask, answer)
    }

    /// The rest of it, with the keys and values that the cross-attention made of the source. The first of the positions
    /// is number `offset` of the answer.
    pub(crate) fn read_cached(
        &self,
        x: Tensor<3>,
        source: &KeyValueCache,
        mask: &Mask,
        offset: usize,
    ) -> Tensor<3> {
        let around = self.around(Part::Cross);
        let inputs = [x.clone(), around.input(x)];
        let x = around.finish(self.cross.forward_cached_onto(inputs, source, mask, offset));
        self.around_mlp().mlp(self.mlp.as_ref(), x, Mode::Evaluate)
    }

    /// [`forward`](Self::forward) by the reference implementation, with every stage shown to `hook`: of the attention
    /// as that of `layer`, of the cross-attention as that of the next.
    pub(crate) fn forward_with_hook(
        &self,
        x: Tensor<3>,
        source: &Source,
        mask: &Mask,
        mode: Mode,
        (layer, hook): (usize, &mut dyn Hook),
    ) -> Tensor<3> {
        let x = self.attend_with_hook(x, mask, mode, (layer, &mut *hook));
        let x = residual(hook, layer + 1, x);
        let around = self.around(Part::Cross);
        let inputs = [around.input(x.clone()), source.encoded.clone()];
        let output = self.cross.forward_with_hook(inputs, &source.mask, mode, layer + 1, hook);
        let x = around.add(x, output, mode);
        self.around_mlp().mlp(self.mlp.as_ref(), x, mode)
    }

    /// The residual stream between attention and cross-attention.
    fn attend_with_hook(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        (layer, hook): (usize, &mut dyn Hook),
    ) -> Tensor<3> {
        self.around(Part::Attention).attention_with_hook(&self.attention, x, mask, mode, (layer, hook))
    }

    /// Every intermediate of one query of `x`, `[1, target_len, d_model]`, in one of the two attention layers, that of
    /// `place`; `None` where the layer does not show them.
    pub(crate) fn trace_with_hook(
        &self,
        x: Tensor<3>,
        source: &Source,
        mask: &Mask,
        (part, place): (Part, Query),
        hook: &mut dyn Hook,
    ) -> Option<Trace> {
        match part {
            Part::Attention => {
                let input = self.around(part).input(residual(hook, place.layer, x));
                self.attention.trace(input.squeeze_dim(0), mask, place, hook)
            }
            Part::Cross => {
                let x = self.attend_with_hook(x, mask, Mode::Evaluate, (place.layer - 1, &mut *hook));
                let input = self.around(part).input(residual(hook, place.layer, x));
                let inputs = [input.squeeze_dim(0), source.encoded.clone().squeeze_dim(0)];
                Some(self.cross.trace_with_hook(inputs, &source.mask, place, hook))
            }
        }
    }

    /// [`forward`](Self::forward) without dropout on the residual stream in `ledger`, which records what each source
    /// adds; `None` where the layer or a norm does not take its output apart.
    pub(crate) fn record(
        &self,
        layer: usize,
        ledger: &mut Ledger,
        source: &Source,
        mask: &Mask,
    ) -> Option<()> {
        self.around(Part::Attention).record_attention(&self.attention, ledger, mask, layer)?;
        let around = self.around(Part::Cross);
        let parts =
            self.cross.contributions(around.input(ledger.total()), source.encoded.clone(), &source.mask);
        around.record_heads(parts, ledger, layer + 1)?;
        self.around_mlp().record_mlp(self.mlp.as_ref(), ledger, layer + 1)
    }

    /// Whether a norm stands between the residual stream and the attention layers.
    pub fn is_pre_norm(&self) -> bool {
        self.norm_attention.is_some() && !self.post_norm
    }

    fn around(&self, part: Part) -> Sublayer<'_> {
        let (norm, dropout) = match part {
            Part::Attention => (&self.norm_attention, &self.dropout_attention),
            Part::Cross => (&self.norm_cross, &self.dropout_cross),
        };
        Sublayer { norm: norm.as_ref(), is_post_norm: self.post_norm, dropout }
    }

    fn around_mlp(&self) -> Sublayer<'_> {
        let Self { norm_mlp, dropout_mlp, .. } = self;
        Sublayer { norm: norm_mlp.as_ref(), is_post_norm: self.post_norm, dropout: dropout_mlp }
    }
}

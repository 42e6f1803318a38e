//! What stands around each sub-layer of a block: a norm before it or after it, dropout and the residual connection.

use burn::tensor::Tensor;

use super::block::residual;
use super::contribution::{Ledger, Source};
use super::mlp::Mlp;
use crate::attention::{
    AnyAttention, AttentionLayer, HeadContributions, Hook, KeyValueCache, Mask, SelfAttention,
};
use crate::dropout::Dropout;
use crate::mode::Mode;
use crate::norm::{AnyNorm, Normalize};

/// ```text
/// pre-norm     x + dropout(f(norm(x)))
/// post-norm    norm(x + dropout(f(x)))
/// no norm      x + dropout(f(x))
/// ```
#[derive(Clone, Copy)]
pub(crate) struct Sublayer<'a> {
    pub norm: Option<&'a AnyNorm>,
    pub is_post_norm: bool,
    pub dropout: &'a Dropout,
}

impl<'a> Sublayer<'a> {
    /// What `f` is given of the residual stream.
    pub fn input(self, x: Tensor<3>) -> Tensor<3> {
        match self.norm {
            Some(norm) if !self.is_post_norm => norm.forward(x),
            _ => x,
        }
    }

    /// Whether the output of `f` has to be at hand, instead of being added to the residual stream by its last product.
    pub fn drops(self, mode: Mode) -> bool {
        self.dropout.in_mode(mode).is_some()
    }

    /// The residual stream after the sub-layer, of the one before it and the output of `f`.
    pub fn add(self, x: Tensor<3>, output: Tensor<3>, mode: Mode) -> Tensor<3> {
        self.finish(x + self.dropout.forward(output, mode))
    }

    /// The same of the sum.
    pub fn finish(self, x: Tensor<3>) -> Tensor<3> {
        match self.post() {
            Some(norm) => norm.forward(x),
            None => x,
        }
    }

    /// The sub-layer of an attention.
    pub fn attention(self, attention: &AnyAttention, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        let input = self.input(x.clone());
        match self.drops(mode) {
            true => self.add(x, attention.forward(input, mask, mode), mode),
            false => self.finish(attention.forward_onto(x, input, mask, mode)),
        }
    }

    /// The same for the positions that come next, in evaluation.
    pub fn attention_cached(
        self,
        attention: &SelfAttention,
        x: Tensor<3>,
        mask: &Mask,
        cache: &mut KeyValueCache,
    ) -> Tensor<3> {
        let input = self.input(x.clone());
        self.finish(attention.forward_cached_onto(x, input, mask, cache))
    }

    /// The same by the reference implementation, with every stage shown to `hook` as that of `layer`.
    pub fn attention_with_hook(
        self,
        attention: &AnyAttention,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        (layer, hook): (usize, &mut dyn Hook),
    ) -> Tensor<3> {
        let x = residual(hook, layer, x);
        let output = attention.forward_with_hook(self.input(x.clone()), mask, mode, layer, hook);
        self.add(x, output, mode)
    }

    /// The sub-layer of an MLP; `x` itself in a block without one.
    pub fn mlp(self, mlp: Option<&Mlp>, x: Tensor<3>, mode: Mode) -> Tensor<3> {
        let Some(mlp) = mlp else { return x };
        let input = self.input(x.clone());
        match self.drops(mode) {
            true => self.add(x, mlp.forward(input), mode),
            false => self.finish(mlp.forward_onto(x, input)),
        }
    }

    /// The sub-layer of an attention, without dropout: `ledger` records what each head of `layer` adds to its residual
    /// stream; `None` where the layer or a norm does not take its output apart.
    pub fn record_attention(
        self,
        attention: &AnyAttention,
        ledger: &mut Ledger,
        mask: &Mask,
        layer: usize,
    ) -> Option<()> {
        let parts = attention.contributions(self.input(ledger.total()), mask)?;
        self.record_heads(parts, ledger, layer)
    }

    /// The same of what the heads add.
    pub fn record_heads(self, parts: HeadContributions, ledger: &mut Ledger, layer: usize) -> Option<()> {
        for (head, output) in parts.heads.into_iter().enumerate() {
            ledger.add(Source::Head { layer, head }, output);
        }
        if let Some(bias) = parts.bias {
            ledger.add_bias(bias);
        }
        ledger.norm(self.post())
    }

    /// The same of an MLP, the one behind attention layer `layer`.
    pub fn record_mlp(self, mlp: Option<&Mlp>, ledger: &mut Ledger, layer: usize) -> Option<()> {
        let Some(mlp) = mlp else { return Some(()) };
        ledger.add(Source::Mlp { layer }, mlp.forward(self.input(ledger.total())));
        ledger.norm(self.post())
    }

    /// Its norm, where that comes after it.
    pub fn post(self) -> Option<&'a AnyNorm> {
        self.norm.filter(|_| self.is_post_norm)
    }
}

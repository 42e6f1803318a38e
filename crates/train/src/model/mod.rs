//! Models: two functions that the trainer needs, and others that show what happens inside.

mod encoder_decoder;
mod layer_name;
mod side;

pub use side::Side;

use burn::module::{ParamId, list_param_ids};
use burn::tensor::{Int, Tensor};
use qkv_model::{
    AnyAttention, AttentionLayer, Contribution, Decoding, Erased, ErasedModule, Hook, LayerDescription, Mode,
    Query, Trace, Transformer, erase,
};

use crate::hooked::Hooked;

/// A Burn module over token sequences that [`Trainer`](crate::Trainer) can fit.
///
/// Features and logits are separate, because the trainer picks the positions that carry loss in between: unembedding
/// the others would be wasted work.
pub trait Model: ErasedModule {
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`
    /// - returns `[batch, seq_len, d_model]`
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3>;

    /// # Shapes
    /// - `features`: `[n, d_model]`
    /// - returns `[n, vocab_size]`, before any softmax
    fn logits(&self, features: Tensor<2>) -> Tensor<2>;

    /// The transformer that the model wraps, and what the model does at its stages; `None` unless overridden. What the
    /// model does not override below is then that of the wrapped one, under the model's own hook.
    fn hooked(&self) -> Option<Hooked<'_>> {
        None
    }

    /// The attention weights of every layer, `[batch, heads, q_len, k_len]` each; empty for a model without attention.
    fn attention_weights(&self, tokens: Tensor<3, Int>) -> Vec<Tensor<4>> {
        self.hooked().map(|hooked| hooked.attention_weights(tokens)).unwrap_or_default()
    }

    /// The learned matrices that are tables of vectors and not maps, such as embeddings: weight decay leaves them
    /// alone. None unless overridden; [`list_param_ids`] gives all those of a part.
    fn tables(&self) -> Vec<ParamId> {
        self.hooked().map(|hooked| hooked.transformer.tables()).unwrap_or_default()
    }

    /// The learned matrices that make logits of features, which an optimizer may treat apart from those between
    /// features. None unless overridden.
    fn outputs(&self) -> Vec<ParamId> {
        self.hooked().map(|hooked| hooked.transformer.outputs()).unwrap_or_default()
    }

    /// The attention layers, in order; empty for a model without attention.
    fn layers(&self) -> Vec<Layer> {
        self.hooked().map(|hooked| hooked.layers()).unwrap_or_default()
    }

    /// Every intermediate result of one query, `tokens` being `[seq_len, stack]`; `None` unless overridden.
    ///
    /// # Panics
    /// If there is no such layer, head or position.
    fn trace(&self, tokens: Tensor<2, Int>, place: Query) -> Option<Trace> {
        self.hooked()?.trace(tokens, place)
    }

    /// As [`features`](Self::features), with a call of `hook` at every stage of every layer, which may replace it;
    /// `None` unless overridden. A pass calls it once for each stage of a layer, and every attention has a layer index
    /// of its own.
    fn features_with(&self, tokens: Tensor<3, Int>, mode: Mode, hook: &mut dyn Hook) -> Option<Tensor<3>> {
        Some(self.hooked()?.features_with(tokens, mode, hook))
    }

    /// What reads sequences part by part, each position once; `None` unless overridden, by which a model that writes
    /// computes all tokens again for each that it writes.
    fn decoding(&self) -> Option<Box<dyn Decoding + '_>> {
        None
    }

    /// The features without dropout as a sum, `[batch, seq_len, d_model]` from each source; `None` unless overridden.
    /// It requires [`logits`](Self::logits) that are linear, without a bias.
    fn contributions(&self, tokens: Tensor<3, Int>) -> Option<Vec<Contribution>> {
        let _ = tokens;
        None
    }
}

/// One attention layer of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Where it stands in the module tree, such as `blocks.0.attention`; its matrices lie below.
    pub path: String,
    /// Number of heads.
    pub n_heads: usize,
    /// Number of heads of keys and values; fewer where groups of heads share them.
    pub n_kv_heads: usize,
    /// Whether its input went through a norm.
    pub is_normed: bool,
    /// Why it takes the reference implementation of attention; `None` where it takes the fused kernels.
    pub reference_reason: Option<&'static str>,
    /// Which positions ask: the rows of its maps.
    pub queries: Side,
    /// Which positions are asked: the columns of its maps.
    pub keys: Side,
}

impl Layer {
    /// The layer of a block at `path`, which reads all positions.
    fn of(path: String, attention: &AnyAttention, is_normed: bool) -> Self {
        let LayerDescription { field, n_heads, n_kv_heads, reference_reason } = attention.describe();
        let field = field.map(|field| format!(".{field}")).unwrap_or_default();
        let (queries, keys) = (Side::Whole, Side::Whole);
        Self { path: path + &field, n_heads, n_kv_heads, is_normed, reference_reason, queries, keys }
    }
}

impl Model for Transformer {
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        Transformer::features(self, tokens, mode)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.unembed(features)
    }

    fn attention_weights(&self, tokens: Tensor<3, Int>) -> Vec<Tensor<4>> {
        Transformer::attention_weights(self, tokens)
    }

    /// The embedding, and what the position schemes learn.
    fn tables(&self) -> Vec<ParamId> {
        let in_layers = self.blocks.iter().flat_map(|block| block.attention.tables());
        let at_input = list_param_ids(&self.positions);
        list_param_ids(&self.embedding).into_iter().chain(in_layers).chain(at_input).collect()
    }

    /// The unembedding, unless the embedding takes its place.
    fn outputs(&self) -> Vec<ParamId> {
        list_param_ids(&self.unembedding)
    }

    fn layers(&self) -> Vec<Layer> {
        let layer = |(layer, block): (usize, &qkv_model::Block)| {
            Layer::of(format!("blocks.{layer}.attention"), &block.attention, block.is_pre_norm())
        };
        self.blocks.iter().enumerate().map(layer).collect()
    }

    fn trace(&self, tokens: Tensor<2, Int>, place: Query) -> Option<Trace> {
        Transformer::trace(self, tokens, place)
    }

    fn features_with(&self, tokens: Tensor<3, Int>, mode: Mode, hook: &mut dyn Hook) -> Option<Tensor<3>> {
        Some(Transformer::features_with(self, tokens, mode, hook))
    }

    fn decoding(&self) -> Option<Box<dyn Decoding + '_>> {
        Some(Box::new(Transformer::decoding(self)?))
    }

    fn contributions(&self, tokens: Tensor<3, Int>) -> Option<Vec<Contribution>> {
        Transformer::contributions(self, tokens)
    }
}

/// Any model, as [`Registry`](crate::Registry) hands it out. [`Erased::downcast_ref`] gets at the type inside.
pub type AnyModel = Erased<dyn Model>;

erase!(Model {
    fn hooked(&self) -> Option<Hooked<'_>>;
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3>;
    fn logits(&self, features: Tensor<2>) -> Tensor<2>;
    fn attention_weights(&self, tokens: Tensor<3, Int>) -> Vec<Tensor<4>>;
    fn tables(&self) -> Vec<ParamId>;
    fn outputs(&self) -> Vec<ParamId>;
    fn layers(&self) -> Vec<Layer>;
    fn trace(&self, tokens: Tensor<2, Int>, place: Query) -> Option<Trace>;
    fn features_with(&self, tokens: Tensor<3, Int>, mode: Mode, hook: &mut dyn Hook) -> Option<Tensor<3>>;
    fn decoding(&self) -> Option<Box<dyn Decoding + '_>>;
    fn contributions(&self, tokens: Tensor<3, Int>) -> Option<Vec<Contribution>>;
});

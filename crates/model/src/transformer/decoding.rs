//! Writing token by token: each position is computed once, and what later ones need of it is kept.

use burn::tensor::{Int, Tensor};

use super::Transformer;
use super::block::Block;
use super::ends::normed;
use crate::attention::{KeyValueCache, SelfAttention};
use crate::mode::Mode;

/// Sequences that a model reads part by part: it computes new positions alone.
///
/// ```text
/// features(t_0 … t_n) = feed(t_0 … t_i), feed(t_(i+1) … t_j), …       the same numbers up to rounding
/// ```
///
/// That of a [`Transformer`] keeps the keys and values of every layer ([`KeyValueCache`]); a model of your own has what it
/// needs.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use qkv_model::{Decoding, Init, MaskConfig, Mode, TransformerConfig};
///
/// let device = Device::flex();
/// let mut config = TransformerConfig::new(10, 6, 8);
/// config.mask = MaskConfig::Causal.into();
/// let model = config.init(&Init::new(&device, 1))?;
/// let tokens = Tensor::<3, Int>::from_data([[[3], [1], [4], [1], [5]]], &device);
/// let whole = model.features(tokens.clone(), Mode::Evaluate);
///
/// let mut decoding = model.decoding().expect("causal, of built-in layers");
/// let begin = decoding.feed(tokens.clone().narrow(1, 0, 4));
/// let next = decoding.feed(tokens.narrow(1, 4, 1));
/// let difference = (Tensor::cat(vec![begin, next], 1) - whole).abs().max().into_scalar::<f32>();
/// assert!(difference < 1e-5);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
pub trait Decoding {
    /// The features of the positions that come next. A source, of a task that has one, comes whole with the first of them.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, n, stack]`, the same batch every time
    /// - returns `[batch, n, d_model]`
    ///
    /// # Panics
    /// If there are more positions than the model was built for.
    fn feed(&mut self, tokens: Tensor<3, Int>) -> Tensor<3>;

    /// Goes on with these batch entries alone, in this order.
    fn select(&mut self, entries: &Tensor<1, Int>);
}

impl Transformer {
    /// A decoding that has read nothing; `None` where a position may see a later one, an attention layer is one of your
    /// own, or a score does not [keep its keys](SelfAttention::keeps_keys).
    ///
    /// Norms and activations of your own are called with new positions alone: each works on every position by itself.
    pub fn decoding(&self) -> Option<impl Decoding + use<'_>> {
        let layers = self.blocks.iter().map(Layer::new).collect::<Option<Vec<_>>>()?;
        self.mask.is_causal().then_some(Cached { model: self, layers, tokens: None })
    }
}

struct Cached<'a> {
    model: &'a Transformer,
    layers: Vec<Layer<'a>>,
    /// Those that were read, `[batch, seq_len, stack]`, of which the mask is made.
    tokens: Option<Tensor<3, Int>>,
}

struct Layer<'a> {
    block: &'a Block,
    attention: &'a SelfAttention,
    cache: KeyValueCache,
}

impl<'a> Layer<'a> {
    fn new(block: &'a Block) -> Option<Self> {
        let attention = block.self_attention().filter(|attention| attention.keeps_keys())?;
        Some(Self { block, attention, cache: KeyValueCache::default() })
    }
}

impl Decoding for Cached<'_> {
    fn feed(&mut self, tokens: Tensor<3, Int>) -> Tensor<3> {
        let [_, n, _] = tokens.dims();
        let all = match self.tokens.take() {
            Some(read) => Tensor::cat(vec![read, tokens.clone()], 1),
            None => tokens.clone(),
        };
        let [_, seq_len, _] = all.dims();
        let mask = self.model.mask(&all).last_rows(n, seq_len);
        self.tokens = Some(all);
        let mut x = self.model.embed(tokens, seq_len - n, Mode::Evaluate);
        for Layer { block, attention, cache } in &mut self.layers {
            x = block.forward_cached(attention, x, &mask, cache);
        }
        normed(&self.model.norm, x)
    }

    fn select(&mut self, entries: &Tensor<1, Int>) {
        self.tokens = self.tokens.take().map(|tokens| tokens.select(0, entries.clone()));
        for layer in &mut self.layers {
            layer.cache.select(entries);
        }
    }
}

//! An encoder reads a source; a decoder writes an answer to it and reads the source by cross-attention.
//!
//! Here belongs what two sequences need beyond the blocks of one, which lie in `transformer/`.

mod block;
mod contributions;
mod decoding;

pub use block::DecoderBlock;

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use crate::attention::{Hook, Mask, Query, Trace};
use crate::catalog::Catalog;
use crate::dropout::Dropout;
use crate::error::ModelError;
use crate::init::Init;
use crate::mask_rule::MaskRule;
use crate::mode::Mode;
use crate::norm::AnyNorm;
use crate::positions::AnyPositions;
use crate::transformer::{Block, Embedding, TransformerConfig, attention_weights, embed, normed, unembed};
use block::{Part, Source};

/// The transformer of [Vaswani et al. 2017](https://arxiv.org/abs/1706.03762): an encoder of the source, and a decoder
/// whose blocks attend to the answer so far and to what the encoder made.
///
/// ```text
/// tokens  = [source, answer]                                       split at source_len
/// encoded = norm(encoder(E[source] + positions))                   padding of the source is hidden
/// x       = E[answer] + positions                                  positions of each begin at 0
/// x       = decoder_n(… decoder_1(x, encoded) …, encoded)          causal in x
/// logits  = norm(x) U
/// ```
///
/// Every setting of a [`TransformerConfig`] means what it means there; each of encoder and decoder has `n_layers` blocks,
/// and the mask is that of the answer's own attention, which has to be causal where a position's answer stands behind it.
/// The attention layers are numbered in the order of computation: those of the encoder, then of each decoder block its
/// attention and its cross-attention.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use qkv_model::{Catalog, EncoderDecoder, Init, MaskConfig, Mode, SourceLayout, TransformerConfig};
///
/// let device = Device::flex();
/// let config = TransformerConfig { mask: MaskConfig::Causal.into(), ..TransformerConfig::new(10, 12, 8) };
/// let layout = SourceLayout { source_len: 7, padding: None };
/// let model = EncoderDecoder::new(&config, layout, &Init::new(&device, 1), &Catalog::default())?;
/// let tokens = Tensor::<3, Int>::zeros([2, 12, 1], &device);
/// let maps = model.attention_weights(tokens);
/// // Encoder, answer to itself, answer to source.
/// assert_eq!([maps[0].dims(), maps[1].dims(), maps[2].dims()], [[2, 1, 7, 7], [2, 1, 5, 5], [2, 1, 5, 7]]);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct EncoderDecoder {
    /// Token vectors of both sequences.
    pub embedding: Embedding,
    /// Acts on the token vectors; absent where positions act in the attention layers alone, or not at all.
    pub positions: Option<AnyPositions>,
    /// Reads the source.
    pub encoder: Vec<Block>,
    /// After the last pre-norm block of the encoder.
    pub norm_encoder: Option<AnyNorm>,
    /// Writes the answer.
    pub decoder: Vec<DecoderBlock>,
    /// After the last pre-norm block of the decoder.
    pub norm: Option<AnyNorm>,
    /// `[d_model, vocab_size]`; absent where it is tied to the embedding table.
    pub unembedding: Option<Param<Tensor<2>>>,
    dropout: Dropout,
    #[module(skip)]
    mask: Arc<dyn MaskRule>,
    #[module(skip)]
    layout: SourceLayout,
}

/// Where the source stands in the tokens of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceLayout {
    /// Number of positions at the beginning that hold the source and its padding.
    pub source_len: usize,
    /// The token of positions behind the source that hold nothing: no position of source or answer sees them.
    pub padding: Option<u32>,
}

impl EncoderDecoder {
    /// Builds the model for sequences of `config.seq_len` positions, source and answer together, with what has a name
    /// in `catalog`.
    ///
    /// # Errors
    /// As [`TransformerConfig::init`], or if no position is left for the answer or for the source.
    pub fn new(
        config: &TransformerConfig,
        layout: SourceLayout,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<Self, ModelError> {
        let config = config.resolve(catalog)?;
        let SourceLayout { source_len, .. } = layout;
        let fits = (1..config.seq_len).contains(&source_len);
        ModelError::check_number("source_len", source_len, "at least 1 and below seq_len", fits)?;
        let max_len = source_len.max(config.seq_len - source_len);
        let [encoder, decoder] = ["encoder", "decoder"].map(|name| init.enter(name));
        let layers = || (0..config.n_layers).map(|layer| layer.to_string());
        Ok(Self {
            embedding: config.init_embedding(init),
            positions: config.init_positions(max_len, init, catalog)?,
            encoder: layers()
                .map(|layer| Block::of_resolved(&config, &encoder.enter(&layer), catalog))
                .collect::<Result<_, _>>()?,
            norm_encoder: config.init_last_norm("norm_encoder", init, catalog)?,
            decoder: layers()
                .map(|layer| DecoderBlock::of_resolved(&config, &decoder.enter(&layer), catalog))
                .collect::<Result<_, _>>()?,
            norm: config.init_last_norm("norm", init, catalog)?,
            unembedding: config.init_unembedding(init),
            dropout: Dropout::new(init, "dropout", config.dropout)?,
            mask: catalog.build_mask(&config.mask)?,
            layout,
        })
    }

    /// The logits of every position; those of the source mean nothing.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`, the source and behind it the answer, which may be shorter than the model's
    /// - returns `[batch, seq_len, vocab_size]`, before any softmax
    pub fn forward(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        self.unembed(self.features(tokens, mode))
    }

    /// What the encoder makes of the source, and behind it the residual stream after the last block of the decoder (and
    /// its norm).
    ///
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`
    /// - returns `[batch, seq_len, d_model]`
    pub fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        let [source, answer] = self.split(tokens);
        let (mask, answer_mask) = (self.source_mask(&source), self.mask.mask(&answer));
        let source = Source { encoded: self.encode(source, &mask, mode), mask };
        let x = self.embed(answer, 0, mode);
        let x = self.decoder.iter().fold(x, |x, block| block.forward(x, &source, &answer_mask, mode));
        Tensor::cat(vec![source.encoded, normed(&self.norm, x)], 1)
    }

    /// What the encoder makes of the source.
    fn encode(&self, source: Tensor<3, Int>, mask: &Mask, mode: Mode) -> Tensor<3> {
        let x = self.embed(source, 0, mode);
        normed(&self.norm_encoder, self.encoder.iter().fold(x, |x, block| block.forward(x, mask, mode)))
    }

    /// [`features`](Self::features) by the reference implementation of attention, with every stage shown to a [`Hook`],
    /// which may change it.
    ///
    /// # Shapes
    /// As [`features`](Self::features).
    ///
    /// # Panics
    /// If the hook returns another shape than it was given.
    pub fn features_with(&self, tokens: Tensor<3, Int>, mode: Mode, hook: &mut dyn Hook) -> Tensor<3> {
        let [source, answer] = self.split(tokens);
        let (mask, answer_mask) = (self.source_mask(&source), self.mask.mask(&answer));
        let encoded = self.encode_with(source, &mask, mode, (self.encoder.len(), &mut *hook));
        let source = Source { encoded: normed(&self.norm_encoder, encoded), mask };
        let x = self.decode_with(answer, &source, &answer_mask, mode, (self.decoder.len(), hook));
        Tensor::cat(vec![source.encoded, normed(&self.norm, x)], 1)
    }

    /// Logits of features of any leading shape: `[.., d_model]` to `[.., vocab_size]`.
    pub fn unembed<const D: usize>(&self, features: Tensor<D>) -> Tensor<D> {
        unembed(&self.unembedding, &self.embedding, features)
    }

    /// The attention weights of every attention layer, `[batch, heads, q_len, k_len]` each.
    pub fn attention_weights(&self, tokens: Tensor<3, Int>) -> Vec<Tensor<4>> {
        attention_weights(|hook| {
            self.features_with(tokens, Mode::Evaluate, hook);
        })
    }

    /// Every intermediate of one query in one head, with every stage of the layers before shown to `hook`; the position
    /// counts from the beginning of the layer's own sequence. `None` where the layer is one of your own that does not
    /// show them.
    ///
    /// # Shapes
    /// - `tokens`: `[seq_len, stack]`
    ///
    /// # Panics
    /// If there is no such layer, head or position, or the hook returns another shape than it was given.
    pub fn trace_with(&self, tokens: Tensor<2, Int>, place: Query, hook: &mut dyn Hook) -> Option<Trace> {
        let (n_encoder, mode) = (self.encoder.len(), Mode::Evaluate);
        let [source, answer] = self.split(tokens.unsqueeze());
        let (mask, answer_mask) = (self.source_mask(&source), self.mask.mask(&answer));
        if let Some(block) = self.encoder.get(place.layer) {
            let x = self.encode_with(source, &mask, mode, (place.layer, &mut *hook));
            return block.trace_with_hook(x, &mask, place, hook);
        }
        let encoded = self.encode_with(source, &mask, mode, (n_encoder, &mut *hook));
        let source = Source { encoded: normed(&self.norm_encoder, encoded), mask };
        let (block, part) = match place.layer - n_encoder {
            layer if layer % 2 == 0 => (layer / 2, Part::Attention),
            layer => (layer / 2, Part::Cross),
        };
        let x = self.decode_with(answer, &source, &answer_mask, mode, (block, &mut *hook));
        self.decoder[block].trace_with_hook(x, &source, &answer_mask, (part, place), hook)
    }

    /// Number of attention layers.
    pub fn n_layers(&self) -> usize {
        self.encoder.len() + 2 * self.decoder.len()
    }

    /// Where the source stands in the tokens.
    pub fn layout(&self) -> SourceLayout {
        self.layout
    }

    /// The residual stream of the source after `n_blocks` blocks, with their stages shown to `hook`.
    fn encode_with(
        &self,
        source: Tensor<3, Int>,
        mask: &Mask,
        mode: Mode,
        (n_blocks, hook): (usize, &mut dyn Hook),
    ) -> Tensor<3> {
        let mut x = self.embed(source, 0, mode);
        for (layer, block) in self.encoder[..n_blocks].iter().enumerate() {
            x = block.forward_with_hook(x, mask, mode, layer, hook);
        }
        x
    }

    /// The same of the answer.
    fn decode_with(
        &self,
        answer: Tensor<3, Int>,
        source: &Source,
        mask: &Mask,
        mode: Mode,
        (n_blocks, hook): (usize, &mut dyn Hook),
    ) -> Tensor<3> {
        let mut x = self.embed(answer, 0, mode);
        for (at, block) in self.decoder[..n_blocks].iter().enumerate() {
            let layer = self.encoder.len() + 2 * at;
            x = block.forward_with_hook(x, source, mask, mode, (layer, &mut *hook));
        }
        x
    }

    /// Source and answer.
    ///
    /// # Panics
    /// If the tokens are no longer than the source.
    fn split(&self, tokens: Tensor<3, Int>) -> [Tensor<3, Int>; 2] {
        let ([_, seq_len, _], SourceLayout { source_len, .. }) = (tokens.dims(), self.layout);
        assert!(
            seq_len > source_len,
            "tokens of {seq_len} positions, of which the source has {source_len}, leave none for the answer"
        );
        let source = tokens.clone().narrow(1, 0, source_len);
        [source, tokens.narrow(1, source_len, seq_len - source_len)]
    }

    /// Hides the padding of the source.
    fn source_mask(&self, source: &Tensor<3, Int>) -> Mask {
        let hidden = self.layout.padding.map(|padding| Mask::padding(lengths(source, padding)));
        hidden.unwrap_or_default()
    }

    /// The vectors of tokens of which the first stands at position `offset` of source or answer.
    fn embed(&self, tokens: Tensor<3, Int>, offset: usize, mode: Mode) -> Tensor<3> {
        embed((&self.embedding, &self.positions, &self.dropout), tokens, offset, mode)
    }
}

/// How many positions of each source come before its padding.
fn lengths(source: &Tensor<3, Int>, padding: u32) -> Vec<usize> {
    let [batch, source_len, stack] = source.dims();
    let tokens: Vec<i64> = source.to_data().iter::<i64>().collect();
    let of_source = |source: &[i64]| {
        let holds = |position: &[i64]| position.iter().any(|&token| token != i64::from(padding));
        source.chunks(stack).rposition(holds).map_or(0, |last| last + 1)
    };
    tokens.chunks(source_len * stack).take(batch).map(of_source).collect()
}

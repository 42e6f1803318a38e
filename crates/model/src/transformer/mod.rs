//! Tokens in, logits out: embedding, positions, blocks, unembedding.
//!
//! Here belongs what a transformer is made of around its attention layers. What also stands alone, such as a layer, a
//! norm or an activation, belongs beside this folder.

mod block;
mod config;
mod contribution;
mod decoding;
mod embedding;
mod ends;
mod mlp;
mod sublayer;

pub use block::Block;
pub(crate) use block::residual;
pub use config::TransformerConfig;
pub(crate) use contribution::Ledger;
pub use contribution::{Contribution, Source};
pub use decoding::Decoding;
pub use embedding::{Embedding, EmbeddingsConfig};
pub(crate) use ends::{attention_weights, embed, normed, unembed};
pub use mlp::Mlp;
pub(crate) use sublayer::Sublayer;

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use crate::attention::{Hook, Mask, Query, Stage, Trace};
use crate::catalog::Catalog;
use crate::dropout::Dropout;
use crate::error::ModelError;
use crate::init::Init;
use crate::mask_rule::MaskRule;
use crate::mode::Mode;
use crate::norm::AnyNorm;
use crate::positions::AnyPositions;

/// A transformer over token sequences, in which W_Q, W_K and W_V of every block can be looked at.
///
/// ```text
/// x = E[tokens] + positions      x = block_n(… block_1(x))      logits = norm(x) U
/// ```
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use qkv_model::{Init, Mode, Transformer, TransformerConfig};
///
/// let device = Device::flex();
/// let model = TransformerConfig::new(10, 16, 32).init(&Init::new(&device, 1))?;
/// let tokens = Tensor::<3, Int>::zeros([2, 16, 1], &device);
/// assert_eq!(model.forward(tokens, Mode::Evaluate).dims(), [2, 16, 10]);
/// # Ok::<(), qkv_model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Transformer {
    /// Token vectors.
    pub embedding: Embedding,
    /// Acts on the token vectors; absent where positions act in the attention layers alone, or not at all.
    pub positions: Option<AnyPositions>,
    /// In the order in which they are applied.
    pub blocks: Vec<Block>,
    /// After the last pre-norm block.
    pub norm: Option<AnyNorm>,
    /// `[d_model, vocab_size]`; absent where it is tied to the embedding table.
    pub unembedding: Option<Param<Tensor<2>>>,
    dropout: Dropout,
    #[module(skip)]
    mask: Arc<dyn MaskRule>,
}

impl TransformerConfig {
    /// Builds the model with the built-in parts.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), or if a part's own settings are out of range.
    pub fn init(&self, init: &Init) -> Result<Transformer, ModelError> {
        self.init_with(init, &Catalog::default())
    }

    /// Builds the model with what has a name in `catalog`.
    ///
    /// # Errors
    /// As [`init`](Self::init).
    pub fn init_with(&self, init: &Init, catalog: &Catalog) -> Result<Transformer, ModelError> {
        let config = self.resolve(catalog)?;
        let blocks = init.enter("blocks");
        Ok(Transformer {
            embedding: config.init_embedding(init),
            positions: config.init_positions(config.seq_len, init, catalog)?,
            blocks: (0..config.n_layers)
                .map(|layer| Block::of_resolved(&config, &blocks.enter(&layer.to_string()), catalog))
                .collect::<Result<_, _>>()?,
            norm: config.init_last_norm("norm", init, catalog)?,
            unembedding: config.init_unembedding(init),
            dropout: Dropout::new(init, "dropout", config.dropout)?,
            mask: catalog.build_mask(&config.mask)?,
        })
    }
}

impl Transformer {
    /// The logits of every position.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`; tokens stacked at one position are embedded together
    /// - returns `[batch, seq_len, vocab_size]`, before any softmax
    pub fn forward(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        self.unembed(self.features(tokens, mode))
    }

    /// The residual stream after the last block (and its norm): everything but the unembedding.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`
    /// - returns `[batch, seq_len, d_model]`
    pub fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        let mask = self.mask(&tokens);
        let x =
            self.blocks.iter().fold(self.embed(tokens, 0, mode), |x, block| block.forward(x, &mask, mode));
        normed(&self.norm, x)
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
        let mask = self.mask(&tokens);
        let mut x = self.embed(tokens, 0, mode);
        for (layer, block) in self.blocks.iter().enumerate() {
            x = block.forward_with_hook(x, &mask, mode, layer, hook);
        }
        normed(&self.norm, x)
    }

    /// The features as a sum over their sources; see [`Contribution`]. `None` where an attention layer or a norm of
    /// your own does not take its output apart.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`
    pub fn contributions(&self, tokens: Tensor<3, Int>) -> Option<Vec<Contribution>> {
        let mask = self.mask(&tokens);
        let mut ledger = Ledger::new(&self.embedding, self.positions.as_ref(), tokens);
        for (layer, block) in self.blocks.iter().enumerate() {
            block.record(layer, &mut ledger, &mask)?;
        }
        ledger.norm(self.norm.as_ref())?;
        Some(ledger.close())
    }

    /// Logits of features of any leading shape: `[.., d_model]` to `[.., vocab_size]`.
    pub fn unembed<const D: usize>(&self, features: Tensor<D>) -> Tensor<D> {
        unembed(&self.unembedding, &self.embedding, features)
    }

    /// The attention weights of every block, `[batch, heads, seq_len, seq_len]` each.
    pub fn attention_weights(&self, tokens: Tensor<3, Int>) -> Vec<Tensor<4>> {
        attention_weights(|hook| {
            self.features_with(tokens, Mode::Evaluate, hook);
        })
    }

    /// Every intermediate of one query in one head; see [`SelfAttention::trace`](crate::SelfAttention::trace). `None`
    /// where the layer is one of your own that does not show them.
    ///
    /// # Shapes
    /// - `tokens`: `[seq_len, stack]`
    ///
    /// # Panics
    /// If there is no such layer, head or position.
    pub fn trace(&self, tokens: Tensor<2, Int>, place: Query) -> Option<Trace> {
        let tokens = tokens.unsqueeze();
        let mask = self.mask(&tokens);
        let x = self.embed(tokens, 0, Mode::Evaluate);
        let before = self.blocks[..place.layer].iter();
        let x = before.fold(x, |x, block| block.forward(x, &mask, Mode::Evaluate));
        let mut hook = |_: usize, _: Stage, x: Tensor<4>| x;
        self.blocks[place.layer].trace_with_hook(x, &mask, place, &mut hook)
    }

    /// The same with every stage shown to a [`Hook`], as by [`features_with`](Self::features_with).
    ///
    /// # Panics
    /// As [`trace`](Self::trace), or if the hook returns another shape than it was given.
    pub fn trace_with(&self, tokens: Tensor<2, Int>, place: Query, hook: &mut dyn Hook) -> Option<Trace> {
        let tokens = tokens.unsqueeze();
        let mask = self.mask(&tokens);
        let mut x = self.embed(tokens, 0, Mode::Evaluate);
        for (layer, block) in self.blocks[..place.layer].iter().enumerate() {
            x = block.forward_with_hook(x, &mask, Mode::Evaluate, layer, hook);
        }
        self.blocks[place.layer].trace_with_hook(x, &mask, place, hook)
    }

    /// The mask of every block for `tokens`, `[batch, seq_len, stack]`.
    pub fn mask(&self, tokens: &Tensor<3, Int>) -> Mask {
        self.mask.mask(tokens)
    }

    /// The vectors of tokens of which the first stands at position `offset`.
    fn embed(&self, tokens: Tensor<3, Int>, offset: usize, mode: Mode) -> Tensor<3> {
        embed((&self.embedding, &self.positions, &self.dropout), tokens, offset, mode)
    }
}

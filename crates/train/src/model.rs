//! What the trainer needs to know of a model: three functions.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use qkv_model::{Mode, Score, Transformer};

/// A model over token sequences that [`Trainer`](crate::Trainer) can fit.
///
/// Features and logits are separate, because the trainer picks the positions that carry loss in between: unembedding
/// the others would be wasted work.
pub trait Model: Module {
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`
    /// - returns `[batch, seq_len, d_model]`
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3>;

    /// # Shapes
    /// - `features`: `[n, d_model]`
    /// - returns `[n, vocab_size]`, before any softmax
    fn logits(&self, features: Tensor<2>) -> Tensor<2>;

    /// The attention weights of every layer, `[batch, heads, seq_len, seq_len]` each; none for a model without.
    fn attention_weights(&self, tokens: Tensor<3, Int>) -> Vec<Tensor<4>> {
        let _ = tokens;
        Vec::new()
    }
}

impl<S: Score> Model for Transformer<S> {
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        Transformer::features(self, tokens, mode)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.unembed(features)
    }

    fn attention_weights(&self, tokens: Tensor<3, Int>) -> Vec<Tensor<4>> {
        Transformer::attention_weights(self, tokens)
    }
}

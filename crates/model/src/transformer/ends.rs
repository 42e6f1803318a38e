//! What stands before the first block of a model and after its last one, in models of one sequence and of two.

use burn::module::Param;
use burn::tensor::{Int, Tensor};

use super::config::TransformerConfig;
use super::embedding::Embedding;
use crate::attention::{Hook, Stage};
use crate::catalog::Catalog;
use crate::dropout::Dropout;
use crate::error::ModelError;
use crate::init::{Init, Training};
use crate::linear::linear;
use crate::mode::Mode;
use crate::norm::{AnyNorm, NormConfig, Normalize};
use crate::positions::{AnyPositions, Place, Positions};

/// `self` must be resolved; `init` stands at the place of the model.
impl TransformerConfig {
    pub(crate) fn init_embedding(&self, init: &Init) -> Embedding {
        self.embeddings.init(&init.enter("embedding"), self.vocab_size, self.d_model)
    }

    /// What acts on the token vectors of sequences of at most `max_len` positions.
    pub(crate) fn init_positions(
        &self,
        max_len: usize,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<Option<AnyPositions>, ModelError> {
        let place = Place::Input { max_len, d_model: self.d_model };
        catalog.build_positions(&self.positions, &init.enter("positions"), place)
    }

    /// The norm called `name` after the last pre-norm block.
    pub(crate) fn init_last_norm(
        &self,
        name: &str,
        init: &Init,
        catalog: &Catalog,
    ) -> Result<Option<AnyNorm>, ModelError> {
        match self.norm {
            NormConfig::Pre => self.init_norm(&init.enter(name), catalog),
            _ => Ok(None),
        }
    }

    /// `[d_model, vocab_size]`; `None` where it is tied to the embedding table.
    pub(crate) fn init_unembedding(&self, init: &Init) -> Option<Param<Tensor<2>>> {
        let bound = 1.0 / (self.d_model as f64).sqrt();
        let shape = [self.d_model, self.vocab_size];
        (!self.tied).then(|| init.uniform("unembedding", shape, bound, Training::Learned))
    }
}

/// The vectors of tokens of which the first stands at position `offset`, as the first block is given them.
pub(crate) fn embed(
    (embedding, positions, dropout): (&Embedding, &Option<AnyPositions>, &Dropout),
    tokens: Tensor<3, Int>,
    offset: usize,
    mode: Mode,
) -> Tensor<3> {
    let x = embedding.forward(tokens);
    let x = match positions {
        Some(positions) => positions.embed(x, offset),
        None => x,
    };
    dropout.forward(x, mode)
}

/// What leaves the last block, after the norm, where there is one.
pub(crate) fn normed(norm: &Option<AnyNorm>, x: Tensor<3>) -> Tensor<3> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

/// Logits of features, by the unembedding or by the table in its place.
pub(crate) fn unembed<const D: usize>(
    unembedding: &Option<Param<Tensor<2>>>,
    embedding: &Embedding,
    features: Tensor<D>,
) -> Tensor<D> {
    let unembedding = match unembedding {
        Some(unembedding) => unembedding.val(),
        None => embedding.table.val().transpose(),
    };
    linear(features, unembedding, None)
}

/// The attention weights of every layer, of a pass that shows its stages to a hook.
pub(crate) fn attention_weights(pass: impl FnOnce(&mut dyn Hook)) -> Vec<Tensor<4>> {
    let mut all = Vec::new();
    pass(&mut |_: usize, stage: Stage, x: Tensor<4>| {
        if stage == Stage::Weights {
            all.push(x.clone());
        }
        x
    });
    all
}

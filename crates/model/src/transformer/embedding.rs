//! From tokens to vectors.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, module::embedding};
use serde::{Deserialize, Serialize};

use crate::fused::{self, HostBackend};
use crate::init::{Init, Training};

/// Whether the token vectors are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmbeddingsConfig {
    /// Trained; they can then take over part of what W_Q, W_K and W_V would learn.
    Learned,
    /// Random and never updated; everything about attention has to be learned by the matrices.
    Fixed,
}

/// A table with one vector a token; tokens stacked at one position add up.
///
/// ```text
/// x_t = Σ_s E[token_ts]
/// ```
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[vocab_size, d_model]`, standard normal at the start.
    pub table: Param<Tensor<2>>,
}

impl EmbeddingsConfig {
    /// A table for `vocab_size` tokens.
    pub fn init(self, init: &Init, vocab_size: usize, d_model: usize) -> Embedding {
        let training = match self {
            Self::Learned => Training::Learned,
            Self::Fixed => Training::Frozen,
        };
        Embedding { table: init.normal("table", [vocab_size, d_model], 1.0, training) }
    }
}

impl Embedding {
    /// The vectors of `tokens`, added up over the stack.
    ///
    /// # Shapes
    /// - `tokens`: `[batch, seq_len, stack]`
    /// - returns `[batch, seq_len, d_model]`
    pub fn forward(&self, tokens: Tensor<3, Int>) -> Tensor<3> {
        let [batch, seq_len, stack] = tokens.dims();
        let table = self.table.val();
        let [_, d_model] = table.dims();
        let ids = tokens.reshape([batch, seq_len * stack]);
        let vectors = match HostBackend::of(&table) {
            Some(backend) => fused::embedding(backend, table, ids),
            None => embedding(table, ids),
        };
        if stack == 1 {
            return vectors;
        }
        vectors.reshape([batch, seq_len, stack, d_model]).sum_dim(2).squeeze_dim(2)
    }
}

//! Attention layers in which every axis has its own prime, so that no two can be swapped unnoticed.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{Init, ScoreConfig, SelfAttention, SelfAttentionConfig};

use crate::numbers::random_tensor;

pub const BATCH: usize = 2;
pub const N_HEADS: usize = 3;
pub const SEQ_LEN: usize = 5;
pub const D_IN: usize = 7;
pub const D_K: usize = 11;
pub const D_V: usize = 13;
pub const D_OUT: usize = 17;

/// One score of each kind.
pub const SCORES: [ScoreConfig; 4] =
    [ScoreConfig::Dot, ScoreConfig::ScaledDot, ScoreConfig::ScaledBy(0.7), ScoreConfig::Additive(19)];

/// Three heads, no biases, no W_O: the context of head `h` is columns `h·d_v .. (h+1)·d_v`.
pub fn heads(score: ScoreConfig) -> SelfAttentionConfig {
    SelfAttentionConfig { n_heads: N_HEADS, d_v: D_V, score, ..SelfAttentionConfig::new(D_IN, D_K) }
}

/// The same with biases and W_O.
pub fn full(score: ScoreConfig) -> SelfAttentionConfig {
    SelfAttentionConfig { bias: true, d_out: Some(D_OUT), ..heads(score) }
}

/// Builds the layer; always from the same seed.
pub fn build((device, dtype): (&Device, DType), config: &SelfAttentionConfig) -> SelfAttention {
    config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap()
}

/// Random input, `[batch, seq_len, d_in]`.
pub fn input(place: (&Device, DType)) -> Tensor<3> {
    random_tensor(place, "x", [BATCH, SEQ_LEN, D_IN])
}

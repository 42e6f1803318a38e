//! Attention with learnable W_Q, W_K and W_V, and the small transformers made of it.
//!
//! Tensors in, tensors out: this crate reads no file and no clock and prints nothing. Start at [`SelfAttention`].
//!
//! # Axis names
//!
//! | name | meaning |
//! |---|---|
//! | `batch` | independent sequences |
//! | `seq_len` | positions of a sequence; `q_len` and `k_len` where queries and keys come from different ones |
//! | `stack` | tokens that share one position; 1 unless a task says otherwise |
//! | `d_in`, `d_out` | width of what goes into and comes out of an attention layer |
//! | `d_model` | width of a transformer's residual stream |
//! | `n_heads`, `heads` | number of heads; the axis over them |
//! | `d_k`, `d_v` | width of queries and keys, and of values, per head |
//! | `d_mlp`, `d_hidden` | width of a hidden layer |
//! | `vocab_size` | number of different tokens |
//! | `max_len` | positions for which a model has position vectors |
//! | `n_targets` | positions of a batch that carry loss |
//!
//! Weights multiply on the right, `q = x W_Q`, so matrices are `[in, out]`.

mod attention;
mod block;
mod config;
mod dropout;
mod embedding;
mod error;
mod init;
mod mlp;
mod mode;
mod norm;
mod parameters;
mod positions;
pub mod random;
mod transformer;

pub use attention::{
    Additive, Attended, AttentionOutput, BasicAttention, BuiltinScore, CausalAlign, Dot, Mask, Projections,
    ScaledDot, Score, ScoreConfig, SelfAttention, SelfAttentionConfig, Trace, attend,
};
pub use block::{Block, BlockOutput};
pub use config::{MaskConfig, TransformerConfig};
pub use dropout::Dropout;
pub use embedding::{Embedding, EmbeddingsConfig};
pub use error::ModelError;
pub use init::{Init, Training};
pub use mlp::Mlp;
pub use mode::Mode;
pub use norm::NormConfig;
pub use parameters::{Parameter, parameters};
pub use positions::{Positions, PositionsConfig, sinusoidal};
pub use transformer::Transformer;

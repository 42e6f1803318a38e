//! Attention with learnable W_Q, W_K and W_V, and the small transformers made of it.
//!
//! Tensors in, tensors out: this crate reads no file and no clock and prints nothing. Start at [`SelfAttention`].
//!
//! # What is where
//!
//! - What is attention without parameters? [`BasicAttention`].
//! - What do W_Q, W_K and W_V add? [`SelfAttention`], [`SelfAttentionConfig`], [`Projections`] with a
//!   [`Projection`] each; example `attention_by_hand`.
//! - What if keys and values come from another sequence? [`CrossAttention`].
//! - What does a model keep that writes token by token? A [`KeyValueCache`] for each layer, under a [`Decoding`].
//! - What lies between queries and weights? [`attention()`], [`attention_with_weights`], [`AttentionSpec`],
//!   [`Attended`], [`Mask`], [`CausalAlign`], [`Softmax`], [`QkNorm`].
//! - What does one layer return? [`AttentionOutput`], and [`Trace`] with every intermediate of a [`Query`]; example
//!   `attention_by_hand`.
//! - How are queries and keys compared? [`Score`]: [`Dot`], [`ScaledDot`], [`Additive`] or yours, for a [`HeadShape`];
//!   its [`Comparison`] decides whether the kernels can; example `custom_score`.
//! - How does a model get positions? [`Positions`]: [`NoPositions`], [`LearnedPositions`], [`SinusoidalPositions`]
//!   ([`sinusoidal`]), [`Rope`], [`Alibi`] or yours, at a [`Place`]; example `position_study`.
//! - How does a config name them? [`Choice`] with [`Settings`] or [`NoSettings`], looked up in [`Catalog`], made of
//!   [`Named`] and [`Ready`], all of them [`KnownNames`]; [`one_of`] several names. What cannot be
//!   read is [`Unreadable`], such as a [`WrongValue`]: [`read_settings`].
//! - How are types of yours kept among ours? [`Erased`]: [`AnyScore`], [`AnyPositions`], and a trait of yours by
//!   [`erase!`] ([`Holds`], [`ErasedModule`]); [`Visitor`], [`Mapper`] and [`Conversion`] for Burn's own; example
//!   `own_command_line`.
//! - What if the layer itself is mine? [`AttentionLayer`], [`AnyAttention`] ([`LayerDescription`],
//!   [`HeadContributions`]).
//! - What is a whole model? [`Transformer`], [`TransformerConfig`], of [`Block`], [`Embedding`] ([`EmbeddingsConfig`]),
//!   [`Mlp`], [`Dropout`], [`NormConfig`]; every matrix is a [`linear()`] map.
//! - What writes an answer to a source? [`EncoderDecoder`], of [`Block`] and [`DecoderBlock`], for pairs that lie in one
//!   sequence ([`SourceLayout`]).
//! - What else has a name? The [`Activation`] of an MLP ([`Gelu`], [`Relu`], [`Swiglu`], or yours by [`Activate`],
//!   [`AnyActivation`]); the [`Norm`] ([`NormKind`], or yours by [`Normalize`], [`AnyNorm`]); the mask ([`MaskConfig`],
//!   or yours by [`MaskRule`]).
//! - What happens inside, and what if it were otherwise? A [`Hook`] at every [`Stage`], which sees every [`Intermediate`]; a [`Contribution`] of every
//!   [`Source`]; example `find_the_induction_head`.
//! - What can stand between two stages and learn? A module of yours in a [`Hook`]; example `talking_heads`.
//! - Where do initial weights come from? [`Init`], [`Training`], [`random`]; PyTorch's: [`read_safetensors`],
//!   [`SelfAttention::load_torch`].
//! - What is in a model? [`parameters()`], [`parameters_where`], [`Parameter`], named by their [`ModulePath`].
//! - What makes it fast? [`fused`], chosen by [`Implementation`]; [`fused::prepare_process`] in your `main`.
//!   `qkv bench` measures it.
//! - Is this a training step? [`Mode`]; example `gradients_reach_qkv`.
//! - What can be wrong? [`ModelError`]; a setting of yours, which is a [`Number`]: [`ModelError::check_number`].
//!
//! # Axis names
//!
//! | name | meaning |
//! |---|---|
//! | `batch` | independent sequences |
//! | `seq_len` | positions of a sequence; `q_len` and `k_len` where queries and keys come from different ones |
//! | `stack` | tokens that share one position; 1 unless a task sets more |
//! | `d_in`, `d_out` | width of what goes into and comes out of an attention layer |
//! | `d_model` | width of a transformer's residual stream |
//! | `n_heads`, `heads` | number of heads; the axis over them |
//! | `n_kv_heads`, `kv_heads` | number of heads of keys and values, which groups of heads share; the axis over them |
//! | `d_k`, `d_v` | width of queries and keys, and of values, per head |
//! | `d_mlp`, `d_hidden` | width of a hidden layer |
//! | `vocab_size` | number of different tokens |
//! | `max_len` | positions for which a model has position vectors |
//! | `n_targets` | positions of a batch that carry loss |
//!
//! Weights multiply on the right, `q = x W_Q`, so matrices are `[in, out]`.

mod activation;
mod attention;
mod catalog;
mod dropout;
mod encoder_decoder;
mod error;
pub mod fused;
mod head_shape;
mod init;
mod linear;
mod mask_rule;
mod mode;
mod norm;
mod number;
mod parameters;
mod parts;
mod positions;
pub mod random;
mod transformer;
mod weight_file;

pub use activation::{Activate, Activation, AnyActivation, Gelu, Relu, Swiglu};
pub use attention::{
    Additive, AnyAttention, AnyScore, Attended, AttentionLayer, AttentionOutput, AttentionSpec,
    BasicAttention, CausalAlign, Comparison, CrossAttention, Dot, HeadContributions, Hook, Implementation,
    Intermediate, KeyValueCache, LayerDescription, Mask, Projection, Projections, QkNorm, Query, ScaledDot,
    Score, SelfAttention, SelfAttentionConfig, Softmax, Stage, Trace, attention, attention_with_weights,
};
pub use catalog::Catalog;
pub use dropout::Dropout;
pub use encoder_decoder::{DecoderBlock, EncoderDecoder, SourceLayout};
pub use error::ModelError;
pub use head_shape::HeadShape;
pub use init::{Init, Training};
pub use linear::linear;
pub use mask_rule::{MaskConfig, MaskRule};
pub use mode::Mode;
pub use norm::{AnyNorm, Norm, NormConfig, NormKind, Normalize};
pub use number::Number;
pub use parameters::{ModulePath, Parameter, parameters, parameters_where};
pub use parts::{
    Choice, Conversion, Erased, ErasedModule, Holds, KnownNames, Mapper, Named, NoSettings, Ready, Settings,
    Unreadable, Visitor, WrongValue, one_of, read_settings,
};
pub use positions::{
    Alibi, AnyPositions, LearnedPositions, NoPositions, Place, Positions, Rope, SinusoidalPositions,
    sinusoidal,
};
pub use transformer::{
    Block, Contribution, Decoding, Embedding, EmbeddingsConfig, Mlp, Source, Transformer, TransformerConfig,
};
pub use weight_file::read_safetensors;

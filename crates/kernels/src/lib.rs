//! What a small transformer spends its time in on a CPU, fused: slices in, slices out.
//!
//! | kernel | forward | backward |
//! |---|---|---|
//! | attention, without the T × T matrix | [`attention_forward`] | [`attention_backward`] |
//! | GELU with a bias | [`gelu_forward`] | [`gelu_backward`] |
//! | MLP with GELU | [`GeluMlp::forward`] | [`GeluMlp::backward`] |
//! | softmax cross-entropy from logits | [`cross_entropy_forward`] | [`cross_entropy_backward`] |
//! | layer norm, RMS norm | [`norm_forward`] | [`norm_backward`] |
//! | embedding | [`embedding_forward`] | [`embedding_backward`] |
//! | linear map | [`Matrix`], [`start_rows`] | [`Matrix`], [`sum_rows`] |
//! | AdamW | [`global_norm`] | [`AdamW::update`] |
//! | sum | [`sum`] | |
//!
//! Everything is generic over `f32` and `f64` ([`Float`]), uses the best instructions of the machine that it runs on
//! ([`Level`]) and as many threads as the caller's rayon pool has. What a kernel computes is cut into tasks by shapes
//! alone, so its result is the same, bit for bit, for any number of threads; it may differ between instruction sets.
//! Small problems stay on the calling thread.
//!
//! This crate knows no tensors, does no IO and reads no clock. Sizes that contradict each other
//! are bugs of the caller and panic.

mod adam_w;
#[cfg(feature = "mimalloc")]
mod allocator;
mod attention;
mod columns;
mod cross_entropy;
mod embedding;
mod exp;
mod float;
mod fresh;
mod gelu;
mod level;
mod matrix;
mod mlp;
mod norm;
mod normal;
mod parallel;
mod product;
mod rows;
mod scratch;
mod shared;
mod sum;
mod vector;
mod view;

pub use adam_w::{AdamW, AdamWParameter, Decay};
#[cfg(feature = "mimalloc")]
pub use allocator::keep_freed_memory;
pub use attention::{
    Attention, AttentionGradients, AttentionInputs, AttentionSaved, Causal, Dropout, Softmax,
    attention_backward, attention_forward,
};
pub use cross_entropy::{CrossEntropySaved, cross_entropy_backward, cross_entropy_forward};
pub use embedding::{embedding_backward, embedding_forward};
pub use float::Float;
pub use fresh::zeros;
pub use gelu::{GeluSaved, gelu_backward, gelu_forward};
pub use level::Level;
pub use matrix::Matrix;
pub use mlp::{GeluMlp, GeluMlpGradients, GeluMlpOutput};
pub use norm::{Norm, NormGradients, NormOutput, NormSaved, norm_backward, norm_forward};
pub use rows::{start_rows, sum_rows};
pub use sum::{global_norm, sum};
pub use view::{Grid, View, ViewMut};

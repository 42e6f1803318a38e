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
//! ([`Level`]) and as many threads as the caller's rayon pool has. What a kernel adds up is cut into tasks by shapes
//! alone, so its result is the same, bit for bit, for any number of threads; it may differ between instruction sets.
//! Small problems stay on the calling thread. A program that trains calls [`prepare_process`] first.
//!
//! There are no tensors here, no IO and no clock. Sizes that contradict each other are bugs of the caller and panic.

mod attention;
mod dense;
mod memory;
mod parallel;
mod process;
mod simd;

pub use attention::{
    Attention, AttentionGradients, AttentionInputs, AttentionSaved, CausalAlign, Dropout, Softmax,
    attention_backward, attention_forward,
};
pub use dense::{
    AdamW, AdamWParameter, CrossEntropySaved, Decay, GeluGradients, GeluMlp, GeluMlpGradients, GeluMlpOutput,
    GeluSaved, Matrix, Norm, NormGradients, NormKind, NormOutput, NormSaved, cross_entropy_backward,
    cross_entropy_forward, embedding_backward, embedding_forward, gelu_backward, gelu_forward, global_norm,
    norm_backward, norm_forward, start_rows, sum, sum_rows,
};
pub use memory::{MaskView, View, ViewMut, zeros};
pub use process::{ProcessError, prepare_process};
pub use simd::{Float, Level};

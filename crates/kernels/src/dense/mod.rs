//! What a transformer computes besides attention: each kernel reads whole rows, without positions, heads or masks.
//!
//! A file is one kernel with its forward and its backward, or one thing that several of them share (`columns.rs`,
//! `ids.rs`). What runs over queries and keys belongs to `attention`.

mod adam_w;
mod columns;
mod cross_entropy;
mod embedding;
mod gelu;
mod ids;
mod matrix;
mod mlp;
mod norm;
mod rows;
mod sum;

pub use adam_w::{AdamW, AdamWParameter, Decay};
pub use cross_entropy::{CrossEntropySaved, cross_entropy_backward, cross_entropy_forward};
pub use embedding::{embedding_backward, embedding_forward};
pub use gelu::{GeluGradients, GeluSaved, gelu_backward, gelu_forward};
pub use matrix::Matrix;
pub use mlp::{GeluMlp, GeluMlpGradients, GeluMlpOutput};
pub use norm::{Norm, NormGradients, NormKind, NormOutput, NormSaved, norm_backward, norm_forward};
pub use rows::{start_rows, sum_rows};
pub use sum::{global_norm, sum};

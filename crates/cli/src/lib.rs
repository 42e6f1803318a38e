//! The whole command line, with your own types in it.
//!
//! The `qkv` binary is [`run`] on [`Registry::new`]. A program of a few lines that registers a type of its own, of any
//! kind that [`Registry`] lists, has all of it with that type: `train`, also with `--resume`, `eval`, `sample`, `ablate`,
//! `explain`, `inspect`, `report`, `sweep`.
//!
//! ```no_run
//! use burn::module::Module;
//! use burn::tensor::Tensor;
//! use qkv::Registry;
//! use qkv::model::{NoSettings, Score};
//!
//! /// Minus the squared distance between query and key.
//! #[derive(Module, Debug)]
//! struct Distance {}
//!
//! impl Score for Distance {
//!     fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
//!         let difference = q.unsqueeze_dim::<5>(3) - k.unsqueeze_dim::<5>(2);
//!         difference.powi_scalar(2).sum_dim(4).squeeze_dim::<4>(4).neg()
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     qkv::run(Registry::new().score("distance", |_: &NoSettings, _, _| Ok(Distance {})))
//! }
//! ```
//!
//! Then `cargo run --release -- train reverse --set model.score=distance` trains it.
//!
//! # From an attention layer to a command line of your own
//!
//! 1. [`SelfAttention`](model::SelfAttention) is the mechanism: three learnable matrices, a score, a mask, a softmax.
//!    [`SelfAttentionConfig`](model::SelfAttentionConfig) builds it; [`attention`](model::attention) is the core
//!    without the matrices.
//! 2. [`Score`](model::Score) and [`Positions`](model::Positions) are the two places where kinds of attention differ.
//!    [`Catalog`](model::Catalog) gives yours a name.
//! 3. [`Transformer`](model::Transformer) stacks blocks of it; its [config](model::TransformerConfig) is the glossary
//!    of every dimension and variant.
//! 4. [`Task`](train::Task) draws the examples to learn. [`Trainer`](train::Trainer) fits any
//!    [`Model`](train::Model) to it by any [`Optimizer`](train::Optimizer), in one loop that reads from top to bottom;
//!    [`Observer`](train::Observer) watches.
//! 5. [`Registry`] collects what a config file may name, and [`run`] is the command line over it.
//! 6. [`run_folder`] is what a run leaves on disk, file by file.
//! 7. [`inspect`] reads the learned matrices from these files alone, for any types.

mod advice;
mod args;
mod commands;
mod dispatch;
mod exit;
mod help;
mod live;
mod output;
mod processes;
mod session;

pub use dispatch::run;
pub use qkv_inspect as inspect;
pub use qkv_model as model;
pub use qkv_run as run_folder;
pub use qkv_train as train;
pub use qkv_train::Registry;

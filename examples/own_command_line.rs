//! The whole command line with a score and a task of your own in it: every command takes them by name.
//!
//! ```text
//! cargo run --release --example own_command_line -- train reverse --set model.score=cosine --stop-after 200 \
//!     --out runs/c
//! cargo run --release --example own_command_line -- train runs/c --resume
//! cargo run --release --example own_command_line -- inspect runs/c
//! cargo run --release --example own_command_line -- train first
//! ```
//!
//! `--set model.score.sharpness=4` sets what the score has to set.

use std::process::ExitCode;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use qkv::Registry;
use qkv::model::random::Rng;
use qkv::model::{Comparison, HeadShape, Init, ModelError, NoSettings, Score};
use qkv::train::Task;
use rand::RngExt;
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    let registry = Registry::new().score("cosine", Cosine::build);
    qkv::run(registry.task("first", "train.steps = 150", |_: &NoSettings| Ok(First)))
}

/// Compares directions only, each head as sharply as it learns to: `s_ij = sharpness_h · cos(q_i, k_j)`.
#[derive(Module, Debug)]
struct Cosine {
    /// `[heads]`.
    sharpness: Param<Tensor<1>>,
}

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    sharpness: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { sharpness: 8.0 }
    }
}

impl Cosine {
    fn build(settings: &Settings, init: &Init, heads: HeadShape) -> Result<Self, ModelError> {
        Ok(Self { sharpness: init.constant([heads.n_heads], settings.sharpness) })
    }
}

/// A dot product of changed queries and keys, so the fused kernels compute it.
impl Score for Cosine {
    fn comparison(&self) -> Comparison {
        Comparison::PreparedDot
    }

    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        [unit(q) * self.sharpness.val().reshape([1, -1, 1, 1]), unit(k)]
    }
}

/// Every vector along the last axis, scaled to length one.
fn unit(x: Tensor<4>) -> Tensor<4> {
    let length = x.clone().powi_scalar(2).sum_dim(3).add_scalar(1e-12).sqrt();
    x / length
}

/// Say the first of eight digits everywhere: every query has to look at position 0.
struct First;

impl Task for First {
    fn summary(&self) -> String {
        "say the first of 8 digits everywhere".to_owned()
    }

    fn vocabulary(&self) -> Vec<String> {
        (0..10).map(|digit| digit.to_string()).collect()
    }

    fn seq_len(&self) -> usize {
        8
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        (0..8).map(|_| rng.random_range(0..10)).collect()
    }

    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        vec![Some(tokens[0]); 8]
    }
}

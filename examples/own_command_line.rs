//! The whole command line with a score of your own in it: every command knows it by name.
//!
//! ```text
//! cargo run --release --example own_command_line -- train reverse --set model.score=cosine --out runs/cosine --stop-after 200
//! cargo run --release --example own_command_line -- train runs/cosine --resume
//! cargo run --release --example own_command_line -- inspect runs/cosine
//! ```
//!
//! The arguments are those of `qkv`; `--set model.score.sharpness=4` sets what the score itself has to set.

use std::process::ExitCode;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, einsum};
use qkv::Registry;
use qkv::model::{HeadShape, Init, ModelError, Score};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    qkv::run(Registry::new().score("cosine", Cosine::build))
}

/// Compares directions only, each head as sharply as it learns to: `s_ij = sharpness_h · cos(q_i, k_j)`.
#[derive(Module, Debug)]
struct Cosine {
    /// `[heads]`.
    sharpness: Param<Tensor<1>>,
}

/// What a config file may say beside the name.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Where the sharpness of each head starts.
    sharpness: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { sharpness: 8.0 }
    }
}

impl Cosine {
    fn build(settings: &Settings, init: &Init, heads: HeadShape) -> Result<Self, ModelError> {
        let got = settings.sharpness;
        if !got.is_finite() {
            return Err(ModelError::OutOfRange { name: "sharpness", expected: "a finite number", got });
        }
        Ok(Self { sharpness: init.constant([heads.n_heads], got) })
    }
}

impl Score for Cosine {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let cosines = einsum!("bhqd,bhkd->bhqk", unit(q), unit(k));
        let [_, heads, _, _] = cosines.dims();
        cosines * self.sharpness.val().reshape([1, heads, 1, 1])
    }
}

/// Every vector along the last axis, scaled to length one.
fn unit(x: Tensor<4>) -> Tensor<4> {
    let length = x.clone().powi_scalar(2).sum_dim(3).add_scalar(1e-12).sqrt();
    x / length
}

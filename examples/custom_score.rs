//! A score of your own: cosine similarity with a learned temperature. It trains and is saved like a built-in one.
//!
//! ```text
//! cargo run --release --example custom_score
//! ```
//! ends with `the cosine score reverses every new sequence, also after loading`.

use anyhow::{Result, ensure};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, einsum};
use qkv_model::fused::prepare_process;
use qkv_model::{
    Catalog, Choice, HeadShape, Init, ModelError, Score, Transformer, TransformerConfig, parameters,
};
use qkv_train::{Examples, Recipe, Reverse, Split, Trainer, evaluate, load_weights, save_weights};
use serde::{Deserialize, Serialize};

/// Compares directions only: `s_ij = exp(t) · cos(q_i, k_j)`.
#[derive(Module, Debug)]
struct Cosine {
    /// Logarithm of the inverse temperature, `[1]`.
    log_temperature: Param<Tensor<1>>,
}

/// What a config may set beside the name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CosineSettings {
    /// Inverse temperature at the start.
    sharpness: f64,
}

impl Default for CosineSettings {
    fn default() -> Self {
        Self { sharpness: 7.0 }
    }
}

impl Cosine {
    fn build(settings: &CosineSettings, init: &Init, _: HeadShape) -> Result<Self, ModelError> {
        Ok(Self { log_temperature: init.constant([1], settings.sharpness.ln()) })
    }
}

impl Score for Cosine {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let cosines = einsum!("bhqd,bhkd->bhqk", unit(q), unit(k));
        cosines * self.log_temperature.val().exp().unsqueeze()
    }
}

/// Every vector along the last axis, scaled to length one.
fn unit(x: Tensor<4>) -> Tensor<4> {
    let length = x.clone().powi_scalar(2).sum_dim(3).add_scalar(1e-12).sqrt();
    x / length
}

fn main() -> Result<()> {
    prepare_process(None)?;
    let device = Device::flex().autodiff();
    let task = Reverse { seq_len: 12, n_symbols: 10 };
    let catalog = Catalog::default().score("cosine", Cosine::build);
    let mut config = TransformerConfig::new(task.n_symbols, task.seq_len, 32);
    config.score = Choice::new("cosine");
    let build = |seed| -> Result<Transformer> { Ok(config.init_with(&Init::new(&device, seed), &catalog)?) };

    let trained = Trainer::new(build(0)?, &task, Recipe::default(), &device)?.run()?;
    let examples = Examples { task: &task, seed: 0, split: Split::Test };
    let before = evaluate(&trained.state.model.valid(), examples, 1000, &device)?;

    let file = std::env::temp_dir().join(format!("qkv-custom-score-{}.safetensors", std::process::id()));
    save_weights(&trained.state.model, &file)?;
    let loaded = load_weights(build(1)?, &file);
    std::fs::remove_file(&file)?;
    let loaded = loaded?.valid();
    let after = evaluate(&loaded, examples, 1000, &device)?;

    for parameter in parameters(&loaded).iter().filter(|p| p.path.contains("score")) {
        println!("{} = {}", parameter.path, parameter.data);
    }
    ensure!(before.sequence_accuracy == 1.0 && after == before, "before {before:?}, after {after:?}");
    println!("the cosine score reverses every new sequence, also after loading");
    Ok(())
}

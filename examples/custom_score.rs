//! Scores of your own: cosine similarity with a learned temperature, and distance. They train and are saved like the
//! built-in ones.
//!
//! ```text
//! cargo run --release --example custom_score
//! ```
//! ends with `the cosine score reverses every new sequence, also after loading`.

use anyhow::{Result, ensure};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use qkv_model::fused::prepare_process;
use qkv_model::{
    Catalog, Choice, Comparison, HeadShape, Init, ModelError, NoSettings, Score, Transformer,
    TransformerConfig, parameters,
};
use qkv_train::{Examples, Recipe, Reverse, Split, Trainer, evaluate, load_weights, save_weights};

/// Compares directions only: `s_ij = exp(t) · cos(q_i, k_j)`.
#[derive(Module, Debug)]
struct Cosine {
    /// Logarithm of the inverse temperature, `[1]`.
    log_temperature: Param<Tensor<1>>,
}

impl Cosine {
    fn build(_: &NoSettings, init: &Init, _: HeadShape) -> Result<Self, ModelError> {
        Ok(Self { log_temperature: init.constant([1], 7_f64.ln()) })
    }
}

/// A dot product of changed queries and keys: `prepare` changes them, and the fused kernels do the rest.
impl Score for Cosine {
    fn comparison(&self) -> Comparison {
        Comparison::PreparedDot
    }

    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        [unit(q) * self.log_temperature.val().exp().unsqueeze(), unit(k)]
    }
}

/// Every vector along the last axis, scaled to length one.
fn unit(x: Tensor<4>) -> Tensor<4> {
    let length = x.clone().powi_scalar(2).sum_dim(3).add_scalar(1e-12).sqrt();
    x / length
}

/// `s_ij = -|q_i - k_j|`.
#[derive(Module, Debug)]
struct Distance {}

/// No dot product: `scores` computes the whole map, in the reference implementation of attention.
impl Score for Distance {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let difference = q.unsqueeze_dim::<5>(3) - k.unsqueeze_dim::<5>(2);
        difference.powi_scalar(2).sum_dim(4).add_scalar(1e-12).sqrt().squeeze_dim::<4>(4).neg()
    }
}

fn main() -> Result<()> {
    prepare_process(None)?;
    let device = Device::flex().autodiff();
    let task = Reverse { seq_len: 12, n_symbols: 10 };
    let distance = |_: &NoSettings, _: &Init, _| Ok(Distance {});
    let catalog = Catalog::default().score("cosine", Cosine::build).score("distance", distance);
    let examples = Examples { task: &task, seed: 0, split: Split::Test };
    for name in ["distance", "cosine"] {
        let mut config = TransformerConfig::new(task.n_symbols, task.seq_len, 32);
        config.score = Choice::new(name);
        let build =
            |seed| -> Result<Transformer> { Ok(config.init_with(&Init::new(&device, seed), &catalog)?) };
        let model = build(0)?;
        let layer = model.blocks[0].self_attention().expect("the built-in layer");
        println!("{name}: {}", layer.reference_reason().unwrap_or("by the kernels"));

        let trained = Trainer::new(model, &task, Recipe::default(), &device)?.run()?.state.model;
        let before = evaluate(&trained.valid(), examples, 1000, &device)?;
        let file = std::env::temp_dir().join(format!("qkv-custom-score-{}.safetensors", std::process::id()));
        save_weights(&trained, &file)?;
        let loaded = load_weights(build(1)?, &file);
        std::fs::remove_file(&file)?;
        let loaded = loaded?.valid();
        let after = evaluate(&loaded, examples, 1000, &device)?;
        for parameter in parameters(&loaded).iter().filter(|p| p.path.contains("score")) {
            println!("{} = {}", parameter.path, parameter.data);
        }
        ensure!(before.sequence_accuracy == 1.0 && after == before, "before {before:?}, after {after:?}");
    }
    println!("the cosine score reverses every new sequence, also after loading");
    Ok(())
}

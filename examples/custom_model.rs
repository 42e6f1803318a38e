//! A model of your own through our trainer: no attention at all, but one learned matrix over the positions.
//!
//! It learns to reverse, because there the positions to look at are always the same, and fails on `recall`, where they
//! are different in every input. That is what attention is for.
//!
//! ```text
//! cargo run --release --example custom_model
//! ```
//! ends with `a fixed map can reverse, and cannot recall`.

use anyhow::{Result, ensure};
use burn::module::{Module, Param, ParamId, list_param_ids};
use burn::tensor::{Device, Int, Tensor, einsum};
use qkv_model::fused::prepare_process;
use qkv_model::{Embedding, EmbeddingsConfig, Init, Mode, Training};
use qkv_train::{
    Evaluation, Examples, Layout, Model, Recall, Recipe, Reverse, Split, Task, Trainer, evaluate,
};

/// Mixes positions by the same matrix for every input.
#[derive(Module, Debug)]
struct FixedMap {
    embedding: Embedding,
    /// Which position hears which, `[seq_len, seq_len]`.
    map: Param<Tensor<2>>,
    /// `[d_model, vocab_size]`.
    unembedding: Param<Tensor<2>>,
}

impl FixedMap {
    fn new(task: &dyn Task, d_model: usize, init: &Init) -> Self {
        let (vocab_size, seq_len) = (task.vocabulary().len(), task.seq_len());
        Self {
            embedding: EmbeddingsConfig::Learned.init(&init.enter("embedding"), vocab_size, d_model),
            map: init.normal("map", [seq_len, seq_len], 0.1, Training::Learned),
            unembedding: init.uniform("unembedding", [d_model, vocab_size], 0.2, Training::Learned),
        }
    }
}

impl Model for FixedMap {
    fn features(&self, tokens: Tensor<3, Int>, _mode: Mode) -> Tensor<3> {
        einsum!("qk,bkd->bqd", self.map.val(), self.embedding.forward(tokens))
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        features.matmul(self.unembedding.val())
    }

    /// Weight decay leaves the token vectors alone.
    fn tables(&self) -> Vec<ParamId> {
        list_param_ids(&self.embedding)
    }
}

fn main() -> Result<()> {
    prepare_process(None)?;
    let reverse = learn("reverse", &Reverse { seq_len: 8, n_symbols: 10 })?;
    let recall = learn("recall", &Recall { layout: Layout::Stacked, n_pairs: 4, n_keys: 8, n_values: 10 })?;
    ensure!(reverse.sequence_accuracy > 0.999, "reverse: {reverse:?}");
    ensure!(recall.sequence_accuracy < 0.05, "recall: {recall:?}");
    println!("a fixed map can reverse, and cannot recall");
    Ok(())
}

fn learn(name: &str, task: &dyn Task) -> Result<Evaluation> {
    let device = Device::flex().autodiff();
    let model = FixedMap::new(task, 32, &Init::new(&device, 0));
    let trained = Trainer::new(model, task, Recipe::default(), &device)?.run()?;
    let examples = Examples { task, seed: 0, split: Split::Test };
    let result = evaluate(&trained.state.model.valid(), examples, 1000, &device)?;
    println!("{name}: sequence accuracy {:.4}", result.sequence_accuracy);
    Ok(result)
}

//! A transformer in training, made of Burn's own tensor operations, loss and optimizer: nothing of ours but parameters.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Int, Tensor};
use qkv_model::{AnyNorm, Block, Norm, Positions, Transformer};
use qkv_train::{AdamW, Batch};

/// Pre-norm, causal, positions at the input, W_O, GELU; no biases in attention, no dropout, no decay.
pub struct PlainTraining {
    model: Transformer,
    optimizer: ModuleOptimizer,
    lr: f64,
}

impl PlainTraining {
    pub fn new(model: Transformer, lr: f64, config: &AdamW) -> Self {
        let optimizer = AdamWConfig::new()
            .with_beta_1(config.beta_1 as f32)
            .with_beta_2(config.beta_2 as f32)
            .with_epsilon(config.epsilon as f32)
            .with_weight_decay(0.0)
            .init();
        Self { model, optimizer, lr }
    }

    /// One step; its loss before the update.
    pub fn step(&mut self, batch: &Batch) -> f64 {
        let logits = logits(&self.model, batch.tokens.clone());
        let [n, seq_len, vocab_size] = logits.dims();
        let logits = logits.reshape([n * seq_len, vocab_size]);
        let loss =
            CrossEntropyLossConfig::new().init(&logits.device()).forward(logits, batch.targets.clone());
        let value = loss.clone().into_scalar::<f64>();
        let grads = GradientsParams::from_grads(loss.backward(), &self.model);
        self.model = self.optimizer.step(self.lr, self.model.clone(), grads);
        value
    }
}

fn logits(model: &Transformer, tokens: Tensor<3, Int>) -> Tensor<3> {
    let [n, seq_len, _] = tokens.dims();
    let x = model.embedding.table.val().select(0, tokens.reshape([n * seq_len]));
    let [_, d_model] = x.dims();
    let x = model.positions.as_ref().unwrap().embed(x.reshape([n, seq_len, d_model]), 0);
    let x = model.blocks.iter().fold(x, block);
    norm(model.norm.as_ref().unwrap(), x).matmul(model.unembedding.as_ref().unwrap().val().unsqueeze())
}

fn block(x: Tensor<3>, block: &Block) -> Tensor<3> {
    let [n, seq_len, d_model] = x.dims();
    let attention = block.self_attention().unwrap();
    let input = norm(block.norm_attention.as_ref().unwrap(), x.clone());
    let heads = |w: &Option<burn::module::Param<Tensor<2>>>| -> Tensor<4> {
        let out = input.clone().matmul(w.as_ref().unwrap().val().unsqueeze());
        let [_, _, width] = out.dims();
        out.reshape([n, seq_len, attention.n_heads(), width / attention.n_heads()]).swap_dims(1, 2)
    };
    let [q, k, v] = [&attention.w_q, &attention.w_k, &attention.w_v].map(heads);
    let scores = q.matmul(k.transpose()).div_scalar((attention.d_k() as f64).sqrt());
    let later = Tensor::<2, Bool>::tril_mask([seq_len, seq_len], 0, &x.device());
    let weights = softmax(scores.mask_fill(later.unsqueeze(), f64::NEG_INFINITY), 3);
    let context = weights.matmul(v).swap_dims(1, 2).reshape([n, seq_len, d_model]);
    let x = x + context.matmul(attention.w_o.as_ref().unwrap().val().unsqueeze());

    let mlp = block.mlp.as_ref().unwrap();
    let input = norm(block.norm_mlp.as_ref().unwrap(), x.clone());
    let hidden = input.matmul(mlp.w_in.val().unsqueeze()) + mlp.b_in.as_ref().unwrap().val().unsqueeze();
    let cdf = hidden.clone().div_scalar(2.0_f64.sqrt()).erf().add_scalar(1.0).div_scalar(2.0);
    let out = (hidden * cdf).matmul(mlp.w_out.val().unsqueeze());
    x + out + mlp.b_out.as_ref().unwrap().val().unsqueeze()
}

fn norm(norm: &AnyNorm, x: Tensor<3>) -> Tensor<3> {
    let Some(Norm::Layer(norm)) = norm.downcast_ref() else {
        panic!("only layer norms are written out here")
    };
    let centered = x.clone() - x.mean_dim(2);
    let variance = centered.clone().powi_scalar(2).mean_dim(2);
    let normed = centered / variance.add_scalar(1e-5).sqrt();
    normed * norm.gamma.val().unsqueeze() + norm.beta.as_ref().unwrap().val().unsqueeze()
}

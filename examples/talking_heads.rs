//! Talking heads ([Shazeer et al. 2020](https://arxiv.org/abs/2003.02436)): learned matrices mix the heads before and
//! after the softmax. A transformer with a module of your own between its stages, in the whole command line.
//!
//! ```text
//! cargo run --release --example talking_heads -- train reverse --set model.name=talking-heads \
//!     --set model.n_heads=4 --out runs/t
//! cargo run --release --example talking_heads -- explain runs/t
//! cargo run --release --example talking_heads -- ablate runs/t
//! ```
//! `explain` then names what the matrices change: then changed by the model `talking-heads`.

use std::process::ExitCode;

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, einsum};
use qkv::Registry;
use qkv::model::{AttentionLayer, Catalog, Init, Mode, Stage, Transformer, TransformerConfig};
use qkv::train::{Hooked, Model, ModelConfig, Task, TrainError};
use serde::{Deserialize, Serialize};

fn main() -> ExitCode {
    qkv::run(Registry::new().model::<TalkingHeadsConfig>("talking-heads"))
}

/// ```text
/// scores_h  = Σ_g scores_g  mix_scores[g, h]      weights_h = Σ_g weights_g mix_weights[g, h]
/// ```
#[derive(Module, Debug)]
struct TalkingHeads {
    transformer: Transformer,
    /// Of each layer, `[heads, heads]`.
    mix_scores: Vec<Param<Tensor<2>>>,
    /// Of each layer, `[heads, heads]`.
    mix_weights: Vec<Param<Tensor<2>>>,
}

/// The settings of the transformer; nothing else.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct TalkingHeadsConfig(TransformerConfig);

impl ModelConfig for TalkingHeadsConfig {
    type Model = TalkingHeads;

    fn fit(self, task: &dyn Task, batch_size: usize, catalog: &Catalog) -> Result<Self, TrainError> {
        Ok(Self(self.0.fit(task, batch_size, catalog)?))
    }

    fn build(&self, task: &dyn Task, init: &Init, catalog: &Catalog) -> Result<TalkingHeads, TrainError> {
        let transformer = self.0.build(task, &init.enter("transformer"), catalog)?;
        // Every head hears itself alone at the start.
        let identities = || -> Vec<Param<Tensor<2>>> {
            let heads = transformer.blocks.iter().map(|block| block.attention.describe().n_heads);
            let diagonal =
                |n: usize| (0..n * n).map(|at| if at % (n + 1) == 0 { 1.0 } else { 0.0 }).collect();
            heads.map(|n| Param::from_tensor(init.tensor(diagonal(n), [n, n]))).collect()
        };
        let [mix_scores, mix_weights] = [identities(), identities()];
        Ok(TalkingHeads { transformer, mix_scores, mix_weights })
    }
}

impl Model for TalkingHeads {
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        self.hooked().expect("it wraps a transformer").features(tokens, mode)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.transformer.unembed(features)
    }

    /// What `explain`, `ablate`, the film and the pictures ask for follows from this.
    fn hooked(&self) -> Option<Hooked<'_>> {
        let hook = |layer: usize, stage, x: Tensor<4>| match stage {
            Stage::Scores => einsum!("bgqk,gh->bhqk", x, self.mix_scores[layer].val()),
            Stage::Weights => einsum!("bgqk,gh->bhqk", x, self.mix_weights[layer].val()),
            _ => x,
        };
        Some(Hooked { transformer: &self.transformer, field: "transformer", hook: Box::new(hook) })
    }
}

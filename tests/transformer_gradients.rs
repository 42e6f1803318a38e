//! A whole transformer of two blocks in every arrangement: back-propagation agrees with central differences.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use qkv_model::{
    Init, MaskConfig, Mode, NormConfig, PositionsConfig, ScoreConfig, Transformer, TransformerConfig,
};

use crate::backends::devices;
use crate::differences::{Scalars, check};

const STACK: usize = 2;
const D_V: usize = 3;
const D_K: usize = 5;
const D_MODEL: usize = 7;
const D_MLP: usize = 11;
const VOCAB_SIZE: usize = 13;
const SEQ_LEN: usize = 17;
const BATCH: usize = 1;

fn config() -> TransformerConfig {
    TransformerConfig {
        n_heads: 2,
        n_layers: 2,
        d_k: Some(D_K),
        d_v: Some(D_V),
        d_mlp: D_MLP,
        w_o: true,
        bias: true,
        mask: MaskConfig::Causal,
        ..TransformerConfig::new(VOCAB_SIZE, SEQ_LEN, D_MODEL)
    }
}

fn model(device: &Device, config: &TransformerConfig) -> Transformer {
    config.init(&Init::new(device, 5).with_dtype(DType::F64)).unwrap()
}

/// Tokens that use the whole vocabulary.
fn tokens(device: &Device) -> Tensor<3, Int> {
    let shape = [BATCH, SEQ_LEN, STACK];
    let n_tokens: usize = shape.iter().product();
    let ids: Vec<i64> = (0..n_tokens).map(|at| (at * at + 3 * at) as i64 % VOCAB_SIZE as i64).collect();
    Tensor::from_data(TensorData::new(ids, shape), device)
}

#[track_caller]
fn check_config(config: &TransformerConfig) {
    let has_dot_score = !matches!(config.score, ScoreConfig::Additive(_));
    for device in devices() {
        let learning = model(&device.clone().autodiff(), config);
        let plain = model(&device, config);
        check(
            &format!("{:?}, {:?}, tied: {}", config.norm, config.positions, config.tied),
            [&learning, &plain],
            &Scalars::Sample(3),
            |path| has_dot_score && path.ends_with("attention.b_k"),
            |model| {
                let device = model.embedding.table.val().device();
                model.forward(tokens(&device), Mode::Evaluate)
            },
        );
    }
}

#[test]
fn pre_norm_post_norm_and_no_norm_agree_with_differences() {
    for norm in [NormConfig::Pre, NormConfig::Post, NormConfig::None] {
        check_config(&TransformerConfig { norm, ..config() });
    }
}

#[test]
fn tied_and_untied_with_learned_and_fixed_positions_agree_with_differences() {
    for tied in [true, false] {
        for positions in [PositionsConfig::Learned, PositionsConfig::Sinusoidal, PositionsConfig::None] {
            check_config(&TransformerConfig { tied, positions, ..config() });
        }
    }
}

#[test]
fn attention_only_and_every_score_agree_with_differences() {
    for score in [ScoreConfig::Dot, ScoreConfig::ScaledBy(0.7), ScoreConfig::Additive(19)] {
        for d_mlp in [0, D_MLP] {
            check_config(&TransformerConfig { score, d_mlp, ..config() });
        }
    }
}

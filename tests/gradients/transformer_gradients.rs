//! A whole transformer of two blocks in every arrangement: back-propagation agrees with central differences.

use burn::module::Param;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use qkv_model::{
    Activation, Choice, Init, MaskConfig, Mode, NormConfig, NormKind, Softmax, Transformer, TransformerConfig,
};

use crate::support::backends::device;
use crate::support::differences::{Scalars, check};
use crate::support::layers::{additive, dot, scaled_by};
use crate::support::numbers::tensor;

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
        mask: MaskConfig::Causal.into(),
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
    check_prepared(config, |model| model);
}

/// Checks what `prepare` makes of the model.
#[track_caller]
fn check_prepared(config: &TransformerConfig, prepare: impl Fn(Transformer) -> Transformer) {
    let b_k_counts = config.score.name == "additive"
        || config.qk_norm
        || config.softcap > 0.0
        || config.softmax == Softmax::Quiet
        || config.positions.name == "rope";
    let device = device();
    let learning = prepare(model(&device.clone().autodiff(), config));
    let plain = prepare(model(&device, config));
    check(
        &format!("{config:?}"),
        [&learning, &plain],
        &Scalars::Sample(3),
        |path| !b_k_counts && path.ends_with("attention.b_k"),
        |model| {
            let device = model.embedding.table.val().device();
            model.forward(tokens(&device), Mode::Evaluate)
        },
    );
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
        for positions in [Choice::new("learned"), Choice::new("sinusoidal"), Choice::new("none")] {
            check_config(&TransformerConfig { tied, positions, ..config() });
        }
    }
}

#[test]
fn attention_only_and_every_score_agree_with_differences() {
    for score in [dot(), scaled_by(0.7), additive(19)] {
        for d_mlp in [0, D_MLP] {
            check_config(&TransformerConfig { score: score.clone(), d_mlp, ..config() });
        }
    }
}

#[test]
fn positions_in_the_layers_agree_with_differences() {
    // Pairs need an even width.
    let d_k = Some(4);
    for positions in [Choice::new("rope").with("base", 30.0), Choice::new("alibi")] {
        for norm in [NormConfig::Pre, NormConfig::None] {
            check_config(&TransformerConfig { positions: positions.clone(), d_k, norm, ..config() });
        }
    }
}

#[test]
fn shared_keys_qk_norm_cap_and_sink_agree_with_differences() {
    check_config(&TransformerConfig { n_kv_heads: Some(1), ..config() });
    check_config(&TransformerConfig { qk_norm: true, ..config() });
    check_config(&TransformerConfig { softcap: 0.7, ..config() });
    check_config(&TransformerConfig { softmax: Softmax::Quiet, ..config() });
}

#[test]
fn rms_norm_before_and_after_agrees_with_differences() {
    for norm in [NormConfig::Pre, NormConfig::Post] {
        check_config(&TransformerConfig { norm, norm_kind: NormKind::Rms.into(), ..config() });
    }
}

#[test]
fn swiglu_agrees_with_differences() {
    check_config(&TransformerConfig { activation: Activation::Swiglu.into(), ..config() });
}

#[test]
fn relu_agrees_with_differences_away_from_its_kink() {
    // Behind a layer norm, x has length √7 and a column of W_in at most length one, so that |x W_in| ≤ 2.65: biases of
    // ±3 keep every hidden unit on its side of zero, half of them open and half shut, whatever is nudged by a
    // hundredth.
    let away = |mut model: Transformer| {
        for block in &mut model.blocks {
            let b_in = block.mlp.as_mut().unwrap().b_in.as_mut().unwrap();
            let biases: Vec<f64> = (0..D_MLP).map(|unit| if unit % 2 == 0 { 3.0 } else { -3.0 }).collect();
            *b_in = Param::from_tensor(tensor((&b_in.val().device(), DType::F64), &biases, [D_MLP]));
        }
        model
    };
    check_prepared(&TransformerConfig { activation: Activation::Relu.into(), ..config() }, away);
}

#[test]
fn everything_at_once_agrees_with_differences() {
    check_config(&TransformerConfig {
        positions: Choice::new("rope").with("base", 30.0),
        d_k: Some(4),
        n_kv_heads: Some(1),
        qk_norm: true,
        softcap: 0.7,
        softmax: Softmax::Quiet,
        norm_kind: NormKind::Rms.into(),
        activation: Activation::Swiglu.into(),
        tied: true,
        ..config()
    });
}

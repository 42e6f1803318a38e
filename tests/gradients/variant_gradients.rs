//! Every variant of an attention layer: back-propagation agrees with central differences under every kind of mask.

use burn::tensor::{DType, Device};
use qkv_model::{
    CausalAlign, Choice, Init, Mask, Mode, SelfAttention, SelfAttentionConfig, Softmax, parameters,
};

use crate::support::backends::device;
use crate::support::differences::{Scalars, check};
use crate::support::layers::{additive, scaled_dot};
use crate::support::numbers::{bools, random, random_tensor, tensor};

// Different numbers for all axes; groups need a number of heads that divides, and rotations an even `d_k`.
const BATCH: usize = 2;
const D_IN: usize = 3;
const N_HEADS: usize = 4;
const D_V: usize = 5;
const D_K: usize = 6;
const D_OUT: usize = 7;
const SEQ_LEN: usize = 11;

fn base() -> SelfAttentionConfig {
    SelfAttentionConfig {
        d_v: D_V,
        d_out: Some(D_OUT),
        n_heads: N_HEADS,
        bias: true,
        ..SelfAttentionConfig::new(D_IN, D_K)
    }
}

fn rope() -> Choice {
    Choice::new("rope").with("base", 30.0)
}

/// Each variant alone, and many at once.
fn variants() -> Vec<(&'static str, SelfAttentionConfig)> {
    let base = base();
    // A cap at which the scores of this layer, about one, bend.
    let softcap = 0.7;
    vec![
        ("rope", SelfAttentionConfig { positions: rope(), ..base.clone() }),
        ("alibi", SelfAttentionConfig { positions: Choice::new("alibi"), ..base.clone() }),
        ("one head of keys", SelfAttentionConfig { n_kv_heads: Some(1), ..base.clone() }),
        ("two heads of keys", SelfAttentionConfig { n_kv_heads: Some(2), ..base.clone() }),
        ("QK-norm", SelfAttentionConfig { qk_norm: true, ..base.clone() }),
        ("cap", SelfAttentionConfig { softcap, ..base.clone() }),
        ("quiet", SelfAttentionConfig { softmax: Softmax::Quiet, ..base.clone() }),
    ]
}

fn combinations() -> Vec<(&'static str, SelfAttentionConfig)> {
    let all = SelfAttentionConfig {
        positions: rope(),
        qk_norm: true,
        n_kv_heads: Some(2),
        softcap: 0.7,
        softmax: Softmax::Quiet,
        ..base()
    };
    vec![
        ("all with rope", all.clone()),
        ("all with alibi", SelfAttentionConfig { positions: Choice::new("alibi"), ..all.clone() }),
        ("all with an additive score", SelfAttentionConfig { score: additive(13), ..all }),
    ]
}

/// The softmax takes no notice of what all keys share, so under a plain dot product b_k changes nothing. A norm, a cap,
/// a sink or a rotation makes it count.
fn is_zero(config: &SelfAttentionConfig, path: &str) -> bool {
    let counts = config.qk_norm
        || config.softcap > 0.0
        || config.softmax == Softmax::Quiet
        || config.positions.name == "rope"
        || config.score.name == "additive";
    path == "b_k" && !counts
}

fn layer(device: &Device, config: &SelfAttentionConfig) -> SelfAttention {
    config.init(&Init::new(device, 3).with_dtype(DType::F64)).unwrap()
}

#[track_caller]
fn check_layer(what: &str, config: &SelfAttentionConfig, scalars: &Scalars, mask: impl Fn(&Device) -> Mask) {
    let device = device();
    let learning = layer(&device.clone().autodiff(), config);
    let plain = layer(&device, config);
    check(
        what,
        [&learning, &plain],
        scalars,
        |path| is_zero(config, path),
        |layer| {
            let device = layer.w_q.as_ref().unwrap().val().device();
            let x = random_tensor((&device, DType::F64), "x", [BATCH, SEQ_LEN, D_IN]);
            layer.forward(x.mul_scalar(2.0), &mask(&device), Mode::Evaluate)
        },
    );
}

/// Six scalars of each parameter, which are all of a gamma.
#[track_caller]
fn check_sample(mask: impl Fn(&Device) -> Mask) {
    for (what, config) in variants().into_iter().chain(combinations()) {
        check_layer(what, &config, &Scalars::Sample(6), &mask);
    }
}

#[test]
fn all_agree_with_differences_without_a_mask() {
    check_sample(|_| Mask::none());
}

#[test]
fn all_agree_with_differences_under_a_causal_mask() {
    check_sample(|_| Mask::causal(CausalAlign::TopLeft));
}

#[test]
fn all_agree_with_differences_under_padding() {
    check_sample(|_| Mask::padding(vec![5, 8]));
}

#[test]
fn all_agree_with_differences_with_a_fully_hidden_row() {
    let hidden: Vec<bool> = (0..SEQ_LEN).map(|query| query == 4).collect();
    check_sample(|device| Mask::hidden(bools(device, &hidden, [1, 1, SEQ_LEN, 1])));
}

#[test]
fn all_agree_with_differences_under_a_bias_that_hides() {
    check_sample(|device| {
        let shape = [1, N_HEADS, SEQ_LEN, SEQ_LEN];
        let bias: Vec<f64> = random("bias", shape.iter().product())
            .iter()
            .map(|&bias| if bias < -0.7 { f64::NEG_INFINITY } else { bias })
            .collect();
        Mask::bias(tensor((device, DType::F64), &bias, shape))
    });
}

#[test]
fn every_scalar_of_a_layer_with_everything_at_once_agrees_with_differences() {
    for (what, config) in combinations() {
        check_layer(what, &config, &Scalars::All, |_| Mask::causal(CausalAlign::TopLeft));
    }
}

#[test]
fn the_checked_layer_has_the_gammas() {
    let device = device();
    for (what, config) in variants().into_iter().chain(combinations()) {
        assert!(config.score == scaled_dot() || config.score.name == "additive");
        let paths: Vec<String> =
            parameters(&layer(&device, &config)).into_iter().map(|parameter| parameter.path).collect();
        for gamma in ["qk_norm.gamma_q", "qk_norm.gamma_k"] {
            assert_eq!(paths.iter().any(|path| path == gamma), config.qk_norm, "{what}: {paths:?}");
        }
    }
}

//! An attention layer of every score and variant under every kind of mask: back-propagation agrees with central
//! differences.

use burn::tensor::{DType, Device};
use qkv_model::{
    CausalAlign, Choice, Implementation, Init, Mask, Mode, SelfAttention, SelfAttentionConfig, Softmax,
};

use crate::support::backends::{device, learning_places};
use crate::support::differences::{Scalars, check, functional};
use crate::support::layers::{additive, all_projections, dot, projected, scaled_by, scaled_dot};
use crate::support::module_gradients::{Gradient, gradients};
use crate::support::numbers::{bools, random, random_tensor, tensor};
use crate::support::parameters::paths;

// Different numbers for all axes, but that two heads are as many as the inputs; one and four are not. Groups need a
// number of heads that divides, and rotations an even `d_k`.
const BATCH: usize = 2;
const D_IN: usize = 3;
const D_V: usize = 5;
const D_K: usize = 6;
const D_OUT: usize = 7;
const SEQ_LEN: usize = 11;
const D_HIDDEN: usize = 13;

fn scores() -> [Choice; 4] {
    [dot(), scaled_dot(), scaled_by(0.7), additive(D_HIDDEN)]
}

fn heads(n_heads: usize) -> SelfAttentionConfig {
    SelfAttentionConfig {
        d_v: D_V,
        d_out: Some(D_OUT),
        n_heads,
        bias: true,
        ..SelfAttentionConfig::new(D_IN, D_K)
    }
}

/// Every score, with one head and with two.
fn plain() -> impl Iterator<Item = SelfAttentionConfig> {
    let with = |n_heads| scores().map(|score| SelfAttentionConfig { score, ..heads(n_heads) });
    [1, 2].into_iter().flat_map(with)
}

fn rope() -> Choice {
    Choice::new("rope").with("base", 30.0)
}

fn variants() -> [SelfAttentionConfig; 7] {
    let base = heads(4);
    [
        SelfAttentionConfig { positions: rope(), ..base.clone() },
        SelfAttentionConfig { positions: Choice::new("alibi"), ..base.clone() },
        SelfAttentionConfig { n_kv_heads: Some(1), ..base.clone() },
        SelfAttentionConfig { n_kv_heads: Some(2), ..base.clone() },
        SelfAttentionConfig { qk_norm: true, ..base.clone() },
        // A cap at which the scores of this layer, about one, bend.
        SelfAttentionConfig { softcap: 0.7, ..base.clone() },
        SelfAttentionConfig { softmax: Softmax::Quiet, ..base },
    ]
}

/// Many variants at once.
fn combinations() -> [SelfAttentionConfig; 3] {
    let all = SelfAttentionConfig {
        positions: rope(),
        qk_norm: true,
        n_kv_heads: Some(2),
        softcap: 0.7,
        softmax: Softmax::Quiet,
        ..heads(4)
    };
    [
        SelfAttentionConfig { positions: Choice::new("alibi"), ..all.clone() },
        SelfAttentionConfig { score: additive(D_HIDDEN), ..all.clone() },
        all,
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
fn check_layer(config: &SelfAttentionConfig, scalars: &Scalars, mask: impl Fn(&Device, usize) -> Mask) {
    check(
        &format!("{config:?}"),
        [&layer(&device().autodiff(), config), &layer(&device(), config)],
        scalars,
        |path| is_zero(config, path),
        |layer| {
            // Each module is fed on its own device, with or without autodiff.
            let device = layer.w_o.as_ref().unwrap().val().device();
            let x = random_tensor((&device, DType::F64), "x", [BATCH, SEQ_LEN, config.d_in]);
            layer.forward(x.mul_scalar(2.0), &mask(&device, config.n_heads), Mode::Evaluate)
        },
    );
}

/// Every scalar of plain layers; of the others six of each parameter, which are all of a gamma.
#[track_caller]
fn check_under(mask: impl Fn(&Device, usize) -> Mask) {
    for config in plain() {
        check_layer(&config, &Scalars::All, &mask);
    }
    for config in variants().into_iter().chain(combinations()) {
        check_layer(&config, &Scalars::Sample(6), &mask);
    }
}

#[test]
fn each_matrix_that_is_learned_agrees_with_differences_beside_frozen_and_absent_ones() {
    for projections in all_projections() {
        let biased = projected(projections);
        for config in [SelfAttentionConfig { bias: false, ..biased.clone() }, biased] {
            check_layer(&config, &Scalars::Sample(6), |_, _| Mask::causal(CausalAlign::TopLeft));
        }
    }
}

#[test]
fn all_agree_with_differences_without_a_mask() {
    check_under(|_, _| Mask::none());
}

#[test]
fn all_agree_with_differences_under_a_causal_mask() {
    check_under(|_, _| Mask::causal(CausalAlign::TopLeft));
}

#[test]
fn all_agree_with_differences_under_padding() {
    check_under(|_, _| Mask::padding(vec![5, 8]));
}

#[test]
fn all_agree_with_differences_with_a_fully_hidden_row() {
    let hidden: Vec<bool> = (0..SEQ_LEN).map(|query| query == 4).collect();
    check_under(|device, _| Mask::hidden(bools(device, &hidden, [1, 1, SEQ_LEN, 1])));
}

#[test]
fn all_agree_with_differences_under_a_bias_that_hides() {
    check_under(|device, n_heads| {
        let shape = [1, n_heads, SEQ_LEN, SEQ_LEN];
        let bias: Vec<f64> = random("bias", shape.iter().product())
            .iter()
            .map(|&bias| if bias < -0.7 { f64::NEG_INFINITY } else { bias })
            .collect();
        Mask::bias(tensor((device, DType::F64), &bias, shape))
    });
}

#[test]
fn every_scalar_of_a_layer_with_everything_at_once_agrees_with_differences() {
    for config in combinations() {
        check_layer(&config, &Scalars::All, |_, _| Mask::causal(CausalAlign::TopLeft));
    }
}

/// The parameters that only change which key is looked at.
const WHERE_TO_LOOK: [&str; 7] = ["w_q", "w_k", "b_q", "b_k", "score.w_a", "score.u_a", "score.v_a"];

#[track_caller]
fn assert_only_values_learn(gradients: &[Gradient]) {
    for Gradient { path, values } in gradients {
        let values = values.as_deref().expect(path);
        if WHERE_TO_LOOK.contains(&path.as_str()) {
            assert!(values.iter().all(|&value| value == 0.0), "{path}: {values:?}");
        } else {
            assert!(values.iter().all(|&value| value != 0.0), "{path}: {values:?}");
        }
    }
}

#[test]
fn a_query_that_sees_one_key_cannot_learn_where_to_look() {
    for place @ (device, dtype) in learning_places() {
        for score in scores() {
            // The fused kernels come to the same zero by two sums of different order, and miss it by a rounding.
            let config = SelfAttentionConfig {
                n_heads: 2,
                bias: true,
                score,
                implementation: Implementation::Reference,
                ..SelfAttentionConfig::new(D_IN, D_K)
            };
            let layer = config.init(&Init::new(device, 3).with_dtype(dtype)).unwrap();
            let only_one_there = random_tensor(place, "x", [BATCH, 1, D_IN]);
            let context = layer.forward(only_one_there, &Mask::none(), Mode::Evaluate);
            assert_only_values_learn(&gradients(&layer, &functional(context)));
            // Position i sees position 3i mod 11 alone.
            let shown: Vec<bool> =
                (0..SEQ_LEN * SEQ_LEN).map(|at| at % SEQ_LEN == 3 * (at / SEQ_LEN) % SEQ_LEN).collect();
            let mask = Mask::shown(bools(device, &shown, [1, 1, SEQ_LEN, SEQ_LEN]));
            let x = random_tensor(place, "x", [BATCH, SEQ_LEN, D_IN]);
            let context = layer.forward(x, &mask, Mode::Evaluate);
            assert_only_values_learn(&gradients(&layer, &functional(context)));
        }
    }
}

#[test]
fn the_checked_layers_have_every_parameter_that_a_layer_can_have() {
    let mut found: Vec<String> =
        combinations().iter().flat_map(|config| paths(&layer(&device(), config))).collect();
    found.sort();
    found.dedup();
    let all = [
        "b_k",
        "b_o",
        "b_q",
        "b_v",
        "qk_norm.gamma_k",
        "qk_norm.gamma_q",
        "score.u_a",
        "score.v_a",
        "score.w_a",
        "w_k",
        "w_o",
        "w_q",
        "w_v",
    ];
    assert_eq!(found, all);
}

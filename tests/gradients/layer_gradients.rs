//! Every scalar of every parameter of an attention layer: back-propagation agrees with central differences.

use burn::tensor::{DType, Device};
use qkv_model::{
    CausalAlign, Choice, Implementation, Init, Mask, Mode, SelfAttention, SelfAttentionConfig, parameters,
};

use crate::support::backends::{device, learning_places};
use crate::support::differences::{Scalars, check, functional};
use crate::support::layers::{additive, dot, scaled_by, scaled_dot};
use crate::support::module_gradients::{Gradient, gradients};
use crate::support::numbers::{bools, random, random_tensor, tensor};

// The primes rise as the scalars that they cost fall; the batch is small because other tests tell it from the heads.
const BATCH: usize = 2;
const D_IN: usize = 3;
const D_K: usize = 5;
const D_V: usize = 7;
const D_OUT: usize = 11;
const SEQ_LEN: usize = 13;
const D_HIDDEN: usize = 17;

fn scores() -> [Choice; 4] {
    [dot(), scaled_dot(), scaled_by(0.7), additive(D_HIDDEN)]
}

fn layer(device: &Device, n_heads: usize, score: &Choice) -> SelfAttention {
    let config = SelfAttentionConfig {
        d_v: D_V,
        d_out: Some(D_OUT),
        n_heads,
        bias: true,
        score: score.clone(),
        ..SelfAttentionConfig::new(D_IN, D_K)
    };
    config.init(&Init::new(device, 3).with_dtype(DType::F64)).unwrap()
}

/// The softmax takes no notice of what all keys share, so under a dot product b_k changes nothing.
fn is_zero(score: &Choice, path: &str) -> bool {
    path == "b_k" && score.name != "additive"
}

#[track_caller]
fn check_all(mask: impl Fn(&Device, usize) -> Mask) {
    let device = device();
    for n_heads in [1, 2] {
        for score in scores() {
            let learning = layer(&device.clone().autodiff(), n_heads, &score);
            let plain = layer(&device, n_heads, &score);
            check(
                &format!("{n_heads} heads, {score:?}"),
                [&learning, &plain],
                &Scalars::All,
                |path| is_zero(&score, path),
                |layer| {
                    // Each module is fed on its own device, with or without autodiff.
                    let device = layer.w_q.as_ref().unwrap().val().device();
                    let x = random_tensor((&device, DType::F64), "x", [BATCH, SEQ_LEN, D_IN]);
                    layer.forward(x, &mask(&device, n_heads), Mode::Evaluate)
                },
            );
        }
    }
}

#[test]
fn all_agree_with_differences_without_a_mask() {
    check_all(|_, _| Mask::none());
}

#[test]
fn all_agree_with_differences_under_a_causal_mask() {
    check_all(|_, _| Mask::causal(CausalAlign::TopLeft));
}

#[test]
fn all_agree_with_differences_under_padding() {
    check_all(|_, _| Mask::padding(vec![5, 11]));
}

#[test]
fn all_agree_with_differences_with_a_fully_hidden_row() {
    let hidden: Vec<bool> = (0..SEQ_LEN).map(|q_idx| q_idx == 4).collect();
    check_all(|device, _| Mask::hidden(bools(device, &hidden, [1, 1, SEQ_LEN, 1])));
}

#[test]
fn all_agree_with_differences_under_a_bias() {
    check_all(|device, n_heads| {
        let shape = [1, n_heads, SEQ_LEN, SEQ_LEN];
        let bias: Vec<f64> = random("bias", shape.iter().product())
            .iter()
            .map(|&bias| if bias < -0.7 { f64::NEG_INFINITY } else { bias })
            .collect();
        Mask::bias(tensor((device, DType::F64), &bias, shape))
    });
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
            // Position i sees position 3i mod 13 alone.
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
fn the_checked_layer_has_every_parameter_that_a_layer_can_have() {
    let device = device();
    let paths: Vec<String> = parameters(&layer(&device, 2, &additive(D_HIDDEN)))
        .into_iter()
        .map(|parameter| parameter.path)
        .collect();
    let all = ["w_q", "w_k", "w_v", "w_o", "b_q", "b_k", "b_v", "b_o", "score.w_a", "score.u_a", "score.v_a"];
    assert_eq!(paths, all);
}

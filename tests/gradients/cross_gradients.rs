//! Cross-attention: back-propagation agrees with central differences for W_Q, which learns from the one input, W_K and
//! W_V, which learn from the other, and both inputs; and both implementations agree.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use qkv_model::{
    Catalog, CausalAlign, Choice, CrossAttention, Implementation, Init, Mask, Mode, SelfAttentionConfig,
    Softmax,
};

use crate::support::backends::{device, learning_places, tolerance};
use crate::support::differences::{Scalars, check, functional};
use crate::support::layers::additive;
use crate::support::module_gradients::{gradients, largest};
use crate::support::numbers::{assert_close, bools, random, random_tensor, tensor, values};

const BATCH: usize = 2;
const D_IN: usize = 3;
const D_SOURCE: usize = 5;
const D_K: usize = 4;
const D_V: usize = 2;
const D_OUT: usize = 3;
const Q_LEN: usize = 4;
const K_LEN: usize = 7;

/// The layer and what it reads, all of them parameters.
#[derive(Module, Debug)]
struct Fed {
    layer: CrossAttention,
    /// `[batch, q_len, d_in]`
    x: Param<Tensor<3>>,
    /// `[batch, k_len, d_source]`
    source: Param<Tensor<3>>,
}

impl Fed {
    fn new(place @ (device, dtype): (&Device, DType), config: &SelfAttentionConfig) -> Self {
        let init = Init::new(device, 3).with_dtype(dtype);
        let input = |name: &str, shape| Param::from_tensor(random_tensor(place, name, shape).mul_scalar(2.0));
        Self {
            layer: CrossAttention::new(config, D_SOURCE, &init, &Catalog::default()).unwrap(),
            x: input("x", [BATCH, Q_LEN, D_IN]),
            source: input("source", [BATCH, K_LEN, D_SOURCE]),
        }
    }

    fn forward(&self, mask: &Mask) -> Tensor<3> {
        self.layer.forward(self.x.val(), self.source.val(), mask, Mode::Evaluate)
    }

    fn device(&self) -> Device {
        self.x.val().device()
    }
}

fn heads(n_heads: usize, n_kv_heads: usize) -> SelfAttentionConfig {
    SelfAttentionConfig {
        d_v: D_V,
        d_out: Some(D_OUT),
        n_heads,
        n_kv_heads: Some(n_kv_heads),
        bias: true,
        ..SelfAttentionConfig::new(D_IN, D_K)
    }
}

/// One head, several, and groups of them.
fn plain() -> [SelfAttentionConfig; 4] {
    [heads(1, 1), heads(2, 2), heads(4, 2), heads(3, 1)]
}

/// What else may stand between queries and weights.
fn variants() -> [SelfAttentionConfig; 6] {
    let base = heads(4, 2);
    [
        SelfAttentionConfig { positions: Choice::new("rope").with("base", 30.0), ..base.clone() },
        SelfAttentionConfig { positions: Choice::new("alibi"), ..base.clone() },
        SelfAttentionConfig { qk_norm: true, softmax: Softmax::Quiet, ..base.clone() },
        SelfAttentionConfig { softcap: 0.7, ..base.clone() },
        SelfAttentionConfig { score: additive(3), ..base.clone() },
        SelfAttentionConfig { bias: false, ..base },
    ]
}

/// The masks of a layer with so many heads, with a row for each query and a column for each key.
fn masks((device, dtype): (&Device, DType), n_heads: usize) -> [(&'static str, Mask); 6] {
    let hidden: Vec<bool> = (0..Q_LEN * K_LEN).map(|at| at % 3 == 1 || at / K_LEN == 2).collect();
    let shape = [1, n_heads, Q_LEN, K_LEN];
    let bias = random("bias", shape.iter().product());
    let bias: Vec<f64> = bias.iter().map(|&x| if x < -0.7 { f64::NEG_INFINITY } else { x }).collect();
    [
        ("none", Mask::none()),
        ("padding", Mask::padding(vec![3, K_LEN])),
        ("hidden, one row wholly", Mask::hidden(bools(device, &hidden, [1, 1, Q_LEN, K_LEN]))),
        ("bias", Mask::bias(tensor((device, dtype), &bias, shape))),
        ("top left", Mask::causal(CausalAlign::TopLeft)),
        ("bottom right", Mask::causal(CausalAlign::BottomRight).and(Mask::padding(vec![5, 6]))),
    ]
}

/// The softmax takes no notice of what all keys share.
fn is_zero(config: &SelfAttentionConfig, path: &str) -> bool {
    let counts = config.qk_norm
        || config.softcap > 0.0
        || config.positions.name == "rope"
        || config.score.name == "additive";
    path.ends_with("b_k") && !counts
}

fn check_layer(config: &SelfAttentionConfig, scalars: &Scalars) {
    let [learning, plain] =
        [device().autodiff(), device()].map(|device| Fed::new((&device, DType::F64), config));
    for at in 0..6 {
        let what = masks((&device(), DType::F64), config.n_heads)[at].0;
        check(
            &format!("{config:?}, {what}"),
            [&learning, &plain],
            scalars,
            |path| is_zero(config, path),
            |fed: &Fed| fed.forward(&masks((&fed.device(), DType::F64), config.n_heads)[at].1),
        );
    }
}

#[test]
fn every_scalar_of_layer_and_inputs_agrees_with_differences_in_both_implementations() {
    for config in plain() {
        for implementation in [Implementation::Fused, Implementation::Reference] {
            check_layer(&SelfAttentionConfig { implementation, ..config.clone() }, &Scalars::All);
        }
    }
}

#[test]
fn so_it_does_with_whatever_stands_between_queries_and_weights() {
    for config in variants() {
        check_layer(&config, &Scalars::Sample(6));
    }
}

#[test]
fn both_implementations_give_the_same_outputs_and_gradients() {
    for place @ (_, dtype) in learning_places() {
        for config in plain().into_iter().chain(variants()) {
            if config.softcap > 0.0 || config.score.name == "additive" {
                continue;
            }
            for (mask_name, mask) in masks(place, config.n_heads) {
                let what = format!("{config:?} {mask_name} {dtype:?}");
                let [fused, reference] =
                    [Implementation::Fused, Implementation::Reference].map(|implementation| {
                        let fed = Fed::new(place, &SelfAttentionConfig { implementation, ..config.clone() });
                        let output = fed.forward(&mask);
                        (values(&output), gradients(&fed, &functional(output)))
                    });
                // Sums of at most a hundred terms of size one, in other orders.
                let bound = tolerance(dtype, 1e-5, 1e-13);
                assert_close(&what, &fused.0, &reference.0, bound);
                for (fused, reference) in fused.1.iter().zip(&reference.1) {
                    let [fused, reference] =
                        [fused, reference].map(|gradient| gradient.values.as_ref().expect(&gradient.path));
                    assert_close(&what, fused, reference, bound * largest(reference).max(1.0));
                }
            }
        }
    }
}

#[test]
fn an_output_depends_on_its_own_position_and_the_whole_source() {
    for place in learning_places() {
        for implementation in [Implementation::Fused, Implementation::Reference] {
            let fed = Fed::new(place, &SelfAttentionConfig { implementation, ..heads(4, 2) });
            for at in 0..Q_LEN {
                let output = fed.forward(&Mask::none()).narrow(1, at, 1);
                let all = gradients(&fed, &functional(output));
                let of = |path: &str| {
                    let gradient = all.iter().find(|gradient| gradient.path == path).unwrap();
                    gradient.values.clone().unwrap()
                };
                for (idx, d) in of("x").iter().enumerate() {
                    assert_eq!(*d != 0.0, idx / D_IN % Q_LEN == at, "x at {idx}, output {at}");
                }
                assert!(of("source").iter().all(|&d| d != 0.0), "{:?}", of("source"));
            }
        }
    }
}

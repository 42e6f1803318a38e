//! A score that changes queries and keys and then takes their dot product: by the kernels, with the numbers and the
//! gradients of the same score in tensor operations.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use qkv_model::{
    AttentionSpec, Catalog, CausalAlign, Choice, Comparison, HeadShape, Init, Mask, Mode, NoSettings,
    Positions, Score, SelfAttention, SelfAttentionConfig, Softmax, attention,
};

use crate::support::backends::{device, learning_places, places, tolerance};
use crate::support::differences::{Scalars, check};
use crate::support::layers::{BATCH, D_IN, D_OUT, D_V, SEQ_LEN, input};
use crate::support::module_gradients::gradients;
use crate::support::numbers::{assert_close, bools, random_tensor, tensor, values};
use crate::support::panics::message;

const N_HEADS: usize = 6;
const D_K: usize = 4;

/// `s_ij = t_h q_i · (k_j + c k_j²)`: one number a head, and one that all share.
#[derive(Module, Debug)]
struct Warped {
    /// `[heads]`.
    t: Param<Tensor<1>>,
    /// `[1]`.
    c: Param<Tensor<1>>,
    #[module(skip)]
    comparison: Comparison,
}

impl Warped {
    fn new(comparison: Comparison, init: &Init, heads: HeadShape) -> Self {
        Self {
            t: init.normal("t", [heads.n_heads], 1.0, qkv_model::Training::Learned),
            c: init.constant([1], 0.3),
            comparison,
        }
    }
}

impl Score for Warped {
    fn comparison(&self) -> Comparison {
        self.comparison
    }

    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        let squared = k.clone().powi_scalar(2) * self.c.val().unsqueeze();
        [q * self.t.val().reshape([1, -1, 1, 1]), k + squared]
    }

    fn scale(&self, d_k: usize) -> f64 {
        1.0 / (d_k as f64).sqrt()
    }
}

/// Adds a column to the queries.
#[derive(Module, Debug)]
struct Wider {}

impl Score for Wider {
    fn comparison(&self) -> Comparison {
        Comparison::PreparedDot
    }

    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        [Tensor::cat(vec![q.clone(), q.narrow(3, 0, 1)], 3), k]
    }
}

fn catalog() -> Catalog {
    Catalog::default()
        .score("prepared", |_: &NoSettings, init, heads| {
            Ok(Warped::new(Comparison::PreparedDot, init, heads))
        })
        .score("plain", |_: &NoSettings, init, heads| Ok(Warped::new(Comparison::Own, init, heads)))
}

fn config(score: &str) -> SelfAttentionConfig {
    SelfAttentionConfig {
        d_v: D_V,
        d_out: Some(D_OUT),
        n_heads: N_HEADS,
        bias: true,
        score: Choice::new(score),
        ..SelfAttentionConfig::new(D_IN, D_K)
    }
}

/// What stands beside the score: groups of heads, a turn, a norm, a sink, a bias of the positions.
fn variants(score: &str) -> [SelfAttentionConfig; 5] {
    let base = config(score);
    let none = SelfAttentionConfig { bias: false, ..base.clone() };
    let grouped = SelfAttentionConfig { n_kv_heads: Some(2), ..base.clone() };
    let turned = SelfAttentionConfig {
        positions: Choice::new("rope"),
        qk_norm: true,
        n_kv_heads: Some(3),
        ..base.clone()
    };
    let biased =
        SelfAttentionConfig { positions: Choice::new("alibi"), softmax: Softmax::Quiet, ..base.clone() };
    [none, base, grouped, turned, biased]
}

fn build((device, dtype): (&Device, DType), config: &SelfAttentionConfig) -> SelfAttention {
    config.init_with(&Init::new(device, 1).with_dtype(dtype), &catalog()).unwrap()
}

fn masks((device, dtype): (&Device, DType)) -> [Mask; 4] {
    let hidden: Vec<bool> = (0..SEQ_LEN * SEQ_LEN).map(|at| at % 3 == 1 || at / SEQ_LEN == 2).collect();
    [
        Mask::none(),
        Mask::causal(CausalAlign::TopLeft),
        Mask::padding(vec![2, 5]),
        Mask::hidden(bools(device, &hidden, [1, 1, SEQ_LEN, SEQ_LEN])).and(Mask::bias(random_tensor(
            (device, dtype),
            "bias",
            [1, N_HEADS, 1, SEQ_LEN],
        ))),
    ]
}

#[test]
fn the_kernels_give_the_numbers_and_gradients_of_its_plain_form() {
    for place @ (_, dtype) in learning_places() {
        for (prepared, plain) in variants("prepared").iter().zip(&variants("plain")) {
            let [prepared, plain] = [prepared, plain].map(|config| build(place, config));
            assert_eq!(prepared.reference_reason(), None);
            assert_eq!(plain.reference_reason(), Some("the score is not a dot product"));
            for mask in masks(place) {
                let of = |layer: &SelfAttention| layer.forward(input(place), &mask, Mode::Evaluate);
                let (got, want) = (of(&prepared), of(&plain));
                // Scores are a few units: some roundings of them, and a sum over ten positions in the gradients.
                let rounding = tolerance(dtype, 1e-5, 1e-13);
                assert_close("output", &values(&got), &values(&want), rounding);
                let loss = |output: Tensor<3>| output.powi_scalar(2).sum();
                let pairs = gradients(&prepared, &loss(got)).into_iter().zip(gradients(&plain, &loss(want)));
                for (got, want) in pairs {
                    let (got_values, want) = (got.values.unwrap(), want.values.unwrap());
                    assert!(
                        got.path == "b_k" || got_values.iter().any(|&value| value != 0.0),
                        "{}",
                        got.path
                    );
                    let largest = want.iter().fold(1.0, |largest: f64, value| largest.max(value.abs()));
                    assert_close(&got.path, &got_values, &want, 30.0 * rounding * largest);
                }
            }
        }
    }
}

#[test]
fn back_propagation_agrees_with_central_differences() {
    for config in &variants("prepared")[2..] {
        for mask in 0..4 {
            let layer = |device: &Device| build((device, DType::F64), config);
            check(
                &format!("{config:?}, mask {mask}"),
                [&layer(&device().autodiff()), &layer(&device())],
                &Scalars::Sample(3),
                |_| false,
                |layer| {
                    let device = layer.w_q.as_ref().unwrap().val().device();
                    let place = (&device, DType::F64);
                    layer.forward(input(place), &masks(place)[mask], Mode::Evaluate)
                },
            );
        }
    }
}

#[test]
fn it_changes_what_was_normed_and_turned() {
    for place @ (_, dtype) in places() {
        let layer = build(place, &variants("prepared")[3]);
        let x = input(place).narrow(0, 0, 1);
        let [q, k, _] = layer.project(x.clone());
        let [q, k] = layer.qk_norm.as_ref().unwrap().forward(q, k);
        let [q, k] = layer.positions.as_ref().unwrap().rotate(q, k, 0);
        let [q, k] = layer.score.prepare(q, k);
        let (head, query) = (4, 3);
        let trace = layer.trace(x.squeeze_dim(0), &Mask::none(), query, head);
        let rounding = tolerance(dtype, 1e-6, 1e-14);
        assert_close("q", &values(&trace.compared_q), &values(&q.slice([0..1, 4..5, 3..4])), rounding);
        // Six heads of queries share three of keys: head 4 looks at the last.
        assert_close("k", &values(&trace.compared_k), &values(&k.slice([0..1, 2..3])), rounding);
        let score: &Warped = layer.score.downcast_ref().unwrap();
        assert_ne!(values(&score.t.val())[head], 1.0);
        assert_eq!(trace.scale, 0.5);
    }
}

#[test]
fn what_a_mask_hides_gives_its_parameters_no_nan() {
    for place in learning_places() {
        for config in variants("prepared") {
            let layer = build(place, &config);
            let mut numbers = values(&input(place));
            // The last position of the first sequence, which is padding.
            numbers[(SEQ_LEN - 1) * D_IN..SEQ_LEN * D_IN].fill(f64::NAN);
            let x = tensor(place, &numbers, [BATCH, SEQ_LEN, D_IN]);
            let output = layer.forward(x, &Mask::padding(vec![4, 5]), Mode::Evaluate);
            let loss = output.narrow(1, 0, 4).sum();
            for gradient in gradients(&layer, &loss).iter().filter(|gradient| gradient.path.contains("score"))
            {
                let values = gradient.values.as_ref().unwrap();
                assert!(values.iter().all(|value| value.is_finite()), "{}: {values:?}", gradient.path);
            }
        }
    }
}

#[test]
fn shapes_that_it_changes_are_refused() {
    let device = device();
    let [q, k, v] = [2, 1, 1].map(|heads| Tensor::<4>::ones([1, heads, 3, 4], &device));
    let error = message(|| {
        attention(&AttentionSpec::new(&Wider {}), q.clone(), k.clone(), v.clone(), &Mask::none());
    });
    assert_eq!(
        error,
        "a score must prepare q and k in their shapes [[1, 2, 3, 4], [1, 1, 3, 4]], got [[1, 2, 3, 5], [1, 1, 3, 4]]"
    );
}

#[test]
fn nothing_to_compare_is_not_prepared() {
    let device = device();
    let empty = || Tensor::<4>::zeros([1, 1, 0, 4], &device);
    let context = attention(&AttentionSpec::new(&Wider {}), empty(), empty(), empty(), &Mask::none());
    assert_eq!(context.dims(), [1, 1, 0, 4]);
}

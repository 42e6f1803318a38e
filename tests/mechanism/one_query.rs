//! The lecture's walk through one query, against the matrix form and against its own steps.

use burn::module::Param;
use burn::tensor::Tensor;
use qkv_model::{
    CausalAlign, Choice, Init, Mask, MaskConfig, Mode, NormConfig, Positions, Query, SelfAttentionConfig,
    Softmax, Trace, TransformerConfig,
};

use crate::support::backends::{places, tolerance};
use crate::support::layers::{
    BATCH, D_IN, D_K, D_OUT, D_V, N_HEADS, SEQ_LEN, build, full, heads, input, scaled_dot, scores,
};
use crate::support::numbers::{assert_close, random_tensor, values};

fn masks() -> [Mask; 3] {
    [Mask::none(), Mask::causal(CausalAlign::TopLeft), Mask::padding(vec![3])]
}

/// Each variant of a layer, and all at once; rotations need an even `d_k`.
fn variants() -> Vec<SelfAttentionConfig> {
    let base = SelfAttentionConfig { d_k: 6, ..heads(&scaled_dot()) };
    let rope = Choice::new("rope").with("base", 30.0);
    let all = SelfAttentionConfig {
        n_kv_heads: Some(1),
        positions: rope.clone(),
        qk_norm: true,
        softcap: 0.5,
        softmax: Softmax::Quiet,
        ..base.clone()
    };
    vec![
        SelfAttentionConfig { n_kv_heads: Some(1), ..base.clone() },
        SelfAttentionConfig { positions: rope, ..base.clone() },
        SelfAttentionConfig { positions: Choice::new("alibi"), ..base.clone() },
        SelfAttentionConfig { qk_norm: true, ..base.clone() },
        SelfAttentionConfig { softcap: 0.5, ..base.clone() },
        SelfAttentionConfig { softmax: Softmax::Quiet, ..base },
        SelfAttentionConfig { positions: Choice::new("alibi"), ..all.clone() },
        all,
    ]
}

#[test]
fn the_walk_through_any_layer_gives_the_numbers_of_the_matrix_form() {
    for place @ (_, dtype) in places() {
        let rounding = tolerance(dtype, 1e-6, 1e-14);
        for config in scores().iter().map(heads).chain(variants()) {
            let layer = build(place, &config);
            let x = input(place).narrow(0, 1, 1);
            for mask in masks() {
                let output = layer.forward_with_weights(x.clone(), &mask, Mode::Evaluate);
                for (head, query) in
                    (0..N_HEADS).flat_map(|head| (0..SEQ_LEN).map(move |query| (head, query)))
                {
                    let trace = layer.trace(x.clone().squeeze_dim(0), &mask, query, head);
                    let row = output.weights.clone().slice([0..1, head..head + 1, query..query + 1]);
                    let columns = head * D_V..(head + 1) * D_V;
                    let context = output.output.clone().slice([0..1, query..query + 1, columns]);
                    assert_close("weights", &values(&trace.weights), &values(&row), rounding);
                    assert_close("context", &values(&trace.context), &values(&context), rounding);
                    if config.score.name != "additive" {
                        // What is compared is what is shown, however it was made.
                        let scores = trace.compared_q.unsqueeze::<2>().matmul(trace.compared_k.transpose());
                        assert_close("scores", &values(&trace.scores), &values(&scores), rounding);
                    }
                }
            }
        }
    }
}

#[test]
fn queries_and_keys_are_normed_first_and_turned_then() {
    for place in places() {
        let rope = Choice::new("rope").with("base", 30.0);
        let config = SelfAttentionConfig { d_k: 6, qk_norm: true, positions: rope, ..heads(&scaled_dot()) };
        let mut layer = build(place, &config);
        let norm = layer.qk_norm.as_mut().unwrap();
        // With one gamma for all components the order would not matter.
        norm.gamma_q = Param::from_tensor(random_tensor(place, "gamma_q", [6]));
        norm.gamma_k = Param::from_tensor(random_tensor(place, "gamma_k", [6]));
        let x = input(place).narrow(0, 0, 1);
        let [q, k, _] = layer.project(x.clone());
        let [q, k] = layer.qk_norm.as_ref().unwrap().forward(q, k);
        let [q, k] = layer.positions.as_ref().unwrap().rotate(q, k, 0);
        let trace = layer.trace(x.squeeze_dim(0), &Mask::none(), 2, 1);
        assert_eq!(values(&trace.compared_q), values(&q.slice([0..1, 1..2, 2..3])));
        assert_eq!(values(&trace.compared_k), values(&k.slice([0..1, 1..2])));
    }
}

#[test]
fn each_step_follows_from_the_one_before() {
    for place @ (_, dtype) in places() {
        let rounding = tolerance(dtype, 1e-6, 1e-14);
        for score in scores() {
            let layer = build(place, &heads(&score));
            let x: Tensor<2> = input(place).narrow(0, 0, 1).squeeze_dim(0);
            for mask in masks() {
                let (query, head) = (2, 1);
                let Trace {
                    x: x_i,
                    source,
                    w_q,
                    w_k,
                    w_v,
                    q,
                    k,
                    compared_q,
                    compared_k,
                    v,
                    scores,
                    scale,
                    scaled,
                    hooked,
                    masked,
                    softmax,
                    weights,
                    context,
                    changed,
                } = layer.trace(x.clone(), &mask, query, head);
                // Neither normed nor turned: compared as they are.
                assert_eq!(values(&compared_q), values(&q));
                assert_eq!(values(&compared_k), values(&k));
                assert_eq!(changed, []);
                assert_eq!(values(&hooked), values(&scaled));
                assert_eq!(values(&softmax), values(&weights));
                assert_eq!(values(&x_i), values(&x.clone().narrow(0, query, 1)));
                assert_eq!(values(&source), values(&x));
                assert_eq!([w_q.dims(), w_k.dims(), w_v.dims()], [[D_IN, D_K], [D_IN, D_K], [D_IN, D_V]]);
                let row = |t: Tensor<1>| t.unsqueeze::<2>();
                for (what, got, want) in [
                    ("q = x W_Q", row(q), row(x_i).matmul(w_q)),
                    ("k = x W_K", k, source.clone().matmul(w_k)),
                    ("v = x W_V", v.clone(), source.matmul(w_v)),
                    ("scaled = scale · scores", row(scaled.clone()), row(scores.mul_scalar(scale))),
                    ("context = weights · v", row(context), row(weights.clone()).matmul(v)),
                ] {
                    assert_close(what, &values(&got), &values(&want), rounding);
                }
                // A hidden key has a score of minus infinity, whose exponential is exactly zero.
                let raised: Vec<f64> = values(&masked).iter().map(|s| s.exp()).collect();
                let want: Vec<f64> = raised.iter().map(|e| e / raised.iter().sum::<f64>()).collect();
                for (masked, scaled) in values(&masked).iter().zip(values(&scaled)) {
                    assert!(*masked == scaled || *masked == f64::NEG_INFINITY, "{masked} of {scaled}");
                }
                assert_close("weights = softmax(masked)", &values(&weights), &want, rounding);
            }
        }
    }
}

#[test]
fn the_walks_of_all_heads_through_w_o_add_up_to_the_output() {
    for place @ (_, dtype) in places() {
        for score in scores() {
            let layer = build(place, &full(&score));
            let x = input(place);
            let mask = Mask::causal(CausalAlign::TopLeft);
            let output = layer.forward(x.clone(), &mask, Mode::Evaluate);
            assert_eq!(output.dims(), [BATCH, SEQ_LEN, D_OUT]);
            for query in 0..SEQ_LEN {
                let b_o: Tensor<2> = layer.b_o.as_ref().unwrap().val().unsqueeze();
                let sum = (0..N_HEADS).fold(b_o, |sum, head| {
                    let trace = layer.trace(x.clone().narrow(0, 1, 1).squeeze_dim(0), &mask, query, head);
                    sum + trace.context.unsqueeze::<2>().matmul(layer.w_o(head).unwrap())
                });
                let want = output.clone().slice([1..2, query..query + 1]);
                assert_close("output", &values(&sum), &values(&want), tolerance(dtype, 1e-6, 1e-14));
            }
        }
    }
}

#[test]
fn a_transformer_walks_through_any_layer_as_it_attends_there() {
    for (device, dtype) in places() {
        for norm in [NormConfig::Pre, NormConfig::Post, NormConfig::None] {
            let config = TransformerConfig {
                n_heads: N_HEADS,
                d_k: Some(D_K),
                d_v: Some(D_V),
                n_layers: 2,
                w_o: true,
                d_mlp: 19,
                norm,
                mask: MaskConfig::Causal.into(),
                ..TransformerConfig::new(23, SEQ_LEN, D_IN)
            };
            let model = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
            let tokens = Tensor::<1, burn::tensor::Int>::arange(3..3 + SEQ_LEN as i64, device);
            let tokens = tokens.reshape([SEQ_LEN, 1]);
            let all = model.attention_weights(tokens.clone().unsqueeze());
            for (layer, weights) in all.iter().enumerate() {
                assert_eq!(weights.dims(), [1, N_HEADS, SEQ_LEN, SEQ_LEN]);
                let (head, query) = (2, 3);
                let place = Query { layer, head, position: query };
                let trace = model.trace(tokens.clone(), place).unwrap();
                let want = weights.clone().slice([0..1, head..head + 1, query..query + 1]);
                let rounding = tolerance(dtype, 1e-6, 1e-14);
                assert_close("weights", &values(&trace.weights), &values(&want), rounding);
            }
        }
    }
}

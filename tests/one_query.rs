//! The lecture's walk through one query, against the matrix form and against its own steps.

use burn::tensor::Tensor;
use qkv_model::{CausalAlign, Init, Mask, MaskConfig, Mode, NormConfig, Trace, TransformerConfig};

use crate::backends::{places, tolerance};
use crate::layers::{BATCH, D_IN, D_K, D_OUT, D_V, N_HEADS, SCORES, SEQ_LEN, build, full, heads, input};
use crate::numbers::{assert_close, values};

fn masks() -> [Mask; 3] {
    [Mask::none(), Mask::causal(CausalAlign::TopLeft), Mask::padding(vec![3])]
}

#[test]
fn the_walk_gives_the_numbers_of_the_matrix_form() {
    for (device, dtype) in places() {
        for score in SCORES {
            let layer = build((&device, dtype), &heads(score));
            let x = input((&device, dtype)).narrow(0, 1, 1);
            for mask in masks() {
                let output = layer.forward_with_weights(x.clone(), &mask, Mode::Evaluate);
                let weights = output.weights;
                for head in 0..N_HEADS {
                    for query in 0..SEQ_LEN {
                        let trace = layer.trace(x.clone().squeeze_dim(0), &mask, query, head);
                        let row = weights.clone().slice([0..1, head..head + 1, query..query + 1]);
                        let context = output.context.clone().slice([
                            0..1,
                            query..query + 1,
                            head * D_V..(head + 1) * D_V,
                        ]);
                        let rounding = tolerance(dtype, 1e-6, 1e-14);
                        assert_close("weights", &values(&trace.weights), &values(&row), rounding);
                        assert_close("context", &values(&trace.context), &values(&context), rounding);
                    }
                }
            }
        }
    }
}

#[test]
fn each_step_follows_from_the_one_before() {
    for (device, dtype) in places() {
        let rounding = tolerance(dtype, 1e-6, 1e-14);
        for score in SCORES {
            let layer = build((&device, dtype), &heads(score));
            let x: Tensor<2> = input((&device, dtype)).narrow(0, 0, 1).squeeze_dim(0);
            for mask in masks() {
                let (query, head) = (2, 1);
                let Trace { x: x_i, w_q, w_k, w_v, q, k, v, scores, scale, scaled, masked, weights, context } =
                    layer.trace(x.clone(), &mask, query, head);
                assert_eq!(values(&x_i), values(&x.clone().narrow(0, query, 1)));
                assert_eq!([w_q.dims(), w_k.dims(), w_v.dims()], [[D_IN, D_K], [D_IN, D_K], [D_IN, D_V]]);
                let row = |t: Tensor<1>| t.unsqueeze::<2>();
                for (what, got, want) in [
                    ("q = x W_Q", row(q), row(x_i).matmul(w_q)),
                    ("k = x W_K", k, x.clone().matmul(w_k)),
                    ("v = x W_V", v.clone(), x.clone().matmul(w_v)),
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
fn scores_of_the_walk_are_dot_products_of_its_query_and_keys() {
    for (device, dtype) in places() {
        for score in &SCORES[..3] {
            let layer = build((&device, dtype), &heads(*score));
            let x = input((&device, dtype)).narrow(0, 0, 1).squeeze_dim(0);
            let trace = layer.trace(x, &Mask::none(), 4, 2);
            let want = trace.q.unsqueeze::<2>().matmul(trace.k.transpose());
            let rounding = tolerance(dtype, 1e-6, 1e-14);
            assert_close("scores", &values(&trace.scores), &values(&want), rounding);
        }
    }
}

#[test]
fn the_walks_of_all_heads_through_w_o_add_up_to_the_output() {
    for (device, dtype) in places() {
        for score in SCORES {
            let layer = build((&device, dtype), &full(score));
            let x = input((&device, dtype));
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
                mask: MaskConfig::Causal,
                ..TransformerConfig::new(23, SEQ_LEN, D_IN)
            };
            let model = config.init(&Init::new(&device, 1).with_dtype(dtype)).unwrap();
            let tokens = Tensor::<1, burn::tensor::Int>::arange(3..3 + SEQ_LEN as i64, &device);
            let tokens = tokens.reshape([SEQ_LEN, 1]);
            let all = model.attention_weights(tokens.clone().unsqueeze());
            for (layer, weights) in all.iter().enumerate() {
                assert_eq!(weights.dims(), [1, N_HEADS, SEQ_LEN, SEQ_LEN]);
                let (head, query) = (2, 3);
                let trace = model.trace(tokens.clone(), layer, head, query);
                let want = weights.clone().slice([0..1, head..head + 1, query..query + 1]);
                let rounding = tolerance(dtype, 1e-6, 1e-14);
                assert_close("weights", &values(&trace.weights), &values(&want), rounding);
            }
        }
    }
}

//! One small q, k, v at the edges of the definition, against PyTorch's `scaled_dot_product_attention`.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{AttentionSpec, CausalAlign, Mask, ScaledDot, attention_with_weights};

use crate::support::backends::{learning_places, places};
use crate::support::numbers::{assert_close, bools, values};
use crate::support::truth::Truth;

/// Eight published digits of numbers below ten, computed in `f32`.
const TOLERANCE: f64 = 1e-6;

fn qkv(place: (&Device, DType)) -> [Tensor<4>; 3] {
    ["q", "k", "v"].map(|name| Truth::edges().matrix(name).tensor(place).unsqueeze())
}

#[track_caller]
fn check(pointer: &str, got: &Tensor<4>) {
    assert_close(pointer, &values(got), &Truth::edges().matrix(pointer).values, TOLERANCE);
}

#[test]
fn the_default_scale_is_one_over_the_root_of_d_k() {
    for place in places() {
        let [q, k, v] = qkv(place);
        let attended =
            attention_with_weights(&AttentionSpec::new(&ScaledDot::default()), q, k, v, &Mask::none());
        check("weights", &attended.weights);
        check("context", &attended.context);
    }
}

#[test]
fn another_scale_can_be_given() {
    for place in places() {
        let [q, k, v] = qkv(place);
        let attended =
            attention_with_weights(&AttentionSpec::new(&ScaledDot::by(1.0)), q, k, v, &Mask::none());
        check("scale_one", &attended.context);
    }
}

#[test]
fn causal_has_both_alignments_where_there_are_more_keys_than_queries() {
    for place in places() {
        for (pointer, align) in
            [("causal_top_left", CausalAlign::TopLeft), ("causal_bottom_right", CausalAlign::BottomRight)]
        {
            let [q, k, v] = qkv(place);
            let attended = attention_with_weights(
                &AttentionSpec::new(&ScaledDot::default()),
                q,
                k,
                v,
                &Mask::causal(align),
            );
            check(pointer, &attended.context);
        }
    }
}

#[test]
fn a_fully_hidden_row_gives_zeros_and_the_published_gradients() {
    let shown: Vec<bool> =
        Truth::edges().matrix("hidden_row/shown").values.iter().map(|&shown| shown == 1.0).collect();
    for place @ (device, _) in learning_places() {
        let [q, k, v] = qkv(place).map(Tensor::require_grad);
        let mask = Mask::shown(bools(device, &shown, [1, 1, 2, 3]));
        let attended = attention_with_weights(
            &AttentionSpec::new(&ScaledDot::default()),
            q.clone(),
            k.clone(),
            v.clone(),
            &mask,
        );
        check("hidden_row/context", &attended.context);
        let gradients = attended.context.sum().backward();
        for (pointer, input) in [("hidden_row/d_q", q), ("hidden_row/d_k", k), ("hidden_row/d_v", v)] {
            check(pointer, &input.grad(&gradients).unwrap());
        }
    }
}

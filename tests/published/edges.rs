//! One small q, k, v at the edges of the definition, against PyTorch's `scaled_dot_product_attention`.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{Attended, AttentionSpec, CausalAlign, Mask, ScaledDot, attention_with_weights};

use crate::support::backends::{learning_places, places};
use crate::support::numbers::{assert_close, bools, values};
use crate::support::truth::Truth;

/// Eight published digits of numbers below ten, computed in `f32`.
const TOLERANCE: f64 = 1e-6;

fn qkv(place: (&Device, DType)) -> [Tensor<4>; 3] {
    ["q", "k", "v"].map(|name| Truth::edges().matrix(name).tensor(place).unsqueeze())
}

fn attend(score: &ScaledDot, [q, k, v]: [Tensor<4>; 3], mask: &Mask) -> Attended {
    attention_with_weights(&AttentionSpec::new(score), q, k, v, mask)
}

#[track_caller]
fn check(pointer: &str, got: &Tensor<4>) {
    assert_close(pointer, &values(got), &Truth::edges().matrix(pointer).values, TOLERANCE);
}

#[test]
fn the_default_scale_is_one_over_the_root_of_d_k() {
    for place in places() {
        let attended = attend(&ScaledDot::default(), qkv(place), &Mask::none());
        check("weights", &attended.weights);
        check("context", &attended.context);
    }
}

#[test]
fn another_scale_can_be_given() {
    for place in places() {
        check("scale_one", &attend(&ScaledDot::by(1.0), qkv(place), &Mask::none()).context);
    }
}

#[test]
fn causal_has_both_alignments_where_there_are_more_keys_than_queries() {
    for place in places() {
        for (pointer, align) in
            [("causal_top_left", CausalAlign::TopLeft), ("causal_bottom_right", CausalAlign::BottomRight)]
        {
            check(pointer, &attend(&ScaledDot::default(), qkv(place), &Mask::causal(align)).context);
        }
    }
}

#[test]
fn a_fully_hidden_row_gives_zeros_and_the_published_gradients() {
    let shown: Vec<bool> =
        Truth::edges().matrix("hidden_row/shown").values.iter().map(|&shown| shown == 1.0).collect();
    for place @ (device, _) in learning_places() {
        let inputs = qkv(place).map(Tensor::require_grad);
        let mask = Mask::shown(bools(device, &shown, [1, 1, 2, 3]));
        let attended = attend(&ScaledDot::default(), inputs.clone(), &mask);
        check("hidden_row/context", &attended.context);
        let gradients = attended.context.sum().backward();
        for (pointer, input) in ["hidden_row/d_q", "hidden_row/d_k", "hidden_row/d_v"].iter().zip(inputs) {
            check(pointer, &input.grad(&gradients).unwrap());
        }
    }
}

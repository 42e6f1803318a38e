//! A query that may see nothing: zeros out, zeros back, and nothing for the others, in every head and both calls.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{Choice, Mask, Mode, SelfAttention, SelfAttentionConfig, Softmax};

use crate::support::backends::{learning_places, places};
use crate::support::layers::{
    BATCH, D_OUT, D_V, N_HEADS, SEQ_LEN, build, full, heads, input, scaled_dot, scores,
};
use crate::support::module_gradients::{Gradient, gradients};
use crate::support::numbers::{assert_close, bools, tensor, values};

/// The position that may see nothing.
const ROW: usize = 3;

/// Layers of every score, and one with a sink.
fn configs(of: fn(&Choice) -> SelfAttentionConfig) -> Vec<SelfAttentionConfig> {
    let quiet = SelfAttentionConfig { softmax: Softmax::Quiet, ..of(&scaled_dot()) };
    scores().iter().map(of).chain([quiet]).collect()
}

/// The ways to hide every key from position [`ROW`] (of every batch entry and head) and none from the others.
fn masks((device, dtype): (&Device, DType)) -> [Mask; 2] {
    let hidden: Vec<bool> = (0..SEQ_LEN).map(|q_idx| q_idx == ROW).collect();
    let bias: Vec<f64> = hidden.iter().map(|&hidden| if hidden { f64::NEG_INFINITY } else { 0.5 }).collect();
    [
        Mask::hidden(bools(device, &hidden, [1, 1, SEQ_LEN, 1])),
        Mask::bias(tensor((device, dtype), &bias, [1, 1, SEQ_LEN, 1])),
    ]
}

/// The context by each of the two calls.
fn contexts(layer: &SelfAttention, x: &Tensor<3>, mask: &Mask) -> [Tensor<3>; 2] {
    [
        layer.forward(x.clone(), mask, Mode::Evaluate),
        layer.forward_with_weights(x.clone(), mask, Mode::Evaluate).output,
    ]
}

fn row<const D: usize>(t: Tensor<D>, axis: usize) -> Vec<f64> {
    values(&t.narrow(axis, ROW, 1))
}

#[track_caller]
fn assert_no_gradient(what: &str, gradients: &[Gradient]) {
    for Gradient { path, values } in gradients {
        let values = values.as_deref().expect(path);
        assert!(values.iter().all(|&value| value == 0.0), "{what}: {path}: {values:?}");
    }
}

#[test]
fn its_weights_and_context_are_zero_in_every_head() {
    for place in places() {
        for config in configs(heads) {
            let layer = build(place, &config);
            let x = input(place);
            for mask in masks(place) {
                let weights = layer.forward_with_weights(x.clone(), &mask, Mode::Evaluate).weights;
                assert_eq!(row(weights.clone(), 2), vec![0.0; BATCH * N_HEADS * SEQ_LEN]);
                if config.softmax == Softmax::Standard {
                    // The other rows see every key.
                    let sums = values(&weights.sum_dim(3).narrow(2, 0, ROW));
                    assert_close("other rows", &sums, &[1.0; BATCH * N_HEADS * ROW], 1e-6);
                }
                for context in contexts(&layer, &x, &mask) {
                    assert_eq!(row(context, 1), vec![0.0; BATCH * N_HEADS * D_V]);
                }
            }
        }
    }
}

#[test]
fn after_the_output_projection_only_its_bias_is_left() {
    for place in places() {
        let layer = build(place, &full(&scaled_dot()));
        let b_o = values(&layer.b_o.as_ref().unwrap().val());
        for mask in masks(place) {
            for context in contexts(&layer, &input(place), &mask) {
                assert_eq!(row(context, 1), b_o.repeat(BATCH));
            }
        }
    }
}

#[test]
fn its_own_loss_changes_no_matrix_and_no_input() {
    for place in learning_places() {
        for config in configs(heads) {
            let layer = build(place, &config);
            let x = input(place).require_grad();
            for mask in masks(place) {
                for context in contexts(&layer, &x, &mask) {
                    let loss = context.narrow(1, ROW, 1).sum();
                    assert_no_gradient("context", &gradients(&layer, &loss));
                }
                let context = layer.forward(x.clone(), &mask, Mode::Evaluate);
                let d_x = x.grad(&context.narrow(1, ROW, 1).sum().backward()).unwrap();
                assert!(values(&d_x).iter().all(|&value| value == 0.0));
            }
        }
    }
}

#[test]
fn the_gradients_of_all_rows_are_those_of_the_others() {
    for place @ (_, dtype) in learning_places() {
        for config in configs(full) {
            let layer = build(place, &config);
            let x = input(place);
            for mask in masks(place) {
                let of = |contexts: [Tensor<3>; 2], rows: &[usize]| {
                    contexts.map(|context| {
                        let parts = rows.iter().map(|&row| context.clone().narrow(1, row, 1)).collect();
                        gradients(&layer, &Tensor::cat(parts, 1).sum())
                    })
                };
                let all = of(contexts(&layer, &x, &mask), &[0, 1, 2, 3, 4]);
                let others = of(contexts(&layer, &x, &mask), &[0, 1, 2, 4]);
                for (all, others) in all.into_iter().flatten().zip(others.into_iter().flatten()) {
                    let (got, mut want) = (all.values.unwrap(), others.values.unwrap());
                    assert!(got.iter().all(|value| value.is_finite()), "{}: {got:?}", all.path);
                    if all.path == "b_o" {
                        // The one parameter that reaches the hidden row.
                        want = vec![(BATCH * SEQ_LEN) as f64; D_OUT];
                    }
                    // The sums run over another number of rows: a few roundings of values up to a hundred.
                    let tolerance = crate::support::backends::tolerance(dtype, 1e-4, 1e-12);
                    assert_close(&all.path, &got, &want, tolerance);
                }
            }
        }
    }
}

#[test]
fn a_loss_on_the_returned_weights_has_finite_gradients() {
    for place in learning_places() {
        for config in configs(heads) {
            let layer = build(place, &config);
            let x = input(place).require_grad();
            for mask in masks(place) {
                let weights = layer.forward_with_weights(x.clone(), &mask, Mode::Evaluate).weights;
                let loss = (weights.clone() * weights).sum();
                let d_x = x.grad(&loss.backward()).unwrap();
                assert!(values(&d_x).iter().all(|value| value.is_finite()));
                assert!(values(&d_x).iter().any(|&value| value != 0.0));
            }
        }
    }
}

#[test]
fn an_empty_sequence_beside_full_ones_is_zero_throughout() {
    for place in learning_places() {
        let layer = build(place, &heads(&scaled_dot()));
        let x = input(place).require_grad();
        let mask = Mask::padding(vec![0, SEQ_LEN]);
        for context in contexts(&layer, &x, &mask) {
            let empty = values(&context.clone().narrow(0, 0, 1));
            assert_eq!(empty, vec![0.0; SEQ_LEN * N_HEADS * D_V]);
            let d_x = x.grad(&context.sum().backward()).unwrap();
            assert!(values(&d_x.clone().narrow(0, 0, 1)).iter().all(|&value| value == 0.0));
            assert!(values(&d_x.narrow(0, 1, 1)).iter().all(|&value| value != 0.0));
        }
    }
}

//! Queries and keys of one length: by hand, and what no longer depends on the size of W_Q.

use burn::module::Param;
use burn::tensor::Tensor;
use qkv_model::{Choice, Mask, Mode, QkNorm, SelfAttention, SelfAttentionConfig};

use crate::support::backends::{learning_places, places, tolerance};
use crate::support::layers::{BATCH, D_IN, N_HEADS, SEQ_LEN, build, heads, input, scaled_dot, scores};
use crate::support::module_gradients::{gradients, largest};
use crate::support::numbers::{assert_close, distance, random_tensor, tensor, values};

fn normed(score: &Choice) -> SelfAttentionConfig {
    SelfAttentionConfig { qk_norm: true, ..heads(score) }
}

fn weights(layer: &SelfAttention, x: Tensor<3>) -> Vec<f64> {
    values(&layer.forward_with_weights(x, &Mask::none(), Mode::Evaluate).weights)
}

fn scaled(w: &Option<Param<Tensor<2>>>, factor: f64) -> Option<Param<Tensor<2>>> {
    w.as_ref().map(|w| Param::from_tensor(w.val().mul_scalar(factor)))
}

#[test]
fn a_query_and_a_key_of_two_components_by_hand() {
    // √(mean(3², 4²) + 1e-6) = √(12.5 + 1e-6), and the key (0, 2) has √(2 + 1e-6).
    let (rms_q, rms_k) = ((12.5_f64 + 1e-6).sqrt(), (2.0_f64 + 1e-6).sqrt());
    for place @ (_, dtype) in places() {
        let of_two = |values: [f64; 2]| Param::from_tensor(tensor(place, &values, [2]));
        let norm = QkNorm { gamma_q: of_two([1.0, 10.0]), gamma_k: of_two([100.0, 1000.0]) };
        let [q, k] = norm.forward(
            tensor(place, &[3.0, 4.0], [1, 1, 1, 2]),
            tensor(place, &[0.0, 2.0, 3.0, 4.0], [1, 1, 2, 2]),
        );
        let rounding = tolerance(dtype, 1e-6, 1e-14);
        assert_close("q", &values(&q), &[3.0 / rms_q, 40.0 / rms_q], rounding);
        let want = [0.0, 2000.0 / rms_k, 300.0 / rms_q, 4000.0 / rms_q];
        assert_close("k", &values(&k), &want, rounding);
    }
}

#[test]
fn the_map_does_not_depend_on_the_size_of_w_q_or_w_k() {
    for place @ (_, dtype) in places() {
        for score in scores() {
            let mut layer = build(place, &normed(&score));
            // Long enough that the 1e-6 under the root is nothing beside a mean square of a hundred: 1e-8.
            (layer.w_q, layer.w_k) = (scaled(&layer.w_q, 30.0), scaled(&layer.w_k, 30.0));
            let want = weights(&layer, input(place));
            for [of_q, of_k] in [[7.0, 1.0], [1.0, 1000.0], [50.0, 3.0]] {
                let mut other = layer.clone();
                (other.w_q, other.w_k) = (scaled(&layer.w_q, of_q), scaled(&layer.w_k, of_k));
                assert_close("weights", &weights(&other, input(place)), &want, tolerance(dtype, 2e-6, 1e-7));
            }
            // Its direction counts as before.
            let mut other = layer.clone();
            other.w_q = scaled(&layer.w_q, -1.0);
            assert!(distance(&weights(&other, input(place)), &want) > 1e-2);
        }
    }
}

#[test]
fn scores_stay_within_the_root_of_d_k_however_large_the_matrices() {
    for place in places() {
        let mut layer = build(place, &normed(&scaled_dot()));
        (layer.w_q, layer.w_k) = (scaled(&layer.w_q, 1e6), scaled(&layer.w_k, 1e6));
        // Two vectors of mean square one have a dot product of at most d_k, over √d_k.
        let bound = (layer.d_k() as f64).sqrt();
        for head in 0..N_HEADS {
            for query in 0..SEQ_LEN {
                let x = input(place).narrow(0, 0, 1).squeeze_dim(0);
                let trace = layer.trace(x, &Mask::none(), query, head);
                assert!(largest(&values(&trace.scaled)) <= bound + 1e-5, "{:?}", values(&trace.scaled));
            }
        }
        assert_eq!(weights(&layer, input(place)).len(), BATCH * N_HEADS * SEQ_LEN * SEQ_LEN);
    }
}

#[test]
fn a_query_and_keys_of_zero_stay_zero_with_finite_gradients() {
    for place in learning_places() {
        let layer = build(place, &normed(&scaled_dot()));
        let x = random_tensor(place, "x", [1, SEQ_LEN, D_IN]).mul_scalar(0.0);
        let output = layer.forward_with_weights(x, &Mask::none(), Mode::Evaluate);
        assert_close("weights", &values(&output.weights), &[0.2; N_HEADS * SEQ_LEN * SEQ_LEN], 1e-6);
        for gradient in gradients(&layer, &output.output.powi_scalar(2).sum()) {
            assert!(gradient.values.unwrap().iter().all(|value| value.is_finite()), "{}", gradient.path);
        }
    }
}

#[test]
fn all_heads_share_one_gamma_of_d_k_and_it_starts_at_one() {
    for place in places() {
        let layer = build(place, &normed(&scaled_dot()));
        let norm = layer.qk_norm.as_ref().unwrap();
        for gamma in [&norm.gamma_q, &norm.gamma_k] {
            assert_eq!(values(&gamma.val()), vec![1.0; layer.d_k()]);
        }
    }
}

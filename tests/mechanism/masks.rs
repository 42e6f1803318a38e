//! What each kind of mask means, and that several of them all apply.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{
    AttentionSpec, BasicAttention, CausalAlign, Dot, Implementation, Init, Mask, Mode, SelfAttentionConfig,
    attention_with_weights,
};

use crate::support::backends::places;
use crate::support::numbers::{assert_close, bools, random, random_tensor, tensor, values};
use crate::support::panics::message;

const BATCH: usize = 2;
const HEADS: usize = 3;
const Q_LEN: usize = 5;
const K_LEN: usize = 7;
const D_K: usize = 11;
const D_V: usize = 13;

type Index = [usize; 4];

fn weights(place: (&Device, DType), mask: &Mask) -> Vec<f64> {
    let q = random_tensor(place, "q", [BATCH, HEADS, Q_LEN, D_K]);
    let k = random_tensor(place, "k", [BATCH, HEADS, K_LEN, D_K]);
    let v = random_tensor(place, "v", [BATCH, HEADS, K_LEN, D_V]);
    values(&attention_with_weights(&AttentionSpec::new(&Dot {}), q, k, v, mask).weights)
}

fn indices() -> impl Iterator<Item = Index> {
    (0..BATCH * HEADS * Q_LEN * K_LEN).map(|n| {
        let (rest, key) = (n / K_LEN, n % K_LEN);
        [rest / Q_LEN / HEADS, rest / Q_LEN % HEADS, rest % Q_LEN, key]
    })
}

/// Hidden keys have a weight of exactly zero, and the rest that of the unmasked row, shared out anew.
#[track_caller]
fn check(make: impl Fn((&Device, DType)) -> Mask, hidden: impl Fn(Index) -> bool) {
    for place in places() {
        let unmasked = weights(place, &Mask::none());
        let masked = weights(place, &make(place));
        let kept: Vec<f64> =
            indices().zip(&unmasked).map(|(at, &weight)| if hidden(at) { 0.0 } else { weight }).collect();
        assert_close("weights", &masked, &shared_out(&kept), 1e-6);
        for (at, weight) in indices().zip(masked) {
            assert_eq!(weight == 0.0, hidden(at), "{at:?}: {weight}");
        }
    }
}

/// Every row over its sum; zeros where that is zero.
fn shared_out(weights: &[f64]) -> Vec<f64> {
    let shares = |row: &[f64]| {
        let sum: f64 = row.iter().sum();
        row.iter().map(|weight| if sum == 0.0 { 0.0 } else { weight / sum }).collect::<Vec<_>>()
    };
    weights.chunks(K_LEN).flat_map(shares).collect()
}

/// A hiding pattern that differs along every axis.
fn scattered([batch, head, query, key]: Index) -> bool {
    (3 * batch + 5 * head + 7 * query + 2 * key) % 11 < 4
}

fn scattered_bools() -> Vec<bool> {
    indices().map(scattered).collect()
}

const SHAPE: [usize; 4] = [BATCH, HEADS, Q_LEN, K_LEN];

#[test]
fn top_left_causal_shows_query_i_the_keys_up_to_i() {
    check(|_| Mask::causal(CausalAlign::TopLeft), |[_, _, query, key]| key > query);
}

#[test]
fn bottom_right_causal_shows_the_last_query_every_key() {
    check(|_| Mask::causal(CausalAlign::BottomRight), |[_, _, query, key]| key > query + K_LEN - Q_LEN);
}

#[test]
fn padding_hides_the_keys_behind_each_sequences_length() {
    let lengths = [4, 6];
    check(|_| Mask::padding(lengths.to_vec()), |[batch, _, _, key]| key >= lengths[batch]);
}

#[test]
fn true_hides_in_a_hidden_mask() {
    check(|(device, _)| Mask::hidden(bools(device, &scattered_bools(), SHAPE)), scattered);
}

#[test]
fn true_shows_in_a_shown_mask() {
    check(|(device, _)| Mask::shown(bools(device, &scattered_bools(), SHAPE)), |at| !scattered(at));
}

#[test]
fn axes_of_size_one_broadcast() {
    let of_query_and_key = |[_, _, query, key]: Index| (2 * query + key) % 5 == 0;
    let bits: Vec<bool> = indices().take(Q_LEN * K_LEN).map(of_query_and_key).collect();
    check(|(device, _)| Mask::hidden(bools(device, &bits, [1, 1, Q_LEN, K_LEN])), of_query_and_key);
    let of_head = |[_, head, _, _]: Index| head == 1;
    check(|(device, _)| Mask::hidden(bools(device, &[false, true, false], [1, HEADS, 1, 1])), of_head);
}

#[test]
fn minus_infinity_in_a_bias_hides() {
    let bias: Vec<f64> = indices().map(|at| if scattered(at) { f64::NEG_INFINITY } else { 0.0 }).collect();
    check(|place| Mask::bias(tensor(place, &bias, SHAPE)), scattered);
}

#[test]
fn a_mask_and_a_causal_mask_both_apply() {
    let both = |[batch, head, query, key]: Index| key > query || scattered([batch, head, query, key]);
    let hidden = |(device, _): (&Device, DType)| Mask::hidden(bools(device, &scattered_bools(), SHAPE));
    let causal = || Mask::causal(CausalAlign::TopLeft);
    check(|place| hidden(place).and(causal()), both);
    check(|place| causal().and(hidden(place)), both);
}

#[test]
fn biases_add_up_and_move_the_weights_by_their_exponential() {
    for place in places() {
        let (first, second) = (random("first", 210), random("second", HEADS));
        let of_heads = Mask::bias(tensor(place, &second, [1, HEADS, 1, 1]));
        let mask = Mask::bias(tensor(place, &first, SHAPE)).and(of_heads);
        let unmasked = weights(place, &Mask::none());
        let raised: Vec<f64> = indices()
            .zip(unmasked.iter().zip(&first))
            .map(|([_, head, ..], (weight, bias))| weight * (bias + second[head]).exp())
            .collect();
        assert_close("weights", &weights(place, &mask), &shared_out(&raised), 1e-6);
    }
}

#[test]
fn no_mask_and_a_mask_that_hides_nothing_are_the_same() {
    for place @ (device, _) in places() {
        let nothing = Mask::hidden(bools(device, &[false], [1, 1, 1, 1]));
        assert!(Mask::none().is_none() && !nothing.is_none());
        assert_close("weights", &weights(place, &nothing), &weights(place, &Mask::none()), 1e-6);
        let all_real = Mask::padding(vec![K_LEN; BATCH]);
        assert_close("weights", &weights(place, &all_real), &weights(place, &Mask::none()), 1e-6);
    }
}

#[test]
fn padding_beyond_the_keys_is_refused_in_both_forms_with_the_numbers() {
    let expected = "padding: batch entry 1 has a length of 8, but there are 7 keys";
    for place @ (device, dtype) in places() {
        let longer = Mask::padding(vec![K_LEN, K_LEN + 1]);
        assert_eq!(message(|| weights(place, &longer)), expected);
        for implementation in [Implementation::Auto, Implementation::Reference] {
            let config = SelfAttentionConfig { implementation, ..SelfAttentionConfig::new(D_K, D_V) };
            let layer = config.init(&Init::new(device, 0).with_dtype(dtype)).unwrap();
            let x = random_tensor(place, "x", [BATCH, K_LEN, D_K]);
            assert_eq!(message(|| layer.forward(x, &longer, Mode::Evaluate)), expected);
        }
    }
}

#[test]
fn a_mask_made_without_autodiff_serves_a_layer_that_learns() {
    let hidden: Vec<bool> = (0..Q_LEN).map(|key| key == 1).collect();
    let bias = random("bias", Q_LEN);
    for (device, dtype) in places() {
        let learning = device.clone().autodiff();
        let x = random_tensor((&learning, dtype), "x", [BATCH, Q_LEN, D_K]).require_grad();
        let d_x = |device: &Device| {
            let shape = [1, 1, 1, Q_LEN];
            let bias = Mask::bias(tensor((device, dtype), &bias, shape));
            let mask = Mask::hidden(bools(device, &hidden, shape)).and(bias);
            let context = BasicAttention.forward(x.clone(), &mask).output;
            values(&x.grad(&context.sum().backward()).unwrap())
        };
        assert_eq!(d_x(device), d_x(&learning));
    }
}

#[test]
fn scores_of_a_thousand_do_not_overflow() {
    for place in places() {
        let q = tensor(place, &[1.0], [1, 1, 1, 1]);
        let k = tensor(place, &[1000.0, -1000.0, 1000.0], [1, 1, 3, 1]);
        let v: Tensor<4> = tensor(place, &[2.0, 3.0, 5.0], [1, 1, 3, 1]);
        for mask in [Mask::none(), Mask::padding(vec![3])] {
            let attended =
                attention_with_weights(&AttentionSpec::new(&Dot {}), q.clone(), k.clone(), v.clone(), &mask);
            assert_eq!(values(&attended.weights), [0.5, 0.0, 0.5]);
            assert_eq!(values(&attended.context), [3.5]);
        }
    }
}

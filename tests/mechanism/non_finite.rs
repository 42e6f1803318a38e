//! Hidden means unseen, also for NaN and infinity: forward and backward, in both implementations.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{
    AttentionSpec, CausalAlign, Implementation, Init, Mask, Mode, SelfAttentionConfig, attention,
    attention_with_weights,
};

use crate::support::backends::{learning_places, places, tolerance};
use crate::support::layers::{additive, full, scaled_dot};
use crate::support::module_gradients::gradients;
use crate::support::numbers::{assert_close, bools, random, tensor, values};

const IMPLEMENTATIONS: [Implementation; 2] = [Implementation::Auto, Implementation::Reference];
const HEADS: usize = 2;
const LEN: usize = 7;
const D: usize = 3;

/// The key that is not finite.
const BAD: usize = 4;

/// Whether query `i` sees key [`BAD`].
type Sees = fn(usize) -> bool;

fn masks(device: &Device) -> Vec<(Mask, Sees)> {
    let hidden: Vec<bool> = (0..LEN * LEN).map(|at| at % LEN == BAD && at / LEN != 2).collect();
    let bias: Vec<f64> = (0..LEN).map(|j| if j == BAD { f64::NEG_INFINITY } else { 0.25 }).collect();
    vec![
        (Mask::padding(vec![BAD]), |_| false),
        (Mask::causal(CausalAlign::TopLeft), |i| i >= BAD),
        (Mask::hidden(bools(device, &hidden, [1, 1, LEN, LEN])), |i| i == 2),
        (Mask::bias(tensor((device, DType::F64), &bias, [1, 1, 1, LEN])), |_| false),
    ]
}

#[test]
fn a_key_and_a_value_that_are_not_finite_reach_the_queries_that_see_them_and_no_others() {
    for place @ (device, dtype) in learning_places() {
        let shape = [1, HEADS, LEN, D];
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for which in ["k", "v"] {
                let draw = |name: &str, bad: f64| {
                    let mut numbers = random(name, HEADS * LEN * D);
                    if name == which {
                        // One number of the first head.
                        numbers[BAD * D + 1] = bad;
                    }
                    tensor::<4>(place, &numbers, shape).require_grad()
                };
                for (mask, sees) in masks(device) {
                    for implementation in IMPLEMENTATIONS {
                        let spec = AttentionSpec { implementation, ..AttentionSpec::default() };
                        let unseen: Vec<bool> =
                            (0..HEADS * LEN * D).map(|at| at / D >= LEN || !sees(at / D % LEN)).collect();
                        let run = |bad: f64| {
                            let inputs = ["q", "k", "v"].map(|name| draw(name, bad));
                            let [q, k, v] = inputs.clone();
                            let context = attention(&spec, q, k, v, &mask);
                            // Only from rows that do not see it does a gradient come back.
                            let seen = bools(device, &unseen, shape).bool_not();
                            let clean = context.clone().mask_fill(seen, 0.0);
                            let gradients = clean.powi_scalar(2).sum().backward();
                            (values(&context), inputs.map(|input| values(&input.grad(&gradients).unwrap())))
                        };
                        let ((got, got_gradients), (want, want_gradients)) = (run(bad), run(0.5));
                        let bound = tolerance(dtype, 1e-5, 1e-12);
                        for ((got, want), &unseen) in got.iter().zip(&want).zip(&unseen) {
                            let fits = if unseen { (got - want).abs() < bound } else { got.is_nan() };
                            assert!(
                                fits,
                                "{which} {bad} {implementation:?} {mask:?}: {got}, unseen: {unseen}"
                            );
                        }
                        if (0..LEN).any(sees) {
                            continue;
                        }
                        for (got, want) in got_gradients.iter().zip(&want_gradients) {
                            assert_close("gradient", got, want, bound);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn padding_that_is_not_finite_reaches_no_other_position_and_no_parameter() {
    for place @ (device, dtype) in learning_places() {
        for score in [scaled_dot(), additive(5)] {
            for implementation in IMPLEMENTATIONS {
                let config = SelfAttentionConfig { implementation, ..full(&score) };
                let layer = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
                let (batch, len, real) = (2, 5, 3);
                let run = |bad: f64, with_weights: bool| {
                    let mut numbers = random("x", batch * len * 7);
                    for number in &mut numbers[real * 7..len * 7] {
                        *number = bad;
                    }
                    let x: Tensor<3> = tensor(place, &numbers, [batch, len, 7]);
                    let mask = Mask::padding(vec![real, len]);
                    let output = match with_weights {
                        true => layer.forward_with_weights(x, &mask, Mode::Evaluate).output,
                        false => layer.forward(x, &mask, Mode::Evaluate),
                    };
                    let real = output.narrow(1, 0, real);
                    let of_parameters = gradients(&layer, &real.clone().powi_scalar(2).sum());
                    let of_parameters: Vec<f64> =
                        of_parameters.into_iter().flat_map(|gradient| gradient.values.unwrap()).collect();
                    (values(&real), of_parameters)
                };
                for with_weights in [false, true] {
                    let want = run(0.0, with_weights);
                    for bad in [f64::NAN, f64::INFINITY] {
                        let got = run(bad, with_weights);
                        assert_close("output", &got.0, &want.0, tolerance(dtype, 1e-5, 1e-12));
                        assert_close("gradients", &got.1, &want.1, tolerance(dtype, 1e-4, 1e-11));
                    }
                }
            }
        }
    }
}

#[test]
fn weights_of_queries_that_do_not_see_it_are_those_of_the_others() {
    for place in places() {
        let [q, v] = ["q", "v"].map(|name| tensor(place, &random(name, LEN * D), [1, 1, LEN, D]));
        let mut k = random("k", LEN * D);
        k[BAD * D] = f64::NAN;
        let k = tensor(place, &k, [1, 1, LEN, D]);
        let mask = Mask::causal(CausalAlign::TopLeft);
        let weights = values(&attention_with_weights(&AttentionSpec::default(), q, k, v, &mask).weights);
        for (i, row) in weights.chunks(LEN).enumerate() {
            if i < BAD {
                assert_close("sum", &[row.iter().sum()], &[1.0], 1e-6);
                assert!(row[i + 1..].iter().all(|&weight| weight == 0.0));
            } else {
                assert!(row.iter().all(|weight| weight.is_nan()));
            }
        }
    }
}

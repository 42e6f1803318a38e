//! What any implementation of attention must obey, whatever its weights.

use burn::module::Param;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use qkv_model::{
    AttentionSpec, CausalAlign, Init, Mask, MaskConfig, Mode, ScaledDot, SelfAttention, SelfAttentionConfig,
    TransformerConfig, attention_with_weights,
};

use crate::support::backends::{learning_places, places, tolerance};
use crate::support::layers::{
    BATCH, D_IN, D_V, N_HEADS, SEQ_LEN, build, dot, full, heads, in_gauges, input, scaled_by, scaled_dot,
    scores,
};
use crate::support::numbers::{assert_close, random, random_tensor, tensor, values};

/// A few roundings of numbers around one.
fn rounding(dtype: DType) -> f64 {
    tolerance(dtype, 2e-6, 1e-14)
}

fn causal() -> Mask {
    Mask::causal(CausalAlign::TopLeft)
}

fn weights(layer: &SelfAttention, x: Tensor<3>, mask: &Mask) -> Tensor<4> {
    layer.forward_with_weights(x, mask, Mode::Evaluate).weights
}

#[test]
fn rows_of_the_weights_sum_to_one() {
    for place @ (_, dtype) in places() {
        for score in scores() {
            let layer = build(place, &full(&score));
            for mask in [Mask::none(), causal(), Mask::padding(vec![2, 5])] {
                let sums = weights(&layer, input(place), &mask).sum_dim(3);
                let ones = vec![1.0; BATCH * N_HEADS * SEQ_LEN];
                assert_close("row sums", &values(&sums), &ones, rounding(dtype));
            }
        }
    }
}

#[test]
fn equal_keys_give_the_mean_of_the_visible_values() {
    for place @ (_, dtype) in places() {
        for score in scores() {
            let mut layer = build(place, &heads(&score));
            // Keys of zero: all equal, while queries and values stay what they are.
            layer.w_k = layer.w_k.map(|w_k| Param::from_tensor(w_k.val().zeros_like()));
            let x = input(place);
            let [_, _, v] = layer.project(x.clone());
            let v = values(&v.swap_dims(1, 2)); // [batch, seq_len, heads, d_v], as in the context
            let width = N_HEADS * D_V;
            let mean = |entry: usize, n_visible: usize, column: usize| {
                let value = |at: usize| v[(entry * SEQ_LEN + at) * width + column];
                (0..n_visible).map(value).sum::<f64>() / n_visible as f64
            };
            let lengths = [2, 5];
            for (mask, n_visible) in [
                (Mask::none(), &(|_, _| SEQ_LEN) as &dyn Fn(usize, usize) -> usize),
                (causal(), &|_, query| query + 1),
                (Mask::padding(lengths.to_vec()), &|entry, _| lengths[entry]),
            ] {
                let want: Vec<f64> = (0..BATCH * SEQ_LEN * width)
                    .map(|at| {
                        let (entry, query) = (at / width / SEQ_LEN, at / width % SEQ_LEN);
                        mean(entry, n_visible(entry, query), at % width)
                    })
                    .collect();
                let context = layer.forward(x.clone(), &mask, Mode::Evaluate);
                assert_close("context", &values(&context), &want, rounding(dtype));
            }
        }
    }
}

#[test]
fn without_positions_permuting_the_inputs_permutes_the_outputs() {
    let order = [3_i64, 0, 4, 2, 1];
    for place @ (device, dtype) in places() {
        let permuted = |x: Tensor<3>| {
            let order: Tensor<1, Int> = Tensor::from_data(TensorData::from(order), device);
            x.select(1, order)
        };
        for score in scores() {
            let layer = build(place, &full(&score));
            let x = input(place);
            let after = layer.forward(permuted(x.clone()), &Mask::none(), Mode::Evaluate);
            let before = permuted(layer.forward(x, &Mask::none(), Mode::Evaluate));
            assert_close("context", &values(&after), &values(&before), rounding(dtype));
        }
    }
}

/// `∂y_i/∂x_j` is exactly zero for `j > i`, and reaches every `j ≤ i`.
#[track_caller]
fn assert_causal(device: &Device, dtype: DType, forward: impl Fn(Tensor<3>) -> Tensor<3>) {
    let x = input((device, dtype)).require_grad();
    for query in 0..SEQ_LEN {
        let y = forward(x.clone()).narrow(1, query, 1);
        let c = random_tensor((device, dtype), "c", y.dims());
        let d_x = x.grad(&(y * c).sum().backward()).unwrap();
        for position in 0..SEQ_LEN {
            let d_x = values(&d_x.clone().narrow(1, position, 1));
            if position > query {
                assert!(d_x.iter().all(|&d| d == 0.0), "y_{query} depends on x_{position}: {d_x:?}");
            } else {
                assert!(d_x.iter().all(|&d| d != 0.0), "y_{query} does not see x_{position}: {d_x:?}");
            }
        }
    }
}

#[test]
fn the_past_does_not_depend_on_the_future() {
    for place @ (device, dtype) in learning_places() {
        for score in scores() {
            let layer = build(place, &full(&score));
            assert_causal(device, dtype, |x| layer.forward(x, &causal(), Mode::Evaluate));
        }
    }
}

#[test]
fn the_past_does_not_depend_on_the_future_in_a_stack_of_blocks() {
    for (device, dtype) in learning_places() {
        let config = TransformerConfig {
            n_heads: N_HEADS,
            d_k: Some(11),
            d_v: Some(D_V),
            n_layers: 2,
            w_o: true,
            d_mlp: 19,
            mask: MaskConfig::Causal.into(),
            ..TransformerConfig::new(23, SEQ_LEN, D_IN)
        };
        let model = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
        let mask = model.mask(&Tensor::zeros([1, SEQ_LEN, 1], device));
        let blocks = |x| model.blocks.iter().fold(x, |x, block| block.forward(x, &mask, Mode::Evaluate));
        assert_causal(device, dtype, blocks);
    }
}

#[test]
fn a_change_of_gauge_leaves_the_map_unchanged() {
    // An invertible matrix for each head.
    let gauges = [[2.0, 1.0, 1.0, 3.0], [1.0, -2.0, 0.5, 1.0], [0.0, 1.5, -1.0, 0.25]];
    for place @ (_, dtype) in places() {
        for score in [dot(), scaled_dot(), scaled_by(0.7)] {
            let config = SelfAttentionConfig { n_heads: N_HEADS, score, ..SelfAttentionConfig::new(D_IN, 2) };
            let layer = build(place, &config);
            let other = in_gauges(place, &layer, gauges);
            let x = input(place);
            let (before, after) =
                (weights(&layer, x.clone(), &causal()), weights(&other, x.clone(), &causal()));
            assert_close("map", &values(&after), &values(&before), rounding(dtype));
            // W_Q W_Kᵀ is what has a meaning of its own, and W_Q alone has none.
            for head in 0..N_HEADS {
                let circuit =
                    |layer: &SelfAttention| values(&layer.w_q(head).matmul(layer.w_k(head).transpose()));
                assert_close("W_Q W_Kᵀ", &circuit(&other), &circuit(&layer), rounding(dtype));
                assert_ne!(values(&other.w_q(head)), values(&layer.w_q(head)));
            }
        }
    }
}

#[test]
fn a_head_is_the_layer_made_of_its_own_columns() {
    for place @ (_, dtype) in places() {
        let layer = build(place, &heads(&scaled_dot()));
        let context = layer.forward(input(place), &causal(), Mode::Evaluate);
        for head in 0..N_HEADS {
            let mut config = heads(&scaled_dot());
            config.n_heads = 1;
            let mut single = build(place, &config);
            single.w_q = Some(Param::from_tensor(layer.w_q(head)));
            single.w_k = Some(Param::from_tensor(layer.w_k(head)));
            single.w_v = Some(Param::from_tensor(layer.w_v(head)));
            let want = single.forward(input(place), &causal(), Mode::Evaluate);
            let got = context.clone().narrow(2, head * D_V, D_V);
            assert_close("context", &values(&got), &values(&want), rounding(dtype));
        }
    }
}

#[test]
fn scaling_keeps_the_weights_from_saturating_as_d_k_grows() {
    // For entries of variance one a score has variance d_k, and the entropy of its softmax falls towards zero.
    let entropy = |device: &Device, dtype: DType, d_k: usize, scale: f64| {
        let unit_variance = |label: &str| -> Vec<f64> {
            random(label, 101 * d_k).iter().map(|value| value * 3_f64.sqrt()).collect()
        };
        let [q, k] =
            ["q", "k"].map(|label| tensor::<4>((device, dtype), &unit_variance(label), [1, 1, 101, d_k]));
        let score = ScaledDot::by(scale);
        let weights = values(
            &attention_with_weights(&AttentionSpec::new(&score), q, k.clone(), k, &Mask::none()).weights,
        );
        weights.iter().filter(|&&w| w > 0.0).map(|w| -w * w.ln()).sum::<f64>() / 101.0
    };
    for (device, dtype) in places() {
        let both = [2, 17, 257].map(|d_k| {
            let of = |scale| entropy(device, dtype, d_k, scale);
            (of(1.0), of(1.0 / (d_k as f64).sqrt()))
        });
        for ((unscaled, _), (next, _)) in both.iter().zip(&both[1..]) {
            assert!(next < &(0.6 * unscaled), "unscaled entropies {both:?}");
        }
        // Normal scores of variance one have ln n - 1/2 over n keys; a few keys and small d_k leave a tenth.
        let expected = 101_f64.ln() - 0.5;
        for (_, scaled) in both {
            assert!((scaled - expected).abs() < 0.15, "scaled entropies {both:?}");
        }
    }
}

//! The softmax with a sink: what is left for the keys, by hand and at its ends.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{
    Attended, AttentionSpec, CausalAlign, Dot, Mask, Mode, SelfAttentionConfig, Softmax,
    attention_with_weights,
};

use crate::support::backends::{places, tolerance};
use crate::support::layers::{BATCH, N_HEADS, SEQ_LEN, build, full, input, scores};
use crate::support::numbers::{assert_close, random, tensor, values};

fn quiet(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, mask: &Mask) -> Attended {
    let dot = Dot {};
    let spec = AttentionSpec { softmax: Softmax::Quiet, ..AttentionSpec::new(&dot) };
    attention_with_weights(&spec, q, k, v, mask)
}

/// A query of one over keys of width one: scores are the keys themselves.
fn of_scores(place: (&Device, DType), scores: &[f64]) -> Attended {
    let k: Tensor<4> = tensor(place, scores, [1, 1, scores.len(), 1]);
    quiet(tensor(place, &[1.0], [1, 1, 1, 1]), k.clone(), k.ones_like(), &Mask::none())
}

#[test]
fn n_scores_of_zero_get_one_over_n_plus_one_each() {
    for place @ (_, dtype) in places() {
        for n in 1..=7 {
            let got = values(&of_scores(place, &vec![0.0; n]).weights);
            assert_close("weights", &got, &vec![1.0 / (n + 1) as f64; n], tolerance(dtype, 1e-7, 1e-15));
        }
    }
}

#[test]
fn scores_of_ln_2_and_ln_3_get_two_and_three_of_six_parts() {
    // 2 / (1 + 2 + 3) and 3 / (1 + 2 + 3); one part goes to the sink, which hands over nothing.
    for place @ (_, dtype) in places() {
        let attended = of_scores(place, &[2_f64.ln(), 3_f64.ln()]);
        let rounding = tolerance(dtype, 1e-6, 1e-14);
        assert_close("weights", &values(&attended.weights), &[1.0 / 3.0, 0.5], rounding);
        assert_close("context", &values(&attended.context), &[5.0 / 6.0], rounding);
    }
}

#[test]
fn huge_scores_leave_nothing_to_the_sink_and_hugely_negative_ones_everything() {
    for place in places() {
        let attended = of_scores(place, &[1000.0, -1000.0, 1000.0]);
        assert_eq!(values(&attended.weights), [0.5, 0.0, 0.5]);
        assert_eq!(values(&attended.context), [1.0]);
        let attended = of_scores(place, &[-1000.0, -2000.0]);
        assert_eq!(values(&attended.weights), [0.0, 0.0]);
        assert_eq!(values(&attended.context), [0.0]);
    }
}

#[test]
fn rows_sum_to_less_than_one_by_what_the_sink_takes() {
    for place @ (_, dtype) in places() {
        for score in scores() {
            let config = SelfAttentionConfig { softmax: Softmax::Quiet, ..full(&score) };
            let layer = build(place, &config);
            for mask in [Mask::none(), Mask::causal(CausalAlign::TopLeft), Mask::padding(vec![2, 4])] {
                let weights = layer.forward_with_weights(input(place), &mask, Mode::Evaluate).weights;
                let x = input(place).narrow(0, 1, 1).squeeze_dim(0);
                let sums = values(&weights.sum_dim(3));
                assert!(sums.iter().all(|sum| *sum > 0.0 && *sum < 1.0), "{sums:?}");
                // Σ e^s / (1 + Σ e^s) of the scores that the mask leaves, for a query of the second entry's last head.
                if mask.is_none() {
                    let trace = layer.trace(x, &mask, 3, N_HEADS - 1);
                    let sum: f64 = values(&trace.masked).iter().map(|score| score.exp()).sum();
                    let at = (BATCH * N_HEADS - 1) * SEQ_LEN + 3;
                    assert_close("sum", &sums[at..=at], &[sum / (1.0 + sum)], tolerance(dtype, 1e-6, 1e-14));
                }
            }
        }
    }
}

#[test]
fn the_sink_is_one_more_key_of_score_zero_and_value_zero() {
    const LEN: usize = 5;
    for place @ (_, dtype) in places() {
        let long = |label: &str| random(label, LEN * 3).iter().map(|x| 3.0 * x).collect::<Vec<f64>>();
        let [q, k, v] = ["q", "k", "v"].map(|label| tensor::<4>(place, &long(label), [1, 1, LEN, 3]));
        let with_zero =
            |x: &Tensor<4>| Tensor::cat(vec![x.clone(), tensor(place, &[0.0; 3], [1, 1, 1, 3])], 2);
        let got = quiet(q.clone(), k.clone(), v.clone(), &Mask::none());
        let want = attention_with_weights(
            &AttentionSpec::new(&Dot {}),
            q,
            with_zero(&k),
            with_zero(&v),
            &Mask::none(),
        );
        let rounding = tolerance(dtype, 1e-6, 1e-14);
        assert_close("context", &values(&got.context), &values(&want.context), rounding);
        let seen = want.weights.narrow(3, 0, LEN);
        assert_close("weights", &values(&got.weights), &values(&seen), rounding);
    }
}

//! The cap of the scores: its value by hand, its bound and its limits.

use qkv_model::{AttentionSpec, Dot, Mask, Mode, SelfAttentionConfig, attention_with_weights};

use crate::support::backends::{places, tolerance};
use crate::support::layers::{SEQ_LEN, build, full, input, scores};
use crate::support::module_gradients::largest;
use crate::support::numbers::{assert_close, bools, tensor, values};

/// The weights of a query of one over keys `k`, each of width one: scores are the keys themselves.
fn weights(
    place: (&burn::tensor::Device, burn::tensor::DType),
    k: &[f64],
    cap: f64,
    mask: &Mask,
) -> Vec<f64> {
    let q = tensor(place, &[1.0], [1, 1, 1, 1]);
    let k = tensor(place, k, [1, 1, k.len(), 1]);
    let dot = Dot {};
    let spec = AttentionSpec { softcap: Some(cap), ..AttentionSpec::new(&dot) };
    values(&attention_with_weights(&spec, q, k.clone(), k, mask).weights)
}

#[test]
fn a_score_of_ln_3_under_a_cap_of_two_is_one() {
    // 2 tanh(ln 3 / 2) = 2 (3 - 1) / (3 + 1) = 1, so the weights of scores 0 and ln 3 are 1 and e over their sum.
    let e = std::f64::consts::E;
    for place @ (_, dtype) in places() {
        let got = weights(place, &[0.0, 3_f64.ln()], 2.0, &Mask::none());
        assert_close("weights", &got, &[1.0 / (1.0 + e), e / (1.0 + e)], tolerance(dtype, 1e-6, 1e-14));
    }
}

#[test]
fn a_huge_score_counts_as_the_cap() {
    for place @ (_, dtype) in places() {
        // Scores 2, 0 and -2, whatever they were.
        let e = std::f64::consts::E.powi(2);
        let sum = e + 1.0 + 1.0 / e;
        let got = weights(place, &[1e4, 0.0, -1e4], 2.0, &Mask::none());
        assert_close("weights", &got, &[e / sum, 1.0 / sum, 1.0 / e / sum], tolerance(dtype, 1e-6, 1e-14));
    }
}

#[test]
fn a_small_score_loses_a_third_of_its_cube_over_the_square_of_the_cap() {
    // tanh x = x - x³/3 + 2x⁵/15: of a score of 1/10 under a cap of 2, 1/12000 is lost, up to 2/15 · 1e-5/16.
    for place @ (_, dtype) in places() {
        let got = weights(place, &[0.1, 0.0], 2.0, &Mask::none());
        let capped = (got[0] / got[1]).ln();
        let next = 2.0 / 15.0 * 1e-5 / 16.0;
        let loss = 0.1 - capped;
        assert!((loss - 1.0 / 12_000.0).abs() < next + tolerance(dtype, 3e-7, 1e-14), "{loss}");
    }
}

#[test]
fn all_scores_of_a_layer_lie_within_the_cap() {
    // A power of two, which single precision has exactly.
    const CAP: f64 = 0.0625;
    for place @ (_, dtype) in places() {
        for score in scores() {
            let layer = build(place, &SelfAttentionConfig { softcap: CAP, ..full(&score) });
            let x = input(place).narrow(0, 0, 1).squeeze_dim(0);
            for query in 0..SEQ_LEN {
                let trace = layer.trace(x.clone(), &Mask::none(), query, 1);
                let (raw, capped) = (values(&trace.scores.mul_scalar(trace.scale)), values(&trace.scaled));
                assert!(largest(&capped) <= CAP, "{capped:?}");
                let want: Vec<f64> = raw.iter().map(|raw| CAP * (raw / CAP).tanh()).collect();
                assert_close("capped", &capped, &want, tolerance(dtype, 1e-6, 1e-14));
            }
        }
    }
}

#[test]
fn a_cap_of_zero_changes_no_bit_and_a_huge_one_hardly_any() {
    for place @ (_, dtype) in places() {
        for score in scores() {
            let of = |softcap| {
                let layer = build(place, &SelfAttentionConfig { softcap, ..full(&score) });
                values(&layer.forward(input(place), &Mask::none(), Mode::Evaluate))
            };
            let without = build(place, &full(&score));
            let without = values(&without.forward(input(place), &Mask::none(), Mode::Evaluate));
            assert_eq!(of(0.0), without);
            assert_close("huge", &of(1e4), &without, tolerance(dtype, 1e-6, 1e-8));
        }
    }
}

#[test]
fn a_hidden_key_stays_hidden_under_a_cap() {
    for place @ (device, _) in places() {
        let mask = Mask::hidden(bools(device, &[false, true, false], [1, 1, 1, 3]));
        let got = weights(place, &[1e4, 1e4, 1e4], 2.0, &mask);
        assert_eq!(got, [0.5, 0.0, 0.5]);
    }
}

//! Linear biases: their numbers by hand, and what they make of equal scores.

use burn::tensor::Tensor;
use qkv_model::{
    AnyPositions, AttentionSpec, Catalog, CausalAlign, Choice, Dot, HeadShape, Init, Mask, Place, Positions,
    Softmax, attention_with_weights,
};

use crate::support::backends::{places, tolerance};
use crate::support::numbers::{assert_close, values};
use crate::support::reference::alibi_slopes;

fn alibi(choice: &Choice, init: &Init, n_heads: usize) -> AnyPositions {
    let place = Place::Attention(HeadShape { n_heads, d_k: 3 });
    Catalog::default().build_positions(choice, init, place).unwrap().unwrap()
}

/// What is added to the scores.
fn bias(init: &Init, n_heads: usize, q_len: usize, k_len: usize) -> Vec<f64> {
    values(&alibi(&Choice::new("alibi"), init, n_heads).bias(q_len, k_len).unwrap())
}

#[test]
fn two_heads_two_queries_and_three_keys_by_hand() {
    // Slopes of two heads: 2^-4 and 2^-8. The two queries stand at the last two of the three positions, so their
    // distances are 1, 0, 1 and 2, 1, 0.
    let (m, n) = (-1.0 / 16.0, -1.0 / 256.0);
    let want = [m, 0.0, m, 2.0 * m, m, 0.0, n, 0.0, n, 2.0 * n, n, 0.0];
    for (device, dtype) in places() {
        assert_eq!(bias(&Init::new(device, 1).with_dtype(dtype), 2, 2, 3), want);
    }
}

#[test]
fn twelve_heads_have_the_slopes_of_eight_and_every_other_of_sixteen() {
    // As the paper's footnote has it: 2^-1 … 2^-8, then 2^-0.5, 2^-1.5, 2^-2.5, 2^-3.5.
    let powers = (1..=8).map(f64::from).chain([0.5, 1.5, 2.5, 3.5]);
    let want: Vec<f64> = powers.map(|power| 2_f64.powf(-power)).collect();
    assert_close("the authors' code", &alibi_slopes(12), &want, 1e-15);
    for (device, dtype) in places() {
        // Of one query and two keys, the first key is one position away.
        let bias = bias(&Init::new(device, 1).with_dtype(dtype), 12, 1, 2);
        let slopes: Vec<f64> = bias.chunks(2).map(|of_head| -of_head[0]).collect();
        assert_close("slopes", &slopes, &want, tolerance(dtype, 1e-7, 1e-15));
    }
}

#[test]
fn slopes_of_ones_own_take_the_place_of_the_papers() {
    for (device, dtype) in places() {
        let init = Init::new(device, 1).with_dtype(dtype);
        let choice = Choice::new("alibi").with("slopes", vec![3.0, 0.0, 0.25]);
        let alibi = alibi(&choice, &init, 3);
        // Of one query and three keys, the keys are two, one and no positions away.
        let bias = values(&alibi.bias(1, 3).unwrap());
        assert_eq!(bias, [-6.0, -3.0, 0.0, 0.0, 0.0, 0.0, -0.5, -0.25, 0.0]);
    }
}

#[test]
fn of_equal_keys_each_counts_by_a_factor_less_than_the_next() {
    // One head: slope 2^-8. Scores are zero, so weights are e^(-m distance) over their sum.
    let m = 1.0 / 256.0;
    for (device, dtype) in places() {
        let init = Init::new(device, 1).with_dtype(dtype);
        let alibi = alibi(&Choice::new("alibi"), &init, 1);
        let zeros = || init.tensor::<4>(vec![0.0; 10], [1, 1, 5, 2]);
        let (dot, mask) = (Dot {}, Mask::causal(CausalAlign::TopLeft));
        let spec = AttentionSpec { positions: Some(&alibi), ..AttentionSpec::new(&dot) };
        assert_eq!((spec.softcap, spec.softmax), (None, Softmax::Standard));
        let weights: Tensor<4> = attention_with_weights(&spec, zeros(), zeros(), zeros(), &mask).weights;
        for (i, row) in values(&weights).chunks(5).enumerate() {
            let raised: Vec<f64> =
                (0..5).map(|j| if j > i { 0.0 } else { (-m * (i - j) as f64).exp() }).collect();
            let want: Vec<f64> = raised.iter().map(|e| e / raised.iter().sum::<f64>()).collect();
            assert_close("weights", row, &want, tolerance(dtype, 1e-6, 1e-14));
        }
    }
}

#[test]
fn the_cap_bounds_the_scores_and_not_the_bias() {
    // 64 positions away with a slope of 2^-2 (the first of four heads): a bias of -16, far below the cap of 1.
    for (device, dtype) in places() {
        let init = Init::new(device, 1).with_dtype(dtype);
        let alibi = alibi(&Choice::new("alibi"), &init, 4);
        let zeros = |len: usize| init.tensor::<4>(vec![0.0; 4 * len], [1, 4, len, 1]);
        let (dot, mask) = (Dot {}, Mask::none());
        let spec = AttentionSpec { positions: Some(&alibi), softcap: Some(1.0), ..AttentionSpec::new(&dot) };
        let weights = values(&attention_with_weights(&spec, zeros(1), zeros(65), zeros(65), &mask).weights);
        assert_close("ratio", &[(weights[0] / weights[64]).ln()], &[-16.0], tolerance(dtype, 1e-6, 1e-14));
    }
}

//! Rotary positions: what they do to a vector by hand, and what follows for the scores.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{
    AnyPositions, Catalog, Choice, HeadShape, Init, Mask, Mode, Place, Positions, SelfAttention,
    SelfAttentionConfig,
};

use crate::support::backends::{places, tolerance};
use crate::support::layers::{D_IN, N_HEADS, SEQ_LEN, build, heads, in_gauges, input, scaled_dot};
use crate::support::numbers::{assert_close, distance, random, random_tensor, tensor, values};

fn rope((device, dtype): (&Device, DType), base: f64, d_k: usize) -> AnyPositions {
    let choice = Choice::new("rope").with("base", base);
    let place = Place::Attention(HeadShape { n_heads: 1, d_k });
    let init = Init::new(device, 1).with_dtype(dtype);
    Catalog::default().build_positions(&choice, &init, place).unwrap().unwrap()
}

/// The same vector at every one of `len` positions, turned as a query; keys are turned alike.
fn turned(place: (&Device, DType), base: f64, x: &[f64], len: usize) -> Vec<f64> {
    let all: Tensor<4> = tensor(place, &x.repeat(len), [1, 1, len, x.len()]);
    let [q, k] = rope(place, base, x.len()).rotate(all.clone(), all, 0);
    assert_eq!(values(&q), values(&k));
    values(&q)
}

/// Sines, cosines and products of numbers below ten.
fn rounding(dtype: DType) -> f64 {
    tolerance(dtype, 1e-6, 1e-14)
}

#[test]
fn two_components_turn_by_one_radian_a_position() {
    // d_k = 2: one pair, θ_0 = base^0 = 1, so (1, 0) becomes (cos t, sin t) and (0, 1) becomes (-sin t, cos t).
    let (c_1, s_1) = (0.540_302_305_868_139_8, 0.841_470_984_807_896_5);
    let (c_2, s_2) = (-0.416_146_836_547_142_4, 0.909_297_426_825_681_7);
    for place @ (_, dtype) in places() {
        for base in [2.0, 10_000.0] {
            let got = turned(place, base, &[1.0, 0.0], 3);
            assert_close("(1, 0)", &got, &[1.0, 0.0, c_1, s_1, c_2, s_2], rounding(dtype));
            let got = turned(place, base, &[0.0, 1.0], 3);
            assert_close("(0, 1)", &got, &[0.0, 1.0, -s_1, c_1, -s_2, c_2], rounding(dtype));
        }
    }
}

#[test]
fn of_four_components_the_first_turns_with_the_third_and_the_second_with_the_fourth() {
    // d_k = 4, base 100: θ_0 = 1 and θ_1 = 100^(-2/4) = 1/10. Of (1, 2, 3, 4), position t makes
    //   (cos t - 3 sin t, 2 cos t/10 - 4 sin t/10, sin t + 3 cos t, 2 sin t/10 + 4 cos t/10).
    let want = [
        [1.0, 2.0, 3.0, 4.0],
        [-1.984_110_648_555_549_7, 1.590_674_663_968_739, 2.462_377_902_412_316, 4.179_683_494_405_76],
        [-3.144_039_117_024_187_6, 1.165_455_832_502_238_4, -0.339_143_082_815_745_4, 4.317_604_972_955_089],
    ];
    for place @ (_, dtype) in places() {
        let got = turned(place, 100.0, &[1.0, 2.0, 3.0, 4.0], 3);
        assert_close("turned", &got, want.as_flattened(), rounding(dtype));
    }
}

#[test]
fn no_vector_changes_its_length_and_the_first_position_nothing_at_all() {
    for place @ (_, dtype) in places() {
        let x = random("x", 6);
        let got = turned(place, 10_000.0, &x, 101);
        let exact = values(&tensor::<1>(place, &x, [6]));
        assert_eq!(got[..6], exact);
        let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let lengths: Vec<f64> = got.chunks(6).map(length).collect();
        assert_close("lengths", &lengths, &[length(&x); 101], rounding(dtype));
    }
}

#[test]
fn scores_depend_on_the_distance_of_two_positions_alone() {
    const LEN: usize = 13;
    for place @ (_, dtype) in places() {
        // One query and one key at all positions: what differs between two scores is where they stand.
        let everywhere = |label: &str| tensor::<4>(place, &random(label, 6).repeat(LEN), [1, 1, LEN, 6]);
        let [q, k] = rope(place, 50.0, 6).rotate(everywhere("q"), everywhere("k"), 0);
        let scores = values(&q.matmul(k.transpose()));
        let at = |i: usize, j: usize| scores[i * LEN + j];
        for i in 1..LEN {
            for j in 1..LEN {
                assert_close("score", &[at(i, j)], &[at(i - 1, j - 1)], rounding(dtype));
            }
        }
        // The direction counts: it is a distance with a sign.
        assert!((at(3, 7) - at(7, 3)).abs() > 1e-2, "{} and {}", at(3, 7), at(7, 3));
        assert!((at(3, 7) - at(3, 8)).abs() > 1e-3, "{} and {}", at(3, 7), at(3, 8));
    }
}

#[test]
fn pairs_of_neighbours_as_in_the_paper_are_the_same_up_to_the_order_of_components() {
    const LEN: usize = 5;
    const D_K: usize = 6;
    // Equation 15 of the paper: components 2i and 2i + 1 turn by t · base^(-2i/d_k).
    let neighbours = |x: &[f64], t: usize| {
        let mut turned = vec![0.0; D_K];
        for i in 0..D_K / 2 {
            let angle = t as f64 * 70_f64.powf(-2.0 * i as f64 / D_K as f64);
            let (first, second) = (x[2 * i], x[2 * i + 1]);
            turned[2 * i] = first * angle.cos() - second * angle.sin();
            turned[2 * i + 1] = first * angle.sin() + second * angle.cos();
        }
        turned
    };
    // Ours pairs i with i + 3: the paper's order is our components 0, 3, 1, 4, 2, 5.
    let reorder = |x: &[f64]| [0, 3, 1, 4, 2, 5].map(|at| x[at]);
    let (q, k) = (random("q", LEN * D_K), random("k", LEN * D_K));
    for place @ (_, dtype) in places() {
        let [all_q, all_k] = [&q, &k].map(|x| tensor(place, x, [1, 1, LEN, D_K]));
        let [got_q, got_k] = rope(place, 70.0, D_K).rotate(all_q, all_k, 0);
        let got = values(&got_q.matmul(got_k.transpose()));
        for i in 0..LEN {
            for j in 0..LEN {
                let q_i = neighbours(&reorder(&q[i * D_K..][..D_K]), i);
                let k_j = neighbours(&reorder(&k[j * D_K..][..D_K]), j);
                let want: f64 = q_i.iter().zip(&k_j).map(|(q, k)| q * k).sum();
                assert_close("score", &got[i * LEN + j..][..1], &[want], rounding(dtype));
            }
        }
    }
}

/// How far the map moves in another gauge of every head.
fn moved(place: (&Device, DType), gauge: [f64; 4]) -> f64 {
    let config = SelfAttentionConfig {
        n_heads: N_HEADS,
        positions: Choice::new("rope").with("base", 20.0),
        ..SelfAttentionConfig::new(D_IN, 2)
    };
    let layer = build(place, &config);
    let map = |layer: &SelfAttention| {
        values(&layer.forward_with_weights(input(place), &Mask::none(), Mode::Evaluate).weights)
    };
    distance(&map(&layer), &map(&in_gauges(place, &layer, [gauge; N_HEADS])))
}

#[test]
fn a_change_of_gauge_moves_the_map_unless_it_is_a_turn_itself() {
    for place @ (_, dtype) in places() {
        // Rotations of the plane commute with one another, and with a common factor: such an A cancels.
        let (sin, cos) = 0.7_f64.sin_cos();
        let turn = [cos, sin, -sin, cos].map(|entry| 3.0 * entry);
        assert!(moved(place, turn) < rounding(dtype), "{}", moved(place, turn));
        // Any other does not: W_Q W_Kᵀ alone no longer determines the map.
        let shear = [2.0, 1.0, 1.0, 3.0];
        assert!(moved(place, shear) > 1e-3, "{}", moved(place, shear));
    }
}

#[test]
fn a_layer_with_rope_or_alibi_can_tell_the_order_of_its_inputs() {
    for place in places() {
        for positions in ["rope", "alibi"] {
            let config =
                SelfAttentionConfig { d_k: 6, positions: Choice::new(positions), ..heads(&scaled_dot()) };
            let layer = build(place, &config);
            let forward = |x: Tensor<3>| layer.forward(x, &Mask::none(), Mode::Evaluate);
            let x = random_tensor(place, "x", [1, SEQ_LEN, D_IN]);
            let before = values(&forward(x.clone()));
            let turned_round = forward(x.clone().flip([1])).flip([1]);
            let moved = distance(&values(&turned_round), &before);
            // ALiBi without a causal mask sees distances without a sign, so that turning the sequence round is
            // the one permutation that changes nothing.
            assert_eq!(moved > 1e-3, positions == "rope", "{positions}: {moved}");
            let swapped = |x: Tensor<3>| {
                let [first, rest] = [x.clone().narrow(1, 0, 2), x.narrow(1, 2, SEQ_LEN - 2)];
                Tensor::cat(vec![first.flip([1]), rest], 1)
            };
            let moved = distance(&values(&swapped(forward(swapped(x)))), &before);
            assert!(moved > 1e-5, "{positions}: {moved}");
        }
    }
}

#[test]
fn what_is_kept_between_passes_changes_no_bit() {
    for place @ (device, dtype) in places() {
        for scheme in ["rope", "alibi"] {
            let init = Init::new(device, 1).with_dtype(dtype);
            let layer = Place::Attention(HeadShape { n_heads: 3, d_k: 4 });
            let build =
                || Catalog::default().build_positions(&Choice::new(scheme), &init, layer).unwrap().unwrap();
            let kept = build();
            // Longer, shorter, and the same again.
            for (q_len, k_len) in [(5, 7), (9, 2), (3, 3), (3, 3)] {
                let tensor = |len| random_tensor(place, "x", [2, 3, len, 4]);
                for offset in [0, 11, 3] {
                    let rotated = |scheme: &AnyPositions| {
                        scheme.rotate(tensor(q_len), tensor(k_len), offset).map(|x| values(&x))
                    };
                    assert_eq!(rotated(&kept), rotated(&build()));
                }
                let bias = |scheme: &AnyPositions| scheme.bias(q_len, k_len).map(|bias| values(&bias));
                assert_eq!(bias(&kept), bias(&build()));
            }
        }
    }
}

//! Which keys a query sees: causal masks, padding, boolean masks and biases.

use qkv_kernels::CausalAlign;

use super::check;
use super::naive::{Case, Results};
use crate::numbers::{Random, at_every_level, some};

#[test]
fn causal_masks_stand_on_either_corner() {
    for causal in [CausalAlign::TopLeft, CausalAlign::BottomRight] {
        for (q_len, k_len) in some(&[(1, 1), (67, 67), (130, 130), (29, 151), (151, 29), (200, 131)], 1) {
            check(&Case { causal: Some(causal), ..Case::new([2, q_len, k_len], [2, 2], [7, 11], 1.0) });
        }
    }
}

#[test]
fn padding_hides_the_last_keys() {
    let case = Case::new([4, 31, 140], [2, 2], [8, 8], 1.0);
    check(&Case { lengths: Some(vec![140, 129, 1, 0]), ..case.clone() });
    check(&Case { lengths: Some(vec![500, 64, 7, 20]), causal: Some(CausalAlign::BottomRight), ..case });
}

#[test]
fn boolean_masks_broadcast() {
    let mut random = Random::new(5);
    let case = Case::new([2, 33, 70], [3, 3], [4, 9], 1.0);
    for strides in
        some(&[[3 * 33 * 70, 33 * 70, 70, 1], [0, 0, 70, 1], [70, 0, 0, 1], [0, 33, 1, 0], [0, 0, 1, 33]], 0)
    {
        let len = 2 * 3 * 33 * 70;
        let hidden = (0..len).map(|_| random.below(3) == 0).collect();
        check(&Case { hidden: Some((hidden, strides)), ..case.clone() });
    }
}

#[test]
fn biases_broadcast_and_minus_infinity_hides() {
    let mut random = Random::new(6);
    let case = Case::new([2, 33, 70], [3, 3], [4, 9], 1.0);
    for strides in some(&[[3 * 33 * 70, 33 * 70, 70, 1], [0, 33 * 70, 70, 1], [70, 0, 0, 1]], 1) {
        let mut bias = random.normal(2 * 3 * 33 * 70, 2.0);
        bias.iter_mut().step_by(7).for_each(|b| *b = f64::NEG_INFINITY);
        check(&Case { bias: Some((bias, strides)), ..case.clone() });
    }
}

#[test]
fn a_query_that_sees_nothing_gets_zeros() {
    // Every key is hidden from query 3 of batch entry 1, and from all queries of batch entry 0.
    let (q_len, k_len) = (5, 7);
    let mut hidden = vec![false; 2 * q_len * k_len];
    hidden[..q_len * k_len].fill(true);
    hidden[q_len * k_len + 3 * k_len..][..k_len].fill(true);
    let case = Case::new([2, q_len, k_len], [1, 1], [3, 2], 1.0);
    let case = Case { hidden: Some((hidden, [q_len * k_len, 0, k_len, 1])), ..case };
    check(&case);
    at_every_level(|_| {
        let Results { context, log_sum_exp, d_q, d_k, d_v } = case.fused::<f32>();
        assert!(context[..q_len * 2].iter().chain(&context[(q_len + 3) * 2..][..2]).all(|&x| x == 0.0));
        assert!(d_q[..q_len * 3].iter().chain(&d_q[(q_len + 3) * 3..][..3]).all(|&x| x == 0.0));
        assert!(d_k[..k_len * 3].iter().chain(&d_v[..k_len * 2]).all(|&x| x == 0.0));
        assert!(log_sum_exp[..q_len].iter().all(|&x| x == f32::NEG_INFINITY));
    });
    // By the corner of a causal mask, by padding, and by an empty sequence of keys.
    check(&Case { causal: Some(CausalAlign::BottomRight), ..Case::new([1, 200, 3], [1, 1], [3, 2], 1.0) });
    check(&Case { lengths: Some(vec![0]), ..Case::new([1, 70, 3], [1, 1], [3, 2], 1.0) });
    check(&Case::new([1, 70, 0], [1, 1], [3, 2], 1.0));
    check(&Case::new([1, 0, 5], [1, 1], [3, 2], 1.0));
    check(&Case::new([0, 3, 5], [1, 1], [3, 2], 1.0));
}

#[test]
fn the_past_does_not_depend_on_the_future() {
    let case = Case { causal: Some(CausalAlign::TopLeft), ..Case::new([1, 150, 150], [2, 2], [8, 8], 1.0) };
    let mut changed = case.clone();
    let from = 77 * 2 * 8;
    for part in [&mut changed.k, &mut changed.v] {
        part[from..].iter_mut().for_each(|x| *x = -3.0 * *x + 1.0);
    }
    // Only queries before 77 have a gradient: then keys from 77 on get exactly none.
    changed.d_context[from..].fill(0.0);
    at_every_level(|_| {
        let (before, after) = (case.fused::<f32>(), changed.fused::<f32>());
        assert_eq!(before.context[..from], after.context[..from]);
        assert!(after.d_k[from..].iter().chain(&after.d_v[from..]).all(|&x| x == 0.0));
    });
}

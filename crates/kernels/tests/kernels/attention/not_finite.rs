//! Where NaN and infinities go.

use qkv_kernels::CausalAlign;

use super::naive::{Case, Results};
use crate::numbers::{at_every_level, some};

/// What is NaN or infinite in the loops over visible keys is so here, and what is finite in the loops over all keys, in
/// which zero times infinity is NaN, is finite here.
#[track_caller]
fn check_not_finite(case: &Case) {
    let all: Results<f32> = case.naive();
    let seen: Results<f32> = case.naive_over_seen();
    at_every_level(|level| {
        let ours: Results<f32> = case.fused();
        for (part, (what, ours)) in ours.parts().into_iter().enumerate() {
            if what == "log_sum_exp" {
                continue;
            }
            let (seen, all) = (seen.parts()[part].1, all.parts()[part].1);
            for (i, ((ours, seen), all)) in ours.iter().zip(seen).zip(all).enumerate() {
                // An infinite gradient may cancel against itself in one order of summation and not in another, so
                // there NaN and infinity count as the same.
                let same = if what == "context" {
                    (!seen.is_nan() || ours.is_nan())
                        && (!seen.is_infinite() || ours == seen || ours.is_nan())
                } else {
                    seen.is_finite() || !ours.is_finite()
                };
                let same = same && (ours.is_finite() || !all.is_finite());
                assert!(same, "{what}[{i}] at {level:?}: {ours}, over seen keys {seen}, over all {all}");
            }
        }
    });
}

#[test]
fn nan_and_infinity_go_where_the_equations_send_them() {
    let case = Case::new([1, 70, 150], [2, 2], [4, 8], 1.0);
    for bad in some(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY], 0) {
        for causal in [None, Some(CausalAlign::TopLeft)] {
            let case = Case { causal, ..case.clone() };
            let mut bad_q = case.clone();
            bad_q.q[(33 * 2 + 1) * 4 + 2] = bad;
            check_not_finite(&bad_q);
            let mut bad_k = case.clone();
            bad_k.k[(20 * 2 + 1) * 4 + 2] = bad;
            check_not_finite(&bad_k);
            let mut bad_v = case.clone();
            bad_v.v[(20 * 2 + 1) * 8 + 3] = bad;
            check_not_finite(&bad_v);
            let mut bad_gradient = case.clone();
            bad_gradient.d_context[(33 * 2 + 1) * 8 + 3] = bad;
            check_not_finite(&bad_gradient);
        }
    }
}

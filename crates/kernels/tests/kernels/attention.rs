//! Fused attention against nested loops.

use qkv_kernels::{
    Attention, AttentionGradients, AttentionInputs, AttentionSaved, Causal, Dropout, Softmax, View, ViewMut,
    attention_backward, attention_forward,
};

use crate::naive_attention::{Case, Results};
use crate::numbers::{
    Random, assert_as_exact, assert_gradient, assert_independent_of_threads, at_every_level, distance,
    largest, some,
};

/// Outputs at most twice, gradients at most three times the error of the plain loops in `f32`, at every level.
#[track_caller]
pub fn check(case: &Case) {
    let (oracle, terms) = case.oracle();
    let naive: Results<f32> = case.naive();
    at_every_level(|level| {
        let ours: Results<f32> = case.fused();
        let ours_f64: Results<f64> = case.fused();
        type Part = for<'a> fn(&'a Results<f32>) -> &'a Vec<f32>;
        type PartF64 = for<'a> fn(&'a Results<f64>) -> &'a Vec<f64>;
        let parts: [(&str, f64, Part, PartF64, f64); 5] = [
            ("context", 2.0, |r| &r.context, |r| &r.context, terms.context),
            ("log_sum_exp", 2.0, |r| &r.log_sum_exp, |r| &r.log_sum_exp, 0.0),
            ("d_q", 3.0, |r| &r.d_q, |r| &r.d_q, terms.d_q),
            ("d_k", 3.0, |r| &r.d_k, |r| &r.d_k, terms.d_k),
            ("d_v", 3.0, |r| &r.d_v, |r| &r.d_v, terms.d_v),
        ];
        for (what, factor, part, part_f64, terms) in parts {
            let Case { batch, q_len, k_len, n_heads, d_k, d_v, .. } = case;
            let what =
                format!("{what} at {level:?} of {batch} × ({q_len}, {k_len}) × {n_heads} × ({d_k}, {d_v})");
            let oracle = part_f64(&oracle);
            let terms =
                terms.max(largest(&oracle.iter().copied().filter(|x| x.is_finite()).collect::<Vec<_>>()));
            assert_as_exact(&what, factor, part(&ours), part(&naive), oracle, terms);
            // Sums of a few hundred terms in another order: far below what a wrong index would give.
            let error = distance(part_f64(&ours_f64), oracle);
            assert!(error <= 1e-12 * terms, "{what}: error {error:e} in f64, terms {terms:e}");
        }
    });
}

fn dropout() -> Dropout {
    Dropout { probability: 0.3, seed: 7, step: 11, layer: 1 }
}

#[test]
fn every_length_gives_the_context_and_the_gradients() {
    for q_len in some(&[1, 2, 13, 16, 17, 63, 64, 65, 129], 0) {
        for k_len in some(&[1, 3, 16, 31, 64, 127, 128, 129, 257], 1) {
            check(&Case::new([2, q_len, k_len], [3, 3], [5, 7], 1.0));
        }
    }
}

#[test]
fn every_width_gives_the_context_and_the_gradients() {
    for d_k in some(&[1, 2, 3, 8, 15, 16, 17, 33, 64], 0) {
        for d_v in some(&[1, 4, 13, 16, 31, 48, 80], 1) {
            check(&Case::new([1, 19, 23], [2, 2], [d_k, d_v], 1.0));
        }
    }
}

#[test]
fn heads_may_share_keys_and_values() {
    check(&Case::new([2, 37, 41], [6, 2], [8, 16], 1.0));
    check(&Case::new([1, 37, 41], [5, 1], [3, 5], 1.0));
}

#[test]
fn causal_masks_stand_on_either_corner() {
    for causal in [Causal::TopLeft, Causal::BottomRight] {
        for (q_len, k_len) in some(&[(1, 1), (67, 67), (130, 130), (29, 151), (151, 29), (200, 131)], 1) {
            check(&Case { causal: Some(causal), ..Case::new([2, q_len, k_len], [2, 2], [7, 11], 1.0) });
        }
    }
}

#[test]
fn keys_split_among_tasks_and_spans_add_up() {
    // 16 tasks for one head: chunks of at least 256 keys, and spans of 1024 in one chunk where there are many heads.
    for causal in some(&[None, Some(Causal::TopLeft)], 1) {
        check(&Case { causal, ..Case::new([1, 530, 1301], [1, 1], [3, 2], 1.0) });
        check(&Case { causal, ..Case::new([1, 67, 1301], [16, 16], [2, 3], 1.0) });
        check(&Case { causal, ..Case::new([3, 131, 2309], [4, 2], [2, 3], 1.0) });
    }
}

#[test]
fn padding_hides_the_last_keys() {
    let case = Case::new([4, 31, 140], [2, 2], [8, 8], 1.0);
    check(&Case { lengths: Some(vec![140, 129, 1, 0]), ..case.clone() });
    check(&Case { lengths: Some(vec![500, 64, 7, 20]), causal: Some(Causal::BottomRight), ..case });
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
fn dropout_is_the_same_on_the_way_back() {
    let case = Case::new([2, 67, 150], [2, 1], [5, 16], 1.0);
    check(&Case { dropout: Some(dropout()), ..case.clone() });
    check(&Case { dropout: Some(dropout()), causal: Some(Causal::TopLeft), softmax: Softmax::Quiet, ..case });
}

#[test]
fn quiet_softmax_has_one_more_key() {
    for size in [0.1, 1.0, 5.0] {
        check(&Case { softmax: Softmax::Quiet, ..Case::new([2, 35, 140], [2, 2], [8, 8], size) });
    }
}

#[test]
fn a_query_that_sees_nothing_gets_zeros() {
    // Query 3 of batch entry 1 sees nothing; nor does anyone in batch entry 0.
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
    check(&Case { causal: Some(Causal::BottomRight), ..Case::new([1, 200, 3], [1, 1], [3, 2], 1.0) });
    check(&Case { lengths: Some(vec![0]), ..Case::new([1, 70, 3], [1, 1], [3, 2], 1.0) });
    check(&Case::new([1, 70, 0], [1, 1], [3, 2], 1.0));
    check(&Case::new([1, 0, 5], [1, 1], [3, 2], 1.0));
    check(&Case::new([0, 3, 5], [1, 1], [3, 2], 1.0));
}

#[test]
fn huge_and_tiny_numbers_stay_exact() {
    for size in some(&[1e-20, 1e-10, 1e-3, 30.0, 300.0], 0) {
        check(&Case::new([1, 40, 133], [2, 2], [16, 16], size));
    }
    // Scores of ±10^10: one key takes all.
    check(&Case::new([1, 40, 133], [2, 2], [4, 4], 1e5));
}

/// What is NaN or infinite must be where the loops over visible keys say so, and nowhere where the loops over all keys,
/// in which zero times infinity is NaN, do not say so.
#[track_caller]
fn check_not_finite(case: &Case) {
    let all: Results<f32> = case.naive();
    let seen: Results<f32> = case.naive_over_seen();
    at_every_level(|level| {
        let ours: Results<f32> = case.fused();
        for (what, ours, seen, all) in [
            ("context", &ours.context, &seen.context, &all.context),
            ("d_q", &ours.d_q, &seen.d_q, &all.d_q),
            ("d_k", &ours.d_k, &seen.d_k, &all.d_k),
            ("d_v", &ours.d_v, &seen.d_v, &all.d_v),
        ] {
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
        for causal in [None, Some(Causal::TopLeft)] {
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

#[test]
fn gradients_agree_with_central_differences() {
    let mut random = Random::new(9);
    let base = Case::new([2, 5, 7], [4, 2], [3, 2], 1.0);
    let case = Case {
        causal: Some(Causal::BottomRight),
        bias: Some((random.normal(35, 1.0), [0, 0, 7, 1])),
        dropout: Some(dropout()),
        softmax: Softmax::Quiet,
        lengths: Some(vec![7, 4]),
        ..base.clone()
    };
    for case in [base, case] {
        let loss = |case: &Case| -> f64 {
            let context = case.fused::<f64>().context;
            context.iter().zip(&case.d_context).map(|(o, g)| o * g).sum()
        };
        let gradients = case.fused::<f64>();
        type Tensor = fn(&mut Case) -> &mut Vec<f64>;
        let parts: [(&str, Tensor, &[f64]); 3] = [
            ("d_q", |case| &mut case.q, &gradients.d_q),
            ("d_k", |case| &mut case.k, &gradients.d_k),
            ("d_v", |case| &mut case.v, &gradients.d_v),
        ];
        for (what, part, gradient) in parts {
            let x = part(&mut case.clone()).clone();
            assert_gradient(what, &x, gradient, 1e-8, |x| {
                let mut case = case.clone();
                part(&mut case).copy_from_slice(x);
                loss(&case)
            });
        }
    }
}

#[test]
fn the_past_does_not_depend_on_the_future() {
    let case = Case { causal: Some(Causal::TopLeft), ..Case::new([1, 150, 150], [2, 2], [8, 8], 1.0) };
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

#[test]
fn heads_are_read_and_written_through_strides() {
    // q, k and v side by side in one buffer [batch, seq_len, 3 · n_heads · d], as a fused projection gives them.
    let (batch, seq_len, n_heads, d) = (2, 67, 3, 5);
    let width = n_heads * d;
    let case = Case {
        causal: Some(Causal::TopLeft),
        ..Case::new([batch, seq_len, seq_len], [n_heads; 2], [d; 2], 1.0)
    };
    let expected: Results<f64> = case.fused();
    let mut buffer = vec![0.0; batch * seq_len * 3 * width];
    for (row, buffer) in buffer.chunks_exact_mut(3 * width).enumerate() {
        buffer[..width].copy_from_slice(&case.q[row * width..][..width]);
        buffer[width..2 * width].copy_from_slice(&case.k[row * width..][..width]);
        buffer[2 * width..].copy_from_slice(&case.v[row * width..][..width]);
    }
    let strides = (seq_len * 3 * width, 3 * width, d);
    let view = |data| View { data, batch_stride: strides.0, seq_stride: strides.1, head_stride: strides.2 };
    let view_mut =
        |data| ViewMut { data, batch_stride: strides.0, seq_stride: strides.1, head_stride: strides.2 };
    let inputs =
        AttentionInputs { q: view(&buffer), k: view(&buffer[width..]), v: view(&buffer[2 * width..]) };
    let attention = Attention {
        scale: case.scale,
        causal: Some(Causal::TopLeft),
        ..Attention::<f64>::new(batch, seq_len, n_heads, d)
    };
    // The context head by head, [batch, n_heads, seq_len, d].
    let head_major =
        |data| View { data, batch_stride: seq_len * width, seq_stride: d, head_stride: seq_len * d };
    let mut context = vec![f64::NAN; batch * seq_len * width];
    let mut normalizer = vec![f64::NAN; batch * n_heads * seq_len * 2];
    let out = ViewMut {
        data: &mut context,
        batch_stride: seq_len * width,
        seq_stride: d,
        head_stride: seq_len * d,
    };
    attention_forward(&attention, inputs, out, &mut normalizer);
    let mut gradients = [(); 3].map(|()| vec![0.0; buffer.len()]);
    let [d_q, d_k, d_v] = &mut gradients;
    let saved = AttentionSaved {
        inputs,
        context: head_major(&context),
        normalizer: &normalizer,
        d_context: View::contiguous(&case.d_context, seq_len, n_heads, d),
    };
    let outputs = AttentionGradients { d_q: view_mut(d_q), d_k: view_mut(d_k), d_v: view_mut(d_v) };
    attention_backward(&attention, saved, outputs);

    for row in 0..batch * seq_len {
        let (b, t) = (row / seq_len, row % seq_len);
        for h in 0..n_heads {
            assert_eq!(
                context[((b * n_heads + h) * seq_len + t) * d..][..d],
                expected.context[row * width + h * d..][..d]
            );
        }
        for (gradient, expected) in gradients.iter().zip([&expected.d_q, &expected.d_k, &expected.d_v]) {
            assert_eq!(gradient[row * 3 * width..][..width], expected[row * width..][..width]);
            assert!(gradient[row * 3 * width + width..][..2 * width].iter().all(|&x| x == 0.0));
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let cases = [
        // Below the size from which threads are used, just above it, and with the keys of a head split.
        Case::new([2, 16, 16], [1, 1], [8, 8], 1.0),
        Case::new([8, 61, 67], [4, 4], [16, 16], 1.0),
        Case::new([1, 301, 1301], [2, 1], [8, 8], 1.0),
        Case { dropout: Some(dropout()), ..Case::new([3, 150, 150], [2, 2], [16, 16], 1.0) },
    ];
    for case in some(&[0, 1, 2, 3], 2) {
        assert_independent_of_threads(|| cases[case].fused::<f32>());
    }
}

#[test]
fn sizes_that_contradict_each_other_are_refused() {
    #[track_caller]
    fn refused(change: impl FnOnce(&mut Case) + std::panic::UnwindSafe) {
        let result = std::panic::catch_unwind(|| {
            let mut case = Case::new([2, 3, 5], [2, 2], [3, 2], 1.0);
            change(&mut case);
            case.fused::<f32>()
        });
        assert!(result.is_err());
    }
    refused(|case| case.n_kv_heads = 0);
    refused(|case| case.n_heads = 3);
    refused(|case| _ = case.q.pop());
    refused(|case| _ = case.v.pop());
    refused(|case| case.lengths = Some(vec![3]));
    refused(|case| case.hidden = Some((vec![false; 59], [30, 15, 5, 1])));
    refused(|case| case.bias = Some((vec![0.0; 59], [30, 15, 5, 1])));
    refused(|case| case.dropout = Some(Dropout { probability: 1.0, ..dropout() }));
}

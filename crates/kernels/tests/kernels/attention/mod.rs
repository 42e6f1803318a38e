//! Fused attention against nested loops.

mod masks;
mod naive;
mod not_finite;
mod properties;
mod strides;

use naive::{Case, Results};
use qkv_kernels::{CausalAlign, Dropout, Softmax};

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
        let (ours, double): (Results<f32>, Results<f64>) = (case.fused(), case.fused());
        let terms = [terms.context, 0.0, terms.d_q, terms.d_k, terms.d_v];
        for (part, terms) in terms.into_iter().enumerate() {
            let (name, oracle) = oracle.parts()[part];
            let Case { batch, q_len, k_len, n_heads, d_k, d_v, .. } = case;
            let what =
                format!("{name} at {level:?} of {batch} × ({q_len}, {k_len}) × {n_heads} × ({d_k}, {d_v})");
            let finite: Vec<f64> = oracle.iter().copied().filter(|x| x.is_finite()).collect();
            let terms = terms.max(largest(&finite));
            let factor = if name.starts_with("d_") { 3.0 } else { 2.0 };
            assert_as_exact(&what, factor, ours.parts()[part].1, naive.parts()[part].1, oracle, terms);
            // Sums of a few hundred terms in another order: far below what a wrong index would give.
            let error = distance(double.parts()[part].1, oracle);
            assert!(error <= 1e-12 * terms, "{what}: error {error:e} in f64, terms {terms:e}");
        }
    });
}

fn dropout() -> Dropout {
    Dropout { probability: 0.3, seed: 7, step: 11, layer: 1, first_example: 2 }
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
fn keys_split_among_tasks_and_spans_add_up() {
    // 16 tasks for one head: chunks of at least 256 keys, and spans of 1024 in one chunk where there are many heads.
    for causal in some(&[None, Some(CausalAlign::TopLeft)], 1) {
        check(&Case { causal, ..Case::new([1, 530, 1301], [1, 1], [3, 2], 1.0) });
        check(&Case { causal, ..Case::new([1, 67, 1301], [16, 16], [2, 3], 1.0) });
        check(&Case { causal, ..Case::new([3, 131, 2309], [4, 2], [2, 3], 1.0) });
    }
}

#[test]
fn dropout_is_the_same_on_the_way_back() {
    let case = Case::new([2, 67, 150], [2, 1], [5, 16], 1.0);
    check(&Case { dropout: Some(dropout()), ..case.clone() });
    check(&Case {
        dropout: Some(dropout()),
        causal: Some(CausalAlign::TopLeft),
        softmax: Softmax::Quiet,
        ..case
    });
}

#[test]
fn quiet_softmax_has_a_sink() {
    for size in [0.1, 1.0, 5.0] {
        check(&Case { softmax: Softmax::Quiet, ..Case::new([2, 35, 140], [2, 2], [8, 8], size) });
    }
}

#[test]
fn huge_and_tiny_numbers_stay_exact() {
    for size in some(&[1e-20, 1e-10, 1e-3, 30.0, 300.0], 0) {
        check(&Case::new([1, 40, 133], [2, 2], [16, 16], size));
    }
    // Scores of ±10^10: one key takes all.
    check(&Case::new([1, 40, 133], [2, 2], [4, 4], 1e5));
}

#[test]
fn gradients_agree_with_central_differences() {
    let mut random = Random::new(9);
    let base = Case::new([2, 5, 7], [4, 2], [3, 2], 1.0);
    let case = Case {
        causal: Some(CausalAlign::BottomRight),
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

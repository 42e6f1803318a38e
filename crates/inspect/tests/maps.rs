//! Figures of attention maps against nested loops.

use proptest::collection::vec;
use proptest::prelude::*;
use qkv_inspect::{AttentionMap, HeadScores};

use crate::draw::matrix;
use crate::loops::Rows;

/// Normalised rows; some keys and some whole rows are hidden.
fn weights(q_len: usize, k_len: usize) -> impl Strategy<Value = Rows> {
    let weight = prop_oneof![3 => 0.01..1.0f64, 1 => Just(0.0)];
    let row = prop_oneof![6 => vec(weight, k_len), 1 => Just(vec![0.0; k_len])];
    (vec(row, q_len), any::<bool>()).prop_map(|(mut rows, causal)| {
        for (i, row) in rows.iter_mut().enumerate() {
            for (j, weight) in row.iter_mut().enumerate() {
                if causal && j > i {
                    *weight = 0.0;
                }
            }
            let sum: f64 = row.iter().sum();
            if sum > 0.0 {
                row.iter_mut().for_each(|weight| *weight /= sum);
            }
        }
        rows
    })
}

fn square() -> impl Strategy<Value = (Rows, Vec<String>)> {
    (1..9usize).prop_flat_map(|n| (weights(n, n), vec("[abc]", n)))
}

fn any_map() -> impl Strategy<Value = Rows> {
    (1..8usize, 1..8usize).prop_flat_map(|(q_len, k_len)| weights(q_len, k_len))
}

fn map(rows: &Rows) -> AttentionMap {
    AttentionMap::new("a", 0, matrix(rows))
}

/// Sum and count of what each query gives to the keys that `wanted` names.
fn mean(rows: &Rows, wanted: impl Fn(usize, usize) -> bool) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for i in 0..rows.len() {
        let (mut share, mut found, mut total) = (0.0, false, 0.0);
        for j in 0..rows.len() {
            total += rows[i][j];
            if wanted(i, j) {
                share += rows[i][j];
                found = true;
            }
        }
        if found && total > 0.0 {
            sum += share;
            count += 1;
        }
    }
    if count == 0 { None } else { Some(sum / f64::from(count)) }
}

fn close(got: Option<f64>, expected: Option<f64>) -> bool {
    match (got, expected) {
        (Some(got), Some(expected)) => (got - expected).abs() < 1e-12,
        (got, expected) => got == expected,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn head_scores_are_their_definitions((rows, tokens) in square()) {
        let n = rows.len();
        let mut causal = true;
        for i in 0..n {
            for j in i + 1..n {
                causal &= rows[i][j] == 0.0;
            }
        }
        let expected = HeadScores {
            previous_token: mean(&rows, |i, j| i >= 1 && j == i - 1),
            first_token: mean(&rows, |i, j| i >= 1 && j == 0),
            same_token: mean(&rows, |i, j| i != j && tokens[i] == tokens[j] && !(causal && j > i)),
            induction: mean(&rows, |i, j| j >= 1 && j < i && tokens[j - 1] == tokens[i]),
            anti_diagonal: mean(&rows, |i, j| j == n - 1 - i),
        };
        let got = map(&rows).scores(&tokens);
        for (got, expected) in pairs(&got, &expected) {
            prop_assert!(close(got, expected), "{got:?} is not {expected:?}");
            prop_assert!(got.is_none_or(|score| (0.0..=1.0).contains(&score)));
        }
    }

    #[test]
    fn entropy_is_its_definition(rows in any_map()) {
        for (row, got) in rows.iter().zip(map(&rows).entropies()) {
            let (mut nats, mut visible) = (0.0, 0);
            for &a in row {
                if a > 0.0 {
                    nats -= a * a.ln();
                    visible += 1;
                }
            }
            prop_assert_eq!(got.is_none(), visible == 0);
            let Some(got) = got else { continue };
            prop_assert!((got.nats - nats).abs() < 1e-12 && got.n_visible == visible);
            prop_assert!(got.nats >= 0.0 && got.nats <= (visible as f64).ln());
            prop_assert_eq!(got.share.is_none(), visible == 1);
            prop_assert!(got.share.is_none_or(|share| (0.0..=1.0).contains(&share)));
        }
    }

    #[test]
    fn offsets_share_out_all_attention(rows in any_map()) {
        let offsets = map(&rows).offsets();
        let mut given = 0.0;
        for row in &rows {
            given += row.iter().sum::<f64>();
        }
        let found: f64 = offsets.iter().map(|o| o.mean * o.n_queries as f64).sum();
        prop_assert!((found - given).abs() < 1e-12);
        for o in offsets {
            let (mut sum, mut count) = (0.0, 0);
            for i in 0..rows.len() {
                for j in 0..rows[0].len() {
                    if j as isize - i as isize == o.offset && rows[i].iter().any(|&a| a > 0.0) {
                        sum += rows[i][j];
                        count += 1;
                    }
                }
            }
            prop_assert!(count == o.n_queries && (o.mean - sum / count as f64).abs() < 1e-12);
        }
    }
}

fn pairs(a: &HeadScores, b: &HeadScores) -> [(Option<f64>, Option<f64>); 5] {
    [
        (a.previous_token, b.previous_token),
        (a.first_token, b.first_token),
        (a.same_token, b.same_token),
        (a.induction, b.induction),
        (a.anti_diagonal, b.anti_diagonal),
    ]
}

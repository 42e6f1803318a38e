//! What may change between queries and keys, and what may not.

use proptest::prelude::*;
use qkv_inspect::{HeadWeights, Matrix};

use crate::draw::{assert_close, free, layer, loops, matrix, rows};
use crate::loops::{Rows, determinant, inverse_transposed, norm, product, transposed};

/// A head's W_Q, W_K, b_Q, b_K, inputs, and a change of basis.
#[derive(Debug, Clone)]
struct Case {
    w_q: Rows,
    w_k: Rows,
    b_q: Option<Rows>,
    b_k: Option<Rows>,
    x: Rows,
    basis: Rows,
}

fn case() -> impl Strategy<Value = Case> {
    (1..7usize, 1..6usize).prop_flat_map(|(d_in, d_k)| {
        let bias = || proptest::option::of(rows(1, d_k));
        (rows(d_in, d_k), rows(d_in, d_k), bias(), bias(), rows(5, d_in), rows(d_k, d_k))
            .prop_map(|(w_q, w_k, b_q, b_k, x, basis)| Case { w_q, w_k, b_q, b_k, x, basis })
    })
}

fn head(case: &Case) -> HeadWeights {
    let some = |rows: &Option<Rows>| rows.as_ref().map(matrix);
    HeadWeights {
        w_q: Some(matrix(&case.w_q)),
        w_k: Some(matrix(&case.w_k)),
        b_q: some(&case.b_q),
        b_k: some(&case.b_k),
        ..HeadWeights::default()
    }
}

/// `(x W_Q + b_Q) (x W_K + b_K)ᵀ`
fn scores(head: &HeadWeights, x: &Rows) -> Rows {
    let project = |matrix: &Option<Matrix>, bias: &Option<Matrix>| {
        let mut projected = product(x, &loops(matrix.as_ref().unwrap()));
        for row in &mut projected {
            for (column, value) in row.iter_mut().enumerate() {
                *value += bias.as_ref().map_or(0.0, |bias| bias.at(0, column));
            }
        }
        projected
    };
    product(&project(&head.w_q, &head.b_q), &transposed(&project(&head.w_k, &head.b_k)))
}

fn gram(w: &Option<Matrix>, b: &Option<Matrix>) -> Rows {
    let mut rows = loops(w.as_ref().unwrap());
    rows.extend(b.as_ref().map(loops).unwrap_or_default());
    product(&transposed(&rows), &rows)
}

/// A bound for every score and every entry of a Gram matrix of these sizes.
const SIZE: f64 = 1e3;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_balanced_gauge_leaves_the_scores_as_they_are(case in case()) {
        let head = head(&case);
        let balanced = head.balanced(&free()).unwrap();
        assert_close(&scores(&balanced, &case.x), &scores(&head, &case.x), SIZE);
        let shape = |m: &Option<Matrix>| m.as_ref().map(|m| (m.rows(), m.columns(), m.axes()));
        prop_assert_eq!(shape(&balanced.w_q), shape(&head.w_q));
        prop_assert_eq!(shape(&balanced.w_k), shape(&head.w_k));
    }

    #[test]
    fn it_makes_queries_and_keys_equally_large_and_their_dimensions_orthogonal(case in case()) {
        let balanced = head(&case).balanced(&free()).unwrap();
        let (q, k) = (gram(&balanced.w_q, &balanced.b_q), gram(&balanced.w_k, &balanced.b_k));
        assert_close(&q, &k, SIZE);
        for (i, row) in q.iter().enumerate() {
            for (j, x) in row.iter().enumerate() {
                prop_assert!(i == j || x.abs() < 1e-9 * SIZE, "{q:?}");
            }
            prop_assert!(i == 0 || q[i - 1][i - 1] >= q[i][i] - 1e-9 * SIZE);
        }
    }

    #[test]
    fn every_basis_leads_to_the_same_balanced_gauge(case in case()) {
        // Far from singular, so that the way there and back loses few digits.
        let n = case.basis.len() as i32;
        prop_assume!(determinant(&case.basis).abs() > 0.1 * (norm(&case.basis) / f64::from(n)).powi(n).max(0.1));
        let back = inverse_transposed(&case.basis);
        prop_assume!(norm(&back) < 1e2);
        let turned = Case {
            w_q: product(&case.w_q, &case.basis),
            w_k: product(&case.w_k, &back),
            b_q: case.b_q.as_ref().map(|b| product(b, &case.basis)),
            b_k: case.b_k.as_ref().map(|b| product(b, &back)),
            ..case.clone()
        };
        let (before, after) = (head(&case), head(&turned));
        assert_close(&scores(&after, &case.x), &scores(&before, &case.x), 1e3 * SIZE);
        let [before, after] = [before, after].map(|head| head.balanced(&free()).unwrap());
        let (one, other) = (gram(&before.w_q, &before.b_q), gram(&after.w_q, &after.b_q));
        assert_close(&other, &one, 1e3 * SIZE);
        // The circuit is what does not depend on the basis.
        let qk = |head: HeadWeights| loops(&layer(head).qk(0).unwrap().product());
        assert_close(&qk(after), &qk(before), 1e3 * SIZE);
    }
}

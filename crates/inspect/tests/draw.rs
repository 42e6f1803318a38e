//! Matrices and layers of any size, and what counts as equal.

use proptest::collection::vec;
use proptest::prelude::*;
use qkv_inspect::{CheckpointConfig, HeadWeights, LayerWeights, Matrix};

use crate::loops::Rows;

/// Values between -2 and 2 in steps that make exact zeros and equal rows likely.
pub fn rows(n_rows: usize, n_columns: usize) -> impl Strategy<Value = Rows> {
    let value = prop_oneof![4 => -2.0..2.0f64, 1 => Just(0.0), 1 => Just(1.0)];
    vec(vec(value, n_columns), n_rows)
}

/// The numbers as the crate takes them.
pub fn matrix(rows: &Rows) -> Matrix {
    Matrix::new(rows.len(), rows[0].len(), rows.concat()).unwrap()
}

/// The numbers as the loops take them.
pub fn loops(matrix: &Matrix) -> Rows {
    (0..matrix.rows()).map(|row| matrix.row(row).to_vec()).collect()
}

/// A layer of one head.
pub fn layer(head: HeadWeights) -> LayerWeights {
    LayerWeights { prefix: "a".to_owned(), heads: vec![head], n_kv_heads: 1 }
}

/// A model whose basis of queries and keys is free.
pub fn free() -> CheckpointConfig {
    let name = |name: &str| Some(name.to_owned());
    CheckpointConfig { score: name("scaled-dot"), positions: name("learned"), ..CheckpointConfig::default() }
}

/// Agreement to `1e-9` of `size`: sums of at most a hundred products of numbers of that size lose less in f64, and even
/// a single wrong factor is far outside.
#[track_caller]
pub fn assert_close(got: &Rows, expected: &Rows, size: f64) {
    assert_eq!((got.len(), got[0].len()), (expected.len(), expected[0].len()));
    for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
        assert!((got - expected).abs() <= 1e-9 * size.max(1.0), "{got} is not {expected}");
    }
}

//! The published numbers in `tests/truth/` and `crates/cli/published/`, whose sources and licences stand in their
//! `README.md`.

use burn::tensor::{DType, Device, Tensor};
use serde_json::Value;

use crate::support::numbers::tensor;

/// One file of published numbers.
pub struct Truth(Value);

/// A published matrix.
#[derive(Debug, Clone)]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    /// Row-major.
    pub values: Vec<f64>,
}

impl Truth {
    /// Chapter 3 of Raschka's book.
    pub fn raschka() -> Self {
        Self::parse(include_str!("../../crates/cli/published/raschka_ch03.json"))
    }

    /// UvA deep learning tutorial 6.
    pub fn uva() -> Self {
        Self::parse(include_str!("../truth/uva_tutorial6.json"))
    }

    /// PyTorch's semantics at the edges.
    pub fn edges() -> Self {
        Self::parse(include_str!("../truth/sdpa_edges.json"))
    }

    /// The matrix at a JSON pointer such as `basic/scores`; a vector is a matrix of one row.
    pub fn matrix(&self, pointer: &str) -> Matrix {
        let found = self.0.pointer(&format!("/{pointer}"));
        let outer = found.and_then(Value::as_array).expect(pointer);
        let rows: Vec<Vec<f64>> = match outer[0] {
            Value::Array(_) => outer.iter().map(row).collect(),
            _ => vec![row(found.expect(pointer))],
        };
        Matrix { rows: rows.len(), columns: rows[0].len(), values: rows.concat() }
    }

    fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).expect("the file is valid JSON"))
    }
}

impl Matrix {
    /// Rows and columns exchanged, as between PyTorch's `[out, in]` and our `[in, out]`.
    pub fn transposed(&self) -> Self {
        let Self { rows, columns, .. } = *self;
        let values = (0..columns)
            .flat_map(|column| (0..rows).map(move |row| (row, column)))
            .map(|(row, column)| self.values[row * columns + column])
            .collect();
        Self { rows: columns, columns: rows, values }
    }

    /// `[rows, columns]`.
    pub fn tensor(&self, place: (&Device, DType)) -> Tensor<2> {
        tensor(place, &self.values, [self.rows, self.columns])
    }
}

fn row(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().expect("a row is a list");
    numbers.iter().map(|number| number.as_f64().expect("a row holds numbers")).collect()
}

/// All numbers of nested lists, in their order.
pub fn numbers_of(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers_of).collect(),
        number => vec![number.as_f64().expect("lists of numbers")],
    }
}

//! Values of tensors, short enough for a line.

use std::io::{self, Write};

use burn::tensor::Tensor;
use qkv_inspect::significant;

/// Values shown of a longer vector; 8 of them fill a line of 80 characters together with their name.
const SHOWN: usize = 8;

/// The values of a vector.
pub fn values(vector: &Tensor<1>) -> Vec<f64> {
    vector.to_data().iter::<f64>().collect()
}

/// A vector, shortened after [`SHOWN`] values.
pub fn vector(vector: &Tensor<1>) -> String {
    row(&values(vector))
}

/// A matrix, one line a row, named `name_0`, `name_1`, …, with a label.
pub fn matrix(out: &mut impl Write, name: &str, labels: &[String], matrix: &Tensor<2>) -> io::Result<()> {
    let [_, columns] = matrix.dims();
    let values: Vec<f64> = matrix.to_data().iter::<f64>().collect();
    for (j, (values, label)) in values.chunks(columns).zip(labels).enumerate() {
        writeln!(out, "    {name}_{j:<3} {label:<4} {}", row(values))?;
    }
    Ok(())
}

fn row(values: &[f64]) -> String {
    let shown: Vec<String> =
        values.iter().take(SHOWN).map(|value| format!("{:>8}", significant(*value))).collect();
    let rest = if values.len() > SHOWN { " …" } else { "" };
    shown.join(" ") + rest
}

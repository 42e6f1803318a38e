//! Numbers as text: counts, and values of tensors short enough for a line.

use std::io::{self, Write};

use burn::tensor::Tensor;
use qkv_inspect::{grouped, significant};

/// Values shown of a longer vector; 8 of them fill a line of 80 characters together with their name.
const SHOWN: usize = 8;

/// A count with its noun: `1 example`, `2 examples`, `1,024 steps`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as usize), if count == 1 { "" } else { "s" })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_agrees_with_its_count() {
        let counts = [0, 1, 2, 1_234_567].map(|count| counted(count, "step"));
        assert_eq!(counts, ["0 steps", "1 step", "2 steps", "1,234,567 steps"]);
    }
}

//! Values of tensors as text, short enough for a line, and as matrices of a picture.

use std::io::{self, Write};

use burn::tensor::Tensor;
use qkv_inspect::{Matrix, counted, significant};

/// Values shown of a longer vector; 8 of them fill a line of 80 characters together with their name.
const SHOWN: usize = 8;

/// `[2 × 3]`.
pub fn shape(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    format!("[{}]", dims.join(" × "))
}

/// A number of bytes to three digits.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let (mut value, mut index) = (n as f64 / 1000.0, 0);
    while value >= 999.5 && index + 1 < UNITS.len() {
        (value, index) = (value / 1000.0, index + 1);
    }
    let decimals = if value < 9.95 { 1 } else { 0 };
    format!("{value:.decimals$} {}", UNITS[index])
}

/// The values of a tensor, row by row.
pub fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// A vector, shortened after [`SHOWN`] values.
pub fn vector(vector: &Tensor<1>) -> String {
    row(&values(vector))
}

/// A matrix, one line a row, named `name_0`, `name_1`, …, with a label.
pub fn matrix(out: &mut impl Write, name: &str, labels: &[String], matrix: &Tensor<2>) -> io::Result<()> {
    let [_, columns] = matrix.dims();
    for (j, (values, label)) in values(matrix).chunks(columns).zip(labels).enumerate() {
        writeln!(out, "    {name}_{j:<3} {label:<4} {}", row(values))?;
    }
    Ok(())
}

/// The attention map of a head, or a sentence in its place.
///
/// # Shapes
/// - `weights`: `[heads, q_len, k_len]`
pub fn attention_map(weights: &Tensor<3>, head: usize) -> Result<Matrix, String> {
    let [n_heads, q_len, k_len] = weights.dims();
    if head >= n_heads {
        return Err(format!("the model has weights of {} only", counted(n_heads as u64, "head")));
    }
    let values = values(&weights.clone().narrow(0, head, 1));
    let matrix = Matrix::new(q_len, k_len, values).map_err(|error| error.to_string())?;
    Ok(matrix.with_axes("query", "key"))
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
    use burn::tensor::Device;

    #[test]
    fn bytes_have_the_unit_that_leaves_at_most_three_digits() {
        let cases = [(0, "0.0 kB"), (45_678, "46 kB"), (999_600, "1.0 MB"), (2_340_000_000, "2.3 GB")];
        for (n, expected) in cases.into_iter().chain([(7_000_000_000_000_000, "7000 TB")]) {
            assert_eq!(bytes(n), expected);
        }
    }

    #[test]
    fn a_map_with_too_few_heads_gives_a_sentence() {
        let weights = Tensor::<3>::zeros([2, 3, 5], &Device::flex());
        assert!(attention_map(&weights, 1).is_ok_and(|map| map.columns() == 5));
        let error = attention_map(&weights, 2).err();
        assert_eq!(error.as_deref(), Some("the model has weights of 2 heads only"));
        assert!(attention_map(&Tensor::zeros([1, 0, 5], &Device::flex()), 0).is_err());
    }
}

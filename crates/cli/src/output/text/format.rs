//! Values of tensors as text, short enough for a line, and as matrices of a picture.

use std::io::{self, Write};

use burn::tensor::Tensor;
use qkv_inspect::{Matrix, counted};

use super::wrap::COLUMNS;

/// Columns of a value, with the blank before it, and of the name of a row, unless that is longer.
const VALUE: usize = 9;
const NAME: usize = 8;

/// Values that fit into a line beside such a name.
const SHOWN: usize = (COLUMNS - NAME) / VALUE;

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

/// A vector as a line without a name, shortened where it has more than [`SHOWN`] values.
pub fn vector(vector: &Tensor<1>) -> String {
    named_vector("", vector)
}

/// The same behind its name, which may have eight letters.
pub fn named_vector(name: &str, vector: &Tensor<1>) -> String {
    format!("{name:<NAME$}{}", row(&values(vector), NAME))
}

/// A matrix, one line a row, named `name_0`, `name_1`, …, with a label.
pub fn matrix(out: &mut impl Write, name: &str, labels: &[String], matrix: &Tensor<2>) -> io::Result<()> {
    let [rows, columns] = matrix.dims();
    let digits = rows.saturating_sub(1).to_string().len();
    let names = labels.iter().take(rows).enumerate().map(|(j, label)| format!("{name}_{j:<digits$} {label}"));
    let names: Vec<String> = names.collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(NAME);
    for (name, values) in names.iter().zip(values(matrix).chunks(columns)) {
        writeln!(out, "{name:<width$}{}", row(values, width))?;
    }
    Ok(())
}

/// The same without names and labels.
pub fn rows(out: &mut impl Write, matrix: &Tensor<2>) -> io::Result<()> {
    let [_, columns] = matrix.dims();
    values(matrix).chunks(columns).try_for_each(|values| writeln!(out, "{:NAME$}{}", "", row(values, NAME)))
}

/// Whether all of a matrix is shown.
pub fn is_shown_whole(matrix: &Tensor<2>) -> bool {
    matrix.dims().into_iter().all(|n| n <= SHOWN)
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

/// The values that fit beside a name of so many columns.
fn row(values: &[f64], name: usize) -> String {
    const MORE: &str = " …";
    let columns = COLUMNS.saturating_sub(name);
    let (n, rest) = match values.len() * VALUE <= columns {
        true => (values.len(), ""),
        false => (columns.saturating_sub(MORE.chars().count()) / VALUE, MORE),
    };
    let shown: String = values.iter().take(n).map(|value| format!("{:>VALUE$}", number(*value))).collect();
    shown + rest
}

/// Four digits behind the point, so that numbers stand below each other; those that have no such form by their power, with
/// as many digits as fit.
fn number(value: f64) -> String {
    let has_digits = value == 0.0 || (1e-3..100.0).contains(&value.abs());
    let with_digits = has_digits.then(|| format!("{value:.4}"));
    let by_power = [2, 1].map(|digits| format!("{value:.digits$e}"));
    let fits = |text: &String| text.chars().count() < VALUE;
    with_digits.into_iter().chain(by_power).find(fits).unwrap_or_else(|| format!("{value:.0e}"))
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
    fn a_row_fits_into_80_columns_with_any_numbers() {
        let longest = [-99.99984, -99.99996, -3.5e-12, 0.0, -1e-300, f64::NAN, f64::NEG_INFINITY, -0.001];
        assert_eq!(row(&longest, NAME).chars().count(), SHOWN * VALUE);
        assert_eq!(row(&longest[..4], NAME), " -99.9998  -1.00e2 -3.5e-12   0.0000");
        assert_eq!(row(&longest, NAME).split_whitespace().count(), SHOWN);
        let more = [longest, longest].concat();
        assert!(row(&more, NAME).ends_with(" …") && row(&more, NAME).chars().count() <= SHOWN * VALUE);
        // A longer name leaves room for fewer.
        assert!(row(&longest, 17).ends_with(" …") && row(&longest, 17).chars().count() <= COLUMNS - 17);
    }

    #[test]
    fn rows_begin_at_the_same_column_whatever_their_labels() {
        for (label, columns) in [("A", 8), ("SEP", 8), ("a long label", 17)] {
            let labels: Vec<String> = (0..11).map(|j| if j == 10 { label } else { "B" }.to_owned()).collect();
            let mut text = Vec::new();
            let written = matrix(&mut text, "x", &labels, &Tensor::ones([11, 8], &Device::flex()));
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(written.is_ok() && text.lines().count() == 11, "{text}");
            for line in text.lines() {
                assert!(line.chars().count() <= COLUMNS, "{line:?}");
                let before: String = line.chars().take_while(|c| *c != '.').collect();
                assert_eq!(before.chars().count(), columns + 4, "{line:?}");
            }
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

//! A matrix of finite size whose axes have names.

use nalgebra::DMatrix;

use crate::error::InspectError;

/// A matrix, row-major, with at least one row and one column.
///
/// ```
/// use qkv_inspect::Matrix;
///
/// let w_q = Matrix::new(1, 2, vec![3.0, 4.0])?.with_axes("d_in", "d_k");
/// assert_eq!(w_q.at(0, 1), 4.0);
/// assert_eq!(w_q.norm(), 5.0);
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
    axes: [&'static str; 2],
}

impl Matrix {
    /// `values` row by row.
    ///
    /// # Errors
    /// If there is no row, no column, or not a value for each of their crossings.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Result<Self, InspectError> {
        if rows == 0 || columns == 0 || rows.checked_mul(columns) != Some(values.len()) {
            return Err(InspectError::MatrixSize { rows, columns, values: values.len() });
        }
        Ok(Self { rows, columns, values, axes: ["row", "column"] })
    }

    /// Names the axes, for pictures: what runs down and what runs across.
    pub fn with_axes(self, rows: &'static str, columns: &'static str) -> Self {
        Self { axes: [rows, columns], ..self }
    }

    /// Number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns, at least 1.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of rows and of columns.
    pub(crate) fn size(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// Names of the axes: down, across.
    pub fn axes(&self) -> [&'static str; 2] {
        self.axes
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One value.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.row(row)[column]
    }

    /// One row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// Frobenius norm, `‖W‖_F = √Σ w²`; NaN where a value is NaN.
    pub fn norm(&self) -> f64 {
        // Scaled, so that no square of a large value overflows.
        let largest = self.values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        if largest == 0.0 || largest.is_infinite() {
            return self.values.iter().fold(largest, |sum, x| if x.is_nan() { f64::NAN } else { sum });
        }
        let squares: f64 = self.values.iter().map(|x| (x / largest).powi(2)).sum();
        largest * squares.sqrt()
    }

    /// Smallest and largest of the finite values; `None` where no value is finite.
    pub fn range(&self) -> Option<(f64, f64)> {
        self.values.iter().filter(|x| x.is_finite()).fold(None, |range, &x| match range {
            None => Some((x, x)),
            Some((low, high)) => Some((x.min(low), x.max(high))),
        })
    }

    /// The columns `columns`, as a head of W_Q, W_K or W_V owns them.
    pub(crate) fn slice_columns(&self, columns: std::ops::Range<usize>) -> Self {
        Self {
            rows: self.rows,
            columns: columns.len(),
            values: (0..self.rows).flat_map(|row| &self.row(row)[columns.clone()]).copied().collect(),
            axes: self.axes,
        }
    }

    /// The rows `rows`, as a head of W_O owns them.
    pub(crate) fn slice_rows(&self, rows: std::ops::Range<usize>) -> Self {
        Self {
            rows: rows.len(),
            columns: self.columns,
            values: self.values[rows.start * self.columns..rows.end * self.columns].to_vec(),
            axes: self.axes,
        }
    }

    /// `self · other`; the widths were checked by the caller.
    pub(crate) fn multiply(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows, "inner widths of a product");
        let mut values = vec![0.0; self.rows * other.columns];
        for (row, out) in values.chunks_exact_mut(other.columns).enumerate() {
            for (inner, x) in self.row(row).iter().enumerate() {
                for (sum, y) in out.iter_mut().zip(other.row(inner)) {
                    *sum += x * y;
                }
            }
        }
        Self { rows: self.rows, columns: other.columns, values, axes: [self.axes[0], other.axes[1]] }
    }

    /// Every value times `factor`.
    pub(crate) fn scaled(&self, factor: f64) -> Self {
        Self { values: self.values.iter().map(|x| x * factor).collect(), ..*self }
    }

    /// The matrix with a largest magnitude of one, so that no product of its values overflows, and what it was divided
    /// by.
    pub(crate) fn finite(&self) -> Result<(DMatrix<f64>, f64), InspectError> {
        let count = self.values.iter().filter(|x| !x.is_finite()).count();
        if count > 0 {
            return Err(InspectError::NotFinite { count, total: self.values.len() });
        }
        let largest = self.values.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let scale = if largest == 0.0 { 1.0 } else { largest };
        let values = self.values.iter().map(|x| x / scale);
        Ok((DMatrix::from_row_iterator(self.rows, self.columns, values), scale))
    }

    /// The other way round.
    pub(crate) fn from_nalgebra(matrix: &DMatrix<f64>) -> Result<Self, InspectError> {
        Self::new(matrix.nrows(), matrix.ncols(), matrix.transpose().as_slice().to_vec())
    }

    /// Rows become columns.
    pub(crate) fn transpose(&self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            values: (0..self.columns)
                .flat_map(|column| (0..self.rows).map(move |row| self.at(row, column)))
                .collect(),
            axes: [self.axes[1], self.axes[0]],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_has_a_value_for_every_crossing() {
        for (rows, columns, values) in [(2, 3, 5), (0, 3, 0), (3, 0, 0), (usize::MAX, 2, 0)] {
            let error = Matrix::new(rows, columns, vec![0.0; values]);
            assert!(matches!(error, Err(InspectError::MatrixSize { .. })), "{rows}x{columns}");
        }
    }

    #[test]
    fn a_product_is_rows_times_columns() -> Result<(), InspectError> {
        let a = Matrix::new(1, 2, vec![2.0, 3.0])?.with_axes("a", "inner");
        let b = Matrix::new(2, 3, vec![1.0, 0.0, -1.0, 10.0, 20.0, 30.0])?.with_axes("inner", "b");
        let product = a.multiply(&b);
        assert_eq!(product.values(), [32.0, 60.0, 88.0]);
        assert_eq!(product.axes(), ["a", "b"]);
        assert_eq!(b.transpose().values(), [1.0, 10.0, 0.0, 20.0, -1.0, 30.0]);
        Ok(())
    }

    #[test]
    fn the_norm_neither_overflows_nor_hides_nan() -> Result<(), InspectError> {
        assert_eq!(Matrix::new(1, 2, vec![3e300, -4e300])?.norm(), 5e300);
        assert_eq!(Matrix::new(1, 2, vec![0.0, 0.0])?.norm(), 0.0);
        assert!(Matrix::new(1, 3, vec![0.0, f64::NAN, 0.0])?.norm().is_nan());
        assert!(Matrix::new(1, 2, vec![1.0, f64::NAN])?.norm().is_nan());
        assert!(Matrix::new(1, 2, vec![f64::INFINITY, f64::NAN])?.norm().is_nan());
        assert_eq!(Matrix::new(1, 2, vec![f64::NEG_INFINITY, 1.0])?.norm(), f64::INFINITY);
        Ok(())
    }

    #[test]
    fn the_range_looks_past_what_is_not_finite() -> Result<(), InspectError> {
        let m = Matrix::new(1, 4, vec![f64::NAN, -2.0, f64::INFINITY, 3.0])?;
        assert_eq!(m.range(), Some((-2.0, 3.0)));
        assert_eq!(Matrix::new(1, 1, vec![f64::NAN])?.range(), None);
        Ok(())
    }
}

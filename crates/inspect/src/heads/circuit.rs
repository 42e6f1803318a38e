//! What two matrices of a head do together: W_Q with W_K, and W_V with W_O.

use nalgebra::{DMatrix, QR};

use crate::error::InspectError;
use crate::files::layers::LayerWeights;
use crate::matrix::dense::Matrix;
use crate::matrix::eigenvalues::Eigenvalues;
use crate::matrix::spectrum::Spectrum;

/// A product of two matrices, kept as its factors: `left · right`, with `left` `[rows, inner]` and `right`
/// `[inner, columns]`.
///
/// A head's circuits are as large as the residual stream, or the vocabulary, but have at most as many directions as the
/// head is wide. Norm, singular values and eigenvalues come from the factors, in `O((rows + columns) · inner²)`.
///
/// ```
/// use qkv_inspect::{Circuit, Matrix};
///
/// let w_v = Matrix::new(3, 1, vec![1.0, 2.0, 2.0])?;
/// let w_o = Matrix::new(1, 3, vec![4.0, 0.0, 3.0])?;
/// let ov = Circuit::new(w_v, w_o)?;
/// assert_eq!(ov.product().row(1), [8.0, 0.0, 6.0]);
/// assert_eq!(ov.spectrum()?.rank(), 1);
/// assert!((ov.norm() - 15.0).abs() < 1e-12);
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Circuit {
    left: Matrix,
    right: Matrix,
}

impl Circuit {
    /// `left · right`
    ///
    /// # Errors
    /// If `left` has not as many columns as `right` has rows.
    pub fn new(left: Matrix, right: Matrix) -> Result<Self, InspectError> {
        fits(&left, &right)?;
        Ok(Self { left, right })
    }

    /// The factors, `[rows, inner]` and `[inner, columns]`.
    pub fn factors(&self) -> [&Matrix; 2] {
        [&self.left, &self.right]
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.left.rows()
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.right.columns()
    }

    /// The whole matrix, `[rows, columns]`.
    pub fn product(&self) -> Matrix {
        self.left.multiply(&self.right)
    }

    /// The same map read backwards, `rightᵀ · leftᵀ`.
    pub fn transpose(&self) -> Self {
        Self { left: self.right.transpose(), right: self.left.transpose() }
    }

    /// `inputs · self`: what each row of `inputs` becomes, `[n_inputs, columns]`.
    ///
    /// # Errors
    /// If `inputs` has not as many columns as this has rows.
    pub fn of_inputs(&self, inputs: &Matrix) -> Result<Self, InspectError> {
        fits(inputs, &self.left)?;
        Ok(Self { left: inputs.multiply(&self.left), right: self.right.clone() })
    }

    /// `self · outputs`: what is seen through the columns of `outputs`, `[rows, n_outputs]`.
    ///
    /// # Errors
    /// If `outputs` has not as many rows as this has columns.
    pub fn onto_outputs(&self, outputs: &Matrix) -> Result<Self, InspectError> {
        fits(&self.right, outputs)?;
        Ok(Self { left: self.left.clone(), right: self.right.multiply(outputs) })
    }

    /// `self · next`: one circuit after the other, with the smaller of the two inner widths.
    ///
    /// # Errors
    /// If `next` has not as many rows as this has columns.
    pub fn then(&self, next: &Self) -> Result<Self, InspectError> {
        fits(&self.right, &next.left)?;
        let middle = self.right.multiply(&next.left);
        Ok(match middle.rows() < middle.columns() {
            true => Self { left: self.left.clone(), right: middle.multiply(&next.right) },
            false => Self { left: self.left.multiply(&middle), right: next.right.clone() },
        })
    }

    /// The same without the mean of each row, which a softmax over the row ignores.
    pub(crate) fn centred(&self) -> Self {
        let (n_columns, mut right) = (self.columns() as f64, Vec::with_capacity(self.right.values().len()));
        for row in 0..self.right.rows() {
            let row = self.right.row(row);
            let mean = row.iter().sum::<f64>() / n_columns;
            right.extend(row.iter().map(|x| x - mean));
        }
        let [down, across] = self.right.axes();
        let right = Matrix::new(self.right.rows(), self.columns(), right).expect("as many values as before");
        Self { left: self.left.clone(), right: right.with_axes(down, across) }
    }

    /// The columns at `chosen`, in this order, at least one.
    ///
    /// # Panics
    /// If there is no such column.
    pub(crate) fn with_columns(&self, chosen: &[usize]) -> Self {
        let row = |row: usize| chosen.iter().map(move |&column| self.right.at(row, column));
        let values = (0..self.right.rows()).flat_map(row).collect();
        let [down, across] = self.right.axes();
        let right = Matrix::new(self.right.rows(), chosen.len(), values).expect("a value for each of them");
        Self { left: self.left.clone(), right: right.with_axes(down, across) }
    }

    /// Names the axes of the product.
    pub(crate) fn with_axes(self, rows: &'static str, columns: &'static str) -> Self {
        let [_, left] = self.left.axes();
        let [right, _] = self.right.axes();
        Self { left: self.left.with_axes(rows, left), right: self.right.with_axes(right, columns) }
    }

    /// Frobenius norm of the product; NaN where a value of a factor is NaN or infinite.
    pub fn norm(&self) -> f64 {
        self.core().map_or(f64::NAN, |(core, scales)| core.norm() * scales[0] * scales[1])
    }

    /// Singular values of the product, `min(rows, columns)` of them.
    ///
    /// # Errors
    /// If a value is NaN or infinite, or the iteration does not settle within a bound.
    pub fn spectrum(&self) -> Result<Spectrum, InspectError> {
        let (core, scales) = self.core()?;
        Ok(core.spectrum()?.within(self.rows(), self.columns(), scales[0] * scales[1]))
    }

    /// Eigenvalues of the product, which must be square. Those of `left · right` and of the small `right · left` are
    /// the same but for zeros.
    ///
    /// # Errors
    /// As [`Matrix::eigenvalues`].
    pub fn eigenvalues(&self) -> Result<Eigenvalues, InspectError> {
        let (rows, columns) = (self.rows(), self.columns());
        if rows != columns {
            return Err(InspectError::NotSquare { rows, columns });
        }
        match self.right.rows() < rows {
            true => Ok(self.right.multiply(&self.left).eigenvalues()?.within(rows)),
            false => self.product().eigenvalues(),
        }
    }

    /// A small matrix with the norm and the singular values of the product: with `left = Q_1 R_1` and
    /// `rightᵀ = Q_2 R_2` it is `R_1 R_2ᵀ`, because orthonormal columns change neither. Beside it that by which each
    /// factor was divided.
    fn core(&self) -> Result<(Matrix, [f64; 2]), InspectError> {
        let (left, left_scale) = self.left.finite()?;
        let (right, right_scale) = self.right.finite()?;
        let core = triangle(left) * triangle(right.transpose()).transpose();
        Ok((Matrix::from_nalgebra(&core)?, [left_scale, right_scale]))
    }
}

impl LayerWeights {
    /// What attends to what: `score(x_i, x_j) ∝ x_i W_Q W_Kᵀ x_jᵀ`, so `W_Q W_Kᵀ`, `[d_in, d_in]`
    /// ([Elhage et al. 2021, QK circuit](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// Unlike its factors it does not depend on the basis in which queries and keys meet. It is the whole score only
    /// for dot products without rotary positions and without biases. `None` unless both matrices are there with the
    /// same `d_k`.
    ///
    /// # Panics
    /// If there is no such head.
    pub fn qk(&self, head: usize) -> Option<Circuit> {
        let (w_q, w_k) = (self.heads[head].w_q.as_ref()?, self.heads[head].w_k.as_ref()?);
        let left = w_q.clone().with_axes("d_in of the query", "d_k");
        Circuit::new(left, w_k.transpose().with_axes("d_k", "d_in of the key")).ok()
    }

    /// What is handed over once attended to: `W_V W_O`, `[d_in, d_out]`
    /// ([Elhage et al. 2021, OV circuit](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// Without W_O the heads' outputs stand side by side: W_O is then this head's rows of the identity, and `d_out` is
    /// `n_heads · d_v`. `None` where W_V is missing or has another `d_v`.
    ///
    /// # Panics
    /// If there is no such head.
    pub fn ov(&self, head: usize) -> Option<Circuit> {
        let w_v = self.heads[head].w_v.as_ref()?;
        let w_o = match &self.heads[head].w_o {
            Some(w_o) => w_o.clone(),
            None => side_by_side(w_v.columns(), self.heads.len(), head),
        };
        Circuit::new(w_v.clone(), w_o).ok()
    }
}

fn side_by_side(d_v: usize, n_heads: usize, head: usize) -> Matrix {
    let mut values = vec![0.0; d_v * n_heads * d_v];
    for row in 0..d_v {
        values[row * n_heads * d_v + head * d_v + row] = 1.0;
    }
    Matrix::new(d_v, n_heads * d_v, values)
        .expect("as many values as it was made with")
        .with_axes("d_v", "d_out")
}

fn fits(left: &Matrix, right: &Matrix) -> Result<(), InspectError> {
    match left.columns() == right.rows() {
        true => Ok(()),
        false => Err(InspectError::SizesDoNotFit {
            left: left.size(),
            right: right.size(),
            expected: "to multiply them, the first must have as many columns as the second has rows",
        }),
    }
}

/// `R` of `matrix = Q R`, or the matrix itself where it is wider than tall.
fn triangle(matrix: DMatrix<f64>) -> DMatrix<f64> {
    match matrix.nrows() > matrix.ncols() {
        true => QR::new(matrix).unpack_r(),
        false => matrix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::layers::layers;
    use crate::fixtures::weights;

    #[test]
    fn without_w_o_a_head_writes_into_its_own_columns() -> Result<(), InspectError> {
        let weights = weights(&[("w_v", &[1, 4], vec![1.0, 2.0, 3.0, 4.0]), ("w_q", &[1, 4], vec![1.0; 4])]);
        let layer = &layers(&weights, 2)?[0];
        let written = [0, 1].map(|head| layer.ov(head).map(|ov| ov.product().values().to_vec()));
        assert_eq!(written, [Some(vec![1.0, 2.0, 0.0, 0.0]), Some(vec![0.0, 0.0, 3.0, 4.0])]);
        assert_eq!(layer.qk(0), None);
        Ok(())
    }

    #[test]
    fn rows_lose_their_mean_and_columns_are_chosen_in_order() -> Result<(), InspectError> {
        let circuit =
            Circuit::new(Matrix::new(2, 1, vec![1.0, 2.0])?, Matrix::new(1, 3, vec![1.0, 2.0, 6.0])?)?;
        assert_eq!(circuit.centred().product().values(), [-2.0, -1.0, 3.0, -4.0, -2.0, 6.0]);
        assert_eq!(circuit.with_columns(&[2, 0]).product().values(), [6.0, 1.0, 12.0, 2.0]);
        Ok(())
    }

    #[test]
    fn factors_that_do_not_meet_are_refused_with_the_numbers() -> Result<(), InspectError> {
        let (tall, wide) = (Matrix::new(3, 2, vec![1.0; 6])?, Matrix::new(1, 3, vec![1.0; 3])?);
        let message = Circuit::new(tall.clone(), wide.clone()).expect_err("2 and 1").to_string();
        assert!(message.starts_with("a 3x2 matrix does not fit a 1x3 one; to multiply"), "{message}");
        let circuit = Circuit::new(wide, tall)?;
        assert!(circuit.of_inputs(&Matrix::new(1, 2, vec![1.0; 2])?).is_err());
        assert!(circuit.onto_outputs(&Matrix::new(1, 2, vec![1.0; 2])?).is_err());
        Ok(())
    }

    #[test]
    fn a_diverged_factor_is_not_hidden_by_the_product() -> Result<(), InspectError> {
        let circuit = Circuit::new(Matrix::new(1, 1, vec![f64::NAN])?, Matrix::new(1, 1, vec![0.0])?)?;
        assert!(circuit.norm().is_nan());
        assert!(matches!(circuit.spectrum(), Err(InspectError::NotFinite { count: 1, total: 1 })));
        let zero = Circuit::new(Matrix::new(3, 1, vec![0.0; 3])?, Matrix::new(1, 2, vec![1.0; 2])?)?;
        assert_eq!((zero.norm(), zero.spectrum()?.values()), (0.0, &[0.0, 0.0][..]));
        Ok(())
    }
}

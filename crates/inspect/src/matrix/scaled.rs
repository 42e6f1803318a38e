//! Values near one, so that no product of them overflows.

use nalgebra::DMatrix;

use crate::error::InspectError;
use crate::matrix::dense::Matrix;

/// The matrix with a largest magnitude of one, and what it was divided by.
pub(crate) fn finite(matrix: &Matrix) -> Result<(DMatrix<f64>, f64), InspectError> {
    let count = matrix.values().iter().filter(|x| !x.is_finite()).count();
    if count > 0 {
        return Err(InspectError::NotFinite { count, total: matrix.values().len() });
    }
    let largest = matrix.values().iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let scale = if largest == 0.0 { 1.0 } else { largest };
    let values = matrix.values().iter().map(|x| x / scale);
    Ok((DMatrix::from_row_iterator(matrix.rows(), matrix.columns(), values), scale))
}

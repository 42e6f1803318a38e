//! A singular value decomposition with its vectors.

use nalgebra::{DMatrix, SymmetricEigen};

use crate::error::InspectError;

/// The implicit QR iteration takes about two steps an eigenvalue; this bound is far beyond that, and ends a cycle.
const STEPS_PER_VALUE: usize = 100;

/// `A = Σ_k u_k σ_k v_kᵀ`, largest first.
pub(crate) struct Decomposition {
    /// Columns `u_k √σ_k`.
    pub left: DMatrix<f64>,
    /// Columns `v_k √σ_k`.
    pub right: DMatrix<f64>,
}

/// Decomposes `a`, `[rows, columns]`, into `min(rows, columns)` terms, which are eigenvectors
/// ([Golub & Van Loan 2013, section 8.6.1](https://doi.org/10.56021/9781421407944)):
///
/// ```text
/// [0  A; Aᵀ  0] [u_k; v_k] = σ_k [u_k; v_k]
/// ```
///
/// nalgebra's own singular vectors are wrong for some singular 2x2 matrices; its singular values, which are all that a
/// spectrum needs, are right.
///
/// # Errors
/// If the iteration does not settle within a bound.
pub(crate) fn decompose(a: &DMatrix<f64>) -> Result<Decomposition, InspectError> {
    let (rows, columns) = a.shape();
    let mut symmetric = DMatrix::zeros(rows + columns, rows + columns);
    symmetric.view_mut((0, rows), (rows, columns)).copy_from(a);
    symmetric.view_mut((rows, 0), (columns, rows)).copy_from(&a.transpose());
    let iterations = STEPS_PER_VALUE * (rows + columns);
    let failed = InspectError::NoConvergence { values: "singular vectors", rows, columns, iterations };
    let found = SymmetricEigen::try_new(symmetric, f64::EPSILON, iterations).ok_or(failed)?;
    let mut order: Vec<usize> = (0..rows + columns).collect();
    order.sort_by(|&i, &j| found.eigenvalues[j].total_cmp(&found.eigenvalues[i]));
    // Both halves of an eigenvector have the length 1/√2.
    let scaled = |row: usize, k: usize| {
        found.eigenvectors[(row, order[k])] * (2.0 * found.eigenvalues[order[k]].max(0.0)).sqrt()
    };
    let terms = rows.min(columns);
    Ok(Decomposition {
        left: DMatrix::from_fn(rows, terms, scaled),
        right: DMatrix::from_fn(columns, terms, |row, k| scaled(rows + row, k)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: usize, columns: usize, values: &[f64]) {
        let a = DMatrix::from_row_slice(rows, columns, values);
        let Decomposition { left, right } = decompose(&a).expect("it settles");
        let error = (&left * right.transpose() - &a).norm();
        assert!(error <= 1e-14 * a.norm(), "{error} on {a}");
        let (u, v) = (left.transpose() * &left, right.transpose() * &right);
        assert!((&u - &v).norm() <= 1e-14 * a.norm(), "{u} is not {v}");
        let off = &u - DMatrix::from_diagonal(&u.diagonal());
        assert!(off.norm() <= 1e-14 * a.norm(), "{u} is not diagonal");
    }

    #[test]
    fn the_parts_make_up_the_matrix() {
        check(2, 2, &[3.0, 4.0, 0.0, 5.0]);
        check(1, 3, &[1.0, 2.0, 2.0]);
        check(3, 1, &[1.0, 2.0, 2.0]);
        check(2, 2, &[0.0; 4]);
        check(3, 3, &[2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0]);
        let values: Vec<f64> = (0..24 * 17).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
        check(24, 17, &values);
        check(17, 24, &values);
    }

    #[test]
    fn singular_2x2_matrices_that_nalgebra_gets_wrong() {
        check(2, 2, &[0.0, 1.0, 0.0, 2.0]);
        check(2, 2, &[1.0, 1.0, 1.0, 1.0]);
        check(2, 2, &[0.0, 1.622, 0.0, 0.0]);
        check(2, 2, &[0.0, 0.0, 1e-160, 1.0]);
    }
}

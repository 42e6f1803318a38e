//! A singular value decomposition with its vectors.

use nalgebra::DMatrix;

/// Sweeps over all pairs of columns. Convergence is quadratic in the end and takes fewer than ten; this ends a cycle.
pub(crate) const MAX_SWEEPS: usize = 60;

/// `A = Σ_k u_k σ_k v_kᵀ`, largest first.
pub(crate) struct Decomposition {
    /// Columns `u_k √σ_k`.
    pub left: DMatrix<f64>,
    /// Columns `v_k √σ_k`.
    pub right: DMatrix<f64>,
}

/// Decomposes `a`, `[rows, columns]`, into `min(rows, columns)` terms, by one-sided Jacobi rotations
/// ([Golub & Van Loan 2013, section 8.6.3](https://doi.org/10.56021/9781421407944)): columns are turned against each
/// other until they are orthogonal. `None` where they do not become so.
///
/// The vectors of nalgebra's own decomposition are wrong for some singular 2x2 matrices; its values, which are all that
/// a spectrum needs, are right.
pub(crate) fn decompose(a: &DMatrix<f64>) -> Option<Decomposition> {
    let (mut u, mut v) = (a.clone(), DMatrix::identity(a.ncols(), a.ncols()));
    // Below this, a column is what rounding left of one that should be zero, and has no direction.
    let rounding = f64::EPSILON * a.norm();
    (0..MAX_SWEEPS).find(|_| !sweep(&mut u, &mut v, rounding))?;
    let sigmas: Vec<f64> = u.column_iter().map(|column| column.norm()).collect();
    let mut order: Vec<usize> = (0..a.ncols()).collect();
    order.sort_by(|&i, &j| sigmas[j].total_cmp(&sigmas[i]));
    order.truncate(a.nrows().min(a.ncols()));
    let root = |k: usize| sigmas[k].sqrt();
    // A column of U is u σ; one without length has no direction and stays zero.
    let divisor = |k: usize| if sigmas[k] == 0.0 { 1.0 } else { root(k) };
    Some(Decomposition {
        left: DMatrix::from_fn(a.nrows(), order.len(), |i, k| u[(i, order[k])] / divisor(order[k])),
        right: DMatrix::from_fn(a.ncols(), order.len(), |i, k| v[(i, order[k])] * root(order[k])),
    })
}

/// Turns every pair of columns once; whether one of them had to be turned.
fn sweep(u: &mut DMatrix<f64>, v: &mut DMatrix<f64>, rounding: f64) -> bool {
    let n = u.nrows().max(u.ncols()) as f64;
    let mut turned = false;
    for i in 0..u.ncols() {
        for j in i + 1..u.ncols() {
            let (alpha, beta) = (u.column(i).norm_squared(), u.column(j).norm_squared());
            let gamma = u.column(i).dot(&u.column(j));
            if gamma.abs() <= n * (f64::EPSILON * (alpha * beta).sqrt()).max(rounding * rounding) {
                continue;
            }
            turned = true;
            let zeta = (beta - alpha) / (2.0 * gamma);
            let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
            let c = 1.0 / t.hypot(1.0);
            for matrix in [&mut *u, &mut *v] {
                rotate(matrix, i, j, c, c * t);
            }
        }
    }
    turned
}

fn rotate(matrix: &mut DMatrix<f64>, i: usize, j: usize, c: f64, s: f64) {
    for row in 0..matrix.nrows() {
        let (x, y) = (matrix[(row, i)], matrix[(row, j)]);
        matrix[(row, i)] = c * x - s * y;
        matrix[(row, j)] = s * x + c * y;
    }
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

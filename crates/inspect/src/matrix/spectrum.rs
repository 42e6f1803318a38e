//! Singular values, and what they say about how many directions a matrix uses.

use nalgebra::SVD;

use crate::error::InspectError;
use crate::matrix::dense::Matrix;

/// The implicit QR iteration takes about two steps a singular value; this bound is far beyond that, and ends a cycle.
const STEPS_PER_VALUE: usize = 100;

/// How far `Σ σ²` may lie from `‖W‖²`: the rounding of some thousand f64 rotations with room to spare.
const CHECK: f64 = 1e-9;

/// The singular values of a matrix, largest first.
///
/// ```
/// use qkv_inspect::Matrix;
///
/// let spectrum = Matrix::new(2, 2, vec![3.0, 0.0, 0.0, -2.0])?.spectrum()?;
/// assert_eq!(spectrum.values(), [3.0, 2.0]);
/// assert_eq!(spectrum.rank(), 2);
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    values: Vec<f64>,
    longer_side: usize,
}

impl Matrix {
    /// Singular values of the matrix.
    ///
    /// # Errors
    /// If a value is NaN or infinite, or the iteration does not settle within a bound.
    pub fn spectrum(&self) -> Result<Spectrum, InspectError> {
        let (matrix, scale) = self.finite()?;
        let (rows, columns) = (self.rows(), self.columns());
        let iterations = STEPS_PER_VALUE * rows.min(columns);
        let square = matrix.norm_squared();
        let svd = SVD::try_new(matrix, false, false, 5.0 * f64::EPSILON, iterations)
            .filter(|svd| (svd.singular_values.norm_squared() - square).abs() <= CHECK * square)
            .ok_or(InspectError::NoConvergence { values: "singular values", rows, columns, iterations })?;
        let values = svd.singular_values.iter().map(|x| x * scale).collect();
        Ok(Spectrum { values, longer_side: rows.max(columns) })
    }
}

impl Spectrum {
    /// The same singular values, times `scale`, for a matrix of `rows` and `columns` that has no others but zeros.
    pub(crate) fn within(self, rows: usize, columns: usize, scale: f64) -> Self {
        let mut values: Vec<f64> = self.values.iter().map(|x| x * scale).collect();
        values.resize(rows.min(columns), 0.0);
        Self { values, longer_side: rows.max(columns) }
    }

    /// All singular values, largest first; as many as the shorter side is long.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The `k` largest, or all where there are fewer.
    pub fn top(&self, k: usize) -> &[f64] {
        &self.values[..k.min(self.values.len())]
    }

    /// Numerical rank: how many singular values stand out of the rounding of f32, in which weights are trained.
    ///
    /// ```text
    /// rank = #{ i : σ_i > max(rows, columns) · 2⁻²³ · σ_1 }
    /// ```
    ///
    /// The threshold is that of
    /// [`numpy.linalg.matrix_rank`](https://numpy.org/doc/stable/reference/generated/numpy.linalg.matrix_rank.html).
    pub fn rank(&self) -> usize {
        let threshold = self.longer_side as f64 * f64::from(f32::EPSILON) * self.values[0];
        self.values.iter().filter(|&&x| x > threshold).count()
    }

    /// Effective rank
    /// ([Roy & Vetterli 2007](https://www.eurasip.org/Proceedings/Eusipco/Eusipco2007/Papers/a5p-h05.pdf)): how many
    /// directions carry weight, between 1 and the rank. Zero where the matrix is.
    ///
    /// ```text
    /// p_i = σ_i / Σ σ      effective rank = exp(−Σ p_i ln p_i)
    /// ```
    pub fn effective_rank(&self) -> f64 {
        if self.values[0] == 0.0 {
            return 0.0;
        }
        // Relative to the largest, so that the sum of large values cannot overflow.
        let relative: Vec<f64> = self.values.iter().map(|x| x / self.values[0]).collect();
        let sum: f64 = relative.iter().sum();
        let entropy: f64 = relative.iter().map(|x| x / sum).filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum();
        entropy.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: usize, columns: usize, values: &[f64], expected: &[f64], rank: usize) {
        let spectrum = Matrix::new(rows, columns, values.to_vec()).and_then(|m| m.spectrum());
        let spectrum = spectrum.expect("finite and tiny");
        assert_eq!(spectrum.values().len(), expected.len());
        for (got, expected) in spectrum.values().iter().zip(expected) {
            // f64 rounding of a handful of rotations.
            assert!((got - expected).abs() <= 1e-14 * expected.max(1.0), "{got} is not {expected}");
        }
        assert_eq!(spectrum.rank(), rank);
    }

    #[test]
    fn singular_values_agree_with_those_worked_out_by_hand() {
        check(2, 2, &[3.0, 0.0, 0.0, -2.0], &[3.0, 2.0], 2);
        // W Wᵀ = [[25, 20], [20, 25]] has the eigenvalues 45 and 5.
        check(2, 2, &[3.0, 4.0, 0.0, 5.0], &[45f64.sqrt(), 5f64.sqrt()], 2);
        check(1, 2, &[3.0, 4.0], &[5.0], 1);
        // An outer product: [1, 2, 2]ᵀ [2, 1, 2, 4] has the lengths 3 and 5.
        let outer: Vec<f64> =
            [1.0, 2.0, 2.0].iter().flat_map(|a| [2.0, 1.0, 2.0, 4.0].map(|b| a * b)).collect();
        check(3, 4, &outer, &[15.0, 0.0, 0.0], 1);
        check(2, 3, &[0.0; 6], &[0.0, 0.0], 0);
    }

    #[test]
    fn the_rank_does_not_see_what_f32_cannot() {
        // The threshold for two rows is 2 · 2⁻²³.
        for (times, rank) in [(1.9, 1), (2.1, 2)] {
            let small = times * f64::from(f32::EPSILON);
            check(2, 2, &[1.0, 0.0, 0.0, small], &[1.0, small], rank);
        }
    }

    #[test]
    fn the_effective_rank_of_an_identity_is_its_size() -> Result<(), InspectError> {
        for n in [1, 2, 7, 13] {
            let identity = (0..n * n).map(|i| f64::from(u8::from(i % (n + 1) == 0))).collect();
            let spectrum = Matrix::new(n, n, identity)?.spectrum()?;
            assert!((spectrum.effective_rank() - n as f64).abs() < 1e-12);
        }
        // p = (3/4, 1/4): exp(−3/4 ln 3/4 − 1/4 ln 1/4) = 4 / 3^(3/4).
        let spectrum = Matrix::new(2, 2, vec![3.0, 0.0, 0.0, 1.0])?.spectrum()?;
        assert!((spectrum.effective_rank() - 4.0 / 3f64.powf(0.75)).abs() < 1e-14);
        assert_eq!(Matrix::new(1, 1, vec![0.0])?.spectrum()?.effective_rank(), 0.0);
        Ok(())
    }

    #[test]
    fn squares_of_the_singular_values_add_up_to_the_norm() -> Result<(), InspectError> {
        for (rows, columns) in [(5, 3), (3, 5), (31, 31), (64, 17), (17, 64)] {
            let values = (0..rows * columns).map(|i| ((i * i + 7) as f64 * 0.731).sin()).collect();
            let matrix = Matrix::new(rows, columns, values)?;
            let sum: f64 = matrix.spectrum()?.values().iter().map(|x| x * x).sum();
            assert!((sum.sqrt() - matrix.norm()).abs() < 1e-11);
        }
        Ok(())
    }

    #[test]
    fn huge_and_tiny_matrices_have_a_spectrum_too() {
        check(1, 2, &[3e300, 4e300], &[5e300], 1);
        check(2, 1, &[3e-310, 4e-310], &[5e-310], 1);
    }

    #[test]
    fn what_is_not_finite_has_no_singular_values() -> Result<(), InspectError> {
        let matrix = Matrix::new(2, 2, vec![1.0, f64::NAN, f64::INFINITY, 0.0])?;
        assert!(matches!(matrix.spectrum(), Err(InspectError::NotFinite { count: 2, total: 4 })));
        Ok(())
    }
}

//! Eigenvalues: whether a circuit that writes where it reads gives back what it was given.

use std::cmp::Reverse;

use nalgebra::{Complex, DMatrix};

use crate::error::InspectError;
use crate::matrix::dense::Matrix;

/// The shifted QR iteration takes two or three steps an eigenvalue; this bound is far beyond that, and ends a cycle.
const STEPS_PER_VALUE: usize = 100;

/// After so many steps on one eigenvalue the shift is replaced by one that no symmetry of the matrix can have made.
const EXCEPTIONAL_EVERY: usize = 10;

/// How far `Σ λ` may lie from the trace, relative to `n · ‖M‖`: the rounding of some thousand rotations.
const CHECK: f64 = 1e-10;

/// The eigenvalues of a square matrix, largest magnitude first.
///
/// ```
/// use qkv_inspect::Matrix;
///
/// // A quarter turn has the eigenvalues i and -i: nothing is copied, nothing is inverted.
/// let turn = Matrix::new(2, 2, vec![0.0, 1.0, -1.0, 0.0])?.eigenvalues()?;
/// assert_eq!(turn.copying_score(), Some(0.0));
/// let copy = Matrix::new(2, 2, vec![3.0, 1.0, 0.0, 2.0])?.eigenvalues()?;
/// assert_eq!(copy.copying_score(), Some(1.0));
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Eigenvalues {
    values: Vec<Eigenvalue>,
}

/// One eigenvalue, `re + im · i`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eigenvalue {
    /// Real part.
    pub re: f64,
    /// Imaginary part; exactly zero where it is within the rounding.
    pub im: f64,
}

impl Eigenvalue {
    /// `|λ|`
    pub fn magnitude(&self) -> f64 {
        self.re.hypot(self.im)
    }
}

impl Eigenvalues {
    /// The same eigenvalues for a matrix of `rows` rows that has no others but zeros.
    pub(crate) fn within(self, rows: usize) -> Self {
        let mut values = self.values;
        values.resize(rows, Eigenvalue { re: 0.0, im: 0.0 });
        Self { values: sorted(values) }
    }

    /// All of them, as many as the matrix has rows.
    pub fn values(&self) -> &[Eigenvalue] {
        &self.values
    }

    /// How much of the map is positive, from -1 to 1: the copying score
    /// ([Elhage et al. 2021, "Summarizing OV/QK matrices"
    /// ](https://transformer-circuits.pub/2021/framework/index.html)).
    ///
    /// ```text
    /// Σ Re λ / Σ |λ|
    /// ```
    ///
    /// Near 1 a token raises its own logit (the OV circuit, from tokens to tokens) or its own score (the QK circuit).
    /// `None` where every eigenvalue is zero.
    pub fn copying_score(&self) -> Option<f64> {
        let largest = self.values.first()?.magnitude();
        let sum = |part: fn(&Eigenvalue) -> f64| self.values.iter().map(|v| part(v) / largest).sum::<f64>();
        (largest > 0.0).then(|| (sum(|v| v.re) / sum(Eigenvalue::magnitude)).clamp(-1.0, 1.0))
    }
}

impl Matrix {
    /// Eigenvalues of a square matrix.
    ///
    /// # Errors
    /// If it is not square, a value is NaN or infinite, or the iteration does not settle within a bound.
    pub fn eigenvalues(&self) -> Result<Eigenvalues, InspectError> {
        let (rows, columns) = (self.rows(), self.columns());
        if rows != columns {
            return Err(InspectError::NotSquare { rows, columns });
        }
        let (matrix, scale) = self.finite()?;
        let (trace, square) = (matrix.trace(), (&matrix * &matrix).trace());
        let (norm, n) = (matrix.norm(), rows as f64);
        let agrees = |found: &Vec<Complex<f64>>| {
            let sum: Complex<f64> = found.iter().sum();
            let squares: Complex<f64> = found.iter().map(|x| x * x).sum();
            let error = (sum - trace).norm() / norm.max(1.0);
            error + (squares - square).norm() / (norm * norm).max(1.0) <= CHECK * n
        };
        let iterations = STEPS_PER_VALUE * rows;
        let found = hessenberg_eigenvalues(matrix).filter(agrees).ok_or(InspectError::NoConvergence {
            values: "eigenvalues",
            rows,
            columns,
            iterations,
        })?;
        let real = n * f64::EPSILON * norm;
        let values = found.into_iter().map(|x| Eigenvalue {
            re: x.re * scale,
            im: if x.im.abs() <= real { 0.0 } else { x.im * scale },
        });
        Ok(Eigenvalues { values: sorted(values.collect()) })
    }
}

/// By magnitude, real part and imaginary part, each as far as rounding leaves them, so that conjugates stand together.
fn sorted(mut values: Vec<Eigenvalue>) -> Vec<Eigenvalue> {
    const DIGITS: f64 = 1e10;
    let largest = values.iter().fold(0.0f64, |most, v| most.max(v.magnitude()));
    let coarse = |x: f64| if largest > 0.0 { (x / largest * DIGITS).round() as i64 } else { 0 };
    values.sort_by_key(|v| [v.magnitude(), v.re, v.im].map(|x| Reverse(coarse(x))));
    values
}

/// The eigenvalues by the single-shift QR iteration in complex arithmetic
/// ([Golub & Van Loan 2013, section 7.5](https://doi.org/10.56021/9781421407944)). The real double-shift iteration of
/// nalgebra has no exceptional shifts and never ends on a cyclic permutation.
fn hessenberg_eigenvalues(matrix: DMatrix<f64>) -> Option<Vec<Complex<f64>>> {
    let n = matrix.nrows();
    let hessenberg = if n > 2 { matrix.hessenberg().unpack_h() } else { matrix };
    let tiny = f64::EPSILON * hessenberg.norm() / n as f64;
    let mut h = hessenberg.map(|x| Complex::new(x, 0.0));
    let (mut last, mut steps) = (n - 1, 0);
    while last > 0 {
        let first = block_start(&mut h, last, tiny);
        if first == last {
            (last, steps) = (last - 1, 0);
            continue;
        }
        steps += 1;
        if steps > STEPS_PER_VALUE * n {
            return None;
        }
        let shift = match steps % EXCEPTIONAL_EVERY {
            0 => h[(last, last)] + Complex::new(1.5 * h[(last, last - 1)].norm(), h[(last, last - 1)].norm()),
            _ => shift(&h, last),
        };
        qr_step(&mut h, first, last, shift);
    }
    Some(h.diagonal().iter().copied().collect())
}

/// Where the unreduced block that ends at `last` begins; what is negligible below the diagonal becomes zero.
fn block_start(h: &mut DMatrix<Complex<f64>>, last: usize, tiny: f64) -> usize {
    for row in (1..=last).rev() {
        let beside = h[(row, row)].norm() + h[(row - 1, row - 1)].norm();
        if h[(row, row - 1)].norm() <= tiny.max(f64::EPSILON * beside) {
            h[(row, row - 1)] = Complex::ZERO;
            return row;
        }
    }
    0
}

/// Wilkinson's shift: the eigenvalue of the last 2x2 block that lies nearer to its corner.
fn shift(h: &DMatrix<Complex<f64>>, last: usize) -> Complex<f64> {
    let (a, d) = (h[(last - 1, last - 1)], h[(last, last)]);
    let half = (a - d) / 2.0;
    let root = (half * half + h[(last - 1, last)] * h[(last, last - 1)]).sqrt();
    let middle = (a + d) / 2.0;
    let both = [middle + root, middle - root];
    if (both[0] - d).norm() < (both[1] - d).norm() { both[0] } else { both[1] }
}

/// `H - μ = Q R`, then `R Q + μ`, on the block from `first` to `last`.
fn qr_step(h: &mut DMatrix<Complex<f64>>, first: usize, last: usize, shift: Complex<f64>) {
    for i in first..=last {
        h[(i, i)] -= shift;
    }
    let mut rotations = Vec::with_capacity(last - first);
    for i in first..last {
        let (a, b) = (h[(i, i)], h[(i + 1, i)]);
        let length = a.norm().hypot(b.norm());
        let (c, s) = if length == 0.0 { (Complex::ONE, Complex::ZERO) } else { (a / length, b / length) };
        for column in i..=last {
            let (x, y) = (h[(i, column)], h[(i + 1, column)]);
            h[(i, column)] = c.conj() * x + s.conj() * y;
            h[(i + 1, column)] = c * y - s * x;
        }
        rotations.push((c, s));
    }
    for (i, (c, s)) in (first..last).zip(rotations) {
        for row in first..=(i + 2).min(last) {
            let (x, y) = (h[(row, i)], h[(row, i + 1)]);
            h[(row, i)] = x * c + y * s;
            h[(row, i + 1)] = y * c.conj() - x * s.conj();
        }
    }
    for i in first..=last {
        h[(i, i)] += shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(n: usize, values: &[f64], expected: &[(f64, f64)]) {
        let matrix = Matrix::new(n, n, values.to_vec()).expect("square");
        let found = matrix.eigenvalues().expect("finite and tiny");
        assert_eq!(found.values().len(), expected.len());
        for (got, &(re, im)) in found.values().iter().zip(expected) {
            // Rounding of a handful of rotations; simple eigenvalues of well-conditioned matrices.
            let close = (got.re - re).abs() < 1e-13 && (got.im - im).abs() < 1e-13;
            assert!(close, "{got:?} is not {re} + {im}i");
        }
    }

    #[test]
    fn eigenvalues_agree_with_those_worked_out_by_hand() {
        check(1, &[-7.0], &[(-7.0, 0.0)]);
        check(2, &[2.0, 1.0, 1.0, 2.0], &[(3.0, 0.0), (1.0, 0.0)]);
        check(2, &[1.0, -2.0, 2.0, 1.0], &[(1.0, 2.0), (1.0, -2.0)]);
        // Triangular: the diagonal.
        check(3, &[1.0, 5.0, 6.0, 0.0, -4.0, 7.0, 0.0, 0.0, 2.0], &[(-4.0, 0.0), (2.0, 0.0), (1.0, 0.0)]);
        check(3, &[0.0; 9], &[(0.0, 0.0); 3]);
    }

    #[test]
    fn a_cyclic_permutation_has_the_roots_of_one() {
        for n in [2, 3, 4, 5, 8, 13] {
            // The second form is a Hessenberg matrix already, and one that steps without a shift leave as it is.
            for from_to in [[0, 1], [1, 0]] {
                let entry = |i: usize| [i / n + from_to[0], i % n + from_to[1]].map(|at| at % n);
                let values: Vec<f64> =
                    (0..n * n).map(entry).map(|[a, b]| f64::from(u8::from(a == b))).collect();
                let found = Matrix::new(n, n, values).and_then(|m| m.eigenvalues()).expect("it settles");
                for k in 0..n {
                    let angle = std::f64::consts::TAU * k as f64 / n as f64;
                    let near = found.values().iter().map(|v| (v.re - angle.cos()).hypot(v.im - angle.sin()));
                    assert!(near.fold(f64::INFINITY, f64::min) < 1e-13, "n = {n}, root {k}");
                }
            }
        }
    }

    #[test]
    fn the_copying_score_goes_from_inverting_to_copying() -> Result<(), InspectError> {
        for (values, expected) in [
            ([1.0, 0.0, 0.0, 3.0], Some(1.0)),
            ([-1.0, 0.0, 0.0, -3.0], Some(-1.0)),
            ([1.0, 0.0, 0.0, -3.0], Some(-0.5)),
            ([3.0, -4.0, 4.0, 3.0], Some(0.6)),
            ([0.0; 4], None),
        ] {
            let share = Matrix::new(2, 2, values.to_vec())?.eigenvalues()?.copying_score();
            let close = share.zip(expected).is_none_or(|(got, expected)| (got - expected).abs() < 1e-15);
            assert!(close && share.is_some() == expected.is_some(), "{values:?} gave {share:?}");
        }
        Ok(())
    }

    #[test]
    fn only_square_and_finite_matrices_have_eigenvalues() -> Result<(), InspectError> {
        let error = Matrix::new(2, 3, vec![0.0; 6])?.eigenvalues();
        assert!(matches!(error, Err(InspectError::NotSquare { rows: 2, columns: 3 })));
        let error = Matrix::new(1, 1, vec![f64::INFINITY])?.eigenvalues();
        assert!(matches!(error, Err(InspectError::NotFinite { .. })));
        Ok(())
    }
}

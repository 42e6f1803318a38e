//! How far training moved a matrix from where it began.

use crate::error::InspectError;
use crate::matrix::dense::Matrix;

/// A matrix against itself before the first step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Movement {
    /// `‖W − W_0‖_F / ‖W_0‖_F`; `None` where `W_0` is zero.
    pub distance: Option<f64>,
    /// `⟨W, W_0⟩ / (‖W‖_F ‖W_0‖_F)`: 1 where only the length changed; `None` where one of the two is zero.
    pub cosine: Option<f64>,
}

impl Matrix {
    /// How far this matrix lies from `start`.
    ///
    /// ```
    /// use qkv_inspect::Matrix;
    ///
    /// let start = Matrix::new(1, 2, vec![3.0, 4.0])?;
    /// let moved = Matrix::new(1, 2, vec![6.0, 8.0])?.moved_from(&start)?;
    /// assert_eq!((moved.distance, moved.cosine), (Some(1.0), Some(1.0)));
    /// # Ok::<(), qkv_inspect::InspectError>(())
    /// ```
    ///
    /// # Errors
    /// If the sizes differ.
    pub fn moved_from(&self, start: &Self) -> Result<Movement, InspectError> {
        let (left, right) = (self.size(), start.size());
        if left != right {
            let expected = "to compare them, they must have the same size";
            return Err(InspectError::SizesDoNotFit { left, right, expected });
        }
        let pairs = || self.values().iter().zip(start.values());
        let difference = Matrix::new(self.rows(), self.columns(), pairs().map(|(x, y)| x - y).collect())?;
        let (here, there) = (self.norm(), start.norm());
        // Each factor is divided first, so that no product of large values overflows.
        let cosine = pairs().map(|(x, y)| (x / here) * (y / there)).sum::<f64>();
        Ok(Movement {
            distance: (there != 0.0).then(|| difference.norm() / there),
            // Rounding may carry it past one by a few units in the last place. `clamp` leaves NaN as it is.
            cosine: (here != 0.0 && there != 0.0).then(|| cosine.clamp(-1.0, 1.0)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(w: [f64; 2], start: [f64; 2], distance: Option<f64>, cosine: Option<f64>) {
        let matrix = |values: [f64; 2]| Matrix::new(2, 1, values.to_vec()).expect("two values");
        let moved = matrix(w).moved_from(&matrix(start)).expect("same size");
        let close = |got: Option<f64>, expected: Option<f64>| match (got, expected) {
            (Some(got), Some(expected)) => (got - expected).abs() < 1e-15,
            (got, expected) => got == expected,
        };
        assert!(close(moved.distance, distance) && close(moved.cosine, cosine), "{moved:?}");
    }

    #[test]
    fn movement_is_measured_in_lengths_of_the_start() {
        check([3.0, 4.0], [3.0, 4.0], Some(0.0), Some(1.0));
        check([-3.0, -4.0], [3.0, 4.0], Some(2.0), Some(-1.0));
        check([-4.0, 3.0], [3.0, 4.0], Some(2f64.sqrt()), Some(0.0));
        check([0.0, 0.0], [3.0, 4.0], Some(1.0), None);
        check([3.0, 4.0], [0.0, 0.0], None, None);
    }

    #[test]
    fn matrices_of_different_sizes_are_not_compared() -> Result<(), InspectError> {
        let error = Matrix::new(2, 3, vec![0.0; 6])?.moved_from(&Matrix::new(3, 2, vec![0.0; 6])?);
        let message = error.expect_err("transposed").to_string();
        assert!(message.starts_with("a 2x3 matrix does not fit a 3x2 one; to compare"), "{message}");
        Ok(())
    }
}

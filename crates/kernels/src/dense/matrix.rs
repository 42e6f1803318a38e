//! Matrix products by the `gemm` crate, behind checks.

use crate::parallel;
use crate::simd::Float;

/// Measured: nanoseconds for a multiplication and an addition.
const NS: f64 = 0.014;

/// A matrix in a slice, read through strides.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Row-major, `[values.len() / columns, columns]`.
    ///
    /// # Panics
    ///
    /// If the values are no whole number of rows.
    #[track_caller]
    pub fn new(values: &'a [T], columns: usize) -> Self {
        assert!(
            columns > 0 && values.len().is_multiple_of(columns),
            "{} values, rows of {columns}",
            values.len()
        );
        Self { values, rows: values.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same values, `[columns, rows]`.
    pub fn transposed(self) -> Self {
        let Self { values, rows, columns, row_stride, column_stride } = self;
        Self { values, rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride }
    }

    /// The product with `right`, row-major.
    ///
    /// ```
    /// use qkv_kernels::Matrix;
    ///
    /// let a = [1.0, 2.0, 3.0, 4.0]; // [2, 2]
    /// let b = [10.0, 1.0]; // [2, 1]
    /// let (a, b) = (Matrix::new(&a, 2), Matrix::new(&b, 1));
    /// assert_eq!(a.times(b), [12.0, 34.0]);
    /// assert_eq!(a.transposed().times(b), [13.0, 24.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// If there are not as many columns here as rows in `right`.
    #[track_caller]
    pub fn times(self, right: Matrix<'_, T>) -> Vec<T>
    where
        T: Float,
    {
        let len = self.rows * right.columns;
        if self.columns == 0 {
            return vec![T::ZERO; len];
        }
        let mut out = Vec::with_capacity(len);
        self.product(right, out.as_mut_ptr(), Target::Overwrite, Threads::WherePaid);
        // SAFETY: with something to sum over, `gemm` has written every entry of the product, and there are `len`.
        #[expect(unsafe_code)]
        unsafe {
            out.set_len(len);
        }
        out
    }

    /// Adds the product with `right` to `out`, row-major.
    ///
    /// # Panics
    ///
    /// If the sizes do not fit each other.
    #[track_caller]
    pub fn add_times(self, right: Matrix<'_, T>, out: &mut [T])
    where
        T: Float,
    {
        self.check_out(&right, out);
        self.product(right, out.as_mut_ptr(), Target::Add, Threads::WherePaid);
    }

    /// Writes the product with `right` over `out`, or adds it there, on the calling thread alone.
    #[track_caller]
    pub(crate) fn write_here(self, right: Matrix<'_, T>, out: &mut [T], target: Target)
    where
        T: Float,
    {
        self.check_out(&right, out);
        self.product(right, out.as_mut_ptr(), target, Threads::One);
    }

    #[track_caller]
    fn check_out(&self, right: &Matrix<'_, T>, out: &[T]) {
        let (left, right) = (self.shape(), right.shape());
        assert_eq!(out.len(), left[0] * right[1], "a product of {left:?} and {right:?}");
    }

    fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// `out` points to room for a row-major product; what it holds is read only where the target is `Add`.
    #[track_caller]
    fn product(self, right: Matrix<'_, T>, out: *mut T, target: Target, threads: Threads)
    where
        T: Float,
    {
        assert_eq!(self.columns, right.rows, "a product of {:?} and {:?}", self.shape(), right.shape());
        let work_ns = NS * (self.rows * self.columns * right.columns) as f64;
        let parallelism = match threads == Threads::WherePaid && parallel::is_worth_it(2, work_ns) {
            true => gemm::Parallelism::Rayon(0),
            false => gemm::Parallelism::None,
        };
        let strides = |matrix: &Matrix<'_, T>| (matrix.column_stride as isize, matrix.row_stride as isize);
        let ((left_cs, left_rs), (right_cs, right_rs)) = (strides(&self), strides(&right));
        // SAFETY: `new` has checked that every index of a matrix lies in its slice, and transposing keeps that; the
        // callers give room for the product, which nobody else can reach. `gemm` writes nowhere else and reads `out`
        // only if told so.
        #[expect(unsafe_code)]
        unsafe {
            gemm::gemm(
                self.rows,
                right.columns,
                self.columns,
                out,
                1,
                right.columns as isize,
                target == Target::Add,
                self.values.as_ptr(),
                left_cs,
                left_rs,
                right.values.as_ptr(),
                right_cs,
                right_rs,
                T::ONE,
                T::ONE,
                false,
                false,
                false,
                parallelism,
            );
        }
    }
}

/// What happens to the numbers that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Overwrite,
    Add,
}

/// Who computes a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// The calling thread, because it is one of many that do the like.
    One,
    /// All of them, if the product is large enough.
    WherePaid,
}

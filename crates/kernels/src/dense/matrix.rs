//! Matrix products by the `gemm` crate, behind checks.

use std::mem::MaybeUninit;

use crate::memory::size;
use crate::parallel;
use crate::simd::Float;

/// Measured: nanoseconds for a multiplication and an addition.
pub(super) const NS_PER_MULTIPLY_ADD: f64 = 0.014;

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
    /// If `columns` is zero or the values are no whole number of rows.
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
        let len = size([self.rows, right.columns]);
        let mut out = Vec::with_capacity(len);
        self.product(right, Out::Uninit(&mut out.spare_capacity_mut()[..len]), Threads::Auto);
        // SAFETY: `product` has written every entry, and there are `len`.
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
        self.product(right, Out::Add(out), Threads::Auto);
    }

    fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// The product with `right`, row-major. Its bits do not depend on `threads`.
    #[track_caller]
    pub(super) fn product(self, right: Matrix<'_, T>, out: Out<'_, T>, threads: Threads)
    where
        T: Float,
    {
        let (left_shape, right_shape) = (self.shape(), right.shape());
        assert_eq!(self.columns, right.rows, "a product of {left_shape:?} and {right_shape:?}");
        let len = match &out {
            Out::Uninit(out) => out.len(),
            Out::Overwrite(out) | Out::Add(out) => out.len(),
        };
        assert_eq!(len, size([self.rows, right.columns]), "a product of {left_shape:?} and {right_shape:?}");
        if self.columns == 0 {
            return match out {
                Out::Uninit(out) => out.fill(MaybeUninit::new(T::ZERO)),
                Out::Overwrite(out) => out.fill(T::ZERO),
                Out::Add(_) => {}
            };
        }
        let (start, adds) = match out {
            Out::Uninit(out) => (out.as_mut_ptr().cast::<T>(), false),
            Out::Overwrite(out) => (out.as_mut_ptr(), false),
            Out::Add(out) => (out.as_mut_ptr(), true),
        };
        let work_ns = NS_PER_MULTIPLY_ADD * self.rows as f64 * self.columns as f64 * right.columns as f64;
        let parallelism = match threads == Threads::Auto && parallel::is_worth_it(work_ns) {
            true => gemm::Parallelism::Rayon(0),
            false => gemm::Parallelism::None,
        };
        let strides = |matrix: &Matrix<'_, T>| (matrix.column_stride as isize, matrix.row_stride as isize);
        let ((left_cs, left_rs), (right_cs, right_rs)) = (strides(&self), strides(&right));
        // SAFETY: `new` has checked that every index of a matrix lies in its slice, and transposing keeps that. `start`
        // comes from a slice that is borrowed exclusively here and has an entry for each of the product. `gemm` writes
        // nowhere else, writes every entry where there is something to sum over, and reads what is there only if told
        // to add, which happens for initialized numbers alone.
        #[expect(unsafe_code)]
        unsafe {
            gemm::gemm(
                self.rows,
                right.columns,
                self.columns,
                start,
                1,
                right.columns as isize,
                adds,
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

/// Where a row-major product goes.
pub(super) enum Out<'a, T> {
    /// No numbers are there yet.
    Uninit(&'a mut [MaybeUninit<T>]),
    /// Over the numbers that are there.
    Overwrite(&'a mut [T]),
    /// It is added to them.
    Add(&'a mut [T]),
}

/// Which threads compute a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    /// The calling thread, because it is one of many that do the like.
    One,
    /// All of them, if the product is large enough.
    Auto,
}

impl Threads {
    /// For the products of one of `n_tasks`: all threads where some would have no task.
    pub(super) fn of_task(n_tasks: usize) -> Self {
        if rayon::current_num_threads() > n_tasks { Self::Auto } else { Self::One }
    }
}

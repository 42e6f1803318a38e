//! One register full of numbers with the operators of a number, so that kernels read like their equations.

use std::ops::{Add, AddAssign, Div, Mul, Sub};

use pulp::Simd;

use super::float::Float;
use super::lanes::Lanes;

/// As many `T` as one register of instruction set `S` holds.
#[derive(Clone, Copy)]
pub(crate) struct Vector<S: Simd, T: Lanes> {
    simd: S,
    lanes: T::Vector<S>,
}

/// Numbers in a vector.
#[inline(always)]
pub(crate) const fn width<S: Simd, T: Lanes>() -> usize {
    size_of::<T::Vector<S>>() / size_of::<T>()
}

impl<S: Simd, T: Lanes> Vector<S, T> {
    #[inline(always)]
    pub(crate) fn splat(simd: S, value: T) -> Self {
        Self { simd, lanes: T::splat(simd, value) }
    }

    #[inline(always)]
    pub(crate) fn new(simd: S, lanes: T::Vector<S>) -> Self {
        Self { simd, lanes }
    }

    /// The first numbers of `slice`; lanes for which there are none are zero.
    #[inline(always)]
    pub(crate) fn load(simd: S, slice: &[T]) -> Self {
        match T::vectors(simd, slice).0.first() {
            Some(&lanes) => Self { simd, lanes },
            None => Self { simd, lanes: T::load_part(simd, slice) },
        }
    }

    /// The first numbers of `slice`; `fill` in the lanes for which there are none.
    #[inline(always)]
    pub(crate) fn load_or(simd: S, slice: &[T], fill: T) -> Self
    where
        T: Float,
    {
        let loaded = Self::load(simd, slice);
        if slice.len() >= width::<S, T>() {
            return loaded;
        }
        let n_loaded = Self::splat(simd, T::from_f64(slice.len() as f64));
        Self::load(simd, T::LANES).if_less(n_loaded, loaded, Self::splat(simd, fill))
    }

    /// Writes as many lanes as `slice` has room for.
    #[inline(always)]
    pub(crate) fn store(self, slice: &mut [T]) {
        if slice.len() >= width::<S, T>() {
            T::vectors_mut(self.simd, slice).0[0] = self.lanes;
        } else {
            T::store_part(self.simd, slice, self.lanes);
        }
    }

    #[inline(always)]
    pub(crate) fn lanes(self) -> T::Vector<S> {
        self.lanes
    }

    #[inline(always)]
    pub(crate) fn constant(self, value: T) -> Self {
        Self::splat(self.simd, value)
    }

    /// `self · factor + term`.
    #[inline(always)]
    pub(crate) fn mul_add(self, factor: Self, term: Self) -> Self {
        Self { simd: self.simd, lanes: T::mul_add(self.simd, self.lanes, factor.lanes, term.lanes) }
    }

    /// `self` where it is larger, else `other`, also where one of them is NaN. A running maximum is `other`: a NaN
    /// leaves it as it is, and reaches the sum through its own exponential.
    #[inline(always)]
    pub(crate) fn max(self, other: Self) -> Self {
        Self { simd: self.simd, lanes: T::max(self.simd, self.lanes, other.lanes) }
    }

    #[inline(always)]
    pub(crate) fn abs(self) -> Self {
        Self { simd: self.simd, lanes: T::abs(self.simd, self.lanes) }
    }

    #[inline(always)]
    pub(crate) fn sqrt(self) -> Self {
        Self { simd: self.simd, lanes: T::sqrt_lanes(self.simd, self.lanes) }
    }

    /// `yes` in the lanes where `self < bound`, `no` elsewhere, also where one of them is NaN.
    #[inline(always)]
    pub(crate) fn if_less(self, bound: Self, yes: Self, no: Self) -> Self {
        let mask = T::less(self.simd, self.lanes, bound.lanes);
        Self { simd: self.simd, lanes: T::select(self.simd, mask, yes.lanes, no.lanes) }
    }

    #[inline(always)]
    pub(crate) fn sum(self) -> T {
        T::sum_lanes(self.simd, self.lanes)
    }

    /// The largest lane, where none is NaN.
    #[inline(always)]
    pub(crate) fn largest(self) -> T {
        T::max_lanes(self.simd, self.lanes)
    }

    /// Moves the low bits of the pattern into the exponent field.
    #[inline(always)]
    pub(crate) fn into_exponent(self) -> Self {
        Self { simd: self.simd, lanes: T::into_exponent(self.simd, self.lanes) }
    }

    /// `Σ coefficients[i] · self^(n - 1 - i)`: Horner's rule, highest power first.
    #[inline(always)]
    pub(crate) fn polynomial(self, coefficients: &'static [T]) -> Self {
        let mut sum = self.constant(coefficients[0]);
        for &coefficient in &coefficients[1..] {
            sum = sum.mul_add(self, self.constant(coefficient));
        }
        sum
    }
}

macro_rules! operator {
    ($operator:ident, $method:ident) => {
        impl<S: Simd, T: Lanes> $operator for Vector<S, T> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self { simd: self.simd, lanes: T::$method(self.simd, self.lanes, other.lanes) }
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl<S: Simd, T: Lanes> AddAssign for Vector<S, T> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::simd::Level;

    struct Max<'a, T>(&'a [T], &'a [T], &'a mut [T]);

    impl<T: Float> WithSimd for Max<'_, T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let lanes = width::<S, T>();
            for ((a, b), out) in self.0.chunks(lanes).zip(self.1.chunks(lanes)).zip(self.2.chunks_mut(lanes))
            {
                Vector::load(simd, a).max(Vector::load(simd, b)).store(out);
            }
        }
    }

    fn check<T: Float>(nan: T) {
        let (one, two, low) = (T::ONE, T::ONE + T::ONE, T::NEG_INFINITY);
        let a = [one, two, nan, one, nan, low, nan];
        let b = [two, one, one, nan, nan, nan, low];
        let expected = [two, two, one, nan, nan, nan, low];
        for level in Level::available() {
            let mut out = [T::ZERO; 7];
            level.dispatch(Max(&a, &b, &mut out));
            for (i, (out, expected)) in out.iter().zip(expected).enumerate() {
                let same = out.to_f64().to_bits() == expected.to_f64().to_bits();
                assert!(same, "{level:?}: the larger of {} and {} is {out}, not {expected}", a[i], b[i]);
            }
        }
    }

    #[test]
    fn the_larger_is_the_second_where_one_is_nan_at_every_level() {
        check(f32::NAN);
        check(f64::NAN);
    }
}

//! The exponential of a vector: the same polynomial on every machine, because softmax and GELU both live on it.

use pulp::Simd;

use super::float::Float;
use super::vector::Vector;

impl<S: Simd, T: Float> Vector<S, T> {
    /// exp, within 2 units in the last place where the result is a normal number.
    ///
    /// ```text
    /// exp(x) = 2^n · exp(r)      n = round(x / ln 2)      r = x - n ln 2      |r| ≤ ln 2 / 2
    /// ```
    ///
    /// exp(-∞) and every result below the smallest normal number are zero, exp(0) is one, NaN stays NaN, and above
    /// 88.02 (`f32`) or 709.4 (`f64`), a hair before the largest finite number, the result is infinite.
    #[inline(always)]
    pub(crate) fn exp(self) -> Self {
        let x = self;
        // The sum is so large that its last bit is worth one: rounding it rounds n, and its low bits are n + bias.
        let biased = x.mul_add(x.constant(T::LOG2_E), x.constant(T::MAGIC));
        let n = biased - x.constant(T::MAGIC);
        let r = n.mul_add(x.constant(-T::LN_2_HIGH), x);
        let r = n.mul_add(x.constant(-T::LN_2_LOW), r);
        // A product, not an addition of exponents: a NaN stays one.
        let exp = r.polynomial(T::EXP) * biased.into_exponent();
        let exp = x.if_less(x.constant(T::EXP_MIN), x.constant(T::ZERO), exp);
        x.constant(T::EXP_MAX).if_less(x, x.constant(-T::NEG_INFINITY), exp)
    }
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::simd::{Level, width};

    struct Exp<'a, T>(&'a [T], &'a mut [T]);

    impl<T: Float> WithSimd for Exp<'_, T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let lanes = width::<S, T>();
            for (x, out) in self.0.chunks(lanes).zip(self.1.chunks_mut(lanes)) {
                Vector::load(simd, x).exp().store(out);
            }
        }
    }

    fn at_every_level<T: Float>(x: &[T], check: impl Fn(Level, T, T)) {
        for level in Level::available() {
            let mut out = vec![T::ZERO; x.len()];
            level.dispatch(Exp(x, &mut out));
            x.iter().zip(&out).for_each(|(&x, &out)| check(level, x, out));
        }
    }

    /// `n` numbers of a range within `units` of their last place, which is worth `unit`.
    fn check<T: Float>(n: usize, [from, to]: [f64; 2], units: f64, unit: impl Fn(f64) -> f64) {
        let x: Vec<T> = (0..n).map(|i| T::from_f64(from + (to - from) * (i as f64 / n as f64))).collect();
        at_every_level(&x, |level, x, out| {
            let exact = x.to_f64().exp();
            let error = (out.to_f64() - exact).abs();
            assert!(error <= units * unit(exact), "{level:?}: exp({x}) = {out}, not {exact}");
        });
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let n = if cfg!(debug_assertions) { 10_000 } else { 1_000_000 };
        check::<f32>(n, [-87.336, 88.014], 2.0, |exact| f64::from((exact as f32).next_up() - exact as f32));
        // The library's own result is within one unit.
        check::<f64>(n, [-708.39, 709.31], 3.0, |exact| exact.next_up() - exact);
    }

    #[test]
    fn the_ends_of_the_range_are_exact() {
        let infinity = f32::INFINITY;
        for (x, expected) in [
            (0.0, 1.0),
            (-0.0, 1.0),
            (-infinity, 0.0),
            (-1e30, 0.0),
            (-88.0, 0.0),
            (infinity, infinity),
            (89.0, infinity),
        ] {
            at_every_level(&[x; 5], |level, x, out| assert_eq!(out, expected, "{level:?}: exp({x})"));
        }
        at_every_level(&[0.0_f64, f64::NEG_INFINITY, -1e300], |_, x, out| {
            assert_eq!(out, if x == 0.0 { 1.0 } else { 0.0 });
        });
        at_every_level(&[f32::NAN, -f32::NAN], |_, _, out| assert!(out.is_nan()));
        at_every_level(&[f64::NAN], |_, _, out| assert!(out.is_nan()));
    }
}

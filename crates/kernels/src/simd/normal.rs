//! The normal distribution on vectors: GELU and its derivative are made of it.

use pulp::Simd;

use super::float::Float;
use super::vector::Vector;

/// √½
const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;
/// 1/√(2π)
const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

impl<S: Simd, T: Float> Vector<S, T> {
    /// Φ(x) and φ(x): the standard normal distribution function and its density.
    ///
    /// ```text
    /// φ(x) = exp(-x²/2) / √(2π)
    /// Φ(-|x|) = ½ erfc(z) = ½ exp(-z²) · [exp(z²) erfc(z)]      z = |x|/√2      Φ(|x|) = 1 - Φ(-|x|)
    /// ```
    ///
    /// The bracket is smooth, and a polynomial in `(z - 3)/(z + 3)`. Nothing cancels: the relative
    /// error is at most `(4 + x²/2) ε` on the negative side, where the second term is the rounding of x² before the
    /// exponential, and `4 ε` on the positive side. NaN stays NaN; Φ(-∞) = 0 and Φ(∞) = 1.
    #[inline(always)]
    pub(crate) fn normal(self) -> (Self, Self) {
        let constant = |value| self.constant(T::from_f64(value));
        let (zero, one) = (constant(0.0), constant(1.0));
        let exp = (self * self * constant(-0.5)).exp();
        let z = self.abs() * constant(SQRT_HALF);
        // From here on exp is zero in both precisions; without the bound infinity would give t = ∞/∞.
        let z = constant(40.0).if_less(z, constant(40.0), z);
        let t = (z - constant(3.0)) / (z + constant(3.0));
        let tail = exp * t.polynomial(T::ERFCX) * constant(0.5);
        let cdf = self.if_less(zero, tail, one - tail);
        (cdf, exp * constant(INV_SQRT_TAU))
    }
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::simd::{Level, width};

    struct Normal<'a, T>(&'a [T], &'a mut [T], &'a mut [T]);

    impl<T: Float> WithSimd for Normal<'_, T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let lanes = width::<S, T>();
            for ((x, cdf), pdf) in
                self.0.chunks(lanes).zip(self.1.chunks_mut(lanes)).zip(self.2.chunks_mut(lanes))
            {
                let normal = Vector::load(simd, x).normal();
                normal.0.store(cdf);
                normal.1.store(pdf);
            }
        }
    }

    fn normal<T: Float>(level: Level, x: &[T]) -> (Vec<T>, Vec<T>) {
        let (mut cdf, mut pdf) = (vec![T::ZERO; x.len()], vec![T::ZERO; x.len()]);
        level.dispatch(Normal(x, &mut cdf, &mut pdf));
        (cdf, pdf)
    }

    /// x, Φ(x), φ(x), computed with 30 digits by mpmath.
    const PUBLISHED: [(f64, f64, f64); 6] = [
        (-1.0, 0.158_655_253_931_457_05, 0.241_970_724_519_143_34),
        (-0.5, 0.308_537_538_725_986_9, 0.352_065_326_764_299_47),
        (2.0, 0.977_249_868_051_820_8, 0.053_990_966_513_188_05),
        (-5.0, 2.866_515_718_791_939e-07, 1.486_719_514_734_297_7e-06),
        (-10.0, 7.619_853_024_160_525e-24, 7.694_598_626_706_42e-23),
        (-30.0, 4.906_713_927_148_187e-198, 1.473_646_134_878_547_6e-196),
    ];

    #[test]
    fn the_distribution_agrees_with_published_values() {
        for level in Level::available() {
            for (x, cdf, pdf) in PUBLISHED {
                let (ours, our_pdf) = normal(level, &[x]);
                let bound = (4.0 + x * x / 2.0) * f64::EPSILON;
                for (what, ours, exact) in [("Φ", ours[0], cdf), ("φ", our_pdf[0], pdf)] {
                    assert!(
                        (ours / exact - 1.0).abs() < bound,
                        "{level:?}: {what}({x}) = {ours}, not {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn f32_keeps_its_relative_precision_on_both_sides() {
        let n = if cfg!(debug_assertions) { 5_000 } else { 200_000 };
        let x: Vec<f32> = (0..n).map(|i| -12.0 + 24.0 * (i as f32 / n as f32)).collect();
        let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        for level in Level::available() {
            let (exact, _) = normal(level, &wide);
            for ((&x, &ours), &exact) in x.iter().zip(&normal(level, &x).0).zip(&exact) {
                let units = 4.0 + if x < 0.0 { f64::from(x * x) / 2.0 } else { 0.0 };
                let bound = units * f64::from(f32::EPSILON) * exact;
                assert!((f64::from(ours) - exact).abs() <= bound, "{level:?}: Φ({x}) = {ours}, not {exact}");
            }
        }
    }

    #[test]
    fn infinities_and_nan_are_exact() {
        for level in Level::available() {
            let (cdf, pdf) = normal(level, &[f32::NEG_INFINITY, f32::INFINITY, 0.0, -1e30, 1e30]);
            assert_eq!(cdf, [0.0, 1.0, 0.5, 0.0, 1.0], "{level:?}");
            assert_eq!(pdf[..2], [0.0, 0.0]);
            assert!(normal(level, &[f32::NAN]).0[0].is_nan());
        }
    }
}

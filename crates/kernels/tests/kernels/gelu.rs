//! GELU against its definition.

use proptest::prelude::*;
use qkv_kernels::{Float, GeluGradients, GeluSaved, gelu_backward, gelu_forward};

use crate::numbers::{
    N_CASES, Random, assert_as_exact, assert_gradient, assert_independent_of_threads, at_every_level,
    convert, distance, largest, random_cases, some, widen,
};

/// Error function: a series of positive terms below 2.5, a continued fraction above.
fn erf(z: f64) -> f64 {
    let a = z.abs();
    if z.is_nan() {
        return z;
    }
    let erf = if a < 2.5 {
        // 2/√π exp(-z²) Σ 2^n z^(2n+1) / (2n+1)!!
        let mut term = a;
        let mut sum = 0.0;
        for n in 0..80 {
            sum += term;
            term *= 2.0 * a * a / f64::from(2 * n + 3);
        }
        std::f64::consts::FRAC_2_SQRT_PI * (-a * a).exp() * sum
    } else {
        1.0 - erfc_above(a)
    };
    erf.copysign(z)
}

/// erfc(a) = exp(-a²)/√π · 1/(a + (1/2)/(a + 1/(a + (3/2)/(a + …)))), for a ≥ 2.
fn erfc_above(a: f64) -> f64 {
    let fraction = (1..200).rev().fold(a, |x, n| a + f64::from(n) / 2.0 / x);
    (-a * a).exp() * std::f64::consts::FRAC_2_SQRT_PI / 2.0 / fraction
}

/// Φ without the cancellation of 1 + erf.
fn cdf(x: f64) -> f64 {
    if x < -3.6 {
        0.5 * erfc_above(-x * std::f64::consts::FRAC_1_SQRT_2)
    } else {
        0.5 * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2))
    }
}

fn pdf(x: f64) -> f64 {
    (-x * x / 2.0).exp() * 0.398_942_280_401_432_7
}

/// `out`, then the gradients of `x` and of the bias.
type Results<T> = [Vec<T>; 3];

fn fused<T: Float>(x: &[f64], bias: &[f64], d_out: &[f64]) -> Results<T> {
    let (x, bias, d_out) = (convert::<T>(x), convert::<T>(bias), convert::<T>(d_out));
    let out = gelu_forward(&x, &bias);
    let GeluGradients { d_x, d_bias } = gelu_backward(GeluSaved { x: &x, bias: &bias, d_out: &d_out });
    [out, d_x, d_bias]
}

/// The textbook's formula in `T`, with a correctly rounded erf; in `f64` the oracle, without the cancellation.
fn naive<T: Float>(x: &[f64], bias: &[f64], d_out: &[f64]) -> Results<T> {
    let is_oracle = size_of::<T>() == 8;
    let d = bias.len();
    let number = T::from_f64;
    let [mut out, mut d_xs, mut d_bias] = [vec![], vec![], vec![T::ZERO; d]];
    for (i, (&x, &d_out)) in x.iter().zip(d_out).enumerate() {
        let a = number(x) + number(bias[i % d]);
        let phi = if is_oracle {
            number(cdf(a.to_f64()))
        } else {
            let scaled = a * number(std::f64::consts::FRAC_1_SQRT_2);
            number(0.5) * (T::ONE + number(erf(scaled.to_f64())))
        };
        out.push(a * phi);
        let d_x = number(d_out) * (phi + a * number(pdf(a.to_f64())));
        d_xs.push(d_x);
        d_bias[i % d] += d_x;
    }
    [out, d_xs, d_bias]
}

#[track_caller]
fn check(n: usize, d: usize, size: f64) {
    let mut random = Random::new(n as u64);
    let (x, d_out) = (random.normal(n * d, size), random.normal(n * d, 1.0));
    let bias = random.normal(d, size);
    let (oracle, rough) = (naive::<f64>(&x, &bias, &d_out), naive::<f32>(&x, &bias, &d_out));
    at_every_level(|level| {
        let (ours, double) = (fused::<f32>(&x, &bias, &d_out), fused::<f64>(&x, &bias, &d_out));
        let terms_x = largest(&oracle[1]);
        let terms = [largest(&oracle[0]), terms_x, terms_x * (n as f64).sqrt()];
        for (part, terms) in terms.into_iter().enumerate() {
            let what = format!("{} of {n} × {d} of size {size} at {level:?}", ["out", "d_x", "d_bias"][part]);
            let factor = if part == 0 { 2.0 } else { 3.0 };
            assert_as_exact(&what, factor, &ours[part], &rough[part], &oracle[part], terms);
            // The oracle's own 1 + erf cancels down to 1e-4: 1e-12 of what is left.
            assert!(distance(&double[part], &oracle[part]) <= 1e-12 * terms, "{what} in double precision");
        }
    });
}

#[test]
fn every_shape_and_size_gives_gelu_and_its_gradients() {
    for d in some(&[1, 2, 15, 17, 63, 1000, 40_009], 0) {
        for size in [1e-20, 1e-3, 1.0, 5.0] {
            check(1, d, size);
        }
    }
    for (n, d) in [(0, 3), (7, 3), (33, 16), (65, 61), (1201, 37)] {
        check(n, d, 1.0);
    }
}

#[test]
fn negative_numbers_keep_their_relative_precision() {
    let x: Vec<f64> = (0..110).map(|i| -f64::from(i as f32 * 0.1)).collect();
    at_every_level(|level| {
        let ours = widen(&fused::<f32>(&x, &[0.0; 110], &x)[0]);
        for (&x, &ours) in x.iter().zip(&ours) {
            let exact = x * cdf(x);
            // Four units, and the rounding of x² before the exponential.
            let bound = (6.0 + x * x / 2.0) * f64::from(f32::EPSILON) * exact.abs();
            assert!((ours - exact).abs() <= bound, "gelu({x}) = {ours}, not {exact}, at {level:?}");
        }
    });
}

#[test]
fn nan_and_infinity_go_where_the_formula_sends_them() {
    let x = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30, -1e30, 200.0];
    at_every_level(|level| {
        let ours = fused::<f32>(&x, &[0.0; 6], &[1.0; 6]);
        let rough = naive::<f32>(&x, &[0.0; 6], &[1.0; 6]);
        for (ours, rough) in ours.iter().zip(&rough) {
            let same = |(a, b): (&f32, &f32)| a == b || a.is_nan() && b.is_nan();
            assert!(ours.iter().zip(rough).all(same), "{ours:?} instead of {rough:?} at {level:?}");
        }
    });
}

#[test]
fn gradients_agree_with_central_differences() {
    let mut random = Random::new(3);
    let (x, bias, d_out) = (random.normal(35, 1.5), random.normal(7, 1.0), random.normal(35, 1.0));
    let loss = |x: &[f64], bias: &[f64]| -> f64 {
        fused::<f64>(x, bias, &d_out)[0].iter().zip(&d_out).map(|(y, g)| y * g).sum()
    };
    let [_, d_x, d_bias] = fused::<f64>(&x, &bias, &d_out);
    assert_gradient("d_x", &x, &d_x, 1e-8, |x| loss(x, &bias));
    assert_gradient("d_bias", &bias, &d_bias, 1e-8, |bias| loss(&x, bias));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for (n, d) in [(50, 64), (4001, 61)] {
        let mut random = Random::new(4);
        let (x, bias, d_out) = (random.normal(n * d, 1.0), random.normal(d, 1.0), random.normal(n * d, 1.0));
        assert_independent_of_threads(|| fused::<f32>(&x, &bias, &d_out));
    }
}

proptest! {
    #![proptest_config(random_cases(N_CASES))]

    #[test]
    fn any_shape_gives_gelu_and_its_gradients(n in 1_usize..200, d in 1_usize..70, size in 0.01..4.0_f64) {
        check(n, d, size);
    }
}

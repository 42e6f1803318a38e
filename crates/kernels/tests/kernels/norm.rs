//! Layer norm and RMS norm against their definitions.

use proptest::prelude::*;
use qkv_kernels::{Float, Norm, NormGradients, NormKind, NormOutput, NormSaved, norm_backward, norm_forward};

use crate::numbers::{
    N_CASES, Random, assert_as_exact, assert_gradient, assert_independent_of_threads, at_every_level,
    convert, distance, largest, random_cases, some,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Layer,
    Rms,
}

const EPSILON: f64 = 1e-5;

/// `out`, then the gradients of `x`, `gamma` and `beta`.
type Results<T> = [Vec<T>; 4];

const NAMES: [&str; 4] = ["out", "d_x", "d_gamma", "d_beta"];

struct Case {
    kind: Kind,
    x: Vec<f64>,
    gamma: Vec<f64>,
    beta: Vec<f64>,
    d_out: Vec<f64>,
}

impl Case {
    fn new(kind: Kind, n: usize, d: usize, size: f64) -> Self {
        let mut random = Random::new((n * 100 + d) as u64);
        Self {
            kind,
            x: random.normal(n * d, size),
            gamma: random.normal(d, 1.0),
            beta: if kind == Kind::Layer { random.normal(d, 1.0) } else { vec![] },
            d_out: random.normal(n * d, 1.0),
        }
    }

    fn fused<T: Float>(&self) -> Results<T> {
        let (x, d_out) = (convert::<T>(&self.x), convert::<T>(&self.d_out));
        let (gamma, beta) = (convert::<T>(&self.gamma), convert::<T>(&self.beta));
        let kind = match self.kind {
            Kind::Layer => NormKind::Layer { beta: &beta },
            Kind::Rms => NormKind::Rms,
        };
        let norm = Norm { gamma: &gamma, epsilon: EPSILON, kind };
        let NormOutput { out, statistics } = norm_forward(norm, &x);
        let saved = NormSaved { x: &x, statistics: &statistics, d_out: &d_out };
        let NormGradients { d_x, d_gamma, d_beta } = norm_backward(norm, saved);
        [out, d_x, d_gamma, d_beta]
    }

    fn naive<T: Float>(&self) -> Results<T> {
        let d = self.gamma.len();
        let (gamma, beta) = (convert::<T>(&self.gamma), convert::<T>(&self.beta));
        let n = T::from_f64(d as f64);
        let zeros = |len| vec![T::ZERO; len];
        let (mut out, mut d_x, mut d_gamma, mut d_beta) = (vec![], vec![], zeros(d), zeros(beta.len()));
        for (x, d_out) in convert::<T>(&self.x).chunks(d).zip(convert::<T>(&self.d_out).chunks(d)) {
            let sum = |terms: &dyn Fn(usize) -> T| (0..d).fold(T::ZERO, |sum, c| sum + terms(c));
            let mean = if self.kind == Kind::Layer { sum(&|c| x[c]) / n } else { T::ZERO };
            let variance = sum(&|c| (x[c] - mean) * (x[c] - mean)) / n;
            let rstd = T::ONE / (variance + T::from_f64(EPSILON)).sqrt();
            let h: Vec<T> = x.iter().map(|&x| (x - mean) * rstd).collect();
            let along = sum(&|c| d_out[c] * gamma[c] * h[c]) / n;
            let shift = if self.kind == Kind::Layer { sum(&|c| d_out[c] * gamma[c]) / n } else { T::ZERO };
            for c in 0..d {
                out.push(h[c] * gamma[c] + beta.get(c).copied().unwrap_or(T::ZERO));
                d_x.push(rstd * (d_out[c] * gamma[c] - h[c] * along - shift));
                d_gamma[c] += d_out[c] * h[c];
                if let Some(sum) = d_beta.get_mut(c) {
                    *sum += d_out[c];
                }
            }
        }
        [out, d_x, d_gamma, d_beta]
    }

    #[track_caller]
    fn check(&self) {
        let (oracle, rough) = (self.naive::<f64>(), self.naive::<f32>());
        let d = self.gamma.len();
        // What cancels in d_x: rstd times gradients of about one.
        let size = largest(&self.x).max(1e-30);
        let rstd = 1.0 / (size * size / (d * d) as f64 + EPSILON).sqrt();
        let terms_x = largest(&oracle[1]).max(rstd.min(1.0 / EPSILON.sqrt()) * largest(&self.gamma) * 3.0);
        at_every_level(|level| {
            let (ours, double) = (self.fused::<f32>(), self.fused::<f64>());
            let [terms_out, terms_gamma, terms_beta] = [0, 2, 3].map(|part| largest(&oracle[part]));
            for (part, (terms, in_double)) in [
                (terms_out, 1e-12 * terms_out),
                (terms_x, 1e-12 * terms_x),
                (terms_gamma.max(1.0), 1e-11),
                (terms_beta.max(1.0), 1e-11),
            ]
            .into_iter()
            .enumerate()
            {
                let what =
                    format!("{} of {:?} {} × {d} at {level:?}", NAMES[part], self.kind, self.x.len() / d);
                let factor = if part == 0 { 2.0 } else { 3.0 };
                assert_as_exact(&what, factor, &ours[part], &rough[part], &oracle[part], terms);
                assert!(distance(&double[part], &oracle[part]) <= in_double, "{what} in double precision");
            }
        });
    }
}

#[test]
fn every_shape_gives_the_norm_and_its_gradients() {
    for kind in [Kind::Layer, Kind::Rms] {
        for n in some(&[0, 1, 2, 33, 257], 0) {
            for d in [1, 2, 7, 16, 17, 64, 67, 128] {
                Case::new(kind, n, d, 1.0).check();
            }
        }
    }
}

#[test]
fn huge_and_tiny_numbers_stay_exact() {
    for kind in [Kind::Layer, Kind::Rms] {
        for size in [1e-18, 1e-6, 1e3, 1e9] {
            Case::new(kind, 13, 61, size).check();
        }
    }
}

#[test]
fn a_mean_far_from_zero_does_not_cancel() {
    let mut case = Case::new(Kind::Layer, 13, 61, 1.0);
    case.x.iter_mut().for_each(|x| *x = f64::from((*x + 1000.0) as f32));
    case.check();
}

#[test]
fn nan_and_infinity_stay_in_their_row() {
    for kind in [Kind::Layer, Kind::Rms] {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut case = Case::new(kind, 3, 19, 1.0);
            case.x[19 + 7] = bad;
            let rough = case.naive::<f32>();
            at_every_level(|_| {
                let ours = case.fused::<f32>();
                for (ours, rough) in ours.iter().zip(&rough).take(2) {
                    assert!(ours.iter().zip(rough).all(|(a, b)| a.is_nan() == b.is_nan()));
                }
            });
        }
    }
}

#[test]
fn gradients_agree_with_central_differences() {
    for kind in [Kind::Layer, Kind::Rms] {
        let case = Case::new(kind, 5, 7, 1.0);
        let gradients = case.fused::<f64>();
        let loss = |x: &[f64], gamma: &[f64], beta: &[f64]| -> f64 {
            let (x, gamma, beta) = (x.to_vec(), gamma.to_vec(), beta.to_vec());
            let shifted = Case { kind, x, gamma, beta, d_out: case.d_out.clone() };
            shifted.fused::<f64>()[0].iter().zip(&case.d_out).map(|(y, g)| y * g).sum()
        };
        let [_, d_x, d_gamma, d_beta] = &gradients;
        assert_gradient("d_x", &case.x, d_x, 1e-8, |x| loss(x, &case.gamma, &case.beta));
        assert_gradient("d_gamma", &case.gamma, d_gamma, 1e-8, |gamma| loss(&case.x, gamma, &case.beta));
        assert_gradient("d_beta", &case.beta, d_beta, 1e-8, |beta| loss(&case.x, &case.gamma, beta));
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for (n, d) in [(50, 64), (8001, 61)] {
        let case = Case::new(Kind::Layer, n, d, 1.0);
        assert_independent_of_threads(|| case.fused::<f32>());
    }
}

proptest! {
    #![proptest_config(random_cases(N_CASES))]

    #[test]
    fn any_shape_gives_the_norm_and_its_gradients(
        kind in prop_oneof![Just(Kind::Layer), Just(Kind::Rms)],
        n in 1_usize..100,
        d in 1_usize..100,
        size in 0.01..20.0_f64,
    ) {
        Case::new(kind, n, d, size).check();
    }
}

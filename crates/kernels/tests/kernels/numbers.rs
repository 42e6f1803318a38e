//! Random inputs, and what "at most twice the naive error" means.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;
use qkv_kernels::{Float, Level};

/// A sequence of random numbers that depends on its seed alone.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// About normal with standard deviation `size`, and exactly an `f32`, so that both precisions see the same inputs.
    pub fn normal(&mut self, n: usize, size: f64) -> Vec<f64> {
        (0..n)
            .map(|_| {
                let sum: f64 = (0..6).map(|_| (self.bits() >> 40) as f64 / (1 << 24) as f64 - 0.5).sum();
                f64::from((sum * 2.0_f64.sqrt() * size) as f32)
            })
            .collect()
    }
}

/// All of `sizes`; without optimization, where a test takes fifty times as long, every fourth from `skip` on.
pub fn some<S: Copy>(sizes: &[S], skip: usize) -> Vec<S> {
    let step = if cfg!(debug_assertions) { 4 } else { 1 };
    sizes.iter().skip(if cfg!(debug_assertions) { skip } else { 0 }).step_by(step).copied().collect()
}

/// Random shapes that a property is tried on.
pub const N_CASES: u32 = if cfg!(debug_assertions) { 6 } else { 60 };

/// As many cases, the same in every run.
pub fn random_cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The product of `a [m, k]` and `b [k, n]`, row-major, with its terms added up in order.
pub fn product<T: Float>(
    [m, k, n]: [usize; 3],
    a: impl Fn(usize, usize) -> T,
    b: impl Fn(usize, usize) -> T,
) -> Vec<T> {
    let entry = |at: usize| (0..k).fold(T::ZERO, |sum, l| sum + a(at / n, l) * b(l, at % n));
    (0..m * n).map(entry).collect()
}

pub fn convert<T: Float>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().map(|&x| T::from_f64(x)).collect()
}

pub fn widen<T: Float>(numbers: &[T]) -> Vec<f64> {
    numbers.iter().map(|x| x.to_f64()).collect()
}

/// Largest distance between two slices; infinite where one is NaN.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let distance = |(a, b): (&f64, &f64)| if a == b { 0.0 } else { (a - b).abs() };
    a.iter().zip(b).map(distance).fold(0.0, |m, d| if d.is_nan() { f64::INFINITY } else { f64::max(m, d) })
}

pub fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |m, x| m.max(x.abs()))
}

/// Fails unless `ours` is at most `factor` times as far from `oracle` as `naive` is.
///
/// A naive result can be right by luck, so four units in the last place of `terms`, the largest sum of absolute values
/// that stands behind a number, are always allowed.
#[track_caller]
pub fn assert_as_exact(what: &str, factor: f64, ours: &[f32], naive: &[f32], oracle: &[f64], terms: f64) {
    let bound = factor * distance(&widen(naive), oracle) + 4.0 * f64::from(f32::EPSILON) * terms;
    let error = distance(&widen(ours), oracle);
    assert!(error <= bound, "{what}: error {error:e}, allowed {bound:e}, terms {terms:e}");
}

/// Runs `body` at every level that this machine has.
pub fn at_every_level(body: impl Fn(Level)) {
    for level in Level::available() {
        level.run(|| body(level));
    }
}

/// Fails unless `body` gives the same for 1, 2, 3, 4 and 8 threads, at every level.
#[track_caller]
pub fn assert_independent_of_threads<R: PartialEq + std::fmt::Debug + Send>(body: impl Fn() -> R + Sync) {
    at_every_level(|level| {
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
            pool.expect("threads can be started").install(|| level.run(&body))
        };
        let one = on(1);
        for n_threads in [2, 3, 4, 8] {
            assert!(one == on(n_threads), "{n_threads} threads at {level:?} give another result");
        }
    });
}

/// Fails unless `gradient` agrees with central differences of `loss` at `x`, within `tolerance`.
#[track_caller]
pub fn assert_gradient(
    what: &str,
    x: &[f64],
    gradient: &[f64],
    tolerance: f64,
    loss: impl Fn(&[f64]) -> f64,
) {
    assert_eq!(x.len(), gradient.len());
    // Error h²/6 · f''' + 1e-16/h: both about 1e-10 at this h.
    let h = 1e-5;
    let mut shifted = x.to_vec();
    for (i, &gradient) in gradient.iter().enumerate() {
        shifted[i] = x[i] + h;
        let above = loss(&shifted);
        shifted[i] = x[i] - h;
        let below = loss(&shifted);
        shifted[i] = x[i];
        let difference = (above - below) / (2.0 * h);
        assert!(
            (difference - gradient).abs() < tolerance,
            "{what}[{i}]: {gradient}, differences {difference}"
        );
    }
}

/// What `body` panics with.
#[track_caller]
pub fn panic_message<R>(body: impl FnOnce() -> R + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(body).map(drop).expect_err("the body panics");
    *panic.downcast::<String>().expect("the message has numbers in it")
}

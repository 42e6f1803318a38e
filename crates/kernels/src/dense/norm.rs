//! Layer norm and RMS norm: rows brought to one size, and their gradients in one pass over the rows.

use pulp::{Simd, WithSimd};

use super::columns::{self, Partials};
use crate::memory::UninitVec;
use crate::parallel;
use crate::simd::{Float, Level, Vector, width};

/// What a norm multiplies and adds after it has brought a row to one size.
#[derive(Debug, Clone, Copy)]
pub struct Norm<'a, T> {
    /// `[d]`
    pub gamma: &'a [T],
    /// Added to the variance or to the mean of the squares.
    pub epsilon: f64,
    /// What is brought to one size.
    pub kind: NormKind<'a, T>,
}

/// What a norm brings to one size.
#[derive(Debug, Clone, Copy)]
pub enum NormKind<'a, T> {
    /// The variance: `y = (x - mean) · rstd · gamma + beta` with `rstd = 1/√(variance + epsilon)`
    /// ([Ba et al. 2016](https://arxiv.org/abs/1607.06450)).
    Layer {
        /// `[d]`
        beta: &'a [T],
    },
    /// The mean square: `y = x · rstd · gamma` with `rstd = 1/√(mean(x²) + epsilon)`
    /// ([Zhang and Sennrich 2019](https://arxiv.org/abs/1910.07467)).
    Rms,
}

/// What the backward of a norm reads.
#[derive(Debug, Clone, Copy)]
pub struct NormSaved<'a, T> {
    /// What the forward read, `[n, d]`.
    pub x: &'a [T],
    /// What the forward wrote, `[n, 2]`.
    pub statistics: &'a [T],
    /// Gradient of the loss by the forward's output, `[n, d]`.
    pub d_out: &'a [T],
}

/// What the forward makes.
#[derive(Debug)]
pub struct NormOutput<T> {
    /// `[n, d]`
    pub out: Vec<T>,
    /// Mean and `rstd` of each row, which the backward reads, `[n, 2]`.
    pub statistics: Vec<T>,
}

/// What the backward makes.
#[derive(Debug)]
pub struct NormGradients<T> {
    /// `[n, d]`
    pub d_x: Vec<T>,
    /// `[d]`
    pub d_gamma: Vec<T>,
    /// `[d]`, or empty for [`NormKind::Rms`], which has no beta.
    pub d_beta: Vec<T>,
}

/// Measured: nanoseconds for a number, forward and backward.
const NS_PER_NUMBER: f64 = 0.5;

impl<T: Float> Norm<'_, T> {
    /// The width of a row, and how many there are.
    #[track_caller]
    fn check(&self, x_len: usize) -> (usize, usize) {
        let d = self.gamma.len();
        if let NormKind::Layer { beta } = self.kind {
            assert_eq!(d, beta.len(), "gamma and beta are of one width");
        }
        assert!(d > 0 && x_len.is_multiple_of(d), "{x_len} numbers do not make rows of {d}");
        (d, x_len / d)
    }
}

/// The normalized rows, and what the backward needs of each.
///
/// Mean and variance are taken in two passes: their difference never cancels.
///
/// # Shapes
///
/// `x` and `out` `[n, d]`, `statistics` `[n, 2]`: mean and `rstd` of each row, with a mean of zero for
/// [`NormKind::Rms`].
///
/// # Panics
///
/// If the lengths contradict each other or `d` is zero.
///
/// # Examples
///
/// ```
/// use qkv_kernels::{Norm, NormKind, norm_forward};
///
/// let kind = NormKind::Layer { beta: &[0.0, 1.0] };
/// let norm = Norm { gamma: &[1.0, 2.0], epsilon: 0.0, kind };
/// let output = norm_forward(norm, &[3.0_f64, 7.0]);
/// assert_eq!(output.out, [-1.0, 3.0]);
/// assert_eq!(output.statistics, [5.0, 0.5]);
/// ```
#[track_caller]
pub fn norm_forward<T: Float>(norm: Norm<'_, T>, x: &[T]) -> NormOutput<T> {
    let (d, n) = norm.check(x.len());
    let (mut out, mut statistics) = (UninitVec::new(x.len()), UninitVec::new(2 * n));
    let level = Level::current();
    let rows = parallel::rows_per_part(n);
    let items = x.chunks(rows * d).zip(out.parts(rows * d)).zip(statistics.parts(rows * 2));
    parallel::for_each(items, NS_PER_NUMBER * x.len() as f64, |((x, out), statistics)| {
        level.dispatch(Forward { norm, x, out: out.zeros(), statistics: statistics.zeros() });
    });
    NormOutput { out: out.finish(), statistics: statistics.finish() }
}

/// Gradients of `x`, gamma and beta.
///
/// ```text
/// forward:  (1) h = (x - mean) · rstd          mean = 0 for an RMS norm
///           (2) y = h · gamma + beta
/// backward: (2) dgamma = Σ_rows dy · h         dbeta = Σ_rows dy         dh = dy · gamma
///           (1) dx = rstd · (dh - h · mean(dh · h) - mean(dh))           the last term for a layer norm only
/// ```
///
/// The two means in (1) are what the row's `rstd` and mean pass on. The sums over the rows are taken in an order that
/// depends on their number alone.
///
/// # Panics
///
/// As the forward; and if the statistics or the gradient are not of its sizes.
#[track_caller]
pub fn norm_backward<T: Float>(norm: Norm<'_, T>, saved: NormSaved<'_, T>) -> NormGradients<T> {
    let NormSaved { x, statistics, d_out } = saved;
    let (d, n) = norm.check(x.len());
    assert_eq!(statistics.len(), 2 * n, "two statistics a row");
    assert_eq!(x.len(), d_out.len(), "x and the gradient of the output are of one shape");
    let d_beta_len = if matches!(norm.kind, NormKind::Layer { .. }) { d } else { 0 };
    let mut d_x = UninitVec::new(x.len());
    let level = Level::current();
    let rows = parallel::rows_per_part(n);
    // A part's sums: those of gamma, then those of beta.
    let mut partials = Partials::new(n, rows, d + d_beta_len);
    let items = x.chunks(rows * d).zip(statistics.chunks(rows * 2)).zip(d_out.chunks(rows * d));
    let items = items.zip(d_x.parts(rows * d)).zip(partials.parts());
    parallel::for_each(items, NS_PER_NUMBER * x.len() as f64, |((((x, statistics), d_out), d_x), sums)| {
        let saved = NormSaved { x, statistics, d_out };
        let (d_gamma, d_beta) = sums.split_at_mut(d);
        level.dispatch(Backward { norm, saved, d_x: d_x.zeros(), d_gamma, d_beta });
    });
    let [d_gamma, d_beta] = partials.total([d, d_beta_len]);
    NormGradients { d_x: d_x.finish(), d_gamma, d_beta }
}

struct Forward<'a, T> {
    norm: Norm<'a, T>,
    x: &'a [T],
    out: &'a mut [T],
    statistics: &'a mut [T],
}

impl<T: Float> WithSimd for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { norm, x, out, statistics } = self;
        let (lanes, d) = (width::<S, T>(), norm.gamma.len());
        let n = T::from_f64(d as f64);
        let epsilon = T::from_f64(norm.epsilon);
        let rows = x.chunks_exact(d).zip(out.chunks_exact_mut(d)).zip(statistics.chunks_exact_mut(2));
        for ((x, out), statistics) in rows {
            let mean = match norm.kind {
                NormKind::Layer { .. } => {
                    let mut sum = Vector::splat(simd, T::ZERO);
                    for x in x.chunks(lanes) {
                        sum += Vector::load(simd, x);
                    }
                    sum.sum() / n
                }
                NormKind::Rms => T::ZERO,
            };
            let mean_vector = Vector::splat(simd, mean);
            // Lanes behind the row hold the mean, and so add nothing.
            let mut squares = Vector::splat(simd, T::ZERO);
            for x in x.chunks(lanes) {
                let centered = Vector::load_or(simd, x, mean) - mean_vector;
                squares = centered.mul_add(centered, squares);
            }
            let rstd = T::ONE / (squares.sum() / n + epsilon).sqrt();
            statistics.copy_from_slice(&[mean, rstd]);
            let rstd = Vector::splat(simd, rstd);
            let vectors = x.chunks(lanes).zip(out.chunks_mut(lanes)).zip(norm.gamma.chunks(lanes));
            for (i, ((x, out), gamma)) in vectors.enumerate() {
                let h = (Vector::load(simd, x) - mean_vector) * rstd;
                let gamma = Vector::load(simd, gamma);
                let y = match norm.kind {
                    NormKind::Layer { beta } => h.mul_add(gamma, Vector::load(simd, &beta[i * lanes..])),
                    NormKind::Rms => h * gamma,
                };
                y.store(out);
            }
        }
    }
}

struct Backward<'a, T> {
    norm: Norm<'a, T>,
    saved: NormSaved<'a, T>,
    d_x: &'a mut [T],
    d_gamma: &'a mut [T],
    d_beta: &'a mut [T],
}

impl<T: Float> WithSimd for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { norm, saved, d_x, d_gamma, d_beta } = self;
        let NormSaved { x, statistics, d_out } = saved;
        let (lanes, d) = (width::<S, T>(), norm.gamma.len());
        let zero = Vector::splat(simd, T::ZERO);
        let n = T::from_f64(d as f64);
        let rows = x.chunks_exact(d).zip(statistics.chunks_exact(2)).zip(d_out.chunks_exact(d));
        for (((x, statistics), d_out), d_x) in rows.zip(d_x.chunks_exact_mut(d)) {
            let mean = Vector::splat(simd, statistics[0]);
            let rstd = Vector::splat(simd, statistics[1]);
            let (mut along, mut sum) = (zero, zero);
            let vectors = x.chunks(lanes).zip(d_out.chunks(lanes)).zip(norm.gamma.chunks(lanes));
            for (((x, d_out), gamma), d_gamma) in vectors.zip(d_gamma.chunks_mut(lanes)) {
                // Forward (1): h = (x - mean) · rstd.
                let h = (Vector::load(simd, x) - mean) * rstd;
                let d_out = Vector::load(simd, d_out);
                // Forward (2): y = h · gamma + beta.
                d_out.mul_add(h, Vector::load(simd, d_gamma)).store(d_gamma);
                // Gamma is zero in the lanes behind the row, and they add nothing.
                let d_h = d_out * Vector::load(simd, gamma);
                along = d_h.mul_add(h, along);
                sum += d_h;
            }
            columns::add(simd, d_out, d_beta);
            let along = Vector::splat(simd, along.sum() / n);
            let sum = match norm.kind {
                NormKind::Layer { .. } => Vector::splat(simd, sum.sum() / n),
                NormKind::Rms => zero,
            };
            let vectors = x.chunks(lanes).zip(d_out.chunks(lanes)).zip(norm.gamma.chunks(lanes));
            for (((x, d_out), gamma), d_x) in vectors.zip(d_x.chunks_mut(lanes)) {
                let h = (Vector::load(simd, x) - mean) * rstd;
                let d_h = Vector::load(simd, d_out) * Vector::load(simd, gamma);
                (rstd * (d_h - h * along - sum)).store(d_x);
            }
        }
    }
}

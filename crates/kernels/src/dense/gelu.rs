//! GELU by its definition, with the normal distribution function and not one of its approximations, and the bias in
//! front of it, which would be a pass over memory of its own.

use pulp::{Simd, WithSimd};

use super::columns::Partials;
use crate::memory::UninitVec;
use crate::parallel::{self, CHUNK};
use crate::simd::{Float, Level, Vector, width};

/// What the backward of GELU reads.
#[derive(Debug, Clone, Copy)]
pub struct GeluSaved<'a, T> {
    /// What the forward read, `[n, d]`.
    pub x: &'a [T],
    /// What it added to every row, `[d]`.
    pub bias: &'a [T],
    /// Gradient of the loss by the forward's output, `[n, d]`.
    pub d_out: &'a [T],
}

/// What the backward makes.
#[derive(Debug)]
pub struct GeluGradients<T> {
    /// `[n, d]`
    pub d_x: Vec<T>,
    /// `[d]`
    pub d_bias: Vec<T>,
}

/// Measured: nanoseconds for a number, forward and backward.
const NS_PER_NUMBER: f64 = 0.9;

/// `gelu(x + bias)`, where `gelu(a) = a Φ(a)` and Φ is the standard normal distribution function.
///
/// [Gaussian Error Linear Units](https://arxiv.org/abs/1606.08415). Φ keeps its relative precision for negative
/// numbers, where `1 + erf` cancels.
///
/// # Shapes
///
/// `x` `[n, d]`, `bias` `[d]`; returns `[n, d]`.
///
/// # Panics
///
/// If the bias is empty or `x` is no whole number of rows.
///
/// # Examples
///
/// ```
/// let out = qkv_kernels::gelu_forward(&[0.0, 0.0, -1.0_f64], &[1.0]);
/// assert!((out[0] - 0.841_344_746_068_543).abs() < 1e-15);
/// assert_eq!(out[2], 0.0);
/// ```
#[track_caller]
pub fn gelu_forward<T: Float>(x: &[T], bias: &[T]) -> Vec<T> {
    check(x, bias);
    let mut out = UninitVec::new(x.len());
    let level = Level::current();
    let chunk = CHUNK.next_multiple_of(bias.len());
    let work_ns = NS_PER_NUMBER * x.len() as f64;
    parallel::for_each(x.chunks(chunk).zip(out.parts(chunk)), work_ns, |(x, out)| {
        level.dispatch(GeluForward { x, bias, out: out.zeros() });
    });
    out.finish()
}

/// Gradients of `x` and of the bias.
///
/// ```text
/// forward:  (1) a = x + bias      (2) out = a Φ(a)
/// backward: (2) da = dout (Φ(a) + a φ(a))      (1) dx = da      dbias = Σ_rows da
/// ```
///
/// The sum over the rows is taken in an order that depends on their number alone.
///
/// # Panics
///
/// As the forward, and if `x` and the gradient of the output differ in length.
#[track_caller]
pub fn gelu_backward<T: Float>(saved: GeluSaved<'_, T>) -> GeluGradients<T> {
    let GeluSaved { x, bias, d_out } = saved;
    let d = check(x, bias);
    assert_eq!(x.len(), d_out.len(), "x and the gradient of the output are of one shape");
    let mut d_x = UninitVec::new(x.len());
    let level = Level::current();
    let rows = parallel::rows_per_part(x.len() / d);
    let mut partials = Partials::new(x.len() / d, rows, d);
    let items = x.chunks(rows * d).zip(d_out.chunks(rows * d)).zip(d_x.parts(rows * d));
    let work_ns = NS_PER_NUMBER * x.len() as f64;
    parallel::for_each(items.zip(partials.parts()), work_ns, |(((x, d_out), d_x), d_bias)| {
        level.dispatch(GeluBackward { x, bias, out: None, gradient: d_x.copy_of(d_out), d_bias });
    });
    let [d_bias] = partials.total([d]);
    GeluGradients { d_x: d_x.finish(), d_bias }
}

/// The width of a row.
#[track_caller]
fn check<T>(x: &[T], bias: &[T]) -> usize {
    let d = bias.len();
    assert!(d > 0 && x.len().is_multiple_of(d), "a bias of {d} does not fit {} numbers", x.len());
    d
}

/// `gelu(x + bias)` of some rows.
pub(super) struct GeluForward<'a, T> {
    pub(super) x: &'a [T],
    pub(super) bias: &'a [T],
    pub(super) out: &'a mut [T],
}

impl<T: Float> WithSimd for GeluForward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (lanes, d) = (width::<S, T>(), self.bias.len());
        for (x, out) in self.x.chunks_exact(d).zip(self.out.chunks_exact_mut(d)) {
            let vectors = x.chunks(lanes).zip(self.bias.chunks(lanes)).zip(out.chunks_mut(lanes));
            for ((x, bias), out) in vectors {
                let a = Vector::load(simd, x) + Vector::load(simd, bias);
                (a * a.normal().0).store(out);
            }
        }
    }
}

/// The backward of some rows, which adds theirs to `d_bias`.
pub(super) struct GeluBackward<'a, T> {
    pub(super) x: &'a [T],
    pub(super) bias: &'a [T],
    /// Where the forward's output goes that is computed again, if it is wanted.
    pub(super) out: Option<&'a mut [T]>,
    /// That of the output, which becomes that of `x`.
    pub(super) gradient: &'a mut [T],
    pub(super) d_bias: &'a mut [T],
}

impl<T: Float> WithSimd for GeluBackward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, bias, mut out, gradient, d_bias } = self;
        let (lanes, d) = (width::<S, T>(), bias.len());
        for (row, (x, gradient)) in x.chunks_exact(d).zip(gradient.chunks_exact_mut(d)).enumerate() {
            let vectors = x.chunks(lanes).zip(bias.chunks(lanes)).zip(gradient.chunks_mut(lanes));
            for (i, (((x, bias), gradient), d_bias)) in vectors.zip(d_bias.chunks_mut(lanes)).enumerate() {
                // Forward (1): a = x + bias.
                let a = Vector::load(simd, x) + Vector::load(simd, bias);
                // Forward (2): out = a Φ(a).
                let (cdf, pdf) = a.normal();
                if let Some(out) = &mut out {
                    (a * cdf).store(&mut out[row * d + i * lanes..][..x.len()]);
                }
                let d_a = Vector::load(simd, gradient) * a.mul_add(pdf, cdf);
                d_a.store(gradient);
                (Vector::load(simd, d_bias) + d_a).store(d_bias);
            }
        }
    }
}

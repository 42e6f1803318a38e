//! GELU by its definition, with the normal distribution function and not one of its approximations, and the bias in
//! front of it, which would be a pass over memory of its own.

use pulp::{Simd, WithSimd};

use super::columns::{self, Partials};
use crate::parallel::{self, CHUNK};
use crate::simd::{Float, Level, Vector, width};

/// What the backward of GELU reads.
#[derive(Debug, Clone, Copy)]
pub struct GeluSaved<'a, T> {
    /// What the forward read, `[n, d]`.
    pub x: &'a [T],
    /// What it added to every row, `[d]`.
    pub bias: Option<&'a [T]>,
    /// Gradient of the loss by the forward's output, `[n, d]`.
    pub d_out: &'a [T],
}

/// Measured: nanoseconds for a number, forward and backward.
const NS_PER_NUMBER: f64 = 0.9;

/// `out = gelu(x + bias)`, where `gelu(a) = a Φ(a)` and Φ is the standard normal distribution function.
///
/// [Gaussian Error Linear Units](https://arxiv.org/abs/1606.08415). Φ keeps its relative precision for negative
/// numbers, where `1 + erf` cancels.
///
/// # Shapes
///
/// `x` and `out` `[n, d]`, `bias` `[d]`.
///
/// # Panics
///
/// If `x` and `out` differ in length, or `bias` does not divide it.
///
/// # Examples
///
/// ```
/// let mut out = [0.0_f64; 3];
/// qkv_kernels::gelu_forward(&[0.0, 0.0, -1.0], Some(&[1.0]), &mut out);
/// assert!((out[0] - 0.841_344_746_068_543).abs() < 1e-15);
/// assert_eq!(out[2], 0.0);
/// ```
#[track_caller]
pub fn gelu_forward<T: Float>(x: &[T], bias: Option<&[T]>, out: &mut [T]) {
    assert_eq!(x.len(), out.len(), "x and out are of one shape");
    let level = Level::current();
    let chunk = row_len(x.len(), bias).map_or(CHUNK, |d| CHUNK.div_ceil(d) * d);
    let work_ns = NS_PER_NUMBER * x.len() as f64;
    parallel::for_each_item(x.chunks(chunk).zip(out.chunks_mut(chunk)), work_ns, |(x, out)| {
        level.dispatch(GeluForward { x, bias, out });
    });
}

/// Gradients of `x` and, where there is one, of the bias. Overwrites what was there.
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
/// As the forward; and if `d_bias` is given without a bias, or not given with one.
#[track_caller]
pub fn gelu_backward<T: Float>(saved: GeluSaved<'_, T>, d_x: &mut [T], d_bias: Option<&mut [T]>) {
    let GeluSaved { x, bias, d_out } = saved;
    assert_eq!(x.len(), d_x.len(), "x and its gradient are of one shape");
    assert_eq!(x.len(), d_out.len(), "x and the gradient of the output are of one shape");
    assert_eq!(
        bias.map(<[T]>::len),
        d_bias.as_ref().map(|d| d.len()),
        "a bias and its gradient come together"
    );
    let level = Level::current();
    let work_ns = NS_PER_NUMBER * x.len() as f64;
    match (row_len(x.len(), bias), d_bias) {
        (Some(d), Some(d_bias)) => {
            let rows = parallel::rows_per_part(x.len() / d);
            let mut partials = Partials::new(x.len() / d, rows, d);
            let items = x.chunks(rows * d).zip(d_out.chunks(rows * d)).zip(d_x.chunks_mut(rows * d));
            parallel::for_each_item(items.zip(partials.parts()), work_ns, |(((x, d_out), d_x), d_bias)| {
                level.dispatch(Backward { saved: GeluSaved { x, bias, d_out }, d_x, d_bias });
            });
            partials.sum_into(d_bias);
        }
        _ => {
            let items = x.chunks(CHUNK).zip(d_out.chunks(CHUNK)).zip(d_x.chunks_mut(CHUNK));
            parallel::for_each_item(items, work_ns, |((x, d_out), d_x)| {
                level.dispatch(Backward { saved: GeluSaved { x, bias: None, d_out }, d_x, d_bias: &mut [] });
            });
        }
    }
}

/// The width of a row, where there is a bias of some width.
#[track_caller]
fn row_len<T>(len: usize, bias: Option<&[T]>) -> Option<usize> {
    let d = bias?.len();
    assert!(len == 0 || (d > 0 && len.is_multiple_of(d)), "a bias of {d} does not fit {len} numbers");
    (d > 0).then_some(d)
}

/// `gelu(x + bias)` of some rows.
pub(super) struct GeluForward<'a, T> {
    pub(super) x: &'a [T],
    pub(super) bias: Option<&'a [T]>,
    pub(super) out: &'a mut [T],
}

impl<T: Float> WithSimd for GeluForward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, bias, out } = self;
        let lanes = width::<S, T>();
        let row = bias.map_or(x.len(), <[T]>::len).max(1);
        for (x, out) in x.chunks(row).zip(out.chunks_mut(row)) {
            for (i, (x, out)) in x.chunks(lanes).zip(out.chunks_mut(lanes)).enumerate() {
                let a = add_bias(simd, x, bias, i * lanes);
                (a * a.normal().0).store(out);
            }
        }
    }
}

struct Backward<'a, T> {
    saved: GeluSaved<'a, T>,
    d_x: &'a mut [T],
    /// Empty without a bias.
    d_bias: &'a mut [T],
}

impl<T: Float> WithSimd for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { saved: GeluSaved { x, bias, d_out }, d_x, d_bias } = self;
        let lanes = width::<S, T>();
        let row = bias.map_or(x.len(), <[T]>::len).max(1);
        for ((x, d_out), d_x) in x.chunks(row).zip(d_out.chunks(row)).zip(d_x.chunks_mut(row)) {
            let vectors = x.chunks(lanes).zip(d_out.chunks(lanes)).zip(d_x.chunks_mut(lanes));
            for (i, ((x, d_out), d_x)) in vectors.enumerate() {
                // Forward (1): a = x + bias.
                let a = add_bias(simd, x, bias, i * lanes);
                // Forward (2): out = a Φ(a).
                let (cdf, pdf) = a.normal();
                (Vector::load(simd, d_out) * a.mul_add(pdf, cdf)).store(d_x);
            }
            columns::add(simd, d_x, d_bias);
        }
    }
}

#[inline(always)]
fn add_bias<S: Simd, T: Float>(simd: S, x: &[T], bias: Option<&[T]>, from: usize) -> Vector<S, T> {
    let x_vector = Vector::load(simd, x);
    match bias {
        Some(bias) => x_vector + Vector::load(simd, &bias[from..from + x.len()]),
        None => x_vector,
    }
}

//! The two linear maps of an MLP with GELU between them, some rows at a time: what stands between the maps stays in the
//! cache, and of all that is as wide as the hidden layer only one array is ever written to memory. Where there are more
//! threads than blocks of rows, they share the products.

use super::columns::Partials;
use super::gelu::{GeluBackward, GeluForward};
use super::matrix::{Matrix, NS_PER_MULTIPLY_ADD, Out, Threads};
use super::rows::{AddToRows, SumRows};
use crate::memory::{UninitVec, size, with_scratch};
use crate::parallel;
use crate::simd::{Float, Level};

/// Weights of an MLP with GELU, `d` wide outside and `d_hidden` wide inside.
///
/// ```text
/// h = x W_in                      [n, d_hidden]
/// y = gelu(h + b_in) W_out + b_out
/// ```
#[derive(Debug, Clone, Copy)]
pub struct GeluMlp<'a, T> {
    /// `[d, d_hidden]`
    pub w_in: &'a [T],
    /// `[d_hidden]`
    pub b_in: &'a [T],
    /// `[d_hidden, d]`
    pub w_out: &'a [T],
    /// `[d]`
    pub b_out: &'a [T],
}

/// What [`GeluMlp::forward`] makes.
#[derive(Debug)]
pub struct GeluMlpOutput<T> {
    /// `residual + y`, `[n, d]`
    pub out: Vec<T>,
    /// `h`, which the backward reads, `[n, d_hidden]`
    pub hidden: Vec<T>,
}

/// Gradients, in the shapes of what they belong to. That of the residual is the gradient of the output.
#[derive(Debug)]
pub struct GeluMlpGradients<T> {
    /// `[n, d]`
    pub d_x: Vec<T>,
    /// `[d, d_hidden]`
    pub d_w_in: Vec<T>,
    /// `[d_hidden]`
    pub d_b_in: Vec<T>,
    /// `[d_hidden, d]`
    pub d_w_out: Vec<T>,
    /// `[d]`
    pub d_b_out: Vec<T>,
}

/// Rows that a product takes at once: enough that packing the weights for them costs little, few enough that their
/// hidden layer stays in the second cache.
const MAX_BLOCK_ROWS: usize = 512;
const MIN_BLOCK_ROWS: usize = 64;

/// Parts of the rows at most, each with sums of its own for the weights.
const MAX_WEIGHT_PARTS: usize = 8;

impl<T: Float> GeluMlp<'_, T> {
    /// `residual + y` and the hidden layer.
    ///
    /// # Panics
    ///
    /// If the sizes contradict each other.
    ///
    /// ```
    /// use qkv_kernels::GeluMlp;
    ///
    /// // One wide everywhere: 5 + (gelu(2 · 3 + 0) · 10 + 1), and gelu(6) is nearly 6.
    /// let mlp = GeluMlp { w_in: &[3.0], b_in: &[0.0], w_out: &[10.0], b_out: &[1.0_f64] };
    /// assert!((mlp.forward(&[2.0], &[5.0]).out[0] - 66.0).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn forward(&self, x: &[T], residual: &[T]) -> GeluMlpOutput<T> {
        let [n, d, d_hidden] = self.sizes(x);
        assert_eq!(residual.len(), x.len(), "the residual is of the shape of x");
        let rows = block_rows(n);
        let (mut out, mut hidden) = (UninitVec::new(x.len()), UninitVec::new(size([n, d_hidden])));
        let inputs = x.chunks((rows * d).max(1)).zip(residual.chunks((rows * d).max(1)));
        let outputs = out.parts(rows * d).zip(hidden.parts(rows * d_hidden));
        let level = Level::current();
        let threads = Threads::of_task(n.div_ceil(rows));
        let work_ns = 2.0 * NS_PER_MULTIPLY_ADD * n as f64 * (d * d_hidden) as f64;
        parallel::for_each(inputs.zip(outputs), work_ns, |((x, residual), (out, hidden))| {
            let hidden = hidden.zeros();
            Matrix::new(x, d).product(Matrix::new(self.w_in, d_hidden), Out::Overwrite(hidden), threads);
            let out = out.copy_of(residual);
            with_scratch([hidden.len()], |[active]| {
                level.dispatch(GeluForward { x: hidden, bias: self.b_in, out: active });
                level.dispatch(AddToRows { bias: self.b_out, out });
                Matrix::new(active, d_hidden).product(Matrix::new(self.w_out, d), Out::Add(out), threads);
            });
        });
        GeluMlpOutput { out: out.finish(), hidden: hidden.finish() }
    }

    /// Gradients, from the input, the hidden layer of the forward, and the gradient of the output.
    ///
    /// ```text
    /// forward:  (1) h = x W_in      (2) a = gelu(h + b_in)      (3) out = residual + a W_out + b_out
    /// backward: (3) da = dout W_outᵀ               dW_out = aᵀ dout      db_out = Σ_rows dout
    ///           (2) dh = da · gelu'(h + b_in)      db_in = Σ_rows dh
    ///           (1) dx = dh W_inᵀ                  dW_in = xᵀ dh
    /// ```
    ///
    /// # Panics
    ///
    /// If the sizes contradict each other.
    #[track_caller]
    pub fn backward(&self, x: &[T], hidden: &[T], d_out: &[T]) -> GeluMlpGradients<T> {
        let [n, d, d_hidden] = self.sizes(x);
        assert_eq!(hidden.len(), size([n, d_hidden]), "the hidden layer of the forward");
        assert_eq!(d_out.len(), x.len(), "the gradient of the output is of the shape of x");
        let rows = block_rows(n);
        let rows_per_part = rows * n.div_ceil(rows).div_ceil(MAX_WEIGHT_PARTS).max(1);
        // A part's sums: d_w_in, d_w_out, d_b_in, d_b_out.
        let sizes = [d * d_hidden, d_hidden * d, d_hidden, d];
        let mut partials = Partials::new(n, rows_per_part, sizes.iter().sum());
        let mut d_x = UninitVec::new(x.len());
        let inputs =
            x.chunks((rows_per_part * d).max(1)).zip(hidden.chunks((rows_per_part * d_hidden).max(1)));
        let inputs = inputs.zip(d_out.chunks((rows_per_part * d).max(1)));
        let outputs = d_x.parts(rows_per_part * d).zip(partials.parts());
        let level = Level::current();
        let threads = Threads::of_task(n.div_ceil(rows_per_part));
        let work_ns = 4.0 * NS_PER_MULTIPLY_ADD * n as f64 * (d * d_hidden) as f64;
        parallel::for_each(inputs.zip(outputs), work_ns, |(((x, hidden), d_out), (d_x, sums))| {
            let (d_w_in, sums) = sums.split_at_mut(sizes[0]);
            let (d_w_out, sums) = sums.split_at_mut(sizes[1]);
            let (d_b_in, d_b_out) = sums.split_at_mut(sizes[2]);
            let blocks = x.chunks(rows * d).zip(hidden.chunks(rows * d_hidden)).zip(d_out.chunks(rows * d));
            for (((x, hidden), d_out), d_x) in blocks.zip(d_x.zeros().chunks_mut(rows * d)) {
                with_scratch([hidden.len(), hidden.len()], |[active, d_hidden_rows]| {
                    let (x_rows, d_out_rows) = (Matrix::new(x, d), Matrix::new(d_out, d));
                    // Forward (3): out = residual + active W_out + b_out.
                    level.dispatch(SumRows { x: d_out, sums: d_b_out });
                    let w_out = Matrix::new(self.w_out, d);
                    d_out_rows.product(w_out.transposed(), Out::Overwrite(d_hidden_rows), threads);
                    // Forward (2): active = gelu(hidden + b_in).
                    level.dispatch(GeluBackward {
                        x: hidden,
                        bias: self.b_in,
                        out: Some(active),
                        gradient: d_hidden_rows,
                        d_bias: d_b_in,
                    });
                    let active = Matrix::new(active, d_hidden).transposed();
                    active.product(d_out_rows, Out::Add(d_w_out), threads);
                    // Forward (1): hidden = x W_in.
                    let d_hidden_rows = Matrix::new(d_hidden_rows, d_hidden);
                    x_rows.transposed().product(d_hidden_rows, Out::Add(d_w_in), threads);
                    let w_in = Matrix::new(self.w_in, d_hidden);
                    d_hidden_rows.product(w_in.transposed(), Out::Overwrite(d_x), threads);
                });
            }
        });
        let [d_w_in, d_w_out, d_b_in, d_b_out] = partials.total(sizes);
        GeluMlpGradients { d_x: d_x.finish(), d_w_in, d_b_in, d_w_out, d_b_out }
    }

    /// `[n, d, d_hidden]`.
    #[track_caller]
    fn sizes(&self, x: &[T]) -> [usize; 3] {
        let (d, d_hidden) = (self.b_out.len(), self.b_in.len());
        assert!(d > 0 && d_hidden > 0, "an MLP of width {d} and {d_hidden}");
        let d_w = size([d, d_hidden]);
        assert_eq!(self.w_in.len(), d_w, "W_in is [{d}, {d_hidden}]");
        assert_eq!(self.w_out.len(), d_w, "W_out is [{d_hidden}, {d}]");
        assert!(x.len().is_multiple_of(d), "{} numbers, rows of {d}", x.len());
        [x.len() / d, d, d_hidden]
    }
}

/// Two blocks at least where that leaves them long enough, so that two threads have an equal share. Measured: with
/// four, packing the weights for each costs a small model a twentieth of its step.
fn block_rows(n: usize) -> usize {
    n.div_ceil(2).next_multiple_of(MIN_BLOCK_ROWS).clamp(MIN_BLOCK_ROWS, MAX_BLOCK_ROWS)
}

//! Linear maps: one matrix product forward and one per gradient, with bias and residual added on the way.

use burn::tensor::Tensor;
use qkv_kernels::{Matrix, start_rows, sum_rows};

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::host::{HostBackend, Number};

/// `residual + x w + bias`.
///
/// # Shapes
/// - `x`: `[.., d_in]`
/// - `w`: `[d_in, d_out]`
/// - `bias`: `[d_out]`
/// - `residual` and what is returned: `[.., d_out]`
pub(crate) fn linear<const D: usize>(
    backend: HostBackend,
    x: Tensor<D>,
    w: Tensor<2>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<D>>,
) -> Tensor<D> {
    let [x, w] = [x.into_dispatch(), w.into_dispatch()];
    let kernel = Linear { has_bias: bias.is_some() };
    let bias = bias.map(Tensor::into_dispatch);
    let residual = residual.map(Tensor::into_dispatch);
    Tensor::from_dispatch(match (bias, residual) {
        (None, None) => apply(backend, kernel, [x, w]),
        (Some(one), None) | (None, Some(one)) => apply(backend, kernel, [x, w, one]),
        (Some(bias), Some(residual)) => apply(backend, kernel, [x, w, bias, residual]),
    })
}

/// Of `x`, `w`, then the bias if there is one, then the residual if there is one.
#[derive(Debug, Clone)]
struct Linear {
    has_bias: bool,
}

impl<const N: usize> Kernel<N> for Linear {
    fn forward<T: Number>(&self, inputs: [Array<'_, T>; N]) -> Forward<T> {
        let [x, w] = [inputs[0], inputs[1]];
        let d_out = w.shape[1];
        let mut shape = x.shape.to_vec();
        *shape.last_mut().expect("rows have an axis") = d_out;
        let product = [x.matrix(), w.matrix()];
        let rest = &inputs[2..];
        let (bias, residual) = if self.has_bias { (rest.first(), rest.get(1)) } else { (None, rest.first()) };
        let out = match (bias, residual) {
            (None, None) => product[0].times(product[1]),
            (None, Some(residual)) => plus(residual.values.to_vec(), product),
            (Some(bias), residual) => {
                let n = x.values.len() / x.shape[x.shape.len() - 1];
                plus(start_rows(n, bias.values, residual.map(|residual| residual.values)), product)
            }
        };
        Forward { shape, out, extra: Vec::new() }
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, N>) -> [Gradient<T>; N] {
        let [x, w] = [saved.inputs[0], saved.inputs[1]];
        let d_out = Matrix::new(saved.d_out, w.shape[1]);
        let mut index = 0;
        saved.needed.map(|is_needed| {
            let at = index;
            index += 1;
            match at {
                _ if !is_needed => Gradient::None,
                0 => Gradient::New(d_out.times(w.matrix().transposed())),
                1 => Gradient::New(x.matrix().transposed().times(d_out)),
                2 if self.has_bias => Gradient::New(sum_rows(saved.d_out, w.shape[1])),
                _ => Gradient::OfOutput,
            }
        })
    }

    fn keeps_input(&self, index: usize) -> bool {
        index < 2
    }
}

fn plus<T: Number>(mut out: Vec<T>, [left, right]: [Matrix<'_, T>; 2]) -> Vec<T> {
    left.add_times(right, &mut out);
    out
}

//! GELU in one pass, with the bias that stands before it.

use burn::tensor::Tensor;
use qkv_kernels::{GeluGradients, GeluSaved, gelu_backward, gelu_forward};

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::host::{HostBackend, Number};

/// `gelu(x + bias)`, exact.
///
/// # Shapes
/// - `x`: `[.., d]`
/// - `bias`: `[d]`
pub(crate) fn gelu<const D: usize>(backend: HostBackend, x: Tensor<D>, bias: Tensor<1>) -> Tensor<D> {
    Tensor::from_dispatch(apply(backend, Gelu, [x.into_dispatch(), bias.into_dispatch()]))
}

#[derive(Debug, Clone)]
struct Gelu;

impl Kernel<2> for Gelu {
    fn forward<T: Number>(&self, [x, bias]: [Array<'_, T>; 2]) -> Forward<T> {
        let out = gelu_forward(x.values, bias.values);
        Forward { shape: x.shape.to_vec(), out, extra: Vec::new() }
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 2>) -> [Gradient<T>; 2] {
        let [x, bias] = saved.inputs.map(|input| input.values);
        let GeluGradients { d_x, d_bias } = gelu_backward(GeluSaved { x, bias, d_out: saved.d_out });
        [d_x, d_bias].map(Gradient::New)
    }
}

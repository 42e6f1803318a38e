//! A whole MLP with GELU on a residual stream.

use burn::tensor::Tensor;
use qkv_kernels::{GeluMlp, GeluMlpGradients, GeluMlpOutput};

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::host::{HostBackend, Number};

/// The four parameters of an MLP.
pub(crate) struct MlpWeights {
    /// `[d_model, d_mlp]`
    pub(crate) w_in: Tensor<2>,
    /// `[d_mlp]`
    pub(crate) b_in: Tensor<1>,
    /// `[d_mlp, d_model]`
    pub(crate) w_out: Tensor<2>,
    /// `[d_model]`
    pub(crate) b_out: Tensor<1>,
}

/// `residual + gelu(x w_in + b_in) w_out + b_out`, `[.., d_model]` to the same.
pub(crate) fn gelu_mlp<const D: usize>(
    backend: HostBackend,
    residual: Tensor<D>,
    x: Tensor<D>,
    MlpWeights { w_in, b_in, w_out, b_out }: MlpWeights,
) -> Tensor<D> {
    let [x, residual] = [x, residual].map(Tensor::into_dispatch);
    let [w_in, w_out] = [w_in, w_out].map(Tensor::into_dispatch);
    let [b_in, b_out] = [b_in, b_out].map(Tensor::into_dispatch);
    Tensor::from_dispatch(apply(backend, Mlp, [x, w_in, b_in, w_out, b_out, residual]))
}

/// Of `x`, `w_in`, `b_in`, `w_out`, `b_out` and the residual. Keeps the hidden layer.
#[derive(Debug, Clone)]
struct Mlp;

impl Kernel<6> for Mlp {
    fn forward<T: Number>(&self, inputs: [Array<'_, T>; 6]) -> Forward<T> {
        let [x, .., residual] = inputs;
        let GeluMlpOutput { out, hidden } = mlp(&inputs).forward(x.values, residual.values);
        Forward { shape: x.shape.to_vec(), out, extra: vec![hidden] }
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 6>) -> [Gradient<T>; 6] {
        let Saved { inputs, ref extra, d_out, needed, .. } = saved;
        let gradients = mlp(&inputs).backward(inputs[0].values, extra[0], d_out);
        let GeluMlpGradients { d_x, d_w_in, d_b_in, d_w_out, d_b_out } = gradients;
        let [d_x, d_w_in, d_b_in, d_w_out, d_b_out] =
            [d_x, d_w_in, d_b_in, d_w_out, d_b_out].map(Gradient::New);
        let d_residual = if needed[5] { Gradient::OfOutput } else { Gradient::None };
        [d_x, d_w_in, d_b_in, d_w_out, d_b_out, d_residual]
    }

    fn keeps_input(&self, index: usize) -> bool {
        index < 5
    }
}

fn mlp<'a, T>([_, w_in, b_in, w_out, b_out, _]: &[Array<'a, T>; 6]) -> GeluMlp<'a, T> {
    GeluMlp { w_in: w_in.values, b_in: b_in.values, w_out: w_out.values, b_out: b_out.values }
}

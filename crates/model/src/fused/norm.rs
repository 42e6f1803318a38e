//! Layer norm and RMS norm, each in one pass over the rows.

use burn::tensor::Tensor;
use qkv_kernels::{Norm, NormGradients, NormSaved, norm_backward, norm_forward};

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::host::{HostBackend, Number};

/// Layer norm over the last axis.
///
/// # Shapes
/// - `x`: `[.., d]`
/// - `gamma`, `beta`: `[d]`
pub(crate) fn layer_norm<const D: usize>(
    backend: HostBackend,
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    let inputs = [x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch()];
    Tensor::from_dispatch(apply(backend, LayerNorm { epsilon }, inputs))
}

/// RMS norm over the last axis.
///
/// # Shapes
/// - `x`: `[.., d]`
/// - `gamma`: `[d]`
pub(crate) fn rms_norm<const D: usize>(
    backend: HostBackend,
    x: Tensor<D>,
    gamma: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    Tensor::from_dispatch(apply(backend, RmsNorm { epsilon }, [x.into_dispatch(), gamma.into_dispatch()]))
}

#[derive(Debug, Clone)]
struct LayerNorm {
    epsilon: f64,
}

impl LayerNorm {
    fn norm<'a, T>(&self, gamma: &Array<'a, T>, beta: &Array<'a, T>) -> Norm<'a, T> {
        Norm::Layer { gamma: gamma.values, beta: beta.values, epsilon: self.epsilon }
    }
}

impl Kernel<3> for LayerNorm {
    fn forward<T: Number>(&self, [x, gamma, beta]: [Array<'_, T>; 3]) -> Forward<T> {
        forward(self.norm(&gamma, &beta), x)
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 3>) -> [Gradient<T>; 3] {
        let [x, gamma, beta] = saved.inputs;
        let norm = self.norm(&gamma, &beta);
        let saved = NormSaved { x: x.values, statistics: saved.extra[0], d_out: saved.d_out };
        backward(norm, saved, beta.values.len()).map(Gradient::New)
    }

    fn keeps_input(&self, _: usize) -> bool {
        true
    }
}

#[derive(Debug, Clone)]
struct RmsNorm {
    epsilon: f64,
}

impl Kernel<2> for RmsNorm {
    fn forward<T: Number>(&self, [x, gamma]: [Array<'_, T>; 2]) -> Forward<T> {
        forward(Norm::Rms { gamma: gamma.values, epsilon: self.epsilon }, x)
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 2>) -> [Gradient<T>; 2] {
        let [x, gamma] = saved.inputs;
        let norm = Norm::Rms { gamma: gamma.values, epsilon: self.epsilon };
        let saved = NormSaved { x: x.values, statistics: saved.extra[0], d_out: saved.d_out };
        let [d_x, d_gamma, _] = backward(norm, saved, 0);
        [d_x, d_gamma].map(Gradient::New)
    }

    fn keeps_input(&self, _: usize) -> bool {
        true
    }
}

fn forward<T: Number>(norm: Norm<'_, T>, x: Array<'_, T>) -> Forward<T> {
    let d = x.shape.last().copied().unwrap_or(1).max(1);
    let mut out = vec![T::ZERO; x.values.len()];
    let mut statistics = vec![T::ZERO; x.values.len() / d * 2];
    norm_forward(norm, x.values, &mut out, &mut statistics);
    Forward { shape: x.shape.to_vec(), out, extra: vec![statistics] }
}

fn backward<T: Number>(norm: Norm<'_, T>, saved: NormSaved<'_, T>, n_beta: usize) -> [Vec<T>; 3] {
    let (Norm::Layer { gamma, .. } | Norm::Rms { gamma, .. }) = norm;
    let mut d_x = vec![T::ZERO; saved.x.len()];
    let mut d_gamma = vec![T::ZERO; gamma.len()];
    let mut d_beta = vec![T::ZERO; n_beta];
    let gradients = NormGradients { d_x: &mut d_x, d_gamma: &mut d_gamma, d_beta: &mut d_beta };
    norm_backward(norm, saved, gradients);
    [d_x, d_gamma, d_beta]
}

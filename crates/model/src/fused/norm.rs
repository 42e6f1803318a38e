//! Layer norm and RMS norm, each in one pass over the rows.

use burn::tensor::Tensor;
use qkv_kernels::{Norm, NormGradients, NormKind, NormOutput, NormSaved, norm_backward, norm_forward};

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::host::{HostBackend, Number};

/// Over the last axis: layer norm where there is a `beta`, else RMS norm.
///
/// # Shapes
/// - `x`: `[.., d]`
/// - `gamma`, `beta`: `[d]`
pub(crate) fn norm<const D: usize>(
    backend: HostBackend,
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Option<Tensor<1>>,
    epsilon: f64,
) -> Tensor<D> {
    let kernel = FusedNorm { epsilon };
    let [x, gamma] = [x.into_dispatch(), gamma.into_dispatch()];
    Tensor::from_dispatch(match beta {
        Some(beta) => apply(backend, kernel, [x, gamma, beta.into_dispatch()]),
        None => apply(backend, kernel, [x, gamma]),
    })
}

/// Of `x`, gamma and, for a layer norm, beta.
#[derive(Debug, Clone)]
struct FusedNorm {
    epsilon: f64,
}

impl FusedNorm {
    fn norm<'a, T>(&self, inputs: &[Array<'a, T>]) -> Norm<'a, T> {
        let kind = inputs.get(2).map_or(NormKind::Rms, |beta| NormKind::Layer { beta: beta.values });
        Norm { gamma: inputs[1].values, epsilon: self.epsilon, kind }
    }
}

impl<const N: usize> Kernel<N> for FusedNorm {
    fn forward<T: Number>(&self, inputs: [Array<'_, T>; N]) -> Forward<T> {
        let x = inputs[0];
        let NormOutput { out, statistics } = norm_forward(self.norm(&inputs), x.values);
        Forward { shape: x.shape.to_vec(), out, extra: vec![statistics] }
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, N>) -> [Gradient<T>; N] {
        let Saved { inputs, ref extra, d_out, .. } = saved;
        let saved = NormSaved { x: inputs[0].values, statistics: extra[0], d_out };
        let NormGradients { d_x, d_gamma, d_beta } = norm_backward(self.norm(&inputs), saved);
        let mut gradients = [d_x, d_gamma, d_beta].into_iter();
        [(); N].map(|()| Gradient::New(gradients.next().expect("a norm has three inputs at most")))
    }
}

//! Layer norm and RMS norm, each in one pass over the rows.

use burn::tensor::Tensor;
use qkv_kernels::{Norm, NormGradients, NormOutput, NormSaved, norm_backward, norm_forward};

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::host::{HostBackend, Number};
use crate::norm::NormKind;

/// What a norm has beside its input.
pub(crate) struct NormWeights {
    /// `[d]`
    pub(crate) gamma: Tensor<1>,
    /// `[d]`; with it the norm is a layer norm, without it an RMS norm.
    pub(crate) beta: Option<Tensor<1>>,
    pub(crate) epsilon: f64,
}

/// Over the last axis, `[.., d]` to the same.
pub(crate) fn norm<const D: usize>(
    backend: HostBackend,
    x: Tensor<D>,
    NormWeights { gamma, beta, epsilon }: NormWeights,
) -> Tensor<D> {
    let kernel = |kind| FusedNorm { kind, epsilon };
    let [x, gamma] = [x.into_dispatch(), gamma.into_dispatch()];
    Tensor::from_dispatch(match beta {
        Some(beta) => apply(backend, kernel(NormKind::Layer), [x, gamma, beta.into_dispatch()]),
        None => apply(backend, kernel(NormKind::Rms), [x, gamma]),
    })
}

/// Of `x`, gamma and, for a layer norm, beta.
#[derive(Debug, Clone)]
struct FusedNorm {
    kind: NormKind,
    epsilon: f64,
}

impl FusedNorm {
    fn norm<'a, T>(&self, inputs: &[Array<'a, T>]) -> Norm<'a, T> {
        let kind = match self.kind {
            NormKind::Layer => qkv_kernels::NormKind::Layer { beta: inputs[2].values },
            NormKind::Rms => qkv_kernels::NormKind::Rms,
        };
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

//! AdamW on the parameters' own memory: no temporaries, each number read and written once.

use burn::tensor::Tensor;
use qkv_kernels::AdamWParameter;
pub use qkv_kernels::{AdamW, Decay};

use super::host::{HostBackend, Number, Values};

/// One parameter and what AdamW remembers of it; tensors without autodiff.
#[derive(Debug, Clone)]
pub struct AdamWState<const D: usize> {
    /// The parameter.
    pub weights: Tensor<D>,
    /// Running mean of its gradient, flattened: `[n]`.
    pub mean: Tensor<1>,
    /// Running mean of the gradient's square, `[n]`.
    pub mean_square: Tensor<1>,
}

impl<const D: usize> AdamWState<D> {
    /// One step against the `gradient`, in place where the tensors are not shared; and whether every number of the
    /// result is finite.
    ///
    /// # Panics
    /// On a device without kernels; see [`supports`](super::supports).
    pub fn update(self, step: &AdamW, gradient: &Tensor<D>, decay: Decay) -> (Self, bool) {
        let backend = HostBackend::of(&self.weights).expect("the caller has asked whether there are kernels");
        let Self { weights, mean, mean_square } = self;
        let is_f64 = weights.dtype() == burn::tensor::DType::F64;
        let mut values = [weights.into_dispatch(), mean.into_dispatch(), mean_square.into_dispatch()]
            .map(|tensor| backend.values(tensor));
        let gradient = backend.values(gradient.clone().into_dispatch());
        let is_finite = match is_f64 {
            true => update::<f64>(step, &mut values, &gradient, decay),
            false => update::<f32>(step, &mut values, &gradient, decay),
        };
        let [weights, mean, mean_square] = values.map(|values| backend.tensor(values));
        let state = Self {
            weights: Tensor::from_dispatch(weights),
            mean: Tensor::from_dispatch(mean),
            mean_square: Tensor::from_dispatch(mean_square),
        };
        (state, is_finite)
    }
}

fn update<T: Number>(step: &AdamW, values: &mut [Values; 3], gradient: &Values, decay: Decay) -> bool {
    let [weights, mean, mean_square] = values.each_mut().map(|values| values.slice_mut::<T>());
    step.update([AdamWParameter { weights, gradient: gradient.slice(), mean, mean_square, decay }])
}

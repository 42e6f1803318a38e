//! AdamW and the norm of all gradients, on the parameters' own memory: no temporaries, each number read and written once.

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
    /// One step against the `gradient`, in backend where nobody else holds the tensors.
    ///
    /// # Errors
    /// The state as it was, on a device without kernels.
    pub fn update(self, step: &AdamW, gradient: &Tensor<D>, decay: Decay) -> Result<Self, Self> {
        let Some(backend) = HostBackend::of(&self.weights) else { return Err(self) };
        let Self { weights, mean, mean_square } = self;
        let is_f64 = weights.dtype() == burn::tensor::DType::F64;
        let mut values = [weights.into_dispatch(), mean.into_dispatch(), mean_square.into_dispatch()]
            .map(|tensor| backend.values(tensor));
        let gradient = backend.values(gradient.clone().into_dispatch());
        if is_f64 {
            update::<f64>(step, &mut values, &gradient, decay);
        } else {
            update::<f32>(step, &mut values, &gradient, decay);
        }
        let [weights, mean, mean_square] = values.map(|values| backend.tensor(values));
        Ok(Self {
            weights: Tensor::from_dispatch(weights),
            mean: Tensor::from_dispatch(mean),
            mean_square: Tensor::from_dispatch(mean_square),
        })
    }
}

fn update<T: Number>(step: &AdamW, values: &mut [Values; 3], gradient: &Values, decay: Decay) {
    let [weights, mean, mean_square] = values.each_mut().map(|values| values.slice_mut::<T>());
    step.update([AdamWParameter { weights, gradient: gradient.slice(), mean, mean_square, decay }]);
}

/// Gradients of which the norm is wanted, in an order that is always the same.
#[derive(Debug, Default)]
pub struct GlobalNorm {
    gradients: Vec<Values>,
    sum_of_others: f64,
}

impl GlobalNorm {
    /// One more gradient, without autodiff.
    pub fn add<const D: usize>(&mut self, gradient: &Tensor<D>) {
        match HostBackend::of(gradient) {
            Some(backend) => self.gradients.push(backend.values(gradient.clone().into_dispatch())),
            None => self.sum_of_others += gradient.to_data().iter::<f64>().map(|g| g * g).sum::<f64>(),
        }
    }

    /// `√(Σ g²)` over all gradients, added up in `f64` and in their order, whatever the number of threads.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use qkv_model::fused::GlobalNorm;
    ///
    /// let device = Device::flex();
    /// let mut norm = GlobalNorm::default();
    /// norm.add(&Tensor::<1>::from_floats([3.0], &device));
    /// norm.add(&Tensor::<2>::from_floats([[0.0, 4.0]], &device));
    /// assert_eq!(norm.value(), 5.0);
    /// ```
    pub fn value(&self) -> f64 {
        let norm_of =
            |is: burn::tensor::DType| self.gradients.iter().filter(move |values| values.dtype() == is);
        let single: Vec<&[f32]> = norm_of(burn::tensor::DType::F32).map(Values::slice).collect();
        let double: Vec<&[f64]> = norm_of(burn::tensor::DType::F64).map(Values::slice).collect();
        let [single, double] = [qkv_kernels::global_norm(&single), qkv_kernels::global_norm(&double)];
        (single.powi(2) + double.powi(2) + self.sum_of_others).sqrt()
    }
}

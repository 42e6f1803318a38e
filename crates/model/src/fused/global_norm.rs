//! The norm of all gradients together, without a copy of any.

use burn::tensor::{DType, Tensor};

use super::host::{HostBackend, Values};

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
        let norm_of = |is: DType| self.gradients.iter().filter(move |values| values.dtype() == is);
        let single: Vec<&[f32]> = norm_of(DType::F32).map(Values::slice).collect();
        let double: Vec<&[f64]> = norm_of(DType::F64).map(Values::slice).collect();
        let [single, double] = [qkv_kernels::global_norm(&single), qkv_kernels::global_norm(&double)];
        (single.powi(2) + double.powi(2) + self.sum_of_others).sqrt()
    }
}

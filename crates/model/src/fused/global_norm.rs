//! The norm of all gradients together, without a copy of any.

use burn::tensor::{DType, Tensor};

use super::host::{HostBackend, Values};

/// A gradient as a vector.
type Vector = Tensor<1>;

/// Gradients of which the norm is wanted, in an order that is always the same.
#[derive(Debug, Default)]
pub struct GlobalNorm {
    gradients: Vec<Values>,
    /// Those outside host memory, and the sum of squares of each.
    others: Vec<(Vector, Vector)>,
}

impl GlobalNorm {
    /// One more gradient, without autodiff.
    pub fn add<const D: usize>(&mut self, gradient: &Tensor<D>) {
        match HostBackend::of(gradient) {
            Some(backend) => self.gradients.push(backend.values(gradient.clone().into_dispatch())),
            None => {
                let gradient = gradient.clone().reshape([gradient.shape().num_elements()]);
                let sum = (gradient.clone() * gradient.clone()).sum();
                self.others.push((gradient, sum));
            }
        }
    }

    /// `√(Σ g²)` over all gradients, added up in `f64` and in their order, whatever the number of threads. Outside host
    /// memory the device adds up each gradient, in the gradient's own precision, and all sums are read back at once.
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
        (single.powi(2) + double.powi(2) + self.sum_of_others()).sqrt()
    }

    fn sum_of_others(&self) -> f64 {
        if self.others.is_empty() {
            return 0.0;
        }
        let sums: Vec<Vector> = self.others.iter().map(|(_, sum)| sum.clone()).collect();
        let sum: f64 = Tensor::cat(sums, 0).into_data().iter::<f64>().sum();
        if sum.is_finite() {
            return sum;
        }
        // A square of 1e20 is infinite in single precision, and its root is not.
        let squares = |gradient: &Vector| gradient.to_data().iter::<f64>().map(|g| g * g).sum::<f64>();
        self.others.iter().map(|(gradient, _)| squares(gradient)).sum()
    }
}

//! A gradient, and what clipping makes of it.

use burn::tensor::Tensor;

/// The gradient of one parameter, `[n]`, with the factor by which it is clipped.
#[derive(Debug, Clone)]
pub struct Gradient {
    values: Tensor<1>,
    factor: f64,
}

impl Gradient {
    /// Of these values, `[n]`, which are to be multiplied by `factor`.
    pub fn new(values: Tensor<1>, factor: f64) -> Self {
        Self { values, factor }
    }

    /// The clipped gradient, `[n]`.
    pub fn clipped(self) -> Tensor<1> {
        if self.factor == 1.0 { self.values } else { self.values.mul_scalar(self.factor) }
    }

    /// The gradient before clipping, and the factor that clips it: for a kernel that multiplies as it reads.
    pub fn with_factor(self) -> (Tensor<1>, f64) {
        (self.values, self.factor)
    }
}

//! `x W + bias`, by a kernel where there is one.

use burn::tensor::{Tensor, module};

use crate::fused::{self, HostBackend};

/// The linear map `x w + bias` of every matrix here, one matrix product forward and two backward.
///
/// # Shapes
/// - `x`: `[.., d_in]`
/// - `w`: `[d_in, d_out]`
/// - `bias`: `[d_out]`
/// - returns `[.., d_out]`
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::linear;
///
/// let device = Device::flex();
/// let x = Tensor::<2>::from_floats([[1., 10.]], &device);
/// let w = Tensor::<2>::from_floats([[2.], [3.]], &device);
/// assert_eq!(linear(x, w, None).into_scalar::<f32>(), 32.0);
/// ```
pub fn linear<const D: usize>(x: Tensor<D>, w: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    match HostBackend::of(&x) {
        Some(backend) => fused::linear(backend, x, w, bias, None),
        None => module::linear(x, w, bias),
    }
}

/// `residual + x w + bias`, with shapes as for [`linear`]: how a sub-layer ends on a residual stream.
pub(crate) fn linear_onto<const D: usize>(
    residual: Tensor<D>,
    x: Tensor<D>,
    w: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    match HostBackend::of(&x) {
        Some(backend) => fused::linear(backend, x, w, bias, Some(residual)),
        None => residual + module::linear(x, w, bias),
    }
}

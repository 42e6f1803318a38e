//! Numbers on the host: into tensors and back, random ones, and close ones.

use burn::tensor::{Bool, DType, Device, Tensor, TensorData};
use qkv_model::random::{Purpose, stream};
use rand::RngExt;

/// A tensor of these values in this precision.
pub fn tensor<const D: usize>(
    (device, dtype): (&Device, DType),
    values: &[f64],
    shape: [usize; D],
) -> Tensor<D> {
    let data = TensorData::new(values.to_vec(), shape).convert_dtype(dtype);
    Tensor::from_data(data, (device, dtype))
}

/// A tensor of these truth values.
pub fn bools<const D: usize>(device: &Device, values: &[bool], shape: [usize; D]) -> Tensor<D, Bool> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

/// The values of a tensor of either precision, row-major.
pub fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// `n` values uniform in `[-1, 1)`; the same for the same label.
pub fn random(label: &str, n: usize) -> Vec<f64> {
    let mut rng = stream(17, Purpose::Examples, label, 0);
    (0..n).map(|_| 2.0 * rng.random::<f64>() - 1.0).collect()
}

/// A random tensor; the same for the same label and shape.
pub fn random_tensor<const D: usize>(place: (&Device, DType), label: &str, shape: [usize; D]) -> Tensor<D> {
    tensor(place, &random(label, shape.iter().product()), shape)
}

/// The largest distance of two values.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Every value within `tolerance`, relative to values above one and absolute below.
#[track_caller]
pub fn assert_close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    for (idx, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (got - want).abs() / want.abs().max(1.0);
        // Written so that NaN fails.
        assert!(
            error <= tolerance,
            "{what}, value {idx}: {got} instead of {want}, off by {error:.1e} where {tolerance:.1e} is allowed"
        );
    }
}

//! Where the tests run: one backend, in either precision, with and without autodiff.

use std::sync::LazyLock;

use burn::tensor::{DType, Device};

/// Flex; with the feature `ndarray` that backend instead.
pub fn device() -> Device {
    #[cfg(feature = "ndarray")]
    return ndarray();
    #[cfg(not(feature = "ndarray"))]
    Device::flex()
}

/// The device in single and in double precision.
pub fn places() -> [(&'static Device, DType); 2] {
    static PLAIN: LazyLock<Device> = LazyLock::new(device);
    [(&PLAIN, DType::F32), (&PLAIN, DType::F64)]
}

/// The same with autodiff.
pub fn learning_places() -> [(&'static Device, DType); 2] {
    static LEARNING: LazyLock<Device> = LazyLock::new(|| device().autodiff());
    [(&LEARNING, DType::F32), (&LEARNING, DType::F64)]
}

/// `double` in `F64` and `single` in `F32`: a tolerance that follows the precision.
pub fn tolerance(dtype: DType, single: f64, double: f64) -> f64 {
    match dtype {
        DType::F64 => double,
        _ => single,
    }
}

#[cfg(feature = "ndarray")]
#[expect(deprecated, reason = "deprecated upstream in 0.22; as long as it can be chosen it has to be right")]
fn ndarray() -> Device {
    Device::ndarray()
}

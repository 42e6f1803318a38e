//! Where the tests run: every test loops over these devices, so that both backends pass the same ones, each in a run of
//! its own.

use burn::tensor::{DType, Device};

/// Flex; with the feature `ndarray` that backend instead.
pub fn devices() -> Vec<Device> {
    #[cfg(feature = "ndarray")]
    let device = ndarray();
    #[cfg(not(feature = "ndarray"))]
    let device = Device::flex();
    vec![device]
}

/// Every device in single and in double precision.
pub fn places() -> Vec<(Device, DType)> {
    let at = |device: Device| [DType::F32, DType::F64].map(|dtype| (device.clone(), dtype));
    devices().into_iter().flat_map(at).collect()
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

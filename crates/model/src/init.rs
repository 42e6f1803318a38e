//! Initial weights: each parameter's values are a function of the seed and of the parameter's own path.

use burn::Tensor;
use burn::module::Param;
use burn::tensor::{DType, Device, TensorData};
use rand_distr::{Distribution, StandardNormal, StandardUniform};

use crate::random::{Purpose, stream};

/// Where and how initial weights are made: device, precision, seed, and the path of the module being built.
///
/// Values are drawn in `f64` and rounded, so an `f32` and an `f64` model of the same seed start at the same point.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, Training};
///
/// let init = Init::new(&Device::flex(), 7).enter("attention");
/// let w_q = init.uniform("w_q", [3, 2], 0.5, Training::Learned);
/// assert_eq!(w_q.dims(), [3, 2]);
/// assert_eq!(w_q.to_data(), init.uniform("w_q", [3, 2], 0.5, Training::Learned).to_data());
/// assert_ne!(w_q.to_data(), init.uniform("w_k", [3, 2], 0.5, Training::Learned).to_data());
/// ```
#[derive(Debug, Clone)]
pub struct Init {
    device: Device,
    dtype: DType,
    seed: u64,
    path: String,
}

/// Whether an optimizer may change a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// Receives a gradient and is updated.
    Learned,
    /// Keeps its initial value.
    Frozen,
}

impl Init {
    /// Single precision on `device`, at the root of the module tree.
    pub fn new(device: &Device, seed: u64) -> Self {
        Self { device: device.clone(), dtype: DType::F32, seed, path: String::new() }
    }

    /// This `Init` with parameters of another precision, for example `DType::F64`.
    pub fn with_dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// This `Init` one level down the module tree; `name` is the field's name.
    pub fn enter(&self, name: &str) -> Self {
        Self { path: self.path_of(name), ..self.clone() }
    }

    /// The full path of the parameter `name` of the module being built, such as `blocks.0.attention.w_q`.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The device on which parameters are created.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Uniform in `[-bound, bound)`.
    pub fn uniform<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        bound: f64,
        training: Training,
    ) -> Param<Tensor<D>> {
        self.parameter(name, shape, training, |unit: f64| (2.0 * unit - 1.0) * bound, StandardUniform)
    }

    /// Normal with mean zero and standard deviation `std`.
    pub fn normal<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        std: f64,
        training: Training,
    ) -> Param<Tensor<D>> {
        self.parameter(name, shape, training, |unit: f64| unit * std, StandardNormal)
    }

    /// A learned parameter with `value` everywhere.
    pub fn constant<const D: usize>(&self, shape: [usize; D], value: f64) -> Param<Tensor<D>> {
        Param::from_tensor(self.tensor(vec![value; shape.iter().product()], shape))
    }

    /// A tensor of the given values in this precision, on this device; no parameter.
    pub fn tensor<const D: usize>(&self, values: Vec<f64>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(
            TensorData::new(values, shape).convert_dtype(self.dtype),
            (&self.device, self.dtype),
        )
    }

    fn parameter<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        training: Training,
        scale: impl Fn(f64) -> f64,
        distribution: impl Distribution<f64>,
    ) -> Param<Tensor<D>> {
        let rng = stream(self.seed, Purpose::Weights, &self.path_of(name), 0);
        let values = distribution.sample_iter(rng).take(shape.iter().product()).map(scale).collect();
        let param = Param::from_tensor(self.tensor(values, shape));
        match training {
            Training::Learned => param,
            Training::Frozen => param.set_require_grad(false),
        }
    }
}

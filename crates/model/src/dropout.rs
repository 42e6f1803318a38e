//! Dropout whose masks are a function of (seed, step, layer), so that a resumed run repeats an uninterrupted one.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use rand::RngExt;

use crate::error::ModelError;
use crate::init::Init;
use crate::mode::Mode;
use crate::random::{Purpose, stream};

/// Sets a share `rate` of the values to zero while training and scales the others by `1/(1 - rate)`
/// ([Srivastava et al. 2014](https://jmlr.org/papers/v15/srivastava14a.html)).
#[derive(Module, Debug)]
pub struct Dropout {
    rate: f64,
    #[module(skip)]
    path: String,
}

impl Dropout {
    /// The layer `name` of the module being built.
    ///
    /// # Errors
    /// If `rate` is not in `[0, 1)`.
    pub fn new(init: &Init, name: &str, rate: f64) -> Result<Self, ModelError> {
        Self::check(rate)?;
        Ok(Self { rate, path: init.path_of(name) })
    }

    /// Whether `rate` is one.
    pub(crate) fn check(rate: f64) -> Result<(), ModelError> {
        if (0.0..1.0).contains(&rate) {
            return Ok(());
        }
        Err(ModelError::OutOfRange { name: "dropout", expected: "at least 0 and below 1", got: rate })
    }

    /// Any shape; returns `x` itself when evaluating.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: Mode) -> Tensor<D> {
        let Mode::Train { seed, step } = mode else {
            return x;
        };
        if self.rate == 0.0 {
            return x;
        }
        let kept = 1.0 / (1.0 - self.rate);
        let mut rng = stream(seed, Purpose::Dropout, &self.path, step);
        let shape = x.dims();
        let n_values = shape.iter().product();
        let factors: Vec<f64> =
            (0..n_values).map(|_| if rng.random::<f32>() < self.rate as f32 { 0.0 } else { kept }).collect();
        let data = TensorData::new(factors, shape).convert_dtype(x.dtype());
        x.clone() * Tensor::from_data(data, (&x.device(), x.dtype()))
    }
}

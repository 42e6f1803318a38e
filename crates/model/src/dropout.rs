//! Dropout whose masks are a function of (seed, step, layer), so that a resumed run repeats an uninterrupted one.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use rand::RngExt;

use crate::error::ModelError;
use crate::fused;
use crate::init::Init;
use crate::mode::Mode;
use crate::random::{Purpose, fnv1a, stream};

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
        check(rate)?;
        Ok(Self { rate, path: init.path_of(name) })
    }

    /// Whether it does nothing in this mode.
    pub(crate) fn is_off(&self, mode: Mode) -> bool {
        mode == Mode::Evaluate || self.rate == 0.0
    }

    /// Any shape; returns `x` itself when evaluating.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, mode: Mode) -> Tensor<D> {
        let Mode::Train { seed, step } = mode else { return x };
        if self.is_off(mode) {
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

/// Dropout of attention weights. Whether a weight stays is a function of (seed, step, layer, batch, head, query, key),
/// which the fused kernels compute again in the backward instead of keeping a map.
#[derive(Module, Debug)]
pub struct WeightDropout {
    rate: f64,
    layer: u64,
}

impl WeightDropout {
    /// For the attention layer being built.
    ///
    /// # Errors
    /// If `rate` is not in `[0, 1)`.
    pub fn new(init: &Init, rate: f64) -> Result<Self, ModelError> {
        check(rate)?;
        Ok(Self { rate, layer: fnv1a(init.path_of("weights").as_bytes()) })
    }

    /// The rule for one training step; `None` where nothing is dropped.
    pub fn in_mode(&self, mode: Mode) -> Option<fused::DropoutRule> {
        match mode {
            Mode::Train { seed, step } if self.rate > 0.0 => {
                Some(fused::DropoutRule { probability: self.rate, seed, step, layer: self.layer })
            }
            _ => None,
        }
    }
}

/// Drops among `weights`, `[batch, heads, q_len, k_len]`.
pub(crate) fn drop_weights(weights: Tensor<4>, rule: Option<fused::DropoutRule>) -> Tensor<4> {
    let Some(rule) = rule else { return weights };
    let shape @ [batch, heads, q_len, k_len] = weights.dims();
    let mut factors = Vec::with_capacity(shape.iter().product());
    for b in 0..batch {
        for head in 0..heads {
            for query in 0..q_len {
                factors.extend((0..k_len).map(|key| match rule.keeps(b, head, query, key) {
                    true => rule.factor(),
                    false => 0.0,
                }));
            }
        }
    }
    let factors = TensorData::new(factors, shape).convert_dtype(weights.dtype());
    let factors = Tensor::from_data(factors, (&weights.device(), weights.dtype()));
    weights * factors
}

/// Whether `rate` is one.
pub(crate) fn check(rate: f64) -> Result<(), ModelError> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    Err(ModelError::OutOfRange { name: "dropout", expected: "at least 0 and below 1", got: rate })
}

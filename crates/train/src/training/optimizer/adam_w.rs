//! AdamW, fused: each number is read and written once, and tested on the way.

use burn::tensor::Tensor;
use qkv_model::fused::{self, AdamWState, Decay};
use serde::{Deserialize, Serialize};

use super::{Gradient, Optimizer, ParameterInfo, StateTensor, StateTensors, Update, Updated};
use crate::error::TrainError;

/// `adam-w`: Adam with decoupled weight decay ([Loshchilov and Hutter 2019, algorithm
/// 2](https://arxiv.org/abs/1711.05101)), as PyTorch does it.
///
/// ```text
/// m = β₁ m + (1 - β₁) g                 v = β₂ v + (1 - β₂) g²
/// w = w - lr · weight_decay · w         on maps only
/// w = w - lr · m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + ε)
/// ```
///
/// `t` is the number of the [update](Update::step) of the whole model, from 1, also for a parameter that had no gradient
/// in earlier ones; PyTorch counts for each parameter the updates in which it had one.
///
/// Maps decay; biases, norms and tables of vectors such as embeddings do not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// Memory of the mean of the gradient, in `[0, 1)`; 0.9.
    pub beta_1: f64,
    /// Memory of the mean of its square, in `[0, 1)`; 0.999.
    pub beta_2: f64,
    /// Keeps the division finite; 1e-8.
    pub epsilon: f64,
    /// Pull towards zero, on maps only: not on norms, biases, embeddings and positions; 0.01.
    pub weight_decay: f64,
}

/// The running mean of the gradient.
pub(super) const MEAN: &str = "m";
/// The running mean of its square.
pub(super) const MEAN_SQUARE: &str = "v";

impl Default for AdamW {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

impl AdamW {
    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn build(&self) -> Result<Self, TrainError> {
        let Self { beta_1, beta_2, epsilon, weight_decay } = *self;
        check_memory("optimizer.beta_1", beta_1)?;
        check_memory("optimizer.beta_2", beta_2)?;
        check_epsilon("optimizer.epsilon", epsilon)?;
        check_decay(weight_decay)?;
        Ok(*self)
    }

    /// One update with the weight decay that `decay` turns on.
    pub(super) fn update_with(
        &self,
        update: &Update<'_>,
        decay: Decay,
        weights: Tensor<1>,
        gradient: Gradient,
        state: &mut StateTensors,
    ) -> Updated {
        let (gradient, gradient_factor) = gradient.with_factor();
        let numbers = fused::AdamW {
            learning_rate: update.learning_rate,
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
            step: update.step,
            gradient_factor,
        };
        let before = AdamWState { weights, mean: state.take(MEAN), mean_square: state.take(MEAN_SQUARE) };
        let (AdamWState { weights, mean, mean_square }, is_finite) = match fused::supports(&before.weights) {
            true => {
                let (after, is_finite) = before.update(&numbers, &gradient, decay);
                (after, Some(is_finite))
            }
            false => (reference(before, &numbers, gradient, decay), None),
        };
        state.put(MEAN, mean);
        state.put(MEAN_SQUARE, mean_square);
        Updated { weights, is_finite }
    }
}

impl Optimizer for AdamW {
    fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor> {
        [MEAN, MEAN_SQUARE].map(|name| StateTensor { name, n: parameter.n() }).to_vec()
    }

    fn update(
        &self,
        update: &Update<'_>,
        weights: Tensor<1>,
        gradient: Gradient,
        state: &mut StateTensors,
    ) -> Updated {
        let decay = update.parameter.decay(self.weight_decay);
        self.update_with(update, decay, weights, gradient, state)
    }
}

/// The share that a running mean keeps of itself.
pub(super) fn check_memory(key: &'static str, beta: f64) -> Result<(), TrainError> {
    // The kernels compute with single precision, in which 0.99999999 is 1.
    TrainError::check_number(key, beta, "at least 0 and below 1", (0.0..1.0).contains(&(beta as f32)))
}

/// What is added to a divisor.
pub(super) fn check_epsilon(key: &'static str, epsilon: f64) -> Result<(), TrainError> {
    TrainError::check_number(key, epsilon, "above 0", epsilon as f32 > 0.0)
}

pub(super) fn check_decay(weight_decay: f64) -> Result<(), TrainError> {
    TrainError::check_number("optimizer.weight_decay", weight_decay, "at least 0", weight_decay >= 0.0)
}

/// The reference implementation in tensor operations, for devices without kernels.
fn reference(
    AdamWState { weights, mean, mean_square }: AdamWState<1>,
    numbers: &fused::AdamW,
    gradient: Tensor<1>,
    decay: Decay,
) -> AdamWState<1> {
    let fused::AdamW { learning_rate, beta_1, beta_2, epsilon, weight_decay, step, gradient_factor } =
        *numbers;
    let grad = gradient.mul_scalar(gradient_factor);
    let mean_square = mean_square.mul_scalar(beta_2) + (grad.clone() * grad.clone()).mul_scalar(1.0 - beta_2);
    let mean = mean.mul_scalar(beta_1) + grad.mul_scalar(1.0 - beta_1);
    let unbiased = |beta: f64| 1.0 - beta.powf(step as f64);
    let length = mean_square.clone().div_scalar(unbiased(beta_2)).sqrt().add_scalar(epsilon);
    let change = mean.clone().mul_scalar(learning_rate / unbiased(beta_1)) / length;
    let kept = match decay {
        Decay::On => weights.mul_scalar(1.0 - learning_rate * weight_decay),
        Decay::Off => weights,
    };
    AdamWState { weights: kept - change, mean, mean_square }
}

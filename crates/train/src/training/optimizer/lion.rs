//! Lion, in tensor operations.

use burn::tensor::Tensor;
use qkv_model::fused::Decay;
use serde::{Deserialize, Serialize};

use super::adam_w::{check_decay, check_memory};
use super::{Gradient, Optimizer, ParameterInfo, StateTensor, StateTensors, Update, Updated};
use crate::error::TrainError;

/// `lion`: steps of one length each, by the sign of a mean that weighs the newest gradient more than what is remembered
/// of it ([Chen et al. 2023, algorithm 2](https://arxiv.org/abs/2302.06675)); plain.
///
/// ```text
/// c = β₁ m + (1 - β₁) g
/// w = w - lr · (sign(c) + weight_decay · w)         weight_decay on maps only
/// m = β₂ m + (1 - β₂) g
/// ```
///
/// Every weight moves by the whole rate. The paper takes rates that are 3 to 10 times smaller than those of AdamW, and
/// as many times more weight decay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lion {
    /// Share of the mean in a step, in `[0, 1)`; 0.9.
    pub beta_1: f64,
    /// Memory of the mean, in `[0, 1)`; 0.99.
    pub beta_2: f64,
    /// Pull towards zero, on maps only; 0.
    pub weight_decay: f64,
}

/// The running mean of the gradient.
const MEAN: &str = "m";

impl Default for Lion {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.99, weight_decay: 0.0 }
    }
}

impl Lion {
    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn build(&self) -> Result<Self, TrainError> {
        check_memory("optimizer.beta_1", self.beta_1)?;
        check_memory("optimizer.beta_2", self.beta_2)?;
        check_decay(self.weight_decay)?;
        Ok(*self)
    }
}

impl Optimizer for Lion {
    fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor> {
        vec![StateTensor { name: MEAN, n: parameter.n() }]
    }

    fn update(
        &self,
        update: &Update<'_>,
        weights: Tensor<1>,
        gradient: Gradient,
        state: &mut StateTensors,
    ) -> Updated {
        let (rate, gradient, mean) = (update.learning_rate, gradient.clipped(), state.take(MEAN));
        let mixed = mean.clone().mul_scalar(self.beta_1) + gradient.clone().mul_scalar(1.0 - self.beta_1);
        state.put(MEAN, mean.mul_scalar(self.beta_2) + gradient.mul_scalar(1.0 - self.beta_2));
        let kept = match update.parameter.decay(self.weight_decay) {
            Decay::On => weights.mul_scalar(1.0 - rate * self.weight_decay),
            Decay::Off => weights,
        };
        Updated::from(kept - mixed.sign().mul_scalar(rate))
    }
}

//! Adam, by the kernel of AdamW: without weight decay the two are one.

use burn::tensor::Tensor;
use qkv_model::fused::Decay;
use serde::{Deserialize, Serialize};

use super::{AdamW, Gradient, Optimizer, ParameterInfo, StateTensor, StateTensors, Update, Updated};
use crate::error::TrainError;

/// `adam` ([Kingma and Ba 2015, algorithm 1](https://arxiv.org/abs/1412.6980)), as PyTorch does it; fused.
///
/// ```text
/// g = g + weight_decay · w              on maps only
/// m = β₁ m + (1 - β₁) g                 v = β₂ v + (1 - β₂) g²
/// w = w - lr · m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + ε)
/// ```
///
/// `t` is the number of the update, as in [`AdamW`]. The weight decay is the gradient of ½ weight_decay · ‖w‖²: it goes
/// through the mean and the division, where that of [`AdamW`] does not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// Memory of the mean of the gradient, in `[0, 1)`; 0.9.
    pub beta_1: f64,
    /// Memory of the mean of its square, in `[0, 1)`; 0.999.
    pub beta_2: f64,
    /// Keeps the division finite; 1e-8.
    pub epsilon: f64,
    /// Share of the weights that is added to the gradient, on maps only; 0.
    pub weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        let AdamW { beta_1, beta_2, epsilon, .. } = AdamW::default();
        Self { beta_1, beta_2, epsilon, weight_decay: 0.0 }
    }
}

impl Adam {
    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn build(&self) -> Result<Self, TrainError> {
        self.adam_w().build()?;
        Ok(*self)
    }

    fn adam_w(&self) -> AdamW {
        let Self { beta_1, beta_2, epsilon, weight_decay } = *self;
        AdamW { beta_1, beta_2, epsilon, weight_decay }
    }
}

impl Optimizer for Adam {
    fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor> {
        self.adam_w().state(parameter)
    }

    fn update(
        &self,
        update: &Update<'_>,
        weights: Tensor<1>,
        gradient: Gradient,
        state: &mut StateTensors,
    ) -> Updated {
        let gradient = match update.parameter.decay(self.weight_decay) {
            Decay::On => {
                let pull = weights.clone().mul_scalar(self.weight_decay);
                Gradient::new(gradient.clipped() + pull, 1.0)
            }
            Decay::Off => gradient,
        };
        self.adam_w().update_with(update, Decay::Off, weights, gradient, state)
    }
}

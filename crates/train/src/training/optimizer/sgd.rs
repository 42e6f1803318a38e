//! Gradient descent with momentum, in tensor operations.

use burn::tensor::Tensor;
use qkv_model::fused::Decay;
use serde::{Deserialize, Serialize};

use super::adam_w::{check_decay, check_memory};
use super::{Gradient, Optimizer, ParameterInfo, StateTensor, StateTensors, Update, Updated};
use crate::error::TrainError;

/// `sgd`: gradient descent with the momentum of [Sutskever et al.
/// 2013](https://proceedings.mlr.press/v28/sutskever13.html), as PyTorch does it without dampening; plain.
///
/// ```text
/// g = g + weight_decay · w              on maps only
/// m = momentum · m + g
/// w = w - lr · m                        or, if nesterov, w - lr · (g + momentum · m)
/// ```
///
/// A momentum of 0 remembers nothing. A steady gradient is amplified by 1 / (1 - momentum), and steps are in the
/// gradient's own measure: rates are far from those of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// Share of the last step that goes on, in `[0, 1)`; 0.9.
    pub momentum: f64,
    /// Whether the gradient counts as if it were taken one step of momentum ahead; false.
    pub nesterov: bool,
    /// Share of the weights that is added to the gradient, on maps only; 0.
    pub weight_decay: f64,
}

/// The sum of gradients that momentum makes.
const MOMENTUM: &str = "momentum";

impl Default for Sgd {
    fn default() -> Self {
        Self { momentum: 0.9, nesterov: false, weight_decay: 0.0 }
    }
}

impl Sgd {
    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of range, or `nesterov` is without momentum.
    pub fn build(&self) -> Result<Self, TrainError> {
        check_memory("optimizer.momentum", self.momentum)?;
        let fits = !self.nesterov || self.momentum > 0.0;
        TrainError::check_number(
            "optimizer.momentum",
            self.momentum,
            "above 0 with optimizer.nesterov",
            fits,
        )?;
        check_decay(self.weight_decay)?;
        Ok(*self)
    }
}

impl Optimizer for Sgd {
    fn state(&self, parameter: &ParameterInfo) -> Vec<StateTensor> {
        if self.momentum == 0.0 {
            return Vec::new();
        }
        vec![StateTensor { name: MOMENTUM, n: parameter.n() }]
    }

    fn update(
        &self,
        update: &Update<'_>,
        weights: Tensor<1>,
        gradient: Gradient,
        state: &mut StateTensors,
    ) -> Updated {
        let mut gradient = gradient.clipped();
        if update.parameter.decay(self.weight_decay) == Decay::On {
            gradient = gradient + weights.clone().mul_scalar(self.weight_decay);
        }
        let change = match self.momentum == 0.0 {
            true => gradient,
            false => {
                let momentum = state.take(MOMENTUM).mul_scalar(self.momentum) + gradient.clone();
                state.put(MOMENTUM, momentum.clone());
                if self.nesterov { gradient + momentum.mul_scalar(self.momentum) } else { momentum }
            }
        };
        Updated::from(weights - change.mul_scalar(update.learning_rate))
    }
}

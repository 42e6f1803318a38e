//! The numbers of AdamW and of gradient clipping.

use serde::{Deserialize, Serialize};

use super::check;
use crate::error::TrainError;

/// AdamW ([Loshchilov and Hutter 2019](https://arxiv.org/abs/1711.05101)) after clipping by global norm.
///
/// ```text
/// g = g · min(1, clip / ‖all gradients‖)
/// m = β₁ m + (1 - β₁) g                 v = β₂ v + (1 - β₂) g²
/// w = w - lr (m̂ / (√v̂ + ε) + weight_decay w)
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// Learning rate at the top of the schedule.
    pub lr: f64,
    /// Memory of the mean of the gradient, in `[0, 1)`.
    pub beta_1: f64,
    /// Memory of the mean of its square, in `[0, 1)`.
    pub beta_2: f64,
    /// Keeps the division finite.
    pub epsilon: f64,
    /// Pull towards zero, on matrices only: not on norms, biases, embeddings and positions.
    pub weight_decay: f64,
    /// Largest norm of all gradients together; 0 turns clipping off.
    pub clip: f64,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self { lr: 5e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.01, clip: 1.0 }
    }
}

impl OptimizerConfig {
    pub(super) fn check(&self) -> Result<(), TrainError> {
        // Burn computes with single precision, in which 0.99999999 is 1.
        let unit = |beta: f64| (0.0..1.0).contains(&(beta as f32));
        check("optimizer.lr", self.lr, "above 0", self.lr > 0.0)?;
        check("optimizer.beta_1", self.beta_1, "at least 0 and below 1", unit(self.beta_1))?;
        check("optimizer.beta_2", self.beta_2, "at least 0 and below 1", unit(self.beta_2))?;
        check("optimizer.epsilon", self.epsilon, "above 0", self.epsilon as f32 > 0.0)?;
        check("optimizer.weight_decay", self.weight_decay, "at least 0", self.weight_decay >= 0.0)?;
        check("optimizer.clip", self.clip, "at least 0", self.clip >= 0.0)
    }
}

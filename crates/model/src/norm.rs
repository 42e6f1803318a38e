//! Layer normalisation: Burn's, with weights in the model's precision.

use burn::nn::{LayerNorm, LayerNormConfig};
use serde::{Deserialize, Serialize};

use crate::init::Init;

/// Where a block normalises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormConfig {
    /// Before each sub-layer, `x + f(norm(x))`, and once after the last block; trains without warm-up.
    Pre,
    /// After each sub-layer, `norm(x + f(x))`, as in the 2017 paper.
    Post,
    /// Nowhere.
    None,
}

/// `y = (x - mean) / √(variance + 1e-5) · gamma + beta` over the last axis
/// ([Ba et al. 2016](https://arxiv.org/abs/1607.06450)); gamma starts at one, beta at zero.
pub(crate) fn layer_norm(init: &Init, d_model: usize) -> LayerNorm {
    let mut norm = LayerNormConfig::new(d_model).init(init.device());
    norm.gamma = init.constant([d_model], 1.0);
    norm.beta = Some(init.constant([d_model], 0.0));
    norm
}

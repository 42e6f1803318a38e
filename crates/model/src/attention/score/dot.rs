//! Dot products, with and without a scale.

use burn::module::Module;
use serde::{Deserialize, Serialize};

use super::{Comparison, Score};
use crate::error::ModelError;
use crate::head_shape::HeadShape;
use crate::init::Init;
use crate::parts::NoSettings;

/// Dot product without scaling, `s_ij = q_i · k_j`. It saturates the softmax as `d_k` grows.
#[derive(Module, Debug)]
pub struct Dot {}

impl Dot {
    pub(crate) fn build(_: &NoSettings, _: &Init, _: HeadShape) -> Result<Self, ModelError> {
        Ok(Self {})
    }
}

impl Score for Dot {
    fn comparison(&self) -> Comparison {
        Comparison::Dot
    }
}

/// Dot product times a constant, by default `1/√d_k`, which keeps the variance of the scores at one
/// ([Vaswani et al. 2017, section 3.2.1](https://arxiv.org/abs/1706.03762)).
#[derive(Module, Debug, Default)]
pub struct ScaledDot {
    pub(crate) scale: Option<f64>,
}

/// Settings of `scaled-dot` in a config file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScaledDotSettings {
    scale: Option<f64>,
}

impl ScaledDot {
    /// Scales by `scale` instead.
    pub fn by(scale: f64) -> Self {
        Self { scale: Some(scale) }
    }

    pub(crate) fn build(settings: &ScaledDotSettings, _: &Init, _: HeadShape) -> Result<Self, ModelError> {
        if let Some(scale) = settings.scale {
            ModelError::check_number("scale", scale, "a finite number", true)?;
        }
        Ok(Self { scale: settings.scale })
    }
}

impl Score for ScaledDot {
    fn comparison(&self) -> Comparison {
        Comparison::Dot
    }

    fn scale(&self, d_k: usize) -> f64 {
        self.scale.unwrap_or(1.0 / (d_k as f64).sqrt())
    }
}

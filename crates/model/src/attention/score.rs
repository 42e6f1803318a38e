//! How well a query fits a key: the one place where kinds of attention differ.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Tensor, einsum};
use serde::{Deserialize, Serialize};

use super::additive::Additive;
use crate::error::{ModelError, size};
use crate::init::Init;

/// Compares queries with keys.
///
/// ```text
/// weights = softmax(scale · scores(q, k) + mask)
/// ```
///
/// Implement it for a module of your own, with or without parameters: autodiff gives the gradient. The example
/// `custom_score` trains one.
pub trait Score: Module + ModuleDisplay {
    /// The scores before scaling.
    ///
    /// # Shapes
    /// - `q`: `[batch, heads, q_len, d_k]`
    /// - `k`: `[batch, heads, k_len, d_k]`
    /// - returns `[batch, heads, q_len, k_len]`
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4>;

    /// The factor between the scores and the softmax, for keys of width `d_k`; 1 unless you say otherwise.
    fn scale(&self, d_k: usize) -> f64 {
        let _ = d_k;
        1.0
    }
}

/// Dot product without scaling, `s_ij = q_i · k_j`: the lecture's first rung. It saturates the softmax as `d_k` grows.
#[derive(Module, Debug)]
pub struct Dot {}

impl Score for Dot {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        dot(q, k)
    }
}

/// Dot product times a constant, by default `1/√d_k`, which keeps the variance of the scores at one
/// ([Vaswani et al. 2017, section 3.2.1](https://arxiv.org/abs/1706.03762)).
#[derive(Module, Debug, Default)]
pub struct ScaledDot {
    scale: Option<f64>,
}

impl ScaledDot {
    /// Scales by `scale` instead.
    pub fn by(scale: f64) -> Self {
        Self { scale: Some(scale) }
    }
}

impl Score for ScaledDot {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        dot(q, k)
    }

    fn scale(&self, d_k: usize) -> f64 {
        self.scale.unwrap_or(1.0 / (d_k as f64).sqrt())
    }
}

fn dot(q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
    einsum!("bhqd,bhkd->bhqk", q, k)
}

/// Which of the built-in scores a config file asks for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreConfig {
    /// [`Dot`].
    Dot,
    /// [`ScaledDot`] with `1/√d_k`.
    ScaledDot,
    /// [`ScaledDot`] with this factor.
    ScaledBy(f64),
    /// [`Additive`] with this many hidden units per head.
    Additive(usize),
}

impl ScoreConfig {
    /// Builds the score of an attention layer with `n_heads` heads and keys of width `d_k`.
    ///
    /// # Errors
    /// If the scale is not a finite number or there are no hidden units.
    pub fn init(&self, init: &Init, n_heads: usize, d_k: usize) -> Result<BuiltinScore, ModelError> {
        self.check()?;
        Ok(match *self {
            Self::Dot => BuiltinScore::Dot(Dot {}),
            Self::ScaledDot => BuiltinScore::ScaledDot(ScaledDot::default()),
            Self::ScaledBy(scale) => BuiltinScore::ScaledDot(ScaledDot::by(scale)),
            Self::Additive(d_hidden) => BuiltinScore::Additive(Additive::new(init, n_heads, d_k, d_hidden)),
        })
    }

    /// Whether its own setting is in range.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        match *self {
            Self::ScaledBy(got) if !got.is_finite() => {
                Err(ModelError::OutOfRange { name: "scale", expected: "a finite number", got })
            }
            Self::Additive(d_hidden) => size("d_hidden", d_hidden).map(|_| ()),
            _ => Ok(()),
        }
    }
}

/// The score that a config file chose.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a model has one for each layer, and Burn has no boxed modules"
)]
pub enum BuiltinScore {
    /// See [`Dot`].
    Dot(Dot),
    /// See [`ScaledDot`].
    ScaledDot(ScaledDot),
    /// See [`Additive`].
    Additive(Additive),
}

impl Score for BuiltinScore {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Dot(score) => score.scores(q, k),
            Self::ScaledDot(score) => score.scores(q, k),
            Self::Additive(score) => score.scores(q, k),
        }
    }

    fn scale(&self, d_k: usize) -> f64 {
        match self {
            Self::Dot(score) => score.scale(d_k),
            Self::ScaledDot(score) => score.scale(d_k),
            Self::Additive(score) => score.scale(d_k),
        }
    }
}

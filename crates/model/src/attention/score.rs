//! Scores of queries against keys.

use burn::module::Module;
use burn::tensor::{Tensor, einsum};
use serde::{Deserialize, Serialize};

use crate::erase;
use crate::error::ModelError;
use crate::head_shape::HeadShape;
use crate::init::Init;
use crate::parts::{Erased, ErasedModule, NoSettings};

/// Compares queries with keys.
///
/// ```text
/// weights = softmax(scale · scores(q, k) + mask)
/// ```
///
/// Implement it for a module of your own, with or without parameters: autodiff gives the gradient, and
/// [`Catalog::score`](crate::Catalog::score) gives it a name. The example `custom_score` trains one.
pub trait Score: ErasedModule {
    /// The scores before scaling.
    ///
    /// # Shapes
    /// - `q`: `[batch, heads, q_len, d_k]`
    /// - `k`: `[batch, heads, k_len, d_k]`
    /// - returns `[batch, heads, q_len, k_len]`
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4>;

    /// The factor between the scores and the softmax, for keys of width `d_k`; 1 unless overridden.
    fn scale(&self, d_k: usize) -> f64 {
        let _ = d_k;
        1.0
    }
}

/// Dot product without scaling, `s_ij = q_i · k_j`. It saturates the softmax as `d_k` grows.
#[derive(Module, Debug)]
pub struct Dot {}

impl Dot {
    pub(crate) fn build(_: &NoSettings, _: &Init, _: HeadShape) -> Result<Self, ModelError> {
        Ok(Self {})
    }
}

impl Score for Dot {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        dot(q, k)
    }
}

/// Dot product times a constant, by default `1/√d_k`, which keeps the variance of the scores at one
/// ([Vaswani et al. 2017, section 3.2.1](https://arxiv.org/abs/1706.03762)).
#[derive(Module, Debug, Default)]
pub struct ScaledDot {
    pub(super) scale: Option<f64>,
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
        match settings.scale {
            Some(got) if !got.is_finite() => Err(ModelError::OutOfRange {
                name: "scale",
                expected: "a finite number",
                got: got.to_string(),
            }),
            scale => Ok(Self { scale }),
        }
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

/// Any score, as [`Catalog`](crate::Catalog) hands it out. [`Erased::downcast_ref`] gets at the type inside.
pub type AnyScore = Erased<dyn Score>;

erase!(Score {
    fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4>;
    fn scale(&self, d_k: usize) -> f64;
});

/// Whether the score is [`Dot`] or [`ScaledDot`], which the fused kernels compute by themselves.
pub(super) fn is_dot_product(score: &dyn Score) -> bool {
    let any = score.erased_any();
    match any.downcast_ref::<AnyScore>() {
        Some(score) => is_dot_product(score.get()),
        None => any.is::<Dot>() || any.is::<ScaledDot>(),
    }
}

//! The mechanism itself, between given queries, keys and values: score, scale, mask, softmax, mix.

use burn::tensor::{Tensor, assert_shape, einsum};

use super::mask::Mask;
use super::score::Score;
use super::softmax::masked_softmax;
use crate::dropout::Dropout;
use crate::mode::Mode;

/// What an attention layer returns where its weights are asked for.
#[derive(Debug, Clone)]
pub struct AttentionOutput {
    /// `[batch, seq_len, d_out]`.
    pub context: Tensor<3>,
    /// `[batch, heads, q_len, k_len]`, before dropout.
    pub weights: Tensor<4>,
}

/// What [`attend`] returns.
#[derive(Debug, Clone)]
pub struct Attended {
    /// `[batch, heads, q_len, d_v]`.
    pub context: Tensor<4>,
    /// `[batch, heads, q_len, k_len]`.
    pub weights: Tensor<4>,
}

/// Attention between given queries, keys and values
/// ([Vaswani et al. 2017, equation 1](https://arxiv.org/abs/1706.03762), for any score and mask).
///
/// ```text
/// context = softmax(scale · score(q, k) + mask) v
/// ```
///
/// # Shapes
/// - `q`: `[batch, heads, q_len, d_k]`
/// - `k`: `[batch, heads, k_len, d_k]`
/// - `v`: `[batch, heads, k_len, d_v]`
///
/// # Panics
/// If the shapes do not fit each other or the mask.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{Mask, ScaledDot, attend};
///
/// let device = Device::flex();
/// let q = Tensor::<4>::zeros([1, 1, 1, 2], &device); // a query that fits every key alike
/// let k = Tensor::<4>::from_floats([[[[1., 0.], [0., 1.]]]], &device);
/// let v = Tensor::<4>::from_floats([[[[2.], [4.]]]], &device);
/// let context = attend(&ScaledDot::default(), q, k, v, &Mask::none()).context;
/// assert_eq!(context.into_scalar::<f32>(), 3.0); // gets the mean of the values
/// ```
pub fn attend<S: Score>(score: &S, q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, mask: &Mask) -> Attended {
    let weights = attention_weights(score, q, k, mask);
    let context = mix(weights.clone(), v);
    Attended { context, weights }
}

/// The same with dropout on the weights; the returned weights are those before dropout.
pub(crate) fn attend_with_dropout<S: Score>(
    score: &S,
    [q, k, v]: [Tensor<4>; 3],
    mask: &Mask,
    dropout: &Dropout,
    mode: Mode,
) -> Attended {
    let weights = attention_weights(score, q, k, mask);
    let context = mix(dropout.forward(weights.clone(), mode), v);
    Attended { context, weights }
}

fn attention_weights<S: Score>(score: &S, q: Tensor<4>, k: Tensor<4>, mask: &Mask) -> Tensor<4> {
    let [batch, heads, q_len, d_k] = q.dims();
    let [_, _, k_len, _] = k.dims();
    assert_shape!(k, [batch, heads, _, d_k]);
    let scores = score.scores(q, k);
    assert_shape!(scores, [batch, heads, q_len, k_len]);
    masked_softmax(scaled(scores, score.scale(d_k)), mask)
}

/// A factor of one is left out, so that unscaled attention costs no extra pass over the T×T scores.
pub(crate) fn scaled(scores: Tensor<4>, scale: f64) -> Tensor<4> {
    if scale == 1.0 { scores } else { scores.mul_scalar(scale) }
}

pub(crate) fn mix(weights: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let [batch, heads, _, k_len] = weights.dims();
    assert_shape!(v, [batch, heads, k_len, _]);
    einsum!("bhqk,bhkd->bhqd", weights, v)
}

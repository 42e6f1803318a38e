//! Attention between given queries, keys and values, and which of the two implementations computes it.

use burn::tensor::Tensor;

use super::Softmax;
use super::checks::check_q_k_v;
use super::implementations::{FiniteKeysValues, FusedAttention, Implementation};
use super::intermediates::{Stage, TraceStep};
use super::mask::Mask;
use super::score::{Comparison, ScaledDot, Score};
use crate::error::ModelError;
use crate::fused::DropoutRule;
use crate::positions::{AnyPositions, Positions};

/// What an attention layer returns where its weights are asked for.
#[derive(Debug, Clone)]
pub struct AttentionOutput {
    /// `[batch, seq_len, d_out]`.
    pub output: Tensor<3>,
    /// `[batch, heads, q_len, k_len]`, before dropout.
    pub weights: Tensor<4>,
}

/// What [`attention_with_weights`] returns.
#[derive(Debug, Clone)]
pub struct Attended {
    /// `[batch, heads, q_len, d_v]`.
    pub context: Tensor<4>,
    /// `[batch, heads, q_len, k_len]`, before dropout.
    pub weights: Tensor<4>,
}

/// Attention between given queries, keys and values
/// ([Vaswani et al. 2017, equation 1](https://arxiv.org/abs/1706.03762)), for any score, mask and Burn module.
///
/// ```text
/// context = softmax(scale · score(q, k) + mask) v
/// ```
///
/// Dot products on the CPU are computed by fused kernels, in tiles: nothing of size `q_len · k_len` is kept, forward or
/// backward, but a Boolean or bias mask that is given. Everything else, and [`Implementation::Reference`],
/// materialises the T × T weights. Both give the same numbers up to rounding.
///
/// A key or value that is not finite reaches only the queries that see it: these get NaN, forward and backward.
///
/// # Shapes
/// - `q`: `[batch, heads, q_len, d_k]`
/// - `k`: `[batch, kv_heads, k_len, d_k]`; `kv_heads` divides `heads`, see [`AttentionSpec`]
/// - `v`: `[batch, kv_heads, k_len, d_v]`
/// - returns `[batch, heads, q_len, d_v]`
///
/// # Panics
/// If the shapes or precisions do not fit each other, or the mask does not fit, or the spec asks for
/// [`Implementation::Fused`] where that is not possible.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{AttentionSpec, Mask, attention};
///
/// let device = Device::flex();
/// let q = Tensor::<4>::zeros([1, 1, 1, 2], &device); // a query that fits every key alike
/// let k = Tensor::<4>::from_floats([[[[1., 0.], [0., 1.]]]], &device);
/// let v = Tensor::<4>::from_floats([[[[2.], [4.]]]], &device);
/// let context = attention(&AttentionSpec::default(), q, k, v, &Mask::none());
/// assert_eq!(context.into_scalar::<f32>(), 3.0); // gets the mean of the values
/// ```
pub fn attention(
    spec: &AttentionSpec<'_>,
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    mask: &Mask,
) -> Tensor<4> {
    check_q_k_v(&q, &k, &v);
    let Some(fused) = spec.fused(&q, scores_shape(&q, &k), q.dims()[3], mask) else {
        return spec.reference(q, k, v, mask, &mut |_, x| x);
    };
    let finite = finite_keys_values(&q, k, v, mask);
    let [q, k] = spec.prepare(q, finite.k.clone());
    finite.restore_nan(fused.context_of_heads(q, k, finite.v.clone()))
}

/// [`attention`] by the reference implementation, which has the weights to return. Dropout changes the context alone.
///
/// # Shapes
/// As for [`attention`].
///
/// # Panics
/// As [`attention`].
pub fn attention_with_weights(
    spec: &AttentionSpec<'_>,
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    mask: &Mask,
) -> Attended {
    let mut weights = None;
    let context = spec.reference(q, k, v, mask, &mut |step, x| {
        if step == TraceStep::Stage(Stage::Weights) {
            weights = Some(x.clone());
        }
        x
    });
    Attended { context, weights: weights.expect("the reference implementation computes the weights") }
}

/// Everything that stands between queries, keys and values and their context, but for the mask.
///
/// ```text
/// q, k    = score.prepare(q, k)               for most scores as they are
/// scores  = scale · score(q, k)
/// scores  = cap · tanh(scores / cap)          if there is a cap
/// weights = softmax(scores + bias + mask)     bias: that of the position scheme
/// context = dropout(weights) v
/// ```
///
/// Where there are fewer heads of keys and values than of queries, head `h` of the queries looks at head
/// `h / (heads / kv_heads)` of the keys: grouped-query attention
/// ([Ainslie et al. 2023](https://arxiv.org/abs/2305.13245)).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{AttentionSpec, Mask, Softmax, attention_with_weights};
///
/// let device = Device::flex();
/// let zeros = || Tensor::<4>::zeros([1, 1, 3, 2], &device);
/// let spec = AttentionSpec { softmax: Softmax::Quiet, ..AttentionSpec::default() };
/// // Three scores of zero and the sink's: a quarter each.
/// let weights = attention_with_weights(&spec, zeros(), zeros(), zeros(), &Mask::none()).weights;
/// assert_eq!(weights.to_data().to_vec::<f32>().unwrap(), [0.25; 9]);
/// ```
#[derive(Debug)]
pub struct AttentionSpec<'a> {
    /// Compares queries with keys.
    pub score: &'a dyn Score,
    /// Adds its bias to the scaled scores; `None` by default.
    pub positions: Option<&'a AnyPositions>,
    /// Bound of the scaled scores ([Gemma 2, section 2](https://arxiv.org/abs/2408.00118)); `None` by default.
    pub softcap: Option<f64>,
    /// What the weights add up to; one by default.
    pub softmax: Softmax,
    /// Which weights are dropped; `None` by default.
    pub dropout: Option<DropoutRule>,
    /// Which implementation computes attention; [`Implementation::Auto`] by default.
    pub implementation: Implementation,
}

impl Default for AttentionSpec<'static> {
    /// Dot products over the root of their width, and nothing else.
    fn default() -> Self {
        static SCALED_DOT: ScaledDot = ScaledDot { scale: None };
        Self::new(&SCALED_DOT)
    }
}

impl<'a> AttentionSpec<'a> {
    /// Score and softmax alone.
    pub fn new(score: &'a dyn Score) -> Self {
        Self {
            score,
            positions: None,
            softcap: None,
            softmax: Softmax::Standard,
            dropout: None,
            implementation: Implementation::Auto,
        }
    }

    /// The kernels for queries like `q`, of width `d_k`, and a mask that fits `scores`, the shape of the scores; `None`
    /// where the reference implementation has to do it.
    ///
    /// # Panics
    /// If the spec asks for the kernels and they cannot.
    pub(super) fn fused<const D: usize>(
        &self,
        q: &Tensor<D>,
        scores: [usize; 4],
        d_k: usize,
        mask: &Mask,
    ) -> Option<FusedAttention> {
        match self.kernels(q, scores, d_k, mask) {
            Ok(kernels) => Some(kernels),
            Err(reason) if self.implementation == Implementation::Fused => {
                panic!("{}", ModelError::NoFusedImplementation { reason })
            }
            Err(_) => None,
        }
    }

    /// The kernels as in [`fused`](Self::fused), or the reason for which they cannot compute it.
    fn kernels<const D: usize>(
        &self,
        q: &Tensor<D>,
        scores: [usize; 4],
        d_k: usize,
        mask: &Mask,
    ) -> Result<FusedAttention, &'static str> {
        // Where there is nothing to compare, the kernels give the empty context whatever the score.
        if scores.contains(&0) {
        } else if self.implementation == Implementation::Reference {
            return Err("attention = \"reference\" asks for it");
        } else if self.score.comparison() == Comparison::Own {
            return Err("the score is not a dot product");
        } else if self.softcap.is_some() {
            return Err("the scores are capped");
        }
        let mask = self.mask_with_bias(mask, scores[2], scores[3]);
        FusedAttention::new(q, scores, &mask, (self.score.scale(d_k), self.softmax, self.dropout))
    }

    /// Why the kernels cannot compute it for so many heads, whatever the other sizes; `x` is any tensor of the layer.
    pub(super) fn reference_reason(&self, x: &Tensor<1>, n_heads: usize) -> Option<&'static str> {
        self.kernels(x, [1, n_heads, 1, 1], 1, &Mask::none()).err()
    }

    /// `mask` with the bias of the positions before its own.
    pub(super) fn mask_with_bias(&self, mask: &Mask, q_len: usize, k_len: usize) -> Mask {
        match self.positions.and_then(|positions| positions.bias(q_len, k_len)) {
            Some(bias) => Mask::bias(bias).and(mask.clone()),
            None => mask.clone(),
        }
    }
}

/// `[batch, heads, q_len, k_len]`.
pub(super) fn scores_shape(q: &Tensor<4>, k: &Tensor<4>) -> [usize; 4] {
    let [batch, heads, q_len, _] = q.dims();
    [batch, heads, q_len, k.dims()[2]]
}

/// [`FiniteKeysValues`] of `k` and `v`, for which [`attention`] finds the queries that see a NaN or an infinity.
pub(super) fn finite_keys_values(q: &Tensor<4>, k: Tensor<4>, v: Tensor<4>, mask: &Mask) -> FiniteKeysValues {
    FiniteKeysValues::new(q, k, v, mask, |[q, k, v]| attention(&AttentionSpec::default(), q, k, v, mask))
}

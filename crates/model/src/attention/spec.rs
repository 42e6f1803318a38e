//! The mechanism itself, between given queries, keys and values: score, scale, cap, mask, softmax, weighted sum.

use burn::tensor::{Tensor, assert_shape, einsum};

use super::form::AttentionForm;
use super::fused::FusedAttention;
use super::hook::{Stage, Step};
use super::mask::Mask;
use super::non_finite::Finite;
use super::score::{ScaledDot, Score, is_dot_product};
use super::softmax::{Softmax, softmax};
use crate::dropout::drop_weights;
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
/// ([Vaswani et al. 2017, equation 1](https://arxiv.org/abs/1706.03762), for any score and mask), for any Burn module.
///
/// ```text
/// context = softmax(scale · score(q, k) + mask) v
/// ```
///
/// Dot products on the CPU are computed by fused kernels, in tiles: nothing of size `q_len · k_len` is kept, forward or
/// backward, but a Boolean or bias mask that is given. Everything else, and [`AttentionForm::Reference`], makes the whole
/// map. Both give the same numbers up to rounding.
///
/// A key or value that is not finite reaches the queries that see it and no other: these get NaN, forward and backward.
///
/// # Shapes
/// - `q`: `[batch, heads, q_len, d_k]`
/// - `k`: `[batch, kv_heads, k_len, d_k]`; `kv_heads` divides `heads`, see [`AttentionSpec`]
/// - `v`: `[batch, kv_heads, k_len, d_v]`
/// - returns `[batch, heads, q_len, d_v]`
///
/// # Panics
/// If the shapes or precisions do not fit each other, or the mask does not fit, or the spec asks for
/// [`AttentionForm::Fused`] where that is not possible.
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
    check(&q, &k, &v);
    let Some(fused) = spec.fused(&q, scores_shape(&q, &k), q.dims()[3], mask) else {
        return spec.walk(q, k, v, mask, &mut |_, x| x);
    };
    let finite = Finite::new(&q, k, v, mask);
    finite.spoil(fused.context_of_heads(q, finite.k.clone(), finite.v.clone()))
}

/// [`attention`] by the reference implementation, which has the weights to show. Takes dropped weights out of the context
/// alone.
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
    let context = spec.walk(q, k, v, mask, &mut |step, x| {
        if step == Step::Stage(Stage::Weights) {
            weights = Some(x.clone());
        }
        x
    });
    Attended { context, weights: weights.expect("every walk comes to the weights") }
}

/// Everything that stands between queries, keys and values and their context, but for the mask.
///
/// ```text
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
    /// How the context is computed; [`AttentionForm::Auto`] by default.
    pub form: AttentionForm,
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
            form: AttentionForm::Auto,
        }
    }

    /// What the score gives, `[batch, heads, q_len, k_len]`.
    pub fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let [batch, heads, q_len, d_k] = q.dims();
        let [_, _, k_len, _] = k.dims();
        let k = for_every_head(k, heads);
        assert_shape!(k, [batch, heads, _, d_k]);
        let scores = self.score.scores(q, k);
        assert_shape!(scores, [batch, heads, q_len, k_len]);
        scores
    }

    /// The same times the scale for keys of width `d_k`, and capped.
    pub fn scaled(&self, scores: Tensor<4>, d_k: usize) -> Tensor<4> {
        let scale = self.score.scale(d_k);
        // A factor of one is left out, so that unscaled attention costs no extra pass over the T×T scores.
        let scaled = if scale == 1.0 { scores } else { scores.mul_scalar(scale) };
        match self.softcap {
            Some(cap) => scaled.div_scalar(cap).tanh().mul_scalar(cap),
            None => scaled,
        }
    }

    /// The same with biases added, and minus infinity where a key is hidden.
    pub fn masked(&self, scaled: Tensor<4>, mask: &Mask) -> Tensor<4> {
        let [_, _, q_len, k_len] = scaled.dims();
        self.mask_with_bias(mask, q_len, k_len).apply(scaled)
    }

    /// The weights of masked scores.
    pub fn softmax(&self, masked: Tensor<4>, mask: &Mask) -> Tensor<4> {
        let all_seen = mask.is_none() && self.positions.is_none();
        softmax(masked, self.softmax, all_seen)
    }

    /// The context by the reference implementation. What each step makes goes through `show`.
    pub(super) fn walk(
        &self,
        q: Tensor<4>,
        k: Tensor<4>,
        v: Tensor<4>,
        mask: &Mask,
        show: &mut dyn FnMut(Step, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        check(&q, &k, &v);
        let shape = scores_shape(&q, &k);
        if shape.contains(&0) {
            let place = (&q.device(), q.dtype());
            show(Step::Stage(Stage::Weights), Tensor::zeros(shape, place));
            let [batch, heads, q_len, _] = shape;
            let context = match self.fused(&q, shape, q.dims()[3], mask) {
                Some(fused) => fused.context_of_heads(q, k, v),
                None => Tensor::zeros([batch, heads, q_len, v.dims()[3]], place),
            };
            return show(Step::Stage(Stage::Context), context);
        }
        let d_k = q.dims()[3];
        let finite = Finite::new(&q, k, v, mask);
        let scores = show(Step::Scores, self.scores(q, finite.k.clone()));
        let scaled = show(Step::Scaled, self.scaled(scores, d_k));
        let masked = show(Step::Masked, self.masked(scaled, mask));
        let weights = show(Step::Stage(Stage::Weights), finite.spoil(self.softmax(masked, mask)));
        let context = weighted_sum(drop_weights(weights, self.dropout), finite.v.clone());
        show(Step::Stage(Stage::Context), finite.spoil(context))
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
            Ok(fused) => Some(fused),
            Err(reason) => {
                assert!(self.form != AttentionForm::Fused, "{}", ModelError::NoFusedForm { reason });
                None
            }
        }
    }

    /// The same, with the reason where they cannot.
    fn kernels<const D: usize>(
        &self,
        q: &Tensor<D>,
        scores: [usize; 4],
        d_k: usize,
        mask: &Mask,
    ) -> Result<FusedAttention, &'static str> {
        // Where there is nothing to compare, the kernels give the empty context whatever the score.
        if scores.contains(&0) {
        } else if self.form == AttentionForm::Reference {
            return Err("attention = \"reference\" asks for it");
        } else if !is_dot_product(self.score) {
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

    /// The bias of the positions first.
    fn mask_with_bias(&self, mask: &Mask, q_len: usize, k_len: usize) -> Mask {
        match self.positions.and_then(|positions| positions.bias(q_len, k_len)) {
            Some(bias) => Mask::bias(bias).and(mask.clone()),
            None => mask.clone(),
        }
    }
}

/// # Panics
/// If queries, keys and values do not fit each other.
fn check(q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) {
    let [[batch, heads, _, d_k], [k_batch, kv_heads, k_len, k_width], [v_batch, v_heads, v_len, _]] =
        [q, k, v].map(Tensor::dims);
    let fits = [k_batch, v_batch] == [batch; 2] && [v_heads, v_len] == [kv_heads, k_len] && k_width == d_k;
    assert!(
        fits && (heads == kv_heads || kv_heads > 0 && heads.is_multiple_of(kv_heads)),
        "for q of shape {:?}, k must be [{batch}, kv_heads, k_len, {d_k}] and v [{batch}, kv_heads, k_len, d_v] with \
         kv_heads that divide {heads}, got {:?} and {:?}",
        q.dims(),
        k.dims(),
        v.dims()
    );
    let [q, k, v] = [q, k, v].map(|tensor| tensor.dtype().name());
    assert!(q == k && q == v, "q, k and v must have one precision, got {q}, {k} and {v}");
}

/// `[batch, heads, q_len, k_len]`.
fn scores_shape(q: &Tensor<4>, k: &Tensor<4>) -> [usize; 4] {
    let [batch, heads, q_len, _] = q.dims();
    [batch, heads, q_len, k.dims()[2]]
}

/// Values by their weights: `[batch, heads, q_len, k_len]`, `[batch, kv_heads, k_len, d_v]` to
/// `[batch, heads, q_len, d_v]`.
pub(super) fn weighted_sum(weights: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let [batch, heads, _, k_len] = weights.dims();
    let v = for_every_head(v, heads);
    assert_shape!(v, [batch, heads, k_len, _]);
    einsum!("bhqk,bhkd->bhqd", weights, v)
}

/// Repeats each of `kv_heads` heads of keys or values for the group of query heads that share it.
fn for_every_head(x: Tensor<4>, heads: usize) -> Tensor<4> {
    let [batch, kv_heads, len, width] = x.dims();
    if kv_heads == heads {
        return x;
    }
    assert!(
        heads.is_multiple_of(kv_heads),
        "{kv_heads} heads of keys and values do not divide {heads} heads of queries"
    );
    let group = heads / kv_heads;
    x.unsqueeze_dim::<5>(2).expand([batch, kv_heads, group, len, width]).reshape([batch, heads, len, width])
}

//! The mechanism itself, between given queries, keys and values: score, scale, cap, mask, softmax, mix.

use burn::tensor::{Tensor, assert_shape, einsum};

use super::mask::Mask;
use super::score::Score;
use super::softmax::{Softmax, softmax};
use crate::positions::{AnyPositions, Positions};

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
/// - `k`: `[batch, kv_heads, k_len, d_k]`; `kv_heads` divides `heads`, see [`Attend`]
/// - `v`: `[batch, kv_heads, k_len, d_v]`
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
    Attend::new(score, mask).run(q, k, v)
}

/// [`attend`] with everything that may stand between the scores and the weights.
///
/// ```text
/// scores  = scale · score(q, k)
/// scores  = cap · tanh(scores / cap)          if there is a cap
/// weights = softmax(scores + bias + mask)     bias: that of the position scheme
/// context = weights v
/// ```
///
/// Where there are fewer heads of keys and values than of queries, head `h` of the queries looks at head
/// `h / (heads / kv_heads)` of the keys: grouped-query attention
/// ([Ainslie et al. 2023](https://arxiv.org/abs/2305.13245)).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use qkv_model::{Attend, Dot, Mask, Softmax};
///
/// let device = Device::flex();
/// let zeros = || Tensor::<4>::zeros([1, 1, 3, 2], &device);
/// let (dot, mask) = (Dot {}, Mask::none());
/// let attend = Attend { softmax: Softmax::Quiet, ..Attend::new(&dot, &mask) };
/// // Three scores of zero and the sink's: a quarter each.
/// assert_eq!(attend.run(zeros(), zeros(), zeros()).weights.to_data().to_vec::<f32>().unwrap(), [0.25; 9]);
/// ```
#[derive(Debug)]
pub struct Attend<'a, S> {
    /// Compares queries with keys.
    pub score: &'a S,
    /// Who sees whom.
    pub mask: &'a Mask,
    /// Adds its bias to the scaled scores.
    pub positions: Option<&'a AnyPositions>,
    /// Bound of the scaled scores ([Gemma 2, section 2](https://arxiv.org/abs/2408.00118)).
    pub softcap: Option<f64>,
    /// What the weights add up to.
    pub softmax: Softmax,
}

impl<'a, S: Score> Attend<'a, S> {
    /// Score, mask and softmax alone.
    pub fn new(score: &'a S, mask: &'a Mask) -> Self {
        Self { score, mask, positions: None, softcap: None, softmax: Softmax::Standard }
    }

    /// Context and weights; shapes as for [`attend`].
    pub fn run(&self, q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Attended {
        let weights = self.weights(q, k);
        let context = mix(weights.clone(), v);
        Attended { context, weights }
    }

    /// Attention weights, `[batch, heads, q_len, k_len]`: the four steps below.
    pub fn weights(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let d_k = q.dims()[3];
        let scores = self.scores(q, k);
        self.softmax(self.masked(self.scaled(scores, d_k)))
    }

    /// What the score says, `[batch, heads, q_len, k_len]`.
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
    pub fn masked(&self, scaled: Tensor<4>) -> Tensor<4> {
        let [_, _, q_len, k_len] = scaled.dims();
        let mask = match self.positions.and_then(|positions| positions.bias(q_len, k_len)) {
            Some(bias) => &Mask::bias(bias).and(self.mask.clone()),
            None => self.mask,
        };
        mask.apply(scaled)
    }

    /// The weights of masked scores.
    pub fn softmax(&self, masked: Tensor<4>) -> Tensor<4> {
        let all_seen = self.mask.is_none() && self.positions.is_none();
        softmax(masked, self.softmax, all_seen)
    }
}

/// Mixes the values by the weights: `[batch, heads, q_len, k_len]`, `[batch, kv_heads, k_len, d_v]` to
/// `[batch, heads, q_len, d_v]`.
pub(crate) fn mix(weights: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
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

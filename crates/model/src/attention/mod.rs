//! Self-attention with learnable W_Q, W_K and W_V. Read this file first; the others hold one noun each.

mod additive;
mod attend;
mod basic;
mod config;
mod form;
mod hook;
mod mask;
mod qk_norm;
mod score;
mod softmax;
mod trace;

pub use additive::Additive;
pub use attend::{Attend, Attended, AttentionOutput, attend};
pub use basic::BasicAttention;
pub use config::{Projections, SelfAttentionConfig};
pub use form::AttentionForm;
pub(crate) use hook::shown;
pub use hook::{Hook, Stage};
pub use mask::{CausalAlign, Mask};
pub use qk_norm::QkNorm;
pub use score::{AnyScore, Dot, HeadShape, ScaledDot, Score};
pub use softmax::Softmax;
pub use trace::Trace;

use attend::mix;
use burn::module::{Module, Param};
use burn::tensor::{Tensor, assert_shape};

use crate::dropout::WeightDropout;
use crate::linear::{linear, linear_onto};
use crate::mode::Mode;
use crate::positions::{AnyPositions, Positions};

/// Multi-head self-attention ([Vaswani et al. 2017, section 3.2](https://arxiv.org/abs/1706.03762)).
///
/// ```text
/// q = x W_Q    k = x W_K    v = x W_V                        per head: [d_in] → [d_k], [d_k], [d_v]
/// context_h = softmax(scale · score(q_h, k_h) + mask) v_h    for every head h
/// context   = [context_1 … context_n] W_O                    W_O optional
/// ```
///
/// What else may stand between projections and weights is off unless the config asks for it: [`QkNorm`], a position
/// scheme that acts in the layer, and the cap and the sink of [`Attend`].
///
/// Built by [`SelfAttentionConfig`]. A projection that is `None` is the identity, a bias that is `None` is zero.
/// The fields are public so that weights can be set by hand; columns `h·d_k .. (h+1)·d_k` of `w_q` belong to head `h`.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Makes queries, `[d_in, n_heads·d_k]`.
    pub w_q: Option<Param<Tensor<2>>>,
    /// Makes keys, `[d_in, n_kv_heads·d_k]`.
    pub w_k: Option<Param<Tensor<2>>>,
    /// Makes values, `[d_in, n_kv_heads·d_v]`.
    pub w_v: Option<Param<Tensor<2>>>,
    /// Mixes the heads, `[n_heads·d_v, d_out]`.
    pub w_o: Option<Param<Tensor<2>>>,
    /// Added to the queries, `[n_heads·d_k]`.
    pub b_q: Option<Param<Tensor<1>>>,
    /// Added to the keys, `[n_kv_heads·d_k]`; the softmax cancels it under a dot score.
    pub b_k: Option<Param<Tensor<1>>>,
    /// Added to the values, `[n_kv_heads·d_v]`.
    pub b_v: Option<Param<Tensor<1>>>,
    /// Added to the output, `[d_out]`.
    pub b_o: Option<Param<Tensor<1>>>,
    /// Compares queries with keys.
    pub score: AnyScore,
    /// Turns queries and keys, or adds to the scores; absent where the positions act on the model's input alone.
    pub positions: Option<AnyPositions>,
    /// Brings queries and keys to one length.
    pub qk_norm: Option<QkNorm>,
    dropout: WeightDropout,
    softcap: Option<f64>,
    #[module(skip)]
    softmax: Softmax,
    #[module(skip)]
    form: AttentionForm,
    /// `[1]`, on the device and in the precision of the layer.
    one: Tensor<1>,
    d_in: usize,
    d_k: usize,
    d_v: usize,
    d_out: usize,
    n_heads: usize,
    n_kv_heads: usize,
}

impl SelfAttention {
    /// The context of every position.
    ///
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_in]`
    /// - `context`: `[batch, seq_len, d_out]`
    ///
    /// # Panics
    /// If the last axis of `x` is not `d_in`, or the mask does not broadcast.
    pub fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        project(self.context(x, mask, mode), &self.w_o, &self.b_o)
    }

    /// The same added to a residual stream of that shape.
    pub(crate) fn forward_onto(
        &self,
        residual: Tensor<3>,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
    ) -> Tensor<3> {
        let context = self.context(x, mask, mode);
        match &self.w_o {
            Some(w_o) => linear_onto(residual, context, w_o.val(), self.b_o.as_ref().map(Param::val)),
            None => residual + context,
        }
    }

    /// The contexts of all heads side by side, `[batch, seq_len, heads·d_v]`.
    fn context(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        match self.fused_context(&x, mask, mode) {
            Some(context) => context,
            None => join_heads(self.attend(x, mask, mode).context),
        }
    }

    /// The same, together with the attention weights of every head, `[batch, heads, seq_len, seq_len]`.
    pub fn forward_with_weights(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> AttentionOutput {
        let attended = self.attend(x, mask, mode);
        let context = project(join_heads(attended.context), &self.w_o, &self.b_o);
        AttentionOutput { context, weights: attended.weights }
    }

    /// What W_Q, W_K and W_V make of `x`: `[batch, heads, seq_len, d_k]`, `[batch, kv_heads, seq_len, d_k]` and
    /// `[batch, kv_heads, seq_len, d_v]`.
    pub fn project(&self, x: Tensor<3>) -> [Tensor<4>; 3] {
        assert_shape!(x, [_, _, self.d_in]);
        let q = project(x.clone(), &self.w_q, &self.b_q);
        let k = project(x.clone(), &self.w_k, &self.b_k);
        let v = project(x, &self.w_v, &self.b_v);
        let [heads, kv_heads] = [self.n_heads, self.n_kv_heads];
        [split_heads(q, heads), split_heads(k, kv_heads), split_heads(v, kv_heads)]
    }

    fn attend(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Attended {
        let [q, k, v] = self.project(x);
        let [q, k] = self.prepare(q, k);
        let weights = self.steps(mask).weights(q, k);
        let context = mix(self.dropout.forward(weights.clone(), mode), v);
        Attended { context, weights }
    }

    /// Queries and keys as they are compared: normed and turned, where the layer does that.
    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        let [q, k] = match &self.qk_norm {
            Some(norm) => norm.forward(q, k),
            None => [q, k],
        };
        match &self.positions {
            Some(positions) => positions.rotate(q, k),
            None => [q, k],
        }
    }

    fn steps<'a>(&'a self, mask: &'a Mask) -> Attend<'a, AnyScore> {
        let Self { score, positions, softcap, softmax, .. } = self;
        Attend { score, mask, positions: positions.as_ref(), softcap: *softcap, softmax: *softmax }
    }
}

impl SelfAttention {
    /// What head `head` asks with, `[d_in, d_k]`. The same columns of the identity where there is no W_Q.
    ///
    /// # Panics
    /// Like its siblings, if there is no such head.
    pub fn w_q(&self, head: usize) -> Tensor<2> {
        self.check(head);
        self.columns(&self.w_q, head, self.d_k)
    }

    /// What head `head` is found by, `[d_in, d_k]`; its group shares it.
    pub fn w_k(&self, head: usize) -> Tensor<2> {
        self.columns(&self.w_k, self.kv_head(head), self.d_k)
    }

    /// What head `head` hands over, `[d_in, d_v]`; its group shares it.
    pub fn w_v(&self, head: usize) -> Tensor<2> {
        self.columns(&self.w_v, self.kv_head(head), self.d_v)
    }

    /// How the output of head `head` enters the sum, `[d_v, d_out]`; `None` where the heads are only concatenated.
    pub fn w_o(&self, head: usize) -> Option<Tensor<2>> {
        self.check(head);
        let rows = head * self.d_v..(head + 1) * self.d_v;
        self.w_o.as_ref().map(|w_o| w_o.val().slice([rows, 0..self.d_out]))
    }

    /// Width of the input.
    pub fn d_in(&self) -> usize {
        self.d_in
    }

    /// Width of queries and keys per head.
    pub fn d_k(&self) -> usize {
        self.d_k
    }

    /// Width of values per head.
    pub fn d_v(&self) -> usize {
        self.d_v
    }

    /// Width of the output.
    pub fn d_out(&self) -> usize {
        self.d_out
    }

    /// Number of heads.
    pub fn n_heads(&self) -> usize {
        self.n_heads
    }

    /// Number of heads of keys and values; fewer than [`n_heads`](Self::n_heads) where groups share them.
    pub fn n_kv_heads(&self) -> usize {
        self.n_kv_heads
    }

    /// The head of keys and values that head `head` of the queries looks at.
    pub fn kv_head(&self, head: usize) -> usize {
        self.check(head);
        head / (self.n_heads / self.n_kv_heads)
    }

    fn columns(&self, w: &Option<Param<Tensor<2>>>, head: usize, width: usize) -> Tensor<2> {
        let w = match w {
            Some(w) => w.val(),
            None => Tensor::<2>::eye(self.d_in, &self.one.device()).cast(self.one.dtype()),
        };
        w.slice([0..self.d_in, head * width..(head + 1) * width])
    }

    fn check(&self, head: usize) {
        assert!(head < self.n_heads, "head {head} of an attention layer with {} heads", self.n_heads);
    }
}

fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, seq_len, width] = x.dims();
    x.reshape([batch, seq_len, heads, width / heads]).swap_dims(1, 2)
}

fn join_heads(x: Tensor<4>) -> Tensor<3> {
    let [batch, heads, seq_len, width] = x.dims();
    x.swap_dims(1, 2).reshape([batch, seq_len, heads * width])
}

fn project(x: Tensor<3>, w: &Option<Param<Tensor<2>>>, b: &Option<Param<Tensor<1>>>) -> Tensor<3> {
    let b = b.as_ref().map(Param::val);
    match (w, b) {
        (Some(w), b) => linear(x, w.val(), b),
        (None, Some(b)) => x + b.unsqueeze(),
        (None, None) => x,
    }
}

//! Self-attention with learnable W_Q, W_K and W_V. Read this file first; the others hold one noun each.

mod additive;
mod attend;
mod basic;
mod config;
mod mask;
mod score;
mod softmax;
mod trace;

pub use additive::Additive;
pub use attend::{Attended, AttentionOutput, attend};
pub use basic::BasicAttention;
pub use config::{Projections, SelfAttentionConfig};
pub use mask::{CausalAlign, Mask};
pub use score::{BuiltinScore, Dot, ScaledDot, Score, ScoreConfig};
pub use trace::Trace;

use attend::attend_with_dropout;
use burn::module::{Module, Param};
use burn::tensor::{Tensor, assert_shape, module::linear};

use crate::dropout::Dropout;
use crate::mode::Mode;

/// Multi-head self-attention ([Vaswani et al. 2017, section 3.2](https://arxiv.org/abs/1706.03762)).
///
/// ```text
/// q = x W_Q    k = x W_K    v = x W_V                        per head: [d_in] → [d_k], [d_k], [d_v]
/// context_h = softmax(scale · score(q_h, k_h) + mask) v_h    for every head h
/// context   = [context_1 … context_n] W_O                    W_O optional
/// ```
///
/// Built by [`SelfAttentionConfig`]. A projection that is `None` is the identity, a bias that is `None` is zero.
/// The fields are public so that weights can be set by hand; columns `h·d_k .. (h+1)·d_k` of `w_q` belong to head `h`.
#[derive(Module, Debug)]
pub struct SelfAttention<S = BuiltinScore> {
    /// Makes queries, `[d_in, n_heads·d_k]`.
    pub w_q: Option<Param<Tensor<2>>>,
    /// Makes keys, `[d_in, n_heads·d_k]`.
    pub w_k: Option<Param<Tensor<2>>>,
    /// Makes values, `[d_in, n_heads·d_v]`.
    pub w_v: Option<Param<Tensor<2>>>,
    /// Mixes the heads, `[n_heads·d_v, d_out]`.
    pub w_o: Option<Param<Tensor<2>>>,
    /// Added to the queries, `[n_heads·d_k]`.
    pub b_q: Option<Param<Tensor<1>>>,
    /// Added to the keys, `[n_heads·d_k]`; the softmax cancels it under a dot score.
    pub b_k: Option<Param<Tensor<1>>>,
    /// Added to the values, `[n_heads·d_v]`.
    pub b_v: Option<Param<Tensor<1>>>,
    /// Added to the output, `[d_out]`.
    pub b_o: Option<Param<Tensor<1>>>,
    /// Compares queries with keys.
    pub score: S,
    dropout: Dropout,
    /// What the accessors show where there are no matrices, `[d_in, d_in]`.
    identity: Option<Tensor<2>>,
    d_in: usize,
    d_k: usize,
    d_v: usize,
    d_out: usize,
    n_heads: usize,
}

impl<S: Score> SelfAttention<S> {
    /// The context of every position.
    ///
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_in]`
    /// - `context`: `[batch, seq_len, d_out]`
    ///
    /// # Panics
    /// If the last axis of `x` is not `d_in`, or the mask does not broadcast.
    pub fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        let attended = self.attend(x, mask, mode);
        self.merge_heads(attended.context)
    }

    /// The same, together with the attention weights of every head, `[batch, heads, seq_len, seq_len]`.
    pub fn forward_with_weights(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> AttentionOutput {
        let attended = self.attend(x, mask, mode);
        AttentionOutput { context: self.merge_heads(attended.context), weights: attended.weights }
    }

    /// Queries, keys and values of every head: `[batch, heads, seq_len, d_k]` twice, then `[.., d_v]`.
    pub fn project(&self, x: Tensor<3>) -> [Tensor<4>; 3] {
        assert_shape!(x, [_, _, self.d_in]);
        let q = project(x.clone(), &self.w_q, &self.b_q);
        let k = project(x.clone(), &self.w_k, &self.b_k);
        let v = project(x, &self.w_v, &self.b_v);
        [self.split_heads(q), self.split_heads(k), self.split_heads(v)]
    }

    fn attend(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Attended {
        attend_with_dropout(&self.score, self.project(x), mask, &self.dropout, mode)
    }

    fn split_heads(&self, x: Tensor<3>) -> Tensor<4> {
        let [batch, seq_len, width] = x.dims();
        x.reshape([batch, seq_len, self.n_heads, width / self.n_heads]).swap_dims(1, 2)
    }

    fn merge_heads(&self, context: Tensor<4>) -> Tensor<3> {
        let [batch, heads, seq_len, d_v] = context.dims();
        let context = context.swap_dims(1, 2).reshape([batch, seq_len, heads * d_v]);
        project(context, &self.w_o, &self.b_o)
    }
}

impl<S> SelfAttention<S> {
    /// What head `head` asks with, `[d_in, d_k]`. The same columns of the identity where there is no W_Q.
    ///
    /// # Panics
    /// Like its siblings, if there is no such head.
    pub fn w_q(&self, head: usize) -> Tensor<2> {
        self.columns_of_head(&self.w_q, head, self.d_k)
    }

    /// What head `head` is found by, `[d_in, d_k]`.
    pub fn w_k(&self, head: usize) -> Tensor<2> {
        self.columns_of_head(&self.w_k, head, self.d_k)
    }

    /// What head `head` hands over, `[d_in, d_v]`.
    pub fn w_v(&self, head: usize) -> Tensor<2> {
        self.columns_of_head(&self.w_v, head, self.d_v)
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

    fn columns_of_head(&self, w: &Option<Param<Tensor<2>>>, head: usize, width: usize) -> Tensor<2> {
        self.check(head);
        let w =
            w.as_ref().map(Param::val).or_else(|| self.identity.clone()).expect("no matrix means identity");
        w.slice([0..self.d_in, head * width..(head + 1) * width])
    }

    fn check(&self, head: usize) {
        assert!(head < self.n_heads, "head {head} of an attention layer with {} heads", self.n_heads);
    }
}

fn project(x: Tensor<3>, w: &Option<Param<Tensor<2>>>, b: &Option<Param<Tensor<1>>>) -> Tensor<3> {
    let b = b.as_ref().map(Param::val);
    match (w, b) {
        (Some(w), b) => linear(x, w.val(), b),
        (None, Some(b)) => x + b.unsqueeze(),
        (None, None) => x,
    }
}

//! The reference implementation of attention, in tensor operations: its definition, and the oracle of `fused.rs`.

use burn::tensor::{Tensor, assert_shape, einsum};

use crate::attention::checks::check_q_k_v;
use crate::attention::heads::for_every_head;
use crate::attention::intermediates::{Intermediate, Stage, Tap, TraceStep, tap_stage};
use crate::attention::mask::Mask;
use crate::attention::score::{Comparison, dot};
use crate::attention::softmax::softmax;
use crate::attention::spec::{AttentionSpec, finite_keys_values, scores_shape};
use crate::dropout;

impl AttentionSpec<'_> {
    /// Queries `[batch, heads, q_len, d_k]` and keys `[batch, kv_heads, k_len, d_k]` as the score compares them.
    ///
    /// # Panics
    /// If the score returns other shapes.
    pub fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        if self.score.comparison() == Comparison::Dot || scores_shape(&q, &k).contains(&0) {
            return [q, k];
        }
        let shapes = [q.dims(), k.dims()];
        let [q, k] = self.score.prepare(q, k);
        let got = [q.dims(), k.dims()];
        assert!(got == shapes, "a score must prepare q and k in their shapes {shapes:?}, got {got:?}");
        [q, k]
    }

    /// Scores before scaling, `[batch, heads, q_len, k_len]`, of prepared queries and keys.
    pub fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let [batch, heads, q_len, d_k] = q.dims();
        let [_, _, k_len, _] = k.dims();
        let k = for_every_head(k, heads);
        assert_shape!(k, [batch, heads, _, d_k]);
        let scores = match self.score.comparison() {
            Comparison::Own => self.score.scores(q, k),
            Comparison::PreparedDot | Comparison::Dot => dot(q, k),
        };
        assert_shape!(scores, [batch, heads, q_len, k_len]);
        scores
    }

    /// Scores times the scale for keys of width `d_k`, then soft-capped where the spec has a cap.
    pub fn scaled(&self, scores: Tensor<4>, d_k: usize) -> Tensor<4> {
        let scale = self.score.scale(d_k);
        // A factor of one is left out, so that unscaled attention costs no extra pass over the T×T scores.
        let scaled = if scale == 1.0 { scores } else { scores.mul_scalar(scale) };
        match self.softcap {
            Some(cap) => scaled.div_scalar(cap).tanh().mul_scalar(cap),
            None => scaled,
        }
    }

    /// Scaled scores plus biases, and minus infinity at hidden keys.
    pub fn masked(&self, scaled: Tensor<4>, mask: &Mask) -> Tensor<4> {
        let [_, _, q_len, k_len] = scaled.dims();
        self.mask_with_bias(mask, q_len, k_len).apply(scaled)
    }

    /// The attention weights of masked scores.
    pub fn softmax(&self, masked: Tensor<4>, mask: &Mask) -> Tensor<4> {
        let all_seen = mask.is_none() && self.positions.is_none();
        softmax(masked, self.softmax, all_seen)
    }

    /// The context, `[batch, heads, q_len, d_v]`. Calls `tap` with the result of each step and continues with what it
    /// returns.
    pub(in crate::attention) fn reference(
        &self,
        q: Tensor<4>,
        k: Tensor<4>,
        v: Tensor<4>,
        mask: &Mask,
        tap: &mut Tap<'_>,
    ) -> Tensor<4> {
        check_q_k_v(&q, &k, &v);
        let shape = scores_shape(&q, &k);
        if shape.contains(&0) {
            let place = (&q.device(), q.dtype());
            tap_stage(tap, Stage::Scores, Tensor::zeros(shape, place));
            tap_stage(tap, Stage::Weights, Tensor::zeros(shape, place));
            let [batch, heads, q_len, _] = shape;
            let context = match self.fused(&q, shape, q.dims()[3], mask) {
                Some(fused) => fused.context_of_heads(q, k, v),
                None => Tensor::zeros([batch, heads, q_len, v.dims()[3]], place),
            };
            return tap_stage(tap, Stage::Context, context);
        }
        let d_k = q.dims()[3];
        let finite = finite_keys_values(&q, k, v, mask);
        let [q, k] = self.prepare(q, finite.k.clone());
        let q = tap(TraceStep::Between(Intermediate::ComparedQueries), q);
        let k = tap(TraceStep::Between(Intermediate::ComparedKeys), k);
        let scores = tap(TraceStep::Between(Intermediate::Scores), self.scores(q, k));
        let scaled = tap_stage(tap, Stage::Scores, self.scaled(scores, d_k));
        let masked = tap(TraceStep::Between(Intermediate::Masked), self.masked(scaled, mask));
        let weights = tap_stage(tap, Stage::Weights, finite.restore_nan(self.softmax(masked, mask)));
        let context = weighted_sum(dropout::apply(weights, self.dropout), finite.v.clone());
        tap_stage(tap, Stage::Context, finite.restore_nan(context))
    }
}

/// `weights v`: `[batch, heads, q_len, k_len]`, `[batch, kv_heads, k_len, d_v]` to `[batch, heads, q_len, d_v]`.
fn weighted_sum(weights: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let [batch, heads, _, k_len] = weights.dims();
    let v = for_every_head(v, heads);
    assert_shape!(v, [batch, heads, k_len, _]);
    einsum!("bhqk,bhkd->bhqd", weights, v)
}

//! From the inputs of a layer to its queries, keys and values, and back from contexts to its output: everything that
//! works on each position alone.

use burn::module::Param;
use burn::tensor::Tensor;

use super::SelfAttention;
use super::heads::{join_heads, split_heads};
use super::inputs::Inputs;
use crate::linear::{linear, linear_onto};
use crate::positions::Positions;

impl SelfAttention {
    /// Queries, keys and values of `x` by W_Q, W_K and W_V: `[batch, heads, seq_len, d_k]`,
    /// `[batch, kv_heads, seq_len, d_k]` and `[batch, kv_heads, seq_len, d_v]`.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn project(&self, x: Tensor<3>) -> [Tensor<4>; 3] {
        self.project_of(x.into())
    }

    pub(super) fn project_of(&self, inputs: Inputs) -> [Tensor<4>; 3] {
        self.check(&inputs);
        let [k, v] = self.project_source(inputs.source().clone());
        [self.project_queries(inputs.x), k, v]
    }

    pub(super) fn project_queries(&self, x: Tensor<3>) -> Tensor<4> {
        split_heads(linear_or_identity(x, &self.w_q, &self.b_q), self.n_heads)
    }

    /// Keys and values.
    pub(super) fn project_source(&self, source: Tensor<3>) -> [Tensor<4>; 2] {
        let k = linear_or_identity(source.clone(), &self.w_k, &self.b_k);
        let v = linear_or_identity(source, &self.w_v, &self.b_v);
        [k, v].map(|x| split_heads(x, self.n_kv_heads))
    }

    /// The output of these contexts, by W_O: the second half of [`forward`](Self::forward).
    ///
    /// # Shapes
    /// - `context`: `[batch, heads, seq_len, d_v]`
    /// - returns `[batch, seq_len, d_out]`
    pub fn project_out(&self, context: Tensor<4>) -> Tensor<3> {
        linear_or_identity(join_heads(context), &self.w_o, &self.b_o)
    }

    /// `residual + context W_O`, of contexts that lie side by side, `[batch, seq_len, heads·d_v]`.
    pub(super) fn project_onto(&self, residual: Tensor<3>, context: Tensor<3>) -> Tensor<3> {
        match &self.w_o {
            Some(w_o) => linear_onto(residual, context, w_o.val(), self.b_o.as_ref().map(Param::val)),
            None => residual + linear_or_identity(context, &None, &self.b_o),
        }
    }

    /// Queries and keys as the score receives them: after QK-norm and rotation, where the layer has them. The first of
    /// each stands at position `offset`.
    pub(super) fn norm_and_rotate(&self, [q, k]: [Tensor<4>; 2], offset: usize) -> [Tensor<4>; 2] {
        let [q, k] = match &self.qk_norm {
            Some(norm) => norm.forward(q, k),
            None => [q, k],
        };
        match &self.positions {
            Some(positions) => positions.rotate(q, k, offset),
            None => [q, k],
        }
    }
}

pub(super) fn linear_or_identity(
    x: Tensor<3>,
    w: &Option<Param<Tensor<2>>>,
    b: &Option<Param<Tensor<1>>>,
) -> Tensor<3> {
    let b = b.as_ref().map(Param::val);
    match (w, b) {
        (Some(w), b) => linear(x, w.val(), b),
        (None, Some(b)) => x + b.unsqueeze(),
        (None, None) => x,
    }
}

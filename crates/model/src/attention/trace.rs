//! Every intermediate of one query's attention, in the order of computation.

use std::collections::HashMap;

use burn::tensor::Tensor;

use super::SelfAttention;
use super::hook::{Stage, TraceStep};
use super::mask::Mask;
use super::score::Score;
use crate::mode::Mode;

/// Every intermediate of one query in one head; see [`SelfAttention::trace`].
#[derive(Debug, Clone)]
pub struct Trace {
    /// The input at the query's position, `[d_in]`.
    pub x: Tensor<1>,
    /// The head's query matrix, `[d_in, d_k]`.
    pub w_q: Tensor<2>,
    /// The head's key matrix, `[d_in, d_k]`.
    pub w_k: Tensor<2>,
    /// The head's value matrix, `[d_in, d_v]`.
    pub w_v: Tensor<2>,
    /// The head's query, `[d_k]`. Like `k` and `v`, it includes the projection's bias, if any.
    pub q: Tensor<1>,
    /// The keys of all positions, `[seq_len, d_k]`.
    pub k: Tensor<2>,
    /// `q` as it is compared, `[d_k]`: after QK-norm, rotation and [`Score::prepare`], where the layer has them.
    pub compared_q: Tensor<1>,
    /// `k` as it is compared, `[seq_len, d_k]`.
    pub compared_k: Tensor<2>,
    /// The values of all positions, `[seq_len, d_v]`.
    pub v: Tensor<2>,
    /// The scores of the query against each key, `[seq_len]`.
    pub scores: Tensor<1>,
    /// The factor in front of the softmax.
    pub scale: f64,
    /// The scores times that factor, `[seq_len]`, capped where the layer has a cap, before the mask.
    pub scaled: Tensor<1>,
    /// Scaled scores plus biases, minus infinity at hidden keys, `[seq_len]`.
    pub masked: Tensor<1>,
    /// The attention weights, `[seq_len]`: after the softmax.
    pub weights: Tensor<1>,
    /// The values mixed by the weights, `[d_v]`; before W_O.
    pub context: Tensor<1>,
}

impl SelfAttention {
    /// Every intermediate of the attention of position `query` of the sequence `x`, in head `head`, without dropout.
    ///
    /// # Shapes
    /// - `x`: `[seq_len, d_in]`
    ///
    /// # Panics
    /// If there is no such position or head.
    pub fn trace(&self, x: Tensor<2>, mask: &Mask, query: usize, head: usize) -> Trace {
        let [seq_len, _] = x.dims();
        assert!(query < seq_len, "query {query} of a sequence of {seq_len} positions");
        let mut steps = HashMap::new();
        self.reference(x.clone().unsqueeze(), mask, Mode::Evaluate, &mut |step, x| {
            steps.insert(step, x.clone());
            x
        });
        let kv_head = self.kv_head(head);
        let mut at_head = |step, head: usize| {
            let x = steps.remove(&step).expect("the reference implementation makes every step");
            x.slice([0..1, head..head + 1]).squeeze_dims::<2>(&[0, 1])
        };
        let of_query = |x: Tensor<2>| x.slice(query..query + 1).squeeze_dim::<1>(0);
        Trace {
            x: of_query(x),
            w_q: self.w_q(head),
            w_k: self.w_k(head),
            w_v: self.w_v(head),
            q: of_query(at_head(TraceStep::Stage(Stage::Queries), head)),
            k: at_head(TraceStep::Stage(Stage::Keys), kv_head),
            v: at_head(TraceStep::Stage(Stage::Values), kv_head),
            compared_q: of_query(at_head(TraceStep::ComparedQueries, head)),
            compared_k: at_head(TraceStep::ComparedKeys, kv_head),
            scores: of_query(at_head(TraceStep::Scores, head)),
            scale: self.score.scale(self.d_k),
            scaled: of_query(at_head(TraceStep::Scaled, head)),
            masked: of_query(at_head(TraceStep::Masked, head)),
            weights: of_query(at_head(TraceStep::Stage(Stage::Weights), head)),
            context: of_query(at_head(TraceStep::Stage(Stage::Context), head)),
        }
    }
}

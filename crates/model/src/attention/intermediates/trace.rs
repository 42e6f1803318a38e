//! Every intermediate of one query's attention, in the order of computation.

use std::collections::HashMap;

use burn::tensor::Tensor;

use super::hook::{Hook, Intermediate, Stage, TraceStep, call_hook};
use crate::attention::SelfAttention;
use crate::attention::inputs::Inputs;
use crate::attention::mask::Mask;
use crate::attention::score::Score;
use crate::mode::Mode;

/// One query of one head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// Index of the layer.
    pub layer: usize,
    /// Index of the head.
    pub head: usize,
    /// Index of the position that asks.
    pub position: usize,
}

/// Every intermediate of one query in one head; see [`SelfAttention::trace`].
#[derive(Debug, Clone)]
pub struct Trace {
    /// The input at the query's position, `[d_in]`.
    pub x: Tensor<1>,
    /// The input of keys and values at all positions, `[k_len, d_source]`: that of queries, too, in self-attention.
    pub source: Tensor<2>,
    /// The head's query matrix, `[d_in, d_k]`.
    pub w_q: Tensor<2>,
    /// The head's key matrix, `[d_source, d_k]`.
    pub w_k: Tensor<2>,
    /// The head's value matrix, `[d_source, d_v]`.
    pub w_v: Tensor<2>,
    /// The head's query, `[d_k]`. Like `k` and `v`, it includes the projection's bias, if any.
    pub q: Tensor<1>,
    /// The keys of all positions, `[k_len, d_k]`.
    pub k: Tensor<2>,
    /// `q` as it is compared, `[d_k]`: after QK-norm, rotation and [`Score::prepare`], where the layer has them.
    pub compared_q: Tensor<1>,
    /// `k` as it is compared, `[k_len, d_k]`.
    pub compared_k: Tensor<2>,
    /// The values of all positions, `[k_len, d_v]`.
    pub v: Tensor<2>,
    /// The scores of the query against each key, `[k_len]`.
    pub scores: Tensor<1>,
    /// The factor in front of the softmax.
    pub scale: f64,
    /// The scores times that factor, `[k_len]`, capped where the layer has a cap, before hooks and the mask.
    pub scaled: Tensor<1>,
    /// What a hook made of the scaled scores, `[k_len]`; the same without one.
    pub hooked: Tensor<1>,
    /// These plus biases, minus infinity at hidden keys, `[k_len]`.
    pub masked: Tensor<1>,
    /// What the softmax gives, `[k_len]`.
    pub softmax: Tensor<1>,
    /// The attention weights, `[k_len]`: after the softmax, and what a hook made of them.
    pub weights: Tensor<1>,
    /// The values mixed by the weights, and what a hook made of that, `[d_v]`; before W_O.
    pub context: Tensor<1>,
    /// The stages at which a hook changed any of these numbers, in the order of computation.
    pub changed: Vec<Stage>,
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
        let place = Query { layer: 0, head, position: query };
        self.trace_with_hook(x, mask, place, &mut |_: usize, _: Stage, x: Tensor<4>| x)
    }

    /// The same with every [`Stage`] but the residual stream shown to `hook` as that of the query's layer, as by
    /// [`forward_with_hook`](Self::forward_with_hook).
    ///
    /// # Panics
    /// As [`trace`](Self::trace), or if the hook returns another shape than it was given.
    pub fn trace_with_hook(&self, x: Tensor<2>, mask: &Mask, place: Query, hook: &mut dyn Hook) -> Trace {
        self.trace_of(x.unsqueeze::<3>().into(), mask, place, hook)
    }

    pub(in crate::attention) fn trace_of(
        &self,
        inputs: Inputs,
        mask: &Mask,
        place: Query,
        hook: &mut dyn Hook,
    ) -> Trace {
        let Query { layer, head, position: query } = place;
        let x = inputs.x.clone().squeeze_dim::<2>(0);
        let [q_len, _] = x.dims();
        let source = inputs.source().clone().squeeze_dim::<2>(0);
        let [k_len, _] = source.dims();
        assert!(query < q_len, "query {query} of a sequence of {q_len} positions");
        let mut steps = HashMap::new();
        self.reference(inputs, mask, Mode::Evaluate, &mut |step, x| {
            let x = match step {
                TraceStep::Stage(stage) => call_hook(hook, layer, stage, x),
                TraceStep::Between(what) => {
                    hook.see(layer, what, &x);
                    x
                }
                TraceStep::Computed(_) => x,
            };
            steps.insert(step, x.clone());
            x
        });
        let kv_head = self.kv_head(head);
        let mut at_head = |step, head: usize| {
            let x = steps.remove(&step).expect("the reference implementation makes every step");
            x.slice([0..1, head..head + 1]).squeeze_dims::<2>(&[0, 1])
        };
        let mut between = |what, head| at_head(TraceStep::Between(what), head);
        let of_query = |x: Tensor<2>| x.slice(query..query + 1).squeeze_dim::<1>(0);
        let compared_q = of_query(between(Intermediate::ComparedQueries, head));
        let compared_k = between(Intermediate::ComparedKeys, kv_head);
        let scores = of_query(between(Intermediate::Scores, head));
        let masked = of_query(between(Intermediate::Masked, head));
        let mut changed = Vec::new();
        // Before and after the hook.
        let mut at_stage = |stage| {
            let (head, rows) = match stage {
                Stage::Keys | Stage::Values => (kv_head, 0..k_len),
                _ => (head, query..query + 1),
            };
            let steps = [TraceStep::Computed(stage), TraceStep::Stage(stage)];
            let [before, after] = steps.map(|step| at_head(step, head).slice(rows.clone()));
            if before.to_data().as_bytes() != after.to_data().as_bytes() {
                changed.push(stage);
            }
            [before, after]
        };
        let [_, q] = at_stage(Stage::Queries);
        let [_, k] = at_stage(Stage::Keys);
        let [_, v] = at_stage(Stage::Values);
        let [scaled, hooked] = at_stage(Stage::Scores);
        let [softmax, weights] = at_stage(Stage::Weights);
        let [_, context] = at_stage(Stage::Context);
        let row = |x: Tensor<2>| x.squeeze_dim::<1>(0);
        Trace {
            x: of_query(x),
            source,
            w_q: self.w_q(head),
            w_k: self.w_k(head),
            w_v: self.w_v(head),
            q: row(q),
            k,
            v,
            compared_q,
            compared_k,
            scores,
            scale: self.score.scale(self.d_k),
            scaled: row(scaled),
            hooked: row(hooked),
            masked,
            softmax: row(softmax),
            weights: row(weights),
            context: row(context),
            changed,
        }
    }
}

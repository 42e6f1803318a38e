//! Every intermediate of one query's attention, in the order in which the lecture walks through them.

use burn::tensor::Tensor;

use super::SelfAttention;
use super::attend::mix;
use super::mask::Mask;
use super::score::Score;

/// The walk through one query of one head; see [`SelfAttention::trace`].
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
    /// What the position asks, `[d_k]`; with the bias, where there is one, as the two below.
    pub q: Tensor<1>,
    /// What every position is found by, `[seq_len, d_k]`.
    pub k: Tensor<2>,
    /// `q` as it is compared, `[d_k]`: after QK-norm and rotation, where the layer has them.
    pub compared_q: Tensor<1>,
    /// `k` as it is compared, `[seq_len, d_k]`.
    pub compared_k: Tensor<2>,
    /// What every position hands over, `[seq_len, d_v]`.
    pub v: Tensor<2>,
    /// How well the query fits each key, `[seq_len]`.
    pub scores: Tensor<1>,
    /// The factor in front of the softmax.
    pub scale: f64,
    /// The scores times that factor, `[seq_len]`, capped where the layer has a cap, before the mask.
    pub scaled: Tensor<1>,
    /// The same after the mask, `[seq_len]`: biases added, minus infinity where a key is hidden.
    pub masked: Tensor<1>,
    /// After the softmax, `[seq_len]`.
    pub weights: Tensor<1>,
    /// The values mixed by the weights, `[d_v]`; before W_O.
    pub context: Tensor<1>,
}

impl SelfAttention {
    /// Walks through the attention of position `query` of the sequence `x`, in head `head`, without dropout.
    ///
    /// # Shapes
    /// - `x`: `[seq_len, d_in]`
    ///
    /// # Panics
    /// If there is no such position or head.
    pub fn trace(&self, x: Tensor<2>, mask: &Mask, query: usize, head: usize) -> Trace {
        let [seq_len, _] = x.dims();
        assert!(query < seq_len, "query {query} of a sequence of {seq_len} positions");
        let [q, k, v] = self.project(x.clone().unsqueeze());
        let [compared_q, compared_k] = self.prepare(q.clone(), k.clone());
        let steps = self.steps(mask);
        let scores = steps.scores(compared_q.clone(), compared_k.clone());
        let scaled = steps.scaled(scores.clone(), self.d_k);
        let masked = steps.masked(scaled.clone());
        let weights = steps.softmax(masked.clone());
        let context = mix(weights.clone(), v.clone());
        let kv_head = self.kv_head(head);
        let at_head = |t: Tensor<4>, head: usize| t.slice([0..1, head..head + 1]).squeeze_dims::<2>(&[0, 1]);
        let of_head = |t| at_head(t, head);
        let of_kv_head = |t| at_head(t, kv_head);
        let of_query = |t: Tensor<2>| t.slice(query..query + 1).squeeze_dim::<1>(0);
        Trace {
            x: of_query(x),
            w_q: self.w_q(head),
            w_k: self.w_k(head),
            w_v: self.w_v(head),
            q: of_query(of_head(q)),
            k: of_kv_head(k),
            v: of_kv_head(v),
            compared_q: of_query(of_head(compared_q)),
            compared_k: of_kv_head(compared_k),
            scores: of_query(of_head(scores)),
            scale: self.score.scale(self.d_k),
            scaled: of_query(of_head(scaled)),
            masked: of_query(of_head(masked)),
            weights: of_query(of_head(weights)),
            context: of_query(of_head(context)),
        }
    }
}

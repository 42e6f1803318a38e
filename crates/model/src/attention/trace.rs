//! Every intermediate of one query's attention, in the order in which the lecture walks through them.

use burn::tensor::Tensor;

use super::SelfAttention;
use super::attend::{mix, scaled};
use super::mask::Mask;
use super::score::Score;
use super::softmax::masked_softmax;

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
    /// What every position hands over, `[seq_len, d_v]`.
    pub v: Tensor<2>,
    /// How well the query fits each key, `[seq_len]`.
    pub scores: Tensor<1>,
    /// The factor in front of the softmax.
    pub scale: f64,
    /// The scores times that factor, `[seq_len]`, before the mask.
    pub scaled: Tensor<1>,
    /// The same after the mask, `[seq_len]`: biases added, minus infinity where a key is hidden.
    pub masked: Tensor<1>,
    /// After the softmax, `[seq_len]`.
    pub weights: Tensor<1>,
    /// The values mixed by the weights, `[d_v]`; before W_O.
    pub context: Tensor<1>,
}

impl<S: Score> SelfAttention<S> {
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
        let scores = self.score.scores(q.clone(), k.clone());
        let scale = self.score.scale(self.d_k);
        let scaled = scaled(scores.clone(), scale);
        let masked = mask.apply(scaled.clone());
        let weights = masked_softmax(scaled.clone(), mask);
        let context = mix(weights.clone(), v.clone());
        let of_head = |t: Tensor<4>| t.slice([0..1, head..head + 1]).squeeze_dims::<2>(&[0, 1]);
        let of_query = |t: Tensor<2>| t.slice(query..query + 1).squeeze_dim::<1>(0);
        Trace {
            x: of_query(x),
            w_q: self.w_q(head),
            w_k: self.w_k(head),
            w_v: self.w_v(head),
            q: of_query(of_head(q)),
            k: of_head(k),
            v: of_head(v),
            scores: of_query(of_head(scores)),
            scale,
            scaled: of_query(of_head(scaled)),
            masked: of_query(of_head(masked)),
            weights: of_query(of_head(weights)),
            context: of_query(of_head(context)),
        }
    }
}

//! The heads of a layer: the matrices and widths of each, and the axis over them.

use burn::module::Param;
use burn::tensor::Tensor;

use super::SelfAttention;

impl SelfAttention {
    /// W_Q of head `head`, `[d_in, d_k]`; its columns of the identity where there is no W_Q.
    ///
    /// # Panics
    /// If there is no such head, like the other methods that take a head.
    pub fn w_q(&self, head: usize) -> Tensor<2> {
        self.check_head(head);
        self.columns(&self.w_q, self.d_in, head, self.d_k)
    }

    /// W_K of head `head`, `[d_source, d_k]`; its group shares it.
    pub fn w_k(&self, head: usize) -> Tensor<2> {
        self.columns(&self.w_k, self.d_source, self.kv_head(head), self.d_k)
    }

    /// W_V of head `head`, `[d_source, d_v]`; its group shares it.
    pub fn w_v(&self, head: usize) -> Tensor<2> {
        self.columns(&self.w_v, self.d_source, self.kv_head(head), self.d_v)
    }

    /// The rows of W_O that head `head` passes through, `[d_v, d_out]`; `None` where the heads are only concatenated.
    pub fn w_o(&self, head: usize) -> Option<Tensor<2>> {
        self.check_head(head);
        let rows = head * self.d_v..(head + 1) * self.d_v;
        self.w_o.as_ref().map(|w_o| w_o.val().slice([rows, 0..self.d_out]))
    }

    /// Width of the input.
    pub fn d_in(&self) -> usize {
        self.d_in
    }

    /// Width of what keys and values are made of: that of the input, but in a
    /// [`CrossAttention`](super::CrossAttention).
    pub fn d_source(&self) -> usize {
        self.d_source
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

    /// The head of keys and values that head `head` of the queries attends to.
    pub fn kv_head(&self, head: usize) -> usize {
        self.check_head(head);
        head / (self.n_heads / self.n_kv_heads)
    }

    fn columns(&self, w: &Option<Param<Tensor<2>>>, rows: usize, head: usize, width: usize) -> Tensor<2> {
        let w = match w {
            Some(w) => w.val(),
            None => {
                Tensor::<2>::eye(rows, &self.device_and_dtype.device()).cast(self.device_and_dtype.dtype())
            }
        };
        w.slice([0..rows, head * width..(head + 1) * width])
    }

    fn check_head(&self, head: usize) {
        assert!(head < self.n_heads, "head {head} of an attention layer with {} heads", self.n_heads);
    }
}

pub(super) fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, seq_len, width] = x.dims();
    x.reshape([batch, seq_len, heads, width / heads]).swap_dims(1, 2)
}

pub(super) fn join_heads(x: Tensor<4>) -> Tensor<3> {
    let [batch, heads, seq_len, width] = x.dims();
    x.swap_dims(1, 2).reshape([batch, seq_len, heads * width])
}

/// Repeats each of `kv_heads` heads of keys or values for the group of query heads that share it.
pub(super) fn for_every_head(x: Tensor<4>, heads: usize) -> Tensor<4> {
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

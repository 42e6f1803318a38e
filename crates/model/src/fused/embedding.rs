//! Rows of a table, and the sum of their gradients without a scatter over the whole table.

use burn::tensor::{Int, Tensor};
use qkv_kernels::{embedding_backward, embedding_forward};

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::host::{HostBackend, Number};

/// `table[ids]`.
///
/// # Shapes
/// - `table`: `[n, d]`
/// - `ids`: `[batch, seq_len]`
/// - returns `[batch, seq_len, d]`
pub(crate) fn embedding(backend: HostBackend, table: Tensor<2>, ids: Tensor<2, Int>) -> Tensor<3> {
    let shape = ids.dims();
    let ids = ids.into_data().iter::<i64>().collect();
    Tensor::from_dispatch(apply(backend, Embedding { ids, shape }, [table.into_dispatch()]))
}

#[derive(Debug, Clone)]
struct Embedding {
    ids: Vec<i64>,
    shape: [usize; 2],
}

impl Kernel<1> for Embedding {
    fn forward<T: Number>(&self, [table]: [Array<'_, T>; 1]) -> Forward<T> {
        let [batch, seq_len] = self.shape;
        let d = table.shape[1];
        let out = embedding_forward(table.values, d, &self.ids);
        Forward { shape: vec![batch, seq_len, d], out, extra: Vec::new() }
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 1>) -> [Gradient<T>; 1] {
        let shape = saved.inputs[0].shape;
        [Gradient::New(embedding_backward(&self.ids, saved.d_out, [shape[0], shape[1]]))]
    }

    fn keeps_input(&self, _: usize) -> bool {
        false
    }
}

//! Projections and attention together: what goes into three projections gets one gradient, summed inside the products.

use burn::tensor::Tensor;
use qkv_kernels::Matrix;

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::attention::DotProductAttention;
use super::host::{HostBackend, Number};

/// `attention(x w_q, x w_k, x w_v)`, the heads side by side.
///
/// # Shapes
/// - `x`: `[batch, seq_len, d_in]`
/// - `w_q`, `w_k`, `w_v`: `[d_in, heads·d]`
/// - returns `[batch, seq_len, n_heads·d_v]`
pub(crate) fn self_attention(
    backend: HostBackend,
    x: Tensor<3>,
    [w_q, w_k, w_v]: [Tensor<2>; 3],
    attention: DotProductAttention,
) -> Tensor<3> {
    let inputs = [x.into_dispatch(), w_q.into_dispatch(), w_k.into_dispatch(), w_v.into_dispatch()];
    Tensor::from_dispatch(apply(backend, SelfAttention(attention), inputs))
}

/// Of `x`, `w_q`, `w_k` and `w_v`. Keeps queries, keys, values and normalizers.
#[derive(Debug, Clone)]
struct SelfAttention(DotProductAttention);

impl Kernel<4> for SelfAttention {
    fn forward<T: Number>(&self, [x, w_q, w_k, w_v]: [Array<'_, T>; 4]) -> Forward<T> {
        let weights = [w_q, w_k, w_v];
        let qkv = weights.map(|w| x.matrix().times(w.matrix()));
        let shapes = weights.map(|w| shape(x, w));
        let mut forward = self.0.run(arrays(qkv.each_ref().map(|values| &values[..]), &shapes));
        let [q, k, v] = qkv;
        forward.extra.splice(0..0, [q, k, v]);
        forward
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 4>) -> [Gradient<T>; 4] {
        let Saved { inputs: [x, w_q, w_k, w_v], out, ref extra, d_out, needed } = saved;
        let weights = [w_q, w_k, w_v];
        let shapes = weights.map(|w| shape(x, w));
        let qkv = arrays([extra[0], extra[1], extra[2]], &shapes);
        let gradients = self.0.gradients(qkv, out, extra[3], d_out);
        let [d_q, d_k, d_v] = [0, 1, 2].map(|i| Matrix::new(&gradients[i], shapes[i][2]));

        // Forward: q = x w_q, k = x w_k, v = x w_v.
        let d_x = needed[0].then(|| {
            let mut d_x = d_q.times(w_q.matrix().transposed());
            d_k.add_times(w_k.matrix().transposed(), &mut d_x);
            d_v.add_times(w_v.matrix().transposed(), &mut d_x);
            d_x
        });
        let d_w = |index: usize, d: Matrix<'_, T>| needed[index].then(|| x.matrix().transposed().times(d));
        [d_x, d_w(1, d_q), d_w(2, d_k), d_w(3, d_v)]
            .map(|gradient| gradient.map_or(Gradient::None, Gradient::New))
    }

    fn keeps_input(&self, _: usize) -> bool {
        true
    }

    fn keeps_out(&self) -> bool {
        true
    }
}

/// Of `x w`.
fn shape<T>(x: Array<'_, T>, w: Array<'_, T>) -> [usize; 3] {
    [x.shape[0], x.shape[1], w.shape[1]]
}

fn arrays<'a, T>(values: [&'a [T]; 3], shapes: &'a [[usize; 3]; 3]) -> [Array<'a, T>; 3] {
    [0, 1, 2].map(|i| Array { values: values[i], shape: &shapes[i] })
}

//! What every pass checks before it computes anything: the public fields of a layer and its input, or queries, keys and
//! values.

use burn::module::Param;
use burn::tensor::Tensor;

use super::SelfAttention;
use super::inputs::Inputs;

impl SelfAttention {
    /// # Panics
    /// If the input, a matrix or a bias does not have the shape or the precision of the layer.
    pub(super) fn check(&self, inputs: &Inputs) {
        let Self { d_in, d_source, d_k, d_v, d_out, n_heads, n_kv_heads, .. } = *self;
        let x = &inputs.x;
        self.check_x(x);
        let [batch, _, _] = x.dims();
        let source = inputs.source();
        let [source_batch, _, width] = source.dims();
        assert!(
            [source_batch, width] == [batch, d_source],
            "the source must be [{batch}, source_len, {d_source}], got {:?}",
            source.dims()
        );
        let [queries, keys] = [x, source].map(|x| x.dtype().name());
        assert!(queries == keys, "x is {queries}, the source {keys}; cast one of them");
        let [q, k, v] = [n_heads * d_k, n_kv_heads * d_k, n_kv_heads * d_v];
        for (name, w, shape) in [
            ("w_q", &self.w_q, [d_in, q]),
            ("w_k", &self.w_k, [d_source, k]),
            ("w_v", &self.w_v, [d_source, v]),
            ("w_o", &self.w_o, [n_heads * d_v, d_out]),
        ] {
            match w {
                Some(w) => check_parameter(name, x, w, shape),
                None => assert!(
                    shape[0] == shape[1],
                    "{name} must be {shape:?}, got none, which stands for the identity and needs equal widths"
                ),
            }
        }
        for (name, b, width) in
            [("b_q", &self.b_q, q), ("b_k", &self.b_k, k), ("b_v", &self.b_v, v), ("b_o", &self.b_o, d_out)]
        {
            if let Some(b) = b {
                check_parameter(name, x, b, [width]);
            }
        }
    }

    /// # Panics
    /// If the input does not have the width of the layer.
    pub(super) fn check_x(&self, x: &Tensor<3>) {
        let [_, _, width] = x.dims();
        assert!(width == self.d_in, "x must be [batch, seq_len, {}], got {:?}", self.d_in, x.dims());
    }
}

fn check_parameter<const D: usize>(
    name: &str,
    x: &Tensor<3>,
    parameter: &Param<Tensor<D>>,
    shape: [usize; D],
) {
    assert!(parameter.dims() == shape, "{name} must be {shape:?}, got {:?}", parameter.dims());
    let [x, layer] = [x.dtype(), parameter.dtype()].map(|dtype| dtype.name());
    assert!(x == layer, "x is {x}, the layer {layer} ({name}); cast one of them");
}

/// # Panics
/// If queries, keys and values do not fit each other.
pub(super) fn check_q_k_v(q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) {
    let [[batch, heads, _, d_k], [k_batch, kv_heads, k_len, k_width], [v_batch, v_heads, v_len, _]] =
        [q, k, v].map(Tensor::dims);
    let fits = [k_batch, v_batch] == [batch; 2] && [v_heads, v_len] == [kv_heads, k_len] && k_width == d_k;
    assert!(
        fits && (heads == kv_heads || kv_heads > 0 && heads.is_multiple_of(kv_heads)),
        "for q of shape {:?}, k must be [{batch}, kv_heads, k_len, {d_k}] and v [{batch}, kv_heads, k_len, d_v] with \
         kv_heads that divide {heads}, got {:?} and {:?}",
        q.dims(),
        k.dims(),
        v.dims()
    );
    let [q, k, v] = [q, k, v].map(|tensor| tensor.dtype().name());
    assert!(q == k && q == v, "q, k and v must have one precision, got {q}, {k} and {v}");
}

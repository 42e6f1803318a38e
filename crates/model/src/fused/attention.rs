//! Attention without the T × T map: memory is linear in the length of the sequence.

use burn::tensor::Tensor;
use qkv_kernels::{
    Attention, AttentionGradients, AttentionInputs, AttentionSaved, Causal, Dropout, View, ViewMut,
    attention_backward, attention_forward,
};

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::host::{HostBackend, Number};
use crate::attention::{CausalAlign, Softmax};

/// Everything about attention with dot products that is no tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct DotProductAttention {
    /// Number of heads of the queries.
    pub n_heads: usize,
    /// Number of heads of keys and values; divides `n_heads`.
    pub n_kv_heads: usize,
    /// What the dot products are multiplied by.
    pub scale: f64,
    /// Whether later keys are hidden.
    pub causal: Option<CausalAlign>,
    /// In batch entry `b`, only the first `lengths[b]` keys are seen.
    pub lengths: Option<Vec<usize>>,
    /// What the weights of a query add up to.
    pub softmax: Softmax,
    /// Which weights are dropped.
    pub dropout: Option<Dropout>,
}

impl DotProductAttention {
    /// The context of every query, computed in tiles: neither the map nor anything else of size `q_len · k_len` is ever
    /// kept, forward or backward. `None` on a device without kernels; its twin is [`attend`](crate::attend).
    ///
    /// # Shapes
    /// The heads lie side by side.
    /// - `q`: `[batch, q_len, n_heads·d_k]`
    /// - `k`: `[batch, k_len, n_kv_heads·d_k]`
    /// - `v`: `[batch, k_len, n_kv_heads·d_v]`
    /// - returns `[batch, q_len, n_heads·d_v]`
    ///
    /// # Panics
    /// If the shapes do not fit each other.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use qkv_model::Softmax;
    /// use qkv_model::fused::DotProductAttention;
    ///
    /// let attention = DotProductAttention {
    ///     n_heads: 1,
    ///     n_kv_heads: 1,
    ///     scale: 1.0,
    ///     causal: None,
    ///     lengths: None,
    ///     softmax: Softmax::Standard,
    ///     dropout: None,
    /// };
    /// let device = Device::flex();
    /// let q = Tensor::<3>::zeros([1, 1, 2], &device); // a query that fits every key alike
    /// let k = Tensor::<3>::from_floats([[[1., 0.], [0., 1.]]], &device);
    /// let v = Tensor::<3>::from_floats([[[2.], [4.]]], &device);
    /// let context = attention.context(&q, &k, &v).expect("Flex computes in host memory");
    /// assert_eq!(context.into_scalar::<f32>(), 3.0); // gets the mean of the values
    /// ```
    pub fn context(&self, q: &Tensor<3>, k: &Tensor<3>, v: &Tensor<3>) -> Option<Tensor<3>> {
        let backend = HostBackend::of(q)?;
        let [[batch, _, d_q], [k_batch, k_len, d_k], [v_batch, v_len, _]] = [q, k, v].map(Tensor::dims);
        assert_eq!([k_batch, v_batch, v_len], [batch, batch, k_len], "batch of k, batch and length of v");
        assert_eq!(d_q * self.n_kv_heads, d_k * self.n_heads, "queries and keys have one width per head");
        let inputs = [q, k, v].map(|tensor| tensor.clone().into_dispatch());
        Some(Tensor::from_dispatch(apply(backend, self.clone(), inputs)))
    }
}

impl Kernel<3> for DotProductAttention {
    fn forward<T: Number>(&self, inputs: [Array<'_, T>; 3]) -> Forward<T> {
        self.run(inputs)
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 3>) -> [Gradient<T>; 3] {
        self.gradients(saved.inputs, saved.out, saved.extra[0], saved.d_out).map(Gradient::New)
    }

    fn keeps_input(&self, _: usize) -> bool {
        true
    }

    fn keeps_out(&self) -> bool {
        true
    }
}

impl DotProductAttention {
    /// The context, and the normalizers as what else is kept.
    pub(super) fn run<T: Number>(&self, inputs: [Array<'_, T>; 3]) -> Forward<T> {
        let sizes = Sizes::new(&inputs, self);
        let width = self.n_heads * sizes.d_v;
        let mut out = vec![T::ZERO; sizes.batch * sizes.q_len * width];
        let mut normalizer = vec![T::ZERO; sizes.batch * self.n_heads * sizes.q_len * 2];
        let context = ViewMut::contiguous(&mut out, sizes.q_len, self.n_heads, sizes.d_v);
        attention_forward(&sizes.attention(self), sizes.views(inputs, self), context, &mut normalizer);
        Forward { shape: vec![sizes.batch, sizes.q_len, width], out, extra: vec![normalizer] }
    }

    /// The gradients of queries, keys and values.
    pub(super) fn gradients<T: Number>(
        &self,
        inputs: [Array<'_, T>; 3],
        context: &[T],
        normalizer: &[T],
        d_context: &[T],
    ) -> [Vec<T>; 3] {
        let sizes = Sizes::new(&inputs, self);
        let Self { n_heads, n_kv_heads, .. } = *self;
        let mut gradients = inputs.map(|input| vec![T::ZERO; input.values.len()]);
        let [d_q, d_k, d_v] = &mut gradients;
        attention_backward(
            &sizes.attention(self),
            AttentionSaved {
                inputs: sizes.views(inputs, self),
                context: View::contiguous(context, sizes.q_len, n_heads, sizes.d_v),
                normalizer,
                d_context: View::contiguous(d_context, sizes.q_len, n_heads, sizes.d_v),
            },
            AttentionGradients {
                d_q: ViewMut::contiguous(d_q, sizes.q_len, n_heads, sizes.d_k),
                d_k: ViewMut::contiguous(d_k, sizes.k_len, n_kv_heads, sizes.d_k),
                d_v: ViewMut::contiguous(d_v, sizes.k_len, n_kv_heads, sizes.d_v),
            },
        );
        gradients
    }
}

struct Sizes {
    batch: usize,
    q_len: usize,
    k_len: usize,
    d_k: usize,
    d_v: usize,
}

impl Sizes {
    fn new<T>([q, k, v]: &[Array<'_, T>; 3], attention: &DotProductAttention) -> Self {
        let DotProductAttention { n_heads, n_kv_heads, .. } = *attention;
        let (q, k, v) = (q.shape, k.shape, v.shape);
        Self { batch: q[0], q_len: q[1], k_len: k[1], d_k: q[2] / n_heads, d_v: v[2] / n_kv_heads }
    }

    fn attention<'a, T: Number>(&self, attention: &'a DotProductAttention) -> Attention<'a, T> {
        let Self { batch, q_len, k_len, d_k, d_v } = *self;
        Attention {
            batch,
            q_len,
            k_len,
            n_heads: attention.n_heads,
            n_kv_heads: attention.n_kv_heads,
            d_k,
            d_v,
            scale: T::from_f64(attention.scale),
            softmax: match attention.softmax {
                Softmax::Standard => qkv_kernels::Softmax::Standard,
                Softmax::Quiet => qkv_kernels::Softmax::Quiet,
            },
            causal: attention.causal.map(|align| match align {
                CausalAlign::TopLeft => Causal::TopLeft,
                CausalAlign::BottomRight => Causal::BottomRight,
            }),
            lengths: attention.lengths.as_deref(),
            hidden: None,
            bias: None,
            dropout: attention.dropout,
        }
    }

    fn views<'a, T: Number>(
        &self,
        [q, k, v]: [Array<'a, T>; 3],
        attention: &DotProductAttention,
    ) -> AttentionInputs<'a, T> {
        let DotProductAttention { n_heads, n_kv_heads, .. } = *attention;
        AttentionInputs {
            q: View::contiguous(q.values, self.q_len, n_heads, self.d_k),
            k: View::contiguous(k.values, self.k_len, n_kv_heads, self.d_k),
            v: View::contiguous(v.values, self.k_len, n_kv_heads, self.d_v),
        }
    }
}

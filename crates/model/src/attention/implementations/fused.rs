//! Attention by the kernels, alone or with the three projections before it: where the gradient of W_Q comes from.
//!
//! Queries, keys and values are `[batch, len, heads, d]` here, so that heads that lie side by side are not copied. The
//! reference implementation is in `reference.rs`.

use std::sync::Arc;

use burn::tensor::{Bool, Tensor};
use qkv_kernels::{
    Attention, AttentionGradients, AttentionInputs, AttentionSaved, CausalAlign, Dropout, MaskView, Matrix,
    Softmax, View, ViewMut, attention_backward, attention_forward, zeros,
};

use crate::attention::mask::Mask;
use crate::fused::{Array, Forward, Gradient, HostBackend, Kernel, Number, Saved, Values, apply};

/// Everything about attention with dot products that is not a tensor of the graph.
#[derive(Debug, Clone)]
pub(in crate::attention) struct FusedAttention {
    backend: HostBackend,
    scale: f64,
    softmax: Softmax,
    dropout: Option<Dropout>,
    causal: Option<CausalAlign>,
    lengths: Option<Vec<usize>>,
    hidden: Option<Hidden>,
    bias: Option<Values>,
}

/// Which keys are hidden, of a shape that broadcasts to `[batch, heads, q_len, k_len]`.
#[derive(Debug, Clone)]
struct Hidden {
    values: Arc<[bool]>,
    shape: [usize; 4],
}

impl FusedAttention {
    /// Attention for queries like `q` and a mask that fits `scores`, the shape of the scores.
    ///
    /// # Errors
    /// The reason for which the kernels cannot compute it.
    pub(in crate::attention) fn new<const D: usize>(
        q: &Tensor<D>,
        scores: [usize; 4],
        mask: &Mask,
        (scale, softmax, dropout): (f64, Softmax, Option<Dropout>),
    ) -> Result<Self, &'static str> {
        let backend = HostBackend::of(q).ok_or("the kernels compute on the CPU, in f32 and f64 alone")?;
        let mask = mask.merge(scores, q.dtype());
        let bias = match mask.bias {
            Some(bias) if backend.is_tracked(&bias) => {
                return Err("the bias of the scores is learned, and the kernels give it no gradient");
            }
            bias => bias.map(|bias| backend.constant(bias)),
        };
        let hidden = mask.hidden.map(|hidden: Tensor<4, Bool>| {
            let shape = hidden.dims();
            Hidden { values: hidden.into_data().iter::<bool>().collect(), shape }
        });
        Ok(Self {
            backend,
            scale,
            softmax,
            dropout,
            causal: mask.causal,
            lengths: mask.lengths,
            hidden,
            bias,
        })
    }

    /// The context, `[batch, heads, q_len, d_v]`, of `q` `[batch, heads, q_len, d_k]`, `k`
    /// `[batch, kv_heads, k_len, d_k]` and `v` `[batch, kv_heads, k_len, d_v]`.
    pub(in crate::attention) fn context_of_heads(
        self,
        q: Tensor<4>,
        k: Tensor<4>,
        v: Tensor<4>,
    ) -> Tensor<4> {
        let inputs = [q, k, v].map(|tensor| tensor.swap_dims(1, 2).into_dispatch());
        Tensor::<4>::from_dispatch(apply(self.backend, self, inputs)).swap_dims(1, 2)
    }

    /// The contexts of all heads side by side, `[batch, seq_len, n_heads·d_v]`, of `x` `[batch, seq_len, d_in]` and
    /// `w_q`, `w_k`, `w_v` `[d_in, heads·d]`; what one that is `None` would make is `x` itself. What goes into the
    /// matrices gets one gradient, summed inside the products.
    pub(in crate::attention) fn self_attention(
        self,
        x: Tensor<3>,
        weights: [Option<Tensor<2>>; 3],
        [n_heads, n_kv_heads]: [usize; 2],
    ) -> Tensor<3> {
        let has_matrix = weights.each_ref().map(Option::is_some);
        let [q, k, v] = weights.map(|w| w.map_or_else(|| x.clone().into_dispatch(), |w| w.into_dispatch()));
        let kernel =
            FusedSelfAttention { attention: self, heads: [n_heads, n_kv_heads, n_kv_heads], has_matrix };
        Tensor::from_dispatch(apply(kernel.attention.backend, kernel, [x.into_dispatch(), q, k, v]))
    }

    /// The context, and the maximum and the sum of each query's softmax, from which the backward makes its weights
    /// again.
    fn forward<T: Number>(&self, inputs: [Array<'_, T>; 3]) -> [Vec<T>; 2] {
        let attention = self.sizes(&inputs);
        let Attention { batch, q_len, n_heads, d_v, .. } = attention;
        let mut context = zeros(batch * q_len * n_heads * d_v);
        let mut normalizer = zeros(batch * n_heads * q_len * 2);
        let out = ViewMut::contiguous(&mut context, q_len, n_heads, d_v);
        attention_forward(&attention, views(inputs), out, &mut normalizer);
        [context, normalizer]
    }

    /// The gradients of queries, keys and values.
    fn backward<T: Number>(
        &self,
        inputs: [Array<'_, T>; 3],
        [context, normalizer, d_context]: [&[T]; 3],
    ) -> [Vec<T>; 3] {
        let attention = self.sizes(&inputs);
        let Attention { q_len, n_heads, d_v, .. } = attention;
        let mut gradients = inputs.map(|input| zeros(input.values.len()));
        let [d_q, d_k, d_v_values] = &mut gradients;
        let view_mut = |values, of: usize| {
            let [_, len, heads, d] = axes(inputs[of].shape);
            ViewMut::contiguous(values, len, heads, d)
        };
        attention_backward(
            &attention,
            AttentionSaved {
                inputs: views(inputs),
                context: View::contiguous(context, q_len, n_heads, d_v),
                normalizer,
                d_context: View::contiguous(d_context, q_len, n_heads, d_v),
            },
            AttentionGradients { d_q: view_mut(d_q, 0), d_k: view_mut(d_k, 1), d_v: view_mut(d_v_values, 2) },
        );
        gradients
    }

    /// The arguments of the kernels for queries, keys and values of these shapes.
    fn sizes<T: Number>(&self, [q, k, v]: &[Array<'_, T>; 3]) -> Attention<'_, T> {
        let [[batch, q_len, n_heads, d_k], [_, k_len, n_kv_heads, _], [_, _, _, d_v]] =
            [q, k, v].map(|array| axes(array.shape));
        Attention {
            batch,
            q_len,
            k_len,
            n_heads,
            n_kv_heads,
            d_k,
            d_v,
            scale: T::from_f64(self.scale),
            softmax: self.softmax,
            causal: self.causal,
            lengths: self.lengths.as_deref(),
            hidden: self.hidden.as_ref().map(|hidden| mask_view(&hidden.values, hidden.shape)),
            bias: self.bias.as_ref().map(|bias| mask_view(bias.slice(), axes(bias.shape()))),
            dropout: self.dropout,
        }
    }
}

impl Kernel<3> for FusedAttention {
    fn forward<T: Number>(&self, inputs: [Array<'_, T>; 3]) -> Forward<T> {
        let [out, normalizer] = self.forward(inputs);
        let [[batch, q_len, n_heads, _], [.., d_v]] = [0, 2].map(|of| axes(inputs[of].shape));
        Forward { shape: vec![batch, q_len, n_heads, d_v], out, extra: vec![normalizer] }
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 3>) -> [Gradient<T>; 3] {
        self.backward(saved.inputs, [saved.out, saved.extra[0], saved.d_out]).map(Gradient::New)
    }

    fn keeps_out(&self) -> bool {
        true
    }
}

/// Attention after its projections, with the inputs `x`, `w_q`, `w_k` and `w_v`, in which `x` stands for a matrix that
/// there is not. Keeps queries, keys, values and normalizers.
#[derive(Debug, Clone)]
struct FusedSelfAttention {
    attention: FusedAttention,
    /// Numbers of heads of queries, keys and values.
    heads: [usize; 3],
    has_matrix: [bool; 3],
}

impl FusedSelfAttention {
    /// Shapes of queries, keys and values. The last axis of `x` is the width of what has no matrix.
    fn shapes<T>(&self, x: Array<'_, T>, weights: [Array<'_, T>; 3]) -> [[usize; 4]; 3] {
        [0, 1, 2].map(|i| {
            let width = weights[i].shape[weights[i].shape.len() - 1];
            [x.shape[0], x.shape[1], self.heads[i], width / self.heads[i]]
        })
    }
}

impl Kernel<4> for FusedSelfAttention {
    fn forward<T: Number>(&self, [x, weights @ ..]: [Array<'_, T>; 4]) -> Forward<T> {
        let made = [0, 1, 2].map(|i| self.has_matrix[i].then(|| x.matrix().times(weights[i].matrix())));
        let shapes = self.shapes(x, weights);
        let qkv =
            [0, 1, 2].map(|i| Array { values: made[i].as_deref().unwrap_or(x.values), shape: &shapes[i] });
        let [out, normalizer] = self.attention.forward(qkv);
        let [batch, seq_len, _, d_v] = shapes[2];
        let [q, k, v] = made.map(Option::unwrap_or_default);
        Forward { shape: vec![batch, seq_len, self.heads[0] * d_v], out, extra: vec![q, k, v, normalizer] }
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 4>) -> [Gradient<T>; 4] {
        let Saved { inputs: [x, weights @ ..], out, ref extra, d_out, needed } = saved;
        let Self { has_matrix, .. } = *self;
        let shapes = self.shapes(x, weights);
        let qkv = [0, 1, 2].map(|i| {
            let values = if has_matrix[i] { extra[i] } else { x.values };
            Array { values, shape: &shapes[i] }
        });
        let gradients = self.attention.backward(qkv, [out, extra[3], d_out]);

        // Forward: q = x w_q, k = x w_k, v = x w_v.
        let mut d_x: Option<Vec<T>> = None;
        for i in (0..3).filter(|&i| needed[0] && has_matrix[i]) {
            let w = weights[i].matrix();
            let d = Matrix::new(&gradients[i], weights[i].shape[1]);
            match &mut d_x {
                None => d_x = Some(d.times(w.transposed())),
                Some(d_x) => d.add_times(w.transposed(), d_x),
            }
        }
        let mut i = 0..;
        let [d_q, d_k, d_v] = gradients.map(|d| {
            let i = i.next().expect("endless");
            needed[i + 1].then(|| match has_matrix[i] {
                true => x.matrix().transposed().times(Matrix::new(&d, weights[i].shape[1])),
                // Forward: q = x, which is this input, too.
                false => d,
            })
        });
        [d_x, d_q, d_k, d_v].map(|gradient| gradient.map_or(Gradient::None, Gradient::New))
    }

    fn keeps_out(&self) -> bool {
        true
    }
}

fn axes(shape: &[usize]) -> [usize; 4] {
    shape.try_into().expect("four axes")
}

fn views<T>(inputs: [Array<'_, T>; 3]) -> AttentionInputs<'_, T> {
    let [q, k, v] = inputs.map(|Array { values, shape }| {
        let [_, len, heads, d] = axes(shape);
        View::contiguous(values, len, heads, d)
    });
    AttentionInputs { q, k, v }
}

/// A view in which axes of size one are repeated.
fn mask_view<T>(data: &[T], shape: [usize; 4]) -> MaskView<'_, T> {
    let stride = |axis: usize| if shape[axis] == 1 { 0 } else { shape[axis + 1..].iter().product() };
    MaskView {
        data,
        batch_stride: stride(0),
        head_stride: stride(1),
        q_stride: stride(2),
        k_stride: stride(3),
    }
}

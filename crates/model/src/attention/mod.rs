//! Self-attention with learnable W_Q, W_K and W_V. Read this file first; the others hold one noun each.

mod additive;
mod basic;
mod config;
mod form;
mod fused;
mod hook;
mod mask;
mod non_finite;
mod qk_norm;
mod score;
mod softmax;
mod spec;
mod trace;

pub use additive::Additive;
pub use basic::BasicAttention;
pub use config::{Projections, SelfAttentionConfig};
pub use form::AttentionForm;
pub(crate) use hook::call_hook;
pub use hook::{Hook, Stage};
pub use mask::{CausalAlign, Mask};
pub use qk_norm::QkNorm;
pub use score::{AnyScore, Dot, ScaledDot, Score};
pub use softmax::Softmax;
pub use spec::{Attended, AttentionOutput, AttentionSpec, attention, attention_with_weights};
pub use trace::Trace;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use hook::Step;

use crate::dropout::WeightDropout;
use crate::fused::all_finite;
use crate::linear::{linear, linear_onto};
use crate::mode::Mode;
use crate::positions::{AnyPositions, Positions};

/// Multi-head self-attention ([Vaswani et al. 2017, section 3.2](https://arxiv.org/abs/1706.03762)).
///
/// ```text
/// q = x W_Q    k = x W_K    v = x W_V                        per head: [d_in] → [d_k], [d_k], [d_v]
/// context_h = softmax(scale · score(q_h, k_h) + mask) v_h    for every head h
/// output    = [context_1 … context_n] W_O                    W_O optional
/// ```
///
/// What else may stand between projections and weights is off unless the config asks for it: [`QkNorm`], a position
/// scheme that acts in the layer, and the cap and the sink of [`AttentionSpec`].
///
/// Built by [`SelfAttentionConfig`]. A projection that is `None` is the identity, a bias that is `None` is zero.
/// The fields are public so that weights can be set by hand; columns `h·d_k .. (h+1)·d_k` of `w_q` belong to head `h`.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Makes queries, `[d_in, n_heads·d_k]`.
    pub w_q: Option<Param<Tensor<2>>>,
    /// Makes keys, `[d_in, n_kv_heads·d_k]`.
    pub w_k: Option<Param<Tensor<2>>>,
    /// Makes values, `[d_in, n_kv_heads·d_v]`.
    pub w_v: Option<Param<Tensor<2>>>,
    /// Mixes the heads, `[n_heads·d_v, d_out]`.
    pub w_o: Option<Param<Tensor<2>>>,
    /// Added to the queries, `[n_heads·d_k]`.
    pub b_q: Option<Param<Tensor<1>>>,
    /// Added to the keys, `[n_kv_heads·d_k]`; the softmax cancels it under a dot score.
    pub b_k: Option<Param<Tensor<1>>>,
    /// Added to the values, `[n_kv_heads·d_v]`.
    pub b_v: Option<Param<Tensor<1>>>,
    /// Added to the output, `[d_out]`.
    pub b_o: Option<Param<Tensor<1>>>,
    /// Compares queries with keys.
    pub score: AnyScore,
    /// Turns queries and keys, or adds to the scores; absent where the positions act on the model's input alone.
    pub positions: Option<AnyPositions>,
    /// Brings queries and keys to one length.
    pub qk_norm: Option<QkNorm>,
    dropout: WeightDropout,
    softcap: Option<f64>,
    #[module(skip)]
    softmax: Softmax,
    #[module(skip)]
    form: AttentionForm,
    /// `[1]`, on the device and in the precision of the layer.
    one: Tensor<1>,
    d_in: usize,
    d_k: usize,
    d_v: usize,
    d_out: usize,
    n_heads: usize,
    n_kv_heads: usize,
}

impl SelfAttention {
    /// What every position gets.
    ///
    /// # Shapes
    /// - `x`: `[batch, seq_len, d_in]`
    /// - returns `[batch, seq_len, d_out]`
    ///
    /// # Panics
    /// If `x`, the mask, or a matrix or bias that was set by hand does not have the shape or the precision of the layer,
    /// or if the layer asks for the fused kernels and the mask has a bias that is learned.
    pub fn forward(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        linear_or_identity(self.context(x, mask, mode), &self.w_o, &self.b_o)
    }

    /// The same added to a residual stream of that shape.
    pub(crate) fn forward_onto(
        &self,
        residual: Tensor<3>,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
    ) -> Tensor<3> {
        let context = self.context(x, mask, mode);
        match &self.w_o {
            Some(w_o) => linear_onto(residual, context, w_o.val(), self.b_o.as_ref().map(Param::val)),
            None => residual + linear_or_identity(context, &None, &self.b_o),
        }
    }

    /// The output together with the attention weights of every head, `[batch, heads, seq_len, seq_len]`, by the
    /// reference implementation.
    ///
    /// # Shapes
    /// As for [`forward`](Self::forward).
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_with_weights(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> AttentionOutput {
        let mut weights = None;
        let output = self.walk(x, mask, mode, &mut |step, x| {
            if step == Step::Stage(Stage::Weights) {
                weights = Some(x.clone());
            }
            x
        });
        AttentionOutput { output, weights: weights.expect("every walk comes to the weights") }
    }

    /// What W_Q, W_K and W_V make of `x`: `[batch, heads, seq_len, d_k]`, `[batch, kv_heads, seq_len, d_k]` and
    /// `[batch, kv_heads, seq_len, d_v]`.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn project(&self, x: Tensor<3>) -> [Tensor<4>; 3] {
        self.check(&x);
        let q = linear_or_identity(x.clone(), &self.w_q, &self.b_q);
        let k = linear_or_identity(x.clone(), &self.w_k, &self.b_k);
        let v = linear_or_identity(x, &self.w_v, &self.b_v);
        let [heads, kv_heads] = [self.n_heads, self.n_kv_heads];
        [split_heads(q, heads), split_heads(k, kv_heads), split_heads(v, kv_heads)]
    }

    /// Why [`forward`](Self::forward) takes the reference implementation, whatever its input, instead of the fused
    /// kernels; `None` where it takes the kernels.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use qkv_model::{Choice, Init, SelfAttentionConfig};
    ///
    /// let mut config = SelfAttentionConfig::new(3, 2);
    /// assert_eq!(config.init(&Init::new(&Device::flex(), 1))?.reference_reason(), None);
    /// config.score = Choice::new("additive");
    /// let reason = config.init(&Init::new(&Device::flex(), 1))?.reference_reason();
    /// assert_eq!(reason, Some("the score is not a dot product"));
    /// # Ok::<(), qkv_model::ModelError>(())
    /// ```
    pub fn reference_reason(&self) -> Option<&'static str> {
        self.spec(Mode::Evaluate).reference_reason(&self.one, self.n_heads)
    }

    /// The contexts of all heads side by side, `[batch, seq_len, heads·d_v]`.
    fn context(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<3> {
        self.check(&x);
        let [batch, seq_len, _] = x.dims();
        let scores = [batch, self.n_heads, seq_len, seq_len];
        if self.is_bare()
            && (mask.is_none() || all_finite(&x))
            && let Some(fused) = self.spec(mode).fused(&x, scores, self.d_k, mask)
        {
            match [&self.w_q, &self.w_k, &self.w_v].map(|w| w.as_ref().map(Param::val)) {
                [Some(w_q), Some(w_k), Some(w_v)] => {
                    return fused.self_attention(x, [w_q, w_k, w_v], [self.n_heads, self.n_kv_heads]);
                }
                [None, None, None] => return fused.without_projections(x, self.n_heads),
                _ => {}
            }
        }
        join_heads(self.heads(x, mask, mode))
    }

    /// Whether nothing but projections stands between the input and the scores.
    fn is_bare(&self) -> bool {
        let has_bias = [&self.b_q, &self.b_k, &self.b_v].into_iter().any(Option::is_some);
        self.qk_norm.is_none() && self.positions.is_none() && !has_bias
    }

    /// The context of every head, `[batch, heads, seq_len, d_v]`.
    fn heads(&self, x: Tensor<3>, mask: &Mask, mode: Mode) -> Tensor<4> {
        let [q, k, v] = self.project(mask.clear_padding(x));
        let [q, k] = self.prepare(q, k);
        attention(&self.spec(mode), q, k, v, mask)
    }

    /// One pass by the reference implementation, in which everything that is computed goes through `show`.
    fn walk(
        &self,
        x: Tensor<3>,
        mask: &Mask,
        mode: Mode,
        show: &mut dyn FnMut(Step, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<3> {
        let [q, k, v] = self.project(mask.clear_padding(x));
        let q = show(Step::Stage(Stage::Queries), q);
        let k = show(Step::Stage(Stage::Keys), k);
        let v = show(Step::Stage(Stage::Values), v);
        let [q, k] = self.prepare(q, k);
        let q = show(Step::ComparedQueries, q);
        let k = show(Step::ComparedKeys, k);
        let context = self.spec(mode).walk(q, k, v, mask, show);
        linear_or_identity(join_heads(context), &self.w_o, &self.b_o)
    }

    /// Queries and keys as they are compared: normed and turned, where the layer does that.
    fn prepare(&self, q: Tensor<4>, k: Tensor<4>) -> [Tensor<4>; 2] {
        let [q, k] = match &self.qk_norm {
            Some(norm) => norm.forward(q, k),
            None => [q, k],
        };
        match &self.positions {
            Some(positions) => positions.rotate(q, k),
            None => [q, k],
        }
    }

    fn spec(&self, mode: Mode) -> AttentionSpec<'_> {
        let Self { score, positions, softcap, softmax, form, dropout, .. } = self;
        AttentionSpec {
            score,
            positions: positions.as_ref(),
            softcap: *softcap,
            softmax: *softmax,
            dropout: dropout.in_mode(mode),
            form: *form,
        }
    }

    /// The fields are public, so that every pass checks them, and its input.
    fn check(&self, x: &Tensor<3>) {
        let Self { d_in, d_k, d_v, d_out, n_heads, n_kv_heads, .. } = *self;
        let [.., width] = x.dims();
        assert!(width == d_in, "x must be [batch, seq_len, {d_in}], got {:?}", x.dims());
        let [q, k, v] = [n_heads * d_k, n_kv_heads * d_k, n_kv_heads * d_v];
        for (name, w, shape) in [
            ("w_q", &self.w_q, [d_in, q]),
            ("w_k", &self.w_k, [d_in, k]),
            ("w_v", &self.w_v, [d_in, v]),
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

impl SelfAttention {
    /// W_Q of head `head`, `[d_in, d_k]`. The same columns of the identity where there is no W_Q.
    ///
    /// # Panics
    /// Like its siblings, if there is no such head.
    pub fn w_q(&self, head: usize) -> Tensor<2> {
        self.check_head(head);
        self.columns(&self.w_q, head, self.d_k)
    }

    /// W_K of head `head`, `[d_in, d_k]`; its group shares it.
    pub fn w_k(&self, head: usize) -> Tensor<2> {
        self.columns(&self.w_k, self.kv_head(head), self.d_k)
    }

    /// W_V of head `head`, `[d_in, d_v]`; its group shares it.
    pub fn w_v(&self, head: usize) -> Tensor<2> {
        self.columns(&self.w_v, self.kv_head(head), self.d_v)
    }

    /// How the output of head `head` enters the sum, `[d_v, d_out]`; `None` where the heads are only concatenated.
    pub fn w_o(&self, head: usize) -> Option<Tensor<2>> {
        self.check_head(head);
        let rows = head * self.d_v..(head + 1) * self.d_v;
        self.w_o.as_ref().map(|w_o| w_o.val().slice([rows, 0..self.d_out]))
    }

    /// Width of the input.
    pub fn d_in(&self) -> usize {
        self.d_in
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

    /// The head of keys and values that head `head` of the queries looks at.
    pub fn kv_head(&self, head: usize) -> usize {
        self.check_head(head);
        head / (self.n_heads / self.n_kv_heads)
    }

    fn columns(&self, w: &Option<Param<Tensor<2>>>, head: usize, width: usize) -> Tensor<2> {
        let w = match w {
            Some(w) => w.val(),
            None => Tensor::<2>::eye(self.d_in, &self.one.device()).cast(self.one.dtype()),
        };
        w.slice([0..self.d_in, head * width..(head + 1) * width])
    }

    fn check_head(&self, head: usize) {
        assert!(head < self.n_heads, "head {head} of an attention layer with {} heads", self.n_heads);
    }
}

fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, seq_len, width] = x.dims();
    x.reshape([batch, seq_len, heads, width / heads]).swap_dims(1, 2)
}

fn join_heads(x: Tensor<4>) -> Tensor<3> {
    let [batch, heads, seq_len, width] = x.dims();
    x.swap_dims(1, 2).reshape([batch, seq_len, heads * width])
}

fn linear_or_identity(x: Tensor<3>, w: &Option<Param<Tensor<2>>>, b: &Option<Param<Tensor<1>>>) -> Tensor<3> {
    let b = b.as_ref().map(Param::val);
    match (w, b) {
        (Some(w), b) => linear(x, w.val(), b),
        (None, Some(b)) => x + b.unsqueeze(),
        (None, None) => x,
    }
}

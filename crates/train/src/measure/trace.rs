//! What every attention layer computes of a few examples, step by step.

use burn::tensor::Tensor;
use qkv_model::{Hook, Intermediate, Stage};

/// What one attention layer computes of one example, named as in the paper. `None` where the layer does not show it.
#[derive(Debug, Clone, Default)]
pub struct LayerTrace {
    /// The input of W_Q, W_K and W_V, `[q_len, d_in]`.
    pub x: Option<Tensor<2>>,
    /// The input of W_K and W_V where that is another one, `[k_len, d_source]`.
    pub source: Option<Tensor<2>>,
    /// Queries as they are compared, `[heads, q_len, d_k]`.
    pub q: Option<Tensor<3>>,
    /// Keys as they are compared, `[kv_heads, k_len, d_k]`.
    pub k: Option<Tensor<3>>,
    /// `[kv_heads, k_len, d_v]`.
    pub v: Option<Tensor<3>>,
    /// Before scaling, `[heads, q_len, k_len]`.
    pub scores: Option<Tensor<3>>,
    /// After scaling, with what is added to them; minus infinity at hidden keys, `[heads, q_len, k_len]`.
    pub scaled: Option<Tensor<3>>,
    /// The values mixed by the weights, before W_O, `[heads, q_len, d_v]`.
    pub context: Option<Tensor<3>>,
}

/// A hook that changes nothing. It keeps the attention weights of every example, and of the first ones a trace.
#[derive(Default)]
pub(super) struct Recorder {
    /// Of each layer, `[batch, heads, q_len, k_len]`.
    pub weights: Vec<Tensor<4>>,
    n_traced: usize,
    layers: Vec<Recorded>,
}

/// What one layer computes of the traced examples, with `[n_traced, ..]` in front of the shapes of a [`LayerTrace`].
#[derive(Default)]
struct Recorded {
    x: Option<Tensor<4>>,
    source: Option<Tensor<4>>,
    q: Option<Tensor<4>>,
    k: Option<Tensor<4>>,
    v: Option<Tensor<4>>,
    scores: Option<Tensor<4>>,
    scaled: Option<Tensor<4>>,
    context: Option<Tensor<4>>,
}

impl Recorder {
    /// With a trace of the first `n_traced` examples.
    pub(super) fn new(n_traced: usize) -> Self {
        Self { n_traced, ..Self::default() }
    }

    /// The trace of one of these examples, layer by layer.
    pub(super) fn trace(&self, example: usize) -> Vec<LayerTrace> {
        let of = |x: &Option<Tensor<4>>| Some(x.clone()?.narrow(0, example, 1).squeeze_dim::<3>(0));
        let layer = |layer: &Recorded| LayerTrace {
            x: of(&layer.x).map(|x| x.squeeze_dim(0)),
            source: of(&layer.source).map(|source| source.squeeze_dim(0)),
            q: of(&layer.q),
            k: of(&layer.k),
            v: of(&layer.v),
            scores: of(&layer.scores),
            scaled: of(&layer.scaled),
            context: of(&layer.context),
        };
        self.layers.iter().map(layer).collect()
    }

    fn layer(&mut self, layer: usize) -> &mut Recorded {
        if layer >= self.layers.len() {
            self.layers.resize_with(layer + 1, Recorded::default);
        }
        &mut self.layers[layer]
    }

    /// Of the traced examples; `None` where there are none.
    fn traced(&self, x: &Tensor<4>) -> Option<Tensor<4>> {
        (self.n_traced > 0).then(|| x.clone().narrow(0, 0, self.n_traced))
    }
}

impl Hook for Recorder {
    fn at(&mut self, layer: usize, stage: Stage, x: Tensor<4>) -> Tensor<4> {
        match stage {
            Stage::Weights => self.weights.push(x.clone()),
            Stage::Values => self.layer(layer).v = self.traced(&x),
            Stage::Context => self.layer(layer).context = self.traced(&x),
            Stage::Residual | Stage::Queries | Stage::Keys | Stage::Scores => {}
        }
        x
    }

    fn see(&mut self, layer: usize, what: Intermediate, x: &Tensor<4>) {
        let traced = self.traced(x);
        let layer = self.layer(layer);
        match what {
            Intermediate::Input => layer.x = traced,
            Intermediate::Source => layer.source = traced,
            Intermediate::ComparedQueries => layer.q = traced,
            Intermediate::ComparedKeys => layer.k = traced,
            Intermediate::Scores => layer.scores = traced,
            Intermediate::Masked => layer.scaled = traced,
        }
    }
}
